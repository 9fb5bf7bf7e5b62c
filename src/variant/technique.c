/* technique.c - the ways of prompting that rung 1 tries: one row each, and the list of all variants of a task. */
#include <string.h>

#include "base/hash.h"
#include "llm/grammar_match.h"
#include "model/registry.h"
#include "model/tuned.h"
#include "schema/schema.h"
#include "task/outcomes.h"
#include "variant/lookup.h"
#include "variant/sets.h"
#include "variant/workshop.h"

/* How documents are searched: one row a way. Cuttings that are alike share one collection of the library. */
enum { CUT = 200, CUT_OVERLAP = 40, CUT_SMALL = 80, CUT_SMALL_OVERLAP = 16 };
#define CUTTING { CUT, CUT_OVERLAP, true, false }
static const struct search by_words = { .mode = SEARCH_WORDS, .cutting = CUTTING, .k = 4 };
static const struct search by_vectors = { .mode = SEARCH_VECTORS, .cutting = CUTTING, .k = 4 };
static const struct search fused = { .mode = SEARCH_FUSED, .cutting = CUTTING, .k = 4 };
static const struct search fused_one = { .mode = SEARCH_FUSED, .cutting = CUTTING, .k = 1 };
static const struct search fused_many = { .mode = SEARCH_FUSED, .cutting = CUTTING, .k = 8 };
static const struct search fused_deep = { .mode = SEARCH_FUSED, .cutting = CUTTING, .k = 24 }; /* what a reranker chooses from */
static const struct search diverse = { .mode = SEARCH_FUSED, .cutting = CUTTING, .k = 4, .diversity = 0.7 };
static const struct search weighed = { .mode = SEARCH_FUSED, .cutting = CUTTING, .k = 4 };
static const struct search code = { .mode = SEARCH_FUSED, .cutting = { CUT, CUT_OVERLAP, true, true }, .k = 4 };
static const struct search parents = { .mode = SEARCH_FUSED, .cutting = { CUT_SMALL, CUT_SMALL_OVERLAP, true, false }, .k = 3,
				       .parents = true };
static const struct search small = { .mode = SEARCH_FUSED, .cutting = { CUT_SMALL, CUT_SMALL_OVERLAP, true, false }, .k = 6 };
static const struct search bare = { .mode = SEARCH_FUSED, .cutting = { CUT, CUT_OVERLAP, false, false }, .k = 4 };

/* Rows that share their messages share their model calls: a calibrated row costs nothing beside the plain one. kNN
 * shots answer by label scoring, since their long prompts are what costs. */
static const struct technique label_techniques[] = {
	{ .id = "zero-shot", .name = "zero-shot", .every_wording = true },
	{ .id = "definitions", .name = "label definitions", .definitions = true },
	{ .id = "structured", .name = "structured output", .answer = ANSWER_JSON },
	{ .id = "structured-reasoning", .name = "structured output, the reason first", .reasoning = true,
	  .answer = ANSWER_JSON },
	{ .id = "few-shot", .name = "few-shot", .shots = SHOTS_FIXED },
	{ .id = "knn-embedding", .name = "kNN few-shot (embedding)", .shots = SHOTS_EMBEDDING, .answer = ANSWER_SCORES },
	{ .id = "knn-tfidf", .name = "kNN few-shot (TF-IDF)", .shots = SHOTS_TFIDF, .answer = ANSWER_SCORES },
	{ .id = "knn-tfidf-batch", .name = "kNN few-shot (TF-IDF), batch calibration", .shots = SHOTS_TFIDF,
	  .answer = ANSWER_SCORES, .calibration = CALIBRATE_BATCH },
	{ .id = "chain-of-thought", .name = "chain of thought", .reasoning = true },
	{ .id = "self-consistency", .name = "self-consistency (5 chains of thought vote)", .reasoning = true,
	  .samples = 5, .temperature = 0.7, .waits_for = "chain-of-thought" }, /* Wang et al. 2022 (arXiv 2203.11171) */
	{ .id = "scoring", .name = "label scoring", .answer = ANSWER_SCORES },
	{ .id = "scoring-definitions", .name = "label scoring, definitions", .definitions = true, .answer = ANSWER_SCORES },
	{ .id = "scoring-contextual", .name = "label scoring, contextual calibration", .answer = ANSWER_SCORES,
	  .calibration = CALIBRATE_CONTEXTUAL },
	{ .id = "scoring-batch", .name = "label scoring, batch calibration", .answer = ANSWER_SCORES,
	  .calibration = CALIBRATE_BATCH },
};

/* Many labels an item: written as a list. Scores of single labels say nothing of sets. */
static const struct technique set_techniques[] = {
	{ .id = "zero-shot", .name = "zero-shot", .every_wording = true },
	{ .id = "definitions", .name = "label definitions", .definitions = true },
	{ .id = "structured", .name = "structured output", .answer = ANSWER_JSON },
	{ .id = "few-shot", .name = "few-shot", .shots = SHOTS_FIXED },
	{ .id = "knn-embedding", .name = "kNN few-shot (embedding)", .shots = SHOTS_EMBEDDING },
	{ .id = "knn-tfidf", .name = "kNN few-shot (TF-IDF)", .shots = SHOTS_TFIDF },
	{ .id = "rag-fused", .name = "retrieval by both, labels chosen from it", .passages = PASSAGES_RETRIEVED, .search = &fused_many },
	{ .id = "rag-words", .name = "retrieval by words (BM25), labels chosen from it", .passages = PASSAGES_RETRIEVED,
	  .search = &by_words },
	{ .id = "rag-reranked", .name = "retrieval by both, reranked, labels chosen from it", .passages = PASSAGES_RETRIEVED,
	  .search = &fused_deep, .reranks = 8 },
};

/* Answers to questions: closed book, everything in the prompt, and what is found (Lewis et al. 2020, arXiv 2005.11401). */
static const struct technique answer_techniques[] = {
	{ .id = "closed-book", .name = "closed book", .every_wording = true },
	{ .id = "few-shot", .name = "few-shot", .shots = SHOTS_FIXED },
	{ .id = "knn-embedding", .name = "kNN few-shot (embedding)", .shots = SHOTS_EMBEDDING },
	{ .id = "chain-of-thought", .name = "chain of thought", .reasoning = true },
	{ .id = "self-consistency", .name = "self-consistency (5 chains of thought vote)", .reasoning = true,
	  .samples = 5, .temperature = 0.7, .waits_for = "chain-of-thought" },
	{ .id = "all-documents", .name = "all documents in the prompt", .passages = PASSAGES_ALL },
	{ .id = "rag-words", .name = "retrieval by words (BM25)", .passages = PASSAGES_RETRIEVED, .search = &by_words },
	{ .id = "rag-vectors", .name = "retrieval by vectors", .passages = PASSAGES_RETRIEVED, .search = &by_vectors },
	{ .id = "rag-fused", .name = "retrieval by both, fused", .passages = PASSAGES_RETRIEVED, .search = &fused },
	{ .id = "rag-few-shot", .name = "retrieval by both, few-shot", .passages = PASSAGES_RETRIEVED, .search = &fused,
	  .shots = SHOTS_FIXED },
	{ .id = "rag-weighed", .name = "retrieval by both, weighed on known passages", .passages = PASSAGES_RETRIEVED,
	  .search = &weighed, .weighs = true },
	{ .id = "rag-reranked", .name = "retrieval by both, reranked", .passages = PASSAGES_RETRIEVED, .search = &fused_deep,
	  .reranks = 4 },
	{ .id = "rag-code", .name = "retrieval by both, words by their trigrams (code)", .passages = PASSAGES_RETRIEVED,
	  .search = &code },
	{ .id = "rag-rewritten", .name = "retrieval by both, of the question and what the model guesses", .passages = PASSAGES_RETRIEVED,
	  .search = &fused, .rewrites = true },
	{ .id = "rag-one", .name = "one passage", .passages = PASSAGES_RETRIEVED, .search = &fused_one },
	{ .id = "rag-many", .name = "eight passages", .passages = PASSAGES_RETRIEVED, .search = &fused_many },
	{ .id = "rag-small", .name = "small chunks", .passages = PASSAGES_RETRIEVED, .search = &small },
	{ .id = "rag-parents", .name = "small chunks, widened to their parents", .passages = PASSAGES_RETRIEVED,
	  .search = &parents },
	{ .id = "rag-diverse", .name = "passages that differ (maximal marginal relevance)", .passages = PASSAGES_RETRIEVED,
	  .search = &diverse },
	{ .id = "rag-bare", .name = "chunks without titles and headings", .passages = PASSAGES_RETRIEVED, .search = &bare },
	{ .id = "rag-quotes", .name = "sentences chosen as quotes, then the answer", .passages = PASSAGES_RETRIEVED, .search = &fused,
	  .answer = ANSWER_QUOTES },
	{ .id = "rag-cited", .name = "structured answer with quotes", .passages = PASSAGES_RETRIEVED, .search = &fused,
	  .answer = ANSWER_JSON },
};

/* Fields under the task's schema. */
static const struct technique extract_techniques[] = {
	{ .id = "zero-shot", .name = "zero-shot", .answer = ANSWER_JSON, .every_wording = true },
	{ .id = "reasoning", .name = "the reason first", .reasoning = true, .answer = ANSWER_JSON },
	{ .id = "few-shot", .name = "few-shot", .shots = SHOTS_FIXED, .answer = ANSWER_JSON },
	{ .id = "knn-embedding", .name = "kNN few-shot (embedding)", .shots = SHOTS_EMBEDDING, .answer = ANSWER_JSON },
	{ .id = "knn-tfidf", .name = "kNN few-shot (TF-IDF)", .shots = SHOTS_TFIDF, .answer = ANSWER_JSON },
	{ .id = "rag-fused", .name = "retrieval by both", .passages = PASSAGES_RETRIEVED, .search = &fused, .answer = ANSWER_JSON },
	{ .id = "rag-words", .name = "retrieval by words (BM25)", .passages = PASSAGES_RETRIEVED, .search = &by_words,
	  .answer = ANSWER_JSON },
	{ .id = "rag-reranked", .name = "retrieval by both, reranked", .passages = PASSAGES_RETRIEVED, .search = &fused_deep,
	  .reranks = 4, .answer = ANSWER_JSON },
};

/* Text in a house style; the rows of JSON are those whose answers keep to the task's pattern. With a schema: extract_techniques. */
static const struct technique generate_techniques[] = {
	{ .id = "zero-shot", .name = "zero-shot", .every_wording = true },
	{ .id = "constrained", .name = "zero-shot under the pattern", .answer = ANSWER_JSON },
	{ .id = "reasoning", .name = "the reason first", .reasoning = true },
	{ .id = "few-shot", .name = "few-shot", .shots = SHOTS_FIXED },
	{ .id = "knn-embedding", .name = "kNN few-shot (embedding)", .shots = SHOTS_EMBEDDING },
	{ .id = "knn-embedding-constrained", .name = "kNN few-shot (embedding) under the pattern", .shots = SHOTS_EMBEDDING,
	  .answer = ANSWER_JSON },
	{ .id = "knn-tfidf", .name = "kNN few-shot (TF-IDF)", .shots = SHOTS_TFIDF },
	{ .id = "knn-tfidf-constrained", .name = "kNN few-shot (TF-IDF) under the pattern", .shots = SHOTS_TFIDF,
	  .answer = ANSWER_JSON },
	{ .id = "rag-fused", .name = "retrieval by both", .passages = PASSAGES_RETRIEVED, .search = &fused },
	{ .id = "rag-words", .name = "retrieval by words (BM25)", .passages = PASSAGES_RETRIEVED, .search = &by_words },
	{ .id = "rag-few-shot", .name = "retrieval by both, few-shot", .passages = PASSAGES_RETRIEVED, .search = &fused,
	  .shots = SHOTS_FIXED },
	{ .id = "rag-reranked", .name = "retrieval by both, reranked", .passages = PASSAGES_RETRIEVED, .search = &fused_deep,
	  .reranks = 4 },
};

/* Labels decided with what documents say: tables of labels, guidelines. */
static const struct technique label_searches[] = {
	{ .id = "rag-fused", .name = "retrieval by both, label scoring", .passages = PASSAGES_RETRIEVED, .search = &fused,
	  .answer = ANSWER_SCORES },
	{ .id = "rag-words", .name = "retrieval by words (BM25), label scoring", .passages = PASSAGES_RETRIEVED,
	  .search = &by_words, .answer = ANSWER_SCORES },
	{ .id = "rag-reranked", .name = "retrieval by both, reranked, label scoring", .passages = PASSAGES_RETRIEVED, .search = &fused_deep,
	  .reranks = 4, .answer = ANSWER_SCORES },
};

/* The probes' own: they all say what rag-fused says, around other passages (ARES and RAGChecker ask alike). */
static const struct technique answer_probes[] = {
	{ .id = "closed-book", .name = "C, closed book" },
	{ .id = "oracle", .name = "O, passages that hold the answer", .passages = PASSAGES_GOLD },
	{ .id = "retrieved", .name = "R, passages that were found", .passages = PASSAGES_RETRIEVED, .search = &fused },
	{ .id = "distracted", .name = "D, passages that hold the answer among others", .passages = PASSAGES_DISTRACTED,
	  .search = &fused },
	{ .id = "without-gold", .name = "N, passages that do not hold the answer", .passages = PASSAGES_WITHOUT_GOLD,
	  .search = &fused },
};

#define ROWS(table) (*n = sizeof(table) / sizeof((table)[0]), (table))

const struct technique *technique_sets(size_t *n)
{
	return ROWS(set_techniques);
}

const struct technique *technique_all(enum task_kind kind, size_t *n)
{
	switch (kind) {
	case TASK_ANSWER:
		return ROWS(answer_techniques);
	case TASK_EXTRACT:
		return ROWS(extract_techniques);
	case TASK_GENERATE:
		return ROWS(generate_techniques);
	default:
		return ROWS(label_techniques);
	}
}

const struct technique *technique_probes(enum task_kind kind, size_t *n)
{
	*n = 0;
	return kind == TASK_ANSWER ? ROWS(answer_probes) : NULL;
}

static const struct technique *technique_searches(const struct task *task, size_t *n)
{
	*n = 0;
	return task->kind == TASK_CLASSIFY && !task->many ? ROWS(label_searches) : NULL;
}

size_t variant_replies(const struct variant *v)
{
	return v->technique && v->technique->samples ? v->technique->samples : 1;
}

size_t variant_calls(const struct variant *v)
{
	if (!v->model || v->recorded)
		return 0;
	return variant_replies(v) + (v->technique && v->technique->rewrites);
}

static bool searches_vectors(const struct search *s)
{
	return s && s->mode != SEARCH_WORDS;
}

bool variant_embeds(const struct variant *v)
{
	const struct technique *t = v->technique;

	return (t && (t->shots == SHOTS_EMBEDDING || searches_vectors(t->search))) ||
	       (v->classifier && v->classifier->embeds) || (v->lookup && (v->lookup->embeds || searches_vectors(v->lookup->search)));
}

bool variant_reranks(const struct variant *v)
{
	return v->technique && v->technique->reranks;
}

size_t variant_prior_calls(const struct variant *v, size_t dev)
{
	static const size_t content_free = 3; /* calls.c */

	if (!v->model || !v->technique || v->technique->calibration == CALIBRATE_NONE)
		return 0;
	if (v->technique->calibration == CALIBRATE_CONTEXTUAL)
		return content_free;
	return dev < PRIOR_ITEMS ? dev : PRIOR_ITEMS;
}

struct list {
	struct variant *variants;
	size_t n;
};

static struct variant *add(struct list *list, struct variant v)
{
	list->variants[list->n] = v;
	return &list->variants[list->n++];
}

static void add_classifiers(struct list *list, struct arena *arena, const struct task *task, int rung)
{
	size_t n;
	const struct classifier_method *methods = task->many ? classifier_set_methods(&n) : classifier_methods(&n);

	for (size_t i = 0; i < n; i++)
		if (methods[i].rung == rung)
			add(list, (struct variant){ .id = arena_printf(arena, "%d/%s", rung, methods[i].id),
						    .name = methods[i].summary, .rung = rung, .classifier = &methods[i] });
}

/* An encoder, and each local decoder, fine-tuned; a model that is tuned already, or a provider's, is not tuned here. */
static void add_tunings(struct list *list, struct arena *arena, const struct task *task, const char *const *models, size_t n_models)
{
	size_t n;
	const struct tuning *tunings = tuning_all(task, &n);

	for (size_t i = 0; i < n; i++) {
		const struct tuning *t = &tunings[i];
		bool searches = t->technique && t->technique->search;

		if (searches && task->documents.n_paths == 0)
			continue;
		if (!t->technique)
			add(list, (struct variant){ .id = arena_printf(arena, "3/%s", t->id), .name = t->name, .rung = 3, .tuning = t });
		for (size_t m = 0; m < n_models && t->technique; m++)
			if (registry_is_local(models[m]) && !strchr(models[m], '+'))
				add(list, (struct variant){ .id = arena_printf(arena, "3/%s@%s", t->id, models[m]), .name = t->name,
							    .model = models[m], .rung = 3, .tuning = t, .technique = t->technique });
	}
}

/* Encoders that were fine-tuned or taken in before: each is a version of the registry. */
static void add_versions(struct list *list, struct arena *arena, const struct task *task, const char *const *versions, size_t n_versions)
{
	size_t n;
	const struct tuning *first = tuning_all(task, &n), *encoder = first->technique ? NULL : first; /* where a kind has one, it comes first */

	for (size_t i = 0; i < n_versions; i++)
		add(list, (struct variant){ .id = arena_printf(arena, "3/encoder@%s", versions[i]), .rung = 3, .tuning = encoder,
					    .name = encoder ? encoder->name : "fine-tuned encoder", .version = versions[i],
					    .skipped = encoder ? NULL : "an encoder writes no text" });
}

/* What a provider fine-tuned on the pool's prompts (rung tune submit) is asked by the same prompts, and stands where tuning does. */
static void add_tuned_elsewhere(struct list *list, struct arena *arena, const struct task *task, const char *const *models, size_t n_models)
{
	size_t n;
	const struct tuning *tunings = tuning_all(task, &n);

	for (size_t i = 0; i < n * n_models; i++) {
		const struct technique *t = tunings[i % n].technique;
		const char *model = models[i / n];

		if (!t || !model_is_tuned_elsewhere(model) || (t->search && task->documents.n_paths == 0))
			continue;
		add(list, (struct variant){ .id = arena_printf(arena, "3/fine-tuned%s@%s", t->search ? "-rag" : "", model),
					    .name = t->search ? "fine-tuned by its provider, with retrieval" : "fine-tuned by its provider",
					    .model = model, .rung = 3, .technique = t });
	}
}

static bool has_definitions(const struct task *task)
{
	for (size_t i = 0; i < task->n_labels; i++)
		if (task->labels[i].definition)
			return true;
	return false;
}

/* A model that learnt from the pool, here or at its provider, stands where tuning does, whatever it is asked. */
static bool is_tuned(const char *model)
{
	return model && (tuned_is(model) || model_is_tuned_elsewhere(model));
}

static int technique_rung(const struct technique *t, const char *model)
{
	return is_tuned(model) ? 3 : t->search ? 2 : 1;
}

static void add_technique(struct list *list, struct arena *arena, const struct task *task, const struct technique *t,
			  const char *model)
{
	size_t wordings = t->every_wording ? task->n_instructions : 1;
	int rung = technique_rung(t, model);

	for (size_t w = 0; w < wordings; w++) {
		const char *number = w ? arena_printf(arena, "-%zu", w + 1) : "";
		struct variant *v = add(list, (struct variant){
			.id = arena_printf(arena, "%d/%s%s@%s", rung, t->id, number, model),
			.name = w ? arena_printf(arena, "%s, wording %zu", t->name, w + 1) : t->name,
			.model = model, .rung = rung, .technique = t, .wording = w });

		if (t->definitions && !has_definitions(task))
			v->skipped = "the task gives no label definitions";
		if (task->many && t->definitions && sets_definitions(task) > DEFINITIONS_BYTES)
			v->skipped = arena_printf(arena, "the %zu labels and their definitions are %zu bytes, more than the %d that fit a prompt",
						  task->n_labels, sets_definitions(task), DEFINITIONS_BYTES);
		if (task->many && t->answer == ANSWER_JSON && task->n_labels > SCHEMA_LABELS)
			v->skipped = arena_printf(arena, "%zu labels are more than the %d that a schema lists", task->n_labels, SCHEMA_LABELS);
		if (task->kind == TASK_GENERATE && t->answer == ANSWER_JSON && !task->validator && !task->pattern)
			v->skipped = "the task gives no pattern";
		if (t->passages != PASSAGES_NONE && task->documents.n_paths == 0)
			v->skipped = "no documents";
		else if (t->weighs && !task->has_gold)
			v->skipped = "no example says which passage holds its answer";
	}
}

static void add_lookups(struct list *list, struct arena *arena, const struct task *task, int rung)
{
	size_t n;
	const struct lookup *lookups = lookup_all(&n);

	for (size_t i = 0; i < n; i++) {
		if (lookups[i].kind != task->kind || lookups[i].many != task->many || lookups[i].rung != rung)
			continue;
		struct variant *v = add(list, (struct variant){ .id = arena_printf(arena, "%d/%s", rung, lookups[i].id),
								.name = lookups[i].summary, .rung = rung, .lookup = &lookups[i] });

		if (lookups[i].search && task->documents.n_paths == 0)
			v->skipped = "no documents";
	}
}

/* The techniques of one table whose rung it is, for every model but those that a provider tuned to be asked in one way. */
static void add_techniques(struct list *list, struct arena *arena, const struct task *task,
			   const struct technique *techniques, size_t n, int rung, const char *const *models, size_t n_models)
{
	for (size_t m = 0; m < n_models; m++)
		for (size_t i = 0; i < n && !model_is_tuned_elsewhere(models[m]); i++)
			if (technique_rung(&techniques[i], models[m]) == rung && (!techniques[i].reranks || task->rerank) &&
			    (!techniques[i].search || task->documents.n_paths > 0))
				add_technique(list, arena, task, &techniques[i], models[m]);
}

static void add_users(struct list *list, struct arena *arena, const struct task *task, int rung)
{
	for (size_t i = 0; i < task->n_variants; i++) {
		const struct task_variant *u = &task->variants[i];

		if ((is_tuned(u->model) ? 3 : 1) == rung)
			add(list, (struct variant){ .id = arena_printf(arena, "%d/%s", rung, u->name), .name = u->name, .model = u->model,
						    .rung = rung, .incumbent = u->incumbent, .user = u });
	}
}

/* What was recorded elsewhere, on the rung that its rows name. */
static void add_recorded(struct list *list, const struct task *task, int rung, const char *const *models, size_t n_models)
{
	for (size_t m = 0; m < n_models; m++) {
		size_t n;
		const struct outcomes_config *configs = outcomes_configs(task, models[m], &n);

		for (size_t i = 0; i < n; i++)
			if (configs[i].rung == rung)
				add(list, (struct variant){ .id = configs[i].id, .name = configs[i].name, .rung = rung, .recorded = &configs[i],
							    .model = configs[i].asked_none ? NULL : configs[i].model, .skipped = configs[i].skipped });
	}
}

static size_t count_recorded(const struct task *task, const char *const *models, size_t n_models)
{
	size_t all = 0, n;

	for (size_t m = 0; m < n_models; m++)
		all += (outcomes_configs(task, models[m], &n), n);
	return all;
}

static bool is_encoder(const struct task *task, const char *model)
{
	struct error gone;
	struct tuned t;
	bool is = tuned_is(model) && task->tuned && tuned_find(task->tuned, model, &t, &gone);

	if (is) {
		is = t.kind == TUNED_ENCODER;
		tuned_release(&t);
	}
	return is;
}

/* The models that are encoders, or those that are asked: not files of what was asked, and no encoders. */
static const char *const *models_among(const struct task *task, const char *const *models, size_t n, bool encoders, struct arena *arena,
				       size_t *n_found)
{
	const char **found = arena_array(arena, n + 1, sizeof(*found));

	*n_found = 0;
	for (size_t i = 0; i < n; i++)
		if (!outcomes_path(models[i]) && is_encoder(task, models[i]) == encoders)
			found[(*n_found)++] = models[i];
	return found;
}

/* Bytes of the shortest JSON that satisfies the schema; 0 and a sentence if it cannot be followed. */
static size_t schema_shortest(const char *schema, struct error *err)
{
	struct grammar *grammar = schema_compile(schema, strlen(schema), NULL, err);

	if (!grammar)
		return 0;
	struct grammar_matcher *matcher = grammar_matcher_new(grammar);
	size_t shortest = grammar_shortest(matcher, grammar_begin(matcher));

	grammar_matcher_free(matcher);
	grammar_free(grammar);
	return shortest;
}

/* They are asked with every input and every document, so that `private: true` leaves no way around them. */
static bool beside_check(const struct task *task, const char *key, const char *name, struct error *err)
{
	bool embeds = strcmp(key, "embedding") == 0;

	if (name && !model_takes_texts(name) && !(embeds && registry_encoder(name)))
		return error_set(err, "%s: %s \"%s\" is none of %sopenai:NAME, URL#NAME, recorded:FILE#MODEL", task->file, key, name,
				 embeds ? "local, local:NAME (the folder of an encoder, which `rung model add` links), " : "");
	if (name && task->constraints.private && model_leaves(model_behind(name)) && model_behind(name) == name)
		return error_set(err, "%s: %s \"%s\" would be sent every input and document, and the task says `private: true`; name one on this machine, or take it "
				 "out", task->file, key, name);
	return true;
}

bool texts_check(const struct task *task, struct error *err)
{
	return beside_check(task, "embedding", task->embedding, err) && beside_check(task, "rerank", task->rerank, err);
}

bool variants_check(const struct task *task, struct error *err)
{
	for (size_t i = 0; i < task->n_variants; i++) {
		const struct task_variant *u = &task->variants[i];
		struct error why;
		size_t shortest = u->schema ? schema_shortest(u->schema, &why) : 1;

		if (shortest == 0)
			return error_set(err, "%s: %s", u->schema_file, why.text);
		if (u->schema && shortest > user_tokens(task, u))
			return error_set(err, "%s:%zu: variant \"%s\": its max_tokens, %zu, are fewer than the %zu bytes of the "
					 "shortest JSON that satisfies %s", task->file, u->line, u->name, user_tokens(task, u),
					 shortest, u->schema_file);
	}
	return true;
}

/* Everything that makes a variant's answers, besides its model's weights: the task and its own row. */
static uint64_t recipe_of(const struct task *task, const struct variant *v)
{
	return hash64(v->id, strlen(v->id), v->recorded ? task->fingerprint ^ v->recorded->contents : task->fingerprint);
}

/* What must not leave this machine is not sent to be measured either. */
static void keep_private(const struct task *task, struct variant *v, struct arena *arena)
{
	if (task->constraints.private && v->model && !v->skipped && model_leaves(v->model))
		v->skipped = arena_printf(arena, "it would send inputs to %s, and the task says `private: true`", v->model);
}

const struct variant *variants_list(const struct task *task, struct arena *arena, const char *const *named,
				    size_t n_named, size_t *n)
{
	size_t n_models, n_encoders, n_methods, n_lookups, n_techniques, n_searches, n_tunings;
	enum task_kind kind = task->validator ? TASK_EXTRACT : task->kind;
	const struct technique *techniques = task->many ? technique_sets(&n_techniques) : technique_all(kind, &n_techniques);
	const struct technique *searches = technique_searches(task, &n_searches);
	struct list list = { 0 };

	(task->many ? classifier_set_methods : classifier_methods)(&n_methods);
	lookup_all(&n_lookups);
	if (!named) {
		named = task->models;
		n_named = task->n_models;
	}
	const char *const *models = models_among(task, named, n_named, false, arena, &n_models);
	const char *const *encoders = models_among(task, named, n_named, true, arena, &n_encoders);

	tuning_all(task, &n_tunings);
	size_t most = n_methods + n_lookups + n_encoders + task->n_variants + n_tunings * (2 * n_models + 1) +
		      n_models * (n_techniques + n_searches) * (task->n_instructions + 1) + count_recorded(task, named, n_named) + 1;

	list.variants = arena_array(arena, most, sizeof(*list.variants));
	add_lookups(&list, arena, task, 0);
	if (task->kind == TASK_CLASSIFY)
		add_classifiers(&list, arena, task, 0);
	add_recorded(&list, task, 0, named, n_named);
	add_users(&list, arena, task, 1);
	add_techniques(&list, arena, task, techniques, n_techniques, 1, models, n_models);
	add_recorded(&list, task, 1, named, n_named);
	if (task->documents.n_paths > 0 || task->many)
		add_lookups(&list, arena, task, 2);
	if (task->documents.n_paths > 0) {
		add_techniques(&list, arena, task, techniques, n_techniques, 2, models, n_models);
		add_techniques(&list, arena, task, searches, n_searches, 2, models, n_models);
	} else {
		add(&list, (struct variant){ .id = "2/retrieval", .name = "retrieval (RAG)", .rung = 2, .skipped = "no documents" });
	}
	add_recorded(&list, task, 2, named, n_named);
	if (task->kind == TASK_CLASSIFY)
		add_classifiers(&list, arena, task, 3);
	add_tunings(&list, arena, task, models, n_models);
	add_versions(&list, arena, task, encoders, n_encoders);
	add_users(&list, arena, task, 3);
	add_techniques(&list, arena, task, techniques, n_techniques, 3, models, n_models);
	add_techniques(&list, arena, task, searches, n_searches, 3, models, n_models);
	add_tuned_elsewhere(&list, arena, task, models, n_models);
	add_recorded(&list, task, 3, named, n_named);
	for (size_t i = 0; i < list.n; i++) {
		keep_private(task, &list.variants[i], arena);
		list.variants[i].recipe = recipe_of(task, &list.variants[i]);
	}
	*n = list.n;
	return list.variants;
}
