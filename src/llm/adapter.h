/* adapter.h - LoRA adapters beside a decoder's weights: y = W x + scale B (A x), scale = alpha / rank.
 *
 * Read from GGUF as llama.cpp writes it: general.type "adapter", adapter.type "lora", adapter.lora.alpha, and for each
 * adapted matrix "<its name>.lora_a" (rank, in) and "<its name>.lora_b" (out, rank). The base stays as it is: its weights
 * are never merged with an adapter's, so that any number of them answer over one base, side by side in one pass.
 * Hu et al. 2021 (arXiv 2106.09685); scale alpha / sqrt(rank) (rsLoRA) is written by its makers as a larger alpha. */
#ifndef RUNG_LLM_ADAPTER_H
#define RUNG_LLM_ADAPTER_H

#include "llm/decoder.h"
#include "llm/gguf.h"

struct adapter;

/* Whether the file says that it is an adapter, not a model ("general.type"). */
bool adapter_recognise(const struct gguf *g);
/* Whether adapter_open() would take the file for the base at that path; reads no weights. */
bool adapter_fits(const char *path, const char *base, struct error *err);

/* path: a GGUF adapter for this base; a wrong architecture, shape, pair without its other half or matrix that the base
 * does not have is one sentence naming it. The base must outlive it. */
struct adapter *adapter_open(const char *path, const struct decoder *base, struct error *err);
void adapter_free(struct adapter *a);

/* What is read in this root context, and in all that descend from it, is read through the adapter (NULL: the plain base).
 * Before anything is computed in it. Keys and values differ, so contexts of two adapters share no ancestor. */
void context_adapt(struct context *root, const struct adapter *a);

#endif
