/* agreement.h - how far two graders of the same things agree. Pure, no allocation. */
#ifndef RUNG_STATS_AGREEMENT_H
#define RUNG_STATS_AGREEMENT_H

#include <stdbool.h>
#include <stddef.h>

struct agreement {
	size_t n;
	double first, second; /* means; NAN at n 0 */
	double correlation;   /* Pearson's; NAN where one of the two always says the same */
	bool binary;          /* all grades are 0 or 1; else the next two are NAN */
	double same;          /* share of equal grades */
	double kappa;         /* Cohen's (1960): what of that is beyond chance, (same - chance) / (1 - chance); NAN where chance is 1 */
};

/* Grades (n) of 0 .. 1. */
struct agreement agreement_of(const double *first, const double *second, size_t n);

#endif
