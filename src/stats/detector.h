/* detector.h - has a mean that was good fallen? An alarm that forgets good times.
 *
 * The test of a mean by betting (bet.h) from the beginning on would have to win back what it lost while all was well. A Shiryaev-Roberts
 * e-detector is the sum of the capitals of gamblers who began at each value so far:
 *     SR_t = (1 + SR_{t-1}) e_t,    e_t = 1 + lambda (b - x_t) / (1 - b)
 * here the mean over the stakes lambda = .05, .10, ... .95 of bet.h. While E[x_t | before] >= b, SR_t - t is a supermartingale, so that an
 * alarm at SR_t >= L comes after L values on average or later, whatever else the values do. b may change from value to value, as long as
 * it is known before. Source: Shin, Ramdas, Rinaldo 2022, E-detectors (arXiv 2203.03532), definition 2.2 and section 3. Pure. */
#ifndef RUNG_STATS_DETECTOR_H
#define RUNG_STATS_DETECTOR_H

#include "stats/bet.h"

/* All zeros is the beginning. Copy it freely. */
struct detector {
	double sum[BET_GAMBLERS]; /* SR of each stake */
};

void detector_add(struct detector *d, double b, double x); /* b in (0, 1); x is clipped to [0, 1] */
double detector_level(const struct detector *d);           /* SR: hold it against the average run length that is wanted between false alarms */

#endif
