/* tune_copies.c - planted copies of dev and test items are found in any wording, and no collected one of them stays in the pool. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "task/collected.h"
#include "task_folder.h"
#include "tune/copies.h"

static const char yaml[] = "name: t\nkind: classify\ninstruction: Choose.\ninput: \"{{text}}\"\nlabels: [spam, work]\n"
			   "examples: {file: e.csv, answer: label, id: id, split: split}\n";
static const char tested[] = "please tell me how I can delete my account today", chosen[] = "the gardener watered every tulip behind that old cottage";

static struct folder write_task(const char *collected)
{
	struct folder f = folder_make();
	struct buf rows = { 0 };

	buf_adds(&rows, "id,text,label,split\n");
	for (int i = 0; i < 60; i++)
		buf_addf(&rows, "e%d,filler %c%c%c and more %c%c,%s,%s\n", i, 'a' + i % 26, 'b' + i % 7, 'c' + i % 5, 'd' + i % 9, 'e' + i % 11,
			 i % 2 ? "work" : "spam", i % 10 == 8 ? "dev" : i % 10 == 9 ? "test" : "train");
	buf_addf(&rows, "tested,%s,work,test\nchosen,%s,work,dev\nlearnt,an invoice for seven parcels,work,train\n", tested, chosen);
	folder_write(&f, "task.yaml", yaml, strlen(yaml));
	folder_write(&f, "e.csv", rows.data, rows.n);
	if (collected)
		folder_write(&f, COLLECTED_FILE, collected, strlen(collected));
	buf_release(&rows);
	return f;
}

static struct task *must_open(const struct folder *f)
{
	struct error err;
	struct task *t = task_open(f->path, NULL, &err);

	if (!t)
		fail_msg("%s", err.text);
	return t;
}

static const struct {
	const char *text;
	enum copy_of of;
	const char *id; /* NULL: none */
} rows[] = {
	{ "PLEASE tell me: how I can delete my account, today?", COPY_TEST, "tested" },
	{ "please tell me how I can delete my account", COPY_TEST, "tested" },
	{ "the gardener watered every tulip behind that old cottage yesterday", COPY_DEV, "chosen" },
	{ "an invoice for seven parcels", COPY_POOL, "learnt" },
	{ "an invoice for seven small parcels", COPY_NONE, NULL }, /* the pool may be repeated nearly */
	{ "what is the weather like in spring", COPY_NONE, NULL },
};

static void copies_are_found(void **state)
{
	struct folder f = write_task(NULL);
	struct task *t = must_open(&f);
	const char *texts[ARRAY_SIZE(rows)], *by;
	struct copy copies[ARRAY_SIZE(rows)];
	struct arena arena;
	struct error err;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		texts[i] = rows[i].text;
	assert_true(copies_find(t, NULL, texts, ARRAY_SIZE(rows), &arena, copies, &by, &err));
	assert_string_equal(by, "words");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (copies[i].of != rows[i].of)
			fail_msg("%s: of %s (%s)", rows[i].text, copy_of_name(copies[i].of), copies[i].item ? copies[i].item->id : "nothing");
		if (rows[i].id)
			assert_string_equal(copies[i].item->id, rows[i].id);
	}
	arena_release(&arena);
	task_free(t);
	folder_remove(&f);
}

/* Other words, hardly another sense. */
static void embeddings_find_what_words_do_not(void **state)
{
	static const char *const text = "please tell me how I could delete my account today";
	char path[4096];
	struct arena arena;
	struct error err;
	struct copy words, embedded;
	const char *by;

	(void)state;
	snprintf(path, sizeof(path), "%s/all-MiniLM-L6-v2", test_models_folder());
	if (!file_exists(path))
		skip();
	struct folder f = write_task(NULL);
	struct task *t = must_open(&f);
	struct model_settings settings = { 0 };
	struct models *models = models_open(test_models_folder(), &settings);

	arena_init(&arena);
	assert_true(copies_find(t, NULL, &text, 1, &arena, &words, NULL, &err));
	assert_true(copies_find(t, models, &text, 1, &arena, &embedded, &by, &err));
	assert_int_equal(words.of, COPY_NONE);
	assert_int_equal(embedded.of, COPY_TEST);
	assert_string_equal(embedded.item->id, "tested");
	assert_true(embedded.cosine >= 0.98 && embedded.cosine < 1);
	assert_string_not_equal(by, "words");
	arena_release(&arena);
	models_free(models);
	task_free(t);
	folder_remove(&f);
}

/* Planted by hand, past every review. */
static void the_guard_leaves_none_in_the_pool(void **state)
{
	static const char lines[] = "{\"text\": \"please tell me how I can delete my account\", \"label\": \"work\"}\n"
				    "{\"text\": \"what is the weather like in spring\", \"label\": \"work\"}\n"
				    "{\"text\": \"The gardener watered every tulip, behind that old old cottage\", \"label\": \"work\"}\n"
				    "{\"text\": \"is the sea near the harbour warm enough for children to swim in autumn\", \"label\": \"spam\", \"rung::split\": \"test\"}\n"
				    "{\"text\": \"is the sea near the harbour warm enough for children to swim in\", \"label\": \"spam\"}\n";
	struct folder f = write_task(lines);
	struct task *t = must_open(&f);
	size_t before = t->pool.list.n, collected = 0;

	(void)state;
	copies_guard(t);
	assert_int_equal(t->pool.list.n, before - 3);
	assert_int_equal(t->n_uncollected, 3);
	for (size_t i = 0; i < t->pool.list.n; i++)
		if (t->pool.list.items[i]->collected) {
			assert_string_equal(t->pool.list.items[i]->values[1], "what is the weather like in spring");
			collected++;
		}
	assert_int_equal(collected, 1);
	const char *warning = t->warnings[t->n_warnings - 1];

	assert_non_null(strstr(warning, "3 examples of"));
	assert_non_null(strstr(warning, "(first: line 1,"));
	assert_non_null(strstr(warning, "the test item tested"));
	copies_guard(t); /* again: nothing is left to drop */
	assert_int_equal(t->n_uncollected, 3);
	task_free(t);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_found), cmocka_unit_test(embeddings_find_what_words_do_not),
		cmocka_unit_test(the_guard_leaves_none_in_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
