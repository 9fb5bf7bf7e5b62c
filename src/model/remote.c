/* remote.c - the engine of models that are asked over HTTP: endpoints, keys, and what each was found to lack. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/remote_inner.h"

enum { NAMES_SHOWN = 12 };
static const double list_ms = 20e3;

static void *remote_start(const char *folder, const struct model_settings *settings, struct pool *pool)
{
	struct remote *r = mem_zero(1, sizeof(*r));

	(void)folder, (void)pool;
	r->settings = settings;
	rng_init(&r->rng, (uint64_t)(clock_ms() * 1e3), "jitter"); /* those who were refused together must not come back together */
	return r;
}

static void remote_stop(void *engine)
{
	struct remote *r = engine;

	client_free(r->client);
	while (r->models) {
		struct remote_model *m = r->models;

		r->models = m->next;
		endpoint_release(&m->endpoint);
		free(m->name);
		free(m);
	}
	free(r);
}

/* The key has to be there before anything is measured, or a climb would end at its first call to this model. */
static bool key_is_there(const struct remote_model *m, struct error *err)
{
	struct buf header = { 0 };
	bool there = remote_key(m, &header, err);

	remote_forget(&header);
	return there;
}

static void *remote_open(void *engine, const char *name, struct error *err)
{
	struct remote *r = engine;
	struct remote_model *m = mem_zero(1, sizeof(*m));
	struct pace_settings pace = { .most_in_flight = r->settings->in_flight, .requests_per_minute = r->settings->requests_per_minute,
				      .tokens_per_minute = r->settings->tokens_per_minute };

	*m = (struct remote_model){ .remote = r, .name = mem_string(name), .next = r->models };
	r->models = m;
	if (!endpoint_parse(name, &m->endpoint, err) || !key_is_there(m, err) ||
	    (!r->client && !(r->client = client_open(err)))) {
		r->models = m->next;
		endpoint_release(&m->endpoint);
		free(m->name);
		free(m);
		return NULL;
	}
	pace_init(&m->pace, &pace, clock_ms());
	return m;
}

void remote_url(const struct remote_model *m, const char *path, struct buf *url)
{
	buf_adds(url, m->endpoint.base);
	buf_adds(url, path);
}

bool remote_key(const struct remote_model *m, struct buf *header, struct error *err)
{
	const struct endpoint *e = &m->endpoint;
	const char *key = getenv(e->key_variable);

	if (!key || !*key)
		return !e->key_needed || error_set(err, "model \"%s\": %s is not set; put the key into the environment", m->name, e->key_variable);
	if (strpbrk(key, "\r\n"))
		return error_set(err, "model \"%s\": the key in %s has a line break in it; set it anew", m->name, e->key_variable);
	buf_adds(header, e->wire->key_header);
	buf_adds(header, key);
	return true;
}

bool remote_refused_key(const struct remote_model *m, int status, struct error *err)
{
	const char *variable = m->endpoint.key_variable, *key = getenv(variable);

	if (key && *key)
		error_set(err, "model \"%s\": the server refuses the key in %s (HTTP %d); set the right one and run the same command again", m->name,
			  variable, status);
	else
		error_set(err, "model \"%s\": the server wants a key (HTTP %d); put it into %s and run the same command again", m->name, status,
			  variable);
	return error_again(err);
}

void remote_forget(struct buf *header)
{
	if (header->data)
		explicit_bzero(header->data, header->capacity);
	buf_release(header);
}

void remote_learn(struct remote_model *m, enum wire_lack lack)
{
	const struct model_settings *s = m->remote->settings;
	struct buf notice = { 0 };

	if (m->lacks & lack)
		return;
	m->lacks |= lack;
	wire_lack_notice(m->name, lack, &notice);
	if (s->notice)
		s->notice(s->context, buf_text(&notice));
	buf_release(&notice);
}

struct listing {
	const struct remote_model *model;
	struct buf names;
};

static void take_list(void *context, const struct http_response *r)
{
	struct listing *l = context;
	const char *const *names;
	struct arena arena;

	if (r->end != HTTP_ANSWERED || r->status != 200)
		return;
	arena_init(&arena);
	size_t n = l->model->endpoint.wire->models(r->body, r->n_body, &arena, &names);

	for (size_t i = 0; i < n && i < NAMES_SHOWN; i++)
		buf_addf(&l->names, "%s%.80s", i ? ", " : "", names[i]);
	if (n > NAMES_SHOWN)
		buf_addf(&l->names, " and %zu more", n - NAMES_SHOWN);
	arena_release(&arena);
}

bool remote_unknown_model(struct remote_model *m, const char *message, struct error *err)
{
	const struct wire *wire = m->endpoint.wire;
	struct listing list = { .model = m };
	struct buf url = { 0 }, key = { 0 };

	remote_url(m, wire->list_path, &url);
	if (remote_key(m, &key, err)) {
		const char *headers[2] = { buf_text(&key), wire->header };
		struct http_request get = {
			.method = "GET", .url = buf_text(&url), .headers = headers + (key.n == 0), .n_headers = (size_t)(key.n > 0) + (wire->header != NULL),
			.timeouts = { .connect_ms = list_ms, .total_ms = list_ms }, .done = take_list, .context = &list,
		};

		if (client_send(m->remote->client, &get, err))
			while (client_in_flight(m->remote->client) > 0)
				client_run(m->remote->client, list_ms);
	}
	error_set(err, "model \"%s\": %s has no such model (%s)%s%s", m->name, m->endpoint.base, *message ? message : "HTTP 404",
		  list.names.n ? "; it has " : "; name one that it has", buf_text(&list.names));
	remote_forget(&key);
	buf_release(&url);
	buf_release(&list.names);
	return false;
}

const struct model_engine model_engine_remote = { endpoint_is, remote_start, remote_stop, remote_open, remote_ask };
