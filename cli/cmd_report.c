/* cmd_report.c - rung report TASK */
#include <string.h>

#include "terminal.h"

static int run(const struct settings *s)
{
	const char *format = s->json ? "json" : s->format ? s->format : "text";
	bool terminal = strcmp(format, "text") == 0 && !s->output;
	struct rung *r = terminal_open(s, s->arguments[0]);
	struct rung_error err;
	char *text;
	enum rung_status status = rung_report(r, terminal ? "terminal" : format, terminal_colour(), terminal_width(), &text,
					      &err);
	int code = status ? terminal_fail(status, &err) : terminal_output(text, s->output);

	if (!code && s->require_target && rung_meets_target(r) == 0)
		code = 3;
	rung_close(r);
	return code;
}

static const struct option_row *const options_of[] = {
	&option_format, &option_output, &option_seed, &option_examples, &option_store, &option_threads, &option_core_hour,
	&option_require_target, &option_json, &option_quiet, &option_help, NULL,
};

const struct command command_report = {
	"report", "TASK", "the report of the last climb",
	"The report of the last climb (of --seed, when given), recomputed from the stored answers.",
	options_of, 1, 1, run,
};
