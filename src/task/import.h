/* import.h - a task out of what somebody has already: a table of examples, conversations, a promptfoo configuration.
 *
 * Readers (import.c, import_chat.c, import_promptfoo.c) fill the table and what the source says of the task; guessing
 * (guess.c, guess_kind.c) fills in what it does not say, with the reason for each guess; import_yaml() writes the task file
 * as a careful user would. Reads files and writes none. */
#ifndef RUNG_TASK_IMPORT_H
#define RUNG_TASK_IMPORT_H

#include "base/buf.h"
#include "task/table.h"
#include "task/task.h"

enum { IMPORT_NOTES = 32, IMPORT_LEFT_OUT = 100, IMPORT_VARIANTS = 64, IMPORT_LABELS_LISTED = 100 };

struct import_note {
	const char *what, *value, *why; /* "kind", "classify", "5 different answers in 448 examples" */
};

struct import {
	struct arena *arena; /* borrowed; holds all below */
	const char *path;    /* the file read */
	struct table table;
	const char *examples; /* what the examples file is called in the task's folder */
	bool copied;          /* it is the file read, byte for byte; else import_rows() writes it */
	const char *name;
	enum task_kind kind;
	bool kind_given, many;
	const char *answer_named;        /* the reader's name of the answer column; NULL: it is guessed */
	size_t answer, id, split, group; /* columns; table.n_columns: none */
	size_t *inputs, n_inputs;        /* columns */
	const char **labels;             /* (n_labels) sorted; classify alone */
	size_t *label_counts, n_labels;
	const char *schema;              /* JSON Schema of the answers; NULL: none */
	const char *instruction, *input; /* NULL: by the kind, by the columns */
	struct task_variant *variants;   /* (n_variants) at most IMPORT_VARIANTS */
	size_t n_variants;
	const char *models[IMPORT_VARIANTS];
	size_t n_models;
	const char *scorer, *scorer_setting; /* NULL: the kind's own */
	struct import_note notes[IMPORT_NOTES];
	size_t n_notes;
	const char *left_out[IMPORT_LEFT_OUT]; /* sentences: what cannot be carried over, and why */
	size_t n_left_out, n_left_out_more;    /* more: that did not fit */
};

struct import_options {
	const char *answer, *kind, *name; /* overrule a guess; NULL: guessed */
};

/* Reads the file and settles everything; *x lives in arena. False with a sentence. */
bool import_read(struct import *x, struct arena *arena, const char *path, const struct import_options *o, struct error *err);
void import_yaml(const struct import *x, struct buf *out); /* task.yaml */
void import_rows(const struct import *x, struct buf *out); /* the examples as JSON Lines */

/* For the readers and the guessing. */
void import_note(struct import *x, const char *what, const char *value, const char *why, ...) __attribute__((format(printf, 4, 5)));
bool import_extension_is(const char *path, const char *extension); /* ".csv", in any case */
void import_leave_out(struct import *x, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The columns, then the kind with labels and schema. */
bool guess_columns(struct import *x, const struct import_options *o, struct error *err);
bool guess_kind(struct import *x, const struct import_options *o, struct error *err);
/* The answers, JSON objects all of them, as a schema that accepts them. */
const char *guess_schema(struct import *x);
/* Rows of {"messages": [...]} become rows of input and answer; false with a sentence where one is not such a row. */
bool import_is_chat(const struct table *t);
bool import_chat(struct import *x, struct error *err);
bool import_is_promptfoo(const char *path);
bool import_promptfoo(struct import *x, struct error *err);

#endif
