/* pdf.c - poppler's pdftotext in a child process: limits on memory, processor time, wall-clock time and output.
 *
 * No shell is involved, nothing is written to disk, and the child inherits no open file. It reads the path; whether that
 * still holds the bytes that were hashed is looked at afterwards. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "retrieve/pdf_layout.h"
#include "task/mention.h"

enum { COMPLAINT = 400 }; /* bytes of what pdftotext says that are kept */

struct child {
	const struct pdf_limits *limits;
	pid_t pid;
	int out, complaints; /* read ends */
	bool late, large;    /* why it was killed */
	char complaint[COMPLAINT];
	size_t n_complaint;
};

/* Appends the program's path; false when no folder of PATH has it. */
static bool find_program(struct buf *path)
{
	const char *folders = getenv("PATH");

	for (const char *at = folders ? folders : "/usr/bin:/bin", *end; *at; at = *end ? end + 1 : end) {
		end = strchrnul(at, ':');
		buf_clear(path);
		buf_addf(path, "%.*s/pdftotext", (int)(end - at), at);
		if (end > at && access(buf_text(path), X_OK) == 0)
			return true;
	}
	return false;
}

static void set_limit(int resource, rlim_t value)
{
	setrlimit(resource, &(struct rlimit){ value, value });
}

/* In the child. Only what is safe between fork() and exec() in a process with threads. */
_Noreturn static void become_pdftotext(const struct pdf_limits *l, const char *program, const char *path, int out,
				       int complaints)
{
	const char *argv[] = { "pdftotext", "-bbox-layout", "-enc", "UTF-8", path, "-", NULL };
	int nothing = open("/dev/null", O_RDONLY);

	set_limit(RLIMIT_CORE, 0);
	set_limit(RLIMIT_FSIZE, 0);
	set_limit(RLIMIT_CPU, (rlim_t)l->seconds);
	set_limit(RLIMIT_AS, (rlim_t)l->memory_mb << 20);
	dup2(nothing, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(complaints, STDERR_FILENO);
	for (int fd = 3; fd < 256; fd++)
		close(fd);
	execv(program, (char *const *)(uintptr_t)argv);
	_Exit(127);
}

static bool start(struct child *c, const struct document_file *f, const char *program)
{
	struct buf path = { 0 };
	int out[2], complaints[2];

	if (pipe(out) != 0)
		return false;
	if (pipe(complaints) != 0) {
		close(out[0]);
		close(out[1]);
		return false;
	}
	buf_addf(&path, "%s%s", f->path[0] == '/' ? "" : "./", f->path); /* no path is taken for an option or for "-" */
	c->pid = fork();
	if (c->pid == 0)
		become_pdftotext(c->limits, program, buf_text(&path), out[1], complaints[1]);
	buf_release(&path);
	close(out[1]);
	close(complaints[1]);
	c->out = out[0];
	c->complaints = complaints[0];
	fcntl(c->out, F_SETFD, FD_CLOEXEC);
	fcntl(c->complaints, F_SETFD, FD_CLOEXEC);
	if (c->pid < 0) {
		close(c->out);
		close(c->complaints);
	}
	return c->pid > 0;
}

/* Reads what is there; false at the end. */
static bool drain(struct child *c, struct pollfd *from, struct pdf_layout *l)
{
	char piece[1 << 16];
	ssize_t got;

	if (!from->revents)
		return true;
	got = read(from->fd, piece, sizeof(piece));
	if (got < 0)
		return errno == EINTR;
	if (from->fd == c->out) {
		pdf_layout_feed(l, piece, (size_t)got);
	} else {
		size_t n = (size_t)got < COMPLAINT - 1 - c->n_complaint ? (size_t)got : COMPLAINT - 1 - c->n_complaint;

		memcpy(c->complaint + c->n_complaint, piece, n);
		c->n_complaint += n;
	}
	return got > 0;
}

/* Reads until both pipes end, or a limit is passed. */
static void listen_to(struct child *c, struct pdf_layout *l)
{
	struct pollfd from[2] = { { c->out, POLLIN, 0 }, { c->complaints, POLLIN, 0 } };
	double end = clock_ms() + c->limits->wait_ms;

	while (!c->late && !c->large && (from[0].fd >= 0 || from[1].fd >= 0)) {
		double left = end - clock_ms();

		if (left > 0 && poll(from, 2, (int)left + 1) > 0)
			for (int i = 0; i < 2; i++)
				if (from[i].fd >= 0 && !drain(c, &from[i], l))
					from[i].fd = -1;
		c->late = left <= 0;
		c->large = l->p->text.n + l->word.n + l->p->title.n > c->limits->bytes;
	}
}

/* Ends the child if it still runs; its status as waitpid() gives it, or -1. */
static int finish(struct child *c)
{
	int status = -1;

	if (c->late || c->large)
		kill(c->pid, SIGKILL);
	close(c->out);
	close(c->complaints);
	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static bool complains(const struct child *c, const char *words)
{
	return strcasestr(c->complaint, words) != NULL;
}

static bool explain(const struct document_file *f, struct child *c, int status, struct error *err)
{
	char *line_end = c->complaint + strcspn(c->complaint, "\r\n");
	bool killed = WIFSIGNALED(status);

	if (c->large)
		return error_set(err, "%s: its text is more than the %zu MiB that a document may have; split the PDF", f->name,
				 c->limits->bytes >> 20);
	if (c->late || (killed && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL)))
		return error_set(err, "%s: pdftotext did not finish within %d s of processor time or %d s in all; split the PDF",
				 f->name, c->limits->seconds, c->limits->wait_ms / 1000);
	if (complains(c, "memory") || complains(c, "bad_alloc") || complains(c, "failed to map"))
		return error_set(err, "%s: pdftotext needs more than the %zu MiB of memory that it may have; split the PDF",
				 f->name, c->limits->memory_mb);
	if (complains(c, "password"))
		return error_set(err, "%s: the PDF is encrypted and needs a password; save it without one", f->name);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
		return error_set(err, "%s: the PDF does not permit its text to be copied; save it without that restriction",
				 f->name);
	*line_end = '\0';
	mention_flatten(c->complaint);
	return error_set(err, "%s: pdftotext cannot read the PDF (%s); it may be damaged", f->name,
			 *c->complaint ? c->complaint : killed ? "it crashed" : "it does not say why");
}

/* The child read the path later than whoever read the bytes. */
static bool is_unchanged(const struct document_file *f, struct error *err)
{
	size_t n = 0;
	char *bytes = file_read(f->path, DOCUMENT_BYTES, &n, err);
	bool same = bytes && n == f->n && (n == 0 || memcmp(bytes, f->bytes, n) == 0);

	free(bytes);
	return same || error_set(err, "%s: changed while it was read; add it again", f->name);
}

static bool run(const struct pdf_limits *limits, const struct document_file *f, const char *program, struct parts *p,
		struct error *err)
{
	struct child c = { .limits = limits };
	struct pdf_layout layout;
	int status;

	if (!start(&c, f, program))
		return error_set(err, "%s: cannot start %s: %s", f->name, program, strerror(errno));
	pdf_layout_init(&layout, p);
	listen_to(&c, &layout);
	status = finish(&c);
	pdf_layout_end(&layout);
	if (c.late || c.large || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return explain(f, &c, status, err);
	if (!is_unchanged(f, err))
		return false;
	if (p->n_blocks == 0)
		return error_set(err, "%s: the PDF holds no text; if its pages are pictures, add their text first, for example "
				 "with ocrmypdf", f->name);
	return true;
}

bool pdf_parse_within(const struct pdf_limits *limits, const struct document_file *f, struct parts *p, struct error *err)
{
	struct buf program = { 0 };
	bool ok;

	if (f->n == 0 || !memmem(f->bytes, f->n < 1024 ? f->n : 1024, "%PDF-", 5))
		return error_set(err, "%s: is no PDF: \"%%PDF-\" does not stand at its beginning", f->name);
	if (!find_program(&program))
		ok = error_set(err, "%s: PDFs need the program pdftotext; install the package poppler-utils (Homebrew: poppler)",
			       f->name);
	else
		ok = run(limits, f, buf_text(&program), p, err);
	buf_release(&program);
	return ok;
}

bool pdf_parse(const struct document_file *f, struct parts *p, struct error *err)
{
	const struct pdf_limits limits = { PDF_SECONDS, PDF_WAIT_SECONDS * 1000, PDF_MEMORY_MB, DOCUMENT_BYTES };

	return pdf_parse_within(&limits, f, p, err);
}
