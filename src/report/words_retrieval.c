/* words_retrieval.c - sentences about documents: the knowledge probe, and what a variant that searches found and cited. */
#include <math.h>

#include "report/figure.h"
#include "report/words.h"

void words_probe(struct buf *out, const struct report *r)
{
	static const char *const rows[KNOWLEDGE_ROWS] = {
		[KNOWLEDGE_CLOSED] = "closed book", [KNOWLEDGE_ORACLE] = "with the passages that hold the answer",
		[KNOWLEDGE_RETRIEVED] = "with passages that were found", [KNOWLEDGE_DISTRACTED] = "with the right ones among others",
		[KNOWLEDGE_WITHOUT] = "abstains with others alone",
	};
	bool any = false;

	for (size_t row = 0; row < KNOWLEDGE_ROWS; row++) {
		if (!(r->probe.n > 0) || isnan(r->probe.score[row]))
			continue;
		if (any)
			buf_adds(out, ", ");
		else
			buf_addf(out, "Knowledge probe on %s %sitems: ", figure_count(r->probe.n).text,
				 r->origin == REPORT_CLIMB ? "dev " : "");
		buf_addf(out, "%s %s", rows[row], figure_percent(r->probe.score[row]).text);
		any = true;
	}
	if (any)
		buf_addc(out, '.');
}

bool words_diagnosis(struct buf *out, const struct report *r, size_t i)
{
	if (i >= r->n_diagnosis)
		return false;
	const struct probe_finding *f = &r->diagnosis[i];
	const struct difference *d = &f->difference;

	buf_addf(out, "%s: %s points (", f->probe, figure_points(d->delta).text);
	if (f->kind == FINDING_LABELS)
		buf_addf(out, "%s of %s items; ", figure_count(d->broken).text, figure_count(d->n).text);
	else if (f->kind != FINDING_KNOWLEDGE)
		buf_addf(out, "of %s items %s fixed, %s broken; ", figure_count(d->n).text, figure_count(d->fixed).text, figure_count(d->broken).text);
	buf_addf(out, "95%% interval %s)", figure_gap(d->low, d->high).text);
	if (f->note)
		buf_addf(out, ", %s", f->note);
	if (f->points_to[0])
		buf_addf(out, "; points to: %s", f->points_to);
	else if (f->kind != FINDING_KNOWLEDGE && d->high < 0)
		buf_adds(out, "; it makes things worse");
	buf_addc(out, '.');
	return true;
}

bool words_diagnosis_is_open(const struct report *r, size_t i)
{
	const struct probe_finding *f = &r->diagnosis[i];

	return f->kind != FINDING_KNOWLEDGE && f->points_to[0] == '\0' && f->difference.low <= 0 && f->difference.high >= 0;
}

void words_diagnosis_open(struct buf *out, const struct report *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_diagnosis; i++)
		if (words_diagnosis_is_open(r, i))
			buf_addf(out, "%s%s (%s points on %s items)", n++ ? ", " : "Shown neither to help nor to harm: ", r->diagnosis[i].probe,
				 figure_points(r->diagnosis[i].difference.delta).text, figure_count(r->diagnosis[i].difference.n).text);
	if (n > 0)
		buf_addc(out, '.');
}

void words_retrieval(struct buf *out, const struct report_variant *v)
{
	const struct report_retrieval *t = &v->retrieval;

	if (t->n == 0)
		return;
	buf_addf(out, "%s: ", v->name);
	if (t->n_gold > 0)
		buf_addf(out, "passages that hold the answer are among those shown for %s of %s questions (recall), mean reciprocal rank "
			 "%.2f; ", figure_percent(t->recall).text, figure_count(t->n_gold).text, t->reciprocal);
	buf_addf(out, "%s citation%s", figure_count(t->citations).text, t->citations == 1 ? "" : "s");
	if (t->failed > 0)
		buf_addf(out, ", %s quote%s that stand in no passage and are not shown", figure_count(t->failed).text,
			 t->failed == 1 ? "" : "s");
	if (!isnan(t->citation_recall))
		buf_addf(out, "; %s of the answers cite what holds the answer (citation recall)", figure_percent(t->citation_recall).text);
	if (!isnan(t->citation_precision))
		buf_addf(out, ", %s of the citations do (precision)", figure_percent(t->citation_precision).text);
	buf_addc(out, '.');
}
