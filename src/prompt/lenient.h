/* lenient.h - what a reply is worth when its form is forgiven: the same bytes, read for what they say. Pure.
 *
 * It answers whether a better form of answering would pay, before one is tried: what it adds to the strict score is lost to form
 * alone. It never grades lower than the task's scorer does, and no
 * higher where that one is outside (task/grades.h). */
#ifndef RUNG_PROMPT_LENIENT_H
#define RUNG_PROMPT_LENIENT_H

#include "task/task.h"

/* The score, 0 .. 1, of a reply to the example; answer: what was read out of it (NULL: nothing could be). reasoned: the answer stands at
 * the reply's end, else at its beginning. Forgiven are
 *   labels       case, punctuation and words around them; where several are named the first (reasoned: the last) counts; where none is,
 *                the one label that shares a word of its own with the reply ("automatic" for "automated mail")
 *   objects      what schema/repair.h forgives
 *   answers      words around the right one, and units behind a number
 *   texts        fences, quotes and "Answer:" around them; where the task has a pattern, lines that do not match it */
double lenient_grade(const struct task *task, const struct example *example, const char *answer, const char *reply, bool reasoned);

#endif
