/* Adapters out to PEFT's folder and in again, for every family of decoders: what comes back is what went out, to the bit. Folders
 * that do not fit are one sentence, and leave no file. */
#include "engine.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/rng.h"
#include "llm/adapter.h"
#include "llm/gguf_write.h"
#include "llm/safetensors.h"
#include "train/decoder_train.h"
#include "tune/exchange_inner.h"

static const char *const models[] = { "tiny-llama", "tiny-llama3", "tiny-qwen2", "tiny-qwen3", "tiny-gemma3" };
enum { RANK = 3 };
static const double alpha = 7.5;

static struct pool *pool;
static char scratch[64];

static int set_up(void **state)
{
	(void)state;
	pool = pool_open(1);
	snprintf(scratch, sizeof(scratch), "/tmp/rung-exchange-XXXXXX");
	return mkdtemp(scratch) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	tuned_abandon(scratch);
	pool_free(pool);
	return file_exists(scratch) ? -1 : 0;
}

/* Paths in the scratch folder and beside the tiny models, good until 64 more are asked for. */
static const char *in_scratch(const char *name)
{
	static char paths[64][128];
	static size_t next;
	char *path = paths[next++ % 64];

	snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
	return path;
}

static const char *base_of(const char *model)
{
	static char path[128];

	snprintf(path, sizeof(path), "tests/reference/golden/%s.gguf", model);
	return path;
}

static void assert_sentence(const struct error *err, const char *fragment)
{
	if (!strstr(err->text, fragment))
		fail_msg("\"%s\" is not in: %s", fragment, err->text);
}

/* An adapter of random pairs for the model, as training leaves it. */
static void make_adapter(const char *model, const char *path)
{
	struct decoder_training options = { .rank = RANK, .alpha = alpha, .adamw = adamw_defaults };
	struct error err = { .text = "" };
	struct rng rng;
	struct decoder *d = decoder_open_unpacked(base_of(model), engine_kernels(NULL), pool, &err);

	if (!d)
		fail_msg("%s", err.text);
	struct decoder_trainer *t = decoder_trainer_new(d, &options);
	struct parameters *ps = decoder_trainer_parameters(t);

	rng_init(&rng, 4, model);
	for (size_t i = 0; i < ps->n; i++)
		for (size_t j = 0; j < ps->at[i]->rows * ps->at[i]->columns; j++)
			ps->at[i]->value[j] = (float)(2 * rng_double(&rng) - 1);
	if (!decoder_trainer_save(t, path, &err))
		fail_msg("%s", err.text);
	decoder_trainer_free(t);
	decoder_free(d);
}

static float *read_tensor(const struct tensor *t)
{
	float *x = mem_zero(tensor_rows(t) * tensor_columns(t), sizeof(*x));

	tensor_read(t, 0, tensor_rows(t), x);
	return x;
}

/* Every tensor of one adapter is in the other with its shape and values, and the alphas are one. */
static void assert_same_adapter(const char *name, const char *path, const char *other)
{
	struct error err = { .text = "" };
	struct gguf *a = gguf_open(path, &err), *b = gguf_open(other, &err);
	double alphas[2] = { 0, 1 };

	if (!a || !b)
		fail_msg("%s", err.text);
	assert_int_equal(gguf_tensor_count(a), gguf_tensor_count(b));
	assert_true(gguf_tensor_count(a) > 0);
	assert_true(gguf_float(a, "adapter.lora.alpha", &alphas[0]) && gguf_float(b, "adapter.lora.alpha", &alphas[1]));
	assert_true(alphas[0] == alphas[1]);
	for (size_t i = 0; i < gguf_tensor_count(a); i++) {
		const struct tensor *t = gguf_tensor_at(a, i), *u = gguf_tensor(b, t->name);

		if (!u || tensor_rows(t) != tensor_rows(u) || tensor_columns(t) != tensor_columns(u))
			fail_msg("%s: %s is not there, or of another shape", name, t->name);
		float *x = read_tensor(t), *y = read_tensor(u);

		if (memcmp(x, y, tensor_rows(t) * tensor_columns(t) * sizeof(*x)) != 0)
			fail_msg("%s: %s has other values", name, t->name);
		free(x);
		free(y);
	}
	gguf_free(a);
	gguf_free(b);
}

static json_t *read_config(const char *folder)
{
	char path[256];
	json_error_t at;

	snprintf(path, sizeof(path), "%s/adapter_config.json", folder);
	json_t *config = json_load_file(path, 0, &at);

	assert_non_null(config);
	return config;
}

static void write_config(const char *folder, json_t *config)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/adapter_config.json", folder);
	assert_int_equal(json_dump_file(config, path, 0), 0);
}

static void round_trips_are_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		const char *adapter = in_scratch("out.gguf"), *folder = in_scratch("peft"), *back = in_scratch("back.gguf");
		struct error err = { .text = "" };

		make_adapter(models[i], adapter);
		if (!export_peft(adapter, base_of(models[i]), "the/base", pool, folder, &err) ||
		    !import_peft(folder, base_of(models[i]), pool, back, &err))
			fail_msg("%s: %s", models[i], err.text);
		assert_same_adapter(models[i], adapter, back);
		if (!adapter_fits(back, base_of(models[i]), &err))
			fail_msg("%s: %s", models[i], err.text);
	}
}

static void golden_adapters_come_back(void **state)
{
	static const char *const golden[][2] = { { "tiny-lora", "tiny-llama" }, { "tiny-llama3-lora", "tiny-llama3" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(golden); i++) {
		const char *folder = in_scratch("peft"), *back = in_scratch("back.gguf");
		struct error err = { .text = "" };
		char adapter[128];

		snprintf(adapter, sizeof(adapter), "tests/reference/golden/%s.gguf", golden[i][0]);
		if (!export_peft(adapter, base_of(golden[i][1]), "the/base", pool, folder, &err) ||
		    !import_peft(folder, base_of(golden[i][1]), pool, back, &err))
			fail_msg("%s: %s", golden[i][0], err.text);
		assert_same_adapter(golden[i][0], adapter, back);
	}
}

/* Rows of B as transformers orders them: those of queries and keys are turned for the architecture llama alone. */
static void assert_rows(const char *model, const struct safetensors *s, const struct gguf *g, const struct decoder *d, size_t layer,
			const struct exchange_name *l)
{
	char out_name[128], in_name[128];

	snprintf(out_name, sizeof(out_name), "base_model.model.model.layers.%zu.%s.lora_B.weight", layer, l->module);
	snprintf(in_name, sizeof(in_name), "blk.%zu.%s.weight.lora_b", layer, l->gguf);
	const struct tensor *out = safetensors_find(s, out_name), *in = gguf_tensor(g, in_name);

	if (!out || !in)
		fail_msg("%s: there is no %s", model, out_name);
	bool turned = strncmp(model, "tiny-llama", 10) == 0 && l->heads != NO_HEADS;
	size_t heads = l->heads == QUERY_HEADS ? d->heads : d->kv_heads, n = tensor_rows(in), head = turned ? n / heads : n;
	float *x = read_tensor(in), *y = read_tensor(out);

	for (size_t row = 0; row < n; row++) {
		size_t own = row % head, from = turned ? row - own + 2 * (own % (head / 2)) + own / (head / 2) : row;

		if (memcmp(y + row * RANK, x + from * RANK, RANK * sizeof(*x)) != 0)
			fail_msg("%s: row %zu of %s is not row %zu of %s", model, row, out_name, from, in_name);
	}
	free(x);
	free(y);
}

static void exports_are_in_transformers_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		const char *adapter = in_scratch("out.gguf"), *folder = in_scratch("peft");
		struct error err = { .text = "" };

		make_adapter(models[i], adapter);
		assert_true(export_peft(adapter, base_of(models[i]), "the/base", pool, folder, &err));
		struct decoder *d = decoder_open_unpacked(base_of(models[i]), engine_kernels(NULL), pool, &err);
		struct safetensors *s = safetensors_open(in_scratch("peft/adapter_model.safetensors"), &err);
		struct gguf *g = gguf_open(adapter, &err);
		json_t *config = read_config(folder);

		assert_true(d && s && g);
		assert_int_equal(safetensors_count(s), d->layers * EXCHANGE_NAMES * 2);
		for (size_t layer = 0; layer < d->layers; layer++)
			for (size_t k = 0; k < EXCHANGE_NAMES; k++)
				assert_rows(models[i], s, g, d, layer, &exchange_names[k]);
		assert_int_equal(json_integer_value(json_object_get(config, "r")), RANK);
		assert_true(json_number_value(json_object_get(config, "lora_alpha")) == alpha);
		assert_string_equal(json_string_value(json_object_get(config, "base_model_name_or_path")), "the/base");
		assert_int_equal(json_array_size(json_object_get(config, "target_modules")), EXCHANGE_NAMES);
		json_decref(config);
		safetensors_free(s);
		gguf_free(g);
		decoder_free(d);
	}
}

/* rsLoRA divides by the root of the rank: its alpha comes in larger by that. */
static void rank_stabilised_alpha_is_scaled(void **state)
{
	const char *adapter = in_scratch("out.gguf"), *folder = in_scratch("peft"), *back = in_scratch("back.gguf");
	struct error err = { .text = "" };
	double got = 0;

	(void)state;
	make_adapter("tiny-qwen2", adapter);
	assert_true(export_peft(adapter, base_of("tiny-qwen2"), "b", pool, folder, &err));
	json_t *config = read_config(folder);

	json_object_set_new(config, "use_rslora", json_true());
	write_config(folder, config);
	json_decref(config);
	if (!import_peft(folder, base_of("tiny-qwen2"), pool, back, &err))
		fail_msg("%s", err.text);
	struct gguf *g = gguf_open(back, &err);

	assert_true(gguf_float(g, "adapter.lora.alpha", &got));
	assert_close("alpha", got, alpha * sqrt(RANK), 1e-6);
	gguf_free(g);
}

/* The adapter with the pairs of one layer's value matrices at twice the rank (the new half of B is zero): what it computes differs by their
 * scale alone. */
static void widen_pairs(const char *path, const char *wider)
{
	struct error err = { .text = "" };
	struct gguf *g = gguf_open(path, &err);
	const struct gguf_pair pairs[] = { { "general.type", "adapter", 0 }, { "general.architecture", "qwen2", 0 }, { "adapter.type", "lora", 0 },
					   { "adapter.lora.alpha", NULL, (float)alpha } };
	size_t n = gguf_tensor_count(g);
	struct arena arena;

	arena_init(&arena);
	struct gguf_out *out = arena_array(&arena, n, sizeof(*out));

	for (size_t i = 0; i < n; i++) {
		const struct tensor *t = gguf_tensor_at(g, i);
		size_t more = strncmp(t->name, "blk.1.attn_v.", 13) == 0 ? 2 : 1, rows = tensor_rows(t), columns = tensor_columns(t);
		bool b = t->name[strlen(t->name) - 1] == 'b';
		size_t wide = b ? columns * more : columns;
		float *values = arena_array(&arena, rows * columns * more, sizeof(*values)), *own = read_tensor(t);

		for (size_t r = 0; r < rows; r++)
			memcpy(values + r * wide, own + r * columns, columns * sizeof(*own));
		out[i] = (struct gguf_out){ t->name, b ? rows : rows * more, wide, values };
		free(own);
	}
	if (!gguf_write(wider, pairs, ARRAY_SIZE(pairs), out, n, &err))
		fail_msg("%s", err.text);
	gguf_free(g);
	arena_release(&arena);
}

/* PEFT scales a pair with lora_alpha by the rank that rank_pattern gives its module (get_pattern_key: the module's name ends with it). */
static void ranks_of_their_own_go_out_and_come_back(void **state)
{
	const char *adapter = in_scratch("out.gguf"), *mixed = in_scratch("mixed.gguf"), *folder = in_scratch("peft"), *back = in_scratch("back.gguf");
	struct error err = { .text = "" };

	(void)state;
	make_adapter("tiny-qwen2", adapter);
	widen_pairs(adapter, mixed);
	if (!export_peft(mixed, base_of("tiny-qwen2"), "b", pool, folder, &err))
		fail_msg("%s", err.text);
	json_t *config = read_config(folder), *ranks = json_object_get(config, "rank_pattern");

	assert_int_equal(json_integer_value(json_object_get(config, "r")), RANK);
	assert_int_equal(json_object_size(ranks), 1);
	assert_int_equal(json_integer_value(json_object_get(ranks, "layers.1.self_attn.v_proj")), 2 * RANK);
	json_decref(config);
	if (!import_peft(folder, base_of("tiny-qwen2"), pool, back, &err))
		fail_msg("%s", err.text);
	assert_same_adapter("tiny-qwen2", mixed, back);
}

/* One module has another alpha: its B carries the difference; with rsLoRA so do those of another rank. */
static void alphas_of_their_own_are_in_b(void **state)
{
	const char *adapter = in_scratch("out.gguf"), *mixed = in_scratch("mixed.gguf"), *folder = in_scratch("peft"), *back = in_scratch("back.gguf");
	static const struct {
		bool root;
		const char *tensor;
		double times;
	} rows[] = {
		{ false, "blk.0.attn_q.weight.lora_b", 4 },  { false, "blk.1.attn_q.weight.lora_b", 4 },
		{ false, "blk.0.attn_k.weight.lora_b", 1 },  { false, "blk.1.attn_v.weight.lora_b", 1 },
		{ false, "blk.0.attn_q.weight.lora_a", 1 },  { true, "blk.1.attn_v.weight.lora_b", M_SQRT2 },
		{ true, "blk.0.attn_q.weight.lora_b", 4 },   { true, "blk.0.attn_v.weight.lora_b", 1 },
	};
	struct error err = { .text = "" };

	(void)state;
	make_adapter("tiny-qwen2", adapter);
	widen_pairs(adapter, mixed);
	assert_true(export_peft(mixed, base_of("tiny-qwen2"), "b", pool, folder, &err));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *config = read_config(folder);

		json_object_set_new(config, "use_rslora", json_boolean(rows[i].root));
		json_object_set_new(config, "alpha_pattern", json_pack("{s:f}", "q_proj", 4 * alpha));
		write_config(folder, config);
		json_decref(config);
		if (!import_peft(folder, base_of("tiny-qwen2"), pool, back, &err))
			fail_msg("%s", err.text);
		struct gguf *was = gguf_open(mixed, &err), *is = gguf_open(back, &err);
		const struct tensor *t = gguf_tensor(was, rows[i].tensor);
		float *x = read_tensor(t), *y = read_tensor(gguf_tensor(is, rows[i].tensor));

		for (size_t k = 0; k < tensor_rows(t) * tensor_columns(t); k++)
			assert_close(rows[i].tensor, (double)y[k], rows[i].times * (double)x[k], 1e-6);
		free(x);
		free(y);
		gguf_free(was);
		gguf_free(is);
	}
}

/* --- folders that do not fit --------------------------------------------------------------------------------------- */

/* Exports a fresh adapter of tiny-qwen2; what is done to the folder must make importing it the sentence. */
static const char *fresh_folder(void)
{
	const char *adapter = in_scratch("out.gguf"), *folder = in_scratch("peft");
	struct error err = { .text = "" };

	make_adapter("tiny-qwen2", adapter);
	if (!export_peft(adapter, base_of("tiny-qwen2"), "b", pool, folder, &err))
		fail_msg("%s", err.text);
	return folder;
}

static void assert_refused(const char *folder, const char *model, const char *file, const char *fragment)
{
	struct error err = { .text = "" };

	if (import_peft(folder, base_of(model), pool, in_scratch("refused.gguf"), &err))
		fail_msg("taken in, where \"%s\" was to be said", fragment);
	assert_sentence(&err, fragment);
	assert_sentence(&err, file);
	if (strchr(err.text, '\n'))
		fail_msg("not one line: %s", err.text);
	if (file_exists(in_scratch("refused.gguf")))
		fail_msg("\"%s\" was said, and the file is there", fragment);
}

static const struct {
	const char *key, *value, *says;
} configs[] = {
	{ "use_dora", "true", "DoRA" },
	{ "rank_pattern", "{\"q_proj\": 8}", "but its rank in adapter_config.json is 8" },
	{ "rank_pattern", "{\"q_proj\": 0}", "\"rank_pattern\" of \"q_proj\" must be a number above 0" },
	{ "rank_pattern", "{\"layers\\\\.[01]\\\\.self_attn.q_proj\": 3}", "names modules by the expression" },
	{ "alpha_pattern", "{\"q_proj\": \"8\"}", "\"alpha_pattern\" of \"q_proj\" must be a number above 0" },
	{ "alpha_pattern", "{\"^q_proj\": 8}", "names modules by the expression" },
	{ "r", "0", "\"r\" and \"lora_alpha\" must be numbers above 0" },
	{ "r", "-3", "must be numbers above 0" },
	{ "r", "\"three\"", "must be numbers above 0" },
	{ "r", "null", "must be numbers above 0" },
	{ "lora_alpha", "0", "must be numbers above 0" },
	{ "lora_alpha", "null", "must be numbers above 0" },
	{ "r", "6", "has 3 rows of" },
};

static void configs_that_do_not_fit_are_a_sentence(void **state)
{
	const char *folder = fresh_folder();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		json_t *config = read_config(folder), *same = json_deep_copy(config);

		json_object_set_new(config, configs[i].key, json_loads(configs[i].value, JSON_DECODE_ANY, NULL));
		write_config(folder, config);
		assert_refused(folder, "tiny-qwen2", folder, configs[i].says);
		write_config(folder, same);
		json_decref(config);
		json_decref(same);
	}
	struct error err = { .text = "" };
	const char *file = in_scratch("peft/adapter_config.json");

	assert_true(file_replace(file, "{\"r\": ", 6, &err));
	assert_refused(folder, "tiny-qwen2", "adapter_config.json:1", "");
	unlink(file);
	assert_refused(folder, "tiny-qwen2", "adapter_config.json", "cannot open");
}

/* A tensor of the exported folder under another name or shape, or left out. */
static const struct {
	const char *find, *name; /* NULL: as it was; "": left out */
	int rows, columns;       /* more or fewer */
	const char *says;
} tensors[] = {
	{ "layers.0.self_attn.q_proj.lora_B", NULL, -1, 0, "attn_q.weight.lora_b" },
	{ "layers.0.self_attn.k_proj.lora_B", NULL, 8, 0, "attn_k.weight.lora_b" },
	{ "layers.1.mlp.down_proj.lora_A", NULL, 0, -2, "ffn_down.weight" },
	{ "layers.1.mlp.up_proj.lora_A", NULL, 2, 0, "but its rank in adapter_config.json is 3" },
	{ "layers.1.mlp.up_proj.lora_B", NULL, 0, 1, "but its rank in adapter_config.json is 3" },
	{ "layers.0.self_attn.o_proj.lora_B", "", 0, 0, "has no lora_b" },
	{ "layers.0.self_attn.o_proj.lora_A", "", 0, 0, "has no lora_a" },
	{ "layers.0.self_attn.v_proj.lora_A", "base_model.model.lm_head.lora_A.weight", 0, 0, "adapts nothing" },
	{ "layers.0.self_attn.v_proj.lora_A", "base_model.model.model.layers.99.self_attn.v_proj.lora_A.weight", 0, 0, "adapts nothing" },
	{ "layers.0.self_attn.v_proj.lora_A", "base_model.model.model.layers.x.self_attn.v_proj.lora_A.weight", 0, 0, "adapts nothing" },
	{ "layers.0.self_attn.v_proj.lora_A", "base_model.model.model.layers.0.self_attn.v_proj.lora_magnitude_vector", 0, 0,
	  "adapts nothing" },
};

/* Writes the safetensors of the folder anew, with case i's change. */
static void rewrite(const char *folder, size_t i)
{
	struct error err = { .text = "" };
	char from[256], to[256];
	struct arena arena;
	size_t n = 0, changed = 0;

	snprintf(from, sizeof(from), "%s/adapter_model.safetensors", folder);
	snprintf(to, sizeof(to), "%s/new", folder);
	arena_init(&arena);
	struct safetensors *s = safetensors_open(from, &err);
	struct safetensors_out *out = arena_array(&arena, safetensors_count(s), sizeof(*out));

	for (size_t k = 0; k < safetensors_count(s); k++) {
		const struct tensor *t = safetensors_at(s, k);
		bool meant = strstr(t->name, tensors[i].find) != NULL;
		size_t rows = tensor_rows(t), columns = tensor_columns(t);

		changed += meant;
		if (meant && tensors[i].name && !*tensors[i].name)
			continue;
		if (meant) {
			rows = (size_t)((int)rows + tensors[i].rows);
			columns = (size_t)((int)columns + tensors[i].columns);
		}
		float *values = arena_array(&arena, (rows + 8) * (columns + 8), sizeof(*values));

		out[n++] = (struct safetensors_out){ meant && tensors[i].name ? tensors[i].name : t->name, rows, columns, values, TENSOR_F32 };
	}
	assert_int_equal(changed, 1);
	if (!safetensors_write(to, out, n, NULL, 0, &err))
		fail_msg("%s", err.text);
	safetensors_free(s);
	arena_release(&arena);
	assert_int_equal(rename(to, from), 0);
}

static void tensors_that_do_not_fit_are_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tensors); i++) {
		const char *folder = fresh_folder();

		rewrite(folder, i);
		assert_refused(folder, "tiny-qwen2", "peft/adapter_model.safetensors", tensors[i].says);
	}
}

static void other_bases_are_a_sentence(void **state)
{
	const char *folder = fresh_folder(), *adapter = in_scratch("out.gguf"), *out = in_scratch("other");
	struct error err = { .text = "" };

	(void)state;
	assert_refused(folder, "tiny-llama", "adapter_model.safetensors", "this base");
	assert_refused(folder, "absent", "absent.gguf", "cannot open");
	assert_false(export_peft(adapter, base_of("tiny-llama"), "b", pool, out, &err));
	assert_sentence(&err, "the adapter is not for a base of architecture llama");
	assert_false(export_merged(adapter, base_of("tiny-llama"), pool, out, &err));
	assert_sentence(&err, "the adapter is not for a base of architecture llama");
	assert_false(export_peft(in_scratch("absent.gguf"), base_of("tiny-qwen2"), "b", pool, out, &err));
	assert_sentence(&err, "absent.gguf");
	assert_false(file_exists(out));
	unlink(in_scratch("peft/adapter_model.safetensors"));
	assert_refused(folder, "tiny-qwen2", "adapter_model.safetensors", "cannot open");
}

/* --- merged weights ------------------------------------------------------------------------------------------------ */

/* W + alpha / rank B A to f16's precision: the value projection, whose rows no family turns. */
static void merged_weights_are_base_and_adapter(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		const char *adapter = in_scratch("out.gguf"), *folder = in_scratch("merged");
		struct error err = { .text = "" };

		make_adapter(models[i], adapter);
		if (!export_merged(adapter, base_of(models[i]), pool, folder, &err))
			fail_msg("%s: %s", models[i], err.text);
		struct safetensors *s = safetensors_open(in_scratch("merged/model.safetensors"), &err);
		struct gguf *g = gguf_open(adapter, &err), *base = gguf_open(base_of(models[i]), &err);

		assert_true(s && g && base);
		const struct tensor *t = safetensors_find(s, "model.layers.1.self_attn.v_proj.weight");
		const struct tensor *w = gguf_tensor(base, "blk.1.attn_v.weight");

		assert_true(t && w && tensor_rows(t) == tensor_rows(w) && tensor_columns(t) == tensor_columns(w));
		float *got = read_tensor(t), *own = read_tensor(w), *a = read_tensor(gguf_tensor(g, "blk.1.attn_v.weight.lora_a"));
		float *b = read_tensor(gguf_tensor(g, "blk.1.attn_v.weight.lora_b"));
		size_t k = tensor_columns(w);

		for (size_t e = 0; e < tensor_rows(w) * k; e++) {
			double want = (double)own[e];

			for (size_t r = 0; r < RANK; r++)
				want += alpha / RANK * (double)b[e / k * RANK + r] * (double)a[r * k + e % k];
			assert_close(models[i], (double)got[e], want, 1e-3);
		}
		free(got);
		free(own);
		free(a);
		free(b);
		safetensors_free(s);
		gguf_free(g);
		gguf_free(base);
	}
}

/* --- files --------------------------------------------------------------------------------------------------------- */

static void folders_are_copied_with_what_is_in_them(void **state)
{
	struct error err = { .text = "" };
	size_t n;

	(void)state;
	assert_true(file_make_folder(in_scratch("from/inner"), &err));
	assert_true(file_replace(in_scratch("from/a"), "first", 5, &err));
	assert_true(file_replace(in_scratch("from/empty"), "", 0, &err));
	assert_true(file_replace(in_scratch("from/inner/b"), "second", 6, &err));
	if (!file_copy_folder(in_scratch("from"), in_scratch("to/deep"), &err))
		fail_msg("%s", err.text);
	char *text = file_read(in_scratch("to/deep/inner/b"), 100, &n, &err);

	assert_string_equal(text, "second");
	free(text);
	assert_true(file_exists(in_scratch("to/deep/a")) && file_exists(in_scratch("to/deep/empty")));
	assert_false(file_copy_folder(in_scratch("absent"), in_scratch("to/absent"), &err));
	assert_sentence(&err, "absent: cannot be read");
	assert_false(file_copy(in_scratch("from/absent"), in_scratch("x"), &err));
	assert_sentence(&err, "from/absent: cannot open");
	assert_false(file_copy(in_scratch("from/a"), "/nonexistent/x", &err));
	assert_sentence(&err, "cannot write");
}

/* --- encoders --------------------------------------------------------------------------------------------------------- */

static const struct label labels[] = { { .name = "spam" }, { .name = "work" } };

/* tensor: of model.safetensors; NULL: there is no such file. config: config.json; NULL: none. says NULL: it is taken. */
static const struct {
	const char *name, *tensor, *config;
	bool head;
	const char *says[2];
} encoders[] = {
	{ "one of rung's", "embeddings.x", "{}", true, { NULL } },
	{ "its classifier inside", "classifier.weight", "{\"architectures\": [\"BertForSequenceClassification\"]}", false,
	  { "holds BertForSequenceClassification as transformers saves it, its classifier among the rest (\"classifier.weight\", 2 rows)",
	    "docs/tuning.md has the lines" } },
	{ "of RoBERTa's kind", "classifier.out_proj.weight", "{}", false, { "holds a model as transformers saves it", "head.safetensors" } },
	{ "no classifier", "embeddings.x", "{\"architectures\": [\"BertModel\"]}", false, { "holds BertModel without a classifier; `rung tune import` takes" } },
	{ "no model", NULL, NULL, false, { "neither head.safetensors nor adapter_config.json" } },
	{ "rows named as the labels are", "x", "{\"id2label\": {\"0\": \"spam\", \"1\": \"work\"}}", true, { NULL } },
	{ "rows without names", "x", "{\"id2label\": {\"0\": \"LABEL_0\", \"1\": \"LABEL_1\", \"2\": \"LABEL_2\"}}", true, { NULL } },
	{ "rows in another order", "x", "{\"id2label\": {\"0\": \"work\", \"1\": \"spam\"}}", true,
	  { "config.json: id2label calls row 0 \"work\", and label 1 of the task is \"spam\"", "take id2label out" } },
	{ "other labels", "x", "{\"id2label\": {\"0\": \"spam\", \"1\": \"LABEL_1\"}}", true, { "id2label calls row 1 \"LABEL_1\"" } },
	{ "a label that begins so", "x", "{\"id2label\": {\"0\": \"LABEL_A\"}}", true, { "id2label names 1 labels, and the task has 2" } },
	{ "numbers that are missing", "x", "{\"id2label\": {\"1\": \"spam\", \"2\": \"work\"}}", true, { "id2label calls row 0 \"\"" } },
	{ "a damaged configuration", "x", "{", true, { "config.json:1: " } },
};

/* Who names the other method is told which one it is. */
static void folders_of_the_other_method_are_named(void **state)
{
	static const struct {
		const char *path, *says;
	} cases[] = { { "other/head.safetensors", "is an encoder's folder; import it with --method encoder" },
		      { "other/adapter_config.json", "is PEFT's folder of a LoRA; import it with --method lora" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char folder[256], path[256];
		struct error err = { .text = "" };

		snprintf(folder, sizeof(folder), "%s", in_scratch("other"));
		snprintf(path, sizeof(path), "%s", in_scratch(cases[i].path));
		assert_true(file_make_folder(folder, &err));
		assert_true(file_replace(path, "{}", 2, &err));
		assert_false(import_refuse(folder, &err));
		assert_sentence(&err, cases[i].says);
		assert_sentence(&err, folder);
		unlink(path);
		rmdir(folder);
	}
}

static void folders_of_encoders_are_told_apart(void **state)
{
	static const float values[6] = { 1, 2, 3, 4, 5, 6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(encoders); i++) {
		const char *folder = in_scratch("encoder"), *model = in_scratch("encoder/model.safetensors");
		const struct safetensors_out tensor = { encoders[i].tensor, 2, 3, values, TENSOR_F32 };
		struct error err = { .text = "" };

		assert_true(file_make_folder(folder, &err));
		if (encoders[i].tensor && !safetensors_write(model, &tensor, 1, NULL, 0, &err))
			fail_msg("%s", err.text);
		if (encoders[i].config)
			assert_true(file_replace(in_scratch("encoder/config.json"), encoders[i].config, strlen(encoders[i].config), &err));
		if (encoders[i].head)
			assert_true(file_replace(in_scratch("encoder/head.safetensors"), "", 0, &err));
		bool fits = import_encoder_fits(folder, labels, ARRAY_SIZE(labels), &err);

		if (fits != !encoders[i].says[0])
			fail_msg("%s: %s", encoders[i].name, fits ? "taken" : err.text);
		for (size_t k = 0; k < 2 && encoders[i].says[k]; k++)
			assert_sentence(&err, encoders[i].says[k]);
		assert_true(fits || strstr(err.text, folder));
		file_remove_folder(folder);
	}
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(round_trips_are_exact),
		TEST(golden_adapters_come_back),
		TEST(exports_are_in_transformers_order),
		TEST(rank_stabilised_alpha_is_scaled),
		TEST(ranks_of_their_own_go_out_and_come_back),
		TEST(alphas_of_their_own_are_in_b),
		TEST(configs_that_do_not_fit_are_a_sentence),
		TEST(tensors_that_do_not_fit_are_a_sentence),
		TEST(other_bases_are_a_sentence),
		TEST(merged_weights_are_base_and_adapter),
		TEST(folders_are_copied_with_what_is_in_them),
		TEST(folders_of_encoders_are_told_apart),
		TEST(folders_of_the_other_method_are_named),
	};

	return cmocka_run_group_tests_name("tune_exchange", tests, NULL, NULL);
}
