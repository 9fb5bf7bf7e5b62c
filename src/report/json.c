/* json.c - schema 1 of docs/report.md. Keys keep their order and reals nine significant digits, so the same rows give
 * the same bytes. What is unknown, or not computed yet, is null or an empty list: a key is never left out. */
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "report/escape.h"
#include "report/words.h"
#include "report/writers.h"

/* Takes the value, so that building reads as a list of keys. */
static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new_nocheck(object, key, value);
}

static json_t *text_value(const char *s)
{
	struct buf clean = { 0 };
	json_t *value;

	if (!s)
		return json_null();
	value = json_string(s);
	if (value)
		return value;
	escape_plain(&clean, s); /* not UTF-8: shown with U+FFFD rather than lost */
	value = json_string(buf_text(&clean));
	buf_release(&clean);
	return value;
}

static json_t *real_value(double x)
{
	return isfinite(x) ? json_real(x == 0 ? 0.0 : x) : json_null();
}

static json_t *count_value(uint64_t n)
{
	return n <= INT64_MAX ? json_integer((json_int_t)n) : json_sprintf("%llu", (unsigned long long)n);
}

static json_t *texts_value(const char *const *texts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, text_value(texts[i]));
	return list;
}

static json_t *score_value(const struct report_score *s)
{
	json_t *o = json_object();
	bool measured = s->n > 0;

	put(o, "n", count_value(s->n));
	put(o, "score", real_value(measured ? s->score : NAN));
	put(o, "low", real_value(measured ? s->low : NAN));
	put(o, "high", real_value(measured ? s->high : NAN));
	return o;
}

static json_t *examples_value(const struct report *r)
{
	json_t *o = json_object();

	put(o, "total", count_value(r->examples.total));
	put(o, "duplicates", count_value(r->examples.duplicates));
	put(o, "pool", count_value(r->examples.pool));
	put(o, "dev", count_value(r->examples.dev));
	put(o, "test", count_value(r->examples.test));
	put(o, "aside", count_value(r->examples.aside));
	return o;
}

static json_t *outcomes_value(const struct report_variant *v)
{
	json_t *o = json_object();

	for (size_t i = 0; i < N_OUTCOMES; i++)
		put(o, report_outcome_names[i], count_value(v->outcomes[i]));
	return o;
}

static json_t *retrieval_value(const struct report_retrieval *r)
{
	static const char *const causes[N_CAUSES] = { "abstained", "not_abstained", "not_retrieved", "unused", "despite" };
	json_t *o, *failures;

	if (r->n == 0)
		return json_null();
	o = json_object();
	failures = json_object();
	put(o, "n", count_value(r->n));
	put(o, "n_gold", count_value(r->n_gold));
	put(o, "recall", real_value(r->recall));
	put(o, "ndcg", real_value(r->ndcg));
	put(o, "mrr", real_value(r->reciprocal));
	put(o, "citations", count_value(r->citations));
	put(o, "quotes_failed", count_value(r->failed));
	put(o, "citation_recall", real_value(r->citation_recall));
	put(o, "citation_precision", real_value(r->citation_precision));
	for (size_t i = 0; i < N_CAUSES; i++)
		put(failures, causes[i], count_value(r->causes[i]));
	put(o, "failures", failures);
	return o;
}

static json_t *micro_value(const struct report_micro *m)
{
	json_t *o;

	if (m->n == 0)
		return json_null();
	o = json_object();
	put(o, "precision", real_value(m->precision));
	put(o, "recall", real_value(m->recall));
	put(o, "f1", real_value(m->f1));
	return o;
}

static json_t *agreement_value(const struct agreement *a)
{
	json_t *o = json_object();

	put(o, "n", count_value(a->n));
	put(o, "human", real_value(a->first));
	put(o, "scorer", real_value(a->second));
	put(o, "correlation", real_value(a->correlation));
	put(o, "same", real_value(a->same));
	put(o, "kappa", real_value(a->kappa));
	return o;
}

static json_t *corrected_value(const struct report_corrected *c)
{
	json_t *o = json_object();

	put(o, "variant", text_value(c->of));
	put(o, "against", text_value(c->against));
	put(o, "n", count_value(c->n));
	put(o, "items", count_value(c->items));
	put(o, "score", real_value(c->score));
	put(o, "low", real_value(c->low));
	put(o, "high", real_value(c->high));
	put(o, "lambda", real_value(c->lambda));
	put(o, "uncorrected", real_value(c->uncorrected));
	return o;
}

static json_t *grading_value(const struct report_grading *g)
{
	json_t *o, *list;

	if (!g->scorer)
		return json_null();
	o = json_object();
	list = json_array();
	put(o, "scorer", text_value(g->scorer));
	put(o, "who", text_value(g->who));
	put(o, "grades", count_value(g->sums.grades));
	put(o, "calls", count_value(g->sums.calls));
	put(o, "input_tokens", count_value(g->sums.input_tokens));
	put(o, "output_tokens", count_value(g->sums.output_tokens));
	put(o, "pairs", count_value(g->sums.pairs));
	put(o, "contradictions", count_value(g->sums.contradictions));
	put(o, "agreement", agreement_value(&g->agreement));
	for (size_t i = 0; i < g->n_corrected; i++)
		json_array_append_new(list, corrected_value(&g->corrected[i]));
	put(o, "corrected", list);
	return o;
}

static json_t *diagnosis_value(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_diagnosis; i++) {
		const struct probe_finding *f = &r->diagnosis[i];
		json_t *o = json_object();

		put(o, "probe", text_value(f->probe));
		put(o, "n", count_value(f->difference.n));
		put(o, "fixed", count_value(f->difference.fixed));
		put(o, "broken", count_value(f->difference.broken));
		put(o, "delta", real_value(f->difference.delta));
		put(o, "low", real_value(f->difference.low));
		put(o, "high", real_value(f->difference.high));
		put(o, "points_to", text_value(f->points_to[0] ? f->points_to : NULL));
		put(o, "note", text_value(f->note));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *questions_value(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; r->questions && i < REPORT_QUESTIONS; i++) {
		json_t *o = json_object();

		put(o, "question", text_value(r->questions[i].question));
		put(o, "answer", text_value(r->questions[i].answer));
		put(o, "known", json_boolean(r->questions[i].known));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *forecast_value(const struct forecast *f)
{
	json_t *o = json_object();

	put(o, "error", real_value(f->error));
	put(o, "low", real_value(f->low));
	put(o, "high", real_value(f->high));
	return o;
}

static json_t *curves_value(const struct report *r)
{
	static const char *const reaches[] = { "there", "more", "unknown" };
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_curves; i++) {
		const struct report_curve *c = &r->curves[i];
		json_t *o = json_object(), *points = json_array();

		for (size_t k = 0; k < c->n; k++)
			json_array_append_new(points, json_pack("{s:I, s:o}", "n", (json_int_t)c->points[k].n, "error",
								real_value(c->points[k].error)));
		put(o, "variant", text_value(c->variant));
		put(o, "items", count_value(c->items));
		put(o, "points", points);
		put(o, "a", real_value(c->fit.a));
		put(o, "b", real_value(c->fit.b));
		put(o, "now", forecast_value(&c->now));
		put(o, "twice", forecast_value(&c->twice));
		put(o, "reaches_target", text_value(isnan(r->target) ? NULL : reaches[c->reach.reach]));
		put(o, "examples_needed", c->reach.n > 0 && !isnan(r->target) ? count_value(c->reach.n) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *variant_value(const struct report_variant *v)
{
	json_t *o = json_object();

	put(o, "id", text_value(v->id));
	put(o, "rung", json_integer(v->rung));
	put(o, "name", text_value(v->name));
	put(o, "model", text_value(v->model));
	put(o, "status", text_value(report_status_name(v->status)));
	put(o, "why", text_value(v->why));
	put(o, "candidate", json_boolean(v->candidate));
	put(o, "incumbent", json_boolean(v->incumbent));
	put(o, "dev", score_value(&v->dev));
	put(o, "test", v->test.n > 0 ? score_value(&v->test) : json_null());
	put(o, "outcomes", outcomes_value(v));
	put(o, "calls", count_value(v->calls));
	put(o, "labels", v->scored + v->written == 0 ? json_null() : text_value(v->written == 0 ? "scored" : v->scored == 0 ? "written" : "mixed"));
	put(o, "input_tokens", real_value(v->input_tokens));
	put(o, "output_tokens", real_value(v->output_tokens));
	put(o, "usd_per_1k_calls", real_value(v->usd_per_1k_calls));
	put(o, "ms_p50", real_value(v->ms_p50));
	put(o, "ms_p95", real_value(v->ms_p95));
	put(o, "retrieval", retrieval_value(&v->retrieval));
	put(o, "micro", micro_value(&v->micro));
	return o;
}

static json_t *variants_value(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_variants; i++)
		json_array_append_new(list, variant_value(&r->variants[i]));
	return list;
}

static json_t *switch_value(const struct report *r, size_t i)
{
	static const char *const splits[] = { [SWITCH_TEST] = "test", [SWITCH_DEV] = "dev", [SWITCH_RECORDED] = "recorded" };
	const struct report_switch *s = &r->switching[i];
	struct buf line = { 0 };
	json_t *o = json_object();

	words_switching(&line, r, i);
	put(o, "from", text_value(s->from->model));
	put(o, "to", text_value(s->to->model));
	put(o, "split", text_value(splits[s->split]));
	put(o, "n", count_value(s->n));
	put(o, "only_from", count_value(s->only_from));
	put(o, "only_to", count_value(s->only_to));
	put(o, "both", count_value(s->both));
	put(o, "neither", count_value(s->neither));
	put(o, "delta", real_value(s->delta));
	put(o, "low", real_value(s->low));
	put(o, "high", real_value(s->high));
	put(o, "choices", count_value(s->choices));
	put(o, "variant_from", text_value(s->from->id));
	put(o, "variant_to", text_value(s->to->id));
	put(o, "technique_from", text_value(words_technique(s->from)));
	put(o, "technique_to", text_value(words_technique(s->to)));
	put(o, "usd_per_1k_from", real_value(s->from->usd_per_1k_calls));
	put(o, "usd_per_1k_to", real_value(s->to->usd_per_1k_calls));
	put(o, "ms_p50_from", real_value(s->from->ms_p50));
	put(o, "ms_p50_to", real_value(s->to->ms_p50));
	put(o, "ms_p95_from", real_value(s->from->ms_p95));
	put(o, "ms_p95_to", real_value(s->to->ms_p95));
	put(o, "line", text_value(buf_text(&line)));
	buf_release(&line);
	return o;
}

static json_t *switching_value(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_switching; i++)
		json_array_append_new(list, switch_value(r, i));
	return list;
}

static json_t *labels_needed_value(const struct comparison *c)
{
	bool known = c->decision == DECISION_UNRESOLVED && c->labels_needed != SIZE_MAX;

	return known ? count_value(c->labels_needed) : json_null();
}

static json_t *comparison_value(const struct comparison *c)
{
	json_t *o = json_object();

	put(o, "from", text_value(c->from));
	put(o, "to", text_value(c->to));
	put(o, "n", count_value(c->n));
	put(o, "wins", count_value(c->wins));
	put(o, "losses", count_value(c->losses));
	put(o, "delta", real_value(c->delta));
	put(o, "low", real_value(c->low));
	put(o, "high", real_value(c->high));
	put(o, "alpha", real_value(c->alpha));
	put(o, "plan", text_value(decide_plan_name(c->plan)));
	put(o, "p_value", real_value(c->p_value));
	put(o, "e_value", real_value(c->e_value));
	put(o, "decision", text_value(decision_name(c->decision)));
	put(o, "pays", c->pays == PAYING_YES ? json_true() : c->pays == PAYING_NO ? json_false() : json_null());
	put(o, "pays_after_days", real_value(c->pays_after_days));
	put(o, "labels_needed", labels_needed_value(c));
	put(o, "labels_usd", real_value(c->worth.labels_usd));
	put(o, "labels_calls_usd", real_value(c->worth.calls_usd));
	put(o, "labels_worth_usd", real_value(c->worth.worth_usd));
	put(o, "gain_usd", real_value(c->worth.gain_usd));
	return o;
}

static json_t *comparisons_value(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_comparisons; i++)
		json_array_append_new(list, comparison_value(&r->comparisons[i]));
	return list;
}

static json_t *targets_value(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_targets; i++) {
		const struct target_test *t = &r->targets[i];
		json_t *o = json_object();

		put(o, "variant", text_value(t->variant));
		put(o, "n", count_value(t->n));
		put(o, "p_value", real_value(t->p_value));
		put(o, "e_value", real_value(t->e_value));
		put(o, "meets_target", text_value(meets_target_name(t->result)));
		json_array_append_new(list, o);
	}
	return list;
}

/* Days that never come are null like those that are not known; `rung cost` tells them apart. */
static json_t *costs_value(const struct report *r)
{
	json_t *costs = json_object();

	for (size_t i = 0; i < r->n_variants; i++) {
		const struct report_variant *v = &r->variants[i];
		json_t *o = json_object();
		json_t *id = text_value(v->id);

		put(o, "usd_per_1k_calls", real_value(v->usd_per_1k_calls));
		put(o, "usd_per_1k_right", real_value(v->usd_per_1k_right));
		put(o, "one_off_usd", real_value(v->one_off_usd));
		put(o, "per_day_usd", real_value(v->usd_per_day));
		put(o, "tco_usd", real_value(v->tco_usd));
		put(o, "break_even_days", real_value(v->break_even_days));
		put(o, "break_even_calls_per_day", real_value(v->break_even_calls));
		put(o, "rival", text_value(v->rival));
		put(costs, json_string_value(id), o);
		json_decref(id);
	}
	return costs;
}

static json_t *verdict_value(const struct report *r)
{
	const struct report_variant *w = report_winner(r);
	json_t *o = json_object();

	put(o, "rung", w ? json_integer(w->rung) : json_null());
	put(o, "variant", text_value(w ? w->id : NULL));
	put(o, "decision", text_value(verdict_kind_name(r->verdict.decision)));
	put(o, "meets_target", text_value(meets_target_name(r->verdict.meets_target)));
	put(o, "score", real_value(r->verdict.score));
	put(o, "low", real_value(r->verdict.low));
	put(o, "high", real_value(r->verdict.high));
	put(o, "reasons", texts_value(r->verdict.reasons, r->verdict.n_reasons));
	put(o, "next_step", text_value(r->verdict.next_step));
	return o;
}

static json_t *paid_value(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_paid; i++) {
		const struct report_paid *p = &r->paid[i];
		json_t *o = json_object();

		put(o, "model", text_value(p->model));
		put(o, "batch", json_boolean(p->batch));
		put(o, "answered", count_value(p->answered));
		put(o, "failed", count_value(p->failed));
		put(o, "unknown", count_value(p->unknown));
		put(o, "cached", count_value(p->cached));
		put(o, "input_tokens", count_value(p->input_tokens));
		put(o, "output_tokens", count_value(p->output_tokens));
		put(o, "cache_read", count_value(p->cache_read));
		put(o, "cache_written", count_value(p->cache_written));
		put(o, "usd", real_value(p->usd));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *spent_value(const struct report *r)
{
	json_t *o = json_object();

	put(o, "dev_calls", count_value(r->spent.dev_calls));
	put(o, "dev_calls_full_grid", count_value(r->spent.dev_calls_full_grid));
	put(o, "test_calls", count_value(r->spent.test_calls));
	put(o, "replayed", count_value(r->spent.replayed));
	put(o, "usd", real_value(r->spent.usd));
	put(o, "seconds", real_value(r->spent.seconds));
	put(o, "providers", paid_value(r));
	return o;
}

/* Only the cells that hold something: 77 labels have 6,006 of them, and most are 0. */
static json_t *confusion_value(const struct report *r)
{
	json_t *list = json_array();

	for (size_t want = 0; r->confusion && want < r->n_labels; want++) {
		for (size_t got = 0; got <= r->n_labels; got++) {
			size_t n = r->confusion[want * (r->n_labels + 1) + got];
			json_t *o;

			if (n == 0)
				continue;
			o = json_object();
			put(o, "want", text_value(r->labels[want]));
			put(o, "got", text_value(got < r->n_labels ? r->labels[got] : NULL));
			put(o, "n", count_value(n));
			json_array_append_new(list, o);
		}
	}
	return list;
}

static json_t *class_value(const struct report_class *c)
{
	json_t *o = json_object();

	put(o, "label", text_value(c->label));
	put(o, "n", count_value(c->n));
	put(o, "given", count_value(c->given));
	put(o, "right", count_value(c->right));
	put(o, "precision", real_value(c->precision));
	put(o, "recall", real_value(c->recall));
	put(o, "f1", real_value(c->f1));
	return o;
}

static json_t *classes_value(const struct report_classes *c)
{
	json_t *o, *list, *macro;

	if (c->n == 0)
		return json_null();
	o = json_object();
	list = json_array();
	macro = json_object();
	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(list, class_value(&c->list[i]));
	put(macro, "labels", count_value(c->tested));
	put(macro, "precision", real_value(c->precision));
	put(macro, "recall", real_value(c->recall));
	put(macro, "f1", real_value(c->f1));
	put(o, "macro", macro);
	put(o, "labels", list);
	return o;
}

static json_t *wording_value(const struct report *r, size_t i)
{
	const struct report_wording *w = &r->wordings[i];
	struct buf line = { 0 };
	json_t *o = json_object();

	words_wording(&line, r, i);
	put(o, "round", count_value(w->round));
	put(o, "number", count_value(w->number));
	put(o, "author", text_value(w->author));
	put(o, "base", text_value(w->base ? w->base->id : NULL));
	put(o, "variant", text_value(w->variant ? w->variant->id : NULL));
	put(o, "text", text_value(w->text));
	put(o, "dropped", text_value(w->why));
	put(o, "n", count_value(w->change.n));
	put(o, "before", real_value(w->change.n ? w->before : NAN));
	put(o, "delta", real_value(w->change.n ? w->change.delta : NAN));
	put(o, "low", real_value(w->change.n ? w->change.low : NAN));
	put(o, "high", real_value(w->change.n ? w->change.high : NAN));
	put(o, "line", text_value(buf_text(&line)));
	buf_release(&line);
	return o;
}

static json_t *wordings_value(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_wordings; i++)
		json_array_append_new(list, wording_value(r, i));
	return list;
}

static json_t *cut_value(const struct cascade_cut *c)
{
	json_t *o = json_object();

	put(o, "n", count_value(c->n));
	put(o, "accepted", count_value(c->accepted));
	put(o, "wrong", real_value(c->lost));
	put(o, "p_value", real_value(c->p));
	return o;
}

static json_t *cascade_value(const struct report_cascade *c)
{
	bool judged = c->n > 0;
	json_t *o, *test;

	if (!c->wanted || !c->strong)
		return json_null();
	o = json_object();
	test = json_object();
	put(o, "risk", real_value(c->rule.level));
	put(o, "alpha", real_value(c->rule.alpha));
	put(o, "of", text_value(cascade_of_name(c->rule.of)));
	put(o, "cheap", text_value(c->cheap ? c->cheap->id : NULL));
	put(o, "strong", text_value(c->strong->id));
	put(o, "threshold", real_value(c->cut.at));
	put(o, "aside", cut_value(&c->cut));
	put(test, "n", count_value(c->n));
	put(test, "escalated", count_value(c->escalated));
	put(test, "score", score_value(&c->score));
	put(test, "strong_score", score_value(&c->strong_score));
	put(test, "risk", score_value(&c->risk));
	put(test, "delta", real_value(judged ? c->compared.delta : NAN));
	put(test, "low", real_value(judged ? c->compared.low : NAN));
	put(test, "high", real_value(judged ? c->compared.high : NAN));
	put(test, "decision", text_value(judged ? decision_name(c->compared.decision) : NULL));
	put(o, "test", test);
	put(o, "usd_per_1k_calls", real_value(c->usd_per_1k_calls));
	put(o, "pays_below_escalated", real_value(c->pays_below));
	put(o, "ms_p95", real_value(c->ms_p95));
	put(o, "served", json_boolean(!c->why));
	put(o, "why", text_value(c->why));
	return o;
}

static json_t *report_value(const struct report *r)
{
	json_t *o = json_object();

	put(o, "schema", json_integer(1));
	put(o, "program", text_value(r->program));
	put(o, "task", text_value(r->task));
	put(o, "seed", count_value(r->seed));
	put(o, "alpha", real_value(r->alpha));
	put(o, "margin", real_value(r->margin));
	put(o, "target", real_value(r->target));
	put(o, "plan", text_value(decide_plan_name(r->plan)));
	put(o, "climb_for", text_value(climb_for_name(r->climb_for)));
	put(o, "examples", examples_value(r));
	put(o, "labels", texts_value(r->labels, r->n_labels));
	put(o, "majority_share", real_value(r->majority_share));
	put(o, "variants", variants_value(r));
	put(o, "comparisons", comparisons_value(r));
	put(o, "targets", targets_value(r));
	put(o, "confusion", confusion_value(r));
	put(o, "classes", classes_value(&r->classes));
	put(o, "grading", grading_value(&r->grading));
	put(o, "findings", texts_value(r->findings, r->n_findings));
	put(o, "diagnosis", diagnosis_value(r));
	put(o, "wordings", wordings_value(r));
	put(o, "cascade", cascade_value(&r->cascade));
	put(o, "curves", curves_value(r));
	put(o, "switching", switching_value(r));
	put(o, "questions", questions_value(r));
	put(o, "cost", costs_value(r));
	put(o, "calls_per_day", real_value(r->calls_per_day > 0 ? r->calls_per_day : NAN));
	put(o, "horizon_days", real_value(r->horizon_days > 0 ? r->horizon_days : NAN));
	put(o, "cpu_usd_per_core_hour", real_value(r->cpu_usd_per_core_hour));
	put(o, "prices_as_of", text_value(r->prices_as_of));
	put(o, "verdict", verdict_value(r));
	put(o, "spent", spent_value(r));
	return o;
}

static int append(const char *bytes, size_t n, void *out)
{
	buf_add(out, bytes, n);
	return 0;
}

void report_write_json(const struct report *r, struct buf *out)
{
	json_t *value = report_value(r);

	json_dump_callback(value, append, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	buf_addc(out, '\n');
	json_decref(value);
}
