/* adapter.c - reads pairs of low-rank matrices and adds what they give. */
#include "llm/adapter_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "llm/decoder_inner.h"

enum {
	RANK_MOST = 1024,
	TILE_ROWS = 42,       /* that a thread takes through both products at a time: full tiles of every kernel set */
	PANEL_MOST = 32,      /* columns of a panel that a tile has room for */
	ALONE_WORK = 1 << 17, /* below this many multiply-adds, waking a thread costs more than it brings (matrix.c) */
};

static const char *const names[ADAPTER_PARTS] = {
	[ADAPT_Q] = "attn_q",	  [ADAPT_K] = "attn_k", [ADAPT_V] = "attn_v",	   [ADAPT_OUTPUT] = "attn_output",
	[ADAPT_GATE] = "ffn_gate", [ADAPT_UP] = "ffn_up", [ADAPT_DOWN] = "ffn_down",
};

struct low_rank {
	struct matrix a; /* (rank, in); none when the part is not adapted */
	struct matrix b; /* (out, rank) */
};

struct layer_parts {
	struct low_rank part[ADAPTER_PARTS];
};

struct adapter {
	const struct decoder *base;
	struct gguf *file;
	double alpha;
	struct layer_parts *layer; /* (layers) */
	size_t inner_size;         /* floats of one thread's share of inner */
	float *inner;              /* (threads, TILE_ROWS, highest rank + 1) scale A x: one int8 value takes two words */
	float *few;                /* (MATRIX_FEW, widest input) rounded x */
};

static size_t part_inputs(const struct decoder *d, enum adapter_part part)
{
	return part == ADAPT_OUTPUT ? d->heads * d->head_width : part == ADAPT_DOWN ? d->ffn : d->width;
}

static size_t part_outputs(const struct decoder *d, enum adapter_part part)
{
	switch (part) {
	case ADAPT_Q:
		return d->heads * d->head_width;
	case ADAPT_K:
	case ADAPT_V:
		return decoder_kv_width(d);
	case ADAPT_GATE:
	case ADAPT_UP:
		return d->ffn;
	default:
		return d->width;
	}
}

static bool is_text(const struct gguf *g, const char *key, const char *want)
{
	struct gguf_string text;

	return gguf_text(g, key, &text) && text.n == strlen(want) && memcmp(text.at, want, text.n) == 0;
}

bool adapter_recognise(const struct gguf *g)
{
	return is_text(g, "general.type", "adapter");
}

static bool check_kind(struct adapter *a, struct error *err)
{
	const struct gguf *g = a->file;
	const char *architecture = a->base->architecture->name;

	if (!adapter_recognise(g) || !is_text(g, "adapter.type", "lora"))
		return error_set(err, "%s: not a LoRA adapter: \"general.type\" must be \"adapter\" and \"adapter.type\" \"lora\"",
				 gguf_path(g));
	if (gguf_ints(g, "adapter.alora.invocation_tokens") > 0)
		return error_set(err, "%s: an activated LoRA (\"adapter.alora.invocation_tokens\"), which is not supported; "
				 "train a plain one", gguf_path(g));
	if (!is_text(g, "general.architecture", architecture))
		return error_set(err, "%s: the adapter is not for a base of architecture %s; use the base that it was trained on",
				 gguf_path(g), architecture);
	if (!gguf_float(g, "adapter.lora.alpha", &a->alpha) || !(a->alpha > 0 && a->alpha < 1e6))
		return error_set(err, "%s: \"adapter.lora.alpha\" must be a number above 0", gguf_path(g));
	return true;
}

/* "blk.<layer>.<part>.weight.lora_a" or _b. */
static bool read_name(const struct adapter *a, const char *name, size_t *layer, enum adapter_part *part, bool *is_b)
{
	char *end;

	if (strncmp(name, "blk.", 4) != 0 || name[4] < '0' || name[4] > '9')
		return false;
	*layer = strtoul(name + 4, &end, 10);
	for (*part = 0; *part < ADAPTER_PARTS; (*part)++) {
		size_t n = strlen(names[*part]);

		if (*end != '.' || strncmp(end + 1, names[*part], n) != 0 || strncmp(end + 1 + n, ".weight.lora_", 13) != 0)
			continue;
		*is_b = end[n + 14] == 'b';
		return *layer < a->base->layers && (*is_b || end[n + 14] == 'a') && end[n + 15] == 0;
	}
	return false;
}

static const struct tensor *find_half(const struct adapter *a, size_t layer, enum adapter_part part, char half)
{
	char name[64];

	snprintf(name, sizeof(name), "blk.%zu.%s.weight.lora_%c", layer, names[part], half);
	return gguf_tensor(a->file, name);
}

/* down: its lora_a (rank, in) */
static bool check_pair(const struct adapter *a, size_t layer, enum adapter_part part, const struct tensor *down,
		       struct error *err)
{
	size_t rank = tensor_rows(down), in = part_inputs(a->base, part), out = part_outputs(a->base, part);
	const struct tensor *up = find_half(a, layer, part, 'b');

	if (!up)
		return error_set(err, "%s: tensor \"%s\" has no lora_b beside it", gguf_path(a->file), down->name);
	if (rank < 1 || rank > RANK_MOST || tensor_columns(down) != in || tensor_rows(up) != out || tensor_columns(up) != rank)
		return error_set(err, "%s: \"%s\" has %zu rows of %zu values and its lora_a %zu of %zu; this base needs %zu of the "
				 "rank and the rank (at most %d) of %zu; use the base that the adapter was trained on",
				 gguf_path(a->file), up->name, tensor_rows(up), tensor_columns(up), rank, tensor_columns(down), out,
				 RANK_MOST, in);
	return true;
}

static bool check_pairs(const struct adapter *a, struct error *err)
{
	size_t n = gguf_tensor_count(a->file);

	for (size_t i = 0; i < n; i++) {
		const struct tensor *t = gguf_tensor_at(a->file, i);
		enum adapter_part part;
		size_t layer;
		bool is_b;

		if (!read_name(a, t->name, &layer, &part, &is_b) || find_half(a, layer, part, is_b ? 'b' : 'a') != t)
			return error_set(err, "%s: tensor \"%.100s\" adapts nothing in this base of %zu layers; attention and "
					 "feed-forward matrices can be adapted", gguf_path(a->file), t->name, a->base->layers);
		if (is_b && !find_half(a, layer, part, 'a'))
			return error_set(err, "%s: tensor \"%s\" has no lora_a beside it", gguf_path(a->file), t->name);
		if (!is_b && !check_pair(a, layer, part, t, err))
			return false;
	}
	return n > 0 || error_set(err, "%s: the adapter has no tensors", gguf_path(a->file));
}

/* Opens the file and checks that it fits a->base, of which only the settings are looked at. */
static bool open_checked(struct adapter *a, const char *path, struct error *err)
{
	a->file = gguf_open(path, err);
	return a->file && check_kind(a, err) && check_pairs(a, err);
}

bool adapter_fits(const char *path, const char *base, struct error *err)
{
	struct decoder d = { .file = gguf_open(base, err) };
	struct adapter a = { .base = &d };
	bool fits = d.file && decoder_read_settings(&d, err) && open_checked(&a, path, err);

	gguf_free(a.file);
	gguf_free(d.file);
	return fits;
}

static void pack_pairs(struct adapter *a)
{
	a->layer = mem_zero(a->base->layers, sizeof(*a->layer));
	for (size_t i = 0; i < a->base->layers; i++)
		for (enum adapter_part p = 0; p < ADAPTER_PARTS; p++) {
			const struct tensor *down = find_half(a, i, p, 'a'), *up = find_half(a, i, p, 'b');

			if (!down)
				continue;
			matrix_pack(&a->layer[i].part[p].a, a->base->kernels, (struct tensor_stack){ { down }, 1 });
			matrix_pack(&a->layer[i].part[p].b, a->base->kernels, (struct tensor_stack){ { up }, 1 });
		}
}

static void reserve(struct adapter *a)
{
	size_t rank = 0, widest = 0;

	for (size_t i = 0; i < a->base->layers; i++)
		for (enum adapter_part p = 0; p < ADAPTER_PARTS; p++) {
			const struct matrix *w = &a->layer[i].part[p].a;

			rank = w->n > rank ? w->n : rank;
			widest = w->k > widest ? w->k : widest;
		}
	a->few = mem_aligned(MATRIX_FEW * widest * sizeof(float));
	a->inner_size = TILE_ROWS * (rank + 1);
	a->inner = mem_aligned((size_t)pool_threads(a->base->pool) * a->inner_size * sizeof(float));
}

struct adapter *adapter_open(const char *path, const struct decoder *base, struct error *err)
{
	struct adapter *a = mem_zero(1, sizeof(*a));

	a->base = base;
	if (!open_checked(a, path, err)) {
		adapter_free(a);
		return NULL;
	}
	pack_pairs(a);
	reserve(a);
	return a;
}

void adapter_free(struct adapter *a)
{
	if (!a)
		return;
	for (size_t i = 0; a->layer && i < a->base->layers; i++)
		for (enum adapter_part p = 0; p < ADAPTER_PARTS; p++) {
			matrix_release(&a->layer[i].part[p].a);
			matrix_release(&a->layer[i].part[p].b);
		}
	free(a->layer);
	free(a->inner);
	free(a->few);
	gguf_free(a->file);
	free(a);
}

/* One part of one layer for many rows. */
struct addition {
	const struct adapter *a;
	const struct low_rank *pair;
	const float *x;
	size_t n, lda;
	float *c;
	size_t ldc;
	size_t rows; /* in a tile */
};

/* inner (rows, rank), rows a word more apart, = scale A x, rounded */
static void multiply_a(const struct addition *s, size_t row, size_t rows, float *inner)
{
	const struct matrix *w = &s->pair->a;
	const struct kernels *kernels = w->kernels;
	size_t width = (size_t)kernels->panel, rank = w->n, bytes = kernels->panel_bytes(w->k);
	float scale = (float)(s->a->alpha / (double)rank);

	for (size_t j = 0; j < rank; j += width)
		kernels->multiply(s->x + row * s->lda, rows, s->lda, w->k, w->panels + j / width * bytes,
				  rank - j < width ? rank - j : width, inner + j, rank + 1);
	for (size_t i = 0; i < rows; i++, inner += rank + 1) {
		for (size_t r = 0; r < rank; r++)
			inner[r] *= scale;
		kernels->round(inner, rank, inner);
	}
}

/* c += B inner, a panel at a time while it is in the cache */
static void add_b(const struct addition *s, size_t row, size_t rows, const float *inner)
{
	const struct matrix *w = &s->pair->b;
	const struct kernels *kernels = w->kernels;
	size_t width = (size_t)kernels->panel, bytes = kernels->panel_bytes(w->k);
	float outer[TILE_ROWS * PANEL_MOST];

	for (size_t j = 0; j < w->n; j += width) {
		size_t columns = w->n - j < width ? w->n - j : width;

		kernels->multiply(inner, rows, w->k + 1, w->k, w->panels + j / width * bytes, columns, outer, width);
		for (size_t i = 0; i < rows; i++)
			kernels->axpy(s->c + (row + i) * s->ldc + j, 1.0f, outer + i * width, columns);
	}
}

static void add_tile(void *context, size_t tile, int worker)
{
	const struct addition *s = context;
	size_t row = tile * s->rows, rows = s->n - row < s->rows ? s->n - row : s->rows;
	float *inner = s->a->inner + (size_t)worker * s->a->inner_size;

	multiply_a(s, row, rows, inner);
	add_b(s, row, rows, inner);
}

void adapter_add(const struct adapter *a, size_t layer, enum adapter_part part, const float *x, size_t n, size_t lda,
		 float *c, size_t ldc)
{
	const struct low_rank *pair = &a->layer[layer].part[part];
	struct addition s = { .a = a, .pair = pair, .x = x, .n = n, .lda = lda, .c = c, .ldc = ldc };
	size_t threads = (size_t)pool_threads(a->base->pool);

	if (pair->a.n == 0 || n == 0)
		return;
	s.rows = n * pair->a.n * (pair->a.k + pair->b.n) > ALONE_WORK ? (n + threads - 1) / threads : n;
	s.rows = s.rows < TILE_ROWS ? s.rows : TILE_ROWS;
	pool_run(a->base->pool, (n + s.rows - 1) / s.rows, add_tile, &s);
}

void adapter_add_few(const struct adapter *a, size_t layer, enum adapter_part part, const float *x, size_t n,
		     size_t lda, float *c, size_t ldc)
{
	size_t width = a->layer[layer].part[part].a.k;

	for (size_t i = 0; i < n; i++)
		a->base->kernels->round(x + i * lda, width, a->few + i * width);
	adapter_add(a, layer, part, a->few, n, width, c, ldc);
}
