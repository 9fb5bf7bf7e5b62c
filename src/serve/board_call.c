/* board_call.c - one call: what was asked and answered, what the answer stands on, what was said of it, and forms to say something. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/html.h"
#include "serve/board_inner.h"

static void add_term(struct buf *out, const char *name, const char *text)
{
	if (!text || !text[0])
		return;
	buf_addf(out, "<div><dt>%s</dt><dd>", name);
	html_name(out, text);
	buf_adds(out, "</dd></div>\n");
}

static void add_figures(struct buf *out, const struct served_call *c)
{
	struct buf tokens = { 0 };

	buf_addf(&tokens, "%s in, %s out", figure_count(c->input_tokens).text, figure_count(c->output_tokens).text);
	add_term(out, "tokens", buf_text(&tokens));
	add_term(out, "USD charged elsewhere", figure_usd(c->usd).text);
	add_term(out, "time", figure_ms(c->ms).text);
	if (!isnan(c->first_ms))
		add_term(out, "to the first byte", figure_ms(c->first_ms).text);
	if (!isnan(c->probability))
		add_term(out, "probability of the answer", figure_percent(c->probability).text);
	if (c->propensity < 1)
		add_term(out, "chance chose it with", figure_share(c->propensity).text);
	buf_release(&tokens);
}

static void add_facts(struct buf *out, const struct board_view *v, const struct served_call *c)
{
	char http[16];

	snprintf(http, sizeof(http), "%d", c->http);
	buf_adds(out, "<dl class=\"plain\">\n");
	add_term(out, "model", c->task);
	add_term(out, "variant", c->variant);
	add_term(out, "verdict", c->verdict);
	add_term(out, "status", c->status);
	add_term(out, "HTTP status", http);
	add_term(out, "why", c->why);
	add_figures(out, c);
	add_term(out, "from the cache", c->cached ? "yes" : NULL);
	add_term(out, "streamed", c->stream ? "yes" : NULL);
	add_term(out, "about", c->subject);
	add_term(out, "key", c->key);
	add_term(out, "tenant", v->viewer.tenant ? NULL : c->tenant);
	buf_adds(out, "</dl>\n");
}

static void add_whole(struct buf *out, const char *title, const char *text)
{
	buf_addf(out, "<section>\n<h2>%s</h2>\n", title);
	if (text) {
		buf_adds(out, "<pre>");
		board_add_text(out, text, strlen(text), 0, 0);
		buf_adds(out, "</pre>\n");
	} else {
		html_element(out, "p class=\"note\"", "It was not kept, or there was none.");
	}
	buf_adds(out, "</section>\n");
}

/* ---- citations ---- */

static void add_citation(struct buf *out, const struct served_call *c, const json_t *one, const char *around)
{
	const char *name = json_string_value(json_object_get(one, "document")), *text = json_string_value(json_object_get(one, "text"));
	const char *match = json_string_value(json_object_get(one, "match"));
	char start[24], end[24];

	snprintf(start, sizeof(start), "%lld", (long long)json_integer_value(json_object_get(one, "start")));
	snprintf(end, sizeof(end), "%lld", (long long)json_integer_value(json_object_get(one, "end")));
	const char *const pairs[] = { "task", c->task, "name", name, "start", start, "end", end, NULL };

	buf_adds(out, "<li>");
	if (around[0])
		board_add_link(out, "/documents", pairs, name ? name : "");
	else
		html_name(out, name ? name : "");
	buf_addf(out, " <small>bytes %s\u2013%s, ", start, end);
	escape_markup(out, match ? match : "");
	buf_addf(out, "%s</small>\n<blockquote class=\"cited\">",
		 around[0] ? "" : "; the document is not stored any more as it was: this is what was cited");
	if (around[0])
		buf_adds(out, around); /* written by board_add_text() */
	else
		board_add_text(out, text ? text : "", text ? strlen(text) : 0, 0, 0);
	buf_adds(out, "</blockquote></li>\n");
}

static void add_citations(struct buf *out, const struct served_call *c, const char *const *around)
{
	json_t *cited = c->citations ? json_loads(c->citations, 0, NULL) : NULL, *one;
	size_t i;

	if (json_array_size(cited) > 0) {
		buf_adds(out, "<section>\n<h2>What it stands on</h2>\n<ol>\n");
		json_array_foreach(cited, i, one)
			add_citation(out, c, one, around[i]);
		buf_adds(out, "</ol>\n</section>\n");
	}
	json_decref(cited);
}

/* ---- attempts ---- */

static void add_attempts(struct buf *out, const struct board_call *c)
{
	static const char *const headings[] = { "Upstream", "Status", "#HTTP", "#Time", "#First byte", "#Bytes", "Why" };

	if (c->n_attempts == 0)
		return;
	buf_adds(out, "<section>\n<h2>Requests to upstreams</h2>\n");
	html_open_table(out, "Attempts", headings, sizeof(headings) / sizeof(headings[0]));
	for (size_t i = 0; i < c->n_attempts; i++) {
		const struct served_attempt *a = &c->attempts[i];

		buf_adds(out, "<tr><th scope=\"row\">");
		html_name(out, a->upstream);
		buf_adds(out, "</th><td>");
		html_name(out, a->status);
		buf_addf(out, "</td><td class=\"n\">%d</td>", a->http);
		board_add_number(out, figure_ms(a->ms).text);
		board_add_number(out, figure_ms(a->first_ms).text);
		board_add_number(out, figure_count(a->bytes).text);
		html_element(out, "td", a->why ? a->why : "");
		buf_adds(out, "</tr>\n");
	}
	html_close_table(out);
	buf_adds(out, "</section>\n");
}

/* ---- what was said, and what may be ---- */

static void add_feedback(struct buf *out, const struct served_feedback *f)
{
	buf_adds(out, "<tr><th scope=\"row\">");
	html_name(out, f->name);
	buf_adds(out, "</th><td>");
	if (strcmp(f->kind, "boolean") == 0)
		buf_adds(out, f->value > 0 ? "right" : "wrong");
	else if (strcmp(f->kind, "float") == 0)
		buf_adds(out, figure_percent(f->value).text);
	else
		board_add_text(out, f->text ? f->text : "", f->text ? strlen(f->text) : 0, 0, 0);
	buf_adds(out, "</td><td>");
	board_add_time(out, f->at_ms);
	buf_adds(out, "</td></tr>\n");
}

static void add_said(struct buf *out, const struct board_view *v, const struct board_call *c)
{
	static const char *const headings[] = { "Name", "What was said", "When (UTC)" };

	buf_adds(out, "<section id=\"said\">\n<h2>What was said of it</h2>\n");
	if (v->query.noted)
		html_element(out, "p class=\"said\" role=\"status\"", "It was taken. Where it does not stand below yet, it is being written: reload this page.");
	if (c->n_said == 0) {
		html_element(out, "p class=\"note\"", "Nothing yet.");
	} else {
		html_open_table(out, "Feedback", headings, sizeof(headings) / sizeof(headings[0]));
		for (size_t i = 0; i < c->n_said; i++)
			add_feedback(out, &c->said[i]);
		html_close_table(out);
	}
	buf_adds(out, "</section>\n");
}

static void open_form(struct buf *out, const struct board_view *v, const struct served_call *c)
{
	buf_adds(out, "<form method=\"post\" action=\"/calls/");
	escape_markup(out, c->id);
	buf_addf(out, "\"><input type=\"hidden\" name=\"token\" value=\"%s\"/>\n", v->viewer.token);
}

static void add_forms(struct buf *out, const struct board_view *v, const struct served_call *c)
{
	if (!v->viewer.may_say)
		return;
	buf_adds(out, "<section>\n<h2>Say something of it</h2>\n<p class=\"note\">What is said here stands beside what clients say, and counts like it: a "
		      "score decides trials, the right output is proposed as an example. Said again, it replaces what was said here before.</p>\n<div class=\"say\">\n");
	open_form(out, v, c);
	buf_adds(out, "<span class=\"caption\">The answer is</span><button name=\"verdict\" value=\"right\">right</button> "
		      "<button name=\"verdict\" value=\"wrong\">wrong</button></form>\n");
	open_form(out, v, c);
	buf_adds(out, "<label for=\"score\">A score from 0 to 100</label><input id=\"score\" name=\"score\" type=\"number\" min=\"0\" max=\"100\" "
		      "step=\"any\" required=\"required\"/> <button>Give the score</button></form>\n");
	open_form(out, v, c);
	buf_adds(out, "<label for=\"demonstration\">The right output</label><textarea id=\"demonstration\" name=\"demonstration\" maxlength=\"16000\" "
		      "required=\"required\">\n");
	board_add_text(out, c->output ? c->output : "", c->output && strlen(c->output) < 16000 ? strlen(c->output) : 0, 0, 0);
	buf_adds(out, "</textarea><p><button>Show the right output</button></p></form>\n");
	open_form(out, v, c);
	buf_adds(out, "<label for=\"comment\">A comment</label><textarea id=\"comment\" name=\"comment\" maxlength=\"16000\" "
		      "required=\"required\"></textarea><p><button>Comment</button></p></form>\n</div>\n</section>\n");
}

void board_write_call(struct buf *out, const struct board_view *v, const struct board_call *c, const char *const *around)
{
	board_open_page(out, v, "Call");
	buf_adds(out, "<h1>A call <small>");
	board_add_time(out, c->call.began_ms);
	buf_adds(out, " UTC \u00b7 ");
	escape_markup(out, c->call.id);
	buf_adds(out, "</small></h1>\n");
	add_facts(out, v, &c->call);
	add_whole(out, "Input", c->call.input);
	add_whole(out, "Output", c->call.output);
	add_citations(out, &c->call, around);
	add_attempts(out, c);
	add_said(out, v, c);
	add_forms(out, v, &c->call);
	board_close_page(out);
}
