/* retrieve.c - the vector index at work, for bench/retrieve.py and for work on it.
 *
 *     retrieve [-t threads] [-n turns] [-p] COMMAND FOLDER NUMBER
 *
 *     data FOLDER N      from FOLDER/texts.f32 (embeddings, 384 wide) writes base.f32 (N vectors) and queries.f32
 *     truth FOLDER N     writes truth.N: the exact f32 top 10 of the first TIMED queries among the first N vectors
 *     latency FOLDER N   a turn is TIMED queries one after the other, the threads sharing each; prints p50 and p95 (ms) of
 *                        the turn, recall@10, index bytes / int8 bytes, peak MB
 *     total FOLDER N     once: seconds of building (f32 to int8 included; one thread), of all queries (each thread answers
 *                        whole ones), of removing a tenth; recall@10; index bytes / int8 bytes after the removal
 *
 * base.f32 repeats the texts: vector i is that of text i mod texts, the first time as it is, then with gaussian noise of
 * length NOISE, renormalised (cosine .970 to its text, .941 to another copy; the fifth neighbour of an ICD-10-CM
 * description has a median of .948). Queries are further such copies of texts drawn at random.
 * -t threads (default 1, as the library searches); -n turns (default 5); -p takes one for each line of standard input. */
#include <math.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "llm/kernels.h"
#include "retrieve/vector_index.h"

enum { WIDTH = 384, K = 10, QUERIES = 10000, TIMED = 1000, TRUTH_BLOCK = 8192, READ_BLOCK = 2048 };
static const double NOISE = 0.25;
static const uint64_t SEED = 5;

struct bench {
	const char *folder;
	size_t n;
	struct pool *pool;
	float *base, *queries; /* (n, WIDTH) for `truth`, (QUERIES, WIDTH) */
	int32_t *truth;        /* (TIMED, K) */
	struct vector_index *index;
	unsigned char *right; /* (QUERIES) hits among the exact ones */
};

static void die(const char *text)
{
	fprintf(stderr, "retrieve: %s\n", text);
	exit(1);
}

/* --- files ---------------------------------------------------------------------------------------------------------- */

static FILE *open_file(const struct bench *b, const char *name, const char *mode)
{
	struct buf path = { 0 };
	FILE *file;

	buf_addf(&path, "%s/%s", b->folder, name);
	file = fopen(buf_text(&path), mode);
	if (!file) {
		fprintf(stderr, "retrieve: %s cannot be opened\n", buf_text(&path));
		exit(1);
	}
	buf_release(&path);
	return file;
}

/* Reads up to n items; *n becomes how many there were. */
static void *read_items(const struct bench *b, const char *name, size_t size, size_t *n)
{
	FILE *file = open_file(b, name, "rb");
	void *items = mem_alloc(*n * size);

	*n = fread(items, size, *n, file);
	fclose(file);
	return items;
}

static void read_questions(struct bench *b)
{
	size_t queries = QUERIES, timed = TIMED;
	char name[32];

	b->queries = read_items(b, "queries.f32", WIDTH * sizeof(float), &queries);
	snprintf(name, sizeof(name), "truth.%zu", b->n);
	b->truth = read_items(b, name, K * sizeof(int32_t), &timed);
	if (queries != QUERIES || timed != TIMED)
		die("the files of `data` and `truth` are too short");
}

/* --- data ----------------------------------------------------------------------------------------------------------- */

static double gaussian(struct rng *r)
{
	double radius = sqrt(-2 * log(1 - rng_double(r)));

	return radius * cos(2 * M_PI * rng_double(r));
}

static void write_perturbed(const float *text, struct rng *r, FILE *file)
{
	float v[WIDTH];
	double length = 0;

	for (size_t i = 0; i < WIDTH; i++) {
		v[i] = text[i] + (float)(NOISE / sqrt(WIDTH) * gaussian(r));
		length += (double)v[i] * (double)v[i];
	}
	for (size_t i = 0; i < WIDTH; i++)
		v[i] /= (float)sqrt(length);
	fwrite(v, sizeof(v), 1, file);
}

static void run_data(struct bench *b)
{
	size_t n_texts = 1000000;
	float *texts = read_items(b, "texts.f32", WIDTH * sizeof(float), &n_texts);
	FILE *base = open_file(b, "base.f32", "wb"), *queries = open_file(b, "queries.f32", "wb");
	struct rng r;

	if (n_texts == 0)
		die("texts.f32 is empty");
	rng_init(&r, SEED, "base");
	for (size_t i = 0; i < b->n; i++) {
		if (i < n_texts)
			fwrite(texts + i * WIDTH, sizeof(float), WIDTH, base);
		else
			write_perturbed(texts + i % n_texts * WIDTH, &r, base);
	}
	rng_init(&r, SEED, "queries");
	for (size_t i = 0; i < QUERIES; i++)
		write_perturbed(texts + rng_below(&r, n_texts) * WIDTH, &r, queries);
	if (fclose(base) != 0 || fclose(queries) != 0)
		die("the vectors cannot be written");
	free(texts);
}

/* --- truth ---------------------------------------------------------------------------------------------------------- */

struct best {
	float score[K];
	int32_t id[K];
};

static void best_add(struct best *t, float score, int32_t id)
{
	size_t at = K - 1;

	if (score <= t->score[at])
		return;
	for (; at > 0 && t->score[at - 1] < score; at--) {
		t->score[at] = t->score[at - 1];
		t->id[at] = t->id[at - 1];
	}
	t->score[at] = score;
	t->id[at] = id;
}

/* scores (TIMED, rows) of the vectors from `first` on. */
static void exact_scores(struct bench *b, const struct kernels *kernels, size_t first, size_t rows, float *scores)
{
	const float *vectors = b->base + first * WIDTH;
	struct tensor t = { .name = "vectors", .type = TENSOR_F32, .n_dims = 2, .shape = { rows, WIDTH, 1, 1 },
			    .data = (const uint8_t *)vectors, .bytes = rows * WIDTH * sizeof(float) };
	struct matrix w;

	matrix_pack(&w, kernels, (struct tensor_stack){ { &t }, 1 });
	matrix_multiply(&w, b->pool, b->queries, TIMED, WIDTH, scores, rows);
	matrix_release(&w);
}

static void run_truth(struct bench *b)
{
	struct error err;
	const struct kernels *kernels = kernels_choose(true, &err);
	struct best *best = mem_zero(TIMED, sizeof(*best));
	float *scores = mem_aligned((size_t)TIMED * TRUTH_BLOCK * sizeof(*scores));
	size_t n = b->n, queries = TIMED;
	char name[32];
	FILE *file;

	if (!kernels)
		die(err.text);
	b->base = read_items(b, "base.f32", WIDTH * sizeof(float), &n);
	b->queries = read_items(b, "queries.f32", WIDTH * sizeof(float), &queries);
	for (size_t q = 0; q < TIMED; q++)
		for (size_t i = 0; i < K; i++)
			best[q].score[i] = -INFINITY;
	for (size_t first = 0; first < n; first += TRUTH_BLOCK) {
		size_t rows = n - first < TRUTH_BLOCK ? n - first : TRUTH_BLOCK;

		exact_scores(b, kernels, first, rows, scores);
		for (size_t q = 0; q < TIMED; q++)
			for (size_t i = 0; i < rows; i++)
				best_add(&best[q], scores[q * rows + i], (int32_t)(first + i));
	}
	snprintf(name, sizeof(name), "truth.%zu", b->n);
	file = open_file(b, name, "wb");
	for (size_t q = 0; q < TIMED; q++)
		fwrite(best[q].id, sizeof(best[q].id), 1, file);
	if (fclose(file) != 0)
		die("the truth cannot be written");
	free(best);
	free(scores);
}

/* --- figures -------------------------------------------------------------------------------------------------------- */

static void add(struct bench *b, const float *vectors, size_t first, size_t n)
{
	int8_t codes[WIDTH];

	for (size_t i = 0; i < n; i++) {
		float scale = vector_quantise(vectors + i * WIDTH, WIDTH, codes);

		if (!vector_index_add(b->index, (int64_t)(first + i), codes, scale))
			die("an id is not above those before it");
	}
}

/* Returns ms, reading the file not counted. */
static double build(struct bench *b)
{
	struct vector_options options = { .width = WIDTH };
	float *vectors = mem_alloc(READ_BLOCK * WIDTH * sizeof(*vectors));
	FILE *file = open_file(b, "base.f32", "rb");
	struct error err;
	double ms = 0;

	b->index = vector_index_new(&options, &err);
	if (!b->index)
		die(err.text);
	for (size_t first = 0; first < b->n; first += READ_BLOCK) {
		size_t n = b->n - first < READ_BLOCK ? b->n - first : READ_BLOCK;
		double start;

		if (fread(vectors, WIDTH * sizeof(*vectors), n, file) != n)
			die("base.f32 is too short");
		start = clock_ms();
		add(b, vectors, first, n);
		ms += clock_ms() - start;
	}
	fclose(file);
	free(vectors);
	return ms;
}

static size_t count_right(const struct vector_hit *hits, size_t n, const int32_t *truth)
{
	size_t right = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < K; j++)
			right += hits[i].id == truth[j];
	return right;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double memory_ratio(const struct bench *b)
{
	return (double)vector_index_bytes(b->index) / ((double)vector_index_size(b->index) * WIDTH);
}

static void take_turn(struct bench *b)
{
	double *ms = mem_alloc(TIMED * sizeof(*ms));
	struct rusage used;
	size_t right = 0;

	for (size_t q = 0; q < TIMED; q++) {
		struct vector_hit hits[K];
		double start = clock_ms();
		size_t n = vector_index_search(b->index, b->queries + q * WIDTH, K, NULL, b->pool, hits);

		ms[q] = clock_ms() - start;
		right += count_right(hits, n, b->truth + q * K);
	}
	qsort(ms, TIMED, sizeof(*ms), compare);
	getrusage(RUSAGE_SELF, &used);
	printf("%.4f\t%.4f\t%.4f\t%.4f\t%.1f\n", ms[TIMED / 2], ms[TIMED * 95 / 100], (double)right / (TIMED * K), memory_ratio(b),
	       (double)used.ru_maxrss / 1024);
	fflush(stdout);
	free(ms);
}

static void run_latency(struct bench *b, int turns, bool asked)
{
	char line[16];

	read_questions(b);
	build(b);
	for (int i = 0; asked ? fgets(line, sizeof(line), stdin) != NULL : i < turns; i++)
		take_turn(b);
}

/* Each thread answers whole queries. */
static void answer(void *context, size_t query, int worker)
{
	struct bench *b = context;
	struct vector_hit hits[K];
	size_t n = vector_index_search(b->index, b->queries + query * WIDTH, K, NULL, NULL, hits);

	(void)worker;
	b->right[query] = query < TIMED ? (unsigned char)count_right(hits, n, b->truth + query * K) : 0;
}

static void run_total(struct bench *b)
{
	double built, start, searched, removed;
	size_t right = 0;

	read_questions(b);
	b->right = mem_zero(QUERIES, 1);
	built = build(b);
	start = clock_ms();
	pool_run(b->pool, QUERIES, answer, b);
	searched = clock_ms();
	for (size_t i = 0; i < b->n; i += 10)
		if (!vector_index_remove(b->index, (int64_t)i))
			die("an id is missing");
	removed = clock_ms();
	for (size_t q = 0; q < TIMED; q++)
		right += b->right[q];
	printf("%.3f\t%.3f\t%.3f\t%.4f\t%.4f\n", built / 1000, (searched - start) / 1000, (removed - searched) / 1000,
	       (double)right / (TIMED * K), memory_ratio(b));
	free(b->right);
}

int main(int argc, char **argv)
{
	int threads = 1, turns = 5, option;
	bool asked = false;
	struct bench b = { 0 };
	const char *command;

	while ((option = getopt(argc, argv, "t:n:p")) != -1) {
		if (option == 't')
			threads = (int)strtol(optarg, NULL, 10);
		else if (option == 'n')
			turns = (int)strtol(optarg, NULL, 10);
		else if (option == 'p')
			asked = true;
		else
			die("usage: [-t threads] [-n turns] [-p] data|truth|latency|total FOLDER NUMBER");
	}
	if (argc - optind != 3)
		die("usage: [-t threads] [-n turns] [-p] data|truth|latency|total FOLDER NUMBER");
	command = argv[optind];
	b.folder = argv[optind + 1];
	b.n = strtoul(argv[optind + 2], NULL, 10);
	b.pool = pool_open(threads);
	if (strcmp(command, "data") == 0)
		run_data(&b);
	else if (strcmp(command, "truth") == 0)
		run_truth(&b);
	else if (strcmp(command, "latency") == 0)
		run_latency(&b, turns, asked);
	else if (strcmp(command, "total") == 0)
		run_total(&b);
	else
		die("the commands are data, truth, latency and total");
	vector_index_free(b.index);
	free(b.base);
	free(b.queries);
	free(b.truth);
	pool_free(b.pool);
	return 0;
}
