/* generate.c - kind generate: a text to write, free or under the task's pattern, and the text read back.
 *
 * The pattern goes to the model as the schema {"answer": a string that matches it}: every engine that follows a schema can
 * follow a pattern that way. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "schema/validator.h"
#include "task/style.h"
#include "variant/workshop.h"

const char *generate_form(const struct technique *t)
{
	if (t->answer == ANSWER_JSON)
		return "Write the answer as a JSON object: {\"answer\": \"...\"}";
	if (t->reasoning)
		return "First think in one or two sentences. Then end with a line \"Answer: \" and the answer alone.";
	return NULL;
}

size_t generate_tokens(const struct task *task)
{
	struct item_list pool = task->pool.list;
	size_t longest = 0;

	for (size_t i = 0; i < pool.n; i++) {
		size_t n = strlen(pool.items[i]->answer);

		longest = n > longest ? n : longest;
	}
	return longest + EXTRACT_ROOM;
}

static bool one_line_each(struct item_list pool)
{
	for (size_t i = 0; i < pool.n; i++)
		if (strchr(pool.items[i]->answer, '\n'))
			return false;
	return true;
}

void generate_ask_text(const struct task *task, const struct technique *t, struct arena *arena, struct model_request *r)
{
	const char **stop = arena_array(arena, 1, sizeof(*stop));

	r->max_tokens = generate_tokens(task) + (t->reasoning ? REASONING_TOKENS : 0);
	stop[0] = "\n";
	if (t->reasoning || !one_line_each(task->pool.list))
		return;
	r->stop = stop; /* where every answer is a line, what follows a line is none of it */
	r->n_stop = 1;
}

static const char *dumped(struct arena *arena, json_t *value)
{
	char *text = json_dumps(value, 0);
	const char *copy = arena_string(arena, text);

	free(text);
	json_decref(value);
	return copy;
}

void generate_ask_json(const struct task *task, struct arena *arena, struct model_request *r)
{
	const char *whole = style_whole(task->pattern, arena);

	r->schema = dumped(arena, json_pack("{s:s, s:{s:{s:s, s:s}}, s:[s]}", "type", "object", "properties", "answer", "type", "string",
					    "pattern", whole, "required", "answer"));
	r->max_tokens = generate_tokens(task);
}

const char *generate_shown_json(const struct example *shot, struct arena *arena)
{
	return dumped(arena, json_pack("{s:s}", "answer", shot->answer));
}

/* What follows the first line that begins with "Answer:"; NULL when none does. */
static const char *behind_reasoning(const char *reply)
{
	static const char word[] = "answer:";

	for (const char *line = reply; line; line = strchr(line, '\n')) {
		line += strspn(line, " \t\r\n");
		if (strncasecmp(line, word, strlen(word)) == 0)
			return line + strlen(word);
	}
	return NULL;
}

static const char *trimmed(const char *text, struct arena *arena)
{
	static const char blanks[] = " \t\r\n\f\v";
	size_t n;

	text += strspn(text, blanks);
	n = strlen(text);
	while (n > 0 && strchr(blanks, text[n - 1]))
		n--;
	return n > 0 ? arena_copy(arena, text, n) : NULL;
}

static const char *member(const char *reply, struct arena *arena)
{
	json_t *object = validator_find_object(reply);
	const char *answer = json_string_value(json_object_get(object, "answer"));

	answer = answer ? arena_string(arena, answer) : NULL;
	json_decref(object);
	return answer;
}

const char *generate_read(const struct task *task, const struct variant *v, const char *reply, struct arena *arena)
{
	const struct technique *t = v->technique;
	bool constrained = t && t->answer == ANSWER_JSON;

	if (task->validator)
		return extract_read(task, t, reply, arena);
	if (constrained || (v->user && v->user->schema))
		reply = member(reply, arena);
	else if (t && t->reasoning)
		reply = behind_reasoning(reply);
	if (!reply || (constrained && !style_matches(task->pattern, reply)))
		return NULL;
	return trimmed(reply, arena);
}
