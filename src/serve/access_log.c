/* access_log.c - write(), asked before whether it would wait */
#include "serve/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

enum { AT_ONCE = 4096, WAIT_MS = 100 }; /* AT_ONCE: POSIX lets a pipe that is ready take so much without waiting (PIPE_BUF) */
static const double gather_ms = 20;

struct access_log {
	const char *path;
	struct outbox *outbox;
	int fd;      /* -1: it is not open */
	size_t sent; /* of the batch that is on its way */
};

static bool is_stdout(const struct access_log *l)
{
	return strcmp(l->path, "-") == 0;
}

static void shut(struct access_log *l)
{
	if (l->fd >= 0 && !is_stdout(l))
		close(l->fd);
	l->fd = -1;
}

static bool has_half_a_line(int fd)
{
	struct stat s;
	char last;

	return fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0 && pread(fd, &last, 1, s.st_size - 1) == 1 && last != '\n';
}

static bool open_now(struct access_log *l)
{
	l->fd = is_stdout(l) ? STDOUT_FILENO : open(l->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
	if (l->fd < 0 || is_stdout(l))
		return l->fd >= 0;
	if (has_half_a_line(l->fd)) /* of one who was killed */
		return write(l->fd, "\n", 1) == 1;
	return true;
}

/* Whether what is open is still what the path names. */
static bool is_there(const struct access_log *l)
{
	struct stat here, there;

	return is_stdout(l) || (fstat(l->fd, &here) == 0 && stat(l->path, &there) == 0 && here.st_ino == there.st_ino && here.st_dev == there.st_dev);
}

static bool can_write(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, WAIT_MS) == 1;
}

static enum outbox_end fail(struct access_log *l, struct outbox_batch *b, const char *why)
{
	error_set(&b->why, "%s: the access log cannot be written: %s; answers go on, and lines that it has no room for are left out",
		  is_stdout(l) ? "standard output" : l->path, why);
	return OUTBOX_AGAIN;
}

/* A batch that was begun is ended where it was begun, as long as that is there. */
static enum outbox_end put(void *context, struct outbox_batch *b)
{
	struct access_log *l = context;

	l->sent = b->tries == 0 ? 0 : l->sent;
	if (l->fd >= 0 && l->sent == 0 && !is_there(l))
		shut(l);
	if (l->fd < 0 && !open_now(l)) {
		const char *why = strerror(errno);

		shut(l);
		return fail(l, b, why);
	}
	while (l->sent < b->n) {
		size_t n = b->n - l->sent;

		if (!can_write(l->fd))
			return fail(l, b, "nobody reads it");
		ssize_t written = write(l->fd, b->bytes + l->sent, n < AT_ONCE ? n : AT_ONCE);

		if (written < 0 && errno != EINTR && errno != EAGAIN) {
			const char *why = strerror(errno);

			if (errno == EPIPE || errno == EBADF)
				shut(l); /* the next reader gets lines from their beginning */
			l->sent = l->fd < 0 ? 0 : l->sent;
			return fail(l, b, why);
		}
		l->sent += written > 0 ? (size_t)written : 0;
	}
	return OUTBOX_TAKEN;
}

struct access_log *access_log_open(const char *path, void (*notice)(void *context, const char *sentence), void *context, struct error *err)
{
	struct access_log *l = mem_zero(1, sizeof(*l));
	const struct outbox_settings outbox = { .gather_ms = gather_ms, .put = put, .put_context = l, .notice = notice, .context = context };

	l->path = path;
	if (!open_now(l))
		error_set(err, "%s: the access log cannot be written: %s; name a file in a folder that is there, or - for standard output", path,
			  strerror(errno));
	else if ((l->outbox = outbox_open(&outbox, err)))
		return l;
	shut(l);
	free(l);
	return NULL;
}

void access_log_add(struct access_log *l, const char *line, size_t n)
{
	outbox_add(l->outbox, line, n, 1);
}

struct outbox_counts access_log_counts(struct access_log *l)
{
	return outbox_counts(l->outbox);
}

void access_log_close(struct access_log *l, double most_ms)
{
	if (!l || !outbox_close(l->outbox, most_ms))
		return;
	shut(l);
	free(l);
}
