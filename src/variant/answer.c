/* answer.c - variant_answer(): classifiers answer by themselves, everything else through a model call. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "prompt/parse.h"
#include "variant/workshop.h"

static size_t most_likely(const double *p, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (p[i] > p[best])
			best = i;
	return best;
}

static bool classifier_answers(struct workshop *w, const struct variant *v, const struct example *const *items,
			       size_t n, struct arena *arena, struct answer *answers, struct error *err)
{
	struct classifier *c = workshop_classifier(w, v->classifier, err);

	if (!c)
		return false;
	for (size_t i = 0; i < n; i++) {
		double start = clock_ms();
		const char *text = workshop_text(w, arena, items[i]);
		double *p = arena_array(arena, w->task->n_labels, sizeof(*p));
		float *vector = NULL;

		if (v->classifier->embeds) {
			vector = arena_array(arena, w->width, sizeof(*vector));
			if (!models_embed(w->models, &text, 1, vector, err))
				return false;
		}
		classifier_predict(c, text, vector, p);
		answers[i] = (struct answer){ .label = w->task->labels[most_likely(p, w->task->n_labels)].name,
					      .status = "answered", .scores = p, .ms = clock_ms() - start };
	}
	return true;
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
static const char *read_call(const struct workshop *w, const struct variant *v, const struct call_row *call,
			     size_t *label)
{
	bool reasoned = v->technique && v->technique->reasoning;
	enum parse_result parsed;

	if (!call->output || (strcmp(call->status, "ok") != 0 && strcmp(call->status, "truncated") != 0))
		return call->status;
	parsed = parse_label(w->task, call->output, reasoned, label);
	if (parsed == PARSE_LABEL)
		return "answered";
	if (parsed == PARSE_REFUSED)
		return "refused";
	return strcmp(call->status, "ok") == 0 ? "unparsed" : call->status;
}

/* The label that most calls give; of equally many the one that came first. Calls without a label do not vote; when none
 * has one, the status is what all of them share, or "unparsed". */
static void vote(const struct workshop *w, const struct variant *v, const struct call_row *calls, size_t n,
		 struct arena *arena, struct answer *a)
{
	size_t *votes = arena_array(arena, w->task->n_labels, sizeof(*votes));
	size_t *labels = arena_array(arena, n, sizeof(*labels)), n_voters = 0, most = 0;

	for (size_t i = 0; i < n; i++) {
		const char *status = read_call(w, v, &calls[i], &labels[n_voters]);

		if (strcmp(status, "answered") == 0)
			votes[labels[n_voters++]]++;
		a->status = i == 0 || strcmp(a->status, status) == 0 ? status : "unparsed";
	}
	for (size_t i = 0; i < n_voters; i++)
		if (votes[labels[i]] > most) {
			most = votes[labels[i]];
			a->label = w->task->labels[labels[i]].name;
			a->status = "answered";
		}
}

/* The answer's calls and what they cost together. */
static void add_calls(const struct call_row *calls, size_t n, struct arena *arena, struct answer *a)
{
	int64_t *ids = arena_array(arena, n, sizeof(*ids));

	*a = (struct answer){ .status = calls[0].status, .call = calls[0].id };
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
	size_t samples = variant_calls(v);
	struct call_row *calls = arena_array(arena, n * samples, sizeof(*calls));
	double *scores = scoring ? arena_array(arena, n * labels, sizeof(*scores)) : NULL;
	const double *prior = NULL;

	if (scoring && v->technique->calibration != CALIBRATE_NONE && !(prior = calibration_prior(w, v, err)))
		return false;
	if (!calls_make(w, v, items, n, arena, calls, scores, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct answer *a = &answers[i];

		add_calls(&calls[i * samples], samples, arena, a);
		if (!scoring) {
			vote(w, v, &calls[i * samples], samples, arena, a);
		} else if (calls[i].scores) {
			if (prior)
				calibrate(scores + i * labels, prior, labels);
			a->scores = scores + i * labels;
			a->label = w->task->labels[most_likely(a->scores, labels)].name;
			a->status = "answered";
		}
	}
	return true;
}

bool variant_answer(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
		    struct arena *arena, struct answer *answers, struct error *err)
{
	if (v->classifier)
		return classifier_answers(w, v, items, n, arena, answers, err);
	return model_answers(w, v, items, n, arena, answers, err);
}

bool variant_ready(struct workshop *w, const struct variant *v, struct error *err)
{
	bool embeds = v->classifier ? v->classifier->embeds : v->technique && v->technique->shots == SHOTS_EMBEDDING;

	return (!embeds || workshop_vectors(w, err)) && (!v->model || model_open(w->models, v->model, err));
}

bool variant_request(struct workshop *w, const struct variant *v, const struct example *item, struct buf *out,
		     struct error *err)
{
	struct arena arena;
	struct model_request request;
	bool built = true;

	if (v->classifier)
		return true;
	arena_init(&arena);
	built = request_build(w, v, item, &arena, &request, err);
	if (built)
		buf_adds(out, request_json(&arena, &request));
	arena_release(&arena);
	return built;
}
