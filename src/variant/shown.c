/* shown.c - passages for an input: found, all there are, or those known to hold the answer. */
#include <math.h>
#include <string.h>

#include "retrieve/chunk.h"
#include "variant/workshop.h"

enum {
	GOLD_PASSAGES = 4,       /* of the documents that hold the answer, when they are long */
	GOLD_SIZE = 200,         /* words of such a passage, about */
	GOLD_BYTES = 6000,       /* a document up to this long is shown whole */
	ALL_BYTES = 24000,       /* of all documents: about 6,000 tokens, which leaves room for the rest of a context of 8,192 */
};

/* ---- which document is meant ---- */

/* An id is looked up as a whole name first, then as the end of one. */
static void name_documents(struct workshop *w, char before_end)
{
	for (size_t i = 0; i < w->n_documents; i++) {
		const char *name = w->documents[i].name, *end = before_end ? strrchr(name, before_end) : name;
		const char *key = end && before_end ? end + 1 : end;

		if (key)
			hash_map_put(&w->document_names, key, strlen(key), i);
	}
}

static bool list_documents(struct workshop *w, struct error *err)
{
	if (w->documents || !w->library)
		return true;
	struct documents *d = library_documents(w->library);
	bool ok = documents_begin_read(d, err) && documents_list(d, &w->arena, &w->documents, &w->n_documents, err);

	documents_end(d);
	if (!ok)
		return false;
	name_documents(w, 0);
	name_documents(w, '#');
	name_documents(w, '/');
	return true;
}

/* The name of the document that an id of the examples means; NULL: none. */
static const char *document_named(struct workshop *w, const char *id)
{
	size_t at = hash_map_get(&w->document_names, id, strlen(id), SIZE_MAX);

	return at == SIZE_MAX ? NULL : w->documents[at].name;
}

/* ---- gold passages ---- */

static size_t count_words(void *context, const char *text, size_t n)
{
	size_t words = 0;

	(void)context;
	for (size_t i = 0; i < n; i++)
		words += text[i] != ' ' && text[i] != '\n' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\n');
	return words;
}

/* The chunks of a long document that have most to do with the question, in their order there. */
static void nearest_chunks(const char *question, const struct passage *whole, struct arena *arena, struct passage *out,
			   size_t *n_out)
{
	struct chunk_options options = { .size = GOLD_SIZE, .overlap = 0, .count = count_words };
	struct tfidf_options words = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 1, .sublinear = true };
	struct document d = { .text = whole->text, .n = whole->end, .title = "" };
	struct block block = { BLOCK_PARAGRAPH, 0, 0, whole->end };
	size_t n_chunks, positions[GOLD_PASSAGES];
	double similarities[GOLD_PASSAGES];

	d.blocks = &block;
	d.n_blocks = 1;
	const struct chunk *chunks = chunk_document(&d, &options, arena, &n_chunks);
	const char **texts = arena_array(arena, n_chunks, sizeof(*texts));
	bool *chosen = arena_array(arena, n_chunks, sizeof(*chosen));

	for (size_t i = 0; i < n_chunks; i++)
		texts[i] = arena_copy(arena, whole->text + chunks[i].start, chunks[i].end - chunks[i].start);
	struct tfidf_index *index = tfidf_index_new(&words, texts, n_chunks);
	size_t found = tfidf_nearest(index, question, GOLD_PASSAGES, SIZE_MAX, positions, similarities);

	for (size_t i = 0; i < found; i++)
		chosen[positions[i]] = true;
	for (size_t i = 0; i < n_chunks; i++)
		if (chosen[i]) {
			struct passage *p = &out[(*n_out)++];

			*p = *whole;
			p->heading = chunks[i].heading;
			p->text = texts[i];
			p->start = chunks[i].start;
			p->end = chunks[i].end;
		}
	tfidf_index_free(index);
}

static bool gold_documents(struct workshop *w, const struct example *item, const char *question, struct arena *arena,
			   struct passage *out, size_t *n_out, struct error *err)
{
	for (size_t i = 0; i < item->n_gold_ids; i++) {
		const char *name = document_named(w, item->gold_ids[i]);
		struct passage whole;
		bool found = false;

		if (name && !library_document(w->library, name, arena, &whole, &found, err))
			return false;
		if (!found)
			return error_set(err, "%s:%zu: gold document \"%.100s\" is not among the documents; `rung docs ls` lists them",
					 w->task->examples_file, item->line, item->gold_ids[i]);
		if (whole.end <= GOLD_BYTES)
			out[(*n_out)++] = whole;
		else
			nearest_chunks(question, &whole, arena, out, n_out);
	}
	return true;
}

static bool gold_passages(struct workshop *w, const struct example *item, const char *question, struct arena *arena,
			  struct passage **out, size_t *n, struct error *err)
{
	*out = arena_array(arena, 1 + item->n_gold_ids * GOLD_PASSAGES, sizeof(**out));
	*n = 0;
	if (item->gold && item->gold[0]) {
		(*out)[(*n)++] = (struct passage){ .document = "gold", .title = "", .heading = "", .text = item->gold,
						   .end = strlen(item->gold), .similarity = NAN };
		return true;
	}
	return gold_documents(w, item, question, arena, *out, n, err);
}

/* ---- what is shown ---- */

static bool all_passages(struct workshop *w, struct arena *arena, struct passage **out, size_t *n, struct error *err)
{
	*out = arena_array(arena, w->n_documents + 1, sizeof(**out));
	*n = 0;
	for (size_t i = 0; i < w->n_documents; i++) {
		bool found;

		if (!library_document(w->library, w->documents[i].name, arena, &(*out)[*n], &found, err))
			return false;
		*n += found;
	}
	return true;
}

/* Retrieved passages of documents that do not hold the answer. */
static bool others(struct workshop *w, const struct technique *t, const struct example *item, const char *question,
		   struct arena *arena, struct passage **out, size_t *n, struct error *err)
{
	const struct search *search = workshop_search(w, t, err);
	struct evidence found = { 0 };
	struct passage *passages;

	if (!search)
		return false;
	struct search wider = *search;

	wider.k += 8;
	if (!library_search(w->library, question, &wider, arena, &passages, &found.n_passages, err))
		return false;
	found.passages = passages;
	evidence_mark_gold(&found, item, arena);
	*out = arena_array(arena, found.n_passages + 1, sizeof(**out));
	*n = 0;
	for (size_t i = 0; i < found.n_passages && *n < search->k; i++)
		if (!found.gold || !found.gold[i])
			(*out)[(*n)++] = passages[i];
	return true;
}

/* The gold passages behind the first of the others: neither first nor last. */
static bool distracted(struct workshop *w, const struct technique *t, const struct example *item, const char *question,
		       struct arena *arena, struct passage **out, size_t *n, struct error *err)
{
	struct passage *gold, *other;
	size_t n_gold, n_other, first;

	if (!gold_passages(w, item, question, arena, &gold, &n_gold, err) ||
	    !others(w, t, item, question, arena, &other, &n_other, err))
		return false;
	*out = arena_array(arena, n_gold + n_other + 1, sizeof(**out));
	first = n_other > 0;
	memcpy(*out, other, first * sizeof(**out));
	memcpy(*out + first, gold, n_gold * sizeof(**out));
	memcpy(*out + first + n_gold, other + first, (n_other - first) * sizeof(**out));
	*n = n_gold + n_other;
	return true;
}

/* The `most` best of the passages (n) by the task's reranker, best first; it reads them as the prompt shows them, under their headings. */
static bool rerank(struct workshop *w, const char *query, size_t most, struct arena *arena, struct passage *passages, size_t *n,
		   struct error *err)
{
	double *scores = arena_array(arena, *n + 1, sizeof(*scores));
	const char **texts = arena_array(arena, *n + 1, sizeof(*texts));

	for (size_t i = 0; i < *n; i++)
		texts[i] = arena_printf(arena, "%s%s%s", passages[i].heading, *passages[i].heading ? "\n" : "", passages[i].text);
	if (!models_rerank(w->models, query, texts, *n, scores, err))
		return false;
	for (size_t i = 0; i < *n; i++)
		passages[i].score = scores[i];
	for (size_t i = 1; i < *n; i++) { /* equals stay as they were found */
		struct passage p = passages[i];
		size_t at = i;

		for (; at > 0 && passages[at - 1].score < p.score; at--)
			passages[at] = passages[at - 1];
		passages[at] = p;
	}
	*n = *n < most ? *n : most;
	return true;
}

static bool retrieved(struct workshop *w, const struct technique *t, const char *query, struct arena *arena,
		      struct passage **out, size_t *n, struct error *err)
{
	const struct search *search = workshop_search(w, t, err);

	return search && library_search(w->library, query, search, arena, out, n, err) &&
	       (t->reranks == 0 || rerank(w, query, t->reranks, arena, *out, n, err));
}

bool workshop_shown(struct workshop *w, const struct technique *t, const struct example *item, const char *query,
		    struct arena *arena, struct evidence *shown, struct error *err)
{
	struct passage *passages = NULL;
	size_t n = 0;
	bool found = true;

	if (t->passages != PASSAGES_NONE && !list_documents(w, err))
		return false;
	switch (t->passages) {
	case PASSAGES_NONE:
		break;
	case PASSAGES_ALL:
		found = all_passages(w, arena, &passages, &n, err);
		break;
	case PASSAGES_GOLD:
		found = gold_passages(w, item, query, arena, &passages, &n, err);
		break;
	case PASSAGES_RETRIEVED:
		found = retrieved(w, t, query, arena, &passages, &n, err);
		break;
	case PASSAGES_DISTRACTED:
		found = distracted(w, t, item, query, arena, &passages, &n, err);
		break;
	case PASSAGES_WITHOUT_GOLD:
		found = others(w, t, item, query, arena, &passages, &n, err);
		break;
	}
	*shown = (struct evidence){ .passages = passages, .n_passages = n, .similarity = NAN };
	for (size_t i = 0; i < n; i++)
		shown->similarity = fmax(shown->similarity, passages[i].similarity);
	if (found)
		evidence_mark_gold(shown, item, arena);
	return found;
}

/* Whether all documents fit a prompt; reads no more than it takes to know. */
static bool fits_prompt(struct workshop *w, const char **unfit, struct error *err)
{
	size_t bytes = 0;
	bool ok = list_documents(w, err);

	for (size_t i = 0; ok && i < w->n_documents && bytes <= ALL_BYTES; i++) {
		struct arena scratch = { 0 };
		struct passage whole;
		bool found;

		ok = library_document(w->library, w->documents[i].name, &scratch, &whole, &found, err);
		bytes += ok && found ? whole.end : 0;
		arena_release(&scratch);
	}
	if (bytes > ALL_BYTES)
		*unfit = arena_printf(&w->arena, "the documents are more than the %d bytes that fit a prompt", ALL_BYTES);
	return ok;
}

static bool holds_code(struct workshop *w, const char **unfit, struct error *err)
{
	struct meta_filter code = { "media", media_name(MEDIA_CODE) };
	struct arena arena;
	int64_t *ids;
	size_t n = 0;

	arena_init(&arena);
	struct documents *d = library_documents(w->library);
	bool found = documents_begin_read(d, err) && documents_filter(d, &code, 1, &arena, &ids, &n, err);

	documents_end(d);
	arena_release(&arena);
	if (n == 0)
		*unfit = "no code among the documents";
	return found;
}

bool workshop_documents(struct workshop *w, const struct technique *t, const char **unfit, struct error *err)
{
	*unfit = NULL;
	if (t->passages == PASSAGES_NONE)
		return true;
	if (!w->library)
		return t->passages == PASSAGES_GOLD || error_set(err, "%s: the task has no documents", w->task->file);
	if (t->passages == PASSAGES_ALL)
		return fits_prompt(w, unfit, err);
	if (t->reranks && !w->task->rerank)
		*unfit = "the task names no `rerank:`";
	if (t->search && t->search->cutting.trigram && !holds_code(w, unfit, err))
		return false;
	return !t->search || *unfit || library_prepare(w->library, &t->search->cutting, NULL, err);
}
