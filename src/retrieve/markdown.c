/* markdown.c - md4c's blocks as offsets into the file.
 *
 * md4c calls back with pieces of text that point into the source, but for line breaks, indentation of code and NUL, which
 * it has copies of. A block goes from its first to its last piece, widened to what belongs to them on their lines: the
 * rest of a link, of emphasis, of a table's row. Autolinks are off: they change no text, and md4c 0.4.8 is quadratic in
 * them (2 MB of URLs took 8.7 s; nothing else it was given took more than .1 s a megabyte). */
#include <md4c.h>
#include <stdlib.h>
#include <string.h>

#include "retrieve/document_inner.h"

enum { CALLS_PER_BYTE = 8 }; /* a wide table over many short rows has more cells than bytes: then it is read as plain text */

struct reader {
	const struct document_file *f;
	struct parts *p;
	size_t from;          /* what md4c sees of the file begins here */
	size_t lists, quotes; /* open around this place */
	unsigned heading;     /* level of the one being read, or 0 */
	bool code, table, titled;
	size_t start, end;    /* of the block's text; none when equal */
	size_t calls;
};

static enum block_kind kind_of(const struct reader *r)
{
	if (r->table)
		return BLOCK_TABLE;
	if (r->code)
		return BLOCK_CODE;
	if (r->heading)
		return BLOCK_HEADING;
	return r->lists ? BLOCK_ITEM : r->quotes ? BLOCK_QUOTE : BLOCK_PARAGRAPH;
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* To the left over the marks in front of the first text, which md4c does not report. */
static size_t widen_start(const struct reader *r, enum block_kind kind, size_t start)
{
	const char *marks = kind == BLOCK_TABLE ? " \t|*_`[!<~\\" : kind == BLOCK_CODE ? " \t" : "*_`[!<~\\";
	size_t least = r->p->n_blocks ? r->p->blocks[r->p->n_blocks - 1].end : 0;

	while (start > least && is_one_of(r->f->bytes[start - 1], marks))
		start--;
	while (kind == BLOCK_TABLE && is_blank(r->f->bytes[start]))
		start++;
	return start;
}

/* To the end of the line: closing marks, a link's address, a row's last bar; not the #s that may close a heading. */
static size_t widen_end(const struct reader *r, enum block_kind kind, size_t end)
{
	const char *text = r->f->bytes;
	size_t last = end, closers;

	while (last < r->f->n && text[last] != '\n' && text[last] != '\r')
		last++;
	while (last > end && is_blank(text[last - 1]))
		last--;
	for (closers = last; closers > end && text[closers - 1] == '#';)
		closers--;
	if (kind == BLOCK_HEADING && closers < last && (closers == end || is_blank(text[closers - 1])))
		for (last = closers; last > end && is_blank(text[last - 1]);)
			last--;
	return last;
}

static void close_block(struct reader *r)
{
	const char *text = r->f->bytes;
	enum block_kind kind = kind_of(r);
	size_t start = r->start, end = r->end;

	while (start < end && is_blank(text[start]))
		start++;
	while (end > start && is_blank(text[end - 1]))
		end--;
	r->start = r->end = 0;
	if (start == end)
		return;
	parts_block(r->p, kind, kind == BLOCK_HEADING ? r->heading : 0, widen_start(r, kind, start),
		    widen_end(r, kind, end));
	r->titled = r->titled || kind == BLOCK_HEADING;
}

/* A table's rows and cells are not blocks of their own. */
static bool is_part_of_table(MD_BLOCKTYPE type)
{
	return type >= MD_BLOCK_THEAD && type <= MD_BLOCK_TD;
}

/* Whether a task is done belongs to its text. */
static void start_item(struct reader *r, const MD_BLOCK_LI_DETAIL *item)
{
	if (item->is_task) {
		r->start = r->from + item->task_mark_offset - 1;
		r->end = r->start + 3;
	}
}

static void turn_block(struct reader *r, MD_BLOCKTYPE type, void *detail, int by)
{
	if (type == MD_BLOCK_QUOTE)
		r->quotes += (size_t)by;
	else if (type == MD_BLOCK_UL || type == MD_BLOCK_OL)
		r->lists += (size_t)by;
	else if (type == MD_BLOCK_H)
		r->heading = by > 0 ? ((const MD_BLOCK_H_DETAIL *)detail)->level : 0;
	else if (type == MD_BLOCK_LI && by > 0)
		start_item(r, detail);
	else if (type == MD_BLOCK_CODE)
		r->code = by > 0;
	else if (type == MD_BLOCK_TABLE)
		r->table = by > 0;
}

/* Callbacks that return 1 end md_parse(). */
static int spend(struct reader *r)
{
	return ++r->calls > CALLS_PER_BYTE * r->f->n + 1000;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *context)
{
	if (!is_part_of_table(type)) {
		close_block(context);
		turn_block(context, type, detail, 1);
	}
	return spend(context);
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *context)
{
	if (!is_part_of_table(type)) {
		close_block(context);
		turn_block(context, type, detail, -1);
	}
	return spend(context);
}

static int enter_or_leave_span(MD_SPANTYPE type, void *detail, void *context)
{
	(void)type;
	(void)detail;
	return spend(context);
}

static int add_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE n, void *context)
{
	struct reader *r = context;
	uintptr_t at = (uintptr_t)text, base = (uintptr_t)r->f->bytes;

	(void)type;
	if (r->heading && !r->titled)
		buf_add(&r->p->title, text, n);
	if (n && at >= base && at < base + r->f->n) {
		if (r->end == r->start)
			r->start = at - base;
		r->end = at - base + n;
	}
	return spend(r);
}

/* The line at `at` without its end; *next is where the one behind it begins. */
static size_t line_bytes(const struct document_file *f, size_t at, size_t *next)
{
	const char *end = at < f->n ? memchr(f->bytes + at, '\n', f->n - at) : NULL;
	size_t n = end ? (size_t)(end - f->bytes) - at : f->n - at;

	*next = at + n + (end != NULL);
	return n && f->bytes[at + n - 1] == '\r' ? n - 1 : n;
}

static bool line_is(const struct document_file *f, size_t at, size_t n, const char *line)
{
	return n == strlen(line) && memcmp(f->bytes + at, line, n) == 0;
}

/* A rule at the top is no front matter unless a YAML key or comment follows. */
static bool looks_like_yaml(const char *line, size_t n)
{
	const char *colon = n ? memchr(line, ':', n) : NULL;

	return n && (line[0] == '#' || (colon > line && !is_blank(line[0]) && line[0] != '-' &&
					(colon + 1 == line + n || is_blank(colon[1]))));
}

/* `title: ...` of one line, in quotes or not. */
static void read_title(struct parts *p, const char *line, size_t n)
{
	if (n < 7 || memcmp(line, "title:", 6) != 0 || p->title.n)
		return;
	line += 6;
	n -= 6;
	while (n && is_blank(*line))
		line++, n--;
	while (n && is_blank(line[n - 1]))
		n--;
	if (n >= 2 && (line[0] == '"' || line[0] == '\'') && line[n - 1] == line[0])
		line++, n -= 2;
	buf_add(&p->title, line, n);
}

/* Where the text begins: behind a byte order mark and front matter, whose title goes to p. */
static size_t skip_front_matter(const struct document_file *f, struct parts *p)
{
	size_t from = f->n >= 3 && memcmp(f->bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0, at, next;
	size_t n = line_bytes(f, from, &at);

	if (!line_is(f, from, n, "---"))
		return from;
	n = line_bytes(f, at, &next);
	if (!looks_like_yaml(f->bytes + at, n))
		return from;
	for (; at < f->n; at = next) {
		n = line_bytes(f, at, &next);
		if (line_is(f, at, n, "---") || line_is(f, at, n, "..."))
			return next;
		read_title(p, f->bytes + at, n);
	}
	buf_clear(&p->title); /* never closed: it was none */
	return from;
}

/* md4c 0.4.8 looks for what ends a comment and the like ("-->", "?>", "</script>") without asking how much is left: up to so many bytes. */
enum { READ_BEYOND = 16 };

static char *padded(const char *bytes, size_t n)
{
	char *copy = mem_alloc(n + READ_BEYOND);

	memcpy(copy, bytes, n);
	memset(copy + n, 0, READ_BEYOND);
	return copy;
}

bool markdown_parse(const struct document_file *f, struct parts *p, struct error *err)
{
	struct buf front = { 0 };
	char *bytes = padded(f->bytes, f->n);
	struct document_file copy = *f;
	struct reader r = { .f = &copy, .p = p, .from = skip_front_matter(f, p) };
	const MD_PARSER parser = {
		.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS,
		.enter_block = enter_block, .leave_block = leave_block,
		.enter_span = enter_or_leave_span, .leave_span = enter_or_leave_span,
		.text = add_text,
	};

	(void)err;
	copy.bytes = bytes;
	front = p->title;
	p->title = (struct buf){ 0 };
	if (md_parse(bytes + r.from, (MD_SIZE)(f->n - r.from), &parser, &r) != 0) {
		p->n_blocks = 0;
		buf_clear(&p->title);
		plain_blocks(p, BLOCK_PARAGRAPH, f->bytes, r.from, f->n);
	}
	if (p->title.n == 0)
		buf_add(&p->title, buf_text(&front), front.n);
	buf_release(&front);
	free(bytes);
	return true;
}
