/* gateway.h - one process that serves every task on the rung that won it, through the API that people use already.
 *
 *     POST /v1/chat/completions   model "rung/TASK" or "TASK": the input is the last user message, as `rung ask` takes it; "rung/auto": of
 *                                 the task that the router says (router.h), else of the default;
 *                                 or an upstream: passed on byte for byte (relay.h);
 *                                 or a model of this machine, asked as it is
 *     POST /v1/responses          the same in the newer form
 *     POST /v1/embeddings         of an upstream, or of a model of this machine
 *     POST /v1/feedback           {"id": of a reply, "value": true | 0.7} or {"id", "comment"} or {"id", "demonstration"}, and "name"
 *     GET /v1/models              the tasks, the models of this machine, the upstreams, and "rung/auto" where there is a router
 *     GET /metrics                what was counted, as Prometheus reads it
 *     GET /                       the page: what was served, and how it went (board.h)
 *     GET /healthz, /readyz       the process is there; it takes questions, and is not being stopped; tasks that have fallen
 *
 * One thread has the connections (server.h), each verdict its own (seat.h, worker.h); one more says which verdict answers (governor.h). */
#ifndef RUNG_SERVE_GATEWAY_H
#define RUNG_SERVE_GATEWAY_H

#include "cost/price.h"
#include "serve/relay.h"
#include "serve/server.h"
#include "serve/verdict.h"

/* A model of this machine, asked as it is under its name alone, in a thread of its own. */
struct gateway_model {
	const char *name;
	bool embeds; /* it embeds texts, and answers no prompts */
	worker_answer *answer;
	void *context;
};

struct gateway_settings {
	const struct gateway_task *tasks; /* (n_tasks) borrowed */
	size_t n_tasks;
	const struct gateway_model *models; /* (n_models) borrowed */
	size_t n_models;
	const struct relay_upstream *upstreams; /* (n_upstreams) borrowed */
	size_t n_upstreams;
	worker_answer *route; /* says which task an input is for, as router_answer() does; NULL: nobody does, and there is no "rung/auto" */
	void *route_context;
	const char *route_default; /* task or upstream that gets what is for none of the tasks; NULL: 404 */
	struct http_timeouts timeouts; /* of upstreams; 0: as relay.h says */
	const char *journal; /* file in which calls and feedback are kept (store/served.h); NULL: none */
	bool keep_texts;     /* inputs and outputs, too */
	const char *keys;    /* file of those who may ask (keys.h); NULL: no key is asked for, and only this machine is answered */
	size_t cache_bytes;  /* of answers kept for who asks the same; 0: none are */
	const struct price_table *prices; /* of upstreams; NULL: none are known */
	double share;        /* of calls that a new verdict gets at first; 0: .1; 1: all of them at once */
	bool shadow;         /* it is asked as well, and not shown, in place of a share */
	const char *address; /* NULL: 127.0.0.1 */
	int port;
	const char *access_log; /* file that gets a line of JSON for each call, "-": standard output; NULL: none */
	const char *otlp;       /* collector of traces, "http://127.0.0.1:4318"; NULL: none */
	const char *certificate, *certificate_key; /* files in PEM form (tls.h); both NULL: plain HTTP */
	double drain_ms;     /* what is being answered when it is told to stop has so long; 0: 30 s */
	/* A sentence about what goes wrong beside the answers, from whatever thread. NULL: nobody listens. */
	void (*notice)(void *context, const char *sentence);
	void (*ready)(void *context, const char *address); /* it listens: "http://127.0.0.1:8080" */
	bool (*stopped)(void *context);
	/* What could not be taken from a store should be tried again: true once for each wish (serve/governor.h). NULL: never. */
	bool (*again)(void *context);
	void *context;
};

/* Serves until `stopped` says so, then answers what is there. False and a sentence when it cannot begin. */
bool gateway_run(const struct gateway_settings *settings, struct error *err);

#endif
