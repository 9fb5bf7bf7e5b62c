/* questions.c - the seventeen questions, one function each */
#include "report/questions.h"

#include <math.h>
#include <string.h>

#include "cost/trainable.h"
#include "model/model.h"
#include "model/registry.h"
#include "report/figure.h"
#include "report/words.h"

struct asking {
	const struct task *task;
	const struct report *r;
	const struct report_variant *winner; /* NULL: nothing was measured */
	struct buf out;
};

/* Appends the answer; false when it cannot be told, and then what was appended says why. */
typedef bool answer(struct asking *a);

static size_t add_findings(struct asking *a, enum finding_kind kind, bool knowledge_of_retrieval)
{
	static const char *const of_retrieval[] = { "retrieval gain", "retrieval loss", "noise", "utilisation loss" };
	size_t n = 0;

	for (size_t i = 0; i < a->r->n_diagnosis; i++) {
		const struct probe_finding *f = &a->r->diagnosis[i];
		bool retrieval = false;

		for (size_t k = 0; k < sizeof(of_retrieval) / sizeof(of_retrieval[0]); k++)
			retrieval |= strcmp(f->probe, of_retrieval[k]) == 0;
		if (f->kind != kind || (kind == FINDING_KNOWLEDGE && retrieval != knowledge_of_retrieval))
			continue;
		buf_adds(&a->out, n++ || a->out.n > 0 ? " " : "");
		words_diagnosis(&a->out, a->r, i);
	}
	return n;
}

static bool techniques(struct asking *a)
{
	if (add_findings(a, FINDING_TECHNIQUE, false) + add_findings(a, FINDING_FORM, false) + add_findings(a, FINDING_SAMPLES, false) > 0)
		return true;
	buf_adds(&a->out, "no two ways of prompting that differ by one technique answered the same dev items; climb with rung 1.");
	return false;
}

static bool knowledge(struct asking *a)
{
	if (add_findings(a, FINDING_KNOWLEDGE, false) > 0)
		return true;
	buf_adds(&a->out, a->task->kind == TASK_ANSWER
				  ? "no example names a passage that holds its answer, so that closed book and open book cannot be set side by side; "
				    "add a `gold` column."
				  : "this task asks for a decision in the user's own terms, not for facts in documents; the knowledge probe is for "
				    "kind answer.");
	return false;
}

static bool retriever_or_model(struct asking *a)
{
	if (add_findings(a, FINDING_KNOWLEDGE, true) > 0)
		return true;
	buf_adds(&a->out, "nothing was retrieved for examples whose passages are known.");
	return false;
}

/* The highest score of a rung's candidates among those of which that holds; NULL: none. */
static const struct report_variant *best(const struct report *r, bool tuned)
{
	const struct report_variant *found = NULL;

	for (size_t i = 0; i < r->n_variants; i++) {
		const struct report_variant *v = &r->variants[i];

		if (v->candidate && v->test.n > 0 && (v->rung == 3) == tuned && (!found || v->test.score > found->test.score))
			found = v;
	}
	return found;
}

static bool untuned_passes(struct asking *a)
{
	const struct report_variant *v = best(a->r, false);

	if (!v) {
		buf_adds(&a->out, "no untuned variant reached the test items.");
		return false;
	}
	buf_addf(&a->out, "The best without training is %s: %s on %s test items.", v->id, figure_percent(v->test.score).text,
		 figure_count(v->test.n).text);
	for (size_t i = 0; i < a->r->n_targets; i++)
		if (strcmp(a->r->targets[i].variant, v->id) == 0)
			buf_addf(&a->out, " Whether it meets the target of %s: %s.", figure_percent(a->r->target).text,
				 meets_target_name(a->r->targets[i].result));
	return true;
}

static bool gain_is_real(struct asking *a)
{
	for (size_t i = 0; i < a->r->n_comparisons; i++) {
		buf_adds(&a->out, i ? " " : "");
		words_comparison(&a->out, a->r, &a->r->comparisons[i]);
	}
	if (a->r->n_comparisons == 0)
		buf_adds(&a->out, "only one candidate reached the test items.");
	return a->r->n_comparisons > 0;
}

/* Of what could not be settled: how many labels would, and whether that pays. */
static size_t add_unsettled(struct asking *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->r->n_comparisons; i++) {
		const struct comparison *c = &a->r->comparisons[i];

		if (c->decision != DECISION_UNRESOLVED)
			continue;
		buf_addf(&a->out, "%sBetween %s and %s nothing is settled. ", a->out.n ? " " : "", c->from, c->to);
		words_labels_needed(&a->out, c);
		words_labels_worth(&a->out, a->r, c);
		n++;
	}
	return n;
}

static bool labels_needed(struct asking *a)
{
	struct buf sentence = { 0 };

	for (size_t i = 0; buf_clear(&sentence), words_curve(&sentence, a->r, i); i++)
		buf_addf(&a->out, "%s%s", i ? " " : "", buf_text(&sentence));
	buf_release(&sentence);
	if (add_unsettled(a) + a->r->n_curves > 0)
		return true;
	if (a->r->n_undrawn == 0)
		buf_adds(&a->out, "nothing that learns from parts of the pool was measured, or the pool is too small to be parted.");
	return false;
}

/* Whose labels fine-tuned versions learnt from, each once. */
static void add_teachers(struct asking *a)
{
	for (size_t i = 0; i < a->r->n_variants; i++) {
		const struct report_variant *v = &a->r->variants[i];
		bool said = v->trained.human_labels + v->trained.model_labels == 0;

		for (size_t k = 0; k < i && !said; k++)
			said = a->r->variants[k].trained.version && strcmp(a->r->variants[k].trained.version, v->trained.version) == 0;
		if (!said)
			buf_addf(&a->out, " %s learnt from %s labels by people and %s by %s.", v->trained.version, figure_count(v->trained.human_labels).text,
				 figure_count(v->trained.model_labels).text, v->trained.teacher && v->trained.model_labels ? v->trained.teacher : "models");
	}
}

static bool labels_clean(struct asking *a)
{
	buf_addf(&a->out, "%s of %s examples are duplicates and were dropped.", figure_count(a->r->examples.duplicates).text,
		 figure_count(a->r->examples.total).text);
	for (size_t i = 0; i < a->task->n_warnings; i++)
		buf_addf(&a->out, " %s.", a->task->warnings[i]);
	add_teachers(a);
	add_findings(a, FINDING_LABELS, false);
	buf_adds(&a->out, " Copies that stood in two splits are left in the later one alone; `rung check` lists near copies, `rung tune curate` "
			  "also labels that look wrong.");
	return true;
}

/* Rung 3's candidate with a version in the registry. */
static const struct report_variant *tuned_candidate(const struct report *r)
{
	for (size_t i = 0; i < r->n_variants; i++)
		if (r->variants[i].candidate && r->variants[i].trained.version)
			return &r->variants[i];
	return NULL;
}

static bool regresses(struct asking *a)
{
	const struct report_variant *v = tuned_candidate(a->r);

	if (v && !v->model) {
		buf_addf(&a->out, "%s is an encoder that answers this task alone: nothing else is asked of it.", v->trained.version);
		return true;
	}
	if (v && isfinite(v->trained.general_before)) {
		buf_addf(&a->out, "%s answers %s of everyday questions, its base %s. `rung tune --probe` asks tasks of your own.", v->trained.version,
			 figure_percent(v->trained.general_after).text, figure_percent(v->trained.general_before).text);
		return true;
	}
	buf_adds(&a->out, "no fine-tuned model with notes on its card was a candidate; `rung tune` writes them where a climb did not.");
	return false;
}

static bool memorised(struct asking *a)
{
	const struct report_variant *v = tuned_candidate(a->r);

	if (!v || !isfinite(v->trained.pool_score)) {
		buf_adds(&a->out, "no fine-tuned model with notes on its card was a candidate; where a climb did not, `rung tune` asks it examples that it was trained on.");
		return false;
	}
	buf_addf(&a->out, "%s scores %s on examples it was trained on and %s on dev: the wider that gap, the more was learnt by heart, and "
		 "facts that change belong into documents.", v->trained.version, figure_percent(v->trained.pool_score).text,
		 figure_percent(v->dev.score).text);
	if (isfinite(v->trained.follows_after))
		buf_addf(&a->out, " Shown passages in which the fact is another one now, it follows %s (its base %s) and recites what it was "
			 "trained on to %s (its base %s).", figure_percent(v->trained.follows_after).text, figure_percent(v->trained.follows_before).text,
			 figure_percent(v->trained.recites_after).text, figure_percent(v->trained.recites_before).text);
	return true;
}

static bool cost_of_calls(struct asking *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->r->n_variants; i++) {
		const struct report_variant *v = &a->r->variants[i];

		if (v->candidate && isfinite(v->usd_per_1k_calls))
			buf_addf(&a->out, "%s%s: %s per 1,000 calls, %s per 1,000 right answers.", n++ ? " " : "", v->id,
				 figure_usd(v->usd_per_1k_calls).text, figure_usd(v->usd_per_1k_right).text);
	}
	if (n == 0)
		buf_adds(&a->out, "no candidate's price is known; `rung cost --price MODEL=IN/OUT` takes one.");
	else
		buf_adds(&a->out, " `rung cost` adds caching, batches and retries.");
	return n > 0;
}

static bool payback(struct asking *a)
{
	size_t before = a->out.n;

	words_costs(&a->out, a->r);
	if (a->out.n > before) {
		buf_adds(&a->out, " `rung cost` has the volume, price and quality at which that turns.");
		return true;
	}
	buf_adds(&a->out, "traffic or prices are not known; name `traffic: {calls_per_day, horizon_days}` in the task file, or ask `rung cost`.");
	return false;
}

static bool latency(struct asking *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->r->n_variants; i++) {
		const struct report_variant *v = &a->r->variants[i];

		if (v->candidate && isfinite(v->ms_p50))
			buf_addf(&a->out, "%s%s: p50 %s, p95 %s.", n++ ? " " : "", v->id, figure_ms(v->ms_p50).text, figure_ms(v->ms_p95).text);
	}
	if (n == 0)
		buf_adds(&a->out, "no candidate answered.");
	else if (a->task->traffic.latency_p95_ms > 0)
		buf_addf(&a->out, " The limit is %s.", figure_ms(a->task->traffic.latency_p95_ms).text);
	return n > 0;
}

static void trainable_elsewhere(struct asking *a, const struct report_variant *v)
{
	const struct trainable *t = trainable_find(model_behind(v->model));

	buf_addf(&a->out, "%s was trained by a provider, which can withdraw it and its base", v->id);
	if (t)
		buf_addf(&a->out, "; it takes no new jobs after %s (%s), so that it cannot be trained again there then", t->until, t->source);
	buf_adds(&a->out, ". `rung cost --retired-after DAYS` says what that costs.");
}

static bool trainable(struct asking *a)
{
	const struct report_variant *v = best(a->r, true);

	if (!v) {
		buf_adds(&a->out, "no variant that is trained was a candidate.");
		return false;
	}
	if (v->model && model_is_tuned_elsewhere(v->model))
		trainable_elsewhere(a, v);
	else
		buf_addf(&a->out, "%s was trained on this machine, from weights that lie in a file: nobody can withdraw them.", v->id);
	return true;
}

static bool cadence(struct asking *a)
{
	buf_adds(&a->out, "one set of examples says nothing about how the inputs drift; feedback on live traffic will. `rung cost "
			  "--retrain-every DAYS` says what a cadence costs.");
	return false;
}

static bool switching(struct asking *a)
{
	for (size_t i = 0; i < a->r->n_switching; i++) {
		buf_adds(&a->out, i ? " " : "");
		words_switching(&a->out, a->r, i);
	}
	if (add_findings(a, FINDING_MODEL, false) + a->r->n_switching > 0)
		return true;
	buf_adds(&a->out, "one model answered; name several in `models:`.");
	return false;
}

static bool constraints(struct asking *a)
{
	const struct report_variant *w = a->winner;
	bool local = w && registry_runs_here(w->model);

	if (!w) {
		buf_adds(&a->out, "nothing was measured.");
		return false;
	}
	buf_addf(&a->out, "The winner %s", local ? "runs on this machine: no input leaves it." : "sends inputs to another machine");
	if (!local)
		buf_adds(&a->out, a->task->constraints.private ? ", which `constraints: {private: true}` forbids." : ".");
	if (w->retrieval.n > 0)
		buf_addf(&a->out, " It cites passages (%s citations, %s quotes that failed are not shown).", figure_count(w->retrieval.citations).text,
			 figure_count(w->retrieval.failed).text);
	else
		buf_addf(&a->out, " It cites nothing%s.", a->task->constraints.citations ? ", though `constraints: {citations: true}` asks for that" : "");
	return true;
}

static bool routing(struct asking *a)
{
	const struct report_cascade *c = &a->r->cascade;

	if (!c->wanted || c->n == 0) {
		buf_adds(&a->out, "all traffic of this task goes to the winner; ");
		buf_adds(&a->out, c->wanted ? "what is said of the cascade has the reason."
					    : "a cascade's share of escalated calls needs a threshold that is set on items used for nothing else "
					      "(`cascade` of the task file).");
		return c->wanted;
	}
	buf_addf(&a->out, "%s of the test items are answered by %s, %s go on to %s%s%s.", figure_percent(1 - (double)c->escalated / (double)c->n).text,
		 c->cheap->id, figure_percent((double)c->escalated / (double)c->n).text, c->strong->id,
		 c->why ? ", if the cascade were served, which it is not: " : "", c->why ? c->why : "");
	return true;
}

static const struct {
	const char *question;
	answer *answer;
} questions[REPORT_QUESTIONS] = {
	{ "What did each prompt technique add?", techniques },
	{ "Is knowledge missing, or behaviour?", knowledge },
	{ "Is the retriever at fault, or the model?", retriever_or_model },
	{ "Does an untuned model, or one shown the nearest examples, already pass?", untuned_passes },
	{ "Is the gain real?", gain_is_real },
	{ "How many labels reach the target, or is the ceiling too low?", labels_needed },
	{ "Are the labels clean, and does nothing leak into the test?", labels_clean },
	{ "Does tuning make other things worse?", regresses },
	{ "Did it learn facts by heart that will change?", memorised },
	{ "What do 1,000 calls cost, and a right answer?", cost_of_calls },
	{ "When does it pay back, and what would turn that?", payback },
	{ "How fast does it answer (p50, p95)?", latency },
	{ "Can it be trained today, and how long does its base live?", trainable },
	{ "How often must it be trained again?", cadence },
	{ "What is lost by switching models?", switching },
	{ "Does it keep to privacy and citations?", constraints },
	{ "Which traffic goes where, and how much is escalated?", routing },
};

void questions_answer(const struct task *task, struct arena *arena, struct report *report)
{
	struct report_question *list = arena_array(arena, REPORT_QUESTIONS, sizeof(*list));
	struct asking a = { .task = task, .r = report, .winner = report_winner(report) };

	for (size_t i = 0; i < REPORT_QUESTIONS; i++) {
		buf_clear(&a.out);
		list[i].question = questions[i].question;
		list[i].known = questions[i].answer(&a);
		list[i].answer = list[i].known ? arena_string(arena, buf_text(&a.out))
					       : arena_printf(arena, "Cannot be told from this data: %s", buf_text(&a.out));
	}
	buf_release(&a.out);
	report->questions = list;
}
