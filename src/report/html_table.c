/* html_table.c - every chart's figures as a table, and the tables that need no chart. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "report/escape.h"
#include "report/figure.h"
#include "report/html.h"

enum { MATRIX_LIMIT = 16, N_MISTAKES = 12 }; /* labels a table shows as a matrix; pairs worth listing */

static void add_prose(struct buf *out, const char *text)
{
	struct buf part = { 0 };

	for (;;) {
		const char *open = strchr(text, '`');
		const char *close = open ? strchr(open + 1, '`') : NULL;

		if (!close)
			break;
		buf_clear(&part);
		buf_add(&part, text, (size_t)(open - text));
		escape_markup(out, buf_text(&part));
		buf_clear(&part);
		buf_add(&part, open + 1, (size_t)(close - open - 1));
		buf_adds(out, "<code>");
		escape_markup(out, buf_text(&part));
		buf_adds(out, "</code>");
		text = close + 1;
	}
	escape_markup(out, text);
	buf_release(&part);
}

void html_element(struct buf *out, const char *tag, const char *text)
{
	buf_addf(out, "<%s>", tag);
	escape_markup(out, text);
	buf_addf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

void html_prose(struct buf *out, const char *tag, const char *text)
{
	buf_addf(out, "<%s>", tag);
	add_prose(out, text);
	buf_addf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

void html_name(struct buf *out, const char *name)
{
	buf_adds(out, "<bdi>");
	escape_markup(out, name);
	buf_adds(out, "</bdi>");
}

/* Columns are given as "heading" or "#heading"; '#' marks numbers, which align to the right. */
static void open_table(struct buf *out, const char *label, const char *const *headings, size_t n)
{
	buf_adds(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
	escape_markup(out, label);
	buf_adds(out, "\"><table><thead><tr>");
	for (size_t i = 0; i < n; i++) {
		bool number = headings[i][0] == '#';

		buf_addf(out, "<th scope=\"col\"%s>", number ? " class=\"n\"" : "");
		escape_markup(out, headings[i] + number);
		buf_adds(out, "</th>");
	}
	buf_adds(out, "</tr></thead>\n");
}

void html_open_table(struct buf *out, const char *label, const char *const *headings, size_t n)
{
	open_table(out, label, headings, n);
	buf_adds(out, "<tbody>\n");
}

void html_open_table_of(struct buf *out, const char *label, const char *const *headings, size_t n, const char *rows_id)
{
	open_table(out, label, headings, n);
	buf_addf(out, "<tbody id=\"%s\">\n", rows_id);
}

void html_close_table(struct buf *out)
{
	buf_adds(out, "</tbody></table></div>\n");
}

static void add_number(struct buf *out, const char *figure)
{
	buf_adds(out, "<td class=\"n\">");
	escape_markup(out, figure); /* "<$0.000000001" */
	buf_adds(out, "</td>");
}

static void add_count(struct buf *out, size_t n)
{
	buf_addf(out, "<td class=\"n%s\">%s</td>", n == 0 ? " zero" : "", figure_count(n).text);
}

static void add_group(struct buf *out, const struct report *r, size_t i, size_t columns)
{
	int rung = r->variants[i].rung;

	if (i == 0 || rung != r->variants[i - 1].rung)
		buf_addf(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\">Rung %d \u00b7 "
			      "%s</th></tr>\n", columns, rung,
			 report_rung_name(rung));
}

static void open_row(struct buf *out, const struct report_variant *v, bool with_model)
{
	buf_addf(out, "<tr%s><th scope=\"row\">", v->winner ? " class=\"winner\"" : "");
	html_name(out, v->name);
	if (with_model && v->model) {
		buf_adds(out, "<br/><small>");
		html_name(out, v->model);
		buf_adds(out, "</small>");
	}
	buf_adds(out, "</th>");
}

static void add_score(struct buf *out, const struct report_score *s)
{
	if (s->n == 0)
		buf_adds(out, "<td class=\"n zero\">\u2013</td>");
	else
		buf_addf(out, "<td class=\"n\">%s<br/><small>%s of %s</small></td>", figure_percent(s->score).text,
			 figure_span(s->low, s->high).text, figure_count(s->n).text);
}

static void add_state(struct buf *out, const struct report_variant *v)
{
	buf_adds(out, "<td>");
	buf_adds(out, v->winner      ? "winner"
		      : v->incumbent ? "in use today"
		      : v->candidate ? "candidate"
				     : report_status_name(v->status));
	if (v->why) {
		buf_adds(out, "<br/><small>");
		add_prose(out, v->why);
		buf_adds(out, "</small>");
	}
	buf_adds(out, "</td>");
}

void html_table_scores(struct buf *out, const struct report *r)
{
	static const char *const headings[] = { "Variant", "#Test score, 95% interval", "#Dev score, 95% interval",
					       "#Calls", "State" };

	html_open_table(out, "Scores of all variants", headings, 5);
	for (size_t i = 0; i < r->n_variants; i++) {
		const struct report_variant *v = &r->variants[i];

		add_group(out, r, i, 5);
		open_row(out, v, true);
		add_score(out, &v->test);
		add_score(out, &v->dev);
		add_count(out, v->calls);
		add_state(out, v);
		buf_adds(out, "</tr>\n");
	}
	html_close_table(out);
}

static const char *name_of(const struct report *r, const char *id)
{
	const struct report_variant *v = report_find(r, id);

	return v ? v->name : id;
}

/* The p-value of a full plan or the e-value of an early one. */
static void add_evidence(struct buf *out, const struct comparison *c)
{
	if (isfinite(c->p_value))
		buf_addf(out, "<td class=\"n\">p = %.2g</td>", c->p_value);
	else if (isfinite(c->e_value))
		buf_addf(out, "<td class=\"n\">e = %.3g</td>", c->e_value);
	else
		buf_adds(out, "<td class=\"n\">\u2013</td>");
}

static void add_comparison(struct buf *out, const struct report *r, const struct comparison *c)
{
	buf_adds(out, "<tr><th scope=\"row\">");
	html_name(out, name_of(r, c->to));
	buf_adds(out, "<br/><small>against ");
	html_name(out, name_of(r, c->from));
	buf_adds(out, "</small></th>");
	add_count(out, c->n);
	add_count(out, c->wins);
	add_count(out, c->losses);
	add_number(out, figure_points(c->delta).text);
	add_number(out, figure_gap(c->low, c->high).text);
	add_evidence(out, c);
	buf_addf(out, "<td class=\"n\">%s</td><td>%s</td></tr>\n", figure_share(c->alpha).text,
		 decision_name(c->decision));
}

void html_table_comparisons(struct buf *out, const struct report *r)
{
	static const char *const headings[] = { "Compared", "#Items", "#Won", "#Lost", "#Points", "#Interval",
					       "#Evidence",
						"#Share of alpha", "Decision" };

	html_open_table(out, "Comparisons on the test items", headings, 9);
	for (size_t i = 0; i < r->n_comparisons; i++)
		add_comparison(out, r, &r->comparisons[i]);
	html_close_table(out);
}

static const char *answer_name(const struct report *r, size_t got)
{
	return got < r->n_labels ? r->labels[got] : "no label";
}

static void confusion_matrix(struct buf *out, const struct report *r)
{
	buf_adds(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Confusion matrix\">"
		      "<table><thead><tr><th scope=\"col\">True label</th>");
	for (size_t got = 0; got <= r->n_labels; got++) {
		buf_adds(out, "<th scope=\"col\" class=\"n\">");
		html_name(out, answer_name(r, got));
		buf_adds(out, "</th>");
	}
	buf_adds(out, "</tr></thead>\n<tbody>\n");
	for (size_t want = 0; want < r->n_labels; want++) {
		buf_adds(out, "<tr><th scope=\"row\">");
		html_name(out, r->labels[want]);
		buf_adds(out, "</th>");
		for (size_t got = 0; got <= r->n_labels; got++)
			add_count(out, r->confusion[want * (r->n_labels + 1) + got]);
		buf_adds(out, "</tr>\n");
	}
	html_close_table(out);
}

struct pair {
	size_t want, got, n;
};

static int most_first(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	if (x->want != y->want)
		return x->want < y->want ? -1 : 1;
	return (x->got > y->got) - (x->got < y->got);
}

/* The non-zero cells, most frequent first; right ones too when asked for. The caller frees the list. */
static struct pair *gather_pairs(const struct report *r, bool right, size_t *n)
{
	size_t columns = r->n_labels + 1;
	struct pair *pairs = mem_zero(r->n_labels * columns + 1, sizeof(*pairs));

	*n = 0;
	for (size_t want = 0; want < r->n_labels; want++)
		for (size_t got = 0; got < columns; got++)
			if (r->confusion[want * columns + got] > 0 && (right || want != got))
				pairs[(*n)++] = (struct pair){ want, got, r->confusion[want * columns + got] };
	qsort(pairs, *n, sizeof(*pairs), most_first);
	return pairs;
}

static void add_pairs(struct buf *out, const struct report *r, const struct pair *pairs, size_t n)
{
	static const char *const headings[] = { "True label", "Answered", "#Items" };

	html_open_table(out, "Labels and answers", headings, 3);
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, "<tr><td>");
		html_name(out, r->labels[pairs[i].want]);
		buf_adds(out, "</td><td>");
		html_name(out, answer_name(r, pairs[i].got));
		buf_adds(out, "</td>");
		add_count(out, pairs[i].n);
		buf_adds(out, "</tr>\n");
	}
	html_close_table(out);
}

void html_table_confusion(struct buf *out, const struct report *r)
{
	struct pair *pairs;
	size_t n;

	if (r->n_labels <= MATRIX_LIMIT) {
		confusion_matrix(out, r);
		return;
	}
	pairs = gather_pairs(r, true, &n);
	add_pairs(out, r, pairs, n);
	free(pairs);
}

static void add_share(struct buf *out, double share)
{
	buf_addf(out, "<td class=\"n%s\">%s</td>", isnan(share) ? " zero" : "", figure_percent(share).text);
}

void html_table_classes(struct buf *out, const struct report *r)
{
	static const char *const headings[] = { "Label", "#Items", "#Answers", "#Precision", "#Recall", "#F1" };
	const struct report_classes *c = &r->classes;

	html_open_table(out, "The winner on each label", headings, 6);
	for (size_t i = 0; i < c->n; i++) {
		buf_adds(out, "<tr><th scope=\"row\">");
		html_name(out, c->list[i].label);
		buf_adds(out, "</th>");
		add_count(out, c->list[i].n);
		add_count(out, c->list[i].given);
		add_share(out, c->list[i].precision);
		add_share(out, c->list[i].recall);
		add_share(out, c->list[i].f1);
		buf_adds(out, "</tr>\n");
	}
	buf_addf(out, "<tr class=\"winner\"><th scope=\"row\">mean over %zu labels</th><td></td><td></td>", c->tested);
	add_share(out, c->precision);
	add_share(out, c->recall);
	add_share(out, c->f1);
	buf_adds(out, "</tr>\n");
	html_close_table(out);
}

void html_table_mistakes(struct buf *out, const struct report *r)
{
	size_t n;
	struct pair *pairs = gather_pairs(r, false, &n);

	if (n == 0)
		html_element(out, "p", "No item was answered wrongly.");
	else
		add_pairs(out, r, pairs, n < N_MISTAKES ? n : N_MISTAKES);
	free(pairs);
}

void html_table_outcomes(struct buf *out, const struct report *r)
{
	static const char *const headings[] = { "Variant", "On",         "#Right",     "#Wrong",   "#Unparsed",
						"#Refused", "#Truncated", "#Timeout", "#Error" };

	html_open_table(out, "What became of the answers", headings, 9);
	for (size_t i = 0; i < r->n_variants; i++) {
		const struct report_variant *v = &r->variants[i];

		add_group(out, r, i, 9);
		open_row(out, v, false);
		buf_addf(out, "<td>%s</td>", v->test.n > 0 ? "test" : v->dev.n > 0 ? "dev" : "\u2013");
		for (size_t k = 0; k < N_OUTCOMES; k++)
			add_count(out, v->outcomes[k]);
		buf_adds(out, "</tr>\n");
	}
	html_close_table(out);
}

void html_table_costs(struct buf *out, const struct report *r)
{
	static const char *const headings[] = { "Variant", "#$ per 1k calls", "#$ per 1k right", "#Tokens in",
					       "#Tokens out", "#p50",
						"#p95", "#$ per day", "#$ once", "#$ in all", "#Days to break even" };
	size_t columns = r->calls_per_day <= 0 ? 7 : r->horizon_days <= 0 ? 8 : 11;

	html_open_table(out, "Costs and latency", headings, columns);
	for (size_t i = 0; i < r->n_variants; i++) {
		const struct report_variant *v = &r->variants[i];
		bool tokens = v->input_tokens > 0 || v->output_tokens > 0;

		add_group(out, r, i, columns);
		open_row(out, v, false);
		add_number(out, figure_usd(v->usd_per_1k_calls).text);
		add_number(out, figure_usd(v->usd_per_1k_right).text);
		add_number(out, figure_number(tokens ? v->input_tokens : NAN).text);
		add_number(out, figure_number(tokens ? v->output_tokens : NAN).text);
		add_number(out, figure_ms(v->ms_p50).text);
		add_number(out, figure_ms(v->ms_p95).text);
		if (columns >= 8)
			add_number(out, figure_usd(v->usd_per_day).text);
		if (columns == 11) {
			add_number(out, figure_usd(v->one_off_usd).text);
			add_number(out, figure_usd(v->tco_usd).text);
			add_number(out, figure_days(v->break_even_days).text);
		}
		buf_adds(out, "</tr>\n");
	}
	html_close_table(out);
}
