/* cmd_export.c - rung export TASK --calls|--outcomes|--grades [-o FILE] */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

static void put(void *context, const char *bytes, size_t n)
{
	fwrite(bytes, 1, n, context); /* ferror() says at the end what became of it */
}

static int unwritten(const char *file)
{
	fprintf(stderr, "rung export: %s: cannot write: %s\n", file ? file : "standard output", strerror(errno));
	return 1;
}

static int export_to(const struct settings *s, FILE *out, const char *name)
{
	struct rung *r = terminal_open(s, s->arguments[0]);
	struct rung_error err;
	enum rung_status status = rung_export(r, s->calls ? "calls" : s->grades ? "grades" : "outcomes", put, out, &err);

	rung_close(r);
	if (status)
		return terminal_fail(status, &err);
	return fflush(out) == EOF || ferror(out) ? unwritten(name) : 0;
}

/* A file takes its name when it is whole. */
static int export_file(const struct settings *s)
{
	size_t n = strlen(s->output) + sizeof(".part");
	char *part = malloc(n);
	FILE *out;
	int code;

	if (!part)
		return unwritten(s->output);
	snprintf(part, n, "%s.part", s->output);
	out = fopen(part, "wb");
	code = out ? export_to(s, out, s->output) : unwritten(s->output);
	if (out && fclose(out) == EOF && !code)
		code = unwritten(s->output);
	if (out && !code && rename(part, s->output) != 0)
		code = unwritten(s->output);
	if (out && code)
		remove(part);
	free(part);
	return code;
}

static int run(const struct settings *s)
{
	if (s->calls + s->outcomes + s->grades != 1) {
		fputs("rung export: say --calls, --outcomes or --grades; see `rung export --help`\n", stderr);
		return RUNG_INPUT;
	}
	return s->output ? export_file(s) : export_to(s, stdout, NULL);
}

static const struct option_row *const options_of[] = {
	&option_outcomes, &option_calls_all, &option_grades, &option_output, &option_seed, &option_examples, &option_store, &option_quiet, &option_help, NULL,
};

const struct command command_export = {
	"export", "TASK", "outcomes or calls as JSON Lines",
	"Writes what is stored as JSON Lines: the outcomes of the last climb on its test items, in the format that\n"
	"`rung decide` reads, or every model call with all that is kept of it. --grades writes the answers that a\n"
	"judge or a program of yours graded, for people to grade some of them too (docs/scorers.md).",
	options_of, 1, 1, run,
};
