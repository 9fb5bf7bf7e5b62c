/* candidates.c - the settings that a run fixed, and its candidates' scores, read back from the store. */
#include <jansson.h>
#include <string.h>

#include "eval/answers.h"
#include "eval/measure.h"
#include "task/outcomes.h"
#include "task/scorer.h"
#include "variant/rewrite.h"

enum climb_for climb_for_of(const struct task *task)
{
	static const enum climb_for said[] = { [CLIMB_QUALITY] = CLIMB_FOR_QUALITY, [CLIMB_COST] = CLIMB_FOR_COST,
					       [CLIMB_BOTH] = CLIMB_FOR_BOTH };
	bool traffic = task->traffic.calls_per_day > 0 && task->traffic.horizon_days > 0;

	if (task->climb_for != CLIMB_AUTO)
		return said[task->climb_for];
	return traffic ? CLIMB_FOR_BOTH : CLIMB_FOR_QUALITY;
}

static enum climb_for climb_for_named(const char *name)
{
	for (int i = CLIMB_FOR_COST; i <= CLIMB_FOR_BOTH; i++)
		if (name && strcmp(name, climb_for_name((enum climb_for)i)) == 0)
			return (enum climb_for)i;
	return CLIMB_FOR_QUALITY;
}

static struct cost_traffic traffic_of(const json_t *list)
{
	double calls = json_number_value(json_array_get(list, 0));

	return (struct cost_traffic){ .calls_per_day = calls, .calls_low = calls, .calls_high = calls,
				      .horizon_days = json_number_value(json_array_get(list, 1)),
				      .usd_per_error = json_number_value(json_array_get(list, 2)) };
}

struct decide_rule settings_rule(const struct task *task, const char *settings, struct test_items order,
				 struct arena *arena)
{
	json_t *root = json_loads(settings, 0, NULL);
	const json_t *target = json_object_get(root, "target");
	const char *plan = json_string_value(json_object_get(root, "plan"));
	struct decide_rule rule = {
		.alpha = json_number_value(json_object_get(root, "alpha")),
		.margin = json_number_value(json_object_get(root, "margin")),
		.has_target = json_is_number(target),
		.target = json_number_value(target),
		.plan = plan && strcmp(plan, "early") == 0 ? DECIDE_EARLY : DECIDE_FULL,
		.binary = scorer_is_binary(task),
		.comparisons = (int)json_integer_value(json_object_get(root, "comparisons")),
		.targets = (int)json_integer_value(json_object_get(root, "targets")),
		.climb_for = climb_for_named(json_string_value(json_object_get(root, "climb_for"))),
		.traffic = traffic_of(json_object_get(root, "traffic")),
		.look = BATCH,
		.cluster = order_clusters(order.list, arena),
		.n_items = order.list.n,
	};

	json_decref(root);
	return rule;
}

const char *const *settings_models(const char *settings, struct arena *arena, size_t *n)
{
	json_t *root = json_loads(settings, 0, NULL);
	const json_t *models = json_object_get(root, "models");
	const char **names;

	*n = json_array_size(models);
	names = arena_array(arena, *n, sizeof(*names));
	for (size_t i = 0; i < *n; i++)
		names[i] = arena_string(arena, json_string_value(json_array_get(models, i)));
	json_decref(root);
	return names;
}

static const struct variant *variant_named(const struct variant *variants, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(variants[i].id, id) == 0)
			return &variants[i];
	return NULL;
}

bool run_variants(const struct task *task, struct store *store, const struct run_row *run, struct arena *arena,
		  const struct variant **variants, size_t *n, struct error *err)
{
	size_t n_models, n_listed, n_rows, number = 0;
	const char *const *models = settings_models(run->settings, arena, &n_models);
	const struct variant *listed = variants_list(task, arena, models, n_models, &n_listed);
	struct wording_row *rows;

	if (!store_wordings(store, run->id, arena, &rows, &n_rows, err))
		return false;
	struct variant *all = arena_array(arena, n_listed + n_rows, sizeof(*all));

	memcpy(all, listed, n_listed * sizeof(*all));
	*n = n_listed;
	for (size_t i = 0; i < n_rows; i++) {
		const struct variant *base = rows[i].variant ? variant_named(all, *n, rows[i].base) : NULL;

		if (base)
			all[(*n)++] = variant_rewritten(task, base, ++number, rows[i].author, rows[i].text, arena);
	}
	*variants = all;
	return true;
}

bool settings_recorded(const char *settings, const char *id, struct arena *arena)
{
	size_t n;
	const char *const *models = settings_models(settings, arena, &n), *at = strstr(id, "@recorded:");

	for (size_t i = 0; at && i < n; i++) {
		size_t length = strlen(models[i]);

		if (outcomes_path(models[i]) && strncmp(at + 1, models[i], length) == 0 && (!at[1 + length] || at[1 + length] == '#'))
			return true;
	}
	return false;
}

static uint64_t settings_hash(const char *settings, const char *key)
{
	json_t *root = json_loads(settings, 0, NULL);
	const char *text = json_string_value(json_object_get(root, key));
	uint64_t hash = text ? strtoull(text, NULL, 16) : 0;

	json_decref(root);
	return hash;
}

uint64_t settings_curation(const char *settings)
{
	return settings_hash(settings, "curation");
}

uint64_t settings_scorer(const char *settings)
{
	return settings_hash(settings, "scorer");
}

size_t settings_collected(const char *settings)
{
	json_t *root = json_loads(settings, 0, NULL);
	json_int_t n = json_integer_value(json_object_get(root, "collected"));

	json_decref(root);
	return n > 0 ? (size_t)n : 0;
}

/* Scores of the first items of the order that the variant answered without a gap. */
static bool load_scores(const struct task *task, struct store *store, int64_t run, struct test_items order,
			const char *variant, struct arena *arena, struct candidate *c, struct error *err)
{
	const struct answer_row **rows;
	double *score = arena_array(arena, order.list.n, sizeof(*score));

	if (!answers_of(store, run, variant, "test", order.list, arena, &rows, err))
		return false;
	for (; c->n < order.list.n && rows[c->n]; c->n++)
		score[c->n] = scorer_grade(task, order.list.items[c->n], rows[c->n]->answer);
	c->score = score;
	return true;
}

bool candidates_load(const struct task *task, struct store *store, int64_t run, struct test_items order,
		     struct arena *arena, struct candidate **candidates, size_t *n, struct error *err)
{
	struct variant_row *rows;
	size_t n_rows;

	if (!store_variants(store, run, arena, &rows, &n_rows, err))
		return false;
	*candidates = arena_array(arena, n_rows, sizeof(**candidates));
	*n = 0;
	for (int rung = 0; rung <= 3; rung++)
		for (size_t i = 0; i < n_rows; i++) {
			if (rows[i].rung != rung || !rows[i].candidate)
				continue;
			struct candidate *c = &(*candidates)[*n];

			*c = (struct candidate){ .id = rows[i].id, .rung = rung, .incumbent = rows[i].incumbent };
			if (!load_scores(task, store, run, order, rows[i].id, arena, c, err))
				return false;
			*n += c->n > 0;
		}
	return true;
}
