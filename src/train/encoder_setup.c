/* encoder_setup.c - an encoder's weights as parameters, and back into a folder. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "train/encoder_train_inner.h"

/* What the file puts before BERT's tensor names. */
static const char *prefix_of(const struct encoder *e)
{
	return safetensors_find(e->file, "bert.embeddings.word_embeddings.weight") ? "bert." : "";
}

/* The parameter of n tensors of the file above each other, which encoder_open() found to be there. */
static struct parameter *load(struct encoder_trainer *t, const char *const *names, size_t n, bool by_rows)
{
	struct parameters *to = t->options.rank ? &t->frozen : &t->parameters;
	const struct tensor *tensor = safetensors_find(t->e->file, names[0]);
	bool vector = tensor_rows(tensor) == 1;
	size_t rows = tensor_rows(tensor), columns = tensor_columns(tensor);
	struct parameter *p = parameters_add(to, names, n, vector ? 1 : n * rows, vector ? n * columns : columns, by_rows);

	for (size_t i = 0; i < n; i++)
		tensor_read(safetensors_find(t->e->file, names[i]), 0, rows, p->value + i * rows * columns);
	return p;
}

__attribute__((format(printf, 2, 3))) static struct parameter *load_one(struct encoder_trainer *t, const char *format, ...)
{
	char name[160];
	const char *names[1] = { name };
	size_t n = (size_t)snprintf(name, sizeof(name), "%s", prefix_of(t->e));
	va_list args;

	va_start(args, format);
	vsnprintf(name + n, sizeof(name) - n, format, args);
	va_end(args);
	return load(t, names, 1, strstr(name, "word_embeddings") || strstr(name, "position_embeddings"));
}

static struct linear load_linear(struct encoder_trainer *t, size_t layer, const char *const *parts, size_t n)
{
	char texts[2][PARAMETER_NAMES][160];
	const char *names[2][PARAMETER_NAMES];

	for (size_t i = 0; i < n; i++)
		for (int bias = 0; bias < 2; bias++) {
			snprintf(texts[bias][i], sizeof(texts[bias][i]), "%sencoder.layer.%zu.%s.%s", prefix_of(t->e), layer,
				 parts[i], bias ? "bias" : "weight");
			names[bias][i] = texts[bias][i];
		}
	struct linear l = { .weight = load(t, names[0], n, false), .bias = load(t, names[1], n, false) };

	if (t->options.rank)
		lora_add_pairs(t, &l);
	return l;
}

static void load_norm(struct encoder_trainer *t, struct parameter *norm[2], const char *name)
{
	norm[0] = load_one(t, "%s.weight", name);
	norm[1] = load_one(t, "%s.bias", name);
}

static void load_layer(struct encoder_trainer *t, size_t i)
{
	static const char *const qkv[] = { "attention.self.query", "attention.self.key", "attention.self.value" };
	static const char *const output[] = { "attention.output.dense" }, *const up[] = { "intermediate.dense" },
			  *const down[] = { "output.dense" };
	struct layer_parameters *l = &t->layer[i];
	char name[64];

	l->qkv = load_linear(t, i, qkv, 3);
	l->output = load_linear(t, i, output, 1);
	l->up = load_linear(t, i, up, 1);
	l->down = load_linear(t, i, down, 1);
	snprintf(name, sizeof(name), "encoder.layer.%zu.attention.output.LayerNorm", i);
	load_norm(t, l->attention_norm, name);
	snprintf(name, sizeof(name), "encoder.layer.%zu.output.LayerNorm", i);
	load_norm(t, l->ffn_norm, name);
}

/* A head of so many rows begins at `first` (rows, width + 1), or near zero: small random weights, no bias. */
static void add_linear_head(struct encoder_trainer *t, struct parameter *head[2], const char *weight, const char *bias, size_t rows,
			    const float *first, struct rng *rng)
{
	size_t w = t->e->width;

	if (rows == 0)
		return;
	head[0] = parameters_add(&t->parameters, &weight, 1, rows, t->e->width, false);
	head[1] = parameters_add(&t->parameters, &bias, 1, 1, rows, false);
	head[0]->decays = t->options.rank == 0;
	for (int i = 0; i < 2 && t->options.head_rate > 0; i++)
		head[i]->rate_scale = (float)t->options.head_rate;
	for (size_t i = 0; i < rows * w && !first; i++)
		head[0]->value[i] = (float)(0.04 * (rng_double(rng) - 0.5));
	for (size_t i = 0; i < rows && first; i++, first += w + 1) {
		memcpy(head[0]->value + i * w, first, w * sizeof(*first));
		head[1]->value[i] = first[w];
	}
}

static void add_heads(struct encoder_trainer *t)
{
	struct rng rng;

	rng_init(&rng, t->options.seed, "head");
	add_linear_head(t, t->head, "classifier.weight", "classifier.bias", t->options.classes, t->options.head, &rng);
	add_linear_head(t, t->tagger, "token_classifier.weight", "token_classifier.bias", t->options.tags, NULL, &rng);
	t->options.head = NULL;
	if (t->options.heads) {
		t->heads = mem_alloc(t->options.n_heads * sizeof(*t->heads));
		memcpy(t->heads, t->options.heads, t->options.n_heads * sizeof(*t->heads));
		t->options.heads = NULL;
	}
}

static size_t largest_matrix(const struct encoder *e)
{
	return e->width * (e->ffn > 3 * e->width ? e->ffn : 3 * e->width);
}

struct encoder_trainer *encoder_trainer_new(const struct encoder *e, const struct encoder_training *options)
{
	struct encoder_trainer *t = mem_zero(1, sizeof(*t));

	t->e = e;
	t->options = *options;
	if (options->class_weights) {
		t->class_weights = mem_alloc(options->classes * sizeof(float));
		memcpy(t->class_weights, options->class_weights, options->classes * sizeof(float));
	}
	parameters_init(&t->parameters, e->kernels, e->pool, &options->adamw);
	parameters_init(&t->frozen, e->kernels, e->pool, &options->adamw);
	t->layer = mem_zero(e->layers, sizeof(*t->layer));
	t->state = mem_zero(e->layers, sizeof(*t->state));
	t->words = load_one(t, "embeddings.word_embeddings.weight");
	t->places = load_one(t, "embeddings.position_embeddings.weight");
	t->types = load_one(t, "embeddings.token_type_embeddings.weight");
	load_norm(t, t->embedding_norm, "embeddings.LayerNorm");
	t->types->decays = true; /* a matrix, even of one row */
	for (size_t i = 0; i < e->layers; i++)
		load_layer(t, i);
	add_heads(t);
	t->sum = mem_aligned(largest_matrix(e) * sizeof(float));
	t->seen = mem_zero(e->vocabulary, sizeof(*t->seen));
	return t;
}

void encoder_trainer_free(struct encoder_trainer *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->e->layers; i++) {
		free(t->layer[i].qkv.merged);
		free(t->layer[i].output.merged);
		free(t->layer[i].up.merged);
		free(t->layer[i].down.merged);
	}
	parameters_release(&t->parameters);
	parameters_release(&t->frozen);
	packing_release(&t->packing);
	free(t->class_weights);
	free(t->heads);
	free(t->layer);
	free(t->state);
	free(t->memory);
	free(t->sum);
	free(t->attend_memory);
	free(t->seen);
	free(t);
}

struct parameters *encoder_trainer_parameters(struct encoder_trainer *t)
{
	return &t->parameters;
}

/* --- saving -------------------------------------------------------------------------------------------------------- */

/* A parameter's parts as tensors; `values` are its own or what was merged. */
static void add_parts(struct safetensors_out *out, size_t *n, const struct parameter *p, const float *values)
{
	bool vector = p->rows == 1 && !strstr(p->names[0], "embeddings.weight");
	size_t rows = vector ? 0 : p->rows / p->n_names, columns = vector ? p->columns / p->n_names : p->columns;

	for (size_t i = 0; i < p->n_names; i++)
		out[(*n)++] = (struct safetensors_out){ p->names[i], rows, columns,
							values + i * (rows ? rows : 1) * columns, TENSOR_F32 };
}

static void add_linear(struct safetensors_out *out, size_t *n, const struct linear *l)
{
	add_parts(out, n, l->weight, l->merged ? l->merged : l->weight->value);
	add_parts(out, n, l->bias, l->bias->value);
}

static void add_norm(struct safetensors_out *out, size_t *n, struct parameter *const norm[2])
{
	add_parts(out, n, norm[0], norm[0]->value);
	add_parts(out, n, norm[1], norm[1]->value);
}

static void add_head_parts(struct safetensors_out *out, size_t *n, struct parameter *const head[2])
{
	if (!head[0])
		return;
	out[(*n)++] = (struct safetensors_out){ head[0]->names[0], head[0]->rows, head[0]->columns, head[0]->value, TENSOR_F32 };
	out[(*n)++] = (struct safetensors_out){ head[1]->names[0], 0, head[1]->columns, head[1]->value, TENSOR_F32 };
}

static size_t list_tensors(const struct encoder_trainer *t, struct safetensors_out *out)
{
	size_t n = 0;

	add_parts(out, &n, t->words, t->words->value);
	add_parts(out, &n, t->places, t->places->value);
	add_parts(out, &n, t->types, t->types->value);
	add_norm(out, &n, t->embedding_norm);
	for (size_t i = 0; i < t->e->layers; i++) {
		add_linear(out, &n, &t->layer[i].qkv);
		add_linear(out, &n, &t->layer[i].output);
		add_norm(out, &n, t->layer[i].attention_norm);
		add_linear(out, &n, &t->layer[i].up);
		add_linear(out, &n, &t->layer[i].down);
		add_norm(out, &n, t->layer[i].ffn_norm);
	}
	return n;
}

/* A file of the encoder's folder to another folder; one that is not there is passed over unless it is needed. */
static bool copy_setting(const char *from, const char *to, const char *name, bool needed, struct error *err)
{
	struct buf source = { 0 }, target = { 0 };

	buf_addf(&source, "%s/%s", from, name);
	buf_addf(&target, "%s/%s", to, name);
	bool copied = (!needed && !file_exists(source.data)) || file_copy(source.data, target.data, err);

	buf_release(&source);
	buf_release(&target);
	return copied;
}

static bool copy_settings(const struct encoder *e, const char *folder, struct error *err)
{
	static const char *const names[] = { "tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json",
					     "sentence_bert_config.json", "modules.json" };
	struct buf pooling = { 0 };
	bool copied = copy_setting(e->folder, folder, "config.json", true, err);

	for (size_t i = 0; copied && i < sizeof(names) / sizeof(names[0]); i++)
		copied = copy_setting(e->folder, folder, names[i], false, err);
	buf_addf(&pooling, "%s/1_Pooling", folder);
	copied = copied && file_make_folder(pooling.data, err) &&
		 copy_setting(e->folder, folder, "1_Pooling/config.json", false, err);
	buf_release(&pooling);
	return copied;
}

bool encoder_trainer_save(struct encoder_trainer *t, const char *folder, struct error *err)
{
	static const char *const format[] = { "format", "pt" };
	struct safetensors_out *out = mem_zero(8 + t->e->layers * 16, sizeof(*out)), heads[4];
	struct buf model = { 0 }, top = { 0 };
	size_t n_heads = 0;

	parameters_catch_up(&t->parameters);
	if (t->options.rank)
		lora_merge(t);
	add_head_parts(heads, &n_heads, t->head);
	add_head_parts(heads, &n_heads, t->tagger);
	buf_addf(&model, "%s/model.safetensors", folder);
	buf_addf(&top, "%s/head.safetensors", folder);
	bool saved = file_make_folder(folder, err) && copy_settings(t->e, folder, err) &&
		     safetensors_write(model.data, out, list_tensors(t, out), format, 1, err) &&
		     safetensors_write(top.data, heads, n_heads, format, 1, err);

	free(out);
	buf_release(&model);
	buf_release(&top);
	return saved;
}
