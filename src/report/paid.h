/* paid.h - what providers were asked and paid for a run. */
#ifndef RUNG_REPORT_PAID_H
#define RUNG_REPORT_PAID_H

#include "cost/price.h"
#include "report/report.h"
#include "store/store.h"

/* Fills in report->paid from the run's attempts; everything lives in arena. */
bool paid_build(struct store *store, int64_t run, const struct price_table *prices, struct arena *arena, struct report *report, struct error *err);
/* All of them together; 0: nobody was, NAN: a price is not known. */
double paid_usd(const struct report *r);
/* A sentence for each model; nothing where nobody was asked. */
void words_paid(struct buf *out, const struct report *r);

#endif
