/* server_inner.h - connections and exchanges, as server.c and exchange.c have them. Private to src/serve. */
#ifndef RUNG_SERVE_SERVER_INNER_H
#define RUNG_SERVE_SERVER_INNER_H

#include <microhttpd.h>

#include "base/buf.h"
#include "serve/server.h"

enum stage { COMING, ASKED, ANSWERED, FLOWING, ENDED, CUT };

enum phase { COMES, BUSY, IDLE }; /* a request is half there; it is being answered; the next one has not begun */

/* A connection, from its first byte on: what has not become a request in time is ended. */
struct line {
	struct server *server;
	struct MHD_Connection *connection;
	struct exchange *exchange; /* NULL: none is under way */
	double since;              /* of its phase */
	enum phase phase;
	bool cut_path;             /* the path has a NUL, behind which nobody would look */
	bool left;                 /* the client has closed its side: nobody waits for an answer */
	double left_at;
	struct line *next, *before;
};

struct exchange {
	struct server *server;
	struct MHD_Connection *connection;
	char *path, *method;
	struct arena arena;
	struct buf body, out; /* out: written and not yet sent, from `sent` on */
	size_t sent;
	double began;
	enum stage stage;
	bool inside;    /* the handler is at work: libmicrohttpd waits for what we return */
	bool suspended;
	bool too_large; /* what came of the body; the rest is not kept */
	struct MHD_Response *response; /* ready, and not yet queued */
	int status;
	void (*gone)(void *context);
	void *context;
};

struct server {
	struct server_settings settings;
	struct client *client;
	struct MHD_Daemon *daemon;
	int port;
	bool secret; /* it speaks TLS */
	int watch; /* an epoll: libmicrohttpd's own, which leaves suspended connections alone, and who has left */
	size_t exchanges;
	bool quiet; /* no new connection is taken */
	bool ending; /* nor any request: nobody would hear its answer */
	double swept, due;
	struct line lines; /* a ring */
};

/* Its connection; NULL: there is none any more. */
struct line *line_of(struct MHD_Connection *connection);
bool has_left(const struct exchange *x);
/* The connection waits until somebody has something to say; and does so no more. */
void exchange_rest(struct exchange *x);
void exchange_wake(struct exchange *x);
/* What is refused before anybody was asked; the connection ends with it. */
void exchange_refuse(struct exchange *x, int status, const char *sentence);

#endif
