/* store_inner.h - what store.c and outside.c share. */
#ifndef RUNG_STORE_STORE_INNER_H
#define RUNG_STORE_STORE_INNER_H

#include "store/database.h"
#include "store/store.h"

/* The SQL of each stands in store.c. */
enum statement {
	RUN_INSERT, RUN_FIND, RUN_TOUCH, RUN_FINISH, RUN_LATEST, RUN_LATEST_SEED, VARIANT_PUT, VARIANTS, CALL_FIND, CALL_GET,
	CALL_PUT, ANSWER_PUT, SAMPLE_PUT, SAMPLES, ANSWERS, SPENT, SPENT_HERE, REPLAYED, CURVE_PUT, CURVES, WORDING_PUT, WORDINGS,
	CALLS, ATTEMPT_PUT, ATTEMPTS, ATTEMPTS_MOVE, BATCH_PUT, BATCHES, SERVER_PUT, SERVER_FIND, GRADE_PUT, GRADES, GRADE_CALLS, TEXTS_TAKEN, N_STATEMENTS
};

struct store {
	struct database base;
};

#endif
