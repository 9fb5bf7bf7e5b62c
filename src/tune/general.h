/* general.h - does a tuned model still know what its base knew? A fixed set of questions that any model of the kind may be asked,
 * each with four answers to choose from by their probabilities. */
#ifndef RUNG_TUNE_GENERAL_H
#define RUNG_TUNE_GENERAL_H

#include "model/model.h"

struct general_result {
	size_t n, right;
	double log_p; /* mean log-probability of the right answer among the four */
};

/* Asks the model all of them; false and a sentence when it cannot be asked, or was stopped (stopped NULL: it is not). */
bool general_ask(struct model *m, bool (*stopped)(void *context), void *context, struct general_result *out, struct error *err);

#endif
