/* variant_teach.c - what a teacher says becomes examples: labels of rows that have none, and reasons for answers that are right. */
#include "answer_task.h"

#include "variant/teach.h"

static struct towns t;
static const struct teach_progress nobody;

static int set_up(void **state)
{
	(void)state;
	return towns_begin(&t, "");
}

static int tear_down(void **state)
{
	(void)state;
	return towns_finish(&t);
}

/* Right about towns of an even number, without a reason about every sixth; wrong about the others. */
static const char *half_right(struct arena *arena, const char *prompt)
{
	size_t i = town_asked(arena, prompt);

	if (strstr(prompt, "anthem"))
		return "Nobody said who.\n\nAnswer: I do not know.";
	if (i % 6 == 0)
		return arena_printf(arena, "Answer: %u", town_year(i));
	return arena_printf(arena, "An answer: the books of %s say so.  \nAnswer: %u", town_name(arena, i), i % 2 ? 999 : town_year(i));
}

static const struct variant *teacher(void)
{
	return towns_variant(&t, "1/chain-of-thought@local:tiny-llama");
}

static struct taught taught_pool(void)
{
	struct taught taught;

	MUST(&t, teach_pool(t.workshop, t.task, teacher(), &nobody, &t.arena, &taught, &t.err)); /* to have calls */
	towns_script(&t, half_right);
	MUST(&t, teach_pool(t.workshop, t.task, teacher(), &nobody, &t.arena, &taught, &t.err));
	return taught;
}

static size_t town_of(const struct example *e)
{
	return strtoul(strchr(e->id, '-') + 1, NULL, 10);
}

static void right_answers_keep_their_reasons(void **state)
{
	struct taught taught = taught_pool();
	struct item_list pool = t.task->pool.list;
	size_t expected = 0;

	(void)state;
	for (size_t i = 0; i < pool.n; i++) {
		const struct example *e = pool.items[i];
		bool anthem = strncmp(e->id, "anthem", 6) == 0;

		if (!anthem && (town_of(e) % 2 || town_of(e) % 6 == 0))
			continue;
		assert_true(expected < taught.n);
		const struct example *got = taught.items[expected++];

		assert_string_equal(got->id, e->id);
		assert_string_equal(got->answer, e->answer);
		assert_string_equal(got->reasons, anthem ? "Nobody said who."
							 : arena_printf(&t.arena, "An answer: the books of %s say so.", town_name(&t.arena, town_of(e))));
		assert_null(e->reasons);
	}
	assert_int_equal(taught.n, expected);
	assert_int_equal(taught.rows, pool.n);
	assert_int_equal(taught.unanswered, pool.n - expected);
}

static void they_are_said_before_the_answer(void **state)
{
	const struct tuning *tuning = tuning_reasons(t.task);
	struct taught taught = taught_pool();
	const struct example *first = taught.items[0];

	(void)state;
	assert_string_equal(request_completion(t.task, tuning->technique, first, &t.arena),
			    arena_printf(&t.arena, "%s\nAnswer: %s", first->reasons, first->answer[0] ? first->answer : "I do not know."));
	assert_string_equal(request_completion(t.task, &technique_all(TASK_ANSWER, &(size_t){ 0 })[0], first, &t.arena),
			    first->answer[0] ? first->answer : "I do not know.");
}

static void write_rows(void)
{
	struct buf rows = { 0 };

	buf_addf(&rows, "{\"question\": \"When could ships first lie at the quay of %s?\"}\n", town_name(&t.arena, 2));
	buf_addf(&rows, "{\"question\": \"Which year saw the first ship at the quay of %s?\"}\n", town_name(&t.arena, 6));
	buf_addf(&rows, "{\"question\": \"When could ships first lie at the quay of %s?\"}\n", town_name(&t.arena, 2)); /* again */
	buf_addf(&rows, "{\"question\": \"The harbour of %s was opened in which year? %s\"}\n", town_name(&t.arena, 2),
		 town_aside(&t.arena, 2)); /* nearly what is tested */
	buf_addf(&rows, "{\"question\": \"In which year was the harbour of %s opened? %s\"}\n", town_name(&t.arena, 4),
		 town_aside(&t.arena, 4)); /* the task's */
	towns_write(&t, "rows.jsonl", buf_text(&rows));
	buf_release(&rows);
}

static struct taught taught_file(bool reasons)
{
	const char *file = arena_printf(&t.arena, "%s/rows.jsonl", t.folder);
	struct taught taught;

	write_rows();
	MUST(&t, teach_file(t.workshop, t.task, teacher(), file, reasons, &nobody, &t.arena, &taught, &t.err));
	towns_script(&t, half_right);
	MUST(&t, teach_file(t.workshop, t.task, teacher(), file, reasons, &nobody, &t.arena, &taught, &t.err));
	return taught;
}

static void rows_get_the_teachers_answers(void **state)
{
	struct taught taught = taught_file(false);

	(void)state;
	assert_int_equal(taught.rows, 5);
	assert_int_equal(taught.known, 3);
	assert_int_equal(taught.unanswered, 0);
	assert_int_equal(taught.n, 2);
	assert_string_equal(taught.items[0]->answer, arena_printf(&t.arena, "%u", town_year(2)));
	assert_string_equal(taught.items[1]->answer, arena_printf(&t.arena, "%u", town_year(6)));
	assert_null(taught.items[0]->reasons);
	assert_int_not_equal(taught.items[0]->group, taught.items[1]->group);
}

static void rows_without_reasons_are_left_out(void **state)
{
	struct taught taught = taught_file(true);

	(void)state;
	assert_int_equal(taught.n, 1);
	assert_int_equal(taught.unanswered, 1);
	assert_string_equal(taught.items[0]->reasons, arena_printf(&t.arena, "An answer: the books of %s say so.", town_name(&t.arena, 2)));
}

static void only_who_thinks_aloud_gives_reasons(void **state)
{
	(void)state;
	assert_true(teach_gives_reasons(teacher()));
	assert_false(teach_gives_reasons(towns_variant(&t, "1/closed-book@local:tiny-llama")));
	assert_false(teach_gives_reasons(towns_variant(&t, "1/self-consistency@local:tiny-llama")));
	assert_false(teach_gives_reasons(towns_variant(&t, "2/rag-cited@local:tiny-llama")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(right_answers_keep_their_reasons),
		TEST(they_are_said_before_the_answer),
		TEST(rows_get_the_teachers_answers),
		TEST(rows_without_reasons_are_left_out),
		TEST(only_who_thinks_aloud_gives_reasons),
	};

	return cmocka_run_group_tests_name("variant_teach", tests, NULL, NULL);
}
