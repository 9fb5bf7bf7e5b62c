/* gateway_relay.c - upstream models: their route, and the rows of what was passed on */
#include <math.h>

#include "serve/gateway_inner.h"

static void keep_attempts(struct gateway *g, const struct relay_outcome *o)
{
	for (size_t i = 0; i < o->n_attempts; i++) {
		const struct relay_attempt *a = &o->attempts[i];
		const struct served_attempt row = { o->id, i, a->upstream, a->began_ms, a->status, a->http, a->why, a->bytes, a->ms, a->first_ms };

		journal_attempt(g->journal, &row);
	}
}

/* The call first: no attempt stands without it. Vectors are no texts. */
void gateway_relayed(void *context, const struct relay_outcome *o)
{
	struct gateway *g = context;
	bool texts = g->settings->keep_texts;
	const struct served_call call = {
		.id = o->id, .began_ms = o->began_ms, .tenant = "", .task = o->model, .variant = "relay", .verdict = "", .stream = o->stream,
		.http = o->http, .status = o->status, .why = o->why, .input_tokens = o->input_tokens, .output_tokens = o->output_tokens,
		.ms = o->ms, .first_ms = o->first_ms, .probability = NAN, .propensity = 1, .subject = o->subject, .input = texts ? o->input : NULL,
		.output = texts && o->path == RELAY_CHAT ? o->output : NULL,
	};

	if (g->journal && journal_call(g->journal, &call))
		keep_attempts(g, o);
}

void gateway_embeddings(struct gateway *g, struct exchange *x)
{
	static const struct chat_fault unknown = { 404, "invalid_request_error", "model_not_found", "model",
						   "embeddings are those of an upstream, named as GET /v1/models lists it" };

	if (!relay_take(g->relay, x, RELAY_EMBEDDINGS))
		reply_fault(x, &unknown);
}
