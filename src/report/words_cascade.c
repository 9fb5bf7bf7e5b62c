/* words_cascade.c - sentences about a cascade: whether it is served, where its threshold comes from, what test says, what it costs. */
#include <math.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/words.h"

static void add_pair(struct buf *out, const struct report_cascade *c)
{
	if (!c->cheap) {
		buf_addf(out, "There is none: %s.", c->why);
		return;
	}
	if (isinf(c->cut.at)) {
		buf_adds(out, "No answers of ");
		escape_name(out, c->cheap->name);
		buf_adds(out, " stand in place of ");
		escape_name(out, c->strong->name);
		buf_addf(out, "'s: %s.", c->why ? c->why : "");
		return;
	}
	buf_adds(out, "Answers of ");
	escape_name(out, c->cheap->name);
	buf_addf(out, " stand where its probability is %.3f or more; the others go to ", c->cut.at);
	escape_name(out, c->strong->name);
	if (c->why)
		buf_addf(out, ". It is not served: %s.", c->why);
	else
		buf_adds(out, ". This is served in place of the winner alone: it costs less, and is not worse by the margin.");
}

static const char *what_of(const struct report_cascade *c)
{
	return c->rule.of == CASCADE_OF_ALL ? "of all answers are accepted and wrong" : "of the accepted answers are wrong";
}

static void add_threshold(struct buf *out, const struct report_cascade *c)
{
	if (isinf(c->cut.at)) {
		buf_addf(out, "Of the %s items set aside too few would be accepted, or too many of them wrong, to show with %s confidence that at most %s %s; ",
			 figure_count(c->cut.n).text, figure_share(1 - c->rule.alpha).text, figure_share(c->rule.level).text, what_of(c));
		buf_addf(out, "without any mistake that takes %s%s.", figure_count(cascade_fewest(&c->rule)).text,
			 c->rule.of == CASCADE_OF_ACCEPTED ? " accepted ones" : "");
		return;
	}
	buf_addf(out, "Of the %s items set aside for it, which nothing else has seen, %s would be accepted and %s of these wrong: with %s confidence at most "
		 "%s %s (p = %.3g).", figure_count(c->cut.n).text, figure_count(c->cut.accepted).text, figure_number(c->cut.lost).text,
		 figure_share(1 - c->rule.alpha).text, figure_share(c->rule.level).text, what_of(c), c->cut.p);
}

static void add_test(struct buf *out, const struct report_cascade *c)
{
	buf_addf(out, "On %s test items %s of the answers are escalated. ", figure_count(c->n).text,
		 figure_percent((double)c->escalated / (double)c->n).text);
	buf_addf(out, "It scores %s (%s), the winner alone %s: %s points, interval %s, %s. ", figure_percent(c->score.score).text,
		 figure_span(c->score.low, c->score.high).text, figure_percent(c->strong_score.score).text, figure_points(c->compared.delta).text,
		 figure_gap(c->compared.low, c->compared.high).text, decision_name(c->compared.decision));
	if (c->risk.n > 0)
		buf_addf(out, "There %s (%s) %s.", figure_percent(c->risk.score).text, figure_span(c->risk.low, c->risk.high).text, what_of(c));
}

static void add_cost(struct buf *out, const struct report_cascade *c)
{
	if (isnan(c->pays_below)) {
		buf_adds(out, "What one of the two costs is not known, so that it cannot be said whether it pays.");
		return;
	}
	buf_addf(out, "It costs %s per 1,000 calls, the winner alone %s. ", figure_usd(c->usd_per_1k_calls).text,
		 figure_usd(c->strong->usd_per_1k_calls).text);
	buf_addf(out, "95%% of its answers take %s at most. ", figure_ms(c->ms_p95).text);
	if (c->pays_below > 0)
		buf_addf(out, "It pays while fewer than %s are escalated: 1 less what the cheap one costs as a share of the winner.",
			 figure_percent(c->pays_below).text);
	else
		buf_adds(out, "It never pays: the cheap one costs no less than the winner.");
}

bool words_cascade(struct buf *out, const struct report *r, size_t i)
{
	const struct report_cascade *c = &r->cascade;
	static void (*const sentences[])(struct buf *out, const struct report_cascade *c) = { add_pair, add_threshold, add_test, add_cost };

	if (!c->wanted || !c->strong || i >= (c->n > 0 ? 4 : c->cheap && c->cut.n > 0 ? 2 : 1))
		return false;
	sentences[i](out, c);
	return true;
}
