/* server.c - libmicrohttpd's connections, suspended while nobody has anything to say to them. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/server_inner.h"
#include "serve/tls.h"

enum { CONNECTIONS = 4096, IDLE_SECONDS = 120, CONNECTION_BYTES = 24 << 10, WAIT_MS = 250 };
static const size_t most_body_usual = (size_t)16 << 20;
static const double request_usual_ms = 30e3, idle_usual_ms = IDLE_SECONDS * 1e3;

struct counted {
	size_t lengths, codings, hosts, spaced;
};

static enum MHD_Result count_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct counted *c = context;

	(void)kind, (void)value;
	c->lengths += strcasecmp(name, "Content-Length") == 0;
	c->codings += strcasecmp(name, "Transfer-Encoding") == 0;
	c->hosts += strcasecmp(name, "Host") == 0;
	c->spaced += name[strcspn(name, " \t")] != '\0'; /* "Content-Length : 5" is no header (RFC 9112, 5.1), and others may take it for one */
	return MHD_YES;
}

/* Two ways to say where a request ends are how one is smuggled behind another. */
static bool is_ambiguous(struct exchange *x)
{
	struct counted c = { 0 };

	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, count_header, &c);
	return c.lengths + c.codings > 1 || c.hosts > 1 || c.spaced > 0;
}

static void begin_phase(struct line *line, enum phase phase)
{
	if (!line)
		return;
	line->phase = phase;
	line->since = clock_ms();
}

static struct exchange *exchange_new(struct server *s, struct MHD_Connection *connection, const char *path, const char *method)
{
	struct exchange *x = mem_zero(1, sizeof(*x));
	struct line *line = line_of(connection);

	*x = (struct exchange){ .server = s, .connection = connection, .path = mem_string(path), .method = mem_string(method),
				.began = line ? line->since : clock_ms() };
	arena_init(&x->arena);
	if (line)
		line->exchange = x;
	s->exchanges++;
	return x;
}

static enum MHD_Result queue(struct exchange *x)
{
	struct MHD_Response *response = x->response;
	enum MHD_Result result = MHD_queue_response(x->connection, (unsigned)x->status, response);

	x->response = NULL;
	MHD_destroy_response(response);
	return result;
}

/* "127.0.0.1:8080" and its like: what nobody else's name was made to point at (DNS rebinding). Clients leave out the port that is the scheme's own. */
static bool is_own_host(const struct server *s, const char *host)
{
	static const char *const names[] = { "127.0.0.1", "localhost", "[::1]" };
	char own[32];

	for (size_t i = 0; host && i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(own, sizeof(own), "%s:%d", names[i], s->port);
		if (strcmp(host, own) == 0 || (s->port == (s->secret ? 443 : 80) && strcmp(host, names[i]) == 0))
			return true;
	}
	return false;
}

/* A browser says from which page a request comes: one that changes something, whatever the host's own page may be. */
static bool is_foreign(const struct server *s, struct exchange *x)
{
	const char *host = exchange_header(x, MHD_HTTP_HEADER_HOST), *origin = exchange_header(x, MHD_HTTP_HEADER_ORIGIN);
	const char *scheme = s->secret ? "https://" : "http://";
	size_t n = strlen(scheme);

	return !is_own_host(s, host) || (origin && (strncmp(origin, scheme, n) != 0 || strcmp(origin + n, host) != 0));
}

/* The headers are there. What is refused now has its body not read. */
static enum MHD_Result begin(struct server *s, struct exchange *x)
{
	const char *length = exchange_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);
	const char *coding = exchange_header(x, MHD_HTTP_HEADER_TRANSFER_ENCODING);
	const struct line *line = line_of(x->connection);

	if (is_ambiguous(x))
		exchange_refuse(x, MHD_HTTP_BAD_REQUEST, "the request says more than once how long it is, or to whom it goes");
	else if (line && line->cut_path)
		exchange_refuse(x, MHD_HTTP_BAD_REQUEST, "the address has a NUL in it");
	else if (s->settings.own_host && is_foreign(s, x))
		exchange_refuse(x, MHD_HTTP_FORBIDDEN, "this server answers as 127.0.0.1 and localhost, and no page of another");
	else if (coding && strcasecmp(coding, "chunked") != 0)
		exchange_refuse(x, MHD_HTTP_NOT_IMPLEMENTED, "a body may come with a Content-Length, or chunked, and in no other coding");
	else if (length && strtoull(length, NULL, 10) > s->settings.most_body)
		exchange_refuse(x, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than this server takes");
	else if (s->settings.head)
		s->settings.head(s->settings.context, x);
	return x->response ? queue(x) : MHD_YES;
}

static void take(struct exchange *x, const char *bytes, size_t n)
{
	if (x->body.n + n <= x->server->settings.most_body)
		buf_add(&x->body, bytes, n);
	else
		x->too_large = true;
}

static enum MHD_Result whole(struct server *s, struct exchange *x)
{
	if (s->ending)
		return MHD_NO; /* the connection is closed */
	begin_phase(line_of(x->connection), BUSY);
	x->inside = true;
	if (x->too_large) {
		exchange_refuse(x, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than this server takes");
	} else {
		x->stage = ASKED;
		s->settings.handler(s->settings.context, x);
	}
	x->inside = false;
	if (x->response)
		return queue(x);
	if (has_left(x))
		return MHD_NO;
	exchange_rest(x);
	return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
				  const char *upload, size_t *n_upload, void **request)
{
	struct server *s = context;
	struct exchange *x = *request;

	(void)version;
	if (!x) {
		*request = x = exchange_new(s, connection, path, method);
		return begin(s, x);
	}
	if (*n_upload > 0) {
		take(x, upload, *n_upload);
		*n_upload = 0;
		return MHD_YES;
	}
	if (x->response) /* the answer to one that was suspended */
		return queue(x);
	if (x->stage == COMING)
		return whole(s, x);
	return x->stage == CUT || has_left(x) ? MHD_NO : MHD_YES;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request, enum MHD_RequestTerminationCode why)
{
	struct server *s = context;
	struct exchange *x = *request;
	struct line *line = line_of(connection);

	(void)why;
	begin_phase(line, IDLE);
	if (line)
		line->exchange = NULL;
	if (!x)
		return;
	if (x->gone)
		x->gone(x->context);
	if (x->response)
		MHD_destroy_response(x->response);
	arena_release(&x->arena);
	buf_release(&x->body);
	buf_release(&x->out);
	free(x->path);
	free(x->method);
	free(x);
	s->exchanges--;
	*request = NULL;
}

static int socket_of(const struct line *line)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(line->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* A client that closes its side has gone: what is suspended would not hear of it. */
static void note_left(struct line *line)
{
	line->left_at = line->left ? line->left_at : clock_ms();
	line->left = true;
	if (line->exchange)
		exchange_wake(line->exchange);
}

static void see_who_left(struct server *s)
{
	struct epoll_event events[64];
	int n = epoll_wait(s->watch, events, sizeof(events) / sizeof(events[0]), 0);

	for (int i = 0; i < n; i++)
		if (events[i].data.ptr)
			note_left(events[i].data.ptr);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode what)
{
	struct server *s = context;
	struct line *line = *socket_context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = line = mem_zero(1, sizeof(*line));
		*line = (struct line){ .server = s, .connection = connection, .since = clock_ms(), .phase = COMES, .next = s->lines.next, .before = &s->lines };
		line->next->before = s->lines.next = line;
		epoll_ctl(s->watch, EPOLL_CTL_ADD, socket_of(line), &(struct epoll_event){ .events = EPOLLRDHUP | EPOLLET, .data.ptr = line });
	} else if (line) {
		epoll_ctl(s->watch, EPOLL_CTL_DEL, socket_of(line), NULL);
		line->before->next = line->next;
		line->next->before = line->before;
		free(line);
		*socket_context = NULL;
	}
}

/* Called for each request line: the first byte of a request on a kept connection was read just before. */
static void *on_line(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct line *line = line_of(connection);

	(void)context;
	if (line && line->phase == IDLE)
		begin_phase(line, COMES);
	if (line)
		line->cut_path = strstr(uri, "%00") != NULL;
	return NULL;
}

/* What it had sent before it closed its side has been read by now; libmicrohttpd does not always see that nothing more can come. */
static bool is_half_there(const struct line *line, double now)
{
	return line->left && line->phase != BUSY && now > line->left_at + WAIT_MS;
}

/* Requests that come a byte at a time keep no connection for ever. */
static void sweep(struct server *s)
{
	const double most[] = { [COMES] = s->settings.request_ms, [BUSY] = INFINITY, [IDLE] = s->settings.idle_ms };
	double now = clock_ms();

	if (now < s->swept + fmin(WAIT_MS, fmin(s->settings.request_ms, s->settings.idle_ms)))
		return;
	s->swept = now;
	for (struct line *line = s->lines.next; line != &s->lines; line = line->next)
		if (now > line->since + most[line->phase] || is_half_there(line, now))
			shutdown(socket_of(line), SHUT_RDWR);
}

/* ---- the server ---- */

static bool parse_address(const struct server_settings *settings, struct sockaddr_storage *out, struct error *err)
{
	const char *address = settings->address ? settings->address : "127.0.0.1";
	struct sockaddr_in *four = (struct sockaddr_in *)(void *)out;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)out;
	uint16_t port = htons((uint16_t)settings->port);

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = port;
		return true;
	}
	if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = port;
		return true;
	}
	return error_set(err, "\"%s\" is no address to listen on; give one such as 127.0.0.1, 0.0.0.0 or ::1", address);
}

static struct MHD_Daemon *start(struct server *s, const struct sockaddr_storage *address)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (address->ss_family == AF_INET6 ? MHD_USE_IPv6 : 0) | (s->secret ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)tls_retrieve },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(size_t)TLS_VERSIONS }, { MHD_OPTION_END, 0, NULL },
	};

	return MHD_start_daemon(flags, (uint16_t)s->settings.port, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, address,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT,
				(unsigned)s->settings.connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
				MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
				on_connection, s, MHD_OPTION_URI_LOG_CALLBACK, on_line, s, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u,
				MHD_OPTION_ARRAY, s->secret ? tls : &tls[2], MHD_OPTION_END);
}

struct server *server_open(const struct server_settings *settings, struct client *client, struct error *err)
{
	struct sockaddr_storage address;
	struct server *s;

	if (!parse_address(settings, &address, err))
		return NULL;
	s = mem_zero(1, sizeof(*s));
	s->settings = *settings;
	s->settings.most_body = settings->most_body ? settings->most_body : most_body_usual;
	s->settings.connections = settings->connections ? settings->connections : CONNECTIONS;
	s->settings.request_ms = settings->request_ms > 0 ? settings->request_ms : request_usual_ms;
	s->settings.idle_ms = settings->idle_ms > 0 ? settings->idle_ms : idle_usual_ms;
	s->secret = settings->tls != NULL;
	s->client = client;
	s->lines.next = s->lines.before = &s->lines;
	s->due = INFINITY;
	s->watch = epoll_create1(EPOLL_CLOEXEC);
	errno = 0;
	s->daemon = start(s, &address);
	if (!s->daemon) {
		error_set(err, "cannot listen on %s, port %d (%s); name another with --port, or 0 for any that is free",
			  settings->address ? settings->address : "127.0.0.1", settings->port, errno ? strerror(errno) : "it is taken");
		close(s->watch);
		free(s);
		return NULL;
	}
	s->port = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	epoll_ctl(s->watch, EPOLL_CTL_ADD, MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
		  &(struct epoll_event){ .events = EPOLLIN });
	return s;
}

int server_port(const struct server *s)
{
	return s->port;
}

size_t server_exchanges(const struct server *s)
{
	return s->exchanges;
}

void server_quiesce(struct server *s)
{
	MHD_socket listening = MHD_quiesce_daemon(s->daemon);

	s->quiet = true;
	if (listening != MHD_INVALID_SOCKET)
		close(listening);
}

void server_due(struct server *s, double at_ms)
{
	s->due = fmin(s->due, at_ms);
}

void server_run(struct server *s, bool (*stopped)(void *context), void *context)
{
	tls_use(s->settings.tls);
	while (!stopped(context)) {
		MHD_UNSIGNED_LONG_LONG due;
		double wait = WAIT_MS;

		s->due = INFINITY;
		client_move(s->client); /* what came for clients goes out before anybody waits again */
		if (s->settings.turn)
			s->settings.turn(s->settings.context);
		MHD_run(s->daemon);
		if (MHD_get_timeout(s->daemon, &due) == MHD_YES)
			wait = fmin(wait, (double)due);
		client_wait(s->client, s->watch, fmax(fmin(wait, s->due - clock_ms()), 0));
		see_who_left(s);
		sweep(s);
	}
}

void server_free(struct server *s)
{
	if (!s)
		return;
	s->ending = true;
	for (struct line *line = s->lines.next; line != &s->lines; line = line->next)
		note_left(line);
	MHD_run(s->daemon); /* it must not be stopped while a connection is suspended */
	MHD_stop_daemon(s->daemon);
	close(s->watch);
	free(s);
}
