/* cmd_view.c - rung view TASK */
#include <stdio.h>

#include "terminal.h"

enum { DEFAULT_PORT = 8090, HIGHEST_PORT = 65535 };

/* On stdout and at once: whoever started it may be waiting for the address. */
static void say_address(void *context, const char *address)
{
	(void)context;
	printf("%s\n", address);
	fflush(stdout);
}

static int run(const struct settings *s)
{
	struct rung_view_options options = { .port = s->port >= 0 ? (int)s->port : DEFAULT_PORT, .ready = say_address };
	struct rung_error err;

	if (s->port > HIGHEST_PORT) {
		fprintf(stderr, "rung view: --port %.0f is no port; ports go from 0 (any that is free) to %d\n", s->port, HIGHEST_PORT);
		return RUNG_INPUT;
	}
	struct rung *r = terminal_open(s, s->arguments[0]);
	enum rung_status status = rung_view(r, &options, &err);

	rung_close(r);
	return status ? terminal_fail(status, &err) : 0;
}

static const struct option_row *const options_of[] = {
	&option_port, &option_seed, &option_examples, &option_store, &option_threads, &option_core_hour, &option_quiet, &option_help, NULL,
};

const struct command command_view = {
	"view", "TASK", "the report as a page that follows the climb",
	"Serves the report of the last climb (of --seed, when given) as a page on this machine alone, and prints its address.\n"
	"The page renews itself while `rung climb` measures in another terminal. Ctrl-C ends it.",
	options_of, 1, 1, run,
};
