/* power.c - sample sizes by formula, and by search where the tests have none.
 *
 * "The rates persist" means the sample is seen `factor` times over: log capitals grow by the factor, real-valued
 * counts go through the same beta functions, standard errors shrink. Mixtures and K are convex in the factor and
 * start at 1, so once past a level they stay past it, and bisection finds the first number of items. */
#include "stats/power.h"

#include <math.h>
#include <stdbool.h>

#include "stats/bet.h"
#include "stats/fixed.h"
#include "stats/mean.h"
#include "stats/special.h"
#include "stats/target.h"

uint64_t power_paired_n(double discordant, double gap, double alpha, double power)
{
	double z_alpha = -normal_quantile(0.5 * alpha);
	double z_power = normal_quantile(power);
	double root = z_alpha * sqrt(discordant) + z_power * sqrt(fmax(0.0, discordant - gap * gap));
	double n = ceil(root * root / (gap * gap));

	return n < 0x1p63 ? (uint64_t)n : UINT64_MAX; /* gap = 0: infinity or NAN */
}

/* A sample, boiled down to what its test needs at any factor. */
struct sample {
	enum power_test test;
	struct mean mean;
	double wins, losses;        /* items above and below the bound: right and wrong, for a target */
	struct bet for_it, against; /* the claim "the true mean exceeds bound", and the bet that gives it up */
	double bound, low;          /* values lie in [low, 1] */
	double alpha;
	double log_level_against;
};

static bool is_clustered(const struct power_case *c)
{
	return c->test == POWER_CLUSTER_FULL || c->test == POWER_CLUSTER_EARLY;
}

static size_t group_count(const struct power_case *c)
{
	return is_clustered(c) ? c->n_groups : c->n;
}

static struct cluster group_at(const struct power_case *c, size_t i)
{
	return is_clustered(c) ? c->groups[i] : (struct cluster){ c->d[i], 1 };
}

static struct sample sample_start(const struct power_case *c, double bound, double low)
{
	struct sample s = { .test = c->test, .bound = bound, .low = low, .alpha = c->alpha };

	s.mean = is_clustered(c) ? mean_clusters(c->groups, c->n_groups) : mean_items(c->d, c->n);
	for (size_t i = 0; !is_clustered(c) && i < c->n; i++) {
		s.wins += c->d[i] > 0.0;
		s.losses += low < 0.0 ? c->d[i] < 0.0 : c->d[i] <= 0.0;
	}
	return s;
}

static double log_k_scaled(const struct bet *b, double factor)
{
	struct bet scaled = *b;

	for (int i = 0; i < BET_GAMBLERS; i++)
		scaled.log_capital[i] *= factor;
	return bet_log_k(&scaled);
}

/* P(X >= successes) with real counts: the incomplete beta between the integers. */
static double exact_p_real(double successes, double failures, double target)
{
	return successes > 0.0 ? beta_inc(successes, failures + 1.0, target) : 1.0;
}

static bool binary_passes(const struct sample *s, double factor, double null_share)
{
	double wins = s->wins * factor;
	double losses = s->losses * factor;

	if (s->test == POWER_BINARY_EARLY)
		return target_log_e_real(wins, losses, null_share) >= -log(s->alpha);
	return exact_p_real(wins, losses, null_share) <= s->alpha;
}

/* The sample with one more group at the worst, as bounded.h has it; its t is near enough for a plan. */
static struct mean with_worst(struct mean m, double bound, double worst)
{
	double size = m.items / m.groups, shift = (worst - bound) * size / m.items;

	m.mean += shift;
	m.error = sqrt(m.error * m.error + shift * shift);
	return m;
}

/* Whether the claim is shown by the sample seen `factor` times. */
static bool sample_passes(const struct sample *s, double factor)
{
	bool full = s->test == POWER_BINARY_FULL || s->test == POWER_GRADED_FULL || s->test == POWER_CLUSTER_FULL;
	bool binary = s->test == POWER_BINARY_FULL || s->test == POWER_BINARY_EARLY;
	struct mean m = mean_scale(s->mean, factor);

	if (binary && s->low == 0.0)
		return binary_passes(s, factor, s->bound);
	if (binary && s->bound == 0.0)
		return binary_passes(s, factor, 0.5);
	if (binary && full)
		return paired_noninferior_z(s->wins * factor, s->losses * factor, m.items, -s->bound) >=
		       -normal_quantile(s->alpha);
	if (full)
		return mean_above_p(with_worst(m, s->bound, s->low), s->bound, s->low, 1.0) <= s->alpha;
	return log_k_scaled(&s->for_it, factor) >= -log(s->alpha);
}

/* Whether the search ends the other way: the interval lies below the margin, or the target is shown to be missed. */
static bool sample_refuted(const struct sample *s, double factor)
{
	struct sample mirror = *s;

	if (s->low < 0.0 || s->test == POWER_GRADED_EARLY || s->test == POWER_CLUSTER_EARLY)
		return log_k_scaled(&s->against, factor) >= s->log_level_against;
	if (s->test == POWER_GRADED_FULL || s->test == POWER_CLUSTER_FULL)
		return mean_below_p(with_worst(mean_scale(s->mean, factor), s->bound, 1.0), s->bound, 0.0, 1.0) <= s->alpha;
	mirror.wins = s->losses;
	mirror.losses = s->wins;
	return binary_passes(&mirror, factor, 1.0 - s->bound);
}

static uint64_t sample_search(const struct sample *s, uint64_t most)
{
	double size = s->mean.items / s->mean.groups; /* items in an average group */

	if (!(s->mean.groups > 0.0))
		return most + 1;

	uint64_t no = 0;
	uint64_t yes = (uint64_t)((double)most / size);

	if (sample_passes(s, 1.0) || sample_refuted(s, 1.0))
		return 0;

	double all = 1.0 + (double)yes / s->mean.groups;

	if (!sample_passes(s, all) && !sample_refuted(s, all))
		return most + 1;
	while (yes - no > 1) {
		uint64_t middle = no + (yes - no) / 2;
		double factor = 1.0 + (double)middle / s->mean.groups;

		if (sample_passes(s, factor) || sample_refuted(s, factor))
			yes = middle;
		else
			no = middle;
	}
	return (uint64_t)ceil((double)yes * size);
}

/* The last differences seen, with what they do to the two bets: right-or-wrong items have three, and grades not many more. */
enum { KNOWN_MOST = 16 };
struct known_steps {
	double d[KNOWN_MOST];
	struct bet_step for_it[KNOWN_MOST], against[KNOWN_MOST];
	size_t n;
};

static void add_difference(struct sample *s, struct known_steps *known, double d, double worse_by, double margin)
{
	size_t i = 0;

	while (i < known->n && !(known->d[i] >= d && known->d[i] <= d))
		i++;
	if (i == known->n) {
		i = known->n < KNOWN_MOST ? known->n++ : KNOWN_MOST - 1;
		known->d[i] = d;
		bet_step_init(&known->for_it[i], s->for_it.mean, cluster_bet_x((struct cluster){ d, 1 }, 1, worse_by));
		bet_step_init(&known->against[i], s->against.mean, cluster_bet_x((struct cluster){ -d, 1 }, 1, margin));
	}
	bet_add_step(&s->for_it, &known->for_it[i]);
	bet_add_step(&s->against, &known->against[i]);
}

uint64_t power_labels_needed(const struct power_case *c)
{
	struct sample s = sample_start(c, -c->worse_by, -1.0);
	struct known_steps known = { .n = 0 };

	bet_init(&s.for_it, 0.5 * (1.0 - c->worse_by));
	bet_init(&s.against, 0.5 * (1.0 - c->margin));
	s.log_level_against = log(2.0 / c->interval_alpha);
	for (size_t i = 0; !is_clustered(c) && i < c->n; i++)
		add_difference(&s, &known, c->d[i], c->worse_by, c->margin);
	for (size_t i = 0; is_clustered(c) && i < c->n_groups; i++) {
		struct cluster g = c->groups[i];

		bet_add(&s.for_it, cluster_bet_x(g, c->largest, c->worse_by));
		g.sum = -g.sum;
		bet_add(&s.against, cluster_bet_x(g, c->largest, c->margin));
	}
	return sample_search(&s, c->most);
}

uint64_t power_target_labels_needed(const struct power_case *c, double target)
{
	struct sample s = sample_start(c, target, 0.0);

	bet_init(&s.for_it, is_clustered(c) ? 0.5 : target);
	bet_init(&s.against, is_clustered(c) ? 0.5 : 1.0 - target);
	s.log_level_against = -log(c->alpha);
	for (size_t i = 0; i < group_count(c); i++) {
		struct cluster g = group_at(c, i);
		double x = is_clustered(c) ? target_cluster_x(g, c->largest, target) : g.sum;

		bet_add(&s.for_it, x);
		bet_add(&s.against, 1.0 - x);
	}
	return sample_search(&s, c->most);
}
