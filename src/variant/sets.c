/* sets.c - lists of labels: asked for, and read back without what is no label of the task. */
#include "variant/sets.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "prompt/parse.h"
#include "task/label_sets.h"

size_t sets_definitions(const struct task *task)
{
	size_t bytes = 0;

	for (size_t i = 0; i < task->n_labels; i++)
		if (task->labels[i].definition)
			bytes += strlen("\n- : ") + strlen(task->labels[i].name) + strlen(task->labels[i].definition);
	return bytes;
}

const char *sets_form(const struct technique *t)
{
	if (t->answer == ANSWER_JSON)
		return "Write the answer as a JSON object: {\"labels\": [\"...\"]}, with all that apply and nothing else.";
	return "Write all that apply and nothing else, separated by commas. If nothing applies, write: none";
}

/* No set of the pool is larger. */
static size_t most_labels(const struct task *task)
{
	size_t most = 1;

	for (size_t i = 0; i < task->pool.list.n; i++)
		most = task->pool.list.items[i]->n_labels > most ? task->pool.list.items[i]->n_labels : most;
	return most;
}

void sets_ask(struct workshop *w, struct arena *arena, struct model_request *r)
{
	const struct task *task = w->task;
	size_t most = most_labels(task), longest = 0;
	json_t *labels = json_array();

	for (size_t i = 0; i < task->n_labels; i++) {
		size_t n = strlen(task->labels[i].name);

		json_array_append_new(labels, json_string(task->labels[i].name));
		longest = n > longest ? n : longest;
	}
	json_t *root = json_pack("{s:s, s:{s:{s:s, s:{s:o}, s:I}}, s:[s]}", "type", "object", "properties", "labels", "type", "array", "items",
				 "enum", labels, "maxItems", (json_int_t)most, "required", "labels");
	char *text = json_dumps(root, 0);

	r->schema = arena_string(arena, text);
	/* As many tokens as bytes: every set of the pool can be written, however it is cut; escapes may double a name. */
	r->max_tokens = strlen("{\"labels\": []}") + most * (2 * longest + strlen("\"\", "));
	free(text);
	json_decref(root);
}

const char *sets_shown(const struct example *shot)
{
	return shot->n_labels > 0 ? shot->answer : "none";
}

const char *sets_text(const struct task *task, const bool *has, struct arena *arena)
{
	size_t *labels = arena_array(arena, task->n_labels + 1, sizeof(*labels)), n = 0;

	for (size_t i = 0; i < task->n_labels; i++)
		if (has[i])
			labels[n++] = i;
	return label_set_text(task, labels, n, arena);
}

const char *sets_read(const struct task *task, const struct call_row *call, struct arena *arena, const char **text)
{
	bool *found = arena_array(arena, task->n_labels + 1, sizeof(*found));

	switch (parse_labels(task, call->output, arena, found, NULL)) {
	case PARSE_LABEL:
		*text = sets_text(task, found, arena);
		return "answered";
	case PARSE_REFUSED:
		return "refused";
	default:
		return strcmp(call->status, "ok") == 0 ? "unparsed" : call->status;
	}
}
