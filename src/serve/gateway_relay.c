/* gateway_relay.c - upstream models: their route, and the rows of what was passed on */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/gateway_inner.h"

/* Of an upstream that was given no limit: as much as most models write at most. */
static const double output_usual = 4096;

static double price(const struct gateway *g, const char *upstream, double input, double output)
{
	const struct price_model *m = g->settings->prices ? price_table_find(g->settings->prices, upstream) : NULL;

	return m ? price_tokens(m, input, output, 0, 0) : NAN;
}

static const char *fallback_of(const struct gateway *g, const char *upstream)
{
	size_t i = 0;

	while (strcmp(g->settings->upstreams[i].name, upstream) != 0)
		i++;
	return g->settings->upstreams[i].fallback;
}

/* Whoever may answer in the end: the dearest of it and its fallbacks; NAN where the price of one is not known. */
static double price_most(const struct gateway *g, const char *upstream, double input, double output)
{
	double most = 0;

	for (; upstream && !isnan(most); upstream = fallback_of(g, upstream)) {
		double usd = price(g, upstream, input, output);

		most = isnan(usd) ? NAN : fmax(most, usd);
	}
	return most;
}

static void keep_attempts(struct gateway *g, const struct relay_outcome *o)
{
	for (size_t i = 0; i < o->n_attempts; i++) {
		const struct relay_attempt *a = &o->attempts[i];
		const struct served_attempt row = { o->id, i, a->upstream, a->began_ms, a->status, a->http, a->why, a->bytes, a->ms, a->first_ms };

		journal_attempt(g->journal, &row);
	}
}

/* Of its attempts, those that hung included. */
static double elsewhere_ms(const struct relay_outcome *o)
{
	double sum = 0;

	for (size_t i = 0; i < o->n_attempts; i++)
		sum += o->attempts[i].ms;
	return o->n_attempts > 0 ? sum : NAN;
}

/* An upstream was at work on it: what then broke off, or was given up, it has done in part. */
static bool may_be_charged(const struct relay_outcome *o)
{
	for (size_t i = 0; i < o->n_attempts; i++)
		if (strcmp(o->attempts[i].status, "refused") != 0 && strcmp(o->attempts[i].status, "unreached") != 0)
			return true;
	return false;
}

/* Priced by who answered: the last that was asked. A reply that counted nothing, as a stream that was not asked to, took what was reserved. */
static void count(const struct gateway *g, const struct relay_outcome *o, struct errand *e, struct served_call *call)
{
	const char *upstream = o->n_attempts > 0 ? o->attempts[o->n_attempts - 1].upstream : o->model;
	bool counted = o->input_tokens + o->output_tokens > 0;

	e->as_reserved = !counted && may_be_charged(o);
	call->usd = counted ? price(g, upstream, (double)o->input_tokens, (double)o->output_tokens) : e->as_reserved ? e->reserved_usd : 0;
}

/* The call first: no attempt stands without it. Vectors are no texts. */
void gateway_relayed(void *context, const struct relay_outcome *o)
{
	struct gateway *g = context;
	struct errand *e = o->asker;
	struct served_call call = {
		.id = o->id, .began_ms = o->began_ms, .task = o->model, .variant = "relay", .verdict = "", .stream = o->stream, .http = o->http,
		.status = o->status, .why = o->why, .input_tokens = o->input_tokens, .output_tokens = o->output_tokens, .ms = o->ms,
		.first_ms = o->first_ms, .probability = NAN, .propensity = 1, .subject = o->subject, .input = o->input,
		 .output = o->path == RELAY_EMBEDDINGS ? NULL : o->output,
	};

	e->outcome = o;
	count(g, o, e, &call);
	gateway_keep_reply(g, o, e);
	if (gateway_keep(g, &call, e, elsewhere_ms(o)))
		keep_attempts(g, o);
	free(e);
}

/* A token is a byte or more, and what a chat format adds is less than JSON's own signs. */
static bool admit(struct gateway *g, struct exchange *x, enum relay_path path, struct account *whose, const struct relay_question *q,
		  struct errand *e)
{
	double each = isnan(q->body.most_output) ? output_usual : q->body.most_output;
	double input = (double)q->body.n, output = path == RELAY_EMBEDDINGS ? 0 : each * q->body.choices;

	return gateway_admit(g, x, whose, input + output, price_most(g, q->upstream, input, output), e);
}

bool gateway_passes(struct gateway *g, struct exchange *x, enum relay_path path, const char *as, struct account *whose)
{
	struct relay_question q;
	struct chat_fault fault;
	struct errand e;

	if (!relay_reads(g->relay, x, as, &q, &fault) || !gateway_may_ask(whose, q.upstream))
		return false;
	if (fault.status != 0) {
		reply_fault(x, &fault);
		return true;
	}
	if (!admit(g, x, path, whose, &q, &e) || gateway_knows_reply(g, x, path, &q, &e))
		return true;
	struct errand *kept = mem_alloc(sizeof(*kept));

	*kept = e;
	q.trace = kept->trace.span[0] && kept->trace.sampled ? &kept->trace : NULL;
	relay_pass(g->relay, x, path, &q, kept);
	return true;
}

void gateway_embeddings(struct gateway *g, struct exchange *x, struct account *whose)
{
	static const struct chat_fault unknown = { 404, "invalid_request_error", "model_not_found", "model",
						   "there is no model here that embeds texts under that name; GET /v1/models lists them" };
	struct relay_body body;
	size_t n;
	const char *bytes = exchange_body(x, &n);

	if (gateway_passes(g, x, RELAY_EMBEDDINGS, NULL, whose))
		return;
	struct host *host = relay_body_find(bytes, n, exchange_arena(x), &body) ? gateway_host(g, body.model, whose) : NULL;

	if (host && host->model->embeds)
		gateway_embed(g, x, host, whose);
	else
		reply_fault(x, &unknown);
}
