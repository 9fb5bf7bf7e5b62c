/* encoder.c - opens a folder with a BERT encoder: config.json, weights, tokenizer, and how sentence-transformers would
 * use it (sentence_bert_config.json: tokens of a text; modules.json and 1_Pooling/config.json: mean or [CLS]). What the
 * forward pass would compute differently (other families, activations, relative positions, a dense layer behind the
 * pooling) is refused. */
#include "llm/encoder.h"

#include <jansson.h>
#include <stdarg.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"
#include "llm/attention.h"
#include "llm/encoder_inner.h"

enum { SENTENCE_TOKENS = 256 }; /* all-MiniLM-L6-v2 was trained on texts cut here, and is cut here by its authors */
static const size_t CONFIG_BYTES = 1 << 20;

/* The folder that is being opened; `prefix` is what the file puts before BERT's tensor names. */
struct loading {
	struct encoder *e;
	const char *folder, *prefix;
	struct error *err;
};

__attribute__((format(printf, 2, 3))) static char *join(const char *folder, const char *format, ...)
{
	struct buf path = { 0 };
	char name[128];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	buf_addf(&path, "%s/%s", folder, name);
	return path.data;
}

/* The JSON object in folder/name; NULL with err set. */
static json_t *read_config(const char *folder, const char *name, struct error *err)
{
	char *path = join(folder, "%s", name), *text;
	json_t *root = NULL;
	json_error_t at;
	size_t n;

	text = file_read(path, CONFIG_BYTES, &n, err);
	if (text) {
		root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &at);
		if (!root)
			error_set(err, "%s:%d: %s", path, at.line, at.text);
	}
	if (root && !json_is_object(root)) {
		error_set(err, "%s: the file holds no JSON object", path);
		json_decref(root);
		root = NULL;
	}
	free(text);
	free(path);
	return root;
}

static bool read_size(const struct loading *l, const json_t *config, const char *key, json_int_t high, size_t *out)
{
	const json_t *value = json_object_get(config, key);

	if (!json_is_integer(value))
		return error_set(l->err, "%s/config.json: \"%s\" is missing or no integer", l->folder, key);
	if (json_integer_value(value) < 1 || json_integer_value(value) > high)
		return error_set(l->err, "%s/config.json: \"%s\" is %lld; 1 to %lld is supported", l->folder, key,
				 (long long)json_integer_value(value), (long long)high);
	*out = (size_t)json_integer_value(value);
	return true;
}

/* Refuses a setting that is there with another value than the one the forward pass has. */
static bool expect_text(const struct loading *l, const json_t *config, const char *key, const char *want)
{
	const json_t *value = json_object_get(config, key);
	const char *text = json_is_string(value) ? json_string_value(value) : "(no text)";

	if (!value || strcmp(text, want) == 0)
		return true;
	return error_set(l->err, "%s/config.json: \"%s\" is \"%.64s\"; only \"%s\" is supported", l->folder, key,
			 text, want);
}

static bool read_sizes(const struct loading *l, const json_t *config)
{
	struct encoder *e = l->e;
	const json_t *epsilon = json_object_get(config, "layer_norm_eps");

	if (!expect_text(l, config, "model_type", "bert") || !expect_text(l, config, "hidden_act", "gelu") ||
	    !expect_text(l, config, "position_embedding_type", "absolute") ||
	    !read_size(l, config, "num_hidden_layers", 256, &e->layers) ||
	    !read_size(l, config, "hidden_size", 1 << 14, &e->width) ||
	    !read_size(l, config, "num_attention_heads", 1024, &e->heads) ||
	    !read_size(l, config, "intermediate_size", 1 << 16, &e->ffn) ||
	    !read_size(l, config, "max_position_embeddings", 1 << 20, &e->positions) ||
	    !read_size(l, config, "vocab_size", 1 << 24, &e->vocabulary))
		return false;
	if (e->width % e->heads != 0 || e->width / e->heads % ATTENTION_LANES != 0)
		return error_set(l->err, "%s/config.json: %zu values over %zu heads; only heads of a multiple of %d "
				 "values are supported", l->folder, e->width, e->heads, ATTENTION_LANES);
	e->epsilon = epsilon ? (float)json_number_value(epsilon) : 1e-12f;
	if (!(e->epsilon >= 0 && e->epsilon < 1))
		return error_set(l->err, "%s/config.json: \"layer_norm_eps\" is %g; it must lie between 0 and 1",
				 l->folder, json_number_value(epsilon));
	return true;
}

static bool read_main_config(const struct loading *l)
{
	json_t *config = read_config(l->folder, "config.json", l->err);
	bool read = config && read_sizes(l, config);

	json_decref(config);
	return read;
}

/* Tokens of one text: the folder's setting, else 256; never more than there are positions or rows in a pass. */
static bool read_limit(const struct loading *l)
{
	struct encoder *e = l->e;
	char *path = join(l->folder, "sentence_bert_config.json");
	bool there = file_exists(path);
	json_t *config = there ? read_config(l->folder, "sentence_bert_config.json", l->err) : NULL;
	json_int_t limit = json_integer_value(json_object_get(config, "max_seq_length"));

	free(path);
	json_decref(config);
	if (there && !config)
		return false;
	e->limit = limit > 2 && limit < ENCODER_ROWS ? (size_t)limit : limit > 2 ? ENCODER_ROWS : SENTENCE_TOKENS;
	if (e->limit > e->positions)
		e->limit = e->positions;
	if (e->limit < 3)
		return error_set(l->err, "%s/config.json: \"max_position_embeddings\" is %zu; a text takes at least 3",
				 l->folder, e->positions);
	return true;
}

/* Mean or [CLS], from the configuration of the folder's pooling module. */
static bool read_pooling_file(const struct loading *l, const char *name)
{
	static const char *const others[] = { "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken" };
	json_t *config = read_config(l->folder, name, l->err);
	bool mean = json_is_true(json_object_get(config, "pooling_mode_mean_tokens"));
	bool cls = json_is_true(json_object_get(config, "pooling_mode_cls_token")), other = false;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char key[64];

		snprintf(key, sizeof(key), "pooling_mode_%s", others[i]);
		other = other || json_is_true(json_object_get(config, key));
	}
	if (!config)
		return false;
	json_decref(config);
	l->e->first_row = cls;
	if (mean == cls || other)
		return error_set(l->err, "%s/%s: either \"pooling_mode_mean_tokens\" or \"pooling_mode_cls_token\" must "
				 "be true, and no other mode", l->folder, name);
	return true;
}

/* One module of modules.json; pooling's folder, if it is that, goes to `pooling` (128 bytes). */
static bool read_module(const struct loading *l, const json_t *module, char *pooling)
{
	const char *type = json_string_value(json_object_get(module, "type"));
	const char *path = json_string_value(json_object_get(module, "path"));
	const char *dot = type ? strrchr(type, '.') : NULL, *kind = dot ? dot + 1 : type ? type : "(no text)";

	if (strcmp(kind, "Transformer") == 0 || strcmp(kind, "Normalize") == 0)
		return true;
	if (strcmp(kind, "Pooling") != 0)
		return error_set(l->err, "%s/modules.json: a module of type \"%.64s\" is not supported (supported: "
				 "Transformer, Pooling, Normalize)", l->folder, kind);
	if (!path || strlen(path) > 80 || strchr(path, '/') || strcmp(path, "..") == 0)
		return error_set(l->err, "%s/modules.json: the \"path\" of Pooling is no name of a folder", l->folder);
	snprintf(pooling, 128, "%s%sconfig.json", path, *path ? "/" : "");
	return true;
}

/* Fills in the pooling module's file where modules.json names one. */
static bool read_modules(const struct loading *l, char *pooling)
{
	char *path = join(l->folder, "modules.json");
	json_error_t at;
	json_t *root;
	size_t n;
	char *text = file_exists(path) ? file_read(path, CONFIG_BYTES, &n, l->err) : NULL;
	bool read = text || !file_exists(path);

	if (text && !(root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &at))) {
		read = error_set(l->err, "%s:%d: %s", path, at.line, at.text);
	} else if (text) {
		if (!json_is_array(root))
			read = error_set(l->err, "%s: the file holds no JSON array", path);
		for (size_t i = 0; read && i < json_array_size(root); i++)
			read = read_module(l, json_array_get(root, i), pooling);
		json_decref(root);
	}
	free(text);
	free(path);
	return read;
}

/* Without any file the vector is the mean. */
static bool read_pooling(const struct loading *l)
{
	char name[128] = "1_Pooling/config.json", *path;
	bool there;

	if (!read_modules(l, name))
		return false;
	path = join(l->folder, "%s", name);
	there = file_exists(path);
	free(path);
	return !there || read_pooling_file(l, name);
}

/* The tensor of that name and shape; vectors have one row. */
__attribute__((format(printf, 4, 5))) static const struct tensor *
find_tensor(const struct loading *l, size_t rows, size_t columns, const char *format, ...)
{
	const struct tensor *t;
	char name[160];
	size_t n = (size_t)snprintf(name, sizeof(name), "%s", l->prefix);
	va_list args;

	va_start(args, format);
	vsnprintf(name + n, sizeof(name) - n, format, args);
	va_end(args);
	t = safetensors_find(l->e->file, name);
	if (!t) {
		error_set(l->err, "%s/model.safetensors: tensor \"%s\" is missing", l->folder, name);
		return NULL;
	}
	if (tensor_rows(t) != rows || tensor_columns(t) != columns) {
		error_set(l->err, "%s/model.safetensors: tensor \"%s\" has %zu rows of %zu values; config.json asks "
			  "for %zu of %zu", l->folder, name, tensor_rows(t), tensor_columns(t), rows, columns);
		return NULL;
	}
	return t;
}

/* A matrix or vector of layer i, by the name that follows "encoder.layer.<i>.". */
static bool find_part(const struct loading *l, size_t i, size_t rows, size_t columns, const char *name,
		      const struct tensor **out)
{
	*out = find_tensor(l, rows, columns, "encoder.layer.%zu.%s", i, name);
	return *out != NULL;
}

enum { Q, K, V, OUTPUT, UP, DOWN, MATRICES };

/* The tensors of one layer. */
struct layer_tensors {
	const struct tensor *weight[MATRICES], *bias[MATRICES];
	const struct tensor *attention_norm[2], *ffn_norm[2];
};

static bool find_layer(const struct loading *l, size_t i, struct layer_tensors *t)
{
	size_t width = l->e->width, ffn = l->e->ffn;
	const struct {
		const char *name;
		size_t rows, columns;
	} matrices[MATRICES] = {
		[Q] = { "attention.self.query", width, width },
		[K] = { "attention.self.key", width, width },
		[V] = { "attention.self.value", width, width },
		[OUTPUT] = { "attention.output.dense", width, width },
		[UP] = { "intermediate.dense", ffn, width },
		[DOWN] = { "output.dense", width, ffn },
	};
	char name[64];

	for (size_t m = 0; m < MATRICES; m++) {
		snprintf(name, sizeof(name), "%s.weight", matrices[m].name);
		if (!find_part(l, i, matrices[m].rows, matrices[m].columns, name, &t->weight[m]))
			return false;
		snprintf(name, sizeof(name), "%s.bias", matrices[m].name);
		if (!find_part(l, i, 1, matrices[m].rows, name, &t->bias[m]))
			return false;
	}
	return find_part(l, i, 1, width, "attention.output.LayerNorm.weight", &t->attention_norm[0]) &&
	       find_part(l, i, 1, width, "attention.output.LayerNorm.bias", &t->attention_norm[1]) &&
	       find_part(l, i, 1, width, "output.LayerNorm.weight", &t->ffn_norm[0]) &&
	       find_part(l, i, 1, width, "output.LayerNorm.bias", &t->ffn_norm[1]);
}

/* Whether the vector of a text depends on a tensor of this name, or is known not to (heads of pre-training). */
static bool name_known(const struct loading *l, const char *name)
{
	static const char *const fixed[] = { "embeddings.", "pooler.dense.", "cls." };
	static const char *const parts[] = { "attention.self.query.", "attention.self.key.", "attention.self.value.",
					     "attention.output.dense.", "intermediate.dense.", "output.dense.",
					     "attention.output.LayerNorm.", "output.LayerNorm." };
	char *end;

	if (strncmp(name, l->prefix, strlen(l->prefix)) == 0)
		name += strlen(l->prefix);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (strncmp(name, fixed[i], strlen(fixed[i])) == 0)
			return true;
	if (strncmp(name, "encoder.layer.", 14) != 0 || name[14] < '0' || name[14] > '9' ||
	    strtoul(name + 14, &end, 10) >= l->e->layers || *end != '.')
		return false;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strncmp(end + 1, parts[i], strlen(parts[i])) == 0)
			return true;
	return false;
}

static bool check_names(const struct loading *l)
{
	for (size_t i = 0; i < safetensors_count(l->e->file); i++) {
		const char *name = safetensors_at(l->e->file, i)->name;

		if (!name_known(l, name))
			return error_set(l->err, "%s/model.safetensors: tensor \"%.100s\" has no place in a bert model of "
					 "%zu layers as supported here", l->folder, name, l->e->layers);
	}
	return true;
}

static float *read_vectors(const struct tensor *const *part, size_t n)
{
	size_t columns = tensor_columns(part[0]);
	float *v = mem_aligned(n * columns * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		tensor_read(part[i], 0, 1, v + i * columns);
	return v;
}

static void pack_layer(const struct encoder *e, const struct layer_tensors *t, struct encoder_layer *l)
{
	matrix_pack(&l->qkv, e->kernels, (struct tensor_stack){ { t->weight[Q], t->weight[Q + 1], t->weight[Q + 2] }, 3 });
	matrix_pack(&l->output, e->kernels, (struct tensor_stack){ { t->weight[OUTPUT] }, 1 });
	matrix_pack(&l->up, e->kernels, (struct tensor_stack){ { t->weight[UP] }, 1 });
	matrix_pack(&l->down, e->kernels, (struct tensor_stack){ { t->weight[DOWN] }, 1 });
	l->qkv_bias = read_vectors(&t->bias[Q], 3);
	l->output_bias = read_vectors(&t->bias[OUTPUT], 1);
	l->up_bias = read_vectors(&t->bias[UP], 1);
	l->down_bias = read_vectors(&t->bias[DOWN], 1);
	for (int i = 0; i < 2; i++) {
		l->attention_norm[i] = read_vectors(&t->attention_norm[i], 1);
		l->ffn_norm[i] = read_vectors(&t->ffn_norm[i], 1);
	}
}

/* Token types tell sentence pairs apart; single texts are all of type 0, so its row joins the positions. */
static void merge_places(struct encoder *e, const struct tensor *positions, const struct tensor *types)
{
	float *type = mem_alloc(e->width * sizeof(*type));

	e->places = mem_aligned(e->positions * e->width * sizeof(*e->places));
	tensor_read(positions, 0, e->positions, e->places);
	tensor_read(types, 0, 1, type);
	for (size_t i = 0; i < e->positions * e->width; i++)
		e->places[i] += type[i % e->width];
	free(type);
}

static bool load_embeddings(const struct loading *l)
{
	struct encoder *e = l->e;
	const struct tensor *positions, *types, *norm[2];
	size_t n_types;

	if (!(e->words = find_tensor(l, e->vocabulary, e->width, "embeddings.word_embeddings.weight")) ||
	    !(positions = find_tensor(l, e->positions, e->width, "embeddings.position_embeddings.weight")) ||
	    !(norm[0] = find_tensor(l, 1, e->width, "embeddings.LayerNorm.weight")) ||
	    !(norm[1] = find_tensor(l, 1, e->width, "embeddings.LayerNorm.bias")))
		return false;
	types = safetensors_find(e->file, *l->prefix ? "bert.embeddings.token_type_embeddings.weight" :
						       "embeddings.token_type_embeddings.weight");
	n_types = types ? tensor_rows(types) : 1;
	types = find_tensor(l, n_types, e->width, "embeddings.token_type_embeddings.weight");
	if (!types)
		return false;
	merge_places(e, positions, types);
	for (int i = 0; i < 2; i++)
		e->embedding_norm[i] = read_vectors(&norm[i], 1);
	return true;
}

static bool load_tensors(struct loading *l)
{
	struct encoder *e = l->e;
	char *path = join(l->folder, "model.safetensors");
	struct layer_tensors t;

	e->file = safetensors_open(path, l->err);
	free(path);
	if (!e->file)
		return false;
	l->prefix = safetensors_find(e->file, "bert.embeddings.word_embeddings.weight") ? "bert." : "";
	for (size_t i = 0; i < e->layers; i++)
		if (!find_layer(l, i, &t))
			return false;
	if (!check_names(l) || !load_embeddings(l))
		return false;
	e->layer = mem_zero(e->layers, sizeof(*e->layer));
	for (size_t i = 0; i < e->layers && find_layer(l, i, &t); i++)
		pack_layer(e, &t, &e->layer[i]);
	return true;
}

static bool load_tokenizer(const struct loading *l)
{
	struct encoder *e = l->e;

	e->tokenizer = tokenizer_open(l->folder, l->err);
	if (!e->tokenizer)
		return false;
	if (tokenizer_size(e->tokenizer) > e->vocabulary)
		return error_set(l->err, "%s: the tokenizer has %zu tokens but \"vocab_size\" is %zu", l->folder,
				 tokenizer_size(e->tokenizer), e->vocabulary);
	e->cls = tokenizer_id(e->tokenizer, "[CLS]");
	e->sep = tokenizer_id(e->tokenizer, "[SEP]");
	if (e->cls < 0 || e->sep < 0)
		return error_set(l->err, "%s: the tokenizer has no %s; an encoder of the BERT family needs it",
				 l->folder, e->cls < 0 ? "[CLS]" : "[SEP]");
	return true;
}

static float *rows_of(size_t columns)
{
	return mem_aligned(ENCODER_ROWS * columns * sizeof(float));
}

static void reserve_scratch(struct encoder *e)
{
	size_t scores = attention_scratch(e->kernels, false, 1, e->width / e->heads, e->limit);

	scores = (scores + 31) / 16 * 16; /* whole cache lines, and one between two threads */
	e->scratch = (struct encoder_scratch){
		.x = rows_of(e->width),
		.rounded = rows_of(e->width),
		.block = rows_of(e->width),
		.qkv = rows_of(3 * e->width),
		.mixed = rows_of(e->width),
		.up = rows_of(e->ffn),
		.scores = mem_aligned((size_t)pool_threads(e->pool) * scores * sizeof(float)),
		.scores_size = scores,
	};
}

struct encoder *encoder_open(const char *folder, const struct kernels *kernels, struct pool *pool, struct error *err)
{
	struct encoder *e = mem_zero(1, sizeof(*e));
	struct loading l = { .e = e, .folder = folder, .prefix = "", .err = err };

	e->kernels = kernels;
	e->pool = pool;
	e->folder = mem_string(folder);
	if (!read_main_config(&l) || !read_limit(&l) || !read_pooling(&l) || !load_tokenizer(&l) || !load_tensors(&l)) {
		encoder_free(e);
		return NULL;
	}
	reserve_scratch(e);
	return e;
}

static void free_layer(struct encoder_layer *l)
{
	matrix_release(&l->qkv);
	matrix_release(&l->output);
	matrix_release(&l->up);
	matrix_release(&l->down);
	free(l->qkv_bias);
	free(l->output_bias);
	free(l->up_bias);
	free(l->down_bias);
	for (int i = 0; i < 2; i++) {
		free(l->attention_norm[i]);
		free(l->ffn_norm[i]);
	}
}

void encoder_free(struct encoder *e)
{
	if (!e)
		return;
	for (size_t i = 0; e->layer && i < e->layers; i++)
		free_layer(&e->layer[i]);
	free(e->layer);
	free(e->places);
	free(e->embedding_norm[0]);
	free(e->embedding_norm[1]);
	free(e->scratch.x);
	free(e->scratch.rounded);
	free(e->scratch.block);
	free(e->scratch.qkv);
	free(e->scratch.mixed);
	free(e->scratch.up);
	free(e->scratch.scores);
	tokenizer_free(e->tokenizer);
	safetensors_free(e->file);
	free(e->folder);
	free(e);
}

size_t encoder_width(const struct encoder *e)
{
	return e->width;
}

size_t encoder_limit(const struct encoder *e)
{
	return e->limit - 2;
}

/* The step is prime to rows of any width in use, so no column is left out. */
static uint64_t tensor_fingerprint(const struct tensor *t, uint64_t h)
{
	enum { STEP = 61 * 8 };

	h = hash64(t->name, strlen(t->name), h ^ t->bytes);
	h = hash64(tensor_type_name(t->type), strlen(tensor_type_name(t->type)), h ^ tensor_rows(t));
	for (size_t i = 0; i < t->bytes; i += STEP)
		h = hash64(t->data + i, t->bytes - i < 8 ? t->bytes - i : 8, h);
	return h;
}

uint64_t encoder_fingerprint(const struct encoder *e)
{
	char settings[256];
	int n = snprintf(settings, sizeof(settings), "layers %zu heads %zu words %zu limit %zu epsilon %g cls %d %d first %d",
			 e->layers, e->heads, tokenizer_size(e->tokenizer), e->limit, (double)e->epsilon, (int)e->cls,
			 (int)e->sep, e->first_row);
	uint64_t h = hash64(settings, (size_t)n, 0);

	for (size_t i = 0; i < safetensors_count(e->file); i++)
		h = tensor_fingerprint(safetensors_at(e->file, i), h);
	return h;
}
