/* outcomes.c - a run as the rows that `rung decide` reads (docs/decision.md), and the store's calls; JSON Lines both. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "decide/recorded.h"
#include "report/rows.h"
#include "task/scorer.h"

struct outcomes {
	const struct rows_out *out;
	const struct task *task;
	bool groups;     /* some share one */
	bool binary;
};

static void put_line(const struct rows_out *out, json_t *row)
{
	char *text = json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(17));

	if (text) {
		out->put(out->context, text, strlen(text));
		out->put(out->context, "\n", 1);
	}
	free(text);
	json_decref(row);
}

/* Texts of models may be cut inside a character; jansson takes none of those. */
static json_t *text_of(const char *text)
{
	struct buf repaired = { 0 };
	json_t *value;

	if (!text)
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	text_repair(&repaired, text, strlen(text));
	value = json_string(buf_text(&repaired));
	buf_release(&repaired);
	return value;
}

static void outcome_put(void *context, const struct report_row *row)
{
	struct outcomes *o = context;
	const struct answer_row *a = row->answer;
	json_t *out = json_object();

	json_object_set_new(out, "set", text_of(o->task->name));
	json_object_set_new(out, "item", text_of(row->item->id));
	json_object_set_new(out, "model", text_of(row->variant->model ? row->variant->model : "none"));
	json_object_set_new(out, "config", text_of(row->variant->id));
	json_object_set_new(out, "rung", text_of(recorded_place_names[row->variant->rung]));
	if (o->binary)
		json_object_set_new(out, "correct", json_integer(row->score >= 1));
	else
		json_object_set_new(out, "score", json_real(row->score));
	if (o->groups)
		json_object_set_new(out, "group", json_integer((json_int_t)row->item->group));
	json_object_set_new(out, "output", text_of(a->answer));
	json_object_set_new(out, "expected", text_of(row->item->answer));
	json_object_set_new(out, "status", text_of(a->status));
	if (a->confidence > 0)
		json_object_set_new(out, "confidence", json_real(a->confidence));
	if (a->calls) {
		json_object_set_new(out, "input_tokens", json_integer((json_int_t)a->input_tokens));
		json_object_set_new(out, "output_tokens", json_integer((json_int_t)a->output_tokens));
	}
	json_object_set_new(out, "ms", json_real(a->ms));
	put_line(o->out, out);
}

static bool groups_shared(const struct task *t)
{
	size_t *count = mem_zero(t->n_rows + 1, sizeof(*count));
	bool shared = false;

	for (size_t i = 0; i < t->test.list.n; i++)
		shared |= count[t->test.list.items[i]->group]++ > 0;
	free(count);
	return shared;
}

bool rows_write_outcomes(const struct rows_from *from, const struct rows_out *out, struct error *err)
{
	struct outcomes o = { .out = out, .task = from->task, .groups = groups_shared(from->task),
			      .binary = scorer_is_binary(from->task) };
	const struct row_sink sink = { .row = outcome_put, .context = &o };

	return rows_each(from, "test", &sink, err);
}

static void call_put(void *context, const struct call_row *c)
{
	json_t *row = json_object(), *request = json_loads(c->request, 0, NULL), *scores = c->scores ? json_loads(c->scores, 0, NULL) : NULL;
	char hash[20];

	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)c->request_hash);
	json_object_set_new(row, "id", json_integer(c->id));
	json_object_set_new(row, "model", text_of(c->model));
	json_object_set_new(row, "request_hash", json_string(hash));
	json_object_set_new(row, "request", request ? request : text_of(c->request));
	json_object_set_new(row, "output", text_of(c->output));
	json_object_set_new(row, "scores", scores ? scores : text_of(c->scores));
	json_object_set_new(row, "status", text_of(c->status));
	json_object_set_new(row, "why", text_of(c->why));
	json_object_set_new(row, "input_tokens", json_integer((json_int_t)c->input_tokens));
	json_object_set_new(row, "output_tokens", json_integer((json_int_t)c->output_tokens));
	json_object_set_new(row, "cache_read", json_integer((json_int_t)c->cache_read));
	json_object_set_new(row, "cache_written", json_integer((json_int_t)c->cache_written));
	json_object_set_new(row, "reasoning", json_integer((json_int_t)c->reasoning));
	json_object_set_new(row, "ms", json_real(c->ms));
	json_object_set_new(row, "first_ms", json_real(c->first_ms));
	json_object_set_new(row, "usd", c->has_usd ? json_real(c->usd) : json_null());
	put_line(context, row);
}

bool rows_write_calls(const struct rows_from *from, const struct rows_out *out, struct error *err)
{
	struct rows_out copy = *out;

	return store_calls(from->store, call_put, &copy, err);
}
