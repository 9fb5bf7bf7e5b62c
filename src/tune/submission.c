/* submission.c - the note, and what is done next by what stands in it. */
#include "tune/submission.h"

#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"

enum { NOTE_MOST = 1 << 20 };
static const double most_nap_ms = 100; /* a wish to stop is heard that soon */

uint64_t submission_key(const struct submission *s)
{
	const struct job_order *o = &s->order;
	const char *name = model_name(s->base), *suffix = o->suffix ? o->suffix : "";
	const uint64_t numbers[] = { o->seed, o->epochs, o->batch };
	uint64_t key = hash64(name, strlen(name), 0);

	key = hash64(s->training.data, s->training.n, key);
	key = hash64(buf_text(&s->validation), s->validation.n, key);
	key = hash64(suffix, strlen(suffix), key);
	key = hash64(&o->rate, sizeof(o->rate), key);
	return hash64(numbers, sizeof(numbers), key);
}

static const char *note_path(const struct submission *s, struct arena *arena)
{
	return arena_printf(arena, "%s/%016" PRIx64 ".json", s->folder, submission_key(s));
}

/* --- the note --------------------------------------------------------------------------------------------------------- */

struct note {
	const char *path;
	const char *training, *validation, *job, *status, *model; /* NULL: not yet; in arena */
	const char *base;
	size_t trained_tokens;
	double usd_per_mtok; /* 0: not said */
	const struct job_checkpoint *checkpoints;
	size_t n_checkpoints;
};

static const char *text_in(const json_t *root, const char *key, struct arena *arena)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text ? arena_string(arena, text) : NULL;
}

static void read_checkpoints(const json_t *rows, struct arena *arena, struct note *n)
{
	struct job_checkpoint *all = arena_array(arena, json_array_size(rows) + 1, sizeof(*all));
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *model = text_in(row, "model", arena);

		if (model)
			all[n->n_checkpoints++] =
				(struct job_checkpoint){ model, (size_t)json_integer_value(json_object_get(row, "step")) };
	}
	n->checkpoints = all;
}

static bool note_read(const char *path, struct arena *arena, struct note *n, struct error *err)
{
	json_error_t wrong;
	size_t size;

	*n = (struct note){ .path = path };
	if (!file_exists(path))
		return true;
	char *text = file_read(path, NOTE_MOST, &size, err);
	json_t *root = text ? json_loadb(text, size, 0, &wrong) : NULL;

	free(text);
	if (!text)
		return false;
	if (!json_is_object(root)) {
		json_decref(root);
		return error_set(err, "%s: is no note of a fine-tuning job (%s); remove it to submit anew", path, wrong.text);
	}
	n->training = text_in(root, "training_file", arena);
	n->validation = text_in(root, "validation_file", arena);
	n->job = text_in(root, "job", arena);
	n->status = text_in(root, "status", arena);
	n->model = text_in(root, "model", arena);
	n->base = text_in(root, "base", arena);
	n->usd_per_mtok = json_number_value(json_object_get(root, "training_price"));
	n->trained_tokens = (size_t)json_integer_value(json_object_get(root, "trained_tokens"));
	read_checkpoints(json_object_get(root, "checkpoints"), arena, n);
	json_decref(root);
	return true;
}

static void add_text(json_t *root, const char *key, const char *text)
{
	if (text)
		json_object_set_new(root, key, json_string(text));
}

static json_t *note_json(const struct submission *s, const struct note *n)
{
	json_t *root = json_object(), *checkpoints = json_array();

	for (size_t i = 0; i < n->n_checkpoints; i++)
		json_array_append_new(checkpoints, json_pack("{s:s, s:I}", "model", n->checkpoints[i].model, "step",
							     (json_int_t)n->checkpoints[i].step));
	add_text(root, "base", model_name(s->base));
	add_text(root, "training_file", n->training);
	add_text(root, "validation_file", n->validation);
	add_text(root, "job", n->job);
	add_text(root, "status", n->status);
	add_text(root, "model", n->model);
	if (n->trained_tokens > 0)
		json_object_set_new(root, "trained_tokens", json_integer((json_int_t)n->trained_tokens));
	if (n->usd_per_mtok > 0)
		json_object_set_new(root, "training_price", json_real(n->usd_per_mtok));
	json_object_set_new(root, "checkpoints", checkpoints);
	return root;
}

static bool note_write(const struct submission *s, const struct note *n, struct error *err)
{
	json_t *root = note_json(s, n);
	char *text = json_dumps(root, JSON_INDENT(2));
	bool written = file_make_folder(s->folder, err) && file_replace(n->path, text, strlen(text), err);

	free(text);
	json_decref(root);
	return written;
}

static bool is_done(const struct note *n)
{
	return n->status && strcmp(n->status, "succeeded") == 0 && n->model;
}

/* Nothing more comes of it: the next submission begins anew. */
static bool is_over(const struct note *n)
{
	return n->status && (strcmp(n->status, "failed") == 0 || strcmp(n->status, "cancelled") == 0);
}

bool submission_is_known(const struct submission *s, struct arena *arena)
{
	struct error unread;
	struct note n;

	return note_read(note_path(s, arena), arena, &n, &unread) && n.job && !is_over(&n);
}

/* --- the steps -------------------------------------------------------------------------------------------------------- */

static bool upload(struct submission *s, const struct buf *lines, const char **id, struct arena *arena, struct error *err)
{
	struct buf file = { 0 };
	bool sent = model_job_upload(s->base, lines, &file, err);

	if (sent)
		*id = arena_string(arena, buf_text(&file));
	buf_release(&file);
	return sent;
}

/* Files that were uploaded and not noted stay with the provider, and cost nothing. */
static bool upload_all(struct submission *s, struct note *n, struct arena *arena, struct error *err)
{
	return upload(s, &s->training, &n->training, arena, err) &&
	       (s->validation.n == 0 || upload(s, &s->validation, &n->validation, arena, err)) && note_write(s, n, err);
}

/* The job over the files, made now or by a process that could not note it any more. */
static bool make(struct submission *s, struct note *n, struct arena *arena, struct error *err)
{
	bool noted = n->training != NULL, found = false;
	struct job_state state;

	if (!noted && !upload_all(s, n, arena, err))
		return false;
	if (noted && !model_job_find(s->base, n->training, arena, &state, &found, err))
		return false;
	s->order.training = n->training;
	s->order.validation = n->validation;
	if (!found && !model_job_make(s->base, &s->order, arena, &state, err))
		return false;
	n->job = state.id;
	n->status = state.status;
	return note_write(s, n, err);
}

static bool nap(const struct submission *s)
{
	for (double until = clock_ms() + s->poll_ms, left; (left = until - clock_ms()) > 0;) {
		if (s->stopped && s->stopped(s->context))
			return false;
		clock_wait(left < most_nap_ms ? left : most_nap_ms);
	}
	return !s->stopped || !s->stopped(s->context);
}

static bool tell(const struct submission *s, const struct job_state *state, struct arena *arena, struct error *err)
{
	struct job_news news;

	if (!s->news)
		return true;
	if (!model_job_news(s->base, state->id, arena, &news, err))
		return false;
	s->news(s->context, state, &news);
	return true;
}

static bool wait_for(const struct submission *s, const struct note *n, struct arena *arena, struct job_state *state, struct error *err)
{
	for (;;) {
		if (!model_job_look(s->base, n->job, arena, state, err))
			return error_prefix(err, "job %s (%s)", n->job, n->path);
		if (state->end != JOB_OPEN)
			return true;
		if (!tell(s, state, arena, err))
			return false;
		if (!nap(s))
			break;
	}
	error_set(err, "interrupted: job %s goes on at the provider; the same command waits for it, and with --cancel ends it", n->job);
	return error_again(err);
}

static bool take_checkpoints(const struct submission *s, struct note *n, struct arena *arena, struct error *err)
{
	struct job_checkpoint *all;
	size_t count;

	if (!model_job_checkpoints(s->base, n->job, arena, &all, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		all[i].model = model_job_name(s->base, all[i].model, arena);
	n->checkpoints = all;
	n->n_checkpoints = count;
	return true;
}

static bool finish(const struct submission *s, struct note *n, const struct job_state *state, struct arena *arena, struct error *err)
{
	n->status = state->status;
	n->trained_tokens = state->trained_tokens;
	if (state->end == JOB_SUCCEEDED) {
		n->model = model_job_name(s->base, state->model, arena);
		return take_checkpoints(s, n, arena, err) && note_write(s, n, err);
	}
	if (!note_write(s, n, err))
		return false;
	if (state->end == JOB_CANCELLED)
		return error_set(err, "job %s was cancelled; the same command submits a new one", n->job);
	return error_set(err, "job %s failed: %s; the same command submits a new one", n->job, state->why);
}

static bool go_on(struct submission *s, struct note *n, struct arena *arena, struct error *err)
{
	struct job_state state;

	if (is_over(n)) {
		if (s->notice)
			s->notice(s->context, arena_printf(arena, "job %s %s%s before; a new one is submitted", n->job,
							   strcmp(n->status, "failed") == 0 ? "" : "was ", n->status));
		*n = (struct note){ .path = n->path, .base = n->base, .usd_per_mtok = n->usd_per_mtok };
	}
	return (n->job || make(s, n, arena, err)) && wait_for(s, n, arena, &state, err) && finish(s, n, &state, arena, err);
}

static struct submitted submitted_of(const struct note *n, bool before)
{
	return (struct submitted){
		.path = n->path, .base = n->base, .job = n->job, .status = n->status ? n->status : "", .model = n->model,
		.trained_tokens = n->trained_tokens, .checkpoints = n->checkpoints, .n_checkpoints = n->n_checkpoints, .before = before,
		.usd = n->trained_tokens && n->usd_per_mtok > 0 ? (double)n->trained_tokens * n->usd_per_mtok / 1e6 : NAN,
	};
}

static int is_note(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

bool submission_run(struct submission *s, struct arena *arena, struct submitted *out, struct error *err)
{
	struct note n;

	if (!note_read(note_path(s, arena), arena, &n, err))
		return false;
	bool before = is_done(&n), priced = s->usd_per_mtok > 0 && s->usd_per_mtok != n.usd_per_mtok;

	n.base = model_name(s->base);
	n.usd_per_mtok = priced ? s->usd_per_mtok : n.usd_per_mtok;
	if (before && priced && !note_write(s, &n, err))
		return false;
	if (!before && !go_on(s, &n, arena, err))
		return false;
	*out = submitted_of(&n, before);
	return true;
}

bool submissions_list(const char *folder, struct arena *arena, struct submitted **rows, size_t *n, struct error *err)
{
	struct dirent **entries = NULL;
	int found = scandir(folder, &entries, is_note, alphasort);
	bool good = true;

	*rows = arena_array(arena, found > 0 ? (size_t)found : 1, sizeof(**rows));
	*n = 0;
	for (int i = 0; i < found; i++) {
		struct note note;

		good = good && note_read(arena_printf(arena, "%s/%s", folder, entries[i]->d_name), arena, &note, err);
		if (good && note.job)
			(*rows)[(*n)++] = submitted_of(&note, is_done(&note));
		free(entries[i]);
	}
	free(entries);
	return good;
}

/* The job may have been made by a process that could not note it. */
static bool find_job(const struct submission *s, struct note *n, struct arena *arena, struct error *err)
{
	struct job_state state;
	bool found = false;

	if (!n->job && n->training && !model_job_find(s->base, n->training, arena, &state, &found, err))
		return false;
	if (found)
		n->job = state.id;
	return n->job || error_set(err, "no job of these examples and settings was submitted to %s: nothing is cancelled", model_name(s->base));
}

bool submission_cancel(const struct submission *s, struct arena *arena, const char **job, struct error *err)
{
	struct job_state state;
	struct note n;

	if (!note_read(note_path(s, arena), arena, &n, err) || !find_job(s, &n, arena, err))
		return false;
	*job = n.job;
	if (is_done(&n) || is_over(&n))
		return error_set(err, "job %s has ended already (%s): nothing is cancelled", n.job, n.status);
	if (!model_job_cancel(s->base, n.job, arena, &state, err))
		return false;
	n.status = state.status;
	return note_write(s, &n, err);
}
