/* validator.c - one recursion over value and schema. References and patterns are looked up once, when the validator is made.
 *
 * Alternatives inside alternatives can take time that doubles with each level; STEPS ends that with a refusal. */
#include "schema/validator.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "schema/pattern.h"
#include "schema/schema_inner.h"

enum { STEPS = 1000000, DEPTH = 1024 };

/* What is known of one part of the schema ahead of time. */
struct note {
	const json_t *schema; /* its address is the key */
	const json_t *target; /* of its $ref */
	struct pattern *pattern;
	struct note *next;
};

struct validator {
	struct schema inner; /* root, arena */
	struct hash_map by_schema; /* index + 1 into list */
	struct note **list;
	size_t n, capacity;
	struct error ignored;
};

struct check {
	struct validator *v;
	struct buf *why; /* NULL: nobody asks */
	size_t steps;
};

static void add_note(struct validator *v, struct note note)
{
	struct note *kept = arena_alloc(&v->inner.arena, sizeof(*kept));

	*kept = note;
	if (v->n == v->capacity) {
		v->capacity = v->capacity ? v->capacity * 2 : 16;
		v->list = mem_resize(v->list, v->capacity, sizeof(*v->list));
	}
	hash_map_put(&v->by_schema, (const char *)&kept->schema, sizeof(kept->schema), v->n);
	v->list[v->n++] = kept;
}

static const struct note *note_of(const struct validator *v, const json_t *schema)
{
	size_t i = hash_map_get(&v->by_schema, (const char *)&schema, sizeof(schema), SIZE_MAX);

	return i == SIZE_MAX ? NULL : v->list[i];
}

/* Every object of the document that looks like a part with a $ref or a pattern; inside an enum one may only look like it, and
 * is never asked about. */
static void take_notes(struct validator *v, const json_t *at)
{
	const struct location nowhere = { NULL, "#" };
	const json_t *pattern = json_object_get(at, "pattern"), *one;
	struct note note = { .schema = at };
	const char *key, *pointer;
	size_t i;

	if (json_is_string(json_object_get(at, "$ref")))
		note.target = schema_target(&v->inner, at, &nowhere, &pointer);
	if (json_is_string(pattern))
		note.pattern = pattern_new(json_string_value(pattern), json_string_length(pattern), &v->ignored);
	if (note.target || note.pattern)
		add_note(v, note);
	json_object_foreach((json_t *)(uintptr_t)at, key, one)
		take_notes(v, one);
	json_array_foreach(at, i, one)
		take_notes(v, one);
}

struct validator *validator_new(const char *text, size_t n, struct error *err)
{
	struct grammar *g = schema_compile(text, n, NULL, err);

	if (!g)
		return NULL;
	grammar_free(g);
	struct validator *v = mem_zero(1, sizeof(*v));

	v->inner.err = &v->ignored;
	v->inner.root = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	take_notes(v, v->inner.root);
	return v;
}

void validator_free(struct validator *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n; i++)
		if (v->list[i]->pattern)
			pattern_free(v->list[i]->pattern);
	free(v->list);
	hash_map_release(&v->by_schema);
	json_decref(v->inner.root);
	arena_release(&v->inner.arena);
	free(v);
}

const json_t *validator_schema(const struct validator *v)
{
	return v->inner.root;
}

const json_t *validator_follow(const struct validator *v, const json_t *schema)
{
	const struct note *note = NULL;

	/* schema_compile() refuses references in a circle with nothing in between */
	while (json_object_get(schema, "$ref") && (note = note_of(v, schema)) && note->target)
		schema = note->target;
	return schema;
}

bool validator_requires(const json_t *schema, const char *property)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), property) == 0)
			return true;
	return false;
}

bool validator_has_type(const json_t *schema, const char *type)
{
	const json_t *types = json_object_get(schema, "type"), *one;
	size_t i;

	if (json_object_get(schema, "enum") || json_object_get(schema, "const"))
		return false;
	json_array_foreach(types, i, one)
		if (strcmp(json_string_value(one), type) == 0)
			return true;
	return json_is_string(types) && strcmp(json_string_value(types), type) == 0;
}

/* ---- what is wrong ---- */

static bool refuse(struct check *c, const struct location *at, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool refuse(struct check *c, const struct location *at, const char *format, ...)
{
	char clause[256];
	va_list args;

	if (!c->why || c->why->n > 0)
		return false;
	va_start(args, format);
	vsnprintf(clause, sizeof(clause), format, args);
	va_end(args);
	buf_addf(c->why, "%s: ", location_text(&c->v->inner, at));
	append_line(c->why, clause);
	return false;
}

/* The value as it is written, for a sentence. */
static bool refuse_value(struct check *c, const struct location *at, const json_t *value, const char *what)
{
	struct buf text = { 0 };

	if (c->why)
		append_value(&text, value);
	refuse(c, at, "%.80s %s", buf_text(&text), what);
	buf_release(&text);
	return false;
}

/* ---- keyword by keyword ---- */

static bool fits(struct check *c, const json_t *schema, const json_t *value, const struct location *at, size_t depth);

static bool in_list(const json_t *values, const json_t *value)
{
	const json_t *one;
	size_t i;

	json_array_foreach(values, i, one)
		if (json_equal(one, value))
			return true;
	return false;
}

static const json_t *alternatives_of(const json_t *schema)
{
	const json_t *any = json_object_get(schema, "anyOf");

	return any ? any : json_object_get(schema, "oneOf");
}

/* The first alternative that the value satisfies; those of oneOf exclude each other (schema_disjoint.c). */
static const json_t *alternative(struct check *c, const json_t *list, const json_t *value, const struct location *at,
				 size_t depth)
{
	struct buf *why = c->why;
	const json_t *one, *found = NULL;
	size_t i;

	c->why = NULL;
	json_array_foreach(list, i, one)
		if (!found && fits(c, one, value, at, depth + 1))
			found = one;
	c->why = why;
	return found;
}

static uint32_t next_state(const struct pattern *p, uint32_t state, uint32_t code_point)
{
	uint32_t low = 0, high = p->n_classes;

	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (p->lows[middle] <= code_point)
			low = middle;
		else
			high = middle;
	}
	return p->next[(size_t)state * p->n_classes + low];
}

/* Code points of the text; *matches says whether the pattern, if there is one, does. */
static size_t read_string(const json_t *value, const struct pattern *p, bool *matches)
{
	const char *text = json_string_value(value);
	size_t n = json_string_length(value), count = 0;
	uint32_t state = 0, code_point;

	for (size_t i = 0; i < n; count++) {
		i += text_decode(text + i, n - i, &code_point);
		if (p && state != PATTERN_DEAD)
			state = next_state(p, state, code_point);
	}
	*matches = !p || (state != PATTERN_DEAD && p->accepts[state]);
	return count;
}

static double bound(const json_t *schema, const char *key, double absent)
{
	const json_t *value = json_object_get(schema, key);

	return value ? json_number_value(value) : absent;
}

static bool fits_string(struct check *c, const json_t *schema, const json_t *value, const struct location *at)
{
	const struct note *note = note_of(c->v, schema);
	bool matches;
	double n = (double)read_string(value, note ? note->pattern : NULL, &matches);

	if (n < bound(schema, "minLength", 0))
		return refuse_value(c, at, value, "is shorter than minLength");
	if (n > bound(schema, "maxLength", INFINITY))
		return refuse_value(c, at, value, "is longer than maxLength");
	return matches || refuse_value(c, at, value, "does not match the pattern");
}

static bool fits_number(struct check *c, const json_t *schema, const json_t *value, const struct location *at)
{
	double x = json_number_value(value);

	if (x < bound(schema, "minimum", -INFINITY) || x <= bound(schema, "exclusiveMinimum", -INFINITY))
		return refuse_value(c, at, value, "is below the minimum");
	if (x > bound(schema, "maximum", INFINITY) || x >= bound(schema, "exclusiveMaximum", INFINITY))
		return refuse_value(c, at, value, "is above the maximum");
	return true;
}

static bool fits_array(struct check *c, const json_t *schema, const json_t *value, const struct location *at, size_t depth)
{
	const json_t *items = json_object_get(schema, "items"), *one;
	double n = (double)json_array_size(value);
	size_t i;

	if (n < bound(schema, "minItems", 0))
		return refuse(c, at, "has fewer elements than minItems");
	if (n > bound(schema, "maxItems", INFINITY))
		return refuse(c, at, "has more elements than maxItems");
	json_array_foreach(value, i, one) {
		char number[24];
		struct location inner = { at, number };

		snprintf(number, sizeof(number), "%zu", i);
		if (!fits(c, items, one, &inner, depth + 1))
			return false;
	}
	return true;
}

static bool fits_object(struct check *c, const json_t *schema, const json_t *value, const struct location *at, size_t depth)
{
	const json_t *properties = json_object_get(schema, "properties"), *required = json_object_get(schema, "required");
	const json_t *one;
	const char *key;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)value, key, one) {
		const struct location inner = { at, key };
		const json_t *property = json_object_get(properties, key);

		if (!property)
			return refuse(c, &inner, "is not among the schema's properties");
		if (!fits(c, property, one, &inner, depth + 1))
			return false;
	}
	json_array_foreach(required, i, one)
		if (!json_object_get(value, json_string_value(one)))
			return refuse(c, at, "lacks \"%s\", which is required", json_string_value(one));
	return true;
}

static bool fits_type(struct check *c, const json_t *schema, const json_t *value, const struct location *at, size_t depth)
{
	if (!(value_kind(value) & schema_kinds(&c->v->inner, schema, at)))
		return refuse_value(c, at, value, "is not of the schema's type");
	if (json_is_object(value))
		return fits_object(c, schema, value, at, depth);
	if (json_is_array(value))
		return fits_array(c, schema, value, at, depth);
	if (json_is_string(value))
		return fits_string(c, schema, value, at);
	return !json_is_number(value) || fits_number(c, schema, value, at);
}

static bool fits(struct check *c, const json_t *schema, const json_t *value, const struct location *at, size_t depth)
{
	schema = validator_follow(c->v, schema);
	const json_t *list = json_object_get(schema, "enum"), *constant = json_object_get(schema, "const");

	if (c->steps++ > STEPS || depth > DEPTH)
		return refuse(c, at, "takes too long to compare with the schema");
	if (list)
		return in_list(list, value) || refuse_value(c, at, value, "is not in the schema's enum");
	if (constant)
		return json_equal(constant, value) || refuse_value(c, at, value, "is not the schema's const");
	list = alternatives_of(schema);
	if (list)
		return alternative(c, list, value, at, depth) || refuse_value(c, at, value, "satisfies none of the alternatives");
	return fits_type(c, schema, value, at, depth);
}

bool validator_accepts(struct validator *v, const json_t *value, struct buf *why)
{
	const struct location top = { NULL, "#" };
	struct check c = { .v = v, .why = why };

	return value && fits(&c, v->inner.root, value, &top, 0);
}

/* ---- writing ---- */

static json_t *ordered(struct check *c, const json_t *schema, const json_t *value);

static json_t *ordered_object(struct check *c, const json_t *schema, const json_t *value)
{
	const json_t *property, *one;
	json_t *out = json_object();
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)json_object_get(schema, "properties"), key, property)
		if ((one = json_object_get(value, key)))
			json_object_set_new(out, key, ordered(c, property, one));
	return out;
}

/* The value with the keys of all its objects in the order of their schemas. */
static json_t *ordered(struct check *c, const json_t *schema, const json_t *value)
{
	const struct location nowhere = { NULL, "#" };
	const json_t *one, *list;
	json_t *out;
	size_t i;

	for (schema = validator_follow(c->v, schema); (list = alternatives_of(schema));)
		schema = validator_follow(c->v, alternative(c, list, value, &nowhere, 0));
	list = json_object_get(schema, "enum");
	json_array_foreach(list, i, one)
		if (json_equal(one, value))
			return json_deep_copy(one);
	if (json_is_object(value) && json_object_get(schema, "properties"))
		return ordered_object(c, schema, value);
	if (!json_is_array(value) || !json_object_get(schema, "items"))
		return json_deep_copy(value);
	out = json_array();
	json_array_foreach(value, i, one)
		json_array_append_new(out, ordered(c, json_object_get(schema, "items"), one));
	return out;
}

void validator_write(struct validator *v, const json_t *value, struct buf *out)
{
	struct check c = { .v = v };
	json_t *in_order = ordered(&c, v->inner.root, value);

	append_value(out, in_order);
	json_decref(in_order);
}

json_t *validator_find_object(const char *text)
{
	json_t *whole = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *brace = strchr(text, '{');

	if (!whole && brace)
		whole = json_loads(brace, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);
	if (json_is_object(whole))
		return whole;
	json_decref(whole);
	return NULL;
}
