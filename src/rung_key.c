/* rung_key.c - the public API over serve/keys.h: who may ask a server */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rung_inner.h"
#include "serve/keys.h"

static double limit_of(double given)
{
	return given > 0 ? given : INFINITY;
}

static bool scopes_of(const struct rung_key_options *o, unsigned *out, struct error *err)
{
	*out = 0;
	for (size_t i = 0; i < o->n_scopes; i++) {
		unsigned scope = key_scope_named(o->scopes[i]);

		if (!scope)
			return error_set(err, "scope \"%s\": is none; a key may have ask, feedback, read, metrics, and admin", o->scopes[i]);
		*out |= scope;
	}
	return true;
}

enum rung_status rung_key_add(const char *file, const struct rung_key_options *o, char **key, struct rung_error *err)
{
	struct key k = { .name = o->name, .tenant = o->tenant, .models = o->models, .n_models = o->n_models,
			 .requests_per_minute = limit_of(o->requests_per_minute), .tokens_per_minute = limit_of(o->tokens_per_minute),
			 .usd_per_day = limit_of(o->usd_per_day) };
	char text[KEY_TEXT];
	struct error e;

	if (!scopes_of(o, &k.scopes, &e) || !keys_add(file, &k, text, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	*key = mem_string(text);
	explicit_bzero(text, sizeof(text));
	return RUNG_OK;
}

enum rung_status rung_key_remove(const char *file, const char *name, struct rung_error *err)
{
	struct error e;

	return keys_remove(file, name, &e) ? RUNG_OK : rung_failed(RUNG_INPUT, &e, err);
}

/* ---- the list ---- */

static void add_limit(struct buf *out, const char *what, double most)
{
	if (!isinf(most))
		buf_addf(out, ", %.12g %s", most, what);
}

static void add_line(struct buf *out, const struct key *k)
{
	const char *between = "";

	buf_addf(out, "%-20s %-12s ", k->name, k->added ? k->added : "");
	for (unsigned scope = KEY_ASK; scope <= KEY_ADMIN; scope <<= 1) {
		if (k->scopes & scope) {
			buf_addf(out, "%s%s", between, key_scope_name(scope));
			between = "+";
		}
	}
	if (strcmp(k->tenant, k->name) != 0)
		buf_addf(out, ", of %s", k->tenant);
	for (size_t i = 0; i < k->n_models; i++)
		buf_addf(out, ", %s", k->models[i]);
	add_limit(out, "requests a minute", k->requests_per_minute);
	add_limit(out, "tokens a minute", k->tokens_per_minute);
	add_limit(out, "USD a day", k->usd_per_day);
	buf_addc(out, '\n');
}

static json_t *limit_json(double most)
{
	return isinf(most) ? json_null() : json_real(most);
}

static json_t *key_json(const struct key *k)
{
	json_t *scopes = json_array(), *models = json_array();

	for (unsigned scope = KEY_ASK; scope <= KEY_ADMIN; scope <<= 1)
		if (k->scopes & scope)
			json_array_append_new(scopes, json_string(key_scope_name(scope)));
	for (size_t i = 0; i < k->n_models; i++)
		json_array_append_new(models, json_string(k->models[i]));
	return json_pack("{s:s, s:s, s:s?, s:o, s:o, s:o, s:o, s:o}", "name", k->name, "tenant", k->tenant, "added", k->added, "scopes", scopes, "models",
			 models, "requests_per_minute", limit_json(k->requests_per_minute), "tokens_per_minute", limit_json(k->tokens_per_minute),
			 "usd_per_day", limit_json(k->usd_per_day));
}

enum rung_status rung_key_list(const char *file, bool json, char **text, struct rung_error *err)
{
	struct arena arena;
	struct buf out = { 0 };
	struct error e;
	size_t n;

	arena_init(&arena);
	const struct key *keys = keys_read(file, &arena, &n, &e);
	json_t *list = json_array();

	for (size_t i = 0; keys && i < n; i++) {
		add_line(&out, &keys[i]);
		json_array_append_new(list, key_json(&keys[i]));
	}
	arena_release(&arena);
	if (keys && json) {
		buf_release(&out);
		*text = json_dumps(list, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
	} else if (keys) {
		*text = rung_handed_over(&out);
	}
	json_decref(list);
	return keys ? RUNG_OK : rung_failed(RUNG_INPUT, &e, err);
}
