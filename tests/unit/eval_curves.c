/* eval_curves.c - learning curves that cost something: prompts that show the nearest examples out of parts of the pool, each asked once,
 * and encoders that are trained on parts, where that does not take too long. */
#include "test.h"

#include <string.h>

#include "base/file.h"
#include "eval/curves.h"
#include "eval/measure.h"
#include "stats/curve.h"
#include "task_folder.h"
#include "variant/workshop.h"

enum { POOL = 64, DEV = 70, TEST = 30 };

static const char *const tiny[] = { "local:tiny-llama" };
static struct folder folder;
static struct task *task;
static struct models *models;
static struct store *store;
static struct arena arena;
static struct climb climb;
static struct climb_options options = { .seed = 1 };

static void write_task(void)
{
	static const char yaml[] = "name: t\nkind: classify\ninstruction: \"Pick {{labels}}.\"\ninput: \"{{text}}\"\n"
				   "labels: [a, b]\nexamples: {file: e.jsonl, answer: label, id: id, split: split}\n";
	struct buf lines = { 0 };

	for (int i = 0; i < POOL + DEV + TEST; i++)
		buf_addf(&lines, "{\"id\": \"i%d\", \"label\": \"%s\", \"split\": \"%s\", \"text\": \"x%d y%d z%d\"}\n", i, i % 2 ? "a" : "b",
			 i < POOL ? "train" : i < POOL + DEV ? "dev" : "test", i % 7, i % 5, i);
	folder_write(&folder, "task.yaml", yaml, strlen(yaml));
	folder_write(&folder, "e.jsonl", lines.data, lines.n);
	buf_release(&lines);
}

static int set_up(void **state)
{
	struct task_options opening = { .seed = 1 };
	struct run_row run = { .key = "k", .examples = "", .seed = 1, .settings = "{}" };
	struct error err = { .text = "" };
	char path[128];

	(void)state;
	folder = folder_make();
	write_task();
	arena_init(&arena);
	snprintf(path, sizeof(path), "%s/store.db", folder.path);
	models = models_open("tests/reference/golden", &(struct model_settings){ .threads = 2 });
	task = task_open(folder.path, &opening, &err);
	store = task ? store_open(path, true, &err) : NULL;
	if (!store || !store_run_begin(store, &arena, &run, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	climb = (struct climb){ .task = task, .options = &options, .store = store, .run = run.id };
	climb.dev = dev_order(task, 1, &arena);
	climb.workshop = workshop_open(task, climb.dev, models, NULL, store, run.id, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workshop_free(climb.workshop);
	arena_release(&climb.arena);
	store_close(store);
	models_free(models);
	task_free(task);
	arena_release(&arena);
	folder_remove(&folder);
	return 0;
}

static const struct variant *named(const char *id)
{
	size_t n;
	const struct variant *variants = variants_list(task, &arena, tiny, 1, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(variants[i].id, id) == 0)
			return &variants[i];
	fail_msg("no variant %s", id);
	return NULL;
}

static void only_prompts_with_nearest_shots_have_one(void **state)
{
	(void)state;
	assert_true(curves_has_shots(named("1/knn-tfidf@local:tiny-llama")));
	assert_true(curves_has_shots(named("1/knn-embedding@local:tiny-llama")));
	assert_false(curves_has_shots(named("1/few-shot@local:tiny-llama")));
	assert_false(curves_has_shots(named("0/tfidf-nearest")));
	assert_false(curves_has_shots(named("3/lora@local:tiny-llama")));
}

static size_t shots_of(size_t size, uint64_t seed, const struct example *item, size_t **positions)
{
	struct pool_part part = { size, seed };
	struct error err;
	size_t n;

	if (!workshop_shots(climb.workshop, SHOTS_TFIDF, part, item, &arena, positions, &n, &err))
		fail_msg("%s", err.text);
	return n;
}

static size_t place_of(const size_t *order, size_t position)
{
	for (size_t i = 0; i < POOL; i++)
		if (order[i] == position)
			return i;
	return POOL;
}

/* Shots lie in their part; the whole pool as a part is the pool; and of what the whole pool shows, a part shows what it has. */
static void shots_come_from_the_part(void **state)
{
	size_t order[POOL], *all, *some;

	(void)state;
	pool_order(climb.workshop, 2, order);
	for (size_t i = 0; i < 10; i++) {
		const struct example *item = climb.dev.list.items[i];

		assert_int_equal(shots_of(0, 0, item, &all), 4);
		assert_int_equal(shots_of(POOL, 2, item, &some), 4);
		assert_memory_equal(all, some, 4 * sizeof(*all));
		assert_int_equal(shots_of(16, 2, item, &some), 4);
		for (size_t k = 0; k < 4; k++)
			assert_true(place_of(order, some[k]) < 16);
		for (size_t k = 0; k < 4; k++) {
			bool shown = false;

			for (size_t j = 0; j < 4; j++)
				shown |= some[j] == all[k];
			assert_true(shown == (place_of(order, all[k]) < 16));
		}
		assert_int_equal(shots_of(3, 2, item, &some), 3);
	}
}

/* 16 and 32 of 64 in three draws each, and what was asked already with all of them. */
static void parts_are_asked_once(void **state)
{
	static const char id[] = "1/knn-tfidf@local:tiny-llama";
	struct item_list first = climb.dev.list;
	struct record r = { arena_array(&arena, DEV, sizeof(double)), arena_array(&arena, DEV, sizeof(double)), 0 };
	struct curve_point points[7];
	struct curve fit;
	struct curve_row *rows;
	struct error err;
	size_t n, calls, again;
	double ms, mean = 0;

	(void)state;
	if (!measure(&climb, named(id), "dev", first, 0, DEV, &r, &err))
		fail_msg("%s", err.text);
	for (int i = 0; i < 2; i++) {
		if (!curves_shots(&climb, named(id), &err))
			fail_msg("%s", err.text);
		assert_true(store_curves(store, climb.run, &arena, &rows, &n, &err));
		assert_int_equal(n, 7);
		assert_true(store_spent(store, climb.run, "probe", i ? &again : &calls, &ms, &err));
	}
	assert_true(curves_has_sizes(POOL) && !curves_has_sizes(POOL - 1)); /* a quarter of less is too little */
	assert_true(calls > 0 && calls <= 6 * CURVE_SHOT_ITEMS); /* prompts with the same shots are one */
	assert_int_equal(calls, again);
	for (size_t i = 0; i < 7; i++) {
		assert_string_equal(rows[i].variant, id);
		assert_int_equal(rows[i].n, i < 3 ? 16 : i < 6 ? 32 : POOL);
		assert_int_equal(rows[i].items, CURVE_SHOT_ITEMS);
		points[i] = (struct curve_point){ rows[i].n, 1 - rows[i].score };
	}
	for (size_t i = 0; i < CURVE_SHOT_ITEMS; i++)
		mean += r.score[i] / CURVE_SHOT_ITEMS;
	assert_close("all of the pool", rows[6].score, mean, 1e-12);
	assert_true(curve_fit(points, 7, CURVE_SHOT_ITEMS, &fit)); /* three sizes are enough for a line */
}

/* --- encoders --- */

static void trainings_are_estimated_from_the_one_there_was(void **state)
{
	(void)state;
	/* up to 1,000 examples every part is gone through as often as the whole: 3 (1/8 + 1/4 + 1/2) */
	assert_close("800", curves_training_seconds(800, 100), 262.5, 1e-12);
	/* of 2,000 the whole is gone through 6 times, and so is its half; 500 and 250 are 10 times */
	assert_close("2,000", curves_training_seconds(2000, 100), 100 * 3 * (2500 + 5000 + 6000) / 12000.0, 1e-12);
	assert_true(isnan(curves_training_seconds(800, NAN)));
}

/* Files and folders that are there, hidden ones left out. */
static size_t entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* The tiny BERT of tests/reference in the place of the small encoder. */
static void use_tiny_encoder(char tuned[128])
{
	char path[160], golden[4096];

	assert_non_null(realpath("tests/reference/golden/tiny-bert", golden));
	snprintf(path, sizeof(path), "%s/all-MiniLM-L6-v2", folder.path);
	assert_int_equal(symlink(golden, path), 0);
	snprintf(tuned, 128, "%s/tuned", folder.path);
	workshop_free(climb.workshop);
	models_free(models);
	models = models_open(folder.path, &(struct model_settings){ .threads = 2, .tuned = tuned });
	climb.workshop = workshop_open(task, climb.dev, models, NULL, store, climb.run, 1);
}

static void encoders_are_trained_on_parts(void **state)
{
	struct record r = { arena_array(&arena, DEV, sizeof(double)), arena_array(&arena, DEV, sizeof(double)), 0 };
	const struct variant *v = named("3/encoder");
	struct curve_row *rows;
	char tuned[128], versions[160];
	struct error err;
	double mean = 0;
	size_t n;

	(void)state;
	use_tiny_encoder(tuned);
	assert_true(curves_has_trainings(task, v));
	assert_false(curves_has_trainings(task, named("3/lora@local:tiny-llama")));
	if (!measure(&climb, v, "dev", climb.dev.list, 0, DEV, &r, &err))
		fail_msg("%s", err.text);
	for (int i = 0; i < 2; i++) {
		if (!curves_trainings(&climb, v, &err))
			fail_msg("%s", err.text);
		assert_true(store_curves(store, climb.run, &arena, &rows, &n, &err));
		assert_int_equal(n, 7);
	}
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(rows[i].n, i < 3 ? 16 : i < 6 ? 32 : POOL);
		assert_true(rows[i].items == DEV && rows[i].score >= 0 && rows[i].score <= 1);
	}
	for (size_t i = 0; i < DEV; i++)
		mean += r.score[i] / DEV;
	assert_close("all of the pool", rows[6].score, mean, 1e-12);
	snprintf(versions, sizeof(versions), "%s/t", tuned);
	assert_int_equal(entries(versions), 1); /* v1: parts are no versions */
	file_remove_folder(tuned);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_prompts_with_nearest_shots_have_one),
		TEST(shots_come_from_the_part),
		TEST(parts_are_asked_once),
		TEST(trainings_are_estimated_from_the_one_there_was),
		TEST(encoders_are_trained_on_parts),
	};

	return cmocka_run_group_tests_name("eval_curves", tests, NULL, NULL);
}
