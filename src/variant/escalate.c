/* escalate.c - the questions that are left over, asked together */
#include "variant/escalate.h"

static bool stands(const struct escalation *e, const struct asked *a)
{
	return a->why || a->probability >= e->at; /* what is no input of the task is none for the other either */
}

bool escalate_all(struct workshop *w, const struct task *task, const struct escalation *e, struct asked *asked, size_t n, struct arena *arena,
		  struct error *err)
{
	struct asked *left = arena_array(arena, n, sizeof(*left));
	size_t n_left = 0, at = 0;

	if (!e->cheap)
		return ask_variant_all(w, task, e->strong, asked, n, arena, err);
	if (!ask_variant_all(w, task, e->cheap, asked, n, arena, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!stands(e, &asked[i]))
			left[n_left++] = (struct asked){ .input = asked[i].input };
	if (n_left == 0)
		return true;
	if (!ask_variant_all(w, task, e->strong, left, n_left, arena, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!stands(e, &asked[i])) {
			left[at].answer.ms += asked[i].answer.ms; /* both were waited for */
			left[at].before = e->cheap;
			left[at].before_input_tokens = asked[i].answer.input_tokens;
			left[at].before_output_tokens = asked[i].answer.output_tokens;
			asked[i] = left[at++];
		}
	return true;
}
