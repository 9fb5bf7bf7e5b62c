/* prompt_lenient.c - replies whose form is wrong: JSON repaired, and what is read where the strict reading found nothing or less. */
#include "test.h"

#include <string.h>

#include "base/arena.h"
#include "prompt/lenient.h"
#include "schema/repair.h"
#include "schema/validator.h"

static const struct {
	const char *text, *json; /* NULL: no object is to be had */
} repairs[] = {
	{ "{\"a\": 1}", "{\"a\": 1}" },
	{ "Sure!\n```json\n{\"a\": [1, 2,],}\n```", "{\"a\": [1, 2]}" },
	{ "{'a': 'it''s', 'b': 'the dog's bone'}", "{\"a\": \"it''s\", \"b\": \"the dog's bone\"}" },
	{ "{\xe2\x80\x9c" "a\xe2\x80\x9d: \xe2\x80\x9c" "b\xe2\x80\x9d}", "{\"a\": \"b\"}" },
	{ "{a: True, b_c: None, d: False}", "{\"a\": true, \"b_c\": null, \"d\": false}" },
	{ "{\"a\": \"one\ntwo\"}", "{\"a\": \"one\\ntwo\"}" },
	{ "{\"a\": \"say \\\"hi\\\"\"}", "{\"a\": \"say \\\"hi\\\"\"}" },
	{ "{'a': 'say \"hi\"'}", "{\"a\": \"say \\\"hi\\\"\"}" },
	{ "{\"a\": 1, \"b\": {\"c\": [\"x\", \"y\"", "{\"a\": 1, \"b\": {\"c\": [\"x\", \"y\"]}}" },
	{ "{\"a\": 1, \"b\": \"cut o", "{\"a\": 1}" },
	{ "{\"a\": 1, \"b\": 12", "{\"a\": 1}" }, /* it may have been going to be 120 */
	{ "{\"a\": 1, \"b\":", "{\"a\": 1}" },
	{ "{\"a\": 1, \"b", "{\"a\": 1}" },
	{ "{\"a\": 1, \"b\"", "{\"a\": 1}" },
	{ "{\"a\": [1, {\"b\": 2}", "{\"a\": [1, {\"b\": 2}]}" },
	{ "{", "{}" },
	{ "{\"a\": ]}", "{}" }, /* nothing of it is whole */
	{ "no object", NULL },
	{ "", NULL },
};

static void nearly_json_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(repairs); i++) {
		json_t *got = repair_object(repairs[i].text);
		json_t *want = repairs[i].json ? json_loads(repairs[i].json, 0, NULL) : NULL;
		char *text = got ? json_dumps(got, 0) : NULL;

		assert_true(!repairs[i].json || want);
		if (repairs[i].json ? !json_equal(got, want) : got != NULL)
			fail_msg("%s: got %s", repairs[i].text, text ? text : "nothing");
		free(text);
		json_decref(got);
		json_decref(want);
	}
}

/* Every beginning of a text is either no object or one; nothing is read behind its end. */
static void every_beginning_is_survived(void **state)
{
	static const char text[] = "{'a': [True, {b: \"x\\\"y\", }, 'it''s'], \"c\": \xe2\x80\x9cz\xe2\x80\x9d, d: 1.5e3}";

	(void)state;
	for (size_t n = 0; n <= strlen(text); n++) {
		char *part = mem_alloc(n + 1);

		memcpy(part, text, n);
		part[n] = '\0';
		json_t *got = repair_object(part);

		assert_int_equal(got != NULL, n > 0);
		json_decref(got);
		free(part);
	}
}

static const struct label labels[] = { { "spam", NULL }, { "work", NULL }, { "Work-Order", NULL }, { "automated_mail", NULL } };
static const struct task classify = { .kind = TASK_CLASSIFY, .labels = labels, .n_labels = 4, .scorer = "exact" };

static const struct {
	const char *answer, *reply; /* answer: as the strict reading left it */
	bool reasoned;
	size_t label; /* the right one */
	double score;
} named[] = {
	{ NULL, "Spam, not work", false, 0, 1 },
	{ NULL, "Spam, not work", false, 1, 0 },
	{ NULL, "It might be spam, but no: work.", true, 1, 1 },
	{ NULL, "this is a WORK ORDER", false, 2, 1 },
	{ NULL, "this is a WORK ORDER", false, 1, 0 },
	{ NULL, "automated mail!", false, 3, 1 },
	{ NULL, "An automatic notice.", false, 3, 1 },
	{ NULL, "I cannot tell.", false, 3, 0 },
	{ NULL, "", false, 0, 0 },
	{ "work", "work (or spam?)", false, 0, 0 }, /* a label was read: that is the answer */
	{ "work", "work", false, 1, 1 },
};

static void labels_are_found_in_any_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		struct example e = { .label = named[i].label };
		double score = lenient_grade(&classify, &e, named[i].answer, named[i].reply, named[i].reasoned);

		if (score != named[i].score)
			fail_msg("\"%s\" for %s: %g", named[i].reply, labels[named[i].label].name, score);
	}
}

static void sets_are_found_in_any_form(void **state)
{
	static const size_t both[] = { 0, 3 };
	struct task many = classify;
	struct example e = { .labels = both, .n_labels = 2, .answer = "spam, automated_mail" };

	(void)state;
	many.many = true;
	many.scorer = "exact_set";
	assert_true(lenient_grade(&many, &e, NULL, "Spam and automated mail", false) == 1);
	assert_true(lenient_grade(&many, &e, NULL, "Spam", false) == 0);
	assert_true(lenient_grade(&many, &e, "spam", "Spam and automated mail", false) == 0);
}

static const struct {
	const char *scorer, *right, *answer;
	double score;
} answers[] = {
	{ "exact", "1912", "It opened in 1912.", 1 },
	{ "exact", "1912", "It opened in 1913.", 0 },
	{ "exact", "42 km", "about 42 kilometres", 1 },
	{ "exact", "$1,500", "1500 dollars", 1 },
	{ "exact", "Ada Lovelace", "ada lovelace (1815)", 1 },
	{ "exact", "no", "I know", 0 },
	{ "exact", "", "It opened in 1912.", 0 }, /* it should have abstained */
	{ "exact", "1912", "", 0 },               /* it did */
	{ "f1", "Ada Lovelace", "That was Ada Lovelace, the countess", 1 },
	{ "f1", "nan", "an infinite number 3", 0 },
};

static void answers_are_found_among_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct task task = { .kind = TASK_ANSWER, .scorer = answers[i].scorer };
		struct example e = { .answer = answers[i].right };
		double score = lenient_grade(&task, &e, answers[i].answer, answers[i].answer, false);

		if (score != answers[i].score)
			fail_msg("\"%s\" for \"%s\": %g", answers[i].answer, answers[i].right, score);
	}
}

static void objects_are_repaired(void **state)
{
	static const char schema[] = "{\"type\": \"object\", \"required\": [\"size\"], \"properties\": {\"size\": {\"enum\": [\"small\", \"large\"]}, "
				     "\"drink\": {\"type\": \"string\"}}}";
	struct error err;
	struct task task = { .kind = TASK_EXTRACT, .scorer = "json", .validator = validator_new(schema, strlen(schema), &err) };
	struct example e = { .answer = "{\"size\": \"small\", \"drink\": \"tea\"}" };

	(void)state;
	assert_non_null(task.validator);
	assert_true(lenient_grade(&task, &e, NULL, "{'size': 'small', 'drink': 'tea',}", false) == 1);
	assert_true(lenient_grade(&task, &e, NULL, "{reason: 'x', answer: {'size': 'small', 'drink': 'tea'", true) == 1);
	assert_close("half", lenient_grade(&task, &e, NULL, "{'size': 'small', 'drink': 'te", false), 2.0 / 3, 1e-12);
	assert_true(lenient_grade(&task, &e, NULL, "{'size': 'huge', 'drink': 'tea'}", false) == 0);
	assert_true(lenient_grade(&task, &e, "{\"size\": \"large\"}", "{'size': 'small', 'drink': 'tea'}", false) == 0);
	validator_free(task.validator);
}

static void texts_are_unwrapped(void **state)
{
	struct task task = { .kind = TASK_GENERATE, .scorer = "exact", .pattern = "- (api|ui): .+" };
	struct example e = { .answer = "- api: Add a thing" };

	(void)state;
	assert_true(lenient_grade(&task, &e, "Here it is:\n```\n- api: Add a thing\n```", "", false) == 1);
	assert_true(lenient_grade(&task, &e, "Answer: \"- api: Add a thing\"", "", false) == 1);
	assert_true(lenient_grade(&task, &e, "- ui: Add\n- api: Add a thing", "", false) == 0); /* the first that matches counts */
	assert_true(lenient_grade(&task, &e, "- api: add a thing", "", false) == 0);            /* the house style is the point */
	assert_true(lenient_grade(&task, &e, NULL, "**- api: Add a thing**", false) == 1);
	task.pattern = NULL;
	assert_true(lenient_grade(&task, &e, "\"- api: Add a thing\"", "", false) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearly_json_is_read),
		cmocka_unit_test(every_beginning_is_survived),
		cmocka_unit_test(labels_are_found_in_any_form),
		cmocka_unit_test(sets_are_found_in_any_form),
		cmocka_unit_test(answers_are_found_among_words),
		cmocka_unit_test(objects_are_repaired),
		cmocka_unit_test(texts_are_unwrapped),
	};

	return cmocka_run_group_tests_name("prompt_lenient", tests, NULL, NULL);
}
