/* special.h - the special functions under every test and interval here: beta, normal, Student t, binomial.
 *
 * Accuracy is relative, in the tails too: about 1e-12, and within 1e-10 at parameters of 1e6 (tests/reference/stats.py
 * holds the comparison with scipy and mpmath). Arguments outside the domain give NAN, which every comparison with a
 * level rejects. Pure: no state, no allocation; lgamma's global sign is not touched. */
#ifndef RUNG_STATS_SPECIAL_H
#define RUNG_STATS_SPECIAL_H

#include <stdint.h>

/* log B(a, b), a and b > 0; exact to rounding where lgamma differences would cancel (a + b large). */
double beta_log(double a, double b);

/* I_x(a, b), the regularised incomplete beta: P(X <= x) for X ~ Beta(a, b). a and b > 0, x clipped to [0, 1].
 * beta_inc_log() is its natural log, finite where I_x underflows a double; -INFINITY at x <= 0.
 * Source: DLMF 8.17.22 (continued fraction); the factor before it in Loader's form (2000). */
double beta_inc(double a, double b, double x);
double beta_inc_log(double a, double b, double x);
double beta_quantile(double p, double a, double b); /* the x at which I_x(a, b) = p, p in [0, 1] */

double normal_cdf(double z);
double normal_quantile(double p); /* p in [0, 1]; -INFINITY and INFINITY at its ends */

/* df > 0, real. student_t_upper is P(T > t), accurate where 1 - cdf is not. */
double student_t_cdf(double t, double df);
double student_t_upper(double t, double df);
double student_t_quantile(double p, double df);

/* X ~ Binomial(n, p): P(X >= k) and P(X <= k). */
double binomial_upper(uint64_t k, uint64_t n, double p);
double binomial_lower(uint64_t k, uint64_t n, double p);

#endif
