/* library.c - a library at work, for bench/library.py and for work on it.
 *
 *     library [-m MODELS] [-c SIZE,OVERLAP,HEADERS,TRIGRAM] COMMAND STORE ...
 *
 *     prepare STORE                    makes the collection of the cutting (default 200,40,1,0)
 *     add STORE TABLE ID COLUMN ...    adds the rows of a table; prints seconds, documents, chunks embedded
 *     search STORE MODE K [DIVERSITY [PARENTS]]
 *                                      for each line of standard input as a query, a line with the names of the documents
 *                                      found, each once, best first, separated by tabs; then "# " and milliseconds a query
 *     exact STORE K                    the same by the f32 vectors of whole documents, all compared; then "# " and the seconds
 *                                      that embedding the documents took, in one batch
 *     grow STORE N                     copies the vectors of what is there until there are N chunks
 *     sentences MODE                   for each line of standard input, a query and sentences separated by tabs, the numbers of the
 *                                      sentences from 0, best first
 *     open STORE                       prints seconds until the first answer by vectors
 *
 * Without -m words alone. Needs no arguments to be run by `make bench`: then it says how it is used. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "retrieve/library.h"
#include "retrieve/sentence_rank.h"

static struct error err;
static struct models *models;
static struct cutting cutting;

static void must(bool ok)
{
	if (ok)
		return;
	fprintf(stderr, "library: %s\n", err.text);
	exit(1);
}

static char *read_query(char **line, size_t *capacity)
{
	ssize_t n = getline(line, capacity, stdin);

	if (n < 0)
		return NULL;
	if (n > 0 && (*line)[n - 1] == '\n')
		(*line)[n - 1] = '\0';
	return *line;
}

static char **read_queries(size_t *n)
{
	char **queries = NULL, *line = NULL;
	size_t capacity = 0;

	for (*n = 0; read_query(&line, &capacity); (*n)++) {
		queries = mem_resize((void *)queries, *n + 1, sizeof(char *));
		queries[*n] = mem_string(line);
	}
	free(line);
	return queries;
}

static void refused(void *context, const char *sentence)
{
	(void)context;
	fprintf(stderr, "library: %s\n", sentence);
}

static void add(struct library *l, char **arguments, int n)
{
	const char *paths[] = { arguments[0] };
	struct source source = { .paths = paths, .n_paths = 1, .folder = ".", .text = (const char *const *)arguments + 2,
				 .n_text = (size_t)n - 2, .id = arguments[1] };
	struct library_progress progress = { .refused = refused };
	struct library_counts counts = { 0 };

	must(library_prepare(l, &cutting, NULL, &err));
	double start = clock_ms();

	must(library_add(l, &source, true, &progress, &counts, &err));
	printf("%.3f\t%zu\t%zu\n", (clock_ms() - start) / 1000, counts.added + counts.changed, counts.embedded);
}

/* Names of all documents and their texts. */
static size_t read_texts(struct library *l, struct arena *arena, const char ***names, const char ***texts)
{
	struct documents *d = library_documents(l);
	struct document_row *rows;
	size_t n;

	must(documents_begin_read(d, &err) && documents_list(d, arena, &rows, &n, &err));
	*names = arena_array(arena, n, sizeof(char *));
	*texts = arena_array(arena, n, sizeof(char *));
	for (size_t i = 0; i < n; i++) {
		must(documents_text(d, arena, &rows[i], &err));
		(*names)[i] = rows[i].name;
		(*texts)[i] = rows[i].text;
	}
	documents_end(d);
	return n;
}

static void print_name(struct hash_map *seen, const char *name)
{
	size_t n = strlen(name), number = seen->n;

	if (hash_map_put(seen, name, n, number) == number)
		printf("%s%s", number ? "\t" : "", name);
}

static enum search_mode mode_of(const char *name)
{
	return strcmp(name, "words") == 0 ? SEARCH_WORDS : strcmp(name, "vectors") == 0 ? SEARCH_VECTORS : SEARCH_FUSED;
}

static void search(struct library *l, char **arguments, int n)
{
	struct search s = { .mode = mode_of(arguments[0]), .cutting = cutting, .k = (size_t)strtoul(arguments[1], NULL, 10),
			    .diversity = n > 2 ? strtod(arguments[2], NULL) : 0, .parents = n > 3 };
	size_t n_queries;
	char **queries = read_queries(&n_queries);
	struct passage **passages = mem_alloc(n_queries * sizeof(*passages) + 1);
	size_t *found = mem_zero(n_queries, sizeof(*found));
	struct arena arena = { 0 };
	double start = clock_ms();

	must(library_search_all(l, (const char *const *)queries, n_queries, &s, &arena, passages, found, &err));
	double ms = clock_ms() - start;

	for (size_t q = 0; q < n_queries; q++) {
		struct hash_map seen = { 0 };

		for (size_t i = 0; i < found[q]; i++)
			print_name(&seen, passages[q][i].document);
		putchar('\n');
		hash_map_release(&seen);
	}
	printf("# %.3f\n", n_queries ? ms / (double)n_queries : 0);
	arena_release(&arena);
}

struct scored {
	float score;
	size_t at;
};

static int by_score(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static void exact(struct library *l, size_t k)
{
	struct arena arena = { 0 };
	const char **names, **texts;
	size_t n = read_texts(l, &arena, &names, &texts), width = models_embedding_width(models, &err), n_queries;
	char **queries = read_queries(&n_queries);
	float *base = mem_alloc(n * width * sizeof(*base)), *asked = mem_alloc(n_queries * width * sizeof(*asked) + 1);
	struct scored *scores = mem_alloc(n * sizeof(*scores));

	double start = clock_ms();

	must(models_embed(models, texts, n, base, &err));
	double seconds = (clock_ms() - start) / 1000;

	must(models_embed(models, (const char *const *)queries, n_queries, asked, &err));
	for (size_t q = 0; q < n_queries; q++) {
		for (size_t i = 0; i < n; i++) {
			scores[i] = (struct scored){ 0, i };
			for (size_t j = 0; j < width; j++)
				scores[i].score += base[i * width + j] * asked[q * width + j];
		}
		qsort(scores, n, sizeof(*scores), by_score);
		for (size_t i = 0; i < k && i < n; i++)
			printf("%s%s", i ? "\t" : "", names[scores[i].at]);
		putchar('\n');
	}
	printf("# %.3f\n", seconds);
}

struct vectors {
	int8_t *codes; /* (n, width) */
	float *scales;
	size_t n, width;
};

static void take_vector(void *context, int64_t id, int64_t document, const int8_t *codes, float scale)
{
	struct vectors *v = context;

	(void)id, (void)document;
	v->codes = mem_resize(v->codes, v->n + 1, v->width);
	v->scales = mem_resize(v->scales, v->n + 1, sizeof(*v->scales));
	memcpy(v->codes + v->n * v->width, codes, v->width);
	v->scales[v->n++] = scale;
}

/* A document of COPIES chunks of one byte. */
static void put_copies(struct documents *d, int64_t collection, const struct vectors *v, size_t number)
{
	enum { COPIES = 1000 };
	static struct chunk_row chunks[COPIES];
	static char text[COPIES];
	char name[32];
	struct document_row row = { .name = name, .media = "text", .title = "", .meta = "{}", .text = text, .n = COPIES,
				    .structure = "{\"blocks\":[],\"origins\":[]}" };

	snprintf(name, sizeof(name), "copies/%zu", number);
	memset(text, 'x', COPIES);
	for (size_t i = 0; i < COPIES; i++) {
		size_t from = (number * COPIES + i) % v->n;

		chunks[i] = (struct chunk_row){ .key = number * COPIES + i, .start = i, .end = i + 1, .parent_end = COPIES, .heading = "",
						.codes = v->codes + from * v->width, .scale = v->scales[from], .words = "x" };
	}
	must(documents_begin_write(d, &err) && documents_put(d, &row, &err) && chunks_put(d, collection, &row, chunks, COPIES, &err) &&
	     documents_commit(d, &err));
}

static void grow(struct library *l, size_t n)
{
	struct documents *d = library_documents(l);
	struct collection_row *collections;
	struct vectors v = { 0 };
	struct arena arena = { 0 };
	size_t n_collections;

	must(documents_begin_read(d, &err) && collections_list(d, &arena, &collections, &n_collections, &err));
	v.width = collections[0].width;
	must(chunks_each(d, collections[0].id, 0, take_vector, &v, &err));
	documents_end(d);
	for (size_t i = 0; v.n + i * 1000 < n; i++)
		put_copies(d, collections[0].id, &v, i);
	free(v.codes);
	free(v.scales);
	arena_release(&arena);
}

static void open_and_ask(const char *store)
{
	double start = clock_ms();
	struct library *l = library_open(store, false, models, &err);
	struct search s = { .mode = SEARCH_VECTORS, .cutting = cutting, .k = 10 };
	struct arena arena = { 0 };
	struct passage *passages;
	size_t n;

	must(l && library_search(l, "open", &s, &arena, &passages, &n, &err));
	double opened = clock_ms();

	must(library_search(l, "again", &s, &arena, &passages, &n, &err));
	printf("%.3f\t%.3f\n", (opened - start) / 1000, (clock_ms() - opened) / 1000);
	library_close(l);
}

static void rank_sentences(enum search_mode mode)
{
	char *line = NULL;
	size_t capacity = 0;

	while (read_query(&line, &capacity)) {
		struct arena arena;
		size_t n = 0;

		arena_init(&arena);
		const char **sentences = arena_array(&arena, strlen(line) + 1, sizeof(*sentences));

		for (char *tab = strchr(line, '\t'); tab; tab = strchr(tab + 1, '\t')) {
			*tab = '\0';
			sentences[n++] = tab + 1;
		}
		struct ranked *ranked = arena_array(&arena, n, sizeof(*ranked));

		must(sentence_rank(models, mode, line, sentences, n, &arena, ranked, &err));
		for (size_t i = 0; i < n; i++)
			printf("%lld%c", (long long)ranked[i].id, i + 1 < n ? '\t' : '\n');
		arena_release(&arena);
	}
	free(line);
}

static int usage(void)
{
	fputs("library: run by bench/library.py; see the top of bench/library.c\n", stderr);
	return 0;
}

int main(int argc, char **argv)
{
	struct model_settings settings = { 0 };
	unsigned headers = 1, trigram = 0;
	int option;

	cutting = cutting_default;
	while ((option = getopt(argc, argv, "m:c:")) != -1) {
		if (option == 'm')
			models = models_open(optarg, &settings);
		else if (option != 'c' || sscanf(optarg, "%zu,%zu,%u,%u", &cutting.size, &cutting.overlap, &headers, &trigram) != 4)
			return usage();
	}
	cutting.headers = headers != 0;
	cutting.trigram = trigram != 0;
	argv += optind;
	argc -= optind;
	if (argc < 2)
		return usage();
	if (strcmp(argv[0], "open") == 0) {
		open_and_ask(argv[1]);
		return 0;
	}
	if (strcmp(argv[0], "sentences") == 0) {
		rank_sentences(mode_of(argv[1]));
		models_free(models);
		return 0;
	}
	struct library *l = library_open(argv[1], true, models, &err);

	must(l != NULL);
	if (strcmp(argv[0], "prepare") == 0)
		must(library_prepare(l, &cutting, NULL, &err));
	else if (strcmp(argv[0], "add") == 0 && argc > 4)
		add(l, argv + 2, argc - 2);
	else if (strcmp(argv[0], "search") == 0 && argc > 3)
		search(l, argv + 2, argc - 2);
	else if (strcmp(argv[0], "grow") == 0 && argc > 2)
		grow(l, (size_t)strtoul(argv[2], NULL, 10));
	else if (strcmp(argv[0], "exact") == 0 && argc > 2)
		exact(l, (size_t)strtoul(argv[2], NULL, 10));
	library_close(l);
	models_free(models);
	return 0;
}
