/* tagging.c - the schema's leaves, and those of answers. */
#include <string.h>

#include "tune/tagging_inner.h"

/* A schema whose objects refer to each other in several ways has more leaves than anyone means. */
enum { MOST_FIELDS = 1000 };

/* --- leaves of the schema ------------------------------------------------------------------------------------------ */

struct leaves {
	struct tagging *g;
	struct buf field;
	size_t depth;
};

static bool full(const struct tagging *g)
{
	return g->n_strings + g->n_choices + g->untagged >= MOST_FIELDS;
}

static void add_string(struct leaves *l, bool list)
{
	struct tagging *g = l->g;

	g->strings[g->n_strings++] = (struct tagged_string){ arena_string(&g->arena, buf_text(&l->field)), list };
}

/* A choice that has one class says nothing. */
static void add_choice(struct leaves *l, json_t *values, bool optional)
{
	struct tagging *g = l->g;

	if (json_array_size(values) + optional > 1)
		g->choices[g->n_choices++] = (struct tagged_choice){ arena_string(&g->arena, buf_text(&l->field)), values, optional };
	else
		json_decref(values);
}

/* The values that a part lists, or true and false; NULL: it lists none. */
static json_t *listed(const json_t *schema)
{
	json_t *values = json_object_get(schema, "enum"), *constant = json_object_get(schema, "const");

	if (values)
		return json_incref(values);
	if (constant)
		return json_pack("[O]", constant);
	if (!validator_has_type(schema, "boolean") || validator_has_type(schema, "string"))
		return NULL;
	return validator_has_type(schema, "null") ? json_pack("[b, b, n]", 1, 0) : json_pack("[b, b]", 1, 0);
}

static void add_leaves(struct leaves *l, const json_t *schema, bool optional)
{
	struct tagging *g = l->g;
	json_t *properties, *property, *values;
	size_t before = l->field.n;
	const char *key;

	schema = validator_follow(g->validator, schema);
	properties = json_object_get(schema, "properties");
	values = listed(schema);
	if (full(g)) {
		json_decref(values);
	} else if (values) {
		add_choice(l, values, optional);
	} else if (properties && l->depth < FILLING_DEPTH) {
		l->depth++;
		json_object_foreach(properties, key, property) {
			buf_addf(&l->field, "/%s", key);
			add_leaves(l, property, optional || !validator_requires(schema, key));
			l->field.n = before;
			l->field.data[before] = 0;
		}
		l->depth--;
	} else if (validator_has_type(schema, "string")) {
		add_string(l, false);
	} else if (validator_has_type(schema, "array") &&
		   validator_has_type(validator_follow(g->validator, json_object_get(schema, "items")), "string")) {
		add_string(l, true);
	} else {
		g->untagged++;
	}
}

struct tagging *tagging_new(struct validator *v)
{
	struct tagging *g = mem_zero(1, sizeof(*g));
	struct leaves l = { .g = g };

	arena_init(&g->arena);
	g->validator = v;
	g->strings = arena_array(&g->arena, MOST_FIELDS, sizeof(*g->strings));
	g->choices = arena_array(&g->arena, MOST_FIELDS, sizeof(*g->choices));
	add_leaves(&l, validator_schema(v), false);
	buf_release(&l.field);
	g->n_tags = g->n_strings ? 1 + 2 * g->n_strings : 0;
	g->heads = arena_array(&g->arena, g->n_choices + 1, sizeof(*g->heads));
	for (size_t i = 0; i < g->n_strings; i++)
		hash_map_put(&g->by_field, g->strings[i].field, strlen(g->strings[i].field), 1 + i);
	for (size_t i = 0; i < g->n_choices; i++) {
		g->n_classes += g->heads[i] = json_array_size(g->choices[i].values) + g->choices[i].optional;
		hash_map_put(&g->by_field, g->choices[i].field, strlen(g->choices[i].field), 1 + g->n_strings + i);
	}
	return g;
}

void tagging_free(struct tagging *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n_choices; i++)
		json_decref(g->choices[i].values);
	hash_map_release(&g->by_field);
	arena_release(&g->arena);
	free(g);
}

json_t *tagging_json(const struct tagging *g)
{
	json_t *tags = json_array(), *choices = json_object();

	if (g->n_tags)
		json_array_append_new(tags, json_string("O"));
	for (size_t i = 0; i < g->n_strings; i++) {
		json_array_append_new(tags, json_sprintf("B-%s", g->strings[i].field));
		json_array_append_new(tags, json_sprintf("I-%s", g->strings[i].field));
	}
	for (size_t i = 0; i < g->n_choices; i++) {
		json_t *values = json_copy(g->choices[i].values);

		if (g->choices[i].optional)
			json_array_append_new(values, json_null());
		json_object_set_new(choices, g->choices[i].field, values);
	}
	return json_pack("{s:o, s:o}", "tags", tags, "choices", choices);
}

/* --- leaves of an answer ------------------------------------------------------------------------------------------- */

struct visit {
	const struct tagging *g;
	struct buf field;
	void (*fn)(void *context, size_t at, const json_t *value); /* at: as by_field has it */
	void *context;
};

static void visit_values(struct visit *v, const json_t *value)
{
	size_t at = hash_map_get(&v->g->by_field, buf_text(&v->field), v->field.n, 0), before = v->field.n, i;
	const char *key;
	json_t *one;

	if (at && (at > v->g->n_strings || json_is_string(value))) {
		v->fn(v->context, at - 1, value);
		return;
	}
	json_array_foreach(value, i, one)
		visit_values(v, one);
	json_object_foreach((json_t *)(uintptr_t)value, key, one) {
		buf_addf(&v->field, "/%s", key);
		visit_values(v, one);
		v->field.n = before;
		v->field.data[before] = 0;
	}
}

void tagging_visit(const struct tagging *g, const json_t *answer, void (*fn)(void *context, size_t at, const json_t *value),
		   void *context)
{
	struct visit v = { .g = g, .fn = fn, .context = context };

	visit_values(&v, answer);
	buf_release(&v.field);
}

struct classing {
	const struct tagging *g;
	size_t *classes;
};

static void note_class(void *context, size_t at, const json_t *value)
{
	const struct classing *c = context;
	size_t choice = at - c->g->n_strings, i;
	json_t *one;

	if (at < c->g->n_strings)
		return;
	json_array_foreach(c->g->choices[choice].values, i, one)
		if (json_equal(one, value))
			c->classes[choice] = i;
}

void tagging_classes(const struct tagging *g, const json_t *answer, size_t *classes)
{
	struct classing c = { g, classes };

	for (size_t i = 0; i < g->n_choices; i++) /* left out; where it must be there, it is noted below */
		classes[i] = g->choices[i].optional ? json_array_size(g->choices[i].values) : 0;
	tagging_visit(g, answer, note_class, &c);
}

struct parting {
	const struct tagging *g;
	json_t *out;
};

static void note_part(void *context, size_t at, const json_t *value)
{
	const struct parting *p = context;
	const char *field = at < p->g->n_strings ? p->g->strings[at].field : p->g->choices[at - p->g->n_strings].field;
	json_t *list = json_object_get(p->out, field);

	if (at >= p->g->n_strings)
		json_object_set_new(p->out, field, json_incref((json_t *)(uintptr_t)value));
	else if (list)
		json_array_append_new(list, json_incref((json_t *)(uintptr_t)value));
	else
		json_object_set_new(p->out, field, json_pack("[O]", value));
}

json_t *tagging_parts(const struct tagging *g, const json_t *answer)
{
	struct parting p = { g, json_object() };

	tagging_visit(g, answer, note_part, &p);
	return p.out;
}
