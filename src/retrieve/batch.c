/* batch.c - documents are cut one by one, embedded together, and written together. */
#include "base/hash.h"
#include "base/text.h"
#include "retrieve/chunk.h"
#include "retrieve/library_inner.h"

enum {
	BATCH_CHUNKS = 256,   /* to embed at a time; more do not make it faster */
	BATCH_ITEMS = 512,    /* in a transaction: the lock is held for milliseconds */
	BATCH_BYTES = 8 << 20,
};

void batch_init(struct batch *b, struct library *l, const struct library_progress *progress)
{
	*b = (struct batch){ .l = l, .progress = progress };
}

void batch_clear(struct batch *b)
{
	arena_release(&b->arena);
	b->n = b->n_waiting = b->bytes = 0;
}

void batch_release(struct batch *b)
{
	batch_clear(b);
	arena_release(&b->listed);
	free(b->items);
	free((void *)b->waiting);
}

static bool same_collections(const struct batch *b, const struct collection_row *rows, size_t n)
{
	if (n != b->n_collections)
		return false;
	for (size_t i = 0; i < n; i++)
		if (rows[i].id != b->collections[i].id)
			return false;
	return true;
}

bool batch_collections(struct batch *b, const int64_t *only, bool *same, struct error *err)
{
	struct library *l = b->l;
	struct arena listed = { 0 };
	struct collection_row *rows;
	size_t n, kept = 0;

	if (!collections_list(l->documents, &listed, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (library_owns(l, &rows[i]) && (!only || rows[i].id == *only)) {
			rows[kept++] = rows[i];
		} else if (rows[i].ready && !only) {
			error_set(err, "%s: is cut for the embedding model %s now; run the same command again with that model", l->path,
				  rows[i].model[0] ? rows[i].model : "\"\" (words alone)");
			arena_release(&listed);
			return false;
		}
	}
	*same = same_collections(b, rows, kept);
	arena_release(&b->listed);
	b->listed = listed;
	b->collections = rows;
	b->n_collections = kept;
	return true;
}

/* Without a model: words and signs. */
static size_t count_words(void *context, const char *text, size_t n)
{
	size_t count = 0;
	bool inside = false;

	(void)context;
	for (size_t at = 0, length; at < n; at += length) {
		uint32_t c;

		length = text_decode(text + at, n - at, &c);
		bool word = text_is_letter(c) || text_is_number(c);

		count += word ? !inside : !text_is_space(c);
		inside = word;
	}
	return count;
}

static size_t count_tokens(void *context, const char *text, size_t n)
{
	return models_embedding_tokens(context, text, n);
}

/* Title and headings as one path; a title that is the first heading is not said twice. */
static void write_header(struct buf *out, const char *title, const char *heading)
{
	size_t n = strlen(title);

	if (n && !(strncmp(heading, title, n) == 0 && (heading[n] == '\0' || strncmp(heading + n, " > ", 3) == 0)))
		buf_addf(out, heading[0] ? "%s > " : "%s", title);
	buf_adds(out, heading);
	if (out->n)
		buf_addc(out, '\n');
}

struct numbered {
	uint64_t hash;
	size_t at;
};

static int by_hash(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Equal texts of one document are told apart by their number. */
static void set_keys(const char *name, struct chunk_row *rows, size_t n)
{
	struct numbered *order = mem_zero(n, sizeof(*order));
	uint64_t seed = hash64(name, strlen(name), 0);
	size_t number = 0;

	for (size_t i = 0; i < n; i++)
		order[i] = (struct numbered){ hash64(rows[i].words, strlen(rows[i].words), seed), i };
	if (n)
		qsort(order, n, sizeof(*order), by_hash);
	for (size_t i = 0; i < n; i++) {
		number = i > 0 && order[i].hash == order[i - 1].hash ? number + 1 : 0;
		rows[order[i].at].key = hash64(&number, sizeof(number), order[i].hash);
	}
	free(order);
}

/* Takes over the vectors of chunks that the document has already. */
static bool reuse_vectors(struct batch *b, const struct collection_row *c, int64_t document, struct chunk_row *rows, size_t n,
			  struct error *err)
{
	struct chunk_row *old;
	struct hash_map keys = { 0 };
	size_t n_old;

	if (!chunks_of(b->l->documents, c->id, document, &b->arena, &old, &n_old, err))
		return false;
	for (size_t i = 0; i < n_old; i++)
		hash_map_put(&keys, (const char *)&old[i].key, sizeof(old[i].key), i);
	for (size_t i = 0; i < n; i++) {
		size_t at = hash_map_get(&keys, (const char *)&rows[i].key, sizeof(rows[i].key), SIZE_MAX);

		if (at == SIZE_MAX || !old[at].codes)
			continue;
		rows[i].codes = old[at].codes;
		rows[i].scale = old[at].scale;
	}
	hash_map_release(&keys);
	return true;
}

static void wait_for_vector(struct batch *b, struct chunk_row *row)
{
	if (b->n_waiting == b->waiting_capacity) {
		b->waiting_capacity = b->waiting_capacity ? b->waiting_capacity * 2 : BATCH_CHUNKS;
		b->waiting = mem_resize((void *)b->waiting, b->waiting_capacity, sizeof(struct chunk_row *));
	}
	b->waiting[b->n_waiting++] = row;
}

static struct chunk_row *make_rows(struct batch *b, const struct batch_item *item, const struct collection_row *c, size_t *n)
{
	struct chunk_options options = { .size = c->size, .overlap = c->overlap, .context = b->l->models,
					 .count = b->l->width && models_embeds_here(b->l->models) ? count_tokens : count_words };
	const struct chunk *chunks = chunk_document(&item->document, &options, &b->arena, n);
	struct chunk_row *rows = arena_array(&b->arena, *n, sizeof(*rows));
	struct buf words = { 0 };

	for (size_t i = 0; i < *n; i++) {
		buf_clear(&words);
		if (c->headers)
			write_header(&words, item->document.title, chunks[i].heading);
		buf_add(&words, item->document.text + chunks[i].start, chunks[i].end - chunks[i].start);
		rows[i] = (struct chunk_row){
			.start = chunks[i].start, .end = chunks[i].end, .parent_start = chunks[i].parent_start,
			.parent_end = chunks[i].parent_end, .heading = chunks[i].heading,
			.words = arena_copy(&b->arena, words.data, words.n),
		};
	}
	buf_release(&words);
	return rows;
}

static bool cut_item(struct batch *b, struct batch_item *item, struct error *err)
{
	item->chunks = arena_array(&b->arena, b->n_collections, sizeof(struct chunk_row *));
	item->n_chunks = arena_array(&b->arena, b->n_collections, sizeof(size_t));
	for (size_t i = 0; i < b->n_collections; i++) {
		const struct collection_row *c = &b->collections[i];
		size_t n;
		struct chunk_row *rows = make_rows(b, item, c, &n);

		set_keys(item->row.name, rows, n);
		if (c->width && item->row.id && !reuse_vectors(b, c, item->row.id, rows, n, err))
			return false;
		for (size_t j = 0; c->width && j < n; j++)
			if (!rows[j].codes)
				wait_for_vector(b, &rows[j]);
		item->chunks[i] = rows;
		item->n_chunks[i] = n;
	}
	return true;
}

bool batch_add(struct batch *b, const struct batch_item *item, struct error *err)
{
	if (b->n == b->capacity) {
		b->capacity = b->capacity ? b->capacity * 2 : 64;
		b->items = mem_resize(b->items, b->capacity, sizeof(*b->items));
	}
	b->items[b->n] = *item;
	b->bytes += item->document.n;
	return cut_item(b, &b->items[b->n++], err);
}

bool batch_cut_again(struct batch *b, struct error *err)
{
	b->n_waiting = 0;
	for (size_t i = 0; i < b->n; i++)
		if (!cut_item(b, &b->items[i], err))
			return false;
	return true;
}

bool batch_full(const struct batch *b)
{
	return b->n_waiting >= BATCH_CHUNKS || b->n >= BATCH_ITEMS || b->bytes >= BATCH_BYTES;
}

bool batch_embed(struct batch *b, struct error *err)
{
	size_t width = b->l->width;
	float *vectors = mem_alloc(BATCH_CHUNKS * (width + 1) * sizeof(*vectors));
	const char *texts[BATCH_CHUNKS];
	bool ok = true;

	for (size_t from = 0, n; ok && from < b->n_waiting; from += n) {
		n = b->n_waiting - from < BATCH_CHUNKS ? b->n_waiting - from : BATCH_CHUNKS;
		for (size_t i = 0; i < n; i++)
			texts[i] = b->waiting[from + i]->words;
		ok = !progress_stopped(b->progress, err) && models_embed(b->l->models, texts, n, vectors, err);
		for (size_t i = 0; ok && i < n; i++) {
			int8_t *codes = arena_alloc(&b->arena, width);

			b->waiting[from + i]->scale = vector_quantise(vectors + i * width, width, codes);
			b->waiting[from + i]->codes = codes;
		}
	}
	free(vectors);
	return ok;
}
