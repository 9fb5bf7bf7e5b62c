/* show.c - reading a stored answer back for people. */
#include "variant/show.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/reader.h"
#include "prompt/parse.h"
#include "task/scorer.h"
#include "variant/evidence.h"
#include "variant/grading.h"

static const struct example *find_item(const struct task *task, const char *id, const char **split)
{
	const struct { const char *name; struct item_list list; } splits[] = {
		{ "test", task->test.list }, { "dev", task->dev.list }, { "pool", task->pool.list }, { "aside", task->aside.list },
	};

	for (size_t s = 0; s < sizeof(splits) / sizeof(splits[0]); s++)
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
	const char *graded; /* what was said with its grade (variant/grading.h); NULL: nothing */
	const struct wording_row *wording; /* the instruction that a model proposed; NULL: it is the task's */
	const char *added; /* the system turn that the model's chat format puts first; NULL: none */
};

/* Names in the replies that are no labels of the task, of a task with many labels an item. */
static struct parse_others dropped(const struct shown *s, struct arena *arena)
{
	struct parse_others others = { 0 };
	bool *found = arena_array(arena, s->task->n_labels + 1, sizeof(*found));

	for (size_t i = 0; s->task->many && i < s->n_calls; i++)
		if (s->calls[i].output)
			parse_labels(s->task, s->calls[i].output, arena, found, &others);
	return others;
}

static void write_dropped(const struct shown *s, struct buf *out)
{
	struct arena arena;

	arena_init(&arena);
	struct parse_others others = dropped(s, &arena);

	for (size_t i = 0; i < others.n; i++)
		buf_addf(out, "%s%s", i ? ", " : "dropped   ", others.names[i]);
	if (others.n > 0)
		buf_adds(out, " (no label of the task)\n");
	arena_release(&arena);
}

static json_t *dropped_json(const struct shown *s)
{
	json_t *list = json_array();
	struct arena arena;

	arena_init(&arena);
	struct parse_others others = dropped(s, &arena);

	for (size_t i = 0; i < others.n; i++)
		json_array_append_new(list, json_string(others.names[i]));
	arena_release(&arena);
	return list;
}

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
	if (s->wording)
		json_object_set_new(root, "rewritten", json_pack("{s:s, s:s}", "author", s->wording->author, "instruction", s->wording->text));
	json_object_set_new(root, "why", c->why ? json_string(c->why) : json_null());
	if (s->task->grades)
		json_object_set_new(root, "grade_why", s->graded ? json_string(s->graded) : json_null());
	if (s->n_calls > 1)
		json_object_set_new(root, "samples", samples_json(c, s->n_calls));
	if (a->evidence)
		json_object_set_new(root, "evidence", json_or_null(a->evidence));
	if (s->task->many)
		json_object_set_new(root, "dropped", dropped_json(s));
	char *text = json_dumps(root, JSON_INDENT(1));

	buf_addf(out, "%s\n", text);
	free(text);
	json_decref(root);
}

static void write_request(const char *request, struct buf *out)
{
	json_t *root = json_loads(request, 0, NULL), *message;
	size_t i;

	if (json_object_get(root, "recorded"))
		buf_addf(out, "--- recorded elsewhere under %s\n", json_string_value(json_object_get(json_object_get(root, "recorded"), "config")));
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
			buf_addf(out, ", call %zu of %zu", number, n_calls);
		buf_addf(out, " (%s)\n%s\n", c->status, c->output ? c->output : c->why);
	}
	if (c->scores)
		write_scores(task, c->scores, out);
}

static bool same_messages(const char *a, const char *b)
{
	json_t *x = json_loads(a, 0, NULL), *y = json_loads(b, 0, NULL);
	bool same = json_equal(json_object_get(x, "messages"), json_object_get(y, "messages"));

	json_decref(x);
	json_decref(y);
	return same;
}

/* Every call's reply, below its request unless that is the one before with another seed. */
static void write_calls(const struct shown *s, struct buf *out)
{
	for (size_t i = 0; i < s->n_calls; i++) {
		if (s->calls[i].request && (i == 0 || !same_messages(s->calls[i - 1].request, s->calls[i].request)))
			write_request(s->calls[i].request, out);
		write_reply(s->task, &s->calls[i], i + 1, s->n_calls, out);
	}
}

static void write_citations(const char *json, struct buf *out)
{
	struct arena arena;
	struct evidence e;

	arena_init(&arena);
	if (evidence_read(json, &e, &arena)) {
		for (size_t i = 0; i < e.n_citations; i++) {
			const struct citation *c = &e.citations[i];

			buf_addf(out, "--- cites %s, bytes %zu to %zu (%s)\n%s\n", e.passages[c->passage].document, c->start, c->end,
				 quote_match_name(c->match), c->text);
		}
		if (e.failed > 0)
			buf_addf(out, "--- %zu quote%s in no passage\n", e.failed, e.failed == 1 ? " stands" : "s stand");
	}
	arena_release(&arena);
}

static void write_text(const struct shown *s, struct buf *out)
{
	const struct answer_row *a = s->answer;

	buf_addf(out, "%s on %s (%s, line %zu)\n", a->variant, s->example->id, a->split, s->example->line);
	if (s->wording)
		buf_addf(out, "--- instruction, as %s worded it\n%s\n", s->wording->author, s->wording->text);
	if (s->added)
		buf_addf(out, "--- system (the model's chat format adds it)\n%s\n", s->added);
	write_calls(s, out);
	write_citations(a->evidence, out);
	buf_addf(out, "---\nread as   %s (%s)\n", a->answer ? a->answer : "nothing", a->status);
	write_dropped(s, out);
	buf_addf(out, "expected  %s\nscore     %g\n", s->example->answer, scorer_grade(s->task, s->example, a->answer));
	if (s->graded)
		buf_addf(out, "because   %s\n", s->graded);
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

static bool find_wording(struct shown *s, const struct show_place *place, struct arena *arena, struct error *err)
{
	struct wording_row *rows;
	size_t n;

	if (!store_wordings(place->store, place->run, arena, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (rows[i].variant && strcmp(rows[i].variant, place->variant) == 0)
			s->wording = &rows[i];
	return true;
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
	if (!store_answer_calls(place->store, place->run, s->answer, arena, &calls, &s->n_calls, err) || !find_wording(s, place, arena, err))
		return false;
	s->calls = s->n_calls ? calls : &none;
	s->added = system_added(s->calls, place->models, arena);
	return grading_why(s->task, place->store, place->scorer, s->example, s->answer->answer, arena, &s->graded, err);
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
	if (strncmp(place->variant, "probe/", strlen("probe/")) == 0)
		split = "probe";
	else if (strcmp(split, "pool") == 0)
		return error_set(err, "%s is a pool item: shots and training use it, so no variant answers it", item);
	arena_init(&arena);
	bool found = show_found(&s, split, place, &arena, err);

	if (found)
		(json ? write_json : write_text)(&s, out);
	arena_release(&arena);
	return found;
}
