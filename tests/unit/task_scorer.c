/* Scorers: what is right, what was answered, and the score. */
#include "test.h"

#include "schema/validator.h"
#include "task/grades.h"
#include "task/scorer.h"

static const struct {
	const char *scorer, *setting, *right, *answer;
	double score;
} cases[] = {
	{ "exact", NULL, "spam", "spam", 1 },
	{ "exact", NULL, "spam", " spam\n", 1 },
	{ "exact", NULL, " spam ", "spam", 1 },
	{ "exact", NULL, "spam", "Spam", 0 },
	{ "exact", NULL, "spam", "spam.", 0 },
	{ "exact", NULL, "spam", "", 0 },
	{ "normalised", NULL, "New York", "new  york!", 1 },
	{ "normalised", NULL, "new-york", "New York", 1 },
	{ "normalised", NULL, "\xEF\xAC\x81ne", "FINE", 1 }, /* the fi ligature */
	{ "normalised", NULL, "New York", "New York City", 0 },
	{ "contains", NULL, "New York", "It is new york, of course.", 1 },
	{ "contains", NULL, "New York", "It is York.", 0 },
	{ "contains", NULL, "...", "anything", 0 }, /* nothing is left to look for */
	{ "contains", NULL, "no", "I know", 0 },
	{ "contains", NULL, "no", "No, not yet", 1 },
	{ "contains", NULL, "5", "15 or 5", 1 },
	{ "contains", NULL, "5", "15", 0 },
	{ "contains", NULL, "\xE5\x8C\x97\xE4\xBA\xAC", "\xE4\xBB\x96\xE5\x9C\xA8\xE5\x8C\x97\xE4\xBA\xAC\xE3\x80\x82", 1 }, /* Beijing, in a Chinese sentence */
	{ "number", NULL, "42", "The answer is 42.", 1 },
	{ "number", NULL, "42", "42 apples minus 2 is 40", 0 },
	{ "number", NULL, "#### 1,234", "so 1234", 1 },
	{ "number", NULL, "1234", "It costs $1,234.00.", 1 },
	{ "number", NULL, "-5", "minus: -5", 1 },
	{ "number", NULL, "-5", "-$5", 1 },
	{ "number", NULL, "5", "10-5", 1 }, /* a range, not minus five */
	{ "number", NULL, "-5", "5", 0 },
	{ "number", NULL, "0", "-0", 1 },
	{ "number", NULL, "0.5", ".5", 1 },
	{ "number", NULL, "1500", "1.5e3", 1 },
	{ "number", NULL, "2", "1,2", 1 }, /* a list, not twelve */
	{ "number", NULL, "42", "no number here", 0 },
	{ "number", NULL, "none", "none", 0 },
	{ "regex", "Answer: (.*)$", "Paris", "I think.\nAnswer: Paris", 1 },
	{ "regex", "Answer: (.*)$", "Paris", "Answer: Rome", 0 },
	{ "regex", "[0-9]+", "42", "it is 42 or 43", 1 },
	{ "regex", "[0-9]+", "42", "none", 0 },
	{ "regex", "(a)|b", "b", "b", 0 }, /* the first group took no part */
	{ "fields", "- ([a-z]+): ([^(]*)(?: \\((#[0-9]+)?\\))?", "- api: Add x (#1)", "- api: Add x (#1)\n", 1 },
	{ "fields", "- ([a-z]+): ([^(]*)(?: \\((#[0-9]+)?\\))?", "- api: Add x (#1)", "- ui: Add x (#1)", 2.0 / 3 },
	{ "fields", "- ([a-z]+): ([^(]*)(?: \\((#[0-9]+)?\\))?", "- api: Add x (#1)", "- api: Add x", 2.0 * 2 / 5 },
	{ "fields", "- ([a-z]+): ([^(]*)(?: \\((#[0-9]+)?\\))?", "- api: Add x", "- api: Add x", 1 }, /* a group that holds nothing is none */
	{ "fields", "- ([a-z]+): ([^(]*)(?: \\((#[0-9]+)?\\))?", "- api: Add x", "- api: Add X", 0.5 },
	{ "fields", "- ([a-z]+): ([^(]*)(?: \\((#[0-9]+)?\\))?", "- api: Add x (#1)", "api: Add x (#1)", 0 },
	{ "fields", "- ([a-z]+): ([^(]*)(?: \\((#[0-9]+)?\\))?", "- api: Add x (#1)", "- api: Add x (#1) Done!", 0 },
	{ "fields", "- ([a-z]+): ([^(]*)(?: \\((#[0-9]+)?\\))?", "- api: Add x (#1)", "", 0 },
	{ "fields", "(a?)(b?)c", "c", "c", 1 }, /* nothing to tell apart */
	/* SQuAD's own evaluation gives the same for these */
	{ "f1", NULL, "the Ring of Silence", "Ring of Silence.", 1 },
	{ "f1", NULL, "in 2046", "It was built in 2046", 4.0 / 7 },
	{ "f1", NULL, "a b b c", "b b b", 2.0 * 2 / 6 },
	{ "f1", NULL, "New York", "London", 0 },
	{ "f1", NULL, "the", "an", 1 },
	{ "f1", NULL, "the", "york", 0 },
};

static const struct task answer_task = { .kind = TASK_ANSWER };

static void answers_are_graded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct scorer *scorer = scorer_find(cases[i].scorer);
		struct task task = answer_task;
		struct example e = { .answer = cases[i].right };

		assert_non_null(scorer);
		task.scorer_setting = cases[i].setting;
		double got = scorer->score(&task, &e, cases[i].answer);

		if (fabs(got - cases[i].score) > 1e-12)
			fail_msg("%s: right \"%s\", answered \"%s\": got %g", cases[i].scorer, cases[i].right,
				 cases[i].answer, got);
	}
}

/* kind answer: several right answers, and questions that have none. */
static void the_best_of_all_right_answers_counts(void **state)
{
	static const char *const both[] = { "2046", "the year 2046" };
	const struct task task = { .kind = TASK_ANSWER, .scorer = "f1" };
	const struct example one = { .answer = "2046" }, two = { .answer = both[0], .answers = both, .n_answers = 2 };
	const struct example none = { .answer = "" };

	(void)state;
	assert_close("the second is right too", scorer_grade(&task, &two, "year 2046"), 1, 0);
	assert_close("only the first", scorer_grade(&task, &one, "year 2046"), 2.0 / 3, 1e-12);
	assert_true(scorer_grade(&task, &none, "") == 1);
	assert_true(scorer_grade(&task, &none, "2046") == 0);
	assert_true(scorer_grade(&task, &one, "") == 0);
	assert_true(scorer_grade(&task, &one, NULL) == 0);
	assert_true(scorer_grade(&task, &none, NULL) == 0);
}

static void classification_compares_with_the_label(void **state)
{
	static const struct label labels[] = { { "spam", NULL }, { "work", NULL } };
	const struct task task = { .kind = TASK_CLASSIFY, .labels = labels, .n_labels = 2 };
	const struct example e = { .answer = "spam", .label = 1 };

	(void)state;
	assert_true(scorer_find("exact")->score(&task, &e, "work") == 1);
	assert_true(scorer_find("exact")->score(&task, &e, "spam") == 0);
}

#define RIGHT "{\"kind\": \"a\", \"tags\": [\"x\", \"y\", \"x\"], \"who\": {\"name\": \"New York\"}, \"total\": 12.5}"

/* kind extract: both scorers of one right answer (RIGHT, of 6 leaves, when none is named) and one given. */
static const struct {
	const char *right, *answer;
	double json, exact;
} objects[] = {
	{ NULL, RIGHT, 1, 1 },
	{ NULL, "{\"total\": 12.50, \"who\": {\"name\": \"new  york!\"}, \"tags\": [\"x\", \"x\", \"Y\"], \"kind\": \"a\"}", 1, 1 },
	{ NULL, "{\"kind\": \"a\", \"tags\": [\"x\", \"y\", \"x\"], \"who\": {\"name\": \"New York\"}, \"total\": 12.5, \"none\": null}", 1, 1 },
	{ NULL, "{\"kind\": \"b\", \"tags\": [\"x\", \"y\", \"x\"], \"who\": {\"name\": \"New York\"}, \"total\": 12.5}", 5.0 / 6, 0 },
	{ NULL, "{\"kind\": \"a\"}", 2.0 / 7, 0 },
	{ NULL, "{\"kind\": \"a\", \"tags\": [\"x\", \"y\", \"y\"]}", 2.0 * 3 / 10, 0 }, /* each as often as it stands in both */
	{ NULL, "{\"kind\": \"a\", \"who\": {}, \"tags\": []}", 2.0 / 7, 0 },
	{ NULL, "{\"kind\": \"a\", \"name\": \"New York\"}", 0, 0 }, /* a path of no schema */
	{ NULL, "{\"kind\": \"c\", \"total\": 12.5}", 0, 0 }, /* not in the enum */
	{ NULL, "{\"total\": 12.5}", 0, 0 }, /* kind is required */
	{ NULL, "{\"kind\": \"a\"", 0, 0 },
	{ NULL, "a", 0, 0 },
	{ NULL, "", 0, 0 },
	{ "{\"kind\": \"a\", \"who\": {\"name\": \"!\"}}", "{\"kind\": \"a\", \"who\": {\"name\": \"?\"}}", 0.5, 0 },
	{ "{\"kind\": \"a\", \"total\": 0}", "{\"kind\": \"a\", \"total\": -0.0}", 1, 1 },
	{ "{\"kind\": \"a\", \"total\": 5}", "{\"kind\": \"a\", \"total\": \"5\"}", 0, 0 },
	{ "{\"kind\": \"a\", \"tags\": []}", "{\"kind\": \"a\"}", 1, 0 }, /* no leaf tells them apart */
};

static void objects_are_compared_field_by_field(void **state)
{
	static const char schema[] =
		"{\"type\": \"object\", \"required\": [\"kind\"], \"properties\": {\"kind\": {\"enum\": [\"a\", \"b\"]}, "
		"\"tags\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}, \"who\": {\"$ref\": \"#/$defs/who\"}, "
		"\"total\": {\"type\": \"number\"}, \"none\": {\"type\": [\"string\", \"null\"]}}, \"$defs\": {\"who\": {\"type\": "
		"\"object\", \"properties\": {\"name\": {\"type\": \"string\"}}}}}";
	struct error err = { .text = "" };
	struct task task = { .kind = TASK_EXTRACT, .validator = validator_new(schema, strlen(schema), &err) };

	(void)state;
	if (!task.validator)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		const struct example e = { .answer = objects[i].right ? objects[i].right : RIGHT };

		task.scorer = "json";
		double json = scorer_grade(&task, &e, objects[i].answer);

		task.scorer = "exact";
		double exact = scorer_grade(&task, &e, objects[i].answer);

		if (fabs(json - objects[i].json) > 1e-12 || fabs(exact - objects[i].exact) > 0)
			fail_msg("%s for %s: json %g, exact %g", objects[i].answer, e.answer, json, exact);
	}
	const struct example empty = { .answer = "{}" };

	validator_free(task.validator);
	task.validator = NULL;
	task.scorer = "json";
	assert_true(scorer_grade(&task, &empty, "{}") == 1);
	assert_true(scorer_grade(&task, &empty, "{\"a\": 1}") == 0);
}

/* Of a scorer outside a grade is what the table has, of that answer to that example as it is now; some answers need none. */
static void grades_outside_are_looked_up(void **state)
{
	const char *const columns[] = { "text" }, *const values[] = { "in" }, *const other[] = { "another" };
	struct task task = { .kind = TASK_GENERATE, .scorer = "command", .columns = columns, .n_columns = 1, .grades = grades_new() };
	struct example e = { .id = "e1", .answer = "right", .values = values };

	(void)state;
	assert_true(scorer_is_outside(&task) && !scorer_is_binary(&task));
	assert_true(isnan(scorer_grade(&task, &e, "an answer")) && scorer_must_ask(&task, &e, "an answer"));
	grades_put(task.grades, grades_key(&task, &e, "an answer"), 0.75);
	grades_put(task.grades, grades_key(&task, &e, "an answer"), 0.25); /* too late */
	assert_true(scorer_grade(&task, &e, "an answer") == 0.75 && !scorer_must_ask(&task, &e, "an answer"));
	assert_true(isnan(scorer_grade(&task, &e, "right"))); /* equality is graded like the rest */
	assert_true(scorer_grade(&task, &e, NULL) == 0 && !scorer_must_ask(&task, &e, NULL));
	e.values = other;
	assert_true(isnan(scorer_grade(&task, &e, "an answer")));
	e.values = values;
	e.answer = "corrected";
	assert_true(isnan(scorer_grade(&task, &e, "an answer")));
	task.kind = TASK_ANSWER;
	assert_true(scorer_grade(&task, &e, "") == 0 && scorer_must_ask(&task, &e, "an answer"));
	e.answer = "";
	assert_true(scorer_grade(&task, &e, "") == 1 && scorer_grade(&task, &e, "an answer") == 0 && !scorer_must_ask(&task, &e, "an answer"));
	for (size_t i = 0; i < 3000; i++) { /* the table grows */
		char text[16];

		snprintf(text, sizeof(text), "%zu", i);
		grades_put(task.grades, grades_key(&task, &e, text), (double)(i % 5) / 4);
	}
	assert_true(grades_find(task.grades, grades_key(&task, &e, "2998")) == 0.75);
	grades_free(task.grades);
}

static void people_write_grades(void **state)
{
	static const struct { const char *text; double grade; } good[] = {
		{ "1", 1 }, { "0", 0 }, { " 0.5 ", 0.5 }, { "right", 1 }, { "Wrong\r", 0 }, { "", -1 }, { "  ", -1 }, { "1e-1", 0.1 }, { ".25", 0.25 },
	};
	static const char *const bad[] = { "2", "-0.1", "yes", "rihgt", "0x1", "nan", "inf", "1 2", "0,5", "1e", "right wrong", "." };
	double grade;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (!grades_read_human(good[i].text, &grade))
			fail_msg("\"%s\" is a grade", good[i].text);
		assert_true(good[i].grade < 0 ? isnan(grade) : grade == good[i].grade);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (grades_read_human(bad[i], &grade) || !isnan(grade))
			fail_msg("\"%s\" is no grade", bad[i]);
}

static void the_table_is_whole(void **state)
{
	size_t n;
	const struct scorer *all = scorer_all(&n);

	(void)state;
	assert_true(n >= 5);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(scorer_find(all[i].name), &all[i]);
		assert_true(all[i].summary[0] != '\0');
	}
	assert_null(scorer_find("exakt"));
	assert_string_equal(scorer_default(TASK_CLASSIFY), "exact");
}

static void patterns_are_checked(void **state)
{
	static const struct {
		const char *pattern, *why;
	} patterns[] = {
		{ "[0-9]+", NULL },
		{ "a{2,4}b{10}", NULL },
		{ NULL, "needs its pattern" },
		{ "(", "not a POSIX extended regular expression" },
		{ "[a", "not a POSIX extended regular expression" },
		{ "(((a{100}){100}){100})", "more than 1,000" },
		{ "a{99999999999999999999}", "more than 1,000" },
		{ "(a)\\1", "back references" },
		{ "a\\\\1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct buf why = { 0 };
		bool valid = scorer_pattern_valid(patterns[i].pattern, &why);

		if (valid != !patterns[i].why || (!valid && !strstr(buf_text(&why), patterns[i].why)))
			fail_msg("%s: valid %d, %s", patterns[i].pattern, valid, buf_text(&why));
		buf_release(&why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_graded),
		cmocka_unit_test(the_best_of_all_right_answers_counts),
		cmocka_unit_test(classification_compares_with_the_label),
		cmocka_unit_test(objects_are_compared_field_by_field),
		cmocka_unit_test(grades_outside_are_looked_up),
		cmocka_unit_test(people_write_grades),
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(patterns_are_checked),
	};

	return cmocka_run_group_tests_name("task_scorer", tests, NULL, NULL);
}
