/* sentence_rank.h - the sentences of passages, and which of them have most to do with a question: by their words (TF-IDF over these sentences alone, sublinear),
 * by their vectors (cosine), or both, fused by reciprocal ranks. */
#ifndef RUNG_RETRIEVE_SENTENCE_RANK_H
#define RUNG_RETRIEVE_SENTENCE_RANK_H

#include "model/model.h"
#include "retrieve/library.h"

struct span {
	size_t start, end;
};

/* The sentences of a passage's text, each without the white space around it. In Markdown the row of a table, a heading and the
 * item of a list stand alone; what holds no letter and no number is left out. Lives in arena. */
const struct span *passage_sentences(const char *text, size_t n, struct arena *arena, size_t *n_spans);

/* Fills ranked (n), best first, ids being positions in sentences (n); ties by the lower one. models: for vectors, NULL with
 * SEARCH_WORDS; where a provider embeds, words alone are compared, since every sentence would have to be sent. */
bool sentence_rank(struct models *models, enum search_mode mode, const char *query, const char *const *sentences, size_t n,
		   struct arena *arena, struct ranked *ranked, struct error *err);

#endif
