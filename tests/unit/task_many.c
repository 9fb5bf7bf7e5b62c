/* task_many.c - several labels an item: read, refused with a sentence, and graded. */
#include "many_task.h"

#include "task/label_sets.h"
#include "task/scorer.h"

static const struct example *find(const struct task *t, const char *id)
{
	const struct item_list lists[] = { t->pool.list, t->dev.list, t->test.list };

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		for (size_t i = 0; i < lists[l].n; i++)
			if (strcmp(lists[l].items[i]->id, id) == 0)
				return lists[l].items[i];
	fail_msg("no item %s", id);
	return NULL;
}

static struct task *must_open(const char *yaml, const char *table, const char *rows)
{
	struct folder f = folder_make();
	struct error err = { .text = "" };
	struct task *t = many_open(&f, yaml, table, rows, &err);

	folder_remove(&f);
	if (!t)
		fail_msg("%s", err.text);
	return t;
}

static void labels_come_from_a_table(void **state)
{
	struct task *t = must_open(TABLE, codes, "");

	(void)state;
	assert_int_equal(t->n_labels, 6);
	assert_string_equal(t->labels[4].name, "O1.5");
	assert_string_equal(t->labels[4].definition, "black olives");
	assert_null(t->labels[5].definition);
	assert_string_equal(t->scorer, "set_f1");
	assert_int_equal(t->n_warnings, 2); /* two labels without an example; few test items */
	assert_non_null(strstr(t->warnings[0], "2 of 6 labels have no example"));
	task_free(t);
}

/* In the order of the task, whatever the file's; each once. */
static void sets_have_one_form(void **state)
{
	static const struct {
		const char *id, *answer;
		size_t n, first;
	} cases[] = {
		{ "p9", "T1, C1, M1, O1", 4, 0 }, { "p0", "", 0, 0 }, { "p2", "C1, M1, O1", 3, 1 },
		{ "twice", "C1, O1", 2, 1 }, { "text", "T1, M1", 2, 0 }, { "blank", "", 0, 0 }, { "semicolons", "", 0, 0 },
	};
	struct task *t = must_open(TABLE, codes, "{\"id\": \"twice\", \"text\": \"a\", \"on\": [\"O1\", \"C1\", \"O1\"], \"split\": \"train\"}\n"
						 "{\"id\": \"text\", \"text\": \"b\", \"on\": \" M1 ;T1; \", \"split\": \"train\"}\n"
						 "{\"id\": \"blank\", \"text\": \"c\", \"on\": \" \", \"split\": \"train\"}\n"
						 "{\"id\": \"semicolons\", \"text\": \"d\", \"on\": \" ; ;\", \"split\": \"train\"}\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct example *e = find(t, cases[i].id);

		assert_string_equal(e->answer, cases[i].answer);
		assert_int_equal(e->n_labels, cases[i].n);
		assert_int_equal(e->label, cases[i].first);
		for (size_t k = 1; k < e->n_labels; k++)
			assert_true(e->labels[k] > e->labels[k - 1]);
	}
	task_free(t);
}

static void labels_that_occur_are_collected(void **state)
{
	struct task *t = must_open(MANY, codes, "");

	(void)state;
	assert_int_equal(t->n_labels, TOPPINGS);
	assert_string_equal(t->labels[0].name, "C1"); /* sorted */
	assert_string_equal(find(t, "p9")->answer, "C1, M1, O1, T1");
	task_free(t);
}

/* A map whose labels happen to be called file and name is a map of definitions. */
static void a_label_may_be_called_file(void **state)
{
	struct task *t = must_open(MANY "labels: {T1: a, C1: b, M1: c, O1: d, file: a paper, name: of a person}\n", codes, "");

	(void)state;
	assert_int_equal(t->n_labels, 6);
	assert_string_equal(t->labels[4].definition, "a paper");
	task_free(t);
}

#define ROW(on) "{\"id\": \"x\", \"text\": \"y\", \"on\": " on ", \"split\": \"train\"}\n"

static void mistakes_are_sentences(void **state)
{
	static const struct {
		const char *yaml, *table, *rows, *want[2];
	} cases[] = {
		{ TABLE, codes, ROW("[\"O1\", \"O1.6\"]"), { "e.jsonl:97: label \"O1.6\" is not one of T1, C1", "did you mean \"O1.5\"?" } },
		{ TABLE, codes, ROW("\"O1, C1\""), { "e.jsonl:97: label \"O1, C1\" is not one of", "separated by \";\"" } },
		{ TABLE, "code\twhat\nA\tb\nA\tc\n", "", { "codes.tsv:3: label \"A\" stands twice, first in line 2" } },
		{ TABLE, "code\twhat\nA\tb\n\tc\n", "", { "codes.tsv:3: the label (column \"code\") is empty" } },
		{ TABLE, "code\twhat\nA\tb\n", "", { "codes.tsv has 1, a choice needs at least 2" } },
		{ TABLE, "cod\twhat\nA\tb\n", "", { "task.yaml:5:33: labels: name: \"code\" is not a column of", "did you mean \"cod\"?" } },
		{ MANY "labels: {file: none.tsv, name: code}\n", codes, "", { "task.yaml:5:16: labels: ", "none.tsv: there is no such file" } },
		{ MANY "labels: {file: codes.tsv, name: code, text: what}\n", codes, "", { "labels from a file want file, name and definition, not text" } },
		{ MANY "labels: [\"a, b\", C1, T1, M1, O1]\n", codes, "", { "task.yaml:5:9: label \"a, b\" holds a comma" } },
		{ MANY "kind: answer\n", codes, "", { "task.yaml:1:7: many: true belongs to kind: classify, not answer" } },
		{ "instruction: x\ninput: \"{{text}}\"\nscorer: set_f1\nexamples: {file: e.jsonl, answer: on}\n", codes, "",
		  { "task.yaml:3:9: scorer set_f1 compares sets of labels; it needs many: true" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct folder f = folder_make();
		struct error err = { .text = "" };
		struct task *t = many_open(&f, cases[i].yaml, cases[i].table, cases[i].rows, &err);

		folder_remove(&f);
		if (t || strchr(err.text, '\n'))
			fail_msg("case %zu: %s", i, t ? "opened" : err.text);
		for (size_t w = 0; w < 2 && cases[i].want[w]; w++)
			if (!strstr(err.text, cases[i].want[w]))
				fail_msg("case %zu: %s", i, err.text);
	}
}

static void sets_are_graded(void **state)
{
	static const struct {
		const char *id, *answer;
		double f1, exact;
	} cases[] = {
		{ "p9", "T1, C1, M1, O1", 1, 1 },   { "p9", "O1,M1 ,C1, T1", 1, 1 }, { "p9", "T1, T1", 2.0 / 5, 0 },
		{ "p9", "", 0, 0 },                 { "p9", NULL, 0, 0 },            { "p9", "T1, X1, Z9", 2.0 / 7, 0 },
		{ "p9", "T1, C1, M1, O1, X1", 8.0 / 9, 0 }, { "p0", "", 1, 1 },      { "p0", " , ", 1, 1 },
		{ "p0", "T1", 0, 0 },               { "p0", NULL, 0, 0 },            { "p9", "t1", 0, 0 },
	};
	struct task *t = must_open(TABLE, codes, "");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct example *e = find(t, cases[i].id);

		t->scorer = "set_f1";
		assert_close(cases[i].answer ? cases[i].answer : "NULL", scorer_grade(t, e, cases[i].answer), cases[i].f1, 1e-12);
		t->scorer = "exact_set";
		assert_close(cases[i].answer ? cases[i].answer : "NULL", scorer_grade(t, e, cases[i].answer), cases[i].exact, 1e-12);
	}
	assert_true(scorer_find("exact_set")->binary && !scorer_find("set_f1")->binary);
	task_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_come_from_a_table), cmocka_unit_test(sets_have_one_form),
		cmocka_unit_test(labels_that_occur_are_collected), cmocka_unit_test(a_label_may_be_called_file),
		cmocka_unit_test(mistakes_are_sentences), cmocka_unit_test(sets_are_graded),
	};

	return cmocka_run_group_tests_name("task_many", tests, NULL, NULL);
}
