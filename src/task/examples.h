/* examples.h - the examples file against its task: columns, answers, ids, texts, then the split. Internal to task/. */
#ifndef RUNG_TASK_EXAMPLES_H
#define RUNG_TASK_EXAMPLES_H

#include "base/hash.h"
#include "task/split.h"
#include "task/table.h"
#include "task/task_file.h"
#include "task/template.h"

enum { EXAMPLES_LEAST = 30, WARNINGS = 32 };

struct examples {
	struct task_file *f; /* borrowed */
	struct error *err;   /* borrowed */
	struct table table;
	struct arena scratch;  /* normalised texts and the like */
	struct example *items; /* (n), in the order of the file; lives in the task's arena */
	struct split_item *roles; /* (n), in scratch */
	enum split *splits;       /* (n), in scratch */
	size_t n;
	struct hash_map texts;    /* normal forms to numbers; their bytes lie in scratch */
	struct examples *collected; /* rows of the collected file; NULL: there are none */
	bool more;                /* these are such rows: labels are settled, and all may say the same */
	size_t answer, id, split, group, gold, gold_ids, human, graded; /* columns; table.n_columns: none */
	const char *warnings[WARNINGS];
	size_t n_warnings;
};

/* First half: reads the file at path, finds the columns, checks answers and ids; fills the task's columns, labels (if
 * the task names none) and n_rows. The caller calls examples_release() whatever the outcome. */
bool examples_read(struct examples *x, struct task_file *f, const char *path, struct error *err);
/* Between the two, where there is a collected file: reads at most so many of its rows into x->collected, checked as those of the examples
 * file are. (collected.c) */
bool collected_read(struct examples *x, size_t most, struct error *err);
/* And behind the split of the others: each goes to the pool (or to test, when it was drawn) unless its text stands elsewhere. Pool and dev
 * rows whose text was drawn are dropped. */
bool collected_join(struct examples *x, const struct template *input);
/* What collected.c shares: columns, answers, ids, labels of all rows; texts numbered from `base` on in `texts`, their own aside; the column
 * of that name. */
bool examples_fill(struct examples *x);
bool examples_number(struct examples *x, const struct template *input, struct hash_map *texts, size_t base);

/* Second half, now that the input can be rendered: texts, duplicates, groups, splits; fills the rest of the task. */
bool examples_split(struct examples *x, const struct template *input, uint64_t seed);
void examples_release(struct examples *x);

/* references.c: what else a row says of its answer (kind answer: several right ones; gold passages and documents). */
bool references_fill(struct examples *x);
/* The strings and numbers of a JSON array, in arena; false when the text is none. Anything else in the array makes it none. */
bool references_array(struct arena *arena, const char *text, const char *const **strings, size_t *n);

/* label_sets.c: the labels of every row (`many: true`). */
bool label_sets_fill(struct examples *x);
/* What it shares with examples.c: "label ... is not one of ..." (false), the task's labels from the names that occur, and a
 * warning. */
bool examples_label_unknown(struct examples *x, size_t line, const char *name);
void examples_labels_collect(struct examples *x, const char *const *names, size_t n);
void examples_warn(struct examples *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
