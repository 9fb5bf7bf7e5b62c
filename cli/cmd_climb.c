/* cmd_climb.c - rung climb TASK */
#include <stdio.h>
#include <string.h>

#include "terminal.h"

/* "2" or "0-3". */
static bool parse_rungs(const char *text, int *first, int *last)
{
	*first = 0;
	*last = 3;
	if (!text)
		return true;
	if (text[0] < '0' || text[0] > '3')
		return false;
	*first = *last = text[0] - '0';
	if (text[1] == '\0')
		return true;
	*last = text[2] - '0';
	return text[1] == '-' && text[2] >= text[0] && text[2] <= '3' && text[3] == '\0';
}

static int print_result(struct rung *r, const struct settings *s)
{
	struct rung_error err;
	char *text, *page;
	enum rung_status status = rung_report(r, s->json ? "json" : "terminal", terminal_colour(), terminal_width(), &text, &err);

	if (status)
		return terminal_fail(status, &err);
	int code = terminal_output(text, NULL);

	if (code)
		return code;
	status = rung_report_page(r, &page, &err);
	if (status)
		return terminal_fail(status, &err);
	if (!s->json)
		printf("\nreport: %s\n", page);
	rung_free_text(page);
	return s->require_target && rung_meets_target(r) == 0 ? 3 : 0;
}

static bool confirm(void *context, const char *preview)
{
	(void)context;
	return terminal_agree("This climb asks models that may cost money:", preview, "Racing usually leaves a third of it. Go on?");
}

static int run(const struct settings *s)
{
	struct rung_climb_options options = {
		.models = s->models.n ? s->models.items : NULL, .n_models = s->models.n, .plan = s->plan, .rewrite = s->rewrite,
		.max_minutes = s->budget_minutes > 0 ? s->budget_minutes : 0,
		.max_calls = s->budget_calls > 0 ? (size_t)s->budget_calls : 0, .max_usd = s->budget_usd > 0 ? s->budget_usd : 0, .dry_run = s->dry_run,
		.confirm = confirm, .no_cache = s->no_cache, .batch = s->in_batches, .batch_poll_s = s->poll > 0 ? s->poll : 0, .yes = s->yes,
	};
	struct rung_error err;
	char *text;
	int code;

	if (!parse_rungs(s->rungs, &options.first_rung, &options.last_rung)) {
		fprintf(stderr, "rung climb: --rungs \"%s\" is not like 0-3 or 1\n", s->rungs);
		return RUNG_INPUT;
	}
	if (s->plan && strcmp(s->plan, "full") != 0 && strcmp(s->plan, "early") != 0) {
		fprintf(stderr, "rung climb: --plan \"%s\" is neither full nor early\n", s->plan);
		return RUNG_INPUT;
	}
	struct rung *r = terminal_open(s, s->arguments[0]);
	enum rung_status status = rung_climb(r, &options, &err);

	terminal_clear_progress();
	if (status) {
		code = terminal_fail(status, &err);
	} else if (s->dry_run) {
		status = rung_check(r, &options, s->json, &text, &err);
		code = status ? terminal_fail(status, &err) : terminal_output(text, NULL);
	} else {
		code = print_result(r, s);
	}
	rung_close(r);
	return code;
}

static const struct option_row *const options_of[] = {
	&option_rungs, &option_models, &option_plan, &option_rewrite, &option_minutes, &option_calls, &option_usd,
	&option_concurrency, &option_rpm, &option_tpm, &option_timeout, &option_in_batches, &option_poll, &option_no_cache, &option_yes, &option_dry_run, &option_seed,
	&option_examples, &option_store, &option_threads, &option_memory, &option_context, &option_models_folder,
	&option_core_hour, &option_require_target, &option_json, &option_quiet, &option_help, NULL,
};

const struct command command_climb = {
	"climb", "TASK", "measure the ladder and print the verdict",
	"Measures the ladder on the task's examples, rung by rung, and prints the verdict. What is measured is\n"
	"stored as it comes: interrupted or killed, the same command goes on where it stopped.",
	options_of, 1, 1, run,
};
