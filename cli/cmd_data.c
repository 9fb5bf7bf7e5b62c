/* cmd_data.c - rung data review|sample|drift|forget|keep TASK */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"

/* A line of the person's, without its end; false at the end of what they say. */
static bool read_line(const char *question, char *line, int n)
{
	fputs(question, stderr);
	fflush(stderr);
	if (!fgets(line, n, stdin))
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

static enum rung_review_answer ask(void *context, const char *shown, bool acceptable, char fix[1024])
{
	char line[16];

	(void)context;
	fprintf(stderr, "\n%s", shown);
	while (read_line(acceptable ? "[a]ccept, [f]ix, [r]eject, [l]ater, [q]uit? " : "[f]ix, [r]eject, [l]ater, [q]uit? ", line, sizeof(line))) {
		if (line[0] == 'a' && acceptable)
			return RUNG_REVIEW_ACCEPT;
		if (line[0] == 'r')
			return RUNG_REVIEW_REJECT;
		if (line[0] == 'l' || line[0] == '\0')
			return RUNG_REVIEW_LATER;
		if (line[0] == 'q')
			return RUNG_REVIEW_STOP;
		if (line[0] == 'f' && read_line("the right answer: ", fix, 1024) && fix[0])
			return RUNG_REVIEW_FIX;
	}
	return RUNG_REVIEW_STOP;
}

/* Somebody is there, and said nothing on the command line. */
static bool somebody(const struct settings *s)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && !s->json && !s->quiet && s->accept.n + s->reject.n + s->fix.n == 0;
}

static const struct {
	const char *name;
	enum rung_status (*run)(struct rung *r, const struct rung_data_options *options, bool json, char **text, struct rung_error *err);
} verbs[] = {
	{ "review", rung_data_review }, { "sample", rung_data_sample }, { "drift", rung_data_drift }, { "forget", rung_data_forget },
	{ "keep", rung_data_keep },
};

static double given(double x)
{
	return x > 0 ? x : 0;
}

static int run(const struct settings *s)
{
	const struct rung_data_options options = {
		.log = s->log, .since_days = given(s->days), .right = s->right, .accept = s->accept.items, .n_accept = s->accept.n,
		.reject = s->reject.items, .n_reject = s->reject.n, .fix = s->fix.items, .n_fix = s->fix.n, .ask = somebody(s) ? ask : NULL,
		.n = (size_t)given(s->sampled), .alpha = given(s->false_alarms), .subject = s->subject, .calls_days = given(s->calls_days),
		.texts_days = given(s->texts_days),
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(s->arguments[0], verbs[i].name) != 0)
			continue;
		struct rung *r = terminal_open(s, s->arguments[1]);
		struct rung_error err;
		char *text;
		enum rung_status status = verbs[i].run(r, &options, s->json, &text, &err);
		int code = status ? terminal_fail(status, &err) : terminal_output(text, NULL);

		rung_close(r);
		return code;
	}
	fprintf(stderr, "rung data: \"%s\" is not one of review, sample, drift, forget, keep; see `rung data --help`\n", s->arguments[0]);
	return RUNG_INPUT;
}

static const struct option_row *const options_of[] = {
	&option_accept, &option_fix, &option_reject, &option_right, &option_days, &option_sampled, &option_false_alarms, &option_subject,
	&option_calls_days, &option_texts_days, &option_data_log, &option_seed, &option_store, &option_threads, &option_models_folder,
	&option_json, &option_quiet, &option_help, NULL,
};

const struct command command_data = {
	"data", "review|sample|drift|forget|keep TASK", "what was served becomes examples; what production looks like",
	"review TASK    calls of which somebody said the right answer: what you accept or fix goes into collected.jsonl in the\n"
	"               task's folder, as examples of the pool; the rest waits in review.csv beside the store, whose columns\n"
	"               decision (accept, fix, reject) and fix are yours. What is nearly a dev or test item is refused\n"
	"sample TASK    draws calls at random for you to label in sample.csv beside the store; once each has its label, the\n"
	"               same command makes them test items\n"
	"drift TASK     whether inputs, answers and what is said of them have moved away from the examples\n"
	"forget TASK    removes all calls about --subject: from the log, which is written anew, and what was made of them\n"
	"keep TASK      removes what is older than --calls-days and --texts-days",
	options_of, 2, 2, run,
};
