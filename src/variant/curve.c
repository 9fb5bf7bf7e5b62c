/* curve.c - variant_curve(): the pool's vectors and dev's are made once, and classifiers learn from parts of them; encoders are trained on
 * parts in a place that is left again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "task/scorer.h"
#include "variant/workshop.h"

static const char *const *dev_texts(struct workshop *w, struct arena *arena)
{
	const char **texts = arena_array(arena, w->dev.list.n, sizeof(*texts));

	for (size_t i = 0; i < w->dev.list.n; i++)
		texts[i] = workshop_text(w, arena, w->dev.list.items[i]);
	return texts;
}

static bool make_vectors(struct workshop *w, const char *const *texts, struct error *err)
{
	if (!workshop_vectors(w, err))
		return false;
	if (w->dev_vectors)
		return true;
	w->dev_vectors = mem_zero(w->dev.list.n * w->width, sizeof(*w->dev_vectors));
	return models_embed(w->models, texts, w->dev.list.n, w->dev_vectors, err);
}

static void shuffled(size_t *order, size_t n, uint64_t seed)
{
	struct rng rng;

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	rng_init(&rng, seed, "learning curve");
	rng_shuffle(&rng, order, n);
}

void pool_order(const struct workshop *w, uint64_t seed, size_t *order)
{
	shuffled(order, w->task->pool.list.n, seed);
}

static struct classifier_lessons draw(struct workshop *w, const struct classifier_method *method, size_t size, uint64_t seed,
				      struct arena *arena)
{
	size_t n = workshop_lessons(w, method->rung).n;
	size_t *order = arena_array(arena, n, sizeof(*order));

	shuffled(order, n, seed);
	return workshop_part(w, method, order, size < n ? size : n, arena);
}

/* The mean score of answers to all of dev. */
static bool mean_score(struct workshop *w, const char *const *answers, double *score, struct error *err)
{
	struct item_list dev = w->dev.list;

	if (!workshop_grade(w, dev.items, answers, dev.n, err))
		return false;
	*score = 0;
	for (size_t i = 0; i < dev.n; i++)
		*score += scorer_grade(w->task, dev.items[i], answers[i]) / (double)dev.n;
	return true;
}

static bool grade(struct workshop *w, const struct classifier *c, bool embeds, const char *const *texts, struct arena *arena,
		  double *score, struct error *err)
{
	double *p = arena_array(arena, w->task->n_labels, sizeof(*p)), threshold = w->task->many ? classifier_threshold(c) : 0;
	const char **answers = arena_array(arena, w->dev.list.n, sizeof(*answers));

	for (size_t i = 0; i < w->dev.list.n; i++) {
		classifier_predict(c, texts[i], embeds ? w->dev_vectors + i * w->width : NULL, p);
		answers[i] = classified(w->task, threshold, p, arena);
	}
	return mean_score(w, answers, score, err);
}

/* What curation leaves of the pool is what training draws from. */
static bool encoder_curve(struct workshop *w, const struct variant *v, size_t size, uint64_t seed, double *score, struct error *err)
{
	struct item_list lessons = workshop_lessons(w, 3), part = { NULL, 0 };
	struct tuned_encoder *encoder = NULL;
	double threshold;
	struct arena arena;

	arena_init(&arena);
	size_t *order = arena_array(&arena, lessons.n + 1, sizeof(*order));
	const struct example **items = arena_array(&arena, size + 1, sizeof(*items));
	double *p = arena_array(&arena, w->task->n_labels, sizeof(*p));
	const char **answers = arena_array(&arena, w->dev.list.n, sizeof(*answers));

	shuffled(order, lessons.n, seed);
	for (; part.n < size && part.n < lessons.n; part.n++)
		items[part.n] = lessons.items[order[part.n]];
	part.items = items;
	*score = labels_tell_apart(w->task, part) ? 0 : NAN;
	bool trained = isnan(*score) || tuned_part(w, v, part, &encoder, &threshold, err);

	for (size_t i = 0; encoder && i < w->dev.list.n; i++) {
		const char *text = workshop_text(w, &arena, w->dev.list.items[i]);

		tuned_encoder_predict(encoder, &text, 1, p);
		answers[i] = classified(w->task, threshold, p, &arena);
	}
	if (encoder && trained)
		trained = mean_score(w, answers, score, err);
	tuned_encoder_free(encoder);
	arena_release(&arena);
	return trained;
}

bool variant_curve(struct workshop *w, const struct variant *v, size_t size, uint64_t seed, double *score, struct error *err)
{
	if (v->tuning)
		return encoder_curve(w, v, size, seed, score, err);
	bool embeds = v->classifier->embeds;
	struct error unfit;
	struct arena arena;

	arena_init(&arena);
	const char *const *texts = dev_texts(w, &arena);
	bool ready = !embeds || make_vectors(w, texts, err);

	if (ready) {
		struct classifier_lessons part = draw(w, v->classifier, size, seed, &arena);
		struct classifier *c = classifier_train(v->classifier, w->task, &part, seed, &unfit);

		*score = NAN;
		ready = !c || grade(w, c, embeds, texts, &arena, score, err);
		classifier_free(c);
	}
	arena_release(&arena);
	return ready;
}
