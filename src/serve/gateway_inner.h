/* gateway_inner.h - what the gateway's routes share. Private to src/serve. */
#ifndef RUNG_SERVE_GATEWAY_INNER_H
#define RUNG_SERVE_GATEWAY_INNER_H

#include "base/uuid.h"
#include "serve/chat.h"
#include "serve/gateway.h"
#include "serve/governor.h"
#include "serve/journal.h"
#include "serve/relay.h"

struct gateway {
	const struct gateway_settings *settings;
	struct client *client;
	struct server *server;
	struct journal *journal; /* NULL: nothing is written down */
	struct seat *seats;      /* (n_tasks) */
	struct governor *governor;
	struct relay *relay;     /* NULL: no upstream is asked */
	uint64_t created;
	double stop_by;          /* 0: nobody has asked for it */
};

enum { ID_PREFIX = 9 }; /* "chatcmpl-" */

/* The body is sent and released. */
void reply_json(struct exchange *x, int status, struct buf *body);
void reply_events(struct exchange *x, struct buf *body);
void reply_text(struct exchange *x, int status, const char *text);
void reply_fault(struct exchange *x, const struct chat_fault *fault);

/* POST /v1/chat/completions; and what comes back from the workers. (gateway_chat.c) */
void gateway_chat(struct gateway *g, struct exchange *x);
void gateway_take_back(struct question *q);
/* POST /v1/embeddings, and what became of a request to an upstream: context is the gateway (gateway_relay.c) */
void gateway_embeddings(struct gateway *g, struct exchange *x);
void gateway_relayed(void *context, const struct relay_outcome *outcome);
/* POST /v1/feedback (gateway_feedback.c) */
void gateway_feedback(struct gateway *g, struct exchange *x);

#endif
