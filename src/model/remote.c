/* remote.c - the engine of models that are asked over HTTP: endpoints, keys, and what each was found to lack. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/remote_inner.h"

enum { NAMES_SHOWN = 12 };

static void *remote_start(const char *folder, const struct model_settings *settings, struct pool *pool)
{
	struct remote *r = mem_zero(1, sizeof(*r));

	(void)folder, (void)pool;
	r->settings = settings;
	rng_init(&r->rng, (uint64_t)(clock_ms() * 1e3), "jitter"); /* those who were refused together must not come back together */
	return r;
}

static void forget_model(struct remote_model *m)
{
	endpoint_release(&m->endpoint);
	arena_release(&m->label_arena);
	free(m->name);
	free(m);
}

static void remote_stop(void *engine)
{
	struct remote *r = engine;

	client_free(r->client);
	while (r->models) {
		struct remote_model *m = r->models;

		r->models = m->next;
		forget_model(m);
	}
	free(r);
}

bool remote_headers(const struct remote_model *m, const char *type, struct remote_headers *out, struct error *err)
{
	*out = (struct remote_headers){ 0 };
	if (!endpoint_add_key(&m->endpoint, m->name, &out->key, err))
		return false;
	if (out->key.n > 0)
		out->lines[out->n++] = buf_text(&out->key);
	if (type) {
		buf_addf(&out->type, "Content-Type: %s", type);
		out->lines[out->n++] = buf_text(&out->type);
	}
	if (m->endpoint.wire->header)
		out->lines[out->n++] = m->endpoint.wire->header;
	return true;
}

void remote_headers_forget(struct remote_headers *h)
{
	endpoint_forget_key(&h->key);
	buf_release(&h->type);
}

/* The key has to be there before anything is measured, or a climb would end at its first call to this model. */
static bool key_is_there(const struct remote_model *m, struct error *err)
{
	struct buf header = { 0 };
	bool there = endpoint_add_key(&m->endpoint, m->name, &header, err);

	endpoint_forget_key(&header);
	return there;
}

static void *remote_open(void *engine, const char *name, struct error *err)
{
	struct remote *r = engine;
	struct remote_model *m = mem_zero(1, sizeof(*m));
	struct pace_settings pace = { .most_in_flight = r->settings->in_flight, .requests_per_minute = r->settings->requests_per_minute,
				      .tokens_per_minute = r->settings->tokens_per_minute };

	*m = (struct remote_model){ .remote = r, .name = mem_string(name), .next = r->models };
	arena_init(&m->label_arena);
	r->models = m;
	if (!endpoint_parse(name, &m->endpoint, err) || !key_is_there(m, err) ||
	    (!r->client && !(r->client = client_open(err)))) {
		r->models = m->next;
		forget_model(m);
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

void remote_learn(struct remote_model *m, enum wire_lack lack)
{
	const struct model_settings *s = m->remote->settings;
	struct buf notice = { 0 };

	if (m->lacks & lack)
		return;
	m->lacks |= lack;
	wire_lack_notice(m->name, lack, &notice);
	if (s->notice && notice.n > 0)
		s->notice(s->context, buf_text(&notice));
	buf_release(&notice);
}

bool remote_unknown_model(struct remote_model *m, const char *message, struct error *err)
{
	const struct wire *wire = m->endpoint.wire;
	struct buf body = { 0 }, shown = { 0 };
	const char *const *names;
	struct error ignored;
	struct arena arena;
	size_t n = 0;

	arena_init(&arena);
	if (remote_fetch(m, "GET", wire->list_path, NULL, NULL, &body, &ignored))
		n = wire->models(buf_text(&body), body.n, &arena, &names);
	for (size_t i = 0; i < n && i < NAMES_SHOWN; i++)
		buf_addf(&shown, "%s%.80s", i ? ", " : "", names[i]);
	if (n > NAMES_SHOWN)
		buf_addf(&shown, " and %zu more", n - NAMES_SHOWN);
	error_set(err, "model \"%s\": %s has no such model (%s)%s%s", m->name, m->endpoint.base, *message ? message : "HTTP 404",
		  n ? "; it has " : "; name one that it has", buf_text(&shown));
	buf_release(&body);
	buf_release(&shown);
	arena_release(&arena);
	return false;
}

const struct model_engine model_engine_remote = { endpoint_is, remote_start, remote_stop, remote_open, remote_ask };
