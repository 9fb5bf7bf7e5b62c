/* constraints.c - who is ruled out of the decision */
#include "report/constraints.h"

#include <string.h>

#include "eval/constraints.h"

const char *report_ruled_out(const struct task *task, const struct report_variant *v, struct arena *arena)
{
	struct constrained c = { .id = v->id, .model = v->model, .passages = v->retrieval.n > 0, .ms_p95 = v->ms_p95 };

	return constraint_broken(task, &c, arena);
}

size_t constraints_filter(const struct task *task, const struct report *r, struct candidate *candidates, size_t n, struct arena *arena,
			  const char **sentences, size_t *n_sentences)
{
	struct candidate *kept = arena_array(arena, n + 1, sizeof(*kept));
	size_t n_kept = 0;

	for (size_t i = 0; i < n; i++) {
		const struct report_variant *v = report_find(r, candidates[i].id);
		const char *broken = v ? report_ruled_out(task, v, arena) : NULL;

		if (broken)
			sentences[(*n_sentences)++] = broken;
		else
			kept[n_kept++] = candidates[i];
	}
	if (n_kept == 0) {
		sentences[(*n_sentences)++] = "No candidate keeps to the task's constraints, so the verdict is about all of them.";
		return n;
	}
	memcpy(candidates, kept, n_kept * sizeof(*kept));
	return n_kept;
}
