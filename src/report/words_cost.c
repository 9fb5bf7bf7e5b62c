/* words_cost.c - sentences about money: what was won by, what the winner costs and took the place of, whether more labels are worth
 * their price. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/words.h"

bool words_by_cost(const struct report *r)
{
	const struct report_variant *w = report_winner(r);

	for (size_t i = 0; w && i < r->n_comparisons; i++) {
		const struct comparison *c = &r->comparisons[i];

		if (strcmp(c->to, w->id) == 0)
			return c->takes_place && c->decision == DECISION_NOT_WORSE && c->pays == PAYING_YES && r->verdict.meets_target != TARGET_YES;
	}
	return false;
}

void words_payback(struct buf *out, const struct report *r, const struct comparison *c)
{
	struct figure volume = figure_number(r->decided_at.calls_per_day);

	switch (c->pays) {
	case PAYING_NOT_ASKED:
		return;
	case PAYING_UNKNOWN:
		buf_adds(out, " Whether it pays for itself is not known, because a cost is not.");
		return;
	case PAYING_OPEN:
		buf_addf(out, " At %s calls a day it may pay for itself, its errors counted; that is not shown.", volume.text);
		return;
	case PAYING_YES:
	case PAYING_NO:
		break;
	}
	if (isinf(c->pays_after_days))
		buf_addf(out, " At %s calls a day it never pays for itself.", volume.text);
	else if (c->pays_after_days <= 0)
		buf_addf(out, " At %s calls a day it is the cheaper one from the first day.", volume.text);
	else if (c->pays_after_days < 1)
		buf_addf(out, " At %s calls a day it pays for itself within a day.", volume.text);
	else
		buf_addf(out, c->pays == PAYING_YES ? " At %s calls a day it pays for itself after %s days."
						    : " At %s calls a day it pays for itself after %s days, which is too late.",
			 volume.text, figure_days(c->pays_after_days).text);
}

void words_prices(struct buf *out, const struct report *r)
{
	if (r->prices_as_of) {
		buf_adds(out, "Prices as of ");
		escape_plain(out, r->prices_as_of);
		buf_adds(out, ". ");
	}
	if (isfinite(r->cpu_usd_per_core_hour))
		buf_addf(out, "Local work is priced at %s a core-hour. ", figure_usd(r->cpu_usd_per_core_hour).text);
	if (r->calls_per_day > 0)
		buf_addf(out, "Traffic: %s calls a day.", figure_number(r->calls_per_day).text);
	else
		buf_adds(out, "No traffic was given, so costs are per 1,000 calls only.");
}

static bool took_place_of(const struct report *r, const struct report_variant *v, const struct report_variant *other)
{
	for (size_t i = 0; r->climb_for != CLIMB_FOR_QUALITY && i < r->n_comparisons; i++)
		if (strcmp(r->comparisons[i].to, v->id) == 0 && strcmp(r->comparisons[i].from, other->id) == 0)
			return r->comparisons[i].takes_place;
	return false;
}

static void add_rival(struct buf *out, const struct report *r, const struct report_variant *w)
{
	const struct report_variant *rival = w->rival ? report_find(r, w->rival) : NULL;

	if (!rival)
		return;
	buf_addc(out, ' ');
	escape_name(out, rival->name);
	buf_addf(out, ", %s, costs %s; ", took_place_of(r, w, rival) ? "whose place it took" : "the cheapest lower rung that passes",
		 figure_usd(rival->tco_usd).text);
	if (isinf(w->break_even_days))
		buf_adds(out, "against it the winner never pays back, so that cost is no reason for it.");
	else if (w->break_even_days <= 0)
		buf_adds(out, "the winner is the cheaper one from the first day.");
	else if (w->break_even_days < 1)
		buf_adds(out, "the winner's one-off cost is back within a day.");
	else
		buf_addf(out, "the winner's one-off cost is back in %s days.", figure_days(w->break_even_days).text);
}

void words_costs(struct buf *out, const struct report *r)
{
	const struct report_variant *w = report_winner(r);

	if (!w || !isfinite(w->tco_usd))
		return;
	buf_addf(out, "Over %s days the winner costs %s: %s once and %s a day%s.", figure_number(r->horizon_days).text,
		 figure_usd(w->tco_usd).text, figure_usd(w->one_off_usd).text, figure_usd(w->usd_per_day).text,
		 w->cost && w->tco_usd > w->one_off_usd + 1.0001 * r->horizon_days * w->usd_per_day ? ", and the rest for its errors" : "");
	add_rival(out, r, w);
}

/* What has to be said before a worth can be, as the user says it. */
static void add_missing(struct buf *out, const struct report *r, const struct comparison *c)
{
	bool climb = r->origin == REPORT_CLIMB, traffic = r->decided_at.calls_per_day > 0;
	const char *what[3];
	size_t n = 0;

	if (!traffic)
		what[n++] = climb ? "traffic (`traffic: {calls_per_day, horizon_days}`)" : "traffic (--calls-per-day)";
	if (!(r->decided_at.usd_per_error > 0))
		what[n++] = climb ? "the price of an error (`traffic: {cost_per_error}`)" : "the price of an error (--cost-per-error)";
	if (traffic && isnan(c->worth.calls_usd))
		what[n++] = "the costs of both";
	buf_adds(out, " Whether that is worth it cannot be told without ");
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " and ", what[i]);
	buf_addc(out, '.');
}

void words_labels_worth(struct buf *out, const struct report *r, const struct comparison *c)
{
	const struct labels_worth *w = &c->worth;
	double cost = w->labels_usd + (w->calls_usd > 0 ? w->calls_usd : 0);

	if (c->decision != DECISION_UNRESOLVED || c->labels_needed == SIZE_MAX)
		return;
	if (isfinite(w->labels_usd))
		buf_addf(out, " They cost %s", figure_usd(w->labels_usd).text);
	if (w->calls_usd > 0)
		buf_addf(out, isfinite(w->labels_usd) ? ", and the model calls on them %s" : " The model calls on them cost %s",
			 figure_usd(w->calls_usd).text);
	if (isfinite(w->labels_usd) || w->calls_usd > 0)
		buf_addc(out, '.');
	if (isnan(w->worth_usd)) {
		add_missing(out, r, c);
		return;
	}
	if (w->worth_usd < 0.01)
		buf_addf(out, " What they would tell is worth next to nothing over %s days at %s an error",
			 figure_number(r->decided_at.horizon_days).text, figure_usd(r->decided_at.usd_per_error).text);
	else
		buf_addf(out, " What they would tell is worth at most about %s over %s days at %s an error", figure_usd(w->worth_usd).text,
			 figure_number(r->decided_at.horizon_days).text, figure_usd(r->decided_at.usd_per_error).text);
	if (isfinite(w->labels_usd))
		buf_adds(out, cost > w->worth_usd ? ": less than they cost." : ": more than they cost.");
	else if (w->worth_usd < 0.01)
		buf_addc(out, '.');
	else
		buf_addf(out, ", %s a label; %s says what one costs.", figure_usd(w->worth_usd / (double)c->labels_needed).text,
			 r->origin == REPORT_CLIMB ? "`label_cost`" : "--label-cost");
	buf_addf(out, " As far as is known now, taking %s is expected to %s %s in that time.", c->to, w->gain_usd >= 0 ? "gain" : "lose",
		 figure_usd(fabs(w->gain_usd)).text);
}

void words_next_step(struct report *r, struct arena *arena)
{
	const struct report_variant *w = report_winner(r);
	const struct comparison *fewest = NULL;
	struct buf sentence = { 0 };

	for (size_t i = 0; i < r->n_comparisons; i++) {
		const struct comparison *c = &r->comparisons[i];

		if (!w || c->decision != DECISION_UNRESOLVED || (strcmp(c->from, w->id) != 0 && strcmp(c->to, w->id) != 0))
			continue;
		if (!fewest || c->labels_needed < fewest->labels_needed)
			fewest = c;
	}
	if (r->verdict.decision != VERDICT_UNRESOLVED || !fewest)
		return;
	words_labels_worth(&sentence, r, fewest);
	if (sentence.n > 0)
		r->verdict.next_step = arena_printf(arena, "%s%s", r->verdict.next_step, buf_text(&sentence));
	buf_release(&sentence);
}
