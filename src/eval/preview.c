/* preview.c - the grid of each provider's model, in calls, tokens and dollars */
#include "eval/preview.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "eval/pricing.h"
#include "eval/rewrite.h"
#include "retrieve/source.h"
#include "task/template.h"
#include "variant/lookup.h"
#include "variant/rewrite.h"

enum { BYTES_A_TOKEN = 4, RERANKED_BYTES = 24000, SHOTS = 4, SHOT_BYTES = 200, PASSAGES_BYTES = 4000, REASONING = 96, REPLY = 24 };

struct texts {
	double input, instruction, definitions; /* mean and longest bytes */
};

static struct texts measure_texts(const struct task *task, struct arena *arena)
{
	struct error impossible; /* task_open() compiled it */
	const struct template *input = template_compile(arena, task, task->input, "input", &impossible);
	struct texts t = { 0 };

	for (size_t i = 0; i < task->dev.list.n; i++) {
		struct buf text = { 0 };

		template_render(input, task->dev.list.items[i], &text);
		t.input += (double)text.n / (double)task->dev.list.n;
		buf_release(&text);
	}
	for (size_t i = 0; i < task->n_instructions; i++)
		t.instruction = fmax(t.instruction, (double)strlen(task->instructions[i]));
	for (size_t i = 0; i < task->n_labels; i++)
		t.definitions += (double)(strlen(task->labels[i].name) + (task->labels[i].definition ? strlen(task->labels[i].definition) : 0));
	return t;
}

static double input_bytes(const struct variant *v, const struct texts *t)
{
	const struct technique *q = v->technique;
	double bytes = t->input + t->instruction + t->definitions;

	if (q && q->shots != SHOTS_NONE)
		bytes += SHOTS * fmin(t->input, SHOT_BYTES);
	if (q && q->passages != PASSAGES_NONE)
		bytes += PASSAGES_BYTES;
	return bytes;
}

static double output_tokens(const struct variant *v)
{
	const struct technique *q = v->technique;

	if (q && q->answer == ANSWER_SCORES)
		return 1;
	return q && q->reasoning ? REASONING : REPLY;
}

static void add_variant(struct previewed *p, const struct variant *v, size_t items, const struct texts *t)
{
	double calls = (double)(items * variant_calls(v));

	p->calls += items * variant_calls(v);
	p->input_tokens += calls * input_bytes(v, t) / BYTES_A_TOKEN;
	p->output_tokens += calls * output_tokens(v);
}

/* Each variant on dev; on test the incumbents and the dearest of the rung's others. */
static void add_rung(struct previewed *p, const struct task *task, const struct variant *variants, size_t n, int rung, const struct texts *t)
{
	const struct variant *dearest = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct variant *v = &variants[i];

		if (v->rung != rung || v->skipped || !v->model || strcmp(v->model, p->model) != 0)
			continue;
		add_variant(p, v, task->dev.list.n, t);
		if (v->incumbent)
			add_variant(p, v, task->test.list.n, t);
		else if (!dearest || variant_calls(v) * (size_t)input_bytes(v, t) > variant_calls(dearest) * (size_t)input_bytes(dearest, t))
			dearest = v;
	}
	if (dearest)
		add_variant(p, dearest, task->test.list.n + task->aside.list.n, t);
}

enum { JUDGE_BYTES = 700, JUDGED = 60 }; /* of rubric and form; tokens of a reply */

static struct previewed *find_listed(const struct preview *p, const char *model)
{
	for (size_t i = 0; i < p->n_models; i++)
		if (strcmp(p->models[i].model, model) == 0)
			return &p->models[i];
	return NULL;
}

static struct previewed *listed(struct preview *p, const char *model)
{
	struct previewed *found = find_listed(p, model);

	if (found)
		return found;
	p->models[p->n_models] = (struct previewed){ .model = model };
	return &p->models[p->n_models++];
}

struct documents_size {
	double files, tokens;
};

/* The task's documents, as they lie on the disk. */
static struct documents_size measure_documents(const struct task *task, struct arena *arena)
{
	const struct task_documents *d = &task->documents;
	struct source source = { .paths = d->paths, .n_paths = d->n_paths, .folder = task->folder, .text = d->text, .n_text = d->n_text, .id = d->id };
	struct source_walk walk = source_walk(&source, arena, NULL, NULL);
	struct documents_size size = { .files = (double)walk.n_files };

	for (size_t i = 0; i < walk.n_files; i++)
		size.tokens += (double)file_size(walk.files[i].path) / BYTES_A_TOKEN;
	return size;
}

static size_t requests_of(double texts)
{
	return (size_t)ceil(texts / MODEL_TEXTS);
}

/* All documents, cut in that way; chunks are written some hundreds at a time, and each time the last request may be a small one. */
static void add_cutting(struct previewed *m, const struct documents_size *d, const struct cutting *c)
{
	double tokens = d->tokens * (1 + (double)c->overlap / (double)c->size), chunks = d->files + 2 * tokens / (double)c->size;

	m->calls += requests_of(chunks) + requests_of(chunks / 4);
	m->input_tokens += tokens;
}

static bool is_cut_before(const struct variant *variants, size_t i)
{
	const struct cutting *c = &variants[i].technique->search->cutting;

	for (size_t k = 0; k < i; k++) {
		const struct search *s = variants[k].technique ? variants[k].technique->search : NULL;

		if (s && variant_embeds(&variants[k]) && !variants[k].skipped && s->cutting.size == c->size && s->cutting.overlap == c->overlap &&
		    s->cutting.headers == c->headers && s->cutting.trigram == c->trigram)
			return true;
	}
	return false;
}

/* Inputs that are searched for alone, however many variants want them; the pool's many at a time, and for curves dev's; a first text, which
 * tells the width. */
static void add_inputs(struct previewed *m, const struct task *task, const struct texts *t)
{
	size_t pool = task->pool.list.n, dev = task->dev.list.n, items = dev + task->test.list.n;

	m->calls += 1 + items + requests_of((double)pool) + requests_of((double)dev);
	m->input_tokens += (double)(pool + dev + items) * t->input / BYTES_A_TOKEN;
}

/* Inputs with what the model guesses. */
static void add_guesses(struct previewed *m, const struct task *task, const struct texts *t)
{
	size_t items = task->dev.list.n + task->test.list.n;

	m->calls += items;
	m->input_tokens += (double)items * (t->input / BYTES_A_TOKEN + REPLY);
}

/* Inputs once more by their sentences, the pool's too, and the labels (label_table.c). */
static void add_sentences(struct previewed *m, const struct task *task, const struct texts *t)
{
	size_t items = task->pool.list.n + task->dev.list.n + task->test.list.n;

	m->calls += items + requests_of((double)task->n_labels);
	m->input_tokens += ((double)items * t->input + t->definitions) / BYTES_A_TOKEN;
}

/* Inputs, and the documents once for each way of cutting them. */
static void add_embedding(struct preview *p, const struct task *task, const struct variant *variants, size_t n, const struct texts *t,
			  struct arena *arena)
{
	struct documents_size documents = { 0 };
	struct previewed *m = NULL;

	for (size_t i = 0; i < n && task->embedding && model_leaves(task->embedding); i++) {
		const struct technique *q = variants[i].technique;

		if (variants[i].skipped || !variant_embeds(&variants[i]))
			continue;
		if (!m)
			add_inputs(m = listed(p, task->embedding), task, t);
		if (q && q->rewrites)
			add_guesses(m, task, t);
		if (variants[i].lookup && variants[i].lookup->embeds)
			add_sentences(m, task, t);
		if (q && q->search && !is_cut_before(variants, i)) {
			documents = documents.files > 0 ? documents : measure_documents(task, arena);
			add_cutting(m, &documents, &q->search->cutting);
		}
	}
}

/* A query with the passages that are to be ordered, on dev and test. */
static void add_rerank(struct preview *p, const struct task *task, const struct variant *variants, size_t n, const struct texts *t)
{
	size_t items = task->dev.list.n + task->test.list.n, reranking = 0;

	for (size_t i = 0; i < n; i++)
		reranking = reranking || (variant_reranks(&variants[i]) && !variants[i].skipped);
	if (!reranking || !model_leaves(task->rerank))
		return;
	struct previewed *m = listed(p, task->rerank);

	m->calls += items;
	m->input_tokens += (double)items * (t->input + RERANKED_BYTES) / BYTES_A_TOKEN;
}

/* A judge reads the input and two answers; those are as long as the known ones, about. */
static void add_judge(struct preview *p, const struct task *task, const struct climb_options *options, const struct texts *t)
{
	size_t calls = climb_bound(task, options).judge_calls;
	double bytes = t->input + t->instruction + t->definitions + JUDGE_BYTES + (task->outside.rubric ? (double)strlen(task->outside.rubric) : 0);

	if (calls == 0 || !model_leaves(task->scorer_setting))
		return;
	for (size_t i = 0; i < task->dev.list.n; i++)
		bytes += 2 * (double)strlen(task->dev.list.items[i]->answer) / (double)task->dev.list.n;
	struct previewed *m = listed(p, task->scorer_setting);

	m->calls += calls;
	m->input_tokens += (double)calls * bytes / BYTES_A_TOKEN;
	m->output_tokens += (double)calls * JUDGED;
}

/* Wordings of the model's dearest prompt. */
static void add_wordings(struct previewed *p, const struct task *task, const struct climb_options *o, const struct variant *variants, size_t n,
			 const struct texts *t)
{
	const struct task_rewrite *r = &o->rewrite;
	const struct variant *dearest = NULL;
	struct texts rewritten = *t;

	rewritten.instruction = fmax(t->instruction, REWRITE_CHARACTERS);
	for (size_t i = 0; i < n; i++) {
		const struct variant *v = &variants[i];

		if (v->rung == 1 && v->technique && v->model && !v->skipped && strcmp(v->model, p->model) == 0 &&
		    (!dearest || variant_calls(v) * (size_t)input_bytes(v, t) > variant_calls(dearest) * (size_t)input_bytes(dearest, t)))
			dearest = v;
	}
	if (dearest)
		add_variant(p, dearest, rewrite_answers(r, task->dev.list.n), &rewritten);
}

/* What the rewriter reads and writes; a model that wordings are for may be the one. */
static void add_rewriter(struct preview *p, const struct task_rewrite *r, const struct texts *t)
{
	if (!r->model || !model_leaves(r->model))
		return;
	struct previewed *m = listed(p, r->model);

	m->calls += r->rounds;
	m->input_tokens += (double)r->rounds * (REWRITE_BYTES + t->instruction + t->definitions) / BYTES_A_TOKEN;
	m->output_tokens += (double)r->rounds * (REWRITE_ROOM + (double)(r->wordings * REWRITE_CHARACTERS) / BYTES_A_TOKEN);
}

struct preview climb_preview(const struct task *task, const struct climb_options *options, const struct price_table *prices,
			     struct arena *arena)
{
	size_t n;
	const struct variant *variants = variants_list(task, arena, options->models, options->n_models, &n);
	struct preview p = { .models = arena_array(arena, n + 4, sizeof(*p.models)) };
	struct texts texts = measure_texts(task, arena);
	bool rewrites = options->rewrite.model && options->first_rung <= 1 && options->last_rung >= 1;

	for (size_t i = 0; i < n; i++) {
		const struct variant *v = &variants[i];
		struct previewed *m = &p.models[p.n_models];

		if (!v->model || !model_leaves(v->model) || find_listed(&p, v->model))
			continue;
		*m = (struct previewed){ .model = v->model };
		for (int rung = options->first_rung; rung <= options->last_rung; rung++)
			add_rung(m, task, variants, n, rung, &texts);
		if (rewrites)
			add_wordings(m, task, options, variants, n, &texts);
		p.n_models += m->calls > 0;
	}
	if (rewrites)
		add_rewriter(&p, &options->rewrite, &texts);
	add_judge(&p, task, options, &texts);
	add_embedding(&p, task, variants, n, &texts, arena);
	add_rerank(&p, task, variants, n, &texts);
	for (size_t i = 0; i < p.n_models; i++) {
		struct previewed *m = &p.models[i];
		const struct price_model *price = pricing_model(prices, m->model, m->model);

		m->usd = price ? price_tokens(price, m->input_tokens, m->output_tokens, 0, 0) : NAN;
	}
	return p;
}

void preview_write(const struct preview *p, const struct climb_options *options, struct buf *out)
{
	for (size_t i = 0; i < p->n_models; i++) {
		const struct previewed *m = &p->models[i];

		buf_addf(out, "  %s: at most %zu calls, about %.0f thousand tokens in and %.0f out", m->model, m->calls, m->input_tokens / 1e3,
			 m->output_tokens / 1e3);
		if (isnan(m->usd))
			buf_adds(out, "; its price is not known here\n");
		else
			buf_addf(out, ": at most about $%.2f\n", m->usd);
	}
	if (options->max_usd > 0)
		buf_addf(out, "  the budget ends it at $%g\n", options->max_usd);
}
