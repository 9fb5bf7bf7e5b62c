/* decide.c - whether decisions keep what they promise: `make bench-decide`; lines as docs/benchmarks.md says.
 *
 *   decide [-n RUNS] [-s SHUFFLES] [-v] [-w SCENE] [errors|power|replays|calls]...
 *
 * All groups by default. -v: a remark for every scene; -w: only scenes whose remark begins so ("early binary cluster=5 n=300").
 *
 * errors: whole ladders on which no configuration is truly better, simulated RUNS times for each scene. power: one comparison
 * against exact enumeration. replays: recorded outcomes of real models in SHUFFLES orders. calls: what stopping early looks at.
 * Everything goes through replay_run(), as in `rung decide`. Setting: RUNG_DATA. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "decide/pose.h"
#include "stats/paired.h"
#include "stats/special.h"
#include "task/task.h"
#include "tune/classifier.h"

static size_t runs = 400, shuffles = 200;
static bool verbose;
static const char *wanted = "";
static const double alpha = 0.05;
static struct error err;

static void row(const char *name, double value, const char *target, bool ok)
{
	printf("%s\t%.4f\t-\t-\t%s\t%s\n", name, value, target, ok ? "ok" : "short");
	fflush(stdout);
}

static void must(bool ok)
{
	if (ok)
		return;
	fprintf(stderr, "decide: %s\n", err.text);
	exit(1);
}

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
};

static double draw_base(struct rng *r, enum kind kind)
{
	return kind == BINARY ? rng_double(r) < base_rate : kind == GRADED ? 0.25 * (double)rng_below(r, 5) : 0.5;
}

/* The score beside `base` of a configuration whose mean is higher by gain. Skewed: many small gains and few large losses. */
static double draw_beside(struct rng *r, double base, const struct scene *s, double gain)
{
	double u = rng_double(r);

	if (s->kind == GRADED)
		return u < s->discordant ? 0.25 * (double)rng_below(r, 5) : base;
	if (s->kind == SKEWED)
		return u < s->discordant / 6 ? base - 0.5 : u < s->discordant ? base + 0.1 : base;
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
	}
}

static const struct candidate *candidate_named(const struct replay *p, const char *id)
{
	for (size_t i = 0; i < p->n_candidates; i++)
		if (p->candidates[i].id == id)
			return &p->candidates[i];
	return NULL;
}

/* Steps of the way to the winner, back to the first, that lead to nothing truly better. */
static void false_steps(const struct replay *p, const struct scene *s, bool *climbed, bool *switched)
{
	const struct decide_result *r = &p->result;
	const struct candidate *to = &p->candidates[r->verdict.winner];

	for (size_t i = r->n_comparisons; i-- > 0;) {
		if (r->comparisons[i].to != to->id)
			continue;
		const struct candidate *from = candidate_named(p, r->comparisons[i].from);

		*climbed |= to->rung > from->rung && s->gain[to->rung] <= s->gain[from->rung];
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
	snprintf(name, size, "%s %s cluster=%zu n=%zu p_d=%.2f variants=%zu target=%d", decide_plan_name(s->plan), kind_names[s->kind], s->cluster,
		 s->n, s->discordant, s->variants, s->target);
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

static void power(void)
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

/* --- replays --------------------------------------------------------------------------------------------------------- */

struct set {
	struct recorded records;
	char *bytes;
	size_t n;
};

/* False, with a line that says so, when the data is not there. */
static bool open_set(struct arena *arena, const char *name, struct set *set)
{
	const char *data = getenv("RUNG_DATA");
	const char *path = arena_printf(arena, "%s/recorded_outcomes/%s.jsonl", data ? data : "../shared/data", name);

	if (!file_exists(path)) {
		printf("%s, recorded outcomes\t-\t-\t-\t-\tabsent\n", name);
		return false;
	}
	set->bytes = file_read(path, (size_t)1 << 28, &set->n, &err);
	must(set->bytes && recorded_read(&set->records, path, set->bytes, set->n, arena, &err));
	return true;
}

/* One replay of the records in the order of the seed. The result lives in arena. */
static struct replay replay_set(struct arena *arena, const struct recorded *r, const char *const *ladder, size_t n, enum decide_plan plan,
				uint64_t seed, struct posed *p)
{
	struct pose_settings s = { .plan = plan, .alpha = alpha, .margin = 0.05, .seed = seed, .ladder = ladder, .n_ladder = n };

	must(pose(p, r, &s, arena, &err));
	return replay_run(arena, &p->rule, p->entrants, p->n);
}

struct pair {
	size_t n, wins, losses;
	double delta;
};

static struct pair pair_of(const struct recorded *r, size_t a, size_t b)
{
	struct pair p = { .n = r->n_items };

	for (size_t i = 0; i < r->n_items; i++) {
		p.wins += r->configurations[b].score[i] > r->configurations[a].score[i];
		p.losses += r->configurations[b].score[i] < r->configurations[a].score[i];
	}
	p.delta = ((double)p.wins - (double)p.losses) / (double)p.n;
	return p;
}

/* Share of samples of n items with these rates on which the E-test, looked at after every item, shows a gain of the margin. */
static double early_power(const struct pair *p)
{
	struct rng r;
	size_t found = 0, times = 400;

	rng_init(&r, 4, "bench decide");
	for (size_t t = 0; t < times; t++) {
		struct paired_counts c = { 0 };

		for (size_t i = 1; i <= p->n; i++) {
			uint64_t u = rng_below(&r, p->n);
			bool differs = u < p->wins + p->losses;

			c.wins += u < p->wins;
			c.losses += u >= p->wins && differs;
			if (differs && c.wins > c.losses && (double)(c.wins - c.losses) >= 0.05 * (double)i && paired_log_e(c) >= -log(alpha)) {
				found++;
				break;
			}
		}
	}
	return (double)found / (double)times;
}

struct tally {
	size_t worse, wrong_climbs, powered, missed, pairs_worse, pairs_powered;
	double worst_climb, worst_stay;
};

static void replay_pair(const struct set *set, size_t a, size_t b, struct tally *t)
{
	struct pair p = pair_of(&set->records, a, b);
	const char *ladder[] = { set->records.configurations[a].name, set->records.configurations[b].name };
	bool powered = p.delta >= 0.05 && early_power(&p) >= 0.9;
	size_t climbs = 0;

	if (p.delta >= 0 && !powered)
		return;
	for (uint64_t seed = 1; seed <= shuffles; seed++) {
		struct arena arena;
		struct posed posed;

		arena_init(&arena);
		climbs += replay_set(&arena, &set->records, ladder, 2, DECIDE_EARLY, seed, &posed).result.verdict.decision == VERDICT_CLIMB;
		arena_release(&arena);
	}
	double rate = (double)climbs / (double)shuffles;

	if (p.delta < 0) {
		t->pairs_worse++;
		t->worse += shuffles;
		t->wrong_climbs += climbs;
		t->worst_climb = fmax(t->worst_climb, rate);
	} else {
		t->pairs_powered++;
		t->powered += shuffles;
		t->missed += shuffles - climbs;
		t->worst_stay = fmax(t->worst_stay, 1 - rate);
	}
	if (verbose)
		printf("# %s -> %s: %+.3f (%zu won, %zu lost of %zu), climbs %.3f\n", ladder[0], ladder[1], p.delta, p.wins, p.losses, p.n, rate);
}

static void replay_pairs(const char *name, const struct set *set)
{
	struct tally t = { 0 };
	char line[200];

	for (size_t a = 0; a < set->records.n_configurations; a++)
		for (size_t b = 0; b < set->records.n_configurations; b++)
			if (a != b)
				replay_pair(set, a, b, &t);
	snprintf(line, sizeof(line), "%s, %zu pairs whose upper one is worse, %zu orders each: wrong climbs, all (worst pair %.3f)", name,
		 t.pairs_worse, shuffles, t.worst_climb);
	if (t.worse > 0)
		row(line, (double)t.wrong_climbs / (double)t.worse, "<= 0.05", t.worst_climb <= 0.05);
	snprintf(line, sizeof(line), "%s, %zu pairs with a gap that has 90%% power, %zu orders each: wrong stays, all (worst pair %.3f)", name,
		 t.pairs_powered, shuffles, t.worst_stay);
	if (t.powered > 0)
		row(line, (double)t.missed / (double)t.powered, "<= 0.10", (double)t.missed <= 0.1 * (double)t.powered);
}

/* Share of orders in which the winner's config has this in its name. */
static double share_won(const struct set *set, enum decide_plan plan, const char *config, double *looked)
{
	size_t won = 0;

	for (uint64_t seed = 1; seed <= shuffles; seed++) {
		struct arena arena;
		struct posed p;

		arena_init(&arena);
		struct replay r = replay_set(&arena, &set->records, NULL, 0, plan, seed, &p);

		won += strstr(r.candidates[r.result.verdict.winner].id, config) != NULL;
		looked[seed - 1] = (double)r.looked / (double)r.full_grid;
		arena_release(&arena);
	}
	return (double)won / (double)shuffles;
}

static void replay_fictional(struct arena *arena)
{
	struct set set;
	struct probes probes;
	bool points = false;

	if (!open_set(arena, "fictionalqa", &set))
		return;
	must(probes_read(&probes, &set.records, 0.05, arena, &err));
	for (size_t i = 0; i < probes.n; i++) {
		const struct probe_finding *f = &probes.findings[i];

		printf("# fictionalqa, %s: %+.3f (%+.3f to %+.3f), points to: %s\n", f->probe, f->difference.delta, f->difference.low,
		       f->difference.high, f->points_to);
		points |= strcmp(f->probe, "knowledge gap") == 0 && strcmp(f->points_to, "retrieval") == 0;
	}
	row("fictionalqa, the knowledge gap points to retrieval", points, "1", points);
	free(set.bytes);
}

/* Which pairs 100 questions tell apart, and what it would take for the rest. */
static void replay_docs(struct arena *arena)
{
	struct set set;
	size_t separated = 0, pairs = 0;

	if (!open_set(arena, "anthropic_docs_rag", &set))
		return;
	const struct recorded *r = &set.records;

	for (size_t b = 1; b < r->n_configurations; b++)
		for (size_t a = 0; a < b; a++) {
			const char *ladder[] = { r->configurations[a].name, r->configurations[b].name };
			struct posed p;
			struct replay one = replay_set(arena, r, ladder, 2, DECIDE_FULL, 1, &p);
			const struct comparison *c = &one.result.comparisons[0];

			printf("# anthropic_docs_rag, %s -> %s: %+.3f (%+.3f to %+.3f), p %.4f, %s", r->configurations[a].config,
			       r->configurations[b].config, c->delta, c->low, c->high, c->p_value, decision_name(c->decision));
			if (c->decision == DECISION_UNRESOLVED)
				printf(c->labels_needed == SIZE_MAX ? ", more labels than can be forecast" : ", about %zu more labels", c->labels_needed);
			putchar('\n');
			separated += c->decision == DECISION_BETTER;
			pairs++;
		}
	printf("anthropic_docs_rag, pairs that 100 questions separate of %zu\t%zu\t-\t-\tsaid\tok\n", pairs, separated);
	replay_pairs("anthropic_docs_rag", &set);
	free(set.bytes);
}

/* The rows of a TSV as rows of the task's file: id, text, label, split; the labels collect in `labels`. */
static void copy_rows(struct buf *out, const char *path, const char *prefix, const char *split, struct hash_map *seen, struct buf *labels)
{
	size_t n, number = 0;
	char *bytes = file_read(path, (size_t)1 << 24, &n, &err), *rest = bytes, *line;

	must(bytes != NULL);
	strsep(&rest, "\n"); /* the heading */
	while ((line = strsep(&rest, "\n")) && line[0]) {
		line[strcspn(line, "\r")] = '\0';
		const char *label = strrchr(line, '\t') + 1;

		buf_addf(out, "%s%03zu\t%s\t%s\n", prefix, number++, line, split);
		if (hash_map_get(seen, label, strlen(label), 0))
			continue;
		hash_map_put(seen, mem_string(label), strlen(label), 1); /* kept until the program ends */
		buf_addf(labels, "%s\"%s\"", labels->n ? ", " : "", label);
	}
	free(bytes);
}

static struct task *tickets(const char *data)
{
	static const char folder[] = "build/bench-decide";
	struct buf rows = { 0 }, labels = { 0 }, yaml = { 0 }, path = { 0 };
	struct task_options options = { 0 };
	struct hash_map seen = { 0 };

	buf_adds(&rows, "id\ttext\tlabel\tsplit\n");
	buf_addf(&path, "%s/insurance_tickets/train.tsv", data);
	copy_rows(&rows, buf_text(&path), "p", "train", &seen, &labels);
	buf_clear(&path);
	buf_addf(&path, "%s/insurance_tickets/test.tsv", data);
	copy_rows(&rows, buf_text(&path), "t", "test", &seen, &labels);
	buf_addf(&yaml, "name: tickets\nkind: classify\ninstruction: x\ninput: \"{{text}}\"\nlabels: [%s]\n"
		 "examples: {file: rows.tsv, answer: label, id: id, split: split}\n", buf_text(&labels));
	must(file_make_folder(folder, &err) && file_replace("build/bench-decide/rows.tsv", rows.data, rows.n, &err) &&
	     file_replace("build/bench-decide/task.yaml", yaml.data, yaml.n, &err));
	struct task *t = task_open(folder, &options, &err);

	must(t != NULL);
	hash_map_release(&seen);
	buf_release(&rows);
	buf_release(&labels);
	buf_release(&yaml);
	buf_release(&path);
	return t;
}

/* Naive Bayes, trained on the training rows (a validation part goes back among them: nothing is chosen), as a configuration of rung 0
 * beside the recorded prompts. */
static double add_bayes(struct buf *out, struct task *t, struct arena *arena)
{
	size_t n = t->pool.list.n + t->dev.list.n, right = 0, text = 0;
	const struct example **all = arena_array(arena, n, sizeof(*all));
	const char **texts = arena_array(arena, n, sizeof(*texts));
	double *p = arena_array(arena, t->n_labels, sizeof(*p));

	while (strcmp(t->columns[text], "text") != 0)
		text++;
	for (size_t i = 0; i < n; i++) {
		all[i] = i < t->pool.list.n ? t->pool.list.items[i] : t->dev.list.items[i - t->pool.list.n];
		texts[i] = all[i]->values[text];
	}
	struct classifier *c = classifier_train(classifier_method_find("naive-bayes"), t, (struct pool_items){ { all, n } }, texts, NULL, 0,
						1, &err);

	must(c != NULL);
	for (size_t i = 0; i < t->test.list.n; i++) {
		const struct example *e = t->test.list.items[i];
		size_t best = 0;

		classifier_predict(c, e->values[text], NULL, p);
		for (size_t k = 1; k < t->n_labels; k++)
			best = p[k] > p[best] ? k : best;
		right += best == e->label;
		buf_addf(out, "{\"set\": \"insurance_tickets\", \"item\": \"%s\", \"model\": \"rung\", \"config\": \"naive-bayes\", \"rung\": "
			 "\"baseline\", \"correct\": %d}\n", e->id, best == e->label);
	}
	classifier_free(c);
	return (double)right / (double)t->test.list.n;
}

static void replay_insurance(struct arena *arena)
{
	const char *data = getenv("RUNG_DATA");
	double *looked = arena_array(arena, shuffles, sizeof(*looked));
	struct buf bytes = { 0 };
	struct set set, with;

	if (!open_set(arena, "insurance_tickets", &set))
		return;
	replay_pairs("insurance_tickets", &set);
	struct task *t = tickets(data ? data : "../shared/data");

	buf_add(&bytes, set.bytes, set.n);
	printf("# insurance_tickets, naive Bayes: %.3f\n", add_bayes(&bytes, t, arena));
	must(recorded_read(&with.records, "insurance_tickets with naive Bayes", bytes.data, bytes.n, arena, &err));
	for (size_t plan = 0; plan < 2; plan++) {
		double share = share_won(&with, (enum decide_plan)plan, "naive-bayes", looked);

		row(plan == DECIDE_FULL ? "insurance_tickets with naive Bayes, full: ends at rung 0, share of orders"
					: "insurance_tickets with naive Bayes, early: ends at rung 0, share of orders",
		    share, ">= 0.95", share >= 0.95);
	}
	buf_release(&bytes);
	free(set.bytes);
	task_free(t);
}

static void replay_gsm8k(struct arena *arena)
{
	double *looked = arena_array(arena, shuffles, sizeof(*looked));
	struct set set;

	if (!open_set(arena, "gsm8k_openai2021", &set))
		return;
	replay_pairs("gsm8k_openai2021", &set);
	for (size_t plan = 0; plan < 2; plan++) {
		double best = share_won(&set, (enum decide_plan)plan, "175b_verification", looked);
		double any = share_won(&set, (enum decide_plan)plan, "verification", looked);

		row(plan == DECIDE_FULL ? "gsm8k_openai2021, full: prefers a verifier, share of orders"
					: "gsm8k_openai2021, early: prefers a verifier, share of orders", any, ">= 0.95", any >= 0.95);
		printf("# gsm8k_openai2021, %s: the larger model's verifier, share of orders %.4f\n", decide_plan_name((enum decide_plan)plan), best);
	}
	free(set.bytes);
}

static void replays(void)
{
	struct arena arena;

	arena_init(&arena);
	replay_gsm8k(&arena);
	replay_insurance(&arena);
	replay_docs(&arena);
	replay_fictional(&arena);
	arena_release(&arena);
}

/* --- calls ----------------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

static void calls(void)
{
	struct scene s = { .n = 600, .variants = 6, .cluster = 1, .kind = BINARY, .discordant = 0.2, .plan = DECIDE_EARLY, .margin = 0.05 };
	double *spent = mem_zero(runs + shuffles, sizeof(*spent));
	struct arena arena;
	struct set set;

	arena_init(&arena);
	if (open_set(&arena, "gsm8k_openai2021", &set)) {
		share_won(&set, DECIDE_EARLY, "", spent);
		double share = median(spent, shuffles);

		row("gsm8k_openai2021, early: outcomes looked at, share of the full grid, median", share, "<= 0.40", share <= 0.4);
		free(set.bytes);
	}
	simulate_steps(&s, spent);
	double share = median(spent, runs);

	row("4 rungs of 6 variants 10 points apart, 600 items, p_d .20, early: share of the full grid, median", share, "<= 0.40", share <= 0.4);
	free(spent);
	arena_release(&arena);
}

static const struct {
	const char *name;
	void (*run)(void);
} groups[] = { { "power", power }, { "replays", replays }, { "calls", calls }, { "errors", errors } };
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
		else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc)
			shuffles = strtoul(argv[++i], NULL, 10);
		for (size_t g = 0; g < GROUPS; g++)
			any |= (asked[g] |= strcmp(argv[i], groups[g].name) == 0);
	}
	if (runs == 0 || shuffles == 0) {
		fputs("decide: -n and -s take a number above 0\n", stderr);
		return 1;
	}
	for (size_t g = 0; g < GROUPS; g++)
		if (asked[g] || !any)
			groups[g].run();
	return 0;
}
