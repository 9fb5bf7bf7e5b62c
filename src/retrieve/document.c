/* document.c - the tables of media and endings, and what is checked before any parser sees a file. */
#include "retrieve/document.h"

#include <strings.h>

#include "base/text.h"
#include "retrieve/document_inner.h"

static const struct {
	const char *name;
	document_parser *parse;
	bool builds_text; /* the document's text is not the file */
} media_table[] = {
	[MEDIA_TEXT] = { "text", plain_parse, false },
	[MEDIA_CODE] = { "code", code_parse, false },
	[MEDIA_MARKDOWN] = { "markdown", markdown_parse, false },
	[MEDIA_HTML] = { "html", html_parse, true },
	[MEDIA_PDF] = { "pdf", pdf_parse, true },
	[MEDIA_ROW] = { "row", plain_parse, false },
};

/* Endings, and whole names of files that have none. Tables and JSON are rows, read elsewhere. Words stand between spaces. */
static const struct {
	enum media media;
	const char *endings, *names;
} files_read[] = {
	{ MEDIA_TEXT, " txt text log rst adoc asciidoc org tex ",
	  " readme license licence copying notice authors changes changelog news todo install " },
	{ MEDIA_MARKDOWN, " md markdown mdown mkd mdx ", " " },
	{ MEDIA_HTML, " html htm xhtml ", " " },
	{ MEDIA_PDF, " pdf ", " " },
	{ MEDIA_CODE, " c h cc cpp cxx hpp hh hxx inc m mm cs java kt kts scala groovy clj go rs swift zig d nim py pyi rb pl pm "
		      "php lua tcl r jl hs ml mli fs ex exs erl el lisp scm js mjs cjs jsx ts tsx vue svelte css scss less sh bash "
		      "zsh fish ps1 bat cmd sql proto graphql asm s v sv vhd f f90 f95 pas ada adb ads tf nix cmake mk gradle yaml "
		      "yml toml ini cfg conf properties ",
	  " makefile dockerfile cmakelists.txt " },
};

const char *media_name(enum media m)
{
	return media_table[m].name;
}

static bool list_holds(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list + 1; n && !strchr(word, ' ') && *at; at = strchr(at, ' ') + 1)
		if (strncasecmp(at, word, n) == 0 && at[n] == ' ')
			return true;
	return false;
}

bool media_of(const char *path, enum media *media)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
	const char *ending = dot && dot > name ? dot + 1 : ""; /* ".md" is a hidden file without one */

	for (size_t by_name = 2; by_name-- > 0;) /* CMakeLists.txt is code */
		for (size_t i = 0; i < sizeof(files_read) / sizeof(files_read[0]); i++)
			if (list_holds(by_name ? files_read[i].names : files_read[i].endings, by_name ? name : ending)) {
				*media = files_read[i].media;
				return true;
			}
	return false;
}

void parts_release(struct parts *p)
{
	buf_release(&p->text);
	buf_release(&p->title);
	free(p->blocks);
	free(p->origins);
	*p = (struct parts){ 0 };
}

void parts_block(struct parts *p, enum block_kind kind, unsigned level, size_t start, size_t end)
{
	if (p->n_blocks == p->block_capacity) {
		p->block_capacity = p->block_capacity ? p->block_capacity * 2 : 64;
		p->blocks = mem_resize(p->blocks, p->block_capacity, sizeof(*p->blocks));
	}
	p->blocks[p->n_blocks++] = (struct block){ kind, level, start, end };
}

void parts_origin(struct parts *p, size_t source, unsigned page)
{
	if (p->n_origins) {
		struct origin *last = &p->origins[p->n_origins - 1];

		if (last->page == page && (page || source - last->source == p->text.n - last->text))
			return;
		if (last->text == p->text.n)
			p->n_origins--;
	}
	if (p->n_origins == p->origin_capacity) {
		p->origin_capacity = p->origin_capacity ? p->origin_capacity * 2 : 64;
		p->origins = mem_resize(p->origins, p->origin_capacity, sizeof(*p->origins));
	}
	p->origins[p->n_origins++] = (struct origin){ p->text.n, source, page };
}

static size_t line_of(const struct document_file *f, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += f->bytes[i] == '\n' || (f->bytes[i] == '\r' && f->bytes[i + 1] != '\n');
	return line;
}

/* Control characters beyond white space and escape sequences, where they are more than one in a hundred bytes. */
static bool is_binary(const struct document_file *f)
{
	size_t controls = 0;

	for (size_t i = 0; i < f->n; i++)
		controls += ((unsigned char)f->bytes[i] < 0x20 && !is_blank(f->bytes[i]) && f->bytes[i] != 0x1B) ||
			    f->bytes[i] == 0x7F;
	return controls > f->n / 100 + 4;
}

static bool check_lines(const struct document_file *f, struct error *err)
{
	for (size_t i = 0, start = 0; i < f->n; i++) {
		if (f->bytes[i] == '\n' || f->bytes[i] == '\r')
			start = i + 1;
		else if (i - start >= DOCUMENT_LINE)
			return error_set(err, "%s:%zu: a line of more than %d MiB, the most one line may have; this is no text "
					 "that people read", f->name, line_of(f, i), DOCUMENT_LINE >> 20);
	}
	return true;
}

static bool check_text(const struct document_file *f, struct error *err)
{
	size_t bad = 0;

	if (f->n >= 2 && (memcmp(f->bytes, "\xFF\xFE", 2) == 0 || memcmp(f->bytes, "\xFE\xFF", 2) == 0))
		return error_set(err, "%s: is UTF-16 text; save it as UTF-8", f->name);
	if (f->n && memchr(f->bytes, '\0', f->n))
		return error_set(err, "%s: holds a NUL byte, so it is no text; leave it out", f->name);
	if (!text_valid(f->bytes, f->n, &bad))
		return error_set(err, "%s:%zu: byte %zu of the file (0x%02X) is not UTF-8 text; save the file as UTF-8, for "
				 "example with iconv -f WINDOWS-1252 -t UTF-8", f->name, line_of(f, bad), bad,
				 (unsigned)(unsigned char)f->bytes[bad]);
	if (is_binary(f))
		return error_set(err, "%s: more than one byte in a hundred is a control character, so it is no text; leave it "
				 "out", f->name);
	return check_lines(f, err);
}

/* White space as one space; cut at TITLE_BYTES between characters. */
static const char *title_text(struct arena *arena, const char *text, size_t n)
{
	enum { TITLE_BYTES = 300 };
	char *title = arena_alloc(arena, TITLE_BYTES + 1);
	size_t used = 0;

	for (size_t i = 0, length; i < n; i += length) {
		uint32_t c;

		length = text_decode(text + i, n - i, &c);
		if (used + length + 1 > TITLE_BYTES)
			break;
		if (!is_blank(text[i])) {
			memcpy(title + used, text + i, length);
			used += length;
		} else if (used && title[used - 1] != ' ') {
			title[used++] = ' ';
		}
	}
	title[used - (used && title[used - 1] == ' ')] = '\0';
	return title;
}

static const char *find_title(struct arena *arena, const struct parts *p, const char *text)
{
	if (p->title.n)
		return title_text(arena, p->title.data, p->title.n);
	for (size_t i = 0; i < p->n_blocks; i++)
		if (p->blocks[i].kind == BLOCK_HEADING)
			return title_text(arena, text + p->blocks[i].start, p->blocks[i].end - p->blocks[i].start);
	return "";
}

static const void *to_arena(struct arena *arena, const void *rows, size_t n, size_t size)
{
	void *copy = n ? arena_array(arena, n, size) : NULL;

	return n ? memcpy(copy, rows, n * size) : NULL;
}

bool document_parse(enum media media, const char *name, const char *path, const char *bytes, size_t n, struct arena *arena,
		    struct document *out, struct error *err)
{
	struct document_file f = { name, path, bytes, n };
	struct parts p = { 0 };
	bool ok;

	if (n > DOCUMENT_BYTES)
		return error_set(err, "%s: more than the %d MiB that a document may have; split it", name, DOCUMENT_BYTES >> 20);
	if (media != MEDIA_PDF && !check_text(&f, err))
		return false;
	ok = media_table[media].parse(&f, &p, err);
	if (ok) {
		const struct buf built = media_table[media].builds_text ? p.text : (struct buf){ .data = (char *)bytes, .n = n };

		out->text = arena_copy(arena, built.data, built.n);
		out->n = built.n;
		out->title = find_title(arena, &p, out->text);
		out->blocks = to_arena(arena, p.blocks, p.n_blocks, sizeof(*p.blocks));
		out->n_blocks = p.n_blocks;
		out->origins = to_arena(arena, p.origins, p.n_origins, sizeof(*p.origins));
		out->n_origins = p.n_origins;
	}
	parts_release(&p);
	return ok;
}

struct origin document_origin(const struct document *d, size_t at)
{
	size_t low = 0, high = d->n_origins;

	while (low < high) { /* the first origin behind `at` */
		size_t middle = low + (high - low) / 2;

		if (d->origins[middle].text <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return (struct origin){ at, d->n_origins ? d->origins[0].source : at, d->n_origins ? d->origins[0].page : 0 };
	const struct origin *o = &d->origins[low - 1];

	return (struct origin){ at, o->page ? 0 : o->source + (at - o->text), o->page };
}
