/* curve.h - error against the number of examples learnt from, as a power law: err(n) = a n^-b, and how far it may be drawn out.
 *
 * Fitted by least squares on logarithms (Hestness et al. 2017, arXiv 1712.00409). Beyond CURVE_REACH times the most examples measured
 * nothing is forecast: a floor that is free (a + c) was found to predict worse. Pure, no allocation. */
#ifndef RUNG_STATS_CURVE_H
#define RUNG_STATS_CURVE_H

#include <stdbool.h>
#include <stddef.h>

struct curve_point {
	size_t n;      /* examples learnt from */
	double error;  /* mean error on the items that all points share, 0 .. 1 */
};

enum {
	CURVE_REACH = 4,
	CURVE_FEW = 15, /* examples a class: with fewer, only "will reach" is to be trusted */
};

struct curve {
	size_t points, most; /* most: the largest n */
	double a, b;         /* error = a n^-b */
	double residual;     /* standard deviation of log error around the line; points - 2 degrees of freedom */
	double mean_x, sxx;  /* of log n */
	double items;        /* that each error was measured on */
};

/* items: the errors' denominators; an error of none counts as half an item. False with fewer than 3 points or fewer than 3 sizes. */
bool curve_fit(const struct curve_point *points, size_t n, size_t items, struct curve *out);

struct forecast {
	double error, low, high; /* 95 %: of the line, and of the items that the errors were measured on */
};
/* At n examples; beyond the reach all three are NAN. */
struct forecast curve_forecast(const struct curve *c, double n);

enum reach {
	REACH_THERE,   /* the line meets the target with what there is */
	REACH_MORE,    /* with `n` examples in all */
	REACH_UNKNOWN, /* not within what can be forecast */
};
struct target_reach {
	enum reach reach;
	size_t n, low, high; /* REACH_MORE: examples at which the line, and the ends of its interval, meet the target; high 0: beyond the reach */
};
/* per_class: examples that the rarest class has at the largest size. With CURVE_FEW or fewer only a target that the interval's upper end
 * meets within the reach is REACH_MORE: the first examples teach more than those after them, so that a line through them is too steep
 * or, more often, too flat. */
struct target_reach curve_reach(const struct curve *c, double target_error, double per_class);

#endif
