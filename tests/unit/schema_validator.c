/* schema_validator.c - where a value breaks a schema, how one that keeps to it is written, and a schema inside another.
 * schema_random.c holds accepting and refusing against another validator. */
#include "test.h"

#include <string.h>

#include "llm/grammar_match.h"
#include "schema/schema.h"
#include "schema/validator.h"

static struct validator *must_make(const char *schema)
{
	struct error err = { .text = "" };
	struct validator *v = validator_new(schema, strlen(schema), &err);

	if (!v)
		fail_msg("%s: %s", schema, err.text);
	return v;
}

#define TREE "{\"$ref\": \"#/$defs/tree\", \"$defs\": {\"tree\": {\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\"}, " \
	     "\"kids\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/tree\"}}}, \"required\": [\"name\"]}}}"

/* reason NULL: accepted, and written so. */
static const struct {
	const char *schema, *value, *reason, *written;
} cases[] = {
	{ TREE, "{\"kids\": [{\"kids\": [], \"name\": \"b\"}], \"name\": \"a\"}", NULL,
	  "{\"name\": \"a\", \"kids\": [{\"name\": \"b\", \"kids\": []}]}" },
	{ TREE, "{\"name\": \"a\", \"kids\": [{\"name\": \"b\"}, {\"kids\": []}]}", "#/kids/1: lacks \"name\"", NULL },
	{ TREE, "{\"name\": \"a\", \"kids\": [{\"name\": 7}]}", "#/kids/0/name: 7 is not of the schema's type", NULL },
	{ TREE, "[]", "#: [] is not of the schema's type", NULL },
	{ "{\"type\": \"object\", \"properties\": {\"a/b\": {\"type\": \"integer\", \"minimum\": 2}}}", "{\"a/b\": 1}", "#/a~1b: 1 is below", NULL },
	{ "{\"type\": \"number\", \"maximum\": 2}", "2.5", "#: 2.5 is above", NULL },
	{ "{\"type\": \"number\", \"maximum\": 2}", "1e0", NULL, "1.0" }, /* no grammar writes that; people do */
	{ "{\"type\": \"integer\"}", "2.0", "#: 2.0 is not of the schema's type", NULL },
	{ "{\"type\": \"string\", \"pattern\": \"^[A-Z]{2}$\"}", "\"AB\"", NULL, "\"AB\"" },
	{ "{\"type\": \"string\", \"pattern\": \"^[A-Z]{2}$\"}", "\"ABC\"", "#: \"ABC\" does not match the pattern", NULL },
	{ "{\"type\": \"string\", \"pattern\": \"\xC3\xA9.$\"}", "\"caf\xC3\xA9\xF0\x9F\x98\x80\"", NULL, "\"caf\xC3\xA9\xF0\x9F\x98\x80\"" },
	{ "{\"type\": \"string\", \"minLength\": 2}", "\"\xC3\xA9\"", "is shorter than minLength", NULL },
	{ "{\"anyOf\": [{\"type\": \"null\"}, {\"type\": \"object\", \"properties\": {\"b\": {\"type\": \"null\"}, \"a\": {\"type\": \"null\"}}}]}",
	  "{\"a\": null, \"b\": null}", NULL, "{\"b\": null, \"a\": null}" },
	{ "{\"anyOf\": [{\"type\": \"null\"}, {\"const\": 3}]}", "4", "#: 4 satisfies none of the alternatives", NULL },
	{ "{\"enum\": [{\"x\": 1, \"a\": 2}]}", "{\"a\": 2, \"x\": 1}", NULL, "{\"x\": 1, \"a\": 2}" },
	{ "{\"const\": \"a\"}", "\"b\"", "#: \"b\" is not the schema's const", NULL },
	{ "{\"type\": \"object\", \"properties\": {\"pattern\": {\"type\": \"string\"}, \"$ref\": {\"type\": \"null\"}}}",
	  "{\"$ref\": null, \"pattern\": \"(\"}", NULL, "{\"pattern\": \"(\", \"$ref\": null}" },
	{ "{\"type\": \"string\"}", "\"a\\n\\\"\\u0001\"", NULL, "\"a\\n\\\"\\u0001\"" },
};

static void values_are_held_against_schemas(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct validator *v = must_make(cases[i].schema);
		json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
		struct buf out = { 0 };
		bool accepted = validator_accepts(v, value, &out);

		assert_non_null(value);
		if (accepted != !cases[i].reason || (!accepted && !strstr(buf_text(&out), cases[i].reason)))
			fail_msg("%s under %s: %d %s", cases[i].value, cases[i].schema, accepted, buf_text(&out));
		if (accepted)
			validator_write(v, value, &out);
		if (accepted && strcmp(buf_text(&out), cases[i].written) != 0)
			fail_msg("%s was written as %s", cases[i].value, buf_text(&out));
		buf_release(&out);
		json_decref(value);
		validator_free(v);
	}
}

/* The same list, that many times in itself, around a number. */
static json_t *nested(size_t depth)
{
	json_t *value = json_integer(1);

	for (; depth > 0; depth--) {
		json_t *outer = json_array();

		json_array_append_new(outer, value);
		value = outer;
	}
	return value;
}

/* Two ways to read each level: 2^40 comparisons, if nobody counted. And deeper than any stack. */
static void hostile_values_end(void **state)
{
	static const char twice[] = "{\"anyOf\": [{\"type\": \"null\"}, {\"type\": \"array\", \"items\": {\"$ref\": \"#\"}}, "
				    "{\"type\": \"array\", \"items\": {\"$ref\": \"#\"}, \"minItems\": 1}]}";
	struct validator *v = must_make(twice);
	json_t *wide = nested(40), *deep = nested(1500);

	(void)state;
	assert_false(validator_accepts(v, wide, NULL));
	assert_false(validator_accepts(v, deep, NULL));
	json_decref(wide);
	json_decref(deep);
	validator_free(v);
}

static void an_object_is_found_in_a_text(void **state)
{
	static const struct {
		const char *text, *object;
	} texts[] = {
		{ "{\"a\": 1}", "{\"a\":1}" },
		{ "Here:\n```json\n{\"a\": {\"b\": 2}}\n```\nDone {x}.", "{\"a\":{\"b\":2}}" },
		{ "{\"a\": 1} {\"b\": 2}", "{\"a\":1}" },
		{ "[{\"a\": 1}]", NULL }, /* a list is an answer, and no object */
		{ "{\"a\": 1", NULL },
		{ "none", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_t *object = validator_find_object(texts[i].text);
		char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

		if ((text != NULL) != (texts[i].object != NULL) || (text && strcmp(text, texts[i].object) != 0))
			fail_msg("%s: %s", texts[i].text, text ? text : "none");
		free(text);
		json_decref(object);
	}
}

/* References lead to where the schema now stands; what only looks like one stays. */
static void a_schema_stands_inside_another(void **state)
{
	static const struct {
		const char *schema, *good, *bad;
	} pairs[] = {
		{ TREE, "{\"name\": \"a\", \"kids\": [{\"name\": \"b\"}]}", "{\"name\": \"a\", \"kids\": [{}]}" },
		{ "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"null\"}, \"b\": {\"$ref\": \"#/properties/a\"}, \"c\": {\"$ref\": \"#\"}}}",
		  "{\"b\": null, \"c\": {\"a\": null}}", "{\"b\": 1}" },
		{ "{\"anyOf\": [{\"enum\": [{\"$ref\": \"#/x\"}]}, {\"type\": \"array\", \"items\": {\"$ref\": \"#\"}}]}", "[{\"$ref\": \"#/x\"}]",
		  "{\"$ref\": \"#/properties/answer/x\"}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct buf wrapped = { 0 }, good = { 0 }, bad = { 0 };
		struct error err = { .text = "" };

		schema_wrap_reason(pairs[i].schema, 300, &wrapped);
		struct grammar *g = schema_compile(buf_text(&wrapped), wrapped.n, NULL, &err);

		if (!g)
			fail_msg("%s: %s", buf_text(&wrapped), err.text);
		struct grammar_matcher *m = grammar_matcher_new(g);
		struct grammar_state one = grammar_begin(m), other = grammar_begin(m);

		buf_addf(&good, "{\"reason\": \"so\", \"answer\": %s}", pairs[i].good);
		buf_addf(&bad, "{\"reason\": \"so\", \"answer\": %s}", pairs[i].bad);
		if (!grammar_advance(m, &one, good.data, good.n) || !grammar_may_end(m, one))
			fail_msg("%s does not allow %s", buf_text(&wrapped), buf_text(&good));
		if (grammar_advance(m, &other, bad.data, bad.n) && grammar_may_end(m, other))
			fail_msg("%s allows %s", buf_text(&wrapped), buf_text(&bad));
		grammar_matcher_free(m);
		grammar_free(g);
		buf_release(&wrapped);
		buf_release(&good);
		buf_release(&bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_held_against_schemas),
		cmocka_unit_test(hostile_values_end),
		cmocka_unit_test(an_object_is_found_in_a_text),
		cmocka_unit_test(a_schema_stands_inside_another),
	};

	return cmocka_run_group_tests_name("schema_validator", tests, NULL, NULL);
}
