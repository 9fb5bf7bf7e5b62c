/* collected_write.c - answers checked as task_open() would, lines added to the collected file and taken out of it. */
#include "task/collected.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "schema/validator.h"
#include "task/examples.h"
#include "task/label_sets.h"
#include "task/mention.h"
#include "task/style.h"
#include "task/table.h"

/* ---- answers ---- */

static const char *kept(json_t *value, struct arena *arena)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	const char *copy = arena_string(arena, text);

	free(text);
	json_decref(value);
	return copy;
}

static bool unknown_label(const struct task *task, const char *name, struct arena *arena, struct buf *why)
{
	const char **names = arena_array(arena, task->n_labels, sizeof(*names));

	for (size_t l = 0; l < task->n_labels; l++)
		names[l] = task->labels[l].name;
	buf_adds(why, "label ");
	mention_value(why, name);
	buf_adds(why, " is not one of ");
	mention_names(why, name, names, task->n_labels);
	return false;
}

/* A JSON array of labels, or names between semicolons or commas. */
static bool set_answer(const struct task *task, const char *text, struct arena *arena, const char **written, struct buf *why)
{
	const char *const *names;
	json_t *list = json_array();
	size_t n;

	if (!references_array(arena, text, &names, &n)) {
		const char **pieces = arena_array(arena, strlen(text) / 2 + 1, sizeof(*pieces));

		n = 0;
		for (const char *at = text; *at;) {
			size_t length = strcspn(at, ",;"), blank = strspn(at, " \t\r\n"), end = length;

			while (end > blank && strchr(" \t\r\n", at[end - 1]))
				end--;
			if (end > blank)
				pieces[n++] = arena_copy(arena, at + blank, end - blank);
			at += length + (at[length] != '\0');
		}
		names = pieces;
	}
	for (size_t i = 0; i < n; i++) {
		if (task_label(task, names[i]) == task->n_labels) {
			json_decref(list);
			return unknown_label(task, names[i], arena, why);
		}
		json_array_append_new(list, json_string(names[i]));
	}
	*written = kept(list, arena);
	return true;
}

static bool object_answer(const struct task *task, const char *text, struct arena *arena, const char **written, struct buf *why)
{
	json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	struct buf clause = { 0 };
	bool good = json_is_object(object) && validator_accepts(task->validator, object, &clause);

	if (good)
		*written = kept(json_incref(object), arena);
	else if (!json_is_object(object))
		buf_adds(why, "it is not a JSON object");
	else
		buf_addf(why, "it does not satisfy %s: %s", task->schema_file, buf_text(&clause));
	json_decref(object);
	buf_release(&clause);
	return good;
}

static bool fits(const struct task *task, const char *pattern, const char *text, struct buf *why)
{
	if (!pattern || style_matches(pattern, text))
		return true;
	buf_addf(why, "it does not match the pattern of %s", task->file);
	return false;
}

bool collected_answer(const struct task *task, const char *text, struct arena *arena, const char **written, struct buf *why)
{
	bool empty = text[strspn(text, " \t\r\n")] == '\0';

	if (task->many)
		return set_answer(task, text, arena, written, why);
	if (task->kind == TASK_CLASSIFY && task_label(task, text) == task->n_labels)
		return unknown_label(task, text, arena, why);
	if (task->validator)
		return object_answer(task, text, arena, written, why);
	if (empty && task->kind != TASK_ANSWER)
		buf_adds(why, "it is empty");
	else if (fits(task, task->pattern, text, why) &&
		 fits(task, strcmp(task->scorer, "fields") == 0 ? task->scorer_setting : NULL, text, why)) {
		/* An array would be several right answers. */
		json_t *value = task->kind == TASK_ANSWER && text[0] == '[' ? json_pack("[s]", text) : json_string(text);

		*written = kept(value, arena);
		return true;
	}
	return false;
}

/* ---- lines ---- */

static json_t *moment(uint64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm utc;
	char text[32];

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
	return json_string(text);
}

static json_t *from_json(const struct collected_row *r)
{
	json_t *from = json_pack("{s:s, s:s, s:o, s:s}", "log", r->log, "call", r->call, "served", moment(r->served_ms), "said", r->said);

	if (r->name)
		json_object_set_new(from, "name", json_string(r->name));
	json_object_set_new(from, "decision", json_string(r->decision));
	json_object_set_new(from, "taken", moment(r->taken_ms));
	return from;
}

static void add_line(const struct task *task, const struct collected_row *r, struct buf *out)
{
	json_t *line = json_object();

	if (task->id_column) {
		struct buf id = { 0 };

		buf_addf(&id, "%s-%s", r->drawn ? "drawn" : "served", r->call);
		json_object_set_new(line, task->id_column, json_string(buf_text(&id)));
		buf_release(&id);
	}
	for (size_t c = 0; c < task->n_columns; c++)
		if (r->values[c][0] && strcmp(task->columns[c], task->answer_column) != 0 && !json_object_get(line, task->columns[c]))
			json_object_set_new(line, task->columns[c], json_string(r->values[c]));
	json_object_set_new(line, task->answer_column, json_loads(r->written, JSON_DECODE_ANY, NULL));
	json_object_set_new(line, "rung::split", json_string(r->drawn ? "test" : "pool"));
	json_object_set_new(line, "rung::from", from_json(r));
	char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(15));

	buf_addf(out, "%s\n", text);
	free(text);
	json_decref(line);
}

/* The file's bytes, none where it is not there. */
static bool read_file(const struct task *task, struct buf *out, struct error *err)
{
	size_t n;

	if (!file_exists(task->collected_file))
		return true;
	char *bytes = file_read(task->collected_file, TABLE_FILE_BYTES, &n, err);

	if (!bytes)
		return false;
	buf_add(out, bytes, n);
	free(bytes);
	return true;
}

bool collected_add(const struct task *task, const struct collected_row *rows, size_t n, struct error *err)
{
	struct buf out = { 0 };
	bool added = read_file(task, &out, err);

	if (added && out.n > 0 && out.data[out.n - 1] != '\n')
		buf_addc(&out, '\n');
	for (size_t i = 0; added && i < n; i++)
		add_line(task, &rows[i], &out);
	added = added && (n == 0 || file_replace(task->collected_file, buf_text(&out), out.n, err));
	buf_release(&out);
	return added;
}

/* The call that the line came from; NULL: a person wrote it. Borrowed from *line, which the caller gives up. */
static const char *call_of(const char *text, size_t n, json_t **line)
{
	*line = json_loadb(text, n, 0, NULL);
	return json_string_value(json_object_get(json_object_get(*line, "rung::from"), "call"));
}

static bool list_calls(const struct task *task, bool drawn, struct arena *arena, struct hash_map *calls, struct error *err)
{
	struct buf bytes = { 0 };
	size_t number = 0;

	if (!read_file(task, &bytes, err))
		return false;
	for (const char *at = buf_text(&bytes), *end; *at; at = *end ? end + 1 : end) {
		json_t *line;

		end = at + strcspn(at, "\n");
		const char *call = call_of(at, (size_t)(end - at), &line), *split = json_string_value(json_object_get(line, "rung::split"));

		number++;
		if (call && (!drawn || (split && strcmp(split, "test") == 0))) {
			const char *copy = arena_string(arena, call);

			hash_map_put(calls, copy, strlen(copy), number);
		}
		json_decref(line);
	}
	buf_release(&bytes);
	return true;
}

bool collected_calls(const struct task *task, struct arena *arena, struct hash_map *calls, struct error *err)
{
	return list_calls(task, false, arena, calls, err);
}

bool collected_drawn(const struct task *task, struct arena *arena, struct hash_map *calls, struct error *err)
{
	return list_calls(task, true, arena, calls, err);
}

bool collected_remove(const struct task *task, const struct hash_map *calls, size_t *n, struct error *err)
{
	struct buf bytes = { 0 }, left = { 0 };
	bool done = read_file(task, &bytes, err);

	*n = 0;
	for (const char *at = buf_text(&bytes), *end; done && *at; at = end) {
		json_t *line;

		end = at + strcspn(at, "\n");
		end += *end != '\0';
		const char *call = call_of(at, (size_t)(end - at), &line);

		if (call && hash_map_get(calls, call, strlen(call), SIZE_MAX) != SIZE_MAX)
			++*n;
		else
			buf_add(&left, at, (size_t)(end - at));
		json_decref(line);
	}
	done = done && (*n == 0 || file_replace(task->collected_file, buf_text(&left), left.n, err));
	buf_release(&bytes);
	buf_release(&left);
	return done;
}
