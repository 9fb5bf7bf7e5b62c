/* cmd_tune.c - rung tune TASK | curate TASK | ls TASK | rm TASK NAME:vN | export TASK NAME:vN | export TASK --for TRAINER | import
 * TASK PATH | submit TASK */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "terminal.h"

static size_t count(double given)
{
	return given > 0 ? (size_t)given : 0;
}

static struct rung_tune_options options_from(const struct settings *s)
{
	return (struct rung_tune_options){
		.method = s->method, .model = s->base, .name = s->name, .epochs = count(s->epochs), .batch = count(s->batch),
		.rank = count(s->rank), .rate = s->rate > 0 ? s->rate : 0, .memory_mb = count(s->memory), .balanced = s->balanced,
		.seeds = count(s->seeds), .teacher = s->teacher, .yes = s->yes, .unlabelled = s->unlabelled, .reasons = s->reasons,
		.probe = s->probe,
		.most_tokens = s->most_tokens >= 0 && s->most_tokens < 1 ? SIZE_MAX : count(s->most_tokens),
	};
}

static int train(struct rung *r, const struct settings *s)
{
	struct rung_tune_options options = options_from(s);
	struct rung_error err;
	char *text;
	enum rung_status status = rung_tune(r, &options, s->json, &text, &err);

	terminal_clear_progress();
	return status ? terminal_fail(status, &err) : terminal_output(text, NULL);
}

static int list(struct rung *r, const struct settings *s)
{
	struct rung_error err;
	char *text;
	enum rung_status status = rung_tune_list(r, s->json, &text, &err);

	return status ? terminal_fail(status, &err) : terminal_output(text, NULL);
}

static int rm(struct rung *r, const struct settings *s)
{
	struct rung_error err;
	enum rung_status status = rung_tune_remove(r, s->arguments[2], &err);

	return status ? terminal_fail(status, &err) : 0;
}

/* Of a version: what it is, for other programs. */
static int export(struct rung *r, const struct settings *s)
{
	struct rung_error err;

	enum rung_status status = rung_tune_export(r, s->arguments[2], s->as, s->output, &err);

	return status ? terminal_fail(status, &err) : 0;
}

/* Of the task: what a trainer elsewhere needs. */
static int hand_off(struct rung *r, const struct settings *s)
{
	struct rung_tune_options options = options_from(s);
	struct rung_error err;
	char *text;
	enum rung_status status = rung_tune_hand_off(r, s->trainer, s->output, &options, s->json, &text, &err);

	return status ? terminal_fail(status, &err) : terminal_output(text, NULL);
}

/* Which of the two it is, or what is wrong with it. */
static int (*export_form(const struct settings *s))(struct rung *, const struct settings *)
{
	const char *wrong = NULL;

	if (s->trainer && (s->as || s->n_arguments == 3))
		wrong = "--for is for training elsewhere and goes without a version and without --as; a version takes --as alone";
	else if (s->trainer && (s->teacher || s->unlabelled || s->reasons))
		wrong = "--teacher, --unlabelled and --reasons are for training here; with --for the pool's own examples go out";
	else if (s->trainer && !s->output)
		wrong = "export --for TRAINER needs -o FOLDER";
	else if (!s->trainer && s->n_arguments != 3)
		wrong = "export needs a version (TASK NAME:vN --as FORMAT -o PATH), or a trainer elsewhere (TASK --for "
			"trl|axolotl|bedrock|vertex -o FOLDER)";
	else if (!s->trainer && (!s->as || !s->output))
		wrong = "export needs --as gguf|peft|merged|encoder and -o PATH";
	if (wrong)
		fprintf(stderr, "rung tune: %s\n", wrong);
	return wrong ? NULL : s->trainer ? hand_off : export;
}

static int import(struct rung *r, const struct settings *s)
{
	struct rung_tune_options options = options_from(s);
	struct rung_error err;
	char *text;
	enum rung_status status = rung_tune_import(r, s->arguments[2], &options, s->json, &text, &err);

	terminal_clear_progress();
	return status ? terminal_fail(status, &err) : terminal_output(text, NULL);
}

static int curate(struct rung *r, const struct settings *s)
{
	struct rung_error err;
	char *text;
	enum rung_status status = rung_tune_curate(r, s->base, s->json, &text, &err);

	return status ? terminal_fail(status, &err) : terminal_output(text, NULL);
}

static bool confirm(void *context, const char *preview)
{
	(void)context;
	return terminal_agree("This job may cost money:", preview, "Submit it?");
}

static int submit(struct rung *r, const struct settings *s)
{
	struct rung_tune_options options = options_from(s);
	struct rung_submit_options how = {
		.validate_on_dev = s->on_dev, .training_price = s->cost.training_price, .poll_s = s->poll > 0 ? s->poll : 0, .dry_run = s->dry_run,
		.yes = s->yes, .confirm = confirm,
	};
	struct rung_error err;
	char *text;
	enum rung_status status = s->cancel ? rung_tune_cancel(r, &options, &how, &text, &err) :
					      rung_tune_submit(r, &options, &how, s->json, &text, &err);

	terminal_clear_progress();
	return status ? terminal_fail(status, &err) : terminal_output(text, NULL);
}

static const struct {
	const char *name, *arguments;
	size_t n; /* arguments with the verb and the task */
	int (*run)(struct rung *r, const struct settings *s);
} verbs[] = {
	{ "ls", "", 2, list }, { "rm", " NAME:vN", 3, rm }, { "import", " PATH", 3, import }, { "curate", "", 2, curate },
	{ "submit", "", 2, submit },
};

static int run_on(const char *task, int (*verb)(struct rung *r, const struct settings *s), const struct settings *s)
{
	struct rung *r = terminal_open(s, task);
	int code = verb(r, s);

	rung_close(r);
	return code;
}

static int run(const struct settings *s)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(s->arguments[0], verbs[i].name) != 0)
			continue;
		if (s->n_arguments != verbs[i].n) {
			fprintf(stderr, "rung tune: use `rung tune %s TASK%s`; see `rung tune --help`\n", verbs[i].name,
				verbs[i].arguments);
			return RUNG_INPUT;
		}
		return run_on(s->arguments[1], verbs[i].run, s);
	}
	if (strcmp(s->arguments[0], "export") == 0 && s->n_arguments > 1) {
		int (*form)(struct rung *, const struct settings *) = export_form(s);

		return form ? run_on(s->arguments[1], form, s) : RUNG_INPUT;
	}
	if (s->n_arguments != 1) {
		fprintf(stderr, "rung tune: \"%s\" is neither a task alone nor one of ls, rm, export, import, submit and curate; see "
				"`rung tune --help`\n",
			s->arguments[0]);
		return RUNG_INPUT;
	}
	return run_on(s->arguments[0], train, s);
}

static const struct option_row *const options_of[] = {
	&option_method, &option_base, &option_tune_name, &option_epochs, &option_batch, &option_rate, &option_rank, &option_seeds,
	&option_most_tokens, &option_balanced, &option_teacher, &option_unlabelled, &option_reasons, &option_probe, &option_as, &option_for,
	&option_output,
	&option_training_price, &option_on_dev, &option_yes, &option_job_preview, &option_job_poll, &option_cancel,
	&option_tune_memory, &option_seed, &option_examples, &option_store, &option_threads,
	&option_models_folder, &option_json, &option_quiet, &option_help, NULL,
};

const struct command command_tune = {
	"tune", "TASK | curate|ls TASK | rm|export TASK NAME:vN | export TASK --for TRAINER | import TASK PATH | submit TASK --base MODEL",
	"fine-tune a small model on the task's pool",
	"Fine-tunes a small model on the task's pool, keeps it as the next version of NAME beside the store, and scores\n"
	"it on dev. A part of the pool is held out to know when to stop. Interrupted or killed, the same command goes\n"
	"on from its last checkpoint. curate looks through the pool for copies, leaks and wrong labels, and writes\n"
	"curation.csv beside the store, which training follows and you may change. ls lists the versions, rm removes\n"
	"one, export writes one for other programs, and import takes in what was trained elsewhere: PEFT's folder, a\n"
	"GGUF adapter, an encoder's folder. export --for makes the folder that TRL or axolotl trains a bigger base from,\n"
	"on GPUs, or that Bedrock or Vertex does. submit has a provider train --base openai:NAME or URL#NAME (OpenAI's\n"
	"fine-tuning jobs) and waits for it; interrupted or killed, the same command goes on with the same job.",
	options_of, 1, 3, run,
};
