/* extract.c - kind extract: what a model is asked for, and its object read back. */
#include <stdlib.h>
#include <string.h>

#include "schema/schema.h"
#include "schema/validator.h"
#include "variant/workshop.h"

const char *extract_form(const struct task *task, const struct technique *t, struct arena *arena)
{
	static const char reason[] = ", as {\"reason\": \"...\", \"answer\": {...}}, where the reason says in one or two sentences "
				     "what decides it and the answer is JSON";
	char *schema = json_dumps(validator_schema(task->validator), JSON_COMPACT);
	const char *form = arena_printf(arena, "Write the answer as JSON%s of this schema, without what the text does not "
					"name: %s", t->reasoning ? reason : "", schema);

	free(schema);
	return form;
}

/* With as many tokens as the pool's longest answer has bytes, every answer of the pool could be written, however it is cut. */
static size_t tokens_of(struct workshop *w)
{
	struct item_list pool = w->task->pool.list;

	if (w->longest_answer == 0)
		for (size_t i = 0; i < pool.n; i++) {
			size_t n = strlen(pool.items[i]->answer);

			w->longest_answer = n > w->longest_answer ? n : w->longest_answer;
		}
	return w->longest_answer + EXTRACT_ROOM;
}

void extract_ask(struct workshop *w, const struct technique *t, struct arena *arena, struct model_request *r)
{
	struct buf wrapped = { 0 };

	r->schema = w->task->schema;
	r->max_tokens = tokens_of(w);
	if (!t->reasoning)
		return;
	schema_wrap_reason(w->task->schema, REASON_CHARACTERS, &wrapped);
	r->schema = arena_copy(arena, wrapped.data, wrapped.n);
	r->max_tokens += REASONING_TOKENS;
	buf_release(&wrapped);
}

const char *extract_read(const struct task *task, const struct technique *t, const char *reply, struct arena *arena)
{
	json_t *found = validator_find_object(reply);
	const json_t *object = t && t->reasoning ? json_object_get(found, "answer") : found;
	const char *text = NULL;
	struct buf out = { 0 };

	if (validator_accepts(task->validator, object, NULL)) {
		validator_write(task->validator, object, &out);
		text = arena_copy(arena, out.data, out.n);
	}
	buf_release(&out);
	json_decref(found);
	return text;
}
