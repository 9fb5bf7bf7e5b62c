/* pose.c - names to rungs, items to one order. */
#include "decide/pose.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decide/order.h"

/* The names, or the first of many, for a sentence. `only`: NULL, or the configs to list. */
static const char *listed(struct arena *arena, const struct recorded *r, const char *only)
{
	const char *text = "";
	size_t shown = 0;

	for (size_t i = 0; i < r->n_configurations; i++) {
		const struct recorded_configuration *c = &r->configurations[i];

		if (only && strcmp(c->name, only) != 0 && strcmp(c->config, only) != 0)
			continue;
		if (shown++ == 20)
			return arena_printf(arena, "%s, ...", text);
		text = only ? arena_printf(arena, "%s%smodel \"%s\" with config \"%s\"", text, text[0] ? ", " : "", c->model, c->config)
			    : arena_printf(arena, "%s%s%s", text, text[0] ? ", " : "", c->name);
	}
	return text;
}

/* A whole name first; a config alone where only one model has it. */
static bool find_named(struct arena *arena, const struct recorded *r, const char *name, size_t *found, struct error *err)
{
	size_t whole = 0, short_form = 0, by_config = 0;

	for (size_t i = 0; i < r->n_configurations; i++) {
		if (strcmp(r->configurations[i].name, name) == 0) {
			whole++;
			*found = i;
		} else if (strcmp(r->configurations[i].config, name) == 0) {
			short_form++;
			by_config = i;
		}
	}
	if (whole == 1)
		return true;
	if (whole == 0 && short_form == 1) {
		*found = by_config;
		return true;
	}
	if (whole + short_form == 0)
		return error_set(err, "--ladder: \"%s\" is no configuration of %s, which has %s", name, r->file, listed(arena, r, NULL));
	return error_set(err, "--ladder: \"%s\" may mean %s; %s", name, listed(arena, r, name),
			 whole == 0 ? "name the one that is meant as model/config"
				    : "rename one of them in the file, or name it by its config alone where that is its own");
}

static bool pose_ladder(struct posed *p, const struct recorded *r, const struct pose_settings *s, size_t *numbers,
			struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < s->n_ladder; i++) {
		if (!find_named(arena, r, s->ladder[i], &numbers[i], err))
			return false;
		for (size_t j = 0; j < i; j++)
			if (numbers[j] == numbers[i])
				return error_set(err, "--ladder: \"%s\" stands on it twice", s->ladder[i]);
		p->entrants[i] = (struct entrant_outcomes){ .id = r->configurations[numbers[i]].name, .rung = (int)i };
	}
	p->n = s->n_ladder;
	return true;
}

/* Of the n on the lowest rung the cheapest goes first; where a cost is unknown, the first of the file does. */
static void cheapest_first(struct posed *p, size_t *numbers)
{
	size_t best = 0, n = 1;

	while (n < p->n && p->entrants[n].rung == p->entrants[0].rung)
		n++;
	for (size_t i = 0; i < n; i++) {
		if (isnan(p->entrants[i].usd_per_call))
			return;
		if (p->entrants[i].usd_per_call < p->entrants[best].usd_per_call)
			best = i;
	}
	struct entrant_outcomes first = p->entrants[best];
	size_t number = numbers[best];

	for (size_t i = best; i > 0; i--) {
		p->entrants[i] = p->entrants[i - 1];
		numbers[i] = numbers[i - 1];
	}
	p->entrants[0] = first;
	numbers[0] = number;
}

static void pose_rungs(struct posed *p, const struct recorded *r, size_t *numbers)
{
	for (int rung = 0; rung < RECORDED_RUNGS; rung++)
		for (size_t i = 0; i < r->n_configurations; i++)
			if ((int)r->configurations[i].place == rung) {
				numbers[p->n] = i;
				p->entrants[p->n++] = (struct entrant_outcomes){ .id = r->configurations[i].name, .rung = rung };
			}
}

static bool any_probe(const struct recorded *r)
{
	for (size_t i = 0; i < r->n_configurations; i++)
		if (r->configurations[i].place >= RECORDED_RUNGS)
			return true;
	return false;
}

/* Items that all entrants have; *most: who lacks most of the rest. */
static size_t *common_items(struct posed *p, const struct recorded *r, const size_t *numbers, size_t *n)
{
	size_t *items = mem_alloc(r->n_items * sizeof(*items)), *lacks = mem_zero(p->n, sizeof(*lacks));

	*n = 0;
	for (size_t i = 0; i < r->n_items; i++) {
		bool all = true;

		for (size_t k = 0; k < p->n; k++)
			if (isnan(r->configurations[numbers[k]].score[i])) {
				lacks[k]++;
				all = false;
			}
		if (all)
			items[(*n)++] = i;
	}
	p->left_out = 0;
	for (size_t k = 0; k < p->n; k++)
		if (lacks[k] > lacks[p->lacking])
			p->lacking = k;
	for (size_t i = 0, k = 0; i < r->n_items; i++) { /* what no entrant has (a probe's alone) is not left out */
		bool any = false;

		for (k = 0; k < p->n; k++)
			any |= !isnan(r->configurations[numbers[k]].score[i]);
		p->left_out += any;
	}
	p->left_out -= *n;
	free(lacks);
	return items;
}

static bool binary_over(const struct posed *p, size_t n)
{
	for (size_t k = 0; k < p->n; k++)
		for (size_t i = 0; i < n; i++)
			if (p->entrants[k].score[i] > 0 && p->entrants[k].score[i] < 1)
				return false;
	return true;
}

/* Shuffles, and writes everybody's scores down in that order. */
static void arrange(struct posed *p, const struct recorded *r, const size_t *numbers, const size_t *items, size_t n, uint64_t seed,
		    struct arena *arena)
{
	size_t *group = mem_alloc(n * sizeof(*group)), *at = mem_alloc(n * sizeof(*at));
	size_t *order = arena_array(arena, n, sizeof(*order)), *cluster = arena_array(arena, n, sizeof(*cluster)), clusters = 0;

	for (size_t i = 0; i < n; i++)
		group[i] = r->group[items[i]];
	order_shuffle(at, group, n, seed, "test order");
	for (size_t i = 0; i < n; i++) {
		bool same = i > 0 && group[at[i]] == group[at[i - 1]];

		order[i] = items[at[i]];
		cluster[i] = same ? clusters - 1 : clusters++;
	}
	for (size_t k = 0; k < p->n; k++) {
		double *score = arena_array(arena, n, sizeof(*score));

		for (size_t i = 0; i < n; i++)
			score[i] = r->configurations[numbers[k]].score[order[i]];
		p->entrants[k].score = score;
	}
	p->order = order;
	p->rule.cluster = clusters < n ? cluster : NULL;
	p->rule.n_items = n;
	p->rule.binary = binary_over(p, n);
	free(group);
	free(at);
}

static bool enough(const struct posed *p, const struct recorded *r, size_t n, struct error *err)
{
	if (p->n == 0)
		return error_set(err, "%s: only probes, and no configuration on a rung (baseline, prompt, rag, finetune) to set them against; "
				 "record one on the same items", r->file);
	if (p->n == 1 && !any_probe(r))
		return error_set(err, "%s: %s is the only configuration, so there is nothing to compare; record another, or a probe, on the "
				 "same items", r->file, p->entrants[0].id);
	if (n < PAIRED_LEAST && p->left_out == 0)
		return error_set(err, "%s: %zu items are too few to decide anything; record at least %d", r->file, n, PAIRED_LEAST);
	if (n < PAIRED_LEAST)
		return error_set(err, "%s: the %zu configurations have only %zu items in common (%s lacks most), and at least %d are needed; "
				 "record what is missing, or pose fewer with --ladder", r->file, p->n, n, p->entrants[p->lacking].id,
				 PAIRED_LEAST);
	return true;
}

/* A call costs what its rows say on average, whoever was paid; what came before it is known of fine-tuning alone, where it is said. */
static void price(struct posed *p, const struct recorded *r, const struct pose_settings *s, const size_t *numbers, struct arena *arena)
{
	if (!(s->traffic.calls_per_day > 0))
		return;
	p->costs = arena_array(arena, p->n, sizeof(*p->costs));
	for (size_t k = 0; k < p->n; k++) {
		struct cost_rung *c = &p->costs[k];

		*c = cost_rung_default;
		c->name = p->entrants[k].id;
		c->rung = p->entrants[k].rung;
		c->call.local_usd = p->entrants[k].usd_per_call;
		c->setup.other_usd = r->configurations[numbers[k]].place == PLACE_FINETUNE ? s->one_off_usd : 0;
		p->entrants[k].cost = c;
	}
}

bool pose(struct posed *p, const struct recorded *r, const struct pose_settings *s, struct arena *arena, struct error *err)
{
	size_t room = r->n_configurations > s->n_ladder ? r->n_configurations : s->n_ladder, n = 0;
	size_t *numbers = arena_array(arena, room, sizeof(*numbers));

	*p = (struct posed){ .rule = { .alpha = s->alpha, .margin = s->margin, .has_target = s->has_target, .target = s->target,
				       .plan = s->plan, .climb_for = s->climb_for, .traffic = s->traffic, .usd_per_label = s->usd_per_label },
			     .configuration = numbers };
	p->entrants = arena_array(arena, room, sizeof(*p->entrants));
	if (s->n_ladder > 0 && !pose_ladder(p, r, s, numbers, arena, err))
		return false;
	if (s->n_ladder == 0)
		pose_rungs(p, r, numbers);
	for (size_t k = 0; k < p->n; k++)
		p->entrants[k].usd_per_call = recorded_mean(r, &r->configurations[numbers[k]], RECORDED_USD);
	if (s->n_ladder == 0)
		cheapest_first(p, numbers);
	price(p, r, s, numbers, arena);
	size_t *items = common_items(p, r, numbers, &n);
	bool ok = enough(p, r, n, err);

	if (ok) {
		arrange(p, r, numbers, items, n, s->seed, arena);
		replay_plan(&p->rule, p->entrants, p->n);
	}
	free(items);
	return ok;
}
