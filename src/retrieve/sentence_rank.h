/* sentence_rank.h - which sentences have most to do with a question: by their words (TF-IDF over these sentences alone, sublinear),
 * by their vectors (cosine), or both, fused by reciprocal ranks. */
#ifndef RUNG_RETRIEVE_SENTENCE_RANK_H
#define RUNG_RETRIEVE_SENTENCE_RANK_H

#include "model/model.h"
#include "retrieve/library.h"

/* Fills ranked (n), best first, ids being positions in sentences (n); ties by the lower one. models: for vectors, NULL with
 * SEARCH_WORDS. */
bool sentence_rank(struct models *models, enum search_mode mode, const char *query, const char *const *sentences, size_t n,
		   struct arena *arena, struct ranked *ranked, struct error *err);

#endif
