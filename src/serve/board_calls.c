/* board_calls.c - calls, the newest first, and the form that chooses among them. */
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/html.h"
#include "serve/board_inner.h"

static void add_option(struct buf *out, const char *value, const char *text, const char *chosen)
{
	buf_adds(out, "<option value=\"");
	escape_markup(out, value);
	buf_addf(out, "\"%s>", chosen && strcmp(chosen, value) == 0 ? " selected=\"selected\"" : "");
	escape_markup(out, text);
	buf_adds(out, "</option>");
}

static void add_input(struct buf *out, const char *name, const char *label, const char *value)
{
	buf_addf(out, "<p><label for=\"%s\">%s</label><input id=\"%s\" name=\"%s\" size=\"15\" value=\"", name, label, name, name);
	escape_markup(out, value ? value : "");
	buf_adds(out, "\"/></p>\n");
}

static void add_filter(struct buf *out, const struct board_view *v)
{
	static const char *const kinds[][2] = { { "any", "something" }, { "boolean", "right or wrong" }, { "float", "a score" },
						{ "comment", "a comment" }, { "demonstration", "the right output" } };

	buf_adds(out, "<form class=\"filter\" method=\"get\" action=\"/calls\">\n<p><label for=\"task\">Model</label><select id=\"task\" name=\"task\">");
	add_option(out, "", "all", NULL);
	for (size_t i = 0; i < v->n_models; i++)
		add_option(out, v->models[i].name, v->models[i].name, v->query.task);
	buf_adds(out, "</select></p>\n");
	add_input(out, "variant", "Variant", v->query.variant);
	add_input(out, "verdict", "Verdict", v->query.verdict);
	buf_adds(out, "<p><label for=\"feedback\">Said of them</label><select id=\"feedback\" name=\"feedback\">");
	add_option(out, "", "anything or nothing", NULL);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		add_option(out, kinds[i][0], kinds[i][1], v->query.feedback);
	buf_adds(out, "</select></p>\n<p><button>Show</button></p>\n</form>\n");
}

static void add_said(struct buf *out, const struct board_call *c)
{
	buf_adds(out, "<td>");
	for (size_t i = 0; i < c->n_said; i++) {
		const struct served_feedback *f = &c->said[i];

		buf_adds(out, i ? ", " : "");
		if (strcmp(f->kind, "boolean") == 0)
			buf_adds(out, f->value > 0 ? "right" : "wrong");
		else if (strcmp(f->kind, "float") == 0)
			buf_adds(out, figure_percent(f->value).text);
		else
			escape_markup(out, f->kind);
	}
	buf_adds(out, "</td>");
}

static void add_start(struct buf *out, const char *text)
{
	buf_adds(out, "<td class=\"text\"><div class=\"start\">");
	escape_markup(out, text ? text : "\u2013");
	buf_adds(out, "</div></td>");
}

static void add_row(struct buf *out, const struct board_view *v, const struct board_call *c)
{
	buf_adds(out, "<tr><td><a href=\"/calls/");
	escape_markup(out, c->call.id);
	buf_adds(out, "\">");
	board_add_time(out, c->call.began_ms);
	buf_adds(out, "</a>");
	if (!v->viewer.tenant && c->call.tenant[0]) {
		buf_adds(out, "<span class=\"more\">");
		html_name(out, c->call.tenant);
		buf_adds(out, "</span>");
	}
	buf_adds(out, "</td><td>");
	html_name(out, c->call.task);
	buf_adds(out, "<span class=\"more\">");
	html_name(out, c->call.variant);
	buf_adds(out, "</span></td><td>");
	html_name(out, c->call.status);
	buf_addf(out, "%s</td>", c->call.cached ? "<span class=\"more\">from the cache</span>" : "");
	add_start(out, c->call.input);
	add_start(out, c->call.output);
	add_said(out, c);
	board_add_number(out, figure_ms(c->call.ms).text);
	board_add_number(out, figure_usd(c->call.usd).text);
	buf_adds(out, "</tr>\n");
}

static void add_pages(struct buf *out, const struct board_view *v, const struct board_call *calls, size_t n, bool more)
{
	const struct board_query *q = &v->query;
	const char *const older[] = { "task", q->task, "variant", q->variant, "verdict", q->verdict, "feedback", q->feedback,
				      "before", n ? calls[n - 1].call.id : NULL, NULL };
	const char *const newest[] = { "task", q->task, "variant", q->variant, "verdict", q->verdict, "feedback", q->feedback, NULL };

	buf_adds(out, "<p>");
	if (q->before)
		board_add_link(out, "/calls", newest, "The newest");
	if (q->before && more)
		buf_adds(out, " \u00b7 ");
	if (more)
		board_add_link(out, "/calls", older, "Older ones");
	buf_adds(out, "</p>\n");
}

void board_write_list(struct buf *out, const struct board_view *v, const struct board_call *calls, size_t n, bool more)
{
	static const char *const headings[] = { "When (UTC)", "Model, variant", "Status", "Input", "Output", "Said of it", "#Time", "#USD" };

	board_open_page(out, v, "Calls");
	buf_adds(out, "<h1>Calls <small>the newest first</small></h1>\n");
	add_filter(out, v);
	if (n == 0) {
		html_element(out, "p class=\"note\"", "There are none.");
	} else {
		buf_adds(out, "<div class=\"cards\">\n");
		html_open_table(out, "Calls", headings, sizeof(headings) / sizeof(headings[0]));
		for (size_t i = 0; i < n; i++)
			add_row(out, v, &calls[i]);
		html_close_table(out);
		buf_adds(out, "</div>\n");
	}
	add_pages(out, v, calls, n, more);
	board_close_page(out);
}
