/* rung.h - the whole public API of librung.
 *
 * Open a task, climb its ladder, read the report, ask the winner; or decide on outcomes that others recorded. Texts returned through
 * char ** are the caller's, freed with rung_free_text(). Every fallible function returns a status and, unless it is RUNG_OK, puts one
 * whole sentence into err, which names what is wrong and what to do. The library never prints and never exits.
 * A struct rung belongs to one thread at a time. */
#ifndef RUNG_H
#define RUNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_VERSION "0.1.0"

enum rung_status {
	RUNG_OK = 0,
	RUNG_INPUT = 1,      /* bad usage or input; nothing was written */
	RUNG_UNFINISHED = 2, /* interrupted, out of budget, a store that cannot be written: run it again to resume */
};

struct rung_error {
	char text[1024];
};

struct rung_options {
	const char *task;     /* a task folder or its task.yaml, borrowed until rung_close(); NULL: none, for rung_cost() */
	const char *examples; /* another examples file; NULL: the task's own */
	const char *store;    /* NULL: .rung/store.db in the task folder */
	const char *models;   /* folder of local models; NULL: RUNG_MODELS, else the data folder, else the build's */
	uint64_t seed;
	bool seed_given;      /* for reports: the run of that seed, not the latest */
	int threads;          /* 0: one a processor */
	size_t memory_mb;     /* keys and values that a local model holds at a time; 0: 512 */
	size_t max_context;   /* tokens of a prompt and its reply; 0: the model's limit, 8,192 at most */
	double usd_per_core_hour; /* 0: the default of the price table */
	/* Of each model that is asked over HTTP; 0: 32 requests in flight, no limits a minute, 120 s for a reply. */
	size_t concurrency;
	double requests_per_minute, tokens_per_minute, timeout_s;
	/* Progress of long work and the wish to stop, both optional; called from the thread that called us. */
	void (*progress)(void *context, const char *what, size_t done, size_t total);
	bool (*stopped)(void *context);
	/* Something that is no failure and should be known, such as one document among many that cannot be read: a sentence. */
	void (*notice)(void *context, const char *sentence);
	void *context;
};

struct rung;

/* Remembers the options; every function below opens what it needs. */
struct rung *rung_open(const struct rung_options *options);
void rung_close(struct rung *r);
void rung_free_text(char *text);

/* A task folder out of what somebody has already: CSV, TSV, JSON Lines, a JSON array, conversations ({"messages": [...]}), or a
 * promptfoo configuration. What is there already is not overwritten. The text says what was guessed and why. */
struct rung_init_options {
	const char *file, *folder;       /* folder NULL: named after the file, in the present one */
	const char *answer, *kind, *name; /* overrule a guess; NULL: guessed */
	bool json;
};
enum rung_status rung_init(const struct rung_init_options *options, char **text, struct rung_error *err);

struct rung_climb_options {
	int first_rung, last_rung;  /* 0 .. 3 */
	const char *const *models;  /* (n_models) names as in task files; NULL: the task's */
	size_t n_models;
	const char *plan;           /* "full", "early"; NULL: the task's */
	const char *rewrite;        /* a model that proposes wordings of the instruction; NULL: the task's, if it names one */
	double max_minutes;         /* 0: the task's budget */
	size_t max_calls;           /* 0: the task's budget */
	bool no_cache;              /* every model is asked anew, whatever the store has; interrupted, the same call goes on */
	bool batch;                 /* providers are asked through their batches, at half the price; a climb may be stopped while one waits */
	double batch_poll_s;        /* how often a batch is looked at; 0: every 30 s */
	double max_usd;             /* paid to providers; 0: the task's budget */
	bool dry_run;               /* only what rung_check() says */
	/* Asked before the first call that may be paid, with a preview of what it would cost at most; false: nothing is done. NULL: the
	 * same as false. */
	bool (*confirm)(void *context, const char *preview);
	void *context;
	bool yes;                   /* it need not be asked */
};

/* Validates the task and says what is in it and what such a climb (NULL: of the whole ladder) would cost at most; writes nothing
 * anywhere. */
enum rung_status rung_check(struct rung *r, const struct rung_climb_options *climb, bool json, char **text, struct rung_error *err);

/* Measures the ladder; what is stored already is not measured again. */
enum rung_status rung_climb(struct rung *r, const struct rung_climb_options *options, struct rung_error *err);

/* The report of the last climb, in the format named ("text", "json", "md", "html", and the answers one by one:
 * "csv", "junit"), recomputed from the stored rows.
 * "terminal" is text with colour when colour is set, width columns wide. */
enum rung_status rung_report(struct rung *r, const char *format, bool colour, int width, char **text,
			     struct rung_error *err);
const char *rung_report_extension(const char *format); /* "html"; NULL for an unknown format */
/* Writes the HTML report beside the store and returns its path. */
enum rung_status rung_report_page(struct rung *r, char **path, struct rung_error *err);
struct rung_view_options {
	int port; /* on 127.0.0.1; 0: any that is free */
	/* Called once the page can be opened; the address is valid during the call. */
	void (*ready)(void *context, const char *address);
	void *context;
};
/* Serves the page of the last climb, and of one that is going on in another process, until options.stopped says so. */
enum rung_status rung_view(struct rung *r, const struct rung_view_options *options, struct rung_error *err);
struct rung_serve_options {
	const char *const *tasks; /* (n_tasks) folders, each climbed before */
	size_t n_tasks;
	const char *const *models; /* (n_models) local ones that are asked as they are: "local", "local:NAME", a version "NAME:vN" that one of the
				    * tasks was fine-tuned to, or the name of the model that embeds */
	size_t n_models;
	const char *const *upstreams; /* (n_upstreams) models that requests are passed on to: openai:NAME, URL#NAME */
	size_t n_upstreams;
	const char *const *fallbacks; /* (n_fallbacks) "A=B": upstream B where A fails */
	size_t n_fallbacks;
	bool route;               /* "rung/auto" goes to the task that its input is like; learnt from the tasks' examples when it begins */
	const char *route_default; /* task or upstream that gets what is like none of them; NULL: 404 */
	double upstream_ms[5];    /* to connect, to the headers, to the first byte, between two pieces, in all; 0: 10, 60, 60, 60 and 900 s */
	const char *keys;         /* file of those who may ask (rung_key_add()); NULL: no key is asked for, and only this machine is answered */
	size_t cache_mb;          /* of answers kept for who asks exactly the same; 0: none are */
	const char *const *prices; /* (n_prices) "MODEL=IN/OUT[/CACHED]", USD per million tokens, beside those of the price table */
	size_t n_prices;
	const char *address;      /* NULL: 127.0.0.1 */
	int port;                 /* 0: any that is free */
	const char *access_log;   /* file that gets a line of JSON for each call, "-": standard output; NULL: none */
	const char *otlp;         /* collector that gets spans of each call, "http://127.0.0.1:4318"; NULL: none */
	const char *tls_certificate, *tls_key; /* files in PEM form, both or neither; NULL: plain HTTP */
	const char *log;          /* file of calls and feedback; NULL: served.db beside the first task's store */
	bool no_log, no_texts;    /* nothing is kept; inputs and outputs are not */
	double share;             /* of calls that what a later climb finds gets while it is on trial; 0: .1; 1: all of them, without a trial */
	bool shadow;              /* it is asked as well, and not shown, in place of a share */
	/* True once for each wish to try again what could not be taken from a store; from another thread. NULL: never. Its context, and that of
	 * ready, is options.context. */
	bool (*again)(void *context);
	/* Called once it answers; the address is valid during the call. */
	void (*ready)(void *context, const char *address);
};
/* Serves the tasks through OpenAI's chat completions, each by the winner of its last climb, and passes on what asks for an upstream, until options.stopped says so; `options` is for
 * all of them, its own task is not looked at. */
enum rung_status rung_serve(const struct rung_options *options, const struct rung_serve_options *serve, struct rung_error *err);
/* Keys of those who may ask a server: a file, which the server reads again whenever it changes. */
struct rung_key_options {
	const char *name, *tenant;     /* tenant NULL: the key is its own */
	const char *const *scopes;     /* (n_scopes) "ask", "feedback", "read", "metrics", "admin"; 0: the first two */
	size_t n_scopes;
	const char *const *models;     /* (n_models) that it may ask; 0: all */
	size_t n_models;
	double requests_per_minute, tokens_per_minute, usd_per_day; /* 0: no limit */
};
/* The text is the new key, which is kept nowhere: the file, made if it is not there, has its hash. */
enum rung_status rung_key_add(const char *file, const struct rung_key_options *options, char **key, struct rung_error *err);
enum rung_status rung_key_list(const char *file, bool json, char **text, struct rung_error *err);
enum rung_status rung_key_remove(const char *file, const char *name, struct rung_error *err);
/* What served the tasks, from when on and why, out of their log: text. */
enum rung_status rung_serve_history(const struct rung_options *options, const struct rung_serve_options *serve, char **text, struct rung_error *err);
/* 1: the target is met, 0: it is not shown to be, -1: the task has none. After rung_report(). */
int rung_meets_target(const struct rung *r);

/* The same decision on outcomes that were recorded elsewhere: no task, no store, no model. */
struct rung_decide_options {
	const char *file;            /* JSON Lines, one item under one configuration each: docs/decision.md */
	const char *const *ladder;   /* (n_ladder) names as MODEL/CONFIG, posed as rungs in this order; NULL: each on its own rung */
	size_t n_ladder;
	const char *plan;            /* "full", "early"; NULL: full */
	double alpha, margin;        /* negative: .05 */
	double target;               /* negative: none */
	const char *climb_for;       /* "quality", "cost", "both"; NULL: both where calls_per_day is given, else quality */
	/* Negative: not given. A horizon of 90 days; one_off: of what is fine-tuned; label_cost: what one more label costs. */
	double calls_per_day, horizon_days, cost_per_error, one_off, label_cost;
	uint64_t seed;               /* of the order in which items are looked at */
	bool json, colour;           /* the text's form; width in columns */
	int width;
};
/* *meets_target (NULL: not asked) is as rung_meets_target() says. */
enum rung_status rung_decide(const struct rung_decide_options *options, char **text, int *meets_target, struct rung_error *err);

/* What is stored, piece by piece as JSON Lines: "outcomes" of the last climb on the test items, as rung_decide() reads them, or "calls",
 * every one of the store; "grades": writes the file for people to grade in beside the store, and says so.
 * put is called with n bytes, not NUL-terminated. */
enum rung_status rung_export(struct rung *r, const char *what, void (*put)(void *context, const char *bytes, size_t n), void *context,
			     struct rung_error *err);

/* Exactly what one variant was sent for one item and what came back. */
enum rung_status rung_show(struct rung *r, const char *variant, const char *item, bool json, char **text,
			   struct rung_error *err);

/* Answers one input: a JSON object of columns, or plain text when the input template names a single column. variant NULL:
 * the winner of the last climb. The answer is one JSON object without a newline; where passages were shown, "citations" are
 * places of stored documents, in bytes, with their text. */
enum rung_status rung_ask(struct rung *r, const char *variant, const char *input, char **answer,
			  struct rung_error *err);

/* The documents of rung 2, in docs.db beside the store. Names are paths relative to the task folder (path#row for the row of a
 * table), absolute for what lies elsewhere. */
struct rung_docs_source {
	const char *const *paths; /* (n_paths) files, folders, globs, relative to the present folder; 0: the task's `documents:` */
	size_t n_paths;
	const char *const *text;  /* (n_text) the paths are tables, and these columns of a row its text; 0: files are documents */
	size_t n_text;
	const char *id;           /* column that names a row; NULL: its number does */
};
struct rung_docs_counts {
	size_t added, changed, unchanged, removed, refused;
	size_t embedded; /* chunks */
};
/* Brings the documents up to what is there now; each is whole or not at all. What cannot be read goes to options.notice. */
enum rung_status rung_docs_add(struct rung *r, const struct rung_docs_source *source, struct rung_docs_counts *counts,
			       struct rung_error *err);
/* The same, and again whenever something changes, until options.stopped says so; `synced` after each pass. */
enum rung_status rung_docs_watch(struct rung *r, const struct rung_docs_source *source,
				 void (*synced)(void *context, const struct rung_docs_counts *counts), struct rung_error *err);
/* name: a document, a folder above it, a table, or a glob. None found is RUNG_INPUT. */
enum rung_status rung_docs_remove(struct rung *r, const char *name, size_t *removed, struct rung_error *err);
/* name: as above; NULL for all. */
enum rung_status rung_docs_list(struct rung *r, const char *name, bool json, char **text, struct rung_error *err);

struct rung_docs_query {
	const char *text;
	size_t k;         /* passages; 0: 5 */
	const char *mode; /* "words", "vectors", "fused"; NULL: fused */
	const char *const *filters; /* (n_filters) "key=value" over a document's metadata; all must hold */
	size_t n_filters;
};
enum rung_status rung_docs_search(struct rung *r, const struct rung_docs_query *query, bool json, char **text,
				  struct rung_error *err);
/* *problems: how many sentences the text has. */
enum rung_status rung_docs_verify(struct rung *r, bool json, size_t *problems, char **text, struct rung_error *err);

/* What was served becomes examples (docs/data.md). Begin from zeros: NULL and 0 are not given. */
struct rung_data_options {
	const char *log;         /* of rung_serve(); NULL: served.db beside the store */
	double since_days;       /* calls of so many last days; 0: all */
	/* review: answers that were said to be right (value true) are proposed beside demonstrations; decisions beside those of the review
	 * file, each "all" or the beginning of a call's id, of fix "ID=ANSWER". */
	bool right;
	const char *const *accept, *const *reject, *const *fix; /* (n_accept), ... */
	size_t n_accept, n_reject, n_fix;
	/* Asked for each call that is still to be decided, with what there is to know of it; RUNG_REVIEW_FIX: the right answer is in fix. NULL:
	 * nobody is asked. */
	enum rung_review_answer {
		RUNG_REVIEW_LATER, RUNG_REVIEW_ACCEPT, RUNG_REVIEW_FIX, RUNG_REVIEW_REJECT, RUNG_REVIEW_STOP
	} (*ask)(void *context, const char *shown, bool acceptable, char fix[1024]);
	void *context;
	size_t n;                /* sample: calls to draw (0: 50); drift: the newest so many (0: 300) */
	double alpha;            /* drift: false alarms of one look; 0: .05 */
	const char *subject;     /* forget */
	double calls_days, texts_days; /* keep: 0: for ever */
};
/* Calls of which somebody said the right answer: takes in what was accepted, as examples of the pool, and writes the rest to review.csv beside
 * the store. The text says what was done and what is to decide. */
enum rung_status rung_data_review(struct rung *r, const struct rung_data_options *options, bool json, char **text, struct rung_error *err);
/* Draws calls at random, to be labelled in sample.csv beside the store; labelled whole, the next call takes them in as test items. */
enum rung_status rung_data_sample(struct rung *r, const struct rung_data_options *options, bool json, char **text, struct rung_error *err);
/* Whether production has moved away from the examples: inputs, answers, and what is said of them. */
enum rung_status rung_data_drift(struct rung *r, const struct rung_data_options *options, bool json, char **text, struct rung_error *err);
/* Removes all calls about a subject, from the log and from what was made of them; and what is older than so many days. */
enum rung_status rung_data_forget(struct rung *r, const struct rung_data_options *options, bool json, char **text, struct rung_error *err);
enum rung_status rung_data_keep(struct rung *r, const struct rung_data_options *options, bool json, char **text, struct rung_error *err);

struct rung_tune_options {
	const char *method; /* "encoder", "lora", "lora-rag"; NULL: the first that the task's kind has */
	const char *model;  /* the decoder that is tuned; NULL: local */
	const char *name;   /* of what is registered; NULL: the task's */
	/* 0 everywhere: what a climb would take (docs/tuning.md). */
	size_t epochs, batch, rank;
	double rate;
	size_t most_tokens; /* SIZE_MAX: every example, however many */
	size_t memory_mb;
	bool balanced;
	size_t seeds;       /* so many models, of as many seeds; 0: 1 */
	/* Distillation: this variant labels this file's rows, which are learnt beside the pool and marked as such; or (reasons) it reasons its
	 * way to the pool's answers, and the decoder learns to say why before it answers; or both. */
	const char *teacher, *unlabelled;
	bool yes;           /* a teacher that is asked elsewhere may cost money */
	bool reasons;
	const char *probe; /* other tasks, by commas, that the base and the tuned decoder are asked: what did it break? NULL: none */
};
/* Fine-tunes on the pool, and scores what came of it on dev. The text says what was made; interrupted, the same call goes on. */
enum rung_status rung_tune(struct rung *r, const struct rung_tune_options *options, bool json, char **text,
			   struct rung_error *err);
/* The registry of the task's fine-tuned models; names are "NAME:vN", with or without "tuned:" before them. */
enum rung_status rung_tune_list(struct rung *r, bool json, char **text, struct rung_error *err);
/* Writes a version for other programs: as "gguf" (an adapter file for llama.cpp), "peft" (a folder), "merged" (a folder with the
 * whole model in f16) or "encoder" (a folder that transformers opens). */
enum rung_status rung_tune_export(struct rung *r, const char *name, const char *as, const char *output, struct rung_error *err);
/* Makes folder (new, or empty) with what `trainer` ("trl", "axolotl") needs to train elsewhere as rung would here: the pool's examples
 * split as rung splits them, a configuration, and a README with the way back. Of the options method ("lora", "lora-rag"; NULL: lora),
 * epochs, batch, rank and rate count, and model: a name on Hugging Face or a folder there; NULL: that of "local". The text says what was
 * written. */
enum rung_status rung_tune_hand_off(struct rung *r, const char *trainer, const char *folder, const struct rung_tune_options *options,
				    bool json, char **text, struct rung_error *err);
/* Fine-tuning by a provider, on the pool's examples as rung_tune_hand_off() writes them for axolotl. Of the options method and name (in what
 * comes of it), epochs (0: 3, more of fewer than 34 examples), batch and rate (the provider's learning_rate_multiplier) count; model is the
 * base, openai:NAME or URL#NAME. */
struct rung_submit_options {
	bool validate_on_dev;  /* dev is the validation file, and the whole pool is learnt from; false: a part of the pool validates */
	double training_price; /* USD a million trained tokens; below 0: not known */
	double poll_s;         /* 0: 30 */
	bool dry_run;          /* the text is the preview, and nothing is sent */
	bool yes;
	/* Asked before anything is sent to a provider; NULL: nobody, `yes` has to be set. */
	bool (*confirm)(void *context, const char *preview);
	void *context;
};
/* Uploads, makes the job and waits for it. RUNG_UNFINISHED: interrupted, or not answered; the same call goes on with the same job, which
 * is noted in `jobs` beside the store. The text names the model, for `models` of a climb. */
enum rung_status rung_tune_submit(struct rung *r, const struct rung_tune_options *options, const struct rung_submit_options *submit, bool json,
				  char **text, struct rung_error *err);
/* Ends the job that the same options submitted. */
enum rung_status rung_tune_cancel(struct rung *r, const struct rung_tune_options *options, const struct rung_submit_options *submit,
				  char **text, struct rung_error *err);
/* Takes in what was trained elsewhere as the next version, and scores it on dev: a GGUF adapter, PEFT's folder (for options->model),
 * or an encoder's folder with head.safetensors. The text says what it is. */
enum rung_status rung_tune_import(struct rung *r, const char *path, const struct rung_tune_options *options, bool json, char **text,
				  struct rung_error *err);
/* Looks through the pool for what fine-tuning had better not learn from, and writes curation.csv beside the store, whose column
 * `decision` is the user's; rung_tune() and rung_climb() follow it. model: the decoder whose tokens are counted; NULL: local. */
enum rung_status rung_tune_curate(struct rung *r, const char *model, bool json, char **text, struct rung_error *err);
enum rung_status rung_tune_remove(struct rung *r, const char *name, struct rung_error *err);

/* What is asked of costs (docs/cost.md has the equation). Begin from rung_cost_nothing_given: numbers below 0 and NULL are not given. */
struct rung_cost_options {
	double calls_per_day, horizon_days, cost_per_error; /* not given: the task's; a horizon of 90 days */
	double target;                           /* that the verdict is asked for; 0: none; not given: that of the climb. With a task alone */
	const char *calls_range;                 /* "LOW-HIGH" */
	double price_decline;                    /* share of list prices a year */
	const char *prices;                      /* LiteLLM's model_prices_and_context_window.json */
	const char *const *price;                /* (n_price) "MODEL=IN/OUT[/CACHED]", USD per million tokens */
	size_t n_price;
	const char *const *region_factor;        /* (n_region_factor) "MODEL=FACTOR" or "FACTOR" */
	size_t n_region_factor;
	double batch_share, cache_hit, prefix_tokens, retry_share, retrieval_per_call, guard_per_call;
	/* Of what is fine-tuned, or of `to`. */
	double one_off, hours, hour_rate, labels, label_cost, failed_runs, epochs, training_tokens, training_price, gpu_hours, gpu_hour_rate,
		evaluation;
	double hosting_per_day, gpus, storage_per_day, upkeep_per_day, retrain_every, retrain_cost, retired_after, rebuild_cost;
	double escalated;                        /* share of its calls that `to` hands on to `from` */
	/* With a task: ids of two variants to compare, both or neither. Without one: two models, "MODEL" or "MODEL=IN/OUT[/CACHED]". */
	const char *from, *to;
	const char *tokens, *to_tokens;          /* "IN/OUT[/PREFIX]" of a call, without a task; to_tokens NULL: as tokens */
	double quality, to_quality;
};
extern const struct rung_cost_options rung_cost_nothing_given;
/* Answers from the stored rows of the last climb, without a call; or, where r was opened without a task, from the options alone. */
enum rung_status rung_cost(struct rung *r, const struct rung_cost_options *options, bool json, char **text, struct rung_error *err);

/* Local models: a table of what is there; a GGUF file or an encoder's folder put under `name` (NULL: its own); removal. */
enum rung_status rung_model_list(struct rung *r, bool json, char **text, struct rung_error *err);
enum rung_status rung_model_add(struct rung *r, const char *path, const char *name, struct rung_error *err);
enum rung_status rung_model_remove(struct rung *r, const char *name, struct rung_error *err);

#endif
