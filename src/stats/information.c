/* information.c - the unit normal loss integral, phi(z) - z Phi(-z). */
#include "stats/information.h"

#include <math.h>

#include "stats/special.h"

/* In the tail both terms are nearly the same, so it is phi(z) K / (z + K) there, K = 1/(z + 2/(z + 3/(z + ...))): Laplace's continued
 * fraction of Mills' ratio, 1/(z + K) (DLMF 7.9.2). */
static double unit_loss(double z)
{
	enum { TERMS = 200 }; /* 1e-15 from z = 3 on */
	double density = exp(-0.5 * z * z) / sqrt(2 * M_PI), k = 0;

	if (z < 3)
		return density - z * normal_cdf(-z);
	for (int i = TERMS; i > 0; i--)
		k = i / (z + k);
	return density * k / (z + k);
}

double information_value(double mean, double sd, double noise, double items)
{
	if (isnan(items) || isnan(sd))
		return NAN;
	if (!(items > 0) || !(sd > 0))
		return 0;
	double moves = sd * sd / sqrt(sd * sd + noise * noise / items);

	return moves * unit_loss(fabs(mean) / moves);
}
