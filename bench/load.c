/* load.c - requests to one address, open or closed loop, and how long they took; for bench/serve.py.
 *
 *     load URL [-n REQUESTS] [-r PER_SECOND] [-c CONNECTIONS] [-H HEADER] [-b FILE] [-w WARMUP] [-i SECONDS]
 *
 * Open loop (-r): request i is meant for start + i / rate and its time counts from then, whether or not a connection was free, so that a server
 * that stalls is charged for all who would have come (coordinated omission; Tene, "How not to measure latency"). Without -r each connection
 * sends its next request when it has its reply. -b: a file of bodies, one a line, in turn. -i: opens so many streams (-c), waits, and reads
 * nothing more: what an idle one costs. Events of bench/upstream.c say when they were sent; how long they were under way is `event`.
 * Prints one JSON object; times are in milliseconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "stats/quantile.h"

enum { EVENTS = 256 };

struct times {
	double *ms;
	size_t n, capacity;
};

struct connection {
	int fd;
	bool busy;
	size_t request;
	double meant, first; /* ms; first: byte of a body */
	struct buf in;
	size_t scanned;      /* of in, for events */
};

static struct sockaddr_in address;
static char *path, *host;
static struct buf headers; /* lines */
static struct buf *bodies;
static size_t n_bodies, requests = 1000, warmup = 50;
static size_t next_request, done, failed, counted;
static double rate, began;
static struct times whole, first, under_way;
static int watch;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void note(struct times *t, double ms)
{
	if (t->n == t->capacity) {
		t->capacity = t->capacity ? 2 * t->capacity : 1024;
		t->ms = mem_resize(t->ms, t->capacity, sizeof(*t->ms));
	}
	t->ms[t->n++] = ms;
}

/* ---- connections ---- */

static bool connect_one(struct connection *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return false;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return epoll_ctl(watch, EPOLL_CTL_ADD, c->fd, &e) == 0;
}

static bool reconnect(struct connection *c)
{
	close(c->fd);
	return connect_one(c);
}

static void send_request(struct connection *c, size_t i, double meant)
{
	const struct buf *body = &bodies[i % n_bodies];
	struct buf out = { 0 };

	buf_addf(&out, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: */*\r\n", path, host);
	buf_add(&out, buf_text(&headers), headers.n);
	buf_addf(&out, "Content-Length: %zu\r\n\r\n", body->n);
	buf_add(&out, body->data, body->n);
	c->busy = true;
	c->request = i;
	c->meant = meant;
	c->first = NAN;
	buf_clear(&c->in);
	c->scanned = 0;
	for (size_t at = 0; at < out.n;) {
		ssize_t sent = send(c->fd, out.data + at, out.n - at, MSG_NOSIGNAL);

		if (sent <= 0)
			break; /* the reply that never comes is a failure */
		at += (size_t)sent;
	}
	buf_release(&out);
}

/* ---- replies ---- */

/* Whether the reply is whole; *closes: its connection ends with it. */
static bool is_whole(const struct connection *c, bool ended, bool *closes)
{
	const char *end = c->in.n ? strstr(c->in.data, "\r\n\r\n") : NULL, *length;

	*closes = ended;
	if (!end)
		return false;
	length = strcasestr(c->in.data, "\r\ncontent-length:");
	const char *close_line = strcasestr(c->in.data, "\r\nconnection: close");

	*closes = ended || (close_line && close_line < end);
	if (length && length < end)
		return c->in.n >= (size_t)(end - c->in.data) + 4 + strtoul(length + 17, NULL, 10);
	return ended || (c->in.n >= 5 && memcmp(c->in.data + c->in.n - 5, "0\r\n\r\n", 5) == 0);
}

/* The nanoseconds between two '@' that have come since. */
static void scan_events(struct connection *c, double now)
{
	const char *end = c->in.data + c->in.n;

	for (const char *at; (at = memchr(c->in.data + c->scanned, '@', (size_t)(end - c->in.data) - c->scanned));) {
		const char *close_at = memchr(at + 1, '@', (size_t)(end - at) - 1);

		if (!close_at)
			break;
		if (c->request >= warmup)
			note(&under_way, now - (double)strtoll(at + 1, NULL, 10) / 1e6);
		c->scanned = (size_t)(close_at - c->in.data) + 1;
	}
}

static void finish(struct connection *c, double now)
{
	bool good = c->in.n > 12 && strncmp(c->in.data + 9, "200", 3) == 0;

	c->busy = false;
	done++;
	failed += good ? 0 : 1;
	if (!good && getenv("SHOW"))
		fprintf(stderr, "%s\n", buf_text(&c->in));
	if (!good || c->request < warmup)
		return;
	counted++;
	note(&whole, now - c->meant);
	if (!isnan(c->first))
		note(&first, c->first - c->meant);
}

static void take(struct connection *c)
{
	char bytes[65536];
	ssize_t got = recv(c->fd, bytes, sizeof(bytes), 0);
	double now = now_ms();
	bool closes;

	if (got > 0) {
		buf_add(&c->in, bytes, (size_t)got);
		const char *end = strstr(c->in.data, "\r\n\r\n");

		if (isnan(c->first) && end && c->in.n > (size_t)(end - c->in.data) + 4)
			c->first = now;
		scan_events(c, now);
	}
	bool over = is_whole(c, got <= 0, &closes);

	if (c->busy && (over || got <= 0))
		finish(c, now);
	if ((closes || got <= 0) && !reconnect(c)) {
		fprintf(stderr, "load: the server is gone\n");
		exit(1);
	}
}

/* ---- loops ---- */

/* Sends what may be sent; returns the milliseconds until the next, -1: a reply comes first. */
static double send_due(struct connection *c, size_t n)
{
	for (size_t i = 0; i < n && next_request < requests; i++) {
		double now = now_ms(), meant = rate > 0 ? began + (double)next_request * 1e3 / rate : now;

		if (c[i].busy)
			continue;
		if (meant > now)
			return meant - now;
		send_request(&c[i], next_request++, meant);
	}
	return -1;
}

static void run(struct connection *c, size_t n)
{
	struct epoll_event events[EVENTS];

	began = now_ms();
	while (done < requests) {
		double wait = send_due(c, n);
		struct timespec t = { (time_t)(wait / 1e3), (long)(fmod(wait, 1e3) * 1e6) };
		int got = epoll_pwait2(watch, events, EVENTS, wait < 0 ? &(struct timespec){ 30, 0 } : &t, NULL);

		if (got == 0 && wait < 0) {
			fprintf(stderr, "load: no reply for 30 s\n");
			exit(1);
		}
		for (int i = 0; i < got; i++)
			take(events[i].data.ptr);
	}
}

static void run_idle(struct connection *c, size_t n, double seconds)
{
	began = now_ms();
	for (size_t i = 0; i < n; i++)
		send_request(&c[i], i, now_ms());
	while (now_ms() < began + seconds * 1e3) {
		struct epoll_event events[EVENTS];
		int got = epoll_wait(watch, events, EVENTS, 100);

		for (int i = 0; i < got; i++)
			take(events[i].data.ptr);
	}
	for (size_t i = 0; i < n; i++)
		done += isnan(c[i].first) ? 0 : 1;
}

static void print_times(const char *name, struct times *t)
{
	if (t->n == 0)
		return;
	printf(", \"%s\": {\"n\": %zu, \"p50\": %.4f, \"p90\": %.4f, \"p99\": %.4f, \"p999\": %.4f, \"max\": %.4f}", name, t->n, quantile(t->ms, t->n, .5),
	       quantile(t->ms, t->n, .9), quantile(t->ms, t->n, .99), quantile(t->ms, t->n, .999), quantile(t->ms, t->n, 1));
}

/* ---- what is asked for ---- */

static void read_url(const char *url)
{
	char *copy = mem_string(url), *slash = strchr(copy + 7, '/'), *colon;

	path = mem_string(slash ? slash : "/");
	if (slash)
		*slash = '\0';
	host = mem_string(copy + 7);
	colon = strchr(copy + 7, ':');
	address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(colon ? colon + 1 : "80", NULL, 10)),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	free(copy);
}

static void read_bodies(const char *file)
{
	struct error err;
	size_t length;
	char *text = file_read(file, (size_t)1 << 30, &length, &err);

	if (!text) {
		fprintf(stderr, "load: %s\n", err.text);
		exit(1);
	}
	for (char *line = text, *end; line < text + length; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + length - line));
		end = end ? end : text + length;
		if (end == line)
			continue;
		bodies = mem_resize(bodies, n_bodies + 1, sizeof(*bodies));
		bodies[n_bodies] = (struct buf){ 0 };
		buf_add(&bodies[n_bodies++], line, (size_t)(end - line));
	}
	free(text);
}

int main(int argc, char **argv)
{
	const char *file = NULL;
	size_t n = 1;
	double idle = 0;
	struct rlimit files;

	for (int opt; (opt = getopt(argc, argv, "n:r:c:H:b:w:i:")) != -1;) {
		switch (opt) {
		case 'n': requests = strtoul(optarg, NULL, 10); break;
		case 'r': rate = strtod(optarg, NULL); break;
		case 'c': n = strtoul(optarg, NULL, 10); break;
		case 'H': buf_addf(&headers, "%s\r\n", optarg); break;
		case 'b': file = optarg; break;
		case 'w': warmup = strtoul(optarg, NULL, 10); break;
		case 'i': idle = strtod(optarg, NULL); break;
		default: return 2;
		}
	}
	if (optind >= argc || !file || n == 0)
		return 2;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	read_url(argv[optind]);
	read_bodies(file);
	watch = epoll_create1(0);
	struct connection *c = mem_zero(n, sizeof(*c));

	for (size_t i = 0; i < n; i++) {
		if (!connect_one(&c[i])) {
			fprintf(stderr, "load: %s does not answer\n", argv[optind]);
			return 1;
		}
	}
	if (idle > 0)
		run_idle(c, n, idle);
	else
		run(c, n);
	double seconds = (now_ms() - began) / 1e3;

	printf("{\"done\": %zu, \"failed\": %zu, \"seconds\": %.4f, \"per_second\": %.2f", done, failed, seconds, (double)done / seconds);
	print_times("whole", &whole);
	print_times("first", &first);
	print_times("event", &under_way);
	printf("}\n");
	return 0;
}
