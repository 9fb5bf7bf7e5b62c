/* rung_serve.c - the public API over src/serve: tasks opened and warmed, each handed to a thread of the gateway. */
#include <math.h>
#include <string.h>

#include "rung_inner.h"
#include "rung_routing.h"
#include "serve/gateway.h"
#include "variant/show.h"

struct serving {
	struct rung **rungs; /* (n) */
	struct gateway_task *tasks;
	size_t n;
	struct relay_upstream *upstreams; /* (n_upstreams) */
	struct rung_routing *routing;     /* NULL: nothing is routed */
};

static void failed(struct question *const *questions, size_t n, const char *why)
{
	for (size_t i = 0; i < n; i++)
		questions[i]->failed = arena_string(&questions[i]->arena, why);
}

static void fill(const struct rung *r, const struct asked *a, struct question *q)
{
	q->why = a->why ? arena_string(&q->arena, a->why) : NULL;
	if (a->why)
		return;
	q->text = a->answer.text ? arena_string(&q->arena, a->answer.text) : NULL;
	q->status = a->answer.status; /* static, as the variant's id and the verdict are as long-lived as the task */
	q->variant = a->by->id;
	q->verdict = r->verdict;
	q->citations = citations_text(&a->answer, &q->arena);
	q->probability = a->probability;
	q->ms = a->answer.ms;
	q->input_tokens = a->answer.input_tokens;
	q->output_tokens = a->answer.output_tokens;
}

static void answer(void *context, struct question *const *questions, size_t n)
{
	struct rung *r = context;
	struct arena arena;
	struct error err;

	arena_init(&arena);
	struct asked *asked = arena_array(&arena, n, sizeof(*asked));

	for (size_t i = 0; i < n; i++)
		asked[i].input = questions[i]->input;
	if (escalate_all(r->workshop, r->task, &r->escalation, asked, n, &arena, &err)) {
		for (size_t i = 0; i < n; i++)
			fill(r, &asked[i], questions[i]);
	} else {
		failed(questions, n, err.text);
	}
	arena_release(&arena);
}

/* One answer that nobody waits for loads what would else be loaded by the first that somebody does. */
static bool warm(struct rung *r, struct error *err)
{
	struct item_list items = r->task->dev.list.n > 0 ? r->task->dev.list : r->task->test.list;
	struct arena arena;
	struct answer ignored;
	const char *unfit = NULL;
	bool good;

	arena_init(&arena);
	good = variant_ready(r->workshop, r->winner, &unfit, err) && (!unfit || error_set(err, "%s", unfit)) &&
	       variant_answer(r->workshop, r->winner, items.items, 1, &arena, &ignored, err) &&
	       (!r->escalation.cheap || variant_answer(r->workshop, r->escalation.cheap, items.items, 1, &arena, &ignored, err));
	arena_release(&arena);
	workshop_keep_nothing(r->workshop);
	return good;
}

static bool open_one(struct serving *s, const struct rung_options *options, const char *task, struct error *err)
{
	struct rung_options mine = *options;
	struct rung *r;

	mine.task = task;
	mine.progress = NULL; /* threads of their own, which nobody listens to */
	mine.notice = NULL;
	s->rungs[s->n] = r = rung_open(&mine);
	s->n++;
	if (!rung_choose(r, NULL, err) || !warm(r, err))
		return false;
	for (size_t i = 0; i + 1 < s->n; i++)
		if (strcmp(s->rungs[i]->task->name, r->task->name) == 0)
			return error_set(err, "%s: is called \"%s\", as another task that is to be served; give one of them another name", r->task->file,
					 r->task->name);
	s->tasks[s->n - 1] = (struct gateway_task){ r->task->name, answer, r };
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

enum rung_status rung_serve(const struct rung_options *options, const struct rung_serve_options *o, struct rung_error *err)
{
	struct serving s = { .rungs = mem_zero(o->n_tasks + 1, sizeof(*s.rungs)), .tasks = mem_zero(o->n_tasks + 1, sizeof(*s.tasks)) };
	const double *ms = o->upstream_ms;
	struct error e;
	bool good = list_upstreams(&s, o, &e);

	for (size_t i = 0; i < o->n_tasks && good; i++)
		good = open_one(&s, options, o->tasks[i], &e);
	if (good && o->route)
		good = (s.routing = rung_routing_open(options, o, &e)) != NULL;
	const struct gateway_settings gateway = {
		.tasks = s.tasks, .n_tasks = s.n, .address = o->address, .port = o->port, .journal = o->no_log ? NULL : s.n > 0 ? log_of(s.rungs[0], o) : o->log,
		.upstreams = s.upstreams, .n_upstreams = o->n_upstreams, .timeouts = { ms[0], ms[1], ms[2], ms[3], ms[4] },
		.route = s.routing ? router_answer : NULL, .route_context = s.routing ? rung_routing_router(s.routing) : NULL,
		.route_default = o->route_default, .keep_texts = !o->no_texts, .notice = options->notice, .ready = o->ready, .stopped = options->stopped,
		.context = options->context,
	};

	good = good && gateway_run(&gateway, &e);
	for (size_t i = 0; i < s.n; i++)
		rung_close(s.rungs[i]);
	rung_routing_close(s.routing);
	free(s.rungs);
	free(s.tasks);
	free(s.upstreams);
	return good ? RUNG_OK : rung_failed(RUNG_INPUT, &e, err);
}
