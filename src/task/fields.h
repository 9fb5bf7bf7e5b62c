/* fields.h - two JSON values compared field by field, for the scorers of kind extract. Pure.
 *
 * Strings are equal when their normal forms are (base/text.h; letter for letter where nothing else is left of them), numbers
 * when they are the same number; a member that is null is a member that is not there. */
#ifndef RUNG_TASK_FIELDS_H
#define RUNG_TASK_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

/* Whether both are the same; keys of objects and elements of arrays in any order. */
bool fields_same(const json_t *a, const json_t *b);
/* Harmonic mean of precision and recall over the leaves, each a pair of its path and its value; the elements of an array share
 * one path, and a pair counts as often as it stands there. 1 when neither has a leaf. */
double fields_f1(const json_t *want, const json_t *got);

#endif
