/* The index against double precision, the kernel sets against plain loops, and what must hold whatever was added, removed
 * and filtered. */
#include "test.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"
#include "llm/kernels.h"
#include "retrieve/scan.h"
#include "retrieve/vector_index.h"

/* Unit vectors around random centres, as texts lie around topics, with their codes; ids are 10, 20, 30 ... */
struct shelf {
	size_t n, width;
	float *vectors; /* (n, width) */
	int8_t *codes;  /* (n, width) */
	float *scales;  /* (n) */
};

static void fill_unit(struct rng *r, const float *centre, double noise, float *v, size_t width)
{
	double length = 0;

	for (size_t i = 0; i < width; i++) {
		double x = rng_double(r) + rng_double(r) - 1;

		v[i] = (float)((centre ? (double)centre[i] : 0) + noise * x / sqrt((double)width));
		length += (double)v[i] * (double)v[i];
	}
	for (size_t i = 0; i < width; i++)
		v[i] = length > 0 ? v[i] / (float)sqrt(length) : 1.0f / (float)sqrt((double)width);
}

static struct shelf shelf_new(size_t n, size_t width)
{
	struct shelf s = { .n = n, .width = width, .vectors = mem_alloc((n + 1) * width * sizeof(float)),
			   .codes = mem_alloc((n + 1) * width), .scales = mem_alloc((n + 1) * sizeof(float)) };
	size_t topics = 1 + n / 20;
	float *centres = mem_alloc(topics * width * sizeof(*centres));
	struct rng r;

	rng_init(&r, n * 5000 + width, "shelf");
	for (size_t t = 0; t < topics; t++)
		fill_unit(&r, NULL, 1, centres + t * width, width);
	for (size_t i = 0; i < n; i++) {
		fill_unit(&r, centres + i % topics * width, 1, s.vectors + i * width, width);
		s.scales[i] = vector_quantise(s.vectors + i * width, width, s.codes + i * width);
	}
	free(centres);
	return s;
}

static void shelf_release(struct shelf *s)
{
	free(s->vectors);
	free(s->codes);
	free(s->scales);
}

static int64_t id_of(size_t i)
{
	return 10 * (int64_t)(i + 1);
}

static size_t row_of(int64_t id)
{
	return (size_t)(id / 10 - 1);
}

static struct vector_index *index_new(size_t width, size_t prefilter)
{
	struct vector_options options = { .width = width, .prefilter = prefilter };
	struct error err;
	struct vector_index *x = vector_index_new(&options, &err);

	if (!x)
		fail_msg("%s", err.text);
	return x;
}

static void index_add(struct vector_index *x, const struct shelf *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		assert_true(vector_index_add(x, id_of(i), s->codes + i * s->width, s->scales[i]));
}

static struct vector_index *index_of(const struct shelf *s, size_t prefilter)
{
	struct vector_index *x = index_new(s->width, prefilter);

	index_add(x, s, 0, s->n);
	return x;
}

/* --- the reference --------------------------------------------------------------------------------------------------- */

static double score_of(const struct shelf *s, size_t i, const float *query)
{
	double sum = 0;

	for (size_t d = 0; d < s->width; d++)
		sum += (double)query[d] * (double)s->codes[i * s->width + d];
	return sum * (double)s->scales[i];
}

/* The k-th best score among the rows that may be found; n_found: how many those are. */
static double kth_score(const struct shelf *s, const bool *there, const float *query, size_t k, size_t *n_found)
{
	double *best = mem_zero(k + 1, sizeof(*best)), worst;
	size_t n = 0;

	*n_found = 0;
	for (size_t i = 0; i < s->n; i++) {
		double score = score_of(s, i, query);
		size_t at = n < k ? n++ : k;

		if ((there && !there[i]) || s->scales[i] == 0) {
			n = at < k ? n - 1 : n;
			continue;
		}
		++*n_found;
		for (; at > 0 && best[at - 1] < score; at--)
			best[at] = best[at - 1];
		best[at] = score;
	}
	worst = n ? best[n - 1] : 0;
	free(best);
	return worst;
}

/* Hits are the k best that are there, in order, each once, with their scores. there: NULL or (s->n). */
static void assert_best(const char *name, const struct shelf *s, const bool *there, const float *query, size_t k,
			const struct vector_hit *hits, size_t n)
{
	static const double tolerance = 5e-5; /* the query is rounded to 15 bits */
	size_t found;
	double worst = kth_score(s, there, query, k, &found);

	if (n != (found < k ? found : k))
		fail_msg("%s, width %zu: %zu hits of %zu, k is %zu", name, s->width, n, found, k);
	for (size_t i = 0; i < n; i++) {
		size_t row = row_of(hits[i].id);
		double score = score_of(s, row, query);

		if ((there && !there[row]) || s->scales[row] == 0)
			fail_msg("%s, width %zu: id %d should not be found", name, s->width, (int)hits[i].id);
		assert_close(name, (double)hits[i].score, score, tolerance);
		if (score < worst - tolerance)
			fail_msg("%s, width %zu: hit %zu scores %g, the last should be %g", name, s->width, i, score, worst);
		if (i > 0 && hits[i].score == hits[i - 1].score)
			assert_true(hits[i].id > hits[i - 1].id);
		else if (i > 0)
			assert_true(hits[i].score < hits[i - 1].score);
	}
}

static const float *query_of(const struct shelf *s, size_t i)
{
	return s->vectors + i * 37 % s->n * s->width;
}

static void check_searches(const char *name, const struct shelf *s, const struct vector_index *x, const bool *there,
			   const uint64_t *allowed, size_t k)
{
	struct vector_hit *hits = mem_alloc(k * sizeof(*hits));

	for (size_t q = 0; q < 5; q++)
		assert_best(name, s, there, query_of(s, q), k, hits,
			    vector_index_search(x, query_of(s, q), k, allowed, NULL, hits));
	free(hits);
}

/* --- kernels --------------------------------------------------------------------------------------------------------- */

static void check_dots(const struct scan *scan, size_t n, size_t width, bool extreme)
{
	int8_t *rows = mem_aligned(n * width);
	int16_t *query = mem_aligned(width * sizeof(*query));
	int32_t *dots = mem_alloc(n * sizeof(*dots));
	int largest = INT32_MAX / 127 / (int)width < INT16_MAX ? INT32_MAX / 127 / (int)width : INT16_MAX;
	struct rng r;

	rng_init(&r, width, "dots");
	for (size_t i = 0; i < n * width; i++)
		rows[i] = (int8_t)(extreme ? 127 : (int)rng_below(&r, 255) - 127);
	for (size_t i = 0; i < width; i++)
		query[i] = (int16_t)(extreme ? -largest : (int)rng_below(&r, 2 * (uint64_t)largest) - largest);
	scan->dots(rows, n, width, query, dots);
	for (size_t i = 0; i < n; i++) {
		int64_t want = 0;

		for (size_t d = 0; d < width; d++)
			want += rows[i * width + d] * query[d];
		if (dots[i] != want)
			fail_msg("%s: row %zu of %zu, width %zu: %d", scan->name, i, n, width, (int)dots[i]);
	}
	free(rows);
	free(query);
	free(dots);
}

static void check_sums(const struct scan *scan, size_t n, unsigned largest)
{
	uint8_t *block = mem_aligned(n * SCAN_LANES), *table = mem_aligned(n * 32);
	uint16_t sums[SCAN_LANES];
	struct rng r;

	rng_init(&r, n, "sums");
	for (size_t i = 0; i < n * SCAN_LANES; i++)
		block[i] = (uint8_t)rng_below(&r, 256);
	for (size_t i = 0; i < n * 32; i++)
		table[i] = (uint8_t)(largest - rng_below(&r, 2));
	scan->sums(block, n, table, sums);
	for (size_t lane = 0; lane < SCAN_LANES; lane++) {
		unsigned want = 0;

		for (size_t j = 0; j < n; j++) {
			uint8_t byte = block[j * SCAN_LANES + scan_byte(lane)];

			want += table[j * 32 + (byte & 15)] + table[j * 32 + 16 + (byte >> 4)];
		}
		if (sums[lane] != want)
			fail_msg("%s: lane %zu of %zu bytes: %u, want %u", scan->name, lane, n, sums[lane], want);
	}
	free(block);
	free(table);
}

static void kernels_are_exact(void **state)
{
	(void)state;
	for (const struct scan *const *scan = scan_all(); *scan; scan++) {
		if (!(*scan)->available())
			continue;
		for (size_t n = 1; n <= 9; n++)
			for (size_t width = 64; width <= 4096; width *= 2)
				check_dots(*scan, n, width, n == 9);
		check_dots(*scan, 64, 384, false);
		for (size_t bytes = 1; bytes <= 256; bytes += bytes < 4 ? 1 : 63)
			check_sums(*scan, bytes, 127);
		check_sums(*scan, 512, 63);
	}
}

/* --- the index ------------------------------------------------------------------------------------------------------- */

static void quantising_rounds(void **state)
{
	float v[] = { 0.5f, -1.0f, 0.25f, 0.0f, 0.996f }, scale, zero[5] = { 0 };
	int8_t codes[5];

	(void)state;
	scale = vector_quantise(v, 5, codes);
	assert_close("scale", (double)scale, 1.0 / 127, 1e-7);
	assert_int_equal(codes[1], -127);
	for (size_t i = 0; i < 5; i++)
		assert_true(fabs((double)(v[i] - scale * codes[i])) <= 0.5001 * (double)scale);
	assert_true(vector_quantise(zero, 5, codes) == 0 && codes[0] == 0);
	v[3] = NAN;
	assert_true(vector_quantise(v, 5, codes) == 0 && codes[1] == 0);
	v[3] = -INFINITY;
	assert_true(vector_quantise(v, 5, codes) == 0);
	v[3] = 3e38f;
	assert_true(vector_quantise(v, 5, codes) > 0 && codes[3] == 127 && codes[0] == 0);
	zero[2] = 1e-42f;
	assert_true(vector_quantise(zero, 5, codes) == 0);
}

static void nearest_of_every_width(void **state)
{
	(void)state;
	for (size_t width = 1; width <= 768; width += width < 100 ? 1 : width == 100 ? 284 : 384) {
		struct shelf s = shelf_new(width < 5 ? 40 : 300, width);
		struct vector_index *x = index_of(&s, SIZE_MAX);

		check_searches("flat", &s, x, NULL, NULL, 1);
		check_searches("flat", &s, x, NULL, NULL, 10);
		check_searches("more than there are", &s, x, NULL, NULL, 1000);
		vector_index_free(x);
		shelf_release(&s);
	}
}

/* int8 against the f32 vectors themselves: scores differ by less than rounding can do. */
static void scores_are_cosines(void **state)
{
	struct shelf s = shelf_new(500, 384);
	struct vector_index *x = index_of(&s, 0);
	struct vector_hit hits[10];

	(void)state;
	for (size_t q = 0; q < 20; q++) {
		assert_int_equal(vector_index_search(x, query_of(&s, q), 10, NULL, NULL, hits), 10);
		assert_int_equal(row_of(hits[0].id), q * 37 % s.n);
		for (size_t i = 0; i < 10; i++) {
			double cosine = 0;

			for (size_t d = 0; d < 384; d++)
				cosine += (double)query_of(&s, q)[d] * (double)s.vectors[row_of(hits[i].id) * 384 + d];
			assert_close("cosine", (double)hits[i].score, cosine, 2e-3);
		}
	}
	vector_index_free(x);
	shelf_release(&s);
}

static size_t count_common(const struct vector_hit *a, const struct vector_hit *b, size_t n)
{
	size_t common = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			if (a[i].id == b[j].id) {
				common++;
				assert_true(a[i].score == b[j].score);
			}
	return common;
}

/* .95 at width 100, where a bit says least; the estimate errs by .75 / sqrt(width). */
static void prefilter_finds_what_the_scan_finds(void **state)
{
	static const struct {
		size_t width;
		double least;
	} rows[] = { { 100, .95 }, { 384, .99 }, { 768, .99 }, { 4096, .99 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct shelf s = shelf_new(rows[i].width > 1000 ? 6000 : 20000, rows[i].width);
		struct vector_index *flat = index_of(&s, SIZE_MAX), *x = index_of(&s, s.n / 2);
		size_t common = 0;

		for (size_t q = 0; q < 50; q++) {
			struct vector_hit a[10], b[10];

			assert_int_equal(vector_index_search(flat, query_of(&s, q), 10, NULL, NULL, a), 10);
			assert_int_equal(vector_index_search(x, query_of(&s, q), 10, NULL, NULL, b), 10);
			assert_int_equal(a[0].id, b[0].id);
			common += count_common(a, b, 10);
		}
		if ((double)common < rows[i].least * 500)
			fail_msg("width %zu: %zu of 500", rows[i].width, common);
		assert_true(vector_index_bytes(x) > vector_index_bytes(flat));
		vector_index_free(x);
		vector_index_free(flat);
		shelf_release(&s);
	}
}

static void assert_same_hits(const char *name, const struct vector_hit *a, const struct vector_hit *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].id != b[i].id || memcmp(&a[i].score, &b[i].score, sizeof(float)) != 0)
			fail_msg("%s: hit %zu is %d, want %d", name, i, (int)b[i].id, (int)a[i].id);
}

static void check_same(const char *name, const struct shelf *s, size_t prefilter, struct pool *pool,
		       const struct vector_hit *want)
{
	struct vector_index *x = index_of(s, prefilter);
	struct vector_hit hits[10];

	for (size_t q = 0; q < 10; q++) {
		assert_int_equal(vector_index_search(x, query_of(s, q), 10, NULL, pool, hits), 10);
		assert_same_hits(name, want + q * 10, hits, 10);
	}
	vector_index_free(x);
}

/* All kernel sets and numbers of threads, with and without the prefilter, to the byte. */
static void sets_and_threads_agree(void **state)
{
	struct shelf s = shelf_new(9000, 200);
	const char *set = getenv("RUNG_KERNELS");
	char *before = set ? mem_string(set) : NULL;
	struct pool *pool = pool_open(3);

	(void)state;
	for (size_t prefilter = 1; prefilter != 0; prefilter = prefilter == 1 ? SIZE_MAX : 0) {
		struct vector_index *x = index_of(&s, prefilter);
		struct vector_hit want[100];

		for (size_t q = 0; q < 10; q++)
			vector_index_search(x, query_of(&s, q), 10, NULL, NULL, want + q * 10);
		vector_index_free(x);
		for (const struct kernels *const *k = kernels_all(); *k; k++) {
			if (!(*k)->available())
				continue;
			setenv("RUNG_KERNELS", (*k)->name, 1);
			check_same((*k)->name, &s, prefilter, NULL, want);
			check_same((*k)->name, &s, prefilter, pool, want);
		}
		if (before)
			setenv("RUNG_KERNELS", before, 1);
		else
			unsetenv("RUNG_KERNELS");
	}
	free(before);
	pool_free(pool);
	shelf_release(&s);
}

static void wrong_settings_are_refused(void **state)
{
	struct vector_options none = { 0 }, wide = { .width = VECTOR_WIDEST + 1 }, good = { .width = 8 };
	const char *set = getenv("RUNG_KERNELS");
	char *before = set ? mem_string(set) : NULL;
	struct error err;

	(void)state;
	assert_null(vector_index_new(&none, &err));
	assert_null(vector_index_new(&wide, &err));
	assert_non_null(strstr(err.text, "4097"));
	setenv("RUNG_KERNELS", "abacus", 1);
	assert_null(vector_index_new(&good, &err));
	assert_non_null(strstr(err.text, "RUNG_KERNELS=abacus"));
	if (before)
		setenv("RUNG_KERNELS", before, 1);
	else
		unsetenv("RUNG_KERNELS");
	free(before);
}

static void ids_rise(void **state)
{
	struct vector_index *x = index_new(3, 0);
	int8_t codes[] = { 1, 2, 127 };
	struct vector_hit hit;
	float query[] = { 0, 0, 1 };

	(void)state;
	assert_int_equal(vector_index_search(x, query, 1, NULL, NULL, &hit), 0);
	assert_true(vector_index_add(x, -5, codes, 1));
	assert_false(vector_index_add(x, -5, codes, 1));
	assert_true(vector_index_add(x, INT64_MAX, codes, 2));
	assert_false(vector_index_add(x, 7, codes, 1));
	assert_int_equal(vector_index_size(x), 2);
	assert_int_equal(vector_index_search(x, query, 1, NULL, NULL, &hit), 1);
	assert_true(hit.id == INT64_MAX);
	assert_true(vector_index_remove(x, INT64_MAX));
	assert_true(vector_index_add(x, 7, codes, 1)); /* what was taken back leaves room */
	assert_int_equal(vector_index_size(x), 2);
	vector_index_free(x);
}

/* --- removal and filters --------------------------------------------------------------------------------------------- */

static void assert_contents(const struct shelf *s, const struct vector_index *x, const bool *there)
{
	float *v = mem_alloc(s->width * sizeof(*v));
	size_t n = 0, last = 0;

	for (size_t i = 0; i < s->n; i++) {
		size_t position = vector_index_position(x, id_of(i));

		assert_int_equal(vector_index_get(x, id_of(i), v), there[i]);
		assert_int_equal(position != SIZE_MAX, there[i]);
		if (!there[i])
			continue;
		assert_true(n == 0 || position > last);
		assert_true(position < vector_index_positions(x));
		for (size_t d = 0; d < s->width; d++)
			assert_true(v[d] == s->scales[i] * s->codes[i * s->width + d]);
		last = position;
		n++;
	}
	assert_int_equal(vector_index_size(x), n);
	assert_int_equal(vector_index_positions(x), n ? last + 1 : 0);
	free(v);
}

/* Adds and removes at random; everything holds after each of some hundreds of changes. */
static void check_changes(size_t prefilter)
{
	struct shelf s = shelf_new(7000, 40);
	struct vector_index *x = index_new(s.width, prefilter);
	bool *there = mem_zero(s.n, sizeof(*there));
	size_t added = 0;
	struct rng r;

	rng_init(&r, prefilter, "changes");
	while (added < s.n) {
		size_t to = added + rng_below(&r, 1500), gone = rng_below(&r, 900);

		to = to < s.n ? to : s.n;
		index_add(x, &s, added, to);
		for (; added < to; added++)
			there[added] = true;
		for (size_t i = 0; i < gone && added > 0; i++) {
			size_t row = rng_below(&r, added);

			assert_int_equal(vector_index_remove(x, id_of(row)), there[row]);
			there[row] = false;
		}
		assert_contents(&s, x, there);
		check_searches("after changes", &s, x, there, NULL, 10);
	}
	for (size_t i = 0; i < s.n; i++) {
		assert_int_equal(vector_index_remove(x, id_of(i)), there[i]);
		there[i] = false;
		if (i % 1000 == 0)
			assert_contents(&s, x, there);
	}
	assert_contents(&s, x, there);
	check_searches("after all are gone", &s, x, there, NULL, 3);
	vector_index_free(x);
	free(there);
	shelf_release(&s);
}

static void removed_vectors_are_gone(void **state)
{
	(void)state;
	check_changes(SIZE_MAX);
	check_changes(2000); /* bits come and go; so few are searched without them, but moved with them */
}

/* With the prefilter at work: what is left is found, what was removed is not. */
static void removal_with_prefilter(void **state)
{
	struct shelf s = shelf_new(12000, 384);
	struct vector_index *x = index_of(&s, 100), *flat;
	size_t common = 0;

	(void)state;
	for (size_t i = 0; i < s.n; i += 3)
		assert_true(vector_index_remove(x, id_of(i)));
	flat = index_new(384, SIZE_MAX);
	for (size_t i = 0; i < s.n; i++)
		if (i % 3)
			assert_true(vector_index_add(flat, id_of(i), s.codes + i * 384, s.scales[i]));
	for (size_t q = 0; q < 40; q++) {
		struct vector_hit a[10], b[10];

		assert_int_equal(vector_index_search(x, query_of(&s, q), 10, NULL, NULL, a), 10);
		assert_int_equal(vector_index_search(flat, query_of(&s, q), 10, NULL, NULL, b), 10);
		common += count_common(a, b, 10);
		for (size_t i = 0; i < 10; i++)
			assert_true(row_of(a[i].id) % 3 != 0);
	}
	assert_true(common >= 396);
	vector_index_free(x);
	vector_index_free(flat);
	shelf_release(&s);
}

/* Every step-th vector is allowed. */
static void check_filter(const struct shelf *s, const struct vector_index *x, size_t step)
{
	size_t words = (vector_index_positions(x) + 63) / 64;
	uint64_t *allowed = mem_zero(words, sizeof(*allowed));
	bool *there = mem_zero(s->n, sizeof(*there));

	for (size_t i = 0; i < s->n; i += step) {
		size_t position = vector_index_position(x, id_of(i));

		if (position == SIZE_MAX)
			continue;
		there[i] = true;
		allowed[position / 64] |= UINT64_C(1) << (position % 64);
	}
	check_searches("filtered", s, x, there, allowed, 10);
	free(allowed);
	free(there);
}

static void filters_come_first(void **state)
{
	static const size_t steps[] = { 1, 2, 7, 50, 1000, 100000 };
	struct shelf s = shelf_new(10000, 24);
	struct vector_index *x = index_of(&s, SIZE_MAX), *bits = index_of(&s, 5001);
	uint64_t none[10000 / 64 + 1] = { 0 };
	struct vector_hit hits[10];

	(void)state;
	for (size_t removals = 0; removals < 2; removals++) {
		for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
			check_filter(&s, x, steps[i]);
			if (steps[i] > 1)
				check_filter(&s, bits, steps[i]); /* of fewer than the prefilter's number: exact */
		}
		for (size_t i = 0; i < s.n; i += 3)
			assert_int_equal(vector_index_remove(x, id_of(i)), removals == 0);
	}
	assert_int_equal(vector_index_search(x, s.vectors, 10, none, NULL, hits), 0);
	vector_index_free(x);
	vector_index_free(bits);
	shelf_release(&s);
}

/* Half are allowed, and the half is prefiltered. */
static void filters_come_before_the_prefilter(void **state)
{
	struct shelf s = shelf_new(16000, 384);
	struct vector_index *x = index_of(&s, 1000);
	uint64_t allowed[16000 / 64];
	size_t right = 0;

	(void)state;
	memset(allowed, 0xaa, sizeof(allowed)); /* odd positions, which are odd rows here */
	for (size_t q = 0; q < 40; q++) {
		struct vector_hit hits[10];
		bool *there = mem_zero(s.n, sizeof(*there));
		size_t found;
		double worst;

		for (size_t i = 1; i < s.n; i += 2)
			there[i] = true;
		worst = kth_score(&s, there, query_of(&s, q), 10, &found);
		assert_int_equal(vector_index_search(x, query_of(&s, q), 10, allowed, NULL, hits), 10);
		for (size_t i = 0; i < 10; i++) {
			assert_true(there[row_of(hits[i].id)]);
			right += (double)hits[i].score >= worst - 5e-5;
		}
		free(there);
	}
	assert_true(right >= 396);
	vector_index_free(x);
	shelf_release(&s);
}

/* --- what has no nearest --------------------------------------------------------------------------------------------- */

/* All vectors are the same: the lowest ids, with any number of threads, prefiltered or not. */
static void ties_go_to_the_lower_id(void **state)
{
	struct pool *pool = pool_open(2);
	float query[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	int8_t codes[8];
	float scale = vector_quantise(query, 8, codes);

	(void)state;
	for (size_t prefilter = 1; prefilter != 0; prefilter = prefilter == 1 ? SIZE_MAX : 0) {
		struct vector_index *x = index_new(8, prefilter);
		struct vector_hit hits[20];

		for (size_t i = 0; i < 9000; i++)
			assert_true(vector_index_add(x, id_of(i), codes, scale));
		assert_true(vector_index_remove(x, id_of(3)));
		for (size_t t = 0; t < 4; t++) {
			assert_int_equal(vector_index_search(x, query, 20, NULL, t ? pool : NULL, hits), 20);
			for (size_t i = 0; i < 20; i++)
				assert_int_equal(hits[i].id, id_of(i < 3 ? i : i + 1));
		}
		vector_index_free(x);
	}
	pool_free(pool);
}

static void zero_matches_nothing(void **state)
{
	struct shelf s = shelf_new(9000, 16);
	struct vector_hit hits[100];
	float zero[16] = { 0 }, broken[16] = { 1, NAN };

	(void)state;
	for (size_t i = 0; i < s.n; i++) {
		if (i % 100 == 0)
			continue;
		memset(s.codes + i * 16, 0, 16);
		s.scales[i] = 0;
	}
	for (size_t prefilter = 1; prefilter != 0; prefilter = prefilter == 1 ? SIZE_MAX : 0) {
		struct vector_index *x = index_of(&s, prefilter);

		assert_int_equal(vector_index_size(x), 9000);
		assert_int_equal(vector_index_search(x, zero, 10, NULL, NULL, hits), 0);
		assert_int_equal(vector_index_search(x, broken, 10, NULL, NULL, hits), 0);
		assert_int_equal(vector_index_search(x, s.vectors, 0, NULL, NULL, hits), 0);
		/* 90 are not zero, and many of them point away from a query: scores below zero count too. 10 go through bits. */
		for (size_t q = 0; q < 5; q++)
			for (size_t k = 10; k <= 100; k += 90)
				assert_best("ninety", &s, NULL, query_of(&s, q), k, hits,
					    vector_index_search(x, query_of(&s, q), k, NULL, NULL, hits));
		vector_index_free(x);
	}
	shelf_release(&s);
}

/* --- threads and memory ---------------------------------------------------------------------------------------------- */

struct searcher {
	const struct shelf *shelf;
	const struct vector_index *index;
	const struct vector_hit *want; /* (20, 10) */
	bool same;
};

static void *search_all(void *argument)
{
	struct searcher *s = argument;

	s->same = true;
	for (size_t q = 0; q < 20; q++) {
		struct vector_hit hits[10];
		size_t n = vector_index_search(s->index, query_of(s->shelf, q), 10, NULL, NULL, hits);

		s->same = s->same && n == 10;
		for (size_t i = 0; i < n; i++)
			s->same = s->same && hits[i].id == s->want[q * 10 + i].id;
	}
	return NULL;
}

static void many_search_at_once(void **state)
{
	struct shelf s = shelf_new(9000, 64);
	struct vector_index *x = index_of(&s, 1);
	struct vector_hit want[200];
	struct searcher searchers[4];
	pthread_t threads[4];

	(void)state;
	for (size_t q = 0; q < 20; q++)
		vector_index_search(x, query_of(&s, q), 10, NULL, NULL, want + q * 10);
	for (size_t i = 0; i < 4; i++) {
		searchers[i] = (struct searcher){ &s, x, want, false };
		assert_int_equal(pthread_create(&threads[i], NULL, search_all, &searchers[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_true(searchers[i].same);
	}
	vector_index_free(x);
	shelf_release(&s);
}

/* 1.2 times the int8 vectors, with the bits, and after every tenth is gone. */
static void memory_is_bounded(void **state)
{
	struct vector_index *x = index_new(384, 50000);
	int8_t codes[384];
	struct rng r;

	(void)state;
	rng_init(&r, 1, "memory");
	for (int64_t i = 0; i < 60000; i++) {
		for (size_t d = 0; d < 384; d += 8)
			codes[d] = (int8_t)rng_below(&r, 127);
		assert_true(vector_index_add(x, i, codes, 1));
	}
	assert_true((double)vector_index_bytes(x) <= 1.2 * 60000 * 384);
	assert_true((double)vector_index_bytes(x) >= 1.125 * 60000 * 384);
	for (int64_t i = 0; i < 60000; i += 10)
		assert_true(vector_index_remove(x, i));
	assert_true((double)vector_index_bytes(x) <= 1.2 * 54000 * 384 + 1e6);
	for (int64_t i = 1; i < 59990; i++)
		vector_index_remove(x, i);
	assert_int_equal(vector_index_size(x), 9);
	assert_true(vector_index_bytes(x) < 1000000);
	vector_index_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_are_exact), cmocka_unit_test(quantising_rounds),
		cmocka_unit_test(nearest_of_every_width), cmocka_unit_test(scores_are_cosines),
		cmocka_unit_test(prefilter_finds_what_the_scan_finds), cmocka_unit_test(sets_and_threads_agree),
		cmocka_unit_test(wrong_settings_are_refused), cmocka_unit_test(ids_rise),
		cmocka_unit_test(removed_vectors_are_gone), cmocka_unit_test(removal_with_prefilter),
		cmocka_unit_test(filters_come_first), cmocka_unit_test(filters_come_before_the_prefilter),
		cmocka_unit_test(ties_go_to_the_lower_id), cmocka_unit_test(zero_matches_nothing),
		cmocka_unit_test(many_search_at_once), cmocka_unit_test(memory_is_bounded),
	};

	return cmocka_run_group_tests_name("retrieve_vectors", tests, NULL, NULL);
}
