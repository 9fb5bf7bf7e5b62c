/* gemm.c - speed of matrix_multiply beside OpenBLAS on the shapes of the models: one run, taking turns.
 *
 *     gemm [threads] [seconds for each shape] [part of a shape's name]
 *
 * RUNG_KERNELS chooses the set, GEMM_LIBRARY the peer's file.
 *
 * One line for each shape: name <TAB> rung <TAB> peer <TAB> ratio <TAB> target <TAB> ok | short | absent, in GFLOP/s
 * (the best of all turns; 2 m n k operations). The peer multiplies with W as the model stores it (sgemm, W transposed;
 * sgemv for one row), ours with W packed at load, which is how each is used. The target is the ratio: at least as fast.
 * Products of few rows take another copy of W each time, COLD_BYTES in all, because the weights of a whole model pass
 * by before one is needed again: their speed is the memory's. */
#include <dlfcn.h>
#include <math.h>

#include "base/arena.h"
#include "base/rng.h"
#include "llm/kernels.h"

typedef void sgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
		      const float *b, int ldb, float beta, float *c, int ldc);

typedef void sgemv_fn(int order, int trans, int rows, int columns, float alpha, const float *a, int lda, const float *x,
		      int step_x, float beta, float *y, int step_y);

struct peer {
	void *library; /* NULL when absent */
	sgemm_fn *sgemm;
	sgemv_fn *sgemv; /* what a user of the peer calls for one row */
};

static const struct shape {
	int m, n, k;
	const char *name;
	double target; /* ratio to the peer */
} shapes[] = {
	{ 1, 576, 576, "one token, query", 1.0 },
	{ 1, 1536, 576, "one token, gate", 1.0 },
	{ 1, 576, 1536, "one token, down", 1.0 },
	{ 1, 49152, 576, "one token, vocabulary", 1.0 },
	{ 8, 1536, 576, "8 streams, gate", 1.0 },
	{ 8, 576, 1536, "8 streams, down", 1.0 },
	{ 30, 192, 576, "30 streams, key", 1.0 },
	{ 30, 1536, 576, "30 streams, gate", 1.0 },
	{ 30, 576, 1536, "30 streams, down", 1.0 },
	{ 100, 192, 576, "prompt of 100, key", 1.0 },
	{ 100, 576, 576, "prompt of 100, query", 1.0 },
	{ 100, 1536, 576, "prompt of 100, gate", 1.0 },
	{ 100, 576, 1536, "prompt of 100, down", 1.0 },
	{ 512, 384, 384, "MiniLM query", 1.0 },
	{ 512, 1536, 384, "MiniLM up", 1.0 },
	{ 512, 384, 1536, "MiniLM down", 1.0 },
	{ 2048, 192, 576, "SmolLM2 key", 1.0 },
	{ 2048, 576, 576, "SmolLM2 query", 1.0 },
	{ 2048, 1536, 576, "SmolLM2 gate", 1.0 },
	{ 2048, 576, 1536, "SmolLM2 down", 1.0 },
	{ 61, 77, 30, "odd", 1.0 },
};

enum {
	COLD_ROWS = 30, /* products of at most so many rows find W in memory, not in the cache */
	COLD_BYTES = 96 << 20,
	TURN = 5, /* products in a turn: the first finds the other side's data in the cache */
};

struct trial {
	const struct shape *shape;
	size_t copies; /* of W */
	struct matrix *w; /* (copies) */
	float *a, *rounded, *b, *c, *peer_c; /* b (copies, n, k); in a model, what computes a row also rounds it */
	double ours, theirs; /* least seconds */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct peer peer_open(int threads)
{
	const char *name = getenv("GEMM_LIBRARY");
	struct peer peer = { .library = dlopen(name ? name : "libopenblas.so.0", RTLD_NOW | RTLD_LOCAL) };
	void (*set_threads)(int) = NULL;

	if (!peer.library)
		return peer;
	*(void **)&peer.sgemm = dlsym(peer.library, "cblas_sgemm");
	*(void **)&peer.sgemv = dlsym(peer.library, "cblas_sgemv");
	*(void **)&set_threads = dlsym(peer.library, "openblas_set_num_threads");
	if (set_threads)
		set_threads(threads);
	return peer;
}

static float *random_values(struct rng *rng, size_t n)
{
	float *x = mem_aligned(n * sizeof(*x));

	for (size_t i = 0; i < n; i++)
		x[i] = (float)(rng_double(rng) * 2 - 1);
	return x;
}

static void peer_multiply(const struct peer *peer, struct trial *t, size_t copy)
{
	enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };
	const struct shape *s = t->shape;
	const float *b = t->b + copy * (size_t)s->n * (size_t)s->k;

	if (s->m == 1)
		peer->sgemv(ROW_MAJOR, PLAIN, s->n, s->k, 1.0f, b, s->k, t->a, 1, 0.0f, t->peer_c, 1);
	else
		peer->sgemm(ROW_MAJOR, PLAIN, TRANSPOSED, s->m, s->n, s->k, 1.0f, t->a, s->k, b, s->k, 0.0f,
			    t->peer_c, s->n);
}

static void take_turns(struct trial *t, struct pool *pool, const struct peer *peer, double seconds)
{
	double end = now() + seconds, start;
	size_t n = (size_t)t->shape->n, k = (size_t)t->shape->k, m = (size_t)t->shape->m, copy = 0;

	t->ours = t->theirs = INFINITY;
	do {
		for (int i = 0; i < TURN; i++) {
			copy = (copy + 1) % t->copies;
			start = now();
			matrix_multiply(&t->w[copy], pool, t->rounded, m, k, t->c, n);
			t->ours = fmin(t->ours, now() - start);
		}
		for (int i = 0; i < TURN && peer->library; i++) {
			copy = (copy + 1) % t->copies;
			start = now();
			peer_multiply(peer, t, copy);
			t->theirs = fmin(t->theirs, now() - start);
		}
	} while (now() < end);
}

static void print_line(const struct trial *t, const struct peer *peer, const struct kernels *kernels, int threads)
{
	const struct shape *s = t->shape;
	double work = 2.0 * s->m * s->n * s->k / 1e9;
	double ratio = t->theirs / t->ours;

	printf("gemm %s (%d, %d, %d) %s, %d threads, GFLOP/s\t%.1f\t", s->name, s->m, s->n, s->k, kernels->name,
	       threads, work / t->ours);
	if (peer->library)
		printf("%.1f\t%.2f\t%.2f\t%s\n", work / t->theirs, ratio, s->target,
		       ratio >= s->target ? "ok" : "short");
	else
		printf("-\t-\t%.2f\tabsent\n", s->target);
	fflush(stdout);
}

static void run_shape(const struct shape *s, const struct kernels *kernels, struct pool *pool, const struct peer *peer,
		      double seconds)
{
	size_t m = (size_t)s->m, n = (size_t)s->n, k = (size_t)s->k;
	struct trial t = { .shape = s, .copies = 1 };
	struct rng rng;

	rng_init(&rng, 1, s->name);
	t.a = random_values(&rng, m * k);
	t.rounded = mem_aligned(m * k * sizeof(float));
	for (size_t i = 0; i < m; i++)
		kernels->round(t.a + i * k, k, t.rounded + i * k);
	if (s->m <= COLD_ROWS)
		t.copies = 1 + COLD_BYTES / (n * k * sizeof(float));
	t.b = random_values(&rng, t.copies * n * k);
	t.c = mem_aligned(m * n * sizeof(float));
	t.peer_c = mem_aligned(m * n * sizeof(float));
	t.w = mem_zero(t.copies, sizeof(*t.w));
	for (size_t i = 0; i < t.copies; i++) {
		struct tensor w = { .name = "W", .type = TENSOR_F32, .n_dims = 2, .shape = { n, k, 1, 1 },
				    .data = (const uint8_t *)(t.b + i * n * k), .bytes = n * k * sizeof(float) };

		matrix_pack(&t.w[i], kernels, (struct tensor_stack){ { &w }, 1 });
	}
	take_turns(&t, pool, peer, seconds);
	print_line(&t, peer, kernels, pool_threads(pool));
	for (size_t i = 0; i < t.copies; i++)
		matrix_release(&t.w[i]);
	free(t.w);
	free(t.a);
	free(t.rounded);
	free(t.b);
	free(t.c);
	free(t.peer_c);
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2;
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 0.3;
	struct error err;
	const struct kernels *kernels = kernels_choose(false, &err);
	struct peer peer = peer_open(threads);
	struct pool *pool;

	if (!kernels) {
		fprintf(stderr, "gemm: %s\n", err.text);
		return 1;
	}
	pool = pool_open(threads);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (argc <= 3 || strstr(shapes[i].name, argv[3]))
			run_shape(&shapes[i], kernels, pool, &peer, seconds);
	pool_free(pool);
	if (peer.library)
		dlclose(peer.library);
	return 0;
}
