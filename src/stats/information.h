/* information.h - what more observations are worth before one of two choices is taken: the expected value of sample information.
 *
 * The gap between the choices is believed to be normal; the next `items` observations of it, each with some noise, move its mean, and
 * only where they carry it past 0 do they change the choice. Source: Raiffa, Schlaifer 1961, ch. 5 (the unit normal loss integral);
 * checked against quadrature of that definition in tests/reference. Pure. */
#ifndef RUNG_STATS_INFORMATION_H
#define RUNG_STATS_INFORMATION_H

/* gap ~ N(mean, sd^2); an item observes it with a standard deviation of noise. With st = sd^2 / sqrt(sd^2 + noise^2 / items), what the
 * mean will move by, and z = |mean| / st: st [phi(z) - z Phi(-z)], in the unit of the gap. 0 without items or doubt; items may be
 * INFINITY: what it is worth to know the gap. */
double information_value(double mean, double sd, double noise, double items);

#endif
