/* html.c - the page: verdict first, then the evidence drawn, then every figure, then how it was decided. One file that
 * loads nothing and runs no script but its own, which its content security policy names by their hashes, whatever a label may
 * hold. It is written as XHTML, so that any XML parser can check it. */
#include "report/html.h"

#include <math.h>

#include "report/chart.h"
#include "report/css.h"
#include "report/escape.h"
#include "report/figure.h"
#include "report/page.h"
#include "report/script.h"
#include "report/svg.h"
#include "report/words.h"
#include "report/writers.h"

typedef void words(struct buf *out, const struct report *r);

static void add_sentence(struct buf *out, const char *tag, words *phrase, const struct report *r)
{
	struct buf text = { 0 };

	phrase(&text, r);
	if (text.n > 0)
		html_element(out, tag, buf_text(&text));
	buf_release(&text);
}

static struct page_scripts scripts_of(const struct report *r, bool live)
{
	struct page_scripts s = { 0 };

	if (r->exchange.n_items > 0 || html_has_what_if(r))
		s.list[s.n++] = script_state;
	if (r->exchange.n_items > 0)
		s.list[s.n++] = script_items;
	if (html_has_what_if(r))
		s.list[s.n++] = script_costs;
	if (live)
		s.list[s.n++] = script_live;
	return s;
}

void html_open(struct buf *out, const char *task, const char *state, const char *version, const struct page_scripts *scripts)
{
	buf_adds(out, "<!DOCTYPE html>\n<html lang=\"en\"");
	if (version)
		buf_addf(out, " data-version=\"%s\"", version);
	buf_adds(out, ">\n<head>\n<meta charset=\"utf-8\"/>\n<meta http-equiv=\"Content-Security-Policy\" content=\"");
	script_policy(out, scripts, version != NULL);
	buf_adds(out, "\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		      "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>");
	escape_markup(out, task);
	buf_addf(out, ": %s - rung</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", state, report_css);
	if (version)
		buf_adds(out, "<p id=\"live\" class=\"note\" role=\"status\" data-live=\"This page renews itself when something is "
			      "measured.\" data-ended=\"rung view has ended or cannot be reached: what stands here may be old.\">Reload this "
			      "page to see what has been measured since.</p>\n");
}

void html_close(struct buf *out, const struct page_scripts *scripts)
{
	buf_adds(out, "</main>\n");
	script_elements(out, scripts);
	buf_adds(out, "</body>\n</html>\n");
}

static void add_answer(struct buf *out, const char *heading, const char *big, const char *text)
{
	buf_addf(out, "<section class=\"answer\"><h3>%s</h3>", heading);
	if (big)
		html_element(out, "p class=\"big\"", big);
	html_prose(out, "p", text);
	buf_adds(out, "</section>\n");
}

static void add_answers(struct buf *out, const struct report *r)
{
	struct buf why = { 0 }, meaning = { 0 };
	const char *word = words_fine_tune(&why, r);

	words_meaning(&meaning, r);
	buf_adds(out, "<div class=\"answers\">\n");
	add_answer(out, "Should I fine-tune?", word, buf_text(&why));
	if (meaning.n > 0)
		add_answer(out, "What this means", NULL, buf_text(&meaning));
	if (r->verdict.next_step)
		add_answer(out, "Next step", NULL, r->verdict.next_step);
	buf_adds(out, "</div>\n");
	buf_release(&why);
	buf_release(&meaning);
}

static void add_fact(struct buf *out, const char *name, const char *figure, const char *detail)
{
	buf_addf(out, "<div><dt>%s</dt><dd>", name);
	escape_markup(out, figure);
	buf_adds(out, "<span>");
	escape_markup(out, detail);
	buf_adds(out, "</span></dd></div>\n");
}

static void add_facts(struct buf *out, const struct report *r)
{
	const struct report_variant *w = report_winner(r);
	const char *meets = meets_target_name(r->verdict.meets_target);
	char detail[96];

	if (!w)
		return;
	buf_adds(out, "<dl class=\"facts\">\n");
	snprintf(detail, sizeof(detail), "interval %s", figure_span(r->verdict.low, r->verdict.high).text);
	add_fact(out, "Winner's score on test", figure_percent(r->verdict.score).text, detail);
	snprintf(detail, sizeof(detail), "target %s", figure_share(r->target).text);
	if (meets)
		add_fact(out, "Meets the target", meets, detail);
	else if (isfinite(r->majority_share))
		add_fact(out, "Always the commonest label", figure_percent(r->majority_share).text, "would score this");
	add_fact(out, "Cost per 1,000 calls", figure_usd(w->usd_per_1k_calls).text, "of the winner");
	snprintf(detail, sizeof(detail), "p95 %s", figure_ms(w->ms_p95).text);
	add_fact(out, "Median time of a call", figure_ms(w->ms_p50).text, detail);
	snprintf(detail, sizeof(detail), "%s on test", figure_count(r->spent.test_calls).text);
	add_fact(out, "Model calls spent", figure_count(r->spent.dev_calls + r->spent.test_calls).text, detail);
	buf_adds(out, "</dl>\n");
}

static void add_header(struct buf *out, const struct report *r)
{
	struct buf examples = { 0 };

	words_examples(&examples, r);
	buf_adds(out, "<header>\n<p class=\"over\">");
	html_name(out, r->task);
	buf_adds(out, " \u00b7 ");
	escape_markup(out, buf_text(&examples));
	buf_adds(out, "</p>\n");
	buf_release(&examples);
	add_sentence(out, "h1", words_headline, r);
	add_sentence(out, "p class=\"lede\"", words_score, r);
	add_answers(out, r);
	add_facts(out, r);
	buf_adds(out, "</header>\n");
}

static void add_legend_mark(struct buf *out, int rung, bool filled, const char *text)
{
	buf_adds(out, "<li><svg width=\"16\" height=\"16\" aria-hidden=\"true\">");
	svg_mark(out, rung, filled, 8, 8, 5, NULL);
	buf_addf(out, "</svg>%s</li>\n", text);
}

static void add_legend(struct buf *out, const struct report *r)
{
	buf_adds(out, "<ul class=\"legend\">\n");
	add_legend_mark(out, 0, true, "rung 0");
	add_legend_mark(out, 1, true, "rung 1");
	add_legend_mark(out, 2, true, "rung 2");
	add_legend_mark(out, 3, true, "rung 3");
	buf_adds(out, "<li>filled: test items</li>\n<li>hollow: dev items</li>\n<li>line: 95% interval</li>\n");
	if (r->margin > 0)
		buf_addf(out, "<li>grey band: within %s points (the margin) of the winner</li>\n", figure_margin(r->margin).text);
	buf_adds(out, "</ul>\n");
}

/* Both sizes of a chart; the style sheet shows one. False when there is nothing to draw. */
static bool add_chart(struct buf *out, const struct report *r,
		      bool (*chart)(struct buf *, const struct report *, enum chart_size))
{
	return chart(out, r, CHART_WIDE) && chart(out, r, CHART_NARROW);
}

static void add_folded(struct buf *out, const struct report *r, const char *summary,
		       void (*table)(struct buf *, const struct report *))
{
	buf_addf(out, "<details><summary>%s</summary>\n", summary);
	table(out, r);
	buf_adds(out, "</details>\n");
}

static void add_ladder(struct buf *out, const struct report *r)
{
	buf_adds(out, "<section>\n<h2>The ladder</h2>\n");
	html_element(out, "p class=\"note\"",
		     "Every variant that was tried, rung by rung. The green stairs join the candidates: what each rung "
		     "added on the test items.");
	add_legend(out, r);
	add_chart(out, r, chart_ladder);
	add_folded(out, r, "All scores as a table", html_table_scores);
	buf_adds(out, "</section>\n");
}

static void add_comparisons(struct buf *out, const struct report *r)
{
	struct buf sentence = { 0 };

	buf_adds(out, "<section>\n<h2>Is the next rung better?</h2>\n");
	if (r->n_comparisons == 0)
		html_element(out, "p", "Nothing was compared: only one candidate reached the test items.");
	else
		html_element(out, "p class=\"note\"",
			     "The same test items, answered by both. Bars count the items the challenger won (right) "
			     "and lost (left); the dot is the difference with its interval. Inside the grey band a "
			     "difference is smaller than the margin.");
	if (add_chart(out, r, chart_comparisons)) {
		buf_adds(out, "<ul>\n");
		for (size_t i = 0; i < r->n_comparisons; i++) {
			buf_clear(&sentence);
			words_comparison(&sentence, r, &r->comparisons[i]);
			html_element(out, "li", buf_text(&sentence));
		}
		buf_adds(out, "</ul>\n");
		add_folded(out, r, "All comparisons as a table", html_table_comparisons);
	}
	buf_release(&sentence);
	buf_adds(out, "</section>\n");
}

static void add_costs(struct buf *out, const struct report *r)
{
	buf_adds(out, "<section>\n<h2>What it costs</h2>\n");
	if (!add_chart(out, r, chart_cost))
		html_element(out, "p", "No costs are known, so there is nothing to draw.");
	else
		html_element(out, "p class=\"note\"", "The dashed steps are the frontier: no candidate that was measured on the test items "
			     "lies above and to the left of them.");
	add_sentence(out, "p class=\"note\"", words_prices, r);
	add_sentence(out, "p", words_costs, r);
	if (add_chart(out, r, chart_days))
		html_element(out, "p class=\"note\"", "What each candidate has cost by each day, what is paid once included. A ring marks the day on "
			     "which a one-off cost is back against the rival.");
	add_folded(out, r, "All costs and latencies as a table", html_table_costs);
	buf_adds(out, "</section>\n");
}

static void add_questions(struct buf *out, const struct report *r)
{
	if (!r->questions)
		return;
	buf_addf(out, "<section>\n<h2>%d questions</h2>\n<dl class=\"questions\">\n", REPORT_QUESTIONS);
	for (size_t i = 0; i < REPORT_QUESTIONS; i++) {
		html_element(out, "dt", r->questions[i].question);
		html_element(out, r->questions[i].known ? "dd" : "dd class=\"note\"", r->questions[i].answer);
	}
	buf_adds(out, "</dl>\n</section>\n");
}

static void add_curves(struct buf *out, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->n_curves + r->n_undrawn == 0)
		return;
	buf_adds(out, "<section>\n<h2>What more labels would bring</h2>\n<ul>\n");
	for (size_t i = 0; buf_clear(&sentence), words_curve(&sentence, r, i); i++)
		html_element(out, "li", buf_text(&sentence));
	buf_adds(out, "</ul>\n");
	if (r->n_curves > 0)
		add_chart(out, r, chart_curves);
	buf_adds(out, "</section>\n");
	buf_release(&sentence);
}

/* The rarer labels of a long list are folded away. */
static void add_classes(struct buf *out, const struct report *r)
{
	if (r->classes.n == 0)
		return;
	buf_adds(out, "<section>\n<h2>The winner on each label</h2>\n");
	html_element(out, "p class=\"note\"", "On the test items, the commonest label first. Recall: the share of a label's items that were "
		     "given it; precision: the share of the answers with a label that were right; F1 is their harmonic mean. The last row "
		     "is the mean over the labels that test items have (macro-averaged), in which a rare label counts as much as a common one.");
	if (r->classes.n > 12)
		add_folded(out, r, "All labels as a table", html_table_classes);
	else
		html_table_classes(out, r);
	buf_adds(out, "</section>\n");
}

static void add_mistakes(struct buf *out, const struct report *r)
{
	if (!r->confusion || r->n_labels == 0)
		return;
	buf_adds(out, "<section>\n<h2>Where the winner is wrong</h2>\n");
	html_element(out, "p class=\"note\"", "Test items by true label and answer. Blue is right, orange is wrong; "
					      "the stronger, the larger the share of that label's items.");
	buf_addf(out, "<div class=\"%s\">\n<div>", r->n_labels <= 10 ? "pair" : "stack");
	add_chart(out, r, chart_confusion);
	buf_adds(out, "</div>\n<div><h3>Commonest mistakes</h3>\n");
	html_table_mistakes(out, r);
	buf_adds(out, "</div>\n</div>\n");
	add_folded(out, r, "All answers as a table", html_table_confusion);
	buf_adds(out, "</section>\n");
}

static void add_outcomes(struct buf *out, const struct report *r)
{
	buf_adds(out, "<section>\n<h2>What became of the answers</h2>\n");
	html_element(out, "p class=\"note\"", "An answer that could not be read as a label, was refused, cut off or "
					      "never came counts as not right, and is listed apart: it calls for a "
					      "different remedy than a wrong one.");
	html_table_outcomes(out, r);
	buf_adds(out, "</section>\n");
}

static void add_list(struct buf *out, const char *const *sentences, size_t n)
{
	buf_adds(out, "<ul>\n");
	for (size_t i = 0; i < n; i++)
		html_prose(out, "li", sentences[i]);
	buf_adds(out, "</ul>\n");
}

static void add_grading(struct buf *out, const struct report *r)
{
	if (r->grading.n_sentences == 0)
		return;
	buf_adds(out, "<section id=\"grading\">\n<h2>Who graded</h2>\n");
	add_list(out, r->grading.sentences, r->grading.n_sentences);
	buf_adds(out, "</section>\n");
}

static void add_findings(struct buf *out, const struct report *r)
{
	if (r->n_findings == 0)
		return;
	buf_adds(out, "<section>\n<h2>Worth knowing</h2>\n");
	add_list(out, r->findings, r->n_findings);
	buf_adds(out, "</section>\n");
}

static void add_rule(struct buf *out, const struct report *r)
{
	struct buf paragraph = { 0 };

	buf_adds(out, "<section>\n<h2>How this was decided</h2>\n");
	if (r->verdict.n_reasons > 0)
		add_list(out, r->verdict.reasons, r->verdict.n_reasons);
	for (size_t i = 0; words_rule(&paragraph, r, i); i++) {
		html_element(out, "p", buf_text(&paragraph));
		buf_clear(&paragraph);
	}
	buf_adds(out, "</section>\n");
	buf_release(&paragraph);
}

static void add_spent(struct buf *out, const struct report *r)
{
	buf_adds(out, "<section>\n<h2>What this report cost</h2>\n");
	add_sentence(out, "p", words_spent, r);
	buf_adds(out, "</section>\n");
}

static void add_footer(struct buf *out, const struct report *r)
{
	struct buf line = { 0 };

	buf_addf(&line, "Made by %s; task %s; seed %llu; ", r->program, r->task, (unsigned long long)r->seed);
	words_examples(&line, r);
	buf_adds(&line, ". ");
	words_prices(&line, r);
	buf_adds(&line, " The same stored answers give the same report: nothing here was typed by hand.");
	buf_adds(out, "<footer>");
	html_element(out, "p", buf_text(&line));
	buf_adds(out, "</footer>\n");
	buf_release(&line);
}

static void add_cascade(struct buf *out, const struct report *r)
{
	struct buf sentence = { 0 };

	if (!r->cascade.wanted)
		return;
	buf_adds(out, "<section>\n<h2>Cascade</h2>\n");
	for (size_t i = 0; buf_clear(&sentence), words_cascade(&sentence, r, i); i++)
		html_prose(out, "p", buf_text(&sentence));
	buf_adds(out, "</section>\n");
	buf_release(&sentence);
}

void page_write(const struct report *r, const char *version, struct buf *out, struct buf *policy)
{
	const struct page_scripts scripts = scripts_of(r, version != NULL);

	if (policy)
		script_policy(policy, &scripts, version != NULL);
	html_open(out, r->task, verdict_kind_name(r->verdict.decision), version, &scripts);
	add_header(out, r);
	add_ladder(out, r);
	add_comparisons(out, r);
	html_switching(out, r);
	html_items(out, r);
	html_diagnosis(out, r);
	html_wordings(out, r);
	html_documents(out, r);
	add_curves(out, r);
	add_costs(out, r);
	add_cascade(out, r);
	html_what_if(out, r);
	add_mistakes(out, r);
	add_classes(out, r);
	add_outcomes(out, r);
	add_spent(out, r);
	add_grading(out, r);
	add_findings(out, r);
	add_questions(out, r);
	add_rule(out, r);
	add_footer(out, r);
	html_close(out, &scripts);
}

void report_write_html(const struct report *r, struct buf *out)
{
	page_write(r, NULL, out, NULL);
}
