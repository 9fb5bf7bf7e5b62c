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

/* Pairs of another rank than `rank`, by their modules. PEFT scales each with alpha by its own rank, as GGUF does. */
static json_t *rank_pattern(const struct gguf *g, size_t layers, size_t rank)
{
	json_t *pattern = json_object();

	for (size_t i = 0; i < layers; i++)
		for (size_t k = 0; k < EXCHANGE_NAMES; k++) {
			const struct tensor *a = exchange_half(g, i, &exchange_names[k], 'a');
			char module[64];

			snprintf(module, sizeof(module), "layers.%zu.%s", i, exchange_names[k].module);
			if (a && tensor_rows(a) != rank)
				json_object_set_new(pattern, module, json_integer((json_int_t)tensor_rows(a)));
		}
	return pattern;
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
	json_t *config = json_pack("{s:s, s:s, s:s, s:I, s:f, s:f, s:s, s:b, s:b, s:o, s:o}", "peft_type", "LORA", "task_type", "CAUSAL_LM",
				   "base_model_name_or_path", base_name, "r", (json_int_t)rank, "lora_alpha", alpha, "lora_dropout", 0.0,
				   "bias", "none", "fan_in_fan_out", 0, "inference_mode", 1, "target_modules", modules, "rank_pattern",
				   rank_pattern(g, layers, rank));
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
			rank = rank ? rank : tensor_rows(a);
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

json_t *exchange_read_json(const char *folder, const char *name, struct error *err)
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

/* How PEFT's config scales pairs. */
struct peft_config {
	size_t rank;
	double alpha;
	bool root; /* rsLoRA: by the root of the rank */
	const json_t *ranks, *alphas; /* of modules that have their own, by the ends of their names; NULL: none */
};

/* PEFT takes the names in a pattern for regular expressions; these are names alone, whose dots are dots. */
static bool read_pattern(const json_t *config, const char *key, const char *folder, const json_t **pattern, struct error *err)
{
	const json_t *value;
	const char *module;

	*pattern = json_object_get(config, key);
	json_object_foreach((json_t *)*pattern, module, value) {
		if (!*module || module[strcspn(module, "\\^$*+?()[]{}|")])
			return error_set(err, "%s/adapter_config.json: \"%s\" names modules by the expression \"%.80s\"; write the modules' "
					 "names, such as layers.0.self_attn.q_proj", folder, key, module);
		if (!(json_number_value(value) > 0))
			return error_set(err, "%s/adapter_config.json: \"%s\" of \"%.80s\" must be a number above 0", folder, key, module);
	}
	return true;
}

static bool read_config(const json_t *config, const char *folder, struct peft_config *c, struct error *err)
{
	json_int_t r = json_integer_value(json_object_get(config, "r"));

	*c = (struct peft_config){ .alpha = json_number_value(json_object_get(config, "lora_alpha")),
				   .root = json_is_true(json_object_get(config, "use_rslora")) };
	if (r < 1 || !(c->alpha > 0))
		return error_set(err, "%s/adapter_config.json: \"r\" and \"lora_alpha\" must be numbers above 0", folder);
	c->rank = (size_t)r;
	if (json_is_true(json_object_get(config, "use_dora")))
		return error_set(err, "%s/adapter_config.json: DoRA is not supported; train a plain LoRA", folder);
	return read_pattern(config, "rank_pattern", folder, &c->ranks, err) && read_pattern(config, "alpha_pattern", folder, &c->alphas, err);
}

/* The pattern's number for "model.layers.N.MODULE", by the first name that it ends with; else `usual`. */
static double of_module(const json_t *pattern, size_t layer, const struct exchange_name *l, double usual)
{
	const json_t *value;
	const char *end;
	char name[96];

	snprintf(name, sizeof(name), ".model.layers.%zu.%s", layer, l->module);
	json_object_foreach((json_t *)pattern, end, value) {
		size_t n = strlen(end), whole = strlen(name);

		if (n < whole && name[whole - n - 1] == '.' && strcmp(name + whole - n, end) == 0)
			return json_number_value(value);
	}
	return usual;
}

/* alpha as rung and llama.cpp scale with, alpha / rank; rsLoRA's alpha / sqrt(rank) is written as a larger one. */
static double scaling_alpha(const struct peft_config *c, double alpha, double rank)
{
	return c->root ? alpha * sqrt(rank) : alpha;
}

/* One tensor of PEFT's as GGUF has it. A file has one alpha: pairs with another one have the difference in their b. */
static bool convert_tensor(const struct tensor *t, const struct decoder *d, const struct peft_config *c, struct arena *arena,
			   struct gguf_out *out, struct error *err)
{
	const struct exchange_name *l = exchange_names; /* until the name says which */
	size_t layer = 0;
	char half = 0;

	if (!read_peft_name(t->name, &layer, &l, &half))
		return error_set(err, "tensor \"%.100s\" adapts nothing that this engine can: attention and feed-forward matrices", t->name);
	size_t rows = tensor_rows(t), columns = tensor_columns(t);
	double rank = of_module(c->ranks, layer, l, (double)c->rank);
	double alpha = scaling_alpha(c, of_module(c->alphas, layer, l, c->alpha), rank), usual = scaling_alpha(c, c->alpha, (double)c->rank);

	if ((double)(half == 'a' ? rows : columns) != rank)
		return error_set(err, "tensor \"%.100s\" has %zu rows of %zu values, but its rank in adapter_config.json is %g", t->name, rows,
				 columns, rank);
	float *values = exchange_read(t, arena);

	for (size_t i = 0; half == 'b' && alpha != usual && i < rows * columns; i++)
		values[i] = (float)(values[i] * (alpha / usual));
	if (half == 'b')
		exchange_turn(values, rows, columns, exchange_heads(d, l), true);
	*out = (struct gguf_out){ arena_printf(arena, "blk.%zu.%s.weight.lora_%c", layer, l->gguf, half), rows, columns, values };
	return true;
}

static bool convert_peft(const struct safetensors *s, const struct decoder *d, const struct peft_config *c, const char *path,
			 struct error *err)
{
	const struct gguf_pair pairs[] = {
		{ "general.type", "adapter", 0 },
		{ "general.architecture", d->architecture->name, 0 },
		{ "adapter.type", "lora", 0 },
		{ "adapter.lora.alpha", NULL, (float)scaling_alpha(c, c->alpha, (double)c->rank) },
	};
	size_t n = safetensors_count(s);
	struct arena arena;
	bool read = true;

	arena_init(&arena);
	struct gguf_out *out = arena_array(&arena, n, sizeof(*out));

	for (size_t i = 0; read && i < n; i++)
		read = convert_tensor(safetensors_at(s, i), d, c, &arena, &out[i], err);
	read = read && gguf_write(path, pairs, sizeof(pairs) / sizeof(pairs[0]), out, n, err);
	arena_release(&arena);
	return read;
}

bool import_peft(const char *folder, const char *base, struct pool *pool, const char *adapter, struct error *err)
{
	json_t *config = exchange_read_json(folder, "adapter_config.json", err);
	struct decoder *d = config ? exchange_base(base, pool, err) : NULL;
	struct safetensors *s = NULL;
	struct buf path = { 0 };
	struct peft_config c;
	bool done = false;

	buf_addf(&path, "%s/adapter_model.safetensors", folder);
	if (d && read_config(config, folder, &c, err) && (s = safetensors_open(path.data, err)) != NULL) {
		done = convert_peft(s, d, &c, adapter, err);
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
