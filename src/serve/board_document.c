/* board_document.c - the stored text of a document, with what an answer cites marked in it. */
#include <stdio.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/html.h"
#include "serve/board_inner.h"

static void add_way(struct buf *out, const struct board_view *v, const char *text, size_t start)
{
	char at[24];

	snprintf(at, sizeof(at), "%zu", start);
	const char *const pairs[] = { "task", v->query.task, "name", v->query.document, "start", at, NULL };

	board_add_link(out, "/documents", pairs, text);
}

void board_write_document(struct buf *out, const struct board_view *v, const struct board_text *t)
{
	size_t start = v->query.start, end = v->query.end;
	bool marked = start >= t->from && start < end && end <= t->from + t->n;

	board_open_page(out, v, "Document");
	buf_adds(out, "<h1>");
	html_name(out, v->query.document);
	buf_adds(out, " <small>");
	html_name(out, v->query.task);
	buf_addf(out, ", bytes %s\u2013%s of %s</small></h1>\n<p>", figure_count(t->from).text, figure_count(t->from + t->n).text,
		 figure_count(t->whole).text);
	if (marked)
		buf_adds(out, "<a href=\"#cited\">To what is cited</a> ");
	if (t->from > 0)
		add_way(out, v, "Before", t->from > t->n / 2 ? t->from - t->n / 2 : 0);
	if (t->from + t->n < t->whole) {
		buf_adds(out, " ");
		add_way(out, v, "Further on", t->from + t->n + t->n / 2);
	}
	buf_adds(out, "</p>\n<pre class=\"whole\">");
	if (marked) {
		board_add_text(out, t->text, start - t->from, 0, 0);
		buf_adds(out, "<mark id=\"cited\">");
		board_add_text(out, t->text + start - t->from, end - start, 0, 0);
		buf_adds(out, "</mark>");
		board_add_text(out, t->text + end - t->from, t->from + t->n - end, 0, 0);
	} else {
		board_add_text(out, t->text, t->n, 0, 0);
	}
	buf_adds(out, "</pre>\n");
	board_close_page(out);
}

void board_write_documents(struct buf *out, const struct board_view *v, const char *const *names, size_t n)
{
	board_open_page(out, v, "Documents");
	buf_adds(out, "<h1>Documents <small>");
	html_name(out, v->query.task);
	buf_adds(out, "</small></h1>\n<ul>\n");
	for (size_t i = 0; i < n; i++) {
		const char *const pairs[] = { "task", v->query.task, "name", names[i], NULL };

		buf_adds(out, "<li>");
		board_add_link(out, "/documents", pairs, names[i]);
		buf_adds(out, "</li>\n");
	}
	buf_adds(out, "</ul>\n");
	board_close_page(out);
}
