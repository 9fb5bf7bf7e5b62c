/* server.h - HTTP/1.1 for many clients in one thread: a request comes whole, its reply goes when it is ready, whole or in pieces.
 *
 * libmicrohttpd speaks the protocol, in its epoll form without a thread of its own. server_run() waits for it, for the requests that go
 * out through the same loop (http/client.h), and for a wake from other threads (client_wake()); everything below is for its thread
 * alone. TLS is libmicrohttpd's, too. It ends what is not meant to be: requests that take too long to come, bodies and headers that are too large, lengths given
 * twice over (RFC 9112, 6.3). */
#ifndef RUNG_SERVE_SERVER_H
#define RUNG_SERVE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "http/client.h"

struct exchange; /* one request and its reply */
struct tls;

struct server_settings {
	const char *address;  /* IPv4 or IPv6; NULL: 127.0.0.1 */
	int port;             /* 0: any that is free */
	struct tls *tls;      /* whose certificate it shows (tls.h), borrowed; NULL: plain HTTP */
	bool own_host;        /* only what is meant for 127.0.0.1, localhost or ::1 at that port is taken, and nothing that a page from elsewhere
			       * sends: 403 */
	size_t most_body;     /* bytes of a request; 0: 16 MiB */
	size_t connections;   /* 0: 4,096 */
	double request_ms;    /* for a request to come whole; 0: 30 s */
	double idle_ms;       /* for the next to begin on a kept connection; 0: 120 s */
	/* Its headers are there, its body is not: what is replied to now has its body not read, and its connection ends. NULL: all are read. */
	void (*head)(void *context, struct exchange *x);
	/* A request is there. It is answered now or later, by exchange_reply() or exchange_begin(). */
	void (*handler)(void *context, struct exchange *x);
	/* After each turn of the loop: what other threads have finished is taken here. NULL: nothing is. */
	void (*turn)(void *context);
	void *context;
};

struct server;

/* NULL and a sentence on failure. Borrows client: what it is sent goes on while the server runs. */
struct server *server_open(const struct server_settings *settings, struct client *client, struct error *err);
int server_port(const struct server *s);
/* Until stopped says so, which is asked at least four times a second and after each wake. */
void server_run(struct server *s, bool (*stopped)(void *context), void *context);
/* `turn` is called again at that time (clock_ms()) at the latest; each call of it has to say so anew. */
void server_due(struct server *s, double at_ms);
void server_quiesce(struct server *s);              /* no new connection is taken; those that are there end with their reply */
size_t server_exchanges(const struct server *s);    /* that have no whole reply yet */
void server_free(struct server *s);                 /* ends what is still open; who watches is told */

const char *exchange_method(const struct exchange *x);
const char *exchange_path(const struct exchange *x); /* what stands before '?', decoded once */
const char *exchange_header(struct exchange *x, const char *name); /* its name in any case; NULL: not there */
const char *exchange_query(struct exchange *x, const char *name);
const char *exchange_body(const struct exchange *x, size_t *n); /* a NUL stands behind it */
struct arena *exchange_arena(struct exchange *x);    /* lives as long as the exchange */
double exchange_began_ms(const struct exchange *x);  /* clock_ms() when its connection was accepted, or its first byte read on a kept one */

/* "Name", "value", ..., NULL; a value NULL leaves its header out. Some go with every reply: no guessing of types, no framing. */
typedef const char *const *reply_headers;

/* The whole reply; the body is copied. The exchange is the server's again. */
void exchange_reply(struct exchange *x, int status, reply_headers headers, const char *body, size_t n);

/* A reply in pieces, which go out as they are written. It ends by exchange_end(), or by exchange_cut(): then the connection breaks, so that
 * the client sees that the reply is not whole. The exchange is the server's again after either. */
void exchange_begin(struct exchange *x, int status, reply_headers headers);
void exchange_write(struct exchange *x, const char *bytes, size_t n);
size_t exchange_waiting(const struct exchange *x); /* bytes of them that the client has not taken yet */
void exchange_end(struct exchange *x);
void exchange_cut(struct exchange *x);
/* Who is told when the client goes away, or the server ends, before the reply is whole: the exchange is gone then. A client that closes its
 * sending side has gone. */
void exchange_watch(struct exchange *x, void (*gone)(void *context), void *context);

#endif
