/* lenient.c - one reading for each kind of answer, tried only where the strict one found nothing or less */
#include "prompt/lenient.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/text.h"
#include "schema/repair.h"
#include "schema/validator.h"
#include "task/label_sets.h"
#include "task/scorer.h"
#include "task/style.h"

/* --- labels -------------------------------------------------------------------------------------------------------- */

/* Where the label's name stands in the reply, both normalised, outside longer names: the first place, or the last. */
static const char *label_place(const char *const *names, size_t n, size_t label, const char *reply, bool last)
{
	const char *found = NULL;

	for (const char *p = text_find_words(reply, names[label]); p; p = text_find_words(p + strlen(names[label]), names[label])) {
		bool inside = false;

		for (size_t i = 0; i < n && !inside; i++) {
			size_t longer = strlen(names[i]);
			const char *q = longer > strlen(names[label]) ? text_find_words(reply, names[i]) : NULL;

			for (; q && q <= p && !inside; q = text_find_words(q + longer, names[i]))
				inside = p + strlen(names[label]) <= q + longer;
		}
		if (!inside && (!found || last))
			found = p;
	}
	return found;
}

/* "automatic" and "automated": the same but for their last three letters, and most of the shorter one. */
static bool same_stem(const char *a, size_t n, const char *b, size_t m)
{
	size_t shorter = n < m ? n : m, longer = n < m ? m : n, common = 0;

	while (common < shorter && a[common] == b[common])
		common++;
	return common == longer || (common >= 4 && longer - common <= 3);
}

static bool has_stem(const char *text, const char *word, size_t n)
{
	for (const char *p = text + strspn(text, " "); *p; p += strspn(p, " ")) {
		size_t m = strcspn(p, " ");

		if (same_stem(p, m, word, n))
			return true;
		p += m;
	}
	return false;
}

/* Whether the reply has a word that this label has and no other does. */
static bool shares_own_word(const char *const *names, size_t n, size_t label, const char *reply)
{
	for (const char *word = names[label]; *word; word += strspn(word, " ")) {
		size_t length = strcspn(word, " ");
		bool own = length >= 4 && has_stem(reply, word, length);

		for (size_t i = 0; i < n && own; i++)
			own = i == label || !has_stem(names[i], word, length);
		if (own)
			return true;
		word += length;
	}
	return false;
}

static const char *const *label_names(const struct task *task, struct arena *arena)
{
	const char **names = arena_array(arena, task->n_labels + 1, sizeof(*names));

	for (size_t i = 0; i < task->n_labels; i++)
		names[i] = text_normal(arena, task->labels[i].name, strlen(task->labels[i].name));
	return names;
}

/* The label that the reply means; task->n_labels: none, or more than one. */
static size_t label_meant(const struct task *task, const char *text, bool reasoned, struct arena *arena)
{
	const char *const *names = label_names(task, arena), *reply = text_normal(arena, text, strlen(text)), *best = NULL;
	size_t meant = task->n_labels, sharing = 0;

	for (size_t i = 0; i < task->n_labels; i++) {
		const char *p = label_place(names, task->n_labels, i, reply, reasoned);

		if (p && (!best || (reasoned ? p > best : p < best))) {
			best = p;
			meant = i;
		}
	}
	for (size_t i = 0; i < task->n_labels && !best; i++)
		if (shares_own_word(names, task->n_labels, i, reply)) {
			meant = i;
			sharing++;
		}
	return best || sharing == 1 ? meant : task->n_labels;
}

static double grade_label(const struct task *task, const struct example *e, const char *reply, bool reasoned, struct arena *arena)
{
	size_t label = label_meant(task, reply, reasoned, arena);

	return label < task->n_labels ? scorer_grade(task, e, task->labels[label].name) : 0;
}

static double grade_set(const struct task *task, const struct example *e, const char *text, struct arena *arena)
{
	const char *const *names = label_names(task, arena), *reply = text_normal(arena, text, strlen(text));
	size_t *labels = arena_array(arena, task->n_labels + 1, sizeof(*labels)), n = 0;

	for (size_t i = 0; i < task->n_labels; i++)
		if (label_place(names, task->n_labels, i, reply, false))
			labels[n++] = i;
	return n > 0 ? scorer_grade(task, e, label_set_text(task, labels, n, arena)) : 0;
}

/* --- objects, answers, texts --------------------------------------------------------------------------------------- */

static double grade_object(const struct task *task, const struct example *e, const char *reply, bool reasoned)
{
	json_t *found = repair_object(reply);
	const json_t *object = reasoned && json_object_get(found, "answer") ? json_object_get(found, "answer") : found;
	struct buf text = { 0 };
	double score = 0;

	if (object && validator_accepts(task->validator, object, NULL)) {
		validator_write(task->validator, object, &text);
		score = scorer_grade(task, e, buf_text(&text));
	}
	buf_release(&text);
	json_decref(found);
	return score;
}

/* Whether the text is a number and at most one word behind it. */
static bool is_number(const char *text)
{
	const char *number = text + strspn(text, " $+-.");
	const char *unit = number + strspn(number, "0123456789.,");

	unit += strspn(unit, " ");
	return number[0] >= '0' && number[0] <= '9' && !strchr(unit, ' ');
}

static bool says(const struct task *task, const struct example *e, const char *right, const char *answer)
{
	struct example one = *e;

	one.answer = right;
	if (is_number(right) && scorer_find("number")->score(task, &one, answer) > 0)
		return true;
	return right[0] && scorer_find("contains")->score(task, &one, answer) > 0;
}

static double grade_answer(const struct task *task, const struct example *e, const char *answer)
{
	if (!e->answer[0] || !answer[0]) /* of abstentions nothing is forgiven */
		return 0;
	if (says(task, e, e->answer, answer))
		return 1;
	for (size_t i = 1; i < e->n_answers; i++)
		if (says(task, e, e->answers[i], answer))
			return 1;
	return 0;
}

static const char *unwrapped(const char *text, size_t n, struct arena *arena)
{
	static const char edges[] = " \t\r\n\"'`*", word[] = "answer:";

	for (size_t before = n + 1; n > 0 && n < before;) {
		before = n;
		while (n > 0 && strchr(edges, *text)) {
			text++;
			n--;
		}
		while (n > 0 && strchr(edges, text[n - 1]))
			n--;
		if (n > strlen(word) && strncasecmp(text, word, strlen(word)) == 0) {
			text += strlen(word);
			n -= strlen(word);
		}
	}
	return arena_copy(arena, text, n);
}

/* The text without what stands around it; under a pattern the first of its lines that matches, NULL: none does. */
static const char *text_meant(const struct task *task, const char *reply, struct arena *arena)
{
	const char *whole = unwrapped(reply, strlen(reply), arena);

	if (!task->pattern || style_matches(task->pattern, whole))
		return whole;
	for (const char *line = reply; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *one = unwrapped(line, strcspn(line, "\n"), arena);

		if (style_matches(task->pattern, one))
			return one;
	}
	return NULL;
}

double lenient_grade(const struct task *task, const struct example *e, const char *answer, const char *reply, bool reasoned)
{
	double strict = scorer_grade(task, e, answer), lenient = 0;
	struct arena arena;

	if (task->grades) /* what the forgiving reading makes of it was put before nobody */
		return strict;
	arena_init(&arena);
	if (task->kind == TASK_CLASSIFY && !answer)
		lenient = task->many ? grade_set(task, e, reply, &arena) : grade_label(task, e, reply, reasoned, &arena);
	else if (task->validator && !answer)
		lenient = grade_object(task, e, reply, reasoned);
	else if (task->kind == TASK_ANSWER)
		lenient = grade_answer(task, e, answer ? answer : reply);
	else if (task->kind == TASK_GENERATE && !task->validator)
		lenient = scorer_grade(task, e, text_meant(task, answer ? answer : reply, &arena));
	arena_release(&arena);
	return fmax(strict, lenient);
}
