/* pdf_layout.c - reads what pdftotext -bbox-layout writes: pages of blocks of lines of words, as XHTML.
 *
 * Words are a space apart, lines a line end, blocks a blank line; a page ends its last block. The boxes are not used. What
 * comes is read as it comes, so a long PDF costs the memory of its text; it is hostile input as any page is. */
#include "retrieve/pdf_layout.h"

#include "base/text.h"

static bool is_named(const struct markup_token *t, const char *name)
{
	return t->kind != MARKUP_TEXT && t->name_bytes == strlen(name) && memcmp(t->name, name, t->name_bytes) == 0;
}

static void close_block(struct pdf_layout *l)
{
	if (l->open)
		parts_block(l->p, BLOCK_PARAGRAPH, 0, l->start, l->p->text.n);
	l->open = l->line = false;
}

/* Valid UTF-8 without control characters goes in; a word of nothing else is left out. */
static void add_word(struct pdf_layout *l)
{
	struct buf *text = &l->p->text, clean = { 0 };
	size_t n = 0;

	text_repair(&clean, buf_text(&l->word), l->word.n);
	for (size_t i = 0; i < clean.n; i++)
		if ((unsigned char)clean.data[i] > ' ' && clean.data[i] != 0x7F)
			clean.data[n++] = clean.data[i];
	if (n) {
		if (l->open)
			buf_addc(text, l->line ? '\n' : ' ');
		else if (text->n)
			buf_adds(text, "\n\n");
		if (!l->open)
			l->start = text->n;
		l->open = true;
		l->line = false;
		parts_origin(l->p, 0, l->page);
		buf_add(text, clean.data, n);
	}
	buf_release(&clean);
	buf_clear(&l->word);
}

static void add_text(struct markup *m, const struct markup_token *t, struct buf *out)
{
	for (size_t i = t->start, n, step; i < t->end; i += step) {
		const char *decoded = m->bytes + i;

		n = step = 1;
		if (*decoded == '&')
			step = markup_reference(m, i, t->end, &decoded, &n);
		buf_add(out, decoded, n);
	}
}

static void turn(struct pdf_layout *l, const struct markup_token *t)
{
	bool opens = t->kind == MARKUP_OPEN;

	if (is_named(t, "word")) {
		if (!opens)
			add_word(l);
		l->in_word = opens;
	} else if (is_named(t, "line")) {
		l->line = l->line || opens;
	} else if (is_named(t, "block")) {
		close_block(l);
	} else if (is_named(t, "page")) {
		close_block(l);
		l->page += opens;
	} else if (is_named(t, "title")) {
		l->in_title = opens;
	}
}

static void read_tokens(struct pdf_layout *l, const char *bytes, size_t n)
{
	struct markup_token t;

	l->m.bytes = bytes;
	l->m.n = n;
	l->m.at = 0;
	while (markup_next(&l->m, &t)) {
		if (t.kind != MARKUP_TEXT)
			turn(l, &t);
		else if (l->in_word || l->in_title)
			add_text(&l->m, &t, l->in_word ? &l->word : &l->p->title);
	}
}

void pdf_layout_init(struct pdf_layout *l, struct parts *p)
{
	*l = (struct pdf_layout){ .p = p };
	markup_init(&l->m, "", 0);
}

/* pdftotext ends a line behind each tag; tags are read when their line is whole. */
void pdf_layout_feed(struct pdf_layout *l, const char *bytes, size_t n)
{
	enum { LONGEST = 1 << 20 };
	size_t read = 0, seen = l->rest.n ? l->rest.n : 1;

	buf_add(&l->rest, bytes, n);
	for (size_t i = seen; i < l->rest.n; i++)
		if ((l->rest.data[i] == '\n' && l->rest.data[i - 1] == '>') || i - read >= LONGEST) {
			read_tokens(l, l->rest.data + read, i + 1 - read);
			read = i + 1;
		}
	l->rest.n -= read;
	memmove(l->rest.data, l->rest.data + read, l->rest.n);
}

void pdf_layout_end(struct pdf_layout *l)
{
	struct buf title;

	read_tokens(l, buf_text(&l->rest), l->rest.n);
	close_block(l);
	title = l->p->title;
	l->p->title = (struct buf){ 0 };
	text_repair(&l->p->title, buf_text(&title), title.n);
	buf_release(&title);
	buf_release(&l->rest);
	buf_release(&l->word);
	markup_release(&l->m);
}
