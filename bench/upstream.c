/* upstream.c - an OpenAI-shaped upstream without a model and without delay, for bench/serve.py: it answers what it has read whole, at once.
 *
 *     upstream [TOKENS [INTERVAL_MS]]    prints its port; ends with its parent
 *
 * A body with "stream":true gets so many events (32), one each interval (0: all at once), each with the nanosecond at which it was sent
 * between two '@', so that whoever receives it knows how long it was under way. INTERVAL_MS < 0: after the first event nothing comes. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"

enum { MOST_FD = 65536, EVENTS = 256 };

static const char reply[] = "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"zero\",\"choices\":[{\"index\":0,"
			    "\"message\":{\"role\":\"assistant\",\"content\":\"work\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
			    "\"usage\":{\"prompt_tokens\":42,\"completion_tokens\":1,\"total_tokens\":43}}";
static const char stream_head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

struct peer {
	struct buf in;
	size_t left;    /* events still to be sent */
	double due_ms;
	bool streams;
};

static struct peer peers[MOST_FD];
static int tokens = 32;
static double interval_ms;
static int watch;
static int highest; /* fd that streams */

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return;
		bytes += sent > 0 ? sent : 0;
		n -= sent > 0 ? (size_t)sent : 0;
	}
}

static void put_event(int fd, const char *json)
{
	char chunk[1024];
	int n = snprintf(chunk, sizeof(chunk), "%zx\r\ndata: %s\n\n\r\n", strlen(json) + 8, json);

	put(fd, chunk, (size_t)n);
}

static void put_token(int fd)
{
	char json[512];

	snprintf(json, sizeof(json), "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"zero\",\"choices\":[{"
		 "\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"@%lld@\"},\"finish_reason\":null}]}", now_ns());
	put_event(fd, json);
}

static void end_stream(int fd)
{
	peers[fd].streams = false;
	put_event(fd, "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"zero\",\"choices\":[{\"index\":0,"
		      "\"delta\":{},\"finish_reason\":\"stop\"}]}");
	put_event(fd, "[DONE]");
	put(fd, "0\r\n\r\n", 5);
}

/* What is due of the stream now. */
static void go_on(int fd, double now_ms)
{
	struct peer *p = &peers[fd];

	while (p->streams && p->left > 0 && p->due_ms <= now_ms) {
		put_token(fd);
		p->left--;
		p->due_ms += interval_ms;
	}
	if (p->streams && p->left == 0 && interval_ms >= 0)
		end_stream(fd);
}

static void answer(int fd, bool stream)
{
	struct peer *p = &peers[fd];
	char head[128];

	if (!stream) {
		int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", sizeof(reply) - 1);

		put(fd, head, (size_t)n);
		put(fd, reply, sizeof(reply) - 1);
		return;
	}
	put(fd, stream_head, sizeof(stream_head) - 1);
	p->streams = true;
	p->left = interval_ms < 0 ? 1 : (size_t)tokens;
	p->due_ms = (double)now_ns() / 1e6;
	highest = fd > highest ? fd : highest;
	go_on(fd, p->due_ms);
}

/* Bytes of the first request in what has come; 0: it is not whole. */
static size_t whole(const struct buf *in)
{
	const char *end = in->n ? strstr(in->data, "\r\n\r\n") : NULL, *length = end ? strcasestr(in->data, "\r\ncontent-length:") : NULL;
	size_t n = end ? (size_t)(end - in->data) + 4 : 0;

	if (!end)
		return 0;
	n += length && length < end ? (size_t)strtoul(length + 17, NULL, 10) : 0;
	return in->n >= n ? n : 0;
}

static void take(int fd)
{
	struct peer *p = &peers[fd];
	char bytes[65536];
	ssize_t got = recv(fd, bytes, sizeof(bytes), 0);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		p->streams = false;
		p->in.n = 0;
		close(fd);
		return;
	}
	buf_add(&p->in, bytes, (size_t)got);
	for (size_t n; (n = whole(&p->in)) > 0;) {
		bool stream = memmem(p->in.data, n, "\"stream\":true", 13) || memmem(p->in.data, n, "\"stream\": true", 14);

		memmove(p->in.data, p->in.data + n, p->in.n - n + 1);
		p->in.n -= n;
		answer(fd, stream);
	}
}

static void welcome(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || fd >= MOST_FD)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	peers[fd].in.n = 0;
	peers[fd].streams = false;
	epoll_ctl(watch, EPOLL_CTL_ADD, fd, &e);
}

static int listen_anywhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 1024) != 0 || getsockname(fd, (struct sockaddr *)&at, &size) != 0)
		return -1;
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int listener;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	tokens = argc > 1 ? (int)strtol(argv[1], NULL, 10) : tokens;
	interval_ms = argc > 2 ? strtod(argv[2], NULL) : 0;
	watch = epoll_create1(0);
	listener = listen_anywhere();
	if (listener < 0)
		return 1;
	struct epoll_event e = { .events = EPOLLIN, .data.fd = listener };

	epoll_ctl(watch, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int n = epoll_wait(watch, events, EVENTS, highest > 0 && interval_ms > 0 ? 1 : -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				welcome(listener);
			else
				take(events[i].data.fd);
		}
		double now_ms = (double)now_ns() / 1e6;
		int still = 0;

		for (int fd = 0; fd <= highest; fd++) {
			go_on(fd, now_ms);
			still = peers[fd].streams ? fd : still;
		}
		highest = still;
	}
}
