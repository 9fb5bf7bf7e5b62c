/* sample.c - a heap gives the likeliest tokens one by one, so that top-k and top-p sort no more than they keep. */
#include "llm/sample.h"

#include <math.h>
#include <stdbool.h>

static float known(float logit)
{
	return isnan(logit) ? -INFINITY : logit;
}

static size_t likeliest(const float *logits, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (known(logits[i]) > known(logits[best]))
			best = i;
	return best;
}

double sample_log_sum(const float *logits, size_t n)
{
	double top = (double)known(logits[likeliest(logits, n)]), sum = 0;

	if (!isfinite(top))
		return top;
	for (size_t i = 0; i < n; i++)
		sum += exp((double)known(logits[i]) - top);
	return top + log(sum);
}

/* Weights exp((logit - top) / temperature), by id; tokens whose weight vanishes are left out. Returns their number. */
static size_t weigh(const float *logits, size_t n, double temperature, struct sample_choice *out)
{
	size_t best = likeliest(logits, n), kept = 0;
	double top = (double)known(logits[best]);

	if (!isfinite(top)) { /* nothing to weigh, or plus infinity, which leaves no doubt */
		out[0] = (struct sample_choice){ (int32_t)best, 1 };
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		double weight = exp(((double)known(logits[i]) - top) / temperature);

		if (weight > 0)
			out[kept++] = (struct sample_choice){ (int32_t)i, weight };
	}
	return kept;
}

static bool before(const struct sample_choice *a, const struct sample_choice *b)
{
	return a->p > b->p || (a->p >= b->p && a->id < b->id);
}

static void swap(struct sample_choice *a, struct sample_choice *b)
{
	struct sample_choice t = *a;

	*a = *b;
	*b = t;
}

static void sift_down(struct sample_choice *heap, size_t n, size_t at)
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && before(&heap[child + 1], &heap[child]))
			child++;
		if (!before(&heap[child], &heap[at]))
			return;
		swap(&heap[child], &heap[at]);
	}
}

/* Leaves in front, likeliest first, the fewest tokens whose weights reach `mass`, but no more than `most`. */
static size_t keep_likeliest(struct sample_choice *a, size_t n, size_t most, double mass)
{
	size_t kept = 0;

	for (size_t i = n / 2; i-- > 0;)
		sift_down(a, n, i);
	for (double sum = 0; kept < most && kept < n && sum < mass; kept++) {
		sum += a[0].p;
		swap(&a[0], &a[n - 1 - kept]); /* taken ones gather at the end, the likeliest last */
		sift_down(a, n - 1 - kept, 0);
	}
	for (size_t i = 0; i < n / 2; i++)
		swap(&a[i], &a[n - 1 - i]);
	return kept;
}

static double total(const struct sample_choice *a, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i].p;
	return sum;
}

/* The best token weighs 1 (weigh()), so min_p is the limit itself. */
static size_t drop_unlikely(struct sample_choice *a, size_t n, double min_p)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (a[i].p >= min_p)
			a[kept++] = a[i];
	return kept;
}

/* What is left, not yet brought to sum 1. */
static size_t filtered(const struct sampling *s, const float *logits, size_t n, struct sample_choice *kept)
{
	size_t left = weigh(logits, n, s->temperature, kept);

	if (s->top_k > 0 && s->top_k < left)
		left = keep_likeliest(kept, left, s->top_k, INFINITY);
	if (s->top_p > 0 && s->top_p < 1)
		left = keep_likeliest(kept, left, left, s->top_p * total(kept, left));
	return s->min_p > 0 ? drop_unlikely(kept, left, fmin(s->min_p, 1)) : left;
}

size_t sample_kept(const struct sampling *s, const float *logits, size_t n, struct sample_choice *kept)
{
	if (!(s->temperature > 0)) {
		kept[0] = (struct sample_choice){ (int32_t)likeliest(logits, n), 1 };
		return 1;
	}
	size_t left = filtered(s, logits, n, kept);
	double sum = total(kept, left);

	for (size_t i = 0; i < left; i++)
		kept[i].p /= sum;
	return left;
}

int32_t sample_token(const struct sampling *s, const float *logits, size_t n, double u, struct sample_choice *room)
{
	if (!(s->temperature > 0))
		return (int32_t)likeliest(logits, n);
	size_t left = filtered(s, logits, n, room), at = 0;
	double reach = u * total(room, left), sum = room[0].p;

	while (sum <= reach && at + 1 < left)
		sum += room[++at].p;
	return room[at].id;
}
