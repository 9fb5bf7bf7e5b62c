/* show.c - reading a stored answer back for people, and turning one line of input into an example. */
#include "variant/show.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/reader.h"
#include "task/scorer.h"

static const struct example *find_item(const struct task *task, const char *id, const char **split)
{
	const struct { const char *name; struct item_list list; } splits[] = {
		{ "test", task->test.list }, { "dev", task->dev.list }, { "pool", task->pool.list },
	};

	for (size_t s = 0; s < 3; s++)
		for (size_t i = 0; i < splits[s].list.n; i++)
			if (strcmp(splits[s].list.items[i]->id, id) == 0) {
				*split = splits[s].name;
				return splits[s].list.items[i];
			}
	return NULL;
}

static const struct answer_row *find_answer(struct answer_row *rows, size_t n, const char *item)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].item, item) == 0)
			return &rows[i];
	return NULL;
}

static json_t *json_or_null(const char *text)
{
	json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

	return value ? value : json_null();
}

/* Of an answer out of several calls: each with what was sent and came back. */
static json_t *samples_json(const struct call_row *calls, size_t n)
{
	json_t *samples = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(samples, json_pack("{s:o, s:s?, s:s, s:s?, s:I, s:I, s:f}", "request",
							 json_or_null(calls[i].request), "output", calls[i].output,
							 "status", calls[i].status, "why", calls[i].why, "input_tokens",
							 (json_int_t)calls[i].input_tokens, "output_tokens",
							 (json_int_t)calls[i].output_tokens, "ms", calls[i].ms));
	return samples;
}

/* An answer with all that belongs to it. */
struct shown {
	const struct task *task;
	const struct example *example;
	const struct answer_row *answer;
	const struct call_row *calls; /* a zero row when no model was asked */
	size_t n_calls;
	const char *added; /* the system turn that the model's chat format puts first; NULL: none */
};

static void write_json(const struct shown *s, struct buf *out)
{
	const struct answer_row *a = s->answer;
	const struct call_row *c = s->calls;
	json_t *root = json_pack("{s:s, s:s, s:s, s:o, s:o, s:s?, s:s?, s:s, s:s, s:f, s:I, s:I, s:f}", "variant", a->variant,
				 "item", s->example->id, "split", a->split, "request", json_or_null(c->request), "label_scores",
				 json_or_null(c->scores), "output", c->output, "answer", a->answer, "status", a->status,
				 "expected", s->example->answer, "score", scorer_grade(s->task, s->example, a->answer), "input_tokens",
				 (json_int_t)a->input_tokens, "output_tokens", (json_int_t)a->output_tokens, "ms", a->ms);
	json_object_set_new(root, "system_added", s->added ? json_string(s->added) : json_null());
	json_object_set_new(root, "why", c->why ? json_string(c->why) : json_null());
	if (s->n_calls > 1)
		json_object_set_new(root, "samples", samples_json(c, s->n_calls));
	char *text = json_dumps(root, JSON_INDENT(1));

	buf_addf(out, "%s\n", text);
	free(text);
	json_decref(root);
}

static void write_request(const char *request, struct buf *out)
{
	json_t *root = json_loads(request, 0, NULL), *message;
	size_t i;

	json_array_foreach(json_object_get(root, "messages"), i, message)
		buf_addf(out, "--- %s\n%s\n", json_string_value(json_object_get(message, "role")),
			 json_string_value(json_object_get(message, "content")));
	if (json_object_get(root, "schema"))
		buf_addf(out, "--- schema of the answer\n%s\n", json_string_value(json_object_get(root, "schema")));
	json_decref(root);
}

static void write_scores(const struct task *task, const char *scores, struct buf *out)
{
	json_t *array = json_loads(scores, 0, NULL);

	buf_adds(out, "--- log-probability of each label\n");
	for (size_t i = 0; i < json_array_size(array) && i < task->n_labels; i++)
		buf_addf(out, "%10.4f  %s\n", json_number_value(json_array_get(array, i)), task->labels[i].name);
	json_decref(array);
}

static void write_reply(const struct task *task, const struct call_row *c, size_t number, size_t n_calls,
			struct buf *out)
{
	if (c->output || c->why) {
		buf_adds(out, "--- came back");
		if (n_calls > 1)
			buf_addf(out, ", sample %zu of %zu", number, n_calls);
		buf_addf(out, " (%s)\n%s\n", c->status, c->output ? c->output : c->why);
	}
	if (c->scores)
		write_scores(task, c->scores, out);
}

static void write_text(const struct shown *s, struct buf *out)
{
	const struct answer_row *a = s->answer;

	buf_addf(out, "%s on %s (%s, line %zu)\n", a->variant, s->example->id, a->split, s->example->line);
	if (s->added)
		buf_addf(out, "--- system (the model's chat format adds it)\n%s\n", s->added);
	if (s->calls->request)
		write_request(s->calls->request, out);
	for (size_t i = 0; i < s->n_calls; i++)
		write_reply(s->task, &s->calls[i], i + 1, s->n_calls, out);
	buf_addf(out, "---\nread as   %s (%s)\nexpected  %s\nscore     %g\n", a->answer ? a->answer : "nothing", a->status,
		 s->example->answer, scorer_grade(s->task, s->example, a->answer));
	if (a->call)
		buf_addf(out, "tokens    %zu in, %zu out\n", a->input_tokens, a->output_tokens);
	buf_addf(out, "ms        %.2f\n", a->ms);
}

static bool begins_with_system(const char *request)
{
	json_t *root = json_loads(request, 0, NULL);
	json_t *first = json_array_get(json_object_get(root, "messages"), 0);
	const char *role = json_string_value(json_object_get(first, "role"));
	bool begins = role && strcmp(role, "system") == 0;

	json_decref(root);
	return begins;
}

/* In arena; NULL also when the model is no longer there to be asked. */
static const char *system_added(const struct call_row *call, const char *models, struct arena *arena)
{
	struct error err;
	struct reader *reader;
	const char *added = NULL;

	if (!call->request || begins_with_system(call->request) || !(reader = reader_open(models, call->model, &err)))
		return NULL;
	if (reader_default_system(reader))
		added = arena_string(arena, reader_default_system(reader));
	reader_free(reader);
	return added;
}

static bool show_found(struct shown *s, const char *split, const struct show_place *place, struct arena *arena,
		       struct error *err)
{
	static const struct call_row none;
	struct answer_row *rows;
	struct call_row *calls;
	size_t n;

	if (!store_answers(place->store, place->run, place->variant, split, arena, &rows, &n, err))
		return false;
	s->answer = find_answer(rows, n, s->example->id);
	if (!s->answer)
		return error_set(err, "%s has no answer to %s (a %s item): raced out before it, or no such variant; "
				 "`rung report` lists the variants", place->variant, s->example->id, split);
	if (!store_answer_calls(place->store, place->run, s->answer, arena, &calls, &s->n_calls, err))
		return false;
	s->calls = s->n_calls ? calls : &none;
	s->added = system_added(s->calls, place->models, arena);
	return true;
}

bool show_answer(const struct task *task, const struct show_place *place, const char *item, bool json, struct buf *out,
		 struct error *err)
{
	const char *split = NULL;
	struct shown s = { .task = task, .example = find_item(task, item, &split) };
	struct arena arena;

	if (!s.example)
		return error_set(err, "%s: no item \"%s\"; items are named by their id column, else line-N", task->examples_file,
				 item);
	if (strcmp(split, "pool") == 0)
		return error_set(err, "%s is a pool item: shots and training use it, so no variant answers it", item);
	arena_init(&arena);
	bool found = show_found(&s, split, place, &arena, err);

	if (found)
		(json ? write_json : write_text)(&s, out);
	arena_release(&arena);
	return found;
}

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

static bool fill_values(const struct task *task, const char *input, struct arena *arena, const char **values,
			struct error *err)
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

bool ask_variant(struct workshop *w, const struct task *task, const struct variant *v, const char *input,
		 struct buf *out, struct error *err)
{
	struct arena arena;
	struct answer answer;
	size_t bad;
	bool answered = false;

	if (!text_valid(input, strlen(input), &bad))
		return error_set(err, "the input is not valid UTF-8 at byte %zu", bad);
	arena_init(&arena);
	const char **values = arena_array(&arena, task->n_columns, sizeof(*values));
	struct example e = { .id = "asked", .values = values, .answer = "" };
	const struct example *item = &e;

	if (!fill_values(task, input, &arena, values, err) || !variant_answer(w, v, &item, 1, &arena, &answer, err))
		goto out;
	json_t *root = json_pack("{s:s?, s:s, s:s, s:f}", "answer", answer.text, "variant", v->id, "status", answer.status,
				 "ms", answer.ms);

	for (size_t i = 0; answer.text && answer.scores && i < task->n_labels; i++)
		if (strcmp(task->labels[i].name, answer.text) == 0)
			json_object_set_new(root, "probability", json_real(answer.scores[i]));
	char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6));

	buf_adds(out, text);
	free(text);
	json_decref(root);
	answered = true;
out:
	arena_release(&arena);
	return answered;
}
