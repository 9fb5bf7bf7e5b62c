/* cmd_check.c - rung check TASK */
#include "terminal.h"

static int run(const struct settings *s)
{
	struct rung *r = terminal_open(s, s->arguments[0]);
	struct rung_error err;
	char *text;
	enum rung_status status = rung_check(r, NULL, s->json, &text, &err);
	int code = status ? terminal_fail(status, &err) : terminal_output(text, NULL);

	rung_close(r);
	return code;
}

static const struct option_row *const options_of[] = { &option_examples, &option_seed, &option_json, &option_quiet,
						       &option_help, NULL };

const struct command command_check = {
	"check", "TASK", "validate a task; write nothing",
	"Validates the task file and its examples, and says how they split, what looks doubtful, and how many\n"
	"model calls a climb would make at most. Writes nothing.",
	options_of, 1, 1, run,
};
