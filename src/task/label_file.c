/* label_file.c - labels that stand in a table of their own: `labels: {file: codes.tsv, name: code, definition: text}`. */
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/hash.h"
#include "task/mention.h"
#include "task/table.h"
#include "task/task_file.h"

struct label_columns {
	size_t name, definition; /* n_columns: none */
};

/* A map of names and definitions may have labels called "file" and "name"; only a table's path makes them keys. */
bool label_file_named(const struct yaml *node)
{
	const struct yaml *file = yaml_get(node, "file");
	const char *extension = file ? strrchr(file->text, '.') : NULL;

	return extension && yaml_get(node, "name") &&
	       (strncasecmp(extension, ".json", 5) == 0 || strcasecmp(extension, ".ndjson") == 0 || strcasecmp(extension, ".csv") == 0 ||
		strcasecmp(extension, ".tsv") == 0);
}

static bool keys_known(const struct task_file *f, const struct yaml *node, struct error *err)
{
	for (const struct yaml *c = node->first; c; c = c->next) {
		if (strcmp(c->key, "file") != 0 && strcmp(c->key, "name") != 0 && strcmp(c->key, "definition") != 0)
			return task_file_fail(f, c, err, "labels from a file want file, name and definition, not %s", c->key);
		if (c->type != YAML_TEXT || yaml_is_null(c) || !c->text[0])
			return task_file_fail(f, c, err, "labels: %s wants a text", c->key);
	}
	return true;
}

static bool column_find(const struct task_file *f, const struct yaml *node, const struct table *t, size_t *column,
			struct error *err)
{
	struct buf sentence = { 0 };

	*column = 0;
	while (node && *column < t->n_columns && strcmp(t->columns[*column], node->text) != 0)
		++*column;
	if (!node)
		*column = t->n_columns;
	if (!node || *column < t->n_columns)
		return true;
	mention_value(&sentence, node->text);
	buf_addf(&sentence, " is not a column of %s; there are ", t->path);
	mention_names(&sentence, node->text, t->columns, t->n_columns);
	task_file_fail(f, node, err, "labels: %s: %s", node->key, buf_text(&sentence));
	buf_release(&sentence);
	return false;
}

static bool rows_take(struct task *task, const struct table *t, const struct label_columns *at, struct error *err)
{
	struct label *labels = arena_array(&task->arena, t->n_rows, sizeof(*labels));
	struct hash_map seen = { 0 };
	bool ok = true;

	for (size_t i = 0; i < t->n_rows && ok; i++) {
		const struct table_row *row = &t->rows[i];
		const char *name = row->values[at->name], *definition = at->definition < t->n_columns ? row->values[at->definition] : "";

		labels[i] = (struct label){ name, definition[0] ? definition : NULL };
		size_t first = hash_map_put(&seen, name, strlen(name), i);

		if (!name[0])
			ok = table_fail(t, row->line, err, "the label (column \"%s\") is empty", t->columns[at->name]);
		else if (first != i)
			ok = table_fail(t, row->line, err, "label \"%.80s\" stands twice, first in %s %zu; remove one", name,
					t->array ? "row" : "line", t->rows[first].line);
	}
	hash_map_release(&seen);
	task->labels = labels;
	task->n_labels = t->n_rows;
	return ok;
}

bool label_file_read(struct task_file *f, const struct yaml *node, struct error *err)
{
	const struct yaml *file = yaml_get(node, "file");
	struct label_columns at;
	struct table t;

	if (!keys_known(f, node, err))
		return false;
	const char *path = task_file_path(f, file->text);

	if (!file_exists(path))
		return task_file_fail(f, file, err, "labels: %s: there is no such file", path);
	if (!table_read(&t, &f->task.arena, path, err))
		return false;
	if (!column_find(f, yaml_get(node, "name"), &t, &at.name, err) ||
	    !column_find(f, yaml_get(node, "definition"), &t, &at.definition, err))
		return false;
	if (t.n_rows < 2)
		return task_file_fail(f, file, err, "labels: %s has %zu, a choice needs at least 2", path, t.n_rows);
	return rows_take(&f->task, &t, &at, err);
}
