/* documents_verify.c - everything that documents.h promises about its rows, asked of the rows. */
#include <string.h>

#include "store/documents_inner.h"

/* Each returns one sentence a row about what is wrong. */
static const char *const checks[] = {
	"SELECT 'document \"' || name || '\" has no text: revision ' || revision || ' is missing' FROM document d"
	" WHERE NOT EXISTS (SELECT 1 FROM revision r WHERE r.id = d.revision AND r.document = d.id)",
	"SELECT 'revision ' || id || ' belongs to no document' FROM revision r"
	" WHERE NOT EXISTS (SELECT 1 FROM document d WHERE d.id = r.document AND d.revision = r.id)",
	"SELECT 'document \"' || name || '\" has metadata that is no JSON object' FROM document"
	" WHERE NOT CASE WHEN json_valid(meta) THEN json_type(meta) = 'object' ELSE 0 END",
	"SELECT 'collection ' || collection || ' holds chunks of document ' || document || ', which is not there' FROM cut"
	" WHERE document NOT IN (SELECT id FROM document)",
	"SELECT 'document ' || document || ' is said to be in collection ' || collection || ', which is not there' FROM cut"
	" WHERE collection NOT IN (SELECT id FROM collection)",
	"SELECT 'collection ' || c.id || ' is ready without document \"' || d.name || '\"' FROM collection c, document d"
	" WHERE c.ready AND NOT EXISTS (SELECT 1 FROM cut WHERE document = d.id AND collection = c.id)",
	"SELECT 'table ' || name || ' belongs to no collection' FROM sqlite_schema WHERE type = 'table'"
	" AND (name GLOB 'chunk_[0-9]*' OR name GLOB 'words_[0-9]*') AND name NOT GLOB '*_[a-z]*'"
	" AND CAST(substr(name, 7) AS INTEGER) NOT IN (SELECT id FROM collection)",
};

/* The same of each collection's own tables; "#" is its number, ?1 the width of its vectors. */
static const char *const own_checks[] = {
	"SELECT 'chunk ' || id || ' of collection # is of revision ' || revision || ' of document ' || document ||"
	" ', which is not current' FROM chunk_# c"
	" WHERE NOT EXISTS (SELECT 1 FROM document d WHERE d.id = c.document AND d.revision = c.revision)",
	"SELECT 'chunk ' || id || ' of collection # is not among those of its document ' || c.document FROM chunk_# c"
	" LEFT JOIN cut ON cut.document = c.document AND cut.collection = #"
	" WHERE cut.first IS NULL OR c.id NOT BETWEEN cut.first AND cut.first + cut.n - 1 OR c.ordinal <> c.id - cut.first",
	"SELECT 'document ' || document || ' has ' || n || ' chunks in collection #, but ' || there || ' are there' FROM"
	" (SELECT document, n, (SELECT count(*) FROM chunk_# c WHERE c.id BETWEEN first AND first + n - 1"
	" AND c.document = cut.document) there FROM cut WHERE collection = #) WHERE n <> there",
	"SELECT 'chunk ' || id || ' of collection # has no words' FROM chunk_# WHERE id NOT IN (SELECT id FROM words_#_content)",
	"SELECT 'words ' || id || ' of collection # belong to no chunk' FROM words_#_content"
	" WHERE id NOT IN (SELECT id FROM chunk_#)",
	"SELECT 'chunk ' || id || ' of collection # has a vector of ' || coalesce(length(codes), 0) || ' numbers, not ' || ?1"
	" FROM chunk_# WHERE coalesce(length(codes), 0) <> ?1 OR NOT scale >= 0",
};

struct findings {
	struct documents *d;
	struct arena *arena;
	const char **rows;
	size_t n;
};

static void find(struct findings *f, const char *sentence)
{
	if (f->n < VERIFY_PROBLEMS)
		f->rows[f->n++] = sentence;
}

/* The sentences a statement returns, but `fine`. */
static bool take(struct findings *f, const char *sql, size_t width, const char *fine, struct error *err)
{
	struct database *base = &f->d->base;
	sqlite3_stmt *q = NULL;
	int code;

	if (!database_prepare(base, sql, &q, err))
		return false;
	if (sqlite3_bind_parameter_count(q) > 0)
		sqlite3_bind_int64(q, 1, (sqlite3_int64)width);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		const char *sentence = column_text(f->arena, q, 0);

		if (sentence && (!fine || strcmp(sentence, fine) != 0))
			find(f, sentence);
	}
	bool ok = database_ended(base, q, code, err);

	sqlite3_finalize(q);
	return ok;
}

static bool check_words_index(struct findings *f, int64_t collection, struct error *err)
{
	struct buf sql = { 0 };

	own_sql(&sql, "INSERT INTO words_#(words_#) VALUES('integrity-check')", collection);
	int code = sqlite3_exec(f->d->base.db, buf_text(&sql), NULL, NULL, NULL);

	buf_release(&sql);
	if (code != SQLITE_OK && (code & 0xff) != SQLITE_CORRUPT)
		return database_fail(&f->d->base, err);
	if (code != SQLITE_OK)
		find(f, arena_printf(f->arena, "the words of collection %lld and their index do not agree", (long long)collection));
	return true;
}

static bool check_collection(struct findings *f, const struct collection_row *c, struct error *err)
{
	bool ok = check_words_index(f, c->id, err);

	for (size_t i = 0; ok && i < sizeof(own_checks) / sizeof(own_checks[0]); i++) {
		struct buf sql = { 0 };

		own_sql(&sql, own_checks[i], c->id);
		ok = take(f, buf_text(&sql), c->width, NULL, err);
		buf_release(&sql);
	}
	return ok;
}

static bool between_characters(const struct document_row *r, size_t at)
{
	return at <= r->n && (at == r->n || ((unsigned char)r->text[at] & 0xC0) != 0x80);
}

/* What is wrong with the span of a chunk and its words, NULL for nothing. */
static const char *span_fault(const struct document_row *r, size_t start, size_t end, size_t parent_start, size_t parent_end,
			      const char *words, size_t n_words)
{
	if (start > end || end > r->n || parent_start > start || end > parent_end || parent_end > r->n)
		return "is outside of its text or of its parent";
	if (!between_characters(r, start) || !between_characters(r, end) || !between_characters(r, parent_start) ||
	    !between_characters(r, parent_end))
		return "begins or ends inside a character";
	if (words && (n_words < end - start || memcmp(words + n_words - (end - start), r->text + start, end - start) != 0))
		return "is indexed with words of another text";
	return NULL;
}

static bool check_spans(struct findings *f, const struct document_row *r, const struct collection_row *c, struct error *err)
{
	struct own_tables *t = own_tables(f->d, c->id, err);
	sqlite3_stmt *cut = t ? database_statement(&f->d->base, CUT_GET, err) : NULL;
	sqlite3_stmt *q = cut ? own_statement(f->d, t, SPANS, err) : NULL;
	int code;

	if (!q)
		return false;
	sqlite3_bind_int64(cut, 1, r->id);
	sqlite3_bind_int64(cut, 2, c->id);
	if (sqlite3_step(cut) != SQLITE_ROW) {
		sqlite3_reset(cut);
		return true; /* the collection is being built; of a ready one it was said above */
	}
	sqlite3_bind_int64(q, 1, sqlite3_column_int64(cut, 0));
	sqlite3_bind_int64(q, 2, sqlite3_column_int64(cut, 0) + sqlite3_column_int64(cut, 1) - 1);
	sqlite3_reset(cut);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		const char *fault = span_fault(r, (size_t)sqlite3_column_int64(q, 1), (size_t)sqlite3_column_int64(q, 2),
					       (size_t)sqlite3_column_int64(q, 3), (size_t)sqlite3_column_int64(q, 4),
					       (const char *)sqlite3_column_text(q, 5), (size_t)sqlite3_column_bytes(q, 5));

		if (fault)
			find(f, arena_printf(f->arena, "chunk %lld of collection %lld, document \"%s\", %s",
					     (long long)sqlite3_column_int64(q, 0), (long long)c->id, r->name, fault));
	}
	return database_ended(&f->d->base, q, code, err);
}

/* Document by document, so that one text is in memory at a time. */
static bool check_texts(struct findings *f, const struct collection_row *collections, size_t n, struct error *err)
{
	struct document_row *rows;
	size_t n_rows;
	bool ok = documents_list(f->d, f->arena, &rows, &n_rows, err);

	for (size_t i = 0; ok && i < n_rows; i++) {
		struct arena scratch;
		struct error missing; /* a document without its revision was found above */

		arena_init(&scratch);
		if (documents_text(f->d, &scratch, &rows[i], &missing))
			for (size_t c = 0; ok && c < n; c++)
				ok = check_spans(f, &rows[i], &collections[c], err);
		arena_release(&scratch);
	}
	return ok;
}

static bool check_all(struct findings *f, struct error *err)
{
	struct collection_row *collections;
	size_t n;
	bool ok = take(f, "PRAGMA integrity_check", 0, "ok", err);

	for (size_t i = 0; ok && i < sizeof(checks) / sizeof(checks[0]); i++)
		ok = take(f, checks[i], 0, NULL, err);
	ok = ok && collections_list(f->d, f->arena, &collections, &n, err);
	for (size_t i = 0; ok && i < n; i++)
		ok = check_collection(f, &collections[i], err);
	return ok && check_texts(f, collections, n, err);
}

/* In a write, which is rolled back: FTS5's check is an INSERT. */
bool documents_verify(struct documents *d, struct arena *arena, const char *const **problems, size_t *n, struct error *err)
{
	struct findings f = { .d = d, .arena = arena, .rows = arena_array(arena, VERIFY_PROBLEMS, sizeof(*f.rows)) };
	bool ok = documents_begin_write(d, err) && check_all(&f, err);

	documents_end(d);
	if (!ok && f.n > 0) { /* what made the file unreadable was found before it was */
		find(&f, arena_string(arena, err->text));
		ok = true;
	}
	*problems = f.rows;
	*n = f.n;
	return ok;
}
