/* rung_serve.c - the public API over src/serve: tasks and upstreams put together and handed to the gateway; the history read back. */
#include <string.h>

#include "base/clock.h"
#include "rung_inner.h"
#include "rung_verdict.h"
#include "serve/gateway.h"
#include "store/served.h"

struct serving {
	struct rung_verdicts **verdicts; /* (n) */
	struct gateway_task *tasks;
	size_t n;
	struct relay_upstream *upstreams; /* (n_upstreams) */
	char *log;                        /* NULL: none */
};

static void release_firsts(struct serving *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->tasks[i].first.release(s->tasks[i].first.context);
}

static bool open_one(struct serving *s, const struct rung_options *options, const char *task, struct error *err)
{
	struct gateway_task *mine = &s->tasks[s->n];

	s->verdicts[s->n] = rung_verdicts_open(options, task, mine, err);
	if (!s->verdicts[s->n])
		return false;
	s->n++;
	for (size_t i = 0; i + 1 < s->n; i++)
		if (strcmp(s->tasks[i].name, mine->name) == 0)
			return error_set(err, "%s: is called \"%s\", as another task that is to be served; give one of them another name", task, mine->name);
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

/* served.db beside that store. */
static char *beside(const char *store)
{
	const char *slash = strrchr(store, '/');
	struct buf path = { 0 };

	buf_add(&path, store, slash ? (size_t)(slash - store) + 1 : 0);
	buf_adds(&path, "served.db");
	return rung_handed_over(&path);
}

/* Beside the first task's store, where nothing else is said. */
static char *log_of(const struct serving *s, const struct rung_serve_options *o)
{
	if (o->no_log || (!o->log && s->n == 0))
		return NULL;
	return o->log ? mem_string(o->log) : beside(rung_verdicts_store(s->verdicts[0]));
}

static bool sane(const struct rung_serve_options *o, struct error *err)
{
	if (!(o->share >= 0 && o->share <= 1))
		return error_set(err, "share %g: has to be above 0 and at most 1; 1 lets a new verdict answer everything at once", o->share);
	return !(o->shadow && o->no_log) || error_set(err, "without a log nothing is compared in the shadow; leave out --no-log or --shadow");
}

enum rung_status rung_serve(const struct rung_options *options, const struct rung_serve_options *o, struct rung_error *err)
{
	struct serving s = { .verdicts = mem_zero(o->n_tasks + 1, sizeof(*s.verdicts)), .tasks = mem_zero(o->n_tasks + 1, sizeof(*s.tasks)) };
	const double *ms = o->upstream_ms;
	struct error e;
	bool good = sane(o, &e) && list_upstreams(&s, o, &e);

	for (size_t i = 0; i < o->n_tasks && good; i++)
		good = open_one(&s, options, o->tasks[i], &e);
	s.log = good ? log_of(&s, o) : NULL;
	const struct gateway_settings gateway = {
		.tasks = s.tasks, .n_tasks = s.n, .address = o->address, .port = o->port, .journal = s.log,
		.upstreams = s.upstreams, .n_upstreams = o->n_upstreams, .timeouts = { ms[0], ms[1], ms[2], ms[3], ms[4] },
		.keep_texts = !o->no_texts, .share = o->share, .shadow = o->shadow, .notice = options->notice, .ready = o->ready,
		.stopped = options->stopped, .again = o->again, .context = options->context,
	};

	if (good)
		good = gateway_run(&gateway, &e);
	else
		release_firsts(&s);
	for (size_t i = 0; i < s.n; i++)
		rung_verdicts_close(s.verdicts[i]);
	free(s.verdicts);
	free(s.tasks);
	free(s.upstreams);
	free(s.log);
	return good ? RUNG_OK : rung_failed(RUNG_INPUT, &e, err);
}

/* ---- history ---- */

static bool add_history(struct served *served, const char *task, struct buf *out, struct error *err)
{
	struct served_turn *turns;
	struct arena arena;
	size_t n;

	arena_init(&arena);
	bool good = served_turns(served, task, &arena, &turns, &n, err);

	if (good)
		buf_addf(out, "%s%s%s\n", out->n > 0 ? "\n" : "", task, n > 0 ? "" : ": nothing has served it");
	for (size_t i = 0; good && i < n; i++) {
		char at[CLOCK_MINUTE];

		clock_minute((int64_t)(turns[i].at_ms / 1000), at);
		buf_addf(out, "  %s  %-8s  %s  %s: %s\n", at, turns[i].event, turns[i].verdict, turns[i].variant, turns[i].why);
	}
	arena_release(&arena);
	return good;
}

enum rung_status rung_serve_history(const struct rung_options *options, const struct rung_serve_options *o, char **text, struct rung_error *err)
{
	struct served *served = NULL;
	struct buf out = { 0 };
	struct error e;
	bool good = o->n_tasks > 0 || error_set(&e, "name the tasks whose history is wanted");

	for (size_t i = 0; i < o->n_tasks && good; i++) {
		const struct task_options alone = { .file_alone = true };
		struct rung_options mine = *options;

		mine.task = o->tasks[i];
		struct rung *r = rung_open(&mine);

		good = rung_open_task(r, &alone, &e);
		if (good && !served) {
			char *log = o->log ? mem_string(o->log) : beside(rung_store_path(r));

			good = (served = served_open(log, false, &e)) != NULL;
			free(log);
		}
		good = good && add_history(served, r->task->name, &out, &e);
		rung_close(r);
	}
	served_close(served);
	*text = rung_handed_over(&out);
	if (good)
		return RUNG_OK;
	rung_free_text(*text);
	return rung_failed(RUNG_INPUT, &e, err);
}
