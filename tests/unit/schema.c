/* schema.c - what each keyword lets through, and what is refused at load. schema_random.c draws schemas. */
#include "test.h"

#include <string.h>

#include "llm/grammar_match.h"
#include "schema/schema.h"

/* Each text is a whole output. */
static const struct {
	const char *schema;
	const char *accepted[10];
	const char *rejected[12];
} rows[] = {
	{ "{\"type\":\"boolean\",\"title\":\"t\",\"description\":\"d\",\"default\":1,\"examples\":[],\"$comment\":\"c\"}",
	  { "true", "false" },
	  { "True", "null", " true", "true ", "" } },
	{ "{\"type\":\"null\"}", { "null" }, { "nul", "nulll" } },
	{ "{\"type\":[\"null\",\"boolean\"]}", { "null", "true" }, { "1" } },
	{ "{\"type\":[\"integer\",\"number\"],\"minimum\":1}", { "1", "1.5" }, { "0", "0.99" } },
	{ "{\"const\":{\"a\":[1,2.5,\"\\u00e9\\n\"],\"b\":null}}",
	  { "{\"a\": [1, 2.5, \"\xC3\xA9\\n\"], \"b\": null}" },
	  { "{\"b\": null, \"a\": [1, 2.5, \"\xC3\xA9\\n\"]}" } },
	{ "{\"enum\":[\"red\",\"green\",1,0.1,1e300,null,\"re\"]}",
	  { "\"red\"", "\"green\"", "1", "0.1", "1e+300", "null", "\"re\"" },
	  { "\"blue\"", "red", "\"r\"", "\"redd\"", "1.0" } },
	{ "{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}", { "\"a\"", "\"b\"" }, { "\"ab\"" } },
	/* strings */
	{ "{\"type\":\"string\"}",
	  { "\"\"", "\"a b\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u00e9\\u0001\\uFFFF\"", "\"\\ud83d\\uDE00\"",
	    "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x7F\"", "\"\\ud7ff\\ue000\\u1D00\\u0D00\\u00D8\"" },
	  { "\"", "\"\n\"", "\"\t\"", "\"\\x\"", "\"\\u0000\"", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"",
	    "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"", "\"\xC3\"" } },
	{ "{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}",
	  { "\"ab\"", "\"abc\"", "\"\xC3\xA9\xF0\x9F\x98\x80\"", "\"\\ud83d\\ude00\\n\\u0041\"" },
	  { "\"a\"", "\"\xC3\xA9\"", "\"\\ud83d\\ude00\"", "\"abcd\"", "\"\"" } },
	{ "{\"type\":\"string\",\"maxLength\":0}", { "\"\"" }, { "\"a\"" } },
	{ "{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}-\\\\d+$\"}",
	  { "\"AB-1\"", "\"ZZ-0099\"" },
	  { "\"A-1\"", "\"AB-\"", "\"AB-1x\"", "\"xAB-1\"", "\"aB-1\"" } },
	{ "{\"type\":\"string\",\"pattern\":\"b+c\"}",
	  { "\"bc\"", "\"xxbbcyy\"", "\"b\xC3\xA9 bbbc\"", "\"\\nbc\"" },
	  { "\"\"", "\"b\"", "\"cb\"", "\"b c\"" } },
	{ "{\"type\":\"string\",\"pattern\":\"^(?:a|bc)?(d|e){1,2}f*$\",\"maxLength\":4}",
	  { "\"d\"", "\"ade\"", "\"bcdd\"", "\"dfff\"" },
	  { "\"a\"", "\"abd\"", "\"bcdff\"", "\"dffff\"", "\"deee\"" } },
	{ "{\"type\":\"string\",\"pattern\":\"^[^a-c\\\\s]$\"}",
	  { "\"d\"", "\"\xF0\x9F\x98\x80\"", "\"\\\\\"", "\"\\\"\"", "\"\\u0001\"", "\"\\b\"" },
	  { "\"a\"", "\"c\"", "\" \"", "\"\\n\"", "\"\\u000a\"", "\"\xC2\xA0\"", "\"\"", "\"dd\"", "\"\x01\"" } },
	{ "{\"type\":\"string\",\"pattern\":\"^.$\"}", { "\"a\"", "\"\xE2\x80\xA7\"" }, { "\"\\n\"", "\"\xE2\x80\xA8\"" } },
	{ "{\"type\":\"string\",\"pattern\":\"^a|b$\"}", { "\"ax\"", "\"xb\"" }, { "\"xa\"", "\"bx\"" } },
	{ "{\"type\":\"string\",\"pattern\":\"^[\\\\u00e9-\\\\u20ac\\\\x41\\\\-]+$\",\"minLength\":2}",
	  { "\"\xC3\xA9\xE2\x82\xAC\"", "\"A-\"" },
	  { "\"A\"", "\"\xC3\xA8\xC3\xA9\"", "\"\xE2\x82\xAD\xC3\xA9\"", "\"BA\"" } },
	/* numbers */
	{ "{\"type\":\"integer\"}",
	  { "0", "7", "-1", "123456789012345", "-999999999999999" },
	  { "-0", "01", "1.0", "1e3", "+1", "1234567890123456", "" } },
	{ "{\"type\":\"integer\",\"minimum\":-12,\"maximum\":105}",
	  { "-12", "-9", "-1", "0", "9", "99", "100", "105" },
	  { "-13", "-20", "-100", "106", "110", "200", "1000", "-0", "00" } },
	{ "{\"type\":\"integer\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":10}", { "1", "9" }, { "0", "10", "-1" } },
	{ "{\"type\":\"integer\",\"minimum\":0.5,\"maximum\":2.5}", { "1", "2" }, { "0", "3" } },
	{ "{\"type\":\"integer\",\"exclusiveMaximum\":-99}", { "-100", "-999" }, { "-99", "0", "5", "-1" } },
	{ "{\"type\":\"integer\",\"minimum\":9007199254740993}",
	  { "9007199254740993", "9999999999999999" },
	  { "9007199254740992", "10000000000000000" } },
	{ "{\"type\":\"integer\",\"maximum\":1e300}", { "5" }, { "1e3" } },
	{ "{\"type\":\"number\"}",
	  { "0", "-1.5", "3.140000", "0.000001", "999999999.999999", "123456789012.345", "0.0" },
	  { "-0", "-0.0", ".5", "5.", "1e3", "0.0000001", "123456789012.3456", "1234567890123456" } },
	{ "{\"type\":\"number\",\"minimum\":0.1,\"maximum\":0.25}",
	  { "0.1", "0.10", "0.100000", "0.25", "0.2", "0.249999" },
	  { "0", "0.0", "0.09", "0.26", "0.250001", "0.3", "1", "0." } },
	{ "{\"type\":\"number\",\"exclusiveMinimum\":-1,\"exclusiveMaximum\":1.5}",
	  { "-0.999999", "-0.5", "0", "1.499999", "1.4" },
	  { "-1", "-1.0", "1.5", "1.50", "2", "-0" } },
	{ "{\"type\":\"number\",\"minimum\":1e-9,\"maximum\":2e-9}",
	  { "0.000000001", "0.000000002" },
	  { "0", "0.000000003", "0.1", "0.0000000015" } }, /* no more decimals than the bounds have */
	{ "{\"type\":\"number\",\"minimum\":-3,\"maximum\":-2}", { "-2", "-3", "-2.5", "-3.000" }, { "-1.9", "-3.1", "2" } },
	/* objects and arrays */
	{ "{\"type\":\"object\"}", { "{}" }, { "{ }", "{\"a\": 1}" } },
	{ "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"null\"},\"c/\\\"\":{\"type\":"
	  "\"null\"}},\"required\":[\"b\"],\"additionalProperties\":false}",
	  { "{\"b\": null}", "{\"a\": null, \"b\": null}", "{\"b\": null, \"c/\\\"\": null}",
	    "{\"a\": null, \"b\": null, \"c/\\\"\": null}" },
	  { "{}", "{\"a\": null}", "{\"b\": null, \"a\": null}", "{\"b\":null}", "{, \"b\": null}", "{\"b\": null, }",
	    "{\"b\": null, \"b\": null}" } },
	{ "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"null\"}}}",
	  { "{}", "{\"a\": null}", "{\"b\": null}", "{\"a\": null, \"b\": null}" },
	  { "{\"b\": null, \"a\": null}" } },
	{ "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}}",
	  { "[]", "[true]", "[true, false, true]" },
	  { "[true,false]", "[, true]", "[true, ]", "[1]" } },
	{ "{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"minItems\":2,\"maxItems\":3}",
	  { "[null, null]", "[null, null, null]" },
	  { "[]", "[null]", "[null, null, null, null]" } },
	{ "{\"type\":\"array\",\"maxItems\":0}", { "[]" }, { "[1]" } },
	{ "{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"maxItems\":1}", { "[]", "[null]" }, { "[null, null]" } },
	/* alternatives and references */
	{ "{\"anyOf\":[{\"type\":\"integer\",\"maximum\":5},{\"type\":\"integer\",\"minimum\":3},{\"const\":\"x\"}]}",
	  { "1", "4", "9", "\"x\"" },
	  { "\"y\"", "1.5" } },
	{ "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"a\"},\"v\":{\"type\":\"null\"}},"
	  "\"required\":[\"k\"]},{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"b\"}},\"required\":[\"k\"]},"
	  "{\"type\":\"null\"}]}",
	  { "{\"k\": \"a\"}", "{\"k\": \"a\", \"v\": null}", "{\"k\": \"b\"}", "null" },
	  { "{\"k\": \"b\", \"v\": null}", "{\"k\": \"c\"}", "{}" } },
	{ "{\"$ref\":\"#/$defs/t\",\"$defs\":{\"t\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/t\"}}}}",
	  { "[]", "[[]]", "[[], [[], []]]" },
	  { "[", "[[]", "[1]" } },
	{ "{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},\"next\":{\"anyOf\":[{\"$ref\":\"#\"},{"
	  "\"type\":\"null\"}]}},\"required\":[\"v\",\"next\"]}",
	  { "{\"v\": 1, \"next\": null}", "{\"v\": 1, \"next\": {\"v\": 2, \"next\": null}}" },
	  { "{\"v\": 1}", "{\"v\": 1, \"next\": 2}" } },
	{ "{\"$ref\":\"#/definitions/a~1b%20c\",\"definitions\":{\"a/b c\":{\"const\":3}}}", { "3" }, { "4" } },
};

static bool accepts(struct grammar_matcher *m, const char *text)
{
	struct grammar_state s = grammar_begin(m);

	return grammar_advance(m, &s, text, strlen(text)) && grammar_may_end(m, s);
}

static void keywords_let_through_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err;
		struct grammar *g = schema_compile(rows[i].schema, strlen(rows[i].schema), NULL, &err);

		if (!g)
			fail_msg("%s: %s", rows[i].schema, err.text);
		struct grammar_matcher *m = grammar_matcher_new(g);

		for (size_t k = 0; k < ARRAY_SIZE(rows[i].accepted) && rows[i].accepted[k]; k++)
			if (!accepts(m, rows[i].accepted[k]))
				fail_msg("%s rejects %s", rows[i].schema, rows[i].accepted[k]);
		for (size_t k = 0; k < ARRAY_SIZE(rows[i].rejected) && rows[i].rejected[k]; k++)
			if (accepts(m, rows[i].rejected[k]))
				fail_msg("%s accepts %s", rows[i].schema, rows[i].rejected[k]);
		grammar_matcher_free(m);
		grammar_free(g);
	}
}

/* Every integer in reach of every pair of bounds. */
static void integer_bounds_are_exact(void **state)
{
	static const int bounds[] = { -1000, -110, -101, -100, -99, -12, -10, -9, -1, 0, 1, 8, 9, 10, 11, 19, 99, 100, 101, 999, 1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++)
		for (size_t k = i; k < ARRAY_SIZE(bounds); k++) {
			char text[128];
			struct error err;

			snprintf(text, sizeof(text), "{\"type\":\"integer\",\"minimum\":%d,\"maximum\":%d}", bounds[i], bounds[k]);
			struct grammar *g = schema_compile(text, strlen(text), NULL, &err);

			assert_non_null(g);
			struct grammar_matcher *m = grammar_matcher_new(g);

			for (int x = -1100; x <= 1100; x++) {
				char number[16];

				snprintf(number, sizeof(number), "%d", x);
				if (accepts(m, number) != (x >= bounds[i] && x <= bounds[k]))
					fail_msg("%s and %d", text, x);
			}
			grammar_matcher_free(m);
			grammar_free(g);
		}
}

/* Schemas that are refused, and words of the sentence, the pointer first. */
static const struct {
	const char *schema, *pointer, *words;
} refused[] = {
	{ "{", "the schema is not JSON", "line 1" },
	{ "{\"type\":\"null\",\"type\":\"null\"}", "the schema is not JSON", "duplicate" },
	{ "true", "#: ", "must be a schema" },
	{ "{}", "#: ", "allows any value" },
	{ "{\"type\":\"thing\"}", "#/type: ", "must be one of" },
	{ "{\"type\":[]}", "#/type: ", "must be one of" },
	{ "{\"type\":[\"null\",\"null\"]}", "#/type: ", "different" },
	{ "{\"type\":\"string\",\"format\":\"date\"}", "#/format: ", "not supported" },
	{ "{\"type\":\"object\",\"properties\":{\"a/b\":{\"type\":\"integer\",\"multipleOf\":2}}}",
	  "#/properties/a~1b/multipleOf: ", "not supported" },
	{ "{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"uniqueItems\":true}", "#/uniqueItems: ", "not supported" },
	{ "{\"type\":\"object\",\"patternProperties\":{}}", "#/patternProperties: ", "not supported" },
	{ "{\"allOf\":[{\"type\":\"null\"}]}", "#/allOf: ", "not supported" },
	{ "{\"not\":{}}", "#/not: ", "not supported" },
	{ "{\"if\":{}}", "#/if: ", "not supported" },
	{ "{\"type\":\"null\",\"minLength\":1}", "#/minLength: ", "says nothing about the type" },
	{ "{\"minLength\":1}", "#/minLength: ", "needs a \"type\"" },
	{ "{\"enum\":[1],\"minimum\":0}", "#/minimum: ", "stands beside enum" },
	{ "{\"enum\":[1],\"const\":1}", "#/const: ", "stands beside enum" },
	{ "{\"anyOf\":[{\"type\":\"null\"}],\"type\":\"null\"}", "#/type: ", "stands beside anyOf" },
	{ "{\"enum\":[]}", "#/enum: ", "at least one" },
	{ "{\"type\":\"string\",\"enum\":[\"a\",1]}", "#/enum: ", "1 is not of the type" },
	{ "{\"type\":\"integer\",\"const\":1.5}", "#/const: ", "1.5 is not of the type" },
	{ "{\"anyOf\":[]}", "#/anyOf: ", "at least one" },
	{ "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\",\"minimum\":2,\"maximum\":1}]}", "#/anyOf/1: ", "leave no integer" },
	{ "{\"type\":\"integer\",\"minimum\":0.1,\"maximum\":0.9}", "#: ", "leave no integer" },
	{ "{\"type\":\"number\",\"exclusiveMinimum\":1,\"maximum\":1}", "#: ", "leave no number" },
	{ "{\"type\":\"number\",\"minimum\":1e300}", "#: ", "leave no number" },
	{ "{\"type\":\"number\",\"minimum\":\"1\"}", "#/minimum: ", "must be a number" },
	{ "{\"type\":\"number\",\"exclusiveMinimum\":true}", "#/exclusiveMinimum: ", "must be a number" },
	{ "{\"type\":\"string\",\"minLength\":3,\"maxLength\":2}", "#/minLength: ", "more than maxLength" },
	{ "{\"type\":\"string\",\"minLength\":-1}", "#/minLength: ", "whole number" },
	{ "{\"type\":\"string\",\"maxLength\":1.5}", "#/maxLength: ", "whole number" },
	{ "{\"type\":\"string\",\"pattern\":\"^a$\",\"minLength\":2}", "#", "can never end" },
	{ "{\"type\":\"string\",\"pattern\":\"a(?=b)\"}", "#/pattern: ", "(?:" },
	{ "{\"type\":\"string\",\"pattern\":\"a)\"}", "#/pattern: ", "without (" },
	{ "{\"type\":\"string\",\"pattern\":\"(a\"}", "#/pattern: ", "without )" },
	{ "{\"type\":\"string\",\"pattern\":\"[a\"}", "#/pattern: ", "without ]" },
	{ "{\"type\":\"string\",\"pattern\":\"[b-a]\"}", "#/pattern: ", "range" },
	{ "{\"type\":\"string\",\"pattern\":\"a*?\"}", "#/pattern: ", "lazy" },
	{ "{\"type\":\"string\",\"pattern\":\"*\"}", "#/pattern: ", "escaped" },
	{ "{\"type\":\"string\",\"pattern\":\"\\\\bx\"}", "#/pattern: ", "escape that is not supported" },
	{ "{\"type\":\"string\",\"pattern\":\"(a)\\\\1\"}", "#/pattern: ", "escape that is not supported" },
	{ "{\"type\":\"string\",\"pattern\":\"a{2,1}\"}", "#/pattern: ", "counts in braces" },
	{ "{\"type\":\"string\",\"pattern\":\"^*\"}", "#/pattern: ", "repeats an anchor" },
	{ "{\"type\":\"string\",\"pattern\":\"(((a{1000}){1000}){1000})\"}", "#/pattern: ", "too large" },
	{ "{\"type\":\"string\",\"pattern\":\"(a|b)*a(a|b){20}\"}", "#/pattern: ", "too large" },
	{ "{\"type\":\"string\",\"pattern\":\"^[a-z]+[0-9]$\",\"maxLength\":50000}", "#/pattern: ", "together" },
	{ "{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"minItems\":2,\"maxItems\":1}", "#/minItems: ", "more than maxItems" },
	{ "{\"type\":\"array\"}", "#: ", "needs \"items\"" },
	{ "{\"type\":\"array\",\"items\":[{\"type\":\"null\"}]}", "#/items: ", "must be a schema" },
	{ "{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"minItems\":4000000000}", "#", "can never end" },
	{ "{\"type\":\"object\",\"required\":[\"a\"]}", "#/required: ", "\"a\" is not among the properties" },
	{ "{\"type\":\"object\",\"required\":\"a\"}", "#/required: ", "list" },
	{ "{\"type\":\"object\",\"properties\":[]}", "#/properties: ", "object" },
	{ "{\"type\":\"object\",\"properties\":{\"a\":1}}", "#/properties/a: ", "must be a schema" },
	{ "{\"type\":\"object\",\"additionalProperties\":true}", "#/additionalProperties: ", "must be false" },
	{ "{\"$ref\":\"#/$defs/x\"}", "#/$ref: ", "not in this document" },
	{ "{\"$ref\":\"http://x/y\"}", "#/$ref: ", "not in this document" },
	{ "{\"$ref\":1}", "#/$ref: ", "not in this document" },
	{ "{\"$ref\":\"#\"}", "#", "refers to itself" },
	{ "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/a\"}]}}}", "#/$defs/a", "refers to itself" },
	{ "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}", "#", "can never end" },
	{ "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", "#/oneOf: ", "0 and 1" },
	{ "{\"oneOf\":[{\"enum\":[1,2]},{\"enum\":[3,2.0]}]}", "#/oneOf: ", "0 and 1" },
	{ "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"const\":1}}},{\"type\":\"object\",\"properties\":{\"k\":"
	  "{\"const\":2}},\"required\":[\"k\"]}]}",
	  "#/oneOf: ", "0 and 1" },
};

static void the_rest_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct error err = { .text = "" };
		struct grammar *g = schema_compile(refused[i].schema, strlen(refused[i].schema), NULL, &err);

		if (g || strncmp(err.text, refused[i].pointer, strlen(refused[i].pointer)) != 0 ||
		    !strstr(err.text, refused[i].words))
			fail_msg("%s: got \"%s\", want \"%s...%s\"", refused[i].schema, err.text, refused[i].pointer,
				 refused[i].words);
	}
}

/* Schemas inside each other; more than the limit is an error, and so is what JSON itself cannot hold. */
static void nesting_is_bounded(void **state)
{
	static const struct {
		size_t depth;
		bool ok;
	} cases[] = { { 10, true }, { 60, true }, { 100, false }, { 5000, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf text = { 0 };
		struct error err = { .text = "" };

		for (size_t k = 0; k < cases[i].depth; k++)
			buf_adds(&text, "{\"type\":\"array\",\"items\":");
		buf_adds(&text, "{\"type\":\"null\"}");
		for (size_t k = 0; k < cases[i].depth; k++)
			buf_adds(&text, "}");
		struct grammar *g = schema_compile(text.data, text.n, NULL, &err);

		assert_int_equal(g != NULL, cases[i].ok);
		assert_int_equal(err.text[0] == '\0', cases[i].ok);
		grammar_free(g);
		buf_release(&text);
	}
}

/* A tokenizer without a byte: nothing that needs it is entered, and where all need it loading says so. */
static void missing_bytes_are_avoided(void **state)
{
	struct byte_set alphabet = { { UINT64_MAX, UINT64_MAX, 0, 0 } };
	struct error err;
	const char *any = "{\"type\":\"string\"}", *one = "{\"const\":\"\xC3\xA9\"}";
	struct grammar *g = schema_compile(any, strlen(any), &alphabet, &err);
	struct grammar_matcher *m = grammar_matcher_new(g);

	(void)state;
	assert_true(accepts(m, "\"\\u00e9\""));
	assert_false(accepts(m, "\"\xC3\xA9\""));
	grammar_matcher_free(m);
	grammar_free(g);
	assert_null(schema_compile(one, strlen(one), &alphabet, &err));
	assert_non_null(strstr(err.text, "can never end"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keywords_let_through_what_they_say),
		cmocka_unit_test(integer_bounds_are_exact),
		cmocka_unit_test(the_rest_is_refused),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(missing_bytes_are_avoided),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
