/* request.c - the words that go to a model: instruction, definitions, form, shots, input. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "retrieve/sentence_rank.h"
#include "variant/rewrite.h"
#include "variant/sets.h"

const char *request_rendered(struct workshop *w, struct arena *arena, const char *text, const struct example *item)
{
	struct error impossible; /* task_open() compiled it */
	struct template *t = template_compile(arena, w->task, text, "", &impossible);
	struct buf out = { 0 };

	template_render(t, item, &out);
	const char *copy = arena_copy(arena, buf_text(&out), out.n);

	buf_release(&out);
	return copy;
}

/* The form in which a label is to be written. */
static const char *label_form(const struct technique *t)
{
	if (t->answer == ANSWER_JSON && t->reasoning)
		return "Write the answer as a JSON object: {\"reason\": \"...\", \"label\": \"...\"}, where the reason says in one or two "
		       "sentences what decides it.";
	if (t->answer == ANSWER_JSON)
		return "Write the answer as a JSON object: {\"label\": \"...\"}";
	if (t->reasoning)
		return "First say in one or two sentences what decides it. Then end with a line \"Answer: \" and the category.";
	return NULL;
}

/* The same of an answer. */
static const char *answer_form(const struct technique *t)
{
	if (t->answer == ANSWER_JSON)
		return "Write the answer as a JSON object: {\"answer\": \"...\", \"citations\": [{\"passage\": 1, \"quote\": \"...\"}]}, where "
		       "each quote is copied word for word from the passage that supports the answer. If the passages do not hold "
		       "the answer, the answer is null.";
	if (t->answer == ANSWER_QUOTES)
		return "Write the answer as a JSON object: {\"citations\": [{\"passage\": 1, \"quote\": \"...\"}], \"answer\": \"...\"}, with "
		       "first the sentences of the passages that hold the answer, and then the answer in a few words. If they do not hold "
		       "it, the answer is null.";
	if (t->reasoning)
		return "First think in one or two sentences. Then end with a line \"Answer: \" and the answer alone.";
	if (t->passages != PASSAGES_NONE)
		return "Answer in a few words, from the passages alone. If they do not hold the answer, say: I do not know.";
	return NULL;
}

const char *request_form(const struct task *task, const struct technique *t, struct arena *arena)
{
	switch (task->kind) {
	case TASK_ANSWER:
		return answer_form(t);
	case TASK_EXTRACT:
		return extract_form(task, t, arena);
	case TASK_GENERATE:
		return task->validator ? extract_form(task, t, arena) : generate_form(t);
	default:
		return task->many ? sets_form(t) : label_form(t);
	}
}

/* What a technique says before the first input: instruction, definitions, passages, form. It opens the first user turn, as
 * people write prompts; small models follow it there better than in a system turn, which they answer past. */
static const char *opening_text(struct workshop *w, const struct variant *v, const struct evidence *shown,
			       struct arena *arena, const struct example *item)
{
	const struct technique *t = v->technique;
	const char *form = request_form(w->task, t, arena);
	struct buf out = { 0 };

	buf_adds(&out, request_rendered(w, arena, variant_instruction(w->task, v), item));
	if (t->passages != PASSAGES_NONE) {
		struct prompt_passage *passages = arena_array(arena, shown->n_passages + 1, sizeof(*passages));

		for (size_t i = 0; i < shown->n_passages; i++) {
			const struct passage *p = &shown->passages[i];

			passages[i] = (struct prompt_passage){ p->title, p->heading, p->text, p->end - p->start };
		}
		buf_adds(&out, "\n\n");
		passages_write(passages, shown->n_passages, &out);
	}
	if (t->definitions) {
		buf_adds(&out, "\n\nThe categories:");
		for (size_t i = 0; i < w->task->n_labels; i++)
			if (w->task->labels[i].definition)
				buf_addf(&out, "\n- %s: %s", w->task->labels[i].name, w->task->labels[i].definition);
	}
	if (form)
		buf_addf(&out, "\n\n%s", form);
	const char *copy = arena_copy(arena, buf_text(&out), out.n);

	buf_release(&out);
	return copy;
}

static const char *const *choices_of(struct workshop *w, struct arena *arena)
{
	const char **choices = arena_array(arena, w->task->n_labels, sizeof(*choices));

	for (size_t i = 0; i < w->task->n_labels; i++)
		choices[i] = w->task->labels[i].name;
	return choices;
}

/* The text of a value, which is given up; in arena. */
static const char *dumped(struct arena *arena, json_t *value)
{
	char *text = json_dumps(value, 0);
	const char *copy = arena_string(arena, text);

	free(text);
	json_decref(value);
	return copy;
}

/* An object of an optional reason and a label out of the task's; properties are written in the order of the schema. */
static const char *label_schema(const struct task *task, bool reasoning, struct arena *arena)
{
	json_t *properties = json_object(), *required = json_array(), *labels = json_array();

	if (reasoning) {
		json_object_set_new(properties, "reason", json_pack("{s:s, s:i}", "type", "string", "maxLength",
								    REASON_CHARACTERS));
		json_array_append_new(required, json_string("reason"));
	}
	for (size_t i = 0; i < task->n_labels; i++)
		json_array_append_new(labels, json_string(task->labels[i].name));
	json_object_set_new(properties, "label", json_pack("{s:o}", "enum", labels));
	json_array_append_new(required, json_string("label"));
	return dumped(arena, json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties, "required", required));
}

/* Bytes of the longest answer, its reason apart: with as many tokens every label can be written, however it is cut. */
static size_t longest_json(const struct task *task, bool reasoning, struct arena *arena)
{
	size_t longest = 0;

	for (size_t i = 0; i < task->n_labels; i++) {
		json_t *answer = reasoning ? json_pack("{s:s}", "reason", "") : json_object();

		json_object_set_new(answer, "label", json_string(task->labels[i].name));
		size_t n = strlen(dumped(arena, answer));

		longest = n > longest ? n : longest;
	}
	return longest;
}

/* The sentences of a passage, cut between words where they are long. */
static struct quotes sentences_of(const struct passage *p, struct arena *arena)
{
	size_t n;
	const struct span *spans = passage_sentences(p->text, p->end - p->start, arena, &n);
	const char **quotes = arena_array(arena, n + 1, sizeof(*quotes));
	struct quotes q = { quotes, 0 };

	for (size_t i = 0; i < n; i++) {
		size_t from = spans[i].start, to = spans[i].end;

		if (to > from + CHOICE_BYTES)
			for (to = from + CHOICE_BYTES; to > from && p->text[to] != ' ';)
				to--;
		if (to > from)
			quotes[q.n++] = arena_copy(arena, p->text + from, to - from);
	}
	return q;
}

static const char *quotes_schema(const struct evidence *shown, struct arena *arena)
{
	struct quotes *quotes = arena_array(arena, shown->n_passages + 1, sizeof(*quotes));

	for (size_t i = 0; i < shown->n_passages; i++)
		quotes[i] = sentences_of(&shown->passages[i], arena);
	return passages_schema_quotes(quotes, shown->n_passages, arena);
}

static void ask_json(struct workshop *w, const struct technique *t, const struct evidence *shown, struct arena *arena,
		     struct model_request *r)
{
	const struct task *task = w->task;

	if (task->validator) {
		extract_ask(w, t, arena, r);
		return;
	}
	if (task->kind == TASK_GENERATE) {
		generate_ask_json(task, arena, r);
		return;
	}
	if (t->answer == ANSWER_QUOTES) {
		r->schema = quotes_schema(shown, arena);
		r->max_tokens = QUOTES_TOKENS;
		return;
	}
	if (task->kind == TASK_ANSWER) {
		r->schema = passages_schema(shown->n_passages, arena);
		r->max_tokens = CITED_TOKENS;
		return;
	}
	if (task->many) {
		sets_ask(w, arena, r);
		return;
	}
	r->schema = label_schema(task, t->reasoning, arena);
	r->max_tokens = longest_json(task, t->reasoning, arena) + (t->reasoning ? REASONING_TOKENS : 0);
}

static const char *plain_completion(const struct task *task, const struct technique *t, const struct example *shot, struct arena *arena)
{
	if (task->many)
		return sets_shown(shot);
	if (task->kind == TASK_GENERATE && !task->validator)
		return t->answer == ANSWER_JSON ? generate_shown_json(shot, arena) : shot->answer;
	if (task->kind == TASK_CLASSIFY)
		return task->labels[shot->label].name;
	return shot->answer[0] ? shot->answer : "I do not know.";
}

const char *request_completion(const struct task *task, const struct technique *t, const struct example *shot, struct arena *arena)
{
	const char *answer = plain_completion(task, t, shot, arena);

	if (t && t->reasoning && t->answer == ANSWER_TEXT && shot->reasons)
		return arena_printf(arena, "%s\nAnswer: %s", shot->reasons, answer);
	return answer;
}

static struct message user_turn(struct workshop *w, struct arena *arena, const char *opening, const struct example *e,
				size_t characters)
{
	const char *input = request_rendered(w, arena, w->task->input, e);

	input = arena_copy(arena, input, text_first(input, strlen(input), characters));

	return (struct message){ MESSAGE_USER, opening ? arena_printf(arena, "%s\n\n%s", opening, input) : input };
}

uint64_t request_seed(const struct workshop *w, const struct example *item, size_t sample)
{
	struct buf name = { 0 };
	uint64_t hash;

	buf_addf(&name, "%zu %s", sample, item->id);
	hash = hash64(name.data, name.n, w->seed);
	buf_release(&name);
	return hash >> 32;
}

/* Of an answer in running text. */
static size_t plain_tokens(const struct task *task)
{
	static const size_t tokens[] = { [TASK_CLASSIFY] = LABEL_TOKENS, [TASK_EXTRACT] = JSON_TOKENS,
					 [TASK_ANSWER] = ANSWER_TOKENS };

	if (task->kind == TASK_GENERATE)
		return generate_tokens(task);
	return task->many ? SET_TOKENS : tokens[task->kind];
}

static bool technique_request(struct workshop *w, const struct variant *v, const struct example *item, const char *query,
			      struct arena *arena, struct model_request *r, struct evidence *shown, struct error *err)
{
	static const enum model_want wants[] = { WANT_TEXT, WANT_JSON, WANT_JSON, WANT_SCORES };
	const struct technique *t = v->technique;
	struct item_list pool = w->task->pool.list;
	/* the rest of a shot's input may hold what its answer shows */
	bool whole = w->task->kind == TASK_EXTRACT || w->task->kind == TASK_GENERATE;
	size_t characters = whole ? SIZE_MAX : w->task->many ? SET_SHOT_CHARACTERS : SHOT_CHARACTERS;
	size_t *shots, n_shots, n = 0;

	if (!workshop_shots(w, t->shots, v->part, item, arena, &shots, &n_shots, err) ||
	    !workshop_shown(w, t, item, query, arena, shown, err))
		return false;
	struct message *messages = arena_array(arena, 2 * n_shots + 1, sizeof(*messages));
	const char *opening = opening_text(w, v, shown, arena, item);

	for (size_t i = 0; i < n_shots; i++) {
		const struct example *shot = pool.items[shots[i]];

		messages[n++] = user_turn(w, arena, i == 0 ? opening : NULL, shot, characters);
		messages[n++] = (struct message){ MESSAGE_ASSISTANT, request_completion(w->task, t, shot, arena) };
	}
	messages[n++] = user_turn(w, arena, n_shots == 0 ? opening : NULL, item, SIZE_MAX);
	*r = (struct model_request){ .messages = messages, .n_messages = n, .want = wants[t->answer],
				     .max_tokens = t->reasoning ? REASONING_TOKENS : plain_tokens(w->task) };
	if (t->samples > 0)
		r->sampling = (struct model_sampling){ .temperature = t->temperature,
						       .seed = request_seed(w, item, 0) };
	if (w->task->kind == TASK_GENERATE && r->want == WANT_TEXT)
		generate_ask_text(w->task, t, arena, r);
	if (r->want == WANT_JSON)
		ask_json(w, t, shown, arena, r);
	if (t->answer == ANSWER_SCORES) {
		r->choices = choices_of(w, arena);
		r->n_choices = w->task->n_labels;
	}
	return true;
}

size_t user_tokens(const struct task *task, const struct task_variant *u)
{
	return u->max_tokens ? u->max_tokens : u->schema ? JSON_TOKENS : plain_tokens(task);
}

static void user_request(struct workshop *w, const struct task_variant *u, const struct example *item,
			 struct arena *arena, struct model_request *r)
{
	struct message *messages = arena_array(arena, 2, sizeof(*messages));
	const char *system = u->system ? u->system : w->task->instructions[0];

	messages[0] = (struct message){ MESSAGE_SYSTEM, request_rendered(w, arena, system, item) };
	messages[1] = (struct message){ MESSAGE_USER, request_rendered(w, arena, u->input ? u->input : w->task->input, item) };
	*r = (struct model_request){ .messages = messages, .n_messages = 2, .want = u->schema ? WANT_JSON : WANT_TEXT,
				     .schema = u->schema, .max_tokens = user_tokens(w->task, u) };
}

struct model_request request_guess(struct workshop *w, const struct example *item, struct arena *arena)
{
	static const char opening[] = "Write one or two sentences of a document that could hold the answer.";
	struct message *message = arena_alloc(arena, sizeof(*message));

	*message = user_turn(w, arena, opening, item, SIZE_MAX);
	return (struct model_request){ .messages = message, .n_messages = 1, .want = WANT_TEXT, .max_tokens = GUESS_TOKENS,
				       .max_context = models_max_context(w->models), .repeat = w->repeat };
}

bool request_build(struct workshop *w, const struct variant *v, const struct example *item, const char *query,
		   struct arena *arena, struct model_request *request, struct evidence *shown, struct error *err)
{
	*shown = (struct evidence){ .similarity = NAN };
	if (!v->technique)
		user_request(w, v->user, item, arena, request);
	else if (!technique_request(w, v, item, query, arena, request, shown, err))
		return false;
	request->max_context = models_max_context(w->models);
	request->repeat = w->repeat;
	return true;
}
