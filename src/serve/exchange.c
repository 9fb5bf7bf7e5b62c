/* exchange.c - one request and its reply: what is asked of it, and how the reply gets to libmicrohttpd, whole or in pieces. */
#include <string.h>

#include "serve/server_inner.h"

enum { BLOCK = 16 << 10 };

static void add_headers(const struct server *s, struct MHD_Response *response, reply_headers headers)
{
	static const char *const always[] = { "X-Content-Type-Options", "nosniff", "X-Frame-Options", "DENY", "Referrer-Policy", "no-referrer" };

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i += 2)
		MHD_add_response_header(response, always[i], always[i + 1]);
	if (s->quiet)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	for (; headers && *headers; headers += 2)
		if (headers[1])
			MHD_add_response_header(response, headers[0], headers[1]);
}

void exchange_wake(struct exchange *x)
{
	if (!x->suspended)
		return;
	x->suspended = false;
	MHD_resume_connection(x->connection);
}

struct line *line_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

bool has_left(const struct exchange *x)
{
	const struct line *line = line_of(x->connection);

	return line && line->left;
}

void exchange_rest(struct exchange *x)
{
	x->suspended = true;
	MHD_suspend_connection(x->connection);
}

/* Queued now when libmicrohttpd is asking, else when it asks again after the connection was resumed. */
static void hand_over(struct exchange *x, int status, struct MHD_Response *response)
{
	x->response = response;
	x->status = status;
	if (!x->inside)
		exchange_wake(x);
}

void exchange_reply(struct exchange *x, int status, reply_headers headers, const char *body, size_t n)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(n, (void *)(size_t)body, MHD_RESPMEM_MUST_COPY);

	add_headers(x->server, response, headers);
	x->stage = ANSWERED;
	x->gone = NULL;
	hand_over(x, status, response);
}

/* libmicrohttpd asks for more of the body. */
static ssize_t read_on(void *context, uint64_t at, char *bytes, size_t most)
{
	struct exchange *x = context;
	size_t n = x->out.n - x->sent;

	(void)at;
	if (has_left(x))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0 && x->stage == ENDED)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0 && x->stage == CUT)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0) {
		exchange_rest(x);
		return 0;
	}
	n = n < most ? n : most;
	memcpy(bytes, x->out.data + x->sent, n);
	x->sent += n;
	if (x->sent == x->out.n) {
		buf_clear(&x->out);
		x->sent = 0;
	}
	return (ssize_t)n;
}

void exchange_begin(struct exchange *x, int status, reply_headers headers)
{
	struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_on, x, NULL);

	add_headers(x->server, response, headers);
	x->stage = FLOWING;
	hand_over(x, status, response);
}

void exchange_write(struct exchange *x, const char *bytes, size_t n)
{
	buf_add(&x->out, bytes, n);
	if (!x->response) /* else it has not been asked for the first time */
		exchange_wake(x);
}

size_t exchange_waiting(const struct exchange *x)
{
	return x->out.n - x->sent;
}

static void end_as(struct exchange *x, enum stage stage)
{
	x->stage = stage;
	x->gone = NULL;
	if (!x->response)
		exchange_wake(x);
}

void exchange_end(struct exchange *x)
{
	end_as(x, ENDED);
}

void exchange_cut(struct exchange *x)
{
	end_as(x, CUT);
}

void exchange_watch(struct exchange *x, void (*gone)(void *context), void *context)
{
	x->gone = gone;
	x->context = context;
}

const char *exchange_method(const struct exchange *x)
{
	return x->method;
}

const char *exchange_path(const struct exchange *x)
{
	return x->path;
}

const char *exchange_header(struct exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

const char *exchange_query(struct exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *exchange_body(const struct exchange *x, size_t *n)
{
	*n = x->body.n;
	return buf_text(&x->body);
}

struct arena *exchange_arena(struct exchange *x)
{
	return &x->arena;
}

double exchange_began_ms(const struct exchange *x)
{
	return x->began;
}

void exchange_refuse(struct exchange *x, int status, const char *sentence)
{
	static const char *const headers[] = { "Content-Type", "application/json", "Connection", "close", NULL };
	struct buf body = { 0 };

	buf_addf(&body, "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}", sentence);
	exchange_reply(x, status, headers, body.data, body.n);
	buf_release(&body);
}
