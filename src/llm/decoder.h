/* decoder.h - decoders of the families in architecture.c (Llama, Qwen 2 and 3, Gemma 3): GQA, rotary embedding, gated
 * feed-forward blocks, RMS norm, tied or own head.
 *
 * What has been read lives in a tree of contexts: a context is a run of tokens behind its parent's. Whatever prompts
 * share is a common ancestor, computed once and attended by every descendant. Keys and values of a token depend on its
 * ancestors alone and every sum has a fixed order, so results are the same to the byte with and without sharing and in
 * any batch. Touvron et al. 2023 (arXiv 2302.13971); Su et al. 2021 (2104.09864); Ainslie et al. 2023 (2305.13245). */
#ifndef RUNG_LLM_DECODER_H
#define RUNG_LLM_DECODER_H

#include "base/error.h"
#include "base/pool.h"
#include "llm/kernels.h"
#include "llm/tokenizer.h"

struct decoder;

/* path: a GGUF file. An unsupported architecture, setting, tensor or tokenizer is one sentence
 * naming it. Borrows pool. The weights are packed for `kernels` at once (about 0.55 GB for SmolLM2-135M in f32). */
struct decoder *decoder_open(const char *path, const struct kernels *kernels, struct pool *pool, struct error *err);
/* The same without packed weights and memory for passes: nothing can be computed with it, but training reads it. */
struct decoder *decoder_open_unpacked(const char *path, const struct kernels *kernels, struct pool *pool, struct error *err);
void decoder_free(struct decoder *d);
const struct tokenizer *decoder_tokenizer(const struct decoder *d);
struct pool *decoder_pool(const struct decoder *d);
size_t decoder_vocabulary(const struct decoder *d); /* ids are 0 .. this - 1 */
size_t decoder_limit(const struct decoder *d); /* tokens of context the model was trained for */

/* A run of tokens behind parent's (NULL: at the start). Copies the ids; n may be 0. The parent must outlive it. */
struct context *context_new(struct decoder *d, struct context *parent, const int32_t *ids, size_t n);
void context_free(struct context *c);
size_t context_length(const struct context *c); /* tokens including all ancestors' */
size_t context_token_bytes(const struct decoder *d); /* memory of one computed token */
void context_append(struct context *c, int32_t id); /* one more token; only while c has no children */

/* Computes every token of the n contexts that is not computed yet, in one packed pass over the weights (in pieces when
 * there are very many rows). Ancestors are computed first when needed. Total length must be <= decoder_limit(). */
void decoder_compute(struct decoder *d, struct context *const *contexts, size_t n);

/* Logits of the token that follows the last one of each of n computed contexts; out (n, vocabulary). A context without
 * tokens of its own speaks for its parent. */
void decoder_logits(struct decoder *d, struct context *const *contexts, size_t n, float *out);
/* decoder_compute() and decoder_logits() in one, for generation: a context's own token, where it is the only new one, and
 * the logits are computed from the quantised weights as they lie in the file, which are a quarter of the packed ones.
 * Ancestors, and several new tokens at once, go the way of decoder_compute(), whose last bits differ. So what a context
 * gives does not depend on which others are computed with it. */
void decoder_step(struct decoder *d, struct context *const *contexts, size_t n, float *out);
/* The same as decoder_logits() behind every token of one computed context: out (own tokens, vocabulary). For reference tests. */
void decoder_logits_all(struct decoder *d, struct context *c, float *out);

#endif
