/* decoder.c - opens a GGUF file of architecture llama: sizes, shape checks, packing.
 *
 * Nothing is allocated by a size from the metadata before the tensors that it promises were found in the file with that
 * shape, so a file cannot ask for more memory than it brings data for. A tensor or a setting that the forward pass
 * would not use (biases, rotary scaling, experts) is refused: an answer without it would be wrong. */
#include "llm/decoder.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

#include "base/arena.h"
#include "llm/attention.h"
#include "llm/decoder_inner.h"

static bool read_size(const struct gguf *g, const char *key, int64_t high, size_t *out, struct error *err)
{
	int64_t value;

	if (!gguf_int(g, key, &value))
		return error_set(err, "%s: the metadata has no integer \"%s\"; a llama model needs it", gguf_path(g),
				 key);
	if (value < 1 || value > high)
		return error_set(err, "%s: \"%s\" is %" PRId64 "; 1 to %" PRId64 " is supported", gguf_path(g), key,
				 value, high);
	*out = (size_t)value;
	return true;
}

/* As read_size(), but an absent key leaves *out alone. */
static bool read_optional(const struct gguf *g, const char *key, int64_t high, size_t *out, struct error *err)
{
	int64_t value;

	return !gguf_int(g, key, &value) || read_size(g, key, high, out, err);
}

static bool check_architecture(const struct gguf *g, struct error *err)
{
	struct gguf_string name, scaling;
	int64_t experts;

	if (!gguf_text(g, "general.architecture", &name))
		return error_set(err, "%s: the metadata has no text \"general.architecture\"", gguf_path(g));
	if (name.n != 5 || memcmp(name.at, "llama", 5) != 0)
		return error_set(err, "%s: architecture \"%.*s\" is not supported (supported: llama)", gguf_path(g),
				 (int)(name.n < 64 ? name.n : 64), name.at);
	if (gguf_int(g, "llama.expert_count", &experts) && experts > 0)
		return error_set(err, "%s: \"llama.expert_count\" is %" PRId64 "; no mixture of experts is supported",
				 gguf_path(g), experts);
	if (gguf_text(g, "llama.rope.scaling.type", &scaling) && !(scaling.n == 4 && !memcmp(scaling.at, "none", 4)))
		return error_set(err, "%s: \"llama.rope.scaling.type\" is \"%.*s\"; only \"none\" is supported",
				 gguf_path(g), (int)(scaling.n < 64 ? scaling.n : 64), scaling.at);
	return true;
}

static bool read_reals(struct decoder *d, struct error *err)
{
	const struct gguf *g = d->file;
	double epsilon;

	if (!gguf_float(g, "llama.attention.layer_norm_rms_epsilon", &epsilon))
		return error_set(err, "%s: the metadata has no number \"llama.attention.layer_norm_rms_epsilon\"",
				 gguf_path(g));
	if (!(epsilon > 0 && epsilon < 1))
		return error_set(err, "%s: \"llama.attention.layer_norm_rms_epsilon\" is %g; it must lie between 0 "
				 "and 1", gguf_path(g), epsilon);
	d->rope_base = 10000.0; /* the paper's; older files leave it out */
	gguf_float(g, "llama.rope.freq_base", &d->rope_base);
	if (!(d->rope_base >= 1 && d->rope_base <= 1e12))
		return error_set(err, "%s: \"llama.rope.freq_base\" is %g; it must lie between 1 and 1e12",
				 gguf_path(g), d->rope_base);
	d->epsilon = (float)epsilon;
	return true;
}

static bool read_heads(struct decoder *d, struct error *err)
{
	const struct gguf *g = d->file;
	size_t rotary, value_width;

	if (!read_size(g, "llama.attention.head_count", 1024, &d->heads, err))
		return false;
	d->kv_heads = d->heads;
	if (!read_optional(g, "llama.attention.head_count_kv", 1024, &d->kv_heads, err))
		return false;
	if (d->heads % d->kv_heads != 0)
		return error_set(err, "%s: %zu query heads cannot share %zu K/V heads evenly", gguf_path(g), d->heads,
				 d->kv_heads);
	d->head_width = d->width / d->heads;
	if (!read_optional(g, "llama.attention.key_length", 1024, &d->head_width, err))
		return false;
	rotary = value_width = d->head_width;
	if (!read_optional(g, "llama.rope.dimension_count", 1024, &rotary, err) ||
	    !read_optional(g, "llama.attention.value_length", 1024, &value_width, err))
		return false;
	if (d->head_width == 0 || d->head_width % ATTENTION_LANES != 0)
		return error_set(err, "%s: heads of %zu values (%zu over %zu heads) are not supported, only multiples "
				 "of %d", gguf_path(g), d->head_width, d->width, d->heads, ATTENTION_LANES);
	if (rotary != d->head_width || value_width != d->head_width)
		return error_set(err, "%s: keys of %zu values, of which %zu rotate, and values of %zu: only equal "
				 "sizes are supported", gguf_path(g), d->head_width, rotary, value_width);
	return true;
}

static bool read_sizes(struct decoder *d, struct error *err)
{
	const struct gguf *g = d->file;

	return check_architecture(g, err) && read_size(g, "llama.block_count", 1024, &d->layers, err) &&
	       read_size(g, "llama.embedding_length", 1 << 16, &d->width, err) &&
	       read_size(g, "llama.feed_forward_length", 1 << 20, &d->ffn, err) &&
	       read_size(g, "llama.context_length", 1 << 24, &d->limit, err) && read_heads(d, err) &&
	       read_reals(d, err);
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

/* The tensors of one layer, in the order in which the file formats list them. */
struct layer_tensors {
	const struct tensor *attention_norm, *q, *k, *v, *output, *ffn_norm, *gate, *up, *down;
};

static bool find_layer(const struct decoder *d, size_t i, struct layer_tensors *t, struct error *err)
{
	size_t heads = d->heads * d->head_width, kv = decoder_kv_width(d);

	return (t->attention_norm = find_tensor(d, 1, d->width, err, "blk.%zu.attn_norm.weight", i)) &&
	       (t->q = find_tensor(d, heads, d->width, err, "blk.%zu.attn_q.weight", i)) &&
	       (t->k = find_tensor(d, kv, d->width, err, "blk.%zu.attn_k.weight", i)) &&
	       (t->v = find_tensor(d, kv, d->width, err, "blk.%zu.attn_v.weight", i)) &&
	       (t->output = find_tensor(d, d->width, heads, err, "blk.%zu.attn_output.weight", i)) &&
	       (t->ffn_norm = find_tensor(d, 1, d->width, err, "blk.%zu.ffn_norm.weight", i)) &&
	       (t->gate = find_tensor(d, d->ffn, d->width, err, "blk.%zu.ffn_gate.weight", i)) &&
	       (t->up = find_tensor(d, d->ffn, d->width, err, "blk.%zu.ffn_up.weight", i)) &&
	       (t->down = find_tensor(d, d->width, d->ffn, err, "blk.%zu.ffn_down.weight", i));
}

/* Whether the forward pass of so many layers uses a tensor of this name. */
static bool name_known(const char *name, size_t layers)
{
	static const char *const used[] = {
		"attn_norm.weight", "attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_output.weight",
		"ffn_norm.weight", "ffn_gate.weight", "ffn_up.weight", "ffn_down.weight",
	};
	char *end;

	if (!strcmp(name, "token_embd.weight") || !strcmp(name, "output_norm.weight") || !strcmp(name, "output.weight"))
		return true;
	if (strncmp(name, "blk.", 4) != 0 || name[4] < '0' || name[4] > '9' || strtoul(name + 4, &end, 10) >= layers ||
	    *end != '.')
		return false;
	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (!strcmp(end + 1, used[i]))
			return true;
	return false;
}

static bool check_names(const struct decoder *d, struct error *err)
{
	const struct gguf *g = d->file;

	for (size_t i = 0; i < gguf_tensor_count(g); i++) {
		const char *name = gguf_tensor_at(g, i)->name;

		if (!name_known(name, d->layers))
			return error_set(err, "%s: tensor \"%.100s\" has no place in a llama model of %zu layers as "
					 "supported here", gguf_path(g), name, d->layers);
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

static float *read_vector(const struct tensor *t)
{
	float *v = mem_aligned(tensor_columns(t) * sizeof(*v));

	tensor_read(t, 0, 1, v);
	return v;
}

static void pack_layer(const struct decoder *d, const struct layer_tensors *t, struct decoder_layer *l)
{
	l->attention_norm = read_vector(t->attention_norm);
	l->ffn_norm = read_vector(t->ffn_norm);
	matrix_pack(&l->qkv, d->kernels, (struct tensor_stack){ { t->q, t->k, t->v }, 3 });
	matrix_pack(&l->output, d->kernels, (struct tensor_stack){ { t->output }, 1 });
	matrix_pack(&l->gate_up, d->kernels, (struct tensor_stack){ { t->gate, t->up }, 2 });
	matrix_pack(&l->down, d->kernels, (struct tensor_stack){ { t->down }, 1 });
}

static bool load_tensors(struct decoder *d, struct error *err)
{
	const struct tensor *final_norm, *head;
	struct layer_tensors t;

	if (!check_names(d, err) || !check_embedding(d, err))
		return false;
	final_norm = find_tensor(d, 1, d->width, err, "output_norm.weight");
	head = gguf_tensor(d->file, "output.weight") ?
		       find_tensor(d, d->vocabulary, d->width, err, "output.weight") : d->embedding;
	if (!final_norm || !head)
		return false;
	for (size_t i = 0; i < d->layers; i++)
		if (!find_layer(d, i, &t, err))
			return false;
	d->final_norm = read_vector(final_norm);
	d->layer = mem_zero(d->layers, sizeof(*d->layer));
	for (size_t i = 0; i < d->layers && find_layer(d, i, &t, err); i++)
		pack_layer(d, &t, &d->layer[i]);
	matrix_pack(&d->head, d->kernels, (struct tensor_stack){ { head }, 1 });
	d->quantised = d->head.quantised;
	for (size_t i = 0; i < d->layers; i++) {
		const struct decoder_layer *l = &d->layer[i];

		d->quantised &= l->qkv.quantised && l->output.quantised && l->gate_up.quantised && l->down.quantised;
	}
	return true;
}

static float *rows_of(size_t columns)
{
	return mem_aligned(PASS_ROWS * columns * sizeof(float));
}

static void reserve_scratch(struct decoder *d)
{
	d->scratch = (struct decoder_scratch){
		.x = rows_of(d->width),
		.normed = rows_of(d->width),
		.qkv = rows_of(decoder_qkv_width(d)),
		.mixed = rows_of(d->heads * d->head_width),
		.gate_up = rows_of(2 * d->ffn),
		.turns = rows_of(d->head_width),
	};
}

struct decoder *decoder_open(const char *path, const struct kernels *kernels, struct pool *pool, struct error *err)
{
	struct decoder *d = mem_zero(1, sizeof(*d));

	d->kernels = kernels;
	d->pool = pool;
	d->file = gguf_open(path, err);
	if (!d->file || !read_sizes(d, err))
		goto fail;
	d->tokenizer = tokenizer_from_gguf(d->file, err);
	if (!d->tokenizer || !load_tensors(d, err))
		goto fail;
	reserve_scratch(d);
	return d;
fail:
	decoder_free(d);
	return NULL;
}

static void free_layer(struct decoder_layer *l)
{
	free(l->attention_norm);
	free(l->ffn_norm);
	matrix_release(&l->qkv);
	matrix_release(&l->output);
	matrix_release(&l->gate_up);
	matrix_release(&l->down);
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	for (size_t i = 0; d->layer && i < d->layers; i++)
		free_layer(&d->layer[i]);
	free(d->layer);
	free(d->final_norm);
	matrix_release(&d->head);
	free(d->scratch.x);
	free(d->scratch.normed);
	free(d->scratch.qkv);
	free(d->scratch.mixed);
	free(d->scratch.gate_up);
	free(d->scratch.turns);
	free(d->scratch.scores);
	tokenizer_free(d->tokenizer);
	gguf_free(d->file);
	free(d);
}

const struct tokenizer *decoder_tokenizer(const struct decoder *d)
{
	return d->tokenizer;
}

struct pool *decoder_pool(const struct decoder *d)
{
	return d->pool;
}

size_t decoder_vocabulary(const struct decoder *d)
{
	return d->vocabulary;
}

size_t decoder_limit(const struct decoder *d)
{
	return d->limit;
}
