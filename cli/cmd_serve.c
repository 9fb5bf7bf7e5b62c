/* cmd_serve.c - rung serve TASK... */
#include <stdio.h>

#include "terminal.h"

enum { DEFAULT_PORT = 8080, HIGHEST_PORT = 65535 };

/* On stdout and at once: whoever started it may be waiting for the address. */
static void say_address(void *context, const char *address)
{
	(void)context;
	printf("%s\n", address);
	fflush(stdout);
}

static int run(const struct settings *s)
{
	struct rung_serve_options serve = {
		.tasks = (const char *const *)s->arguments, .n_tasks = s->n_arguments, .address = s->address,
		.port = s->port >= 0 ? (int)s->port : DEFAULT_PORT, .log = s->log, .no_log = s->no_log, .no_texts = s->no_texts, .ready = say_address,
	};
	struct rung_options options = terminal_options(s, NULL);
	struct rung_error err;

	if (s->port > HIGHEST_PORT) {
		fprintf(stderr, "rung serve: --port %.0f is no port; ports go from 0 (any that is free) to %d\n", s->port, HIGHEST_PORT);
		return RUNG_INPUT;
	}
	enum rung_status status = rung_serve(&options, &serve, &err);

	return status ? terminal_fail(status, &err) : 0;
}

static const struct option_row *const options_of[] = {
	&option_serve_port, &option_log, &option_no_log, &option_no_texts, &option_models_folder, &option_threads, &option_memory, &option_context, &option_concurrency, &option_rpm, &option_tpm,
	&option_timeout, &option_quiet, &option_help, NULL,
};

const struct command command_serve = {
	"serve", "TASK...", "answers for production, through OpenAI's chat completions",
	"Serves each task by the winner of its last climb, at POST /v1/chat/completions: the model is \"rung/TASK\", the input the last user\n"
	"message, as `rung ask` takes it. Prints the address once it answers. SIGTERM and Ctrl-C end it once what is there has been answered.",
	options_of, 1, MAX_LIST, run,
};
