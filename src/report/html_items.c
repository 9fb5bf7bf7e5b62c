/* html_items.c - the page's section on items that changed hands: how many in each comparison, then each with its texts. */
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/html.h"

enum { ITEMS_PRINTED = 10 }; /* as css.c has it */

static void add_side(struct buf *out, const struct report_variant *v)
{
	html_name(out, v->name);
	if (v->model) {
		buf_adds(out, " on ");
		html_name(out, v->model);
	}
}

/* Plain text, for an <option>. */
static void add_pair_name(struct buf *out, const struct report_exchange *x, const struct report_pair *p)
{
	escape_markup(out, x->sides[p->to]->id);
	buf_adds(out, " against ");
	escape_markup(out, x->sides[p->from]->id);
}

/* Its lines stay lines. */
static void add_text(struct buf *out, const char *text)
{
	struct buf line = { 0 };

	for (;;) {
		size_t n = strcspn(text, "\n");

		buf_clear(&line);
		buf_add(&line, text, n);
		escape_markup(out, buf_text(&line));
		if (!text[n])
			break;
		buf_addc(out, '\n');
		text += n + 1;
	}
	buf_release(&line);
}

static void add_pairs(struct buf *out, const struct report_exchange *x)
{
	static const char *const headings[] = { "Compared", "#Gained", "#Lost" };

	html_open_table(out, "Items that changed hands, by comparison", headings, 3);
	for (size_t i = 0; i < x->n_pairs; i++) {
		buf_adds(out, "<tr><th scope=\"row\">");
		add_side(out, x->sides[x->pairs[i].to]);
		buf_adds(out, "<br/><small>against ");
		add_side(out, x->sides[x->pairs[i].from]);
		buf_addf(out, "</small></th><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n", figure_count(x->pairs[i].gained).text,
			 figure_count(x->pairs[i].lost).text);
	}
	html_close_table(out);
}

static void add_filter(struct buf *out, const struct report_exchange *x)
{
	buf_adds(out, "<div id=\"filter\" class=\"filter\" role=\"search\" hidden=\"hidden\">\n<p><label for=\"find\">Find</label>"
		      "<input id=\"find\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\"/></p>\n"
		      "<p><label for=\"pair\">Comparison</label><select id=\"pair\"><option value=\"\">any</option>");
	for (size_t i = 0; i < x->n_pairs; i++) {
		buf_addf(out, "<option value=\"%zu\">", i);
		add_pair_name(out, x, &x->pairs[i]);
		buf_adds(out, "</option>");
	}
	buf_addf(out, "</select></p>\n<p><label for=\"way\">Direction</label><select id=\"way\"><option value=\"\">gained or lost</option>"
		      "<option value=\"+\">gained</option><option value=\"-\">lost</option></select></p>\n"
		      "<p><output id=\"count\" for=\"find pair way\" aria-live=\"polite\">%zu of %zu items</output></p>\n</div>\n",
		 x->n_items, x->n_items);
}

/* The champion is the same in most comparisons, and then goes without saying. */
static bool one_champion(const struct report_exchange *x)
{
	for (size_t i = 1; i < x->n_pairs; i++)
		if (x->pairs[i].from != x->pairs[0].from)
			return false;
	return true;
}

static void add_changes(struct buf *out, const struct report_exchange *x, const struct report_item *item)
{
	bool plain = one_champion(x);

	for (size_t i = 0; i < x->n_pairs; i++) {
		if (item->changed[i] == 0)
			continue;
		buf_addf(out, " <span class=\"%s\">%s by ", item->changed[i] > 0 ? "gained" : "lost",
			 item->changed[i] > 0 ? "gained" : "lost");
		html_name(out, x->sides[x->pairs[i].to]->id);
		if (!plain) {
			buf_adds(out, " against ");
			html_name(out, x->sides[x->pairs[i].from]->id);
		}
		buf_adds(out, "</span>");
	}
}

static void add_answer(struct buf *out, const struct report_exchange *x, size_t side, const struct report_side *s)
{
	if (!s->status)
		return;
	buf_addf(out, "<div class=\"%s\"><dt>", s->score >= 1 ? "right" : s->score > 0 ? "partly" : "wrong");
	add_side(out, x->sides[side]);
	buf_addf(out, ": %s</dt><dd dir=\"auto\">", s->score >= 1 ? "right" : s->score > 0 ? figure_percent(s->score).text : "wrong");
	if (s->answer && s->answer[0])
		add_text(out, s->answer);
	else
		buf_addf(out, "<i>nothing%s%s%s</i>", s->answer ? "" : " (", s->answer ? "" : s->status, s->answer ? "" : ")");
	buf_adds(out, "</dd></div>\n");
}

static void add_item(struct buf *out, const struct report_exchange *x, const struct report_item *item)
{
	bool first = true;

	buf_adds(out, "<li data-changed=\"");
	for (size_t i = 0; i < x->n_pairs; i++)
		if (item->changed[i] != 0) {
			buf_addf(out, "%s%zu%c", first ? "" : " ", i, item->changed[i] > 0 ? '+' : '-');
			first = false;
		}
	buf_adds(out, "\"><p><code>");
	escape_markup(out, item->id);
	buf_adds(out, "</code>");
	add_changes(out, x, item);
	buf_adds(out, "</p>\n<blockquote dir=\"auto\">");
	add_text(out, item->input);
	buf_adds(out, "</blockquote>\n<dl><div><dt>expected</dt><dd dir=\"auto\">");
	if (item->expected[0])
		add_text(out, item->expected);
	else
		buf_adds(out, "<i>nothing</i>");
	buf_adds(out, "</dd></div>\n");
	for (size_t i = 0; i < x->n_sides; i++)
		add_answer(out, x, i, &item->sides[i]);
	buf_adds(out, "</dl></li>\n");
}

void html_items(struct buf *out, const struct report *r)
{
	const struct report_exchange *x = &r->exchange;
	struct buf note = { 0 };

	if (x->n_pairs == 0)
		return;
	buf_adds(out, "<section>\n<h2>Items that changed hands</h2>\n");
	buf_adds(&note, "Test items on which the two sides of a comparison differ: ");
	if (x->binary)
		buf_adds(&note, "gained where the challenger alone is right, lost where the other alone is.");
	else
		buf_addf(&note, "gained where the challenger scores more than %s points (the margin) higher, lost where it scores as "
			 "much lower.",
			 figure_margin(r->margin).text);
	html_element(out, "p class=\"note\"", buf_text(&note));
	buf_release(&note);
	add_pairs(out, x);
	if (x->n_items > 0) {
		buf_addf(out, "<details><summary>%s with their texts</summary>\n", x->n_items == 1 ? "The item" : "The items");
		if (x->left_out > 0)
			buf_addf(out, "<p class=\"note\">The first %s of %s.</p>\n", figure_count(x->n_items).text,
				 figure_count(x->n_items + x->left_out).text);
		add_filter(out, x);
		buf_adds(out, "<ol id=\"items\" class=\"items\">\n");
		for (size_t i = 0; i < x->n_items; i++)
			add_item(out, x, &x->items[i]);
		buf_addf(out, "</ol>\n<p><button id=\"more\" type=\"button\" hidden=\"hidden\">More</button></p>\n%s</details>\n",
			 x->n_items > ITEMS_PRINTED ? "<p class=\"note paper\">Printed are the first 10.</p>\n" : "");
	}
	buf_adds(out, "</section>\n");
}
