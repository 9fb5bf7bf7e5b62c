/* words_labels.c - are more labels worth their price? */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "report/figure.h"
#include "report/words.h"

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

		if (w && c->decision == DECISION_UNRESOLVED && (strcmp(c->from, w->id) == 0 || strcmp(c->to, w->id) == 0) && (!fewest || c->labels_needed < fewest->labels_needed))
			fewest = c;
	}
	if (r->verdict.decision != VERDICT_UNRESOLVED || !fewest)
		return;
	words_labels_worth(&sentence, r, fewest);
	if (sentence.n > 0)
		r->verdict.next_step = arena_printf(arena, "%s%s", r->verdict.next_step, buf_text(&sentence));
	buf_release(&sentence);
}
