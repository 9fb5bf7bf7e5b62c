/* prefix_cache.h - contexts that one batch of prompts after another begins with (an instruction, fixed examples), kept
 * from call to call: the few last used, up to a number of tokens. Changes no result, only what is computed again. */
#ifndef RUNG_LLM_PREFIX_CACHE_H
#define RUNG_LLM_PREFIX_CACHE_H

#include "llm/decoder.h"

struct prefix_cache;

/* budget: the most tokens held. */
struct prefix_cache *prefix_cache_new(struct decoder *d, size_t budget);
void prefix_cache_free(struct prefix_cache *c); /* before its decoder */

/* A context behind root whose tokens all n prompts begin with, and *tokens, how many they are; root and 0 when none is
 * worth it. root has no tokens and outlives the cache, or is NULL: each adapter of a decoder has one (context_adapt()),
 * and what was read behind one is never given to another. What several prompts share is kept at once, that of a single
 * prompt when the next one begins alike. Valid until the next call; only its descendants are the caller's. */
struct context *prefix_cache_find(struct prefix_cache *c, struct context *root, const struct token_list *prompts,
				  size_t n, size_t *tokens);

#endif
