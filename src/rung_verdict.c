/* rung_verdict.c - what climbs found, made ready for the gateway (serve/verdict.h): each verdict has a struct rung, and with it models, of its
 * own, so that one is made ready while another answers. The task as a climb saw it is put by when its verdict is first served, in the folder
 * `served` beside the store, for the day when the examples have grown. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "cost/price.h"
#include "eval/pricing.h"
#include "model/registry.h"
#include "rung_inner.h"
#include "rung_verdict.h"
#include "task/label_sets.h"
#include "task/scorer.h"
#include "variant/show.h"

struct rung_verdicts {
	struct rung_options options;
	char *store, *name, *file, *put_by, *documents; /* file: the task's; put_by: the folder */
	const struct price_table *prices;
	uint64_t mark;       /* of the store's files when it was last read */
	struct arena newest; /* what was read then, */
	const char *run;     /* the key; NULL: none */
};

/* ---- answers, in the thread of a verdict ---- */

static void failed(struct question *const *questions, size_t n, const char *why)
{
	for (size_t i = 0; i < n; i++)
		questions[i]->failed = arena_string(&questions[i]->arena, why);
}

/* What the variant's model charges; what runs here costs its time alone. */
static double charged(const struct rung *r, const struct variant *v, size_t input, size_t output)
{
	const struct price_model *price = v->model && r->prices ? pricing_model(r->prices, v->id, v->model) : NULL;

	if (!v->model || (!price && registry_runs_here(v->model)))
		return 0;
	return price ? price_tokens(price, (double)input, (double)output, 0, 0) : NAN;
}

static double paid(const struct rung *r, const struct asked *a)
{
	return charged(r, a->by, a->answer.input_tokens, a->answer.output_tokens) +
	       (a->before ? charged(r, a->before, a->before_input_tokens, a->before_output_tokens) : 0);
}

static void fill(const struct rung *r, const struct asked *a, struct question *q)
{
	q->why = a->why ? arena_string(&q->arena, a->why) : NULL;
	if (a->why)
		return;
	q->text = a->answer.text ? arena_string(&q->arena, a->answer.text) : NULL;
	q->status = a->answer.status; /* static, as the variant's id and the verdict are as long-lived as the task */
	q->variant = a->by->id;
	q->verdict = q->wanted ? "" : r->verdict;
	q->citations = citations_text(&a->answer, &q->arena);
	q->probability = a->probability;
	q->ms = a->answer.ms;
	q->input_tokens = a->answer.input_tokens + a->before_input_tokens;
	q->output_tokens = a->answer.output_tokens + a->before_output_tokens;
	q->usd = paid(r, a);
}

/* The variant of that id, where it can answer beside the winner. */
static const struct variant *find_wanted(struct rung *r, const char *id, struct error *err)
{
	const char *unfit = NULL;
	size_t i = 0;

	while (i < r->n_variants && strcmp(r->variants[i].id, id) != 0)
		i++;
	if (i == r->n_variants || r->variants[i].skipped || r->variants[i].recorded) {
		error_set(err, "\"%.200s\": no variant of that name can answer; `rung report` lists them", id);
		return NULL;
	}
	if (r->variants[i].tuning && !r->variants[i].version && &r->variants[i] != r->winner) {
		error_set(err, "\"%.200s\": is fine-tuned and did not win; name the version that it was trained to with --models", id);
		return NULL;
	}
	return variant_ready(r->workshop, &r->variants[i], &unfit, err) && (!unfit || error_set(err, "%s", unfit)) ? &r->variants[i] : NULL;
}

/* All of them by the same one: wanted, or (NULL) who won. */
static void answer_alike(struct rung *r, const char *wanted, struct question *const *questions, size_t n)
{
	struct escalation alone = { 0 };
	struct arena arena;
	struct error err;

	arena_init(&arena);
	struct asked *asked = arena_array(&arena, n, sizeof(*asked));

	for (size_t i = 0; i < n; i++)
		asked[i].input = questions[i]->input;
	if (wanted && !(alone.strong = find_wanted(r, wanted, &err))) {
		for (size_t i = 0; i < n; i++)
			questions[i]->why = arena_string(&questions[i]->arena, err.text);
	} else if (escalate_all(r->workshop, r->task, wanted ? &alone : &r->escalation, asked, n, &arena, &err)) {
		for (size_t i = 0; i < n; i++)
			fill(r, &asked[i], questions[i]);
	} else {
		failed(questions, n, err.text);
	}
	arena_release(&arena);
}

static bool wants_same(const struct question *a, const struct question *b)
{
	return a->wanted == b->wanted || (a->wanted && b->wanted && strcmp(a->wanted, b->wanted) == 0);
}

static void answer(void *context, struct question *const *questions, size_t n)
{
	struct question *alike[WORKER_TOGETHER];
	bool done[WORKER_TOGETHER] = { false };

	for (size_t i = 0; i < n; i++) {
		size_t n_alike = 0;

		for (size_t k = i; k < n && !done[i]; k++) {
			if (done[k] || !wants_same(questions[i], questions[k]))
				continue;
			alike[n_alike++] = questions[k];
			done[k] = k != i;
		}
		if (n_alike > 0)
			answer_alike(context, questions[i]->wanted, alike, n_alike);
	}
}

/* ---- scores ---- */

/* What is no answer of this task has no score, and gives none. */
static double score(void *context, const char *output, const char *right)
{
	const struct rung *r = context;
	const struct task *t = r->task;
	struct example e = { .id = "", .answer = right };
	double grade = NAN;
	struct arena arena;

	if (scorer_is_outside(t))
		return NAN;
	arena_init(&arena);
	if (t->kind == TASK_CLASSIFY && !t->many)
		e.label = task_label(t, right);
	if (t->many) {
		size_t *labels = arena_array(&arena, t->n_labels, sizeof(*labels));

		e.n_labels = label_set_read(t, right, labels);
		e.labels = labels;
		e.label = e.n_labels > 0 ? labels[0] : 0;
	}
	if (e.label < t->n_labels || t->n_labels == 0)
		grade = scorer_grade(t, &e, right) < 1 ? NAN : scorer_grade(t, &e, output);
	arena_release(&arena);
	return grade;
}

/* ---- making ready ---- */

/* One answer that nobody waits for loads what would else be loaded by the first that somebody does; and says what one takes. */
static bool warm(struct rung *r, struct error *err)
{
	struct item_list items = r->task->dev.list.n > 0 ? r->task->dev.list : r->task->test.list;
	struct asked first = { .by = r->winner, .before = r->escalation.cheap };
	struct arena arena;
	struct answer cheap = { 0 };
	const char *unfit = NULL;
	bool good;

	arena_init(&arena);
	good = variant_ready(r->workshop, r->winner, &unfit, err) && (!unfit || error_set(err, "%s", unfit)) &&
	       variant_answer(r->workshop, r->winner, items.items, 1, &arena, &first.answer, err) &&
	       (!first.before || variant_answer(r->workshop, first.before, items.items, 1, &arena, &cheap, err));
	first.before_input_tokens = cheap.input_tokens;
	first.before_output_tokens = cheap.output_tokens;
	if (good) {
		r->warm_tokens = (double)(first.answer.input_tokens + first.answer.output_tokens + cheap.input_tokens + cheap.output_tokens);
		r->warm_usd = paid(r, &first);
	}
	arena_release(&arena);
	workshop_keep_nothing(r->workshop);
	return good;
}

static void release(void *context)
{
	struct rung *r = context;
	char *run = (char *)r->run;

	rung_close(r);
	free(run);
}

/* ---- the task as its climb saw it ---- */

/* A file of the task's folder, to the same place below another one; what lies elsewhere stays there. */
static bool put_by(const struct task *t, const char *path, const char *folder, struct error *err)
{
	size_t n = strlen(t->folder);
	struct buf to = { 0 };

	if (!path || strncmp(path, t->folder, n) != 0 || path[n] != '/' || strstr(path + n, "/../"))
		return true;
	buf_addf(&to, "%s%s", folder, path + n);
	char *slash = strrchr(to.data, '/');

	*slash = '\0';
	bool good = file_make_folder(to.data, err);

	*slash = '/';
	good = good && file_copy(path, to.data, err);
	buf_release(&to);
	return good;
}

/* The task file is last, so that where it is, all is. What cannot be put by is missed later, if at all. */
static void put_all_by(const struct task *t, const char *folder, const char *task_file)
{
	struct error ignored;
	bool good = !file_exists(task_file) && put_by(t, t->examples_file, folder, &ignored) &&
		    (!t->collected_file || !file_exists(t->collected_file) || put_by(t, t->collected_file, folder, &ignored)) && put_by(t, t->schema_file, folder, &ignored);

	for (size_t i = 0; i < t->n_variants && good; i++)
		good = put_by(t, t->variants[i].schema_file, folder, &ignored);
	if (good)
		put_by(t, t->file, folder, &ignored);
}

/* The winner of a climb answers as it won, by its cascade, too; another variant alone. */
static bool choose_variant(struct rung *r, const char *variant, struct error *err)
{
	return rung_choose(r, NULL, err) && (!variant || strcmp(r->winner->id, variant) == 0 || rung_choose(r, variant, err));
}

static struct rung *choose(const struct rung_options *options, const struct price_table *prices, const char *run, const char *variant, struct error *err)
{
	struct rung *r = rung_open(options);

	r->run = run ? mem_string(run) : NULL;
	r->prices = prices;
	if (choose_variant(r, variant, err) && warm(r, err))
		return r;
	release(r);
	return NULL;
}

/* From the task's folder, else from what was put by. */
static struct rung *choose_somewhere(const struct rung_verdicts *v, const char *run, const char *variant, struct error *err)
{
	struct rung *r = choose(&v->options, v->prices, run, variant, err);
	struct rung_options then = v->options;
	struct error why;
	struct arena arena;

	arena_init(&arena);
	const char *key = r ? r->chosen : run ? run : "";
	const char *folder = arena_printf(&arena, "%s/%016llx", v->put_by, (unsigned long long)hash64(key, strlen(key), 0));
	const char *name = strrchr(v->file, '/');

	then.store = v->store;
	then.task = arena_printf(&arena, "%s/%s", folder, name ? name + 1 : v->file);
	if (r)
		put_all_by(r->task, folder, then.task);
	else if (file_exists(then.task))
		r = choose(&then, v->prices, run, variant, &why);
	if (r)
		r->options.task = v->options.task; /* what is in the arena goes; it is not opened again */
	arena_release(&arena);
	return r;
}

static bool load(void *context, const char *run, const char *variant, struct served_verdict *out, struct error *err)
{
	const struct rung_verdicts *v = context;
	struct rung *r = choose_somewhere(v, run, variant, err);

	if (!r)
		return false;
	*out = (struct served_verdict){
		.id = r->verdict, .variant = r->winner->id, .run = r->chosen, .answer = answer, .score = score, .alpha = r->task->alpha,
		.margin = r->task->margin, .tokens = r->warm_tokens,
		.usd = r->warm_usd, .break_even_calls = r->break_even_calls, .release = release, .context = r,
	};
	return true;
}

static bool newest(void *context, struct arena *arena, const char **run, struct error *err)
{
	struct rung_verdicts *v = context;
	uint64_t mark = rung_file_mark(v->store, rung_file_mark(arena_printf(arena, "%s-wal", v->store), 1));
	struct run_row row;
	bool found = false;

	*run = v->run;
	if (mark == v->mark)
		return true;
	struct store *store = store_open(v->store, false, err);
	bool good = store && store_run_done(store, arena, NULL, &row, &found, err);

	store_close(store);
	if (!good)
		return false;
	arena_release(&v->newest);
	arena_init(&v->newest);
	*run = v->run = found ? arena_string(&v->newest, row.key) : NULL;
	v->mark = mark;
	return true;
}

struct rung_verdicts *rung_verdicts_open(const struct rung_options *options, const char *task, const struct price_table *prices,
					 struct gateway_task *out, struct error *err)
{
	struct rung_verdicts *v = mem_zero(1, sizeof(*v));
	struct task_options alone = { .file_alone = true };
	const char *run = NULL;
	struct error ignored;
	struct arena arena;

	arena_init(&v->newest);
	arena_init(&arena);
	v->options = *options;
	v->prices = prices;
	v->options.task = task;
	v->options.progress = NULL; /* threads of their own, which nobody listens to */
	v->options.notice = NULL;
	struct rung *r = rung_open(&v->options);
	bool good = rung_open_task(r, &alone, err);

	if (good) {
		v->store = mem_string(rung_store_path(r));
		v->name = mem_string(r->task->name);
		v->file = mem_string(r->task->file);
		v->put_by = mem_string(rung_beside_store(r, "served"));
		v->documents = mem_string(rung_beside_store(r, "docs.db"));
	}
	rung_close(r);
	if (good)
		newest(v, &arena, &run, &ignored); /* what is wrong with the store is said by load(), with what to do */
	*out = (struct gateway_task){ .name = v->name, .source = { newest, load, v }, .documents = v->documents };
	good = good && load(v, run, NULL, &out->first, err);
	arena_release(&arena);
	if (good)
		return v;
	rung_verdicts_close(v);
	return NULL;
}

const char *rung_verdicts_store(const struct rung_verdicts *v)
{
	return v->store;
}

void rung_verdicts_close(struct rung_verdicts *v)
{
	if (!v)
		return;
	arena_release(&v->newest);
	free(v->store);
	free(v->name);
	free(v->file);
	free(v->put_by);
	free(v->documents);
	free(v);
}
