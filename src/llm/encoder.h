/* encoder.h - BERT-family text encoders (MiniLM, BGE and others of model_type bert): the mean of a text's rows or the
 * row of [CLS], as the folder says, at unit length.
 *
 * Texts are packed without padding: each attends only to itself, so its vector is the same to the byte in any batch.
 * Devlin et al. 2018 (arXiv 1810.04805); pooling as in sentence-transformers. */
#ifndef RUNG_LLM_ENCODER_H
#define RUNG_LLM_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "llm/kernels.h"

struct encoder;

/* folder: config.json, model.safetensors, tokenizer.json or vocab.txt; also sentence-transformers' modules.json and
 * 1_Pooling/config.json (without them: the mean). Another family, module, pooling or tensor is one sentence naming it.
 * Borrows pool. */
struct encoder *encoder_open(const char *folder, const struct kernels *kernels, struct pool *pool, struct error *err);
void encoder_free(struct encoder *e);
size_t encoder_width(const struct encoder *e); /* numbers in one vector, 384 */
size_t encoder_limit(const struct encoder *e); /* tokens of one text, without [CLS] and [SEP]; what is longer is cut */
/* A number for what decides the vectors: sizes, pooling, limit, and of each tensor its name, type, shape, and every 61st
 * 8 bytes of its data. Training moves every number of a tensor, so other weights give another fingerprint; a file with
 * single bytes changed may not. The same on every machine. */
uint64_t encoder_fingerprint(const struct encoder *e);
/* Tokens of the n bytes as encoder_embed() counts them, uncut, without [CLS] and [SEP]. Many threads may count. */
size_t encoder_tokens(const struct encoder *e, const char *text, size_t n);

/* Embeds n texts (UTF-8, cut at the model's 256 or 512 tokens) into out (n, width). tokens, when not NULL, receives
 * each text's token count (n). One thread at a time: the encoder owns scratch memory. */
void encoder_embed(struct encoder *e, const char *const *texts, size_t n, float *out, size_t *tokens);
/* The same vectors before they are brought to length 1: what a head that was trained over the encoder reads. */
void encoder_means(struct encoder *e, const char *const *texts, size_t n, float *out);

#endif
