/* cmd_key.c - rung key add|ls|rm: who may ask `rung serve` */
#include <stdio.h>
#include <string.h>

#include "terminal.h"

static const char default_file[] = "keys.jsonl";

/* A limit of 0 would be none to the library, and reads as nothing at all. */
static bool limits_are_some(const struct settings *s)
{
	const struct {
		const char *option;
		double given;
	} rows[] = { { "--rpm", s->requests_per_minute }, { "--tpm", s->tokens_per_minute }, { "--usd-per-day", s->usd_per_day } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].given == 0) {
			fprintf(stderr, "rung key: %s has to be above 0; leave it out for no limit\n", rows[i].option);
			return false;
		}
	return true;
}

static int add(const char *file, const struct settings *s)
{
	if (!limits_are_some(s))
		return RUNG_INPUT;
	const struct rung_key_options options = {
		.name = s->arguments[1], .tenant = s->tenant, .scopes = s->scopes.items, .n_scopes = s->scopes.n, .models = s->models.items,
		.n_models = s->models.n, .requests_per_minute = s->requests_per_minute, .tokens_per_minute = s->tokens_per_minute,
		.usd_per_day = s->usd_per_day,
	};
	struct rung_error err;
	char *key;
	enum rung_status status = rung_key_add(file, &options, &key, &err);

	if (status)
		return terminal_fail(status, &err);
	printf("%s\n", key);
	rung_free_text(key);
	if (!s->quiet)
		fprintf(stderr, "rung key: this is the only time that it is shown; %s has its hash\n", file);
	return 0;
}

static int list(const char *file, const struct settings *s)
{
	struct rung_error err;
	char *text;
	enum rung_status status = rung_key_list(file, s->json, &text, &err);

	return status ? terminal_fail(status, &err) : terminal_output(text, NULL);
}

static int take_away(const char *file, const struct settings *s)
{
	struct rung_error err;
	enum rung_status status = rung_key_remove(file, s->arguments[1], &err);

	return status ? terminal_fail(status, &err) : 0;
}

static int run(const struct settings *s)
{
	static const struct {
		const char *name;
		size_t arguments;
		int (*run)(const char *file, const struct settings *s);
	} rows[] = { { "add", 2, add }, { "ls", 1, list }, { "rm", 2, take_away } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, s->arguments[0]) == 0 && rows[i].arguments == s->n_arguments)
			return rows[i].run(s->keys ? s->keys : default_file, s);
	fprintf(stderr, "rung key: use `add NAME`, `ls` or `rm NAME`; see `rung key --help`\n");
	return RUNG_INPUT;
}

static const struct option_row *const options_of[] = { &option_key_file, &option_tenant, &option_scopes, &option_key_models, &option_key_rpm,
						       &option_key_tpm, &option_key_usd, &option_json, &option_quiet, &option_help, NULL };

const struct command command_key = {
	"key", "add NAME | ls | rm NAME", "who may ask `rung serve`",
	"Makes a key and prints it, once: the file has its hash alone. `rung serve --keys FILE` asks for one of them, and reads the file again\n"
	"when it changes. `rm` ends a key within two seconds.",
	options_of, 1, 2, run,
};
