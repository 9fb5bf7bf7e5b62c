/* What `cascade:` sets aside: a share of dev, groups whole, the same for the same seed, and nobody else's. */
#include "task_folder.h"

#include "task/task.h"

/* 400 examples in groups of four. */
static struct folder folder_of(const char *cascade)
{
	struct folder f = folder_make();
	char yaml[400], *rows = calloc(1, 40000);
	size_t n = 0;

	snprintf(yaml, sizeof(yaml), "name: t\nkind: classify\ninstruction: x\ninput: \"{{text}}\"\nlabels: [a, b]\n"
		 "examples: {file: rows.csv, answer: label, id: id, group: thread}\n%s", cascade);
	n += (size_t)snprintf(rows, 40000, "id,text,label,thread\n");
	for (int i = 0; i < 400; i++)
		n += (size_t)snprintf(rows + n, 40000 - n, "e%d,text %d,%s,g%d\n", i, i, i % 3 ? "a" : "b", i / 4);
	folder_write(&f, "task.yaml", yaml, strlen(yaml));
	folder_write(&f, "rows.csv", rows, n);
	free(rows);
	return f;
}

static struct task *opened(const char *cascade, uint64_t seed)
{
	struct folder f = folder_of(cascade);
	struct task_options options = { .seed = seed };
	struct error err;
	struct task *t = task_open(f.path, &options, &err);

	folder_remove(&f);
	if (!t)
		fail_msg("%s", err.text);
	return t;
}

static bool has_group(struct item_list list, size_t group)
{
	for (size_t i = 0; i < list.n; i++)
		if (list.items[i]->group == group)
			return true;
	return false;
}

static void a_share_of_dev_in_whole_groups(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct task *without = opened("", seed), *t = opened("cascade: {aside: 0.5}", seed);

		assert_int_equal(without->aside.list.n, 0);
		assert_int_equal(t->dev.list.n + t->aside.list.n, without->dev.list.n);
		assert_int_equal(t->pool.list.n, without->pool.list.n);
		assert_int_equal(t->test.list.n, without->test.list.n);
		assert_true(2 * t->aside.list.n >= without->dev.list.n && 2 * t->aside.list.n < without->dev.list.n + 8);
		for (size_t i = 0; i < t->aside.list.n; i++) {
			size_t group = t->aside.list.items[i]->group;

			assert_false(has_group(t->dev.list, group) || has_group(t->test.list, group) || has_group(t->pool.list, group));
			assert_true(i == 0 || group == t->aside.list.items[i - 1]->group || i % 4 == 0); /* together */
		}
		task_free(without);
		task_free(t);
	}
}

static void the_same_seed_sets_aside_the_same(void **state)
{
	struct task *a = opened("cascade: {aside: 0.5}", 3), *b = opened("cascade: {aside: 0.5}", 3), *c = opened("cascade: {aside: 0.5, risk: 0.1}", 3);

	(void)state;
	assert_int_equal(a->aside.list.n, b->aside.list.n);
	for (size_t i = 0; i < a->aside.list.n; i++)
		assert_string_equal(a->aside.list.items[i]->id, b->aside.list.items[i]->id);
	assert_true(a->fingerprint == b->fingerprint && a->fingerprint != c->fingerprint);
	task_free(a);
	task_free(b);
	task_free(c);
}

static void too_few_are_said(void **state)
{
	struct task *few = opened("cascade: {aside: 0.5}", 1), *enough = opened("cascade: {aside: 0.5, risk: 0.1}", 1);
	bool said[2] = { false };
	struct task *tasks[2] = { few, enough };

	(void)state;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < tasks[k]->n_warnings; i++)
			said[k] |= strstr(tasks[k]->warnings[i], "set aside for the cascade") != NULL;
	assert_true(said[0] && !said[1]); /* 40 items: fewer than 59, more than 29 */
	task_free(few);
	task_free(enough);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_of_dev_in_whole_groups),
		cmocka_unit_test(the_same_seed_sets_aside_the_same),
		cmocka_unit_test(too_few_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
