/* cmd_init.c - rung init FILE [FOLDER] */
#include "terminal.h"

static int run(const struct settings *s)
{
	struct rung_init_options options = {
		.file = s->arguments[0], .folder = s->n_arguments > 1 ? s->arguments[1] : NULL, .answer = s->answer, .kind = s->kind,
		.name = s->name, .json = s->json,
	};
	struct rung_error err;
	char *text;
	enum rung_status status = rung_init(&options, &text, &err);

	return status ? terminal_fail(status, &err) : terminal_output(text, NULL);
}

static const struct option_row *const options_of[] = {
	&option_answer, &option_kind, &option_init_name, &option_json, &option_quiet, &option_help, NULL,
};

const struct command command_init = {
	"init", "FILE [FOLDER]", "a task folder out of examples you have",
	"Makes a task folder (named after the file, when none is given) out of examples: CSV, TSV, JSON Lines, a JSON array,\n"
	"conversations as providers fine-tune on them ({\"messages\": [...]}), or a promptfoo configuration (promptfooconfig.yaml).\n"
	"Says what it guessed and why. Nothing that is there is overwritten.",
	options_of, 1, 2, run,
};
