/* task.h - what the user wants measured: the task file and its labelled examples, read, checked and split.
 *
 * A task is a folder with task.yaml and an examples file (docs/task.md; YAML by libfyaml; JSONL, JSON, CSV by RFC 4180,
 * TSV). task_open() checks all of it before it returns: whatever is wrong is one sentence naming file, line, column or
 * field, the value and what is allowed, and nothing is written anywhere. A task is immutable afterwards.
 *
 * The splits are types. Shots and training take struct pool_items, selection struct dev_items, the verdict struct
 * test_items, the threshold of a cascade struct aside_items; handing one to code that wants another does not compile (tests/unit/task_leak.c proves it). */
#ifndef RUNG_TASK_TASK_H
#define RUNG_TASK_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "decide/cascade.h"

struct validator;
struct grades;
struct outcomes;

enum task_kind { TASK_CLASSIFY, TASK_EXTRACT, TASK_ANSWER, TASK_GENERATE };
enum task_plan { PLAN_AUTO, PLAN_FULL, PLAN_EARLY };
/* What a higher rung may be climbed for; auto: both where calls_per_day and horizon_days are given, else quality. */
enum task_climb_for { CLIMB_AUTO, CLIMB_QUALITY, CLIMB_COST, CLIMB_BOTH };

struct label {
	const char *name;
	const char *definition; /* NULL: none given */
};

struct example {
	const char *id;            /* the id column, else "line-N", or "row-N" of a JSON array */
	const char *const *values; /* (task->n_columns), UTF-8; "" where a row has none */
	const char *answer;        /* as written in the file, labels of a set aside; kind answer: "" when the right thing is to abstain; with a
				    * schema: a JSON object that satisfies it, in the order of its properties */
	const char *const *answers; /* (n_answers) all that are right, `answer` the first of them; n_answers 0: only `answer` */
	size_t n_answers;
	size_t label;              /* classify: index into task->labels; many: of its first label; else 0 */
	const size_t *labels;      /* (n_labels) many: indices into task->labels, rising; `answer` joins their names by ", " */
	size_t n_labels;
	size_t group;              /* examples of one group number are never split; without a group each has its own */
	size_t line;               /* in the file, from 1; the row number in a JSON array */
	const char *reasons;       /* what a model said that decides the answer (variant/teach.h); NULL: nothing was said */
	size_t text;               /* examples of one number have the same input, case, punctuation and space aside */
	double agreed;             /* of the file's rows with that input, the share that has the answer most of them have; 1: no conflict */
	const char *gold;          /* the passage that holds the answer; NULL: the task has no such column */
	const char *const *gold_ids; /* (n_gold_ids) the documents or chunks that hold it */
	size_t n_gold_ids;
	double human;              /* a person's grade, 0 .. 1, of `graded`; NAN: none */
	const char *graded;        /* an answer that somebody gave; NULL: the task names no grades */
	bool collected;            /* it stands in the task's collected file, whose line is meant above */
};

/* In one order shuffled by the seed, the same for every variant; test items that were drawn out of production come last. aside: the part of dev
 * that a cascade's threshold is set on, used for nothing else; empty where the task asks for no cascade. */
struct item_list {
	const struct example *const *items;
	size_t n;
};
struct pool_items { struct item_list list; };
struct dev_items  { struct item_list list; };
struct test_items { struct item_list list; };
struct aside_items { struct item_list list; };

/* One entry of `variants:`, the user's own. Absent texts are NULL, absent numbers 0. */
struct task_variant {
	const char *name;
	bool incumbent;
	const char *model; /* "local" when none was named */
	const char *system, *input;
	const char *schema_file; /* path of the JSON Schema that its answers keep to, */
	const char *schema;      /* and its text, not looked into here */
	size_t max_tokens;
	size_t line;
};

/* `documents:`, what rung 2 searches: paths, folders and globs relative to the task's folder; or, with `text`, the rows of
 * such files. */
struct task_documents {
	const char *const *paths;
	size_t n_paths;           /* 0: the task names none */
	const char *const *text;  /* columns of a row whose values are its text */
	size_t n_text;
	const char *id;           /* column that names a row; NULL: its number does */
};

/* `rewrite:`, a model that proposes wordings of the instruction from what dev items were answered wrongly (eval/rewrite.h). */
struct task_rewrite {
	const char *model; /* NULL: nobody does */
	size_t rounds, wordings; /* wordings: of a round, at most */
};
enum { REWRITE_ROUNDS_MOST = 10, REWRITE_WORDINGS_MOST = 20 };

/* `cascade:`, answers of a cheap variant stand where it is sure of them, and the others go to the one that was chosen. */
struct task_cascade {
	bool wanted;
	struct cascade_rule rule;
	double share; /* of dev, set aside */
};

struct task {
	struct arena arena; /* everything below lives here */
	const char *file;   /* path of task.yaml, as errors name it */
	const char *folder;
	const char *name;
	enum task_kind kind;
	const char *const *instructions; /* wordings, at least one */
	size_t n_instructions;
	const char *input; /* template text */
	bool many;
	const struct label *labels; /* in the order of the file */
	size_t n_labels;
	const struct task_variant *variants;
	size_t n_variants;
	const char *const *models; /* at least "local" */
	size_t n_models;
	const char *scorer;         /* a row of the scorer table, or one that the task file knows ahead of its table */
	const char *scorer_setting; /* {regex: THIS}, {fields: THIS}, {judge: THIS, ...}, {command: THIS}; NULL: none */
	/* Of a scorer outside (docs/scorers.md). rubric NULL: compare with what is right; binary: grades are 0 or 1 alone */
	struct { const char *rubric; bool binary, pairwise; double timeout_s; } outside;
	struct grades *grades;      /* of a scorer outside (task/grades.h), filled by whoever grades or reads a store; freed with the task; else NULL */
	const char *tuned;          /* folder of the versions fine-tuned for it (model/tuned.h), set by whoever opened it; NULL: none */
	struct outcomes *outcomes;  /* recorded elsewhere (task/outcomes.h), once somebody had them read; freed with the task; else NULL */
	const char *pattern;        /* kind generate: what the whole of an answer matches (schema/pattern.h); NULL: none */
	const char *schema_file;    /* kinds extract and generate: path of the JSON Schema of its answers, an object's, */
	const char *schema;         /* its text, */
	struct validator *validator; /* and what compares with it (schema/validator.h); freed with the task. NULL: answers are
				      * no objects (kind generate without a schema, and the kinds that have none) */
	bool has_target;
	double target, margin, alpha;
	enum task_plan plan;
	enum task_climb_for climb_for;
	double label_cost; /* US dollars of one more label; NAN: not said */
	struct { double calls_per_day, horizon_days, cost_per_error, latency_p95_ms; } traffic; /* 0: not given */
	struct { bool private, citations; } constraints;
	struct { double usd, minutes; size_t calls; } budget; /* 0: none */
	struct task_rewrite rewrite;
	struct task_cascade cascade;
	const char *embedding; /* model that embeds inputs and documents; NULL: the local one */
	const char *rerank;    /* model that orders passages; NULL: none does */
	bool has_gold; /* examples name a passage, or documents, that hold their answers */
	struct task_documents documents;

	const char *examples_file;
	const char *answer_column, *id_column; /* id_column NULL: the task names none */
	const char *collected_file; /* examples that came out of production (task/collected.h), whether or not it is there */
	size_t n_collected;         /* its rows that were read, */
	size_t n_uncollected;       /* and those of them that were dropped: what they say stands elsewhere, or would leak */
	const char *const *columns; /* of the examples file, in its order */
	size_t n_columns;
	/* n_rows = n_duplicates + n_straddling + n_uncollected + pool + dev + aside + test */
	size_t n_rows;       /* examples in the file, and collected ones */
	size_t n_duplicates; /* dropped: the same text stands in a later split (or before, without a split column) */
	size_t n_straddling; /* dropped: their group stands in a later one of the user's splits */
	const char *const *warnings; /* sentences for `rung check`: few examples, conflicting labels, ... */
	size_t n_warnings;

	struct pool_items pool;
	struct dev_items dev;
	struct test_items test;
	struct aside_items aside;
	/* Of everything above that can change a result, examples and split included. Left out: name, models (each
	 * variant names its own), rewrite (a run's settings have it), budget, traffic, climb_for and label_cost, which a report may be recomputed with. */
	uint64_t fingerprint;
};

struct task_options {
	const char *examples; /* another examples file than the task names; NULL: the task's */
	uint64_t seed;        /* of the split */
	const size_t *collected; /* the first so many rows of the collected file, as an earlier climb saw it; NULL: all */
	bool file_alone;      /* read the task file and not the examples: `rung docs` works before there are any */
};

/* path: a task folder or its task.yaml. The caller frees it with task_free(). NULL and a sentence on failure. */
struct task *task_open(const char *path, const struct task_options *options, struct error *err);
void task_free(struct task *t);

const char *task_kind_name(enum task_kind kind);
/* Index of the label, or t->n_labels; name NULL: no label. */
size_t task_label(const struct task *t, const char *name);
/* Index of the column, or t->n_columns. */
size_t task_column(const struct task *t, const char *name, size_t n);

#endif
