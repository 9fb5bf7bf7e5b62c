/* import_chat.c - conversations as providers fine-tune on them: {"messages": [{"role": ..., "content": ...}, ...]} a line.
 *
 * The last turn is the assistant's and the answer; the user's turn before it the input; what was said before that a column of its
 * own; the system turn the instruction, where all share it. */
#include <jansson.h>

#include "task/import.h"

enum { COLUMN_INPUT, COLUMN_ANSWER, COLUMN_MORE };

static size_t messages_column(const struct table *t)
{
	size_t c = 0;

	while (c < t->n_columns && strcmp(t->columns[c], "messages") != 0)
		c++;
	return c;
}

bool import_is_chat(const struct table *t)
{
	return messages_column(t) < t->n_columns;
}

struct conversation {
	const char *system, *history, *input, *answer;
};

static const char *role_of(const json_t *message)
{
	const char *role = json_string_value(json_object_get(message, "role"));

	return role ? role : "";
}

/* Content is a text, or parts of which those of type text count. */
static const char *content_of(struct import *x, const json_t *message)
{
	const json_t *content = json_object_get(message, "content");
	struct buf text = { 0 };
	const char *kept;
	const json_t *part;
	size_t i;

	if (json_is_string(content))
		return arena_string(x->arena, json_string_value(content));
	json_array_foreach(content, i, part) {
		const char *piece = json_string_value(json_object_get(part, "text"));

		if (piece)
			buf_adds(&text, piece);
	}
	kept = arena_string(x->arena, buf_text(&text));
	buf_release(&text);
	return kept;
}

static bool wrong(struct import *x, size_t line, struct error *err, const char *what)
{
	return table_fail(&x->table, line, err, "%s; a conversation is {\"messages\": [{\"role\": \"system\"|\"user\"|\"assistant\", "
			  "\"content\": TEXT}, ...]}", what);
}

static bool turns_read(struct import *x, json_t *messages, size_t line, struct conversation *c, struct error *err)
{
	struct buf history = { 0 };
	size_t n = json_array_size(messages), i;
	json_t *m;
	bool ok = true;

	*c = (struct conversation){ .system = "", .history = "" };
	if (n < 2 || strcmp(role_of(json_array_get(messages, n - 1)), "assistant") != 0)
		return wrong(x, line, err, "the last message is not the assistant's");
	if (strcmp(role_of(json_array_get(messages, n - 2)), "user") != 0)
		return wrong(x, line, err, "the message before the last is not the user's");
	json_array_foreach(messages, i, m) {
		const char *role = role_of(m), *content = content_of(x, m);

		if (i == n - 1)
			c->answer = content;
		else if (i == n - 2)
			c->input = content;
		else if (i == 0 && (strcmp(role, "system") == 0 || strcmp(role, "developer") == 0))
			c->system = content;
		else if (strcmp(role, "user") == 0 || strcmp(role, "assistant") == 0)
			buf_addf(&history, "%s: %s\n", role, content);
		else
			ok = wrong(x, line, err, arena_printf(x->arena, "role \"%.40s\" of message %zu cannot be carried over", role, i + 1));
	}
	c->history = arena_string(x->arena, buf_text(&history));
	buf_release(&history);
	return ok;
}

/* The new table has rows of the same lines. */
static void rows_put(struct import *x, const struct conversation *all, bool system, bool history)
{
	struct table *t = &x->table;
	size_t n = COLUMN_MORE;

	t->columns = arena_array(x->arena, 4, sizeof(*t->columns));
	t->columns[COLUMN_INPUT] = "input";
	t->columns[COLUMN_ANSWER] = "answer";
	if (system)
		t->columns[n++] = "system";
	if (history)
		t->columns[n++] = "history";
	t->n_columns = n;
	for (size_t i = 0; i < t->n_rows; i++) {
		const char **values = arena_array(x->arena, n, sizeof(*values));

		values[COLUMN_INPUT] = all[i].input;
		values[COLUMN_ANSWER] = all[i].answer;
		if (system)
			values[COLUMN_MORE] = all[i].system;
		if (history)
			values[n - 1] = all[i].history;
		t->rows[i].values = values;
		t->rows[i].n = n;
	}
}

static const char *escaped(struct import *x, const char *text)
{
	if (!strstr(text, "{{"))
		return text;
	import_leave_out(x, "the system turn has {{, which a template would read as a column; write the instruction yourself");
	return NULL;
}

bool import_chat(struct import *x, struct error *err)
{
	struct table *t = &x->table;
	size_t column = messages_column(t);
	struct conversation *all = arena_array(x->arena, t->n_rows, sizeof(*all));
	bool differ = false, history = false;

	for (size_t i = 0; i < t->n_rows; i++) {
		json_t *messages = json_loads(t->rows[i].values[column], 0, NULL);
		bool ok = turns_read(x, messages, t->rows[i].line, &all[i], err);

		json_decref(messages);
		if (!ok)
			return false;
		differ |= strcmp(all[i].system, all[0].system) != 0;
		history |= all[i].history[0] != '\0';
	}
	for (size_t c = 0; c < t->n_columns; c++)
		if (c != column)
			import_leave_out(x, "column \"%.80s\" beside \"messages\" is not carried over", t->columns[c]);
	import_note(x, "format", "conversations", "column \"messages\": the last assistant turn is the answer, the user turn before it the input");
	if (!differ && all[0].system[0]) {
		x->instruction = escaped(x, all[0].system);
		import_note(x, "instruction", "the system turn", "all %zu conversations share it", t->n_rows);
	} else if (differ) {
		import_note(x, "system", "a column", "the conversations' system turns differ");
	}
	x->input = arena_printf(x->arena, "%s%s{{input}}", differ ? "{{system}}\n" : "", history ? "{{history}}user: " : "");
	rows_put(x, all, differ, history);
	x->answer_named = "answer";
	x->copied = false;
	return true;
}
