/* variants.h - from a variant's stored answers to what a report says of it, but its costs. Private to src/report. */
#ifndef RUNG_REPORT_VARIANTS_H
#define RUNG_REPORT_VARIANTS_H

#include "eval/eval.h"
#include "report/report.h"

/* Items in their common order, with the numbers of their groups there; NULL: each is alone. */
struct split {
	struct item_list items;
	const size_t *cluster;
};

/* Where answers are read from. */
struct answers_read {
	const struct task *task;
	struct store *store;
	int64_t run;
	struct split dev, test;
	struct arena *arena;
};

/* Texts are the row's. */
bool variant_measured(const struct answers_read *from, const struct variant_row *row, struct report_variant *v, struct error *err);

#endif
