/* workshop.c - lazily built, kept until the workshop is freed. */
#include "variant/workshop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

struct workshop *workshop_open(const struct task *task, struct dev_items dev, struct models *models,
			       struct library *library, struct store *store, int64_t run, uint64_t seed)
{
	struct workshop *w = mem_zero(1, sizeof(*w));
	struct error impossible; /* task_open() compiled the same template */

	*w = (struct workshop){ .task = task, .dev = dev, .models = models, .library = library, .store = store, .run = run, .seed = seed };
	arena_init(&w->arena);
	w->input = template_compile(&w->arena, task, task->input, "input", &impossible);
	w->asker = (struct model_asker){ calls_ask_texts, w };
	w->asked_before = models_ask_through(models, &w->asker);
	return w;
}

void workshop_serve(struct workshop *w, int64_t run)
{
	w->served = run;
}

void workshop_keep_nothing(struct workshop *w)
{
	w->store = NULL;
}

void workshop_run(struct workshop *w, int64_t run)
{
	w->run = run;
}

void workshop_watch(struct workshop *w, const struct training_watch *watch)
{
	w->watch = watch;
}

void workshop_spending(struct workshop *w, const struct spending_watch *spending)
{
	w->spending = spending;
}

void workshop_batching(struct workshop *w, const struct batching *batching)
{
	w->batching = batching;
}

void workshop_repeat(struct workshop *w, size_t repeat)
{
	w->repeat = repeat;
}

void workshop_curate(struct workshop *w, const struct curated *curated)
{
	w->curated = curated;
}

void workshop_free(struct workshop *w)
{
	if (!w)
		return;
	models_ask_through(w->models, w->asked_before);
	grader_free(w->grader);
	for (struct trained *t = w->trained; t; t = t->next)
		classifier_free(t->classifier);
	workshop_free_tuned(w);
	tfidf_index_free(w->tfidf);
	gazetteer_free(w->gazetteer);
	tagging_free(w->tagging);
	label_table_free(w->label_words);
	label_table_free(w->label_vectors);
	hash_map_release(&w->document_names);
	hash_map_release(&w->seen);
	free(w->pool_vectors);
	free(w->dev_vectors);
	arena_release(&w->arena);
	free(w);
}

const char *workshop_text(struct workshop *w, struct arena *arena, const struct example *item)
{
	struct buf text = { 0 };

	template_values(w->input, item, &text);
	const char *copy = arena_copy(arena, buf_text(&text), text.n);

	buf_release(&text);
	return copy;
}

const char *const *workshop_pool_texts(struct workshop *w)
{
	struct item_list pool = w->task->pool.list;

	if (!w->pool_texts) {
		w->pool_texts = arena_array(&w->arena, pool.n, sizeof(*w->pool_texts));
		for (size_t i = 0; i < pool.n; i++)
			w->pool_texts[i] = workshop_text(w, &w->arena, pool.items[i]);
	}
	return w->pool_texts;
}

bool workshop_vectors(struct workshop *w, struct error *err)
{
	size_t n = w->task->pool.list.n;

	if (w->pool_vectors)
		return true;
	w->width = models_embedding_width(w->models, err);
	if (w->width == 0)
		return false;
	w->pool_vectors = mem_zero(n * w->width, sizeof(*w->pool_vectors));
	return models_embed(w->models, workshop_pool_texts(w), n, w->pool_vectors, err);
}

struct item_list workshop_lessons(const struct workshop *w, int rung)
{
	return rung == 3 && w->curated ? w->curated->pool.list : w->task->pool.list;
}

struct classifier_lessons workshop_part(struct workshop *w, const struct classifier_method *method, const size_t *order, size_t size,
					struct arena *arena)
{
	struct item_list lessons = workshop_lessons(w, method->rung);
	const size_t *at = method->rung == 3 && w->curated ? w->curated->at : NULL;
	const char *const *pool_texts = workshop_pool_texts(w);
	const struct example **items = arena_array(arena, size, sizeof(*items));
	const char **texts = arena_array(arena, size, sizeof(*texts));
	float *vectors = method->embeds ? arena_array(arena, size * w->width, sizeof(*vectors)) : NULL;

	for (size_t i = 0; i < size; i++) {
		size_t lesson = order ? order[i] : i, row = at ? at[lesson] : lesson;

		items[i] = lessons.items[lesson];
		texts[i] = pool_texts[row];
		if (vectors)
			memcpy(vectors + i * w->width, w->pool_vectors + row * w->width, w->width * sizeof(*vectors));
	}
	return (struct classifier_lessons){ { { items, size } }, texts, vectors, w->width, models_pool(w->models) };
}

struct classifier *workshop_classifier(struct workshop *w, const struct classifier_method *method, struct error *err)
{
	for (struct trained *t = w->trained; t; t = t->next)
		if (t->method == method)
			return t->classifier;
	if (method->embeds && !workshop_vectors(w, err))
		return NULL;
	struct arena arena;

	arena_init(&arena);
	struct classifier_lessons all = workshop_part(w, method, NULL, workshop_lessons(w, method->rung).n, &arena);
	struct classifier *c = classifier_train(method, w->task, &all, w->seed, err);

	arena_release(&arena);
	if (c) {
		struct trained *t = arena_alloc(&w->arena, sizeof(*t));

		*t = (struct trained){ method, c, w->trained };
		w->trained = t;
	}
	return c;
}

/* One shot a label, KNN_SHOTS without labels or with many an item, drawn by seed; the same for every input, so that all inputs share them as a
 * prefix. */
static size_t fixed_shots(struct workshop *w, size_t *positions)
{
	struct item_list pool = w->task->pool.list;
	size_t *order = mem_zero(pool.n, sizeof(*order));
	bool by_label = w->task->n_labels > 0 && !w->task->many;
	size_t n = 0;
	struct rng rng;

	rng_init(&rng, w->seed, "shots");
	for (size_t i = 0; i < pool.n; i++)
		order[i] = i;
	rng_shuffle(&rng, order, pool.n);
	for (; !by_label && n < KNN_SHOTS && n < pool.n; n++)
		positions[n] = order[n];
	for (size_t label = 0; by_label && label < w->task->n_labels; label++)
		for (size_t i = 0; i < pool.n; i++)
			if (pool.items[order[i]]->label == label) {
				positions[n++] = order[i];
				break;
			}
	rng_shuffle(&rng, positions, n);
	free(order);
	return n;
}

/* All of the pool, the most similar first. Words weigh as in the whole pool, however small the part that is chosen from. */
static size_t tfidf_shots(struct workshop *w, const struct example *item, size_t most, struct arena *arena, size_t *positions)
{
	double *similarity = arena_array(arena, most, sizeof(*similarity));

	if (!w->tfidf) {
		struct tfidf_options options = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 1, .sublinear = true };

		w->tfidf = tfidf_index_new(&options, workshop_pool_texts(w), w->task->pool.list.n);
	}
	return tfidf_nearest(w->tfidf, workshop_text(w, arena, item), most, SIZE_MAX, positions, similarity);
}

static bool embedding_shots(struct workshop *w, const struct example *item, size_t most, struct arena *arena, size_t *positions,
			    size_t *n, struct error *err)
{
	double *similarity = arena_array(arena, most, sizeof(*similarity));

	if (!workshop_vectors(w, err))
		return false;
	const char *text = workshop_text(w, arena, item);
	float *vector = arena_array(arena, w->width, sizeof(*vector));
	size_t n_pool = w->task->pool.list.n;
	double *scores = arena_array(arena, n_pool, sizeof(*scores));

	if (!models_embed(w->models, &text, 1, vector, err))
		return false;
	for (size_t i = 0; i < n_pool; i++)
		for (size_t j = 0; j < w->width; j++)
			scores[i] += (double)vector[j] * (double)w->pool_vectors[i * w->width + j];
	*n = nearest_select(scores, n_pool, most, SIZE_MAX, positions, similarity);
	return true;
}

/* Of the positions (n) the first KNN_SHOTS that lie in the part; returns how many. */
static size_t keep_part(struct workshop *w, struct pool_part part, struct arena *arena, size_t *positions, size_t n)
{
	size_t pool = w->task->pool.list.n, kept = 0;
	size_t *order = arena_array(arena, pool, sizeof(*order));
	bool *in = arena_array(arena, pool, sizeof(*in));

	pool_order(w, part.seed, order);
	for (size_t i = 0; i < part.size && i < pool; i++)
		in[order[i]] = true;
	for (size_t i = 0; i < n && kept < KNN_SHOTS; i++)
		if (in[positions[i]])
			positions[kept++] = positions[i];
	return kept;
}

bool workshop_shots(struct workshop *w, enum shots kind, struct pool_part part, const struct example *item, struct arena *arena,
		    size_t **positions, size_t *n, struct error *err)
{
	size_t nearest = part.size ? w->task->pool.list.n : KNN_SHOTS;
	size_t most = w->task->n_labels > nearest ? w->task->n_labels : nearest;

	*positions = arena_array(arena, most, sizeof(**positions));
	*n = 0;
	if (kind == SHOTS_FIXED)
		*n = fixed_shots(w, *positions);
	else if (kind == SHOTS_TFIDF)
		*n = tfidf_shots(w, item, nearest, arena, *positions);
	else if (kind == SHOTS_EMBEDDING && !embedding_shots(w, item, nearest, arena, *positions, n, err))
		return false;
	if (part.size > 0 && kind != SHOTS_FIXED)
		*n = keep_part(w, part, arena, *positions, *n);
	if (kind == SHOTS_TFIDF || kind == SHOTS_EMBEDDING)
		for (size_t i = 0; i < *n / 2; i++) { /* the most similar stands next to the input */
			size_t t = (*positions)[i];

			(*positions)[i] = (*positions)[*n - 1 - i];
			(*positions)[*n - 1 - i] = t;
		}
	return true;
}
