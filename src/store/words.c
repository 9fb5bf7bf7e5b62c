/* words.c - the lexical half of a search: a query through the collection's own tokenizer, the rarest terms to FTS5. */
#include "store/documents_inner.h"

#include <jansson.h>
#include <string.h>

#include "base/text.h"

struct term {
	const char *text; /* (n) as it stands in the query: what FTS5 is asked for */
	size_t n;
	const char *token; /* what the tokenizer made of it: how the index knows it */
	size_t matches, position;
};

struct terms {
	struct arena *arena;
	const char *query; /* that the offsets of tokens are into */
	struct term *rows;
	size_t n;
};

static fts5_api *api_of(sqlite3 *db)
{
	fts5_api *api = NULL;
	sqlite3_stmt *q = NULL;

	if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &q, NULL) == SQLITE_OK) {
		sqlite3_bind_pointer(q, 1, (void *)&api, "fts5_api_ptr", NULL);
		sqlite3_step(q);
	}
	sqlite3_finalize(q);
	return api;
}

/* The tokenizers of the tables in collections.c. */
static bool tokenizer_open(struct documents *d, bool trigram, struct tokenizer *t, struct error *err)
{
	const char *porter[] = { "unicode61", "remove_diacritics", "2" };
	fts5_api *api = t->state ? NULL : api_of(d->base.db);
	void *context;

	if (t->state)
		return true;
	if (!api || api->xFindTokenizer(api, trigram ? "trigram" : "porter", &context, &t->calls) != SQLITE_OK ||
	    t->calls.xCreate(context, porter, trigram ? 0 : 3, &t->state) != SQLITE_OK)
		return error_set(err, "%s: this SQLite has no FTS5 with the tokenizers porter and trigram; install one of version "
				 "3.34 or later", d->base.path);
	return true;
}

void tokenizers_close(struct documents *d)
{
	if (d->stems.state)
		d->stems.calls.xDelete(d->stems.state);
	if (d->trigrams.state)
		d->trigrams.calls.xDelete(d->trigrams.state);
}

static int add_term(void *context, int flags, const char *token, int n, int start, int end)
{
	struct terms *t = context;

	(void)flags;
	for (size_t i = 0; i < t->n; i++)
		if (strlen(t->rows[i].token) == (size_t)n && memcmp(t->rows[i].token, token, (size_t)n) == 0)
			return SQLITE_OK;
	t->rows = rows_grown(t->arena, t->rows, t->n, sizeof(*t->rows));
	t->rows[t->n] = (struct term){ .text = t->query + start, .n = (size_t)(end - start),
				       .token = arena_copy(t->arena, token, (size_t)n), .position = t->n };
	t->n++;
	return SQLITE_OK;
}

static bool is_word(uint32_t c)
{
	return c == '_' || text_is_letter(c) || text_is_number(c);
}

/* Bytes of the run of word characters (word) or others at the start of text. */
static size_t run_length(const char *text, size_t n, bool word)
{
	size_t at = 0;
	uint32_t c;

	while (at < n) {
		size_t length = text_decode(text + at, n - at, &c);

		if (is_word(c) != word)
			break;
		at += length;
	}
	return at;
}

/* Stems of the whole query; trigrams of each of its words, since those across words say how a question is put. */
static void divide(struct tokenizer *tokenizer, bool trigram, const char *query, struct terms *t)
{
	enum { MOST = 1 << 16 };
	size_t n = strnlen(query, MOST);

	if (!trigram) {
		t->query = query;
		tokenizer->calls.xTokenize(tokenizer->state, t, FTS5_TOKENIZE_QUERY, query, (int)n, add_term);
		return;
	}
	for (size_t at = 0; at < n;) {
		size_t skipped = run_length(query + at, n - at, false), length = run_length(query + at + skipped, n - at - skipped, true);

		t->query = query + at + skipped;
		tokenizer->calls.xTokenize(tokenizer->state, t, FTS5_TOKENIZE_QUERY, t->query, (int)length, add_term);
		at += skipped + length;
	}
}

static bool count_matches(struct documents *d, struct own_tables *own, struct terms *t, struct error *err)
{
	struct buf sql = { 0 };
	bool ok;

	own_sql(&sql, "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary_# USING fts5vocab(main, words_#, row)", own->collection);
	ok = database_execute(&d->base, buf_text(&sql), err);
	buf_release(&sql);
	for (size_t i = 0; ok && i < t->n; i++) {
		sqlite3_stmt *q = own_statement(d, own, TERM_COUNT, err);

		if (!q)
			return false;
		bind_text(q, 1, t->rows[i].token);
		int code = sqlite3_step(q);

		t->rows[i].matches = code == SQLITE_ROW ? (size_t)sqlite3_column_int64(q, 0) : 0;
		ok = database_ended(&d->base, q, code == SQLITE_ROW ? SQLITE_DONE : code, err);
	}
	return ok;
}

static int by_rarity(const void *a, const void *b)
{
	const struct term *x = a, *y = b;

	if (x->matches != y->matches)
		return x->matches < y->matches ? -1 : 1;
	return x->position < y->position ? -1 : 1;
}

static void write_term(struct buf *out, const struct term *t)
{
	buf_adds(out, out->n ? " OR \"" : "\"");
	for (size_t i = 0; i < t->n; i++) {
		if (t->text[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, t->text[i]);
	}
	buf_addc(out, '"');
}

/* The MATCH expression; empty when no term is in the index. */
static void write_match(struct terms *t, struct buf *out)
{
	size_t matches = 0, written = 0;

	if (t->n)
		qsort(t->rows, t->n, sizeof(*t->rows), by_rarity);
	for (size_t i = 0; i < t->n && written < WORDS_TERMS; i++) {
		if (t->rows[i].matches == 0)
			continue;
		matches += t->rows[i].matches;
		if (written > 0 && matches > WORDS_MATCHES)
			break;
		write_term(out, &t->rows[i]);
		written++;
	}
}

static char *id_array(const int64_t *ids, size_t n)
{
	struct buf text = { 0 };

	buf_addc(&text, '[');
	for (size_t i = 0; i < n; i++)
		buf_addf(&text, i ? ",%lld" : "%lld", (long long)ids[i]);
	buf_addc(&text, ']');
	return text.data;
}

static bool run_match(struct documents *d, struct own_tables *own, const char *match, size_t k, const char *documents,
		      struct arena *arena, struct word_hit **hits, size_t *n, struct error *err)
{
	sqlite3_stmt *q = own_statement(d, own, documents ? WORDS_SEARCH_WITHIN : WORDS_SEARCH, err);
	int code;

	if (!q)
		return false;
	bind_text(q, 1, match);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)k);
	if (documents)
		bind_text(q, 3, documents);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*hits = rows_grown(arena, *hits, *n, sizeof(**hits));
		(*hits)[(*n)++] = (struct word_hit){ sqlite3_column_int64(q, 0), -sqlite3_column_double(q, 1) };
	}
	return database_ended(&d->base, q, code, err);
}

/* A negative number of pages: all segments become one, in as many calls as it takes (FTS5, "The merge Command"). The last
 * changes nothing, which is one row of change. */
static bool compact(struct documents *d, int64_t collection, struct error *err)
{
	struct buf first = { 0 }, next = { 0 };
	int before, after;
	bool ok;

	own_sql(&first, "INSERT INTO words_#(words_#, rank) VALUES('merge', -500)", collection);
	own_sql(&next, "INSERT INTO words_#(words_#, rank) VALUES('merge', 500)", collection);
	before = sqlite3_total_changes(d->base.db);
	ok = database_execute(&d->base, buf_text(&first), err);
	while (ok && (after = sqlite3_total_changes(d->base.db)) - before >= 2) {
		before = after;
		ok = database_execute(&d->base, buf_text(&next), err);
	}
	buf_release(&first);
	buf_release(&next);
	return ok;
}

bool words_compact(struct documents *d, struct error *err)
{
	struct arena arena = { 0 };
	struct collection_row *rows;
	size_t n;
	bool ok = collections_list(d, &arena, &rows, &n, err);

	for (size_t i = 0; ok && i < n; i++)
		ok = compact(d, rows[i].id, err);
	arena_release(&arena);
	return ok;
}

bool words_search(struct documents *d, int64_t collection, const char *query, size_t k, const int64_t *documents,
		  size_t n_documents, struct arena *arena, struct word_hit **hits, size_t *n_hits, struct error *err)
{
	struct own_tables *own = own_tables(d, collection, err);
	struct terms terms = { .arena = arena };
	struct buf match = { 0 };

	*hits = NULL;
	*n_hits = 0;
	if (!own)
		return false;
	struct tokenizer *tokenizer = own->trigram ? &d->trigrams : &d->stems;

	if (!tokenizer_open(d, own->trigram, tokenizer, err))
		return false;
	divide(tokenizer, own->trigram, query, &terms);
	if (!count_matches(d, own, &terms, err))
		return false;
	write_match(&terms, &match);
	char *within = documents ? id_array(documents, n_documents) : NULL;
	bool ok = match.n == 0 || run_match(d, own, buf_text(&match), k, within, arena, hits, n_hits, err);

	free(within);
	buf_release(&match);
	return ok;
}
