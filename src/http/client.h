/* client.h - HTTP requests, many in flight at once, through libcurl's multi interface in the thread that calls.
 *
 * What is sent, and what a status means, is the callers' business; nothing is sent twice by itself and no redirect is followed, since
 * either could pay or show a key twice. Proxies and certificates as curl's users expect: http_proxy, https_proxy, no_proxy, CURL_CA_BUNDLE
 * and SSL_CERT_FILE in the environment. Connections are kept and used again. One thread at a time per struct client. */
#ifndef RUNG_HTTP_CLIENT_H
#define RUNG_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* What may take how long, in milliseconds; 0: as long as it likes. */
struct http_timeouts {
	double connect_ms; /* until the connection stands, TLS included */
	double headers_ms; /* from there to the end of the headers */
	double first_ms;   /* from the headers to the first byte of the body */
	double between_ms; /* between two pieces of the body */
	double total_ms;   /* all of it */
};

enum http_end {
	HTTP_ANSWERED,  /* the whole response is there; status says which */
	HTTP_UNREACHED, /* no connection: refused, no such host, TLS; nothing was sent */
	HTTP_TIMEOUT,   /* one of the five passed */
	HTTP_CUT,       /* the connection ended, or broke the protocol, before the response did */
	HTTP_TOO_LARGE, /* the body passed most_bytes */
	HTTP_STOPPED,   /* by `piece`, client_cancel() or client_stop() */
};

struct http_header {
	const char *name, *value; /* as they came; names differ by more than case */
};

struct http_response {
	enum http_end end;
	int status;         /* 0: the headers did not come */
	const struct http_header *headers;
	size_t n_headers;
	const char *body;   /* (n_body) as far as it came, decompressed; a NUL stands behind it. "" where `piece` took it */
	size_t n_body;
	const char *why;    /* unless HTTP_ANSWERED: a clause, "no connection to HOST: ..." */
	double ms, first_ms; /* from client_send() to the end, and to the first byte of the body; first_ms 0: none came */
};

/* The value of a header, its name in any case; NULL: it is not there. */
const char *http_header(const struct http_response *r, const char *name);

struct http_request {
	const char *method; /* "GET", "POST", "DELETE" */
	const char *url;
	const char *const *headers; /* (n_headers) "Name: value" */
	size_t n_headers;
	const char *body; /* (n_body); NULL: none */
	size_t n_body;
	struct http_timeouts timeouts;
	size_t most_bytes; /* of the body; 0: 64 MiB */
	/* Before the first piece of it: status and headers; nothing else is known yet. NULL: nobody wants to know. */
	void (*head)(void *context, const struct http_response *response);
	/* Each piece of a 2xx body as it comes, in place of response.body; false stops the request. NULL: it is collected. */
	bool (*piece)(void *context, const char *bytes, size_t n);
	/* Once for each request sent; the response is valid during the call, which may send others. */
	void (*done)(void *context, const struct http_response *response);
	void *context;
};

struct client;

struct client *client_open(struct error *err);
void client_free(struct client *h); /* ends what is in flight without a word */

/* Sends it; everything but the body (borrowed until `done`) is copied. False and a sentence for a URL that is none, and from inside
 * `piece`: `done` may send, `piece` may not. */
bool client_send(struct client *h, const struct http_request *request, struct error *err);
size_t client_in_flight(const struct client *h);
/* Moves bytes and calls `done` until something has ended, at most so many milliseconds; at once when nothing is in flight. */
void client_run(struct client *h, double most_ms);
/* For a loop that waits for more than answers. client_move() moves bytes and calls `piece` and `done`; client_wait() waits for the next of
 * them, for the descriptor `also` to become readable, or for client_wake(), at most so many milliseconds. */
void client_move(struct client *h);
void client_wait(struct client *h, int also, double most_ms);
void client_wake(struct client *h); /* from any thread: ends that waiting */
/* The requests of that context; `done` is told HTTP_STOPPED before this returns, or, from inside `piece`, soon after it. */
void client_cancel(struct client *h, const void *context);
void client_stop(struct client *h); /* all that is in flight; `done` is told HTTP_STOPPED */

#endif
