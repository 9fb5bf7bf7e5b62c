/* fault_http.c - connections: epoll, one thread, one request at a time on each. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "fault.h"

enum { EVENTS = 256, BACKLOG = 4096, SCRATCH = 256 << 10, KEPT = 1 << 20 };

struct connection {
	TAILQ_ENTRY(connection) all, timed;
	int fd;
	struct buf in, out;
	size_t sent;
	bool busy, counted, waits, writes, continued, dead;
	double due;
	enum reply_end end;
	struct bill bill;
};
TAILQ_HEAD(connections, connection);

static struct connections open_ones = TAILQ_HEAD_INITIALIZER(open_ones), timed = TAILQ_HEAD_INITIALIZER(timed),
			  dead = TAILQ_HEAD_INITIALIZER(dead);
static int polled = -1, listener = -1, port_here;
static double refused_until;
static size_t answered;
static const struct connection *current; /* whose request is being answered */

static void watch(int how, int fd, unsigned events, void *who)
{
	struct epoll_event e = { .events = events, .data.ptr = who };

	epoll_ctl(polled, how, fd, &e);
}

/* False where the port is taken for the moment. */
static bool listen_at(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int yes = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (listener < 0 || bind(listener, (struct sockaddr *)&a, n) != 0 || listen(listener, BACKLOG) != 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &n) != 0) {
		close(listener);
		listener = -1;
		return false;
	}
	port_here = ntohs(a.sin_port);
	watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	return true;
}

int http_listen(int port)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	polled = epoll_create1(EPOLL_CLOEXEC);
	if (polled < 0 || !listen_at(port)) {
		fprintf(stderr, "fault_server: port %d: %s\n", port, strerror(errno));
		exit(1);
	}
	return port_here;
}

int http_port(void)
{
	return port_here;
}

static void stop_waiting(struct connection *c)
{
	if (c->waits)
		TAILQ_REMOVE(&timed, c, timed);
	c->waits = false;
}

/* Its memory goes once no event of this round can name it. */
static void end_connection(struct connection *c)
{
	if (c->dead)
		return;
	c->dead = true;
	stop_waiting(c);
	if (c->counted)
		serve_in_flight(-1);
	close(c->fd);
	TAILQ_REMOVE(&open_ones, c, all);
	TAILQ_INSERT_TAIL(&dead, c, all);
}

void http_open(void)
{
	if (listener < 0)
		listen_at(port_here);
}

void http_refuse(double ms)
{
	struct connection *next;

	if (listener >= 0)
		close(listener);
	listener = -1;
	refused_until = clock_ms() + ms;
	for (struct connection *c = TAILQ_FIRST(&open_ones); c; c = next) {
		next = TAILQ_NEXT(c, all);
		if (c != current)
			end_connection(c);
	}
}

static void finish_reply(struct connection *c)
{
	if (c->end == END_HANG)
		return;
	if (c->counted)
		serve_in_flight(-1);
	c->counted = false;
	if (c->bill.due)
		serve_finished(&c->bill);
	answered++;
	if (c->end == END_CLOSE) {
		shutdown(c->fd, SHUT_WR);
		end_connection(c);
		return;
	}
	c->busy = false;
	c->sent = 0;
	if (c->out.capacity > KEPT)
		buf_release(&c->out);
	buf_clear(&c->out);
}

static void send_reply(struct connection *c)
{
	while (c->sent < c->out.n) {
		ssize_t n = send(c->fd, c->out.data + c->sent, c->out.n - c->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			end_connection(c);
			return;
		}
		if (n < 0) {
			if (!c->writes)
				watch(EPOLL_CTL_MOD, c->fd, EPOLLIN | EPOLLOUT, c);
			c->writes = true;
			return;
		}
		c->sent += (size_t)n;
	}
	if (c->writes)
		watch(EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
	c->writes = false;
	finish_reply(c);
}

/* In the order in which they are due; most delays are alike, so the place is near the end. */
static void wait_for(struct connection *c, double ms)
{
	struct connection *before = TAILQ_LAST(&timed, connections);

	c->due = clock_ms() + ms;
	while (before && before->due > c->due)
		before = TAILQ_PREV(before, connections, timed);
	if (before)
		TAILQ_INSERT_AFTER(&timed, before, c, timed);
	else
		TAILQ_INSERT_HEAD(&timed, c, timed);
	c->waits = true;
}

static void answer(struct connection *c, struct request *q)
{
	struct reply r = { 0 };

	current = c;
	serve(q, &r);
	current = NULL;
	c->busy = true;
	c->continued = false;
	c->counted = !r.quiet;
	if (c->counted)
		serve_in_flight(1);
	reply_encode(q, &r, &c->out, &c->end);
	c->bill = r.bill;
	c->bill.due = r.bill.due && !(q->faults & (1u << FAULT_CUT | 1u << FAULT_BAD_CHUNK));
	if (r.delay_ms > 0)
		wait_for(c, r.delay_ms);
	else
		send_reply(c);
	buf_release(&r.body);
	json_decref(q->root);
}

/* One request out of what has come; false: there is none that is whole. */
static bool take_request(struct connection *c)
{
	static const char goes_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct request q;
	size_t taken;
	enum read_result result = request_read(c->in.data, c->in.n, &q, &taken);

	if (result == READ_BAD)
		end_connection(c);
	if (result == READ_MORE && q.continues && !c->continued) {
		c->continued = true;
		if (send(c->fd, goes_on, sizeof(goes_on) - 1, MSG_NOSIGNAL) < 0)
			end_connection(c);
	}
	if (result != READ_DONE)
		return false;
	answer(c, &q);
	memmove(c->in.data, c->in.data + taken, c->in.n - taken);
	c->in.n -= taken;
	if (c->in.capacity > KEPT && c->in.n == 0)
		buf_release(&c->in);
	return true;
}

static void take_requests(struct connection *c)
{
	while (!c->busy && !c->dead && c->in.n > 0 && take_request(c)) {
	}
}

static void receive(struct connection *c)
{
	static char scratch[SCRATCH];
	ssize_t n = recv(c->fd, scratch, sizeof(scratch), 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		end_connection(c);
		return;
	}
	if (n > 0)
		buf_add(&c->in, scratch, (size_t)n);
	take_requests(c);
}

static void accept_all(void)
{
	int yes = 1;

	for (int fd; listener >= 0 && (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
		struct connection *c = mem_zero(1, sizeof(*c));

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		c->fd = fd;
		TAILQ_INSERT_TAIL(&open_ones, c, all);
		watch(EPOLL_CTL_ADD, fd, EPOLLIN, c);
	}
}

static void free_dead(void)
{
	for (struct connection *c; (c = TAILQ_FIRST(&dead));) {
		TAILQ_REMOVE(&dead, c, all);
		buf_release(&c->in);
		buf_release(&c->out);
		free(c);
	}
}

static void send_due(double now)
{
	for (struct connection *c; (c = TAILQ_FIRST(&timed)) && c->due <= now;) {
		stop_waiting(c);
		send_reply(c);
		take_requests(c);
	}
	if (now >= refused_until)
		http_open();
}

static int wait_ms(double until, double now)
{
	double least = until, tick = 1;

	if (!TAILQ_EMPTY(&timed) && TAILQ_FIRST(&timed)->due < least)
		least = TAILQ_FIRST(&timed)->due;
	if (listener < 0 && refused_until < least)
		least = refused_until;
	return least > now ? (int)(least - now + tick) : 0;
}

void http_run(double seconds, size_t requests_max)
{
	double until = clock_ms() + seconds * 1000;
	struct epoll_event events[EVENTS];

	for (double now = clock_ms(); now < until && (requests_max == 0 || answered < requests_max); now = clock_ms()) {
		int n = epoll_wait(polled, events, EVENTS, wait_ms(until, now));

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (!c)
				accept_all();
			if (c && !c->dead && events[i].events & EPOLLOUT)
				send_reply(c);
			if (c && !c->dead && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				receive(c);
		}
		send_due(clock_ms());
		free_dead();
	}
}
