/* report_retrieval.c - what documents did for answers, counted by hand: recall, reciprocal rank, citations, and why the wrong
 * ones are wrong. */
#include <string.h>

#include "report/retrieval.h"
#include "test.h"

#define ANSWER "2046"

/* Documents are letters. right NULL: the documents do not answer the question, and abstaining is right. */
static const struct {
	const char *id, *right, *gold; /* gold: names of documents, one a letter; "" none is known */
	const char *answer;            /* NULL: the reply broke off; "": it abstained */
	const char *shown, *cited;     /* documents of the passages; positions among them, from 0 */
	int cause;                     /* -1: not wrong */
} answers[] = {
	{ "right and cited", ANSWER, "a", "in 2046", "ab", "0", -1 },
	{ "not found", ANSWER, "a", "1999", "bc", "0", CAUSE_NOT_RETRIEVED },
	{ "found, another cited", ANSWER, "a", "1999", "ba", "0", CAUSE_UNUSED },
	{ "found, nothing cited", ANSWER, "a", "1999", "ba", "", CAUSE_UNUSED },
	{ "found and cited", ANSWER, "a", "1999", "bca", "2", CAUSE_DESPITE },
	{ "found, one of two cited", ANSWER, "a", "1999", "bca", "12", CAUSE_DESPITE },
	{ "abstained though it was there", ANSWER, "a", "", "a", "", CAUSE_ABSTAINED },
	{ "abstained because it was not", ANSWER, "a", "", "b", "", CAUSE_NOT_RETRIEVED },
	{ "no answer, and one given", NULL, "", "1999", "bc", "1", CAUSE_NOT_ABSTAINED },
	{ "no answer, and none given", NULL, "", "", "bc", "", -1 },
	{ "two of three found", ANSWER, "abc", "2046", "axb", "01", -1 },
	{ "two passages of one document", ANSWER, "a", "2046", "aa", "1", -1 },
	{ "nothing is known of where it stands", ANSWER, "", "1999", "bc", "0", CAUSE_DESPITE },
	{ "nothing is known, and it abstained", ANSWER, "", "", "bc", "", CAUSE_ABSTAINED },
	{ "broke off", ANSWER, "a", NULL, "ba", "", -1 },
	{ "broke off, and nothing was right", NULL, "", NULL, "bc", "", -1 },
};
enum { ANSWERS = ARRAY_SIZE(answers) };

static struct arena arena;
static struct example items[ANSWERS];
static const struct example *order[ANSWERS];
static struct answer_row rows[ANSWERS + 2];
static const char *const columns[] = { "question" };
static struct task task = { .kind = TASK_ANSWER, .scorer = "contains", .file = "task.yaml", .input = "Q: {{question}}",
			    .columns = columns, .n_columns = 1, .has_gold = true };

static const char *letters(const char *text, size_t at)
{
	return arena_copy(&arena, text + at, 1);
}

static const char *evidence_of(const struct example *item, const char *shown, const char *cited, size_t failed)
{
	size_t n = strlen(shown), m = strlen(cited);
	struct passage *passages = arena_array(&arena, n + 1, sizeof(*passages));
	struct citation *citations = arena_array(&arena, m + 1, sizeof(*citations));
	struct evidence e = { .passages = passages, .n_passages = n, .citations = citations, .n_citations = m, .failed = failed,
			      .similarity = NAN };

	for (size_t i = 0; i < n; i++)
		passages[i] = (struct passage){ .document = letters(shown, i), .title = "", .heading = "", .text = "It was then.",
						.start = 100 * i, .end = 100 * i + 12, .similarity = NAN };
	for (size_t i = 0; i < m; i++) {
		size_t at = (size_t)(cited[i] - '0');

		citations[i] = (struct citation){ at, QUOTE_EXACT, 100 * at, 100 * at + 2, "It" };
	}
	evidence_mark_gold(&e, item, &arena);
	return evidence_json(&e, &arena);
}

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ANSWERS; i++) {
		size_t n = strlen(answers[i].gold);
		const char **ids = arena_array(&arena, n + 1, sizeof(*ids)), **values = arena_array(&arena, 1, sizeof(*values));

		for (size_t k = 0; k < n; k++)
			ids[k] = letters(answers[i].gold, k);
		values[0] = answers[i].id;
		items[i] = (struct example){ .id = answers[i].id, .values = values, .answer = answers[i].right ? answers[i].right : "",
					     .gold_ids = ids, .n_gold_ids = n };
		order[i] = &items[i];
		rows[i] = (struct answer_row){ .variant = "v", .item = answers[i].id, .split = "test", .answer = answers[i].answer,
					       .status = answers[i].answer ? "answered" : "truncated",
					       .evidence = evidence_of(&items[i], answers[i].shown, answers[i].cited, i == 0 ? 3 : 0) };
	}
	rows[ANSWERS] = rows[0]; /* of an item that is in no list, and without evidence: neither counts */
	rows[ANSWERS].item = "of another split";
	rows[ANSWERS + 1] = rows[1];
	rows[ANSWERS + 1].evidence = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct report_retrieval retrieval(size_t first, size_t n)
{
	return retrieval_of(&task, (struct item_list){ order, ANSWERS }, rows + first, n, &arena);
}

static void each_wrong_answer_has_its_cause(void **state)
{
	size_t of_cause[N_CAUSES] = { 0 };

	(void)state;
	for (size_t i = 0; i < ANSWERS; i++) {
		struct report_retrieval r = retrieval(i, 1);

		for (int c = 0; c < N_CAUSES; c++)
			if (r.causes[c] != (c == answers[i].cause))
				fail_msg("%s: %zu times \"%s\"", answers[i].id, r.causes[c], report_cause_names[c]);
		if (answers[i].cause >= 0)
			of_cause[answers[i].cause]++;
	}
	struct report_retrieval all = retrieval(0, ANSWERS + 2);

	for (int c = 0; c < N_CAUSES; c++)
		assert_int_equal(all.causes[c], of_cause[c]);
}

static void what_was_found_is_counted_by_hand(void **state)
{
	struct report_retrieval r = retrieval(0, ANSWERS + 2);

	(void)state;
	assert_int_equal(r.n, ANSWERS);
	assert_int_equal(r.n_gold, 11);
	/* rows in order: 1, 0, 1, 1, 1, 1, 1, 0, 2 of 3, 1, and the one that broke off: 1 */
	assert_close("recall", r.recall, (8 + 2.0 / 3 + 0) / 11, 1e-12);
	assert_close("MRR", r.reciprocal, (1 + 0 + .5 + .5 + 1.0 / 3 + 1.0 / 3 + 1 + 0 + 1 + 1 + .5) / 11, 1e-12);
	/* gain 1 / log2(rank + 1); of three documents two, first and third, against three in a row */
	double second = 1 / log2(3), third = .5;

	assert_close("nDCG", r.ndcg, (1 + 0 + 2 * second + 2 * third + 1 + 0 + (1 + third) / (1 + second + third) + 1 + second) / 11, 1e-12);
	assert_int_equal(r.citations, 1 + 1 + 1 + 0 + 1 + 2 + 0 + 0 + 1 + 0 + 2 + 1 + 1);
	assert_int_equal(r.failed, 3);
	/* Eight answers to questions with gold: "right", "one of two", "cited" and the two last cite it. */
	assert_close("citation recall", r.citation_recall, 5.0 / 8, 1e-12);
	assert_close("citation precision", r.citation_precision, 5.0 / 9, 1e-12);
}

static void what_cannot_be_judged_is_unknown(void **state)
{
	struct report_retrieval none = retrieval(ANSWERS, 2), no_gold = retrieval(8, 2), abstained = retrieval(6, 2);

	(void)state;
	assert_int_equal(none.n, 0);
	assert_int_equal(no_gold.n, 2);
	assert_true(no_gold.n_gold == 0 && isnan(no_gold.recall) && isnan(no_gold.reciprocal) && isnan(no_gold.ndcg));
	assert_true(isnan(no_gold.citation_recall) && isnan(no_gold.citation_precision));
	assert_close("recall of those that abstained", abstained.recall, .5, 0);
	assert_true(isnan(abstained.citation_recall) && isnan(abstained.citation_precision));
}

/* Graded scores: from half on an answer is not called wrong. */
static void half_right_is_not_wrong(void **state)
{
	struct task graded = task;
	struct example item = items[2];
	const struct example *one = &item;
	struct answer_row row = rows[2];

	(void)state;
	graded.scorer = "f1";
	item.answer = "red green";
	row.answer = "red blue"; /* F1 1/2 */
	struct report_retrieval r = retrieval_of(&graded, (struct item_list){ &one, 1 }, &row, 1, &arena);

	assert_int_equal(r.causes[CAUSE_UNUSED], 0);
	row.answer = "red blue black"; /* 2/5 */
	r = retrieval_of(&graded, (struct item_list){ &one, 1 }, &row, 1, &arena);
	assert_int_equal(r.causes[CAUSE_UNUSED], 1);
}

static void failures_are_shown_by_cause_with_their_evidence(void **state)
{
	enum { MANY = 8 };
	struct example many[MANY];
	const struct example *list[MANY + 1];
	struct answer_row wrong[MANY + 1];
	size_t n;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		many[i] = items[1];
		many[i].id = arena_printf(&arena, "item %zu", MANY - i);
		list[i] = &many[i];
		wrong[i] = rows[1];
		wrong[i].item = many[i].id;
	}
	list[MANY] = &items[6];
	wrong[MANY] = rows[6];
	const struct report_answer *shown = retrieval_answers(&task, (struct item_list){ list, MANY + 1 }, wrong, MANY + 1, &arena, &n);

	assert_int_equal(n, 1 + ANSWERS_SHOWN);
	assert_int_equal(shown[0].cause, CAUSE_ABSTAINED);
	assert_string_equal(shown[0].answer, "");
	assert_string_equal(shown[0].item, "abstained though it was there");
	for (size_t i = 1; i < n; i++) {
		assert_int_equal(shown[i].cause, CAUSE_NOT_RETRIEVED);
		assert_string_equal(shown[i].item, arena_printf(&arena, "item %zu", i));
		assert_string_equal(shown[i].expected, ANSWER);
		assert_string_equal(shown[i].answer, "1999");
		assert_non_null(strstr(shown[i].question, "not found"));
		assert_int_equal(shown[i].evidence->n_passages, 2);
		assert_int_equal(shown[i].evidence->n_citations, 1);
	}
	/* What is right is shown for what it cites; what broke off is neither right nor wrong. */
	shown = retrieval_answers(&task, (struct item_list){ order, ANSWERS }, &rows[0], 1, &arena, &n);
	assert_int_equal(n, 1);
	assert_int_equal(shown[0].cause, CAUSE_NONE);
	assert_true(shown[0].evidence->n_citations > 0);
	retrieval_answers(&task, (struct item_list){ order, ANSWERS }, &rows[14], 2, &arena, &n);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_wrong_answer_has_its_cause),
		cmocka_unit_test(what_was_found_is_counted_by_hand),
		cmocka_unit_test(what_cannot_be_judged_is_unknown),
		cmocka_unit_test(half_right_is_not_wrong),
		cmocka_unit_test(failures_are_shown_by_cause_with_their_evidence),
	};

	return cmocka_run_group_tests_name("report_retrieval", tests, set_up, tear_down);
}
