/* model_batch.c - batches in both forms: what is handed over, how it stands, what came of it. */
#include "test.h"

#include <jansson.h>
#include <string.h>

#include "model/wire.h"

static struct arena arena;

static void lines_are_json(void **state)
{
	struct buf lines = { 0 }, body = { 0 };

	(void)state;
	wire_openai.batch->line("r1", "{\"model\":\"m\"}", &lines);
	wire_openai.batch->line("r2", "{}", &lines);
	assert_string_equal(buf_text(&lines),
			    "{\"custom_id\":\"r1\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"m\"}}\n"
			    "{\"custom_id\":\"r2\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{}}\n");
	wire_openai.batch->make("file-1", &body);
	assert_string_equal(buf_text(&body),
			    "{\"input_file_id\":\"file-1\",\"endpoint\":\"/v1/chat/completions\",\"completion_window\":\"24h\"}");
	buf_clear(&lines);
	buf_clear(&body);
	wire_anthropic.batch->line("r1", "{\"model\":\"m\"}", &lines);
	wire_anthropic.batch->line("r2", "{}", &lines);
	wire_anthropic.batch->make(buf_text(&lines), &body);
	assert_string_equal(buf_text(&body), "{\"requests\":[{\"custom_id\":\"r1\",\"params\":{\"model\":\"m\"}},{\"custom_id\":\"r2\",\"params\":{}}]}");
	buf_release(&lines);
	buf_release(&body);
}

static void states_are_read(void **state)
{
	static const struct {
		const struct wire *wire;
		const char *body;
		bool known, ended;
		size_t done, failed;
		const char *first, *second, *why;
	} rows[] = {
		{ &wire_openai, "{\"status\":\"in_progress\",\"request_counts\":{\"completed\":3,\"failed\":1}}", true, false, 3, 1, NULL, NULL, NULL },
		{ &wire_openai, "{\"status\":\"completed\",\"output_file_id\":\"file-a\",\"error_file_id\":\"file-b\"}", true, true, 0, 0,
		  "/files/file-a/content", "/files/file-b/content", NULL },
		{ &wire_openai, "{\"status\":\"expired\",\"output_file_id\":\"file-a\",\"error_file_id\":null}", true, true, 0, 0,
		  "/files/file-a/content", NULL, NULL },
		{ &wire_openai, "{\"status\":\"failed\",\"errors\":{\"data\":[{\"message\":\"no such model\"}]}}", true, true, 0, 0, NULL, NULL,
		  "failed: no such model" },
		{ &wire_openai, "{\"status\":\"completed\",\"output_file_id\":\"../models\"}", true, true, 0, 0, NULL, NULL, "completed" },
		{ &wire_openai, "{\"id\":\"x\"}", false, false, 0, 0, NULL, NULL, NULL },
		{ &wire_openai, "<html>", false, false, 0, 0, NULL, NULL, NULL },
		{ &wire_anthropic, "{\"id\":\"b_1\",\"processing_status\":\"in_progress\",\"request_counts\":{\"succeeded\":2,\"errored\":1,\"expired\":1}}",
		  true, false, 2, 2, NULL, NULL, NULL },
		{ &wire_anthropic, "{\"id\":\"b_1\",\"processing_status\":\"ended\",\"results_url\":\"https://elsewhere.invalid/x\"}", true, true, 0, 0,
		  "/v1/messages/batches/b_1/results", NULL, NULL },
		{ &wire_anthropic, "{\"processing_status\":\"ended\"}", false, true, 0, 0, NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wire_batch_state s;
		bool known = rows[i].wire->batch->state(rows[i].body, strlen(rows[i].body), &arena, &s);
		const char *got[] = { s.results[0], s.results[1], s.why }, *want[] = { rows[i].first, rows[i].second, rows[i].why };

		assert_int_equal(known, rows[i].known);
		assert_int_equal(s.ended, rows[i].ended);
		assert_int_equal(s.done, rows[i].done);
		assert_int_equal(s.failed, rows[i].failed);
		for (size_t k = 0; k < 3; k++) {
			assert_int_equal(got[k] == NULL, want[k] == NULL);
			if (want[k])
				assert_string_equal(got[k], want[k]);
		}
	}
}

static void results_are_responses(void **state)
{
	static const struct { const struct wire *wire; const char *line; const char *id; int status; const char *body; } rows[] = {
		{ &wire_openai, "{\"custom_id\":\"r1\",\"response\":{\"status_code\":200,\"body\":{\"choices\":[]}},\"error\":null}", "r1", 200,
		  "{\"choices\":[]}" },
		{ &wire_openai, "{\"custom_id\":\"r2\",\"response\":{\"status_code\":400,\"body\":{\"error\":{}}}}", "r2", 400, "{\"error\":{}}" },
		{ &wire_openai, "{\"custom_id\":\"r3\",\"response\":null,\"error\":{\"code\":\"batch_expired\"}}", "r3", 0, "" },
		{ &wire_openai, "{\"response\":{}}", NULL, 0, NULL },
		{ &wire_anthropic, "{\"custom_id\":\"r1\",\"result\":{\"type\":\"succeeded\",\"message\":{\"content\":[]}}}", "r1", 200,
		  "{\"content\":[]}" },
		{ &wire_anthropic, "{\"custom_id\":\"r2\",\"result\":{\"type\":\"errored\",\"error\":{\"type\":\"error\"}}}", "r2", 400,
		  "{\"type\":\"error\"}" },
		{ &wire_anthropic, "{\"custom_id\":\"r3\",\"result\":{\"type\":\"expired\"}}", "r3", 0, "" },
		{ &wire_anthropic, "not json", NULL, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wire_batch_result r;
		bool good = rows[i].wire->batch->result(rows[i].line, strlen(rows[i].line), &arena, &r);

		assert_int_equal(good, rows[i].id != NULL);
		if (!good)
			continue;
		assert_string_equal(r.id, rows[i].id);
		assert_int_equal(r.status, rows[i].status);
		assert_string_equal(r.body, rows[i].body);
		assert_int_equal(r.n, strlen(rows[i].body));
	}
}

static void names_are_parts_of_paths(void **state)
{
	static const struct { const char *body, *name; } rows[] = {
		{ "{\"id\":\"batch_1-A:b.c\"}", "batch_1-A:b.c" }, { "{\"id\":\"../x\"}", NULL }, { "{\"id\":\"a/b\"}", NULL },
		{ "{\"id\":\"a..b\"}", NULL }, { "{\"id\":\"\"}", NULL }, { "{\"id\":7}", NULL }, { "{}", NULL }, { "[", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *name = wire_id(rows[i].body, strlen(rows[i].body), &arena);

		assert_int_equal(name == NULL, rows[i].name == NULL);
		if (name)
			assert_string_equal(name, rows[i].name);
	}
}

static int begin(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_json),
		cmocka_unit_test(states_are_read),
		cmocka_unit_test(results_are_responses),
		cmocka_unit_test(names_are_parts_of_paths),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
