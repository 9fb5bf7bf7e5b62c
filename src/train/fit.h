/* fit.h - the training loop: batches of texts of like length, a learning rate that warms up and falls, scores on what is held out,
 * the weights kept that cannot be told from the best, and a checkpoint to go on from.
 *
 * Kept are the last weights whose score is at most a standard error, and at least one item, below the best one (after the rule of Breiman
 * et al. 1984, section 3.4.3): of few items a score says little, and weights of a rate that has come down are the better ones where it says nothing.
 *
 * Everything that decides the weights is in the options, the seed and the data: a run that was killed and goes on from its
 * checkpoint ends with the weights of one that was not. */
#ifndef RUNG_TRAIN_FIT_H
#define RUNG_TRAIN_FIT_H

#include "base/error.h"
#include "train/parameters.h"

/* What is trained. */
struct fit_model {
	void *self;
	struct parameters *parameters;
	size_t (*tokens)(void *self, size_t item);
	/* Tokens that a pass through n items computes, where that is less than all of theirs; NULL: it is not. */
	size_t (*computed)(void *self, const size_t *items, size_t n);
	/* Forward and backward through n items; see encoder_trainer_pass(). */
	double (*pass)(void *self, const size_t *items, size_t n, bool first, double *weight);
	double (*score)(void *self); /* on what is held out, higher is better; NULL: nothing is */
	size_t scored; /* items that a score is the mean of, each from 0 to 1; 0: it is another measure, and compared as it is */
};

struct fit_step {
	size_t step, steps;       /* steps: of all epochs */
	double epoch;             /* done, of the whole training */
	double loss;              /* mean over the last steps */
	double rate;
	double tokens_per_second;
	double seconds_left;      /* until all epochs are over */
	double score;             /* of the last evaluation; NAN before the first */
};

/* One line of it, short enough for a terminal of 80 columns with counts and a name beside it. */
void fit_step_text(const struct fit_step *s, char *out, size_t n);

struct fit_progress {
	void (*step)(void *context, const struct fit_step *s); /* NULL: nobody looks */
	bool (*stopped)(void *context);                        /* NULL: never */
	void *context;
};

struct fit_options {
	size_t items;        /* to learn from, numbered from 0 */
	size_t epochs, batch; /* items a step */
	size_t pass_tokens;  /* computed in one pass at most, but at least one item; larger batches take several passes */
	double rate, warm_up; /* the highest learning rate; share of the steps until it is reached */
	size_t patience;     /* evaluations in a row whose weights are not kept before it ends; 0: never */
	uint64_t seed;       /* of the order of items */
	uint64_t fingerprint; /* of data and settings: a checkpoint of other ones is not gone on from */
	const char *checkpoint; /* path; NULL: none is written, and the last weights stay instead of those kept */
	struct fit_progress progress;
};

enum fit_end { FIT_DONE, FIT_STOPPED, FIT_FAILED };

struct fit_point {
	size_t step;
	double loss;  /* mean of the steps since the last point */
	double score; /* NAN without held-out items */
};

struct fit_result {
	struct fit_point *curve; /* (n) one an epoch; the caller frees it */
	size_t n;
	size_t kept;             /* of the curve: where the weights are from */
	size_t steps, tokens;    /* tokens computed by this call */
	double seconds;          /* of this call */
	size_t resumed;          /* steps that earlier calls took */
	bool early;              /* it ended before its epochs did */
};

/* Trains m. FIT_DONE: its parameters are those kept, all rows caught up, the checkpoint is gone. FIT_STOPPED: the checkpoint is
 * written, the same call goes on; m has the weights kept so far, when there was an evaluation. FIT_FAILED: err says why, and where
 * the loss was the reason no checkpoint stays: the same call would fail again. */
enum fit_end fit(struct fit_model *m, const struct fit_options *options, struct fit_result *result, struct error *err);

/* The batches of one epoch, in their order: order (items) holds item numbers, batch i those of batch * i ... Items of like length
 * are together, so that what a batch costs does not hang on its longest. */
void fit_order(struct fit_model *m, const struct fit_options *options, size_t epoch, size_t *order);

#endif
