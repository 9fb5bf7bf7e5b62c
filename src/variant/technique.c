/* technique.c - the ways of prompting that rung 1 tries: one row each, and the list of all variants of a task. */
#include <string.h>

#include "base/hash.h"
#include "llm/grammar_match.h"
#include "prompt/schema.h"
#include "variant/workshop.h"

/* Rows that share their messages share their model calls: a calibrated row costs nothing beside the plain one. kNN
 * shots answer by label scoring, since their long prompts are what costs. */
static const struct technique techniques[] = {
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

const struct technique *technique_all(size_t *n)
{
	*n = sizeof(techniques) / sizeof(techniques[0]);
	return techniques;
}

size_t variant_calls(const struct variant *v)
{
	if (v->classifier || !v->model)
		return 0;
	return v->technique && v->technique->samples ? v->technique->samples : 1;
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

static void add_classifiers(struct list *list, struct arena *arena, int rung)
{
	size_t n;
	const struct classifier_method *methods = classifier_methods(&n);

	for (size_t i = 0; i < n; i++)
		if (methods[i].rung == rung)
			add(list, (struct variant){ .id = arena_printf(arena, "%d/%s", rung, methods[i].id),
						    .name = methods[i].summary, .rung = rung, .classifier = &methods[i] });
}

static bool has_definitions(const struct task *task)
{
	for (size_t i = 0; i < task->n_labels; i++)
		if (task->labels[i].definition)
			return true;
	return false;
}

static void add_technique(struct list *list, struct arena *arena, const struct task *task, const struct technique *t,
			  const char *model)
{
	size_t wordings = t->every_wording ? task->n_instructions : 1;

	for (size_t w = 0; w < wordings; w++) {
		const char *number = w ? arena_printf(arena, "-%zu", w + 1) : "";
		struct variant *v = add(list, (struct variant){
			.id = arena_printf(arena, "1/%s%s@%s", t->id, number, model),
			.name = w ? arena_printf(arena, "%s, wording %zu", t->name, w + 1) : t->name,
			.model = model, .rung = 1, .technique = t, .wording = w });

		if (t->definitions && !has_definitions(task))
			v->skipped = "the task gives no label definitions";
	}
}

static void add_users(struct list *list, struct arena *arena, const struct task *task)
{
	for (size_t i = 0; i < task->n_variants; i++) {
		const struct task_variant *u = &task->variants[i];

		add(list, (struct variant){ .id = arena_printf(arena, "1/%s", u->name), .name = u->name, .model = u->model,
					    .rung = 1, .incumbent = u->incumbent, .user = u });
	}
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

bool variants_check(const struct task *task, struct error *err)
{
	for (size_t i = 0; i < task->n_variants; i++) {
		const struct task_variant *u = &task->variants[i];
		struct error why;
		size_t shortest = u->schema ? schema_shortest(u->schema, &why) : 1;

		if (shortest == 0)
			return error_set(err, "%s: %s", u->schema_file, why.text);
		if (u->schema && shortest > user_tokens(u))
			return error_set(err, "%s:%zu: variant \"%s\": its max_tokens, %zu, are fewer than the %zu bytes of the "
					 "shortest JSON that satisfies %s", task->file, u->line, u->name, user_tokens(u),
					 shortest, u->schema_file);
	}
	return true;
}

/* Everything that makes a variant's answers, besides its model's weights: the task and its own row. */
static uint64_t recipe_of(const struct task *task, const struct variant *v)
{
	return hash64(v->id, strlen(v->id), task->fingerprint);
}

const struct variant *variants_list(const struct task *task, struct arena *arena, const char *const *models,
				    size_t n_models, size_t *n)
{
	size_t n_methods;
	struct list list = { 0 };

	classifier_methods(&n_methods);
	if (!models) {
		models = task->models;
		n_models = task->n_models;
	}
	size_t n_techniques = sizeof(techniques) / sizeof(techniques[0]);
	size_t most = n_methods + task->n_variants + n_models * n_techniques * (task->n_instructions + 1) + 1;

	list.variants = arena_array(arena, most, sizeof(*list.variants));
	add_classifiers(&list, arena, 0);
	add_users(&list, arena, task);
	for (size_t m = 0; m < n_models; m++)
		for (size_t i = 0; i < n_techniques; i++)
			add_technique(&list, arena, task, &techniques[i], models[m]);
	add(&list, (struct variant){
		.id = "2/retrieval", .name = "retrieval (RAG)", .rung = 2,
		.skipped = task->has_documents ? "retrieval over documents is not built yet" : "no documents" });
	add_classifiers(&list, arena, 3);
	for (size_t i = 0; i < list.n; i++)
		list.variants[i].recipe = recipe_of(task, &list.variants[i]);
	*n = list.n;
	return list.variants;
}
