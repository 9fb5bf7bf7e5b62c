/* gateway_inner.h - what the gateway's routes share. Private to src/serve. */
#ifndef RUNG_SERVE_GATEWAY_INNER_H
#define RUNG_SERVE_GATEWAY_INNER_H

#include "base/uuid.h"
#include "serve/access_log.h"
#include "serve/accounts.h"
#include "serve/cache.h"
#include "serve/chat.h"
#include "serve/gateway.h"
#include "serve/governor.h"
#include "serve/journal.h"
#include "serve/metrics.h"
#include "serve/otlp.h"
#include "serve/relay.h"
#include "serve/trace.h"

/* A model of this machine, and the thread that answers for it. */
struct host {
	const struct gateway_model *model;
	struct worker *worker;
};

/* A request that goes on: whose it is, what was reserved for it, and where its answer may be kept. */
struct errand {
	struct claim claim;
	char tenant[KEY_NAME], key[KEY_NAME]; /* "": keys are not used */
	double began_ms;
	double reserved_usd; /* NAN: nobody knows the price */
	bool as_reserved;    /* nobody counted: it took what was reserved */
	bool keeps;          /* under known_as */
	uint8_t known_as[SHA256_BYTES];
	struct trace trace; /* its id "": it belongs to none */
	char path[40];
	const struct relay_outcome *outcome; /* once it was passed on; else NULL */
};

struct board;

struct gateway {
	const struct gateway_settings *settings;
	struct client *client;
	struct server *server;
	struct journal *journal; /* NULL: nothing is written down */
	struct seat *seats;      /* (n_tasks) */
	struct host *hosts;      /* (n_models) */
	struct worker *router;   /* NULL: there is no "rung/auto" */
	struct governor *governor;
	struct relay *relay;     /* NULL: no upstream is asked */
	struct accounts *accounts; /* NULL: no key is asked for */
	struct cache *cache;     /* NULL: nothing is kept for who asks the same */
	struct metrics *metrics;
	struct access_log *access_log; /* NULL: there is none */
	struct otlp *otlp;             /* NULL: nobody collects spans */
	struct board *board;     /* the page */
	struct told *flowing;    /* streams of local models that are under way */
	struct tls *tls;         /* NULL: plain HTTP */
	double look_at, look_at_certificate; /* when the file of keys, and that of the certificate, are looked at again */
	char said[sizeof(((struct error *)0)->text)]; /* what was last wrong with it */
	uint64_t created;
	double stop_by;          /* 0: nobody has asked for it */
};

enum { ID_PREFIX = 9 }; /* "chatcmpl-" */

/* The body is sent and released. */
void reply_json(struct exchange *x, int status, struct buf *body);
void reply_events(struct exchange *x, struct buf *body);
void reply_text(struct exchange *x, int status, const char *text);
void reply_fault(struct exchange *x, const struct chat_fault *fault);

/* The headers of a request are there: large bodies are read from those alone whose key is known. */
void gateway_head(void *context, struct exchange *x);
/* Whether the exchange has a key for that scope, a bit of enum key_scope (0: anybody may); else it is refused. *whose NULL: no key is asked
 * for. (gateway_admit.c) */
bool gateway_lets_in(struct gateway *g, struct exchange *x, unsigned scope, struct account **whose);
bool gateway_may_ask(const struct account *whose, const char *model);
/* Reserves the most that a request may take, USD NAN where nobody knows; else it is refused. */
bool gateway_admit(struct gateway *g, struct exchange *x, struct account *whose, double tokens, double usd, struct errand *out);
/* The end of an errand: what it took is settled, counted and handed to the journal, under its tenant and key. elsewhere_ms: that upstreams took
 * of it; NAN: none was asked. False: it is not in the journal. */
bool gateway_keep(struct gateway *g, const struct served_call *call, struct errand *e, double elsewhere_ms);
/* What others are told of a call that has ended, and of what was refused before; neither is waited for. (gateway_tell.c) */
bool gateway_open_tellers(struct gateway *g, struct error *err);
void gateway_close_tellers(struct gateway *g);
void gateway_begin_trace(struct gateway *g, struct exchange *x, struct errand *e);
void gateway_tell(struct gateway *g, const struct served_call *call, const struct errand *e);
void gateway_tell_refusal(struct gateway *g, const struct account *whose, int http, const char *code);
bool gateway_open_keys(struct gateway *g, struct error *err);
void gateway_look_at_keys(struct gateway *g);

/* Whether the answer is kept: then the exchange has its reply, or the question its answer. Else the errand knows where it may be kept.
 * (gateway_cache.c) */
bool gateway_knows_reply(struct gateway *g, struct exchange *x, enum relay_path path, const struct relay_question *q, struct errand *e);
bool gateway_knows_answer(struct gateway *g, struct exchange *x, const char *task, const char *verdict, struct question *q, struct errand *e);
void gateway_keep_reply(struct gateway *g, const struct relay_outcome *o, const struct errand *e);
void gateway_keep_answer(struct gateway *g, const struct question *q, const struct errand *e);

/* GET /metrics (gateway_metrics.c) */
void gateway_metrics(struct gateway *g, struct exchange *x, struct account *whose);
/* POST /v1/chat/completions; and what comes back from the workers. (gateway_chat.c) */
void gateway_chat(struct gateway *g, struct exchange *x, struct account *whose);
void gateway_responses(struct gateway *g, struct exchange *x, struct account *whose); /* POST /v1/responses */
void gateway_take_back(struct question *q);
/* The model of this machine of that name; NULL: none that this key may ask. It is asked, and what comes back from its worker; what streams
 * have said goes out. (gateway_local.c) */
struct host *gateway_host(struct gateway *g, const char *model, const struct account *whose);
void gateway_ask_model(struct gateway *g, struct exchange *x, struct host *host, const struct chat_request *request, struct account *whose);
void gateway_embed(struct gateway *g, struct exchange *x, struct host *host, struct account *whose);
void gateway_take_back_told(struct question *q);
void gateway_flow(struct gateway *g);
/* Whether it asks for an upstream: then it is taken, or refused. as: the upstream's name, whatever model the body asks for; NULL: that one.
 * (gateway_relay.c) */
bool gateway_passes(struct gateway *g, struct exchange *x, enum relay_path path, const char *as, struct account *whose);
/* POST /v1/embeddings, and what became of a request to an upstream: context is the gateway */
void gateway_embeddings(struct gateway *g, struct exchange *x, struct account *whose);
void gateway_relayed(void *context, const struct relay_outcome *outcome);
/* Has the task, or the local model, of that name asked; false: there is none, and the exchange is still the caller's. */
bool gateway_ask_task(struct gateway *g, struct exchange *x, const char *task, const struct chat_request *request, struct account *whose);
/* What asks for "rung/auto"; and what comes back from the router. (gateway_auto.c) */
bool gateway_is_auto(const struct gateway *g, const char *model);
void gateway_route(struct gateway *g, struct exchange *x, const struct chat_request *request, struct account *whose);
void gateway_take_routed(struct question *q);
/* POST /v1/feedback; and what its body says is written down, or why not. (gateway_feedback.c) */
bool gateway_say(struct gateway *g, const struct account *whose, const char *said, size_t n, struct arena *arena, struct chat_fault *fault);
void gateway_feedback(struct gateway *g, struct exchange *x, struct account *whose);

#endif
