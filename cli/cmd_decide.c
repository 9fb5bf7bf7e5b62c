/* cmd_decide.c - rung decide OUTCOMES.jsonl */
#include "terminal.h"

static int run(const struct settings *s)
{
	struct rung_decide_options options = {
		.file = s->arguments[0], .ladder = s->ladder.items, .n_ladder = s->ladder.n, .plan = s->plan, .alpha = s->alpha,
		.margin = s->margin, .target = s->target, .seed = s->seed >= 0 ? (uint64_t)s->seed : 1, .json = s->json,
		.climb_for = s->climb_for, .calls_per_day = s->cost.calls_per_day, .horizon_days = s->cost.horizon,
		.cost_per_error = s->cost.cost_per_error, .one_off = s->cost.one_off, .label_cost = s->cost.label_cost,
		.colour = terminal_colour(), .width = terminal_width(),
	};
	struct rung_error err;
	int meets_target;
	char *text;
	enum rung_status status = rung_decide(&options, &text, &meets_target, &err);
	int code = status ? terminal_fail(status, &err) : terminal_output(text, NULL);

	return !code && s->require_target && meets_target == 0 ? 3 : code;
}

static const struct option_row *const options_of[] = {
	&option_ladder, &option_plan, &option_alpha, &option_margin, &option_target, &option_climb_for, &option_calls_per_day, &option_horizon,
	&option_cost_per_error, &option_one_off, &option_label_cost, &option_seed, &option_require_target,
	&option_json, &option_quiet, &option_help, NULL,
};

const struct command command_decide = {
	"decide", "OUTCOMES.jsonl", "the same decision on outcomes recorded elsewhere",
	"Decides as a climb does, on outcomes recorded elsewhere: one JSON object a line with item, model, config, rung\n"
	"(baseline, prompt, rag, finetune; or a probe: oracle-context, distractors, no-gold, stronger-model, pass-at-k) and\n"
	"correct (0 or 1) or score (0 .. 1); also set, group, usd, ms, input_tokens, output_tokens. Asks no model.",
	options_of, 1, 1, run,
};
