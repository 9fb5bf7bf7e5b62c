/* teach.h - distillation: what a stronger variant says, as more to train a small model on: labels of inputs that have none, and what
 * decides an answer (Hsieh et al. 2023, arXiv 2305.02301). */
#ifndef RUNG_VARIANT_TEACH_H
#define RUNG_VARIANT_TEACH_H

#include "variant/variant.h"

struct taught {
	const struct example *const *items; /* (n) live in the arena */
	size_t n;
	size_t rows, known, unanswered; /* rows of the file, or the pool; those that say what pool, dev or test say, or nearly what dev or test do; not learnt from */
};

struct teach_progress {
	void (*step)(void *context, const char *what, size_t done, size_t total); /* NULL: nobody looks */
	bool (*stopped)(void *context);
	void *context;
};

/* file: rows (task/table.h) with the columns that the task's input template names. What stands in any of the task's lists is left
 * out: the pool has its own label, and dev and test must not be learnt. reasons: those alone of which it said why. The teacher's calls
 * go through its workshop's store. */
bool teach_file(struct workshop *w, const struct task *task, const struct variant *teacher, const char *file, bool reasons,
		const struct teach_progress *progress, struct arena *arena, struct taught *out, struct error *err);

/* The pool's own examples with what the teacher says that decides them, where it comes to the right answer (as STaR does, Zelikman et
 * al. 2022, arXiv 2203.14465); the others are left out. */
bool teach_pool(struct workshop *w, const struct task *task, const struct variant *teacher, const struct teach_progress *progress,
		struct arena *arena, struct taught *out, struct error *err);

/* Whether it says first, in running text, what decides its answer (a vote of several has no reasons of its own). */
bool teach_gives_reasons(const struct variant *teacher);

#endif
