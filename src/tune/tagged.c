/* tagged.c - outputs to the best tags, and what tags and classes say of a text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tune/tagging.h"

static size_t largest(const double *x, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		best = x[i] > x[best] ? i : best;
	return best;
}

void tagging_best(const struct tagging *g, const float *scores, size_t n, int32_t *tags)
{
	size_t k = g->n_tags, *from = mem_alloc((n * k + 1) * sizeof(*from));
	double *sums = mem_alloc((2 * k + 1) * sizeof(*sums)), *before = sums, *now = sums + k;

	for (size_t i = 0; i < n; i++) {
		size_t best = i > 0 ? largest(before, k) : 0;

		for (size_t t = 0; t < k; t++) {
			bool inside = t > 0 && t % 2 == 0;
			size_t last = inside && i > 0 ? (before[t] > before[t - 1] ? t : t - 1) : best;

			from[i * k + t] = last;
			now[t] = (i > 0 ? before[last] : inside ? -INFINITY : 0) + (double)scores[i * k + t];
		}
		double *swap = before;

		before = now;
		now = swap;
	}
	for (size_t i = n, t = n > 0 ? largest(before, k) : 0; i-- > 0; t = from[i * k + t])
		tags[i] = (int32_t)t;
	free(from);
	free(sums);
}

void tagged_each(const struct tagged *t, void (*fn)(void *context, size_t field, const char *value, size_t n), void *context)
{
	for (size_t i = 0, end; i < t->n_words; i = end) {
		end = i + 1;
		if (t->tags[i] == TAG_NONE)
			continue;
		size_t field = (size_t)(t->tags[i] - 1) / 2;

		while (end < t->n_words && t->tags[end] == (int32_t)(2 + 2 * field))
			end++;
		fn(context, field, t->text + t->words[i].from, t->words[end - 1].to - t->words[i].from);
	}
}

struct collecting {
	size_t field;
	bool all;
	json_t *list;
};

static void collect(void *context, size_t field, const char *value, size_t n)
{
	const struct collecting *c = context;

	if (field == c->field && (c->all || json_array_size(c->list) == 0))
		json_array_append_new(c->list, json_stringn(value, n));
}

static json_t *values_of(const struct tagged *t, size_t field, bool all)
{
	struct collecting c = { field, all, json_array() };

	tagged_each(t, collect, &c);
	return c.list;
}

static json_t *find_strings(void *finder, const char *field, bool all)
{
	const struct tagged *t = finder;
	size_t at = hash_map_get(&t->tagging->by_field, field, strlen(field), 0);

	return at && at <= t->tagging->n_strings ? values_of(t, at - 1, all) : json_array();
}

static json_t *value_of(const struct tagged *t, size_t choice)
{
	return json_incref(json_array_get(t->tagging->choices[choice].values, t->classes[choice]));
}

static bool find_choice(void *finder, const char *field, json_t **value)
{
	const struct tagged *t = finder;
	size_t at = hash_map_get(&t->tagging->by_field, field, strlen(field), 0);

	if (at <= t->tagging->n_strings)
		return false;
	*value = value_of(t, at - 1 - t->tagging->n_strings);
	return true;
}

struct filling tagged_filling(struct tagged *t)
{
	return (struct filling){ .validator = t->tagging->validator, .strings = find_strings, .choice = find_choice, .finder = t };
}

json_t *tagged_parts(const struct tagged *t)
{
	json_t *out = json_object();

	for (size_t i = 0; i < t->tagging->n_strings; i++) {
		json_t *list = values_of(t, i, t->tagging->strings[i].list);

		if (json_array_size(list) > 0)
			json_object_set_new(out, t->tagging->strings[i].field, list);
		else
			json_decref(list);
	}
	for (size_t i = 0; i < t->tagging->n_choices; i++) {
		json_t *value = value_of(t, i);

		if (value)
			json_object_set_new(out, t->tagging->choices[i].field, value);
	}
	return out;
}
