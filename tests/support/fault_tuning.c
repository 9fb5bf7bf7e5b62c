/* fault_tuning.c - OpenAI's fine-tuning jobs. Like batches they go on when somebody looks. */
#include <math.h>

#include "base/arena.h"
#include "base/hash.h"
#include "fault.h"
#include "fault_state.h"

enum { LEAST_EXAMPLES = 10, EPOCHS = 3, STEPS_AN_EPOCH = 10, SUFFIX_MOST = 63 };

struct job {
	char id[40], model[128], tuned[256], suffix[64]; /* tuned: "" until it succeeded */
	struct file *training, *validation, *result;
	json_t *method, *metadata, *events; /* events: oldest first */
	json_int_t seed;
	size_t epochs, examples, tokens, polls;
	const char *status;
	long long created, finished;
	char wrong_code[64], wrong[256]; /* of a job that fails */
	uint64_t hash;
};

static struct job **jobs;
static size_t n_jobs;

const char *tuned_model(size_t i)
{
	for (size_t k = 0; k < n_jobs; k++)
		if (*jobs[k]->tuned && i-- == 0)
			return jobs[k]->tuned;
	return NULL;
}

static struct job *find(const struct request *q, const char *id, struct reply *r)
{
	for (size_t i = 0; i < n_jobs; i++)
		if (strcmp(jobs[i]->id, id) == 0)
			return jobs[i];
	error_reply(q, r, 404, "invalid_request_error", "fine_tune_id", "fine_tune_not_found", "Could not find fine tune: %s", id);
	return NULL;
}

static void add_event(struct job *j, const char *level, const char *message, json_t *metrics)
{
	char id[40];

	snprintf(id, sizeof(id), "ftevent-%012zx", next_id());
	json_array_append_new(j->events, json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:o}", "object", "fine_tuning.job.event", "id", id,
						   "created_at", (json_int_t)time(NULL), "level", level, "message", message,
						   "type", metrics ? "metrics" : "message", "data", metrics ? metrics : json_object()));
}

/* --- what it is trained on ------------------------------------------------------------------------------------------------ */

static bool is_example(const json_t *root)
{
	const json_t *messages = json_object_get(root, "messages"), *turn;
	size_t i, answers = 0;

	json_array_foreach(messages, i, turn) {
		if (!*text_of(turn, "role") || !json_is_string(json_object_get(turn, "content")))
			return false;
		answers += strcmp(text_of(turn, "role"), "assistant") == 0;
	}
	return answers > 0;
}

static void read_training(struct job *j)
{
	const char *text = buf_text(&j->training->bytes), *end = text + j->training->bytes.n;
	size_t number = 1;

	for (const char *line = text, *stop; line < end; line = stop + 1, number++) {
		stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		json_t *root = json_loadb(line, (size_t)(stop - line), 0, NULL);

		if (stop > line && !is_example(root) && !*j->wrong) {
			snprintf(j->wrong_code, sizeof(j->wrong_code), "invalid_training_file");
			snprintf(j->wrong, sizeof(j->wrong), "The job failed due to an invalid training file. Line %zu is no example with "
				 "messages.", number);
		}
		j->examples += stop > line;
		j->tokens += stop > line ? tokens_of((size_t)(stop - line)) : 0;
		json_decref(root);
	}
	if (j->examples < LEAST_EXAMPLES && !*j->wrong) {
		snprintf(j->wrong_code, sizeof(j->wrong_code), "invalid_n_examples");
		snprintf(j->wrong, sizeof(j->wrong), "Training file has %zu example(s), but must have at least %d examples", j->examples,
			 LEAST_EXAMPLES);
	}
}

/* --- how it goes on ---------------------------------------------------------------------------------------------------------- */

static double loss_at(size_t step, size_t steps)
{
	return 2.5 * exp(-3.0 * (double)step / (double)steps) + .1;
}

static void write_result(struct job *j)
{
	size_t steps = j->epochs * STEPS_AN_EPOCH;

	j->result = file_add("step_metrics.csv", "fine-tune-results");
	buf_adds(&j->result->bytes, "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n");
	for (size_t i = 1; i <= steps; i++) {
		char message[80];
		double loss = loss_at(i, steps);

		buf_addf(&j->result->bytes, "%zu,%.4f,%.4f,,\n", i, loss, exp(-loss));
		snprintf(message, sizeof(message), "Step %zu/%zu: training loss=%.2f", i, steps, loss);
		add_event(j, "info", message, json_pack("{s:I, s:f, s:f, s:I}", "step", (json_int_t)i, "train_loss", loss,
							"train_mean_token_accuracy", exp(-loss), "total_steps", (json_int_t)steps));
	}
}

static void succeed(struct job *j)
{
	struct bill bill = { .due = true, .hash = j->hash, .input = j->tokens * j->epochs };

	write_result(j);
	snprintf(j->tuned, sizeof(j->tuned), "ft:%.*s:org-test:%s:%s", (int)strcspn(j->model, "+"), j->model, j->suffix, j->id + 6);
	j->status = "succeeded";
	j->finished = time(NULL);
	add_event(j, "info", "New fine-tuned model created", NULL);
	add_event(j, "info", "The job has successfully completed", NULL);
	snprintf(bill.model, sizeof(bill.model), "train:%.*s", (int)strcspn(j->model, "+"), j->model);
	bill_write(&bill);
}

static bool is_open(const struct job *j)
{
	return j->finished == 0;
}

static void poll(struct job *j)
{
	if (!is_open(j))
		return;
	j->polls++;
	if (*j->wrong) {
		j->status = "failed";
		j->finished = time(NULL);
		add_event(j, "error", j->wrong, NULL);
		return;
	}
	if (strcmp(j->status, "running") != 0) {
		j->status = "running";
		add_event(j, "info", "Fine-tuning job started", NULL);
	}
	if (j->polls >= options.polls)
		succeed(j);
}

/* --- what is said of it ------------------------------------------------------------------------------------------------------ */

static json_t *job_object(const struct job *j)
{
	bool succeeded = *j->tuned, failed = strcmp(j->status, "failed") == 0;
	size_t trained = j->tokens * j->epochs;
	json_t *error = failed ? json_pack("{s:s, s:s, s:s}", "code", j->wrong_code, "message", j->wrong, "param",
					   "training_file") : json_null();
	json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s?, s:I, s:I, s:o}", "object", "fine_tuning.job", "id", j->id,
				"model", j->model, "organization_id", "org-test", "status", j->status, "training_file", j->training->id,
				"validation_file", j->validation ? j->validation->id : NULL, "fine_tuned_model",
					succeeded ? j->tuned : NULL,
				"created_at", (json_int_t)j->created, "seed", j->seed, "error", error);

	json_object_set_new(out, "finished_at", is_open(j) ? json_null() : json_integer((json_int_t)j->finished));
	json_object_set_new(out, "trained_tokens", succeeded ? json_integer((json_int_t)trained) : json_null());
	json_object_set_new(out, "estimated_finish", json_null());
	json_object_set_new(out, "integrations", json_array());
	json_object_set(out, "metadata", j->metadata);
	json_object_set(out, "method", j->method);
	json_object_set_new(out, "hyperparameters",
			    json_pack("{s:I, s:i, s:f}", "n_epochs", (json_int_t)j->epochs, "batch_size", 1, "learning_rate_multiplier",
				      1.8));
	json_object_set_new(out, "result_files", j->result ? json_pack("[s]", j->result->id) : json_array());
	return out;
}

static size_t epochs_of(const struct request *q)
{
	const json_t *supervised = json_object_get(json_object_get(q->root, "method"), "supervised");
	const json_t *h = json_object_get(supervised ? supervised : q->root, "hyperparameters");
	json_int_t n = json_integer_value(json_object_get(h, "n_epochs"));

	return n > 0 ? (size_t)n : EPOCHS;
}

static struct job *add_job(const struct request *q, struct file *training, struct file *validation)
{
	const json_t *seed = json_object_get(q->root, "seed"), *method = json_object_get(q->root, "method"),
		     *metadata = json_object_get(q->root, "metadata");
	struct job *j = mem_zero(1, sizeof(*j));

	jobs = mem_resize(jobs, n_jobs + 1, sizeof(struct job *));
	jobs[n_jobs++] = j;
	*j = (struct job){ .training = training, .validation = validation, .events = json_array(), .epochs = epochs_of(q),
			   .status = "validating_files", .created = time(NULL), .seed = seed ? json_integer_value(seed) : 1,
				   .hash = q->hash };
	j->method = method ? json_deep_copy(method) : json_pack("{s:s, s:{}}", "type", "supervised", "supervised");
	j->metadata = metadata ? json_deep_copy(metadata) : json_null();
	snprintf(j->id, sizeof(j->id), "ftjob-%012zx", next_id());
	snprintf(j->model, sizeof(j->model), "%s", q->model);
	snprintf(j->suffix, sizeof(j->suffix), "%s", text_of(q->root, "suffix"));
	return j;
}

void jobs_create(const struct request *q, const char *id, struct reply *r)
{
	const char *training_id = text_of(q->root, "training_file"), *validation_id = text_of(q->root, "validation_file");
	struct file *training = file_find(training_id), *validation = file_find(validation_id);
	bool validated = !*validation_id || validation;

	(void)id;
	if (!training || !validated) {
		error_reply(q, r, 400, "invalid_request_error", training ? "validation_file" : "training_file", NULL,
			    "File '%s' does not exist",
			    training ? validation_id : training_id);
		return;
	}
	if (strlen(text_of(q->root, "suffix")) > SUFFIX_MOST) {
		error_reply(q, r, 400, "invalid_request_error", "suffix", NULL, "suffix: at most %d characters", SUFFIX_MOST);
		return;
	}
	struct job *j = add_job(q, training, validation);

	read_training(j);
	if (is_faulty(q, FAULT_JOB_FAILED)) {
		snprintf(j->wrong_code, sizeof(j->wrong_code), "server_error");
		snprintf(j->wrong, sizeof(j->wrong), "The job failed due to an internal error.");
	}
	add_event(j, "info", "Created fine-tuning job", NULL);
	add_event(j, "info", "Validating training file", NULL);
	add_json(&r->body, job_object(j));
}

void jobs_list(const struct request *q, const char *id, struct reply *r)
{
	json_t *all = json_array();

	(void)id;
	for (size_t i = n_jobs; i-- > 0;)
		json_array_append_new(all, job_object(jobs[i]));
	list_reply(q, all, r);
}

void jobs_get(const struct request *q, const char *id, struct reply *r)
{
	struct job *j = find(q, id, r);

	if (!j)
		return;
	poll(j);
	add_json(&r->body, job_object(j));
}

void jobs_events(const struct request *q, const char *id, struct reply *r)
{
	const struct job *j = find(q, id, r);
	json_t *all = json_array();

	for (size_t i = j ? json_array_size(j->events) : 0; i-- > 0;)
		json_array_append(all, json_array_get(j->events, i));
	if (j)
		list_reply(q, all, r);
	else
		json_decref(all);
}

/* One for each epoch, the last first. */
void jobs_checkpoints(const struct request *q, const char *id, struct reply *r)
{
	const struct job *j = find(q, id, r);
	json_t *all = json_array();

	for (size_t e = j && *j->tuned ? j->epochs : 0; e > 0; e--) {
		size_t step = e * STEPS_AN_EPOCH;
		char name[300], checkpoint[80];

		snprintf(checkpoint, sizeof(checkpoint), "ftckpt-%s-%zu", j->id + 6, step);
		snprintf(name, sizeof(name), e == j->epochs ? "%s" : "%s:ckpt-step-%zu", j->tuned, step);
		json_array_append_new(all, json_pack("{s:s, s:s, s:I, s:s, s:s, s:I, s:{s:I, s:f}}", "object", "fine_tuning.job.checkpoint",
						     "id",
						     checkpoint, "created_at", (json_int_t)j->finished, "fine_tuning_job_id", j->id,
						     "fine_tuned_model_checkpoint", name, "step_number", (json_int_t)step, "metrics",
							     "step",
						     (json_int_t)step, "train_loss", loss_at(step, j->epochs * STEPS_AN_EPOCH)));
	}
	if (j)
		list_reply(q, all, r);
	else
		json_decref(all);
}

void jobs_cancel(const struct request *q, const char *id, struct reply *r)
{
	struct job *j = find(q, id, r);

	if (!j)
		return;
	if (!is_open(j)) {
		error_reply(q, r, 400, "invalid_request_error", NULL, NULL, "Job has already completed: %s", j->id);
		return;
	}
	j->status = "cancelled";
	j->finished = time(NULL);
	add_event(j, "info", "Fine-tuning job cancelled", NULL);
	add_json(&r->body, job_object(j));
}
