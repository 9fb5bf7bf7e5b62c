/* Curation: each reason on a small pool made for it, the thresholds, the review file there and back, its mistakes, and what
 * training makes of it. */
#include "tune/curate.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "model/tuned.h"
#include "task_folder.h"
#include "tune/curate_inner.h"
#include "variant/workshop.h"

static const char yaml[] = "name: t\nkind: classify\ninstruction: Choose one of {{labels}}.\ninput: \"{{text}}\"\n"
			   "labels: [spam, work]\nexamples: {file: e.csv, answer: label, id: id, split: split}\n";

/* Rows whose fate is known; `near` and `suggested` as the finding has them. NULL reason: the row is left alone. */
static const struct {
	const char *id, *text, *label, *split;
	const char *reason, *near, *suggested;
} rows[] = {
	{ "blank", "?!...", "work", "train", "empty", NULL, NULL },
	{ "test-1", "please read the quarterly budget report before our meeting on tuesday morning upstairs", "work", "test", NULL, NULL, NULL },
	{ "leak", "please read the quarterly budget report before our meeting on tuesday morning", "work", "train", "leak", "test-1", NULL },
	{ "dev-1", "the gardener watered every single tulip behind that old wooden cottage yesterday", "work", "dev", NULL, NULL, NULL },
	{ "dev-leak", "the gardener watered every single tulip behind that old wooden cottage", "work", "train", "leak", "dev-1", NULL },
	{ "copied", "\"Seven, blue kites\nflew over harbour walls\"", "work", "train", NULL, NULL, NULL },
	{ "same", "seven blue kites flew, over harbour walls!", "work", "train", "duplicate", "copied", NULL },
	{ "almost", "many seven blue kites flew over the harbour walls", "work", "train", NULL, NULL, NULL },
	{ "long-a", "violin cello trumpet oboe flute harp tuba bassoon clarinet piano organ drum viola horn lute", "work", "train", NULL, NULL, NULL },
	{ "long-b", "violin cello trumpet oboe flute harp tuba bassoon clarinet piano organ drum viola horn zither", "work", "train", "duplicate", "long-a", NULL },
	{ "most-1", "granite marble basalt slate", "spam", "train", NULL, NULL, NULL },
	{ "most-2", "Granite marble, basalt slate", "spam", "train", "duplicate", "most-1", NULL },
	{ "few", "granite - marble - basalt - slate", "work", "train", "conflict", "most-1", "spam" },
	{ "tie-a", "maple birch willow rowan", "spam", "train", "conflict", "tie-b", NULL },
	{ "tie-b", "maple birch willow rowan.", "work", "train", "conflict", "tie-a", NULL },
	{ "wrong", "meeting report agenda xwrong ywrong", "spam", "train", "suspect", NULL, "work" },
};

struct fixture {
	struct folder folder;
	char review[128];
	struct task *task;
	struct arena arena;
	struct curation found;
};
static struct fixture f;

static void add_text(struct buf *out, const char *text)
{
	buf_addc(out, '"');
	for (; *text; text++)
		buf_addf(out, *text == '"' ? "\"\"" : "%c", *text);
	buf_addc(out, '"');
}

/* 60 rows that a model of words can tell apart, and the ones above. */
static void write_rows(const char *replaced, const char *text)
{
	static const char *const words[2][5] = { { "prize", "winner", "claim", "lottery", "free" },
						 { "meeting", "report", "agenda", "budget", "team" } };
	struct buf out = { 0 };

	buf_adds(&out, "id,text,label,split\n");
	for (size_t i = 0; i < 60; i++)
		buf_addf(&out, "e%zu,%s %s %s x%zux y%zuy,%s,%s\n", i, words[i % 2][i / 2 % 5], words[i % 2][(i / 2 + 1) % 5],
			 words[i % 2][(i / 2 + 2) % 5], i, i, i % 2 ? "work" : "spam", i % 10 == 8 ? "dev" : i % 10 == 9 ? "test" : "train");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_addf(&out, "%s,", rows[i].id);
		add_text(&out, replaced && strcmp(replaced, rows[i].id) == 0 ? text : rows[i].text);
		buf_addf(&out, ",%s,%s\n", rows[i].label, rows[i].split);
	}
	folder_write(&f.folder, "e.csv", out.data, out.n);
	buf_release(&out);
}

static void open_task(void)
{
	struct task_options options = { .seed = 1 };
	struct error err;

	task_free(f.task);
	f.task = task_open(f.folder.path, &options, &err);
	if (!f.task)
		fail_msg("%s", err.text);
}

static void find(void)
{
	struct curate_models none = { 0 };
	struct error err;

	if (!curate_find(f.task, &none, 1, &f.arena, &f.found, &err) || !curate_merge(f.task, f.review, &f.arena, &f.found, &err))
		fail_msg("%s", err.text);
}

static void find_and_write(void)
{
	struct error err;

	find();
	if (!curate_write(f.task, &f.found, f.review, &err))
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	(void)state;
	f = (struct fixture){ .folder = folder_make() };
	arena_init(&f.arena);
	snprintf(f.review, sizeof(f.review), "%s/%s", f.folder.path, CURATE_FILE);
	folder_write(&f.folder, "task.yaml", yaml, sizeof(yaml) - 1);
	write_rows(NULL, NULL);
	open_task();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	task_free(f.task);
	arena_release(&f.arena);
	folder_remove(&f.folder);
	return 0;
}

static struct curate_finding *finding_of(const char *id)
{
	for (size_t i = 0; i < f.found.n; i++)
		if (strcmp(f.found.findings[i].item->id, id) == 0)
			return &f.found.findings[i];
	return NULL;
}

static const char *suggestion(const struct curate_finding *x)
{
	return x->suggested == SIZE_MAX ? NULL : f.task->labels[x->suggested].name;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void each_reason_is_found(void **state)
{
	size_t expected = 0;

	(void)state;
	find();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct curate_finding *x = finding_of(rows[i].id);

		expected += rows[i].reason != NULL;
		if (!x && !rows[i].reason)
			continue;
		if (!x || !same(curate_reason_name(x->reason), rows[i].reason) || !same(x->near, rows[i].near) ||
		    !same(suggestion(x), rows[i].suggested))
			fail_msg("%s: %s, near %s, suggested %s", rows[i].id, x ? curate_reason_name(x->reason) : "nothing",
				 x && x->near ? x->near : "-", x && suggestion(x) ? suggestion(x) : "-");
		assert_int_equal(x->decision, x->reason == CURATE_SUSPECT ? CURATE_KEEP : CURATE_DROP);
	}
	assert_int_equal(f.found.n, expected); /* and none of the others */
	assert_string_equal(f.found.by, "words");
	for (size_t i = 1; i < f.found.n; i++)
		assert_true(f.found.findings[i - 1].reason <= f.found.findings[i].reason);
}

/* A copy of what `cascade:` sets aside of dev is learnt by heart like one of dev. */
static void copies_of_what_is_set_aside_leak(void **state)
{
	static const char cascade[] = "cascade: {aside: 0.5}\n";
	struct buf out = { 0 };

	(void)state;
	buf_adds(&out, yaml);
	buf_adds(&out, cascade);
	folder_write(&f.folder, "task.yaml", out.data, out.n);
	buf_clear(&out);
	buf_adds(&out, "id,text,label,split\n");
	for (size_t i = 0; i < 80; i++) { /* each dev example, and the same without its first word in the pool */
		buf_addf(&out, "%c%zu,", i % 2 ? 'p' : 'd', i / 2);
		for (size_t k = i % 2; k < 12; k++)
			buf_addf(&out, "w%zux%zu ", i / 2, k);
		buf_addf(&out, ",spam,%s\n", i % 2 ? "train" : "dev");
	}
	for (size_t i = 0; i < 40; i++)
		buf_addf(&out, "t%zu,test%zu more%zu,work,test\n", i, i, i);
	folder_write(&f.folder, "e.csv", out.data, out.n);
	buf_release(&out);
	open_task();
	assert_true(f.task->aside.list.n > 0);
	find();
	for (size_t i = 0; i < f.task->aside.list.n; i++) {
		const char *id = f.task->aside.list.items[i]->id;
		char copy[16];

		snprintf(copy, sizeof(copy), "p%s", id + 1);
		const struct curate_finding *x = finding_of(copy);

		if (!x || x->reason != CURATE_LEAK || !same(x->near, id))
			fail_msg("%s: no leak of %s", copy, id);
	}
	assert_int_equal(f.found.n, 40);
}

/* Probabilities of two classes of five items each, and a third of two. Means of their own: .8, .6, .5. */
static void suspects_are_below_one_mean_and_above_another(void **state)
{
	enum { N = 12, K = 3 };
	static const size_t classes[N] = { 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2 };
	static const double p[N * K] = {
		.95, .05, 0, .95, .05, 0, .95, .05, 0, .95, .05, 0, .2, .8, 0, /* the fifth: .2 < .8, and .8 >= .6 */
		.1, .9, 0,  .4, .6, 0,  .5, .5, 0, /* .5 < .6, but .5 < .8: below the other's mean too */
		.1, .8, .1, .2, .2, .6,            /* likelier to be of a class that is too small to say */
		.9, 0, .1,  0, .1, .9,             /* a class of two is not judged */
	};
	size_t suggested[N];
	double margins[N];

	(void)state;
	suspects_find(p, classes, N, K, suggested, margins);
	for (size_t i = 0; i < N; i++)
		if (suggested[i] != (i == 4 ? 1 : SIZE_MAX))
			fail_msg("item %zu: %zu", i, suggested[i]);
	assert_close("margin", margins[4], .6, 1e-12);
}

/* Both are above their means: the given one is believed, however likely another is. */
static void a_label_above_its_mean_is_believed(void **state)
{
	static const size_t classes[10] = { 0, 0, 0, 0, 0, 1, 1, 1, 1, 1 };
	static const double p[20] = { .45, .55, .1, .9, .1, .9, .1, .9, .1, .9, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5 };
	size_t suggested[10];
	double margins[10];

	(void)state;
	suspects_find(p, classes, 10, 2, suggested, margins);
	assert_int_equal(suggested[0], SIZE_MAX);
	assert_int_equal(suggested[1], 1);
}

/* Cosines on both sides of the threshold, closer to it than int8 can tell; the search is exact all the same. */
static void copies_are_told_by_the_exact_cosine(void **state)
{
	enum { WIDTH = 8 };
	static const double cosines[] = { .9799, .9801, .3, -1 };
	float vectors[5 * WIDTH] = { 1 };
	struct near_space space = { .n = 5, .width = WIDTH, .vectors = vectors, .alike = CURATE_EMBEDDINGS_ALIKE };
	struct error err;
	size_t which = 9;
	double cosine;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		vectors[(i + 1) * WIDTH] = (float)cosines[i];
		vectors[(i + 1) * WIDTH + i + 1] = (float)sqrt(1 - cosines[i] * cosines[i]);
	}
	struct near *x = near_new(&space, &err);

	assert_non_null(x);
	assert_false(near_find(x, 0, &which, &cosine)); /* nothing was added */
	near_add(x, 1);
	near_add(x, 3);
	near_add(x, 4);
	assert_false(near_find(x, 0, &which, &cosine));
	near_free(x);
	x = near_new(&space, &err);
	for (size_t i = 1; i < 5; i++)
		near_add(x, i);
	assert_true(near_find(x, 0, &which, &cosine));
	assert_int_equal(which, 2);
	assert_close("cosine", cosine, .9801, 1e-6);
	near_free(x);
}

/* --- the review file ------------------------------------------------------------------------------------------------- */

static bool apply(struct curated *out, struct error *err)
{
	return curate_apply(f.task, f.review, &f.arena, out, err);
}

static const struct example *trained(const struct curated *c, const char *id)
{
	for (size_t i = 0; i < c->pool.list.n; i++)
		if (strcmp(c->pool.list.items[i]->id, id) == 0)
			return c->pool.list.items[i];
	return NULL;
}

/* Puts `to` in the place of `from` in the row of that id (the first that begins with it), as an editor would. */
static void edit(const char *id, const char *from, const char *to)
{
	struct error err;
	struct buf out = { 0 };
	size_t n;
	char start[32], *text = file_read(f.review, 1 << 20, &n, &err);

	assert_non_null(text);
	snprintf(start, sizeof(start), "\n%s,", id);
	char *row = strstr(text, start), *place = row ? strstr(row, from) : NULL;

	if (!place)
		fail_msg("no %s in the row of %s", from, id);
	buf_add(&out, text, (size_t)(place - text));
	buf_adds(&out, to);
	buf_adds(&out, place + strlen(from));
	folder_write(&f.folder, CURATE_FILE, out.data, out.n);
	buf_release(&out);
	free(text);
}

static void without_a_file_nothing_changes(void **state)
{
	struct curated c;
	struct error err;

	(void)state;
	assert_true(apply(&c, &err));
	assert_int_equal(c.hash, 0);
	assert_int_equal(c.pool.list.n, f.task->pool.list.n);
	for (size_t i = 0; i < c.pool.list.n; i++)
		assert_ptr_equal(c.pool.list.items[i], f.task->pool.list.items[i]);
}

static void decisions_are_applied(void **state)
{
	struct curated before, after;
	struct error err;

	(void)state;
	find_and_write();
	if (!apply(&before, &err))
		fail_msg("%s", err.text);
	assert_int_not_equal(before.hash, 0);
	assert_int_equal(before.pool.list.n + 9, f.task->pool.list.n);
	assert_int_equal(before.dropped[CURATE_EMPTY], 1);
	assert_int_equal(before.dropped[CURATE_LEAK], 2);
	assert_int_equal(before.dropped[CURATE_CONFLICT], 3);
	assert_int_equal(before.dropped[CURATE_DUPLICATE], 3);
	assert_int_equal(before.dropped[CURATE_SUSPECT], 0);
	assert_non_null(trained(&before, "wrong"));
	assert_non_null(trained(&before, "copied"));
	assert_null(trained(&before, "same"));

	edit("wrong", ",keep,", ",relabel,");
	edit("same", ",drop,", ",keep,");
	if (!apply(&after, &err))
		fail_msg("%s", err.text);
	assert_int_not_equal(after.hash, before.hash);
	assert_int_equal(after.relabelled, 1);
	assert_int_equal(after.dropped[CURATE_DUPLICATE], 2);
	assert_string_equal(trained(&after, "wrong")->answer, "work");
	assert_int_equal(trained(&after, "wrong")->label, 1);
	assert_non_null(trained(&after, "same"));
	for (size_t i = 0; i < f.task->pool.list.n; i++) /* the pool itself is as it was */
		if (strcmp(f.task->pool.list.items[i]->id, "wrong") == 0)
			assert_string_equal(f.task->pool.list.items[i]->answer, "spam");
}

static void curating_again_keeps_what_was_decided(void **state)
{
	struct curated c;
	struct error err;

	(void)state;
	find_and_write();
	edit("wrong", ",keep,", ",relabel,");
	edit("same", ",drop,", ",keep,");
	find_and_write();
	assert_int_equal(finding_of("wrong")->decision, CURATE_RELABEL);
	assert_int_equal(finding_of("same")->decision, CURATE_KEEP);
	assert_int_equal(finding_of("few")->decision, CURATE_DROP);
	assert_true(apply(&c, &err));
	assert_int_equal(c.relabelled, 1);

	/* "most-2" is corrected in the examples: a decision on its text is none on the new one, which is no copy any more. */
	edit("most-2", ",drop,", ",keep,");
	write_rows("most-2", "an iceberg drifted slowly past");
	open_task();
	find();
	assert_null(finding_of("most-2"));
	assert_int_equal(finding_of("wrong")->decision, CURATE_RELABEL);
	/* "long-a" is what made "long-b" a copy; the decision on it stays, although nothing is found any more. */
	edit("long-b", ",drop,", ",keep,");
	write_rows("long-a", "a single candle burned all night");
	open_task();
	find();
	assert_non_null(finding_of("long-b"));
	assert_int_equal(finding_of("long-b")->decision, CURATE_KEEP);
}

#define HEADER "id,reason,suggested,decision,text\n"
static const struct {
	const char *name, *file;
	const char *fragments[3];
} mistakes[] = {
	{ "a decision", HEADER "wrong,suspect,work,dorp,meeting report agenda xwrong ywrong\n",
	  { "curation.csv:2: decision \"dorp\" is not one of keep, drop, relabel", "did you mean \"drop\"?" } },
	{ "a reason", HEADER "wrong,suspekt,work,drop,x\n", { ":2: reason \"suspekt\" is not one of empty, leak", "did you mean \"suspect\"?" } },
	{ "a label", HEADER "wrong,suspect,wrok,relabel,meeting report agenda xwrong ywrong\n",
	  { ":2: suggested \"wrok\" is not one of spam, work", "did you mean \"work\"?" } },
	{ "no label", HEADER "wrong,suspect,,relabel,meeting report agenda xwrong ywrong\n", { ":2: suggested \"\" is not one of spam, work" } },
	{ "a column", "id,reason,decision,text\n", { "curation.csv: there is no column \"suggested\"" } },
	{ "twice", HEADER "wrong,suspect,,keep,x\nwrong,suspect,,drop,x\n", { ":3: id \"wrong\" stands twice, first in line 2" } },
	{ "another text", HEADER "wrong,suspect,,drop,meeting report agenda\n", { ":2: the text of \"wrong\" is not what the pool has now", "rung tune curate" } },
	{ "an encoding", HEADER "wrong,suspect,,drop,caf\xE9\n", { "curation.csv: is not UTF-8 text" } },
	{ "a short row", HEADER "wrong,suspect\n", { "curation.csv:2: " } },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		struct curated c;
		struct error err = { .text = "" };

		folder_write(&f.folder, CURATE_FILE, mistakes[i].file, strlen(mistakes[i].file));
		if (apply(&c, &err))
			fail_msg("%s: accepted", mistakes[i].name);
		for (size_t k = 0; k < 3 && mistakes[i].fragments[k]; k++)
			if (!strstr(err.text, mistakes[i].fragments[k]))
				fail_msg("%s: %s", mistakes[i].name, err.text);
	}
}

/* As a pool has it in which nothing is wrong. */
static void no_rows_are_no_decisions(void **state)
{
	struct curation nothing = { 0 };
	struct curated c;
	struct error err;

	(void)state;
	assert_true(curate_write(f.task, &nothing, f.review, &err));
	if (!apply(&c, &err))
		fail_msg("%s", err.text);
	assert_int_equal(c.hash, 0);
}

/* Ids of dev and test, and of nothing, are no business of the file. */
static void only_the_pool_is_touched(void **state)
{
	static const char file[] = HEADER "test-1,suspect,spam,relabel,x\ndev-1,suspect,,drop,x\nnobody,leak,,drop,x\n";
	struct curated c;
	struct error err;

	(void)state;
	folder_write(&f.folder, CURATE_FILE, file, sizeof(file) - 1);
	if (!apply(&c, &err))
		fail_msg("%s", err.text);
	assert_int_equal(c.hash, 0);
	assert_int_equal(c.pool.list.n, f.task->pool.list.n);
}

/* --- training -------------------------------------------------------------------------------------------------------- */

static const struct variant *encoder_of(const struct variant *variants, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (variants[i].tuning && !variants[i].model)
			return &variants[i];
	fail_msg("the task has no encoder");
	return NULL;
}

static void train_with(const char *folder, const struct curated *curated, const struct training_watch *watch, struct tuned *t)
{
	char tuned[160];
	struct error err;
	size_t n;

	snprintf(tuned, sizeof(tuned), "%s/tuned", folder);
	struct models *models = models_open(folder, &(struct model_settings){ .threads = 1, .tuned = tuned });
	struct workshop *w = workshop_open(f.task, f.task->dev, models, NULL, NULL, 0, 1);
	const struct variant *v = variants_list(f.task, &f.arena, NULL, 0, &n);

	workshop_watch(w, watch);
	workshop_curate(w, curated);
	const char *name = workshop_train(w, encoder_of(v, n), &err);

	if (!name || !tuned_find(tuned, name, t, &err))
		fail_msg("%s", err.text);
	workshop_free(w);
	models_free(models);
}

/* What the tiny encoder is trained from, by its version and the card; curated NULL: the whole pool. */
static void train(const char *folder, const struct curated *curated, struct tuned *t)
{
	struct finetune_settings settings = finetune_encoder_defaults;
	const struct training_watch watch = { .encoder = &settings };

	settings.epochs = 1;
	train_with(folder, curated, &watch, t);
}

static json_int_t number(const struct tuned *t, const char *key, const char *inner)
{
	const json_t *data = json_object_get(json_object_get(t->card, "data"), key);

	return json_integer_value(inner ? json_object_get(data, inner) : data);
}

/* A model folder with the tiny encoder; the caller removes it. */
static void link_encoder(char *folder)
{
	char target[4096], link[128];

	assert_non_null(mkdtemp(folder));
	assert_non_null(realpath("tests/reference/golden/tiny-bert", target));
	snprintf(link, sizeof(link), "%s/all-MiniLM-L6-v2", folder);
	assert_int_equal(symlink(target, link), 0);
}

static void remove_folder(const char *folder)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

static void training_learns_from_what_is_left(void **state)
{
	char folder[] = "/tmp/rung-curate-XXXXXX";
	struct tuned whole, less, again;
	struct curated c;
	struct error err;

	(void)state;
	link_encoder(folder);
	train(folder, NULL, &whole);
	find_and_write();
	edit("wrong", ",keep,", ",relabel,");
	assert_true(apply(&c, &err));
	train(folder, &c, &less);
	train(folder, &c, &again);
	assert_string_equal(whole.name, "tuned:t:v1");
	assert_string_equal(less.name, "tuned:t:v2"); /* other data, another key */
	assert_string_equal(again.name, "tuned:t:v2");
	assert_int_equal(number(&whole, "items", NULL), f.task->pool.list.n);
	assert_null(json_object_get(json_object_get(whole.card, "data"), "dropped"));
	assert_true(json_is_null(json_object_get(json_object_get(whole.card, "base"), "licence"))); /* the tiny encoder states none */
	assert_int_equal(number(&less, "items", NULL), f.task->pool.list.n - 9);
	assert_int_equal(number(&less, "dropped", "conflict"), 3);
	assert_int_equal(number(&less, "dropped", "leak"), 2);
	assert_int_equal(number(&less, "relabelled", NULL), 1);
	tuned_release(&whole);
	tuned_release(&less);
	tuned_release(&again);
	remove_folder(folder);
}

static bool lists(struct item_list list, const struct example *item)
{
	for (size_t i = 0; i < list.n; i++)
		if (list.items[i] == item)
			return true;
	return false;
}

/* 150 examples of the pool, of which curation leaves 140, a tenth is held out, and the bound on tokens leaves some out. */
static void write_many(void)
{
	struct buf out = { 0 };

	buf_adds(&out, "id,text,label,split\n");
	for (size_t i = 0; i < 190; i++)
		buf_addf(&out, "m%zu,message x%zu y%zu,%s,%s\n", i, i, i, i % 2 ? "work" : "spam", i < 150 ? "train" : i < 170 ? "dev" : "test");
	folder_write(&f.folder, "e.csv", out.data, out.n);
	buf_release(&out);
	open_task();
}

/* What is asked again as trained on was: neither dropped, nor held out, nor beyond the bound on tokens. */
static void what_was_trained_on_is_known(void **state)
{
	char folder[] = "/tmp/rung-curate-XXXXXX";
	struct finetune_settings settings = finetune_encoder_defaults;
	struct training_watch watch = { .encoder = &settings };
	struct curated c = { .hash = 1 };
	struct item_list seen, few;
	struct tuned t;
	struct error err;
	size_t n, groups[140];
	struct held_out h;

	(void)state;
	link_encoder(folder);
	write_many();
	c.pool.list = (struct item_list){ f.task->pool.list.items + 10, 140 };
	settings.epochs = 1;
	settings.most_tokens = 500;
	train_with(folder, &c, &watch, &t);
	assert_int_equal(number(&t, "held_out", NULL), 0); /* so few of one label each are all learnt from */
	tuned_release(&t);
	settings.held_fewest = 100;
	train_with(folder, &c, &watch, &t);
	struct models *models = models_open(folder, &(struct model_settings){ .threads = 1 });
	struct workshop *w = workshop_open(f.task, f.task->dev, models, NULL, NULL, 0, 1);
	const struct variant *v = encoder_of(variants_list(f.task, &f.arena, NULL, 0, &n), n);

	workshop_watch(w, &watch);
	workshop_curate(w, &c);
	assert_true(variant_taught(w, v, t.card, NULL, 1000, &f.arena, &seen, &err));
	assert_true(variant_taught(w, v, t.card, NULL, 5, &f.arena, &few, &err));
	assert_true(number(&t, "left_out", NULL) > 0 && number(&t, "held_out", NULL) == 14);
	assert_int_equal(seen.n, number(&t, "trained", NULL));
	assert_int_equal(few.n, 5);
	for (size_t i = 0; i < 140; i++)
		groups[i] = c.pool.list.items[i]->group;
	held_out_init(&h, groups, NULL, 140, &settings);
	for (size_t i = 0; i < h.n_held; i++)
		assert_false(lists(seen, c.pool.list.items[h.held[i]]));
	for (size_t i = 0; i < h.n_train; i++) /* the first that are drawn are learnt */
		assert_int_equal(lists(seen, c.pool.list.items[h.train[i]]), i < seen.n);
	for (size_t i = 0; i < 10; i++)
		assert_false(lists(seen, f.task->pool.list.items[i]));
	held_out_release(&h);
	workshop_free(w);
	models_free(models);
	tuned_release(&t);
	remove_folder(folder);
}

/* A part's items, texts and vectors belong together. */
static void check_part(struct workshop *w, struct models *models, const struct classifier_lessons *part, struct item_list want)
{
	struct error err;

	assert_int_equal(part->items.list.n, want.n);
	for (size_t i = 0; i < want.n; i++) {
		float *vector = arena_array(&f.arena, w->width, sizeof(*vector));

		assert_ptr_equal(part->items.list.items[i], want.items[i]);
		assert_string_equal(part->texts[i], workshop_text(w, &f.arena, want.items[i]));
		assert_true(models_embed(models, &part->texts[i], 1, vector, &err));
		for (size_t j = 0; j < w->width; j++)
			assert_close("vector", part->vectors[i * w->width + j], vector[j], 1e-5);
	}
}

static const struct classifier_method *method_of(const char *id)
{
	const struct classifier_method *m = classifier_method_find(id);

	assert_non_null(m);
	return m;
}

/* Heads of rung 3 learn from the same items as what is trained there; rung 0 from the whole pool. */
static void heads_learn_from_what_is_left(void **state)
{
	char folder[] = "/tmp/rung-curate-XXXXXX";
	struct curated c;
	struct error err;

	(void)state;
	link_encoder(folder);
	find_and_write();
	edit("wrong", ",keep,", ",relabel,");
	assert_true(apply(&c, &err));
	struct models *models = models_open(folder, &(struct model_settings){ .threads = 1 });
	struct workshop *w = workshop_open(f.task, f.task->dev, models, NULL, NULL, 0, 1);

	workshop_curate(w, &c);
	assert_true(workshop_vectors(w, &err));
	struct item_list pool = f.task->pool.list, left = workshop_lessons(w, 3);
	const struct classifier_method *head = method_of("embedding-head"), *words = method_of("tfidf-words");
	struct classifier_lessons all = workshop_part(w, head, NULL, left.n, &f.arena);
	size_t at = 0;

	assert_int_equal(left.n, pool.n - 9);
	check_part(w, models, &all, left);
	while (strcmp(left.items[at]->id, "wrong") != 0)
		at++;
	struct classifier_lessons one = workshop_part(w, head, &at, 1, &f.arena);

	assert_int_equal(left.items[at]->label, 1); /* relabelled */
	check_part(w, models, &one, (struct item_list){ left.items + at, 1 });
	struct classifier_lessons whole = workshop_part(w, words, NULL, pool.n, &f.arena);

	assert_int_equal(workshop_lessons(w, 0).n, pool.n);
	assert_ptr_equal(whole.items.list.items[pool.n - 1], pool.items[pool.n - 1]);
	assert_null(whole.vectors);

	/* With nothing but spam left there is nothing to tell apart, on rung 3 alone. */
	struct curated spam = { .pool = { { all.items.list.items, 1 } } };

	workshop_curate(w, &spam);
	assert_null(workshop_classifier(w, head, &err));
	assert_non_null(strstr(err.text, "every example of the pool (1) has the label"));
	assert_non_null(workshop_classifier(w, words, &err));
	workshop_free(w);
	models_free(models);
	remove_folder(folder);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(each_reason_is_found),
		IN_FOLDER(copies_of_what_is_set_aside_leak),
		cmocka_unit_test(suspects_are_below_one_mean_and_above_another),
		cmocka_unit_test(a_label_above_its_mean_is_believed),
		cmocka_unit_test(copies_are_told_by_the_exact_cosine),
		IN_FOLDER(without_a_file_nothing_changes),
		IN_FOLDER(decisions_are_applied),
		IN_FOLDER(curating_again_keeps_what_was_decided),
		IN_FOLDER(mistakes_are_named),
		IN_FOLDER(no_rows_are_no_decisions),
		IN_FOLDER(only_the_pool_is_touched),
		IN_FOLDER(training_learns_from_what_is_left),
		IN_FOLDER(what_was_trained_on_is_known),
		IN_FOLDER(heads_learn_from_what_is_left),
	};

	return cmocka_run_group_tests_name("tune_curate", tests, NULL, NULL);
}
