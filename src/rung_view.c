/* rung_view.c - the public API over src/serve: the page of the last climb, made anew from the rows whenever they have changed. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "report/page.h"
#include "rung_inner.h"
#include "serve/view.h"

enum { N_WATCHED = 4, VERSION_TEXT = 17 };

struct viewing {
	struct rung *r;
	const char *watched[N_WATCHED]; /* the store, what was written to it last, the task, its examples; NULL: none */
	struct arena arena;
};

uint64_t rung_file_mark(const char *path, uint64_t seed)
{
	struct stat s;

	if (!path || stat(path, &s) != 0 || s.st_size == 0)
		return hash64("", 0, seed);
	const int64_t marks[] = { s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec, (int64_t)s.st_ino };

	return hash64(marks, sizeof(marks), seed);
}

static uint64_t version_of(void *context)
{
	const struct viewing *v = context;
	uint64_t version = 1;

	for (size_t i = 0; i < N_WATCHED; i++)
		version = rung_file_mark(v->watched[i], version);
	return version;
}

static void watch(struct viewing *v)
{
	struct rung *r = v->r;
	const char *store = arena_string(&v->arena, rung_store_path(r));

	v->watched[0] = store;
	v->watched[1] = arena_printf(&v->arena, "%s-wal", store);
	v->watched[2] = arena_string(&v->arena, r->task->file);
	v->watched[3] = arena_string(&v->arena, r->task->examples_file);
}

/* What the climb is at, where one has begun on the task as it is now; else only why there is no report. */
static void look_underway(struct rung *r, struct page_underway *u)
{
	struct run_row run;
	struct error e;
	bool found = false;

	if (!r->task)
		return;
	u->task = r->task->name;
	u->n_dev = r->task->dev.list.n;
	u->n_test = r->task->test.list.n;
	if (!r->store || !store_run_latest(r->store, &r->arena, r->options.seed_given ? &r->options.seed : NULL, &run, &found,
	    &e) || !found ||
	    run.fingerprint != r->task->fingerprint || !page_underway_rows(u, r->store, run.id, &r->arena, &e))
		return;
	u->sentence = "Nothing has answered the test items yet. Where no climb is going on any more, `rung climb` goes on where it "
		"stopped.";
}

static void add_json(struct buf *out, const char *sentence)
{
	json_t *value = json_pack("{s:i, s:s}", "schema", 1, "error", sentence);
	char *text = json_dumps(value, JSON_COMPACT);

	buf_addf(out, "%s\n", text ? text : "{\"schema\":1}");
	free(text);
	json_decref(value);
}

static bool write_view(void *context, uint64_t version, struct buf *page, struct buf *policy, struct buf *json)
{
	struct viewing *v = context;
	struct report report;
	struct error e;
	char text[VERSION_TEXT];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)version);
	bool there = rung_last_report(v->r, NULL, &report, &e);

	if (there) {
		page_write(&report, text, page, policy);
		report_format_find("json")->write(&report, json);
	} else {
		struct page_underway u = { .task = v->r->options.task, .sentence = e.text };

		look_underway(v->r, &u);
		page_write_underway(&u, text, page, policy);
		add_json(json, e.text);
	}
	buf_adds(policy, "; frame-ancestors 'none'"); /* which only a header can say */
	return there;
}

static bool never(void *context)
{
	(void)context;
	return false;
}

enum rung_status rung_view(struct rung *r, const struct rung_view_options *o, struct rung_error *err)
{
	struct viewing v = { .r = r };
	struct view view = { .source = { version_of, write_view, &v } };
	struct task_options options = { .examples = r->options.examples, .seed = r->options.seed };
	const struct server_settings http = { .port = o->port, .own_host = true, .handler = view_answer, .context = &view };
	struct client *client;
	struct server *server;
	struct error e;
	char address[64];

	if (!rung_open_task(r, &options, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	arena_init(&v.arena);
	watch(&v);
	client = client_open(&e);
	server = client ? server_open(&http, client, &e) : NULL;
	if (server) {
		snprintf(address, sizeof(address), "http://127.0.0.1:%d/", server_port(server));
		if (o->ready)
			o->ready(o->context, address);
		server_run(server, r->options.stopped ? r->options.stopped : never, r->options.context);
		server_free(server);
	}
	client_free(client);
	view_release(&view);
	arena_release(&v.arena);
	return server ? RUNG_OK : rung_failed(RUNG_INPUT, &e, err);
}
