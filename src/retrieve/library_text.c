/* library_text.c - what `rung docs` prints. */
#include "retrieve/library_text.h"

#include <jansson.h>
#include <math.h>

#include "base/text.h"

const char *const search_mode_names[] = { "words", "vectors", "fused" };

static void write_json(json_t *root, struct buf *out)
{
	char *text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(9));

	buf_adds(out, text);
	buf_addc(out, '\n');
	free(text);
	json_decref(root);
}

static const char *state_name(const struct collection_row *c)
{
	return c->ready ? "ready" : "building";
}

static void write_collection(const struct collection_row *c, struct buf *out)
{
	buf_addf(out, "chunks of %zu tokens, overlap %zu%s, %s, %s: %s\n", c->size, c->overlap, c->headers ? ", with headings" : "",
		 c->trigram ? "trigrams" : "stems", c->model[0] ? c->model : "no vectors", state_name(c));
}

static void list_text(const struct document_row *rows, size_t n, const struct collection_row *collections, size_t n_collections,
		      struct buf *out)
{
	size_t width = 4, chunks = 0;

	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(rows[i].name);

		width = length > width && length <= 60 ? length : width;
		chunks += rows[i].chunks;
	}
	buf_addf(out, "%-*s  %-8s  %6s  %s\n", (int)width, "name", "kind", "chunks", "title");
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%-*s  %-8s  %6zu  %s\n", (int)width, rows[i].name, rows[i].media, rows[i].chunks, rows[i].title);
	buf_addf(out, "\n%zu documents, %zu chunks\n", n, chunks);
	for (size_t i = 0; i < n_collections; i++)
		write_collection(&collections[i], out);
}

static void list_json(const struct document_row *rows, size_t n, const struct collection_row *collections, size_t n_collections,
		      struct buf *out)
{
	json_t *root = json_object(), *documents = json_array(), *sets = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *meta = json_loads(rows[i].meta, 0, NULL);

		json_array_append_new(documents, json_pack("{s:s, s:s, s:s, s:I, s:o*}", "name", rows[i].name, "kind", rows[i].media,
							   "title", rows[i].title, "chunks", (json_int_t)rows[i].chunks, "meta", meta));
	}
	for (size_t i = 0; i < n_collections; i++) {
		const struct collection_row *c = &collections[i];

		json_array_append_new(sets, json_pack("{s:I, s:I, s:b, s:b, s:s, s:I, s:s}", "size", (json_int_t)c->size, "overlap",
						      (json_int_t)c->overlap, "headers", c->headers, "trigram", c->trigram, "model",
						      c->model, "width", (json_int_t)c->width, "state", state_name(c)));
	}
	json_object_set_new(root, "schema", json_integer(1));
	json_object_set_new(root, "documents", documents);
	json_object_set_new(root, "collections", sets);
	write_json(root, out);
}

bool library_write_list(struct library *l, const char *name, bool json, struct buf *out, struct error *err)
{
	struct documents *d = library_documents(l);
	struct arena arena = { 0 };
	struct document_row *rows;
	struct collection_row *collections;
	size_t n, n_collections, kept = 0;
	bool ok = documents_begin_read(d, err) && documents_list(d, &arena, &rows, &n, err) &&
		  collections_list(d, &arena, &collections, &n_collections, err);

	documents_end(d);
	if (ok) {
		for (size_t i = 0; i < n; i++)
			if (!name || source_matches(name, rows[i].name))
				rows[kept++] = rows[i];
		(json ? list_json : list_text)(rows, kept, collections, n_collections, out);
	}
	arena_release(&arena);
	return ok;
}

/* The first lines of a passage, indented. */
static void write_excerpt(const struct passage *p, struct buf *out)
{
	enum { LINES = 4, CHARACTERS = 400 };
	size_t n = text_first(p->text, p->end - p->start, CHARACTERS), at = 0;

	for (int line = 0; line < LINES && at < n;) {
		size_t length = strcspn(p->text + at, "\r\n");

		length = length < n - at ? length : n - at;
		if (strspn(p->text + at, " \t") < length) {
			buf_adds(out, "   ");
			buf_add(out, p->text + at, length);
			buf_addc(out, '\n');
			line++;
		}
		at += length;
		at += strspn(p->text + at, "\r\n");
	}
}

static void passages_text(const struct passage *passages, size_t n, struct buf *out)
{
	if (n == 0)
		buf_adds(out, "no passage was found\n");
	for (size_t i = 0; i < n; i++) {
		const struct passage *p = &passages[i];

		buf_addf(out, "%zu. %.4f  %s%s%s  [%zu-%zu]", i + 1, p->score, p->document, p->heading[0] ? "  " : "", p->heading,
			 p->start, p->end);
		if (!isnan(p->similarity))
			buf_addf(out, "  cosine %.3f", p->similarity);
		buf_addc(out, '\n');
		write_excerpt(p, out);
	}
}

static void passages_json(const struct passage *passages, size_t n, enum search_mode served, struct buf *out)
{
	json_t *root = json_object(), *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct passage *p = &passages[i];
		json_t *row = json_pack("{s:I, s:f, s:s, s:s, s:s, s:I, s:I}", "rank", (json_int_t)i + 1, "score", p->score,
					"document", p->document, "title", p->title, "heading", p->heading, "start", (json_int_t)p->start,
					"end", (json_int_t)p->end);

		json_object_set_new(row, "similarity", isnan(p->similarity) ? json_null() : json_real(p->similarity));
		json_object_set_new(row, "text", json_stringn(p->text, p->end - p->start));
		json_array_append_new(list, row);
	}
	json_object_set_new(root, "schema", json_integer(1));
	json_object_set_new(root, "mode", json_string(search_mode_names[served]));
	json_object_set_new(root, "passages", list);
	write_json(root, out);
}

void library_write_passages(const struct passage *passages, size_t n, enum search_mode served, bool json, struct buf *out)
{
	if (json)
		passages_json(passages, n, served, out);
	else
		passages_text(passages, n, out);
}

bool library_write_problems(struct library *l, bool json, size_t *problems, struct buf *out, struct error *err)
{
	struct arena arena = { 0 };
	const char *const *sentences;
	json_t *list = json_array();
	bool ok = documents_verify(library_documents(l), &arena, &sentences, problems, err);

	for (size_t i = 0; ok && i < *problems; i++) {
		json_array_append_new(list, json_string(sentences[i]));
		if (!json)
			buf_addf(out, "%s\n", sentences[i]);
	}
	if (ok && !json && *problems == 0)
		buf_adds(out, "no problems\n");
	if (ok && json)
		write_json(json_pack("{s:i, s:o}", "schema", 1, "problems", list), out);
	else
		json_decref(list);
	arena_release(&arena);
	return ok;
}
