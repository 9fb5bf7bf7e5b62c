/* html_wordings.c - the page's section on wordings that a model proposed: what became of each, and its text to copy. */
#include "report/escape.h"
#include "report/html.h"
#include "report/words.h"

/* Line by line: a cleaned text has none. */
static void add_text(struct buf *out, const char *text)
{
	buf_adds(out, "<pre>");
	for (const char *line = text; *line;) {
		const char *end = line;
		struct buf one = { 0 };

		while (*end && *end != '\n')
			end++;
		buf_add(&one, line, (size_t)(end - line));
		escape_markup(out, buf_text(&one));
		buf_release(&one);
		if (*end)
			buf_addc(out, '\n');
		line = end + (*end == '\n');
	}
	buf_adds(out, "</pre>\n");
}

void html_wordings(struct buf *out, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->n_wordings == 0)
		return;
	buf_adds(out, "<section>\n<h2>Rewritten instructions</h2>\n");
	for (size_t i = 0; buf_clear(&sentence), words_wording(&sentence, r, i); i++) {
		html_prose(out, "p", buf_text(&sentence));
		if (r->wordings[i].variant)
			add_text(out, r->wordings[i].text);
	}
	buf_adds(out, "</section>\n");
	buf_release(&sentence);
}
