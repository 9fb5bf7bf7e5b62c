/* Kinds of texts are directions in space here, with noise about them. */
#include <stdlib.h>

#include "test.h"

#include "base/rng.h"
#include "tune/routes.h"

enum { WIDTH = 24, EACH = 60, KINDS = 2 };

/* Unit length: so much of one direction, the rest noise. */
static void draw(struct rng *r, size_t direction, double share, float *out)
{
	double sum = 0;

	for (size_t i = 0; i < WIDTH; i++) {
		double x = (rng_double(r) - 0.5) * 2 * (1 - share) + (i == direction ? 2.5 * share : 0);

		out[i] = (float)x;
		sum += x * x;
	}
	for (size_t i = 0; i < WIDTH; i++)
		out[i] /= (float)sqrt(sum);
}

/* Near the first kind, and none of it. */
static void draw_other(struct rng *r, float *out)
{
	double sum = 0;

	draw(r, 0, 0.7, out);
	out[9] += 0.3f;
	for (size_t i = 0; i < WIDTH; i++)
		sum += (double)out[i] * (double)out[i];
	for (size_t i = 0; i < WIDTH; i++)
		out[i] /= (float)sqrt(sum);
}

/* Of each kind, and others. */
static struct routes_texts texts(struct rng *r, size_t others)
{
	float *vectors = calloc((KINDS * EACH + others) * WIDTH, sizeof(*vectors));
	size_t *kind = calloc(KINDS * EACH + others, sizeof(*kind)), n = 0;

	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i < EACH; i++, n++) {
			draw(r, k, 0.7, vectors + n * WIDTH);
			kind[n] = k;
		}
	for (size_t i = 0; i < others; i++, n++) {
		draw_other(r, vectors + n * WIDTH);
		kind[n] = KINDS;
	}
	return (struct routes_texts){ vectors, kind, n };
}

static void release(struct routes_texts *t)
{
	free((void *)t->vectors);
	free((void *)t->kind);
}

static struct routes *learnt(struct rng *r, size_t others)
{
	struct routes_texts known = texts(r, others), held = texts(r, 0);
	struct routes *routes = routes_learn(&known, &held, WIDTH, KINDS, 0.02);

	release(&known); /* nothing points into them */
	release(&held);
	return routes;
}

static size_t count(const struct routes *routes, struct rng *r, size_t direction, size_t kind, bool unlike, size_t n)
{
	float v[WIDTH];
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		draw(r, direction, 0.7, v);
		struct route route = routes_find(routes, v, NULL);

		found += unlike ? route.unlike : !route.unlike && route.kind == kind;
	}
	return found;
}

static void each_goes_home(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 1, "tune_routes");
	for (size_t others = 0; others <= 40; others += 40) {
		struct routes *routes = learnt(&r, others);

		assert_true(count(routes, &r, 0, 0, false, 500) > 470);
		assert_true(count(routes, &r, 1, 1, false, 500) > 470);
		routes_free(routes);
	}
}

/* By likeness alone, of a direction that nobody knows; the head is sure of one of them all the same. */
static void strangers_are_unlike(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 2, "tune_routes");
	struct routes *routes = learnt(&r, 0);

	assert_true(count(routes, &r, 5, 0, true, 500) > 490);
	routes_free(routes);
}

/* Like enough for the bar, and the head knows whose they are. */
static void the_others_are_learnt(void **state)
{
	size_t unlike[2] = { 0 };

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct rng r;
		float v[WIDTH];

		rng_init(&r, 3, "tune_routes");
		struct routes *routes = learnt(&r, k * 60);

		for (size_t i = 0; i < 500; i++) {
			draw_other(&r, v);
			unlike[k] += routes_find(routes, v, NULL).unlike;
		}
		routes_free(routes);
	}
	assert_true(unlike[1] > unlike[0] + 100);
}

static void only_what_is_possible(void **state)
{
	const bool second[KINDS] = { false, true }, none[KINDS] = { false };
	struct rng r;
	float v[WIDTH];

	(void)state;
	rng_init(&r, 4, "tune_routes");
	struct routes *routes = learnt(&r, 40);

	draw(&r, 0, 0.9, v);
	assert_int_equal(routes_find(routes, v, NULL).kind, 0);
	struct route forced = routes_find(routes, v, second);

	assert_int_equal(forced.kind, 1);
	assert_true(forced.unlike && forced.probability <= 1);
	forced = routes_find(routes, v, none);
	assert_true(forced.kind == KINDS && forced.unlike);
	routes_free(routes);
	routes_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_goes_home),
		cmocka_unit_test(strangers_are_unlike),
		cmocka_unit_test(the_others_are_learnt),
		cmocka_unit_test(only_what_is_possible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
