/* variant_citations.c - eight hundred replies with quotes of all sorts, taken from real documents by a fixed seed, on the way
 * that every reply takes: passages_read(), evidence_cite(). Whatever is cited is the stored revision's own bytes, and what is no
 * quote is not cited. The documents are the project's own, and the invented ones of fictionalqa where they are there. */
#include "test.h"

#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "base/text.h"
#include "task_folder.h"
#include "variant/evidence.h"

enum { REPLIES = 800, SHOWN = 4, TRIES = 400 };

static struct {
	struct folder folder;
	struct library *library;
	struct arena arena;
	struct document_row *documents;
	size_t n_documents;
	struct rng rng;
	struct error err;
} f;

#define MUST(call) do { if (!(call)) fail_msg("%s: %s", #call, f.err.text); } while (0)

static void add(const char *path, const char *text, const char *id)
{
	const char *const columns[] = { text };
	struct source source = { .paths = &path, .n_paths = 1, .folder = ".", .text = columns, .n_text = text ? 1 : 0, .id = id };
	struct library_counts counts = { 0 };

	MUST(library_add(f.library, &source, false, NULL, &counts, &f.err));
	assert_true(counts.added > 0 && counts.refused == 0);
}

static int set_up(void **state)
{
	const char *data = test_data_folder();
	char path[4200];

	(void)state;
	f.folder = folder_make();
	snprintf(path, sizeof(path), "%s/docs.db", f.folder.path);
	arena_init(&f.arena);
	rng_init(&f.rng, 20260801, "citations");
	f.library = library_open(path, true, NULL, &f.err);
	if (!f.library) {
		fprintf(stderr, "%s\n", f.err.text);
		return -1;
	}
	add("docs/*.md", NULL, NULL);
	snprintf(path, sizeof(path), "%s/fictionalqa/documents.jsonl", data ? data : ".");
	if (data)
		add(path, "text", "doc_id");
	struct documents *d = library_documents(f.library);
	bool listed = documents_begin_read(d, &f.err) && documents_list(d, &f.arena, &f.documents, &f.n_documents, &f.err);

	documents_end(d);
	return listed ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	library_close(f.library);
	arena_release(&f.arena);
	folder_remove(&f.folder);
	return 0;
}

/* --- what is quoted --- */

/* Passages that a few words from anywhere in the documents find. */
static size_t passages_found(struct passage **passages)
{
	static const struct search by_words = { .mode = SEARCH_WORDS, .cutting = { 200, 40, true, false }, .k = SHOWN };
	struct passage whole;
	size_t found;
	bool there;

	MUST(library_document(f.library, f.documents[rng_below(&f.rng, f.n_documents)].name, &f.arena, &whole, &there, &f.err));
	const char *text = whole.text;
	size_t n = whole.end;
	size_t start = rng_below(&f.rng, n > 120 ? n - 120 : 1);

	start += text_first(text + start, n - start, 1); /* off half a character, or one on */
	const char *query = arena_copy(&f.arena, text + start, n - start < 80 ? n - start : 80);
	struct buf repaired = { 0 };

	text_repair(&repaired, query, strlen(query));
	MUST(library_search(f.library, buf_text(&repaired), &by_words, &f.arena, passages, &found, &f.err));
	buf_release(&repaired);
	return found;
}

static bool plain_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_plain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!plain_letter(s[i]) && !(s[i] >= '0' && s[i] <= '9') && (!strchr(" ,.", s[i]) || (i && s[i] == s[i - 1])))
			return false;
	return true;
}

/* Words of a passage from `least` to `most` bytes, in one line; plain: letters, digits, commas and full stops only. */
static const char *words_of(const struct passage *p, size_t least, size_t most, bool plain)
{
	size_t n = strlen(p->text);

	for (size_t i = 0; i < TRIES && n > least + 2; i++) {
		size_t start = rng_below(&f.rng, n - least), end = start + least + rng_below(&f.rng, most - least);

		if (end >= n || (start > 0 && p->text[start - 1] != ' ') || p->text[end] != ' ' || !plain_letter(p->text[start]) ||
		    !plain_letter(p->text[end - 1]) || memchr(p->text + start, '\n', end - start) ||
		    (plain && !is_plain(p->text + start, end - start)))
			continue;
		return arena_copy(&f.arena, p->text + start, end - start);
	}
	return NULL;
}

/* text with every `from` replaced; NULL when there is none. */
static const char *replaced(const char *text, const char *from, const char *to)
{
	struct buf out = { 0 };
	size_t n = 0;

	if (!text)
		return NULL;
	for (const char *p = text; *p; p++) {
		if (strncmp(p, from, strlen(from)) != 0) {
			buf_addc(&out, *p);
			continue;
		}
		buf_adds(&out, to);
		p += strlen(from) - 1;
		n++;
	}
	const char *copy = n ? arena_copy(&f.arena, out.data, out.n) : NULL;

	buf_release(&out);
	return copy;
}

static const char *either(const char *a, const char *b)
{
	return a ? a : b;
}

/* --- sorts of quotes: NULL when the passage has no place for one --- */

static const char *word_for_word(const struct passage *p, const struct passage *other)
{
	(void)other;
	return words_of(p, 12, 190, false);
}

static const char *spaced(const struct passage *p, const struct passage *other)
{
	(void)other;
	return replaced(words_of(p, 30, 150, false), " ", rng_below(&f.rng, 2) ? "\n    " : "  ");
}

static const char *shouted(const struct passage *p, const struct passage *other)
{
	char *s = (char *)words_of(p, 30, 150, true);

	(void)other;
	for (size_t i = 0; s && s[i]; i++)
		if (s[i] >= 'a' && s[i] <= 'z')
			s[i] = (char)(s[i] - 32);
	return s;
}

static const char *smart_quoted(const struct passage *p, const struct passage *other)
{
	const char *s = words_of(p, 40, 190, false);

	(void)other;
	return either(replaced(s, "'", "\xE2\x80\x99"), replaced(s, "\"", "\xE2\x80\x9D"));
}

static const char *wrapped(const struct passage *p, const struct passage *other)
{
	const char *s = words_of(p, 30, 150, true);

	(void)other;
	return s ? arena_printf(&f.arena, "\xE2\x80\x9C%s\xE2\x80\x9D", s) : NULL;
}

static const char *with_ligatures(const struct passage *p, const struct passage *other)
{
	const char *s = words_of(p, 40, 150, true);

	(void)other;
	return either(replaced(s, "ffi", "\xEF\xAC\x83"), either(replaced(s, "fi", "\xEF\xAC\x81"), replaced(s, "fl", "\xEF\xAC\x82")));
}

static const char *with_dashes(const struct passage *p, const struct passage *other)
{
	(void)other;
	return replaced(words_of(p, 40, 150, false), "-", rng_below(&f.rng, 2) ? "\xE2\x80\x93" : "\xE2\x80\x91");
}

static const char *broken_at_the_line(const struct passage *p, const struct passage *other)
{
	const char *s = words_of(p, 40, 150, true);

	(void)other;
	for (size_t i = 10; s && s[i]; i++)
		if (plain_letter(s[i]) && plain_letter(s[i - 1]) && plain_letter(s[i + 1]) && plain_letter(s[i - 2]))
			return arena_printf(&f.arena, "%.*s-\n   %s", (int)i, s, s + i);
	return NULL;
}

/* The place, or the end of the word around it when that has a digit: with half of its digits a number is another one. */
static size_t off_numbers(const char *s, size_t at)
{
	size_t from = at, to = at;
	bool number = false;

	while (from > 0 && s[from - 1] != ' ')
		from--;
	while (s[to] && s[to] != ' ')
		to++;
	for (size_t i = from; i < to; i++)
		number |= s[i] >= '0' && s[i] <= '9';
	return number ? to : at;
}

static const char *with_an_ellipsis(const struct passage *p, const struct passage *other)
{
	static const char *const marks[] = { " ... ", " [...] ", "\xE2\x80\xA6" };
	const char *s = words_of(p, 80, 190, true);
	size_t n = s ? strlen(s) : 0;

	(void)other;
	if (!s)
		return NULL;
	size_t left = off_numbers(s, n * 35 / 100), right = off_numbers(s, n * 65 / 100);

	return left < right && n - right >= 8 ? arena_printf(&f.arena, "%.*s%s%s", (int)left, s, marks[rng_below(&f.rng, 3)], s + right) : NULL;
}

/* Edits at letters that are far enough apart; none more than a tenth of what is left. */
static const char *with_edits(const struct passage *p, const struct passage *other)
{
	const char *s = words_of(p, 44, 180, true);
	size_t n = s ? strlen(s) : 0, most = n / 11, edits = 0;
	struct buf out = { 0 };

	(void)other;
	for (size_t i = 0; i < n; i++) {
		bool edit = edits < most && i % 10 == 5 && plain_letter(s[i - 1]) && plain_letter(s[i]) && plain_letter(s[i + 1]);
		size_t way = edit ? rng_below(&f.rng, 3) : 0;

		if (!edit || way == 1)
			buf_addc(&out, s[i]);
		if (edit && way < 2)
			buf_addc(&out, s[i] == 'x' ? 'w' : 'x'); /* another letter, or one more; else one less */
		edits += edit;
	}
	const char *copy = edits > 0 ? arena_copy(&f.arena, out.data, out.n) : NULL;

	buf_release(&out);
	return copy;
}

static const char *with_every_third_letter_wrong(const struct passage *p, const struct passage *other)
{
	char *s = (char *)words_of(p, 44, 180, true);

	(void)other;
	for (size_t i = 0; s && s[i]; i++)
		if (i % 3 == 0)
			s[i] = "qzx"[i % 9 / 3];
	return s;
}

/* Half of one document and half of another, as if they stood together. */
static const char *spliced(const struct passage *p, const struct passage *other)
{
	const char *a = words_of(p, 50, 80, true), *b = words_of(other, 50, 80, true);

	return a && b && strcmp(p->document, other->document) != 0 ? arena_printf(&f.arena, "%s %s", a, b) : NULL;
}

static const char *foreign(const struct passage *p, const struct passage *other)
{
	static const char *const said[] = {
		"Le protocole a \xC3\xA9t\xC3\xA9 montr\xC3\xA9 au public pendant l'hiver", "Die Beispiele werden einmal gemischt und dann geteilt",
		"\xE5\x8C\x97\xE4\xBA\xAC\xE6\x98\xAF\xE4\xB8\xAD\xE5\x9B\xBD\xE7\x9A\x84\xE9\xA6\x96\xE9\x83\xBD\xEF\xBC\x8C\xE4\xBA\xBA\xE5\x8F\xA3\xE5\xBE\x88\xE5\xA4\x9A",
		"La respuesta no est\xC3\xA1 en ninguno de los documentos", "\xD0\x9E\xD1\x82\xD0\xB2\xD0\xB5\xD1\x82 \xD0\xBD\xD0\xB0\xD1\x85\xD0\xBE\xD0\xB4\xD0\xB8\xD1\x82\xD1\x81\xD1\x8F \xD0\xB2 \xD1\x82\xD0\xB5\xD0\xBA\xD1\x81\xD1\x82\xD0\xB5",
	};

	(void)p, (void)other;
	return said[rng_below(&f.rng, ARRAY_SIZE(said))];
}

/* The model's own words around a few true ones. */
static const char *invented(const struct passage *p, const struct passage *other)
{
	static const char *const claims[] = { "was abandoned after protests in the spring of 1931", "costs exactly nine hundred guilders",
					      "is forbidden by the harbour commission", "was never heard of again in Valparaiso" };
	const char *s = words_of(p, 8, 24, true);

	(void)other;
	return s ? arena_printf(&f.arena, "%s %s", s, claims[rng_below(&f.rng, ARRAY_SIZE(claims))]) : NULL;
}

static const struct {
	const char *name;
	const char *(*make)(const struct passage *p, const struct passage *other);
	enum quote_match match;
} sorts[] = {
	{ "word for word", word_for_word, QUOTE_EXACT },
	{ "other white space", spaced, QUOTE_NORMALISED },
	{ "capitals", shouted, QUOTE_NORMALISED },
	{ "curly quotation marks", smart_quoted, QUOTE_NORMALISED },
	{ "wrapped in quotation marks", wrapped, QUOTE_NORMALISED },
	{ "ligatures", with_ligatures, QUOTE_NORMALISED },
	{ "other dashes", with_dashes, QUOTE_NORMALISED },
	{ "a word broken at the line's end", broken_at_the_line, QUOTE_NORMALISED },
	{ "an ellipsis", with_an_ellipsis, QUOTE_FUZZY },
	{ "an edit in ten", with_edits, QUOTE_FUZZY },
	{ "an edit in three", with_every_third_letter_wrong, QUOTE_FAILED },
	{ "two documents spliced", spliced, QUOTE_FAILED },
	{ "another language", foreign, QUOTE_FAILED },
	{ "invented", invented, QUOTE_FAILED },
};

/* --- replies --- */

/* As a model writes it that keeps to the schema; every fifth with words around it. */
static const char *reply_with(size_t passage, const char *quote)
{
	json_t *root = json_pack("{s:s, s:[{s:I, s:s}]}", "answer", "so it is", "citations", "passage", (json_int_t)passage + 1,
				 "quote", quote);

	assert_non_null(root);
	char *text = json_dumps(root, rng_below(&f.rng, 2) ? JSON_COMPACT : JSON_ENSURE_ASCII);
	const char *reply = rng_below(&f.rng, 5) ? arena_string(&f.arena, text) : arena_printf(&f.arena, "Here it is:\n%s\n", text);

	free(text);
	json_decref(root);
	return reply;
}

static void assert_stored_bytes(const struct evidence *e, const char *sort)
{
	struct documents *d = library_documents(f.library);

	MUST(documents_begin_read(d, &f.err));
	for (size_t i = 0; i < e->n_citations; i++) {
		const struct citation *c = &e->citations[i];
		const char *stored;

		assert_true(c->passage < e->n_passages && c->start < c->end && c->match != QUOTE_FAILED);
		MUST(documents_span(d, e->passages[c->passage].revision, c->start, c->end, &f.arena, &stored, &f.err));
		if (strlen(c->text) != c->end - c->start || memcmp(c->text, stored, c->end - c->start) != 0)
			fail_msg("%s: cited \"%s\", stored is \"%s\"", sort, c->text, stored);
		if (!text_valid(c->text, strlen(c->text), &(size_t){ 0 }))
			fail_msg("%s: half a character is cited", sort);
	}
	documents_end(d);
}

/* One reply with a quote of that sort; false when these passages have no place for one. */
static bool scripted(size_t sort)
{
	struct passage *passages;
	size_t n = passages_found(&passages), from = n ? rng_below(&f.rng, n) : 0, named = from;
	const char *quote = n > 1 ? sorts[sort].make(&passages[from], &passages[(from + 1) % n]) : NULL;
	enum quote_match want = sorts[sort].match;
	bool misnamed = rng_below(&f.rng, 4) == 0;

	if (!quote)
		return false;
	if (misnamed)
		named = (from + 1) % n;
	for (size_t i = 0; i < n; i++)
		want = strstr(passages[i].text, quote) ? QUOTE_EXACT : want;
	struct cited_answer reply = passages_read(reply_with(named, quote), n, &f.arena);
	struct evidence e = { .passages = passages, .n_passages = n, .similarity = NAN };

	assert_true(reply.parsed && reply.n_citations == 1 && strcmp(reply.answer, "so it is") == 0);
	evidence_cite(&e, &reply, &f.arena);
	assert_stored_bytes(&e, sorts[sort].name);
	assert_int_equal(e.n_citations + e.failed, 1);
	enum quote_match got = e.n_citations ? e.citations[0].match : QUOTE_FAILED;

	if (got != want)
		fail_msg("%s: \"%s\" is %s%s%s", sorts[sort].name, quote, quote_match_name(got), e.n_citations ? ": " : "",
			 e.n_citations ? e.citations[0].text : "");
	if (!misnamed && want != QUOTE_FAILED && (want != QUOTE_EXACT || strstr(passages[from].text, quote)))
		assert_int_equal(e.citations[0].passage, from);
	return true;
}

static void every_citation_is_the_stored_revisions_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < REPLIES; i++) {
		size_t sort = i % ARRAY_SIZE(sorts), tries = 0;

		while (tries < TRIES && !scripted(sort))
			tries++;
		if (tries == TRIES)
			fail_msg("%s: no passage has a place for one", sorts[sort].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_citation_is_the_stored_revisions_bytes),
	};

	return cmocka_run_group_tests_name("variant_citations", tests, set_up, tear_down);
}
