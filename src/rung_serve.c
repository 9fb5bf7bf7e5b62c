/* rung_serve.c - the public API over src/serve: tasks opened and warmed, each handed to a thread of the gateway. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cost/price.h"
#include "model/registry.h"
#include "rung_inner.h"
#include "serve/gateway.h"
#include "variant/show.h"

struct serving {
	struct rung **rungs; /* (n) */
	struct served_task *served;
	struct gateway_task *tasks;
	size_t n;
	struct relay_upstream *upstreams; /* (n_upstreams) */
	struct price_table *prices;
};

/* A task that is answered in a thread of its own. */
struct served_task {
	struct rung *rung;
	const struct price_table *prices;
};

static void failed(struct question *const *questions, size_t n, const char *why)
{
	for (size_t i = 0; i < n; i++)
		questions[i]->failed = arena_string(&questions[i]->arena, why);
}

/* What the winner's model charges; what runs here costs its time alone. */
static double paid(const struct served_task *t, const struct answer *a)
{
	const char *model = t->rung->winner->model;
	const struct price_model *price = model ? pricing_model(t->prices, t->rung->winner->id, model) : NULL;

	if (!model || (!price && registry_runs_here(model)))
		return 0;
	return price ? price_tokens(price, (double)a->input_tokens, (double)a->output_tokens, 0, 0) : NAN;
}

static void fill(const struct served_task *t, const struct asked *a, struct question *q)
{
	const struct rung *r = t->rung;

	q->why = a->why ? arena_string(&q->arena, a->why) : NULL;
	if (a->why)
		return;
	q->text = a->answer.text ? arena_string(&q->arena, a->answer.text) : NULL;
	q->status = a->answer.status; /* static, as the variant's id and the verdict are as long-lived as the task */
	q->variant = r->winner->id;
	q->verdict = r->verdict;
	q->citations = citations_text(&a->answer, &q->arena);
	q->probability = a->probability;
	q->ms = a->answer.ms;
	q->input_tokens = a->answer.input_tokens;
	q->output_tokens = a->answer.output_tokens;
	q->usd = paid(t, &a->answer);
}

static void answer(void *context, struct question *const *questions, size_t n)
{
	const struct served_task *t = context;
	struct rung *r = t->rung;
	struct arena arena;
	struct error err;

	arena_init(&arena);
	struct asked *asked = arena_array(&arena, n, sizeof(*asked));

	for (size_t i = 0; i < n; i++)
		asked[i].input = questions[i]->input;
	if (ask_variant_all(r->workshop, r->task, r->winner, asked, n, &arena, &err)) {
		for (size_t i = 0; i < n; i++)
			fill(t, &asked[i], questions[i]);
	} else {
		failed(questions, n, err.text);
	}
	arena_release(&arena);
}

/* One answer that nobody waits for loads what would else be loaded by the first that somebody does; and says what one takes. */
static bool warm(const struct served_task *t, struct gateway_task *out, struct error *err)
{
	struct rung *r = t->rung;
	struct item_list items = r->task->dev.list.n > 0 ? r->task->dev.list : r->task->test.list;
	struct arena arena;
	struct answer a;
	const char *unfit = NULL;
	bool good;

	arena_init(&arena);
	good = variant_ready(r->workshop, r->winner, &unfit, err) && (!unfit || error_set(err, "%s", unfit)) &&
	       variant_answer(r->workshop, r->winner, items.items, 1, &arena, &a, err);
	if (good) {
		out->tokens = (double)(a.input_tokens + a.output_tokens);
		out->usd = paid(t, &a);
	}
	arena_release(&arena);
	workshop_keep_nothing(r->workshop);
	return good;
}

static bool open_one(struct serving *s, const struct rung_options *options, const char *task, struct error *err)
{
	struct rung_options mine = *options;
	struct served_task *served = &s->served[s->n];
	struct gateway_task *out = &s->tasks[s->n];
	struct rung *r;

	mine.task = task;
	mine.progress = NULL; /* threads of their own, which nobody listens to */
	mine.notice = NULL;
	s->rungs[s->n] = r = rung_open(&mine);
	s->n++;
	*served = (struct served_task){ r, s->prices };
	if (!rung_choose(r, NULL, err) || !warm(served, out, err))
		return false;
	for (size_t i = 0; i + 1 < s->n; i++)
		if (strcmp(s->rungs[i]->task->name, r->task->name) == 0)
			return error_set(err, "%s: is called \"%s\", as another task that is to be served; give one of them another name", r->task->file,
					 r->task->name);
	out->name = r->task->name;
	out->verdict = r->verdict;
	out->answer = answer;
	out->context = served;
	return true;
}

/* The '=' that stands behind an upstream's whole name; names may hold others. */
static bool add_fallback(struct serving *s, size_t n, const char *text, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(s->upstreams[i].name);

		if (strncmp(text, s->upstreams[i].name, length) == 0 && text[length] == '=') {
			s->upstreams[i].fallback = text + length + 1;
			return true;
		}
	}
	return error_set(err, "fallback \"%s\": has to be A=B, where A and B are upstreams; name both with --upstream, too", text);
}

static bool list_upstreams(struct serving *s, const struct rung_serve_options *o, struct error *err)
{
	s->upstreams = mem_zero(o->n_upstreams + 1, sizeof(*s->upstreams));
	for (size_t i = 0; i < o->n_upstreams; i++)
		s->upstreams[i].name = o->upstreams[i];
	for (size_t i = 0; i < o->n_fallbacks; i++)
		if (!add_fallback(s, o->n_upstreams, o->fallbacks[i], err))
			return false;
	return o->n_tasks + o->n_upstreams > 0 || error_set(err, "there is nothing to serve; name a task's folder, or a model with --upstream");
}

/* Beside the first task's store, where nothing else is said. */
static const char *log_of(struct rung *r, const struct rung_serve_options *o)
{
	return o->log ? o->log : rung_beside_store(r, "served.db");
}

/* The table's prices, and the user's own above them. */
static bool read_prices(struct serving *s, const struct rung_serve_options *o, struct error *err)
{
	char today[CLOCK_DATE];
	bool good = true;

	clock_today(today);
	s->prices = price_table_open();
	for (size_t i = 0; i < o->n_prices && good; i++)
		good = price_table_set(s->prices, o->prices[i], today, err) != NULL;
	return good;
}

static bool begin(struct serving *s, const struct rung_options *options, const struct rung_serve_options *o, struct error *err)
{
	bool good;

	s->rungs = mem_zero(o->n_tasks + 1, sizeof(*s->rungs));
	s->served = mem_zero(o->n_tasks + 1, sizeof(*s->served));
	s->tasks = mem_zero(o->n_tasks + 1, sizeof(*s->tasks));
	good = read_prices(s, o, err) && list_upstreams(s, o, err);
	for (size_t i = 0; i < o->n_tasks && good; i++)
		good = open_one(s, options, o->tasks[i], err);
	return good;
}

static void end(struct serving *s)
{
	for (size_t i = 0; i < s->n; i++)
		rung_close(s->rungs[i]);
	free(s->rungs);
	free(s->served);
	free(s->tasks);
	free(s->upstreams);
	price_table_free(s->prices);
}

enum rung_status rung_serve(const struct rung_options *options, const struct rung_serve_options *o, struct rung_error *err)
{
	struct serving s = { 0 };
	const double *ms = o->upstream_ms;
	struct error e;
	bool good = begin(&s, options, o, &e);
	const struct gateway_settings gateway = {
		.tasks = s.tasks, .n_tasks = s.n, .address = o->address, .port = o->port, .journal = o->no_log ? NULL : s.n > 0 ? log_of(s.rungs[0], o) : o->log,
		.upstreams = s.upstreams, .n_upstreams = o->n_upstreams, .timeouts = { ms[0], ms[1], ms[2], ms[3], ms[4] }, .keys = o->keys,
		.cache_bytes = o->cache_mb << 20, .prices = s.prices, .keep_texts = !o->no_texts, .notice = options->notice, .ready = o->ready,
		.stopped = options->stopped, .context = options->context,
	};

	good = good && gateway_run(&gateway, &e);
	end(&s);
	return good ? RUNG_OK : rung_failed(RUNG_INPUT, &e, err);
}
