/* fixed.c - the exact test of non-inferiority for right-or-wrong items. */
#include "stats/fixed.h"

#include <math.h>

#include "stats/special.h"

/* Loss rates at which the null is tried. Denser where discordance is rare: there the tail probability, a polynomial in
 * the rate, moves on a scale of 1/n. */
enum { LOSS_RATES = 128 };

double paired_noninferior_z(double wins, double losses, double n, double margin)
{
	/* The loss rate most likely when delta = -margin, a root of A q^2 + B q + C (Tango 1998, eq. 7 and 8). */
	double a = 2.0 * n;
	double b = -wins - losses - (2.0 * n - wins + losses) * margin;
	double c = losses * margin * (1.0 + margin);
	double rate = (sqrt(fmax(0.0, b * b - 4.0 * a * c)) - b) / (2.0 * a);
	double variance = n * (2.0 * rate - margin * (1.0 + margin));

	if (!(n > 0.0 && variance > 0.0))
		return 0.0;
	return (wins - losses + n * margin) / sqrt(variance);
}

/* The fewest wins that speak at least as much as z beside `losses`, searched upwards from `wins`. */
static uint64_t wins_as_extreme(uint64_t wins, uint64_t losses, uint64_t n, double margin, double z)
{
	while (wins <= n - losses && paired_noninferior_z((double)wins, (double)losses, (double)n, margin) < z)
		wins++;
	return wins;
}

static double loss_rate(int i, double margin)
{
	double t = (double)i / (LOSS_RATES - 1);

	return margin + t * t * 0.5 * (1.0 - margin); /* from margin (no wins) to (1 + margin)/2 (no ties) */
}

/* Adds P(losses) P(W >= wins | losses) to the tail of every loss rate of the null. */
static void add_outcomes(double tail[LOSS_RATES], uint64_t wins, uint64_t losses, uint64_t n, double margin)
{
	double l = (double)losses;
	double rest = (double)(n - losses);
	double log_choose = -beta_log(l + 1.0, rest + 1.0) - log((double)n + 1.0);

	for (int i = 0; i < LOSS_RATES; i++) {
		double rate = loss_rate(i, margin);
		double weight = exp(log_choose + l * log(rate) + rest * log1p(-rate));

		if (weight > 1e-15) /* the loss counts left out add at most n * 1e-15 */
			tail[i] += weight * binomial_upper(wins, n - losses, fmin(1.0, (rate - margin) / (1.0 - rate)));
	}
}

double paired_noninferior_p(struct paired_counts c, uint64_t n, double margin)
{
	double tail[LOSS_RATES] = { 0 };
	double largest = 0.0;
	uint64_t wins = 0;
	/* A hair lower, so that outcomes of equal score are counted whatever their rounding. */
	double z = paired_noninferior_z((double)c.wins, (double)c.losses, (double)n, margin) - 1e-9;

	if (n == 0 || !(margin > 0.0 && margin < 1.0))
		return 1.0;
	/* The score falls with every loss, so the wins needed never come down and one walk over both finds them. */
	for (uint64_t losses = 0; losses <= n; losses++) {
		wins = wins_as_extreme(wins, losses, n, margin, z);
		if (wins > n - losses)
			break;
		add_outcomes(tail, wins, losses, n, margin);
	}
	for (int i = 0; i < LOSS_RATES; i++)
		largest = fmax(largest, tail[i]);
	return fmin(1.0, largest);
}
