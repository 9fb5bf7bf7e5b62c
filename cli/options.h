/* options.h - commands and their options as tables; parsing, --help and the man page derive from them. */
#ifndef RUNG_CLI_OPTIONS_H
#define RUNG_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_LIST, OPTION_NUMBER, OPTION_COUNT };

/* One option; where its value goes is an offset into struct settings. */
struct option_row {
	const char *name;  /* "--seed" */
	const char *short_name; /* "-o", or NULL */
	enum option_kind kind;
	const char *value; /* what --help calls it; NULL for flags */
	const char *help;
	size_t offset;
};

enum { MAX_LIST = 16 };
struct text_list {
	const char *items[MAX_LIST];
	size_t n;
};

/* What `rung cost` assumes. */
struct cost_settings {
	const char *calls_range, *prices, *from, *to, *tokens, *to_tokens;
	struct text_list price, region_factor;
	double calls_per_day, horizon, cost_per_error, price_decline, batch_share, prefix, cache_hit, retry, retrieval_per_call, guard_per_call;
	double one_off, hours, hour_rate, labels, label_cost, failed_runs, training_tokens, epochs, training_price, gpu_hours, gpu_hour_rate,
		evaluation;
	double hosting_per_day, gpus, storage_per_day, upkeep_per_day, retrain_every, retrain_cost, retired_after, rebuild_cost;
	double quality, to_quality, escalated;
};

/* Everything a command line can say. Numbers are -1 and texts NULL when not given. */
struct settings {
	const char *store, *examples, *models_folder, *rungs, *plan, *rewrite, *format, *output, *variant, *name, *mode, *id, *method, *base, *as, *climb_for;
	const char *answer, *kind, *address, *log, *keys, *tenant, *route_default, *tls_certificate, *tls_key, *access_log, *otlp;
	const char *trainer, *teacher, *unlabelled, *probe;
	struct text_list upstreams, fallbacks, upstream_limits, scopes;
	const char *subject;
	struct text_list accept, reject, fix;
	double days, sampled, calls_days, texts_days, false_alarms;
	bool right;
	struct text_list models, filters, text, ladder;
	double k, seed, threads, memory, context, budget_minutes, budget_calls, budget_usd, core_hour;
	double concurrency, requests_per_minute, tokens_per_minute, timeout, poll;
	double port, share, cache_mb, usd_per_day;
	double epochs, batch, rate, rank, seeds, most_tokens, alpha, margin, target;
	struct cost_settings cost;
	bool json, quiet, dry_run, require_target, watch, balanced, reasons, calls, outcomes, grades, yes, in_batches, no_cache, on_dev, cancel, no_log, no_texts, route, shadow, history, help;
	char **arguments; /* what is not an option, in order; in place of argv */
	size_t n_arguments;
};

struct command {
	const char *name, *arguments, *summary, *description;
	const struct option_row *const *options; /* ends with NULL */
	size_t least, most; /* arguments */
	int (*run)(const struct settings *s);
};

extern const struct option_row option_store, option_examples, option_seed, option_threads, option_memory,
	option_context, option_models_folder, option_json, option_quiet, option_help, option_rungs, option_models,
	option_plan, option_rewrite, option_minutes, option_calls, option_dry_run, option_core_hour, option_require_target,
	option_format, option_output, option_variant, option_name, option_k, option_mode, option_filter, option_text, option_id,
	option_watch, option_method, option_base, option_epochs, option_batch, option_rate, option_rank, option_seeds,
	option_most_tokens, option_balanced, option_as, option_for, option_teacher, option_unlabelled, option_reasons, option_probe,
	option_tune_name, option_tune_memory, option_ladder, option_alpha, option_margin, option_target, option_climb_for,
	option_calls_per_day, option_horizon, option_cost_per_error, option_one_off, option_label_cost, option_port, option_answer,
	option_kind, option_init_name, option_calls_all, option_outcomes, option_grades, option_usd, option_concurrency,
	option_rpm, option_tpm, option_timeout, option_yes, option_in_batches, option_poll, option_no_cache,
	option_training_price, option_on_dev, option_cancel, option_job_poll, option_job_preview, option_serve_port, option_log, option_no_log, option_no_texts, option_upstream,
	option_fallback, option_auto, option_default, option_upstream_limits, option_address, option_keys, option_cache, option_serve_price, option_serve_models, option_key_file,
	option_tenant, option_scopes, option_key_models, option_key_rpm, option_key_tpm, option_key_usd, option_data_log, option_accept, option_reject, option_fix, option_right, option_days,
	option_sampled, option_subject, option_calls_days, option_texts_days, option_false_alarms, option_share, option_shadow, option_history,
	option_tls_cert, option_tls_key, option_access_log, option_otlp;

enum { N_OPTIONS_COST = 41 };
extern const struct option_row options_cost[N_OPTIONS_COST];

/* Fills s from argv behind the command's name; 0, or 1 after it said on stderr what is wrong. */
int options_parse(const struct command *c, int argc, char **argv, struct settings *s);
void options_help(const struct command *c);

extern const struct command *const commands[]; /* ends with NULL */
extern const struct command command_climb, command_check, command_report, command_show, command_ask, command_docs, command_model,
	command_tune, command_cost, command_decide, command_view, command_init, command_export, command_serve, command_key, command_data;

#endif
