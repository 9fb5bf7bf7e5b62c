/* teach.h - distillation: inputs without labels, answered by a stronger variant, as more to train a small model on. */
#ifndef RUNG_VARIANT_TEACH_H
#define RUNG_VARIANT_TEACH_H

#include "variant/variant.h"

struct taught {
	const struct example *const *items; /* (n) live in the arena */
	size_t n;
	size_t rows, known, unanswered; /* rows of the file; those that say what pool, dev or test say; without a usable answer */
};

struct teach_progress {
	void (*step)(void *context, const char *what, size_t done, size_t total); /* NULL: nobody looks */
	bool (*stopped)(void *context);
	void *context;
};

/* file: rows (task/table.h) with the columns that the task's input template names. What stands in any of the task's lists is left
 * out: the pool has its own label, and dev and test must not be learnt. The teacher's calls go through its workshop's store. */
bool teach(struct workshop *w, const struct task *task, const struct variant *teacher, const char *file,
	   const struct teach_progress *progress, struct arena *arena, struct taught *out, struct error *err);

#endif
