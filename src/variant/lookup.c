/* lookup.c - an answer that somebody gave before, or a sentence that somebody wrote. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "retrieve/sentence_rank.h"
#include "variant/lookup.h"

enum { SENTENCE_PASSAGES = 3 };

const struct example *lookup_nearest(struct workshop *w, const struct example *item, struct arena *arena, struct error *err)
{
	size_t *positions, n;

	if (!workshop_shots(w, SHOTS_TFIDF, (struct pool_part){ 0 }, item, arena, &positions, &n, err))
		return NULL;
	return w->task->pool.list.items[n > 0 ? positions[n - 1] : 0];
}

static bool nearest_answer(struct workshop *w, const struct lookup *l, const struct example *item, struct arena *arena,
			   struct answer *answer, struct error *err)
{
	const struct example *nearest = lookup_nearest(w, item, arena, err);

	(void)l;
	if (!nearest)
		return false;
	*answer = (struct answer){ .text = nearest->answer, .status = nearest->answer[0] ? "answered" : "abstained" };
	return true;
}

static const struct search by_words = { .mode = SEARCH_WORDS, .cutting = { 200, 40, true, false }, .k = SENTENCE_PASSAGES };
static const struct search by_both = { .mode = SEARCH_FUSED, .cutting = { 200, 40, true, false }, .k = SENTENCE_PASSAGES };

/* Sentences of the passages, each a text of its own. */
struct sentences {
	const char **text;
	size_t *passage;
	size_t n;
};

static struct sentences split(const struct passage *passages, size_t n, struct arena *arena)
{
	struct sentences s = { 0 };
	const struct span **spans = arena_array(arena, n + 1, sizeof(*spans));
	size_t *counts = arena_array(arena, n + 1, sizeof(*counts)), total = 0;

	for (size_t i = 0; i < n; i++) {
		spans[i] = passage_sentences(passages[i].text, passages[i].end - passages[i].start, arena, &counts[i]);
		total += counts[i];
	}
	s.text = arena_array(arena, total + 1, sizeof(*s.text));
	s.passage = arena_array(arena, total + 1, sizeof(*s.passage));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < counts[i]; k++) {
			struct span at = spans[i][k];

			s.text[s.n] = arena_copy(arena, passages[i].text + at.start, at.end - at.start);
			s.passage[s.n++] = i;
		}
	return s;
}

/* The sentence of the best passages that has most to do with the question; it cites itself. */
static bool best_sentence(struct workshop *w, const struct lookup *l, const struct example *item, struct arena *arena,
			  struct answer *answer, struct error *err)
{
	const char *question = workshop_text(w, arena, item);
	struct evidence *e = arena_alloc(arena, sizeof(*e));
	struct passage *passages;
	size_t n;

	if (!library_search(w->library, question, l->search, arena, &passages, &n, err))
		return false;
	struct sentences s = split(passages, n, arena);

	*e = (struct evidence){ .passages = passages, .n_passages = n, .similarity = NAN };
	evidence_mark_gold(e, item, arena);
	*answer = (struct answer){ .text = "", .status = "abstained", .evidence = e };
	if (s.n == 0)
		return true;
	struct ranked *ranked = arena_array(arena, s.n, sizeof(*ranked));

	if (!sentence_rank(w->models, l->search->mode, question, s.text, s.n, arena, ranked, err))
		return false;
	size_t best = (size_t)ranked[0].id;
	struct cited cited = { s.passage[best], s.text[best] };

	evidence_cite(e, &(struct cited_answer){ .citations = &cited, .n_citations = 1, .parsed = true }, arena);
	answer->text = s.text[best];
	answer->status = "answered";
	return true;
}

/* What a variant has to beat where many questions have no answer. */
static bool abstain(struct workshop *w, const struct lookup *l, const struct example *item, struct arena *arena,
		    struct answer *answer, struct error *err)
{
	(void)w, (void)l, (void)item, (void)arena, (void)err;
	*answer = (struct answer){ .text = "", .status = "abstained" };
	return true;
}

/* What a variant has to beat where the task is to change a text a little. */
static bool same_text(struct workshop *w, const struct lookup *l, const struct example *item, struct arena *arena,
		      struct answer *answer, struct error *err)
{
	const char *text = workshop_text(w, arena, item);

	(void)l, (void)err;
	if (w->task->validator)
		text = extract_read(w->task, NULL, text, arena);
	*answer = (struct answer){ .text = text, .status = text ? "answered" : "unparsed" };
	return true;
}

static const struct lookup lookups[] = {
	{ .kind = TASK_ANSWER, .id = "abstain", .summary = "abstaining from every question", .answer = abstain },
	{ .kind = TASK_ANSWER, .id = "nearest-answer", .summary = "the answer of the most similar known question", .answer = nearest_answer },
	{ .kind = TASK_ANSWER, .id = "best-sentence", .summary = "the sentence of the documents that is nearest to the question",
	  .search = &by_words, .answer = best_sentence },
	{ .kind = TASK_ANSWER, .rung = 2, .id = "nearest-sentence", .summary = "the nearest sentence by words and vectors",
	  .search = &by_both, .answer = best_sentence },
	{ .kind = TASK_EXTRACT, .id = "nearest-answer", .summary = "the answer of the most similar known example", .answer = nearest_answer },
	{ .kind = TASK_EXTRACT, .id = "gazetteer", .summary = "known values in the input, else of the most similar example",
	  .answer = gazetteer_answer },
	{ .kind = TASK_CLASSIFY, .many = true, .rung = 2, .id = "label-table",
	  .summary = "labels whose names and definitions are near a sentence by words (TF-IDF)", .answer = label_table_words },
	{ .kind = TASK_CLASSIFY, .many = true, .rung = 2, .id = "label-vectors",
	  .summary = "labels whose names and definitions are near a sentence by embedding", .embeds = true, .answer = label_table_vectors },
	{ .kind = TASK_GENERATE, .id = "input-unchanged", .summary = "the input as it is", .answer = same_text },
	{ .kind = TASK_GENERATE, .id = "nearest-output", .summary = "the output of the most similar known example",
	  .answer = nearest_answer },
};

const struct lookup *lookup_all(size_t *n)
{
	*n = sizeof(lookups) / sizeof(lookups[0]);
	return lookups;
}
