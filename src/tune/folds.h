/* folds.h - cross-validation inside the pool: which items are held out together.
 *
 * Stratified by class, whole groups, deterministic by seed. Decides nothing: what is compared on the folds, and how,
 * is the caller's. */
#ifndef RUNG_TUNE_FOLDS_H
#define RUNG_TUNE_FOLDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Folds; the items that choosing a setting looks at, at most; the items below which the choice would be noise. */
enum { FOLDS = 5, FOLDS_MOST_ITEMS = 2000, FOLDS_FEWEST_ITEMS = 20 };

struct folds {
	size_t n;     /* folds; 0: too few items or groups, do not cross-validate */
	size_t *fold; /* (n_items) the fold that holds the item out; n: the item takes no part */
	size_t n_items;
};

/* classes and groups are (n_items). Items of one group fall into one fold. Beyond FOLDS_MOST_ITEMS a random sample of
 * them takes part: one more decimal of a score is not worth minutes. */
void folds_init(struct folds *f, const size_t *classes, const size_t *groups, size_t n_items, size_t n_classes,
		uint64_t seed);
/* The same with every item: for what is asked of each one. */
void folds_init_all(struct folds *f, const size_t *classes, const size_t *groups, size_t n_items, size_t n_classes,
		    uint64_t seed);
void folds_release(struct folds *f);

/* Writes the items that fold k trains on to train and those it holds out to held, both (n_items), and their numbers. */
void folds_split(const struct folds *f, size_t k, size_t *train, size_t *n_train, size_t *held, size_t *n_held);

/* A setting's result over all folds. */
struct fold_score {
	size_t right, n;
	double log_loss; /* sum of -ln p(label), each at most 20 */
};
/* Adds one held-out item: p (n_classes) are its probabilities. */
void fold_score_add(struct fold_score *s, const double *p, size_t n_classes, size_t truth);
/* The best of n settings: most right; among equals the least log loss; then the first. n > 0. */
size_t fold_score_best(const struct fold_score *scores, size_t n);
/* Appends where the choice comes from and how good it was: " by 5-fold cross-validation in the pool (accuracy .812)".
 * n_folds 0: one item was left out at a time. */
void fold_score_note(const struct fold_score *s, size_t n_folds, struct buf *note);

/* Position of the largest of n values, the first among equals. n > 0. */
size_t argmax(const double *values, size_t n);

#endif
