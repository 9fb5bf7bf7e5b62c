/* rung_verdict.h - what climbs found, for rung_serve(). */
#ifndef RUNG_VERDICT_H
#define RUNG_VERDICT_H

#include "cost/price.h"
#include "rung.h"
#include "serve/verdict.h"

struct rung_verdicts;

/* What the climbs of a task found, for the gateway: the last one's verdict is made ready in out->first, which the gateway takes; the rest
 * of *out is the verdicts'. prices: of models that are asked elsewhere, borrowed. NULL and a sentence on failure. */
struct rung_verdicts *rung_verdicts_open(const struct rung_options *options, const char *task, const struct price_table *prices,
					 struct gateway_task *out, struct error *err);
const char *rung_verdicts_store(const struct rung_verdicts *v); /* path */
void rung_verdicts_close(struct rung_verdicts *v); /* NULL: nothing; once all that was loaded has been released */

#endif
