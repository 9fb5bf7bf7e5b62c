/* answer.c - variant_answer(): classifiers answer by themselves, everything else through a model call. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "prompt/parse.h"
#include "variant/lookup.h"
#include "variant/sets.h"

static size_t most_likely(const double *p, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (p[i] > p[best])
			best = i;
	return best;
}

const char *classified(const struct task *task, double threshold, const double *p, struct arena *arena)
{
	if (!task->many)
		return task->labels[most_likely(p, task->n_labels)].name;
	bool *has = arena_array(arena, task->n_labels, sizeof(*has));

	for (size_t i = 0; i < task->n_labels; i++)
		has[i] = p[i] >= threshold;
	return sets_text(task, has, arena);
}

static bool classifier_answers(struct workshop *w, const struct variant *v, const struct example *const *items,
			       size_t n, struct arena *arena, struct answer *answers, struct error *err)
{
	struct classifier *c = workshop_classifier(w, v->classifier, err);
	const char **texts = arena_array(arena, n, sizeof(*texts));

	for (size_t i = 0; i < n; i++)
		texts[i] = workshop_text(w, arena, items[i]);
	if (!c || (v->classifier->embeds && !models_embed_ahead(w->models, texts, n, err)))
		return false;
	for (size_t i = 0; i < n; i++) {
		double start = clock_ms();
		double *p = arena_array(arena, w->task->n_labels, sizeof(*p));
		float *vector = NULL;

		if (v->classifier->embeds) {
			vector = arena_array(arena, w->width, sizeof(*vector));
			if (!models_embed(w->models, &texts[i], 1, vector, err))
				return false;
		}
		classifier_predict(c, texts[i], vector, p);
		answers[i] = (struct answer){ .text = classified(w->task, w->task->many ? classifier_threshold(c) : 0, p, arena), .status = "answered",
					      .scores = p, .ms = clock_ms() - start };
	}
	return true;
}

static bool encoder_answers(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
			    struct arena *arena, struct answer *answers, struct error *err)
{
	const struct tuned_model *m = workshop_tuned(w, v, err);

	if (m && m->tagger)
		return tagger_answers(w, m->tagger, items, n, arena, answers, err);
	for (size_t i = 0; m && i < n; i++) {
		double start = clock_ms(), *p = arena_array(arena, w->task->n_labels, sizeof(*p));
		const char *text = workshop_text(w, arena, items[i]);

		tuned_encoder_predict(m->encoder, &text, 1, p);
		answers[i] = (struct answer){ .text = classified(w->task, m->threshold, p, arena), .status = "answered", .scores = p,
					      .ms = clock_ms() - start };
	}
	return m != NULL;
}

/* Divides by the prior and brings the sum back to 1. */
static void calibrate(double *p, const double *prior, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i] /= fmax(prior[i], 1e-12);
	for (size_t i = 0; i < n; i++)
		p[i] /= sum;
}

/* What a call says: the status of an answer, and its label when that is "answered". */
static const char *read_label(const struct task *task, const struct variant *v, const struct call_row *call, const char **text)
{
	bool reasoned = v->technique && v->technique->reasoning;
	size_t label;
	enum parse_result parsed = parse_label(task, call->output, reasoned, &label);

	if (parsed == PARSE_LABEL) {
		*text = task->labels[label].name;
		return "answered";
	}
	if (parsed == PARSE_REFUSED)
		return "refused";
	return strcmp(call->status, "ok") == 0 ? "unparsed" : call->status;
}

/* The same of an answer to a question, whose citations go to e. */
static const char *read_answer(const struct variant *v, const struct call_row *call, struct arena *arena, struct evidence *e,
			       const char **text)
{
	const struct technique *t = v->technique;
	size_t reasons;
	const char *reply = t && t->reasoning ? parse_behind_reasons(call->output, &reasons) : call->output;
	struct cited_answer cited = passages_read(reply, e->n_passages, arena);

	if (t && t->answer != ANSWER_TEXT && !cited.parsed)
		return strcmp(call->status, "ok") == 0 ? "unparsed" : call->status;
	*text = cited.answer ? cited.answer : "";
	if (!cited.answer)
		return "abstained";
	if (cited.n_citations > 0 || cited.parsed)
		evidence_cite(e, &cited, arena);
	else
		evidence_support(e, cited.answer, arena);
	return "answered";
}

/* The same of extracted fields. */
static const char *read_object(const struct task *task, const struct variant *v, const struct call_row *call,
			       struct arena *arena, const char **text)
{
	*text = extract_read(task, v->technique, call->output, arena);
	if (*text)
		return "answered";
	return strcmp(call->status, "ok") == 0 ? "unparsed" : call->status;
}

/* The same of a text that was to be written. */
static const char *read_text(const struct task *task, const struct variant *v, const struct call_row *call, struct arena *arena,
			     const char **text)
{
	*text = generate_read(task, v, call->output, arena);
	if (*text)
		return "answered";
	return strcmp(call->status, "ok") == 0 ? "unparsed" : call->status;
}

const char *answer_read(const struct task *task, const struct variant *v, const struct call_row *call, struct arena *arena,
			struct evidence *e, const char **text)
{
	if (!call->output || (strcmp(call->status, "ok") != 0 && strcmp(call->status, "truncated") != 0))
		return call->status;
	switch (task->kind) {
	case TASK_ANSWER:
		return read_answer(v, call, arena, e, text);
	case TASK_EXTRACT:
		return read_object(task, v, call, arena, text);
	case TASK_GENERATE:
		return read_text(task, v, call, arena, text);
	default:
		return task->many ? sets_read(task, call, arena, text) : read_label(task, v, call, text);
	}
}

const char *variant_reply(const struct task *task, const struct variant *v, const struct call_row *call, struct arena *arena)
{
	struct evidence none = { 0 };
	const char *text = NULL;

	answer_read(task, v, call, arena, &none, &text);
	return text;
}

/* Whether two votes are for the same: labels by name, answers by their normal forms. */
static bool same_vote(const char *a, const char *b)
{
	struct buf x = { 0 }, y = { 0 };
	bool same;

	text_normalise(&x, a, strlen(a));
	text_normalise(&y, b, strlen(b));
	same = strcmp(a, b) == 0 || (x.n > 0 && strcmp(buf_text(&x), buf_text(&y)) == 0);
	buf_release(&x);
	buf_release(&y);
	return same;
}

/* The answer that most calls give; of equally many the one that came first. Calls without an answer do not vote; when none
 * has one, the status is what all of them share, or "unparsed". */
static void vote(const struct task *task, const struct variant *v, const struct call_row *calls, size_t n,
		 struct arena *arena, struct evidence *e, struct answer *a)
{
	const char **texts = arena_array(arena, n, sizeof(*texts)), **statuses = arena_array(arena, n, sizeof(*statuses));
	size_t most = 0;

	for (size_t i = 0; i < n; i++) {
		statuses[i] = answer_read(task, v, &calls[i], arena, e, &texts[i]);
		a->status = i == 0 || strcmp(a->status, statuses[i]) == 0 ? statuses[i] : "unparsed";
	}
	for (size_t i = 0; i < n; i++) {
		size_t votes = 0;

		for (size_t k = 0; k < n && texts[i]; k++)
			votes += texts[k] && same_vote(texts[i], texts[k]);
		if (votes > most) {
			most = votes;
			a->text = texts[i];
			a->status = statuses[i];
		}
	}
}

/* The answer's calls and what they cost together. */
static void add_calls(const struct call_row *calls, size_t n, struct arena *arena, struct answer *a)
{
	int64_t *ids = arena_array(arena, n, sizeof(*ids));

	*a = (struct answer){ .status = calls[n - 1].status, .call = calls[0].id };
	for (size_t i = 0; i < n; i++) {
		ids[i] = calls[i].id;
		a->ms += calls[i].ms;
		a->input_tokens += calls[i].input_tokens;
		a->output_tokens += calls[i].output_tokens;
	}
	if (n > 1) {
		a->samples = ids;
		a->n_samples = n;
	}
}

static bool model_answers(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
			  struct arena *arena, struct answer *answers, struct error *err)
{
	size_t labels = w->task->n_labels;
	bool scoring = v->technique && v->technique->answer == ANSWER_SCORES;
	size_t each = variant_calls(v), replies = variant_replies(v);
	struct call_row *calls = arena_array(arena, n * each, sizeof(*calls));
	struct evidence *shown = arena_array(arena, n, sizeof(*shown));
	double *scores = scoring ? arena_array(arena, n * labels, sizeof(*scores)) : NULL;
	const double *prior = NULL;

	if (scoring && v->technique->calibration != CALIBRATE_NONE && !(prior = calibration_prior(w, v, err)))
		return false;
	if (!calls_make(w, v, items, n, arena, calls, scores, shown, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct answer *a = &answers[i];
		const struct call_row *reply = &calls[(i + 1) * each - replies];

		add_calls(&calls[i * each], each, arena, a);
		if (!scoring || (reply->output && !reply->scores)) { /* a model without probabilities wrote the label */
			vote(w->task, v, reply, replies, arena, &shown[i], a);
		} else if (reply->scores) {
			if (prior)
				calibrate(scores + i * labels, prior, labels);
			a->scores = scores + i * labels;
			a->text = w->task->labels[most_likely(a->scores, labels)].name;
			a->status = "answered";
		}
		a->evidence = shown[i].n_passages > 0 ? &shown[i] : NULL;
	}
	return true;
}

static bool lookups_answer(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
			   struct arena *arena, struct answer *answers, struct error *err)
{
	const char **texts = arena_array(arena, n, sizeof(*texts));

	for (size_t i = 0; i < n; i++)
		texts[i] = workshop_text(w, arena, items[i]);
	if (v->lookup->search && variant_embeds(v) && !models_embed_ahead(w->models, texts, n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		double start = clock_ms();

		if (!v->lookup->answer(w, v->lookup, items[i], arena, &answers[i], err))
			return false;
		answers[i].ms = clock_ms() - start;
	}
	return true;
}

bool variant_answer_anyway(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
			   struct arena *arena, struct answer *answers, struct error *err)
{
	if (v->classifier)
		return classifier_answers(w, v, items, n, arena, answers, err);
	if (v->lookup)
		return lookups_answer(w, v, items, n, arena, answers, err);
	if (v->recorded)
		return replayed_answers(w, v, items, n, arena, answers, err);
	if (v->tuning && !v->model)
		return encoder_answers(w, v, items, n, arena, answers, err);
	return model_answers(w, v, items, n, arena, answers, err);
}

/* In place of an answer whose passages are too far from the question; it cites nothing. */
static void abstain(struct answer *a, struct arena *arena)
{
	struct evidence *shown = arena_alloc(arena, sizeof(*shown));

	*shown = *a->evidence;
	shown->n_citations = shown->failed = 0;
	a->evidence = shown;
	a->text = "";
	a->status = "abstained";
}

double answer_confidence(const struct task *task, const struct answer *answer)
{
	for (size_t i = 0; !task->many && answer->text && answer->scores && i < task->n_labels; i++)
		if (strcmp(task->labels[i].name, answer->text) == 0)
			return answer->scores[i];
	return NAN;
}

bool variant_answer(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
		    struct arena *arena, struct answer *answers, struct error *err)
{
	double threshold;

	if (!abstention_threshold(w, v, &threshold, err) || !variant_answer_anyway(w, v, items, n, arena, answers, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct answer *a = &answers[i];

		if (a->text && a->evidence && a->evidence->similarity < threshold)
			abstain(a, arena);
	}
	return true;
}

bool variant_ready(struct workshop *w, const struct variant *v, const char **unfit, struct error *err)
{
	const struct search *search = v->lookup ? v->lookup->search : NULL;
	bool embeds = v->classifier ? v->classifier->embeds : v->technique && v->technique->shots == SHOTS_EMBEDDING;

	embeds = embeds || (v->lookup && v->lookup->embeds);
	*unfit = NULL;
	if (v->recorded)
		return true;
	if (search && !library_prepare(w->library, &search->cutting, NULL, err))
		return false;
	if (v->technique && !workshop_documents(w, v->technique, unfit, err))
		return false;
	if (*unfit)
		return true;
	if (embeds && !workshop_vectors(w, err))
		return false;
	if (v->tuning && !workshop_tuned(w, v, err)) {
		*unfit = tuning_waits(w, v) ? arena_string(&w->arena, err->text) : NULL;
		return *unfit != NULL;
	}
	return !v->model || model_open(w->models, workshop_model(w, v, err), err);
}

bool variant_request(struct workshop *w, const struct variant *v, const struct example *item, struct buf *out,
		     struct error *err)
{
	struct arena arena;
	struct model_request request;
	struct evidence shown;
	bool built = true;

	if (v->classifier || v->lookup || v->recorded || (v->tuning && !v->model))
		return true;
	arena_init(&arena);
	built = request_build(w, v, item, workshop_text(w, &arena, item), &arena, &request, &shown, err);
	if (built)
		buf_adds(out, model_request_json(&arena, &request));
	arena_release(&arena);
	return built;
}
