/* report_diagnosis.c - the diagnosis of a run whose rows a test writes itself: no model answers here. */
#include "test.h"

#include <string.h>

#include "report/diagnosis.h"
#include "task_folder.h"

enum { DEV = 39 };
static const char tiny[] = "local:tiny-llama";

static struct folder folder;
static struct task *task;
static struct store *store;
static struct arena arena;
static struct run_row run;
static struct report report;
static struct report_variant variants[8];

/* Item i of the file has label i % 3 and lies in the split that i / 3 says; of 117 a third are for dev. */
static void write_task(const char *rows)
{
	static const char yaml[] = "name: t\nkind: classify\ninstruction: \"Pick {{labels}}.\"\ninput: \"{{text}}\"\n"
				   "labels: [cat, dog, emu]\nexamples: {file: e.jsonl, answer: label, id: id, split: split}\n"
				   "models: [\"local:tiny-llama\", \"local:other\"]\n";
	static const char *const labels[] = { "cat", "dog", "emu" }, *const splits[] = { "train", "dev", "test" };
	struct buf lines = { 0 };

	for (int i = 0; i < 3 * DEV; i++)
		buf_addf(&lines, "{\"id\": \"i%d\", \"label\": \"%s\", \"split\": \"%s\", \"text\": \"w%d\"}\n", i, labels[i % 3],
			 splits[i / 3 % 3], i);
	buf_adds(&lines, rows);
	folder_write(&folder, "task.yaml", yaml, strlen(yaml));
	folder_write(&folder, "e.jsonl", lines.data, lines.n);
	buf_release(&lines);
}

static void must(bool done, const struct error *err)
{
	if (!done)
		fail_msg("%s", err->text);
}

static void begin(const char *rows)
{
	struct task_options options = { .seed = 1 };
	struct error err = { .text = "" };
	char path[128];

	folder = folder_make();
	write_task(rows);
	arena_init(&arena);
	snprintf(path, sizeof(path), "%s/store.db", folder.path);
	task = task_open(folder.path, &options, &err);
	must(task != NULL, &err);
	store = store_open(path, true, &err);
	must(store != NULL, &err);
	run = (struct run_row){ .key = "k", .examples = "", .seed = 1, .settings = "{\"models\": [\"local:tiny-llama\", \"local:other\"]}" };
	must(store_run_begin(store, &arena, &run, &err), &err);
	memset(variants, 0, sizeof(variants));
	report = (struct report){ .variants = variants, .margin = 0.05, .target = NAN };
}

static void finish(void)
{
	store_close(store);
	task_free(task);
	arena_release(&arena);
	folder_remove(&folder);
}

static int set_up(void **state)
{
	(void)state;
	begin("");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	finish();
	return 0;
}

static struct report_variant *measured(const char *id, int rung)
{
	struct report_variant *v = &variants[report.n_variants++];

	*v = (struct report_variant){ .id = id, .name = id + 2, .rung = rung, .candidate = true, .dev = { .n = task->dev.list.n },
				      .model = strchr(id, '@') ? strchr(id, '@') + 1 : NULL };
	return v;
}

static int64_t called(const char *request, const char *output, const char *scores)
{
	static uint64_t next;
	struct call_row call = { .model = tiny, .request_hash = ++next, .request = request, .output = output, .scores = scores, .status = "ok" };
	struct error err;

	must(store_call_put(store, &call, &err), &err);
	return call.id;
}

/* An answer to an item; call 0: none was made. */
static void answered(const char *variant, const char *split, const struct example *item, const char *answer, int64_t call)
{
	struct answer_row row = { .variant = variant, .item = item->id, .split = split, .answer = answer,
				  .status = answer ? "answered" : "unparsed", .call = call };
	struct error err;

	must(store_answer_put(store, run.id, &row, &err), &err);
}

static const struct probe_finding *diagnosed(const char *probe)
{
	struct error err;

	must(diagnosis_build(task, store, &run, arena_printf(&arena, "%s/curation.csv", folder.path), &arena, &report, &err), &err);
	for (size_t i = 0; i < report.n_diagnosis; i++)
		if (strcmp(report.diagnosis[i].probe, probe) == 0)
			return &report.diagnosis[i];
	return NULL;
}

static const char *other_label(const struct example *e)
{
	return task->labels[(e->label + 1) % 3].name;
}

/* --- lenient re-score --- */

#define ZERO_SHOT "1/zero-shot@local:tiny-llama"

/* The first `unread` replies name two labels, the right one first; of the rest every fourth is wrong. */
static void zero_shot_replies(size_t unread)
{
	for (size_t i = 0; i < task->dev.list.n; i++) {
		const struct example *e = task->dev.list.items[i];
		const char *right = task->labels[e->label].name, *said = i % 4 ? right : other_label(e);

		if (i < unread)
			answered(ZERO_SHOT, "dev", e, NULL, called("{}", arena_printf(&arena, "%s, not %s", right, other_label(e)), NULL));
		else
			answered(ZERO_SHOT, "dev", e, said, called("{}", said, NULL));
	}
}

static void unread_replies_are_read_again(void **state)
{
	const struct probe_finding *f;

	(void)state;
	measured(ZERO_SHOT, 1);
	zero_shot_replies(12);
	f = diagnosed("lenient re-score of zero-shot");
	assert_non_null(f);
	assert_int_equal(f->difference.n, DEV);
	assert_int_equal(f->difference.fixed, 12);
	assert_int_equal(f->difference.broken, 0);
	assert_close("delta", f->difference.delta, 12.0 / DEV, 1e-12);
	/* mean - t(.975, 38) sqrt(p (1 - p) / 38), t from R: 2.024394 */
	assert_close("low", f->difference.low, 0.15612303, 1e-6);
	assert_non_null(strstr(f->points_to, "structured output"));
}

static void replies_that_are_wrong_stay_wrong(void **state)
{
	const struct probe_finding *f;

	(void)state;
	measured(ZERO_SHOT, 1);
	zero_shot_replies(0);
	report.margin = 0.1; /* 39 items without a difference hide up to 7.4 points */
	f = diagnosed("lenient re-score of zero-shot");
	assert_non_null(f);
	assert_true(f->difference.fixed == 0 && f->difference.low == 0);
	assert_non_null(strstr(f->points_to, "not the form"));
	report.margin = 0.05;
	f = diagnosed("lenient re-score of zero-shot");
	assert_string_equal(f->points_to, "");
}

static void label_scores_have_no_form(void **state)
{
	(void)state;
	measured("1/scoring@local:tiny-llama", 1);
	for (size_t i = 0; i < task->dev.list.n; i++)
		answered("1/scoring@local:tiny-llama", "dev", task->dev.list.items[i], "cat", called("{}", NULL, "[-1, -2, -3]"));
	assert_null(diagnosed("lenient re-score of label scoring"));
	measured(ZERO_SHOT, 1)->candidate = false; /* the plain prompt says why nobody who writes won */
	zero_shot_replies(12);
	assert_null(diagnosed("lenient re-score of label scoring"));
	assert_non_null(diagnosed("lenient re-score of zero-shot"));
}

/* --- samples --- */

#define SAMPLED "probe/samples-zero-shot@local:tiny-llama"

/* Five samples of an item, of which the first `right` are; the vote is what the answer row says. */
static void sampled(const struct example *e, size_t right)
{
	const char *name = task->labels[e->label].name, *said = right >= 3 ? name : other_label(e);
	int64_t calls[5];
	struct error err;

	for (size_t i = 0; i < 5; i++)
		calls[i] = called("{}", i < right ? name : other_label(e), NULL);
	struct answer_row row = { .variant = SAMPLED, .item = e->id, .split = "probe", .answer = said, .status = "answered", .call = calls[0],
				  .samples = calls, .n_samples = 5 };

	must(store_answer_put(store, run.id, &row, &err), &err);
}

/* Of 39 items 10 are wrong (each fourth); those, and ten of the others, are asked again. */
static void sampling_is_weighed_back_to_dev(void **state)
{
	struct item_list dev;
	const struct probe_finding *best, *vote;
	size_t failures = 0, passes = 0;

	(void)state;
	measured(ZERO_SHOT, 1);
	zero_shot_replies(0);
	dev = task->dev.list;
	for (size_t i = 0; i < dev.n; i++) {
		if (i % 4 == 0) /* wrong: half are right in two samples of five, one in four */
			sampled(dev.items[i], failures == 0 ? 4 : failures % 2 ? 2 : 0), failures++;
		else if (passes < 10) /* right: one is never right again, two lose the vote */
			sampled(dev.items[i], passes == 0 ? 0 : passes < 3 ? 1 : 5), passes++;
	}
	assert_int_equal(failures, 10);
	best = diagnosed("the best of 5 samples of zero-shot (pass@5)");
	vote = diagnosed("the vote of 5 samples of zero-shot");
	assert_non_null(best);
	assert_non_null(vote);
	assert_true(best->difference.n == 20 && best->difference.fixed == 6 && best->difference.broken == 1);
	assert_close("best", best->difference.delta, (10 * .6 - 29 * .1) / 39, 1e-12);
	assert_true(vote->difference.fixed == 1 && vote->difference.broken == 3);
	assert_close("vote", vote->difference.delta, (10 * .1 - 29 * .3) / 39, 1e-12);
	assert_true(best->difference.low < best->difference.delta && best->difference.delta < best->difference.high);
	assert_string_equal(best->points_to, ""); /* among three labels one of five samples is right by chance */
}

static void a_model_that_never_finds_it_is_not_helped_by_luck(void **state)
{
	struct item_list dev;
	const struct probe_finding *f;

	(void)state;
	measured(ZERO_SHOT, 1);
	zero_shot_replies(0);
	dev = task->dev.list;
	for (size_t i = 0; i < dev.n; i++)
		sampled(dev.items[i], i % 4 ? 5 : 0);
	report.margin = 0.1; /* ten failures without a change hide 1 - .05^(1/10) of a quarter of dev: 6.6 points */
	f = diagnosed("the best of 5 samples of zero-shot (pass@5)");
	assert_non_null(f);
	assert_close("high", f->difference.high, 10.0 / 39 * (1 - pow(.05, .1)), 1e-9);
	assert_non_null(strstr(f->points_to, "not reasoning"));
}

/* The example's label is the second of three for every fourth item, and the first for the others: by the prior's measure. */
static void scored_labels_are_ranked(void **state)
{
	static const char id[] = "1/scoring-batch@local:tiny-llama";
	struct item_list dev;
	const struct probe_finding *f;

	(void)state;
	measured(id, 1);
	dev = task->dev.list;
	for (size_t i = 0; i < dev.n; i++) {
		const struct example *e = dev.items[i];
		double p[3] = { .1, .1, .1 };

		p[e->label] = i % 4 ? .6 : .3;
		p[(e->label + 1) % 3] = i % 4 ? .3 : .6;
		/* what a prior of .7, .2, .1 makes of them is those again */
		p[0] *= .7;
		p[1] *= .2;
		p[2] *= .1;
		answered(id, "dev", e, i % 4 ? task->labels[e->label].name : other_label(e),
			 called("{}", NULL, arena_printf(&arena, "[%.17g, %.17g, %.17g]", log(p[0]), log(p[1]), log(p[2]))));
		if (i < 2)
			answered(id, "prior", e, NULL, called("{}", NULL, arena_printf(&arena, "[%.17g, %.17g, %.17g]", log(.7), log(.2), log(.1))));
	}
	f = diagnosed("the right label among the first two of label scoring, batch calibration");
	assert_non_null(f);
	assert_true(f->difference.n == 39 && f->difference.fixed == 10 && f->difference.broken == 0);
	assert_close("delta", f->difference.delta, 10.0 / 39, 1e-12);
	/* by chance a second guess would add 10 / 39 / 2 = .128; the interval begins at .113 */
	assert_string_equal(f->points_to, "");
	assert_string_equal(f->note, "where a second guess at random would add 12.8");
}

/* Whoever names a label at all is right now and then: from nothing to that is a gain, and no remedy. */
static void gains_up_to_chance_point_nowhere(void **state)
{
	const struct probe_finding *f;

	(void)state;
	measured(ZERO_SHOT, 1);
	measured("1/scoring@local:tiny-llama", 1)->candidate = false;
	for (size_t i = 0; i < task->dev.list.n; i++) {
		answered(ZERO_SHOT, "dev", task->dev.list.items[i], NULL, called("{}", "?", NULL));
		answered("1/scoring@local:tiny-llama", "dev", task->dev.list.items[i], "cat", called("{}", NULL, "[-1, -2, -3]"));
	}
	f = diagnosed("label scoring");
	assert_non_null(f);
	assert_true(f->difference.fixed == 13 && f->difference.low > 0);
	assert_string_equal(f->points_to, "");
	assert_string_equal(f->note, "and yet no better than always the commonest label");
}

/* --- models --- */

/* The candidate, and the same prompt of the task's other model on the first 24 of dev, which is wrong wherever `wrong` says. */
static void two_models(size_t wrong)
{
	measured(ZERO_SHOT, 1);
	measured("1/zero-shot@local:other", 1)->candidate = false;
	measured("1/definitions@local:other", 1)->candidate = false; /* another prompt */
	zero_shot_replies(0);
	for (size_t i = 0; i < 24; i++) {
		const struct example *e = task->dev.list.items[i];

		answered("1/zero-shot@local:other", "dev", e, i < wrong ? other_label(e) : i % 4 ? task->labels[e->label].name : other_label(e), 0);
		answered("1/definitions@local:other", "dev", e, other_label(e), 0);
	}
}

static void the_same_prompt_is_compared_across_models(void **state)
{
	const struct probe_finding *f;

	(void)state;
	two_models(16); /* of which every fourth is wrong anyway */
	f = diagnosed("local:tiny-llama in place of local:other");
	assert_non_null(f);
	assert_true(f->difference.n == 24 && f->difference.fixed == 12 && f->difference.broken == 0 && f->kind == FINDING_MODEL);
	assert_true(f->difference.low > 0);
	assert_non_null(strstr(f->points_to, "the choice of model"));
	size_t models = 0;

	for (size_t i = 0; i < report.n_diagnosis; i++)
		models += report.diagnosis[i].kind == FINDING_MODEL;
	assert_int_equal(models, 1); /* prompts that differ too are not set against each other */
}

static void models_that_do_alike_point_nowhere(void **state)
{
	const struct probe_finding *f;

	(void)state;
	two_models(0);
	f = diagnosed("local:tiny-llama in place of local:other");
	assert_non_null(f);
	assert_true(f->difference.delta == 0 && f->points_to[0] == '\0');
}

/* --- labels --- */

static void labels_without_conflict_say_nothing(void **state)
{
	(void)state;
	measured(ZERO_SHOT, 1);
	assert_null(diagnosed("conflicting labels on dev and test"));
	assert_null(diagnosed("labels of the pool that are suspected"));
}

/* Two copies in test stay, one in the pool is dropped for that in dev: three of the items that are scored are worth half. */
static void conflicting_labels_are_a_ceiling(void **state)
{
	const struct probe_finding *f;

	(void)state;
	finish();
	begin("{\"id\": \"x1\", \"label\": \"dog\", \"split\": \"test\", \"text\": \"W6!\"}\n"
	      "{\"id\": \"x2\", \"label\": \"emu\", \"split\": \"train\", \"text\": \"w3\"}\n"
	      "{\"id\": \"x3\", \"label\": \"cat\", \"split\": \"train\", \"text\": \"w9\"}\n"); /* a copy that agrees */
	f = diagnosed("conflicting labels on dev and test");
	assert_non_null(f);
	assert_int_equal(f->difference.n, 2 * DEV + 1);
	assert_int_equal(f->difference.broken, 3);
	assert_int_equal(f->difference.fixed, 0);
	assert_close("delta", f->difference.delta, -1.5 / (2 * DEV + 1), 1e-12);
	assert_true(f->difference.low < f->difference.delta && f->difference.high <= 0);
	assert_non_null(strstr(f->points_to, "relabelling"));
}

static void suspects_come_from_the_review_file(void **state)
{
	static const char rows[] = "id,reason,score,near,label,suggested,decision,text\n"
				   "i0,suspect,0.4,,cat,dog,keep,w0\ni1,suspect,0.3,,dog,emu,relabel,w1\n"
				   "i2,duplicate,0.9,i0,emu,,drop,w2\ni9,suspect,0.3,,cat,emu,keep,another text\n";
	const struct probe_finding *f;

	(void)state;
	folder_write(&folder, "curation.csv", rows, strlen(rows));
	f = diagnosed("labels of the pool that are suspected");
	assert_non_null(f);
	assert_int_equal(f->difference.n, DEV);
	assert_int_equal(f->difference.broken, 2); /* the text of the last is not the pool's any more */
	assert_close("delta", f->difference.delta, -2.0 / DEV, 1e-12);
	/* Wilson's interval of 2 in 39 */
	assert_close("low", f->difference.low, -0.16885640, 1e-8);
	assert_close("high", f->difference.high, -0.01417796, 1e-8);
}

static void a_review_file_with_a_mistake_is_not_this_report_s(void **state)
{
	static const char rows[] = "id,reason,score,near,label,suggested,decision,text\ni0,suspect,0.4,,cat,dog,relable,w0\n";

	(void)state;
	measured(ZERO_SHOT, 1);
	folder_write(&folder, "curation.csv", rows, strlen(rows));
	assert_null(diagnosed("labels of the pool that are suspected"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unread_replies_are_read_again),
		TEST(replies_that_are_wrong_stay_wrong),
		TEST(label_scores_have_no_form),
		TEST(sampling_is_weighed_back_to_dev),
		TEST(a_model_that_never_finds_it_is_not_helped_by_luck),
		TEST(scored_labels_are_ranked),
		TEST(gains_up_to_chance_point_nowhere),
		TEST(the_same_prompt_is_compared_across_models),
		TEST(models_that_do_alike_point_nowhere),
		TEST(labels_without_conflict_say_nothing),
		TEST(conflicting_labels_are_a_ceiling),
		TEST(suspects_come_from_the_review_file),
		TEST(a_review_file_with_a_mistake_is_not_this_report_s),
	};

	return cmocka_run_group_tests_name("report_diagnosis", tests, NULL, NULL);
}
