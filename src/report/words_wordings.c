/* words_wordings.c - sentences about wordings that a model proposed. */
#include "report/escape.h"
#include "report/figure.h"
#include "report/words.h"

static void add_scored(struct buf *out, const struct report_wording *w)
{
	const struct difference *d = &w->change;

	if (d->n == 0) {
		buf_adds(out, " was not answered with.");
		return;
	}
	buf_addf(out, " scored %s on %s dev items that its author had not seen, and ", figure_percent(w->before + d->delta).text,
		 figure_count(d->n).text);
	escape_name(out, w->base->name);
	buf_addf(out, " %s on the same (%s points, interval %s).", figure_percent(w->before).text, figure_points(d->delta).text,
		 figure_gap(d->low, d->high).text);
}

static void add_rank(struct buf *out, const struct report_variant *v)
{
	if (v->candidate)
		buf_adds(out, " It is the prompt that went to the test items; to keep it, copy it into `instruction` of the task file.");
	else if (v->status == VARIANT_FAILED)
		buf_adds(out, " It could not be asked.");
}

bool words_wording(struct buf *out, const struct report *r, size_t i)
{
	if (i >= r->n_wordings)
		return false;
	const struct report_wording *w = &r->wordings[i];

	if (w->number == 0) {
		buf_adds(out, "No wording by ");
		escape_name(out, w->author);
		buf_addf(out, " was tried in round %zu: ", w->round);
		escape_plain(out, w->why);
		buf_addc(out, '.');
		return true;
	}
	buf_addf(out, "Wording %zu of round %zu by ", w->number, w->round);
	escape_name(out, w->author);
	if (!w->variant) {
		buf_adds(out, w->why ? " was dropped: " : " has not been raced");
		escape_plain(out, w->why ? w->why : "");
		buf_addc(out, '.');
		return true;
	}
	buf_adds(out, " (");
	escape_name(out, w->variant->id);
	buf_addc(out, ')');
	add_scored(out, w);
	add_rank(out, w->variant);
	return true;
}
