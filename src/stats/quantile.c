/* quantile.c - quantile() */
#include "stats/quantile.h"

#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double quantile(double *values, size_t n, double share)
{
	size_t at = (size_t)ceil(share * (double)n);

	if (n == 0)
		return NAN;
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[at > 0 ? at - 1 : 0];
}
