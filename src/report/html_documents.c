/* html_documents.c - the page's section on documents: were they found, were they used, and where not. */
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/html.h"

static void add_share(struct buf *out, double share)
{
	buf_addf(out, "<td class=\"n%s\">%s</td>", isnan(share) ? " zero" : "", figure_percent(share).text);
}

static void add_variant(struct buf *out, const struct report_variant *v)
{
	const struct report_retrieval *t = &v->retrieval;
	struct report_score s = report_score_shown(v);

	buf_addf(out, "<tr%s><th scope=\"row\">", v->winner ? " class=\"winner\"" : "");
	html_name(out, v->name);
	buf_addf(out, "</th><td>%s</td>", v->test.n > 0 ? "test" : "dev");
	add_share(out, s.n ? s.score : NAN);
	add_share(out, t->recall);
	buf_addf(out, "<td class=\"n\">%s</td>", isnan(t->reciprocal) ? "\u2013" : figure_percent(t->reciprocal).text);
	buf_addf(out, "<td class=\"n\">%s</td><td class=\"n\">%s</td>", figure_count(t->citations).text, figure_count(t->failed).text);
	add_share(out, t->citation_recall);
	add_share(out, t->citation_precision);
	buf_adds(out, "</tr>\n");
}

static void add_table(struct buf *out, const struct report *r)
{
	static const char *const headings[] = { "Variant", "On", "#Answers right", "#Recall", "#MRR", "#Citations", "#Quotes not found",
						"#Citation recall", "#Citation precision" };

	html_open_table(out, "Retrieval beside the quality of answers", headings, 9);
	for (size_t i = 0; i < r->n_variants; i++)
		if (r->variants[i].retrieval.n > 0)
			add_variant(out, &r->variants[i]);
	html_close_table(out);
}

/* The passage with the spans that are cited marked in it; they may overlap. */
static void add_marked(struct buf *out, const struct evidence *e, size_t passage)
{
	const struct passage *p = &e->passages[passage];
	size_t n = strlen(p->text);
	struct buf run = { 0 };
	bool marked = false;

	for (size_t at = 0; at <= n; at++) {
		bool inside = false;

		for (size_t i = 0; i < e->n_citations && at < n; i++)
			inside |= e->citations[i].passage == passage && p->start + at >= e->citations[i].start &&
				  p->start + at < e->citations[i].end;
		if (inside != marked || at == n || p->text[at] == '\n') {
			escape_markup(out, buf_text(&run));
			buf_clear(&run);
			if (inside != marked)
				buf_adds(out, inside ? "<mark>" : "</mark>");
			marked = inside;
		}
		if (at < n)
			buf_addc(p->text[at] == '\n' ? out : &run, p->text[at]); /* the lines of a table stay lines */
	}
	buf_release(&run);
}

static void add_passage(struct buf *out, const struct evidence *e, size_t i)
{
	const struct passage *p = &e->passages[i];

	buf_addf(out, "<li%s><small>", e->gold && e->gold[i] ? " class=\"gold\"" : "");
	html_name(out, p->document);
	buf_addf(out, " \u00b7 bytes %s\u2013%s%s</small><blockquote>", figure_count(p->start).text, figure_count(p->end).text,
		 e->gold && e->gold[i] ? " \u00b7 holds the answer" : "");
	add_marked(out, e, i);
	buf_adds(out, "</blockquote></li>\n");
}

static void add_line(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "<p><small>%s</small> ", name);
	escape_markup(out, text[0] ? text : "(nothing: abstention)");
	buf_adds(out, "</p>\n");
}

static void add_answer(struct buf *out, const struct report_answer *f)
{
	buf_adds(out, "<details class=\"failure\"><summary>");
	escape_markup(out, f->question);
	buf_adds(out, "</summary>\n");
	add_line(out, "expected", f->expected);
	add_line(out, "answered", f->answer);
	if (f->evidence->n_passages > 0)
		buf_adds(out, "<ol class=\"passages\">\n");
	for (size_t i = 0; i < f->evidence->n_passages; i++)
		add_passage(out, f->evidence, i);
	buf_addf(out, "%s</details>\n", f->evidence->n_passages > 0 ? "</ol>\n" : "");
}

static const char *heading_of(enum report_cause cause)
{
	return cause == CAUSE_NONE ? "right" : report_cause_names[cause];
}

static void add_answers(struct buf *out, const struct report *r)
{
	if (r->n_answers == 0)
		return;
	buf_adds(out, "<h3>Answers and their passages</h3>\n<p class=\"note\">Test items of ");
	html_name(out, r->searched);
	buf_addf(out, ", wrong ones by cause, then right ones that cite, at most %d of each. What an answer cites is marked in its passage.</p>\n", ANSWERS_SHOWN);
	for (size_t i = 0; i < r->n_answers; i++) {
		if (i == 0 || r->answers[i].cause != r->answers[i - 1].cause)
			html_element(out, "h4", heading_of(r->answers[i].cause));
		add_answer(out, &r->answers[i]);
	}
}

void html_documents(struct buf *out, const struct report *r)
{
	bool any = false;

	for (size_t i = 0; i < r->n_variants; i++)
		any |= r->variants[i].retrieval.n > 0;
	if (!any)
		return;
	buf_adds(out, "<section>\n<h2>What the documents do</h2>\n");
	html_element(out, "p class=\"note\"", "Recall and MRR: whether passages known to hold the answer were shown, and how far up. "
		     "Citation recall and precision: answers, and citations, that rest on such a passage. A quote that stands in no "
		     "passage is counted and never shown as a citation.");
	add_table(out, r);
	add_answers(out, r);
	buf_adds(out, "</section>\n");
}
