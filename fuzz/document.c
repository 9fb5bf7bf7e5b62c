/* Any bytes as a document: a text with structure or one sentence; then its chunks, counted in three ways. The first byte
 * chooses parser and counter, the second size and overlap, the third how pdftotext's output is cut. */
#include <assert.h>
#include <stdint.h>

#include "../tests/unit/retrieve_rules.h"
#include "retrieve/pdf_layout.h"

static void require(const char *broken)
{
	if (broken) {
		fprintf(stderr, "broken promise: %s\n", broken);
		abort();
	}
}

/* What pdf.c does with the child's output. */
static void parse_layout(const char *bytes, size_t n, size_t piece, struct arena *arena, struct document *d)
{
	struct parts p = { 0 };
	struct pdf_layout l;

	pdf_layout_init(&l, &p);
	for (size_t i = 0; i < n; i += piece)
		pdf_layout_feed(&l, bytes + i, n - i < piece ? n - i : piece);
	pdf_layout_end(&l);
	*d = (struct document){ .text = arena_copy(arena, buf_text(&p.text), p.text.n), .n = p.text.n, .title = "",
				.n_blocks = p.n_blocks, .n_origins = p.n_origins };
	struct block *blocks = arena_array(arena, p.n_blocks, sizeof(*blocks));
	struct origin *origins = arena_array(arena, p.n_origins, sizeof(*origins));

	if (p.n_blocks)
		memcpy(blocks, p.blocks, p.n_blocks * sizeof(*blocks));
	if (p.n_origins)
		memcpy(origins, p.origins, p.n_origins * sizeof(*origins));
	d->blocks = blocks;
	d->origins = origins;
	parts_release(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static token_counter *const counters[] = { count_words, count_bytes, count_runs };
	struct error err = { "" };
	struct arena arena;
	struct document d;
	size_t n;

	if (size < 3)
		return 0;
	const char *bytes = (const char *)data + 3;
	enum media media = (enum media)(data[0] % 6);
	size_t most = 16 + data[1] / 2;
	struct chunk_options o = { most, data[1] % (most / 2), counters[data[0] / 6 % 3], NULL };

	arena_init(&arena);
	if (media == MEDIA_PDF) {
		parse_layout(bytes, size - 3, data[2] + 1u, &arena, &d);
	} else if (!document_parse(media, "f", "f", bytes, size - 3, &arena, &d, &err)) {
		assert(err.text[0] && !strchr(err.text, '\n'));
		arena_release(&arena);
		return 0;
	}
	require(document_broken(&d, size - 3));
	const struct chunk *chunks = chunk_document(&d, &o, &arena, &n);

	require(chunks_broken(&d, &o, chunks, n, d.n_blocks < 200));
	for (size_t i = 0; i < n; i++)
		assert(document_origin(&d, chunks[i].start).source <= size);
	arena_release(&arena);
	return 0;
}
