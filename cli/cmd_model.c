/* cmd_model.c - rung model ls|add|rm */
#include <stdio.h>
#include <string.h>

#include "terminal.h"

static int list(struct rung *r, const struct settings *s)
{
	struct rung_error err;
	char *text;
	enum rung_status status = rung_model_list(r, s->json, &text, &err);

	return status ? terminal_fail(status, &err) : terminal_output(text, NULL);
}

static int add_or_remove(struct rung *r, const struct settings *s, bool add)
{
	struct rung_error err;
	enum rung_status status = add ? rung_model_add(r, s->arguments[1], s->name, &err)
				      : rung_model_remove(r, s->arguments[1], &err);

	return status ? terminal_fail(status, &err) : 0;
}

static int run(const struct settings *s)
{
	bool add = strcmp(s->arguments[0], "add") == 0, remove = strcmp(s->arguments[0], "rm") == 0;
	int code;

	if ((!add && !remove && strcmp(s->arguments[0], "ls") != 0) || ((add || remove) != (s->n_arguments == 2))) {
		fprintf(stderr, "rung model: use `ls`, `add PATH` or `rm NAME`; see `rung model --help`\n");
		return RUNG_INPUT;
	}
	struct rung *r = terminal_open(s, NULL);

	code = add || remove ? add_or_remove(r, s, add) : list(r, s);
	rung_close(r);
	return code;
}

static const struct option_row *const options_of[] = { &option_name, &option_models_folder, &option_json, &option_quiet,
						       &option_help, NULL };

const struct command command_model = {
	"model", "ls | add PATH | rm NAME", "local models",
	"Lists the local models, links a GGUF file (decoder or LoRA adapter) or an encoder's folder among them, or takes\n"
	"one away. A task names a decoder local:NAME (its file name without .gguf), and read through an adapter\n"
	"local:NAME+ADAPTER; local and local+ADAPTER are the default decoder.",
	options_of, 1, 2, run,
};
