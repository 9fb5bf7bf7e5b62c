/* drift.h - whether production has moved away from the examples and the climb: what is asked, what is answered, what is said of it.
 *
 * Two tests share alpha: inputs, served ones against the examples (stats/twosample.h), as embeddings, or as words
 * where there are none; answers, by label and status, against those of the same variant to dev and test items. Each distinct input counts once,
 * as the tests take things for exchangeable. What people say of answers has an interval and no test: who speaks is nobody's random choice. */
#ifndef RUNG_DATA_DRIFT_H
#define RUNG_DATA_DRIFT_H

#include "base/buf.h"
#include "model/model.h"
#include "store/served.h"
#include "store/store.h"
#include "task/task.h"

enum { DRIFT_USUAL = 300, DRIFT_MOST = 1000, DRIFT_SHOWN = 3 };

struct drift_share {
	const char *name; /* of a label, or a status */
	size_t examples, served;
};

struct drift {
	size_t window;            /* the newest calls that were looked at */
	uint64_t from_ms, to_ms;
	double alpha;
	struct {
		size_t examples, served; /* distinct inputs */
		const char *by;
		double auc, p;           /* NAN: too few */
		bool moved;
		struct { const char *call, *input; } odd[DRIFT_SHOWN]; /* the served ones that are least like the examples; where they have moved */
		size_t n_odd;
	} inputs;
	struct {
		const char *variant; /* NULL: there is no climb to compare with, for the reason why */
		const char *why;
		size_t examples, served;
		const struct drift_share *shares; /* (n) */
		size_t n;
		double p;
		bool moved;
	} answers;
	struct {
		size_t rated;
		double mean, low, high; /* of the ratings (true 1, false 0; several of a call: their mean), valid however often it is looked at, 95 % */
		double at_climb;        /* the score on test; NAN: not known */
	} said;
};

/* What answered at the climb, to dev and test. */
struct drift_climb {
	const char *variant; /* NULL: there is none, and why is a sentence */
	const char *why;
	const struct answer_row *answers[2];
	size_t n_answers[2];
	double score;
};
struct drift_options {
	size_t n;      /* calls of the window, and examples that inputs are compared with, at most */
	double alpha;
	uint64_t seed;
	uint64_t since_ms;
};
/* models NULL: by words. Everything lives in arena. */
bool drift_find(const struct task *task, struct served *served, struct models *models, const struct drift_climb *climb,
		const struct drift_options *options, struct arena *arena, struct drift *out, struct error *err);
void drift_text(const struct task *task, const struct drift *d, struct buf *out);
void drift_json(const struct task *task, const struct drift *d, struct buf *out);

#endif
