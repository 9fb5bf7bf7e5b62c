/* PDFs through pdftotext: text, pages, and every way to fail. The PDFs are written here; where only the child's behaviour
 * counts, a script on a PATH of its own stands for pdftotext. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "retrieve/document.h"
#include "retrieve/pdf_layout.h"

static char folder[] = "/tmp/rung-pdf-XXXXXX";
static char *path_before;
static const struct pdf_limits usual = { 20, 60000, 1024, DOCUMENT_BYTES };

/* Another pdftotext must not be found on it; the shell that scripts need is named by its path. */
static void use_script(const char *script)
{
	char path[64];
	struct error err;

	snprintf(path, sizeof(path), "%s/pdftotext", folder);
	unlink(path);
	if (script) {
		assert_true(file_replace(path, script, strlen(script), &err));
		assert_int_equal(chmod(path, 0700), 0);
	}
	setenv("PATH", folder, 1);
}

static void use_pdftotext(void)
{
	setenv("PATH", path_before, 1);
}

static void need_pdftotext(void)
{
	struct buf path = { 0 };
	bool there = false;

	use_pdftotext();
	for (const char *at = path_before, *end; *at && !there; at = *end ? end + 1 : end) {
		end = strchrnul(at, ':');
		buf_clear(&path);
		buf_addf(&path, "%.*s/pdftotext", (int)(end - at), at);
		there = access(path.data, X_OK) == 0;
	}
	buf_release(&path);
	if (!there) {
		print_message("skipped: pdftotext is absent (package poppler-utils)\n");
		skip();
	}
}

/* --- a writer of small PDFs --- */

struct pdf {
	struct buf bytes;
	size_t offsets[64], n;
};

__attribute__((format(printf, 2, 3))) static void add_object(struct pdf *f, const char *format, ...)
{
	char text[8192];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	f->offsets[f->n++] = f->bytes.n;
	buf_addf(&f->bytes, "%zu 0 obj\n%s\nendobj\n", f->n, text);
}

static void end_pdf(struct pdf *f, const char *trailer)
{
	size_t at = f->bytes.n;

	buf_addf(&f->bytes, "xref\n0 %zu\n0000000000 65535 f \n", f->n + 1);
	for (size_t i = 0; i < f->n; i++)
		buf_addf(&f->bytes, "%010zu 00000 n \n", f->offsets[i]);
	buf_addf(&f->bytes, "trailer << /Size %zu /Root 1 0 R %s >>\nstartxref\n%zu\n%%%%EOF\n", f->n + 1, trailer, at);
}

/* Each page is the text of its content stream. */
static struct pdf write_pdf(const char *const *pages, size_t n, const char *trailer)
{
	struct pdf f = { 0 };

	buf_adds(&f.bytes, "%PDF-1.4\n");
	add_object(&f, "<< /Type /Catalog /Pages 2 0 R >>");
	struct buf kids = { 0 };

	for (size_t i = 0; i < n; i++)
		buf_addf(&kids, "%zu 0 R ", 4 + 2 * i);
	add_object(&f, "<< /Type /Pages /Kids [%s] /Count %zu >>", buf_text(&kids), n);
	add_object(&f, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
	for (size_t i = 0; i < n; i++) {
		add_object(&f, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %zu 0 R /Resources << /Font << /F 3 0 R "
			   ">> >> >>", 5 + 2 * i);
		add_object(&f, "<< /Length %zu >>\nstream\n%s\nendstream", strlen(pages[i]), pages[i]);
	}
	end_pdf(&f, trailer);
	buf_release(&kids);
	return f;
}

static const char *const two_pages[] = {
	"BT /F 12 Tf 14 TL 72 720 Td (One & <two>, a hyphen-) Tj T* (ated word.) Tj 0 -40 Td (Another block.) Tj ET",
	"BT /F 12 Tf 72 720 Td (Page two.) Tj ET",
};

/* --- reading --- */

struct reading {
	struct arena arena;
	struct document d;
	struct parts parts;
	struct error err;
	bool ok;
};

static const char *write_file(const char *bytes, size_t n)
{
	static char path[64];
	struct error err;

	snprintf(path, sizeof(path), "%s/-x.pdf", folder);
	assert_true(file_replace(path, bytes, n, &err));
	return path;
}

static struct reading read_within(const struct pdf_limits *limits, const char *bytes, size_t n)
{
	struct reading r = { .err = { "" } };
	struct document_file f = { "x.pdf", write_file(bytes, n), bytes, n };

	r.ok = pdf_parse_within(limits, &f, &r.parts, &r.err);
	if (r.ok == (r.err.text[0] != 0) || strchr(r.err.text, '\n'))
		fail_msg("read %d but \"%s\"", r.ok, r.err.text);
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		fail_msg("a child was left behind");
	return r;
}

static void words_come_in_order_with_their_pages(void **state)
{
	struct pdf f = write_pdf(two_pages, 2, "");
	struct arena arena;
	struct document d;
	struct error err = { .text = "" };

	(void)state;
	need_pdftotext();
	arena_init(&arena);
	if (!document_parse(MEDIA_PDF, "x.pdf", write_file(f.bytes.data, f.bytes.n), f.bytes.data, f.bytes.n, &arena, &d, &err))
		fail_msg("%s", err.text);
	assert_string_equal(d.text, "One & <two>, a hyphen-\nated word.\n\nAnother block.\n\nPage two.");
	assert_string_equal(d.title, "");
	assert_int_equal(d.n_blocks, 3);
	assert_int_equal(d.blocks[0].start, 0);
	assert_int_equal(d.blocks[0].end, 33);
	assert_int_equal(document_origin(&d, 0).page, 1);
	assert_int_equal(document_origin(&d, d.blocks[1].end - 1).page, 1);
	assert_int_equal(document_origin(&d, d.blocks[2].start).page, 2);
	assert_int_equal(document_origin(&d, d.n - 1).page, 2);
	assert_int_equal(document_origin(&d, d.n - 1).source, 0);
	buf_release(&f.bytes);
	arena_release(&arena);
}

static void a_path_that_looks_like_an_option_is_a_path(void **state)
{
	struct pdf f = write_pdf(two_pages, 2, "");
	struct parts parts = { 0 };
	struct error err = { .text = "" };
	char before[4096];
	struct document_file file = { "-x.pdf", "-x.pdf", f.bytes.data, f.bytes.n };

	(void)state;
	need_pdftotext();
	write_file(f.bytes.data, f.bytes.n);
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(folder), 0);
	bool ok = pdf_parse(&file, &parts, &err);

	assert_int_equal(chdir(before), 0);
	if (!ok)
		fail_msg("%s", err.text);
	parts_release(&parts);
	buf_release(&f.bytes);
}

static void refuse(const char *name, const struct pdf_limits *limits, const char *bytes, size_t n, const char *says)
{
	struct reading r = read_within(limits, bytes, n);

	if (r.ok || !strstr(r.err.text, says) || strncmp(r.err.text, "x.pdf: ", 7) != 0)
		fail_msg("%s: \"%s\" does not say \"%s\"", name, r.err.text, says);
	parts_release(&r.parts);
}

static void broken_pdfs_are_one_sentence(void **state)
{
	static const char *const blank[] = { "0 0 m 100 100 l S" };
	struct pdf whole = write_pdf(two_pages, 2, ""), empty = write_pdf(blank, 1, "");
	/* no key opens what has garbage for its check values */
	struct pdf locked = write_pdf(two_pages, 2, "/ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 "
				      "/O <0123456789012345678901234567890123456789012345678901234567890123> "
				      "/U <0123456789012345678901234567890123456789012345678901234567890123> >>");

	(void)state;
	need_pdftotext();
	refuse("cut off", &usual, whole.bytes.data, 300, "it may be damaged");
	refuse("garbage", &usual, "%PDF-1.4\nnothing", 16, "it may be damaged");
	refuse("without text", &usual, empty.bytes.data, empty.bytes.n, "holds no text");
	refuse("encrypted", &usual, locked.bytes.data, locked.bytes.n, "needs a password");
	refuse("too little memory", &(struct pdf_limits){ 20, 60000, 8, 1000 }, whole.bytes.data, whole.bytes.n, "memory");
	refuse("too much text", &(struct pdf_limits){ 20, 60000, 1024, 10 }, whole.bytes.data, whole.bytes.n, "its text is more");
	buf_release(&whole.bytes);
	buf_release(&empty.bytes);
	buf_release(&locked.bytes);
}

/* Forms that draw forms, ten each, eight deep: 10^8 words from 2 kB. */
static void a_bomb_ends_at_a_limit(void **state)
{
	struct pdf f = { 0 };

	(void)state;
	need_pdftotext();
	buf_adds(&f.bytes, "%PDF-1.4\n");
	add_object(&f, "<< /Type /Catalog /Pages 2 0 R >>");
	add_object(&f, "<< /Type /Pages /Kids [4 0 R] /Count 1 >>");
	add_object(&f, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
	add_object(&f, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /XObject << /X 6 0 R >> >> >>");
	add_object(&f, "<< /Length 5 >>\nstream\n/X Do\nendstream");
	for (int i = 6; i < 14; i++)
		add_object(&f, "<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /XObject << /X %d 0 R >> >> /Length 150 "
			   ">>\nstream\n%0150d\nendstream", i + 1, 0);
	add_object(&f, "<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F 3 0 R >> >> /Length 60 >>\nstream\n"
		   "%-60s\nendstream", "BT /F 12 Tf 72 720 Td (bomb) Tj ET");
	end_pdf(&f, "");
	for (char *at = f.bytes.data; (at = memmem(at, f.bytes.n - (size_t)(at - f.bytes.data), "0000000000000000", 16)); at += 150)
		for (int i = 0; i < 15 && at[149] == '0'; i++)
			memcpy(at + 10 * i, "q /X Do Q ", 10);
	refuse("bomb", &(struct pdf_limits){ 1, 60000, 256, 1 << 20 }, f.bytes.data, f.bytes.n, "pdftotext");
	buf_release(&f.bytes);
}

static const char word[] = "<page><block><line><word>a</word></line></block></page>";

static const struct {
	const char *name, *script;
	struct pdf_limits limits;
	const char *says; /* NULL: it is read */
} scripts[] = {
	{ "absent", NULL, { 20, 60000, 1024, 1000 }, "install the package poppler-utils" },
	{ "works", "echo '<page><block><line><word>a</word></line></block></page>'\n", { 20, 60000, 1024, 1000 }, NULL },
	{ "complains and works", "echo bad >&2; echo '<word>a</word>'\n", { 20, 60000, 1024, 1000 }, NULL },
	{ "fails", "echo 'Syntax Error: no\nmore' >&2; exit 1\n", { 20, 60000, 1024, 1000 }, "(Syntax Error: no); it may be damaged" },
	{ "fails silently", "exit 99\n", { 20, 60000, 1024, 1000 }, "it does not say why" },
	{ "fails behind text", "echo '<word>a</word>'; exit 1\n", { 20, 60000, 1024, 1000 }, "it may be damaged" },
	{ "crashes", "kill -SEGV $$\n", { 20, 60000, 1024, 1000 }, "it crashed" },
	{ "may not copy", "exit 3\n", { 20, 60000, 1024, 1000 }, "does not permit" },
	{ "says nothing", "exit 0\n", { 20, 60000, 1024, 1000 }, "holds no text" },
	{ "never ends", "exec /bin/sleep 1000\n", { 20, 50, 1024, 1000 }, "did not finish" },
	{ "never rests", "while :; do :; done\n", { 1, 60000, 1024, 1000 }, "did not finish within 1 s of processor time" },
	{ "writes without end", "while :; do echo '<word>a</word>'; done\n", { 20, 60000, 1024, 1000 }, "its text is more" },
	{ "complains without end", "i=0; while [ $i -lt 20000 ]; do echo no >&2; i=$((i+1)); done; exit 1\n", { 20, 60000, 1024, 1000 },
	  "(no); it may be damaged" },
	{ "writes garbage", "echo '<<>>&&<word>\001\377</word><word'\n", { 20, 60000, 1024, 1000 }, NULL },
	{ "writes a file", "echo x >\"$4.new\"; exit 1\n", { 20, 60000, 1024, 1000 }, "pdftotext cannot read" },
	{ "changes the file", "echo '<word>a</word>'; : >\"$4\"\n", { 20, 60000, 1024, 1000 }, "changed while it was read" },
};

static void the_child_is_kept_within_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct buf script = { 0 };

		buf_addf(&script, "#!/bin/sh\n%s", scripts[i].script ? scripts[i].script : "");
		use_script(scripts[i].script ? script.data : NULL);
		if (scripts[i].says) {
			refuse(scripts[i].name, &scripts[i].limits, "%PDF-1", 6, scripts[i].says);
		} else {
			struct reading r = read_within(&scripts[i].limits, "%PDF-1", 6);

			if (!r.ok)
				fail_msg("%s: %s", scripts[i].name, r.err.text);
			parts_release(&r.parts);
		}
		buf_release(&script);
	}
	use_pdftotext();
}

/* --- the reader alone --- */

static const struct {
	const char *name, *xhtml, *text;
} layouts[] = {
	{ "nothing", "", "" },
	{ "words, lines, blocks, pages", "<page>\n<block>\n<line>\n<word x=\"1\">a</word>\n<word>b</word>\n</line>\n<line>\n<word>c</word>\n"
	  "</line>\n</block>\n<block>\n<line><word>d</word></line>\n</block>\n</page>\n<page>\n<word>e</word>\n</page>\n",
	  "a b\nc\n\nd\n\ne" },
	{ "references", "<word>&lt;&amp;&gt;&quot;</word>", "<&>\"" },
	{ "empty words", "<word></word><word>  </word><word>a</word><word>\1</word><word>b</word>", "a b" },
	{ "wrong UTF-8", "<word>a\xFF\x02z</word>", "a\xEF\xBF\xBDz" },
	{ "text outside of words", "x<word>a</word>y<line>z", "a" },
	{ "cut off", "<block><line><word>a</word><word>b", "a" },
};

static void read_layout(const char *xhtml, size_t piece, struct parts *parts)
{
	struct pdf_layout l;
	size_t n = strlen(xhtml);

	pdf_layout_init(&l, parts);
	for (size_t i = 0; i < n; i += piece)
		pdf_layout_feed(&l, xhtml + i, n - i < piece ? n - i : piece);
	pdf_layout_end(&l);
}

/* A name may go on behind a NUL, where the table's names have ended. */
static void names_with_nuls_are_no_elements(void **state)
{
	static const char xhtml[] = "<title\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0>x</title><word\0>y</word><word>z</word>";
	struct parts parts = { 0 };
	struct pdf_layout l;

	(void)state;
	pdf_layout_init(&l, &parts);
	pdf_layout_feed(&l, xhtml, sizeof(xhtml) - 1);
	pdf_layout_end(&l);
	assert_string_equal(buf_text(&parts.text), "z");
	parts_release(&parts);
}

static void layouts_are_read_however_they_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		for (size_t piece = 1; piece < 300; piece++) {
			struct parts parts = { 0 };

			read_layout(layouts[i].xhtml, piece, &parts);
			if (strcmp(buf_text(&parts.text), layouts[i].text) != 0)
				fail_msg("%s, in pieces of %zu: \"%s\"", layouts[i].name, piece, buf_text(&parts.text));
			parts_release(&parts);
		}
	struct parts parts = { 0 };

	read_layout(word, 7, &parts);
	assert_int_equal(parts.n_blocks, 1);
	assert_int_equal(parts.origins[0].page, 1);
	parts_release(&parts);
}

static int set_up(void **state)
{
	(void)state;
	path_before = mem_string(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	return mkdtemp(folder) ? 0 : 1;
}

static int tear_down(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/pdftotext", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/-x.pdf", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/-x.pdf.new", folder); /* of 0 bytes: the child may make it, but not fill it */
	unlink(path);
	free(path_before);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_come_in_order_with_their_pages),
		cmocka_unit_test(a_path_that_looks_like_an_option_is_a_path),
		cmocka_unit_test(broken_pdfs_are_one_sentence),
		cmocka_unit_test(a_bomb_ends_at_a_limit),
		cmocka_unit_test(the_child_is_kept_within_limits),
		cmocka_unit_test(names_with_nuls_are_no_elements),
		cmocka_unit_test(layouts_are_read_however_they_are_cut),
	};

	return cmocka_run_group_tests_name("retrieve_pdf", tests, set_up, tear_down);
}
