/* The price table: dated cells, LiteLLM's file, the user's own prices, and what is doubted. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cost/price.h"
#include "test.h"

static const char today[] = "2026-09-01";

static int open_table(void **state)
{
	*state = price_table_open();
	return 0;
}

static int close_table(void **state)
{
	price_table_free(*state);
	return 0;
}

static void read_text(struct price_table *t, const char *json, const char *as_of)
{
	struct error err;

	if (!price_table_read(t, json, strlen(json), "prices.json", as_of, &err))
		fail_msg("%s", err.text);
}

static size_t doubts_of(const struct price_table *t, const char *model, const char *day, struct arena *arena, const char *out[PRICE_DOUBTS])
{
	return price_doubts(t, price_table_find(t, model), day, arena, out);
}

static void models_are_found_with_or_without_provider(void **state)
{
	struct price_table *t = *state;
	struct cost_prices p = price_of(price_table_find(t, "openai:gpt-4.1-mini"));

	assert_ptr_equal(price_table_find(t, "openai:gpt-4.1-mini"), price_table_find(t, "gpt-4.1-mini"));
	assert_string_equal(price_table_find(t, "gemini:gemini-2.5-flash")->name, "gemini/gemini-2.5-flash");
	assert_true(p.input == .40 && p.cache_read == .10 && p.output == 1.60 && p.cache_write == .40);
	assert_true(price_of(price_table_find(t, "anthropic:claude-haiku-4-5")).cache_write == 1.25);
	assert_true(price_batch_discount(price_table_find(t, "gpt-4.1-mini")) == .5);
	assert_null(price_table_find(t, "nobody:nothing"));
	assert_null(price_table_find(t, "local"));
}

static void every_cell_has_its_day_and_source(void **state)
{
	const struct price_model *m = price_table_find(*state, "gpt-4.1-mini");
	long day;

	for (size_t f = 0; f < PRICE_FIELDS; f++) {
		const struct price_cell *c = &m->cells[f];

		assert_int_equal(isnan(c->usd_per_mtok) != 0, c->source == NULL);
		assert_true(!c->source || price_day(c->as_of, &day));
	}
	assert_true(isnan(m->cells[PRICE_CACHE_WRITE].usd_per_mtok));
}

static void newer_cells_replace_older_ones(void **state)
{
	struct price_table *t = *state;

	read_text(t, "{\"gpt-4.1-mini\": {\"input_cost_per_token\": 3e-07}}", "2026-07-31");
	assert_close("older", price_of(price_table_find(t, "gpt-4.1-mini")).input, .40, 1e-12);
	read_text(t, "{\"gpt-4.1-mini\": {\"input_cost_per_token\": 3e-07, \"deprecation_date\": \"2026-10-01\"}, \"new\": "
		     "{\"input_cost_per_token\": 1e-06, \"output_cost_per_token\": 2e-06, \"prompt_cache_min_tokens\": 2048}}",
		  "2026-08-20");
	const struct price_model *m = price_table_find(t, "gpt-4.1-mini");

	assert_close("newer", price_of(m).input, .30, 1e-12);
	assert_close("the other fields stay", price_of(m).output, 1.60, 1e-12);
	assert_string_equal(m->cells[PRICE_INPUT].as_of, "2026-08-20");
	assert_string_equal(m->cells[PRICE_INPUT].source, "prices.json");
	assert_true(price_days_left(m, today) == 30 && price_days_left(m, "2026-10-02") == 0);
	assert_true(isinf(price_days_left(price_table_find(t, "new"), today)));
	assert_true(price_table_find(t, "new")->cache_minimum_tokens == 2048);
}

static void the_users_prices_stand_above(void **state)
{
	struct price_table *t = *state;
	struct error err;

	assert_string_equal(price_table_set(t, "gpt-4.1-mini=0.5/2", today, &err), "gpt-4.1-mini");
	read_text(t, "{\"gpt-4.1-mini\": {\"input_cost_per_token\": 3e-07}}", "2027-01-01");
	struct cost_prices p = price_of(price_table_find(t, "openai:gpt-4.1-mini"));

	assert_true(p.input == .5 && p.output == 2 && isnan(p.cache_read) && p.cache_write == .5);
	assert_string_equal(price_table_set(t, "http://127.0.0.1:8080/v1#a=b=0/0/0", today, &err), "http://127.0.0.1:8080/v1#a=b");
	p = price_of(price_table_find(t, "http://127.0.0.1:8080/v1#a=b"));
	assert_true(p.input == 0 && p.output == 0 && p.cache_read == 0);
}

static void wrong_prices_are_a_sentence(void **state)
{
	static const char *const wrong[] = { "", "a", "a=", "a=1", "a=1/", "a=1/2/", "a=1/2/3/4", "a=-1/2", "a=1/-2", "a=1/2/-3", "a=1/x",
					     "=1/2",
					     "a=nan/1", "a=inf/1", "a=1/2 ", "a= 1/2" };
	static const char *const factors[] = { "", "0", "-1", "x", "a=", "=2", "a=0", "1.1x", "nan" };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = { .text = "" };

		if (price_table_set(*state, wrong[i], today, &err))
			fail_msg("\"%s\" was taken", wrong[i]);
		assert_non_null(strstr(err.text, "is not MODEL=IN/OUT"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(factors); i++) {
		struct error err = { .text = "" };

		if (price_table_factor(*state, factors[i], &err))
			fail_msg("\"%s\" was taken", factors[i]);
		assert_non_null(strstr(err.text, "region factor"));
	}
}

static void factors_are_of_a_model_or_of_all(void **state)
{
	struct price_table *t = *state;
	struct error err;

	assert_true(price_region_factor(t, NULL) == 1);
	assert_true(price_table_factor(t, "1.2", &err) && price_table_factor(t, "gpt-4.1=1.1", &err));
	assert_true(price_region_factor(t, price_table_find(t, "gpt-4.1")) == 1.1);
	assert_true(price_region_factor(t, price_table_find(t, "gpt-4.1-mini")) == 1.2 && price_region_factor(t, NULL) == 1.2);
}

static void files_that_are_none_are_a_sentence(void **state)
{
	static const struct { const char *json, *says; } rows[] = {
		{ "", "prices.json:1: " }, { "{\n\"a\": {]", "prices.json:2: " }, { "[]", "is not an object of models" },
		{ "{}", "has no model with" }, { "{\"a\": {\"mode\": \"chat\"}}", "has no model with" },
		{ "{\"a\": 3}", "\"a\" is not an object" },
		{ "{\"a\": {\"input_cost_per_token\": \"free\"}}", "input_cost_per_token of \"a\" is not a number" },
		{ "{\"sample_spec\": {\"input_cost_per_token\": 0}}", "has no model with" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { .text = "" };

		bool read = price_table_read(*state, rows[i].json, strlen(rows[i].json), "prices.json", today, &err);

		if (read || !strstr(err.text, rows[i].says))
			fail_msg("%s: %s", rows[i].json, err.text);
	}
}

/* Each row: what a file says of a model, and what a reader is told of it. */
static void doubtful_prices_are_said(void **state)
{
	static const struct { const char *json, *says; } rows[] = {
		{ "\"input_cost_per_token\": 1.1e-6, \"output_cost_per_token\": 3.7e-7",
		  "output price of m, $0.37 per million tokens, is below its input" },
		{ "\"input_cost_per_token\": 1e-7, \"output_cost_per_token\": 2e-7, \"cache_read_input_token_cost\": 3e-7",
		  "is below its price of cached input" },
		{ "\"input_cost_per_token\": 0.055, \"output_cost_per_token\": 0.1",
		  "is over 1000 times above the table's median" },
		{ "\"input_cost_per_token\": 1e-10, \"output_cost_per_token\": 2e-7",
		  "is over 1000 times below the table's median" },
		{ "\"input_cost_per_token\": 0.0, \"output_cost_per_token\": 2e-7",
		  "input price of m is 0 in prices.json, which is no price" },
		{ "\"input_cost_per_token\": 1e-7, \"output_cost_per_token\": -2e-7",
		  "output price of m is -0.2 in prices.json, which is no price" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct price_table *t = price_table_open();
		const char *sentences[PRICE_DOUBTS];
		struct arena arena;
		char json[300];
		bool said = false;

		arena_init(&arena);
		snprintf(json, sizeof(json), "{\"m\": {%s}}", rows[i].json);
		read_text(t, json, "2026-08-20");
		size_t n = doubts_of(t, "m", today, &arena, sentences);

		for (size_t k = 0; k < n; k++)
			said |= strstr(sentences[k], rows[i].says) != NULL;
		if (!said)
			fail_msg("not said of %s: %s; but: %s", rows[i].json, rows[i].says, n ? sentences[0] : "nothing");
		arena_release(&arena);
		price_table_free(t);
	}
}

static void refused_prices_are_unknown_and_not_zero(void **state)
{
	read_text(*state, "{\"m\": {\"input_cost_per_token\": 0, \"output_cost_per_token\": -1e-6}}", "2026-08-20");
	struct cost_prices p = price_of(price_table_find(*state, "m"));

	assert_true(isnan(p.input) && isnan(p.output) && isnan(p.cache_read) && isnan(p.cache_write));
}

static void old_prices_are_said_once(void **state)
{
	struct price_table *t = *state;
	const char *sentences[PRICE_DOUBTS];
	struct arena arena;
	struct error err;

	arena_init(&arena);
	assert_int_equal(doubts_of(t, "gpt-4.1-mini", "2027-01-28", &arena, sentences), 0); /* 180 days */
	assert_int_equal(doubts_of(t, "gpt-4.1-mini", "2027-01-29", &arena, sentences), 1);
	assert_non_null(strstr(sentences[0], "are 181 days old (2026-08-01, LiteLLM"));
	assert_non_null(strstr(sentences[0], "--price gpt-4.1-mini=IN/OUT"));
	assert_non_null(price_table_set(t, "gpt-4.1-mini=1/2", "2027-01-29", &err));
	assert_int_equal(doubts_of(t, "gpt-4.1-mini", "2027-01-29", &arena, sentences), 0);
	arena_release(&arena);
}

static void built_in_prices_are_not_doubted(void **state)
{
	static const char *const models[] = { "claude-3-haiku-20240307", "claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-4-5",
					      "gpt-4.1", "ft:gpt-4.1-mini-2025-04-14", "gpt-4o-mini", "gpt-5", "gpt-5-nano" };
	const char *sentences[PRICE_DOUBTS];
	struct arena arena;

	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(models); i++)
		assert_int_equal(doubts_of(*state, models[i], today, &arena, sentences), 0);
	arena_release(&arena);
}

static void fine_tunes_cost_what_those_of_their_base_do(void **state)
{
	static const struct { const char *model, *priced; } rows[] = {
		{ "openai:ft:gpt-4.1-mini-2025-04-14:acme:mails:9x", "ft:gpt-4.1-mini-2025-04-14" },
		{ "ft:gpt-4.1-mini-2025-04-14:acme::9x", "ft:gpt-4.1-mini-2025-04-14" },
		{ "openai:ft:gpt-4.1-mini-2025-04-14", "ft:gpt-4.1-mini-2025-04-14" },
		{ "openai:ft:gpt-test:acme::9x", NULL }, { "openai:gpt-4.1-mini:ft", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct price_model *m = price_table_find(*state, rows[i].model);

		if ((m != NULL) != (rows[i].priced != NULL) || (m && strcmp(m->name, rows[i].priced) != 0))
			fail_msg("%s: %s", rows[i].model, m ? m->name : "no price");
	}
}

/* Python: (date(y, m, d) - date(1970, 1, 1)).days */
static void days_are_counted(void **state)
{
	static const struct { const char *date; long day; } rows[] = {
		{ "1970-01-01", 0 }, { "2000-02-29", 11016 }, { "2000-03-01", 11017 }, { "2026-08-01", 20666 }, { "2100-03-01", 47541 },
		{ "1969-12-31", -1 },
	};
	static const char *const none[] = { NULL, "", "2026-8-1", "2026-13-01", "2026-01-32", "2026-01-011", "date when", "2026/01/01" };
	long day;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(price_day(rows[i].date, &day));
		assert_int_equal(day, rows[i].day);
	}
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(price_day(none[i], &day));
}

/* The whole file, when it is there: known prices, its wrong rows, its retirements. */
static void the_whole_file_is_read(void **state)
{
	const char *folder = test_data_folder();
	struct price_table *t = *state;
	const char *sentences[PRICE_DOUBTS];
	struct arena arena;
	struct error err;
	char path[4096];
	size_t n;

	if (!folder)
		skip();
	snprintf(path, sizeof(path), "%s/prices/litellm_model_prices_2026-08-01.json", folder);
	char *bytes = file_read(path, 64 << 20, &n, &err);

	if (!bytes)
		skip();
	if (!price_table_read(t, bytes, n, "litellm.json", "2026-08-01", &err))
		fail_msg("%s", err.text);
	free(bytes);
	struct cost_prices p = price_of(price_table_find(t, "claude-sonnet-4-5"));

	assert_close("in", p.input, 3, 1e-12);
	assert_close("out", p.output, 15, 1e-12);
	assert_close("read", p.cache_read, .3, 1e-12);
	assert_close("write", p.cache_write, 3.75, 1e-12);
	assert_true(price_days_left(price_table_find(t, "azure/eu/gpt-4o-2024-08-06"), "2026-02-01") == 26);
	arena_init(&arena);
	assert_int_equal(doubts_of(t, "azure_ai/Meta-Llama-3-70B-Instruct", today, &arena, sentences), 1);
	assert_int_equal(doubts_of(t, "claude-sonnet-4-5", today, &arena, sentences), 0);
	arena_release(&arena);
}

/* The table of this program says what that file says of the same day. */
static void built_in_prices_are_those_of_the_file(void **state)
{
	static const char *const models[] = { "claude-3-haiku-20240307", "claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-4-5",
					      "claude-sonnet-4-6", "ft:gpt-4.1-mini-2025-04-14", "ft:gpt-4.1-nano-2025-04-14",
					      "ft:gpt-4o-mini-2024-07-18", "gemini/gemini-2.5-flash", "gemini/gemini-2.5-flash-lite",
					      "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o-mini", "gpt-5", "gpt-5-mini", "gpt-5-nano" };
	const char *folder = test_data_folder();
	struct price_table *file = price_table_open();
	struct error err;
	char path[4096];
	size_t n;

	snprintf(path, sizeof(path), "%s/prices/litellm_model_prices_2026-08-01.json", folder ? folder : "");
	char *bytes = folder ? file_read(path, 64 << 20, &n, &err) : NULL;

	if (bytes && !price_table_read(file, bytes, n, "litellm.json", "2026-08-01", &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; bytes && i < ARRAY_SIZE(models); i++) {
		const struct price_model *ours = price_table_find(*state, models[i]), *theirs = price_table_find(file, models[i]);

		assert_true(ours->cache_minimum_tokens == theirs->cache_minimum_tokens);
		for (size_t f = 0; f < PRICE_FIELDS; f++) {
			double a = ours->cells[f].usd_per_mtok, b = theirs->cells[f].usd_per_mtok;

			if (!(isnan(a) && isnan(b)))
				assert_close(models[i], a, b, 1e-12);
		}
	}
	bool there = bytes != NULL;

	free(bytes);
	price_table_free(file);
	if (!there)
		skip();
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_table, close_table)
	const struct CMUnitTest tests[] = {
		TEST(models_are_found_with_or_without_provider),
		TEST(every_cell_has_its_day_and_source),
		TEST(newer_cells_replace_older_ones),
		TEST(the_users_prices_stand_above),
		TEST(wrong_prices_are_a_sentence),
		TEST(factors_are_of_a_model_or_of_all),
		TEST(files_that_are_none_are_a_sentence),
		TEST(doubtful_prices_are_said),
		TEST(refused_prices_are_unknown_and_not_zero),
		TEST(old_prices_are_said_once),
		TEST(fine_tunes_cost_what_those_of_their_base_do),
		TEST(built_in_prices_are_not_doubted),
		TEST(days_are_counted),
		TEST(the_whole_file_is_read),
		TEST(built_in_prices_are_those_of_the_file),
	};

	return cmocka_run_group_tests_name("cost_prices", tests, NULL, NULL);
}
