/* engine.c - one figure of the engine at a time, for bench/engine.py and for work on that figure.
 *
 *     engine [-t threads] [-n turns] [-a ADAPTER] [-p] FIGURE MODEL [NUMBER ...]
 *
 * `engine` alone lists the figures. Prints, after -n turns (default 5), the best: units a second, GFLOP/s and the
 * process's peak memory in MB, separated by tabs. With -p it takes one turn for each line of standard input and prints
 * that turn, so that another program can let it alternate with a peer. With -a a decoder reads through that adapter,
 * whose work is not counted. RUNG_KERNELS chooses the kernel set.
 *
 * Operations count what the model needs, 2 for each multiply-add of a weight or of attention, each prompt's last row
 * alone through the head; norms, activations and softmax count nothing. Token ids are arbitrary (speed does not depend
 * on them) and the same as those of bench/peers.py. */
#include <math.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "llm/adapter.h"
#include "llm/encoder.h"
#include "llm/generate.h"
#include "llm/gguf.h"
#include "llm/safetensors.h"

#include "peak.h"

enum { NUMBERS = 3, LABELS = 5 };

/* What a model's operations are counted from. */
struct shape {
	double weights;   /* multiply-adds for each token in all layers */
	double attention; /* for each token and each position it sees */
	double head;      /* for each row of logits */
};

struct bench {
	const char *model, *adapter_path;
	size_t number[NUMBERS];
	const char *texts_path;
	const struct kernels *kernels;
	struct pool *pool;
	struct shape shape;
	struct decoder *decoder;
	struct adapter *adapter; /* NULL: the plain model */
	struct encoder *encoder;
	struct context *shared;
	struct token_list *prompts; /* (n_prompts) */
	size_t n_prompts;
	struct token_tree *labels;
	char **texts; /* (n_texts) */
	size_t n_texts;
	float *out; /* logits or vectors */
};

/* One turn. */
struct turn {
	double seconds, units, operations;
};

static void die(const char *text)
{
	fprintf(stderr, "engine: %s\n", text);
	exit(1);
}

static struct token_list make_prompt(size_t from, size_t n)
{
	struct token_list ids = { 0 };

	for (size_t i = from; i < from + n; i++)
		token_list_add(&ids, (int32_t)(1000 + i * 7919 % 40000));
	return ids;
}

static void make_prompts(struct bench *b, size_t n, size_t tokens)
{
	b->prompts = mem_zero(n, sizeof(*b->prompts));
	b->n_prompts = n;
	for (size_t i = 0; i < n; i++)
		b->prompts[i] = make_prompt(1000 + i * tokens, tokens);
}

/* Multiply-adds of `n` tokens that each see all tokens before them, `before` of which are computed. */
static double causal_work(const struct shape *s, size_t before, size_t n)
{
	return (double)n * s->weights + s->attention * (double)n * ((double)before + ((double)n + 1) / 2);
}

static bool is_weight(const struct tensor *t, const char *prefix)
{
	return strncmp(t->name, prefix, strlen(prefix)) == 0 && t->n_dims == 2;
}

static struct shape decoder_shape(const char *path, struct error *err)
{
	struct gguf *g = gguf_open(path, err);
	const struct tensor *query = g ? gguf_tensor(g, "blk.0.attn_q.weight") : NULL;
	const struct tensor *words = g ? gguf_tensor(g, "token_embd.weight") : NULL;
	struct shape s = { 0 };

	if (!g || !query || !words)
		die(g ? "the model has no tensor blk.0.attn_q.weight or token_embd.weight" : err->text);
	for (size_t i = 0; i < gguf_tensor_count(g); i++) {
		const struct tensor *t = gguf_tensor_at(g, i);

		if (is_weight(t, "blk."))
			s.weights += (double)tensor_rows(t) * (double)tensor_columns(t);
		if (is_weight(t, "blk.") && strstr(t->name, ".attn_q.weight"))
			s.attention += 2 * (double)tensor_rows(t);
	}
	s.head = (double)tensor_rows(words) * (double)tensor_columns(words);
	gguf_free(g);
	return s;
}

static struct shape encoder_shape(const char *folder, struct error *err)
{
	struct buf path = { 0 };
	struct safetensors *file;
	struct shape s = { 0 };

	buf_addf(&path, "%s/model.safetensors", folder);
	file = safetensors_open(buf_text(&path), err);
	if (!file)
		die(err->text);
	for (size_t i = 0; i < safetensors_count(file); i++) {
		const struct tensor *t = safetensors_at(file, i);

		if (is_weight(t, "encoder.layer."))
			s.weights += (double)tensor_rows(t) * (double)tensor_columns(t);
		if (is_weight(t, "encoder.layer.") && strstr(t->name, "query"))
			s.attention += 2 * (double)tensor_rows(t);
	}
	safetensors_free(file);
	buf_release(&path);
	return s;
}

static void open_decoder(struct bench *b)
{
	struct error err;

	b->shape = decoder_shape(b->model, &err);
	b->decoder = decoder_open(b->model, b->kernels, b->pool, &err);
	if (b->decoder && b->adapter_path)
		b->adapter = adapter_open(b->adapter_path, b->decoder, &err);
	if (!b->decoder || (b->adapter_path && !b->adapter))
		die(err.text);
}

static struct context *root_of(const struct bench *b, struct token_list ids)
{
	struct context *root = context_new(b->decoder, NULL, ids.ids, ids.n);

	context_adapt(root, b->adapter);
	return root;
}

/* --- score -------------------------------------------------------------------------------------------------------- */

static void score_open(struct bench *b)
{
	struct token_list prefix = make_prompt(0, b->number[0]), labels[LABELS];

	open_decoder(b);
	b->shared = root_of(b, prefix);
	decoder_compute(b->decoder, &b->shared, 1);
	token_list_release(&prefix);
	make_prompts(b, b->number[2], b->number[1]);
	for (size_t i = 0; i < LABELS; i++)
		labels[i] = make_prompt(500 + i, 1);
	b->labels = token_tree_new(labels, LABELS);
	for (size_t i = 0; i < LABELS; i++)
		token_list_release(&labels[i]);
}

static struct turn score_turn(struct bench *b)
{
	double *log_p = mem_zero(b->n_prompts * LABELS, sizeof(*log_p)), start = clock_ms();
	struct turn t = { .units = (double)b->n_prompts };

	score_sequences(b->decoder, b->shared, b->prompts, b->n_prompts, b->labels, 0, log_p);
	t.seconds = (clock_ms() - start) / 1000;
	t.operations = 2 * t.units * (causal_work(&b->shape, b->number[0], b->number[1]) + b->shape.head);
	free(log_p);
	return t;
}

/* --- prefill ------------------------------------------------------------------------------------------------------ */

static void prefill_open(struct bench *b)
{
	open_decoder(b);
	make_prompts(b, 1, b->number[0]);
	b->out = mem_zero(decoder_vocabulary(b->decoder), sizeof(*b->out));
}

static struct turn prefill_turn(struct bench *b)
{
	double start = clock_ms();
	struct context *c = root_of(b, b->prompts[0]);
	struct turn t = { .units = (double)b->prompts->n };

	decoder_compute(b->decoder, &c, 1);
	decoder_logits(b->decoder, &c, 1, b->out);
	t.seconds = (clock_ms() - start) / 1000;
	t.operations = 2 * (causal_work(&b->shape, 0, b->prompts->n) + b->shape.head);
	context_free(c);
	return t;
}

/* --- generate ----------------------------------------------------------------------------------------------------- */

static void generate_open(struct bench *b)
{
	open_decoder(b);
	make_prompts(b, b->number[0], b->number[2]);
	b->out = mem_zero(b->n_prompts * decoder_vocabulary(b->decoder), sizeof(*b->out));
}

static int32_t best_token(const float *logits, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (logits[i] > logits[best])
			best = i;
	return (int32_t)best;
}

/* The prompts are not timed; every stream gets all its tokens, whatever they are. */
static struct turn generate_turn(struct bench *b)
{
	size_t streams = b->n_prompts, tokens = b->number[1], vocabulary = decoder_vocabulary(b->decoder);
	struct context **c = mem_zero(streams, sizeof(struct context *));
	struct turn t = { .units = (double)(streams * tokens) };
	double start;

	for (size_t i = 0; i < streams; i++)
		c[i] = root_of(b, b->prompts[i]);
	decoder_step(b->decoder, c, streams, b->out);
	start = clock_ms();
	for (size_t s = 0; s < tokens; s++) {
		for (size_t i = 0; i < streams; i++)
			context_append(c[i], best_token(b->out + i * vocabulary, vocabulary));
		decoder_step(b->decoder, c, streams, b->out);
	}
	t.seconds = (clock_ms() - start) / 1000;
	t.operations = 2 * ((double)streams * causal_work(&b->shape, b->number[2], tokens) + t.units * b->shape.head);
	for (size_t i = 0; i < streams; i++)
		context_free(c[i]);
	free(c);
	return t;
}

/* --- embed -------------------------------------------------------------------------------------------------------- */

static void read_texts(struct bench *b)
{
	FILE *f = fopen(b->texts_path, "r");
	size_t room = 0;
	ssize_t n;
	char *line = NULL;

	if (!f)
		die("the file of texts cannot be read");
	b->texts = mem_zero(b->number[0], sizeof(*b->texts));
	while (b->n_texts < b->number[0] && (n = getline(&line, &room, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		b->texts[b->n_texts++] = line;
		line = NULL;
		room = 0;
	}
	free(line);
	fclose(f);
}

static void embed_open(struct bench *b)
{
	struct error err;

	read_texts(b);
	b->shape = encoder_shape(b->model, &err);
	b->encoder = encoder_open(b->model, b->kernels, b->pool, &err);
	if (!b->encoder)
		die(err.text);
	b->out = mem_zero(b->n_texts * encoder_width(b->encoder), sizeof(*b->out));
}

static struct turn embed_turn(struct bench *b)
{
	size_t *tokens = mem_zero(b->n_texts, sizeof(*tokens));
	struct turn t = { .units = (double)b->n_texts };
	double start = clock_ms();

	encoder_embed(b->encoder, (const char *const *)b->texts, b->n_texts, b->out, tokens);
	t.seconds = (clock_ms() - start) / 1000;
	for (size_t i = 0; i < b->n_texts; i++) {
		double n = (double)tokens[i];

		t.operations += 2 * n * (b->shape.weights + b->shape.attention * n);
	}
	free(tokens);
	return t;
}

/* Writes the vectors of the texts to standard output, little-endian f32, instead of a figure. */
static struct turn vectors_turn(struct bench *b)
{
	encoder_embed(b->encoder, (const char *const *)b->texts, b->n_texts, b->out, NULL);
	fwrite(b->out, sizeof(float) * encoder_width(b->encoder), b->n_texts, stdout);
	exit(0);
}

/* --- peak --------------------------------------------------------------------------------------------------------- */

enum { PEAK_ROUNDS = 1 << 22 };

struct peak {
	peak_fn *run;
	double operations; /* of one tile */
};

static void peak_tile(void *context, size_t tile, int worker)
{
	struct peak *p = context;
	volatile float sink;
	double operations = p->run(PEAK_ROUNDS, &sink);

	(void)worker;
	if (tile == 0)
		p->operations = operations;
}

static struct turn peak_turn(struct bench *b)
{
	struct peak p = { .run = peak_of(b->kernels->name) };
	size_t tiles = 2 * (size_t)pool_threads(b->pool);
	struct turn t = { .units = 1 };
	double start = clock_ms();

	if (!p.run)
		die("this kernel set has no loop in bench/peak.h");
	pool_run(b->pool, tiles, peak_tile, &p);
	t.seconds = (clock_ms() - start) / 1000;
	t.operations = p.operations * (double)tiles;
	return t;
}

static void peak_open(struct bench *b)
{
	(void)b;
}

/* --- the program -------------------------------------------------------------------------------------------------- */

static const struct figure {
	const char *name, *arguments, *unit;
	int files; /* arguments that are paths */
	size_t number[NUMBERS];
	void (*open)(struct bench *b);
	struct turn (*turn)(struct bench *b);
} figures[] = {
	{ "score", "MODEL.gguf [shared 300] [own 40] [prompts 32]", "prompts/s", 1, { 300, 40, 32 }, score_open,
	  score_turn },
	{ "prefill", "MODEL.gguf [tokens 512]", "tokens/s", 1, { 512 }, prefill_open, prefill_turn },
	{ "generate", "MODEL.gguf [streams 1] [tokens 64] [prompt 40]", "tokens/s", 1, { 1, 64, 40 }, generate_open,
	  generate_turn },
	{ "embed", "FOLDER TEXTS [texts 512]", "texts/s", 2, { 512 }, embed_open, embed_turn },
	{ "vectors", "FOLDER TEXTS [texts 512]", "f32 to standard output", 2, { 512 }, embed_open, vectors_turn },
	{ "peak", "", "GFLOP/s of multiply-adds in registers in the second column", 0, { 0 }, peak_open, peak_turn },
};

static void usage(void)
{
	fprintf(stderr, "engine [-t threads] [-n turns] [-a ADAPTER] [-p] FIGURE ...\n");
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		fprintf(stderr, "  %s %s: %s\n", figures[i].name, figures[i].arguments, figures[i].unit);
	exit(2);
}

static const struct figure *figure_find(const char *name)
{
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		if (strcmp(figures[i].name, name) == 0)
			return &figures[i];
	usage();
	return NULL;
}

static void print_turn(struct turn t)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	printf("%.2f\t%.1f\t%.1f\n", t.units / t.seconds, t.operations / t.seconds / 1e9,
	       (double)used.ru_maxrss / 1024);
	fflush(stdout);
}

static void take_turns(const struct figure *f, struct bench *b, int n)
{
	struct turn best = { .seconds = INFINITY };

	for (int i = 0; i < n; i++) {
		struct turn t = f->turn(b);

		best = t.seconds < best.seconds ? t : best;
	}
	print_turn(best);
}

static void bench_free(struct bench *b)
{
	for (size_t i = 0; i < b->n_prompts; i++)
		token_list_release(&b->prompts[i]);
	for (size_t i = 0; i < b->n_texts; i++)
		free(b->texts[i]);
	free(b->prompts);
	free(b->texts);
	free(b->out);
	token_tree_free(b->labels);
	context_free(b->shared);
	adapter_free(b->adapter);
	decoder_free(b->decoder);
	encoder_free(b->encoder);
	pool_free(b->pool);
}

int main(int argc, char **argv)
{
	int threads = 2, turns = 5, option;
	bool asked = false;
	const struct figure *figure;
	struct bench b = { 0 };
	struct error err;
	char line[16];

	while ((option = getopt(argc, argv, "t:n:a:p")) != -1) {
		if (option == 't')
			threads = (int)strtol(optarg, NULL, 10);
		else if (option == 'n')
			turns = (int)strtol(optarg, NULL, 10);
		else if (option == 'a')
			b.adapter_path = optarg;
		else if (option == 'p')
			asked = true;
		else
			usage();
	}
	if (optind >= argc)
		usage();
	figure = figure_find(argv[optind++]);
	if (argc - optind < figure->files)
		usage();
	b.model = figure->files > 0 ? argv[optind++] : NULL;
	b.texts_path = figure->files > 1 ? argv[optind++] : NULL;
	for (size_t i = 0; i < NUMBERS; i++)
		b.number[i] = optind < argc ? strtoul(argv[optind++], NULL, 10) : figure->number[i];
	b.kernels = kernels_choose(false, &err);
	if (!b.kernels)
		die(err.text);
	b.pool = pool_open(threads);
	figure->open(&b);
	if (!asked)
		take_turns(figure, &b, turns);
	while (asked && fgets(line, sizeof(line), stdin))
		print_turn(figure->turn(&b));
	bench_free(&b);
	return 0;
}
