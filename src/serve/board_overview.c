/* board_overview.c - traffic, cost, latency and quality of each model, as charts and as figures. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "report/escape.h"
#include "report/figure.h"
#include "report/html.h"
#include "serve/board_inner.h"

static void add_spans(struct buf *out, const struct board_view *v)
{
	buf_adds(out, "<ul class=\"spans\">\n");
	for (size_t i = 0; i < n_board_spans; i++)
		buf_addf(out, "<li><a href=\"/?span=%s\"%s>last %s</a></li>\n", board_spans[i].name,
			 &board_spans[i] == v->query.span ? " aria-current=\"page\"" : "", board_spans[i].label);
	buf_adds(out, "</ul>\n");
}

/* ---- all together ---- */

struct sums {
	size_t calls, answered, failed, said, unpriced;
	double usd;
};

static struct sums sums_of(const struct board_view *v, const struct board_tally *t)
{
	struct sums s = { 0 };

	for (size_t i = 0; i < v->n_models; i++)
		for (size_t k = 0; k < t->models[i].n_groups; k++) {
			const struct board_group *g = &t->models[i].groups[k];

			s.calls += g->calls;
			s.answered += g->answered;
			s.failed += g->failed;
			s.said += g->scores.n;
			s.unpriced += g->unpriced;
			s.usd += g->usd;
		}
	return s;
}

static void add_fact(struct buf *out, const char *name, const char *figure, const char *more)
{
	buf_addf(out, "<div><dt>%s</dt><dd>", name);
	escape_markup(out, figure);
	buf_adds(out, "<span>");
	escape_markup(out, more);
	buf_adds(out, "</span></dd></div>\n");
}

static double share(size_t part, size_t whole)
{
	return whole ? (double)part / (double)whole : NAN;
}

static void add_facts(struct buf *out, const struct sums *s, double usd_total)
{
	struct buf more = { 0 };

	buf_adds(out, "<dl class=\"facts\">\n");
	add_fact(out, "Calls", figure_count(s->calls).text, "in this time");
	add_fact(out, "Answered", figure_percent(share(s->answered, s->calls)).text, "with an answer that could be read");
	add_fact(out, "Failed", figure_percent(share(s->failed, s->calls)).text, "by our fault (5xx)");
	if (s->unpriced)
		buf_addf(&more, "and %s calls whose price nobody knows", figure_count(s->unpriced).text);
	add_fact(out, "Charged elsewhere", figure_usd(usd_total).text, s->unpriced ? buf_text(&more) : "by models that are not ours");
	add_fact(out, "Scored", figure_count(s->said).text, "calls that somebody said something of");
	buf_adds(out, "</dl>\n");
	buf_release(&more);
}

static void add_live(struct buf *out, const char *key, const char *name, size_t n)
{
	buf_addf(out, "<li>%s <strong data-live=\"%s\">%s</strong></li>\n", name, key, figure_count(n).text);
}

static void add_server(struct buf *out, const struct board_view *v)
{
	if (v->viewer.tenant)
		return;
	buf_adds(out, "<ul class=\"legend\">\n");
	add_live(out, "in_flight", "requests in flight", v->in_flight > 0 ? v->in_flight - 1 : 0); /* this one is none of them */
	add_live(out, "written", "rows written since the start", v->log.written);
	add_live(out, "waiting", "rows waiting", v->log.waiting);
	add_live(out, "dropped", "rows dropped because the log could not take them", v->log.dropped);
	buf_adds(out, "<li id=\"live\">as it was when this page was made</li>\n</ul>\n");
}

/* ---- a model ---- */

static void add_figure(struct buf *out, struct board_chart *c, const char *caption, const char *what, size_t at)
{
	char id[32];

	snprintf(id, sizeof(id), "%s-%zu", what, at);
	c->id = id;
	buf_adds(out, "<figure><figcaption>");
	buf_adds(out, caption);
	buf_adds(out, "</figcaption>\n");
	board_draw(out, c);
	buf_adds(out, "</figure>\n");
}

#define KEY(class_name) \
	"<svg class=\"swatch\" viewBox=\"0 0 12 12\" aria-hidden=\"true\"><rect class=\"" class_name "\" width=\"12\" height=\"12\"/></svg> "

static void name_ends(struct board_chart *c, const struct board_view *v, const struct board_tally *t, const struct board_model_tally *m)
{
	char from[CLOCK_MINUTE], to[CLOCK_MINUTE];
	double whole_ms = v->query.span->bucket_ms * (double)v->query.span->n;
	bool days = whole_ms > 2 * 86400e3, hours = whole_ms < 12 * 3600e3;

	clock_minute((int64_t)(t->from_ms / 1000), from);
	clock_minute((int64_t)(v->now_ms / 1000), to);
	snprintf(c->from, sizeof(c->from), "%.*s", days || hours ? 5 : 11, from + (hours ? 11 : 5)); /* of "2026-08-01 14:05 UTC" */
	snprintf(c->to, sizeof(c->to), "%.5s%s", to + (days ? 5 : 11), days ? "" : " UTC");
	c->n = v->query.span->n;
	c->marks = m->turns;
	c->n_marks = m->n_turns;
}

/* One model's buckets as series. */
struct series {
	double answered[BOARD_BUCKETS], none[BOARD_BUCKETS], failed[BOARD_BUCKETS], p50[BOARD_BUCKETS], p95[BOARD_BUCKETS], usd[BOARD_BUCKETS],
		score[BOARD_BUCKETS];
	bool timed, paid, scored; /* there is anything to draw */
};

static void fill(struct series *s, const struct board_bucket *b, size_t n)
{
	*s = (struct series){ 0 };
	for (size_t i = 0; i < n; i++) {
		s->answered[i] = (double)b[i].answered;
		s->none[i] = (double)b[i].none;
		s->failed[i] = (double)b[i].failed;
		s->p50[i] = b[i].p50;
		s->p95[i] = b[i].p95;
		s->usd[i] = b[i].usd;
		s->score[i] = b[i].scored ? b[i].scores / (double)b[i].scored : NAN;
		s->timed |= b[i].ms.n > 0;
		s->paid |= b[i].usd > 0;
		s->scored |= b[i].scored > 0;
	}
}

static void add_charts(struct buf *out, const struct board_view *v, const struct board_tally *t, size_t at)
{
	struct series s;
	struct board_chart calls = { .title = "Calls", .description = "Calls by time: answered, without an answer, failed. The table has the sums.",
				     .series = { s.answered, s.none, s.failed }, .classes = { "b-ok", "b-none", "b-bad" }, .n_series = 3, .bars = true,
				     .counts = true, .figure = figure_number };
	struct board_chart ms = { .title = "Milliseconds", .description = "Median and 95th percentile of the time to the whole reply.",
				  .series = { s.p50, s.p95 }, .n_series = 2, .figure = figure_ms };
	struct board_chart score = { .title = "Score", .description = "Mean score of the calls that somebody said something of.", .series = { s.score },
				     .n_series = 1, .figure = figure_percent, .least = 1 };
	struct board_chart usd = { .title = "USD", .description = "What models elsewhere charged.", .series = { s.usd }, .classes = { "b-ok" },
				   .n_series = 1, .bars = true, .figure = figure_usd };

	fill(&s, t->models[at].buckets, v->query.span->n);
	const struct { struct board_chart *chart; bool drawn; const char *name, *caption; } charts[] = {
		{ &calls, true, "calls", "calls: " KEY("b-ok") "answered " KEY("b-none") "no answer " KEY("b-bad") "failed" },
		{ &ms, s.timed, "ms", "time: " KEY("b-ok") "median " KEY("b-bad") "95th percentile" },
		{ &score, s.scored, "score", "mean score of what was said" },
		{ &usd, s.paid, "usd", "USD charged" },
	};

	buf_adds(out, "<div class=\"trio\">\n");
	for (size_t i = 0; i < sizeof(charts) / sizeof(charts[0]); i++) {
		if (!charts[i].drawn)
			continue;
		name_ends(charts[i].chart, v, t, &t->models[at]);
		add_figure(out, charts[i].chart, charts[i].caption, charts[i].name, at);
	}
	buf_adds(out, "</div>\n");
	if (t->models[at].n_turns > 0)
		html_element(out, "p class=\"note\"", "Upright lines: from there on another verdict serves.");
}

static void add_pair(struct buf *out, double a, double b)
{
	struct buf text = { 0 };

	buf_addf(&text, "%s, %s", figure_ms(a).text, figure_ms(b).text);
	board_add_number(out, isnan(a) ? "\u2013" : buf_text(&text));
	buf_release(&text);
}

static void add_count(struct buf *out, size_t n)
{
	buf_addf(out, "<td class=\"n%s\">%s</td>", n == 0 ? " zero" : "", figure_count(n).text);
}

/* "412", "12.3k", "1.27M" */
static struct figure short_number(double x)
{
	struct figure f = figure_number(x);

	if (x >= 1e4)
		snprintf(f.text, sizeof(f.text), x < 1e6 ? "%.3gk" : "%.3gM", x / (x < 1e6 ? 1e3 : 1e6));
	return f;
}

/* A variant of two climbs is two verdicts. */
static void add_verdict(struct buf *out, const char *verdict)
{
	if (!verdict[0])
		return;
	buf_adds(out, " <small>");
	html_name(out, verdict);
	buf_adds(out, "</small>");
}

static void add_group(struct buf *out, const char *model, const struct board_group *g)
{
	const char *const pairs[] = { "task", model, "variant", g->variant[0] ? g->variant : NULL,
				      "verdict", g->verdict[0] ? g->verdict : NULL, NULL };
	struct buf text = { 0 };

	buf_adds(out, "<tr><th scope=\"row\">");
	board_add_link(out, "/calls", pairs, g->variant[0] ? g->variant : "(nobody answered)");
	add_verdict(out, g->verdict);
	buf_adds(out, "</th>");
	add_count(out, g->calls);
	add_count(out, g->answered);
	add_count(out, g->none);
	add_count(out, g->refused);
	add_count(out, g->failed);
	add_count(out, g->cached);
	add_pair(out, g->p50, g->p95);
	add_pair(out, g->first_p50, g->first_p95);
	buf_addf(&text, "%s / %s", short_number(g->input_tokens).text, short_number(g->output_tokens).text);
	board_add_number(out, buf_text(&text));
	board_add_number(out, g->unpriced == g->calls && g->calls ? "\u2013" : figure_usd(g->usd).text);
	buf_adds(out, "</tr>\n");
	buf_release(&text);
}

static void add_table(struct buf *out, const struct board_model_tally *m)
{
	static const char *const headings[] = { "Variant", "#Calls", "#Answered", "#No answer", "#Refused (4xx)", "#Failed (5xx)", "#Cached",
						"#p50, p95", "#First byte", "#Tokens in / out", "#USD" };

	html_open_table(out, "Calls by variant", headings, sizeof(headings) / sizeof(headings[0]));
	for (size_t i = 0; i < m->n_groups; i++)
		if (m->groups[i].calls > 0)
			add_group(out, m->model->name, &m->groups[i]);
	html_close_table(out);
}

static void add_quality(struct buf *out, const struct board_model_tally *m)
{
	static const char *const headings[] = { "Variant", "#Scored calls", "#Mean score", "#95% interval", "0 to 100%" };
	size_t scored = 0;

	for (size_t i = 0; i < m->n_groups; i++)
		scored += m->groups[i].scores.n;
	if (scored == 0) {
		html_element(out, "p class=\"note\"", "Quality: nobody has said anything of these calls.");
		return;
	}
	buf_adds(out, "<h3>Quality, by what was said of answers</h3>\n");
	html_open_table(out, "Quality by variant", headings, sizeof(headings) / sizeof(headings[0]));
	for (size_t i = 0; i < m->n_groups; i++) {
		const struct board_group *g = &m->groups[i];

		if (g->scores.n == 0)
			continue;
		buf_adds(out, "<tr><th scope=\"row\">");
		html_name(out, g->variant);
		add_verdict(out, g->verdict);
		buf_adds(out, "</th>");
		add_count(out, g->scores.n);
		board_add_number(out, figure_percent(g->score).text);
		board_add_number(out, figure_span(g->interval.low, g->interval.high).text);
		buf_adds(out, "<td>");
		board_draw_interval(out, g->score, g->interval, board_rung(g->variant));
		buf_adds(out, "</td></tr>\n");
	}
	html_close_table(out);
}

/* ---- who serves, and who is on trial ---- */

static void add_record(struct buf *out, const struct live_record *r)
{
	if (r->n)
		buf_addf(out, "%s scored calls, mean %s", figure_count(r->n).text, figure_percent(live_mean(r)).text);
	else
		buf_adds(out, "no scored call yet");
}

static void add_since(struct buf *out, const char *text, const struct served_turn *turn, uint64_t since_ms)
{
	buf_addf(out, "<p>%s <strong>", text);
	html_name(out, turn->variant);
	buf_adds(out, "</strong> (verdict ");
	html_name(out, turn->verdict);
	buf_adds(out, ") since ");
	board_add_time(out, since_ms);
}

static void add_trial(struct buf *out, const struct board_model_tally *m)
{
	const struct served_turn *c = m->standing.challenger;
	const struct live *l = m->model->weighed;

	add_since(out, c->share > 0 ? "On trial:" : "In the shadow:", c, m->standing.trial_ms);
	if (c->share > 0)
		buf_addf(out, ", with %s of the calls", figure_share(c->share).text);
	if (l) {
		buf_adds(out, ": ");
		add_record(out, &l->record[LIVE_CHALLENGER]);
		buf_adds(out, "; beside it, who serves: ");
		add_record(out, &l->rival);
		buf_addf(out, ". Evidence (e-values) that it is not worse by %s points: %s of the %s that promote it; that it is "
			      "worse: %s of the %s that end the trial.",
			 figure_margin(l->rule.margin).text, figure_number(exp(live_log_not_worse(l))).text, figure_number(1 / l->rule.alpha).text,
			 figure_number(exp(live_log_worse(l))).text, figure_number(1 / l->rule.alpha).text);
	}
	buf_adds(out, "</p>\n");
}

static void add_standing(struct buf *out, const struct board_model_tally *m)
{
	const char *const pairs[] = { "task", m->model->name, NULL };
	const struct standing *s = &m->standing;
	const struct live *l = m->model->weighed;

	if (s->serving) {
		add_since(out, "Serves:", s->serving, s->since_ms);
		if (l) {
			buf_adds(out, ": ");
			add_record(out, &l->record[LIVE_SERVING]);
			if (!isnan(l->baseline))
				buf_addf(out, "; it has to keep %s", figure_percent(l->baseline).text);
		}
		buf_adds(out, "</p>\n");
	}
	if (s->fallen)
		html_element(out, "p class=\"wrong\"", "It has fallen below what it did, and nothing served before: it goes on.");
	if (s->challenger)
		add_trial(out, m);
	buf_adds(out, "<p>");
	board_add_link(out, "/history", pairs, "History of its verdicts");
	buf_adds(out, " \u00b7 ");
	board_add_link(out, "/calls", pairs, "Its calls");
	if (m->model->documents) {
		buf_adds(out, " \u00b7 ");
		board_add_link(out, "/documents", pairs, "Its documents");
	}
	buf_adds(out, "</p>\n");
}

static bool add_upstream(struct buf *out, const struct board_tally *t, const char *name)
{
	for (size_t i = 0; i < t->n_upstreams; i++)
		if (strcmp(t->upstreams[i].upstream, name) == 0) {
			buf_addf(out, "<p>Requests sent to it: %s, of which %s did not answer.</p>\n", figure_count(t->upstreams[i].attempts).text,
				 figure_count(t->upstreams[i].failed).text);
			return true;
		}
	return false;
}

static void add_model(struct buf *out, const struct board_view *v, const struct board_tally *t, size_t at)
{
	const struct board_model_tally *m = &t->models[at];
	bool any = false;

	for (size_t i = 0; i < m->n_groups; i++)
		any |= m->groups[i].calls > 0 || m->groups[i].scores.n > 0;
	buf_adds(out, "<section>\n<h2>");
	html_name(out, m->model->name);
	buf_adds(out, m->model->by ? "</h2>\n" : " <small>as it is, without a task</small></h2>\n");
	if (m->model->by)
		add_standing(out, m);
	add_upstream(out, t, m->model->name);
	if (any) {
		add_charts(out, v, t, at);
		add_table(out, m);
		add_quality(out, m);
	} else {
		html_element(out, "p class=\"note\"", "Nobody asked in this time.");
	}
	buf_adds(out, "</section>\n");
}

void board_write_overview(struct buf *out, const struct board_view *v, const struct board_tally *t)
{
	const struct sums s = sums_of(v, t);
	struct buf note = { 0 };

	board_open_page(out, v, "Overview");
	buf_addf(out, "<h1>What was served <small>the last %s</small></h1>\n", v->query.span->label);
	add_spans(out, v);
	add_facts(out, &s, s.usd);
	add_server(out, v);
	if (t->cut) {
		buf_addf(&note, "More was served than this page goes through: its figures are of the newest %s calls.", figure_count(t->looked_at).text);
		html_element(out, "p class=\"note\"", buf_text(&note));
	}
	for (size_t i = 0; i < v->n_models; i++)
		add_model(out, v, t, i);
	html_element(out, "footer", "Times are UTC. A score is what the task's scorer says where the right output was shown, else the mean of what was "
				    "said; intervals hold however often they are looked at (docs/serve.md).");
	board_close_page(out);
	buf_release(&note);
}
