/* html.c - the visible text of a page, and where each run of it stands in the file.
 *
 * White space is one space outside of <pre>; blocks are a blank line apart, list items, rows of tables and <br> a line
 * end, cells a tab. There is no tree: what is open is counted, so nesting costs nothing and wrong nesting does no harm. A
 * table that holds headings, preformatted text, another table or paragraphs lays out a page, and its cells are blocks. */
#include "retrieve/document_inner.h"
#include "retrieve/markup.h"

struct page {
	struct parts *p;
	struct markup m;
	size_t lists, quotes, pres; /* open around this place */
	unsigned heading;           /* level of the one being read, or 0 */
	bool table;                 /* inside a table of data: one block */
	bool open;                  /* a block has begun */
	size_t start;               /* of it */
	bool space, line;           /* white space, a line end since the block's last character */
	size_t tabs, cells;         /* cells since; cells of this row */
	size_t indent;              /* in <pre>, before its text: where the line began */
	bool item_before;           /* the block before was a list item */
};

static enum block_kind kind_of(const struct page *g)
{
	if (g->table)
		return BLOCK_TABLE;
	if (g->pres)
		return BLOCK_CODE;
	if (g->heading)
		return BLOCK_HEADING;
	return g->lists ? BLOCK_ITEM : g->quotes ? BLOCK_QUOTE : BLOCK_PARAGRAPH;
}

static void close_block(struct page *g)
{
	struct parts *p = g->p;
	enum block_kind kind = kind_of(g);

	if (g->open) {
		while (is_blank(p->text.data[p->text.n - 1])) /* the end of <pre> */
			p->text.n--;
		while (p->n_origins && p->origins[p->n_origins - 1].text >= p->text.n)
			p->n_origins--;
		parts_block(p, kind, kind == BLOCK_HEADING ? g->heading : 0, g->start, p->text.n);
		g->item_before = kind == BLOCK_ITEM;
	}
	g->open = g->space = g->line = false;
	g->tabs = g->cells = 0;
	g->indent = g->m.at;
}

/* The first line of <pre> keeps its indentation, unless a tag stands in it. */
static void add_indent(struct page *g, size_t source)
{
	const char *line = g->m.bytes + g->indent;
	size_t n = source - g->indent;

	for (size_t i = 0; i < n; i++)
		if (line[i] != ' ' && line[i] != '\t')
			return;
	parts_origin(g->p, g->indent, 0);
	buf_add(&g->p->text, line, n);
}

static void open_block(struct page *g, size_t source)
{
	struct buf *text = &g->p->text;

	if (text->n)
		buf_adds(text, g->item_before && kind_of(g) == BLOCK_ITEM ? "\n" : "\n\n");
	g->open = true;
	g->start = text->n;
	if (kind_of(g) == BLOCK_CODE && source > g->indent)
		add_indent(g, source);
}

/* Bytes that are seen, behind what separates them from those before. */
static void add_visible(struct page *g, const char *bytes, size_t n, size_t source)
{
	struct buf *text = &g->p->text;

	if (!g->open)
		open_block(g, source);
	else if (g->line)
		buf_addc(text, '\n');
	else if (g->space && !g->tabs)
		buf_addc(text, ' ');
	for (; g->tabs && text->n > g->start; g->tabs--)
		buf_addc(text, '\t');
	g->space = g->line = false;
	g->tabs = 0;
	parts_origin(g->p, source, 0);
	buf_add(text, bytes, n);
}

/* Inside <pre> white space counts once the text has begun, with line ends as LF. */
static void add_blank(struct page *g, char c, size_t source)
{
	bool pair = c == '\r' && source + 1 < g->m.n && g->m.bytes[source + 1] == '\n';

	if (kind_of(g) != BLOCK_CODE)
		g->space = true;
	else if (g->open && !pair)
		add_visible(g, c == '\r' ? "\n" : &c, 1, source);
	else if (c == '\n' || c == '\r')
		g->indent = source + 1;
}

static void add_text(struct page *g, size_t start, size_t end)
{
	const char *bytes = g->m.bytes, *decoded;

	for (size_t i = start, n, step = 1; i < end; i += step, step = 1) {
		if (is_blank(bytes[i])) {
			add_blank(g, bytes[i], i);
		} else if (bytes[i] == '&') {
			step = markup_reference(&g->m, i, end, &decoded, &n);
			if (n == 1 && is_blank(*decoded) && !(g->pres && g->open))
				g->space = true;
			else
				add_visible(g, decoded, n, i);
		} else {
			while (i + step < end && bytes[i + step] != '&' && !is_blank(bytes[i + step]))
				step++;
			add_visible(g, bytes + i, step, i);
		}
	}
}

static void read_title(struct page *g)
{
	struct buf *title = g->p->title.n || g->p->text.n ? NULL : &g->p->title; /* titles of pictures come later */
	struct markup_token t;
	const char *decoded;

	while (markup_next(&g->m, &t) && t.kind == MARKUP_TEXT)
		for (size_t i = t.start, n, step; i < t.end; i += step) {
			n = step = 1;
			decoded = g->m.bytes + i;
			if (*decoded == '&')
				step = markup_reference(&g->m, i, t.end, &decoded, &n);
			if (title)
				buf_add(title, decoded, n);
		}
}

static void skip_element(struct page *g, const struct markup_element *e)
{
	struct markup_token t;

	for (size_t depth = 1; depth && markup_next(&g->m, &t);)
		if (t.element == e && t.kind != MARKUP_TEXT)
			depth = t.kind == MARKUP_OPEN ? depth + 1 : depth - 1;
}

/* Looks as far as the end of the table or the next one, so many tables are still looked at once. */
static bool is_data(const struct page *g)
{
	struct markup ahead = g->m; /* looking decodes nothing, so nothing is shared that changes */
	struct markup_token t;
	size_t paragraphs = 0; /* of this cell */

	while (markup_next(&ahead, &t)) {
		unsigned traits = t.element ? t.element->traits : 0;

		if (t.kind == MARKUP_CLOSE && traits & MARKUP_TABLE)
			return true;
		if (t.kind == MARKUP_CLOSE || !traits)
			continue;
		if (traits & MARKUP_CELL)
			paragraphs = 0;
		if (strcmp(t.element->name, "p") == 0)
			paragraphs++;
		if (paragraphs > 1 || traits & (MARKUP_TABLE | MARKUP_HEADING | MARKUP_PRE))
			return false;
	}
	return true;
}

/* A tag inside a table of data. */
static void turn_table(struct page *g, const struct markup_token *t)
{
	unsigned traits = t->element->traits;

	if (t->kind == MARKUP_CLOSE && traits & MARKUP_TABLE) {
		close_block(g);
		g->table = false;
	} else if (traits & MARKUP_ROW) {
		g->line = g->open;
		g->tabs = g->cells = 0;
	} else if (traits & MARKUP_CELL && t->kind == MARKUP_OPEN) {
		g->tabs += g->cells++ > 0;
	} else if (traits & (MARKUP_BREAK | MARKUP_LINE)) {
		g->space = true;
	}
}

static void turn_count(size_t *count, const struct markup_token *t)
{
	if (t->kind == MARKUP_OPEN)
		++*count;
	else if (*count)
		--*count;
}

/* A heading that is never closed ends where another block begins; <h1><div> is usual. */
static void turn_heading(struct page *g, const struct markup_token *t)
{
	if (t->element->traits & MARKUP_HEADING)
		g->heading = t->kind == MARKUP_OPEN ? (unsigned)(t->element->name[1] - '0') : 0;
	else if (t->kind == MARKUP_OPEN && strcmp(t->element->name, "div") != 0)
		g->heading = 0;
}

static void turn_block(struct page *g, const struct markup_token *t)
{
	unsigned traits = t->element->traits;

	if (traits & MARKUP_LINE)
		g->line = g->open;
	if (!(traits & MARKUP_BREAK))
		return;
	close_block(g);
	turn_heading(g, t);
	if (traits & MARKUP_LIST)
		turn_count(&g->lists, t);
	if (traits & MARKUP_QUOTE)
		turn_count(&g->quotes, t);
	if (traits & MARKUP_PRE)
		turn_count(&g->pres, t);
	if (traits & MARKUP_TABLE)
		g->table = t->kind == MARKUP_OPEN && is_data(g);
}

static void turn(struct page *g, const struct markup_token *t)
{
	if (t->kind == MARKUP_OPEN && t->element->traits & MARKUP_HIDDEN)
		skip_element(g, t->element);
	else if (t->kind == MARKUP_OPEN && t->element->traits & MARKUP_TITLE)
		read_title(g);
	else if (g->table)
		turn_table(g, t);
	else
		turn_block(g, t);
}

bool html_parse(const struct document_file *f, struct parts *p, struct error *err)
{
	struct page g = { .p = p };
	struct markup_token t;

	markup_init(&g.m, f->bytes, f->n);
	if (f->n >= 3 && memcmp(f->bytes, "\xEF\xBB\xBF", 3) == 0)
		g.m.at = 3;
	while (markup_next(&g.m, &t)) {
		if (t.kind == MARKUP_TEXT)
			add_text(&g, t.start, t.end);
		else if (t.element)
			turn(&g, &t);
	}
	close_block(&g);
	markup_release(&g.m);
	if (p->text.n > DOCUMENT_BYTES)
		return error_set(err, "%s: its text is more than the %d MiB that a document may have; split it", f->name,
				 DOCUMENT_BYTES >> 20);
	return true;
}
