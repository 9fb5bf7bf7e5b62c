/* grading.c - people's grades against those of a judge or a program, and what they make of its scores.
 *
 * A score is corrected over the answers that somebody has to read; the others are known as they are, 0 where there is no answer
 * (stats/powered.h). A difference is corrected in the same way, an item at which both say the same being known to be 0. */
#include "report/grading.h"

#include <math.h>
#include <string.h>

#include "eval/answers.h"
#include "eval/eval.h"
#include "report/figure.h"
#include "report/human.h"
#include "stats/powered.h"
#include "task/scorer.h"
#include "variant/grading.h"

enum { FEW = 50 }; /* human grades, or groups of them, below which the interval is an approximation (stats/powered.h) */

struct correcting {
	const struct task *task;
	struct store *store;
	const struct run_row *run;
	struct arena *arena;
	struct report *report;
	struct grades *people;
	struct item_list test;
	const size_t *clusters; /* (test) the group of each; NULL: all have their own */
	const char **sentences;
	size_t n_sentences;
};

static void say(struct correcting *c, const char *sentence)
{
	c->sentences[c->n_sentences++] = sentence;
}

/* --- one mean ------------------------------------------------------------------------------------------------------- */

/* What is known of an item: its value; or what the scorer makes of it, and people, if they were asked. */
struct sample {
	double *known, *judge, *human, *alone, *sums; /* (n_known), (n_human) twice, (n_alone), and room for sums of groups */
	size_t *known_of, *human_of, *alone_of;       /* their groups */
	size_t n_known, n_human, n_alone;
	bool holes; /* some item before the last graded one was passed over */
};

static struct sample sample_new(struct arena *arena, size_t n)
{
	struct sample s = { 0 };
	double **numbers[] = { &s.known, &s.judge, &s.human, &s.alone, &s.sums };
	size_t **groups[] = { &s.known_of, &s.human_of, &s.alone_of };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		*numbers[i] = arena_array(arena, n + 1, sizeof(**numbers[i]));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		*groups[i] = arena_array(arena, n + 1, sizeof(**groups[i]));
	return s;
}

static void sample_add(struct sample *s, size_t group, bool known, double judge, double human)
{
	if (known) {
		s->known_of[s->n_known] = group;
		s->known[s->n_known++] = judge;
	} else if (isnan(human)) {
		s->alone_of[s->n_alone] = group;
		s->alone[s->n_alone++] = judge;
	} else {
		s->holes |= s->n_alone > 0;
		s->human_of[s->n_human] = group;
		s->judge[s->n_human] = judge;
		s->human[s->n_human++] = human;
	}
}

/* Of values from `least` to 1. */
static struct report_corrected correct(const struct correcting *c, const struct sample *s, double least)
{
	struct powered p = powered_groups(&(struct powered_items){ s->human, s->judge, s->alone, s->known, s->human_of, s->alone_of, s->known_of,
								   s->n_human, s->n_alone, s->n_known, c->test.n }, s->sums);
	struct interval interval = powered_interval(&p, 0.95);

	return (struct report_corrected){ .n = s->n_human, .groups = (size_t)(p.freedom + 1), .items = s->n_human + s->n_alone + s->n_known,
					  .score = p.mean, .low = fmax(interval.low, least), .high = fmin(interval.high, 1), .lambda = p.lambda,
					  .uncorrected = p.judge_mean, .holes = s->holes };
}

static size_t group_of(const struct correcting *c, size_t item)
{
	return c->clusters ? c->clusters[item] : item;
}

/* --- variants and comparisons --------------------------------------------------------------------------------------- */

static bool answers(struct correcting *c, const char *variant, const struct answer_row ***rows, struct error *err)
{
	return answers_of(c->store, c->run->id, variant, "test", c->test, c->arena, rows, err);
}

/* The answer's grade by people; where nobody has to read it, what everybody would say. */
static double human_grade(const struct correcting *c, const struct example *e, const char *answer)
{
	if (scorer_settled(c->task, e, answer))
		return scorer_grade(c->task, e, answer);
	return grades_find(c->people, grades_key(c->task, e, answer));
}

static bool correct_variant(struct correcting *c, const struct report_variant *v, struct report_corrected *out, struct error *err)
{
	struct sample s = sample_new(c->arena, c->test.n);
	const struct answer_row **rows;

	if (!answers(c, v->id, &rows, err))
		return false;
	for (size_t i = 0; i < c->test.n; i++) {
		const struct example *e = c->test.items[i];

		if (rows[i])
			sample_add(&s, group_of(c, i), scorer_settled(c->task, e, rows[i]->answer), scorer_grade(c->task, e, rows[i]->answer),
				   human_grade(c, e, rows[i]->answer));
	}
	*out = correct(c, &s, 0);
	out->of = v->id;
	return true;
}

static bool same_answer(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool correct_comparison(struct correcting *c, const struct comparison *x, struct report_corrected *out, struct error *err)
{
	struct sample s = sample_new(c->arena, c->test.n);
	const struct answer_row **from, **to;
	size_t seen = 0;

	if (!answers(c, x->from, &from, err) || !answers(c, x->to, &to, err))
		return false;
	for (size_t i = 0; i < c->test.n && seen < x->n; i++) {
		const struct example *e = c->test.items[i];

		if (!from[i] || !to[i])
			continue;
		const char *a = from[i]->answer, *b = to[i]->answer;
		bool known = same_answer(a, b) || (scorer_settled(c->task, e, a) && scorer_settled(c->task, e, b));

		sample_add(&s, group_of(c, i), known, scorer_grade(c->task, e, b) - scorer_grade(c->task, e, a),
			   human_grade(c, e, b) - human_grade(c, e, a));
		seen++;
	}
	*out = correct(c, &s, -1);
	out->of = x->to;
	out->against = x->from;
	return true;
}

static const char *percent(struct correcting *c, double x)
{
	return arena_printf(c->arena, "%.1f", 100 * x);
}

static void say_corrected(struct correcting *c, const struct report_corrected *x)
{
	const char *name = report_find(c->report, x->of)->name;
	const char *what = x->against ? arena_printf(c->arena, "%s gains", name) : arena_printf(c->arena, "%s scores", name);
	const char *over = x->against ? arena_printf(c->arena, " over %s", report_find(c->report, x->against)->name) : "";
	const char *groups = c->clusters ? arena_printf(c->arena, " in %zu group%s", x->groups, x->groups == 1 ? "" : "s") : "";

	say(c, arena_printf(c->arena, "By %zu human grades%s, %s %s%s%s (95%% interval %s to %s), where the %s alone says %s; lambda %.2f.%s", x->n, groups,
			    what, percent(c, x->score), x->against ? " points" : "%", over, percent(c, x->low),
			    percent(c, x->high), c->report->grading.scorer, percent(c, x->uncorrected), x->lambda,
			    x->groups >= FEW ? "" : c->clusters ? " Below 50 groups the interval is approximate."
								: " Below 50 grades the interval is approximate."));
	if (x->holes)
		say(c, arena_printf(c->arena, "Answers of %s were passed over before others were graded; if those were chosen by what they say, the "
				    "correction is off. Grade " HUMAN_FILE " from the top.", name));
}

/* Whether people bear out what was decided on the scorer's grades. */
static void say_doubt(struct correcting *c, const struct report_corrected *x, const struct comparison *decided)
{
	if (decided->decision == DECISION_BETTER && x->low <= 0)
		say(c, arena_printf(c->arena, "%s was found better by the %s's grades; people's do not show it yet.", report_find(c->report, x->of)->name,
				    c->report->grading.scorer));
}

static bool correct_all(struct correcting *c, struct error *err)
{
	struct report *r = c->report;
	struct report_corrected *all = arena_array(c->arena, r->n_variants + r->n_comparisons + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < r->n_variants; i++) {
		if (r->variants[i].test.n == 0)
			continue;
		if (!correct_variant(c, &r->variants[i], &all[n], err))
			return false;
		if (all[n].n < 2)
			continue;
		say_corrected(c, &all[n++]);
	}
	for (size_t i = 0; i < r->n_comparisons; i++) {
		if (!correct_comparison(c, &r->comparisons[i], &all[n], err))
			return false;
		if (all[n].n < 2)
			continue;
		say_corrected(c, &all[n]);
		say_doubt(c, &all[n++], &r->comparisons[i]);
	}
	r->grading.corrected = all;
	r->grading.n_corrected = n;
	return true;
}

/* --- agreement ------------------------------------------------------------------------------------------------------ */

struct pairs {
	double *human, *scorer;
	size_t n;
	struct grades *seen;
};

static void add_pair(struct correcting *c, struct pairs *p, const struct example *e, const char *answer, double human)
{
	if (isnan(human) || scorer_settled(c->task, e, answer))
		return;
	uint64_t key = grades_key(c->task, e, answer);
	double scorer = grades_find(c->task->grades, key);

	if (isnan(scorer) || !isnan(grades_find(p->seen, key)))
		return;
	grades_put(p->seen, key, 1);
	p->human[p->n] = human;
	p->scorer[p->n++] = scorer;
}

static void add_recorded(struct correcting *c, struct pairs *p, struct item_list list)
{
	for (size_t i = 0; i < list.n; i++)
		if (list.items[i]->graded)
			add_pair(c, p, list.items[i], list.items[i]->graded, list.items[i]->human);
}

static bool agree(struct correcting *c, struct error *err)
{
	const struct task *t = c->task;
	size_t room = t->pool.list.n + t->dev.list.n + t->test.list.n * (c->report->n_variants + 1) + 1;
	struct pairs p = { arena_array(c->arena, room, sizeof(double)), arena_array(c->arena, room, sizeof(double)), 0, grades_new() };
	bool ok = true;

	for (size_t v = 0; ok && v < c->report->n_variants; v++) {
		const struct answer_row **rows;

		ok = answers(c, c->report->variants[v].id, &rows, err);
		for (size_t i = 0; ok && i < c->test.n; i++)
			if (rows[i])
				add_pair(c, &p, c->test.items[i], rows[i]->answer, human_grade(c, c->test.items[i], rows[i]->answer));
	}
	add_recorded(c, &p, t->pool.list);
	add_recorded(c, &p, t->dev.list);
	add_recorded(c, &p, t->test.list);
	grades_free(p.seen);
	c->report->grading.agreement = agreement_of(p.human, p.scorer, p.n);
	return ok;
}

static void say_agreement(struct correcting *c)
{
	const struct report_grading *g = &c->report->grading;
	const struct agreement *a = &g->agreement;
	const char *how = "";

	if (a->n == 0)
		return;
	if (a->binary)
		how = arena_printf(c->arena, "; they agree on %.0f%%%s", 100 * a->same,
				   isnan(a->kappa) ? "" : arena_printf(c->arena, ", Cohen's kappa %.2f", a->kappa));
	else if (!isnan(a->correlation))
		how = arena_printf(c->arena, "; correlation %.2f", a->correlation);
	double bias = 100 * (a->second - a->first);
	const char *off = fabs(bias) < 0.05 ? "just as much"
					    : arena_printf(c->arena, "%.1f points %s", fabs(bias), bias < 0 ? "too strict" : "too lenient");

	say(c, arena_printf(c->arena, "On %zu answers that people graded they gave %s%% on average, the %s %s%% (%s)%s.", a->n,
			    percent(c, a->first), g->scorer, percent(c, a->second), off, how));
}

static void say_taken(struct correcting *c)
{
	const struct report_grading *g = &c->report->grading;
	const struct grading_sums *s = &g->sums;

	if (strcmp(g->scorer, "judge") != 0) {
		say(c, arena_printf(c->arena, "Graded by `%s`: %zu answers.", g->who, s->grades));
		return;
	}
	say(c, arena_printf(c->arena, "Graded by %s: %zu answers in %zu calls, %zu tokens in, %zu out; they come on top of the calls of those that "
			    "answer.", g->who, s->grades, s->calls, s->input_tokens, s->output_tokens));
	if (s->pairs > 0)
		say(c, arena_printf(c->arena, "Of %zu pairs, shown in both orders, %.0f%% got contradictory verdicts and count as ties: the judge went by "
				    "the place.", s->pairs, 100 * (double)s->contradictions / (double)s->pairs));
}

bool grading_build(const struct task *task, struct store *store, const struct run_row *run, const char *human, struct arena *arena,
		   struct report *report, struct error *err)
{
	struct correcting c = { .task = task, .store = store, .run = run, .arena = arena, .report = report };
	struct report_grading *g = &report->grading;

	if (!task->grades)
		return true;
	*g = (struct report_grading){ .scorer = task->scorer, .who = task->scorer_setting };
	c.test = test_order(task, run->seed, arena).list;
	c.clusters = order_clusters(c.test, arena);
	c.sentences = arena_array(arena, 3 * (report->n_variants + report->n_comparisons) + 5, sizeof(*c.sentences));
	c.people = grades_new();
	bool built = grading_sums(store, settings_scorer(run->settings), &g->sums, err) && human_read(human, c.people, err);

	if (built) {
		say_taken(&c);
		built = agree(&c, err);
	}
	if (built) {
		say_agreement(&c);
		built = correct_all(&c, err);
	}
	if (built && g->n_corrected == 0)
		say(&c, arena_printf(arena, "No person graded these variants' answers: the scores are the %s's, uncorrected. `rung export TASK --grades` "
				     "writes " HUMAN_FILE " for that; fill its column human from the top, and `rung report` corrects them.",
				     g->scorer));
	g->sentences = c.sentences;
	g->n_sentences = c.n_sentences;
	grades_free(c.people);
	return built;
}
