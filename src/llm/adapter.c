/* adapter.c - reads pairs of low-rank matrices and adds what they give. */
#include "llm/adapter_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "llm/decoder_inner.h"

enum { RANK_MOST = 1024 };

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
	float *inner;              /* (PASS_ROWS, RANK_MOST at most) A x, rows a word apart: one value may round to two words */
	float *outer;              /* (PASS_ROWS, widest part) B (A x) */
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

static bool check_kind(struct adapter *a, struct error *err)
{
	const struct gguf *g = a->file;
	const char *architecture = a->base->architecture->name;

	if (!is_text(g, "general.type", "adapter") || !is_text(g, "adapter.type", "lora"))
		return error_set(err, "%s: not a LoRA adapter: \"general.type\" must be \"adapter\" and \"adapter.type\" \"lora\"",
				 gguf_path(g));
	if (!is_text(g, "general.architecture", architecture))
		return error_set(err, "%s: the adapter is not for a base of architecture %s", gguf_path(g), architecture);
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

static bool load_pair(struct adapter *a, size_t layer, enum adapter_part part, const struct tensor *down,
		      struct error *err)
{
	struct low_rank *pair = &a->layer[layer].part[part];
	size_t rank = tensor_rows(down), in = part_inputs(a->base, part), out = part_outputs(a->base, part);
	const struct tensor *up;
	char name[64];

	snprintf(name, sizeof(name), "blk.%zu.%s.weight.lora_b", layer, names[part]);
	up = gguf_tensor(a->file, name);
	if (!up)
		return error_set(err, "%s: tensor \"%s\" is missing beside its lora_a", gguf_path(a->file), name);
	if (rank < 1 || rank > RANK_MOST || tensor_columns(down) != in || tensor_rows(up) != out || tensor_columns(up) != rank)
		return error_set(err, "%s: \"%s\" has %zu rows of %zu values and its lora_a %zu of %zu; this base needs %zu of the "
				 "rank and the rank (at most %d) of %zu", gguf_path(a->file), name, tensor_rows(up),
				 tensor_columns(up), rank, tensor_columns(down), out, RANK_MOST, in);
	matrix_pack(&pair->a, a->base->kernels, (struct tensor_stack){ { down }, 1 });
	matrix_pack(&pair->b, a->base->kernels, (struct tensor_stack){ { up }, 1 });
	return true;
}

static bool load_pairs(struct adapter *a, struct error *err)
{
	size_t n = gguf_tensor_count(a->file);

	a->layer = mem_zero(a->base->layers, sizeof(*a->layer));
	for (size_t i = 0; i < n; i++) {
		const struct tensor *t = gguf_tensor_at(a->file, i);
		enum adapter_part part;
		size_t layer;
		bool is_b;

		if (!read_name(a, t->name, &layer, &part, &is_b))
			return error_set(err, "%s: tensor \"%.100s\" adapts nothing in this base of %zu layers; attention and "
					 "feed-forward matrices can be adapted", gguf_path(a->file), t->name, a->base->layers);
		if (!is_b && !load_pair(a, layer, part, t, err))
			return false;
		char twin[80];

		snprintf(twin, sizeof(twin), "blk.%zu.%s.weight.lora_a", layer, names[part]);
		if (is_b && !gguf_tensor(a->file, twin))
			return error_set(err, "%s: tensor \"%s\" is missing beside its lora_b", gguf_path(a->file), twin);
	}
	if (n == 0)
		return error_set(err, "%s: the adapter has no tensors", gguf_path(a->file));
	return true;
}

static void reserve(struct adapter *a)
{
	size_t rank = 0, widest = 0;

	for (size_t i = 0; i < a->base->layers; i++)
		for (enum adapter_part p = 0; p < ADAPTER_PARTS; p++) {
			const struct low_rank *pair = &a->layer[i].part[p];

			rank = pair->a.n > rank ? pair->a.n : rank;
			widest = pair->b.n > widest ? pair->b.n : widest;
		}
	a->inner = mem_aligned(PASS_ROWS * (rank + 1) * sizeof(float));
	a->outer = mem_aligned(PASS_ROWS * widest * sizeof(float));
}

struct adapter *adapter_open(const char *path, const struct decoder *base, struct error *err)
{
	struct adapter *a = mem_zero(1, sizeof(*a));

	a->base = base;
	a->file = gguf_open(path, err);
	if (!a->file || !check_kind(a, err) || !load_pairs(a, err)) {
		adapter_free(a);
		return NULL;
	}
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
	free(a->outer);
	gguf_free(a->file);
	free(a);
}

void adapter_add(const struct adapter *a, size_t layer, enum adapter_part part, const float *x, size_t n, size_t lda,
		 float *c, size_t ldc)
{
	const struct low_rank *pair = &a->layer[layer].part[part];
	const struct kernels *kernels = a->base->kernels;
	size_t rank = pair->a.n, out = pair->b.n;
	float scale = rank ? (float)(a->alpha / (double)rank) : 0;

	if (rank == 0)
		return;
	matrix_multiply(&pair->a, a->base->pool, x, n, lda, a->inner, rank + 1);
	for (size_t i = 0; i < n; i++) {
		float *row = a->inner + i * (rank + 1);

		for (size_t r = 0; r < rank; r++)
			row[r] *= scale;
		kernels->round(row, rank, row);
	}
	matrix_multiply(&pair->b, a->base->pool, a->inner, n, rank + 1, a->outer, out);
	for (size_t i = 0; i < n; i++)
		kernels->axpy(c + i * ldc, 1.0f, a->outer + i * out, out);
}
