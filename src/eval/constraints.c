/* constraints.c - privacy, citations, latency */
#include "eval/constraints.h"

#include "model/registry.h"

static const char *ms_text(struct arena *arena, double ms)
{
	return arena_printf(arena, ms < 10 ? "%.3g ms" : "%.0f ms", ms);
}

const char *constraint_broken(const struct task *task, const struct constrained *v, struct arena *arena)
{
	double limit = task->traffic.latency_p95_ms;

	if (task->constraints.private && !registry_runs_here(v->model))
		return arena_printf(arena, "%s is ruled out: it sends inputs to %s, and the task says `private: true`.", v->id, v->model);
	if (task->constraints.citations && !v->passages)
		return arena_printf(arena, "%s is ruled out: it shows no passages to cite, and the task says `citations: true`.", v->id);
	if (limit > 0 && v->ms_p95 > limit)
		return arena_printf(arena, "%s is ruled out: its 95th percentile of latency is %s, above the %s of `latency_p95_ms`.", v->id,
				    ms_text(arena, v->ms_p95), ms_text(arena, limit));
	return NULL;
}
