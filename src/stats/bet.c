/* bet.c - the K test, and the confidence sequence that inverts it.
 *
 * Every series is seen as gambles on "the mean exceeds mu", mu in [-1, 1]: one value or cluster g gains
 * e = (S_g - mu n_g)/largest per unit, and capital is multiplied by 1 + lambda e/(1 + mu). For one value d this is
 * 1 + (lambda/m)(x - m) with x = (d + 1)/2, m = (1 + mu)/2. The bet on "the mean is below mu" is that on -d and -mu. */
#include "stats/bet.h"

#include <math.h>

struct series {
	const double *values;         /* (n), d = scale * value + shift in [-1, 1]; or NULL */
	const double *weights;        /* (n) how often each value occurs; NULL: once */
	const struct cluster *groups; /* (n), where there are no values */
	double scale, shift;
	double largest; /* items in the largest cluster */
	size_t n;
};

static double gambler_stake(int i)
{
	return 0.05 * (i + 1);
}

static double clip(double x, double low, double high)
{
	return fmin(fmax(x, low), high); /* NAN becomes low */
}

/* log of the mean of exp(v): the mean capital of the gamblers. */
static double log_mean_exp(const double v[BET_GAMBLERS])
{
	double top = v[0];
	double sum = 0.0;

	for (int i = 1; i < BET_GAMBLERS; i++)
		top = fmax(top, v[i]);
	for (int i = 0; i < BET_GAMBLERS; i++)
		sum += exp(v[i] - top);
	return top + log(sum / BET_GAMBLERS);
}

void bet_init(struct bet *b, double mean)
{
	*b = (struct bet){ .mean = mean };
}

void bet_add(struct bet *b, double x)
{
	struct bet_step s;

	bet_step_init(&s, b->mean, x);
	bet_add_step(b, &s);
}

void bet_step_init(struct bet_step *s, double mean, double x)
{
	double gain = (clip(x, 0.0, 1.0) - mean) / mean;

	for (int i = 0; i < BET_GAMBLERS; i++)
		s->log_gain[i] = log1p(gambler_stake(i) * gain);
}

void bet_add_step(struct bet *b, const struct bet_step *s)
{
	for (int i = 0; i < BET_GAMBLERS; i++)
		b->log_capital[i] += s->log_gain[i];
}

/* The mean is never above the richest gambler, which spares most looks the sum. */
bool bet_reaches(const struct bet *b, double log_level)
{
	double top = b->log_capital[0];

	for (int i = 1; i < BET_GAMBLERS; i++)
		top = fmax(top, b->log_capital[i]);
	return top >= log_level && bet_log_k(b) >= log_level;
}

double bet_log_k(const struct bet *b)
{
	return log_mean_exp(b->log_capital);
}

/* What the i-th value or cluster gains per unit staked on side +1 (the mean exceeds mu) or -1 (it is below). */
static double series_gain(const struct series *s, size_t i, double mu, double side)
{
	double items = 1.0;
	double d;

	if (s->values) {
		d = clip(s->scale * s->values[i] + s->shift, -1.0, 1.0);
	} else {
		items = (double)s->groups[i].size / s->largest;
		d = clip(s->groups[i].sum / s->largest, -items, items);
	}
	return side * (d - mu * items) / (1.0 + side * mu);
}

/* Few different values: a logarithm for each and gambler. */
static double weighted_log_k(const struct series *s, double mu, double side)
{
	double log_capital[BET_GAMBLERS] = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		double gain = series_gain(s, i, mu, side);

		for (int j = 0; j < BET_GAMBLERS; j++)
			log_capital[j] += s->weights[i] * log1p(gambler_stake(j) * gain);
	}
	return log_mean_exp(log_capital);
}

/* Products with the exponent moved aside now and then: one multiplication where a logarithm would take twenty times
 * as long. A factor lies in [.05, 2^50] for the mu of bisection, so eight of them stay far within a double. */
static double series_log_k(const struct series *s, double mu, double side)
{
	double capital[BET_GAMBLERS];
	double log_capital[BET_GAMBLERS];
	int exponent[BET_GAMBLERS] = { 0 };

	if (s->weights)
		return weighted_log_k(s, mu, side);
	for (int j = 0; j < BET_GAMBLERS; j++)
		capital[j] = 1.0;
	for (size_t i = 0; i < s->n; i++) {
		double gain = series_gain(s, i, mu, side);

		for (int j = 0; j < BET_GAMBLERS; j++)
			capital[j] *= 1.0 + gambler_stake(j) * gain;
		if (i % 8 != 7)
			continue;
		for (int j = 0; j < BET_GAMBLERS; j++) {
			int e;

			capital[j] = frexp(capital[j], &e);
			exponent[j] += e;
		}
	}
	for (int j = 0; j < BET_GAMBLERS; j++)
		log_capital[j] = log(capital[j]) + exponent[j] * M_LN2;
	return log_mean_exp(log_capital);
}

/* The end of the interval on one side: the mu nearest the data that the side's bet refutes, to 2^-44 on the outer side; the end of
 * the range if it refutes none. Capital falls as mu moves towards the data, so a bracket finds it: halved at first, where the
 * capital is steep, then by false position (Dowell, Jarratt 1971: "Illinois"), which needs a third of the steps that halving does. */
static double series_end(const struct series *s, double side, double log_level)
{
	enum { HALVINGS = 6, STEPS = 100 };
	const double close = 0x1p-44;
	double refuted = -side, kept = side;
	double above = INFINITY, below = -INFINITY; /* log K - level at the two; not known before they moved */
	int last = 0;                               /* which moved: 1 refuted, -1 kept */

	for (int i = 0; i < STEPS && fabs(kept - refuted) > close; i++) {
		double share = above / (above - below); /* of the way to `kept` */
		bool halve = i < HALVINGS || i % 8 == 7 || !isfinite(share);
		double step = (kept - refuted) * (halve ? 0.5 : share);

		/* Just beside an end that is nearly right, so that the other one comes near too. */
		if (!halve && fabs(step) < close)
			step = copysign(0.75 * close, step);
		if (!halve && fabs(kept - refuted - step) < close)
			step = kept - refuted - copysign(0.75 * close, kept - refuted);
		double value = series_log_k(s, refuted + step, side) - log_level;

		if (value >= 0) {
			refuted += step;
			below *= last > 0 ? 0.5 : 1; /* an end that stays twice counts for less */
			above = value;
			last = 1;
		} else {
			kept = refuted + step;
			above *= last < 0 ? 0.5 : 1;
			below = value;
			last = -1;
		}
	}
	return refuted;
}

static struct interval series_interval(const struct series *s, double alpha)
{
	double log_level = log(2.0 / alpha); /* each side at alpha/2 */

	return (struct interval){ series_end(s, 1.0, log_level), series_end(s, -1.0, log_level) };
}

/* Values or clusters with how often each occurs. Their order does not matter to the capital at the end. */
enum { TALLY_MOST = 16 };
struct tally {
	double value[TALLY_MOST], weight[TALLY_MOST];
	struct cluster group[TALLY_MOST];
	size_t n;
};

static bool tally_add(struct tally *t, double x, size_t size)
{
	size_t i = 0;

	while (i < t->n && !(t->value[i] >= x && t->value[i] <= x && t->group[i].size == size))
		i++;
	if (i == TALLY_MOST)
		return false;
	if (i == t->n) {
		t->value[t->n] = x;
		t->group[t->n++] = (struct cluster){ x, size };
	}
	t->weight[i]++;
	return true;
}

/* A logarithm costs some twenty multiplications. */
static bool tally_pays(const struct tally *t, size_t n)
{
	return t->n * 8 < n;
}

/* The series of these values, by way of the tally where there are few different ones. The tally must outlive it. */
static struct series series_of(const double *values, size_t n, double scale, double shift, struct tally *t)
{
	struct series s = { .values = values, .scale = scale, .shift = shift, .n = n };

	*t = (struct tally){ .n = 0 };
	for (size_t i = 0; i < n; i++)
		if (!tally_add(t, values[i], 1))
			return s;
	if (tally_pays(t, n)) {
		s.values = t->value;
		s.weights = t->weight;
		s.n = t->n;
	}
	return s;
}

static struct series series_of_groups(const struct cluster *g, size_t groups, size_t largest, struct tally *t)
{
	struct series s = { .groups = g, .largest = (double)largest, .n = groups };

	*t = (struct tally){ .n = 0 };
	for (size_t i = 0; i < groups; i++)
		if (!tally_add(t, g[i].sum, g[i].size))
			return s;
	if (tally_pays(t, groups)) {
		s.groups = t->group;
		s.weights = t->weight;
		s.n = t->n;
	}
	return s;
}

struct interval bet_interval(const double *x, size_t n, double alpha)
{
	struct tally t;
	struct series s = series_of(x, n, 2.0, -1.0, &t);
	struct interval d = series_interval(&s, alpha);

	return (struct interval){ 0.5 * (d.low + 1.0), 0.5 * (d.high + 1.0) };
}

double comparison_log_k(const double *d, size_t n, double margin)
{
	struct tally t;
	struct series s = series_of(d, n, 1.0, 0.0, &t);

	return series_log_k(&s, -margin, 1.0);
}

struct interval comparison_interval(const double *d, size_t n, double alpha)
{
	struct tally t;
	struct series s = series_of(d, n, 1.0, 0.0, &t);

	return series_interval(&s, alpha);
}

double cluster_bet_x(struct cluster g, size_t largest, double margin)
{
	double gamble = (g.sum + margin * (double)g.size) / (double)largest;

	return 0.5 * (gamble + 1.0 - margin);
}

double comparison_log_k_clusters(const struct cluster *g, size_t groups, size_t largest, double margin)
{
	struct tally t;
	struct series s = series_of_groups(g, groups, largest, &t);

	return series_log_k(&s, -margin, 1.0);
}

struct interval comparison_interval_clusters(const struct cluster *g, size_t groups, size_t largest, double alpha)
{
	struct tally t;
	struct series s = series_of_groups(g, groups, largest, &t);

	return series_interval(&s, alpha);
}
