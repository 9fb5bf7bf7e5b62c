/* sentence_rank.c - two rankings of a few sentences. */
#include "retrieve/sentence_rank.h"

#include <string.h>

#include "retrieve/tfidf.h"

static void to_ranked(const size_t *positions, const double *scores, size_t n, struct ranked *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (struct ranked){ (int64_t)positions[i], scores[i] };
}

static void rank_words(const char *query, const char *const *sentences, size_t n, struct arena *arena, struct ranked *out)
{
	static const struct tfidf_options words = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 1, .sublinear = true };
	size_t *positions = arena_array(arena, n, sizeof(*positions));
	double *scores = arena_array(arena, n, sizeof(*scores));
	struct tfidf_index *index = tfidf_index_new(&words, sentences, n);

	tfidf_nearest(index, query, n, SIZE_MAX, positions, scores);
	tfidf_index_free(index);
	to_ranked(positions, scores, n, out);
}

static bool rank_vectors(struct models *models, const char *query, const char *const *sentences, size_t n, struct arena *arena,
			 struct ranked *out, struct error *err)
{
	size_t width = models_embedding_width(models, err);
	const char **texts = arena_array(arena, n + 1, sizeof(*texts));
	float *vectors = arena_array(arena, (n + 1) * width, sizeof(*vectors));
	double *cosines = arena_array(arena, n, sizeof(*cosines)), *scores = arena_array(arena, n, sizeof(*scores));
	size_t *positions = arena_array(arena, n, sizeof(*positions));

	for (size_t i = 0; i < n; i++)
		texts[i] = sentences[i];
	texts[n] = query;
	if (width == 0 || !models_embed(models, texts, n + 1, vectors, err))
		return false;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < width; k++)
			cosines[i] += (double)(vectors[i * width + k] * vectors[n * width + k]);
	nearest_select(cosines, n, n, SIZE_MAX, positions, scores);
	to_ranked(positions, scores, n, out);
	return true;
}

bool sentence_rank(struct models *models, enum search_mode mode, const char *query, const char *const *sentences, size_t n,
		   struct arena *arena, struct ranked *ranked, struct error *err)
{
	static const struct fusion_options rrf = { .kind = FUSION_RRF };
	struct ranked *words = arena_array(arena, n, sizeof(*words)), *near = arena_array(arena, n, sizeof(*near));
	struct ranked *fused = arena_array(arena, 2 * n, sizeof(*fused)); /* rank_fuse() asks for room for both */

	if (mode == SEARCH_WORDS) {
		rank_words(query, sentences, n, arena, ranked);
		return true;
	}
	if (!rank_vectors(models, query, sentences, n, arena, mode == SEARCH_VECTORS ? ranked : near, err))
		return false;
	if (mode == SEARCH_FUSED) {
		rank_words(query, sentences, n, arena, words);
		rank_fuse(&rrf, words, n, near, n, fused);
		memcpy(ranked, fused, n * sizeof(*ranked));
	}
	return true;
}
