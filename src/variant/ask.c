/* ask.c - one input that is in no examples file: as columns or as plain text, answered as JSON. */
#include "variant/show.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "variant/evidence.h"

/* The one column that the input template names, or n_columns when it names several. */
static size_t only_column(const struct task *task)
{
	size_t found = task->n_columns;

	for (size_t c = 0; c < task->n_columns; c++) {
		char open[256];

		snprintf(open, sizeof(open), "{{%s", task->columns[c]);
		if (!strstr(task->input, open))
			continue;
		if (found != task->n_columns)
			return task->n_columns;
		found = c;
	}
	return found;
}

bool ask_values(const struct task *task, const char *input, struct arena *arena, const char **values, struct error *err)
{
	json_error_t at;
	json_t *root = json_loads(input, 0, &at);
	const char *why = root ? "none of them is there" : at.text;
	size_t column = only_column(task);
	bool any = false;

	for (size_t c = 0; c < task->n_columns; c++) {
		const char *text = json_string_value(json_object_get(root, task->columns[c]));

		values[c] = text ? arena_string(arena, text) : "";
		any |= text != NULL;
	}
	json_decref(root);
	if (any)
		return true;
	if (input[0] == '{' || column == task->n_columns)
		return error_set(err, "the input is not a JSON object with text in the columns of the task's input template (%s)",
				 why);
	values[column] = arena_string(arena, input);
	return true;
}

static json_t *citations_json(const struct evidence *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->n_citations; i++) {
		const struct citation *c = &e->citations[i];

		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:s, s:s}", "document", e->passages[c->passage].document, "start",
						      (json_int_t)c->start, "end", (json_int_t)c->end, "match",
						      quote_match_name(c->match), "text", c->text));
	}
	return list;
}

/* The answer's labels, in the order of the task. */
static json_t *labels_json(const char *answer)
{
	json_t *list = json_array();

	for (const char *at = answer; *at;) {
		size_t n = strcspn(at, ",");

		json_array_append_new(list, json_stringn(at, n));
		at += n + strspn(at + n, ", ");
	}
	return list;
}

const char *citations_text(const struct answer *answer, struct arena *arena)
{
	json_t *list = answer->evidence ? citations_json(answer->evidence) : NULL;
	char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
	const char *copy = text ? arena_string(arena, text) : NULL;

	free(text);
	json_decref(list);
	return copy;
}

/* The input as an example of the task; NULL: why it is none is said. */
static const struct example *read_asked(const struct task *task, struct asked *a, struct arena *arena)
{
	struct example *e = arena_alloc(arena, sizeof(*e));
	const char **values = arena_array(arena, task->n_columns, sizeof(*values));
	struct error why;
	size_t bad;
	bool good = text_valid(a->input, strlen(a->input), &bad) ||
		    error_set(&why, "the input is not valid UTF-8 at byte %zu", bad);

	good = good && ask_values(task, a->input, arena, values, &why);
	a->why = good ? NULL : arena_string(arena, why.text);
	*e = (struct example){ .id = "asked", .values = values, .answer = "" };
	return good ? e : NULL;
}

bool ask_fits(const struct task *task, const char *input)
{
	struct asked asked = { .input = input };
	struct arena arena;

	arena_init(&arena);
	bool fits = read_asked(task, &asked, &arena) != NULL;

	arena_release(&arena);
	return fits;
}

bool ask_variant_all(struct workshop *w, const struct task *task, const struct variant *v, struct asked *asked, size_t n, struct arena *arena,
		     struct error *err)
{
	const struct example **items = arena_array(arena, n, sizeof(*items));
	struct answer *answers = arena_array(arena, n, sizeof(*answers));
	size_t good = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		if ((items[good] = read_asked(task, &asked[i], arena)))
			good++;
	if (good > 0 && !variant_answer(w, v, items, good, arena, answers, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!asked[i].why) {
			asked[i].answer = answers[at++];
			asked[i].by = v;
			asked[i].probability = answer_confidence(task, &asked[i].answer);
		}
	return true;
}

void asked_write(const struct task *task, const struct asked *asked, struct buf *out)
{
	const struct answer *answer = &asked->answer;
	json_t *root = json_pack("{s:s?, s:s, s:s, s:f}", "answer", answer->text, "variant", asked->by->id, "status", answer->status, "ms", answer->ms);

	if (answer->evidence)
		json_object_set_new(root, "citations", citations_json(answer->evidence));
	if (task->many && answer->text)
		json_object_set_new(root, "labels", labels_json(answer->text));
	if (!isnan(asked->probability))
		json_object_set_new(root, "probability", json_real(asked->probability));
	char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6));

	buf_adds(out, text);
	free(text);
	json_decref(root);
}
