/* preview.h - what a climb would pay providers at most, before its first call.
 *
 * Calls are the full grid (every variant on every dev item, one candidate a rung on test); racing and skipped rungs usually leave a
 * third of it. Tokens are estimated from bytes, four to a token, of the task's own texts: instruction, inputs, shots, passages.
 * Pure but for the price table it is given. */
#ifndef RUNG_EVAL_PREVIEW_H
#define RUNG_EVAL_PREVIEW_H

#include "cost/price.h"
#include "eval/eval.h"

struct previewed {
	const char *model;
	size_t calls;                       /* at most */
	double input_tokens, output_tokens; /* of all of them together */
	double usd;                         /* NAN: no price of it is known */
};

struct preview {
	struct previewed *models; /* (n_models) those whose requests leave this machine; lives in arena */
	size_t n_models;
};

struct preview climb_preview(const struct task *task, const struct climb_options *options, const struct price_table *prices,
			     struct arena *arena);
/* A few lines for people. */
void preview_write(const struct preview *p, const struct climb_options *options, struct buf *out);

#endif
