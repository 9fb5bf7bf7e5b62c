/* serve_server.c - the server, from its socket: requests in every cut, what must not be taken for one, and clients that go away. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "serve/server.h"
#include "test.h"

enum { MOST_BODY = 64 << 10, GIVE_UP_S = 120 };

/* A server in a thread of its own. It echoes; what is asked at /hold is kept until the test says what to do with it. */
struct host {
	struct client *client;
	struct server *server;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct exchange *held;
	char command; /* 0: none */
	int handled, gone;
	atomic_bool stop;
};

static void on_gone(void *context)
{
	struct host *h = context;

	pthread_mutex_lock(&h->mutex);
	h->held = NULL;
	h->gone++;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->mutex);
}

static void on_request(void *context, struct exchange *x)
{
	static const char *const headers[] = { "Content-Type", "text/plain", "X-Left-Out", NULL, NULL };
	struct host *h = context;
	struct buf out = { 0 };
	size_t n;
	const char *body = exchange_body(x, &n);
	bool hold = strcmp(exchange_path(x), "/hold") == 0;

	pthread_mutex_lock(&h->mutex);
	h->handled++;
	if (hold) {
		h->held = x;
		exchange_watch(x, on_gone, h);
	}
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->mutex);
	if (hold)
		return;
	buf_addf(&out, "%s %s %zu ", exchange_method(x), exchange_path(x), n);
	buf_add(&out, body, n);
	exchange_reply(x, 200, headers, out.data, out.n);
	buf_release(&out);
}

static void obey(struct host *h, struct exchange *x, char command)
{
	switch (command) {
	case 'r': exchange_reply(x, 200, NULL, "late", 4); break;
	case 'b': exchange_begin(x, 200, NULL); break;
	case 'w': exchange_write(x, "piece", 5); break;
	case 'e': exchange_end(x); break;
	default: exchange_cut(x);
	}
	if (strchr("rec", command))
		h->held = NULL;
}

static void on_turn(void *context)
{
	struct host *h = context;

	pthread_mutex_lock(&h->mutex);
	if (h->command == 'q')
		server_quiesce(h->server);
	else if (h->command && h->held)
		obey(h, h->held, h->command);
	h->command = 0;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->mutex);
}

static bool is_over(void *context)
{
	return atomic_load(&((struct host *)context)->stop);
}

static void *serve(void *context)
{
	struct host *h = context;

	server_run(h->server, is_over, h);
	server_free(h->server);
	return NULL;
}

static void host_open(struct host *h, double request_ms, double idle_ms)
{
	struct error err;
	const struct server_settings settings = { .most_body = MOST_BODY, .request_ms = request_ms, .idle_ms = idle_ms, .handler = on_request,
						  .turn = on_turn, .context = h };

	*h = (struct host){ .client = client_open(&err) };
	pthread_mutex_init(&h->mutex, NULL);
	pthread_cond_init(&h->changed, NULL);
	h->server = server_open(&settings, h->client, &err);
	if (!h->server)
		fail_msg("%s", err.text);
	alarm(GIVE_UP_S); /* nothing below waits with a limit of its own */
	pthread_create(&h->thread, NULL, serve, h);
}

static void host_close(struct host *h)
{
	atomic_store(&h->stop, true);
	client_wake(h->client);
	pthread_join(h->thread, NULL);
	client_free(h->client);
	pthread_mutex_destroy(&h->mutex);
	pthread_cond_destroy(&h->changed);
}

static void tell(struct host *h, char command)
{
	pthread_mutex_lock(&h->mutex);
	h->command = command;
	client_wake(h->client);
	while (h->command)
		pthread_cond_wait(&h->changed, &h->mutex);
	pthread_mutex_unlock(&h->mutex);
}

static void await(struct host *h, const int *count, int want)
{
	pthread_mutex_lock(&h->mutex);
	while (*count < want)
		pthread_cond_wait(&h->changed, &h->mutex);
	assert_int_equal(*count, want);
	pthread_mutex_unlock(&h->mutex);
}

/* ---- a client that is nothing but a socket ---- */

static int dial(const struct host *h)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(h->server)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* False: the other side has closed. */
static bool put(int fd, const char *bytes, size_t n)
{
	for (ssize_t sent; n > 0; bytes += sent, n -= (size_t)sent)
		if ((sent = send(fd, bytes, n, MSG_NOSIGNAL)) <= 0)
			return false;
	return true;
}

static void say(int fd, const char *text)
{
	put(fd, text, strlen(text));
}

static void read_until(int fd, struct buf *in, const char *end)
{
	char piece[4096];

	while (!strstr(buf_text(in), end)) {
		ssize_t n = recv(fd, piece, sizeof(piece), 0);

		if (n <= 0)
			fail_msg("closed before \"%s\": %s", end, buf_text(in));
		buf_add(in, piece, (size_t)n);
	}
}

static void read_all(int fd, struct buf *in)
{
	char piece[4096];

	for (ssize_t n; (n = recv(fd, piece, sizeof(piece), 0)) > 0;)
		buf_add(in, piece, (size_t)n);
	close(fd);
}

/* What the whole of it is answered with, on a connection of its own. The caller releases. */
static struct buf answered(const struct host *h, const char *request)
{
	struct buf in = { 0 };
	int fd = dial(h);

	say(fd, request);
	read_all(fd, &in);
	buf_adds(&in, "");
	return in;
}

static void expect(struct buf in, const char *start, const char *within)
{
	if (strncmp(buf_text(&in), start, strlen(start)) != 0 || !strstr(buf_text(&in), within))
		fail_msg("wanted %s ... %s, got: %s", start, within, buf_text(&in));
	buf_release(&in);
}

#define LAST "Host: a\r\nConnection: close\r\n"

static const char post[] = "POST /echo?x=1 HTTP/1.1\r\n" LAST "Content-Length: 5\r\n\r\nhello";

/* ---- requests ---- */

static void a_request_comes_byte_by_byte(void **state)
{
	(void)state;
	struct host h;
	struct buf in = { 0 };

	host_open(&h, 0, 0);
	int fd = dial(&h);

	for (size_t i = 0; i + 1 < sizeof(post); i++)
		put(fd, post + i, 1);
	read_all(fd, &in);
	expect(in, "HTTP/1.1 200", "\r\n\r\nPOST /echo 5 hello");
	host_close(&h);
}

static void headers_go_with_every_reply(void **state)
{
	(void)state;
	struct host h;

	host_open(&h, 0, 0);
	struct buf in = answered(&h, post);

	assert_non_null(strstr(in.data, "X-Content-Type-Options: nosniff"));
	assert_non_null(strstr(in.data, "X-Frame-Options: DENY"));
	assert_non_null(strstr(in.data, "Content-Type: text/plain"));
	assert_null(strstr(in.data, "X-Left-Out"));
	buf_release(&in);
	host_close(&h);
}

static void pipelined_ones_are_answered_in_order(void **state)
{
	(void)state;
	struct host h;
	struct buf in = { 0 };

	host_open(&h, 0, 0);
	int fd = dial(&h);

	say(fd, "GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
	say(fd, "POST /three HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
	say(fd, "GET /four HTTP/1.1\r\n" LAST "\r\n");
	await(&h, &h.handled, 2);
	tell(&h, 'r');
	read_all(fd, &in);
	const char *one = strstr(in.data, "GET /one 0"), *two = one ? strstr(one, "late") : NULL, *three = two ? strstr(two, "POST /three 3 abc") : NULL;

	assert_non_null(three);
	assert_non_null(strstr(three, "GET /four 0"));
	buf_release(&in);
	host_close(&h);
}

static void a_connection_is_kept(void **state)
{
	(void)state;
	struct host h;
	struct buf in = { 0 };

	host_open(&h, 0, 0);
	int fd = dial(&h);

	say(fd, "HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
	read_until(fd, &in, "\r\n\r\n");
	assert_non_null(strstr(in.data, "Content-Length: "));
	assert_string_equal(strstr(in.data, "\r\n\r\n"), "\r\n\r\n");
	for (int i = 0; i < 3; i++) {
		buf_clear(&in);
		say(fd, "POST /kept HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
		read_until(fd, &in, "POST /kept 3 abc");
	}
	tell(&h, 'q');
	buf_clear(&in);
	say(fd, "GET /last HTTP/1.1\r\nHost: a\r\n\r\n");
	read_all(fd, &in); /* which ends: no more is taken here */
	assert_non_null(strstr(in.data, "Connection: close"));
	expect(in, "HTTP/1.1 200", "GET /last 0");
	host_close(&h);
}

static void a_body_is_asked_for(void **state)
{
	(void)state;
	struct host h;
	struct buf in = { 0 };

	host_open(&h, 0, 0);
	int fd = dial(&h);

	say(fd, "POST /c HTTP/1.1\r\n" LAST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	read_until(fd, &in, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "ok");
	buf_clear(&in);
	read_all(fd, &in);
	expect(in, "HTTP/1.1 200", "POST /c 2 ok");
	expect(answered(&h, "POST /c HTTP/1.1\r\n" LAST "Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n"), "HTTP/1.1 413", "larger");
	host_close(&h);
}

/* ---- what is refused ---- */

static void too_large_a_body_is_refused(void **state)
{
	(void)state;
	struct host h;
	struct buf request = { 0 }, in = { 0 };

	host_open(&h, 0, 0);
	expect(answered(&h, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n"), "HTTP/1.1 413", "larger than this server takes");
	buf_adds(&request, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 65; i++)
		buf_addf(&request, "400\r\n%01024d\r\n", 0);
	buf_adds(&request, "0\r\n\r\n");
	expect(answered(&h, request.data), "HTTP/1.1 413", "larger than this server takes");
	assert_int_equal(h.handled, 0);
	buf_clear(&request);
	buf_addf(&request, "POST / HTTP/1.1\r\n" LAST "Content-Length: 65536\r\n\r\n%065536d", 0);
	in = answered(&h, request.data);
	expect(in, "HTTP/1.1 200", "POST / 65536 0000");
	buf_release(&request);
	host_close(&h);
}

static const char *const ambiguous[] = {
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
	"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
	"GET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n",
};

static void ambiguous_ones_are_refused(void **state)
{
	(void)state;
	struct host h;

	host_open(&h, 100, 0); /* what comes behind a refusal is not waited for */
	for (size_t i = 0; i < ARRAY_SIZE(ambiguous); i++) {
		struct buf in = answered(&h, ambiguous[i]);

		if (strncmp(buf_text(&in), "HTTP/1.1 400", 12) != 0 && strncmp(buf_text(&in), "HTTP/1.1 501", 12) != 0)
			fail_msg("%s answered by %s", ambiguous[i], buf_text(&in));
		buf_release(&in);
	}
	assert_int_equal(h.handled, 0);
	host_close(&h);
}

static void giant_headers_are_refused(void **state)
{
	(void)state;
	struct host h;
	struct buf in = { 0 };
	char *large = malloc(30000);

	host_open(&h, 0, 0);
	int fd = dial(&h);

	memset(large, 'x', 30000);
	say(fd, "GET / HTTP/1.1\r\nHost: a\r\nX-Large: ");
	put(fd, large, 30000);
	read_all(fd, &in);
	assert_int_equal(h.handled, 0);
	assert_true(in.n == 0 || strncmp(in.data, "HTTP/1.1 4", 10) == 0); /* its reply may have been run over by what still came */
	buf_release(&in);
	expect(answered(&h, post), "HTTP/1.1 200", "hello");
	free(large);
	host_close(&h);
}

/* The loop ends what dawdles; nobody here waits but for that. */
static void slow_requests_are_ended(void **state)
{
	(void)state;
	static const char *const parts[] = { "", "G", "GET / HTTP/1.1\r\nHos", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhel",
					     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel" };
	struct host h;

	host_open(&h, 100, 0);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct buf in = answered(&h, parts[i]);

		assert_int_equal(in.n, 0);
		buf_release(&in);
	}
	assert_int_equal(h.handled, 0);
	host_close(&h);
}

/* Who closes its side behind half a request has gone, whether or not the bytes and the end came together. */
static void half_requests_end_with_their_client(void **state)
{
	(void)state;
	static const char *const parts[] = { "", "G", "GET / HTTP/1.1\r\nHos", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhel" };
	struct host h;

	host_open(&h, 3600e3, 3600e3);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct buf in = { 0 };
		int fd = dial(&h);

		say(fd, parts[i]);
		shutdown(fd, SHUT_WR);
		read_all(fd, &in); /* in an hour, else */
		buf_release(&in);
	}
	assert_int_equal(h.handled, 0);
	host_close(&h);
}

/* Nor does a byte now and then keep a connection on which something was answered before. */
static void idle_connections_are_ended(void **state)
{
	(void)state;
	struct host h;
	struct buf in = { 0 };

	host_open(&h, 0, 100);
	int fd = dial(&h);

	say(fd, "GET /one HTTP/1.1\r\nHost: a\r\n\r\n");
	read_until(fd, &in, "GET /one 0");
	while (put(fd, "G", 1))
		usleep(1000);
	close(fd);
	assert_int_equal(h.handled, 1);
	buf_release(&in);
	host_close(&h);
}

/* ---- clients that go away ---- */

static void break_off(int fd)
{
	const struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void gone_is_told_once(void **state)
{
	(void)state;
	static const char *const steps[] = { "", "b", "bw", "bww" };
	struct host h;
	int n = 0;

	host_open(&h, 0, 0);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(steps); i++) {
		int fd = dial(&h);
		struct buf in = { 0 };

		say(fd, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
		await(&h, &h.handled, ++n);
		for (const char *c = steps[i / 2]; *c; c++)
			tell(&h, *c);
		if (strchr(steps[i / 2], 'w'))
			read_until(fd, &in, "piece");
		if (i % 2)
			break_off(fd);
		else
			close(fd);
		await(&h, &h.gone, n);
		buf_release(&in);
	}
	expect(answered(&h, post), "HTTP/1.1 200", "hello");
	assert_int_equal(h.gone, n);
	host_close(&h);
}

static void whoever_was_answered_is_not_gone(void **state)
{
	(void)state;
	static const char *const steps[] = { "r", "be", "bwe", "bwc", "bc", "c" };
	struct host h;
	int n = 0;

	host_open(&h, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int fd = dial(&h);
		struct buf in = { 0 };

		say(fd, "GET /hold HTTP/1.1\r\n" LAST "\r\n");
		await(&h, &h.handled, ++n);
		for (const char *c = steps[i]; *c; c++)
			tell(&h, *c);
		read_all(fd, &in);
		buf_release(&in);
	}
	host_close(&h);
	assert_int_equal(h.gone, 0);
}

static void a_cut_reply_is_seen_to_be_cut(void **state)
{
	(void)state;
	struct host h;

	host_open(&h, 0, 0);
	for (int cut = 0; cut < 2; cut++) {
		int fd = dial(&h);
		struct buf in = { 0 };

		say(fd, "GET /hold HTTP/1.1\r\n" LAST "\r\n");
		await(&h, &h.handled, cut + 1);
		tell(&h, 'b');
		tell(&h, 'w');
		read_until(fd, &in, "piece"); /* as it was written, and not only at the end */
		tell(&h, cut ? 'c' : 'e');
		read_all(fd, &in);
		bool whole = in.n > 5 && strcmp(in.data + in.n - 5, "0\r\n\r\n") == 0;

		assert_int_equal(whole, !cut);
		buf_release(&in);
	}
	host_close(&h);
}

static void what_is_held_ends_with_the_server(void **state)
{
	(void)state;
	struct host h;

	for (int flowing = 0; flowing < 2; flowing++) {
		struct buf in = { 0 };

		host_open(&h, 0, 0);
		int fd = dial(&h);

		say(fd, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
		await(&h, &h.handled, 1);
		if (flowing)
			tell(&h, 'b');
		host_close(&h);
		assert_int_equal(h.gone, 1);
		read_all(fd, &in);
		assert_null(strstr(buf_text(&in), "0\r\n\r\n"));
		buf_release(&in);
	}
}

static void a_thousand_stay_open(void **state)
{
	(void)state;
	enum { N = 1000 };
	struct rlimit files;
	struct host h;
	static int fds[N];

	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max < 2 * N + 100)
		skip();
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	host_open(&h, 0, 0);
	for (int i = 0; i < N; i++)
		fds[i] = dial(&h);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < N; i++)
			say(fds[i], "POST /k HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
		for (int i = 0; i < N; i++) {
			struct buf in = { 0 };

			read_until(fds[i], &in, "POST /k 1 x");
			buf_release(&in);
		}
	}
	assert_int_equal(h.handled, 2 * N);
	for (int i = 0; i < N; i++)
		close(fds[i]);
	host_close(&h);
}

static void addresses_are_checked(void **state)
{
	(void)state;
	struct error err;
	struct client *client = client_open(&err);
	const struct server_settings none = { .address = "localhost", .handler = on_request };

	assert_null(server_open(&none, client, &err));
	assert_non_null(strstr(err.text, "\"localhost\" is no address"));
	struct host h;

	host_open(&h, 0, 0);
	const struct server_settings taken = { .port = server_port(h.server), .handler = on_request };

	assert_null(server_open(&taken, client, &err));
	assert_non_null(strstr(err.text, "cannot listen on 127.0.0.1"));
	client_free(client);
	host_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_comes_byte_by_byte), cmocka_unit_test(headers_go_with_every_reply),
		cmocka_unit_test(pipelined_ones_are_answered_in_order), cmocka_unit_test(a_connection_is_kept),
		cmocka_unit_test(a_body_is_asked_for), cmocka_unit_test(too_large_a_body_is_refused),
		cmocka_unit_test(ambiguous_ones_are_refused), cmocka_unit_test(giant_headers_are_refused),
		cmocka_unit_test(slow_requests_are_ended), cmocka_unit_test(half_requests_end_with_their_client), cmocka_unit_test(idle_connections_are_ended), cmocka_unit_test(gone_is_told_once),
		cmocka_unit_test(whoever_was_answered_is_not_gone), cmocka_unit_test(a_cut_reply_is_seen_to_be_cut),
		cmocka_unit_test(what_is_held_ends_with_the_server), cmocka_unit_test(a_thousand_stay_open),
		cmocka_unit_test(addresses_are_checked),
	};

	return cmocka_run_group_tests_name("serve_server", tests, NULL, NULL);
}
