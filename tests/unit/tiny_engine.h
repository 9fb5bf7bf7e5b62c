/* tiny_engine.h - the model of tests/reference/tiny_models.py with a shared prefix and prompts of different lengths.
 * Its weights are random, so that its output is arbitrary but fixed for a kernel set. */
#ifndef RUNG_TEST_TINY_ENGINE_H
#define RUNG_TEST_TINY_ENGINE_H

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "llm/generate.h"
#include "test.h"

static const char tiny[] = "tests/reference/golden/tiny-llama.gguf";

enum { PROMPTS = 9, PROMPT_TOKENS = 40 };

struct engine {
	struct pool *pool;
	struct decoder *decoder;
	struct context *shared;
	int32_t ids[PROMPTS][PROMPT_TOKENS];
	struct token_list prompts[PROMPTS]; /* of different lengths, borrowing ids */
};

static inline void engine_open(struct engine *e, int threads)
{
	struct error err = { .text = "" };
	const struct kernels *kernels = kernels_choose(true, &err);
	int32_t prefix[50];

	e->pool = pool_open(threads);
	e->decoder = kernels ? decoder_open(tiny, kernels, e->pool, &err) : NULL;
	if (!e->decoder)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < 50; i++)
		prefix[i] = (int32_t)(3 + i * 29 % 250);
	e->shared = context_new(e->decoder, NULL, prefix, 50);
	for (size_t i = 0; i < PROMPTS; i++) {
		for (size_t j = 0; j < PROMPT_TOKENS; j++)
			e->ids[i][j] = (int32_t)(3 + (i * 83 + j * 31 + j * j * (i + 1)) % 250);
		e->prompts[i] = (struct token_list){ e->ids[i], 1 + i * 39 / (PROMPTS - 1), PROMPT_TOKENS };
	}
}

static inline void engine_close(struct engine *e)
{
	context_free(e->shared);
	decoder_free(e->decoder);
	pool_free(e->pool);
}

static inline double log_probability(const float *logits, size_t n, int32_t id)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += exp((double)logits[i] - (double)logits[id]);
	return -log(sum);
}

static inline struct generation generate_one(struct engine *e, size_t prompt, const struct generate_options *options)
{
	struct generation g;

	generate(e->decoder, e->shared, &e->prompts[prompt], 1, options, &g);
	return g;
}

static inline bool is_one_of(const char *text, const char *const *set, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, set[i]) == 0)
			return true;
	return false;
}

/* A byte's id in the tiny vocabulary: GPT-2's printable order behind three special tokens. */
static inline struct token_list byte_ids(const char *text)
{
	struct token_list list = { 0 };

	for (; *text; text++)
		token_list_add(&list, 3 + *text - '!');
	return list;
}

#endif
