/* recorded.c - calls by the text of their request; the file is read once, whole. */
#include "model/recorded.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "model/engine.h"

static const size_t file_most = (size_t)2 << 30;

struct recording {
	char *name;
	struct arena arena;
	struct hash_map by_request; /* text -> index */
	struct model_reply *replies;
	size_t *n_scores;
	size_t n, room;
	struct recording *next;
};

struct recordings {
	const struct model_settings *settings;
	struct recording *first;
};

bool recorded_is(const char *name)
{
	return strncmp(name, "recorded:", 9) == 0;
}

const char *recorded_model(const char *name)
{
	const char *hash = strchr(name, '#');

	return hash && hash[1] ? hash + 1 : NULL;
}

static void *start(const char *folder, const struct model_settings *settings, struct pool *pool)
{
	struct recordings *all = mem_zero(1, sizeof(*all));

	(void)folder, (void)pool;
	all->settings = settings;
	return all;
}

static void recording_free(struct recording *r)
{
	hash_map_release(&r->by_request);
	arena_release(&r->arena);
	free(r->replies);
	free(r->n_scores);
	free(r->name);
	free(r);
}

static void stop(void *engine)
{
	struct recordings *all = engine;

	while (all->first) {
		struct recording *next = all->first->next;

		recording_free(all->first);
		all->first = next;
	}
	free(all);
}

static size_t count_of(const json_t *row, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(row, key));

	return n > 0 ? (size_t)n : 0;
}

static bool status_of(const char *text, enum model_status *status)
{
	for (size_t i = 0; text && i <= MODEL_ERROR; i++)
		if (strcmp(text, model_status_names[i]) == 0) {
			*status = (enum model_status)i;
			return true;
		}
	return false;
}

static const char *text_in(struct recording *r, const json_t *row, const char *key)
{
	const json_t *text = json_object_get(row, key);

	return json_is_string(text) ? arena_copy(&r->arena, json_string_value(text), json_string_length(text)) : NULL;
}

static const double *scores_in(struct recording *r, const json_t *row, size_t *n)
{
	const json_t *array = json_object_get(row, "scores");
	double *scores = arena_array(&r->arena, json_array_size(array) + 1, sizeof(*scores));

	*n = json_array_size(array);
	for (size_t i = 0; i < *n; i++)
		scores[i] = json_number_value(json_array_get(array, i));
	return *n > 0 ? scores : NULL;
}

/* As model_request_json() wrote it: jansson keeps the order of members, and a double's digits as they are read. */
static const char *request_in(struct recording *r, const json_t *row)
{
	const json_t *request = json_object_get(row, "request");
	char *text = json_is_object(request) ? json_dumps(request, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
	const char *copy = text ? arena_string(&r->arena, text) : NULL;

	free(text);
	return copy;
}

static bool add_row(struct recording *r, const json_t *row)
{
	struct model_reply reply = {
		.text = text_in(r, row, "output"), .why = text_in(r, row, "why"), .input_tokens = count_of(row, "input_tokens"),
		.output_tokens = count_of(row, "output_tokens"), .cache_read = count_of(row, "cache_read"),
		.cache_written = count_of(row, "cache_written"), .reasoning = count_of(row, "reasoning"),
		.ms = json_number_value(json_object_get(row, "ms")), .first_ms = json_number_value(json_object_get(row, "first_ms")),
	};
	const char *request = request_in(r, row);
	size_t n_scores;

	reply.scores = scores_in(r, row, &n_scores);
	if (!request || !status_of(json_string_value(json_object_get(row, "status")), &reply.status))
		return false;
	if (r->n == r->room) {
		r->room = 2 * r->room + 64;
		r->replies = mem_resize(r->replies, r->room, sizeof(*r->replies));
		r->n_scores = mem_resize(r->n_scores, r->room, sizeof(*r->n_scores));
	}
	r->replies[r->n] = reply;
	r->n_scores[r->n] = n_scores;
	hash_map_put(&r->by_request, request, strlen(request), r->n++);
	return true;
}

/* Rows of other models are passed over. */
static bool read_rows(struct recording *r, const char *path, const char *text, size_t n, const char *model, struct error *err)
{
	size_t line = 1;

	for (const char *at = text, *end = text + n; at < end; line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		json_t *row = json_loadb(at, length, 0, NULL);
		const char *of = json_string_value(json_object_get(row, "model"));
		bool blank = strspn(at, " \t\r\n") >= length, ours = of && strcmp(of, model) == 0, good = blank || (of && (!ours || add_row(r, row)));

		json_decref(row);
		if (!good)
			return error_set(err, "%s:%zu: is no recorded call (model, request, status, output or scores); `rung export TASK --calls` "
					 "writes them", path, line);
		at = stop ? stop + 1 : end;
	}
	return r->n > 0 || error_set(err, "%s: has no call of model \"%s\"; name one that it has behind '#'", path, model);
}

/* FILE as it is named, else in the task's folder. */
static void path_of(const struct recordings *all, const char *file, struct buf *path)
{
	buf_adds(path, file);
	if (file[0] == '/' || file_exists(file) || !all->settings->task)
		return;
	buf_clear(path);
	buf_addf(path, "%s/%s", all->settings->task, file);
}

static void *open_recording(void *engine, const char *name, struct error *err)
{
	struct recordings *all = engine;
	const char *model = recorded_model(name);

	if (!model) {
		error_set(err, "model \"%s\": names no recorded model; write it behind '#', as in recorded:calls.jsonl#openai:gpt-4.1-mini (a file of "
			  "outcomes is named under `models:` or by --models alone)", name);
		return NULL;
	}
	struct recording *r = mem_zero(1, sizeof(*r));
	struct buf path = { 0 };
	char *file = mem_string(name + 9);
	size_t n;

	file[(size_t)(model - 1 - (name + 9))] = '\0';
	path_of(all, file, &path);
	free(file);
	arena_init(&r->arena);
	r->name = mem_string(name);
	char *text = file_read(buf_text(&path), file_most, &n, err);
	bool good = text && read_rows(r, buf_text(&path), text, n, model, err);

	free(text);
	buf_release(&path);
	if (!good) {
		recording_free(r);
		return NULL;
	}
	r->next = all->first;
	all->first = r;
	return r;
}

static bool ask(void *model, struct arena *arena, const struct model_request *requests, size_t n, struct model_reply *replies,
		const struct model_watch *watch, struct error *err)
{
	const struct recording *r = model;

	for (size_t i = 0; i < n; i++) {
		const char *json = model_request_json(arena, &requests[i]);
		size_t at = hash_map_get(&r->by_request, json, strlen(json), SIZE_MAX);

		if (at == SIZE_MAX)
			return error_set(err, "model \"%s\": the file has no reply to a request of this climb (\"%.160s...\"); record it with the same "
					 "task, seed and rungs", r->name, requests[i].messages[requests[i].n_messages - 1].text);
		replies[i] = r->replies[at];
		if (replies[i].scores && r->n_scores[at] != requests[i].n_choices)
			return error_set(err, "model \"%s\": a recorded call has %zu scores for %zu labels; the labels changed since", r->name,
					 r->n_scores[at], requests[i].n_choices);
		if (!watch_replied(watch, i, &replies[i], err))
			return false;
	}
	return true;
}

const struct model_engine model_engine_recorded = { recorded_is, start, stop, open_recording, ask };
