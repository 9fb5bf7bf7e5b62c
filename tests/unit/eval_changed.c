/* eval_changed.c - passages whose fact is another one: what is changed and what is left alone, how replies are told apart, and both
 * models asked. */
#define TOWN_SPLIT(i) ((i) % 12 == 0 ? 1 : (i) % 12 == 1 ? 2 : 0) /* eighty towns in the pool */
#include "answer_task.h"

#include "eval/changed.h"

static struct towns t;

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

static const struct example *original(const struct example *changed)
{
	for (size_t i = 0; i < t.task->pool.list.n; i++)
		if (strcmp(t.task->pool.list.items[i]->id, changed->id) == 0)
			return t.task->pool.list.items[i];
	return NULL;
}

static void passages_hold_another_answer_and_nothing_else_changes(void **state)
{
	struct changed_item items[CHANGED_ITEMS];
	size_t n = changed_items(t.task->pool, &t.arena, items);

	(void)state;
	assert_int_equal(n, CHANGED_ITEMS);
	for (size_t i = 0; i < n; i++) {
		const struct example *was = original(&items[i].example);
		const char *at = strstr(was->gold, items[i].old);

		assert_string_equal(was->answer, items[i].old);
		assert_string_not_equal(items[i].new, items[i].old);
		assert_string_equal(items[i].example.answer, items[i].new);
		assert_non_null(at);
		assert_string_equal(items[i].example.gold,
				    arena_printf(&t.arena, "%.*s%s%s", (int)(at - was->gold), was->gold, items[i].new, at + strlen(items[i].old)));
	}
}

/* Three examples of a pool by hand. */
static size_t changed_of(const struct example *examples, size_t n, struct changed_item *out)
{
	const struct example *list[8];

	for (size_t i = 0; i < n; i++)
		list[i] = &examples[i];
	return changed_items((struct pool_items){ { list, n } }, &t.arena, out);
}

static void answers_are_changed_by_their_like(void **state)
{
	const struct example examples[] = {
		{ .id = "year", .answer = "1407", .gold = "Opened in 1407; the bill of 14075 crowns was paid after 1407." },
		{ .id = "name", .answer = "Anna Bell", .gold = "It was Anna Bell." },
		{ .id = "elsewhere", .answer = "1500", .gold = "Nothing of the kind stands here." },
		{ .id = "abstains", .answer = "", .gold = "Nor here." },
		{ .id = "no passage", .answer = "Carl Dorn" },
	};
	struct changed_item out[CHANGED_ITEMS];

	(void)state;
	assert_int_equal(changed_of(examples, 5, out), 2);
	assert_string_equal(out[0].example.gold, "Opened in 1500; the bill of 14075 crowns was paid after 1500.");
	assert_string_equal(out[1].example.gold, "It was Carl Dorn.");
}

static void an_answer_that_is_in_the_passage_already_changes_nothing(void **state)
{
	const struct example examples[] = {
		{ .id = "a", .answer = "red", .gold = "Red lamps are red, green lamps green." },
		{ .id = "b", .answer = "green" },
		{ .id = "c", .answer = "blue" },
	};
	struct changed_item out[CHANGED_ITEMS];

	(void)state;
	assert_int_equal(changed_of(examples, 3, out), 1);
	assert_string_equal(out[0].new, "blue");
	assert_int_equal(changed_of(examples, 2, out), 0);
}

static void replies_follow_recite_or_neither(void **state)
{
	const struct changed_item items[] = { { .old = "1407", .new = "1500" }, { .old = "1407", .new = "1500" }, { .old = "1407", .new = "1500" },
					      { .old = "1407", .new = "1500" }, { .old = "1407", .new = "1500" } };
	const char *const replies[] = { "In 1500.", "In 1407.", "Not in 1407 but in 1500.", "In 15001", NULL };
	double follows, recites;

	(void)state;
	changed_count(items, replies, 5, &follows, &recites);
	assert_float_equal(follows, 0.2, 1e-12);
	assert_float_equal(recites, 0.2, 1e-12);
}

static void both_models_are_asked(void **state)
{
	struct progress nobody = { 0 };
	struct changed c;

	(void)state;
	MUST(&t, changed_ask(t.task, tiny[0], tiny[0], t.models, &nobody, &c, &t.err));
	assert_int_equal(c.n, CHANGED_ITEMS);
	assert_float_equal(c.follows_before, c.follows_after, 0);
	assert_float_equal(c.recites_before, c.recites_after, 0);
}

static bool at_once(void *context)
{
	(void)context;
	return true;
}

static void it_may_be_interrupted(void **state)
{
	struct progress impatient = { .stopped = at_once };
	struct changed c;

	(void)state;
	assert_false(changed_ask(t.task, tiny[0], tiny[0], t.models, &impatient, &c, &t.err));
	assert_string_equal(t.err.text, "interrupted; run the same command again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passages_hold_another_answer_and_nothing_else_changes),
		cmocka_unit_test(answers_are_changed_by_their_like),
		cmocka_unit_test(an_answer_that_is_in_the_passage_already_changes_nothing),
		cmocka_unit_test(replies_follow_recite_or_neither),
		cmocka_unit_test(both_models_are_asked),
		cmocka_unit_test(it_may_be_interrupted),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
