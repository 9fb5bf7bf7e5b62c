/* process.c - posix_spawn, three pipes, poll. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"

enum {
	LONGEST_LINE = 1 << 20,
	SAID = 300,        /* bytes of the last line on standard error that are quoted */
	SLICE_MS = 100,    /* between two looks at whether somebody interrupts */
	PATIENCE_MS = 2000 /* for a program that was told that there is nothing more */
};

struct process {
	pid_t pid;
	int in, out, complaints; /* our ends; -1: closed */
	bool last;               /* its input ends with what is being sent */
	struct buf read;         /* of its output, what was not handed on yet */
	struct buf said;         /* the line of its standard error that is being written, */
	struct buf complaint;    /* and the last whole one that was not empty */
};

/* --- start ---------------------------------------------------------------------------------------------------------- */

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool make_pipes(int ends[6])
{
	for (int i = 0; i < 6; i++)
		ends[i] = -1;
	for (int i = 0; i < 6; i += 2)
		if (pipe(ends + i) != 0)
			return false;
	for (int i = 0; i < 6; i++)
		fcntl(ends[i], F_SETFD, FD_CLOEXEC);
	return true;
}

/* Our environment, with Python's output unbuffered; the array and that one text are ours. */
static char **environment(void)
{
	static char unbuffered[] = "PYTHONUNBUFFERED=1";
	size_t n = 0;

	while (environ[n])
		n++;
	char **copy = mem_zero(n + 2, sizeof(*copy));

	memcpy(copy, environ, n * sizeof(*copy));
	copy[n] = unbuffered;
	return copy;
}

/* Spawns it with the child's ends on 0, 1 and 2; returns an errno. */
static int spawn(struct process *p, const char *command, const char *folder, const int ends[6])
{
	char shell[] = "sh", option[] = "-c", *text = mem_string(command), *argv[] = { shell, option, text, NULL };
	char **env = environment();
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, usual;

	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	sigaddset(&usual, SIGINT);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[3], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[5], STDERR_FILENO);
	posix_spawn_file_actions_addchdir_np(&actions, folder);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &usual);
	int code = posix_spawn(&p->pid, "/bin/sh", &actions, &attributes, argv, env);

	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	free(env);
	free(text);
	return code;
}

struct process *process_start(const char *command, const char *folder, struct error *err)
{
	struct process *p = mem_zero(1, sizeof(*p));
	int ends[6];
	int code = make_pipes(ends) ? spawn(p, command, folder, ends) : errno;

	close_end(&ends[0]);
	close_end(&ends[3]);
	close_end(&ends[5]);
	if (code != 0) {
		for (int i = 0; i < 6; i++)
			close_end(&ends[i]);
		free(p);
		error_set(err, "it cannot be started in %s: %s", folder, strerror(code));
		return NULL;
	}
	p->in = ends[1];
	p->out = ends[2];
	p->complaints = ends[4];
	fcntl(p->in, F_SETFL, O_NONBLOCK);
	return p;
}

/* --- end ------------------------------------------------------------------------------------------------------------ */

/* Waits so long for its end, without taking notice of it. */
static bool ends_within(const struct process *p, double ms)
{
	double until = clock_ms() + ms;
	siginfo_t info = { 0 };

	while (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) {
		if (clock_ms() > until)
			return false;
		poll(NULL, 0, 5);
	}
	return true;
}

/* Kills the group while its first process is not reaped: until then no other group can have its number. Returns the status. */
static int reap(struct process *p)
{
	int status = 0;

	kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
	return status;
}

void process_end(struct process *p)
{
	if (!p)
		return;
	close_end(&p->in);
	close_end(&p->out);
	if (p->pid) {
		ends_within(p, PATIENCE_MS);
		reap(p);
	}
	close_end(&p->complaints);
	buf_release(&p->read);
	buf_release(&p->said);
	buf_release(&p->complaint);
	free(p);
}

/* --- talk ----------------------------------------------------------------------------------------------------------- */

/* write() to a reader that is gone raises SIGPIPE, which would end us: it is kept away, and taken back. */
static ssize_t write_quietly(int fd, const char *bytes, size_t n)
{
	const struct timespec now = { 0, 0 };
	sigset_t pipe_signal, before, pending;

	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
	ssize_t written = write(fd, bytes, n);
	int code = errno;

	if (written < 0 && code == EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipe_signal, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = code;
	return written;
}

static void note_said(struct process *p, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			if (p->said.n < SAID)
				buf_addc(&p->said, bytes[i]);
			continue;
		}
		if (p->said.n > 0) {
			buf_clear(&p->complaint);
			buf_add(&p->complaint, p->said.data, p->said.n);
		}
		buf_clear(&p->said);
	}
}

/* Reads what is there of one end; closes it at its end. */
static void take(struct process *p, int *fd)
{
	char piece[1 << 14];
	ssize_t got = read(*fd, piece, sizeof(piece));

	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0)
		close_end(fd);
	else if (fd == &p->out)
		buf_add(&p->read, piece, (size_t)got);
	else
		note_said(p, piece, (size_t)got);
}

static void drain_complaints(struct process *p)
{
	while (p->complaints >= 0 && poll(&(struct pollfd){ p->complaints, POLLIN, 0 }, 1, 0) > 0)
		take(p, &p->complaints);
}

/* ", and last said: ..." */
static void add_said(struct process *p, struct buf *out)
{
	drain_complaints(p);
	const struct buf *line = p->said.n ? &p->said : &p->complaint;

	if (line->n)
		buf_addf(out, "; the last it said: %s", buf_text(line));
}

static bool fail_with(struct process *p, struct error *err, const char *what)
{
	struct buf clause = { 0 };

	buf_adds(&clause, what);
	add_said(p, &clause);
	error_set(err, "%s", buf_text(&clause));
	buf_release(&clause);
	return false;
}

/* Its output ended: why. */
static bool fail_ended(struct process *p, size_t got, size_t lines, struct error *err)
{
	char how[80], what[200];

	if (!ends_within(p, PATIENCE_MS)) {
		snprintf(how, sizeof(how), "closed its output");
	} else {
		drain_complaints(p);
		int status = reap(p), by = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) - 128; /* as shells say it */

		if (by > 0 && by < 64)
			snprintf(how, sizeof(how), "was ended by signal %d (%s)", by, strsignal(by));
		else if (WEXITSTATUS(status) == 127)
			snprintf(how, sizeof(how), "ended with exit status 127 (the shell found no such program)");
		else
			snprintf(how, sizeof(how), "ended with exit status %d", WEXITSTATUS(status));
	}
	snprintf(what, sizeof(what), "it %s after %zu of %zu lines", how, got, lines);
	return fail_with(p, err, what);
}

/* Hands on the whole lines that were read, at most so many. */
static bool hand_on(struct process *p, const struct process_talk *t, size_t *got, struct error *err)
{
	size_t at = 0;
	const char *end;

	while (*got < t->lines && p->read.n > at && (end = memchr(p->read.data + at, '\n', p->read.n - at)) != NULL) {
		size_t n = (size_t)(end - (p->read.data + at));

		p->read.data[at + n] = '\0';
		if (n > 0 && p->read.data[at + n - 1] == '\r')
			p->read.data[at + n - 1] = '\0';
		if (!t->line(t->context, (*got)++, p->read.data + at, err))
			return false;
		at += n + 1;
	}
	if (at > 0) {
		memmove(p->read.data, p->read.data + at, p->read.n - at);
		p->read.n -= at;
	}
	return p->read.n <= LONGEST_LINE || fail_with(p, err, "it wrote a line of more than 1 MiB");
}

/* One look at all three ends. */
static void exchange(struct process *p, const struct process_talk *t, size_t *sent, int wait_ms)
{
	bool writes = *sent < t->bytes && p->in >= 0;
	struct pollfd ends[3] = { { p->out, POLLIN, 0 }, { p->complaints, POLLIN, 0 }, { writes ? p->in : -1, POLLOUT, 0 } };

	if (!writes && p->last)
		close_end(&p->in);
	if (poll(ends, 3, wait_ms) <= 0)
		return;
	if (ends[1].revents)
		take(p, &p->complaints);
	if (ends[0].revents)
		take(p, &p->out);
	if (ends[2].revents) {
		ssize_t n = write_quietly(p->in, t->text + *sent, t->bytes - *sent);

		if (n > 0)
			*sent += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			close_end(&p->in); /* it reads no more; whether it still answers is seen on the other end */
	}
}

static bool interrupted(const struct process_talk *t, struct error *err)
{
	return t->stopped && t->stopped(t->stopped_context) && !error_set(err, "interrupted");
}

/* Nothing came for longer than it may take. */
static bool late(struct process *p, const struct process_talk *t, double since, const char *nothing, struct error *err)
{
	char what[160];

	if (clock_ms() - since <= t->timeout_ms)
		return false;
	snprintf(what, sizeof(what), "it %s for %g s%s", nothing, t->timeout_ms / 1000,
		 p->last ? "" : " (does it flush its output behind each line?)");
	return !fail_with(p, err, what);
}

void process_last(struct process *p)
{
	p->last = true;
}

bool process_finish(struct process *p, const struct process_talk *t, struct error *err)
{
	double since = clock_ms();
	size_t sent = t->bytes;

	p->last = true;
	while (p->out >= 0) {
		exchange(p, t, &sent, SLICE_MS);
		if (p->read.n > 0)
			return fail_with(p, err, "it wrote more lines than it was asked for");
		if (interrupted(t, err) || late(p, t, since, "went on behind the end of its input", err))
			return false;
	}
	if (!ends_within(p, PATIENCE_MS))
		return true; /* whatever it still does, it can say nothing more */
	drain_complaints(p);
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_code == CLD_EXITED && info.si_status == 0)
		return true;
	return fail_ended(p, t->lines, t->lines, err);
}

bool process_talk(struct process *p, const struct process_talk *t, struct error *err)
{
	size_t got = 0, sent = 0;
	double since = clock_ms();

	while (got < t->lines) {
		size_t before = got;

		exchange(p, t, &sent, SLICE_MS);
		if (interrupted(t, err) || !hand_on(p, t, &got, err))
			return false;
		if (got > before)
			since = clock_ms();
		if (got < t->lines && p->out < 0)
			return fail_ended(p, got, t->lines, err);
		if (got < t->lines && late(p, t, since, "wrote no line", err))
			return false;
	}
	return p->read.n == 0 || fail_with(p, err, "it wrote more lines than it was asked for");
}
