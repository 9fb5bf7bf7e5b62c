/* classes.c - counts of each label, and what is made of them. */
#include "report/classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/answers.h"
#include "task/label_sets.h"

static const double far_below = 0.1; /* of the score: worth a sentence */

static double share(size_t part, size_t whole)
{
	return whole > 0 ? (double)part / (double)whole : NAN;
}

static int commonest_first(const void *a, const void *b)
{
	const struct report_class *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

struct report_classes classes_of(struct arena *arena, const char *const *labels, size_t n_labels, const size_t *want, const size_t *given,
				 const size_t *both)
{
	struct report_class *list = arena_array(arena, n_labels, sizeof(*list));
	struct report_classes c = { .list = list };

	for (size_t i = 0; i < n_labels; i++) {
		if (want[i] + given[i] == 0)
			continue;
		struct report_class *one = &list[c.n++];

		*one = (struct report_class){ .label = labels[i], .index = i, .n = want[i], .given = given[i], .right = both[i],
					      .precision = share(both[i], given[i]), .recall = share(both[i], want[i]),
					      .f1 = share(2 * both[i], want[i] + given[i]) };
		if (want[i] == 0)
			continue;
		c.tested++;
		c.precision += isnan(one->precision) ? 0 : one->precision; /* never given: it found none */
		c.recall += one->recall;
		c.f1 += one->f1;
	}
	double n = c.tested > 0 ? (double)c.tested : NAN;

	c.precision /= n;
	c.recall /= n;
	c.f1 /= n;
	qsort(list, c.n, sizeof(*list), commonest_first);
	return c;
}

struct counts {
	size_t *want, *given, *both; /* (n_labels) */
};

static void count_confusion(const struct report *r, struct counts *c)
{
	for (size_t i = 0; i < r->n_labels; i++)
		for (size_t k = 0; k <= r->n_labels; k++) {
			size_t n = r->confusion[i * (r->n_labels + 1) + k];

			c->want[i] += n;
			if (k < r->n_labels)
				c->given[k] += n;
			c->both[i] += i == k ? n : 0;
		}
}

static void count_sets(const struct task *task, const struct answer_row *const *rows, size_t *labels, struct counts *c)
{
	for (size_t i = 0; i < task->test.list.n; i++) {
		const struct example *e = task->test.list.items[i];
		size_t given = rows[i] ? label_set_read(task, rows[i]->answer, labels) : 0;

		for (size_t k = 0; rows[i] && k < e->n_labels; k++)
			c->want[e->labels[k]]++;
		for (size_t k = 0; k < given; k++) {
			c->given[labels[k]]++;
			for (size_t j = 0; j < e->n_labels; j++)
				c->both[labels[k]] += e->labels[j] == labels[k];
		}
	}
}

bool classes_confusion(const struct task *task, struct store *store, int64_t run, const char *variant, const char *split,
		       struct item_list items, struct arena *arena, size_t *counts, struct error *err)
{
	const struct answer_row **rows;

	if (!answers_of(store, run, variant, split, items, arena, &rows, err))
		return false;
	for (size_t i = 0; i < items.n; i++)
		if (rows[i])
			counts[items.items[i]->label * (task->n_labels + 1) + task_label(task, rows[i]->answer)]++;
	return true;
}

bool classes_build(const struct task *task, struct store *store, int64_t run, struct arena *arena, struct report *report,
		   struct error *err)
{
	const struct report_variant *winner = report_winner(report);
	struct counts c;
	const struct answer_row **rows;
	size_t n = report->n_labels;

	if (!winner || n == 0 || winner->test.n == 0 || (!report->confusion && !task->many))
		return true;
	c = (struct counts){ arena_array(arena, n, sizeof(size_t)), arena_array(arena, n, sizeof(size_t)),
			     arena_array(arena, n, sizeof(size_t)) };
	if (report->confusion)
		count_confusion(report, &c);
	else if (answers_of(store, run, winner->id, "test", task->test.list, arena, &rows, err))
		count_sets(task, rows, arena_array(arena, n, sizeof(size_t)), &c);
	else
		return false;
	report->classes = classes_of(arena, report->labels, n, c.want, c.given, c.both);
	return true;
}

const char *classes_sentence(const struct report *r, struct arena *arena)
{
	const struct report_variant *w = report_winner(r);
	const struct report_class *worst = NULL;
	bool many = w && w->micro.n > 0;
	double score = many ? w->micro.f1 : r->verdict.score;

	if (!w || r->classes.tested < 2 || !(r->classes.f1 < score - far_below))
		return NULL;
	for (size_t i = 0; i < r->classes.n; i++) /* the commonest of those that fare worst */
		if (r->classes.list[i].n > 0 && (!worst || r->classes.list[i].f1 < worst->f1))
			worst = &r->classes.list[i];
	if (!worst)
		return NULL;
	return arena_printf(arena, "%s does worse on rarer labels: F1 is %.1f %% as a mean over the %zu labels of the test items "
			    "(macro-averaged), "
			    "%s %.1f %%; %s has F1 %.1f %% on %zu items.", w->name, 100 * r->classes.f1, r->classes.tested,
			    many ? "and over all of them together" : "where its share of right answers is", 100 * score,
			    worst->label,
			    100 * worst->f1, worst->n);
}
