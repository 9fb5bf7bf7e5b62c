/* eval_ceiling.c - rungs that are not built because nothing above could be better by the margin: the bound, its error, the climb. */
#include "test.h"

#include <string.h>

#include "eval/ceiling.h"
#include "eval/eval.h"
#include "task_folder.h"

enum { MOST = 400 };

static struct arena arena;

static double *scores(size_t right, size_t n)
{
	static double score[MOST];

	for (size_t i = 0; i < n; i++)
		score[i] = i >= n - right;
	return score;
}

static const char *reached(const struct decide_rule *rule, size_t right, size_t n, double most, bool could_pay)
{
	struct candidate c = { .id = "0/x", .score = scores(right, n), .n = n };

	return ceiling_reached(rule, &c, most, could_pay, &arena);
}

static const struct decide_rule plain = { .alpha = .05, .margin = .05, .plan = DECIDE_FULL, .binary = true, .comparisons = 2, .targets = 3 };

/* Two candidates could end a climb of three, at .025 each. Binomial tails from scipy: P(X >= 133 | 134, .95) = .0083, 132: .0338. */
static void a_champion_near_the_top_ends_it(void **state)
{
	struct decide_rule early = plain, coarse = plain, wanted = plain, alone = plain;

	(void)state;
	assert_non_null(reached(&plain, 134, 134, 1, false));
	assert_non_null(reached(&plain, 133, 134, 1, false));
	assert_null(reached(&plain, 132, 134, 1, false));
	assert_null(reached(&plain, 58, 58, 1, false)); /* .95^58 = .051 */
	coarse.margin = .2;
	assert_non_null(reached(&coarse, 126, 134, 1, false));
	early.plan = DECIDE_EARLY; /* an e-value of 40: P alone is not enough */
	assert_null(reached(&early, 133, 134, 1, false));
	assert_non_null(reached(&early, 200, 200, 1, false));
	wanted.has_target = true; /* a higher rung may meet 99 % though it gains less than 5 points */
	wanted.target = .99;
	assert_null(reached(&wanted, 134, 134, 1, false));
	assert_null(reached(&plain, 134, 134, 1, true));
	alone.targets = 1;
	assert_non_null(reached(&alone, 134, 134, 1, false));
	assert_null(reached(&plain, 0, 0, 1, false));
}

/* Labels that contradict each other lower what can be reached, and so what the champion has to reach. */
static void the_ceiling_may_be_lower(void **state)
{
	const char *why = reached(&plain, 132, 134, .98, false);

	(void)state;
	assert_null(reached(&plain, 132, 134, 1, false));
	assert_non_null(why);
	assert_string_equal(why, "not built: 0/x is right on 132 of 134 test items and is shown above 93.0 %, which leaves less than the margin "
				 "of 5.0 points to the 98.0 % that the labels allow");
	assert_null(reached(&plain, 134, 134, .04, false));
}

/* The chance that a champion is taken for so good that nothing higher can be better by the margin, where something could just be. */
static void a_rung_that_is_better_is_seldom_left_out(void **state)
{
	static const size_t sizes[] = { 30, 60, 100, 134, 200, 300, 400 };

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		size_t n = sizes[s];
		double error = 0, log_choose = 0;

		for (size_t wrong = 0; wrong <= n; wrong++) {
			if (wrong > 0)
				log_choose += log((double)(n - wrong + 1) / (double)wrong);
			if (!reached(&plain, n - wrong, n, 1, false))
				break; /* fewer right do not reach it either */
			error += exp(log_choose + (double)(n - wrong) * log(.95) + (double)wrong * log(.05));
		}
		if (error > CEILING_ERROR / 2 + 1e-12)
			fail_msg("%zu items: %.4f", n, error);
	}
}

static void graded_and_clustered_scores_are_bounded_too(void **state)
{
	static size_t cluster[MOST];
	struct decide_rule graded = plain, clustered = plain;
	double score[MOST];
	struct candidate c = { .id = "0/x", .score = score, .n = MOST };

	(void)state;
	for (size_t i = 0; i < MOST; i++) {
		score[i] = i % 50 ? 1 : .5;
		cluster[i] = i / 20;
	}
	graded.binary = false;
	graded.margin = .1;
	assert_non_null(ceiling_reached(&graded, &c, 1, false, &arena));
	clustered.cluster = cluster;
	clustered.n_items = MOST;
	clustered.binary = false;
	clustered.margin = .1;
	assert_null(ceiling_reached(&clustered, &c, 1, false, &arena)); /* twenty observations: .9^20 = .12 */
	clustered.margin = .25;
	assert_non_null(ceiling_reached(&clustered, &c, 1, false, &arena));
}

static void contradicting_labels_bound_what_can_be_right(void **state)
{
	/* input 1 stands with labels 0, 0 and 1; input 2 with 0 and 1; input 3 once */
	static const struct example examples[] = {
		{ .text = 1, .label = 0 }, { .text = 2, .label = 0 }, { .text = 1, .label = 1 }, { .text = 3, .label = 1 },
		{ .text = 2, .label = 1 }, { .text = 1, .label = 0 },
	};
	const struct example *items[6];
	struct task task = { .kind = TASK_CLASSIFY };

	(void)state;
	for (size_t i = 0; i < 6; i++)
		items[i] = &examples[i];
	assert_close("four of six", ceiling_of_labels(&task, (struct item_list){ items, 6 }), 4.0 / 6, 1e-12);
	assert_true(ceiling_of_labels(&task, (struct item_list){ items, 2 }) == 1);
	assert_true(ceiling_of_labels(&task, (struct item_list){ items, 0 }) == 1);
	task.many = true;
	assert_true(ceiling_of_labels(&task, (struct item_list){ items, 6 }) == 1);
}

/* --- the climb --- */

static const char *const tiny[] = { "local:tiny-llama" };

/* Climbs a task that rung 0 answers without a mistake; what became of the variant, and why. */
static const struct variant_row *climbed(const char *yaml, const char *id)
{
	static const char *const labels[] = { "cat", "dog", "emu" }, *const splits[] = { "train", "dev", "test" };
	struct climb_options options = { .seed = 1, .last_rung = 3, .models = tiny, .n_models = 1 };
	struct task_options opening = { .seed = 1 };
	const struct variant_row *found = NULL;
	struct folder folder = folder_make();
	struct variant_row *rows;
	struct buf lines = { 0 };
	struct error err;
	char path[128];
	int64_t run;
	size_t n;

	for (int i = 0; i < 180; i++)
		buf_addf(&lines, "{\"id\": \"i%d\", \"label\": \"%s\", \"split\": \"%s\", \"text\": \"the %s number w%d\"}\n", i, labels[i / 3 % 3],
			 splits[i % 3], labels[i / 3 % 3], i);
	folder_write(&folder, "task.yaml", yaml, strlen(yaml));
	folder_write(&folder, "e.jsonl", lines.data, lines.n);
	buf_release(&lines);
	snprintf(path, sizeof(path), "%s/store.db", folder.path);
	struct models *models = models_open("tests/reference/golden", &(struct model_settings){ .threads = 2 });
	struct task *task = task_open(folder.path, &opening, &err);
	struct store *store = task ? store_open(path, true, &err) : NULL;

	if (!store || climb_run(task, models, NULL, store, &options, &run, &err) != CLIMB_DONE)
		fail_msg("%s", err.text);
	assert_true(store_variants(store, run, &arena, &rows, &n, &err));
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].id, id) == 0)
			found = &rows[i];
	assert_non_null(found);
	store_close(store);
	models_free(models);
	task_free(task);
	folder_remove(&folder);
	return found;
}

#define YAML "name: t\nkind: classify\ninstruction: \"Pick {{labels}}.\"\ninput: \"{{text}}\"\nlabels: [cat, dog, emu]\n" \
	     "examples: {file: e.jsonl, answer: label, id: id, split: split}\nmargin: 0.2\n"

static void a_climb_leaves_out_what_cannot_be_better(void **state)
{
	const struct variant_row *row = climbed(YAML, "1/zero-shot@local:tiny-llama");

	(void)state;
	assert_string_equal(row->status, "skipped");
	assert_non_null(strstr(row->why, "not built: 0/"));
	assert_non_null(strstr(row->why, "60 of 60 test items"));
	assert_non_null(strstr(row->why, "; that saves up to "));
	assert_non_null(strstr(row->why, " model calls"));
	row = climbed(YAML, "3/encoder");
	assert_string_equal(row->status, "skipped");
	assert_non_null(strstr(row->why, "and 1 training")); /* the encoder; decoders that name labels are not trained in a climb */
	row = climbed(YAML, "2/retrieval");
	assert_string_equal(row->why, "no documents");
}

/* What is in use is tested whatever stands below it. */
static void the_incumbent_is_measured_all_the_same(void **state)
{
	const struct variant_row *row = climbed(YAML "variants: [{name: mine, incumbent: true, model: \"local:tiny-llama\", max_tokens: 3}]\n", "1/mine");

	(void)state;
	assert_true(strcmp(row->status, "skipped") != 0);
}

static int begin(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_champion_near_the_top_ends_it),
		cmocka_unit_test(the_ceiling_may_be_lower),
		cmocka_unit_test(a_rung_that_is_better_is_seldom_left_out),
		cmocka_unit_test(graded_and_clustered_scores_are_bounded_too),
		cmocka_unit_test(contradicting_labels_bound_what_can_be_right),
		cmocka_unit_test(a_climb_leaves_out_what_cannot_be_better),
		cmocka_unit_test(the_incumbent_is_measured_all_the_same),
	};

	return cmocka_run_group_tests_name("eval_ceiling", tests, begin, end);
}
