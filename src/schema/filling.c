/* filling.c - one walk over the schema beside the known object. */
#include "schema/filling.h"

/* Where the walk stands. */
struct walk {
	const struct filling *f;
	struct buf field;
	size_t depth;
};

static json_t *fill(struct walk *w, const json_t *schema, const json_t *known, bool required);

static json_t *fill_object(struct walk *w, const json_t *schema, const json_t *known, bool required)
{
	json_t *out = json_object(), *property;
	size_t before = w->field.n;
	bool whole = true;
	const char *key;

	w->depth++;
	json_object_foreach(json_object_get(schema, "properties"), key, property) {
		bool needed = validator_requires(schema, key);

		buf_addf(&w->field, "/%s", key);
		json_t *value = fill(w, property, json_object_get(known, key), needed);

		w->field.n = before;
		w->field.data[before] = 0;
		if (value)
			json_object_set_new(out, key, value);
		whole &= value || !needed;
	}
	w->depth--;
	if (whole && (required || known || json_object_size(out) > 0))
		return out;
	json_decref(out);
	return NULL;
}

static json_t *fill_list(const struct walk *w, const json_t *schema, const json_t *known, bool required)
{
	size_t least = (size_t)json_integer_value(json_object_get(schema, "minItems"));
	json_t *found = w->f->strings(w->f->finder, buf_text(&w->field), true);

	if (json_array_size(found) >= least && (required || json_array_size(found) > 0))
		return found;
	json_decref(found);
	return required ? json_deep_copy(known) : NULL;
}

static json_t *fill_string(const struct walk *w, const json_t *schema, const json_t *known, bool required)
{
	json_t *found = w->f->strings(w->f->finder, buf_text(&w->field), false), *value = json_incref(json_array_get(found, 0));

	json_decref(found);
	if (value || !required)
		return value;
	return validator_has_type(schema, "null") ? json_null() : json_deep_copy(known);
}

/* The field that w stands at; NULL leaves it out. */
static json_t *fill(struct walk *w, const json_t *schema, const json_t *known, bool required)
{
	json_t *chosen = NULL;

	schema = validator_follow(w->f->validator, schema);
	const json_t *items = validator_follow(w->f->validator, json_object_get(schema, "items"));

	if (w->f->choice && w->f->choice(w->f->finder, buf_text(&w->field), &chosen))
		return chosen || !required ? chosen : json_deep_copy(known);
	if (json_object_get(schema, "properties") && w->depth < FILLING_DEPTH)
		return fill_object(w, schema, known, required);
	if (validator_has_type(schema, "array") && validator_has_type(items, "string"))
		return fill_list(w, schema, known, required);
	if (validator_has_type(schema, "string"))
		return fill_string(w, schema, known, required);
	return json_deep_copy(known);
}

void filling_write(const struct filling *f, const json_t *known, struct buf *out)
{
	struct walk w = { .f = f };
	json_t *filled = fill(&w, validator_schema(f->validator), known, true);

	validator_write(f->validator, validator_accepts(f->validator, filled, NULL) ? filled : known, out);
	json_decref(filled);
	buf_release(&w.field);
}
