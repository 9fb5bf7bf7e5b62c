/* exchange.c - answers of all candidates side by side, and of them the items on which two that are compared differ. */
#include "report/exchange.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "eval/answers.h"
#include "task/scorer.h"
#include "task/template.h"

enum { INPUT_SHOWN = 1000, ANSWER_SHOWN = 600 }; /* characters; `rung show` has all of them */

struct gathering {
	const struct task *task;
	struct store *store;
	int64_t run;
	struct arena *arena;
	struct report *report;
	struct report_pair *pairs;
	size_t n_pairs;
	const struct report_variant **sides; /* (n_sides) */
	size_t n_sides;
	const struct answer_row ***rows;     /* (n_sides) of each by item, as in `items`; NULL where it was not asked */
	const struct example **items;        /* (n_items) in the order of the file */
	size_t n_items;
};

static size_t side_of(struct gathering *g, const char *id)
{
	const struct report_variant *v = report_find(g->report, id);

	for (size_t i = 0; i < g->n_sides; i++)
		if (g->sides[i] == v)
			return i;
	g->sides[g->n_sides] = v;
	return g->n_sides++;
}

static bool has_pair(const struct gathering *g, const char *from, const char *to)
{
	for (size_t i = 0; i < g->n_pairs; i++)
		if (strcmp(g->sides[g->pairs[i].from]->id, from) == 0 && strcmp(g->sides[g->pairs[i].to]->id, to) == 0)
			return true;
	return false;
}

static void add_pair(struct gathering *g, const char *from, const char *to)
{
	if (!has_pair(g, from, to) && report_find(g->report, from) && report_find(g->report, to))
		g->pairs[g->n_pairs++] = (struct report_pair){ .from = side_of(g, from), .to = side_of(g, to) };
}

/* The candidate of the next lower rung that was asked the test items. */
static const struct report_variant *below(const struct report *r, const struct report_variant *winner)
{
	const struct report_variant *found = NULL;

	for (size_t i = 0; i < r->n_variants; i++) {
		const struct report_variant *v = &r->variants[i];

		if (v->candidate && v->test.n > 0 && v->rung < winner->rung && (!found || v->rung > found->rung))
			found = v;
	}
	return found;
}

static void choose_pairs(struct gathering *g)
{
	const struct report *r = g->report;
	const struct report_variant *winner = report_winner(r), *lower = winner ? below(r, winner) : NULL;

	size_t most = r->n_comparisons + r->n_switching + 1;

	g->pairs = arena_array(g->arena, most, sizeof(*g->pairs));
	g->sides = arena_array(g->arena, 2 * most, sizeof(*g->sides));
	for (size_t i = 0; i < r->n_comparisons; i++)
		add_pair(g, r->comparisons[i].from, r->comparisons[i].to);
	if (lower)
		add_pair(g, lower->id, winner->id);
	for (size_t i = 0; i < r->n_switching; i++)
		if (r->switching[i].split == SWITCH_TEST && !has_pair(g, r->switching[i].to->id, r->switching[i].from->id))
			add_pair(g, r->switching[i].from->id, r->switching[i].to->id);
}

static int by_line(const void *a, const void *b)
{
	size_t x = (*(const struct example *const *)a)->line, y = (*(const struct example *const *)b)->line;

	return (x > y) - (x < y);
}

static void order_items(struct gathering *g)
{
	struct item_list test = g->task->test.list;

	g->n_items = test.n;
	g->items = arena_array(g->arena, test.n, sizeof(const struct example *));
	memcpy(g->items, test.items, test.n * sizeof(const struct example *));
	qsort(g->items, test.n, sizeof(const struct example *), by_line);
}

static bool load_rows(struct gathering *g, struct error *err)
{
	const struct item_list items = { g->items, g->n_items };

	g->rows = arena_array(g->arena, g->n_sides, sizeof(*g->rows));
	for (size_t side = 0; side < g->n_sides; side++)
		if (!answers_of(g->store, g->run, g->sides[side]->id, "test", items, g->arena, &g->rows[side], err))
			return false;
	return true;
}

static const char *shortened(struct arena *arena, const char *text, size_t most)
{
	size_t n = strlen(text), bad, fits;

	if (n <= most || !text_valid(text, n, &bad))
		return text;
	fits = text_first(text, n, most);
	return fits < n ? arena_printf(arena, "%.*s\u2026", (int)fits, text) : text;
}

static struct report_side answer_of(struct gathering *g, size_t side, size_t item)
{
	const struct answer_row *row = g->rows[side][item];

	if (!row)
		return (struct report_side){ .score = NAN };
	return (struct report_side){
		.answer = row->answer ? shortened(g->arena, row->answer, ANSWER_SHOWN) : NULL, .status = row->status,
		.score = scorer_grade(g->task, g->items[item], row->answer),
	};
}

/* Into whose hands the item came: 1 the challenger's, -1 the other's, 0 nobody's. */
static int handed(const struct report *r, bool binary, const struct report_side *sides, const struct report_pair *p)
{
	double gain = sides[p->to].score - sides[p->from].score, least = binary || isnan(r->margin) ? 0 : r->margin;

	return gain > least ? 1 : gain < -least ? -1 : 0;
}

static void add_item(struct gathering *g, size_t at, const struct template *input, bool binary, struct report_item *items)
{
	struct report_exchange *x = &g->report->exchange;
	struct report_side *sides = arena_array(g->arena, g->n_sides, sizeof(*sides));
	signed char *changed = arena_array(g->arena, g->n_pairs, sizeof(*changed));
	struct buf text = { 0 };
	bool any = false;

	for (size_t i = 0; i < g->n_sides; i++)
		sides[i] = answer_of(g, i, at);
	for (size_t i = 0; i < g->n_pairs; i++) {
		changed[i] = (signed char)handed(g->report, binary, sides, &g->pairs[i]);
		g->pairs[i].gained += changed[i] > 0;
		g->pairs[i].lost += changed[i] < 0;
		any |= changed[i] != 0;
	}
	if (any && x->n_items < EXCHANGE_MOST) {
		template_render(input, g->items[at], &text);
		items[x->n_items++] = (struct report_item){
			.id = g->items[at]->id, .input = shortened(g->arena, arena_string(g->arena, buf_text(&text)), INPUT_SHOWN),
			.expected = g->items[at]->answer, .sides = sides, .changed = changed,
		};
	} else if (any) {
		x->left_out++;
	}
	buf_release(&text);
}

bool exchange_build(const struct task *task, struct store *store, int64_t run, struct arena *arena, struct report *report,
		    struct error *err)
{
	struct gathering g = { .task = task, .store = store, .run = run, .arena = arena, .report = report };
	const struct template *input = template_compile(arena, task, task->input, task->file, err);

	choose_pairs(&g);
	if (!input)
		return false;
	if (g.n_pairs == 0)
		return true;
	order_items(&g);
	if (!load_rows(&g, err))
		return false;
	struct report_item *items = arena_array(arena, g.n_items < EXCHANGE_MOST ? g.n_items : EXCHANGE_MOST, sizeof(*items));

	report->exchange = (struct report_exchange){ .pairs = g.pairs, .n_pairs = g.n_pairs, .sides = g.sides, .n_sides = g.n_sides,
						     .items = items, .binary = scorer_is_binary(task) };
	for (size_t i = 0; i < g.n_items; i++)
		add_item(&g, i, input, report->exchange.binary, items);
	return true;
}
