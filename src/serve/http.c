/* http.c - libmicrohttpd in its polled form: no thread of its own, so that handlers may use what belongs to ours. */
#include "serve/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { WAIT_MS = 250, IDLE_SECONDS = 30, CONNECTIONS = 64 };

struct http_server {
	struct MHD_Daemon *daemon;
	http_handler *handler;
	void *context;
	int port;
};

/* "127.0.0.1:8090" and "localhost:8090", and nothing else that a browser could have been told to call us. */
static bool is_own_host(const struct http_server *s, const char *host)
{
	static const char *const names[] = { "127.0.0.1", "localhost" };
	char own[32];

	for (size_t i = 0; host && i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(own, sizeof(own), "%s:%d", names[i], s->port);
		if (strcmp(host, own) == 0)
			return true;
	}
	return false;
}

static void refuse(struct http_reply *reply, int status, const char *sentence)
{
	reply->status = status;
	buf_addf(&reply->body, "%s\n", sentence);
}

static void answer(const struct http_server *s, struct MHD_Connection *connection, const char *path, const char *method,
		   struct http_reply *reply)
{
	*reply = (struct http_reply){ .status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8" };
	if (!is_own_host(s, MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST)))
		refuse(reply, MHD_HTTP_FORBIDDEN, "This server answers as 127.0.0.1 and localhost alone.");
	else if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		refuse(reply, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD are answered here.");
	else
		s->handler(s->context, path, reply);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct http_reply *reply)
{
	const struct { const char *name, *value; } headers[] = {
		{ MHD_HTTP_HEADER_CONTENT_TYPE, reply->type }, { "X-Content-Type-Options", "nosniff" }, { "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" }, { "Cross-Origin-Resource-Policy", "same-origin" },
		{ MHD_HTTP_HEADER_CACHE_CONTROL, "no-store" },
		{ "Content-Security-Policy", reply->policy ? reply->policy : "default-src 'none'; frame-ancestors 'none'" },
		{ MHD_HTTP_HEADER_ALLOW, reply->status == MHD_HTTP_METHOD_NOT_ALLOWED ? "GET, HEAD" : NULL },
	};
	struct MHD_Response *response =
		MHD_create_response_from_buffer(reply->body.n, (void *)(size_t)buf_text(&reply->body), MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (headers[i].value)
			MHD_add_response_header(response, headers[i].name, headers[i].value);
	result = MHD_queue_response(connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return result;
}

/* Called when the headers are there, and again for a body, which nobody here wants: the reply closes the connection on it. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version,
				  const char *upload, size_t *upload_size, void **request)
{
	struct http_reply reply;
	enum MHD_Result result;

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)request;
	answer(context, connection, url, method, &reply);
	result = send_reply(connection, &reply);
	buf_release(&reply.body);
	return result;
}

static int bound_port(struct MHD_Daemon *daemon)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}

struct http_server *http_open(int port, http_handler *handler, void *context, struct error *err)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct http_server *s = mem_zero(1, sizeof(*s));

	s->handler = handler;
	s->context = context;
	errno = 0;
	s->daemon = MHD_start_daemon(MHD_NO_FLAG, (uint16_t)port, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &here,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT,
				     (unsigned)CONNECTIONS, MHD_OPTION_END);
	if (s->daemon) {
		s->port = bound_port(s->daemon);
		return s;
	}
	error_set(err, "cannot listen on 127.0.0.1, port %d (%s); name another with --port, or 0 for any that is free", port,
		  errno ? strerror(errno) : "it is taken");
	free(s);
	return NULL;
}

int http_port(const struct http_server *s)
{
	return s->port;
}

void http_run(struct http_server *s, bool (*stopped)(void *context), void *context)
{
	while (!stopped(context))
		MHD_run_wait(s->daemon, WAIT_MS);
}

void http_close(struct http_server *s)
{
	if (!s)
		return;
	MHD_stop_daemon(s->daemon);
	free(s);
}
