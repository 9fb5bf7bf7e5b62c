/* wire_job.c - OpenAI's fine-tuning jobs, events and checkpoints. */
#include "model/wire_job.h"

#include <string.h>

#include "model/wire_inner.h"

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* Vendors' sentences become part of ours: one line of them, of what prints. */
static const char *line_of(struct arena *arena, const char *text)
{
	enum { MOST = 300 };
	size_t n = strlen(text);
	char *line = arena_copy(arena, text, n < MOST ? n : MOST);

	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return line;
}

static json_t *method_of(const struct job_order *o)
{
	json_t *h = json_pack("{s:I}", "n_epochs", (json_int_t)o->epochs);

	if (o->batch)
		json_object_set_new(h, "batch_size", json_integer((json_int_t)o->batch));
	if (o->rate > 0)
		json_object_set_new(h, "learning_rate_multiplier", json_real(o->rate));
	return json_pack("{s:s, s:{s:o}}", "type", "supervised", "supervised", "hyperparameters", h);
}

void wire_job_make(const char *model, const struct job_order *o, struct buf *body)
{
	json_t *root = json_pack("{s:s, s:s, s:o}", "model", model, "training_file", o->training, "method", method_of(o));

	if (o->validation)
		json_object_set_new(root, "validation_file", json_string(o->validation));
	if (o->suffix)
		json_object_set_new(root, "suffix", json_string(o->suffix));
	json_object_set_new(root, "seed", json_integer((json_int_t)(o->seed & 0x7fffffff))); /* an int32 there */
	wire_dump(root, body);
}

static enum job_end end_of(const char *status)
{
	return strcmp(status, "succeeded") == 0 ? JOB_SUCCEEDED : strcmp(status, "failed") == 0 ? JOB_FAILED :
	       strcmp(status, "cancelled") == 0 ? JOB_CANCELLED : JOB_OPEN;
}

static bool read_state(const json_t *job, struct arena *arena, struct job_state *out)
{
	const char *id = text_at(job, "id"), *status = text_at(job, "status"), *model = text_at(job, "fine_tuned_model");
	const char *training = text_at(job, "training_file"), *why = text_at(json_object_get(job, "error"), "message");

	if (!wire_is_name(id) || !status)
		return false;
	*out = (struct job_state){
		.end = end_of(status), .id = arena_string(arena, id), .status = line_of(arena, status),
		.training = training ? arena_string(arena, training) : "", .model = model && *model ? line_of(arena, model) : NULL,
		.trained_tokens = wire_count(job, "trained_tokens"),
	};
	if (out->end == JOB_FAILED)
		out->why = line_of(arena, why ? why : "the provider does not say why");
	return out->end != JOB_SUCCEEDED || out->model;
}

bool wire_job_state(const char *body, size_t n, struct arena *arena, struct job_state *out)
{
	json_t *root = wire_json(body, n);
	bool read = read_state(root, arena, out);

	json_decref(root);
	return read;
}

/* The rows of {"data": [...]}; NULL: it is no list. */
static const json_t *rows_of(const json_t *root)
{
	const json_t *data = json_object_get(root, "data");

	return json_is_array(data) ? data : NULL;
}

bool wire_job_find(const char *body, size_t n, const char *training, struct arena *arena, struct job_state *out, bool *found)
{
	json_t *root = wire_json(body, n);
	const json_t *rows = rows_of(root), *row;
	bool is_list = rows != NULL;
	size_t i;

	*found = false;
	json_array_foreach(rows, i, row) {
		const char *file = text_at(row, "training_file");

		if (!*found && file && strcmp(file, training) == 0)
			*found = read_state(row, arena, out);
	}
	json_decref(root);
	return is_list;
}

bool wire_job_news(const char *body, size_t n, struct arena *arena, struct job_news *out)
{
	json_t *root = wire_json(body, n);
	const json_t *rows = rows_of(root), *row;
	bool is_list = rows != NULL;
	size_t i;

	*out = (struct job_news){ 0 };
	json_array_foreach(rows, i, row) {
		const json_t *data = json_object_get(row, "data");
		const char *message = text_at(row, "message");

		if (!out->message && message)
			out->message = line_of(arena, message);
		if (out->steps == 0 && wire_count(data, "total_steps") > 0)
			*out = (struct job_news){ out->message, wire_count(data, "step"), wire_count(data, "total_steps") };
	}
	json_decref(root);
	return is_list;
}

bool wire_job_checkpoints(const char *body, size_t n, struct arena *arena, struct job_checkpoint **out, size_t *n_out)
{
	json_t *root = wire_json(body, n);
	const json_t *rows = rows_of(root), *row;
	bool is_list = rows != NULL;
	size_t i;

	*n_out = 0;
	*out = arena_array(arena, json_array_size(rows) + 1, sizeof(**out));
	json_array_foreach(rows, i, row) {
		const char *model = text_at(row, "fine_tuned_model_checkpoint");

		if (model)
			(*out)[(*n_out)++] = (struct job_checkpoint){ line_of(arena, model), wire_count(row, "step_number") };
	}
	json_decref(root);
	return is_list;
}
