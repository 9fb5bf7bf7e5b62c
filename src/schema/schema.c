/* schema.c - the keywords, objects, arrays, alternatives and references of a schema.
 *
 * Every object is a rule and every target of a $ref is one, so a grammar's depth bounds the depth of the JSON. Targets
 * are drafted one after another from a list, not inside each other: long chains of references cost no stack. */
#include "schema/schema_inner.h"
#include "schema/validator.h"

enum { ALL_KINDS = 127, MAIN = 0, NOTE = -1 };
enum { COMPARISONS = 2000000 }; /* for all oneOf of a schema */

/* What each keyword belongs to: kinds it constrains, MAIN for those that stand alone, NOTE for those that say nothing. */
static const struct keyword {
	const char *name;
	int kinds;
} keywords[] = {
	{ "type", ALL_KINDS },
	{ "enum", MAIN },
	{ "const", MAIN },
	{ "anyOf", MAIN },
	{ "oneOf", MAIN },
	{ "$ref", MAIN },
	{ "properties", KIND_OBJECT },
	{ "required", KIND_OBJECT },
	{ "additionalProperties", KIND_OBJECT },
	{ "items", KIND_ARRAY },
	{ "minItems", KIND_ARRAY },
	{ "maxItems", KIND_ARRAY },
	{ "minLength", KIND_STRING },
	{ "maxLength", KIND_STRING },
	{ "pattern", KIND_STRING },
	{ "minimum", KIND_NUMBER | KIND_INTEGER },
	{ "maximum", KIND_NUMBER | KIND_INTEGER },
	{ "exclusiveMinimum", KIND_NUMBER | KIND_INTEGER },
	{ "exclusiveMaximum", KIND_NUMBER | KIND_INTEGER },
	{ "title", NOTE },
	{ "description", NOTE },
	{ "default", NOTE },
	{ "examples", NOTE },
	{ "$schema", NOTE },
	{ "$id", NOTE },
	{ "$comment", NOTE },
	{ "$defs", NOTE },
	{ "definitions", NOTE },
};

static const struct {
	const char *name;
	unsigned kind;
} types[] = { { "object", KIND_OBJECT }, { "array", KIND_ARRAY },	 { "string", KIND_STRING }, { "number", KIND_NUMBER },
	      { "integer", KIND_INTEGER }, { "boolean", KIND_BOOLEAN }, { "null", KIND_NULL } };

static bool add_schema(struct schema *s, const json_t *schema, const struct location *at, unsigned nesting, uint32_t from,
		       uint32_t to);

/* ---- keywords ---- */

static const struct keyword *find_keyword(const char *name)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcmp(keywords[i].name, name) == 0)
			return &keywords[i];
	return NULL;
}

static unsigned type_named(const json_t *name)
{
	for (size_t i = 0; json_is_string(name) && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, json_string_value(name)) == 0)
			return types[i].kind;
	return 0;
}

unsigned schema_kinds(struct schema *s, const json_t *schema, const struct location *at)
{
	const json_t *type = json_object_get(schema, "type"), *one;
	unsigned kinds = type_named(type);
	size_t i;

	if (!type)
		return ALL_KINDS;
	json_array_foreach(type, i, one) {
		unsigned kind = type_named(one);

		if (!kind || (kinds & kind)) {
			kinds = 0;
			break;
		}
		kinds |= kind;
	}
	if (!kinds)
		schema_fail(s, at, "type",
			    "must be one of object, array, string, number, integer, boolean and null, or a list of different ones");
	return kinds;
}

/* Every keyword is known and says something about what stands beside it; *main is the one that rules, NULL for type. */
static bool check_keywords(struct schema *s, const json_t *schema, const struct location *at, const char **main)
{
	unsigned kinds = schema_kinds(s, schema, at);
	const char *key;
	json_t *value;

	*main = NULL;
	if (!kinds)
		return false;
	json_object_foreach((json_t *)(uintptr_t)schema, key, value) {
		const struct keyword *k = find_keyword(key);

		if (!k)
			return schema_fail(s, at, key, "the keyword is not supported; docs/schema.md lists those that are");
		if (k->kinds == MAIN && *main)
			return schema_fail(s, at, key, "stands beside %s; only one of the two can be followed", *main);
		if (k->kinds == MAIN)
			*main = key;
	}
	json_object_foreach((json_t *)(uintptr_t)schema, key, value) {
		const struct keyword *k = find_keyword(key);
		bool type = k->kinds == ALL_KINDS;

		if (k->kinds <= 0)
			continue;
		if (*main && !(type && (strcmp(*main, "enum") == 0 || strcmp(*main, "const") == 0)))
			return schema_fail(s, at, key, "stands beside %s; only one of the two can be followed", *main);
		if (!*main && !json_object_get(schema, "type"))
			return schema_fail(s, at, key, "needs a \"type\" beside it");
		if (!type && !(kinds & (unsigned)k->kinds))
			return schema_fail(s, at, key, "says nothing about the type beside it; take one of the two away");
	}
	if (!*main && !json_object_get(schema, "type"))
		return schema_fail(s, at, NULL, "allows any value; say \"type\", \"enum\", \"const\", \"anyOf\" or \"$ref\"");
	return true;
}

/* ---- objects ---- */

static bool check_object(struct schema *s, const json_t *schema, const struct location *at)
{
	const json_t *properties = json_object_get(schema, "properties"), *required = json_object_get(schema, "required");
	const json_t *more = json_object_get(schema, "additionalProperties"), *one;
	size_t i;

	if (properties && !json_is_object(properties))
		return schema_fail(s, at, "properties", "must be an object of schemas");
	if (required && !json_is_array(required))
		return schema_fail(s, at, "required", "must be a list of property names");
	json_array_foreach(required, i, one) {
		if (!json_is_string(one))
			return schema_fail(s, at, "required", "must be a list of property names");
		if (!json_object_get(properties, json_string_value(one)))
			return schema_fail(s, at, "required", "\"%s\" is not among the properties", json_string_value(one));
	}
	if (more && !json_is_false(more))
		return schema_fail(s, at, "additionalProperties",
				   "must be false: only the listed properties are ever written");
	return true;
}

/* The bytes between what came before and a property's value. */
static void add_key(struct schema *s, const char *key, bool first, uint32_t from, uint32_t to)
{
	struct buf text = { 0 };
	json_t *name = json_string_nocheck(key);

	buf_adds(&text, first ? "" : ", ");
	append_value(&text, name);
	buf_adds(&text, ": ");
	grammar_literal(s->draft, from, buf_text(&text), text.n, to);
	buf_release(&text);
	json_decref(name);
}

/* Two tracks of nodes, one for "nothing written yet" and one for "a property stands before". */
static bool add_properties(struct schema *s, const json_t *schema, const struct location *at, unsigned nesting,
			   uint32_t from, uint32_t to)
{
	struct location properties = { at, "properties" };
	uint32_t none = from, some = grammar_node(s->draft);
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(schema, "properties"), key, value) {
		struct location inner = { &properties, key };
		uint32_t begin = grammar_node(s->draft), end = grammar_node(s->draft);
		uint32_t still_none = grammar_node(s->draft);

		add_key(s, key, true, none, begin);
		add_key(s, key, false, some, begin);
		if (!add_schema(s, value, &inner, nesting + 1, begin, end))
			return false;
		if (!validator_requires(schema, key)) {
			grammar_literal(s->draft, none, NULL, 0, still_none);
			grammar_literal(s->draft, some, NULL, 0, end);
		}
		none = still_none;
		some = end;
	}
	grammar_literal(s->draft, none, "}", 1, to);
	grammar_literal(s->draft, some, "}", 1, to);
	return true;
}

static bool add_object(struct schema *s, const json_t *schema, const struct location *at, unsigned nesting, uint32_t from,
		       uint32_t to)
{
	if (!check_object(s, schema, at))
		return false;
	uint32_t rule = grammar_rule(s->draft, location_text(s, at)), open = grammar_node(s->draft);

	grammar_call(s->draft, from, rule, to);
	grammar_literal(s->draft, grammar_start(s->draft, rule), "{", 1, open);
	return add_properties(s, schema, at, nesting, open, grammar_end(s->draft, rule));
}

/* ---- arrays ---- */

static bool add_array(struct schema *s, const json_t *schema, const struct location *at, unsigned nesting, uint32_t from,
		      uint32_t to)
{
	const json_t *items = json_object_get(schema, "items");
	struct location inner = { at, "items" };
	struct grammar_draft *d = s->draft;
	uint32_t min = 0, max = GRAMMAR_UNBOUNDED, open = grammar_node(d), one = grammar_node(d), all = grammar_node(d);

	if (!read_count(s, schema, at, "minItems", &min) || !read_count(s, schema, at, "maxItems", &max))
		return false;
	if (min > max)
		return schema_fail(s, at, "minItems", "%u is more than maxItems, %u", min, max);
	if (!items && max > 0)
		return schema_fail(s, at, NULL, "an array needs \"items\", a schema for its elements");
	grammar_literal(d, from, "[", 1, open);
	if (min == 0)
		grammar_literal(d, open, "]", 1, to);
	if (!items)
		return true;
	uint32_t item = grammar_rule(d, location_text(s, &inner)), next = grammar_rule(d, location_text(s, &inner));
	uint32_t comma = grammar_node(d);

	if (!add_schema(s, items, &inner, nesting + 1, grammar_start(d, item), grammar_end(d, item)))
		return false;
	grammar_literal(d, grammar_start(d, next), ", ", 2, comma);
	grammar_call(d, comma, item, grammar_end(d, next));
	if (max > 0) {
		grammar_call(d, open, item, one);
		grammar_repeat(d, one, next, min ? min - 1 : 0, max == GRAMMAR_UNBOUNDED ? max : max - 1, all);
		grammar_literal(d, all, "]", 1, to);
	}
	return true;
}

/* ---- values ---- */

static bool add_type(struct schema *s, const json_t *schema, const struct location *at, unsigned nesting, unsigned kind,
		     uint32_t from, uint32_t to)
{
	switch (kind) {
	case KIND_OBJECT:
		return add_object(s, schema, at, nesting, from, to);
	case KIND_ARRAY:
		return add_array(s, schema, at, nesting, from, to);
	case KIND_STRING:
		return add_string(s, schema, at, from, to);
	case KIND_NUMBER:
	case KIND_INTEGER:
		return add_number(s, schema, at, kind == KIND_INTEGER, from, to);
	case KIND_BOOLEAN:
		grammar_literal(s->draft, from, "true", 4, to);
		grammar_literal(s->draft, from, "false", 5, to);
		return true;
	default:
		grammar_literal(s->draft, from, "null", 4, to);
		return true;
	}
}

static bool add_types(struct schema *s, const json_t *schema, const struct location *at, unsigned nesting, uint32_t from,
		      uint32_t to)
{
	unsigned kinds = schema_kinds(s, schema, at);

	if (kinds & KIND_NUMBER)
		kinds &= ~(unsigned)KIND_INTEGER; /* every integer is a number */
	for (unsigned kind = 1; kind <= KIND_NULL; kind <<= 1)
		if ((kinds & kind) && !add_type(s, schema, at, nesting, kind, from, to))
			return false;
	return true;
}

unsigned value_kind(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return KIND_OBJECT;
	case JSON_ARRAY:
		return KIND_ARRAY;
	case JSON_STRING:
		return KIND_STRING;
	case JSON_INTEGER:
		return KIND_INTEGER | KIND_NUMBER;
	case JSON_REAL:
		return KIND_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return KIND_BOOLEAN;
	default:
		return KIND_NULL;
	}
}

static bool add_literal(struct schema *s, const json_t *schema, const struct location *at, const char *key,
			const json_t *value, uint32_t from, uint32_t to)
{
	struct buf text = { 0 };

	append_value(&text, value);
	bool ok = (value_kind(value) & schema_kinds(s, schema, at)) ||
		  schema_fail(s, at, key, "%.100s is not of the type beside it", buf_text(&text));

	if (ok)
		grammar_literal(s->draft, from, text.data, text.n, to);
	buf_release(&text);
	return ok;
}

static bool add_enum(struct schema *s, const json_t *schema, const struct location *at, uint32_t from, uint32_t to)
{
	const json_t *values = json_object_get(schema, "enum"), *value;
	size_t i;

	if (!json_array_size(values))
		return schema_fail(s, at, "enum", "must be a list of at least one value");
	json_array_foreach(values, i, value)
		if (grammar_draft_full(s->draft) || !add_literal(s, schema, at, "enum", value, from, to))
			return grammar_draft_full(s->draft);
	return true;
}

static bool check_one_of(struct schema *s, const json_t *list, const struct location *at)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			if (!schemas_disjoint(s, json_array_get(list, i), json_array_get(list, k)))
				return schema_fail(s, at, "oneOf",
						   "alternatives %zu and %zu cannot be shown to exclude each other; use anyOf, "
						   "or give both a required property with different \"const\" values",
						   i, k);
	return true;
}

static bool add_alternatives(struct schema *s, const json_t *schema, const struct location *at, const char *key,
			     unsigned nesting, uint32_t from, uint32_t to)
{
	const json_t *list = json_object_get(schema, key), *one;
	struct location outer = { at, key };
	size_t i;

	if (!json_array_size(list))
		return schema_fail(s, at, key, "must be a list of at least one schema");
	if (strcmp(key, "oneOf") == 0 && !check_one_of(s, list, at))
		return false;
	json_array_foreach(list, i, one) {
		char number[24];
		struct location inner = { &outer, number };

		snprintf(number, sizeof(number), "%zu", i);
		if (!add_schema(s, one, &inner, nesting + 1, from, to))
			return false;
	}
	return true;
}

static bool add_reference(struct schema *s, const json_t *schema, const struct location *at, uint32_t from, uint32_t to)
{
	const char *pointer;
	const json_t *target = schema_target(s, schema, at, &pointer);

	if (!target)
		return false;
	size_t rule = hash_map_get(&s->rules, pointer, strlen(pointer), SIZE_MAX);

	if (rule == SIZE_MAX) {
		rule = grammar_rule(s->draft, pointer);
		hash_map_put(&s->rules, pointer, strlen(pointer), rule);
		if (s->n_pending == s->pending_capacity) {
			s->pending_capacity = s->pending_capacity ? s->pending_capacity * 2 : 16;
			s->pending = mem_resize(s->pending, s->pending_capacity, sizeof(*s->pending));
		}
		s->pending[s->n_pending++] = (struct pending){ target, pointer, (uint32_t)rule };
	}
	grammar_call(s->draft, from, (uint32_t)rule, to);
	return true;
}

static bool add_schema(struct schema *s, const json_t *schema, const struct location *at, unsigned nesting, uint32_t from,
		       uint32_t to)
{
	const char *main;

	if (grammar_draft_full(s->draft))
		return true; /* grammar_new() says so */
	if (nesting > SCHEMA_NESTING)
		return schema_fail(s, at, NULL, "more than %d schemas inside each other; use $ref", SCHEMA_NESTING);
	if (!json_is_object(schema))
		return schema_fail(s, at, NULL, "must be a schema, a JSON object");
	if (!check_keywords(s, schema, at, &main))
		return false;
	if (!main)
		return add_types(s, schema, at, nesting, from, to);
	if (strcmp(main, "enum") == 0)
		return add_enum(s, schema, at, from, to);
	if (strcmp(main, "const") == 0)
		return add_literal(s, schema, at, main, json_object_get(schema, main), from, to);
	if (strcmp(main, "$ref") == 0)
		return add_reference(s, schema, at, from, to);
	return add_alternatives(s, schema, at, main, nesting, from, to);
}

static bool draft_all(struct schema *s, uint32_t root)
{
	struct location top = { NULL, "#" };

	hash_map_put(&s->rules, "#", 1, root);
	if (!add_schema(s, s->root, &top, 1, grammar_start(s->draft, root), grammar_end(s->draft, root)))
		return false;
	while (s->n_pending) {
		struct pending next = s->pending[--s->n_pending];
		struct location at = { NULL, next.pointer };

		if (!add_schema(s, next.schema, &at, 1, grammar_start(s->draft, next.rule),
				grammar_end(s->draft, next.rule)))
			return false;
	}
	return true;
}

static json_t *load(const char *text, size_t n, struct error *err)
{
	json_error_t where;
	struct buf reason = { 0 };

	if (n > SCHEMA_BYTES) {
		error_set(err, "the schema has %zu bytes, more than %d", n, SCHEMA_BYTES);
		return NULL;
	}
	json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);

	if (!root) {
		append_line(&reason, where.text);
		error_set(err, "the schema is not JSON: line %d, column %d: %s", where.line, where.column,
			  buf_text(&reason));
		buf_release(&reason);
	}
	return root;
}

struct grammar *schema_compile(const char *text, size_t n, const struct byte_set *alphabet, struct error *err)
{
	struct schema s = { .err = err, .character = GRAMMAR_UNBOUNDED, .comparisons = COMPARISONS };
	struct grammar *g = NULL;

	s.root = load(text, n, err);
	if (!s.root)
		return NULL;
	s.draft = grammar_draft_new();
	uint32_t root = grammar_rule(s.draft, "#");

	if (draft_all(&s, root))
		g = grammar_new(s.draft, root, alphabet, err);
	grammar_draft_free(s.draft);
	hash_map_release(&s.rules);
	free(s.pending);
	json_decref(s.root);
	arena_release(&s.arena);
	return g;
}
