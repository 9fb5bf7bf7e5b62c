/* standing.c - a fold over the history, and one over scores */
#include "serve/standing.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static bool is(const struct served_turn *t, const char *event)
{
	return strcmp(t->event, event) == 0;
}

static void stand(struct standing *s, const struct served_turn *t, const struct served_turn *previous)
{
	*s = (struct standing){ .serving = t, .previous = previous, .challenger = is(t, "restored") ? s->challenger : NULL, .since_ms = t->at_ms,
				.trial_ms = s->trial_ms };
}

struct standing standing_of(const struct served_turn *turns, size_t n)
{
	struct standing s = { 0 };

	for (const struct served_turn *t = turns; t < turns + n; t++) {
		if (is(t, "first") || is(t, "restored")) {
			stand(&s, t, NULL);
		} else if (is(t, "promoted") || is(t, "replaced")) {
			stand(&s, t, s.serving);
		} else if (is(t, "trial") || is(t, "shadow")) {
			s.challenger = t;
			s.trial_ms = t->at_ms;
		} else if (is(t, "ended")) {
			s.challenger = NULL;
		} else if (is(t, "fallen")) {
			s.fallen = true;
			s.since_ms = t->at_ms;
		}
	}
	return s;
}

bool standing_judged(const struct served_turn *turns, size_t n, const char *verdict)
{
	bool judged = false;

	for (size_t i = 0; i < n; i++)
		if (strcmp(turns[i].verdict, verdict) == 0 && !is(&turns[i], "paid"))
			judged = is(&turns[i], "ended") || is(&turns[i], "demoted");
	return judged;
}

bool standing_paid(const struct served_turn *turns, size_t n, const char *verdict)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(turns[i].verdict, verdict) == 0 && is(&turns[i], "paid"))
			return true;
	return false;
}

/* ---- scores ---- */

/* One call, and what it is worth. */
struct scored {
	const struct served_score *row;
	uint64_t at_ms;
	double score, shadow; /* shadow NAN: its answer is not known, or what is right is not */
	bool failed;          /* by our fault: it has no score */
};

static double grade(const struct served_verdict *v, const char *output, const char *right)
{
	return output && v ? v->score(v->context, output, right) : NAN;
}

/* The rows (n) of one call. What is right says more than what somebody thought of it. */
static struct scored score_call(const struct served_score *rows, size_t n, const struct served_verdict *who, const struct served_verdict *challenger)
{
	struct scored s = { .row = rows, .score = NAN, .shadow = NAN };
	double sum = 0, shown = NAN;
	size_t said = 0;

	for (size_t i = 0; i < n; i++) {
		s.at_ms = rows[i].at_ms > s.at_ms ? rows[i].at_ms : s.at_ms;
		if (strcmp(rows[i].kind, "demonstration") == 0) {
			shown = grade(who, rows[i].output, rows[i].text);
			if (challenger && rows[i].shadow_verdict && strcmp(rows[i].shadow_verdict, challenger->id) == 0)
				s.shadow = grade(challenger, rows[i].shadow, rows[i].text);
		} else if (strcmp(rows[i].kind, "failed") == 0) {
			s.failed = true;
		} else if (!isnan(rows[i].value)) {
			sum += rows[i].value;
			said++;
		}
	}
	s.score = !isnan(shown) ? shown : said > 0 ? sum / (double)said : NAN;
	return s;
}

double standing_score(const struct served_score *rows, size_t n, const struct served_verdict *by)
{
	struct scored s = score_call(rows, n, by, NULL);

	return s.failed ? NAN : s.score;
}

static int by_time(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	return x->at_ms < y->at_ms ? -1 : x->at_ms > y->at_ms ? 1 : strcmp(x->row->call, y->row->call);
}

/* Those of the two verdicts, one a call, in the order in which what is said of them was said. */
static struct scored *scores_of(const struct served_score *rows, size_t n, const struct served_verdict *serving,
				const struct served_verdict *challenger, struct arena *arena, size_t *n_scores)
{
	struct scored *list = arena_array(arena, n + 1, sizeof(*list));

	*n_scores = 0;
	for (size_t i = 0, of_call; i < n; i += of_call) {
		bool second = challenger && strcmp(rows[i].verdict, challenger->id) == 0;

		for (of_call = 1; i + of_call < n && strcmp(rows[i + of_call].call, rows[i].call) == 0;)
			of_call++;
		if (!second && strcmp(rows[i].verdict, serving->id) != 0)
			continue;
		struct scored s = score_call(&rows[i], of_call, second ? challenger : serving, challenger);

		if (s.failed || !isnan(s.score))
			list[(*n_scores)++] = s;
	}
	qsort(list, *n_scores, sizeof(*list), by_time);
	return list;
}

/* Of a subject, which keeps its arm, chance chose once: the first score alone compares. */
static bool is_drawn(const struct served_score *row, uint64_t trial_ms, struct hash_map *subjects)
{
	if (row->began_ms < trial_ms)
		return false;
	if (!row->subject)
		return true;
	size_t before = subjects->n;

	hash_map_put(subjects, row->subject, strlen(row->subject), 1);
	return subjects->n > before;
}

void standing_weigh(const struct served_score *rows, size_t n, const struct served_verdict *serving, const struct served_verdict *challenger,
		    uint64_t trial_ms, struct arena *arena, struct live *live)
{
	struct hash_map subjects = { 0 };
	size_t n_scores;
	const struct scored *list = scores_of(rows, n, serving, challenger, arena, &n_scores);

	for (const struct scored *s = list; s < list + n_scores; s++) {
		bool second = challenger && strcmp(s->row->verdict, challenger->id) == 0;
		bool drawn = challenger && is_drawn(s->row, trial_ms, &subjects);
		struct live_event e = { .who = second ? LIVE_CHALLENGER : LIVE_SERVING, .propensity = 1, .score = s->score, .challenger = s->shadow,
					.failed = s->failed };

		if (drawn && !second && !isnan(s->shadow))
			e.who = LIVE_BOTH;
		if (drawn)
			e.propensity = second ? s->row->propensity : 1 - s->row->propensity;
		live_add(live, &e);
	}
	hash_map_release(&subjects);
}

/* JSON has no number for what is not there. */
static json_t *number(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

void standing_write(const struct live *l, struct buf *out)
{
	const struct live_record *serving = &l->record[LIVE_SERVING], *challenger = &l->record[LIVE_CHALLENGER];
	json_t *root = json_pack("{s:{s:I, s:o}, s:{s:I, s:o}, s:{s:I, s:o}, s:[I, I], s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"serving", "scored", (json_int_t)serving->n, "mean", number(live_mean(serving)),
		"serving_in_trial", "scored", (json_int_t)l->rival.n, "mean", number(live_mean(&l->rival)),
		"challenger", "scored", (json_int_t)challenger->n, "mean", number(live_mean(challenger)),
		"failures", (json_int_t)l->failures[LIVE_SERVING], (json_int_t)l->failures[LIVE_CHALLENGER],
		"e_failing", number(exp(live_log_failing(l))),
		"e_not_worse", number(exp(live_log_not_worse(l))), "e_worse", number(exp(live_log_worse(l))),
		"fallen", number(detector_level(&l->fall)), "baseline", number(l->baseline), "floor", number(l->rule.floor),
		"alpha", number(l->rule.alpha), "margin", number(l->rule.margin), "run_length", number(l->rule.run_length));
	char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6));

	buf_adds(out, text);
	free(text);
	json_decref(root);
}
