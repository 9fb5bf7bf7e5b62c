/* live.c - what promotion and demotion by live feedback promise, by simulation: `make bench-live`; lines as docs/benchmarks.md says.
 *
 *   live [-n RUNS]
 *
 * Calls come one by one, chance chooses who answers, some get a score, and somebody looks after every one of them. Everything goes through
 * live_add(), as in `rung serve`. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/rng.h"
#include "decide.h"
#include "decide/live.h"
#include "stats/quantile.h"

static size_t runs = 400;

struct scene {
	double share, feedback;     /* of calls that the challenger answers; that get a score */
	double serving, challenger; /* rates of good answers */
	size_t subject;             /* calls of one subject, who keeps its variant and its own difficulty; 0: calls stand alone */
	bool graded;                /* scores in between: the mean is the rate */
	size_t calls;
};

/* The rate that holds for the subject at hand: far apart, the same on average. */
static double rate_of(double rate, double difficulty)
{
	return difficulty < 0.5 ? rate - 0.15 : rate + 0.15;
}

/* A trial of so many calls at most: what was decided, and after how many scored ones. */
static enum live_decision trial(struct rng *r, const struct scene *s, size_t *scored)
{
	struct live l;
	bool first = false, drawn = true, heard = false;
	double difficulty = 0;

	live_init(&l, &live_rule_default);
	*scored = 0;
	for (size_t i = 0; i < s->calls && l.decision == LIVE_KEEP; i++) {
		bool begins = s->subject == 0 || i % s->subject == 0;

		if (begins) {
			first = rng_double(r) < s->share;
			difficulty = rng_double(r);
			heard = false;
		}
		drawn = !heard;
		double rate = first ? s->challenger : s->serving;

		rate = s->subject ? rate_of(rate, difficulty) : rate;
		double u = rng_double(r), score = s->graded ? rate + (1 - rate) * (u - 0.5) * 0.9 : u < rate;

		if (rng_double(r) >= s->feedback)
			continue;
		heard = s->subject > 0;
		live_add(&l, &(struct live_event){ first ? LIVE_CHALLENGER : LIVE_SERVING, drawn ? s->share : 1, score, 0, false });
		(*scored)++;
	}
	return l.decision;
}

static double rate_decided(const struct scene *s, enum live_decision d, uint64_t seed)
{
	struct rng r;
	size_t n = 0, scored;

	rng_init(&r, seed, "live");
	for (size_t i = 0; i < runs; i++)
		n += trial(&r, s, &scored) == d;
	return (double)n / (double)runs;
}

/* Promotions of what is worse by the margin or more: the highest rate of all scenes; noise of three standard errors is allowed to each. */
static void false_promotions(void)
{
	static const double shares[] = { 0.05, 0.1, 0.5 }, gaps[] = { 0.05, 0.1, 0.2 }, heard[] = { 1, 0.3 };
	double worst = 0, allowed = alpha + 3 * sqrt(alpha * (1 - alpha) / (double)runs);
	uint64_t seed = 0;

	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++)
			for (size_t k = 0; k < 2; k++)
				for (int kind = 0; kind < 3; kind++) {
					struct scene s = { shares[i], heard[k], 0.8, 0.8 - gaps[j], kind == 1 ? 5 : 0, kind == 2, 3000 };

					worst = fmax(worst, rate_decided(&s, LIVE_PROMOTE, ++seed));
				}
	row("live: worse by the margin or more, promoted (worst of 54 scenes, a look after every call)", worst, "<= .05", worst <= allowed);
}

/* Trials of what is as good that are ended as worse. */
static void false_ends(void)
{
	static const double shares[] = { 0.05, 0.1, 0.5 };
	double worst = 0, allowed = alpha + 3 * sqrt(alpha * (1 - alpha) / (double)runs);

	for (size_t i = 0; i < 3; i++) {
		struct scene s = { shares[i], 1, 0.8, 0.8, 0, false, 3000 };

		worst = fmax(worst, rate_decided(&s, LIVE_END, 100 + i));
	}
	row("live: as good, its trial ended as worse (worst of 3 shares)", worst, "<= .05", worst <= allowed);
}

/* Scored calls until it is decided so, the median; those that are not within the calls count as all of them. */
static void labels_needed(const char *name, const struct scene *s, enum live_decision want, uint64_t seed)
{
	double *n = calloc(runs, sizeof(*n));
	struct rng r;
	size_t decided = 0;

	rng_init(&r, seed, "live");
	for (size_t i = 0; i < runs; i++) {
		size_t scored;
		bool so = trial(&r, s, &scored) == want;

		decided += so;
		n[i] = so ? (double)scored : (double)s->calls;
	}
	printf("%s, scored calls (median; %.0f %% within %zu)\t%.0f\t-\t-\t-\tok\n", name, 100.0 * (double)decided / (double)runs, s->calls,
	       quantile(n, runs, 0.5));
	fflush(stdout);
	free(n);
}

/* Scored calls until the alarm; 0: it came before the change. */
static size_t until_demoted(struct rng *r, double good, double bad, size_t change, size_t most)
{
	struct live l;
	size_t n = 0;

	live_init(&l, &live_rule_default);
	while (n < most && l.decision == LIVE_KEEP) {
		live_add(&l, &(struct live_event){ LIVE_SERVING, 1, rng_double(r) < (n < change ? good : bad), 0, false });
		n++;
	}
	return n;
}

static void demotions(void)
{
	double *after = calloc(runs, sizeof(*after));
	size_t n = 0, early = 0;
	struct rng r;

	rng_init(&r, 1, "demotions");
	for (size_t i = 0; i < runs; i++) {
		size_t at = until_demoted(&r, 0.85, 0.70, 1000, 10000);

		if (at <= 1000)
			early++;
		else
			after[n++] = (double)(at - 1000);
	}
	double median = quantile(after, n, 0.5);

	row("live: .85 falls to .70 after 1,000 good calls, scored calls to the alarm (median)", median, "<= 150", median <= 150);
	row("live: the same, 90th percentile", quantile(after, n, 0.9), "-", true);
	row("live: alarms within the 1,000 good calls", (double)early / (double)runs, "<= .1", early * 10 <= runs);
	free(after);
}

/* The mean is not known, but learnt from the calls before; nothing changes. */
static void false_demotions(double rate)
{
	double calls = 0;
	size_t alarms = 0;
	char name[120];
	struct rng r;

	rng_init(&r, 2, "demotions");
	for (size_t i = 0; i < runs; i++) {
		size_t at = until_demoted(&r, rate, rate, SIZE_MAX, 40000);

		calls += (double)at;
		alarms += at < 40000;
	}
	snprintf(name, sizeof(name), "live: %g for ever, scored calls to a false alarm (runs cut at 40,000)", rate);
	row(name, calls / fmax((double)alarms, 1), ">= 10000", calls >= 1e4 * (double)alarms);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "-n") == 0)
		runs = strtoul(argv[2], NULL, 10);
	if (runs == 0 || (argc != 1 && argc != 3)) {
		fputs("live: -n takes a number above 0\n", stderr);
		return 1;
	}
	static const double means[] = { 0.5, 0.7, 0.85, 0.95, 0.98, 0.995 };
	const struct scene better = { 0.1, 1, 0.8, 0.9, 0, false, 20000 }, half = { 0.5, 1, 0.8, 0.9, 0, false, 20000 };
	const struct scene equal = { 0.1, 1, 0.85, 0.85, 0, false, 20000 }, equal_half = { 0.5, 1, 0.85, 0.85, 0, false, 20000 };
	const struct scene worse = { 0.1, 1, 0.85, 0.6, 0, false, 20000 };

	false_promotions();
	false_ends();
	labels_needed("live: better by .10 at a share of .1, promoted", &better, LIVE_PROMOTE, 201);
	labels_needed("live: better by .10 at a share of .5, promoted", &half, LIVE_PROMOTE, 202);
	labels_needed("live: as good at a share of .1, promoted", &equal, LIVE_PROMOTE, 203);
	labels_needed("live: as good at a share of .5, promoted", &equal_half, LIVE_PROMOTE, 204);
	labels_needed("live: worse by .25 at a share of .1, ended", &worse, LIVE_END, 205);
	demotions();
	for (size_t i = 0; i < sizeof(means) / sizeof(means[0]); i++)
		false_demotions(means[i]);
	return 0;
}
