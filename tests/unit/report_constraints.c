/* What a task forbids: who is ruled out, with which reason, and what is left when all are. */
#include "test.h"

#include <string.h>

#include "report/constraints.h"

static const struct report_variant variants[] = {
	{ .id = "0/words", .ms_p95 = .1 },
	{ .id = "1/few-shot@local", .model = "local", .rung = 1, .ms_p95 = 900 },
	{ .id = "1/few-shot@openai:big", .model = "openai:big", .rung = 1, .ms_p95 = 400 },
	{ .id = "2/rag-fused@local", .model = "local", .rung = 2, .ms_p95 = 1200, .retrieval = { .n = 30 } },
	{ .id = "1/zero-shot@tuned:mail:v1", .model = "tuned:mail:v1", .rung = 1, .ms_p95 = NAN },
};
enum { N = ARRAY_SIZE(variants) };

/* Ids of those that stay, and the sentences about the others, each with a space behind it. */
static void filtered(const struct task *task, struct buf *stay, struct buf *said)
{
	struct report r = { .variants = variants, .n_variants = N };
	struct candidate candidates[N];
	const char *sentences[N + 1];
	struct arena arena;
	size_t n_said = 0;

	arena_init(&arena);
	for (size_t i = 0; i < N; i++)
		candidates[i] = (struct candidate){ .id = variants[i].id };
	size_t n = constraints_filter(task, &r, candidates, N, &arena, sentences, &n_said);

	buf_clear(stay);
	buf_clear(said);
	for (size_t i = 0; i < n; i++)
		buf_addf(stay, "%s ", candidates[i].id);
	for (size_t i = 0; i < n_said; i++)
		buf_addf(said, "%s ", sentences[i]);
	arena_release(&arena);
}

static void forbidden_candidates_are_ruled_out(void **state)
{
	struct buf stay = { 0 }, said = { 0 };
	struct task task = { 0 };

	(void)state;
	filtered(&task, &stay, &said);
	assert_string_equal(buf_text(&said), "");
	task.constraints.private = true;
	filtered(&task, &stay, &said);
	assert_string_equal(buf_text(&stay), "0/words 1/few-shot@local 2/rag-fused@local 1/zero-shot@tuned:mail:v1 ");
	assert_string_equal(buf_text(&said), "1/few-shot@openai:big is ruled out: it sends inputs to openai:big, and the task says `private: true`. ");
	task.traffic.latency_p95_ms = 1000;
	filtered(&task, &stay, &said);
	assert_string_equal(buf_text(&stay), "0/words 1/few-shot@local 1/zero-shot@tuned:mail:v1 ");
	assert_non_null(strstr(buf_text(&said), "2/rag-fused@local is ruled out: its 95th percentile of latency is 1200 ms, above the 1000 ms of "
				     "`latency_p95_ms`."));
	task = (struct task){ .constraints = { .citations = true } };
	filtered(&task, &stay, &said);
	assert_string_equal(buf_text(&stay), "2/rag-fused@local ");
	assert_non_null(strstr(buf_text(&said), "0/words is ruled out: it shows no passages to cite"));
	buf_release(&stay);
	buf_release(&said);
}

static void where_all_are_the_verdict_is_about_all(void **state)
{
	struct task task = { .constraints = { .citations = true }, .traffic = { .latency_p95_ms = 1 } };
	struct buf stay = { 0 }, said = { 0 };

	(void)state;
	filtered(&task, &stay, &said);
	assert_string_equal(buf_text(&stay), "0/words 1/few-shot@local 1/few-shot@openai:big 2/rag-fused@local 1/zero-shot@tuned:mail:v1 ");
	assert_non_null(strstr(buf_text(&said), "No candidate keeps to the task's constraints, so the verdict is about all of them."));
	buf_release(&stay);
	buf_release(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_candidates_are_ruled_out),
		cmocka_unit_test(where_all_are_the_verdict_is_about_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
