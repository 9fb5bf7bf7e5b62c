/* decoder_weights.c - finds a decoder's tensors by name and shape and packs them.
 *
 * Nothing is allocated by a size from the metadata before the tensors that it promises were found in the file with that
 * shape, so a file cannot ask for more memory than it brings data for. A tensor that the forward pass would not use is
 * refused: an answer without it would be wrong. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "llm/decoder_inner.h"

/* What a layer's tensor may have as many rows or columns of. */
enum measure { ONE, WIDTH, QUERIES, KEYS, HEAD, FFN };

enum part {
	ATTENTION_NORM, Q, K, V, Q_BIAS, K_BIAS, V_BIAS, Q_NORM, K_NORM, OUTPUT, ATTENTION_POST_NORM,
	FFN_NORM, GATE, UP, DOWN, FFN_POST_NORM, PARTS,
};

/* The tensors of a layer: "blk.<i>.<name>"; those with a feature only where the architecture has it. */
static const struct {
	const char *name;
	enum measure rows, columns;
	unsigned feature;
} parts[PARTS] = {
	[ATTENTION_NORM] = { "attn_norm.weight", ONE, WIDTH, 0 },
	[Q] = { "attn_q.weight", QUERIES, WIDTH, 0 },
	[K] = { "attn_k.weight", KEYS, WIDTH, 0 },
	[V] = { "attn_v.weight", KEYS, WIDTH, 0 },
	[Q_BIAS] = { "attn_q.bias", ONE, QUERIES, QKV_BIAS },
	[K_BIAS] = { "attn_k.bias", ONE, KEYS, QKV_BIAS },
	[V_BIAS] = { "attn_v.bias", ONE, KEYS, QKV_BIAS },
	[Q_NORM] = { "attn_q_norm.weight", ONE, HEAD, QK_NORM },
	[K_NORM] = { "attn_k_norm.weight", ONE, HEAD, QK_NORM },
	[OUTPUT] = { "attn_output.weight", WIDTH, QUERIES, 0 },
	[ATTENTION_POST_NORM] = { "post_attention_norm.weight", ONE, WIDTH, POST_NORMS },
	[FFN_NORM] = { "ffn_norm.weight", ONE, WIDTH, 0 },
	[GATE] = { "ffn_gate.weight", FFN, WIDTH, 0 },
	[UP] = { "ffn_up.weight", FFN, WIDTH, 0 },
	[DOWN] = { "ffn_down.weight", WIDTH, FFN, 0 },
	[FFN_POST_NORM] = { "post_ffw_norm.weight", ONE, WIDTH, POST_NORMS },
};

/* NULL where the architecture has no such part. */
struct layer_tensors {
	const struct tensor *part[PARTS];
};

static bool part_exists(const struct decoder *d, enum part p)
{
	return parts[p].feature == 0 || decoder_has(d, parts[p].feature);
}

static size_t measured(const struct decoder *d, enum measure m)
{
	switch (m) {
	case WIDTH:
		return d->width;
	case QUERIES:
		return d->heads * d->head_width;
	case KEYS:
		return decoder_kv_width(d);
	case HEAD:
		return d->head_width;
	case FFN:
		return d->ffn;
	default:
		return 1;
	}
}

/* The tensor of that name and shape; vectors have one row. */
__attribute__((format(printf, 5, 6))) static const struct tensor *
find_tensor(const struct decoder *d, size_t rows, size_t columns, struct error *err, const char *format, ...)
{
	const struct tensor *t;
	char name[64];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	t = gguf_tensor(d->file, name);
	if (!t) {
		error_set(err, "%s: tensor \"%s\" is missing", gguf_path(d->file), name);
		return NULL;
	}
	if (tensor_rows(t) != rows || tensor_columns(t) != columns) {
		error_set(err, "%s: tensor \"%s\" has %zu rows of %zu values; the metadata ask for %zu of %zu",
			  gguf_path(d->file), name, tensor_rows(t), tensor_columns(t), rows, columns);
		return NULL;
	}
	return t;
}

static bool find_layer(const struct decoder *d, size_t i, struct layer_tensors *t, struct error *err)
{
	*t = (struct layer_tensors){ { NULL } };
	for (enum part p = 0; p < PARTS; p++) {
		if (!part_exists(d, p))
			continue;
		t->part[p] = find_tensor(d, measured(d, parts[p].rows), measured(d, parts[p].columns), err,
					 "blk.%zu.%s", i, parts[p].name);
		if (!t->part[p])
			return false;
	}
	return true;
}

/* Whether the forward pass uses a tensor of this name. */
static bool name_known(const struct decoder *d, const char *name)
{
	char *end;

	if (!strcmp(name, "token_embd.weight") || !strcmp(name, "output_norm.weight") ||
	    !strcmp(name, "output.weight") || !strcmp(name, "rope_freqs.weight"))
		return true;
	if (strncmp(name, "blk.", 4) != 0 || name[4] < '0' || name[4] > '9' ||
	    strtoul(name + 4, &end, 10) >= d->layers || *end != '.')
		return false;
	for (enum part p = 0; p < PARTS; p++)
		if (part_exists(d, p) && !strcmp(end + 1, parts[p].name))
			return true;
	return false;
}

static bool check_names(const struct decoder *d, struct error *err)
{
	const struct gguf *g = d->file;

	for (size_t i = 0; i < gguf_tensor_count(g); i++) {
		const char *name = gguf_tensor_at(g, i)->name;

		if (!name_known(d, name))
			return error_set(err, "%s: tensor \"%.100s\" has no place in a %s model of %zu layers as "
					 "supported here", gguf_path(g), name, d->architecture->name, d->layers);
	}
	return true;
}

static bool check_embedding(struct decoder *d, struct error *err)
{
	const struct tensor *t = gguf_tensor(d->file, "token_embd.weight");

	if (!t)
		return error_set(err, "%s: tensor \"token_embd.weight\" is missing", gguf_path(d->file));
	if (tensor_columns(t) != d->width)
		return error_set(err, "%s: tensor \"token_embd.weight\" has rows of %zu values; the metadata ask for "
				 "%zu", gguf_path(d->file), tensor_columns(t), d->width);
	d->embedding = t;
	d->vocabulary = tensor_rows(t);
	if (tokenizer_size(d->tokenizer) > d->vocabulary)
		return error_set(err, "%s: the tokenizer has %zu tokens but \"token_embd.weight\" only %zu rows",
				 gguf_path(d->file), tokenizer_size(d->tokenizer), d->vocabulary);
	return true;
}

/* Angle per position of each pair: base^(-2 i / head_width), divided by `factor` and by the file's own factors. */
static double *angle_speeds(const struct decoder *d, double base, double factor, const float *factors)
{
	size_t half = d->head_width / 2;
	double *speed = mem_alloc(half * sizeof(*speed));

	for (size_t i = 0; i < half; i++) {
		speed[i] = pow(base, -2.0 * (double)i / (double)d->head_width) / factor;
		if (factors)
			speed[i] /= (double)factors[i];
	}
	return speed;
}

static float *read_vectors(const struct tensor *const *part, size_t n)
{
	size_t values = 0, at = 0;
	float *v;

	if (!part[0])
		return NULL;
	for (size_t i = 0; i < n; i++)
		values += tensor_columns(part[i]);
	v = mem_aligned(values * sizeof(*v));
	for (size_t i = 0; i < n; at += tensor_columns(part[i++]))
		tensor_read(part[i], 0, 1, v + at);
	return v;
}

/* rope_freqs.weight: Llama 3.1 and later slow the long waves by factors that the file lists pair by pair. */
static bool load_speeds(struct decoder *d, struct error *err)
{
	const struct tensor *t = gguf_tensor(d->file, "rope_freqs.weight");
	float *factors = NULL;
	bool usable = true;

	if (t && !find_tensor(d, 1, d->head_width / 2, err, "rope_freqs.weight"))
		return false;
	if (t)
		factors = read_vectors(&t, 1);
	for (size_t i = 0; t && i < d->head_width / 2; i++)
		usable = usable && factors[i] > 0 && factors[i] <= 1e6f;
	if (usable) {
		d->speeds[GLOBAL] = angle_speeds(d, d->rope_base[GLOBAL], d->rope_factor, factors);
		if (d->global_every > 0)
			d->speeds[LOCAL] = angle_speeds(d, d->rope_base[LOCAL], 1, NULL);
	}
	free(factors);
	return usable || error_set(err, "%s: tensor \"rope_freqs.weight\" holds a factor that is not between 0 and 1e6",
				   gguf_path(d->file));
}

static void pack(const struct decoder *d, struct matrix *w, struct tensor_stack source)
{
	(d->unpacked ? matrix_describe : matrix_pack)(w, d->kernels, source);
}

static void pack_layer(const struct decoder *d, const struct layer_tensors *t, struct decoder_layer *l)
{
	const struct tensor *const *part = t->part;

	l->attention_norm = read_vectors(&part[ATTENTION_NORM], 1);
	l->qkv_bias = read_vectors(&part[Q_BIAS], 3);
	l->q_norm = read_vectors(&part[Q_NORM], 1);
	l->k_norm = read_vectors(&part[K_NORM], 1);
	l->attention_post_norm = read_vectors(&part[ATTENTION_POST_NORM], 1);
	l->ffn_norm = read_vectors(&part[FFN_NORM], 1);
	l->ffn_post_norm = read_vectors(&part[FFN_POST_NORM], 1);
	pack(d, &l->qkv, (struct tensor_stack){ { part[Q], part[K], part[V] }, 3 });
	pack(d, &l->output, (struct tensor_stack){ { part[OUTPUT] }, 1 });
	pack(d, &l->gate_up, (struct tensor_stack){ { part[GATE], part[UP] }, 2 });
	pack(d, &l->down, (struct tensor_stack){ { part[DOWN] }, 1 });
}

static bool all_quantised(const struct decoder *d)
{
	bool all = d->head.quantised;

	for (size_t i = 0; i < d->layers; i++) {
		const struct decoder_layer *l = &d->layer[i];

		all = all && l->qkv.quantised && l->output.quantised && l->gate_up.quantised && l->down.quantised;
	}
	return all;
}

bool decoder_load_weights(struct decoder *d, struct error *err)
{
	const struct tensor *final_norm, *head;
	struct layer_tensors t;

	if (!check_names(d, err) || !check_embedding(d, err))
		return false;
	final_norm = find_tensor(d, 1, d->width, err, "output_norm.weight");
	head = gguf_tensor(d->file, "output.weight") ?
		       find_tensor(d, d->vocabulary, d->width, err, "output.weight") : d->embedding;
	if (!final_norm || !head || !load_speeds(d, err))
		return false;
	for (size_t i = 0; i < d->layers; i++)
		if (!find_layer(d, i, &t, err))
			return false;
	d->final_norm = read_vectors(&final_norm, 1);
	d->layer = mem_zero(d->layers, sizeof(*d->layer));
	for (size_t i = 0; i < d->layers && find_layer(d, i, &t, err); i++) {
		d->layer[i].reach = d->global_every == 0 || (i + 1) % d->global_every == 0 ? GLOBAL : LOCAL;
		pack_layer(d, &t, &d->layer[i]);
	}
	pack(d, &d->head, (struct tensor_stack){ { head }, 1 });
	d->quantised = all_quantised(d);
	return true;
}

static void free_layer(struct decoder_layer *l)
{
	free(l->attention_norm);
	free(l->qkv_bias);
	free(l->q_norm);
	free(l->k_norm);
	free(l->attention_post_norm);
	free(l->ffn_norm);
	free(l->ffn_post_norm);
	matrix_release(&l->qkv);
	matrix_release(&l->output);
	matrix_release(&l->gate_up);
	matrix_release(&l->down);
}

void decoder_free_weights(struct decoder *d)
{
	for (size_t i = 0; d->layer && i < d->layers; i++)
		free_layer(&d->layer[i]);
	free(d->layer);
	free(d->final_norm);
	free(d->speeds[GLOBAL]);
	free(d->speeds[LOCAL]);
	matrix_release(&d->head);
}
