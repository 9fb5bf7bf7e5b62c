/* collected.c - rows of the collected file on their way into pool and test. collected_write.c puts them there. */
#include "task/collected.h"

#include <string.h>

#include "base/file.h"
#include "task/examples.h"
#include "task/mention.h"

/* The table as if its file had the columns of the examples file, in their order. */
static void columns_take(struct table *t, const struct task *task)
{
	for (size_t r = 0; r < t->n_rows; r++) {
		const char **values = arena_array(t->arena, task->n_columns, sizeof(*values));

		for (size_t c = 0; c < task->n_columns; c++) {
			size_t at = 0;

			while (at < t->n_columns && strcmp(t->columns[at], task->columns[c]) != 0)
				at++;
			values[c] = at < t->n_columns ? t->rows[r].values[at] : "";
		}
		t->rows[r].values = values;
		t->rows[r].n = task->n_columns;
	}
	t->columns = (const char **)task->columns;
	t->n_columns = task->n_columns;
}

/* Which rows were drawn for test; the others are the pool's. */
static bool splits_read(struct examples *y, struct error *err)
{
	static const char *const names[] = { "pool", "test" };
	size_t at = 0;

	while (at < y->table.n_columns && strcmp(y->table.columns[at], "rung::split") != 0)
		at++;
	for (size_t i = 0; at < y->table.n_columns && i < y->table.n_rows; i++) {
		const char *name = y->table.rows[i].values[at];
		struct buf sentence = { 0 };

		y->splits[i] = strcmp(name, "test") == 0 ? SPLIT_TEST : SPLIT_POOL;
		if (!name[0] || y->splits[i] == SPLIT_TEST || strcmp(name, "pool") == 0)
			continue;
		buf_adds(&sentence, "rung::split ");
		mention_value(&sentence, name);
		buf_adds(&sentence, " is not one of ");
		mention_names(&sentence, name, names, 2);
		table_fail(&y->table, y->table.rows[i].line, err, "%s", buf_text(&sentence));
		buf_release(&sentence);
		return false;
	}
	return true;
}

static bool ids_differ(const struct examples *x, const struct examples *y, struct error *err)
{
	struct hash_map ids = { 0 };
	bool differ = true;

	for (size_t i = 0; i < x->n; i++)
		hash_map_put(&ids, x->items[i].id, strlen(x->items[i].id), i);
	for (size_t i = 0; i < y->n && differ; i++)
		if (hash_map_get(&ids, y->items[i].id, strlen(y->items[i].id), SIZE_MAX) != SIZE_MAX)
			differ = table_fail(&y->table, y->items[i].line, err, "id \"%.80s\" stands in %s too; ids have to differ", y->items[i].id,
					    x->table.path);
	hash_map_release(&ids);
	return differ;
}

bool collected_read(struct examples *x, size_t most, struct error *err)
{
	struct task *t = &x->f->task;

	if (most == 0 || !file_exists(t->collected_file) || file_size(t->collected_file) == 0)
		return true;
	struct examples *y = x->collected = arena_alloc(&t->arena, sizeof(*y));

	*y = (struct examples){ .f = x->f, .err = err, .more = true };
	arena_init(&y->scratch);
	if (!table_read(&y->table, &t->arena, t->collected_file, err))
		return false;
	y->table.n_rows = y->table.n_rows < most ? y->table.n_rows : most;
	enum split *splits = y->splits = arena_array(&y->scratch, y->table.n_rows, sizeof(*y->splits));

	if (!splits_read(y, err))
		return false;
	columns_take(&y->table, t);
	if (!examples_fill(y) || !ids_differ(x, y, err))
		return false;
	y->splits = splits;
	t->n_collected = y->n;
	t->n_rows += y->n;
	return true;
}

static const char *group_of(const struct examples *x, const struct examples *of, size_t row)
{
	return x->group < x->table.n_columns ? of->table.rows[row].values[x->group] : "";
}

/* What stands with the row in one group of the examples file, in another split; of what was drawn, in any: its group would be divided by the
 * order of test items. Or it stands with something that was drawn. */
static bool straddles(const struct examples *x, const struct examples *y, size_t row)
{
	const char *name = group_of(x, y, row);
	bool drawn = y->splits[row] == SPLIT_TEST;

	for (size_t i = 0; name[0] && i < x->n; i++)
		if (x->splits[i] <= SPLIT_TEST && (drawn || x->splits[i] != y->splits[row]) && strcmp(group_of(x, x, i), name) == 0)
			return true;
	for (size_t i = 0; name[0] && !drawn && i < y->n; i++)
		if (y->splits[i] == SPLIT_TEST && strcmp(group_of(x, y, i), name) == 0)
			return true;
	return false;
}

/* The number of the row's group: that of the first with its name in the examples file, else among those collected, else its own. */
static size_t group_number(const struct examples *x, const struct examples *y, size_t row)
{
	const char *name = group_of(x, y, row);

	for (size_t i = 0; name[0] && i < x->n; i++)
		if (strcmp(group_of(x, x, i), name) == 0)
			return x->items[i].group;
	for (size_t i = 0; name[0] && i < row; i++)
		if (strcmp(group_of(x, y, i), name) == 0)
			return x->n + i;
	return x->n + row;
}

/* Pool and dev rows with the text of one that was drawn go: what is tested is nowhere else. */
static void drop_drawn(struct examples *x, size_t text)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->roles[i].text == text && x->splits[i] < SPLIT_TEST)
			x->splits[i] = SPLIT_DUPLICATE;
}

static bool tested(const struct examples *x, size_t text)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->roles[i].text == text && x->splits[i] == SPLIT_TEST)
			return true;
	return false;
}

/* Rows of the split, each where no other text is the same; those of test come first. */
static void settle(struct examples *x, struct examples *y, enum split split, bool *taken)
{
	for (size_t i = 0; i < y->n; i++) {
		size_t text = y->roles[i].text;
		bool old = text < x->n;

		if (y->splits[i] != split)
			continue;
		if (straddles(x, y, i))
			y->splits[i] = SPLIT_STRADDLING;
		else if (!old && taken[text - x->n])
			y->splits[i] = SPLIT_DUPLICATE;
		else if (old && (split == SPLIT_POOL || tested(x, text)))
			y->splits[i] = SPLIT_DUPLICATE;
		else if (old)
			drop_drawn(x, text);
		if (!old)
			taken[text - x->n] = true;
	}
}

/* The rows of both, as one. */
static void append(struct examples *x, const struct examples *y)
{
	struct arena *arena = &x->f->task.arena;
	size_t n = x->n + y->n;
	struct example *items = arena_array(arena, n, sizeof(*items));
	enum split *splits = arena_array(&x->scratch, n, sizeof(*splits));

	memcpy(items, x->items, x->n * sizeof(*items));
	memcpy(splits, x->splits, x->n * sizeof(*splits));
	for (size_t i = 0; i < y->n; i++) {
		struct example *e = &items[x->n + i];

		*e = y->items[i];
		e->collected = true;
		e->group = group_number(x, y, i);
		e->text = y->roles[i].text;
		e->agreed = 1; /* of its text there is no other row */
		splits[x->n + i] = y->splits[i];
	}
	x->items = items;
	x->splits = splits;
	x->n = n;
}

static void say_dropped(struct examples *x, const struct examples *y, enum split why, const char *clause)
{
	size_t n = 0, first = 0;

	for (size_t i = y->n; i-- > 0;)
		if (y->splits[i] == why) {
			n++;
			first = y->items[i].line;
		}
	x->f->task.n_uncollected += n;
	if (n)
		examples_warn(x, "%zu example%s of %s %s left out (first: line %zu): %s", n, n == 1 ? "" : "s", y->table.path, n == 1 ? "is" : "are",
			      first, clause);
}

bool collected_join(struct examples *x, const struct template *input)
{
	struct examples *y = x->collected;

	if (!examples_number(y, input, &x->texts, x->n))
		return false;
	bool *taken = mem_zero(y->n, sizeof(*taken));

	settle(x, y, SPLIT_TEST, taken);
	settle(x, y, SPLIT_POOL, taken);
	free(taken);
	say_dropped(x, y, SPLIT_DUPLICATE, "their texts stand among the examples already");
	say_dropped(x, y, SPLIT_STRADDLING, "their groups stand in another split");
	append(x, y);
	return true;
}
