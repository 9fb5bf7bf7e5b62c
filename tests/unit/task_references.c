/* task_references.c - what an example of `kind: answer` says of its answer: several right ones, none, the passage and the
 * documents that hold it; in JSON Lines and in CSV. And how such answers are graded by the scorers. */
#include <string.h>

#include "task/scorer.h"
#include "task_input.h"

#define ANSWER "kind: answer\ninstruction: Answer.\ninput: \"{{text}}\"\n"
#define LINES ANSWER "examples: {file: e.jsonl, answer: label, gold: passage, gold_ids: where}\n"
#define CELLS ANSWER "examples: {file: e.csv, answer: label, gold: passage, gold_ids: where}\n"

static const struct example *last_of(const struct task *t, const char *id)
{
	const struct item_list lists[] = { t->pool.list, t->dev.list, t->test.list };

	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l].n; i++)
			if (strcmp(lists[l].items[i]->id, id) == 0)
				return lists[l].items[i];
	fail_msg("no example %s", id);
	return NULL;
}

/* Opens the task of sixty good rows and this one. */
static struct task *opened(const char *yaml, const char *row)
{
	struct error err = { .text = "" };
	bool lines = strstr(yaml, ".jsonl") != NULL;
	const struct input in = { .yaml = yaml, .file = lines ? "e.jsonl" : "e.csv", .head = lines ? "" : "text,label,passage,where\n",
				  .n = 60, .tail = row };

	struct task *t = open_input(&in, 1, &err);

	if (!t) {
		fail_msg("%s: %s", row, err.text);
		abort(); /* never reached, which clang-tidy does not know */
	}
	return t;
}

#define NONE { NULL }

static const struct {
	const char *name, *label, *where; /* as JSON */
	const char *answers[3];           /* all that are right, "" for none */
	const char *ids[3];
} rows[] = {
	{ "one answer", "\"2046\"", "\"a.md\"", { "2046" }, { "a.md" } },
	{ "a number", "2046", "7", { "2046" }, { "7" } },
	{ "several", "[\"2046\", \"the year 2046\"]", "[\"a.md\", \"b.md\"]", { "2046", "the year 2046" }, { "a.md", "b.md" } },
	{ "a list of one", "[\"2046\"]", "[\"a.md\"]", { "2046" }, { "a.md" } },
	{ "numbers in a list", "[2046, 0.1]", "[1, 2]", { "2046", "0.1" }, { "1", "2" } },
	{ "a list in a string", "\"[\\\"a\\\", \\\"b\\\"]\"", "\"[\\\"a.md\\\"]\"", { "a", "b" }, { "a.md" } },
	{ "no answer", "[]", "[]", { "" }, NONE },
	{ "null", "null", "null", { "" }, NONE },
	{ "an empty text", "\"\"", "\"\"", { "" }, NONE },
	{ "a bracket that is no list", "\"[sic]\"", "\"[x\"", { "[sic]" }, { "[x" } },
	{ "braces are no list", "\"{\\\"a\\\": 1}\"", "\"{}\"", { "{\"a\": 1}" }, { "{}" } },
	{ "commas and blanks do not part", "\"a, b; c d\"", "\"a, b; c d\"", { "a, b; c d" }, { "a, b; c d" } },
};

static void check_row(size_t i, const struct example *e, const char *passage)
{
	size_t n_answers = 0, n_ids = 0;

	while (n_answers < 3 && rows[i].answers[n_answers])
		n_answers++;
	while (n_ids < 3 && rows[i].ids[n_ids])
		n_ids++;
	if (n_answers == 0 || strcmp(e->answer, rows[i].answers[0]) != 0)
		fail_msg("%s: \"%s\"", rows[i].name, e->answer);
	if (n_answers > 1 ? e->n_answers != n_answers : e->n_answers > 1)
		fail_msg("%s: %zu answers", rows[i].name, e->n_answers);
	for (size_t k = 0; k < e->n_answers; k++)
		assert_string_equal(e->answers[k], rows[i].answers[k]);
	if (e->n_gold_ids != n_ids)
		fail_msg("%s: %zu documents", rows[i].name, e->n_gold_ids);
	for (size_t k = 0; k < n_ids; k++)
		assert_string_equal(e->gold_ids[k], rows[i].ids[k]);
	assert_string_equal(e->gold, passage);
}

static void lines_say_what_is_right_and_where_it_stands(void **state)
{

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char row[512];

		snprintf(row, sizeof(row), "{\"text\": \"q\", \"label\": %s, \"passage\": \"It was \\u201c2046\\u201d.\\n\", \"where\": %s}\n",
			 rows[i].label, rows[i].where);
		struct task *t = opened(LINES, row);

		assert_true(t->has_gold);
		check_row(i, last_of(t, "line-61"), "It was \xE2\x80\x9C" "2046\xE2\x80\x9D.\n");
		assert_int_equal(last_of(t, "line-60")->n_gold_ids, 0);
		task_free(t);
	}
}

static void cells_say_the_same(void **state)
{
	struct task *t;

	(void)state;
	t = opened(CELLS, "q,\"[\"\"2046\"\", \"\"the year 2046\"\"]\",\"It was 2046.\",\"[\"\"a.md\"\", \"\"b.md\"\"]\"\n");
	check_row(2, last_of(t, "line-62"), "It was 2046.");
	task_free(t);
	t = opened(CELLS, "q,[],,\n");
	check_row(6, last_of(t, "line-62"), "");
	task_free(t);
}

static void labels_are_taken_letter_for_letter(void **state)
{
	struct task *t = opened(JSONL, "{\"text\": \"q\", \"label\": \"[\\\"spam\\\", \\\"work\\\"]\"}\n");

	(void)state;
	assert_int_equal(t->n_labels, 3);
	assert_string_equal(last_of(t, "line-61")->answer, "[\"spam\", \"work\"]");
	assert_false(t->has_gold);
	assert_null(last_of(t, "line-61")->gold);
	task_free(t);
}

/* What changes a grade or what is shown to the probes changes the task. */
static void references_belong_to_the_task(void **state)
{
	static const char *const last[] = {
		"{\"text\": \"q\", \"label\": [\"a\", \"b\"], \"passage\": \"p\", \"where\": [\"x\"]}\n",
		"{\"text\": \"q\", \"label\": [\"a\", \"c\"], \"passage\": \"p\", \"where\": [\"x\"]}\n",
		"{\"text\": \"q\", \"label\": [\"a\", \"b\"], \"passage\": \"o\", \"where\": [\"x\"]}\n",
		"{\"text\": \"q\", \"label\": [\"a\", \"b\"], \"passage\": \"p\", \"where\": [\"y\"]}\n",
	};
	uint64_t fingerprint[ARRAY_SIZE(last)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(last); i++) {
		struct task *t = opened(LINES, last[i]);

		fingerprint[i] = t->fingerprint;
		for (size_t k = 0; k < i; k++)
			if (fingerprint[k] == fingerprint[i])
				fail_msg("rows %zu and %zu make the same task", k, i);
		task_free(t);
	}
}

/* --- grading --- */

static const char *const years[] = { "2046", "the year 2046", "MMXLVI" };

static const struct {
	const char *scorer, *answer;
	double several, none; /* with all three right; where abstaining is right */
} grades[] = {
	{ "f1", "2046", 1, 0 },
	{ "f1", "mmxlvi", 1, 0 },
	{ "f1", "in the year 2046", 0.8, 0 }, /* two of three words, both of what is right: not the mean over right answers */
	{ "f1", "", 0, 1 },
	{ "f1", NULL, 0, 0 },
	{ "f1", "the", 0, 0 }, /* an article is no abstention */
	{ "contains", "It was MMXLVI, they say", 1, 0 },
	{ "contains", "It was 20465", 0, 0 },
	{ "contains", "", 0, 1 },
	{ "contains", NULL, 0, 0 },
	{ "exact", "MMXLVI", 1, 0 },
	{ "exact", "mmxlvi", 0, 0 },
	{ "exact", "", 0, 1 },
	{ "normalised", "The Year 2046.", 1, 0 },
	{ "normalised", "", 0, 1 },
	{ "number", "about 2,046", 1, 0 },
	{ "number", "", 0, 1 },
};

static void the_best_right_answer_counts_and_abstaining_only_where_it_is_right(void **state)
{
	const struct example several = { .answer = years[0], .answers = years, .n_answers = 3 }, none = { .answer = "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(grades); i++) {
		const struct task task = { .kind = TASK_ANSWER, .scorer = grades[i].scorer };
		double got = scorer_grade(&task, &several, grades[i].answer), of_none = scorer_grade(&task, &none, grades[i].answer);

		if (fabs(got - grades[i].several) > 1e-12)
			fail_msg("%s, \"%s\": %g", grades[i].scorer, grades[i].answer ? grades[i].answer : "(none)", got);
		if (of_none != grades[i].none)
			fail_msg("%s, \"%s\", where nothing is right: %g", grades[i].scorer, grades[i].answer ? grades[i].answer : "(none)",
				 of_none);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_say_what_is_right_and_where_it_stands),
		cmocka_unit_test(cells_say_the_same),
		cmocka_unit_test(labels_are_taken_letter_for_letter),
		cmocka_unit_test(references_belong_to_the_task),
		cmocka_unit_test(the_best_right_answer_counts_and_abstaining_only_where_it_is_right),
	};

	return cmocka_run_group_tests_name("task_references", tests, NULL, NULL);
}
