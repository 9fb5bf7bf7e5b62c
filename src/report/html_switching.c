/* html_switching.c - the page's section on other models: a sentence and a row each, and the items behind its counts. */
#include <string.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/html.h"
#include "report/words.h"

enum { ITEMS_NAMED = 200 }; /* of each way */

/* Where the items that changed hands between the two stand in the page; n_pairs: nowhere. */
static size_t pair_of(const struct report_exchange *x, const struct report_switch *s)
{
	size_t i = 0;

	for (; i < x->n_pairs; i++) {
		const struct report_variant *a = x->sides[x->pairs[i].from], *b = x->sides[x->pairs[i].to];

		if ((a == s->from && b == s->to) || (a == s->to && b == s->from))
			break;
	}
	return i;
}

static void add_model(struct buf *out, const struct report_variant *v)
{
	buf_adds(out, "<td>");
	html_name(out, v->model);
	buf_adds(out, "<br/><small>");
	html_name(out, words_technique(v));
	buf_adds(out, "</small></td>");
}

static void add_numbers(struct buf *out, const struct report_switch *s)
{
	const size_t counts[] = { s->only_from, s->only_to, s->both, s->neither };

	for (size_t i = 0; i < 4; i++)
		buf_addf(out, "<td class=\"n\">%s</td>", figure_count(counts[i]).text);
	buf_addf(out, "<td class=\"n\">%s<br/><small>%s</small></td>", figure_points(s->delta).text, figure_gap(s->low, s->high).text);
}

/* "<$0.000000001" needs escaping. */
static void add_change(struct buf *out, struct figure from, struct figure to)
{
	escape_markup(out, from.text);
	buf_adds(out, " \u2192 ");
	escape_markup(out, to.text);
}

/* How many, and of which split; the texts of test items stand further down. */
static void add_count(struct buf *out, const struct report_exchange *x, const struct report_switch *s)
{
	size_t pair = pair_of(x, s);
	bool linked = pair < x->n_pairs && s->split == SWITCH_TEST && s->only_from + s->only_to > 0;

	buf_addf(out, "<td class=\"n\">%s<br/><small>", figure_count(s->n).text);
	if (linked)
		buf_addf(out, "<a href=\"#pair=%zu\">", pair);
	buf_addf(out, "%s%s</small></td>", words_switching_items(s->split, s->n), linked ? "</a>" : "");
}

static void add_row(struct buf *out, const struct report_exchange *x, const struct report_switch *s)
{
	buf_adds(out, "<tr>");
	add_model(out, s->from);
	add_model(out, s->to);
	add_count(out, x, s);
	add_numbers(out, s);
	buf_adds(out, "<td class=\"n\">");
	add_change(out, figure_usd(s->from->usd_per_1k_calls), figure_usd(s->to->usd_per_1k_calls));
	buf_adds(out, "</td><td class=\"n\">");
	add_change(out, figure_ms(s->from->ms_p50), figure_ms(s->to->ms_p50));
	buf_adds(out, "<br/><small>");
	add_change(out, figure_ms(s->from->ms_p95), figure_ms(s->to->ms_p95));
	buf_adds(out, "</small></td></tr>\n");
}

static void add_ids(struct buf *out, const struct report_variant *v, const char *const *ids, size_t n)
{
	if (n == 0)
		return;
	buf_adds(out, "<p>Only ");
	html_name(out, v->model);
	buf_adds(out, ": ");
	for (size_t i = 0; i < n && i < ITEMS_NAMED; i++) {
		buf_adds(out, i ? ", <code>" : "<code>");
		escape_markup(out, ids[i]);
		buf_adds(out, "</code>");
	}
	if (n > ITEMS_NAMED)
		buf_addf(out, " and %s more", figure_count(n - ITEMS_NAMED).text);
	buf_adds(out, "</p>\n");
}

/* Items that the page has no texts of, by name. */
static void add_items(struct buf *out, const struct report *r)
{
	bool open = false;

	for (size_t i = 0; i < r->n_switching; i++) {
		const struct report_switch *s = &r->switching[i];

		if (s->split == SWITCH_TEST || s->only_from + s->only_to == 0)
			continue;
		if (!open)
			buf_adds(out, "<details><summary>The items on which they differ, by name</summary>\n");
		open = true;
		buf_adds(out, "<h3>");
		html_name(out, s->from->model);
		buf_adds(out, " \u2192 ");
		html_name(out, s->to->model);
		buf_addf(out, ", %s</h3>\n", words_switching_items(s->split, 2));
		add_ids(out, s->from, s->lost, s->only_from);
		add_ids(out, s->to, s->won, s->only_to);
	}
	if (open)
		buf_adds(out, r->origin == REPORT_CLIMB ? "<p class=\"note\"><code>rung show TASK VARIANT ITEM</code> has their texts.</p>\n</details>\n"
							: "</details>\n");
}

void html_switching(struct buf *out, const struct report *r)
{
	static const char *const headings[] = { "From", "To", "#Items", "#Only from", "#Only to", "#Both", "#Neither", "#Points, 95% interval",
						"#$ per 1,000 calls", "#p50, p95" };
	struct buf sentence = { 0 };

	if (r->n_switching == 0)
		return;
	buf_adds(out, "<section>\n<h2>Switching models</h2>\n");
	words_switching_note(&sentence, r);
	html_element(out, "p class=\"note\"", buf_text(&sentence));
	buf_adds(out, "<ul>\n");
	for (size_t i = 0; buf_clear(&sentence), words_switching(&sentence, r, i); i++)
		html_element(out, "li", buf_text(&sentence));
	buf_adds(out, "</ul>\n");
	html_open_table(out, "Models beside each other, each with its best variant", headings, sizeof(headings) / sizeof(headings[0]));
	for (size_t i = 0; i < r->n_switching; i++)
		add_row(out, &r->exchange, &r->switching[i]);
	html_close_table(out);
	add_items(out, r);
	buf_adds(out, "</section>\n");
	buf_release(&sentence);
}
