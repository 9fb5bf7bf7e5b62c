/* engine.h - what a classifier method implements; private to src/tune. classifier.h is the door.
 *
 * An engine sees classes, the labels that occur in the pool, numbered from 0 without gaps: a label that the pool lacks
 * is none of its business and gets probability 0 from classifier.c. At least two classes, none without items.
 * With many: true an item has any number of them, `classes` holds the first (0 where there is none), and one class will do. */
#ifndef RUNG_TUNE_ENGINE_H
#define RUNG_TUNE_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "retrieve/tfidf.h"
#include "tune/cut.h"
#include "tune/folds.h"
#include "tune/linear.h"

/* What there is to learn from. Borrowed, and gone after training: an engine copies what it keeps. */
struct lesson {
	size_t n, n_classes;
	const size_t *classes;    /* (n), each below n_classes */
	const struct class_sets *sets; /* many: all of them; else NULL */
	const size_t *groups;     /* (n) */
	const double *priors;     /* (n_classes) share of the items that have it */
	const char *const *texts; /* (n) unless the method embeds */
	const float *vectors;     /* (n, width) when it does */
	size_t width;
	uint64_t seed;
	struct pool *threads;     /* that may share the work; NULL: one */
};

struct classifier_engine {
	/* Returns the model and appends to note what was chosen, as the end of a sentence without its full stop. */
	void *(*train)(const struct lesson *l, struct buf *note);
	/* out (n_classes) sums to 1 unless an item has many. Called by several threads at once. */
	void (*predict)(const void *model, const char *text, const float *vector, double *out);
	void (*free)(void *model);
	double (*threshold)(const void *model); /* many: the probability from which on a class belongs to the set; else NULL */
};

extern const struct classifier_engine majority_engine, bayes_engine;
extern const struct classifier_engine words_engine, characters_engine, head_engine;
extern const struct classifier_engine nearest_texts_engine, nearest_vectors_engine;
/* Of many: true. */
extern const struct classifier_engine frequency_engine, words_heads_engine, vectors_heads_engine;
extern const struct classifier_engine nearest_texts_sets_engine, nearest_vectors_sets_engine;

/* The vectors of n texts, in one array that rows_free() frees. */
struct sparse_row *rows_new(const struct tfidf *t, const char *const *texts, size_t n);
void rows_free(struct sparse_row *rows, size_t n);

#endif
