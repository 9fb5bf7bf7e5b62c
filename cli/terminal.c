/* terminal.c - the only place that knows what a terminal is. */
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = 1;
	signal(number, SIG_DFL);
}

void terminal_catch_signals(void)
{
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

int terminal_fail(enum rung_status status, const struct rung_error *err)
{
	terminal_clear_progress();
	fprintf(stderr, "rung: %s\n", err->text);
	return (int)status;
}

static bool stopped(void *context)
{
	(void)context;
	return interrupted != 0;
}

/* One line that overwrites itself; only what fits. */
static void show_progress(void *context, const char *what, size_t done, size_t total)
{
	enum { NARROWEST = 40, USUAL = 80, USUAL_TEXT = 48 };
	struct winsize size;
	char counts[48];
	int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= NARROWEST ? size.ws_col : USUAL;
	int room = columns - 4 - snprintf(counts, sizeof(counts), "%zu/%zu", done, total); /* two before, one between, the last column free */

	(void)context;
	room = room > 0 ? room : 0;
	fprintf(stderr, "\r\033[K  %-*.*s %s", room < USUAL_TEXT ? room : USUAL_TEXT, room, what, counts);
	fflush(stderr);
}

/* In a log: a line a minute, none in the first. */
static void log_progress(void *context, const char *what, size_t done, size_t total)
{
	static time_t shown;
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (shown == 0)
		shown = now.tv_sec;
	if (now.tv_sec - shown < 60)
		return;
	shown = now.tv_sec;
	fprintf(stderr, "rung: %s %zu/%zu\n", what, done, total);
}

static void show_notice(void *context, const char *sentence)
{
	(void)context;
	terminal_clear_progress();
	fprintf(stderr, "rung: %s\n", sentence);
}

void terminal_clear_progress(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

struct rung_options terminal_options(const struct settings *s, const char *task)
{
	void (*progress)(void *, const char *, size_t, size_t) = isatty(STDERR_FILENO) ? show_progress : log_progress;

	return (struct rung_options){
		.task = task, .examples = s->examples, .store = s->store, .models = s->models_folder,
		.seed = s->seed >= 0 ? (uint64_t)s->seed : 1, .seed_given = s->seed >= 0,
		.threads = s->threads > 0 ? (int)s->threads : 0,
		.memory_mb = s->memory > 0 ? (size_t)s->memory : 0,
		.max_context = s->context > 0 ? (size_t)s->context : 0,
		.usd_per_core_hour = s->core_hour > 0 ? s->core_hour : 0,
		.concurrency = s->concurrency > 0 ? (size_t)s->concurrency : 0,
		.requests_per_minute = s->requests_per_minute > 0 ? s->requests_per_minute : 0,
		.tokens_per_minute = s->tokens_per_minute > 0 ? s->tokens_per_minute : 0, .timeout_s = s->timeout > 0 ? s->timeout : 0,
		.progress = s->quiet ? NULL : progress, .stopped = stopped, .notice = show_notice,
	};
}

struct rung *terminal_open(const struct settings *s, const char *task)
{
	const struct rung_options options = terminal_options(s, task);

	return rung_open(&options);
}

bool terminal_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && no[0]);
}

int terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
		return size.ws_col;
	return 100;
}

int terminal_output(char *text, const char *file)
{
	FILE *out = file ? fopen(file, "wb") : stdout;
	int code = 0;

	if (!out) {
		fprintf(stderr, "rung: %s: cannot write: %s\n", file, strerror(errno));
		rung_free_text(text);
		return 1;
	}
	if (fputs(text, out) == EOF || (file ? fclose(out) : fflush(out)) == EOF) {
		fprintf(stderr, "rung: %s: cannot write: %s\n", file ? file : "standard output", strerror(errno));
		code = 1;
	}
	rung_free_text(text);
	return code;
}

bool terminal_agree(const char *heading, const char *preview, const char *question)
{
	char line[8];

	terminal_clear_progress();
	fprintf(stderr, "%s\n%s", heading, preview);
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	fprintf(stderr, "%s [y/N] ", question);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}
