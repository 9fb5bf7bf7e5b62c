/* decoder.c - opens a GGUF file: settings (decoder_settings.c), tokenizer, weights (decoder_weights.c), memory of a
 * pass. */
#include "llm/decoder.h"

#include "base/arena.h"
#include "llm/decoder_inner.h"

static float *rows_of(size_t columns)
{
	return mem_aligned(PASS_ROWS * columns * sizeof(float));
}

static void reserve_scratch(struct decoder *d)
{
	d->scratch = (struct decoder_scratch){
		.x = rows_of(d->width),
		.normed = rows_of(d->width),
		.qkv = rows_of(decoder_qkv_width(d)),
		.mixed = rows_of(d->heads * d->head_width),
		.gate_up = rows_of(2 * d->ffn),
		.turns = rows_of(decoder_turns_width(d)),
	};
}

static struct decoder *open_decoder(const char *path, const struct kernels *kernels, struct pool *pool, bool unpacked,
				    struct error *err)
{
	struct decoder *d = mem_zero(1, sizeof(*d));

	d->unpacked = unpacked;
	d->kernels = kernels;
	d->pool = pool;
	d->file = gguf_open(path, err);
	if (!d->file || !decoder_read_settings(d, err))
		goto fail;
	d->tokenizer = tokenizer_from_gguf(d->file, err);
	if (!d->tokenizer || !decoder_load_weights(d, err))
		goto fail;
	if (!unpacked)
		reserve_scratch(d);
	return d;
fail:
	decoder_free(d);
	return NULL;
}

struct decoder *decoder_open(const char *path, const struct kernels *kernels, struct pool *pool, struct error *err)
{
	return open_decoder(path, kernels, pool, false, err);
}

struct decoder *decoder_open_unpacked(const char *path, const struct kernels *kernels, struct pool *pool, struct error *err)
{
	return open_decoder(path, kernels, pool, true, err);
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	decoder_free_weights(d);
	free(d->scratch.x);
	free(d->scratch.normed);
	free(d->scratch.qkv);
	free(d->scratch.mixed);
	free(d->scratch.gate_up);
	free(d->scratch.turns);
	free(d->scratch.scores);
	tokenizer_free(d->tokenizer);
	gguf_free(d->file);
	free(d);
}

const struct tokenizer *decoder_tokenizer(const struct decoder *d)
{
	return d->tokenizer;
}

struct pool *decoder_pool(const struct decoder *d)
{
	return d->pool;
}

size_t decoder_vocabulary(const struct decoder *d)
{
	return d->vocabulary;
}

size_t decoder_limit(const struct decoder *d)
{
	return d->limit;
}
