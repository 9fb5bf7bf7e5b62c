/* style.h - kind generate: the pattern that an answer matches whole, and answers compared by the groups of one. The patterns
 * are those of schema/pattern.h. All but style_fit() and style_check() are pure. */
#ifndef RUNG_TASK_STYLE_H
#define RUNG_TASK_STYLE_H

#include "task/examples.h"

/* The pattern as a JSON Schema has it, where one matches anywhere unless it says otherwise; lives in arena. */
const char *style_whole(const char *pattern, struct arena *arena);
/* Whether the whole text, white space around it aside, matches. The pattern is one that a task holds. */
bool style_matches(const char *pattern, const char *text);
/* Harmonic mean of precision and recall over the groups of the pattern that hold something: a group is right when both texts
 * have the same bytes there. 0 unless both match as a whole; 1 when neither has a group that holds anything. */
double style_f1(const char *pattern, const char *want, size_t n_want, const char *got, size_t n_got);

/* Whether pattern, scorer and kind of the whole task file go together; settles the scorer of kind generate where the file names
 * none and its answers have fields (of a schema or of a pattern). */
bool style_fit(struct task_file *f, struct error *err);
/* Whether the example's answer matches the task's pattern and the scorer's. */
bool style_check(struct examples *x, const struct example *e);

#endif
