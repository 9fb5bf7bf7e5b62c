/* exchange_merged.c - a decoder and its adapter as one model, in f16, as transformers names it. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "llm/adapter.h"
#include "llm/safetensors.h"
#include "tune/exchange_inner.h"

/* Other tensors of a layer. Gemma's norms multiply by 1 + weight in transformers, and by the sum in GGUF. */
static const struct {
	const char *gguf, *module;
	enum { PLAIN, NORM, QUERY_BIAS, KEY_BIAS } kind;
} others[] = {
	{ "attn_norm.weight", "input_layernorm.weight", NORM },
	{ "ffn_norm.weight", NULL, NORM }, /* two names: ffn_norm_name() */
	{ "post_attention_norm.weight", "post_attention_layernorm.weight", NORM },
	{ "post_ffw_norm.weight", "post_feedforward_layernorm.weight", NORM },
	{ "attn_q_norm.weight", "self_attn.q_norm.weight", NORM },
	{ "attn_k_norm.weight", "self_attn.k_norm.weight", NORM },
	{ "attn_q.bias", "self_attn.q_proj.bias", QUERY_BIAS },
	{ "attn_k.bias", "self_attn.k_proj.bias", KEY_BIAS },
	{ "attn_v.bias", "self_attn.v_proj.bias", PLAIN },
};
enum { OTHERS = sizeof(others) / sizeof(others[0]) };

struct merging {
	const struct decoder *d;
	const struct gguf *adapter;
	struct arena arena;
	struct safetensors_out *out;
	size_t n;
	float scale;
};

static void put(struct merging *m, const char *name, size_t rows, size_t columns, const float *values)
{
	m->out[m->n++] = (struct safetensors_out){ name, rows, columns, values, TENSOR_F16 };
}

/* W + scale B A, in transformers' order of rows. */
static void put_linear(struct merging *m, size_t layer, const struct exchange_name *l)
{
	const struct tensor *a = exchange_half(m->adapter, layer, l, 'a'), *b = exchange_half(m->adapter, layer, l, 'b');
	const struct tensor *w = gguf_tensor(m->d->file, arena_printf(&m->arena, "blk.%zu.%s.weight", layer, l->gguf));
	size_t n = tensor_rows(w), k = tensor_columns(w);
	float *values = exchange_read(w, &m->arena);

	if (a && b) {
		const float *down = exchange_read(a, &m->arena), *up = exchange_read(b, &m->arena);
		size_t rank = tensor_rows(a);

		for (size_t i = 0; i < n; i++)
			for (size_t r = 0; r < rank; r++)
				m->d->kernels->axpy(values + i * k, m->scale / (float)rank * up[i * rank + r], down + r * k, k);
	}
	exchange_turn(values, n, k, exchange_heads(m->d, l), false);
	put(m, arena_printf(&m->arena, "model.layers.%zu.%s.weight", layer, l->module), n, k, values);
}

static const char *ffn_norm_name(const struct decoder *d)
{
	return decoder_has(d, POST_NORMS) ? "pre_feedforward_layernorm.weight" : "post_attention_layernorm.weight";
}

static void put_vector(struct merging *m, const char *name, const struct tensor *t, bool norm, size_t heads)
{
	float *values = exchange_read(t, &m->arena);

	for (size_t i = 0; norm && decoder_has(m->d, POST_NORMS) && i < tensor_columns(t); i++)
		values[i] -= 1;
	exchange_turn(values, tensor_columns(t), 1, heads, false);
	put(m, name, 0, tensor_columns(t), values);
}

static void put_layer(struct merging *m, size_t layer)
{
	for (size_t k = 0; k < EXCHANGE_NAMES; k++)
		put_linear(m, layer, &exchange_names[k]);
	for (size_t k = 0; k < OTHERS; k++) {
		const struct tensor *t = gguf_tensor(m->d->file, arena_printf(&m->arena, "blk.%zu.%s", layer, others[k].gguf));
		const char *module = others[k].module ? others[k].module : ffn_norm_name(m->d);
		size_t heads = decoder_has(m->d, HALF_SPLIT) ? 0 : others[k].kind == QUERY_BIAS ? m->d->heads :
			       others[k].kind == KEY_BIAS ? m->d->kv_heads : 0;

		if (t)
			put_vector(m, arena_printf(&m->arena, "model.layers.%zu.%s", layer, module), t, others[k].kind == NORM, heads);
	}
}

static json_t *config_of(const struct decoder *d)
{
	static const struct {
		const char *name, *class, *type;
	} classes[] = {
		{ "llama", "LlamaForCausalLM", "llama" }, { "qwen2", "Qwen2ForCausalLM", "qwen2" },
		{ "qwen3", "Qwen3ForCausalLM", "qwen3" }, { "gemma3", "Gemma3ForCausalLM", "gemma3_text" },
	};
	size_t c = 0;

	while (strcmp(classes[c].name, d->architecture->name) != 0)
		c++;
	json_t *config = json_pack("{s:[s], s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:b, s:s, s:s}", "architectures",
				   classes[c].class, "model_type", classes[c].type, "hidden_size", (json_int_t)d->width,
				   "num_hidden_layers", (json_int_t)d->layers, "num_attention_heads", (json_int_t)d->heads,
				   "num_key_value_heads", (json_int_t)d->kv_heads, "head_dim", (json_int_t)d->head_width,
				   "intermediate_size", (json_int_t)d->ffn, "vocab_size", (json_int_t)d->vocabulary,
				   "max_position_embeddings", (json_int_t)d->limit, "rms_norm_eps", (double)d->epsilon, "rope_theta",
				   d->rope_base[GLOBAL], "tie_word_embeddings", gguf_tensor(d->file, "output.weight") == NULL, "torch_dtype",
				   "float16", decoder_has(d, GEGLU) ? "hidden_activation" : "hidden_act",
				   decoder_has(d, GEGLU) ? "gelu_pytorch_tanh" : "silu");

	if (d->global_every > 0) {
		json_object_set_new(config, "sliding_window", json_integer((json_int_t)d->window));
		json_object_set_new(config, "sliding_window_pattern", json_integer((json_int_t)d->global_every));
		json_object_set_new(config, "rope_local_base_freq", json_real(d->rope_base[LOCAL]));
	}
	return config;
}

static bool write_config(const struct decoder *d, const char *folder, struct error *err)
{
	json_t *config = config_of(d);
	char *text = json_dumps(config, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	struct buf path = { 0 };

	buf_addf(&path, "%s/config.json", folder);
	bool written = file_replace(path.data, text, strlen(text), err);

	buf_release(&path);
	free(text);
	json_decref(config);
	return written;
}

static bool write_model(struct merging *m, const char *folder, struct error *err)
{
	static const char *const format[] = { "format", "pt" };
	const struct tensor *head = gguf_tensor(m->d->file, "output.weight"), *final = gguf_tensor(m->d->file, "output_norm.weight");
	struct buf path = { 0 };
	double alpha = 0;

	gguf_float(m->adapter, "adapter.lora.alpha", &alpha);
	m->scale = (float)alpha;
	m->out = arena_array(&m->arena, m->d->layers * (EXCHANGE_NAMES + OTHERS) + 3, sizeof(*m->out));
	put(m, "model.embed_tokens.weight", m->d->vocabulary, m->d->width, exchange_read(m->d->embedding, &m->arena));
	for (size_t i = 0; i < m->d->layers; i++)
		put_layer(m, i);
	put_vector(m, "model.norm.weight", final, true, 0);
	if (head)
		put(m, "lm_head.weight", m->d->vocabulary, m->d->width, exchange_read(head, &m->arena));
	buf_addf(&path, "%s/model.safetensors", folder);
	bool written = file_make_folder(folder, err) && safetensors_write(path.data, m->out, m->n, format, 1, err) &&
		       write_config(m->d, folder, err);

	buf_release(&path);
	return written;
}

bool export_merged(const char *adapter, const char *base, struct pool *pool, const char *folder, struct error *err)
{
	struct merging m = { .d = exchange_base(base, pool, err) };
	bool written = false;

	arena_init(&m.arena);
	if (m.d && adapter_fits(adapter, base, err) && (m.adapter = gguf_open(adapter, err)) != NULL)
		written = write_model(&m, folder, err);
	gguf_free((struct gguf *)m.adapter);
	decoder_free((struct decoder *)m.d);
	arena_release(&m.arena);
	return written;
}
