/* cmd_ask.c - rung ask TASK [INPUT] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "terminal.h"

static int ask_one(struct rung *r, const struct settings *s, const char *input)
{
	struct rung_error err;
	char *answer;
	enum rung_status status = rung_ask(r, s->variant, input, &answer, &err);

	if (status)
		return terminal_fail(status, &err);
	puts(answer);
	fflush(stdout);
	rung_free_text(answer);
	return 0;
}

/* One input a line; a bad line is reported and ends the run, so that output lines match input lines. */
static int ask_lines(struct rung *r, const struct settings *s)
{
	char *line = NULL;
	size_t capacity = 0, number = 0;
	ssize_t n;
	int code = 0;

	while (!code && (n = getline(&line, &capacity, stdin)) >= 0) {
		number++;
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (line[0])
			code = ask_one(r, s, line);
	}
	if (code)
		fprintf(stderr, "rung: standard input, line %zu\n", number);
	free(line);
	return code;
}

static int run(const struct settings *s)
{
	struct rung *r = terminal_open(s, s->arguments[0]);
	int code = s->n_arguments == 2 ? ask_one(r, s, s->arguments[1]) : ask_lines(r, s);

	rung_close(r);
	return code;
}

static const struct option_row *const options_of[] = {
	&option_variant, &option_seed, &option_examples, &option_store, &option_threads, &option_memory,
	&option_context, &option_models_folder, &option_timeout, &option_quiet, &option_help, NULL,
};

const struct command command_ask = {
	"ask", "TASK [INPUT]", "answer with the winner",
	"Answers one input with the winner of the last climb, or JSON Lines from standard input, one JSON object a\n"
	"line. INPUT is a JSON object with the columns of the task's input template, or plain text when it names one.",
	options_of, 1, 2, run,
};
