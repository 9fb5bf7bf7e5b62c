/* Against a server in a child process, which answers one connection after another by what the path asks for. */
#include "test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/client.h"

static int port, closed_port;
static pid_t child;

static int listen_here(int *at)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof address;
	int s = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s, (struct sockaddr *)&address, n), 0);
	assert_int_equal(listen(s, 64), 0);
	getsockname(s, (struct sockaddr *)&address, &n);
	*at = ntohs(address.sin_port);
	return s;
}

static const struct {
	const char *path, *answer;
	bool hang;
} answers[] = {
	{ "/good", "HTTP/1.1 200 OK\r\nConnection: close\r\nX-One: 1\r\nContent-Length: 5\r\n\r\nhello", false },
	{ "/busy", "HTTP/1.1 429 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait", false },
	{ "/cut", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", false },
	{ "/chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", false },
	{ "/headers", "", true },
	{ "/first", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", true },
	{ "/between", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", true },
};

static void serve(int s)
{
	for (;;) {
		char request[4096] = { 0 };
		int c = accept(s, NULL, NULL);
		ssize_t got = read(c, request, sizeof request - 1);
		for (size_t i = 0; got > 0 && i < sizeof answers / sizeof *answers; i++) {
			char start[64];
			snprintf(start, sizeof start, " %s ", answers[i].path);
			if (!strstr(request, start))
				continue;
			if (write(c, answers[i].answer, strlen(answers[i].answer)) >= 0 && answers[i].hang)
				got = read(c, request, 1); /* until the client goes */
		}
		close(c);
	}
}

static int begin(void **state)
{
	(void)state;
	int s = listen_here(&port);
	close(listen_here(&closed_port));
	child = fork();
	if (child == 0)
		serve(s);
	close(s);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}

struct seen {
	enum http_end end;
	int status, calls, again;
	char body[64], why[512], retry[16];
	struct client *client;
	struct http_request *request;
};

static void note(void *context, const struct http_response *r)
{
	struct seen *seen = context;
	const char *retry = http_header(r, "retry-AFTER");
	seen->end = r->end;
	seen->status = r->status;
	seen->calls++;
	snprintf(seen->body, sizeof seen->body, "%s", r->body);
	snprintf(seen->why, sizeof seen->why, "%s", r->why ? r->why : "");
	snprintf(seen->retry, sizeof seen->retry, "%s", retry ? retry : "");
	if (seen->again-- > 0)
		assert_true(client_send(seen->client, seen->request, NULL));
}

static struct seen ask(const char *path, int at, struct http_request r, int again, bool stop)
{
	struct error err;
	char url[128];
	snprintf(url, sizeof url, "http://127.0.0.1:%d%s", at, path);
	struct seen seen = { .client = client_open(&err), .request = &r, .again = again };
	r.method = "GET", r.url = url, r.done = note, r.context = &seen;
	assert_true(client_send(seen.client, &r, &err));
	if (stop)
		client_stop(seen.client);
	while (client_in_flight(seen.client))
		client_run(seen.client, 1000);
	client_free(seen.client);
	return seen;
}

static void ends_are_told_apart(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		struct http_request request;
		enum http_end end;
		int status;
		const char *body, *why;
	} rows[] = {
		{ "/good", { 0 }, HTTP_ANSWERED, 200, "hello", "" },
		{ "/busy", { 0 }, HTTP_ANSWERED, 429, "wait", "" },
		{ "/cut", { 0 }, HTTP_CUT, 200, "hello", "broke" },
		{ "/chunk", { 0 }, HTTP_CUT, 200, "", "broke" },
		{ "/good", { .most_bytes = 3 }, HTTP_TOO_LARGE, 200, "", "larger" },
		{ "/headers", { .timeouts.headers_ms = 30 }, HTTP_TIMEOUT, 0, "", "limit headers" },
		{ "/first", { .timeouts.first_ms = 30 }, HTTP_TIMEOUT, 200, "", "limit first byte" },
		{ "/between", { .timeouts.between_ms = 30 }, HTTP_TIMEOUT, 200, "hello", "limit between" },
		{ "/headers", { .timeouts.total_ms = 30 }, HTTP_TIMEOUT, 0, "", "limit total" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct seen seen = ask(rows[i].path, port, rows[i].request, 0, false);
		assert_int_equal(seen.end, rows[i].end);
		assert_int_equal(seen.status, rows[i].status);
		assert_string_equal(seen.body, rows[i].body);
		assert_non_null(strstr(seen.why, rows[i].why));
	}
	assert_int_equal(ask("/good", closed_port, (struct http_request){ 0 }, 0, false).end, HTTP_UNREACHED);
}

static void headers_stops_and_the_next(void **state)
{
	(void)state;
	assert_string_equal(ask("/busy", port, (struct http_request){ 0 }, 0, false).retry, "7");
	assert_int_equal(ask("/good", port, (struct http_request){ 0 }, 0, true).end, HTTP_STOPPED);
	assert_int_equal(ask("/good", port, (struct http_request){ 0 }, 20, false).calls, 21);
}

/* Two requests that hang, of which one is ended: it alone is told, at once. */
static void one_request_is_cancelled(void **state)
{
	(void)state;
	static const struct { const char *path; } rows[] = { { "/headers" }, { "/first" }, { "/between" } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err;
		char url[2][128];
		struct client *client = client_open(&err);
		struct seen seen[2] = { { .calls = 0 }, { .calls = 0 } };
		for (int k = 0; k < 2; k++) {
			snprintf(url[k], sizeof url[k], "http://127.0.0.1:%d%s", port, k == 0 ? rows[i].path : "/good");
			const struct http_request r = { .method = "GET", .url = url[k], .done = note, .context = &seen[k] };
			assert_true(client_send(client, &r, &err));
		}
		client_cancel(client, &seen[0]);
		assert_int_equal(seen[0].calls, 1);
		assert_int_equal(seen[0].end, HTTP_STOPPED);
		assert_int_equal(seen[1].calls, 0);
		while (client_in_flight(client))
			client_run(client, 1000);
		assert_int_equal(seen[0].calls, 1);
		assert_int_equal(seen[1].end, HTTP_ANSWERED);
		client_free(client);
	}
}

struct pieces {
	struct client *client;
	int heads, status, pieces, dones;
	enum http_end end;
	bool one;
};

static void take_head(void *context, const struct http_response *r)
{
	struct pieces *p = context;
	const char *value = http_header(r, "x-one");
	p->heads++;
	p->status = r->status;
	p->one = value && strcmp(value, "1") == 0;
}

static bool take_piece(void *context, const char *bytes, size_t n)
{
	struct pieces *p = context;
	(void)bytes, (void)n;
	p->pieces++;
	if (p->client)
		client_cancel(p->client, p);
	return true;
}

static void take_end(void *context, const struct http_response *r)
{
	struct pieces *p = context;
	p->dones++;
	p->end = r->end;
}

/* The head comes before the first piece of a 2xx body, and of no other; a piece may end its own request. */
static void heads_come_before_pieces(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		bool cancel;
		int heads, status, pieces;
		enum http_end end;
	} rows[] = {
		{ "/good", false, 1, 200, 1, HTTP_ANSWERED },
		{ "/busy", false, 0, 0, 0, HTTP_ANSWERED },
		{ "/between", true, 1, 200, 1, HTTP_STOPPED },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err;
		char url[128];
		struct client *client = client_open(&err);
		struct pieces p = { .client = rows[i].cancel ? client : NULL };
		snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, rows[i].path);
		const struct http_request r = { .method = "GET", .url = url, .head = take_head, .piece = take_piece, .done = take_end, .context = &p };
		assert_true(client_send(client, &r, &err));
		while (client_in_flight(client))
			client_run(client, 1000);
		assert_int_equal(p.heads, rows[i].heads);
		assert_int_equal(p.status, rows[i].status);
		assert_int_equal(p.pieces, rows[i].pieces);
		assert_int_equal(p.end, rows[i].end);
		assert_int_equal(p.dones, 1);
		if (strcmp(rows[i].path, "/good") == 0)
			assert_true(p.one);
		client_free(client);
	}
}

static void thousands_are_all_answered(void **state)
{
	(void)state;
	enum { together = 32, all = 2000 };
	struct error err;
	char url[128];
	snprintf(url, sizeof url, "http://127.0.0.1:%d/good", port);
	struct http_request r = { .method = "GET", .url = url, .done = note };
	struct seen seen = { .client = client_open(&err), .request = &r, .again = all - together };
	r.context = &seen;
	for (int i = 0; i < together; i++)
		assert_true(client_send(seen.client, &r, &err));
	while (client_in_flight(seen.client)) {
		client_run(seen.client, 1000);
		assert_int_equal(seen.end, HTTP_ANSWERED);
	}
	assert_int_equal(seen.calls, all);
	client_free(seen.client);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ends_are_told_apart), cmocka_unit_test(headers_stops_and_the_next),
					     cmocka_unit_test(one_request_is_cancelled), cmocka_unit_test(heads_come_before_pieces),
					     cmocka_unit_test(thousands_are_all_answered) };
	return cmocka_run_group_tests(tests, begin, finish);
}
