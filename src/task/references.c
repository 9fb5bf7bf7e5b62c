/* references.c - right answers beside the first, and where in the documents an answer stands. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "task/examples.h"
#include "task/grades.h"
#include "task/mention.h"
#include "task/objects.h"
#include "task/style.h"

/* A string, or a number as it is written; NULL for anything else. */
static const char *scalar_text(struct arena *arena, const json_t *value)
{
	if (json_is_string(value))
		return arena_string(arena, json_string_value(value));
	if (!json_is_number(value))
		return NULL;
	char *written = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	const char *text = arena_string(arena, written);

	free(written);
	return text;
}

bool references_array(struct arena *arena, const char *text, const char *const **strings, size_t *n)
{
	json_t *array = text[0] == '[' ? json_loads(text, 0, NULL) : NULL;
	const char **list = arena_array(arena, json_array_size(array) + 1, sizeof(*list));
	bool all = json_is_array(array);
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		list[i] = scalar_text(arena, item);
		all = all && list[i];
	}
	*strings = list;
	*n = json_array_size(array);
	json_decref(array);
	return all;
}

/* ["2046", "the year 2046"]: each is right. An empty array is an empty answer. */
static void answers_read(struct examples *x, struct example *e)
{
	if (!references_array(&x->f->task.arena, e->answer, &e->answers, &e->n_answers)) {
		e->n_answers = 0;
		e->answer += strspn(e->answer, " \t\r\n"); /* blanks alone are no answer */
		return;
	}
	e->answer = e->n_answers > 0 ? e->answers[0] : "";
}

static void gold_read(struct examples *x, struct example *e)
{
	const char *ids = x->gold_ids < x->table.n_columns ? e->values[x->gold_ids] : "";
	struct arena *arena = &x->f->task.arena;

	if (x->gold < x->table.n_columns)
		e->gold = e->values[x->gold];
	if (!ids[0] || references_array(arena, ids, &e->gold_ids, &e->n_gold_ids))
		return;
	const char **one = arena_array(arena, 1, sizeof(*one));

	one[0] = ids;
	e->gold_ids = one;
	e->n_gold_ids = 1;
}

/* What a person said of an answer; one that the row does not have was not graded. */
static bool human_read(struct examples *x, struct example *e)
{
	const char *grade = x->human < x->table.n_columns ? e->values[x->human] : "";
	struct buf said = { 0 };

	e->human = NAN;
	if (x->human == x->table.n_columns)
		return true;
	e->graded = x->graded == x->answer ? e->answer : e->values[x->graded];
	if (grades_read_human(grade, &e->human))
		return true;
	mention_value(&said, grade);
	table_fail(&x->table, e->line, x->err, "human %s is no grade; a number from 0 to 1 is wanted, right or wrong, or nothing", buf_text(&said));
	buf_release(&said);
	return false;
}

bool references_fill(struct examples *x)
{
	size_t answered = 0;

	for (size_t i = 0; i < x->n; i++) {
		struct example *e = &x->items[i];

		if (x->f->task.kind == TASK_ANSWER)
			answers_read(x, e);
		if (x->f->task.validator && !object_fill(x, e))
			return false;
		if (!style_check(x, e))
			return false;
		gold_read(x, e);
		if (!human_read(x, e))
			return false;
		answered += e->answer[0] != 0;
	}
	if (answered == 0 && !x->more)
		return error_set(x->err, "%s: every answer (column \"%s\") is empty; an empty one means that the documents do not "
				 "answer the question", x->table.path, x->f->answer);
	return true;
}
