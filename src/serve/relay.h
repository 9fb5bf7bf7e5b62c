/* relay.h - requests passed on to upstreams, models that are asked elsewhere over HTTP, and their replies passed back as they come.
 *
 * A body goes out as it came but for the model's name (relay_body.h), and comes back as the upstream sent it; headers are passed by name
 * (relay_pass.c), so that no key goes further than the machine it is for. Nothing is sent to the client before the first byte of a
 * good body is there. Until then
 *     408, 409, 429, 5xx and no connection   are tried again (model/pace.h: jitter, Retry-After, a budget), then the fallback is asked
 *     a limit that passed, a broken reply     is not tried again, since it may have been paid; the fallback is asked
 *     anything else                           is the reply
 * and an upstream that fails again and again is left alone (breaker.h). Once the first byte was sent, a reply that breaks off ends with an
 * event that says so and a broken connection, never as if it were whole; events that end without [DONE], or without the last of a response, have broken off. A client that goes
 * away ends the request to the upstream. */
#ifndef RUNG_SERVE_RELAY_H
#define RUNG_SERVE_RELAY_H

#include "base/uuid.h"
#include "http/client.h"
#include "serve/relay_body.h"
#include "serve/server.h"
#include "serve/trace.h"

struct relay_upstream {
	const char *name;     /* openai:NAME, URL#NAME (model/endpoint.h) */
	const char *fallback; /* the name of another; NULL */
};

enum relay_path { RELAY_CHAT, RELAY_EMBEDDINGS, RELAY_RESPONSES };

/* One request to an upstream. */
struct relay_attempt {
	const char *upstream;
	const char *model, *base; /* as it knows it; where it is */
	char span[TRACE_SPAN];    /* "": the call belongs to no trace */
	uint64_t began_ms;  /* since 1970 */
	const char *status; /* "answered": a whole 2xx; "refused": another status; "unreached", "timeout", "truncated", "aborted" */
	int http;           /* 0: no headers came */
	const char *why;    /* a clause; NULL */
	size_t bytes;       /* of the body, as far as it came */
	double ms, first_ms; /* NAN: nothing came */
};

/* What became of one request; all of it is valid during the call alone. */
struct relay_outcome {
	char id[UUID_TEXT];    /* the reply's header x-rung-id */
	uint64_t began_ms;     /* since 1970 */
	const char *model;     /* as it was asked for */
	enum relay_path path;
	bool stream;
	int http;              /* of our reply */
	const char *status;    /* "answered", "refused", "failed", "truncated", "aborted" */
	const char *why;       /* NULL */
	const char *input;     /* the request's body */
	const char *subject;   /* whom it is about; NULL: it does not say */
	const char *output;    /* the reply's as far as it came; NULL: there is none, or it was too long to keep */
	size_t n_output;
	size_t input_tokens, output_tokens;
	double ms, first_ms;
	const struct relay_attempt *attempts; /* (n_attempts) */
	size_t n_attempts;
	bool whole;            /* a reply of 200 that somebody else who asks the same may have */
	const char *type;      /* its Content-Type; NULL */
	void *asker;           /* of relay_pass() */
};

struct relay_settings {
	const struct relay_upstream *upstreams; /* (n_upstreams) borrowed */
	size_t n_upstreams;
	struct http_timeouts timeouts; /* 0: 10 s to connect; 60 s each to headers, first byte and between pieces; 15 minutes in all. A
					  reply that is not streamed has its headers when it is whole: they may take all of the time */
	void (*ended)(void *context, const struct relay_outcome *outcome);
	void *context;
};

struct relay;

/* NULL and a sentence: a name that is none, a form that is not relayed, a key that is not there, a fallback of nobody, or in a ring. */
struct relay *relay_open(const struct relay_settings *settings, struct error *err);
/* After the server and before the client is gone. */
void relay_free(struct relay *r);
void relay_connect(struct relay *r, struct client *client, struct server *server);

/* What an exchange asks of an upstream. */
struct relay_question {
	const char *upstream; /* its name */
	struct relay_body body;
	const struct trace *trace; /* whose span each attempt is the child of, as its upstream is told; NULL: what the client says is passed on */
};
/* as: the name of one, whatever model the body asks for; NULL: that one. False: it asks for none of them. Else it does, and fault->status says whether what it sent is none that could be passed on. */
bool relay_reads(const struct relay *r, struct exchange *x, const char *as, struct relay_question *out, struct chat_fault *fault);
/* Takes the exchange. asker: is told with the outcome whose it was. */
void relay_pass(struct relay *r, struct exchange *x, enum relay_path path, const struct relay_question *q, void *asker);
void relay_turn(struct relay *r); /* after each turn of the loop: what has waited long enough is tried again */

#endif
