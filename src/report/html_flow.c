/* html_flow.c - the page's diagnosis, read from left to right (on a phone downwards): what failed, what was tried about it and how many
 * items that fixed and broke, and the remedy that this points to. Bars are decoration: their figures stand beside them and in the table. */
#include <math.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/html.h"
#include "report/words.h"

enum { BAR_WIDTH = 160, BAR_HEIGHT = 10 };

/* What a kind of failure calls for by itself; wrong answers need a probe to tell. */
static const char *const remedies[N_OUTCOMES] = {
	[OUTCOME_WRONG] = "the probes below",
	[OUTCOME_UNPARSED] = "constrained decoding, or an instruction that fixes the form of an answer",
	[OUTCOME_REFUSED] = "another wording, or another model",
	[OUTCOME_TRUNCATED] = "a longer context, or fewer and shorter examples in the prompt",
	[OUTCOME_TIMEOUT] = "climb again: what is missing is asked again",
	[OUTCOME_ERROR] = "climb again: what is missing is asked again",
};
static const char *const cause_remedies[N_CAUSES] = {
	[CAUSE_ABSTAINED] = "a wording that answers where a passage does",
	[CAUSE_NOT_ABSTAINED] = "a wording that abstains where no passage answers",
	[CAUSE_NOT_RETRIEVED] = "the search: other chunks, another embedding, more passages",
	[CAUSE_UNUSED] = "fewer passages, or a model that reads them better",
	[CAUSE_DESPITE] = "a stronger model, or fine-tuning",
};

static void open_step(struct buf *out, const char *what)
{
	buf_adds(out, "<li><div class=\"what\">");
	escape_markup(out, what);
	buf_adds(out, "</div>\n<div class=\"how\">");
}

/* remedy NULL: none. */
static void close_step(struct buf *out, const char *remedy)
{
	buf_addf(out, "</div>\n<div class=\"then%s\">", remedy ? "" : " quiet");
	escape_markup(out, remedy ? remedy : "points nowhere");
	buf_adds(out, "</div></li>\n");
}

/* Two bars from the middle, as shares of half the width. */
static void add_bar(struct buf *out, double left, double right)
{
	const double half = BAR_WIDTH / 2.0;

	buf_addf(out, "<svg class=\"bar\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\">", BAR_WIDTH, BAR_HEIGHT,
		 BAR_WIDTH, BAR_HEIGHT);
	buf_addf(out, "<rect class=\"loss\" x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"%d\"/>", half - half * left, half * left,
		 BAR_HEIGHT);
	buf_addf(out, "<rect class=\"win\" x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"%d\"/>", half, half * right, BAR_HEIGHT);
	buf_addf(out, "<line class=\"zero\" x1=\"%.1f\" y1=\"0\" x2=\"%.1f\" y2=\"%d\"/></svg>", half, half, BAR_HEIGHT);
}

static void add_failure(struct buf *out, const char *name, size_t n, size_t of, const char *remedy)
{
	if (n == 0)
		return;
	open_step(out, name);
	buf_addf(out, "<svg class=\"bar\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\"><rect class=\"loss\" "
		      "x=\"0\" y=\"0\" "
		      "width=\"%.1f\" height=\"%d\"/></svg>", BAR_WIDTH, BAR_HEIGHT, BAR_WIDTH, BAR_HEIGHT,
		 BAR_WIDTH * (double)n / (double)of, BAR_HEIGHT);
	buf_addf(out, "<span>%s of %s</span>", figure_count(n).text, figure_count(of).text);
	close_step(out, remedy);
}

static size_t failures_of(const struct report_variant *w)
{
	size_t n = 0;

	for (size_t i = OUTCOME_WRONG; i < N_OUTCOMES; i++)
		n += w->outcomes[i];
	return n;
}

/* Wrong answers that stand on passages are told by their cause. */
static void add_failures(struct buf *out, const struct report *r, const struct report_variant *w)
{
	bool graded = r->exchange.n_pairs > 0 && !r->exchange.binary;
	size_t n = failures_of(w), caused = 0;

	buf_addf(out, "<h3>What failed: %s of %s %s items</h3>\n", figure_count(n).text, figure_count(n + w->outcomes[OUTCOME_RIGHT]).text,
		 w->test.n > 0 ? "test" : "dev");
	if (n == 0)
		return;
	for (size_t i = 0; w->retrieval.n > 0 && i < N_CAUSES; i++)
		caused += w->retrieval.causes[i];
	buf_adds(out, "<ol class=\"flow\">\n");
	for (size_t i = 0; caused > 0 && i < N_CAUSES; i++)
		add_failure(out, report_cause_names[i], w->retrieval.causes[i], n, cause_remedies[i]);
	for (size_t i = OUTCOME_WRONG; i < N_OUTCOMES; i++)
		if (i != OUTCOME_WRONG || caused == 0)
			add_failure(out, i == OUTCOME_WRONG && graded ? "not wholly right" : report_outcome_names[i], w->outcomes[i], n,
				    i == OUTCOME_WRONG && r->n_diagnosis == 0 ? "nothing was probed" : remedies[i]);
	buf_adds(out, "</ol>\n");
}

static double widest(const struct report *r)
{
	double most = 0;

	for (size_t i = 0; i < r->n_diagnosis; i++) {
		const struct difference *d = &r->diagnosis[i].difference;

		if (d->n > 0)
			most = fmax(most, fmax((double)d->fixed, (double)d->broken) / (double)d->n);
	}
	return most > 0 ? most : 1;
}

static void add_probe(struct buf *out, const struct probe_finding *f, double most)
{
	const struct difference *d = &f->difference;
	double scale = d->n > 0 ? 1 / (most * (double)d->n) : 0;

	open_step(out, f->probe);
	add_bar(out, (double)d->broken * scale, (double)d->fixed * scale);
	buf_addf(out, "<span>fixed %s, broke %s of %s: %s points (%s)</span>", figure_count(d->fixed).text, figure_count(d->broken).text,
		 figure_count(d->n).text, figure_points(d->delta).text, figure_gap(d->low, d->high).text);
	close_step(out, f->points_to[0] ? f->points_to : NULL);
}

static void add_table(struct buf *out, const struct report *r)
{
	static const char *const headings[] = { "Probe", "#Items", "#Fixed", "#Broken", "#Points", "#95% interval", "Points to" };

	buf_adds(out, "<details><summary>All probes as a table</summary>\n");
	html_open_table(out, "Probes", headings, 7);
	for (size_t i = 0; i < r->n_diagnosis; i++) {
		const struct probe_finding *f = &r->diagnosis[i];
		const struct difference *d = &f->difference;

		buf_adds(out, "<tr><th scope=\"row\">");
		html_name(out, f->probe);
		buf_addf(out, "</th><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td "
			 "class=\"n\">%s</td><td>",
			 figure_count(d->n).text, figure_count(d->fixed).text, figure_count(d->broken).text, figure_points(d->delta).text,
			 figure_gap(d->low, d->high).text);
		escape_markup(out, f->points_to[0] ? f->points_to : "\u2013");
		buf_adds(out, "</td></tr>\n");
	}
	html_close_table(out);
	buf_adds(out, "</details>\n");
}

static void add_probes(struct buf *out, const struct report *r)
{
	struct buf sentence = { 0 };

	buf_adds(out, "<h3>What was tried about it</h3>\n");
	html_element(out, "p class=\"note\"", "Dev items that were answered both ways, with 95% intervals for a number of items fixed "
		     "beforehand. "
		     "Blue: items that were fixed; orange: items that were broken. What is shown to help points to a remedy.");
	words_probe(&sentence, r);
	if (sentence.n > 0)
		html_element(out, "p", buf_text(&sentence));
	buf_release(&sentence);
	buf_adds(out, "<ol class=\"flow\">\n");
	for (size_t i = 0; i < r->n_diagnosis; i++)
		add_probe(out, &r->diagnosis[i], widest(r));
	buf_adds(out, "</ol>\n");
	add_table(out, r);
}

void html_diagnosis(struct buf *out, const struct report *r)
{
	const struct report_variant *w = report_winner(r);
	bool failed = w && failures_of(w) + w->outcomes[OUTCOME_RIGHT] > 0;

	if (!failed && r->n_diagnosis == 0)
		return;
	buf_adds(out, "<section>\n<h2>From failures to a remedy</h2>\n");
	if (failed)
		add_failures(out, r, w);
	if (r->n_diagnosis > 0)
		add_probes(out, r);
	else
		html_element(out, "p class=\"note\"", "Nothing was probed: no two variants differ by one thing, and no example names "
			     "what holds its answer.");
	buf_adds(out, "</section>\n");
}
