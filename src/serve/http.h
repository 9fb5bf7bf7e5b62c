/* http.h - a small HTTP server for this machine alone: it listens on 127.0.0.1, and one thread answers, each reply as a whole.
 *
 * It refuses what is not meant for it before a handler sees it: another Host than its own (a page elsewhere whose name was made to
 * point here, DNS rebinding) and methods that change something. Each reply forbids guessing its type, framing it and keeping it.
 * libmicrohttpd does the protocol. */
#ifndef RUNG_SERVE_HTTP_H
#define RUNG_SERVE_HTTP_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

struct http_reply {
	int status;         /* 200 unless the handler says otherwise */
	const char *type;   /* "text/html; charset=utf-8", static */
	const char *policy; /* its content security policy, static or as long-lived as the body; NULL: nothing runs in it */
	struct buf body;    /* the handler fills it, the server releases it */
};

/* path is what stands before '?'; the reply begins as 200, text/plain, empty. */
typedef void http_handler(void *context, const char *path, struct http_reply *reply);

struct http_server;

/* port 0: any that is free. NULL and a sentence on failure. Borrows context. */
struct http_server *http_open(int port, http_handler *handler, void *context, struct error *err);
int http_port(const struct http_server *s);
/* Answers until stopped says so, which is asked at least four times a second. */
void http_run(struct http_server *s, bool (*stopped)(void *context), void *context);
void http_close(struct http_server *s);

#endif
