/* Fine-tuning jobs as JSON: bodies as OpenAI's API reference shows them. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "cost/trainable.h"
#include "model/endpoint.h"
#include "model/wire_job.h"
#include "model/wire_inner.h"

static void orders_are_written(void **state)
{
	static const struct {
		struct job_order order;
		const char *body;
	} cases[] = {
		{ { .training = "file-1", .seed = 1, .epochs = 3 },
		  "{\"model\":\"m\",\"training_file\":\"file-1\",\"method\":{\"type\":\"supervised\",\"supervised\":{\"hyperparameters\":"
		  "{\"n_epochs\":3}}},\"seed\":1}" },
		{ { .training = "file-1", .validation = "file-2", .suffix = "mails", .seed = 1ULL << 31 | 7, .epochs = 2, .batch = 8, .rate = 0.5 },
		  "{\"model\":\"m\",\"training_file\":\"file-1\",\"method\":{\"type\":\"supervised\",\"supervised\":{\"hyperparameters\":"
		  "{\"n_epochs\":2,\"batch_size\":8,\"learning_rate_multiplier\":0.5}}},\"validation_file\":\"file-2\",\"suffix\":\"mails\","
		  "\"seed\":7}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf body = { 0 };

		wire_job_make("m", &cases[i].order, &body);
		json_t *made = json_loads(buf_text(&body), 0, NULL), *expected = json_loads(cases[i].body, 0, NULL);

		assert_non_null(expected);
		if (!json_equal(made, expected))
			fail_msg("%s", buf_text(&body));
		json_decref(made);
		json_decref(expected);
		buf_release(&body);
	}
}

#define JOB(rest) "{\"object\":\"fine_tuning.job\",\"id\":\"ftjob-1\",\"training_file\":\"file-1\"," rest "}"

static void states_are_read(void **state)
{
	static const struct {
		const char *name, *body;
		bool read;
		enum job_end end;
		const char *model, *why;
		size_t tokens;
	} cases[] = {
		{ "just made", JOB("\"status\":\"validating_files\",\"fine_tuned_model\":null,\"error\":{},\"trained_tokens\":null"), true, JOB_OPEN, NULL,
		  NULL, 0 },
		{ "a state of another vendor's", JOB("\"status\":\"pending\""), true, JOB_OPEN, NULL, NULL, 0 },
		{ "done", JOB("\"status\":\"succeeded\",\"fine_tuned_model\":\"ft:m:org::1\",\"trained_tokens\":5768"), true, JOB_SUCCEEDED,
		  "ft:m:org::1", NULL, 5768 },
		{ "failed", JOB("\"status\":\"failed\",\"error\":{\"code\":\"x\",\"message\":\"line 3\\nis\\u001b[31m wrong\"}"), true, JOB_FAILED, NULL,
		  "line 3 is [31m wrong", 0 },
		{ "failed without a word", JOB("\"status\":\"failed\",\"error\":null"), true, JOB_FAILED, NULL, "the provider does not say why", 0 },
		{ "cancelled", JOB("\"status\":\"cancelled\""), true, JOB_CANCELLED, NULL, NULL, 0 },
		{ "done with nothing", JOB("\"status\":\"succeeded\",\"fine_tuned_model\":null"), false, 0, NULL, NULL, 0 },
		{ "no status", JOB("\"x\":1"), false, 0, NULL, NULL, 0 },
		{ "an id that is a path", "{\"id\":\"../files/1\",\"status\":\"running\"}", false, 0, NULL, NULL, 0 },
		{ "no object", "[]", false, 0, NULL, NULL, 0 },
		{ "no JSON", "<html>", false, 0, NULL, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct arena arena;
		struct job_state s;

		arena_init(&arena);
		bool read = wire_job_state(cases[i].body, strlen(cases[i].body), &arena, &s);

		if (read != cases[i].read)
			fail_msg("%s: %s", cases[i].name, read ? "read" : "not read");
		if (read && (s.end != cases[i].end || s.trained_tokens != cases[i].tokens || strcmp(s.id, "ftjob-1") != 0 ||
			     strcmp(s.model ? s.model : "", cases[i].model ? cases[i].model : "") != 0 ||
			     strcmp(s.why ? s.why : "", cases[i].why ? cases[i].why : "") != 0))
			fail_msg("%s: end %d, model %s, why %s, %zu tokens", cases[i].name, (int)s.end, s.model, s.why, s.trained_tokens);
		arena_release(&arena);
	}
}

static void jobs_are_found_by_their_file(void **state)
{
	static const char list[] = "{\"object\":\"list\",\"data\":["
				   "{\"id\":\"ftjob-9\",\"status\":\"running\",\"training_file\":\"file-9\"},"
				   "{\"id\":\"ftjob-8\",\"status\":\"running\",\"training_file\":\"file-1\"},"
				   "{\"id\":\"ftjob-7\",\"status\":\"failed\",\"training_file\":\"file-1\"}],\"has_more\":false}";
	struct arena arena;
	struct job_state s;
	bool found;

	(void)state;
	arena_init(&arena);
	assert_true(wire_job_find(list, sizeof(list) - 1, "file-1", &arena, &s, &found));
	assert_true(found);
	assert_string_equal(s.id, "ftjob-8");
	assert_true(wire_job_find(list, sizeof(list) - 1, "file-2", &arena, &s, &found));
	assert_false(found);
	assert_false(wire_job_find("{\"data\":3}", 10, "file-1", &arena, &s, &found));
	assert_false(found);
	arena_release(&arena);
}

static void events_say_how_far_it_is(void **state)
{
	static const char list[] = "{\"data\":["
				   "{\"message\":\"New fine-tuned model created\",\"type\":\"message\",\"data\":{}},"
				   "{\"message\":\"Step 88/100: training loss=0.20\",\"type\":\"metrics\",\"data\":{\"step\":88,\"total_steps\":100}},"
				   "{\"message\":\"Step 87/100\",\"type\":\"metrics\",\"data\":{\"step\":87,\"total_steps\":100}}]}";
	struct arena arena;
	struct job_news news;

	(void)state;
	arena_init(&arena);
	assert_true(wire_job_news(list, sizeof(list) - 1, &arena, &news));
	assert_string_equal(news.message, "New fine-tuned model created");
	assert_int_equal(news.step, 88);
	assert_int_equal(news.steps, 100);
	assert_true(wire_job_news("{\"data\":[]}", 11, &arena, &news));
	assert_null(news.message);
	assert_int_equal(news.steps, 0);
	arena_release(&arena);
}

static void checkpoints_are_listed(void **state)
{
	static const char list[] = "{\"data\":[{\"fine_tuned_model_checkpoint\":\"ft:m:o::1\",\"step_number\":20},{\"id\":\"without\"},"
				   "{\"fine_tuned_model_checkpoint\":\"ft:m:o::1:ckpt-step-10\",\"step_number\":10}]}";
	struct job_checkpoint *all;
	struct arena arena;
	size_t n;

	(void)state;
	arena_init(&arena);
	assert_true(wire_job_checkpoints(list, sizeof(list) - 1, &arena, &all, &n));
	assert_int_equal(n, 2);
	assert_string_equal(all[1].model, "ft:m:o::1:ckpt-step-10");
	assert_int_equal(all[1].step, 10);
	arena_release(&arena);
}

/* The announcement: no new jobs after 6 January 2027. */
static void announcements_hold_to_their_last_day(void **state)
{
	const struct trainable *t = trainable_find("openai:gpt-4.1-mini");

	(void)state;
	assert_non_null(t);
	assert_true(trainable_on(t, "2026-08-01"));
	assert_true(trainable_on(t, "2027-01-06"));
	assert_false(trainable_on(t, "2027-01-07"));
	assert_null(trainable_find("http://127.0.0.1:8080/v1#openai:m"));
	assert_null(trainable_find("local"));
}

/* OpenAI Cookbook: three epochs, unless fewer than a hundred examples would be seen; 25 at most. */
static void epochs_follow_the_number_of_examples(void **state)
{
	static const struct { unsigned long examples; unsigned epochs; } cases[] = {
		{ 1, 25 }, { 4, 25 }, { 5, 20 }, { 10, 10 }, { 33, 3 }, { 34, 3 }, { 100000, 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (trainable_epochs(cases[i].examples) != cases[i].epochs)
			fail_msg("%lu examples: %u epochs", cases[i].examples, trainable_epochs(cases[i].examples));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_are_written),
		cmocka_unit_test(states_are_read),
		cmocka_unit_test(jobs_are_found_by_their_file),
		cmocka_unit_test(events_say_how_far_it_is),
		cmocka_unit_test(checkpoints_are_listed),
		cmocka_unit_test(announcements_hold_to_their_last_day),
		cmocka_unit_test(epochs_follow_the_number_of_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
