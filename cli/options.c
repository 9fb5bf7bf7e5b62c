/* options.c - the table of options and the parser over it. */
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct settings, field)

const struct option_row option_store = { "--store", NULL, OPTION_TEXT, "FILE",
	"where measurements are kept (default: .rung/store.db in the task folder)", AT(store) };
const struct option_row option_examples = { "--examples", NULL, OPTION_TEXT, "FILE",
	"labelled examples to use in place of the task's own", AT(examples) };
const struct option_row option_seed = { "--seed", NULL, OPTION_COUNT, "N",
	"seed of the split, the order and the draws (default 1)", AT(seed) };
const struct option_row option_threads = { "--threads", NULL, OPTION_COUNT, "N",
	"threads for local models (default: one a processor)", AT(threads) };
const struct option_row option_memory = { "--memory", NULL, OPTION_COUNT, "MB",
	"memory for the prompts that a local model reads at a time (default 512)", AT(memory) };
const struct option_row option_context = { "--context", NULL, OPTION_COUNT, "N",
	"tokens of a prompt and its reply at most (default: the model's limit, 8192 at most)", AT(context) };
const struct option_row option_models_folder = { "--models-folder", NULL, OPTION_TEXT, "FOLDER",
	"where local models lie (default: $RUNG_MODELS, then the data folder)", AT(models_folder) };
const struct option_row option_json = { "--json", NULL, OPTION_FLAG, NULL, "print the result as JSON", AT(json) };
const struct option_row option_quiet = { "--quiet", "-q", OPTION_FLAG, NULL, "no progress on stderr", AT(quiet) };
const struct option_row option_help = { "--help", "-h", OPTION_FLAG, NULL, "this text", AT(help) };
const struct option_row option_rungs = { "--rungs", NULL, OPTION_TEXT, "A-B",
	"rungs to measure, 0 to 3 (default 0-3)", AT(rungs) };
const struct option_row option_models = { "--models", NULL, OPTION_LIST, "A,B",
	"models to try in place of the task's; recorded:FILE: outcomes that others measured", AT(models) };
const struct option_row option_rewrite = { "--rewrite", NULL, OPTION_TEXT, "MODEL",
	"a model that proposes wordings of the instruction, raced", AT(rewrite) };
const struct option_row option_plan = { "--plan", NULL, OPTION_TEXT, "full|early",
	"look once at all test items, or stop when settled", AT(plan) };
const struct option_row option_minutes = { "--budget", NULL, OPTION_NUMBER, "MINUTES",
	"stop after this long; the same command goes on", AT(budget_minutes) };
const struct option_row option_calls = { "--budget-calls", NULL, OPTION_COUNT, "N",
	"stop after this many model calls", AT(budget_calls) };
const struct option_row option_usd = { "--budget-usd", NULL, OPTION_NUMBER, "USD",
	"stop once so much was paid to providers; what is in flight then still comes", AT(budget_usd) };
const struct option_row option_concurrency = { "--concurrency", NULL, OPTION_COUNT, "N",
	"requests in flight at a provider's model, at most (default 32)", AT(concurrency) };
const struct option_row option_rpm = { "--rpm", NULL, OPTION_NUMBER, "N", "requests a minute to a provider's model, at most", AT(requests_per_minute) };
const struct option_row option_tpm = { "--tpm", NULL, OPTION_NUMBER, "N", "tokens a minute, prompts and replies together, at most",
	AT(tokens_per_minute) };
const struct option_row option_timeout = { "--timeout", NULL, OPTION_NUMBER, "SECONDS",
	"that a provider may take for a reply before it is asked again (default 120)", AT(timeout) };
const struct option_row option_in_batches = { "--batch", NULL, OPTION_FLAG, NULL,
	"ask providers through their batch interface, at half the price and in their time; stopped while it waits, the climb fetches it later",
	AT(in_batches) };
const struct option_row option_no_cache = { "--no-cache", NULL, OPTION_FLAG, NULL,
	"ask every model anew, whatever the store has of earlier climbs; interrupted, the same command goes on", AT(no_cache) };
const struct option_row option_poll = { "--poll", NULL, OPTION_NUMBER, "SECONDS", "how often a batch is looked at (default 30)", AT(poll) };
const struct option_row option_yes = { "--yes", NULL, OPTION_FLAG, NULL, "agree to what providers may cost; the preview is not asked about", AT(yes) };
const struct option_row option_dry_run = { "--dry-run", NULL, OPTION_FLAG, NULL,
	"say what would be measured and stop", AT(dry_run) };
const struct option_row option_core_hour = { "--core-hour", NULL, OPTION_NUMBER, "USD",
	"price of a processor core for an hour (default 0.045)", AT(core_hour) };
const struct option_row option_require_target = { "--require-target", NULL, OPTION_FLAG, NULL,
	"exit with 3 when the target is not shown to be met", AT(require_target) };
const struct option_row option_format = { "--format", "-f", OPTION_TEXT, "FORMAT",
	"text, json, md, html, csv (a row an answer) or junit (default text)", AT(format) };
const struct option_row option_output = { "--output", "-o", OPTION_TEXT, "FILE", "write to FILE", AT(output) };
const struct option_row option_variant = { "--variant", NULL, OPTION_TEXT, "ID",
	"ask this variant in place of the winner", AT(variant) };
const struct option_row option_k = { "--k", "-k", OPTION_COUNT, "N", "passages to show (default 5)", AT(k) };
const struct option_row option_mode = { "--mode", NULL, OPTION_TEXT, "MODE",
	"search by words, vectors or fused (default fused)", AT(mode) };
const struct option_row option_filter = { "--filter", NULL, OPTION_LIST, "KEY=VALUE,...",
	"only documents whose metadata say so", AT(filters) };
const struct option_row option_text = { "--text", NULL, OPTION_LIST, "A,B",
	"add the rows of tables: columns whose values are a row's text", AT(text) };
const struct option_row option_id = { "--id", NULL, OPTION_TEXT, "COLUMN",
	"with --text: the column that names a row (default: its number)", AT(id) };
const struct option_row option_watch = { "--watch", NULL, OPTION_FLAG, NULL,
	"go on adding whenever something changes, until Ctrl-C", AT(watch) };
const struct option_row option_name = { "--name", NULL, OPTION_TEXT, "NAME", "name to add the model under", AT(name) };

const struct option_row option_method = { "--method", NULL, OPTION_TEXT, "METHOD",
	"encoder, lora or lora-rag (default: the first that the task's kind has)", AT(method) };
const struct option_row option_base = { "--base", NULL, OPTION_TEXT, "MODEL",
	"the decoder that LoRA adapts (default local; with --for what it is called there; with submit openai:NAME or URL#NAME)", AT(base) };
const struct option_row option_tune_name = { "--name", NULL, OPTION_TEXT, "NAME",
	"what the versions are of (default: the task's name)", AT(name) };
const struct option_row option_as = { "--as", NULL, OPTION_TEXT, "FORMAT",
	"with export: gguf, peft, merged or encoder", AT(as) };
const struct option_row option_for = { "--for", NULL, OPTION_TEXT, "TRAINER",
	"with export: trl, axolotl, bedrock or vertex, to train elsewhere what --base names there", AT(trainer) };
const struct option_row option_probe = { "--probe", NULL, OPTION_TEXT, "TASK,...",
	"other tasks that the base and the tuned decoder are asked: what did tuning break?", AT(probe) };
const struct option_row option_teacher = { "--teacher", NULL, OPTION_TEXT, "VARIANT",
	"the variant that labels --unlabelled, or gives the --reasons", AT(teacher) };
const struct option_row option_unlabelled = { "--unlabelled", NULL, OPTION_TEXT, "FILE",
	"more inputs to learn from, labelled by --teacher and marked as such", AT(unlabelled) };
const struct option_row option_reasons = { "--reasons", NULL, OPTION_FLAG, NULL,
	"a decoder learns to say why, as --teacher does where it comes to the pool's answer", AT(reasons) };
const struct option_row option_epochs = { "--epochs", NULL, OPTION_COUNT, "N",
	"times that every example is seen at most (default 3 to 20, by their number)", AT(epochs) };
const struct option_row option_batch = { "--batch", NULL, OPTION_COUNT, "N", "examples in a step (default 16 or 32)", AT(batch) };
const struct option_row option_rate = { "--rate", NULL, OPTION_NUMBER, "X",
	"highest learning rate (default 1e-4 for an encoder, 5e-4 for LoRA)", AT(rate) };
const struct option_row option_rank = { "--rank", NULL, OPTION_COUNT, "N",
	"rank of LoRA (default 16; an encoder trains every weight without it)", AT(rank) };
const struct option_row option_seeds = { "--seeds", NULL, OPTION_COUNT, "N",
	"train so many models, of one seed after another (default 1)", AT(seeds) };
const struct option_row option_most_tokens = { "--most-tokens", NULL, OPTION_COUNT, "N",
	"leave out examples beyond so many trained tokens; 0: none (default: as a climb)", AT(most_tokens) };
const struct option_row option_training_price = { "--training-price", NULL, OPTION_NUMBER, "USD",
	"with submit: what the provider takes for a million trained tokens; the preview then says what the job costs", AT(cost.training_price) };
const struct option_row option_on_dev = { "--validate-on-dev", NULL, OPTION_FLAG, NULL,
	"with submit: dev is the validation file, and all of the pool is learnt from (default: a tenth of the pool)", AT(on_dev) };
const struct option_row option_cancel = { "--cancel", NULL, OPTION_FLAG, NULL,
	"with submit: end the job that the same command submitted", AT(cancel) };
const struct option_row option_job_poll = { "--poll", NULL, OPTION_NUMBER, "SECONDS",
	"with submit: how often the job is looked at (default 30)", AT(poll) };
const struct option_row option_job_preview = { "--dry-run", NULL, OPTION_FLAG, NULL,
	"with submit: say what would be trained and what it costs, and stop", AT(dry_run) };
const struct option_row option_balanced = { "--balanced", NULL, OPTION_FLAG, NULL,
	"an encoder's labels weigh alike, however many examples they have", AT(balanced) };
const struct option_row option_tune_memory = { "--memory", NULL, OPTION_COUNT, "MB",
	"memory that training may take (default: no cap)", AT(memory) };

const struct option_row option_ladder = { "--ladder", NULL, OPTION_LIST, "A,B,...",
	"pose these (MODEL/CONFIG, or CONFIG) as rungs in this order", AT(ladder) };
const struct option_row option_alpha = { "--alpha", NULL, OPTION_NUMBER, "X", "error budget of the whole decision (default 0.05)", AT(alpha) };
const struct option_row option_margin = { "--margin", NULL, OPTION_NUMBER, "X",
	"smaller differences are not worth a rung (default 0.05)", AT(margin) };
const struct option_row option_target = { "--target", NULL, OPTION_NUMBER, "X",
	"the score that is asked for; the lowest rung that is shown to reach it wins", AT(target) };

const struct option_row option_calls_all = { "--calls", NULL, OPTION_FLAG, NULL,
	"every model call of the store, all of its columns", AT(calls) };
const struct option_row option_grades = { "--grades", NULL, OPTION_FLAG, NULL,
	"writes human.csv beside the store: answers for people to grade, which `rung report` then counts", AT(grades) };
const struct option_row option_outcomes = { "--outcomes", NULL, OPTION_FLAG, NULL,
	"what every measured variant answered to the test items, as `rung decide` reads it", AT(outcomes) };
const struct option_row option_answer = { "--answer", NULL, OPTION_TEXT, "COLUMN",
	"the column with the right answers (default: guessed)", AT(answer) };
const struct option_row option_kind = { "--kind", NULL, OPTION_TEXT, "KIND",
	"classify, extract, answer or generate (default: guessed from the answers)", AT(kind) };
const struct option_row option_init_name = { "--name", NULL, OPTION_TEXT, "NAME",
	"what reports call the task (default: the file's name)", AT(name) };
const struct option_row option_port = { "--port", NULL, OPTION_COUNT, "N",
	"port on 127.0.0.1 (default 8090; 0: any that is free)", AT(port) };
const struct option_row option_serve_port = { "--port", NULL, OPTION_COUNT, "N",
	"port (default 8080; 0: any that is free)", AT(port) };
const struct option_row option_upstream = { "--upstream", NULL, OPTION_LIST, "A,B",
	"models that requests are passed on to: openai:NAME, URL#NAME; may be given again", AT(upstreams) };
const struct option_row option_fallback = { "--fallback", NULL, OPTION_LIST, "A=B", "upstream B is asked where A fails", AT(fallbacks) };
const struct option_row option_upstream_limits = { "--upstream-limits", NULL, OPTION_LIST, "S,S,S,S,S",
	"seconds to connect, to the headers, to the first byte, between pieces, in all (default 10,60,60,60,900)", AT(upstream_limits) };
const struct option_row option_address = { "--address", NULL, OPTION_TEXT, "IP",
	"listen there, in place of 127.0.0.1; needs --keys for what is not this machine", AT(address) };
const struct option_row option_access_log = { "--access-log", NULL, OPTION_TEXT, "FILE|-",
	"write a line of JSON for each call, without texts (-: to standard output)", AT(access_log) };
const struct option_row option_otlp = { "--otlp", NULL, OPTION_TEXT, "URL",
	"send spans of each call to this collector of traces, http://127.0.0.1:4318 (OTLP over HTTP)", AT(otlp) };
const struct option_row option_tls_cert = { "--tls-cert", NULL, OPTION_TEXT, "FILE",
	"speak HTTPS with this certificate, in PEM form, those that signed it behind it", AT(tls_certificate) };
const struct option_row option_tls_key = { "--tls-key", NULL, OPTION_TEXT, "FILE", "the certificate's private key, in PEM form", AT(tls_key) };
const struct option_row option_keys = { "--keys", NULL, OPTION_TEXT, "FILE",
	"ask for a key, one of this file (`rung key add`); it is read again when it changes", AT(keys) };
const struct option_row option_cache = { "--cache", NULL, OPTION_COUNT, "MB",
	"keep answers for who asks exactly the same (default: none)", AT(cache_mb) };
const struct option_row option_serve_models = { "--models", NULL, OPTION_LIST, "A,B",
	"local models asked as they are: local, local:NAME, a fine-tuned NAME:vN, or the one that embeds (all-MiniLM-L6-v2)", AT(models) };
const struct option_row option_serve_price = { "--price", NULL, OPTION_LIST, "MODEL=IN/OUT,...",
	"USD per million tokens of a model that the price table has not, or otherwise", AT(cost.price) };
const struct option_row option_key_file = { "--keys", NULL, OPTION_TEXT, "FILE", "the file of keys (default keys.jsonl)", AT(keys) };
const struct option_row option_tenant = { "--tenant", NULL, OPTION_TEXT, "NAME",
	"whose key it is: keys of a tenant see the same calls (default: its own)", AT(tenant) };
const struct option_row option_scopes = { "--scopes", NULL, OPTION_LIST, "A,B",
	"what it may do: ask, feedback, read, metrics, admin (default ask,feedback)", AT(scopes) };
const struct option_row option_key_models = { "--models", NULL, OPTION_LIST, "A,B", "the models that it may ask (default: all)", AT(models) };
const struct option_row option_key_rpm = { "--rpm", NULL, OPTION_NUMBER, "N", "requests in any minute, at most", AT(requests_per_minute) };
const struct option_row option_key_tpm = { "--tpm", NULL, OPTION_NUMBER, "N", "tokens in any minute, at most, prompts and replies together",
	AT(tokens_per_minute) };
const struct option_row option_key_usd = { "--usd-per-day", NULL, OPTION_NUMBER, "USD", "paid to providers in any 24 hours, at most", AT(usd_per_day) };
const struct option_row option_auto = { "--auto", NULL, OPTION_FLAG, NULL,
	"answer \"rung/auto\", too: by the task that the input is like, learnt from the tasks' examples at the start", AT(route) };
const struct option_row option_default = { "--default", NULL, OPTION_TEXT, "TASK|UPSTREAM",
	"gets what is like none of the tasks (default: 404); it brings --auto with it", AT(route_default) };
const struct option_row option_log = { "--log", NULL, OPTION_TEXT, "FILE",
	"where calls and feedback are kept (default: served.db beside the first task's store)", AT(log) };
const struct option_row option_no_log = { "--no-log", NULL, OPTION_FLAG, NULL, "keep neither", AT(no_log) };
const struct option_row option_no_texts = { "--no-texts", NULL, OPTION_FLAG, NULL, "keep calls without what was asked and answered", AT(no_texts) };
const struct option_row option_share = { "--share", NULL, OPTION_NUMBER, "SHARE",
	"of calls that what a later climb finds answers while on trial (default 0.1; 1: all, without a trial)", AT(share) };
const struct option_row option_shadow = { "--shadow", NULL, OPTION_FLAG, NULL, "ask it as well, and do not show what it says, in place of a share",
	AT(shadow) };
const struct option_row option_history = { "--history", NULL, OPTION_FLAG, NULL,
	"print what served the tasks, since when and why, and end", AT(history) };
const struct option_row option_climb_for = { "--climb-for", NULL, OPTION_TEXT, "WHAT",
	"quality, cost or both (default: both with --calls-per-day, else quality)", AT(climb_for) };
const struct option_row option_calls_per_day = { "--calls-per-day", NULL, OPTION_NUMBER, "N",
	"traffic: what the rows cost (usd) then counts as well", AT(cost.calls_per_day) };
const struct option_row option_horizon = { "--horizon", NULL, OPTION_NUMBER, "DAYS",
	"days that one-off costs have to pay in (default 90)", AT(cost.horizon) };
const struct option_row option_cost_per_error = { "--cost-per-error", NULL, OPTION_NUMBER, "USD",
	"what a wrong answer costs", AT(cost.cost_per_error) };
const struct option_row option_one_off = { "--one-off", NULL, OPTION_NUMBER, "USD",
	"what a configuration on rung finetune took once", AT(cost.one_off) };
const struct option_row option_label_cost = { "--label-cost", NULL, OPTION_NUMBER, "USD",
	"what one more label costs", AT(cost.label_cost) };

const struct option_row option_data_log = { "--log", NULL, OPTION_TEXT, "FILE",
	"what `rung serve` kept (default: served.db beside the store)", AT(log) };
const struct option_row option_accept = { "--accept", NULL, OPTION_LIST, "all|ID,...",
	"with review: calls, by the beginning of their ids, whose right answers become examples", AT(accept) };
const struct option_row option_reject = { "--reject", NULL, OPTION_LIST, "all|ID,...", "with review: calls that do not", AT(reject) };
const struct option_row option_fix = { "--fix", NULL, OPTION_LIST, "ID=ANSWER,...", "with review: calls that do with another answer", AT(fix) };
const struct option_row option_right = { "--right", NULL, OPTION_FLAG, NULL,
	"with review: answers that were said to be right too, beside demonstrations", AT(right) };
const struct option_row option_days = { "--days", NULL, OPTION_NUMBER, "N", "calls of the last N days alone (default: all)", AT(days) };
const struct option_row option_sampled = { "--calls", "-n", OPTION_COUNT, "N",
	"with sample: calls to draw (default 50); with drift: the newest so many (default 300)", AT(sampled) };
const struct option_row option_subject = { "--subject", NULL, OPTION_TEXT, "ID", "with forget: whose calls", AT(subject) };
const struct option_row option_calls_days = { "--calls-days", NULL, OPTION_NUMBER, "N", "with keep: calls older than that go", AT(calls_days) };
const struct option_row option_texts_days = { "--texts-days", NULL, OPTION_NUMBER, "N",
	"with keep: texts of calls older than that go, their figures stay", AT(texts_days) };
const struct option_row option_false_alarms = { "--alpha", NULL, OPTION_NUMBER, "X",
	"with drift: how often one look may be a false alarm (default 0.05)", AT(false_alarms) };

static int wrong(const struct command *c, const char *what, const char *value, const char *remedy)
{
	fprintf(stderr, "rung %s: %s \"%s\"%s; see `rung %s --help`\n", c->name, what, value, remedy, c->name);
	return 1;
}

static const struct option_row *find_option(const struct command *c, const char *text, size_t n)
{
	for (size_t i = 0; c->options[i]; i++) {
		const struct option_row *o = c->options[i];

		if ((strlen(o->name) == n && strncmp(o->name, text, n) == 0) ||
		    (o->short_name && strlen(o->short_name) == n && strncmp(o->short_name, text, n) == 0))
			return o;
	}
	return NULL;
}

/* Splits a comma-separated list in place of the argument; argv outlives the settings. */
static bool set_list(struct text_list *list, char *value)
{
	while (value && list->n < MAX_LIST) {
		char *comma = strchr(value, ',');

		if (comma)
			*comma++ = '\0';
		if (!value[0])
			return false;
		list->items[list->n++] = value;
		value = comma;
	}
	return value == NULL;
}

static bool set_number(const struct option_row *o, double *where, const char *value)
{
	char *end;

	*where = strtod(value, &end);
	return end != value && *end == '\0' && isfinite(*where) && *where >= 0 &&
	       (o->kind == OPTION_NUMBER || (floor(*where) >= *where && *where < 9e15));
}

static bool set_option(const struct option_row *o, struct settings *s, char *value)
{
	char *where = (char *)s + o->offset;

	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)(void *)where = true;
		return true;
	case OPTION_TEXT:
		*(const char **)(void *)where = value;
		return true;
	case OPTION_LIST:
		return set_list((struct text_list *)(void *)where, value);
	case OPTION_NUMBER:
	case OPTION_COUNT:
		break;
	}
	return set_number(o, (double *)(void *)where, value);
}

static int parse_option(const struct command *c, int argc, char **argv, int *i, struct settings *s)
{
	char *text = argv[*i], *equals = strchr(text, '=');
	const struct option_row *o = find_option(c, text, equals ? (size_t)(equals - text) : strlen(text));
	char *value = equals ? equals + 1 : NULL;

	if (!o)
		return wrong(c, "unknown option", text, "");
	if (o->kind == OPTION_FLAG && value)
		return wrong(c, "this option takes no value:", text, "");
	if (o->kind != OPTION_FLAG && !value) {
		if (*i + 1 >= argc)
			return wrong(c, "this option needs a value:", text, "");
		value = argv[++*i];
	}
	return set_option(o, s, value) ? 0 : wrong(c, o->name, value, " is not a value it can take");
}

int options_parse(const struct command *c, int argc, char **argv, struct settings *s)
{
	bool only_arguments = false;

	*s = (struct settings){ .arguments = argv, .k = -1, .seed = -1, .threads = -1, .memory = -1, .context = -1,
				  .budget_minutes = -1, .budget_calls = -1, .budget_usd = -1, .concurrency = -1,
				  .requests_per_minute = -1, .tokens_per_minute = -1, .timeout = -1, .poll = -1, .core_hour = -1, .epochs = -1, .batch = -1,
				  .rate = -1, .rank = -1, .seeds = -1, .most_tokens = -1, .alpha = -1, .margin = -1, .target = -1,
				  .port = -1, .share = -1, .cache_mb = -1, .usd_per_day = -1, .days = -1, .sampled = -1, .calls_days = -1, .texts_days = -1, .false_alarms = -1 };
	for (size_t i = 0; i < N_OPTIONS_COST; i++)
		if (options_cost[i].kind == OPTION_NUMBER)
			*(double *)(void *)((char *)s + options_cost[i].offset) = -1;
	for (int i = 0; i < argc; i++) {
		if (!only_arguments && strcmp(argv[i], "--") == 0) {
			only_arguments = true;
		} else if (!only_arguments && argv[i][0] == '-' && argv[i][1]) {
			if (parse_option(c, argc, argv, &i, s))
				return 1;
		} else if (s->n_arguments == c->most) {
			return wrong(c, "one argument too many:", argv[i], "");
		} else {
			s->arguments[s->n_arguments++] = argv[i]; /* never behind i */
		}
	}
	if (!s->help && s->n_arguments < c->least)
		return wrong(c, "missing", c->arguments, "");
	return 0;
}

void options_help(const struct command *c)
{
	printf("usage: rung %s %s [options]\n\n%s\n\n", c->name, c->arguments, c->description);
	for (size_t i = 0; c->options[i]; i++) {
		const struct option_row *o = c->options[i];
		char left[64];

		snprintf(left, sizeof(left), "%s%s%s%s%s", o->short_name ? o->short_name : "", o->short_name ? ", " : "",
			 o->name, o->value ? " " : "", o->value ? o->value : "");
		printf("  %-26s %s\n", left, o->help);
	}
}
