/* engine.h - a decoder or an encoder with threads of its own, for the tests of both. */
#ifndef RUNG_TEST_ENGINE_H
#define RUNG_TEST_ENGINE_H

#include <stdlib.h>

#include "llm/decoder.h"
#include "llm/encoder.h"
#include "test.h"

struct engine {
	struct pool *pool;
	struct decoder *decoder; /* one of the two is NULL */
	struct encoder *encoder;
};

/* kernels: NULL for the best set with f32 products, or the one that RUNG_KERNELS names. */
static inline const struct kernels *engine_kernels(const struct kernels *kernels)
{
	struct error err = { .text = "" };

	if (!kernels && !(kernels = kernels_choose(true, &err)))
		fail_msg("%s", err.text);
	return kernels;
}

static inline struct engine engine_decoder(const char *path, const struct kernels *kernels, int threads)
{
	struct engine e = { .pool = pool_open(threads) };
	struct error err = { .text = "" };

	e.decoder = decoder_open(path, engine_kernels(kernels), e.pool, &err);
	if (!e.decoder)
		fail_msg("%s", err.text);
	return e;
}

static inline struct engine engine_encoder(const char *folder, const struct kernels *kernels, int threads)
{
	struct engine e = { .pool = pool_open(threads) };
	struct error err = { .text = "" };

	e.encoder = encoder_open(folder, engine_kernels(kernels), e.pool, &err);
	if (!e.encoder)
		fail_msg("%s", err.text);
	return e;
}

static inline void engine_close(struct engine *e)
{
	decoder_free(e->decoder);
	encoder_free(e->encoder);
	pool_free(e->pool);
}

#endif
