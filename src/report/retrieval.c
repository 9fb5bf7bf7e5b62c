/* retrieval.c - recall, citations and causes of failure. */
#include "report/retrieval.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "stats/ranking.h"
#include "task/scorer.h"
#include "task/template.h"

const char *const report_cause_names[N_CAUSES] = {
	[CAUSE_ABSTAINED] = "abstained though the documents answer",
	[CAUSE_NOT_ABSTAINED] = "answered though the documents do not",
	[CAUSE_NOT_RETRIEVED] = "not retrieved",
	[CAUSE_UNUSED] = "retrieved but unused",
	[CAUSE_DESPITE] = "wrong despite the passage",
};

enum { WRONG_BELOW_PERCENT = 50 }; /* of a graded score */

static bool cites_gold(const struct evidence *e, size_t *right)
{
	*right = 0;
	for (size_t i = 0; i < e->n_citations; i++)
		*right += e->gold[e->citations[i].passage];
	return *right > 0;
}

static bool shows_gold(const struct evidence *e)
{
	for (size_t i = 0; i < e->n_passages; i++)
		if (e->gold[i])
			return true;
	return false;
}

static enum report_cause cause_of(const struct example *item, const char *answer, const struct evidence *e)
{
	size_t right;

	if (!item->answer[0])
		return CAUSE_NOT_ABSTAINED;
	if (!answer[0])
		return e->gold && !shows_gold(e) ? CAUSE_NOT_RETRIEVED : CAUSE_ABSTAINED;
	if (e->gold && !shows_gold(e))
		return CAUSE_NOT_RETRIEVED;
	return e->gold && !cites_gold(e, &right) ? CAUSE_UNUSED : CAUSE_DESPITE;
}

/* A reply that broke off is no answer, and `outcomes` counts it. */
static bool is_wrong(const struct task *task, const struct example *item, const char *answer)
{
	return answer && scorer_grade(task, item, answer) * 100 < WRONG_BELOW_PERCENT;
}

/* Sums while the answers are read. */
struct sums {
	double recall, ndcg, reciprocal;
	size_t answered, cited, judged, right; /* answers to questions with gold, those that cite it; citations, those of gold */
};

static void add_answer(struct report_retrieval *r, struct sums *s, const struct answer_row *a, const struct evidence *e,
		       struct arena *arena)
{
	bool *relevant = arena_array(arena, e->n_passages + 1, sizeof(*relevant));
	size_t right;

	r->n++;
	r->citations += e->n_citations;
	r->failed += e->failed;
	if (!e->gold)
		return;
	evidence_relevant(e, relevant);
	r->n_gold++;
	s->recall += fmin(1, ranking_recall(relevant, e->n_passages, e->n_gold, e->n_passages));
	s->ndcg += fmin(1, ranking_ndcg(relevant, e->n_passages, e->n_gold, e->n_passages));
	s->reciprocal += ranking_reciprocal(relevant, e->n_passages, e->n_gold);
	if (!a->answer || !a->answer[0])
		return;
	s->answered++;
	s->cited += cites_gold(e, &right);
	s->judged += e->n_citations;
	s->right += right;
}

static double share(double part, size_t whole)
{
	return whole > 0 ? part / (double)whole : NAN;
}

/* Positions of items by id. */
static struct hash_map index_items(struct item_list items)
{
	struct hash_map by_id = { 0 };

	for (size_t i = 0; i < items.n; i++)
		hash_map_put(&by_id, items.items[i]->id, strlen(items.items[i]->id), i);
	return by_id;
}

struct report_retrieval retrieval_of(const struct task *task, struct item_list items, const struct answer_row *rows, size_t n,
				     struct arena *arena)
{
	struct hash_map by_id = index_items(items);
	struct report_retrieval r = { 0 };
	struct sums s = { 0 };

	for (size_t i = 0; i < n; i++) {
		size_t at = hash_map_get(&by_id, rows[i].item, strlen(rows[i].item), SIZE_MAX);
		struct evidence e;

		if (at == SIZE_MAX || !evidence_read(rows[i].evidence, &e, arena))
			continue;
		add_answer(&r, &s, &rows[i], &e, arena);
		if (is_wrong(task, items.items[at], rows[i].answer))
			r.causes[cause_of(items.items[at], rows[i].answer, &e)]++;
	}
	hash_map_release(&by_id);
	if (task->kind != TASK_ANSWER && r.n_gold == 0)
		return (struct report_retrieval){ 0 }; /* labels cite nothing: there is nothing to say */
	r.recall = share(s.recall, r.n_gold);
	r.ndcg = share(s.ndcg, r.n_gold);
	r.reciprocal = share(s.reciprocal, r.n_gold);
	r.citation_recall = share((double)s.cited, s.answered);
	r.citation_precision = share((double)s.right, s.judged);
	return r;
}

static const char *question_of(const struct task *task, const struct example *item, struct arena *arena)
{
	struct error impossible; /* task_open() compiled the same template */
	struct template *input = template_compile(arena, task, task->input, "input", &impossible);
	struct buf text = { 0 };

	template_values(input, item, &text);
	const char *copy = arena_copy(arena, buf_text(&text), text.n);

	buf_release(&text);
	return copy;
}

static int by_cause(const void *a, const void *b)
{
	const struct report_answer *x = a, *y = b;

	return x->cause != y->cause ? (x->cause > y->cause) - (x->cause < y->cause) : strcmp(x->item, y->item);
}

const struct report_answer *retrieval_answers(const struct task *task, struct item_list items,
						const struct answer_row *rows, size_t n, struct arena *arena, size_t *n_answers)
{
	struct hash_map by_id = index_items(items);
	struct report_answer *list = arena_array(arena, n + 1, sizeof(*list));
	size_t found = 0, kept = 0, of_cause = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = hash_map_get(&by_id, rows[i].item, strlen(rows[i].item), SIZE_MAX);
		struct evidence *e = arena_alloc(arena, sizeof(*e));

		if (at == SIZE_MAX || !evidence_read(rows[i].evidence, e, arena))
			continue;
		bool wrong = is_wrong(task, items.items[at], rows[i].answer);

		if (!wrong && (!rows[i].answer || e->n_citations == 0))
			continue;
		list[found++] = (struct report_answer){
			.cause = wrong ? cause_of(items.items[at], rows[i].answer, e) : CAUSE_NONE, .item = items.items[at]->id,
			.question = question_of(task, items.items[at], arena), .expected = items.items[at]->answer,
			.answer = rows[i].answer, .evidence = e,
		};
	}
	hash_map_release(&by_id);
	qsort(list, found, sizeof(*list), by_cause);
	for (size_t i = 0; i < found; i++) {
		of_cause = i > 0 && list[i].cause == list[i - 1].cause ? of_cause + 1 : 0;
		if (of_cause < ANSWERS_SHOWN)
			list[kept++] = list[i];
	}
	*n_answers = kept;
	return list;
}
