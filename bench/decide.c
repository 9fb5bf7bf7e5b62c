/* decide.c - whether decisions keep what they promise, by simulation: `make bench-decide`; lines as docs/benchmarks.md says.
 *
 *   decide [-n RUNS] [-v] [-w SCENE] [errors|costs|power|calls]...
 *
 * All groups by default. -v: a remark for every scene; -w: only scenes whose remark begins so ("early binary cluster=5 n=300").
 *
 * errors: whole ladders on which no configuration is truly better, simulated RUNS times for each scene. costs: on which the higher ones
 * are cheaper and truly worse by the margin. power: one comparison
 * against exact enumeration. calls: what stopping early looks at. Everything goes through replay_run(), as in `rung decide`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "decide.h"
#include "decide/replay.h"
#include "stats/paired.h"
#include "stats/quantile.h"
#include "stats/special.h"

static size_t runs = 400;
static bool verbose;
static const char *wanted = "";

/* --- errors ---------------------------------------------------------------------------------------------------------- */

/* How the scores of a configuration come from those of another: on a share p_d of the items (clusters: whole ones) they differ. */
enum kind { BINARY, GRADED, SKEWED, KINDS };
static const char *const kind_names[] = { "binary", "graded", "skewed" };
enum { RUNGS = 3 };
static const double base_rate = 0.6;

struct scene {
	size_t n, variants, cluster; /* variants: of each rung; items of a cluster share one draw, the worst case */
	double discordant;
	double gain[4];              /* how much truly better each rung is than the lowest one's first */
	enum kind kind;
	enum decide_plan plan;
	bool target; /* at the true score of the lowest rung: no claim to pass it is true */
	double margin;
	bool costs;  /* count, and every rung is cheaper than those below */
};

static double draw_base(struct rng *r, enum kind kind)
{
	return kind == BINARY ? rng_double(r) < base_rate : kind == GRADED ? 0.25 * (double)rng_below(r, 5) : 0.5;
}

/* The score beside `base` of a configuration whose mean is higher by gain. Skewed: many small gains and few large losses. */
static double draw_beside(struct rng *r, double base, const struct scene *s, double gain)
{
	double u = rng_double(r);

	if (s->kind == GRADED && u < s->discordant)
		return 0.25 * (double)rng_below(r, 5);
	if (s->kind == GRADED) /* a grade less on some of the rest, of which four fifths have one to lose */
		return base > 0 && rng_double(r) < -gain / (0.25 * 0.8 * (1 - s->discordant)) ? base - 0.25 : base;
	if (s->kind == SKEWED)
		return u < s->discordant / 6 - gain / 0.6 ? base - 0.5 : u < s->discordant ? base + 0.1 : base;
	if (base > 0)
		return u < 0.5 * (s->discordant - gain) / base_rate ? 0 : 1;
	return u < 0.5 * (s->discordant + gain) / (1 - base_rate) ? 1 : 0;
}

/* Scores of a ladder: every variant is drawn beside the lowest rung's first. */
static void draw_ladder(struct rng *r, const struct scene *s, size_t rungs, double **score, size_t n)
{
	double column[256];

	for (size_t i = 0; i < s->n; i++) {
		if (i % s->cluster == 0) {
			column[0] = draw_base(r, s->kind);
			for (size_t k = 1; k < n; k++)
				column[k] = draw_beside(r, column[0], s, s->gain[k / (n / rungs)]);
		}
		for (size_t k = 0; k < n; k++)
			score[k][i] = column[k];
	}
}

static struct decide_rule rule_of(const struct scene *s, size_t *cluster)
{
	for (size_t i = 0; i < s->n; i++)
		cluster[i] = i / s->cluster;
	return (struct decide_rule){
		.alpha = alpha, .margin = s->margin, .plan = s->plan, .binary = s->kind == BINARY, .has_target = s->target,
		.climb_for = s->costs ? CLIMB_FOR_BOTH : CLIMB_FOR_QUALITY,
		.traffic = { .calls_per_day = 1000, .calls_low = 1000, .calls_high = 1000, .horizon_days = 30 },
		.target = s->kind == BINARY ? base_rate : 0.5, .cluster = s->cluster > 1 ? cluster : NULL, .n_items = s->n,
	};
}

struct counts {
	size_t climbed, switched, moved; /* falsely: to another rung, within one, either */
	size_t met, claimed;             /* a target is said to be met; any of these */
	double spent; /* share of the grid, summed */
};

static void pose_scene(struct arena *arena, const struct scene *s, size_t rungs, struct entrant_outcomes *e, double **score)
{
	for (size_t k = 0; k < rungs * s->variants; k++) {
		score[k] = arena_array(arena, s->n, sizeof(double));
		e[k] = (struct entrant_outcomes){ .id = arena_printf(arena, "%zu", k), .rung = (int)(k / s->variants), .score = score[k], .usd_per_call = NAN };
		if (!s->costs)
			continue;
		struct cost_rung *cost = arena_array(arena, 1, sizeof(*cost));

		*cost = cost_rung_default;
		cost->call.local_usd = e[k].usd_per_call = (double)((int)rungs - e[k].rung);
		e[k].cost = cost;
	}
}

static const struct candidate *candidate_named(const struct replay *p, const char *id)
{
	for (size_t i = 0; i < p->n_candidates; i++)
		if (p->candidates[i].id == id)
			return &p->candidates[i];
	return NULL;
}

/* Steps of the way to the winner, back to the first, that lead to nothing truly better; where costs count, for they are saved, to what
 * is truly worse by the margin. */
static void false_steps(const struct replay *p, const struct scene *s, bool *climbed, bool *switched)
{
	const struct decide_result *r = &p->result;
	const struct candidate *to = &p->candidates[r->verdict.winner];

	for (size_t i = r->n_comparisons; i-- > 0;) {
		if (r->comparisons[i].to != to->id)
			continue;
		const struct candidate *from = candidate_named(p, r->comparisons[i].from);

		*climbed |= to->rung > from->rung && s->gain[to->rung] - s->gain[from->rung] <= (s->costs ? 1e-9 - s->margin : 0);
		*switched |= to->rung == from->rung;
		to = from;
	}
}

static void count(struct counts *c, const struct replay *p, const struct scene *s)
{
	bool climbed = false, switched = false, met = p->result.verdict.meets_target == TARGET_YES;

	if (!met)
		false_steps(p, s, &climbed, &switched);
	c->climbed += climbed;
	c->switched += switched;
	c->moved += climbed || switched;
	c->met += met;
	c->claimed += climbed || switched || met;
	c->spent += (double)p->looked / (double)p->full_grid;
}

/* Goes up the drawn ladder `times` times. spent (times): the share of the grid that each looked at, or NULL. */
static struct counts simulate(const struct scene *s, size_t rungs, size_t times, double *spent)
{
	size_t n = rungs * s->variants, *cluster = mem_zero(s->n, sizeof(*cluster));
	struct decide_rule rule = rule_of(s, cluster);
	struct counts c = { 0 };
	struct arena memory, run;
	struct rng r;

	arena_init(&memory);
	arena_init(&run);
	struct entrant_outcomes *e = arena_array(&memory, n, sizeof(*e));
	double **score = arena_array(&memory, n, sizeof(*score));

	pose_scene(&memory, s, rungs, e, score);
	replay_plan(&rule, e, n);
	rng_init(&r, 1, "bench decide");
	for (size_t t = 0; t < times; t++) {
		draw_ladder(&r, s, rungs, score, n);
		struct replay p = replay_run(&run, &rule, e, n);

		count(&c, &p, s);
		if (spent)
			spent[t] = (double)p.looked / (double)p.full_grid;
		arena_release(&run);
	}
	arena_release(&memory);
	free(cluster);
	return c;
}

/* Whether so many of `runs` are compatible with a rate of alpha: a thousand scenes, all at exactly alpha, would show one beyond. */
static bool within(size_t errors)
{
	return errors == 0 || binomial_upper(errors, runs, alpha) >= 0.001;
}

struct worst {
	size_t errors, scenes;
	bool within;
	char scene[160];
};

static void judge(struct worst *w, size_t errors, const struct scene *s)
{
	char name[160];

	snprintf(name, sizeof(name), "n %zu, p_d %.2f, %zu a rung", s->n, s->discordant, s->variants);
	if (w->scenes++ == 0 || errors > w->errors) {
		w->errors = errors;
		snprintf(w->scene, sizeof(w->scene), "%s", name);
	}
	w->within = w->scenes == 1 ? within(errors) : w->within && within(errors);
}

static void tell(const struct worst *w, const char *what, const struct scene *s)
{
	char name[400];

	if (w->scenes == 0)
		return;
	snprintf(name, sizeof(name), "%s, %s, %s, clusters of %zu: worst of %zu scenes (%s), rate", what, decide_plan_name(s->plan),
		 kind_names[s->kind], s->cluster, w->scenes, w->scene);
	row(name, (double)w->errors / (double)runs, "<= 0.05", w->within);
}

static void name_scene(const struct scene *s, char *name, size_t size)
{
	snprintf(name, size, "%s%s %s cluster=%zu n=%zu p_d=%.2f variants=%zu target=%d", s->costs ? "costs " : "", decide_plan_name(s->plan),
		 kind_names[s->kind], s->cluster, s->n, s->discordant, s->variants, s->target);
}

static bool is_wanted(const struct scene *s)
{
	char name[160];

	name_scene(s, name, sizeof(name));
	return strncmp(name, wanted, strlen(wanted)) == 0;
}

static void tell_scene(const struct scene *s, const struct counts *c)
{
	char name[160];
	double n = (double)runs;

	if (!verbose)
		return;
	name_scene(s, name, sizeof(name));
	printf("# %s: climbs %.4f switches %.4f targets %.4f any %.4f; looked at %.3f\n", name, (double)c->climbed / n, (double)c->switched / n,
	       (double)c->met / n, (double)c->claimed / n, c->spent / n);
	fflush(stdout);
}

/* All sizes, discordances and numbers of variants of one kind, cluster size and plan. A margin of one point hides little. */
static void errors_of(enum kind kind, size_t cluster, enum decide_plan plan)
{
	static const size_t sizes[] = { 100, 300, 1000 }, variants[] = { 1, 4, 12 };
	static const double discordances[] = { 0.05, 0.2, 0.4 };
	struct worst moves = { 0 }, targets = { 0 }, climbs = { 0 }, switches = { 0 };
	struct scene s = { .kind = kind, .cluster = cluster, .plan = plan, .margin = 0.01 };

	for (size_t i = 0; i < 27; i++)
		for (int target = 0; target < 2; target++) {
			s.n = sizes[i / 9];
			s.discordant = discordances[i / 3 % 3];
			s.variants = variants[i % 3];
			s.target = target;
			if ((kind == SKEWED && target) || !is_wanted(&s))
				continue;
			struct counts c = simulate(&s, RUNGS, runs, NULL);

			judge(target ? &targets : &moves, target ? c.claimed : c.moved, &s);
			judge(&climbs, c.climbed, &s);
			judge(&switches, c.switched, &s);
			tell_scene(&s, &c);
		}
	tell(&climbs, "false climbs", &s);
	tell(&switches, "false switches", &s);
	tell(&moves, "false climbs and switches together", &s);
	tell(&targets, "false targets, climbs and switches together", &s);
}

/* The middle rung is truly better, the upper one no better than the middle: the champion was chosen by the same items. */
static void errors_above(enum decide_plan plan)
{
	static const size_t sizes[] = { 100, 300, 1000 }, variants[] = { 1, 4, 12 };
	struct worst w = { 0 };
	struct scene s = { .kind = BINARY, .cluster = 1, .plan = plan, .margin = 0.01, .discordant = 0.2, .gain = { 0, 0.15, 0.15 } };

	for (size_t i = 0; i < 9; i++) {
		s.n = sizes[i / 3];
		s.variants = variants[i % 3];
		if (!is_wanted(&s))
			continue;
		struct counts c = simulate(&s, RUNGS, runs, NULL);

		judge(&w, c.moved, &s);
		tell_scene(&s, &c);
	}
	tell(&w, "false steps where the second rung is truly better", &s);
}

/* The upper rungs are cheaper, and truly worse by exactly the margin. The exact test takes long where there are many items, so that of
 * a thousand only single variants are tried. */
static void cost_errors_of(enum kind kind, size_t cluster, enum decide_plan plan)
{
	static const size_t sizes[] = { 100, 300, 1000 }, variants[] = { 1, 4 };
	static const double discordances[] = { 0.05, 0.2, 0.4 };
	struct worst w = { 0 };
	struct scene s = { .kind = kind, .cluster = cluster, .plan = plan, .margin = 0.05, .costs = true, .gain = { 0, -0.05, -0.05 } };

	for (size_t i = 0; i < 18; i++) {
		s.n = sizes[i / 6];
		s.discordant = discordances[i / 2 % 3];
		s.variants = variants[i % 2];
		if ((s.n == 1000 && s.variants > 1) || (kind == SKEWED && s.discordant < 0.1) || !is_wanted(&s))
			continue;
		struct counts c = simulate(&s, RUNGS, runs, NULL);

		judge(&w, c.moved, &s);
		tell_scene(&s, &c);
	}
	tell(&w, "false climbs for cost", &s);
}

static void errors(void)
{
	static const size_t clusters[] = { 1, 5, 10 };

	for (size_t plan = 0; plan < 2; plan++)
		for (size_t c = 0; c < 3; c++)
			for (size_t kind = 0; kind < KINDS; kind++)
				errors_of((enum kind)kind, clusters[c], (enum decide_plan)plan);
	errors_above(DECIDE_FULL);
	errors_above(DECIDE_EARLY);
}

static void cost_errors(void)
{
	static const size_t clusters[] = { 1, 5, 10 };

	for (size_t plan = 0; plan < 2; plan++)
		for (size_t c = 0; c < 3; c++)
			for (size_t kind = 0; kind < KINDS; kind++)
				cost_errors_of((enum kind)kind, clusters[c], (enum decide_plan)plan);
}

/* 1 or 0 for the other way round on a share `wins` and `losses` of the items, when a share `right` of them is 1. */
static double flipped(struct rng *r, double score, double right, double wins, double losses)
{
	double u = rng_double(r);

	return score > 0 ? !(u < losses / right) : u < wins / (1 - right);
}

/* A ladder of four rungs, ten points apart. Rungs differ on 12 % of the items, and each variant from its rung on 5 %, so that a
 * variant differs from one of the rung below on 20 %. spent (runs): the share of the grid that was looked at. */
static void simulate_steps(const struct scene *s, double *spent)
{
	enum { STEPS = 4 };
	const double lowest = 0.4, own = 0.026;
	size_t n = STEPS * s->variants;
	double discordant = 0;
	struct arena memory, run;
	struct rng r;

	arena_init(&memory);
	arena_init(&run);
	struct entrant_outcomes *e = arena_array(&memory, n, sizeof(*e));
	double **score = arena_array(&memory, n, sizeof(*score));
	struct decide_rule rule = rule_of(s, arena_array(&memory, s->n, sizeof(size_t)));

	pose_scene(&memory, s, STEPS, e, score);
	replay_plan(&rule, e, n);
	rng_init(&r, 5, "bench decide");
	for (size_t t = 0; t < runs; t++) {
		for (size_t i = 0; i < s->n; i++) {
			double rung = rng_double(&r) < lowest;

			for (size_t k = 0; k < n; k++) {
				double right = lowest + 0.1 * (double)(k / s->variants);

				if (k > 0 && k % s->variants == 0)
					rung = flipped(&r, rung, right - 0.1, 0.11, 0.01);
				score[k][i] = flipped(&r, rung, right, own, own);
			}
			discordant += (score[0][i] > score[s->variants + 1][i]) + (score[0][i] < score[s->variants + 1][i]);
		}
		struct replay p = replay_run(&run, &rule, e, n);

		spent[t] = (double)p.looked / (double)p.full_grid;
		arena_release(&run);
	}
	printf("# simulated ladder: two variants of neighbouring rungs differ on %.3f of the items\n", discordant / (double)(runs * s->n));
	arena_release(&memory);
}

/* --- power ----------------------------------------------------------------------------------------------------------- */

/* P(the exact test passes) with n items, by summing over wins and losses. */
static double enumerated_power(size_t n, double wins, double losses)
{
	double power = 0;

	for (uint64_t w = 0; w <= n; w++)
		for (uint64_t l = 0; w + l <= n; l++) {
			double ties = (double)(n - w - l);

			if (w <= l || paired_exact_p((struct paired_counts){ w, l }) > alpha)
				continue;
			power += exp(lgamma((double)n + 1) - lgamma((double)w + 1) - lgamma((double)l + 1) - lgamma(ties + 1) +
				     (double)w * log(wins) + (double)l * log(losses) + ties * log1p(-wins - losses));
		}
	return power;
}

static void power_of_gains(void)
{
	struct scene s = { .n = 155, .variants = 1, .cluster = 1, .kind = BINARY, .discordant = 0.2, .gain = { 0, 0.1 }, .margin = 0.001 };
	size_t times = runs > 4000 ? runs : 4000;

	for (size_t plan = 0; plan < 2; plan++) {
		size_t found = 0;
		struct rng r;
		struct arena memory, run;

		s.plan = (enum decide_plan)plan;
		arena_init(&memory);
		arena_init(&run);
		struct decide_rule rule = rule_of(&s, arena_array(&memory, s.n, sizeof(size_t)));
		struct entrant_outcomes e[2];
		double *score[2];

		pose_scene(&memory, &s, 2, e, score);
		replay_plan(&rule, e, 2);
		rng_init(&r, 3, "bench decide");
		for (size_t t = 0; t < times; t++) {
			draw_ladder(&r, &s, 2, score, 2);
			found += replay_run(&run, &rule, e, 2).result.verdict.decision == VERDICT_CLIMB;
			arena_release(&run);
		}
		double rate = (double)found / (double)times, exact = enumerated_power(s.n, 0.15, 0.05);

		if (s.plan == DECIDE_FULL)
			printf("power, full, n 155, p_d .20, 10 points, beside exact enumeration\t%.4f\t%.4f\t%.3f\tdifference <= 0.03\t%s\n",
			       rate, exact, rate / exact, fabs(rate - exact) <= 0.03 ? "ok" : "short");
		else
			row("power, early, n 155, p_d .20, 10 points", rate, ">= 0.60", rate >= 0.60);
		arena_release(&memory);
	}
}

/* A true tie that is cheaper: it has to be shown not worse. */
static void power_of_ties(void)
{
	struct scene s = { .n = 500, .variants = 1, .cluster = 1, .kind = BINARY, .discordant = 0.1, .plan = DECIDE_EARLY, .margin = 0.05,
			   .costs = true };
	size_t times = runs > 4000 ? runs : 4000, found = 0, n = 2, *cluster = mem_zero(s.n, sizeof(*cluster));
	double *spent = mem_zero(times, sizeof(*spent));
	struct decide_rule rule = rule_of(&s, cluster);
	struct entrant_outcomes e[2];
	struct arena memory, run;
	double *score[2];
	struct rng r;

	arena_init(&memory);
	arena_init(&run);
	pose_scene(&memory, &s, 2, e, score);
	replay_plan(&rule, e, n);
	rng_init(&r, 6, "bench decide");
	for (size_t t = 0; t < times; t++) {
		draw_ladder(&r, &s, 2, score, n);
		struct replay p = replay_run(&run, &rule, e, n);

		found += p.result.verdict.decision == VERDICT_CLIMB;
		spent[t] = (double)p.looked / (double)p.full_grid;
		arena_release(&run);
	}
	double rate = (double)found / (double)times;

	row("climbs for cost, early, a true tie, 500 items, p_d .10, margin of 5 points", rate, ">= 0.80", rate >= 0.8);
	printf("# of their items looked at, median: %.3f\n", quantile(spent, times, 0.5));
	arena_release(&memory);
	free(cluster);
	free(spent);
}

static void power(void)
{
	power_of_gains();
	power_of_ties();
}

/* --- calls ----------------------------------------------------------------------------------------------------------- */

static void calls(void)
{
	struct scene s = { .n = 600, .variants = 6, .cluster = 1, .kind = BINARY, .discordant = 0.2, .plan = DECIDE_EARLY, .margin = 0.05 };
	double *spent = mem_zero(runs, sizeof(*spent));

	simulate_steps(&s, spent);
	double share = quantile(spent, runs, 0.5);

	row("4 rungs of 6 variants 10 points apart, 600 items, p_d .20, early: share of the full grid, median", share, "<= 0.40", share <= 0.4);
	free(spent);
}

static const struct {
	const char *name;
	void (*run)(void);
} groups[] = { { "power", power }, { "calls", calls }, { "costs", cost_errors }, { "errors", errors } };
enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

int main(int argc, char **argv)
{
	bool asked[GROUPS] = { false }, any = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0)
			verbose = true;
		else if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
			runs = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "-w") == 0 && i + 1 < argc)
			wanted = argv[++i];
		for (size_t g = 0; g < GROUPS; g++)
			any |= (asked[g] |= strcmp(argv[i], groups[g].name) == 0);
	}
	if (runs == 0) {
		fputs("decide: -n takes a number above 0\n", stderr);
		return 1;
	}
	for (size_t g = 0; g < GROUPS; g++)
		if (asked[g] || !any)
			groups[g].run();
	return 0;
}
