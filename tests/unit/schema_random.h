/* schema_random.h - schemas of the supported subset drawn at random, and a validator for what is written under them. */
#ifndef RUNG_TEST_SCHEMA_RANDOM_H
#define RUNG_TEST_SCHEMA_RANDOM_H

#include "test.h"

#include <jansson.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"

/* ---- schemas ---- */

static inline json_t *random_schema(struct rng *r, int depth);

static inline bool chance(struct rng *r, double p)
{
	return rng_double(r) < p;
}

static inline void set_int(json_t *schema, const char *key, int64_t value)
{
	json_object_set_new(schema, key, json_integer(value));
}

static inline json_t *random_string(struct rng *r)
{
	/* Read alike by POSIX: the validator uses regexec(). */
	static const char *const patterns[] = { "^[a-z]{2,4}$", "^(ab|cd)*x?$", "[0-9]x",      "^a.*z$",   "^[^a-f]+$",
						"^([A-Z][a-z]+ ?){1,3}$", "a|^b|c$", "^-?[0-9]+(\\.[0-9]{2})?$", "", "q+" };
	json_t *s = json_pack("{s:s}", "type", "string");
	uint64_t min = rng_below(r, 4);

	if (chance(r, 0.4))
		json_object_set_new(s, "pattern", json_string(patterns[rng_below(r, ARRAY_SIZE(patterns))]));
	else if (chance(r, 0.5))
		set_int(s, "minLength", (int64_t)min);
	if (chance(r, 0.5))
		set_int(s, "maxLength", (int64_t)(min + 4 + rng_below(r, 20)));
	return s;
}

static inline json_t *random_bound(struct rng *r, bool integer, double low)
{
	static const double scales[] = { 0.001, 0.1, 1, 100, 1e6 };
	double step = scales[rng_below(r, ARRAY_SIZE(scales))] * (double)rng_below(r, 1000);

	if (integer)
		return json_integer((int64_t)floor(low + step) + 1);
	return json_real(low + step + 0.001);
}

static inline json_t *random_number(struct rng *r)
{
	bool integer = chance(r, 0.5);
	json_t *s = json_pack("{s:s}", "type", integer ? "integer" : "number");
	double low = (double)(int64_t)rng_below(r, 3000) - 1500;

	if (!integer)
		low /= 8;
	if (chance(r, 0.6))
		json_object_set_new(s, chance(r, 0.7) ? "minimum" : "exclusiveMinimum",
				    integer ? json_integer((int64_t)low) : json_real(low));
	if (chance(r, 0.6))
		json_object_set_new(s, chance(r, 0.7) ? "maximum" : "exclusiveMaximum", random_bound(r, integer, low + 1));
	return s;
}

static inline json_t *random_value(struct rng *r, int depth)
{
	switch (rng_below(r, depth > 1 ? 5 : 7)) {
	case 0:
		return json_integer((int64_t)rng_below(r, 2000) - 1000);
	case 1:
		return json_real((double)rng_below(r, 1000000) / 7 - 1000);
	case 2:
		return json_string(chance(r, 0.5) ? "a \"quoted\"\nword" : "\xC3\xA9t\xC3\xA9 \xF0\x9F\x98\x80");
	case 3:
		return json_boolean(chance(r, 0.5));
	case 4:
		return json_null();
	case 5:
		return json_pack("[o, o]", random_value(r, depth + 1), random_value(r, depth + 1));
	default:
		return json_pack("{s:o, s:o}", "k", random_value(r, depth + 1), "/", random_value(r, depth + 1));
	}
}

static inline json_t *random_literals(struct rng *r)
{
	json_t *values = json_array();

	if (chance(r, 0.3)) {
		json_decref(values);
		return json_pack("{s:o}", "const", random_value(r, 0));
	}
	for (uint64_t n = 1 + rng_below(r, 6); n; n--)
		json_array_append_new(values, random_value(r, 0));
	return json_pack("{s:o}", "enum", values);
}

static inline json_t *random_object(struct rng *r, int depth)
{
	static const char *const names[] = { "a", "ab", "name", "\xC3\xBC\"\\", "x y", "abc", "n/m~", "" };
	json_t *properties = json_object(), *required = json_array();
	json_t *s = json_pack("{s:s, s:o}", "type", "object", "properties", properties);

	for (uint64_t n = rng_below(r, 5); n; n--) {
		const char *name = names[rng_below(r, ARRAY_SIZE(names))];

		if (json_object_get(properties, name))
			continue;
		json_object_set_new(properties, name, random_schema(r, depth + 1));
		if (chance(r, 0.5))
			json_array_append_new(required, json_string(name));
	}
	if (json_array_size(required) || chance(r, 0.2))
		json_object_set(s, "required", required);
	json_decref(required);
	if (chance(r, 0.3))
		json_object_set_new(s, "additionalProperties", json_false());
	return s;
}

static inline json_t *random_array(struct rng *r, int depth)
{
	json_t *s = json_pack("{s:s, s:o}", "type", "array", "items", random_schema(r, depth + 1));
	uint64_t min = rng_below(r, 3);

	if (chance(r, 0.4))
		set_int(s, "minItems", (int64_t)min);
	if (chance(r, 0.4))
		set_int(s, "maxItems", (int64_t)(min + rng_below(r, 4)));
	return s;
}

/* Alternatives that a discriminator keeps apart, or kinds. */
static inline json_t *random_one_of(struct rng *r, int depth)
{
	json_t *list = json_array();

	for (int i = 0; i < 3; i++)
		json_array_append_new(list, json_pack("{s:s, s:{s:o, s:{s:i}}, s:[s]}", "type", "object", "properties", "v",
						      random_schema(r, depth + 1), "kind", "const", i, "required", "kind"));
	if (chance(r, 0.5))
		json_array_append_new(list, random_number(r));
	return json_pack("{s:o}", "oneOf", list);
}

static inline json_t *random_types(struct rng *r)
{
	static const char *const names[] = { "string", "number", "integer", "boolean", "null", "object" };
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (chance(r, 0.4))
			json_array_append_new(list, json_string(names[i]));
	if (!json_array_size(list))
		json_array_append_new(list, json_string("null"));
	return json_pack("{s:o}", "type", list);
}

static inline json_t *random_schema(struct rng *r, int depth)
{
	switch (rng_below(r, depth > 3 ? 5 : 11)) {
	case 0:
		return random_string(r);
	case 1:
		return random_number(r);
	case 2:
		return random_literals(r);
	case 3:
		return random_types(r);
	case 4:
		return json_pack("{s:s}", "$ref", chance(r, 0.5) ? "#/$defs/tree" : "#/$defs/x~1%20y");
	case 5:
	case 6:
	case 7:
		return random_object(r, depth);
	case 8:
		return random_array(r, depth);
	case 9:
		return random_one_of(r, depth);
	default:
		return json_pack("{s:[o, o]}", "anyOf", random_schema(r, depth + 1), random_schema(r, depth + 1));
	}
}

/* A schema with two definitions; one of them contains itself, through an array and through an alternative. */
static inline json_t *random_document(struct rng *r)
{
	json_t *tree = json_pack("{s:s, s:{s:o, s:{s:s, s:{s:s}, s:i}, s:{s:[{s:s}, {s:s}]}}, s:[s]}", "type", "object",
				 "properties", "v", random_number(r), "kids", "type", "array", "items", "$ref",
				 "#/$defs/tree", "maxItems", (int)rng_below(r, 4), "next", "anyOf", "type", "null", "$ref",
				 "#/$defs/tree", "required", "v");
	json_t *root = random_object(r, 0);

	while (!json_object_size(json_object_get(root, "properties"))) {
		json_decref(root);
		root = random_object(r, 0);
	}
	json_object_set_new(root, "$defs", json_pack("{s:o, s:o}", "tree", tree, "x/ y", random_string(r)));
	return root;
}

/* ---- the validator: the words of JSON Schema, straight ---- */

static inline bool valid(const json_t *root, const json_t *schema, const json_t *value);

static inline bool is_type(const json_t *value, const char *type)
{
	return (!strcmp(type, "object") && json_is_object(value)) || (!strcmp(type, "array") && json_is_array(value)) ||
	       (!strcmp(type, "string") && json_is_string(value)) || (!strcmp(type, "number") && json_is_number(value)) ||
	       (!strcmp(type, "integer") && json_is_integer(value)) || (!strcmp(type, "boolean") && json_is_boolean(value)) ||
	       (!strcmp(type, "null") && json_is_null(value));
}

static inline bool valid_type(const json_t *type, const json_t *value)
{
	const json_t *one;
	size_t i;

	if (json_is_string(type))
		return is_type(value, json_string_value(type));
	json_array_foreach(type, i, one)
		if (is_type(value, json_string_value(one)))
			return true;
	return !type;
}

static inline bool valid_string(const json_t *schema, const char *text)
{
	const json_t *min = json_object_get(schema, "minLength"), *max = json_object_get(schema, "maxLength");
	const char *pattern = json_string_value(json_object_get(schema, "pattern"));
	json_int_t n = 0;
	regex_t compiled;

	for (const char *c = text; *c; c++)
		n += ((unsigned char)*c & 0xC0) != 0x80;
	if ((min && n < json_integer_value(min)) || (max && n > json_integer_value(max)))
		return false;
	if (!pattern || !*pattern)
		return true;
	assert_int_equal(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
	bool found = regexec(&compiled, text, 0, NULL, 0) == 0;

	regfree(&compiled);
	return found;
}

static inline bool valid_number(const json_t *schema, double x)
{
	const json_t *min = json_object_get(schema, "minimum"), *max = json_object_get(schema, "maximum");
	const json_t *above = json_object_get(schema, "exclusiveMinimum"), *below = json_object_get(schema, "exclusiveMaximum");

	return (!min || x >= json_number_value(min)) && (!max || x <= json_number_value(max)) &&
	       (!above || x > json_number_value(above)) && (!below || x < json_number_value(below));
}

/* No property but those listed: what the compiler promises beyond the schema. */
static inline bool valid_object(const json_t *root, const json_t *schema, const json_t *value)
{
	json_t *properties = json_object_get(schema, "properties"), *member;
	const json_t *name;
	const char *key;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, name)
		if (!json_object_get(value, json_string_value(name)))
			return false;
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
		if (!json_object_get(properties, key) || !valid(root, json_object_get(properties, key), member))
			return false;
	return true;
}

static inline bool valid_array(const json_t *root, const json_t *schema, const json_t *value)
{
	const json_t *min = json_object_get(schema, "minItems"), *max = json_object_get(schema, "maxItems"), *one;
	size_t i;

	if ((min && (json_int_t)json_array_size(value) < json_integer_value(min)) ||
	    (max && (json_int_t)json_array_size(value) > json_integer_value(max)))
		return false;
	json_array_foreach(value, i, one)
		if (!valid(root, json_object_get(schema, "items"), one))
			return false;
	return true;
}

static inline size_t count_valid(const json_t *root, const json_t *list, const json_t *value)
{
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach(list, i, one)
		n += valid(root, one, value);
	return n;
}

static inline bool valid(const json_t *root, const json_t *schema, const json_t *value)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	const json_t *constant = json_object_get(schema, "const"), *values = json_object_get(schema, "enum"), *one;
	bool listed = !values;
	size_t i;

	if (ref)
		return valid(root, json_object_get(json_object_get(root, "$defs"), strstr(ref, "tree") ? "tree" : "x/ y"), value);
	if (json_object_get(schema, "anyOf"))
		return count_valid(root, json_object_get(schema, "anyOf"), value) > 0;
	if (json_object_get(schema, "oneOf"))
		return count_valid(root, json_object_get(schema, "oneOf"), value) == 1;
	json_array_foreach(values, i, one)
		listed |= json_equal(one, value);
	if (!listed || (constant && !json_equal(constant, value)) || !valid_type(json_object_get(schema, "type"), value))
		return false;
	if (values || constant)
		return true;
	return json_is_string(value)   ? valid_string(schema, json_string_value(value)) :
	       json_is_number(value)   ? valid_number(schema, json_number_value(value)) :
	       json_is_object(value)   ? valid_object(root, schema, value) :
	       json_is_array(value)    ? valid_array(root, schema, value) :
					 true;
}

static inline void check_output(const json_t *schema, const char *schema_text, const struct buf *out)
{
	json_error_t where;
	json_t *value = json_loadb(buf_text(out), out->n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &where);

	if (!value)
		fail_msg("%s\n%s\n%s", schema_text, buf_text(out), where.text);
	if (!valid(schema, schema, value))
		fail_msg("not valid: %s\n%s", schema_text, buf_text(out));
	json_decref(value);
}

/* One line for tests/reference/schemas.py. */
static inline void print_pair(json_t *schema, const struct buf *out)
{
	json_t *pair = json_pack("{s:O, s:s}", "schema", schema, "output", buf_text(out));

	json_dumpf(pair, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(pair);
}

#endif
