/* ceiling.c - the bound from the labels, and the test against it */
#include "eval/ceiling.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

double ceiling_of_labels(const struct task *task, struct item_list items)
{
	struct hash_map pairs = { 0 }, texts = { 0 }; /* an input with a label, an input: its first item */
	struct arena arena;
	size_t right = 0;

	if (task->kind != TASK_CLASSIFY || task->many || items.n == 0)
		return 1;
	arena_init(&arena);
	size_t *same = arena_array(&arena, items.n, sizeof(*same)), *most = arena_array(&arena, items.n, sizeof(*most));

	for (size_t i = 0; i < items.n; i++) {
		size_t *key = arena_array(&arena, 2, sizeof(*key));

		key[0] = items.items[i]->text;
		key[1] = items.items[i]->label;
		size_t pair = hash_map_put(&pairs, (const char *)key, 2 * sizeof(*key), i);
		size_t text = hash_map_put(&texts, (const char *)key, sizeof(*key), i);

		if (++same[pair] > most[text])
			most[text] = same[pair];
	}
	for (size_t i = 0; i < items.n; i++)
		right += most[i];
	hash_map_release(&pairs);
	hash_map_release(&texts);
	arena_release(&arena);
	return (double)right / (double)items.n;
}

/* The rule with one target test for each candidate below the highest rung, which share the error. */
static struct decide_rule bound_rule(const struct decide_rule *rule, double bound)
{
	struct decide_rule r = *rule;

	r.has_target = true;
	r.target = bound;
	r.alpha = 2 * CEILING_ERROR; /* of which targets have half */
	r.targets = rule->targets > 1 ? rule->targets - 1 : 1;
	return r;
}

const char *ceiling_reached(const struct decide_rule *rule, const struct candidate *champion, double most, bool could_pay,
			    struct arena *arena)
{
	double bound = most - rule->margin, sum = 0;
	struct decide_rule r = bound_rule(rule, bound);

	if (rule->has_target || could_pay || bound <= 0 || champion->n == 0 || decide_target(&r, champion).result != TARGET_YES)
		return NULL;
	for (size_t i = 0; i < champion->n; i++)
		sum += champion->score[i];
	const char *score = rule->binary ? arena_printf(arena, "is right on %.0f of %zu test items", sum, champion->n)
					 : arena_printf(arena, "scores %.1f %% on %zu test items", 100 * sum / (double)champion->n, champion->n);
	const char *labels = most < 1 ? arena_printf(arena, " to the %.1f %% that the labels allow", 100 * most) : "";

	return arena_printf(arena, NOT_BUILT "%s %s and is shown above %.1f %%, which leaves less than the margin of %.1f points%s", champion->id,
			    score, 100 * bound, 100 * rule->margin, labels);
}
