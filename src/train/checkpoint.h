/* checkpoint.h - the state of a training run in one file, and the values of its parameters in another. Both are replaced at once. */
#ifndef RUNG_TRAIN_CHECKPOINT_H
#define RUNG_TRAIN_CHECKPOINT_H

#include "train/fit.h"

/* Where a run stands, besides its parameters. */
struct fit_state {
	uint64_t fingerprint;
	uint64_t step, curve_n, kept, flat; /* flat: evaluations since those kept */
	double loss, loss_steps;            /* since the last point of the curve */
	double first_loss;                  /* mean of the first steps */
};

bool checkpoint_write(const char *path, const struct parameters *ps, const struct fit_state *state,
		      const struct fit_point *curve, struct error *err);
/* Reads the state, the parameters and the curve (which the caller frees). Untouched, and *found false, where there is no file or
 * it is of another fingerprint; a damaged one is an error. */
bool checkpoint_read(const char *path, struct parameters *ps, struct fit_state *state, struct fit_point **curve, bool *found,
		     struct error *err);

/* The values alone, of a state that has all rows caught up. */
bool values_write(const char *path, const struct parameters *ps, struct error *err);
bool values_read(const char *path, struct parameters *ps, struct error *err);

#endif
