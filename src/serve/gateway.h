/* gateway.h - one process that serves every task on the rung that won it, through the API that people use already.
 *
 *     POST /v1/chat/completions   model "rung/TASK" or "TASK": the input is the last user message, as `rung ask` takes it;
 *                                 or an upstream: passed on byte for byte (relay.h), as is
 *     POST /v1/embeddings
 *     POST /v1/feedback           {"id": of a reply, "value": true | 0.7} or {"id", "comment"} or {"id", "demonstration"}, and "name"
 *     GET /v1/models              the tasks and the upstreams
 *     GET /metrics                what was counted, as Prometheus reads it
 *     GET /healthz, /readyz       the process is there; it takes questions, and is not being stopped
 *
 * One thread has the connections (server.h), each task its own (worker.h). */
#ifndef RUNG_SERVE_GATEWAY_H
#define RUNG_SERVE_GATEWAY_H

#include "cost/price.h"
#include "serve/relay.h"
#include "serve/server.h"
#include "serve/worker.h"

struct gateway_task {
	const char *name;      /* as it is asked for, behind "rung/" */
	const char *verdict;   /* that answers it; NULL: not known before it does */
	worker_answer *answer; /* in a thread of its own */
	void *context;
	double tokens, usd;    /* that an answer before has taken: so much the first is thought to take (usd NAN: nobody knows) */
};

struct gateway_settings {
	const struct gateway_task *tasks; /* (n_tasks) borrowed */
	size_t n_tasks;
	const struct relay_upstream *upstreams; /* (n_upstreams) borrowed */
	size_t n_upstreams;
	struct http_timeouts timeouts; /* of upstreams; 0: as relay.h says */
	const char *journal; /* file in which calls and feedback are kept (store/served.h); NULL: none */
	bool keep_texts;     /* inputs and outputs, too */
	const char *keys;    /* file of those who may ask (keys.h); NULL: no key is asked for, and only this machine is answered */
	size_t cache_bytes;  /* of answers kept for who asks the same; 0: none are */
	const struct price_table *prices; /* of upstreams; NULL: none are known */
	const char *address; /* NULL: 127.0.0.1 */
	int port;
	double drain_ms;     /* what is being answered when it is told to stop has so long; 0: 30 s */
	/* A sentence about what goes wrong beside the answers, from whatever thread. NULL: nobody listens. */
	void (*notice)(void *context, const char *sentence);
	void (*ready)(void *context, const char *address); /* it listens: "http://127.0.0.1:8080" */
	bool (*stopped)(void *context);
	void *context;
};

/* Serves until `stopped` says so, then answers what is there. False and a sentence when it cannot begin. */
bool gateway_run(const struct gateway_settings *settings, struct error *err);

#endif
