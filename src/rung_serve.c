/* rung_serve.c - the public API over src/serve: tasks and upstreams put together and handed to the gateway; the history read back. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cost/price.h"
#include "model/tuned.h"
#include "rung_inner.h"
#include "rung_routing.h"
#include "rung_serve_inner.h"
#include "rung_verdict.h"
#include "serve/gateway.h"
#include "store/served.h"

struct serving {
	struct rung_verdicts **verdicts; /* (n) */
	struct gateway_task *tasks;
	size_t n;
	struct served_model **models;    /* (n_models) */
	struct gateway_model *asked;     /* (n_models) as the gateway has them */
	size_t n_models;
	struct relay_upstream *upstreams; /* (n_upstreams) */
	struct rung_routing *routing;     /* NULL: nothing is routed */
	struct price_table *prices;
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

	s->verdicts[s->n] = rung_verdicts_open(options, task, s->prices, mine, err);
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
	return o->n_tasks + o->n_upstreams + o->n_models > 0 ||
	       error_set(err, "there is nothing to serve; name a task's folder, or a model with --models or --upstream");
}

/* The file, or folder, of that name beside that store. */
static char *beside(const char *store, const char *name)
{
	const char *slash = strrchr(store, '/');
	struct buf path = { 0 };

	buf_add(&path, store, slash ? (size_t)(slash - store) + 1 : 0);
	buf_adds(&path, name);
	return rung_handed_over(&path);
}

/* Beside the first task's store, where nothing else is said. */
static char *log_of(const struct serving *s, const struct rung_serve_options *o)
{
	if (o->no_log || (!o->log && s->n == 0))
		return NULL;
	return o->log ? mem_string(o->log) : beside(rung_verdicts_store(s->verdicts[0]), "served.db");
}

static bool sane(const struct rung_serve_options *o, struct error *err)
{
	if (!o->tls_certificate != !o->tls_key)
		return error_set(err, "TLS needs a certificate and its private key; name both, with --tls-cert and --tls-key");
	if (!(o->share >= 0 && o->share <= 1))
		return error_set(err, "share %g: has to be above 0 and at most 1; 1 lets a new verdict answer everything at once", o->share);
	return !(o->shadow && o->no_log) || error_set(err, "without a log nothing is compared in the shadow; leave out --no-log or --shadow");
}

/* The registry that has this version, that of the first task whose own does; NULL: none. */
static char *registry_with(const struct serving *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		char *folder = beside(rung_verdicts_store(s->verdicts[i]), "tuned");
		struct tuned found;
		struct error ignored;

		if (tuned_find(folder, name, &found, &ignored)) {
			tuned_release(&found);
			return folder;
		}
		free(folder);
	}
	return NULL;
}

/* A fine-tuned model goes by its version's name, with or without "tuned:". */
static bool open_model(struct serving *s, const struct rung_options *options, const char *name, struct error *err)
{
	struct buf full = { 0 };
	char *folder;

	buf_addf(&full, "%s%s", tuned_is(name) ? "" : "tuned:", name);
	folder = tuned_is(buf_text(&full)) ? registry_with(s, buf_text(&full)) : NULL;
	struct served_model *m = served_model_open(options, folder ? buf_text(&full) : name, folder, err);

	buf_release(&full);
	free(folder);
	if (!m)
		return false;
	s->models[s->n_models] = m;
	s->asked[s->n_models] = served_model_asked(m);
	s->asked[s->n_models++].name = name;
	return true;
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
	s->verdicts = mem_zero(o->n_tasks + 1, sizeof(*s->verdicts));
	s->tasks = mem_zero(o->n_tasks + 1, sizeof(*s->tasks));
	s->models = mem_zero(o->n_models + 1, sizeof(*s->models));
	s->asked = mem_zero(o->n_models + 1, sizeof(*s->asked));
	bool good = sane(o, err) && read_prices(s, o, err) && list_upstreams(s, o, err);

	for (size_t i = 0; i < o->n_tasks && good; i++)
		good = open_one(s, options, o->tasks[i], err);
	for (size_t i = 0; i < o->n_models && good; i++)
		good = open_model(s, options, o->models[i], err);
	s->log = good ? log_of(s, o) : NULL;
	good = good && (!o->route || (s->routing = rung_routing_open(options, o, err)) != NULL);
	if (!good)
		release_firsts(s);
	return good;
}

static void end(struct serving *s)
{
	for (size_t i = 0; i < s->n_models; i++)
		served_model_close(s->models[i]);
	for (size_t i = 0; i < s->n; i++)
		rung_verdicts_close(s->verdicts[i]);
	rung_routing_close(s->routing);
	price_table_free(s->prices);
	free(s->models);
	free(s->asked);
	free(s->verdicts);
	free(s->tasks);
	free(s->upstreams);
	free(s->log);
}

enum rung_status rung_serve(const struct rung_options *options, const struct rung_serve_options *o, struct rung_error *err)
{
	struct serving s = { 0 };
	const double *ms = o->upstream_ms;
	struct error e;
	bool good = begin(&s, options, o, &e);
	const struct gateway_settings gateway = {
		.tasks = s.tasks, .n_tasks = s.n, .models = s.asked, .n_models = s.n_models, .address = o->address, .port = o->port, .journal = s.log,
		.upstreams = s.upstreams, .n_upstreams = o->n_upstreams, .timeouts = { ms[0], ms[1], ms[2], ms[3], ms[4] }, .keys = o->keys,
		.cache_bytes = o->cache_mb << 20, .prices = s.prices, .route = s.routing ? router_answer : NULL,
		.route_context = s.routing ? rung_routing_router(s.routing) : NULL, .route_default = o->route_default, .keep_texts = !o->no_texts,
		.share = o->share, .shadow = o->shadow, .notice = options->notice, .ready = o->ready, .stopped = options->stopped,
		.again = o->again, .access_log = o->access_log, .otlp = o->otlp, .certificate = o->tls_certificate, .certificate_key = o->tls_key, .context = options->context,
	};

	good = good && gateway_run(&gateway, &e);
	end(&s);
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
			char *log = o->log ? mem_string(o->log) : beside(rung_store_path(r), "served.db");

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
