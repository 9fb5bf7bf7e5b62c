/* Names of models elsewhere, and the variables that go with them. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "model/endpoint.h"
#include "model/wire.h"

static void clear(void)
{
	static const char *const variables[] = { "OPENAI_BASE_URL", "OPENAI_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "RUNG_API_KEY" };

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
}

static void tuned_ones_are_known_by_their_names(void **state)
{
	static const struct {
		const char *name;
		bool tuned;
	} cases[] = {
		{ "openai:ft:gpt-4.1:acme::9x", true }, { "http://127.0.0.1:8080/v1#ft:m:o::1", true }, { "openai:gpt-4.1", false },
		{ "http://127.0.0.1:8080/v1#m:ft:", false }, { "ft:gpt-4.1:acme::9x", false }, { "local:ft:x", false }, { "tuned:ft:v1", false },
		{ "http://127.0.0.1:8080/ft:", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (endpoint_is_tuned(cases[i].name) != cases[i].tuned)
			fail_msg("%s", cases[i].name);
}

static void names_are_parsed(void **state)
{
	static const struct {
		const char *name, *wire, *base, *model, *key;
		bool needed;
	} cases[] = {
		{ "openai:gpt-4.1-mini", "openai", "https://api.openai.com/v1", "gpt-4.1-mini", "OPENAI_API_KEY", true },
		{ "openai:ft:gpt-4.1:acme::9x", "openai", "https://api.openai.com/v1", "ft:gpt-4.1:acme::9x", "OPENAI_API_KEY", true },
		{ "anthropic:claude-haiku-4-5", "anthropic", "https://api.anthropic.com", "claude-haiku-4-5", "ANTHROPIC_API_KEY", true },
		{ "http://127.0.0.1:8080/v1#qwen3-8b", "openai", "http://127.0.0.1:8080/v1", "qwen3-8b", "RUNG_API_KEY", false },
		{ "https://models.example/v1/#org/model:free", "openai", "https://models.example/v1", "org/model:free", "RUNG_API_KEY", false },
		{ "http://models.example/v1#m", "openai", "http://models.example/v1", "m", "RUNG_API_KEY", false },
	};

	(void)state;
	clear();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct endpoint e;
		struct error err;

		assert_true(endpoint_is(cases[i].name));
		if (!endpoint_parse(cases[i].name, &e, &err))
			fail_msg("%s: %s", cases[i].name, err.text);
		assert_string_equal(e.wire->name, cases[i].wire);
		assert_string_equal(e.base, cases[i].base);
		assert_string_equal(e.model, cases[i].model);
		assert_string_equal(e.key_variable, cases[i].key);
		assert_int_equal(e.key_needed, cases[i].needed);
		endpoint_release(&e);
	}
}

static void local_names_are_none(void **state)
{
	static const char *const names[] = { "local", "local:gemma", "tuned:x:v1", "recorded:f.jsonl", "ftp://x#y", "", "openai", "httpx" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_false(endpoint_is(names[i]));
}

static void refuses(const char *name, const char *sentence)
{
	struct endpoint e;
	struct error err;

	assert_false(endpoint_parse(name, &e, &err));
	if (!strstr(err.text, sentence))
		fail_msg("%s: %s", name, err.text);
	assert_null(strstr(err.text, "s3cret"));
}

static void bad_names_are_sentences(void **state)
{
	(void)state;
	clear();
	refuses("openai:", "names no model");
	refuses("http://127.0.0.1:8080/v1", "behind '#'");
	refuses("http://127.0.0.1:8080/v1#", "behind '#'");
	refuses("http://#m", "no http or https URL with a host");
	refuses("http://:80/v1#m", "no http or https URL with a host");
	refuses("https://me:s3cret@models.example/v1#m", "must not hold a user or password");
	refuses("https://me:s3cret@models.example/v1", "behind '#'");
	refuses("https://models.example/v1?key=1#m", "a space or a '?'");
	setenv("RUNG_API_KEY", "s3cret", 1);
	refuses("http://models.example/v1#m", "would show the key in RUNG_API_KEY");
	refuses("http://127.0.0.1.example/v1#m", "would show the key in RUNG_API_KEY");
	clear();
	setenv("OPENAI_BASE_URL", "models.example", 1);
	refuses("openai:x", "OPENAI_BASE_URL: is no http or https URL");
	clear();
}

static void variables_move_a_provider(void **state)
{
	struct endpoint e;
	struct error err;

	(void)state;
	clear();
	setenv("OPENAI_BASE_URL", "http://localhost:9/v1/", 1);
	setenv("OPENAI_API_KEY", "s3cret", 1);
	assert_true(endpoint_parse("openai:x", &e, &err));
	assert_string_equal(e.base, "http://localhost:9/v1");
	endpoint_release(&e);
	setenv("OPENAI_BASE_URL", "", 1);
	assert_true(endpoint_parse("openai:x", &e, &err));
	assert_string_equal(e.base, "https://api.openai.com/v1");
	endpoint_release(&e);
	setenv("OPENAI_BASE_URL", "http://models.example/v1", 1);
	refuses("openai:x", "would show the key in OPENAI_API_KEY");
	clear();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tuned_ones_are_known_by_their_names),
		cmocka_unit_test(names_are_parsed),
		cmocka_unit_test(local_names_are_none),
		cmocka_unit_test(bad_names_are_sentences),
		cmocka_unit_test(variables_move_a_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
