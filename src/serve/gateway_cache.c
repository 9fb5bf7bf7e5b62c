/* gateway_cache.c - answers kept for who asks the same: under whose they are, who was asked, by which verdict, and every byte of the request */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "serve/gateway_inner.h"
#include "serve/relay_pass.h"

static bool says(struct exchange *x, const char *word)
{
	const char *control = exchange_header(x, "Cache-Control");

	return control && strcasestr(control, word);
}

static void keep_key(struct errand *e, const char *const *texts, size_t n)
{
	e->keeps = true;
	cache_key(texts, n, e->known_as);
}

/* ---- replies of upstreams: a content type, a NUL, the body ---- */

static void reply_known(struct gateway *g, struct exchange *x, enum relay_path path, const struct relay_question *q, const char *bytes, size_t n,
			struct errand *e)
{
	size_t type = strlen(bytes), n_body = n - type - 2;
	const char *body = bytes + type + 1;
	char id[UUID_TEXT];
	uint64_t now = uuid_now_ms();

	uuid_make(now, id);
	const char *const headers[] = { "x-rung-id", id, "x-rung-cache", "hit", "Content-Type", bytes, "Cache-Control", "no-store", NULL };
	const struct served_call call = {
		.id = id, .began_ms = now, .task = q->upstream, .variant = "relay", .verdict = "", .stream = q->body.stream, .http = 200,
		.status = "answered", .usd = 0, .cached = true, .ms = clock_ms() - e->began_ms, .first_ms = NAN, .probability = NAN, .propensity = 1,
		.subject = q->body.subject, .input = q->body.bytes, .output = path == RELAY_EMBEDDINGS ? NULL : body,
	};

	gateway_keep(g, &call, e, NAN);
	exchange_reply(x, 200, headers, body, n_body);
}

bool gateway_knows_reply(struct gateway *g, struct exchange *x, enum relay_path path, const struct relay_question *q, struct errand *e)
{
	static const char *const paths[] = { [RELAY_CHAT] = "chat", [RELAY_EMBEDDINGS] = "embeddings", [RELAY_RESPONSES] = "responses" };
	const char *const texts[] = { paths[path], e->tenant, q->upstream, q->body.bytes };
	size_t n;

	if (!g->cache || says(x, "no-store"))
		return false;
	keep_key(e, texts, sizeof(texts) / sizeof(texts[0]));
	const char *bytes = says(x, "no-cache") ? NULL : cache_get(g->cache, e->known_as, &n);

	if (bytes)
		reply_known(g, x, path, q, bytes, n, e);
	return bytes != NULL;
}

void gateway_keep_reply(struct gateway *g, const struct relay_outcome *o, const struct errand *e)
{
	struct buf bytes = { 0 };

	if (!e->keeps || !o->whole || !relay_is_data(o->type) || strlen(o->output) != o->n_output)
		return;
	buf_add(&bytes, o->type, strlen(o->type) + 1);
	buf_adds(&bytes, o->output);
	buf_addc(&bytes, '\0'); /* it is logged as a text */
	cache_put(g->cache, e->known_as, bytes.data, bytes.n);
	buf_release(&bytes);
}

/* ---- answers of tasks: figures, then texts ---- */

struct figures {
	double probability;
	bool has_text, has_citations;
};

static const char *next_text(const char **at, struct arena *arena)
{
	const char *text = arena_string(arena, *at);

	*at += strlen(text) + 1;
	return text;
}

static void unpack(const char *bytes, struct question *q)
{
	struct figures f;
	const char *at = bytes + sizeof(f);

	memcpy(&f, bytes, sizeof(f));
	q->probability = f.probability;
	q->status = next_text(&at, &q->arena);
	q->variant = next_text(&at, &q->arena);
	q->verdict = next_text(&at, &q->arena);
	q->text = f.has_text ? next_text(&at, &q->arena) : NULL;
	q->citations = f.has_citations ? next_text(&at, &q->arena) : NULL;
}

bool gateway_knows_answer(struct gateway *g, struct exchange *x, const char *task, const char *verdict, struct question *q, struct errand *e)
{
	const char *const texts[] = { "task", e->tenant, task, verdict, q->input };
	size_t n;

	if (!g->cache || !verdict || says(x, "no-store"))
		return false;
	keep_key(e, texts, sizeof(texts) / sizeof(texts[0]));
	const char *bytes = says(x, "no-cache") ? NULL : cache_get(g->cache, e->known_as, &n);

	if (bytes)
		unpack(bytes, q);
	return bytes != NULL;
}

void gateway_keep_answer(struct gateway *g, const struct question *q, const struct errand *e)
{
	const struct figures f = { q->probability, q->text != NULL, q->citations != NULL };
	const char *const texts[] = { q->status, q->variant, q->verdict, q->text, q->citations };
	struct buf bytes = { 0 };

	if (!e->keeps)
		return;
	buf_add(&bytes, &f, sizeof(f));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i])
			buf_add(&bytes, texts[i], strlen(texts[i]) + 1);
	cache_put(g->cache, e->known_as, bytes.data, bytes.n);
	buf_release(&bytes);
}
