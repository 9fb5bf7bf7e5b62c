/* exchange.c - names and orders of rows, to and fro. */
#include "tune/exchange.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "llm/gguf_write.h"
#include "llm/adapter.h"
#include "llm/safetensors.h"
#include "tune/exchange_inner.h"

const struct exchange_name exchange_names[EXCHANGE_NAMES] = {
	{ "attn_q", "self_attn.q_proj", QUERY_HEADS }, { "attn_k", "self_attn.k_proj", KEY_HEADS },
	{ "attn_v", "self_attn.v_proj", NO_HEADS },    { "attn_output", "self_attn.o_proj", NO_HEADS },
	{ "ffn_gate", "mlp.gate_proj", NO_HEADS },     { "ffn_up", "mlp.up_proj", NO_HEADS },
	{ "ffn_down", "mlp.down_proj", NO_HEADS },
};

size_t exchange_heads(const struct decoder *d, const struct exchange_name *l)
{
	if (decoder_has(d, HALF_SPLIT) || l->heads == NO_HEADS)
		return 0;
	return l->heads == QUERY_HEADS ? d->heads : d->kv_heads;
}

void exchange_turn(float *rows, size_t n, size_t columns, size_t heads, bool to_gguf)
{
	size_t width = heads ? n / heads : 0, half = width / 2;
	float *old = heads ? mem_alloc(n * columns * sizeof(*old)) : NULL;

	if (!heads)
		return;
	memcpy(old, rows, n * columns * sizeof(*old));
	for (size_t h = 0; h < heads; h++)
		for (size_t i = 0; i < half; i++)
			for (size_t j = 0; j < 2; j++) {
				size_t gguf = h * width + 2 * i + j, other = h * width + j * half + i;

				memcpy(rows + (to_gguf ? gguf : other) * columns, old + (to_gguf ? other : gguf) * columns,
				       columns * sizeof(*rows));
			}
	free(old);
}

struct decoder *exchange_base(const char *base, struct pool *pool, struct error *err)
{
	const struct kernels *kernels = kernels_choose(true, err);

	return kernels ? decoder_open_unpacked(base, kernels, pool, err) : NULL;
}

const struct tensor *exchange_half(const struct gguf *g, size_t layer, const struct exchange_name *l, char half)
{
	char name[96];

	snprintf(name, sizeof(name), "blk.%zu.%s.weight.lora_%c", layer, l->gguf, half);
	return gguf_tensor(g, name);
}

float *exchange_read(const struct tensor *t, struct arena *arena)
{
	float *values = arena_array(arena, tensor_rows(t) * tensor_columns(t), sizeof(*values));

	tensor_read(t, 0, tensor_rows(t), values);
	return values;
}

/* --- PEFT ---------------------------------------------------------------------------------------------------------- */

static void add_half(const struct decoder *d, const struct tensor *t, size_t layer, const struct exchange_name *l, char half,
		     struct arena *arena, struct safetensors_out *out, size_t *n)
{
	float *values = exchange_read(t, arena);

	if (half == 'b')
		exchange_turn(values, tensor_rows(t), tensor_columns(t), exchange_heads(d, l), false);
	out[(*n)++] = (struct safetensors_out){
		arena_printf(arena, "base_model.model.model.layers.%zu.%s.lora_%c.weight", layer, l->module, half == 'a' ? 'A' : 'B'),
		tensor_rows(t), tensor_columns(t), values, TENSOR_F32 };
}

/* Whether some layer's matrix of that name has a pair. */
static bool is_adapted(const struct gguf *g, size_t layers, const struct exchange_name *l)
{
	for (size_t i = 0; i < layers; i++)
		if (exchange_half(g, i, l, 'a'))
			return true;
	return false;
}

static bool write_peft_config(const struct gguf *g, size_t layers, size_t rank, const char *base_name, const char *folder,
			      struct error *err)
{
	struct buf path = { 0 };
	json_t *modules = json_array();
	double alpha = 0;

	gguf_float(g, "adapter.lora.alpha", &alpha);
	for (size_t i = 0; i < EXCHANGE_NAMES; i++)
		if (is_adapted(g, layers, &exchange_names[i]))
			json_array_append_new(modules, json_string(strchr(exchange_names[i].module, '.') + 1));
	json_t *config = json_pack("{s:s, s:s, s:s, s:I, s:f, s:f, s:s, s:b, s:b, s:o}", "peft_type", "LORA", "task_type", "CAUSAL_LM",
				   "base_model_name_or_path", base_name, "r", (json_int_t)rank, "lora_alpha", alpha, "lora_dropout", 0.0,
				   "bias", "none", "fan_in_fan_out", 0, "inference_mode", 1, "target_modules", modules);
	char *text = json_dumps(config, JSON_INDENT(2));

	buf_addf(&path, "%s/adapter_config.json", folder);
	bool written = file_replace(path.data, text, strlen(text), err);

	free(text);
	json_decref(config);
	buf_release(&path);
	return written;
}

static bool write_peft(const struct gguf *g, const struct decoder *d, const char *base_name, const char *folder, struct error *err)
{
	static const char *const format[] = { "format", "pt" };
	struct buf path = { 0 };
	struct arena arena;
	size_t n = 0, rank = 0;

	arena_init(&arena);
	struct safetensors_out *out = arena_array(&arena, d->layers * EXCHANGE_NAMES * 2, sizeof(*out));

	for (size_t i = 0; i < d->layers; i++)
		for (size_t k = 0; k < EXCHANGE_NAMES; k++) {
			const struct tensor *a = exchange_half(g, i, &exchange_names[k], 'a'), *b = exchange_half(g, i, &exchange_names[k], 'b');

			if (!a || !b)
				continue;
			rank = tensor_rows(a);
			add_half(d, a, i, &exchange_names[k], 'a', &arena, out, &n);
			add_half(d, b, i, &exchange_names[k], 'b', &arena, out, &n);
		}
	buf_addf(&path, "%s/adapter_model.safetensors", folder);
	bool written = file_make_folder(folder, err) && safetensors_write(path.data, out, n, format, 1, err) &&
		       write_peft_config(g, d->layers, rank, base_name, folder, err);

	buf_release(&path);
	arena_release(&arena);
	return written;
}

bool export_peft(const char *adapter, const char *base, const char *base_name, struct pool *pool, const char *folder,
		 struct error *err)
{
	struct decoder *d = exchange_base(base, pool, err);
	struct gguf *g = d && adapter_fits(adapter, base, err) ? gguf_open(adapter, err) : NULL;
	bool written = g && write_peft(g, d, base_name, folder, err);

	gguf_free(g);
	decoder_free(d);
	return written;
}

static json_t *read_json(const char *folder, const char *name, struct error *err)
{
	struct buf path = { 0 };
	json_error_t at;
	size_t n;

	buf_addf(&path, "%s/%s", folder, name);
	char *text = file_read(path.data, (size_t)1 << 24, &n, err);
	json_t *json = text ? json_loadb(text, n, 0, &at) : NULL;

	if (text && !json)
		error_set(err, "%s:%d: %s", path.data, at.line, at.text);
	free(text);
	buf_release(&path);
	return json;
}

/* "...layers.N.MODULE.lora_A.weight", whatever stands before. */
static bool read_peft_name(const char *name, size_t *layer, const struct exchange_name **l, char *half)
{
	const char *at = strstr(name, "layers.");
	char *end;

	if (!at)
		return false;
	*layer = strtoul(at + strlen("layers."), &end, 10);
	for (size_t i = 0; *end == '.' && i < EXCHANGE_NAMES; i++) {
		size_t n = strlen(exchange_names[i].module);

		if (strncmp(end + 1, exchange_names[i].module, n) != 0 || strncmp(end + 1 + n, ".lora_", 6) != 0)
			continue;
		*l = &exchange_names[i];
		*half = (char)(end[n + 7] == 'A' ? 'a' : end[n + 7] == 'B' ? 'b' : 0);
		return *half && (strcmp(end + n + 8, ".weight") == 0 || strcmp(end + n + 8, ".default.weight") == 0);
	}
	return false;
}

/* alpha as rung and llama.cpp scale with: alpha / rank; rsLoRA's alpha / sqrt(rank) is written as a larger one. */
static bool read_alpha(const json_t *config, const char *folder, size_t *rank, double *alpha, struct error *err)
{
	json_int_t r = json_integer_value(json_object_get(config, "r"));

	*alpha = json_number_value(json_object_get(config, "lora_alpha"));
	if (r < 1 || !(*alpha > 0))
		return error_set(err, "%s/adapter_config.json: \"r\" and \"lora_alpha\" must be numbers above 0", folder);
	*rank = (size_t)r;
	if (json_is_true(json_object_get(config, "use_dora")) ||
	    json_object_size(json_object_get(config, "rank_pattern")) + json_object_size(json_object_get(config, "alpha_pattern")) > 0)
		return error_set(err, "%s/adapter_config.json: DoRA and ranks or alphas of their own for some modules are not supported; "
				      "train a plain LoRA", folder);
	if (json_is_true(json_object_get(config, "use_rslora")))
		*alpha *= sqrt((double)r);
	return true;
}

static bool convert_peft(const struct safetensors *s, const struct decoder *d, size_t rank, double alpha, const char *path,
			 struct error *err)
{
	const struct gguf_pair pairs[] = {
		{ "general.type", "adapter", 0 },
		{ "general.architecture", d->architecture->name, 0 },
		{ "adapter.type", "lora", 0 },
		{ "adapter.lora.alpha", NULL, (float)alpha },
	};
	size_t n = safetensors_count(s);
	struct arena arena;
	bool read = true;

	arena_init(&arena);
	struct gguf_out *out = arena_array(&arena, n, sizeof(*out));

	for (size_t i = 0; read && i < n; i++) {
		const struct tensor *t = safetensors_at(s, i);
		const struct exchange_name *l = exchange_names; /* until the name says which */
		size_t layer = 0;
		char half = 0;

		read = read_peft_name(t->name, &layer, &l, &half) ||
		       error_set(err, "tensor \"%.100s\" adapts nothing that this engine can: attention and feed-forward matrices", t->name);
		if (!read)
			break;
		if ((half == 'a' ? tensor_rows(t) : tensor_columns(t)) != rank) {
			read = error_set(err, "tensor \"%.100s\" has %zu rows of %zu values, but \"r\" in adapter_config.json is %zu", t->name,
					 tensor_rows(t), tensor_columns(t), rank);
			break;
		}
		float *values = exchange_read(t, &arena);

		if (half == 'b')
			exchange_turn(values, tensor_rows(t), tensor_columns(t), exchange_heads(d, l), true);
		out[i] = (struct gguf_out){ arena_printf(&arena, "blk.%zu.%s.weight.lora_%c", layer, l->gguf, half), tensor_rows(t),
					    tensor_columns(t), values };
	}
	read = read && gguf_write(path, pairs, sizeof(pairs) / sizeof(pairs[0]), out, n, err);
	arena_release(&arena);
	return read;
}

bool import_peft(const char *folder, const char *base, struct pool *pool, const char *adapter, struct error *err)
{
	json_t *config = read_json(folder, "adapter_config.json", err);
	struct decoder *d = config ? exchange_base(base, pool, err) : NULL;
	struct safetensors *s = NULL;
	struct buf path = { 0 };
	size_t rank = 0;
	double alpha;
	bool done = false;

	buf_addf(&path, "%s/adapter_model.safetensors", folder);
	if (d && read_alpha(config, folder, &rank, &alpha, err) && (s = safetensors_open(path.data, err)) != NULL) {
		done = convert_peft(s, d, rank, alpha, adapter, err);
		if (done && !adapter_fits(adapter, base, err)) {
			unlink(adapter);
			done = false;
		}
		if (!done)
			error_prefix(err, "%s", path.data);
	}
	safetensors_free(s);
	decoder_free(d);
	json_decref(config);
	buf_release(&path);
	return done;
}
