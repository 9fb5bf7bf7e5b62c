/* schema_disjoint.c - can two alternatives of a oneOf both hold? Kinds, literal values and discriminating properties
 * decide; anything else counts as "perhaps". */
#include "schema/schema_inner.h"

enum { DEEPEST = 32 };

static bool disjoint(struct schema *s, const json_t *a, const json_t *b, unsigned depth);

static unsigned kinds_of_value(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return KIND_OBJECT;
	case JSON_ARRAY:
		return KIND_ARRAY;
	case JSON_STRING:
		return KIND_STRING;
	case JSON_INTEGER:
	case JSON_REAL:
		return KIND_NUMBER | KIND_INTEGER; /* 1.0 is an integer too */
	case JSON_NULL:
		return KIND_NULL;
	default:
		return KIND_BOOLEAN;
	}
}

/* The kinds of all values the schema allows, or more; KIND_NUMBER and KIND_INTEGER always together. */
static unsigned kinds_of(struct schema *s, const json_t *schema)
{
	struct location nowhere = { NULL, "#" };
	struct error ignored, *kept = s->err;
	const json_t *value = json_object_get(schema, "const"), *values = json_object_get(schema, "enum");
	unsigned kinds = value ? kinds_of_value(value) : 0;
	size_t i;

	json_array_foreach(values, i, value)
		kinds |= kinds_of_value(value);
	if (kinds)
		return kinds;
	s->err = &ignored;
	kinds = schema_kinds(s, schema, &nowhere);
	s->err = kept;
	return kinds & (KIND_NUMBER | KIND_INTEGER) ? kinds | KIND_NUMBER | KIND_INTEGER : kinds;
}

/* Equal as JSON Schema has it: numbers by value. Containers that differ in how a number is written count as equal. */
static bool may_be_equal(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b))
		return json_number_value(a) == json_number_value(b);
	if (kinds_of_value(a) & (KIND_OBJECT | KIND_ARRAY))
		return json_typeof(a) == json_typeof(b);
	return json_equal(a, b);
}

/* The i-th of the values that const or enum lists, or NULL. */
static const json_t *listed(const json_t *schema, size_t i)
{
	const json_t *one = json_object_get(schema, "const");

	return one ? (i == 0 ? one : NULL) : json_array_get(json_object_get(schema, "enum"), i);
}

static bool lists_disjoint(struct schema *s, const json_t *a, const json_t *b)
{
	const json_t *x, *y;

	for (size_t i = 0; (x = listed(a, i)); i++)
		for (size_t k = 0; (y = listed(b, k)); k++) {
			if (!s->comparisons || may_be_equal(x, y))
				return false;
			s->comparisons--;
		}
	return true;
}

static bool requires(const json_t *schema, const char *key)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), key) == 0)
			return true;
	return false;
}

/* A property that both have and both require, and that cannot be the same in both. */
static bool discriminated(struct schema *s, const json_t *a, const json_t *b, unsigned depth)
{
	const json_t *others = json_object_get(b, "properties");
	const char *key;
	json_t *mine;

	json_object_foreach(json_object_get(a, "properties"), key, mine) {
		const json_t *other = json_object_get(others, key);

		if (other && requires(a, key) && requires(b, key) && disjoint(s, mine, other, depth + 1))
			return true;
	}
	return false;
}

/* The alternatives of a schema that is nothing else, or NULL. */
static const json_t *alternatives(const json_t *schema)
{
	const json_t *any = json_object_get(schema, "anyOf");

	return any ? any : json_object_get(schema, "oneOf");
}

static bool all_disjoint(struct schema *s, const json_t *list, const json_t *b, unsigned depth)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		if (!disjoint(s, one, b, depth + 1))
			return false;
	return json_array_size(list) > 0;
}

static const json_t *resolved(struct schema *s, const json_t *schema)
{
	struct location nowhere = { NULL, "#" };
	struct error ignored, *kept = s->err;
	const char *pointer;

	s->err = &ignored;
	for (int steps = 0; steps < DEEPEST && schema && json_object_get(schema, "$ref"); steps++) {
		size_t work = json_string_length(json_object_get(schema, "$ref"));

		s->comparisons -= work < s->comparisons ? work : s->comparisons;
		schema = s->comparisons ? schema_target(s, schema, &nowhere, &pointer) : NULL;
	}
	s->err = kept;
	return schema;
}

static bool disjoint(struct schema *s, const json_t *a, const json_t *b, unsigned depth)
{
	if (!s->comparisons || depth > DEEPEST)
		return false;
	s->comparisons--;
	a = resolved(s, a);
	b = resolved(s, b);
	if (!json_is_object(a) || !json_is_object(b) || json_object_get(a, "$ref") || json_object_get(b, "$ref"))
		return false;
	if (alternatives(a))
		return all_disjoint(s, alternatives(a), b, depth);
	if (alternatives(b))
		return all_disjoint(s, alternatives(b), a, depth);
	unsigned shared = kinds_of(s, a) & kinds_of(s, b);

	if (!shared)
		return true;
	if (listed(a, 0) && listed(b, 0))
		return lists_disjoint(s, a, b);
	return shared == KIND_OBJECT && discriminated(s, a, b, depth);
}

bool schemas_disjoint(struct schema *s, const json_t *a, const json_t *b)
{
	return disjoint(s, a, b, 0);
}
