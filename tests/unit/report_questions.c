/* The seventeen questions: what is answered from which numbers, and what cannot be told. */
#include "test.h"

#include <string.h>

#include "report/questions.h"
#include "report_fixture.h"

static struct arena arena;

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

static void says(const struct report *r, size_t number, bool known, const char *part)
{
	const struct report_question *q = &r->questions[number - 1];

	if (q->known != known || !strstr(q->answer, part))
		fail_msg("question %zu (%s): %s\nknown: %d; wanted: %s", number, q->question, q->answer, q->known, part);
}

static void what_a_provider_tuned_is_the_providers(void **state)
{
	struct task task = { .kind = TASK_CLASSIFY };
	struct report_variant variants[N_EMAIL];
	struct report r = email_report(variants, true);

	(void)state;
	variants[EMAIL_HEAD].model = "openai:ft:gpt-4.1-mini-2025-04-14:acme::9x";
	questions_answer(&task, &arena, &r);
	says(&r, 13, true, "was trained by a provider, which can withdraw it and its base; it takes no new jobs after 2027-01-06");
	variants[EMAIL_HEAD].model = "http://127.0.0.1:8080/v1#ft:m:o::1";
	questions_answer(&task, &arena, &r);
	says(&r, 13, true, "was trained by a provider, which can withdraw it and its base. ");
}

static void a_report_answers_what_it_measured(void **state)
{
	static const struct probe_finding findings[] = {
		{ "label definitions", { 60, 9, 2, .117, .01, .22 }, "definitions in the prompt", FINDING_TECHNIQUE, NULL },
		{ "openai:big in place of local", { 60, 3, 3, 0, -.09, .09 }, "", FINDING_MODEL, NULL },
		{ "knowledge gap", { 60, 30, 0, .5, .36, .63 }, "retrieval", FINDING_KNOWLEDGE, NULL },
		{ "retrieval loss", { 60, 6, 0, .1, .02, .18 }, "chunking, fusion, more passages", FINDING_KNOWLEDGE, NULL },
	};
	struct task task = { .kind = TASK_CLASSIFY, .traffic = { .latency_p95_ms = 500 } };
	struct report_variant variants[N_EMAIL];
	struct report r = email_report(variants, true);

	(void)state;
	r.diagnosis = findings;
	r.n_diagnosis = ARRAY_SIZE(findings);
	variants[EMAIL_HEAD].trained.version = "tuned:email:v2";
	variants[EMAIL_HEAD].trained.pool_score = .95;
	variants[EMAIL_HEAD].dev.score = .822;
	variants[EMAIL_HEAD].trained.human_labels = 200;
	variants[EMAIL_HEAD].trained.model_labels = 400;
	variants[EMAIL_HEAD].trained.teacher = "1/few-shot@openai:big";
	questions_answer(&task, &arena, &r);
	says(&r, 1, true, "label definitions: +11.7 points (of 60 items 9 fixed, 2 broken; 95% interval +1.0 to +22.0); points to: definitions in the prompt.");
	says(&r, 2, true, "knowledge gap: +50.0 points");
	says(&r, 3, true, "retrieval loss: +10.0 points");
	assert_null(strstr(r.questions[1].answer, "retrieval loss"));
	says(&r, 4, true, "1/knn-few-shot-8: 71.9% on 135 test items. Whether it meets the target of 80.0%: no.");
	says(&r, 5, true, "did better than naive Bayes on words on 35 of 135 items and worse on 11: +17.8 points");
	says(&r, 6, true, "Label about 45 more to reach 80.0%");
	says(&r, 7, true, "2 of 452 examples are duplicates");
	says(&r, 7, true, "tuned:email:v2 learnt from 200 labels by people and 400 by 1/few-shot@openai:big.");
	says(&r, 8, true, "tuned:email:v2 is an encoder that answers this task alone");
	says(&r, 9, true, "tuned:email:v2 scores 95.0% on examples it was trained on and 82.2% on dev");
	says(&r, 10, true, "3/head-minilm: $0.0024 per 1,000 calls");
	says(&r, 12, true, "The limit is 500 ms.");
	says(&r, 13, true, "3/head-minilm was trained on this machine");
	says(&r, 14, false, "Cannot be told from this data: ");
	says(&r, 15, true, "openai:big in place of local: 0.0 points");
	says(&r, 16, true, "runs on this machine");
	says(&r, 17, false, "Cannot be told from this data: ");
}

/* Why a curve is missing is an answer, if no reassuring one; and few examples of a label are said to be few. */
static void curves_say_what_they_are_worth(void **state)
{
	static const char *const undrawn[] = { "fine-tuned encoder: no learning curve was drawn: training would take about 12 minutes." };
	struct task task = { .kind = TASK_CLASSIFY };
	struct report_variant variants[N_EMAIL];
	struct report r = email_report(variants, true);
	struct report_curve few[1];

	(void)state;
	r.undrawn = undrawn;
	r.n_undrawn = 1;
	few[0] = r.curves[0];
	few[0].rarest = 12;
	r.curves = few;
	r.n_curves = 1;
	questions_answer(&task, &arena, &r);
	says(&r, 6, true, "no learning curve was drawn");
	says(&r, 6, true, "The rarest label has only 12 examples");
	few[0].rarest = 40;
	questions_answer(&task, &arena, &r);
	assert_null(strstr(r.questions[5].answer, "only"));
	r.n_curves = 0;
	r.n_comparisons = 0;
	questions_answer(&task, &arena, &r);
	says(&r, 6, false, "Cannot be told from this data: fine-tuned encoder: no learning curve was drawn");
}

static void nothing_measured_is_nothing_told(void **state)
{
	struct task task = { .kind = TASK_ANSWER };
	struct report r = { .target = NAN };

	(void)state;
	questions_answer(&task, &arena, &r);
	for (size_t i = 0; i < REPORT_QUESTIONS; i++)
		if (i + 1 != 7)
			says(&r, i + 1, false, "Cannot be told from this data: ");
	says(&r, 2, false, "add a `gold` column");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_report_answers_what_it_measured, begin, end),
		cmocka_unit_test_setup_teardown(what_a_provider_tuned_is_the_providers, begin, end),
		cmocka_unit_test_setup_teardown(curves_say_what_they_are_worth, begin, end),
		cmocka_unit_test_setup_teardown(nothing_measured_is_nothing_told, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
