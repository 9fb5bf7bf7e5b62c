/* Sentence vectors against transformers (tests/reference/minilm.py, tiny_models.py wrote the golden files), the promise
 * of equal bytes in any batch, and folders that lie.
 *
 * `llm_encoder dump FOLDER TEXTS OUT` writes the vector of each line of TEXTS as f32 to OUT instead. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

static const char tiny[] = "tests/reference/golden/tiny-bert";
static const char bge[] = "tests/reference/golden/tiny-bge";

static char *next_line(FILE *f)
{
	size_t capacity = 0;
	char *line = NULL;
	ssize_t n = getline(&line, &capacity, f);

	if (n <= 0) {
		free(line);
		return NULL;
	}
	if (line[n - 1] == '\n')
		line[n - 1] = 0;
	return line;
}

/* The least cosine between our vectors and the file's; checks that ours have length 1. */
static double least_cosine(struct encoder *e, const char *path)
{
	size_t width = encoder_width(e), texts = 0;
	float *v = mem_zero(width, sizeof(*v));
	FILE *golden = fopen(path, "rb");
	double least = 1;
	char *text;

	assert_non_null(golden);
	for (; (text = next_line(golden)) != NULL; texts++) {
		char *numbers = next_line(golden), *at = numbers;
		double dot = 0, ours = 0, theirs = 0;

		assert_non_null(numbers);
		encoder_embed(e, (const char *const *)&text, 1, v, NULL);
		for (size_t i = 0; i < width; i++) {
			double x = strtod(at, &at);

			dot += x * (double)v[i];
			theirs += x * x;
			ours += (double)v[i] * (double)v[i];
		}
		assert_close(text, ours, 1.0, 1e-5);
		least = fmin(least, dot / sqrt(ours * theirs));
		free(text);
		free(numbers);
	}
	fclose(golden);
	assert_true(texts >= 5);
	free(v);
	return least;
}

static void check_golden(const char *folder, const char *golden)
{
	for (const struct kernels *const *k = kernels_all(); *k; k++) {
		struct engine e;

		if (!(*k)->available())
			continue;
		e = engine_encoder(folder, *k, 2);
		assert_close((*k)->name, least_cosine(e.encoder, golden), 1.0, (*k)->products ? 1e-3 : 1e-6);
		engine_close(&e);
	}
}

/* tiny-bge: pooling by the row of [CLS], and tensors with the prefix that task models have. */
static void tiny_models_match_transformers_with_every_kernel_set(void **state)
{
	(void)state;
	check_golden(tiny, "tests/reference/golden/tiny-bert.txt");
	check_golden(bge, "tests/reference/golden/tiny-bge.txt");
}

/* The folder of all-MiniLM-L6-v2; skips the test when it is absent. */
static const char *minilm_folder(void)
{
	static char path[4096];
	char config[4200];

	snprintf(path, sizeof(path), "%s/all-MiniLM-L6-v2", test_models_folder());
	snprintf(config, sizeof(config), "%s/config.json", path);
	if (!file_exists(config)) {
		print_message("skipped: %s is absent (`make models`)\n", path);
		skip();
	}
	return path;
}

static void minilm_matches_transformers(void **state)
{
	(void)state;
	struct engine e = engine_encoder(minilm_folder(), NULL, 2);
	double least = least_cosine(e.encoder, "tests/reference/golden/minilm.txt");

	print_message("minilm: least cosine %.7f\n", least);
	struct error err;

	assert_true(least >= (kernels_choose(false, &err)->products == PRODUCTS_INT8 ? 0.99 : 0.9999));
	engine_close(&e);
}

static void texts_are_cut_at_the_models_limit(void **state)
{
	char *longest = mem_zero(1, 8001);
	const char *texts[] = { "", "the cat", longest };
	struct engine e = engine_encoder(tiny, NULL, 1);
	size_t tokens[3], width = encoder_width(e.encoder);
	float *out = mem_zero(3 * width, sizeof(*out));

	(void)state;
	for (int i = 0; i < 2000; i++)
		memcpy(longest + 4 * i, "the ", 4);
	encoder_embed(e.encoder, texts, 3, out, tokens);
	assert_int_equal(tokens[0], 2);
	assert_int_equal(tokens[1], 4);
	assert_int_equal(tokens[2], 32); /* its 32 positions are fewer than 256 */
	for (size_t i = 0; i < 3 * width; i++)
		assert_true(isfinite(out[i]));
	free(out);
	free(longest);
	engine_close(&e);
}

static void tokens_are_counted_uncut_and_without_the_added_ones(void **state)
{
	static const char text[] = "the cat, the cat";
	struct engine e = engine_encoder(tiny, NULL, 1);
	char *longest = mem_zero(1, 8001);
	const char *one = text;
	float *v = mem_zero(encoder_width(e.encoder), sizeof(*v));
	size_t tokens;

	(void)state;
	encoder_embed(e.encoder, &one, 1, v, &tokens);
	assert_int_equal(encoder_tokens(e.encoder, text, strlen(text)), tokens - 2);
	assert_int_equal(encoder_tokens(e.encoder, text, 7), 2); /* not the text behind the n bytes */
	assert_int_equal(encoder_tokens(e.encoder, "", 0), 0);
	for (int i = 0; i < 2000; i++)
		memcpy(longest + 4 * i, "the ", 4);
	assert_int_equal(encoder_tokens(e.encoder, longest, 8000), 2000);
	free(longest);
	free(v);
	engine_close(&e);
}

/* 60 texts of up to 32 tokens are more rows than one pass takes. */
static void check_batches(const char *folder)
{
	enum { N = 60 };
	static const char *const words[] = { "the", "cats", "sitting", "on", "unknown", "mat", ",", "runs" };
	char texts[N][256];
	const char *pointers[N];

	for (size_t i = 0; i < N; i++) {
		size_t n = 0;

		for (size_t j = 0; j <= i % 31; j++)
			n += (size_t)snprintf(texts[i] + n, sizeof(texts[i]) - n, "%s ", words[(i * 3 + j * j) % 8]);
		pointers[i] = texts[i];
	}
	for (int threads = 1; threads <= 2; threads++) {
		struct engine one = engine_encoder(folder, NULL, 1), many = engine_encoder(folder, NULL, threads);
		size_t width = encoder_width(one.encoder);
		float *batch = mem_zero(N * width, sizeof(*batch)), *alone = mem_zero(width, sizeof(*alone));

		encoder_embed(many.encoder, pointers, N, batch, NULL);
		for (size_t i = 0; i < N; i++) {
			encoder_embed(one.encoder, &pointers[i], 1, alone, NULL);
			assert_memory_equal(batch + i * width, alone, width * sizeof(*alone));
		}
		free(batch);
		free(alone);
		engine_close(&one);
		engine_close(&many);
	}
}

static void batches_and_threads_leave_no_trace(void **state)
{
	(void)state;
	check_batches(tiny);
	check_batches(bge);
}

/* Rows change one file of the folder tiny-bge: the text `find` becomes `with`, of the same length. */
static const struct {
	const char *name, *file, *find, *with, *message;
} lies[] = {
	{ "no JSON", "config.json", "{", "[", "config.json:" },
	{ "another family", "config.json", "\"bert\"", "\"bort\"", "\"model_type\" is \"bort\"" },
	{ "another activation", "config.json", "\"gelu\"", "\"relu\"", "\"hidden_act\" is \"relu\"" },
	{ "no layers", "config.json", "layers\": 1", "layers\": 0", "\"num_hidden_layers\" is 0" },
	{ "more layers than tensors", "config.json", "layers\": 1", "layers\": 3",
	  "\"bert.encoder.layer.1.attention.self.query.weight\" is missing" },
	{ "key renamed", "config.json", "num_hidden_layers", "num_hodden_layers", "\"num_hidden_layers\" is missing" },
	{ "no number", "config.json", "size\": 32", "size\": []", "\"hidden_size\" is missing or no integer" },
	{ "odd heads", "config.json", "heads\": 2", "heads\": 3", "32 values over 3 heads" },
	{ "narrow heads", "config.json", "heads\": 2", "heads\": 4", "32 values over 4 heads" },
	{ "another width", "config.json", "hidden_size\": 32", "hidden_size\": 64", "rows of 32 values" },
	{ "another ffn", "config.json", "intermediate_size\": 64", "intermediate_size\": 65",
	  "\"bert.encoder.layer.0.intermediate.dense.weight\" has 64 rows" },
	{ "more positions", "config.json", "embeddings\": 32", "embeddings\": 99",
	  "position_embeddings.weight\" has 32" },
	{ "no room for a text", "config.json", "embeddings\": 32", "embeddings\": 2 ", "a text takes at least 3" },
	{ "fewer words", "config.json", "vocab_size\": 27", "vocab_size\": 26", "the tokenizer has 27 tokens" },
	{ "a negative epsilon", "config.json", "eps\": 1e-12", "eps\": -1.00", "\"layer_norm_eps\" is -1" },
	{ "no [CLS]", "vocab.txt", "[CLS]", "[ALS]", "[CLS]" },
	{ "a tensor is missing", "model.safetensors", "encoder.layer.0.output.dense.bias",
	  "encoder.layer.0.output.dense.bios", "\"bert.encoder.layer.0.output.dense.bias\" is missing" },
	{ "a tensor nobody uses", "model.safetensors", "bert.pooler.dense.bias", "bert.looper.dense.bias",
	  "\"bert.looper.dense.bias\" has no place" },
	{ "a module nobody runs", "modules.json", "models.Normalize", "models.Normalise", "\"Normalise\" is not supported" },
	{ "modules without a type", "modules.json", "\"type\"", "\"tipe\"", "\"(no text)\"" },
	{ "pooling elsewhere", "modules.json", "\"1_Pooling\"", "\"../ooling\"", "no name of a folder" },
	{ "no list of modules", "modules.json", "[", "x", "modules.json:1" },
	{ "two poolings", "1_Pooling/config.json", "mean_tokens\": false", "mean_tokens\": true ", "must be true" },
	{ "another pooling", "1_Pooling/config.json", "max_tokens\": false", "max_tokens\": true ", "no other mode" },
};

static const char *const files[] = { "config.json", "vocab.txt", "model.safetensors", "modules.json",
				     "1_Pooling/config.json" };

/* Copies the folder to `to`, with row i's lie. */
static void copy_folder(const char *to, size_t i)
{
	struct error err = { .text = "" };
	char path[4096];
	size_t n;

	for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
		snprintf(path, sizeof(path), "%s/%s", bge, files[f]);
		char *data = file_read(path, 1 << 20, &n, &err);

		assert_non_null(data);
		if (strcmp(files[f], lies[i].file) == 0) {
			char *at = memmem(data, n, lies[i].find, strlen(lies[i].find));

			if (!at || strlen(lies[i].find) != strlen(lies[i].with))
				fail_msg("%s: the row does not fit the file", lies[i].name);
			memcpy(at, lies[i].with, strlen(lies[i].with));
		}
		snprintf(path, sizeof(path), "%s/%s", to, files[f]);
		assert_true(file_replace(path, data, n, &err));
		free(data);
	}
}

static void remove_folder(const char *folder)
{
	char path[4096];

	for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[f]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/1_Pooling", folder);
	rmdir(path);
	rmdir(folder);
}

static void folders_that_lie_are_refused(void **state)
{
	char folder[] = "/tmp/rung-llm-XXXXXX", path[4096];
	struct error err = { .text = "" };
	const struct kernels *kernels = kernels_choose(true, &err);
	struct pool *pool = pool_open(1);

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/1_Pooling", folder);
	assert_true(file_make_folder(path, &err));
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		copy_folder(folder, i);
		err.text[0] = 0;
		if (encoder_open(folder, kernels, pool, &err))
			fail_msg("%s: the folder was accepted", lies[i].name);
		if (!strstr(err.text, lies[i].message) || !strstr(err.text, folder))
			fail_msg("%s: \"%s\" does not say \"%s\"", lies[i].name, err.text, lies[i].message);
	}
	remove_folder(folder);
	pool_free(pool);
}

/* Writes the folder tiny-bge with `bytes` bytes of the weights changed, `from` bytes before their end. */
static uint64_t fingerprint_of(const char *folder, size_t from, size_t bytes)
{
	struct error err = { .text = "" };
	char path[4096];
	size_t n;
	uint64_t fingerprint;

	for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
		snprintf(path, sizeof(path), "%s/%s", bge, files[f]);
		char *data = file_read(path, 1 << 20, &n, &err);

		assert_non_null(data);
		for (size_t i = 0; strcmp(files[f], "model.safetensors") == 0 && i < bytes; i++)
			data[n - from + i] ^= 1;
		snprintf(path, sizeof(path), "%s/%s", folder, files[f]);
		assert_true(file_replace(path, data, n, &err));
		free(data);
	}
	struct engine e = engine_encoder(folder, NULL, 1);

	fingerprint = encoder_fingerprint(e.encoder);
	engine_close(&e);
	return fingerprint;
}

static void fingerprints_tell_weights_apart(void **state)
{
	char folder[] = "/tmp/rung-llm-XXXXXX", path[4096];
	struct error err = { .text = "" };
	struct engine a = engine_encoder(tiny, NULL, 1), b = engine_encoder(bge, NULL, 2);
	uint64_t same;

	(void)state;
	assert_true(encoder_fingerprint(a.encoder) != encoder_fingerprint(b.encoder));
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/1_Pooling", folder);
	assert_true(file_make_folder(path, &err));
	same = fingerprint_of(folder, 0, 0);
	assert_true(same == encoder_fingerprint(b.encoder));
	assert_true(same != fingerprint_of(folder, 1000, 1000));
	assert_true(same != fingerprint_of(folder, 5000, 500));
	remove_folder(folder);
	engine_close(&a);
	engine_close(&b);
}

/* --- the dump mode, for tests/reference/minilm.py compare --- */

static int dump(const char *folder, const char *texts, const char *out_path)
{
	struct engine e = engine_encoder(folder, NULL, 0);
	size_t width = encoder_width(e.encoder);
	float *v = mem_zero(width, sizeof(*v));
	FILE *in = fopen(texts, "rb"), *out = fopen(out_path, "wb");
	bool written = in && out;
	char *text;

	while (written && (text = next_line(in)) != NULL) {
		encoder_embed(e.encoder, (const char *const *)&text, 1, v, NULL);
		written = fwrite(v, sizeof(*v), width, out) == width;
		free(text);
	}
	if (in)
		fclose(in);
	if (out && fclose(out) != 0)
		written = false;
	free(v);
	engine_close(&e);
	return written ? 0 : 1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiny_models_match_transformers_with_every_kernel_set),
		cmocka_unit_test(minilm_matches_transformers),
		cmocka_unit_test(texts_are_cut_at_the_models_limit),
		cmocka_unit_test(tokens_are_counted_uncut_and_without_the_added_ones),
		cmocka_unit_test(fingerprints_tell_weights_apart),
		cmocka_unit_test(batches_and_threads_leave_no_trace),
		cmocka_unit_test(folders_that_lie_are_refused),
	};

	if (argc == 5 && strcmp(argv[1], "dump") == 0)
		return dump(argv[2], argv[3], argv[4]);
	return cmocka_run_group_tests_name("llm_encoder", tests, NULL, NULL);
}
