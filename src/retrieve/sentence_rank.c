/* sentence_rank.c - sentences as a reader of Markdown sees them, and two rankings of a few. */
#include "retrieve/sentence_rank.h"

#include <string.h>

#include "base/text.h"
#include "retrieve/chunk.h"
#include "retrieve/tfidf.h"

/* --- sentences --- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t skip_indent(const char *text, size_t at, size_t n)
{
	while (at < n && (text[at] == ' ' || text[at] == '\t'))
		at++;
	return at;
}

/* Whether a line that begins at `at` is all there is to say: the row of a table, a heading. */
static bool stands_alone(const char *text, size_t at, size_t n)
{
	at = skip_indent(text, at, n);
	return at < n && (text[at] == '|' || text[at] == '#');
}

/* Whether an item of a list begins there: "- ", "* ", "+ ", "12. ", "12) ". */
static bool begins_item(const char *text, size_t at, size_t n)
{
	size_t from = at = skip_indent(text, at, n);

	while (at < n && is_digit(text[at]))
		at++;
	if (at == n || at + 1 == n || text[at + 1] != ' ')
		return false;
	return at > from ? text[at] == '.' || text[at] == ')' : text[at] == '-' || text[at] == '*' || text[at] == '+';
}

/* Where the line ends that begins at `from`, and with it the sentence; `end` when the sentence goes on to there. */
static size_t cut_at(const char *text, size_t from, size_t end)
{
	for (size_t line = from; line < end;) {
		const char *newline = memchr(text + line, '\n', end - line);
		size_t next = newline ? (size_t)(newline - text) + 1 : end;

		if (stands_alone(text, line, end) || stands_alone(text, next, end) || begins_item(text, next, end))
			return next;
		line = next;
	}
	return end;
}

static bool says_something(const char *text, size_t start, size_t end)
{
	while (start < end) {
		uint32_t c;

		start += text_decode(text + start, end - start, &c);
		if (text_is_letter(c) || text_is_number(c))
			return true;
	}
	return false;
}

const struct span *passage_sentences(const char *text, size_t n, struct arena *arena, size_t *n_spans)
{
	size_t n_ends, start = 0, lines = 1;
	const size_t *ends = sentence_ends(text, n, arena, &n_ends);

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	struct span *spans = arena_array(arena, n_ends + lines, sizeof(*spans));

	*n_spans = 0;
	for (size_t i = 0; i < n_ends; i++)
		while (start < ends[i]) {
			size_t cut = cut_at(text, start, ends[i]), from = start, to = cut;

			while (from < to && strchr(" \t\r\n", text[from]))
				from++;
			while (to > from && strchr(" \t\r\n", text[to - 1]))
				to--;
			if (says_something(text, from, to))
				spans[(*n_spans)++] = (struct span){ from, to };
			start = cut;
		}
	return spans;
}

/* --- their rankings --- */

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

	if (mode == SEARCH_WORDS || !models_embeds_here(models)) {
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
