/* examples.c - every check is one pass over the rows; the first fault found is the one reported. */
#include "task/examples.h"

#include <stdarg.h>

#include "base/hash.h"
#include "base/rng.h"
#include "base/text.h"
#include "decide/order.h"
#include "stats/interval.h"
#include "task/mention.h"

static const char *column_value(const struct examples *x, size_t row, size_t column)
{
	return x->table.rows[row].values[column];
}

void examples_warn(struct examples *x, const char *format, ...)
{
	char sentence[1024];
	va_list args;

	if (x->n_warnings == WARNINGS)
		return;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	mention_flatten(sentence);
	x->warnings[x->n_warnings++] = arena_string(&x->f->task.arena, sentence);
}

static bool fail(struct examples *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "emails.jsonl: ...", for what no single line is to blame for. */
static bool fail(struct examples *x, const char *format, ...)
{
	char sentence[sizeof(x->err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	mention_flatten(sentence);
	return error_set(x->err, "%s: %s", x->table.path, sentence);
}

/* Index of the column that the key of `examples:` names. An absent key is no column; a wrong name is an error. */
static bool column_find(struct examples *x, const char *key, const char *name, size_t *column)
{
	const struct yaml *examples = yaml_get(x->f->root, "examples");
	const struct table *t = &x->table;
	struct buf sentence = { 0 };

	*column = name ? task_column(&x->f->task, name, strlen(name)) : t->n_columns;
	if (!name || *column < t->n_columns)
		return true;
	mention_value(&sentence, name);
	buf_addf(&sentence, " is not a column of %s; there are ", t->path);
	mention_names(&sentence, name, t->columns, t->n_columns);
	task_file_fail(x->f, yaml_get(examples, key), x->err, "%s: %s", key, buf_text(&sentence));
	buf_release(&sentence);
	return false;
}

static bool columns_find(struct examples *x)
{
	const struct task_file *f = x->f;
	x->f->task.has_gold = f->gold || f->gold_ids;

	return column_find(x, "answer", f->answer, &x->answer) && column_find(x, "id", f->id, &x->id) &&
	       column_find(x, "split", f->split, &x->split) && column_find(x, "group", f->group, &x->group) &&
	       column_find(x, "gold", f->gold, &x->gold) && column_find(x, "gold_ids", f->gold_ids, &x->gold_ids) &&
	       column_find(x, "human", f->human, &x->human) && column_find(x, "graded", f->graded ? f->graded : f->answer, &x->graded);
}

static bool answers_fill(struct examples *x)
{
	for (size_t i = 0; i < x->n; i++) {
		const char *answer = column_value(x, i, x->answer);

		if (answer[strspn(answer, " \t\r\n")] == '\0' && x->f->task.kind != TASK_ANSWER && !x->f->task.many)
			return table_fail(&x->table, x->table.rows[i].line, x->err,
					  "the answer (column \"%s\") is empty; fill it in or remove the example",
					  x->f->answer);
		x->items[i].answer = answer;
		x->items[i].values = x->table.rows[i].values;
		x->items[i].line = x->table.rows[i].line;
	}
	return true;
}

static bool ids_fill(struct examples *x)
{
	struct hash_map seen = { 0 };
	bool given = x->id < x->table.n_columns, ok = true;

	for (size_t i = 0; i < x->n && ok; i++) {
		struct example *e = &x->items[i];

		e->id = given ? column_value(x, i, x->id) : "";
		if (!given || (x->more && !e->id[0]))
			e->id = arena_printf(&x->f->task.arena, x->more ? "collected-%zu" : x->table.array ? "row-%zu" : "line-%zu", e->line);
		if (!e->id[0]) {
			ok = table_fail(&x->table, e->line, x->err, "the id (column \"%s\") is empty", x->f->id);
			continue;
		}
		size_t first = hash_map_put(&seen, e->id, strlen(e->id), i);

		if (first != i)
			ok = table_fail(&x->table, e->line, x->err, "id \"%.80s\" stands twice, first in %s %zu; "
					"ids have to differ", e->id, x->table.array ? "row" : "line",
					x->items[first].line);
	}
	hash_map_release(&seen);
	return ok;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

void examples_labels_collect(struct examples *x, const char *const *names, size_t n_names)
{
	struct task *t = &x->f->task;
	struct hash_map seen = { 0 };
	struct label *labels = mem_alloc((n_names + 1) * sizeof(*labels));
	struct label *settled;
	size_t n = 0;

	for (size_t i = 0; i < n_names; i++)
		if (hash_map_put(&seen, names[i], strlen(names[i]), n) == n && seen.n == n + 1)
			labels[n++] = (struct label){ .name = names[i] };
	qsort(labels, n, sizeof(*labels), by_name);
	settled = arena_array(&t->arena, n, sizeof(*settled));
	memcpy(settled, labels, n * sizeof(*settled));
	t->labels = settled;
	t->n_labels = n;
	free(labels);
	hash_map_release(&seen);
}

/* The answers that occur, sorted. */
static void answers_collect(struct examples *x)
{
	const char **names = arena_array(&x->scratch, x->n + 1, sizeof(*names));

	for (size_t i = 0; i < x->n; i++)
		names[i] = x->items[i].answer;
	examples_labels_collect(x, names, x->n);
}

bool examples_label_unknown(struct examples *x, size_t line, const char *name)
{
	const struct task *t = &x->f->task;
	const char **names = arena_array(&x->scratch, t->n_labels, sizeof(*names));
	struct buf sentence = { 0 };

	for (size_t l = 0; l < t->n_labels; l++)
		names[l] = t->labels[l].name;
	buf_adds(&sentence, "label ");
	mention_value(&sentence, name);
	buf_adds(&sentence, " is not one of ");
	mention_names(&sentence, name, names, t->n_labels);
	if (t->many && strpbrk(name, ",|"))
		buf_adds(&sentence, "; labels of one item are separated by \";\"");
	table_fail(&x->table, line, x->err, "%s", buf_text(&sentence));
	buf_release(&sentence);
	return false;
}

static void labels_check(struct examples *x)
{
	const struct task *t = &x->f->task;
	size_t *count = mem_zero(t->n_labels, sizeof(*count));

	for (size_t i = 0; i < x->n; i++)
		count[x->items[i].label]++;
	for (size_t l = 0; l < t->n_labels; l++)
		if (!count[l])
			examples_warn(x, "label \"%s\" has no example, so nothing is measured on it", t->labels[l].name);
	free(count);
	if (t->n_labels > 20 && t->n_labels > x->n / 2)
		examples_warn(x, "%zu labels for %zu examples: is \"%s\" the column with the label?", t->n_labels, x->n,
		     x->f->answer);
}

static bool labels_fill(struct examples *x)
{
	struct task *t = &x->f->task;
	struct hash_map index = { 0 };
	bool ok = true, differ = false;

	if (t->kind != TASK_CLASSIFY)
		return true;
	if (t->many)
		return label_sets_fill(x);
	if (!t->n_labels)
		answers_collect(x);
	for (size_t l = 0; l < t->n_labels; l++)
		hash_map_put(&index, t->labels[l].name, strlen(t->labels[l].name), l);
	for (size_t i = 0; i < x->n && ok; i++) {
		struct example *e = &x->items[i];

		e->label = hash_map_get(&index, e->answer, strlen(e->answer), SIZE_MAX);
		ok = e->label != SIZE_MAX || examples_label_unknown(x, e->line, e->answer);
		differ |= e->label != x->items[0].label;
	}
	hash_map_release(&index);
	if (ok && !differ && !x->more)
		return fail(x, "every example has the label \"%.80s\"; a choice needs examples of at least 2",
			    x->items[0].answer);
	if (ok && !x->more)
		labels_check(x);
	return ok;
}

bool examples_fill(struct examples *x)
{
	x->n = x->table.n_rows;
	x->items = arena_array(&x->f->task.arena, x->n, sizeof(*x->items));
	x->roles = arena_array(&x->scratch, x->n, sizeof(*x->roles));
	x->splits = arena_array(&x->scratch, x->n, sizeof(*x->splits));
	return columns_find(x) && answers_fill(x) && ids_fill(x) && labels_fill(x) && references_fill(x);
}

bool examples_read(struct examples *x, struct task_file *f, const char *path, struct error *err)
{
	struct task *t = &f->task;

	*x = (struct examples){ .f = f, .err = err };
	arena_init(&x->scratch);
	if (!table_read(&x->table, &t->arena, path, err))
		return false;
	t->examples_file = x->table.path;
	t->columns = x->table.columns;
	t->n_columns = x->table.n_columns;
	t->n_rows = x->table.n_rows;
	t->answer_column = f->answer;
	t->id_column = f->id;
	return examples_fill(x);
}

void examples_release(struct examples *x)
{
	if (x->collected)
		examples_release(x->collected);
	hash_map_release(&x->texts);
	arena_release(&x->scratch);
}

static bool is_blank(const struct buf *b)
{
	for (size_t i = 0; i < b->n;) {
		uint32_t c;

		i += text_decode(b->data + i, b->n - i, &c);
		if (!text_is_space(c))
			return false;
	}
	return true;
}

/* Equal normal forms of the rendered input, equal numbers. */
bool examples_number(struct examples *x, const struct template *input, struct hash_map *texts, size_t base)
{
	struct buf rendered = { 0 }, normal = { 0 };
	bool ok = true;

	for (size_t i = 0; i < x->n && ok; i++) {
		buf_clear(&rendered);
		template_values(input, &x->items[i], &rendered);
		if (is_blank(&rendered)) {
			ok = table_fail(&x->table, x->items[i].line, x->err,
					"the input is empty: the columns it names hold nothing; fill them in or remove "
					"the example");
			continue;
		}
		buf_clear(&rendered);
		buf_clear(&normal);
		template_render(input, &x->items[i], &rendered);
		text_normalise(&normal, buf_text(&rendered), rendered.n);
		const char *kept = arena_copy(&x->scratch, buf_text(&normal), normal.n);

		x->roles[i].text = hash_map_put(texts, kept, normal.n, base + i);
	}
	if (ok && base == 0 && texts->n == 1 && x->n > 1)
		ok = fail(x, "all %zu examples have the same text; does the input of %s name the right columns?", x->n,
			  x->f->task.file);
	buf_release(&rendered);
	buf_release(&normal);
	return ok;
}

/* Texts that stand with more than one answer: no variant can be right on both. */
static void conflicts_warn(struct examples *x)
{
	bool *conflict = mem_zero(x->n, sizeof(*conflict)); /* by text number, which is its first row */
	size_t texts = 0, one = 0, other = 0;

	for (size_t i = 0; i < x->n; i++) {
		size_t first = x->roles[i].text;

		if (conflict[first] || strcmp(x->items[i].answer, x->items[first].answer) == 0)
			continue;
		conflict[first] = true;
		if (texts++ == 0) {
			one = x->items[first].line;
			other = x->items[i].line;
		}
	}
	free(conflict);
	if (texts)
		examples_warn(x, "%zu text%s with two or more different answers (first: %s %zu and %zu of %s); relabel them",
		     texts, texts == 1 ? " stands" : "s stand", x->table.array ? "rows" : "lines", one, other,
		     x->table.path);
}

/* Fills text and agreed: rows are counted before any of them is dropped. */
static void agreement_fill(struct examples *x)
{
	size_t *rows = mem_zero(x->n, sizeof(*rows)), *same = mem_zero(x->n, sizeof(*same)), *most = mem_zero(x->n, sizeof(*most));
	struct hash_map answers = { 0 }; /* of a text and an answer */

	for (size_t i = 0; i < x->n; i++) {
		size_t text = x->roles[i].text;
		const char *key = arena_printf(&x->scratch, "%zu %s", text, x->items[i].answer);
		size_t first = hash_map_put(&answers, key, strlen(key), i);

		rows[text]++;
		if (++same[first] > most[text])
			most[text] = same[first];
	}
	for (size_t i = 0; i < x->n; i++) {
		x->items[i].text = x->roles[i].text;
		x->items[i].agreed = (double)most[x->items[i].text] / (double)rows[x->items[i].text];
	}
	hash_map_release(&answers);
	free(rows);
	free(same);
	free(most);
}

static void groups_number(struct examples *x)
{
	bool given = x->group < x->table.n_columns;
	struct hash_map groups = { 0 };

	for (size_t i = 0; i < x->n; i++) {
		const char *name = given ? column_value(x, i, x->group) : "";

		x->items[i].group = name[0] ? hash_map_put(&groups, name, strlen(name), i) : i;
		x->roles[i].group = x->items[i].group;
		x->roles[i].label = x->items[i].label;
	}
	hash_map_release(&groups);
}

static const struct {
	const char *name;
	enum split split;
} split_words[] = {
	{ "train", SPLIT_POOL },     { "pool", SPLIT_POOL }, { "dev", SPLIT_DEV },
	{ "validation", SPLIT_DEV }, { "test", SPLIT_TEST },
};

enum { SPLIT_WORDS = sizeof(split_words) / sizeof(split_words[0]) };

static bool split_unknown(struct examples *x, size_t row, const char *value)
{
	const char *names[SPLIT_WORDS];
	struct buf sentence = { 0 };

	for (size_t i = 0; i < SPLIT_WORDS; i++)
		names[i] = split_words[i].name;
	buf_adds(&sentence, "split ");
	mention_value(&sentence, value);
	buf_adds(&sentence, " is not one of ");
	mention_names(&sentence, value, names, SPLIT_WORDS);
	table_fail(&x->table, x->items[row].line, x->err, "%s", buf_text(&sentence));
	buf_release(&sentence);
	return false;
}

static bool given_splits_read(struct examples *x)
{
	bool has[3] = { false, false, false };

	for (size_t i = 0; i < x->n; i++) {
		const char *value = column_value(x, i, x->split);
		size_t w = 0;

		while (w < SPLIT_WORDS && strcmp(value, split_words[w].name) != 0)
			w++;
		if (w == SPLIT_WORDS)
			return split_unknown(x, i, value);
		x->roles[i].given = split_words[w].split;
		has[split_words[w].split] = true;
	}
	if (has[SPLIT_POOL] && has[SPLIT_TEST])
		return true;
	return fail(x, "column \"%s\" marks no example as %s; mark some, or leave examples: {split: ...} out and rung "
		    "splits by seed", x->f->split, has[SPLIT_POOL] ? "test" : "train");
}

/* "80 % right would be known as 69 to 88 %" */
static void precision_add(struct buf *out, size_t n)
{
	struct interval i = interval_wilson((uint64_t)(0.8 * (double)n + 0.5), n, 0.95);

	buf_addf(out, "80 %% right would be known as %.0f to %.0f %%", 100 * i.low, 100 * i.high);
}

static size_t kept_count(const struct examples *x)
{
	size_t kept = 0;

	for (size_t i = 0; i < x->n; i++)
		kept += x->splits[i] <= SPLIT_TEST;
	return kept;
}

static bool enough(struct examples *x)
{
	size_t kept = kept_count(x);
	struct buf now = { 0 }, then = { 0 };

	if (kept >= EXAMPLES_LEAST)
		return true;
	precision_add(&now, kept);
	precision_add(&then, 200);
	fail(x, "%zu different examples are fewer than the %d a climb needs; even if all of them were test examples, "
	     "%s (95 %% interval), so only large differences could be shown; label more (200: %s)",
	     kept, EXAMPLES_LEAST, buf_text(&now), buf_text(&then));
	buf_release(&now);
	buf_release(&then);
	return false;
}

/* Examples of one split, shuffled; drawn test items behind the others, whose order does not change by them. */
static struct item_list list_of(struct examples *x, enum split split, uint64_t seed)
{
	size_t n_own = x->f->task.n_rows - x->f->task.n_collected, own = 0;
	static const char *const streams[] = { "order-pool", "order-dev", "order-test" };
	size_t *rows = mem_alloc(x->n * sizeof(*rows)), n = 0;
	const struct example **items;
	struct rng rng;

	for (size_t i = 0; i < x->n; i++)
		if (x->splits[i] == split) {
			own += i < n_own || split != SPLIT_TEST;
			rows[n++] = i;
		}
	rng_init(&rng, seed, streams[split]);
	rng_shuffle(&rng, rows, own);
	rng_shuffle(&rng, rows + own, n - own);
	items = arena_array(&x->f->task.arena, n, sizeof(*items));
	for (size_t i = 0; i < n; i++)
		items[i] = &x->items[rows[i]];
	free(rows);
	return (struct item_list){ items, n };
}

/* Takes the items for the threshold of a cascade out of dev, groups whole. Of pool they would be missed most, and test has to stay what the
 * verdict is about; dev chooses, which takes fewer items than proving does. */
static void set_aside(struct examples *x, uint64_t seed)
{
	struct task *t = &x->f->task;
	struct item_list dev = t->dev.list;
	size_t *group = arena_array(&x->scratch, dev.n, sizeof(*group)), *order = arena_array(&x->scratch, dev.n, sizeof(*order)), n = 0;
	const struct example **aside = arena_array(&t->arena, dev.n, sizeof(*aside)), **rest = arena_array(&t->arena, dev.n, sizeof(*rest));
	double wanted = t->cascade.share * (double)dev.n;

	for (size_t i = 0; i < dev.n; i++)
		group[i] = dev.items[i]->group;
	order_shuffle(order, group, dev.n, seed, "aside");
	for (; n < dev.n && ((double)n < wanted || group[order[n]] == group[order[n - 1]]); n++)
		aside[n] = dev.items[order[n]];
	for (size_t i = n; i < dev.n; i++)
		rest[i - n] = dev.items[order[i]];
	t->aside.list = (struct item_list){ aside, n };
	t->dev.list = (struct item_list){ rest, dev.n - n };
	if (n < cascade_fewest(&t->cascade.rule))
		examples_warn(x, "%zu examples are set aside for the cascade, and it takes %zu that are all right to show a risk of %g at alpha %g: no "
			      "threshold can pass; label more, or set more aside", n, cascade_fewest(&t->cascade.rule), t->cascade.rule.level,
			      t->cascade.rule.alpha);
}

static void drops_count(struct examples *x)
{
	struct task *t = &x->f->task;
	bool given = x->split < x->table.n_columns;

	for (size_t i = 0; i < t->n_rows - t->n_collected; i++) {
		t->n_duplicates += x->splits[i] == SPLIT_DUPLICATE;
		t->n_straddling += x->splits[i] == SPLIT_STRADDLING;
	}
	if (t->n_duplicates)
		examples_warn(x, "%zu duplicate%s dropped: %s", t->n_duplicates, t->n_duplicates == 1 ? " is" : "s are",
		     given ? "their texts stand in a later split too" : "their texts stand in an earlier row");
	if (t->n_straddling)
		examples_warn(x, "%zu example%s dropped: their group stands in a later split too", t->n_straddling,
		     t->n_straddling == 1 ? " is" : "s are");
}

static bool lists_fill(struct examples *x, uint64_t seed)
{
	struct task *t = &x->f->task;
	struct buf precision = { 0 };

	t->pool.list = list_of(x, SPLIT_POOL, seed);
	t->dev.list = list_of(x, SPLIT_DEV, seed);
	t->test.list = list_of(x, SPLIT_TEST, seed);
	if (t->cascade.wanted && t->dev.list.n > 0)
		set_aside(x, seed);
	drops_count(x);
	if (t->cascade.wanted && !t->dev.list.n && t->aside.list.n)
		return fail(x, "cascade would set aside all %zu dev examples, and none would be left to choose by; set less aside, form smaller groups, or "
			    "label more", t->aside.list.n);
	if (!t->pool.list.n || !t->dev.list.n || !t->test.list.n)
		return fail(x, "the splits would have %zu pool, %zu dev and %zu test examples, and none may be empty; "
			    "label more, form smaller groups, or change the split column",
			    t->pool.list.n, t->dev.list.n, t->test.list.n);
	if (t->test.list.n >= 100)
		return true;
	precision_add(&precision, t->test.list.n);
	examples_warn(x, "%zu test examples are few: %s", t->test.list.n, buf_text(&precision));
	buf_release(&precision);
	return true;
}

bool examples_split(struct examples *x, const struct template *input, uint64_t seed)
{
	struct task *t = &x->f->task;
	bool given = x->split < x->table.n_columns;

	if (!examples_number(x, input, &x->texts, 0))
		return false;
	groups_number(x);
	if (given && !given_splits_read(x))
		return false;
	conflicts_warn(x);
	agreement_fill(x);
	split_assign(x->roles, x->n, t->n_labels ? t->n_labels : 1, given, seed, x->splits);
	if (!enough(x) || (x->collected && !collected_join(x, input)) || !lists_fill(x, seed))
		return false;
	const char **warnings = arena_array(&t->arena, x->n_warnings, sizeof(*warnings));

	for (size_t i = 0; i < x->n_warnings; i++)
		warnings[i] = x->warnings[i];
	t->warnings = warnings;
	t->n_warnings = x->n_warnings;
	return true;
}
