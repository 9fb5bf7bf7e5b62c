/* Files as text with structure: what the blocks are, where they stand, and what is refused. HTML's visible text is
 * compared with the tree that gumbo builds. */
#include "test.h"

#include <gumbo.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "retrieve/document.h"
#include "retrieve_rules.h"

static const char letters[] = { [BLOCK_HEADING] = 'H', [BLOCK_PARAGRAPH] = 'P', [BLOCK_ITEM] = 'I', [BLOCK_QUOTE] = 'Q',
				[BLOCK_CODE] = 'C', [BLOCK_TABLE] = 'T' };

/* "H1(Title) P(text) ..." */
static void show_blocks(const struct document *d, struct buf *out)
{
	for (size_t i = 0; i < d->n_blocks; i++) {
		const struct block *b = &d->blocks[i];

		buf_addf(out, "%s%c", i ? " " : "", letters[b->kind]);
		if (b->level)
			buf_addf(out, "%u", b->level);
		buf_addf(out, "(%.*s)", (int)(b->end - b->start), d->text + b->start);
	}
}

static void check_document(const char *name, const struct document *d, const char *bytes, size_t n)
{
	const char *broken = document_broken(d, n);

	if (broken)
		fail_msg("%s: broken: %s", name, broken);
	if (bytes && d->n_origins == 0 && d->n == n)
		assert_memory_equal(d->text, bytes, n);
}

static const struct {
	const char *name;
	enum media media;
	const char *bytes, *title, *blocks;
} cases[] = {
	{ "an empty file", MEDIA_TEXT, "", "", "" },
	{ "only white space", MEDIA_TEXT, " \t\n\r\n \v\f\n", "", "" },
	{ "paragraphs", MEDIA_TEXT, "One\ntwo.\n\n  Three \n \t\n\nfour", "", "P(One\ntwo.) P(Three) P(four)" },
	{ "Windows line ends stay", MEDIA_TEXT, "a\r\nb\r\n\r\nc\r\n", "", "P(a\r\nb) P(c)" },
	{ "old Macintosh line ends", MEDIA_TEXT, "a\rb\r\rc", "", "P(a\rb) P(c)" },
	{ "a byte order mark", MEDIA_TEXT, "\xEF\xBB\xBFText", "", "P(Text)" },
	{ "code keeps indentation", MEDIA_CODE, "\n  if (x)\n    y();\n\n\tz();  \n", "", "C(  if (x)\n    y();) C(\tz();)" },
	{ "a row", MEDIA_ROW, "A00.0: Cholera", "", "P(A00.0: Cholera)" },

	{ "headings", MEDIA_MARKDOWN, "# A *b*  #\n\ntext\n\nSet\next\n===\n\n### C #x\n", "A b",
	  "H1(A *b*) P(text) H1(Set\next) H3(C #x)" },
	{ "an empty heading", MEDIA_MARKDOWN, "#\n\n## ##\n\nx", "", "P(x)" },
	{ "marks at both ends", MEDIA_MARKDOWN, "**bold** and [link](u \"t\")\n\n`code` <b>x</b>\n\n![alt](i.png)", "",
	  "P(**bold** and [link](u \"t\")) P(`code` <b>x</b>) P(![alt](i.png))" },
	{ "entities stay as they are", MEDIA_MARKDOWN, "&amp; a &lt; b &#33;", "", "P(&amp; a &lt; b &#33;)" },
	{ "items", MEDIA_MARKDOWN, "- a\n- b\n  c\n  1. d\n\n     e\n- [x] f\n- [ ] g", "",
	  "I(a) I(b\n  c) I(d) I(e) I([x] f) I([ ] g)" },
	{ "quotes", MEDIA_MARKDOWN, "> a\n> b\n>\n> > c\nd\n\ne", "", "Q(a\n> b) Q(c\nd) P(e)" },
	{ "fences", MEDIA_MARKDOWN, "```c\n  int a;\n\n\tb\n```\n\n    indented\n\n~~~\n\n~~~\nx", "",
	  "C(  int a;\n\n\tb) C(    indented) P(x)" },
	{ "an open fence", MEDIA_MARKDOWN, "a\n```\nb\n", "", "P(a) C(b)" },
	{ "a table", MEDIA_MARKDOWN, "before\n\n| a | b |\n|---|---|\n|   | 2 |\n| 3 | |\n\nafter", "",
	  "P(before) T(| a | b |\n|---|---|\n|   | 2 |\n| 3 | |) P(after)" },
	{ "a table without outer bars", MEDIA_MARKDOWN, "a | `b`\n---|---\n1 | *2*\n", "", "T(a | `b`\n---|---\n1 | *2*)" },
	{ "HTML in Markdown", MEDIA_MARKDOWN, "<div>\n a <b>c\n</div>\n\n<!-- x -->\n\ny", "",
	  "P(<div>\n a <b>c\n</div>) P(<!-- x -->) P(y)" },
	{ "front matter", MEDIA_MARKDOWN, "---\ntitle: \"A title\"\ntags: [a]\n---\n\ntext", "A title", "P(text)" },
	{ "a heading before front matter's title", MEDIA_MARKDOWN, "---\ntitle: X\n---\n# Y\n", "Y", "H1(Y)" },
	{ "front matter with Windows line ends", MEDIA_MARKDOWN, "---\r\ntitle: 'X'\r\n---\r\ntext", "X", "P(text)" },
	{ "a rule is no front matter", MEDIA_MARKDOWN, "---\n\ntitle: X\n\n---\n", "", "P(title: X)" },
	{ "front matter that never ends", MEDIA_MARKDOWN, "---\ntitle: X\n", "", "P(title: X)" },
	{ "Markdown with Windows line ends", MEDIA_MARKDOWN, "# A\r\n\r\nb\r\nc\r\n\r\n- d\r\n", "A", "H1(A) P(b\r\nc) I(d)" },
	{ "Markdown behind a mark", MEDIA_MARKDOWN, "\xEF\xBB\xBF# A\n", "A", "H1(A)" },
	{ "link definitions are not read", MEDIA_MARKDOWN, "[a]: http://b\n\n[a]\n", "", "P([a])" },

	{ "a page", MEDIA_HTML, "<title>T &amp; u</title><h2>A <i>b</i></h2>\n<p>c\n  d<br>e<p>f", "T & u",
	  "H2(A b) P(c d\ne) P(f)" },
	{ "title by heading", MEDIA_HTML, "<p>x<h1>Y\n z</h1>", "Y z", "P(x) H1(Y z)" },
	{ "what is not seen", MEDIA_HTML, "<style>a{}</style>x<script>if (a<b) \"</p>\"</script><!-- c --><noscript>n</noscript>"
	  "<template><p>t<template>u</template></p></template><iframe>i</iframe>y", "", "P(xy)" },
	{ "references", MEDIA_HTML, "&lt;p&gt; &eacute;&hellip;&#8212;&#x1F600;&nbsp;&copy &notit; &nope; &#128; &#0; a & b &", "",
	  "P(<p> \xC3\xA9\xE2\x80\xA6\xE2\x80\x94\xF0\x9F\x98\x80\xC2\xA0\xC2\xA9 \xC2\xACit; &nope; \xE2\x82\xAC \xEF\xBF\xBD a & b &)" },
	{ "white space by reference", MEDIA_HTML, "a&#32;&Tab; b", "", "P(a b)" },
	{ "preformatted", MEDIA_HTML, "<pre>\n\n  a\r\n b <i>c</i>\n\n</pre>d<pre>  </pre>", "", "C(  a\n b c) P(d)" },
	{ "lists", MEDIA_HTML, "<ul><li>a<li><p>b</p><ol><li>c</ol>d</ul>e<dl><dt>f<dd>g</dl>", "",
	  "I(a) I(b) I(c) I(d) P(e) I(f) I(g)" },
	{ "a quote", MEDIA_HTML, "<blockquote>a<p>b</blockquote>c", "", "Q(a) Q(b) P(c)" },
	{ "a table of data", MEDIA_HTML, "x<table><caption>n</caption><tr><th>a<th>b<tr><td><p>1</p></td><td> 2 <br> 3 </td>"
	  "<tfoot><tr><td></td><td>4</td></table>y", "", "P(x) T(n\na\tb\n1\t2 3\n\t4) P(y)" },
	{ "a table that lays out", MEDIA_HTML, "<table><tr><td><h1>a</h1></td><td><table><td>b<td>c</table></td></table>", "a",
	  "H1(a) T(b\tc)" },
	{ "cells with paragraphs lay out", MEDIA_HTML, "<table><td><p>a<p>b</td></table>c", "", "P(a) P(b) P(c)" },
	{ "an open heading", MEDIA_HTML, "<h1>a<p>b", "a", "H1(a) P(b)" },
	{ "a heading around a div", MEDIA_HTML, "<h1><div>a</div></h1>b", "a", "H1(a) P(b)" },
	{ "tags that are none", MEDIA_HTML, "a < b <3 </ c> d <", "", "P(a < b <3 d <)" },
	{ "attributes with brackets", MEDIA_HTML, "<a title='>' alt=\">\" b=c>x</a><p data-x=a>b", "", "P(x) P(b)" },
	{ "comments", MEDIA_HTML, "a<!-->b<!--->c<!-- > -- -->d<!-- --!>e<!x>f<?y>g<!--h", "", "P(abcdefg)" },
	{ "end tags that close nothing", MEDIA_HTML, "</ul></pre></table></h1></blockquote><p>a</b>b", "", "P(ab)" },
	{ "a tag cut off", MEDIA_HTML, "a<p class=", "", "P(a)" },
	{ "an open title", MEDIA_HTML, "<title>a<p>b", "a<p>b", "" },
	{ "form text", MEDIA_HTML, "<textarea><b>&amp;</textarea>", "", "P(<b>&)" },
};

static void blocks_are_what_readers_see(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct arena arena;
		struct document d = { 0 };
		struct error err = { .text = "" };
		struct buf got = { 0 };
		size_t n = strlen(cases[i].bytes);

		arena_init(&arena);
		if (!document_parse(cases[i].media, "f", "f", cases[i].bytes, n, &arena, &d, &err))
			fail_msg("%s: %s", cases[i].name, err.text);
		check_document(cases[i].name, &d, cases[i].bytes, n);
		show_blocks(&d, &got);
		if (strcmp(buf_text(&got), cases[i].blocks) != 0 || strcmp(d.title, cases[i].title) != 0)
			fail_msg("%s: got title \"%s\", blocks\n%s\nwant title \"%s\", blocks\n%s", cases[i].name, d.title,
				 buf_text(&got), cases[i].title, cases[i].blocks);
		buf_release(&got);
		arena_release(&arena);
	}
}

static const struct {
	const char *name;
	enum media media;
	const char *bytes;
	size_t n;
	const char *says;
} refused[] = {
	{ "Latin-1", MEDIA_TEXT, "a\nCaf\xE9", 6, "f:2: byte 5 of the file (0xE9) is not UTF-8 text" },
	{ "Latin-1 page", MEDIA_HTML, "<p>\xE9", 4, "f:1: byte 3" },
	{ "a NUL", MEDIA_MARKDOWN, "a\0b", 3, "NUL" },
	{ "UTF-16", MEDIA_TEXT, "\xFF\xFE" "a\0", 4, "is UTF-16 text" },
	{ "controls", MEDIA_CODE, "\1\2\3\4\5\6\7\10 abc", 12, "control character" },
	{ "a surrogate", MEDIA_TEXT, "\xED\xA0\x80", 3, "not UTF-8" },
	{ "no PDF", MEDIA_PDF, "hello", 5, "is no PDF" },
	{ "an empty PDF", MEDIA_PDF, "", 0, "is no PDF" },
};

static void what_is_no_text_is_one_sentence(void **state)
{
	struct arena arena;
	struct document d;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct error err = { .text = "" };

		if (document_parse(refused[i].media, "f", "f", refused[i].bytes, refused[i].n, &arena, &d, &err))
			fail_msg("%s: was read", refused[i].name);
		if (!strstr(err.text, refused[i].says) || strncmp(err.text, "f:", 2) != 0 || strchr(err.text, '\n'))
			fail_msg("%s: \"%s\" does not say \"%s\"", refused[i].name, err.text, refused[i].says);
	}
	arena_release(&arena);
}

static void sizes_are_limited(void **state)
{
	size_t n = (size_t)DOCUMENT_BYTES + 1;
	char *bytes = mem_alloc(n);
	struct error err = { .text = "" };
	struct arena arena;
	struct document d;

	(void)state;
	arena_init(&arena);
	memset(bytes, 'x', n);
	assert_false(document_parse(MEDIA_TEXT, "f", "f", bytes, n, &arena, &d, &err));
	assert_non_null(strstr(err.text, "more than the 64 MiB"));
	bytes[0] = '\n';
	assert_false(document_parse(MEDIA_TEXT, "f", "f", bytes, DOCUMENT_LINE + 2, &arena, &d, &err));
	assert_non_null(strstr(err.text, "f:2: a line of more than 8 MiB"));
	assert_true(document_parse(MEDIA_TEXT, "f", "f", bytes, DOCUMENT_LINE + 1, &arena, &d, &err));
	assert_int_equal(d.n_blocks, 1);
	arena_release(&arena);
	free(bytes);
}

static const struct {
	const char *path;
	int media; /* -1: not read */
} paths[] = {
	{ "a/b.md", MEDIA_MARKDOWN }, { "B.MarkDown", MEDIA_MARKDOWN }, { "x.HTM", MEDIA_HTML }, { "x.pdf", MEDIA_PDF },
	{ "n.txt", MEDIA_TEXT }, { "src/a.c", MEDIA_CODE }, { "a.tar.py", MEDIA_CODE }, { "LICENSE", MEDIA_TEXT },
	{ "x/Makefile", MEDIA_CODE }, { "CMakeLists.txt", MEDIA_CODE }, { "a.jsonl", -1 }, { "a.csv", -1 }, { "a.png", -1 },
	{ "c", -1 }, { ".md", -1 }, { "a.", -1 }, { "", -1 }, { "a.md ", -1 }, { "a.c h", -1 }, { "dir.md/x", -1 },
};

static void endings_name_media(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		enum media m = MEDIA_ROW;
		bool read = media_of(paths[i].path, &m);

		if (read != (paths[i].media >= 0) || (read && (int)m != paths[i].media))
			fail_msg("%s: %s", paths[i].path, read ? media_name(m) : "not read");
	}
	assert_string_equal(media_name(MEDIA_HTML), "html");
	assert_string_equal(media_name(MEDIA_ROW), "row");
}

/* Every letter of a page's text comes from the same letter of the file, unless a reference stood there. */
static void origins_lead_back(void **state)
{
	static const char page[] = "<title>t</title>\n<h1>One  two</h1><p>a\n\n b<!-- x --> c&eacute;d &amp;amp e&#65;f</p>\n<pre>\n"
				   "   q\n  r</pre><table><tr><td>s<td>\xC3\xA9t<tr><td>u</table>";
	struct arena arena;
	struct document d;
	struct error err;
	size_t letters_seen = 0;

	(void)state;
	arena_init(&arena);
	assert_true(document_parse(MEDIA_HTML, "f", "f", page, strlen(page), &arena, &d, &err));
	for (size_t i = 0; i < d.n; i++) {
		struct origin o = document_origin(&d, i);

		assert_int_equal(o.text, i);
		assert_int_equal(o.page, 0);
		if (d.text[i] != 'A' && ((d.text[i] >= 'a' && d.text[i] <= 'z') || d.text[i] == 'O')) {
			assert_int_equal(page[o.source], d.text[i]);
			letters_seen++;
		}
	}
	assert_int_equal(letters_seen, 20);
	const char *e = strstr(d.text, "c\xC3\xA9");

	assert_non_null(e);
	assert_memory_equal(page + document_origin(&d, (size_t)(e - d.text) + 1).source, "&eacute;", 8);
	/* where the text is the file, a byte comes from itself */
	assert_true(document_parse(MEDIA_MARKDOWN, "f", "f", "# a", 3, &arena, &d, &err));
	assert_int_equal(document_origin(&d, 2).source, 2);
	arena_release(&arena);
}

/* --- gumbo's tree as the reference --- */

static void add_characters(struct buf *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_blank(text[i]))
			buf_addc(out, text[i]);
}

static bool is_shown(const GumboElement *e)
{
	static const GumboTag hidden[] = { GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE, GUMBO_TAG_TITLE, GUMBO_TAG_NOSCRIPT,
					   GUMBO_TAG_TEMPLATE, GUMBO_TAG_IFRAME, GUMBO_TAG_NOEMBED, GUMBO_TAG_NOFRAMES,
					   GUMBO_TAG_DATALIST };

	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (e->tag == hidden[i])
			return false;
	return true;
}

static void add_tree(struct buf *out, const GumboNode *node)
{
	if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_CDATA)
		add_characters(out, node->v.text.text, strlen(node->v.text.text));
	if (node->type != GUMBO_NODE_ELEMENT || !is_shown(&node->v.element))
		return;
	for (unsigned i = 0; i < node->v.element.children.length; i++)
		add_tree(out, node->v.element.children.data[i]);
}

static const char *const fragments[] = {
	"text ", "two words", "&amp;", "&lt;b&gt;", "&copy2", "&#x41;", "&#150;", "&unknown;", "& ", "\n\n", "\t", "<b>", "</b>",
	"<i class='a>b'>", "</i>", "<p>", "</p>", "<div id=x>", "</div>", "<span title=\"</span>\">", "</span>", "<ul><li>", "</li>",
	"</ul>", "<h2>", "</h2>", "<pre>", "</pre>", "<blockquote>", "</blockquote>", "<br>", "<br/>", "<hr>", "<img alt='x > y'>",
	"<!-- c -->", "<!-->", "<!-- a -- b --!>", "<!bogus>", "<?pi?>", "<script>a<b>c</script>", "<style>x</style>",
	"<script>'<p>'</scriptx></script>", "<title>t<b></title>", "<textarea>a<b>&amp;</textarea>", "<noscript>n<u>m</u></noscript>",
	"<template>t</template>", "<a href=x/y>", "</a>", "< not", "<3", "</ x>", "</>", "<x-y>", "</x-y>", "\xC3\xA9", "<B>", "</B>",
	"<p/>", "<a b = 'c' d>", "<iframe><p></iframe>", "<table><tr><td>c1</td><td>c2</td></tr></table>", "<dl><dt>a<dd>b</dl>",
	"<b\n>", "</b\t>", "<em a='\"'>", "</em >", "<datalist>o</datalist>", "<button>", "</button>", "\r\n", "<p a=b'c>",
};

static void check_with_gumbo(const char *page, size_t n)
{
	GumboOutput *tree = gumbo_parse_with_options(&kGumboDefaultOptions, page, n);
	struct buf want = { 0 }, got = { 0 };
	struct arena arena;
	struct document d;
	struct error err = { .text = "" };

	arena_init(&arena);
	add_tree(&want, tree->root);
	if (!document_parse(MEDIA_HTML, "f", "f", page, n, &arena, &d, &err))
		fail_msg("%s", err.text);
	check_document(page, &d, NULL, n);
	add_characters(&got, d.text, d.n);
	if (strcmp(buf_text(&want), buf_text(&got)) != 0)
		fail_msg("%s\ngives\n%s\nbut gumbo has\n%s", page, buf_text(&got), buf_text(&want));
	gumbo_destroy_output(&kGumboDefaultOptions, tree);
	buf_release(&want);
	buf_release(&got);
	arena_release(&arena);
}

static void visible_text_is_that_of_the_tree(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "pages");
	for (int round = 0; round < 50000; round++) {
		struct buf page = { 0 };
		size_t n = 1 + rng_below(&rng, 25);

		buf_adds(&page, "<body>");
		for (size_t i = 0; i < n; i++)
			buf_adds(&page, fragments[rng_below(&rng, ARRAY_SIZE(fragments))]);
		check_with_gumbo(page.data, page.n);
		buf_release(&page);
	}
}

/* --- large and deep --- */

static void repeat(struct buf *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_adds(out, text);
}

/* Parses and empties the buffer. */
static struct document parse(struct arena *arena, enum media media, struct buf *bytes)
{
	struct document d = { 0 };
	struct error err = { .text = "" };

	if (!document_parse(media, "f", "f", buf_text(bytes), bytes->n, arena, &d, &err))
		fail_msg("%s", err.text);
	check_document("large", &d, bytes->data, bytes->n);
	buf_clear(bytes);
	return d;
}

static void size_and_depth_do_no_harm(void **state)
{
	struct arena arena;
	struct buf b = { 0 };
	struct document d;

	(void)state;
	arena_init(&arena);
	repeat(&b, "<div>", 100000);
	buf_adds(&b, "x");
	d = parse(&arena, MEDIA_HTML, &b);
	assert_int_equal(d.n_blocks, 1);

	/* what a tree would have to repeat in every paragraph */
	buf_adds(&b, "<p>");
	for (int i = 0; i < 20000; i++)
		buf_addf(&b, "<b id=%d>", i);
	repeat(&b, "<p>x", 20000);
	d = parse(&arena, MEDIA_HTML, &b);
	assert_int_equal(d.n_blocks, 20000);

	repeat(&b, "<table><tr><td>x", 100000);
	d = parse(&arena, MEDIA_HTML, &b);
	assert_int_equal(d.n_blocks, 100000);

	repeat(&b, "word ", 200000); /* a line of 1 MB */
	d = parse(&arena, MEDIA_MARKDOWN, &b);
	assert_int_equal(d.n_blocks, 1);

	repeat(&b, "# x\n", 1000000);
	d = parse(&arena, MEDIA_MARKDOWN, &b);
	assert_int_equal(d.n_blocks, 1000000);

	for (int i = 0; i < 1000; i++) {
		repeat(&b, "  ", (size_t)i);
		buf_addf(&b, "- item %d\n", i);
	}
	d = parse(&arena, MEDIA_MARKDOWN, &b);
	assert_int_equal(d.n_blocks, 1000);
	assert_int_equal(d.blocks[999].kind, BLOCK_ITEM);

	/* more cells than bytes: read as plain text */
	repeat(&b, "|a", 20000);
	buf_adds(&b, "|\n");
	repeat(&b, "|-", 20000);
	buf_adds(&b, "|\n");
	repeat(&b, "|\n", 100000);
	d = parse(&arena, MEDIA_MARKDOWN, &b);
	assert_int_equal(d.n_blocks, 1);
	assert_int_equal(d.blocks[0].kind, BLOCK_PARAGRAPH);
	buf_release(&b);
	arena_release(&arena);
}

/* Bytes that end where they end: a parser that looks for "-->" behind them is caught by the sanitizer. */
static void nothing_is_read_behind_the_end(void **state)
{
	static const char *const texts[] = { "a\n\n<!-- x -", "<!-- x\ny -", "<script>\nx </scr", "<![CDATA[ x ]", "<?php x ?", "<pre>\n</pr",
					    "a <!-- b\n4", "a <? b\n4", "a <![CDATA[ b\n4", "a <!X b\n4",
					    ";J ..   # \030DDJ. . DpageDDDDD<!--\001jDD.\013PJ. . J. J. \n4" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (size_t n = 1; n <= strlen(texts[i]); n++) {
			char *bytes = malloc(n);
			struct arena arena;
			struct document d;
			struct error err;

			assert_non_null(bytes);
			memcpy(bytes, texts[i], n);
			arena_init(&arena);
			for (enum media media = MEDIA_TEXT; media <= MEDIA_HTML; media++) {
				assert_true(document_parse(media, "f", "f", bytes, n, &arena, &d, &err));
				check_document(texts[i], &d, NULL, n);
			}
			arena_release(&arena);
			free(bytes);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_what_readers_see),
		cmocka_unit_test(what_is_no_text_is_one_sentence),
		cmocka_unit_test(sizes_are_limited),
		cmocka_unit_test(endings_name_media),
		cmocka_unit_test(origins_lead_back),
		cmocka_unit_test(visible_text_is_that_of_the_tree),
		cmocka_unit_test(size_and_depth_do_no_harm),
		cmocka_unit_test(nothing_is_read_behind_the_end),
	};

	return cmocka_run_group_tests_name("retrieve_document", tests, NULL, NULL);
}
