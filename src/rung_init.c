/* rung_init.c - a task's folder out of what somebody has already. All files are written and checked in a folder beside, and take
 * their places at the end, task.yaml last: nothing half-written remains. */
#include "rung_inner.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "task/import.h"

struct making {
	struct arena arena;
	struct import import;
	const char *folder, *draft; /* where it goes, where it is made */
};

static const char *stem(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');

	return dot > name ? arena_copy(arena, name, (size_t)(dot - name)) : arena_printf(arena, "%s-task", name);
}

static const char *place(struct making *m, const char *folder, const char *name)
{
	return arena_printf(&m->arena, "%s/%s", folder, name);
}

static bool same_file(const char *a, const char *b)
{
	char *x = realpath(a, NULL), *y = realpath(b, NULL);
	bool same = x && y && strcmp(x, y) == 0;

	free(x);
	free(y);
	return same;
}

/* What is there stays there, but for the examples themselves where they lie in the folder already. */
static bool places_free(struct making *m, struct error *err)
{
	const char *names[] = { "task.yaml", m->import.examples, "schema.json" };

	for (size_t i = 0; i < 3; i++) {
		const char *path = place(m, m->folder, names[i]);

		if ((i == 2 && !m->import.schema) || (i == 1 && m->import.copied && same_file(path, m->import.path)))
			continue;
		if (file_exists(path))
			return error_set(err, "%s: is there already and is not overwritten; name another folder: rung init FILE FOLDER", path);
	}
	return true;
}

static bool draft_write(struct making *m, struct error *err)
{
	const struct import *x = &m->import;
	const char *examples = place(m, m->draft, x->examples);
	struct buf yaml = { 0 }, rows = { 0 };
	bool ok;

	import_yaml(x, &yaml);
	if (!x->copied)
		import_rows(x, &rows);
	ok = file_make_folder(m->draft, err) &&
	     (x->copied ? file_copy(x->path, examples, err) : file_replace(examples, buf_text(&rows), rows.n, err)) &&
	     (!x->schema || file_replace(place(m, m->draft, "schema.json"), x->schema, strlen(x->schema), err)) &&
	     file_replace(place(m, m->draft, "task.yaml"), buf_text(&yaml), yaml.n, err);
	buf_release(&yaml);
	buf_release(&rows);
	return ok;
}

/* Sentences about the draft name what the user has: the file read. */
static void rename_in(struct error *err, const char *from, const char *to)
{
	struct buf text = { 0 };
	const char *at = err->text, *next;

	for (; (next = strstr(at, from)); at = next + strlen(from)) {
		buf_add(&text, at, (size_t)(next - at));
		buf_adds(&text, to);
	}
	buf_adds(&text, at);
	error_set(err, "%s", buf_text(&text));
	buf_release(&text);
}

static bool draft_check(struct making *m, struct error *err)
{
	struct task_options options = { .seed = 1 };
	struct task *t = task_open(m->draft, &options, err);

	if (t) {
		task_free(t);
		return true;
	}
	rename_in(err, place(m, m->draft, m->import.examples), m->import.path);
	rename_in(err, m->draft, m->folder);
	return false;
}

static bool move(struct making *m, const char *name, struct error *err)
{
	const char *from = place(m, m->draft, name), *to = place(m, m->folder, name);

	return rename(from, to) == 0 || error_set(err, "%s: cannot be written: %s", to, strerror(errno));
}

static bool draft_publish(struct making *m, struct error *err)
{
	return file_make_folder(m->folder, err) && move(m, m->import.examples, err) && (!m->import.schema || move(m, "schema.json", err)) &&
	       move(m, "task.yaml", err);
}

static void say_text(const struct making *m, struct buf *out)
{
	const struct import *x = &m->import;

	for (size_t i = 0; i < x->n_notes; i++)
		buf_addf(out, "%s: %s (%s)\n", x->notes[i].what, x->notes[i].value, x->notes[i].why);
	for (size_t i = 0; i < x->n_left_out; i++)
		buf_addf(out, "not carried over: %s\n", x->left_out[i]);
	if (x->n_left_out_more)
		buf_addf(out, "not carried over: %zu things more\n", x->n_left_out_more);
	buf_addf(out, "%s/task.yaml: %zu examples; look through it, then run `rung check %s`\n", m->folder, x->table.n_rows, m->folder);
}

static void say_json(const struct making *m, struct buf *out)
{
	const struct import *x = &m->import;
	json_t *guessed = json_array(), *left_out = json_array(), *all;
	char *text;

	for (size_t i = 0; i < x->n_notes; i++)
		json_array_append_new(guessed, json_pack("{ss ss ss}", "what", x->notes[i].what, "value", x->notes[i].value, "why", x->notes[i].why));
	for (size_t i = 0; i < x->n_left_out; i++)
		json_array_append_new(left_out, json_string(x->left_out[i]));
	all = json_pack("{ss ss ss sI so so}", "folder", m->folder, "name", x->name, "kind", task_kind_name(x->kind), "examples",
			(json_int_t)x->table.n_rows, "guessed", guessed, "left_out", left_out);
	text = json_dumps(all, JSON_INDENT(2));
	buf_addf(out, "%s\n", text ? text : "");
	free(text);
	json_decref(all);
}

static enum rung_status make(struct making *m, const struct rung_init_options *o, struct error *err)
{
	struct import_options guessed = { .answer = o->answer, .kind = o->kind, .name = o->name };
	bool ok;

	if (!import_read(&m->import, &m->arena, o->file, &guessed, err))
		return RUNG_INPUT;
	m->folder = o->folder ? o->folder : stem(&m->arena, o->file);
	m->draft = arena_printf(&m->arena, "%s.draft-%ld", m->folder, (long)getpid());
	if (!places_free(m, err))
		return RUNG_INPUT;
	ok = draft_write(m, err);
	enum rung_status status = !ok ? RUNG_UNFINISHED : !draft_check(m, err) ? RUNG_INPUT : draft_publish(m, err) ? RUNG_OK : RUNG_UNFINISHED;

	file_remove_folder(m->draft);
	return status;
}

enum rung_status rung_init(const struct rung_init_options *o, char **text, struct rung_error *err)
{
	struct making *m = mem_zero(1, sizeof(*m));
	struct buf out = { 0 };
	struct error e;
	enum rung_status status;

	arena_init(&m->arena);
	status = make(m, o, &e);
	if (status == RUNG_OK) {
		(o->json ? say_json : say_text)(m, &out);
		*text = rung_handed_over(&out);
	} else {
		status = rung_failed(status, &e, err);
	}
	arena_release(&m->arena);
	free(m);
	return status;
}
