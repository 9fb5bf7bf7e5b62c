/* constraints.c - privacy, citations, latency */
#include "report/constraints.h"

#include <string.h>

#include "report/figure.h"

const char *constraint_broken(const struct task *task, const struct report_variant *v, struct arena *arena)
{
	double limit = task->traffic.latency_p95_ms;

	if (task->constraints.private && !report_runs_here(v))
		return arena_printf(arena, "%s is ruled out: it sends inputs to %s, and the task says `private: true`.", v->id, v->model);
	if (task->constraints.citations && v->retrieval.n == 0)
		return arena_printf(arena, "%s is ruled out: it shows no passages to cite, and the task says `citations: true`.", v->id);
	if (limit > 0 && v->ms_p95 > limit)
		return arena_printf(arena, "%s is ruled out: its 95th percentile of latency is %s, above the %s of `latency_p95_ms`.", v->id,
				    figure_ms(v->ms_p95).text, figure_ms(limit).text);
	return NULL;
}

size_t constraints_filter(const struct task *task, const struct report *r, struct candidate *candidates, size_t n, struct arena *arena,
			  const char **sentences, size_t *n_sentences)
{
	struct candidate *kept = arena_array(arena, n + 1, sizeof(*kept));
	size_t n_kept = 0;

	for (size_t i = 0; i < n; i++) {
		const struct report_variant *v = report_find(r, candidates[i].id);
		const char *broken = v ? constraint_broken(task, v, arena) : NULL;

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
