/* Attention in every kernel set against double precision; and the promise that neither segments nor the grouping of
 * queries leave a trace in the bytes. */
#include "test.h"

#include "base/arena.h"
#include "base/rng.h"
#include "llm/attention.h"

enum { KV_HEADS = 2, HEAD = 1 }; /* heads in a row of keys, and the one that is asked */

static const struct shape {
	const char *name;
	size_t tokens, before, group, width, window;
	bool causal;
} shapes[] = {
	{ "one query of one position", 1, 0, 1, 16, 0, true },
	{ "one query behind many", 1, 70, 3, 64, 0, true },
	{ "a whole block from the start", ATTENTION_BLOCK, 0, 3, 64, 0, true },
	{ "a block behind an odd number", 20, 77, 2, 48, 0, true },
	{ "a text", 17, 0, 1, 32, 0, false },
	{ "a text of full panels", 32, 0, 1, 32, 0, false },
	{ "a window wider than the text", 9, 20, 4, 32, 100, true },
	{ "a window within the text", 21, 150, 4, 256, 37, true },
	{ "a window of one", 5, 40, 1, 16, 1, true },
};

/* Everything about one shape; rows of q and out hold one head too many, rows of kv KV_HEADS heads. */
struct problem {
	const struct kernels *kernels;
	const struct shape *shape;
	size_t positions, ldq, ldkv;
	float *q, *k, *v, *scratch;
};

static float *values(size_t n, const char *stream)
{
	float *x = mem_aligned(n * sizeof(*x));
	struct rng rng;

	rng_init(&rng, 3, stream);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(4 * rng_double(&rng) - 2);
	return x;
}

static struct problem problem_init(const struct kernels *kernels, const struct shape *s)
{
	struct problem p = { .kernels = kernels, .shape = s, .positions = s->before + s->tokens };

	p.ldq = (s->group + 1) * s->width;
	p.ldkv = KV_HEADS * s->width;
	p.q = values(s->tokens * p.ldq, "q");
	p.k = values(p.positions * p.ldkv, "k");
	p.v = values(p.positions * p.ldkv, "v");
	p.scratch = mem_aligned(attention_scratch(kernels, s->group, s->width, p.positions) * sizeof(float));
	return p;
}

static void problem_release(struct problem *p)
{
	free(p->q);
	free(p->k);
	free(p->v);
	free(p->scratch);
}

/* Queries first .. first+n-1, over segments of up to `length` positions, to out (tokens, ldq). */
static void attend(const struct problem *p, size_t first, size_t n, size_t length, bool plain, float *out)
{
	const struct shape *s = p->shape;
	struct attention_segment segments[256] = { 0 };
	struct attention a = {
		.q = p->q + first * p->ldq, .out = out + first * p->ldq, .plain = plain, .column = s->width, .n = n,
		.ldq = p->ldq, .ldo = p->ldq, .group = s->group, .width = s->width, .scale = 1 / sqrtf((float)s->width),
		.segments = segments, .head = HEAD * s->width, .first = s->before + first, .causal = s->causal,
		.window = s->window,
	};

	for (size_t i = 0; i < p->positions; i += length)
		segments[a.n_segments++] = (struct attention_segment){
			p->k + i * p->ldkv, p->v + i * p->ldkv, p->positions - i < length ? p->positions - i : length, p->ldkv
		};
	attention_run(&a, p->kernels, p->scratch);
}

static bool sees(const struct shape *s, size_t token, size_t position)
{
	size_t own = s->before + token;

	return !s->causal || (position <= own && (s->window == 0 || position + s->window > own));
}

static double score(const struct problem *p, size_t token, size_t head, size_t position)
{
	size_t width = p->shape->width;
	const float *q = p->q + token * p->ldq + head * width, *k = p->k + position * p->ldkv + HEAD * width;
	double sum = 0;

	for (size_t i = 0; i < width; i++)
		sum += (double)q[i] * (double)k[i];
	return sum / sqrt((double)width);
}

static void reference(const struct problem *p, size_t token, size_t head, double *out)
{
	size_t width = p->shape->width;
	double all = 0;

	memset(out, 0, width * sizeof(*out));
	for (size_t j = 0; j < p->positions; j++) {
		double weight = sees(p->shape, token, j) ? exp(score(p, token, head, j)) : 0;

		all += weight;
		for (size_t i = 0; i < width; i++)
			out[i] += weight * (double)p->v[j * p->ldkv + HEAD * width + i];
	}
	for (size_t i = 0; i < width; i++)
		out[i] /= all;
}

/* bf16 keeps 8 bits of each factor: of scores near 1 the error is some 2^-8, of a weighted mean of values up to 2 less
 * than twice that. */
static void output_matches_reference(void **state)
{
	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t c = 0; (*set)->available() && c < ARRAY_SIZE(shapes); c++) {
			const struct shape *s = &shapes[c];
			struct problem p = problem_init(*set, s);
			float *out = mem_zero(s->tokens * p.ldq, sizeof(*out));
			double want[256];

			attend(&p, 0, s->tokens, 1000, true, out);
			for (size_t r = 0; r < s->tokens * s->group; r++) {
				reference(&p, r / s->group, r % s->group, want);
				for (size_t i = 0; i < s->width; i++)
					assert_close(s->name, (double)out[r / s->group * p.ldq + (1 + r % s->group) * s->width + i],
						     want[i], (*set)->products == PRODUCTS_BF16 ? 0.02 : 3e-6);
			}
			free(out);
			problem_release(&p);
		}
}

static void segments_and_groups_leave_no_trace(void **state)
{
	static const size_t lengths[] = { 1, 7, 16, 33 }, groups[] = { 1, 5, 32 };

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t c = 0; (*set)->available() && c < ARRAY_SIZE(shapes); c++) {
			const struct shape *s = &shapes[c];
			struct problem p = problem_init(*set, s);
			size_t size = s->tokens * p.ldq;
			float *whole = mem_zero(size, sizeof(*whole)), *parts = mem_zero(size, sizeof(*parts));

			attend(&p, 0, s->tokens, 1000, false, whole);
			for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
				for (size_t l = 0; l < ARRAY_SIZE(lengths); l++) {
					memset(parts, 0, size * sizeof(*parts));
					for (size_t i = 0; i < s->tokens; i += groups[g])
						attend(&p, i, s->tokens - i < groups[g] ? s->tokens - i : groups[g], lengths[l],
						       false, parts);
					if (memcmp(whole, parts, size * sizeof(*parts)) != 0)
						fail_msg("%s: %s: segments of %zu, queries by %zu", (*set)->name, s->name,
							 lengths[l], groups[g]);
				}
			free(whole);
			free(parts);
			problem_release(&p);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_matches_reference),
		cmocka_unit_test(segments_and_groups_leave_no_trace),
	};

	return cmocka_run_group_tests_name("llm_attention", tests, NULL, NULL);
}
