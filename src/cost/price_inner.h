/* price_inner.h - what the files of the price table share. Private to src/cost. */
#ifndef RUNG_COST_PRICE_INNER_H
#define RUNG_COST_PRICE_INNER_H

#include "base/hash.h"
#include "cost/price.h"

struct price_table {
	struct arena arena;
	struct price_model *models; /* (n) */
	size_t n, capacity;
	struct hash_map by_name;
	double region_factor; /* of models that have none of their own */
};

/* The model's cells, made when they are not there; valid until the next one is made. */
struct price_model *price_table_model(struct price_table *t, const char *name);

#endif
