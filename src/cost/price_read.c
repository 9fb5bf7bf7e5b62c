/* price_read.c - LiteLLM's model_prices_and_context_window.json: an object of models, prices in US dollars a token. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "cost/price_inner.h"

static const char *const keys[PRICE_FIELDS] = {
	[PRICE_INPUT] = "input_cost_per_token", [PRICE_OUTPUT] = "output_cost_per_token",
	[PRICE_CACHE_READ] = "cache_read_input_token_cost", [PRICE_CACHE_WRITE] = "cache_creation_input_token_cost",
	[PRICE_BATCH_INPUT] = "input_cost_per_token_batches", [PRICE_BATCH_OUTPUT] = "output_cost_per_token_batches",
};

struct reading {
	struct price_table *table;
	const char *name, *as_of; /* of the file; in the table's arena */
	struct error *err;
	size_t found; /* models with prices */
};

/* A price that is 0 or less says nothing: most such rows are free trials, plans without prices by the token, and gaps. */
static bool read_cell(const struct reading *r, const char *model, struct price_cell *cell, const char *key, const json_t *value)
{
	double usd = json_number_value(value) * 1e6;

	if (!json_is_number(value))
		return error_set(r->err, "%s: %s of \"%.200s\" is not a number", r->name, key, model);
	if (cell->source && strcmp(cell->as_of, r->as_of) > 0) /* ISO dates sort as they are */
		return true;
	*cell = usd > 0 ? (struct price_cell){ usd, NAN, r->as_of, r->name } : (struct price_cell){ NAN, usd, r->as_of, r->name };
	return true;
}

static bool read_model(struct reading *r, const char *name, const json_t *entry)
{
	const char *retired = json_string_value(json_object_get(entry, "deprecation_date"));
	const json_t *minimum = json_object_get(entry, "prompt_cache_min_tokens");
	struct price_model *m = NULL;
	long day;

	if (!json_is_object(entry))
		return error_set(r->err, "%s: \"%.200s\" is not an object with prices", r->name, name);
	for (size_t f = 0; f < PRICE_FIELDS; f++) {
		const json_t *value = json_object_get(entry, keys[f]);

		if (!value || json_is_null(value))
			continue;
		m = m ? m : price_table_model(r->table, name);
		if (!m->users && !read_cell(r, name, &m->cells[f], keys[f], value))
			return false;
	}
	r->found += m != NULL;
	if (m && price_day(retired, &day))
		m->retired_on = arena_string(&r->table->arena, retired);
	if (m && json_number_value(minimum) > 0)
		m->cache_minimum_tokens = json_number_value(minimum);
	return true;
}

bool price_table_read(struct price_table *t, const char *bytes, size_t n, const char *name, const char *as_of, struct error *err)
{
	struct reading r = { t, arena_string(&t->arena, name), arena_string(&t->arena, as_of), err, 0 };
	json_error_t where;
	json_t *root = json_loadb(bytes, n, 0, &where), *entry;
	const char *model;
	bool read = json_is_object(root);

	if (!root)
		return error_set(err, "%s:%d: %s; LiteLLM's model_prices_and_context_window.json is wanted", name, where.line, where.text);
	if (!read)
		error_set(err, "%s: is not an object of models; LiteLLM's model_prices_and_context_window.json is wanted", name);
	json_object_foreach(root, model, entry)
		if (read && strcmp(model, "sample_spec") != 0) /* it explains the keys */
			read = read_model(&r, model, entry);
	json_decref(root);
	if (read && r.found == 0)
		read = error_set(err, "%s: has no model with input_cost_per_token", name);
	return read;
}
