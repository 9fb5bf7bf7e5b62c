/* label_sets.c - sets of labels: read from the answer column, written, compared. */
#include "task/label_sets.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "task/examples.h"

static const char blanks[] = " \t\r\n";

const char *label_set_text(const struct task *task, const size_t *labels, size_t n, struct arena *arena)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < n; i++)
		buf_addf(&out, "%s%s", i ? ", " : "", task->labels[labels[i]].name);
	const char *text = arena_copy(arena, buf_text(&out), out.n);

	buf_release(&out);
	return text;
}

/* The next piece of *at that is not blank, without the blanks around it, and its length; 0 at the end. */
static size_t next_piece(const char **at, char separator, const char **piece)
{
	const char marks[] = { separator, '\0' };

	while (**at) {
		const char *start = *at;
		size_t n = strcspn(start, marks);

		*at = start + n + (start[n] != '\0');
		for (; n > 0 && strchr(blanks, *start); n--)
			start++;
		while (n > 0 && strchr(blanks, start[n - 1]))
			n--;
		*piece = start;
		if (n > 0)
			return n;
	}
	return 0;
}

static bool stands_before(const char *answer, const char *piece, size_t n)
{
	const char *earlier;
	size_t length;

	while ((length = next_piece(&answer, ',', &earlier)) > 0 && earlier < piece)
		if (length == n && memcmp(earlier, piece, n) == 0)
			return true;
	return false;
}

struct set_counts label_set_compare(const struct task *task, const struct example *example, const char *answer)
{
	struct set_counts c = { .expected = example->n_labels };
	const char *at = answer ? answer : "", *piece;
	size_t n;

	while ((n = next_piece(&at, ',', &piece)) > 0) {
		if (stands_before(answer, piece, n))
			continue;
		c.given++;
		for (size_t i = 0; i < example->n_labels; i++) {
			const char *name = task->labels[example->labels[i]].name;

			c.common += strlen(name) == n && memcmp(name, piece, n) == 0;
		}
	}
	return c;
}

size_t label_set_read(const struct task *task, const char *answer, size_t *labels)
{
	const char *at = answer ? answer : "", *piece;
	size_t length, n = 0;

	while ((length = next_piece(&at, ',', &piece)) > 0)
		for (size_t l = 0; !stands_before(answer, piece, length) && l < task->n_labels; l++)
			if (strlen(task->labels[l].name) == length && memcmp(task->labels[l].name, piece, length) == 0)
				labels[n++] = l;
	return n;
}

double label_set_f1(struct set_counts c)
{
	size_t both = c.expected + c.given;

	return both > 0 ? 2 * (double)c.common / (double)both : 1;
}

/* ---- the answer column ---- */

/* Labels of one row as they are written. */
struct written {
	const char *const *names;
	size_t n;
};

/* A JSON array, or names between semicolons. */
static struct written row_read(struct arena *arena, const char *answer)
{
	struct written w = { 0 };
	const char *at = answer + strspn(answer, blanks), *piece;
	size_t n;

	if (references_array(arena, at, &w.names, &w.n))
		return w;
	const char **names = arena_array(arena, strlen(at) / 2 + 1, sizeof(*names));

	w.n = 0;
	while ((n = next_piece(&at, ';', &piece)) > 0)
		names[w.n++] = arena_copy(arena, piece, n);
	w.names = names;
	return w;
}

static int by_index(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return (x > y) - (x < y);
}

static bool set_fill(struct examples *x, const struct hash_map *index, struct example *e, const struct written *w)
{
	struct task *t = &x->f->task;
	size_t *labels = arena_array(&t->arena, w->n + 1, sizeof(*labels)), n = 0;

	for (size_t i = 0; i < w->n; i++) {
		labels[i] = hash_map_get(index, w->names[i], strlen(w->names[i]), SIZE_MAX);
		if (labels[i] == SIZE_MAX)
			return examples_label_unknown(x, e->line, w->names[i]);
	}
	qsort(labels, w->n, sizeof(*labels), by_index);
	for (size_t i = 0; i < w->n; i++)
		if (i == 0 || labels[i] != labels[i - 1])
			labels[n++] = labels[i];
	e->labels = labels;
	e->n_labels = n;
	e->label = n > 0 ? labels[0] : 0;
	e->answer = label_set_text(t, labels, n, &t->arena);
	return true;
}

/* A comma would divide such a label in answers. */
static bool names_whole(struct examples *x)
{
	const struct task *t = &x->f->task;

	for (size_t l = 0; l < t->n_labels; l++)
		if (strpbrk(t->labels[l].name, ",;"))
			return task_file_fail(x->f, yaml_get(x->f->root, "labels"), x->err, "label \"%.80s\" holds a comma or a semicolon, "
					      "which separate labels under many: true; rename it", t->labels[l].name);
	return true;
}

/* The labels that occur, as if each stood in a row of its own. */
static void sets_collect(struct examples *x, const struct written *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++)
		n += rows[i].n;
	const char **names = arena_array(&x->scratch, n + 1, sizeof(*names));

	n = 0;
	for (size_t i = 0; i < x->n; i++)
		for (size_t k = 0; k < rows[i].n; k++)
			names[n++] = rows[i].names[k];
	examples_labels_collect(x, names, n);
}

static bool sets_differ(const struct examples *x)
{
	for (size_t i = 1; i < x->n; i++)
		if (strcmp(x->items[i].answer, x->items[0].answer) != 0)
			return true;
	return false;
}

static void unused_warn(struct examples *x)
{
	const struct task *t = &x->f->task;
	bool *used = arena_array(&x->scratch, t->n_labels + 1, sizeof(*used));
	size_t unused = 0;

	for (size_t i = 0; i < x->n; i++)
		for (size_t k = 0; k < x->items[i].n_labels; k++)
			used[x->items[i].labels[k]] = true;
	for (size_t l = 0; l < t->n_labels; l++)
		unused += !used[l];
	if (unused > 0)
		examples_warn(x, "%zu of %zu labels have no example, so nothing is measured on them", unused, t->n_labels);
}

bool label_sets_fill(struct examples *x)
{
	struct task *t = &x->f->task;
	struct written *rows = arena_array(&x->scratch, x->n + 1, sizeof(*rows));
	struct hash_map index = { 0 };
	bool ok = true;

	for (size_t i = 0; i < x->n; i++)
		rows[i] = row_read(&t->arena, x->items[i].answer);
	if (t->n_labels == 0)
		sets_collect(x, rows);
	for (size_t l = 0; l < t->n_labels; l++)
		hash_map_put(&index, t->labels[l].name, strlen(t->labels[l].name), l);
	for (size_t i = 0; i < x->n && ok; i++)
		ok = set_fill(x, &index, &x->items[i], &rows[i]);
	hash_map_release(&index);
	ok = ok && names_whole(x);
	if (ok && !x->more && !sets_differ(x))
		return error_set(x->err, "%s: every example has the same labels (\"%.80s\"); a choice needs examples that differ",
				 x->table.path, x->items[0].answer);
	if (ok && !x->more)
		unused_warn(x);
	return ok;
}
