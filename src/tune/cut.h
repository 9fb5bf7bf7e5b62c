/* cut.h - several classes an item: from a probability for each class to the set of those that reach a cut. Pure. */
#ifndef RUNG_TUNE_CUT_H
#define RUNG_TUNE_CUT_H

#include <stdbool.h>
#include <stddef.h>

/* Item i has the classes [starts[i], starts[i + 1]) of `classes`, rising. */
struct class_sets {
	const size_t *starts; /* (n + 1) */
	const size_t *classes;
};

bool class_sets_have(const struct class_sets *s, size_t item, size_t class);

struct cut {
	double threshold; /* a class at or above it belongs to the set; INFINITY: none ever does */
	double f1;        /* mean over the items of the F1 of their sets (1 where both are empty) */
};

/* The cut of the greatest mean F1 over n items, of equals the highest; between two probabilities, so that neither stands on
 * the edge. p (n, n_classes) are the probabilities of the items numbered items (n; NULL: 0 .. n - 1). n > 0. */
struct cut cut_choose(const float *p, const size_t *items, size_t n, size_t n_classes, const struct class_sets *truth);

#endif
