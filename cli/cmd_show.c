/* cmd_show.c - rung show TASK VARIANT ITEM */
#include "terminal.h"

static int run(const struct settings *s)
{
	struct rung *r = terminal_open(s, s->arguments[0]);
	struct rung_error err;
	char *text;
	enum rung_status status = rung_show(r, s->arguments[1], s->arguments[2], s->json, &text, &err);
	int code = status ? terminal_fail(status, &err) : terminal_output(text, NULL);

	rung_close(r);
	return code;
}

static const struct option_row *const options_of[] = { &option_seed, &option_examples, &option_store, &option_json,
						       &option_quiet, &option_help, NULL };

const struct command command_show = {
	"show", "TASK VARIANT ITEM", "what was sent and what came back",
	"Exactly what a variant was sent for an item and what came back: messages with their shots, label scores,\n"
	"output, how it was read, score, tokens, time. Variants are listed by `rung report`.",
	options_of, 3, 3, run,
};
