/* guess.c - which column is what: by its name where a common one is there, else by its values. */
#include <ctype.h>
#include <strings.h>

#include "base/hash.h"
#include "task/import.h"
#include "task/mention.h"

/* In the order in which they are believed. */
static const char *const answer_names[] = {
	"label", "labels", "answer", "answers", "expected", "expected_output", "__expected", "target", "gold_label", "category", "categories",
	"class", "intent", "sentiment", "topic", "code", "codes", "tag", "tags", "output", "completion", "response", "summary", "reference",
	"ground_truth", "y", NULL,
};
static const char *const id_names[] = { "id", "_id", "uid", "uuid", "guid", "key", "example_id", "item_id", "item", NULL };
static const char *const split_names[] = { "split", "set", "fold", "partition", "subset", NULL };
static const char *const group_names[] = { "group", "thread", "thread_id", "conversation", "conversation_id", "session", "session_id",
					   "patient", "patient_id", "user", "user_id", "customer", "customer_id", "document_id", NULL };
static const char *const split_words[] = { "train", "pool", "dev", "validation", "test", NULL };

static bool among(const char *const *names, const char *name)
{
	for (size_t i = 0; names[i]; i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return false;
}

static size_t named(const struct table *t, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		for (size_t c = 0; c < t->n_columns; c++)
			if (strcasecmp(names[i], t->columns[c]) == 0)
				return c;
	return t->n_columns;
}

static size_t column_of(const struct table *t, const char *name)
{
	size_t c = 0;

	while (c < t->n_columns && strcmp(t->columns[c], name) != 0)
		c++;
	return c;
}

struct column_facts {
	size_t filled, different;
	double words, bytes; /* means over the rows that have a value */
};

static size_t words_in(const char *text)
{
	size_t n = 0;

	for (size_t i = 0; text[i]; i++)
		n += !isspace((unsigned char)text[i]) && (i == 0 || isspace((unsigned char)text[i - 1]));
	return n;
}

static struct column_facts facts_of(const struct table *t, size_t column)
{
	struct column_facts f = { 0 };
	struct hash_map seen = { 0 };

	for (size_t i = 0; i < t->n_rows; i++) {
		const char *value = t->rows[i].values[column];

		if (!value[0])
			continue;
		f.filled++;
		f.words += (double)words_in(value);
		f.bytes += (double)strlen(value);
		hash_map_put(&seen, value, strlen(value), i);
	}
	f.different = seen.n;
	hash_map_release(&seen);
	f.words /= f.filled ? (double)f.filled : 1;
	f.bytes /= f.filled ? (double)f.filled : 1;
	return f;
}

static void guess_split(struct import *x)
{
	const struct table *t = &x->table;
	size_t column = named(t, split_names), wrong = 0;
	bool train = false, test = false;

	if (column == t->n_columns)
		return;
	while (wrong < t->n_rows && among(split_words, t->rows[wrong].values[column])) {
		const char *value = t->rows[wrong++].values[column];

		train |= strcmp(value, "train") == 0 || strcmp(value, "pool") == 0;
		test |= strcmp(value, "test") == 0;
	}
	if (wrong == t->n_rows && train && test) {
		x->split = column;
		import_note(x, "split", t->columns[column], "every value is one of train, pool, dev, validation, test");
	} else {
		import_note(x, "split", "by seed", "column \"%s\" does not mark every example as train or test", t->columns[column]);
	}
}

static void guess_names(struct import *x)
{
	const struct table *t = &x->table;
	size_t id = named(t, id_names), group = named(t, group_names);

	if (id < t->n_columns && id != x->answer) {
		struct column_facts f = facts_of(t, id);

		if (f.filled == t->n_rows && f.different == t->n_rows) {
			x->id = id;
			import_note(x, "id", t->columns[id], "its values all differ");
		}
	}
	if (group < t->n_columns && group != x->answer && group != x->id) {
		struct column_facts f = facts_of(t, group);

		if (f.different > 1 && f.different < f.filled) {
			x->group = group;
			import_note(x, "group", t->columns[group], "%zu values in %zu examples: those of one are kept together", f.different,
				    f.filled);
		}
	}
}

/* The column whose values repeat most, else the last. */
static size_t answer_by_values(const struct import *x, const char **why)
{
	const struct table *t = &x->table;
	size_t best = t->n_columns;
	double least = 0.5; /* different values an example */

	for (size_t c = 0; c < t->n_columns; c++) {
		struct column_facts f = facts_of(t, c);
		double share = f.filled ? (double)f.different / (double)f.filled : 1;

		if (c == x->split || among(id_names, t->columns[c]) || among(group_names, t->columns[c]) || f.filled < t->n_rows)
			continue;
		if (f.different > 1 && f.bytes <= 40 && share < least) {
			best = c;
			least = share;
		}
	}
	*why = best < t->n_columns ? "its values are short and repeat most; --answer COLUMN overrules" :
				     "it is the last column; --answer COLUMN overrules";
	return best < t->n_columns ? best : t->n_columns - 1;
}

static bool guess_answer(struct import *x, const char *given, struct error *err)
{
	const struct table *t = &x->table;
	struct buf sentence = { 0 };
	const char *why = "a column of that name usually holds the answer";

	if (given) {
		x->answer = column_of(t, given);
		if (x->answer < t->n_columns)
			return true;
		buf_addf(&sentence, "%s: --answer ", x->path);
		mention_value(&sentence, given);
		buf_adds(&sentence, " is not a column; there are ");
		mention_names(&sentence, given, t->columns, t->n_columns);
		error_set(err, "%s", buf_text(&sentence));
		buf_release(&sentence);
		return false;
	}
	x->answer = named(t, answer_names);
	if (x->answer == t->n_columns)
		x->answer = answer_by_values(x, &why);
	import_note(x, "answer", t->columns[x->answer], "%s", why);
	return true;
}

static bool is_role(const struct import *x, size_t c)
{
	return c == x->answer || c == x->id || c == x->split || c == x->group;
}

/* Texts, else all that varies: a column of single words beside a text (its source, a number) is rarely part of the question. */
static void guess_inputs(struct import *x)
{
	const struct table *t = &x->table;
	struct buf names = { 0 }, others = { 0 };
	struct column_facts *facts = arena_array(x->arena, t->n_columns, sizeof(*facts));
	bool texts = false;

	x->inputs = arena_array(x->arena, t->n_columns, sizeof(*x->inputs));
	for (size_t c = 0; c < t->n_columns; c++) {
		facts[c] = facts_of(t, c);
		texts |= !is_role(x, c) && facts[c].words >= 2 && facts[c].different > 1;
	}
	for (size_t c = 0; c < t->n_columns; c++) {
		bool taken = !is_role(x, c) && facts[c].different > 1 && (!texts || facts[c].words >= 2) &&
			     !(among(id_names, t->columns[c]) && facts[c].different == t->n_rows);
		struct buf *list = taken ? &names : &others;

		if (taken)
			x->inputs[x->n_inputs++] = c;
		if (!is_role(x, c))
			buf_addf(list, "%s%s", list->n ? ", " : "", t->columns[c]);
	}
	if (x->n_inputs)
		import_note(x, "input", arena_string(x->arena, buf_text(&names)), "%s%s%s", texts ? "texts of several words" : "they vary",
			    others.n ? "; left out, because they are single words or do not vary: " : "", buf_text(&others));
	buf_release(&names);
	buf_release(&others);
}

/* Those that the reader's template names. */
static void inputs_named(struct import *x)
{
	x->inputs = arena_array(x->arena, x->table.n_columns, sizeof(*x->inputs));
	for (size_t c = 0; c < x->table.n_columns; c++)
		if (strstr(x->input, arena_printf(x->arena, "{{%s}}", x->table.columns[c])))
			x->inputs[x->n_inputs++] = c;
}

bool guess_columns(struct import *x, const struct import_options *o, struct error *err)
{
	const struct table *t = &x->table;

	x->id = x->split = x->group = t->n_columns;
	if (t->n_columns < 2)
		return error_set(err, "%s: has one column, \"%.80s\"; examples need an input and its answer", x->path,
				 t->n_columns ? t->columns[0] : "");
	guess_split(x);
	if (!guess_answer(x, o->answer, err))
		return false;
	if (x->answer == x->split)
		x->split = t->n_columns;
	guess_names(x);
	if (x->input) {
		inputs_named(x);
		return true;
	}
	guess_inputs(x);
	return x->n_inputs ||
	       error_set(err, "%s: beside the answer \"%.80s\" no column varies that could be the input; name another with --answer",
					x->path, t->columns[x->answer]);
}
