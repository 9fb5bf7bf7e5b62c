/* store_documents.c - documents, chunks, vectors and words change together; readers see one state; verify finds what does
 * not belong; searches cannot be broken by what is asked. */
#include "test.h"

#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/documents.h"

enum { WIDTH = 4 };

static char folder[] = "/tmp/rung-documents-XXXXXX";
static char path[128];

struct fixture {
	struct documents *d;
	struct arena arena;
	struct error err;
};

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void remove_file(void)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char name[256];

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
}

#define MUST(f, call) do { if (!(call)) fail_msg("%s: %s", #call, (f)->err.text); } while (0)

static struct documents *opened(struct fixture *f)
{
	struct documents *d = documents_open(path, true, &f->err);

	if (!d)
		fail_msg("%s", f->err.text);
	return d;
}

static int begin(void **state)
{
	struct fixture *f = mem_zero(1, sizeof(*f));

	snprintf(path, sizeof(path), "%s/docs.db", folder);
	arena_init(&f->arena);
	f->d = opened(f);
	*state = f;
	return 0;
}

static int finish(void **state)
{
	struct fixture *f = *state;

	documents_close(f->d);
	arena_release(&f->arena);
	free(f);
	remove_file();
	return 0;
}

static int64_t collection(struct fixture *f, bool trigram, size_t width)
{
	struct collection_row row = { .size = 200, .overlap = 40, .trigram = trigram, .model = width ? "m" : "", .width = width };

	MUST(f, documents_begin_write(f->d, &f->err));
	MUST(f, collection_put(f->d, &row, &f->err));
	MUST(f, collection_ready(f->d, row.id, &f->err));
	MUST(f, documents_commit(f->d, &f->err));
	return row.id;
}

/* Within a write: a document of one chunk for each of its lines. */
static struct document_row put_lines(struct fixture *f, int64_t c, size_t width, const char *name, const char *meta, const char *text)
{
	struct document_row row = { .name = name, .media = "text", .title = "", .meta = meta, .hash = strlen(text), .text = text,
				    .n = strlen(text), .structure = "{}" };
	struct chunk_row chunks[16];
	size_t n = 0;

	for (const char *p = text; *p;) {
		size_t length = strcspn(p, "\n");
		int8_t *codes = arena_alloc(&f->arena, WIDTH);

		codes[n % WIDTH] = (int8_t)(n + 1);
		chunks[n++] = (struct chunk_row){
			.key = n, .start = (size_t)(p - text), .end = (size_t)(p - text) + length, .parent_end = strlen(text),
			.heading = "", .codes = width ? codes : NULL, .scale = width ? 0.5f : 0, .words = arena_copy(&f->arena, p, length),
		};
		p += length + (p[length] == '\n');
	}
	MUST(f, documents_put(f->d, &row, &f->err));
	MUST(f, chunks_put(f->d, c, &row, chunks, n, &f->err));
	return row;
}

static struct document_row add(struct fixture *f, int64_t c, size_t width, const char *name, const char *meta, const char *text)
{
	MUST(f, documents_begin_write(f->d, &f->err));
	struct document_row row = put_lines(f, c, width, name, meta, text);

	MUST(f, documents_commit(f->d, &f->err));
	return row;
}

/* The texts that a search finds, best first, joined by "|". */
static const char *found_by(struct fixture *f, struct documents *d, int64_t c, const char *query, const int64_t *within, size_t n_within)
{
	struct word_hit *hits;
	struct buf out = { 0 };
	size_t n;

	MUST(f, words_search(d, c, query, 10, within, n_within, &f->arena, &hits, &n, &f->err));
	for (size_t i = 0; i < n; i++) {
		struct chunk_row chunk;
		const char *text;
		bool found;

		MUST(f, chunk_get(d, c, hits[i].chunk, &f->arena, &chunk, &found, &f->err));
		assert_true(found);
		MUST(f, documents_span(d, chunk.revision, chunk.start, chunk.end, &f->arena, &text, &f->err));
		buf_addf(&out, "%s%s", i ? "|" : "", text);
	}
	const char *all = arena_string(&f->arena, buf_text(&out));

	buf_release(&out);
	return all;
}

static const char *search(struct fixture *f, int64_t c, const char *query)
{
	MUST(f, documents_begin_read(f->d, &f->err));
	const char *texts = found_by(f, f->d, c, query, NULL, 0);

	documents_end(f->d);
	return texts;
}

static void assert_clean(struct fixture *f)
{
	const char *const *problems;
	size_t n;

	MUST(f, documents_verify(f->d, &f->arena, &problems, &n, &f->err));
	if (n)
		fail_msg("%zu problems, the first: %s", n, problems[0]);
}

static void rows_come_back_as_they_went(void **state)
{
	struct fixture *f = *state;
	int64_t c = collection(f, false, WIDTH);
	struct document_row put = add(f, c, WIDTH, "a.md", "{\"year\": \"2020\"}", "first line\nsecond line"), row, *rows;
	struct chunk_row *chunks;
	size_t n;
	bool found;

	MUST(f, documents_begin_read(f->d, &f->err));
	MUST(f, documents_find(f->d, "a.md", &f->arena, &row, &found, &f->err));
	assert_true(found && row.id == put.id && row.revision == put.revision);
	assert_string_equal(row.meta, "{\"year\": \"2020\"}");
	assert_int_equal(row.chunks, 2);
	assert_null(row.text);
	MUST(f, documents_text(f->d, &f->arena, &row, &f->err));
	assert_string_equal(row.text, "first line\nsecond line");
	assert_int_equal(row.n, 22);
	MUST(f, documents_get(f->d, put.id, &f->arena, &row, &found, &f->err));
	assert_true(found && strcmp(row.name, "a.md") == 0);
	MUST(f, documents_find(f->d, "b.md", &f->arena, &row, &found, &f->err));
	assert_false(found);
	MUST(f, documents_list(f->d, &f->arena, &rows, &n, &f->err));
	assert_int_equal(n, 1);
	MUST(f, chunks_of(f->d, c, put.id, &f->arena, &chunks, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(chunks[1].codes[1], 2);
	assert_true(chunks[1].scale > 0.4f && chunks[1].start == 11 && chunks[1].end == 22 && chunks[1].ordinal == 1);
	const char *text;

	assert_false(documents_span(f->d, put.revision, 5, 23, &f->arena, &text, &f->err));
	assert_non_null(strstr(f->err.text, "outside of revision"));
	documents_end(f->d);
	assert_clean(f);
}

static void count_one(void *context, int64_t id, int64_t document, const int8_t *codes, float scale)
{
	int64_t *last = context;

	(void)document, (void)scale;
	assert_true(id > *last && codes);
	*last = id;
}

/* A replaced or removed document leaves nothing behind, and its numbers are not given again. */
static void old_text_is_gone(void **state)
{
	struct fixture *f = *state;
	int64_t c = collection(f, false, WIDTH), first = 0, second = 0;
	struct document_row old = add(f, c, WIDTH, "a", "{}", "the ostrich runs\nthe whale swims"), new;

	MUST(f, documents_begin_read(f->d, &f->err));
	MUST(f, chunks_each(f->d, c, 0, count_one, &first, &f->err));
	documents_end(f->d);
	new = add(f, c, WIDTH, "a", "{}", "the whale swims");
	assert_true(new.id == old.id && new.revision > old.revision);
	assert_string_equal(search(f, c, "ostrich"), "");
	assert_string_equal(search(f, c, "whales"), "the whale swims");
	MUST(f, documents_begin_read(f->d, &f->err));
	MUST(f, chunks_each(f->d, c, first, count_one, &second, &f->err));
	assert_true(second > first);
	documents_end(f->d);
	MUST(f, documents_begin_write(f->d, &f->err));
	MUST(f, documents_remove(f->d, new.id, &f->err));
	MUST(f, documents_commit(f->d, &f->err));
	assert_string_equal(search(f, c, "whales"), "");
	assert_clean(f);
	assert_true(add(f, c, WIDTH, "a", "{}", "again").id > new.id);
}

static void a_snapshot_does_not_move(void **state)
{
	struct fixture *f = *state;
	int64_t c = collection(f, false, 0), before, after, same;
	struct document_row row = add(f, c, 0, "a", "{}", "one ostrich");
	struct documents *reader = opened(f);
	const char *text;

	MUST(f, documents_begin_read(reader, &f->err));
	MUST(f, documents_version(reader, &before, &f->err));
	add(f, c, 0, "a", "{}", "two whales");
	assert_string_equal(found_by(f, reader, c, "ostrich whale", NULL, 0), "one ostrich");
	MUST(f, documents_span(reader, row.revision, 0, 3, &f->arena, &text, &f->err));
	MUST(f, documents_version(reader, &same, &f->err));
	assert_int_equal(same, before);
	documents_end(reader);
	MUST(f, documents_begin_read(reader, &f->err));
	MUST(f, documents_version(reader, &after, &f->err));
	assert_true(after > before);
	assert_string_equal(found_by(f, reader, c, "ostrich whale", NULL, 0), "two whales");
	documents_close(reader);
}

static void an_unfinished_write_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t c = collection(f, false, WIDTH);

	add(f, c, WIDTH, "a", "{}", "one ostrich");
	MUST(f, documents_begin_write(f->d, &f->err));
	put_lines(f, c, WIDTH, "a", "{}", "two whales");
	put_lines(f, c, WIDTH, "b", "{}", "three owls");
	documents_close(f->d); /* as a killed process would leave it */
	f->d = opened(f);
	assert_string_equal(search(f, c, "ostrich whale owl"), "one ostrich");
	assert_clean(f);
}

static void changes_are_told_apart(void **state)
{
	struct fixture *f = *state;
	int64_t c = collection(f, false, 0), since, *ids;
	struct document_row a = add(f, c, 0, "a", "{}", "a"), b = add(f, c, 0, "b", "{}", "b");
	bool known;
	size_t n;

	MUST(f, documents_begin_read(f->d, &f->err));
	MUST(f, documents_version(f->d, &since, &f->err));
	documents_end(f->d);
	MUST(f, documents_begin_write(f->d, &f->err));
	put_lines(f, c, 0, "a", "{}", "a again");
	MUST(f, documents_remove(f->d, b.id, &f->err));
	MUST(f, documents_commit(f->d, &f->err));
	MUST(f, documents_begin_read(f->d, &f->err));
	MUST(f, documents_changed(f->d, since, &f->arena, &ids, &n, &known, &f->err));
	assert_true(known && n == 2 && ids[0] == a.id && ids[1] == b.id);
	MUST(f, documents_changed(f->d, since + 1, &f->arena, &ids, &n, &known, &f->err));
	assert_true(known && n == 0);
	documents_end(f->d);
	for (int i = 0; i < CHANGES_KEPT; i++)
		add(f, c, 0, "a", "{}", "a");
	MUST(f, documents_begin_read(f->d, &f->err));
	MUST(f, documents_changed(f->d, since + 1, &f->arena, &ids, &n, &known, &f->err));
	assert_true(known && n == 1);
	MUST(f, documents_changed(f->d, since, &f->arena, &ids, &n, &known, &f->err));
	assert_true(!known && n == 0);
	documents_end(f->d);
}

/* Rows: what is asked of a collection that holds one chunk with the text. */
static const struct {
	const char *name;
	bool trigram;
	const char *text, *query;
	bool found;
} queries[] = {
	{ "stems meet", false, "runners were running", "run", true },
	{ "accents do not matter", false, "caf\xC3\xA9 au lait", "Cafe", true },
	{ "any of the terms", false, "one ostrich", "purple ostrich", true },
	{ "operators are words", false, "one ostrich", "NOT ostrich AND (x OR NEAR", true },
	{ "quotes", false, "one ostrich", "\"ostrich\"\"", true },
	{ "columns", false, "one ostrich", "words:ostrich*^-", true },
	{ "nothing but signs", false, "one ostrich", "\"*():^-+{}", false },
	{ "empty", false, "one ostrich", "", false },
	{ "not UTF-8", false, "one ostrich", "ostrich \xFF\xC0", true },
	{ "another word", false, "one ostrich", "whale", false },
	{ "inside an identifier", true, "run_target(self)", "target", true },
	{ "trigrams of words", true, "fn run_target", "what is `run_target`?", true },
	{ "too short for a trigram", true, "a b c", "a b", false },
	{ "quotes in trigrams", true, "say \"hi\"", "\"\"\"", false },
	{ "case", true, "DiffExecutor", "diffexec", true },
};

static void any_text_can_be_asked(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		int64_t c = collection(f, queries[i].trigram, 0);

		MUST(f, documents_begin_write(f->d, &f->err));
		put_lines(f, c, 0, "a", "{}", queries[i].text);
		MUST(f, documents_commit(f->d, &f->err));
		if ((search(f, c, queries[i].query)[0] != '\0') != queries[i].found)
			fail_msg("%s", queries[i].name);
		MUST(f, documents_begin_write(f->d, &f->err));
		MUST(f, collection_remove(f->d, c, &f->err));
		MUST(f, documents_commit(f->d, &f->err));
	}
	assert_clean(f);
}

static off_t file_size(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* What was removed leaves the file, not only the answers. */
static void shrinks(struct fixture *f, int64_t document)
{
	documents_close(f->d);
	off_t before = file_size();

	f->d = opened(f);
	MUST(f, documents_shrink(f->d, &f->err)); /* nothing is free */
	MUST(f, documents_begin_write(f->d, &f->err));
	MUST(f, documents_remove(f->d, document, &f->err));
	MUST(f, documents_commit(f->d, &f->err));
	MUST(f, documents_shrink(f->d, &f->err));
	documents_close(f->d);
	if (file_size() > before / 10)
		fail_msg("%lld bytes of %lld are left", (long long)file_size(), (long long)before);
	f->d = opened(f);
	assert_clean(f);
}

/* A term in more chunks than are scored is left out while a rarer one remains, and searched when it is alone. */
static void common_terms_give_way(void **state)
{
	enum { MANY = WORDS_MATCHES + 10 };
	struct fixture *f = *state;
	int64_t c = collection(f, false, 0);
	struct document_row row = { .name = "many", .media = "text", .title = "", .meta = "{}", .text = "common", .n = 6, .structure = "{}" };
	struct chunk_row *chunks = mem_zero(MANY, sizeof(*chunks));

	for (size_t i = 0; i < MANY; i++)
		chunks[i] = (struct chunk_row){ .end = 6, .parent_end = 6, .heading = "", .words = i == 77 ? "rare" : "common" };
	MUST(f, documents_begin_write(f->d, &f->err));
	MUST(f, documents_put(f->d, &row, &f->err));
	MUST(f, chunks_put(f->d, c, &row, chunks, MANY, &f->err));
	MUST(f, documents_commit(f->d, &f->err));
	MUST(f, documents_begin_read(f->d, &f->err));
	struct word_hit *hits;
	size_t n;

	MUST(f, words_search(f->d, c, "common rare", 10, NULL, 0, &f->arena, &hits, &n, &f->err));
	assert_true(n == 1 && hits[0].chunk == chunks[77].id);
	MUST(f, words_search(f->d, c, "common", 10, NULL, 0, &f->arena, &hits, &n, &f->err));
	assert_true(n == 10 && hits[0].chunk == chunks[0].id && hits[9].chunk == chunks[9].id);
	documents_end(f->d);
	free(chunks);
	shrinks(f, row.id);
}

static void filters_come_before_the_search(void **state)
{
	static const struct {
		struct meta_filter filters[2];
		size_t n, matching;
	} cases[] = {
		{ { { "lang", "en" } }, 1, 12 },
		{ { { "lang", "de" } }, 1, 1 },
		{ { { "lang", "en" }, { "year", "3" } }, 2, 1 },
		{ { { "draft", "true" } }, 1, 1 },
		{ { { "la\"ng'; --", "de" } }, 1, 0 },
		{ { { "lang", "de" }, { "lang", "en" } }, 2, 0 },
		{ { { NULL, NULL } }, 0, 13 },
	};
	struct fixture *f = *state;
	int64_t c = collection(f, false, 0), *ids;
	size_t n;

	for (int i = 0; i < 12; i++)
		add(f, c, 0, arena_printf(&f->arena, "en%d", i), arena_printf(&f->arena, "{\"lang\": \"en\", \"year\": %d}", i),
		    "ostrich ostrich ostrich");
	add(f, c, 0, "de", "{\"lang\": \"de\", \"draft\": true}", "an ostrich among very many other and longer words");
	MUST(f, documents_begin_read(f->d, &f->err));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		MUST(f, documents_filter(f->d, cases[i].filters, cases[i].n, &f->arena, &ids, &n, &f->err));
		assert_int_equal(n, cases[i].matching);
	}
	MUST(f, documents_filter(f->d, cases[1].filters, 1, &f->arena, &ids, &n, &f->err));
	assert_string_equal(found_by(f, f->d, c, "ostrich", ids, n), "an ostrich among very many other and longer words");
	assert_string_equal(found_by(f, f->d, c, "ostrich", ids, 0), "");
	documents_end(f->d);
}

static void collections_fill_up(void **state)
{
	struct fixture *f = *state;
	int64_t one = collection(f, false, 0), *ids;
	struct document_row a = add(f, one, 0, "a", "{}", "alpha"), b = add(f, one, 0, "b", "{}", "");
	struct collection_row two = { .size = 100, .overlap = 0, .trigram = true, .model = "" }, *rows;
	struct chunk_row chunk = { .end = 5, .parent_end = 5, .heading = "", .words = "alpha" };
	size_t n, total;

	MUST(f, documents_begin_write(f->d, &f->err));
	MUST(f, collection_put(f->d, &two, &f->err));
	MUST(f, collection_missing(f->d, two.id, 0, 1, &f->arena, &ids, &n, &total, &f->err));
	assert_true(n == 1 && ids[0] == a.id && total == 2);
	MUST(f, chunks_put(f->d, two.id, &a, &chunk, 1, &f->err));
	MUST(f, collection_missing(f->d, two.id, a.id, 9, &f->arena, &ids, &n, &total, &f->err));
	assert_true(n == 1 && ids[0] == b.id && total == 1);
	MUST(f, chunks_put(f->d, two.id, &b, NULL, 0, &f->err)); /* nothing to cut is cut too */
	MUST(f, collection_missing(f->d, two.id, 0, 9, &f->arena, &ids, &n, &total, &f->err));
	assert_true(n == 0 && total == 0);
	MUST(f, collection_ready(f->d, two.id, &f->err));
	MUST(f, collection_remove(f->d, one, &f->err));
	MUST(f, collections_list(f->d, &f->arena, &rows, &n, &f->err));
	assert_true(n == 1 && rows[0].id == two.id && rows[0].ready && rows[0].trigram && rows[0].size == 100);
	MUST(f, documents_commit(f->d, &f->err));
	assert_string_equal(search(f, two.id, "alph"), "alpha");
	MUST(f, documents_begin_read(f->d, &f->err));
	struct word_hit *hits;

	assert_false(words_search(f->d, one, "alpha", 1, NULL, 0, &f->arena, &hits, &n, &f->err));
	assert_non_null(strstr(f->err.text, "not there any more"));
	documents_end(f->d);
	assert_clean(f);
}

/* Rows: damage done with SQL, and a part of the sentence that verify has for it. */
static const struct {
	const char *sql, *sentence;
} damages[] = {
	{ "DELETE FROM revision", "has no text" },
	{ "DELETE FROM document", "belongs to no document" },
	{ "DELETE FROM document", "which is not current" },
	{ "DELETE FROM cut", "is ready without document \"a\"" },
	{ "DELETE FROM cut", "is not among those of its document" },
	{ "DELETE FROM collection", "table chunk_1 belongs to no collection" },
	{ "DELETE FROM collection", "collection 1, which is not there" },
	{ "DELETE FROM chunk_1 WHERE id = 2", "has 2 chunks in collection 1, but 1 are there" },
	{ "DELETE FROM chunk_1 WHERE id = 2", "words 2 of collection 1 belong to no chunk" },
	{ "DELETE FROM words_1 WHERE rowid = 1", "has no words" },
	{ "UPDATE chunk_1 SET codes = x'0102'", "has a vector of 2 numbers, not 4" },
	{ "UPDATE chunk_1 SET codes = NULL", "has a vector of 0 numbers, not 4" },
	{ "UPDATE chunk_1 SET scale = -1", "has a vector of" },
	{ "UPDATE chunk_1 SET end = 999 WHERE id = 2", "is outside of its text" },
	{ "UPDATE chunk_1 SET start = 4, parent_start = 4, end = 5 WHERE id = 1", "inside a character" },
	{ "UPDATE chunk_1 SET end = end - 1 WHERE id = 1", "words of another text" },
	{ "UPDATE chunk_1 SET ordinal = 7 WHERE id = 1", "is not among those" },
	{ "UPDATE words_1_content SET c0 = 'eine whale' WHERE id = 2", "do not agree" },
	{ "UPDATE document SET meta = '[]'", "no JSON object" },
};

static void verify_finds(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		int64_t c = collection(f, false, WIDTH);
		const char *const *problems;
		size_t n;
		bool said = false;
		sqlite3 *db;

		add(f, c, WIDTH, "a", "{}", "caf\xC3\xA9 ostrich\na whale");
		assert_clean(f);
		documents_close(f->d);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, damages[i].sql, NULL, NULL, NULL), SQLITE_OK);
		sqlite3_close(db);
		f->d = opened(f);
		MUST(f, documents_verify(f->d, &f->arena, &problems, &n, &f->err));
		for (size_t p = 0; p < n; p++)
			said = said || strstr(problems[p], damages[i].sentence);
		if (!said)
			fail_msg("%s: %zu problems, none says \"%s\"; the first: %s", damages[i].sql, n, damages[i].sentence,
				 n ? problems[0] : "-");
		documents_close(f->d);
		remove_file();
		f->d = opened(f);
	}
}

static void strangers_are_refused(void **state)
{
	struct fixture *f = *state;
	char other[160];
	sqlite3 *db;

	snprintf(other, sizeof(other), "%s/other.db", folder);
	assert_null(documents_open(other, false, &f->err));
	assert_non_null(strstr(f->err.text, "rung docs add"));
	assert_int_equal(sqlite3_open(other, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE run(id)", NULL, NULL, NULL), SQLITE_OK);
	assert_null(documents_open(other, true, &f->err));
	assert_non_null(strstr(f->err.text, "another program"));
	assert_int_equal(sqlite3_exec(db, "DROP TABLE run; PRAGMA user_version = 9", NULL, NULL, NULL), SQLITE_OK);
	assert_null(documents_open(other, true, &f->err));
	assert_non_null(strstr(f->err.text, "newer rung (store version 9"));
	sqlite3_close(db);
	unlink(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_come_back_as_they_went, begin, finish),
		cmocka_unit_test_setup_teardown(old_text_is_gone, begin, finish),
		cmocka_unit_test_setup_teardown(a_snapshot_does_not_move, begin, finish),
		cmocka_unit_test_setup_teardown(an_unfinished_write_leaves_nothing, begin, finish),
		cmocka_unit_test_setup_teardown(changes_are_told_apart, begin, finish),
		cmocka_unit_test_setup_teardown(any_text_can_be_asked, begin, finish),
		cmocka_unit_test_setup_teardown(common_terms_give_way, begin, finish),
		cmocka_unit_test_setup_teardown(filters_come_before_the_search, begin, finish),
		cmocka_unit_test_setup_teardown(collections_fill_up, begin, finish),
		cmocka_unit_test_setup_teardown(verify_finds, begin, finish),
		cmocka_unit_test_setup_teardown(strangers_are_refused, begin, finish),
	};

	return cmocka_run_group_tests_name("store_documents", tests, make_folder, remove_folder);
}
