/* words_recorded.c - sentences about outcomes that were recorded elsewhere: nothing was called, nothing is in use. */
#include <math.h>

#include "report/figure.h"
#include "report/words.h"

static bool recorded_above(const struct report *r)
{
	const struct report_variant *w = report_winner(r);

	for (size_t i = 0; w && i < r->n_variants; i++)
		if (r->variants[i].rung > w->rung)
			return true;
	return false;
}

/* Whether the costs of all on the winner's rung are known, by which the cheapest went first. */
static bool priced(const struct report *r)
{
	const struct report_variant *w = report_winner(r);

	for (size_t i = 0; w && i < r->n_variants; i++)
		if (r->variants[i].rung == w->rung && isnan(r->variants[i].usd_per_1k_calls))
			return false;
	return w != NULL;
}

void words_meaning_recorded(struct buf *out, const struct report *r)
{
	switch (r->verdict.decision) {
	case VERDICT_CLIMB:
		if (words_by_cost(r))
			buf_addf(out, "On these items it was shown not to be worse by %s points, and at this traffic it pays for itself: the step up "
				      "is for its cost, not for its score.", figure_margin(r->margin).text);
		else
			buf_adds(out, "On these items the step up was shown to be worth it, and nothing higher was shown to be worth more.");
		break;
	case VERDICT_SWITCH:
		buf_addf(out, "%s: on these items this one was shown %s.", recorded_above(r) ? "No higher rung is needed" : "Nothing above its rung was recorded",
			 words_by_cost(r) ? "not to be worse by the margin than the first of its rung, and it pays for itself"
			 : priced(r)	  ? "to be better than the cheapest of its rung"
					  : "to be better than the first of its rung in the file, as what they cost is not known");
		break;
	case VERDICT_STOP:
		buf_adds(out, r->verdict.meets_target == TARGET_YES ? "It is high enough: nothing above it is needed to reach the target."
								     : "Nothing that was recorded above it was shown to be worth leaving it for.");
		break;
	case VERDICT_UNRESOLVED:
		buf_adds(out, r->n_comparisons > 0
				      ? "These items do not yet tell whether another one is worth taking its place, so it stays by policy."
				      : "Nothing was set against it, so whether climbing pays is open; the diagnosis says where to look.");
		break;
	}
}

void words_examples_recorded(struct buf *out, const struct report *r)
{
	buf_addf(out, "%s recorded item%s under %s configuration%s", figure_count(r->examples.test).text, r->examples.test == 1 ? "" : "s",
		 figure_count(r->n_variants).text, r->n_variants == 1 ? "" : "s");
}

void words_spent_recorded(struct buf *out, const struct report *r)
{
	size_t full = r->spent.dev_calls_full_grid, looked = r->spent.dev_calls;

	buf_addf(out, "%s of %s recorded outcomes looked at (%.0f%%)", figure_count(looked).text, figure_count(full).text,
		 full > 0 ? 100.0 * (double)looked / (double)full : 0);
	if (isfinite(r->spent.usd))
		buf_addf(out, "; %s", figure_usd(r->spent.usd).text);
	if (isfinite(r->spent.seconds))
		buf_addf(out, "; %s of work", figure_seconds(r->spent.seconds).text);
	buf_addc(out, '.');
}
