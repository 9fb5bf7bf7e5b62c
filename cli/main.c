/* main.c - finds the command in the table and runs it. */
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "rung.h"
#include "terminal.h"

const struct command *const commands[] = { &command_init, &command_climb, &command_check, &command_decide, &command_report, &command_export,
					   &command_view, &command_serve, &command_key, &command_data, &command_show, &command_ask, &command_docs, &command_model, &command_tune,
					   &command_cost, NULL };

static void usage(FILE *out)
{
	fputs("usage: rung COMMAND ...\n\nShould I fine-tune? Measures the ladder on your own examples: no model, better "
	      "prompts, retrieval,\nfine-tuning; decides with stated error rates and costs; serves what won.\n\n", out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "  rung %-7s %-24s %s\n", commands[i]->name, commands[i]->arguments, commands[i]->summary);
	fputs("\nEvery command has --help. Exit codes: 0 done; 1 bad usage or input; 2 could not finish, run it again to "
	      "resume;\n3 with --require-target: the target is not met.\n", out);
}

/* The man page, from the same tables: `rung --man | man -l -`. */
static void man_page(void)
{
	printf(".TH RUNG 1 \"\" \"rung %s\"\n.SH NAME\nrung \\- should I fine-tune? measured on your own examples\n"
	       ".SH SYNOPSIS\n.B rung\n.I COMMAND\n[options]\n.SH COMMANDS\n", RUNG_VERSION);
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		printf(".SS rung %s %s\n%s\n", c->name, c->arguments, c->description);
		for (size_t j = 0; c->options[j]; j++)
			printf(".TP\n.B \\%s%s%s\n%s\n", c->options[j]->name, c->options[j]->value ? " " : "",
			       c->options[j]->value ? c->options[j]->value : "", c->options[j]->help);
	}
	puts(".SH EXIT STATUS\n0 done; 1 bad usage or input; 2 could not finish, run it again to resume; 3 with "
	     "\\-\\-require\\-target: the target is not met.");
}

static int run(const struct command *c, int argc, char **argv)
{
	struct settings s;

	if (options_parse(c, argc, argv, &s))
		return RUNG_INPUT;
	if (s.help) {
		options_help(c);
		return RUNG_OK;
	}
	return c->run(&s);
}

int main(int argc, char **argv)
{
	terminal_catch_signals();
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		usage(argc < 2 ? stderr : stdout);
		return argc < 2 ? RUNG_INPUT : RUNG_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("rung %s\n", RUNG_VERSION);
		return RUNG_OK;
	}
	if (strcmp(argv[1], "--man") == 0) {
		man_page();
		return RUNG_OK;
	}
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, argv[1]) == 0)
			return run(commands[i], argc - 2, argv + 2);
	fprintf(stderr, "rung: unknown command \"%s\"; `rung --help` lists them\n", argv[1]);
	return RUNG_INPUT;
}
