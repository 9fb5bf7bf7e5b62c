/* Forward passes against transformers (tests/reference/smollm2.py, tiny_models.py wrote the golden files), the promise
 * of equal bytes however tokens are shared and batched, and files that lie.
 *
 * `llm_decoder dump MODEL IDS OUT [ADAPTER]` writes the logits behind every id in the text file IDS as f32 to OUT
 * instead; each line of IDS is a sequence of its own. */
#include "engine.h"
#include "golden_logits.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

#define GOLDEN "tests/reference/golden/"
static const char tiny[] = GOLDEN "tiny-llama.gguf";

/* One of each family: tests/reference/tiny_models.py. */
static const struct {
	const char *name, *path, *golden;
} models[] = {
	{ "llama", GOLDEN "tiny-llama.gguf", GOLDEN "tiny-llama.txt" },
	{ "llama with rope_freqs", GOLDEN "tiny-llama3.gguf", GOLDEN "tiny-llama3.txt" },
	{ "qwen2", GOLDEN "tiny-qwen2.gguf", GOLDEN "tiny-qwen2.txt" },
	{ "qwen3", GOLDEN "tiny-qwen3.gguf", GOLDEN "tiny-qwen3.txt" },
	{ "gemma3", GOLDEN "tiny-gemma3.gguf", GOLDEN "tiny-gemma3.txt" },
};

enum { LENGTH = 70 };

static void tiny_models_match_transformers_with_every_kernel_set(void **state)
{
	(void)state;
	for (const struct kernels *const *k = kernels_all(); *k; k++) {
		for (size_t m = 0; (*k)->available() && m < ARRAY_SIZE(models); m++) {
			struct engine e = engine_decoder(models[m].path, *k, 2);
			struct agreement a = compare_golden(e.decoder, NULL, models[m].golden);
			char name[64];

			/* The file rounds logits to 1e-4. */
			snprintf(name, sizeof(name), "%s, %s", models[m].name, (*k)->name);
			check_products(name, a, *k);
			assert_true((*k)->products || a.difference < 5e-4);
			engine_close(&e);
		}
	}
}

static void smollm2_matches_transformers(void **state)
{
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/smollm2-135m-instruct.Q4_1.gguf", test_models_folder());
	if (!file_exists(path)) {
		print_message("skipped: %s is absent (`make models`)\n", path);
		skip();
	}
	struct engine e = engine_decoder(path, NULL, 2);

	struct error err;
	bool int8 = kernels_choose(false, &err)->products == PRODUCTS_INT8; /* docs/models.md: what it loses */

	check_agreement("smollm2", compare_golden(e.decoder, NULL, "tests/reference/golden/smollm2.txt"), int8 ? 0.94 : 0.99,
			int8 ? 0.01 : 0.002);
	engine_close(&e);
}

/* A sequence that differs at every place. */
static void fill_ids(int32_t *ids, size_t n, int seed)
{
	for (size_t i = 0; i < n; i++)
		ids[i] = (int32_t)((i * 37 + (size_t)seed * 101 + i * i) % 250);
}

/* The logits behind a sequence read as a chain of contexts, cut before each of the n cuts. */
static void chain_logits(struct decoder *d, const int32_t *ids, size_t n, const size_t *cuts, size_t n_cuts, float *out)
{
	struct context *chain[8] = { NULL };
	size_t from = 0;

	for (size_t i = 0; i <= n_cuts; i++) {
		size_t to = i < n_cuts ? cuts[i] : n;

		chain[i] = context_new(d, i > 0 ? chain[i - 1] : NULL, ids + from, to - from);
		from = to;
	}
	decoder_compute(d, &chain[n_cuts], 1);
	decoder_logits(d, &chain[n_cuts], 1, out);
	for (size_t i = n_cuts + 1; i-- > 0;)
		context_free(chain[i]);
}

static void assert_same_bytes(const char *name, const float *a, const float *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(&a[i], &b[i], sizeof(*a)) != 0)
			fail_msg("%s: value %zu is %.9g, alone it was %.9g", name, i, (double)a[i], (double)b[i]);
}

static void check_sharing(const char *path)
{
	static const struct {
		const char *name;
		size_t cuts[4], n;
	} cases[] = {
		{ "cut after one token", { 1 }, 1 },
		{ "cut before the last token", { LENGTH - 1 }, 1 },
		{ "cut in odd places", { 7, 13, 50 }, 3 },
		{ "with empty contexts", { 0, 30, 30, LENGTH }, 4 },
	};
	struct engine e = engine_decoder(path, NULL, 1);
	size_t vocabulary = decoder_vocabulary(e.decoder);
	float *alone = mem_zero(vocabulary, sizeof(*alone)), *shared = mem_zero(vocabulary, sizeof(*shared));
	int32_t ids[LENGTH];

	fill_ids(ids, LENGTH, 1);
	chain_logits(e.decoder, ids, LENGTH, NULL, 0, alone);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		chain_logits(e.decoder, ids, LENGTH, cases[i].cuts, cases[i].n, shared);
		assert_same_bytes(cases[i].name, shared, alone, vocabulary);
	}
	free(alone);
	free(shared);
	engine_close(&e);
}

static void sharing_leaves_no_trace(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(models); m++)
		check_sharing(models[m].path);
}

/* 12 sequences of up to 70 tokens behind one prefix are more rows than one pass takes. */
static void check_batches(const char *path)
{
	enum { N = 12 };
	size_t lengths[N] = { LENGTH, 1, 2, 3, 7, 8, 9, 63, 64, 65, LENGTH, LENGTH };
	int32_t prefix[150], ids[N][LENGTH];

	fill_ids(prefix, 150, 99);
	for (int i = 0; i < N; i++)
		fill_ids(ids[i], LENGTH, i);
	for (int threads = 1; threads <= 2; threads++) {
		struct engine one = engine_decoder(path, NULL, 1), many = engine_decoder(path, NULL, threads);
		size_t vocabulary = decoder_vocabulary(one.decoder);
		float *alone = mem_zero(vocabulary, sizeof(*alone)), *batch = mem_zero(N * vocabulary, sizeof(*batch));
		struct context *shared = context_new(many.decoder, NULL, prefix, 150), *contexts[N];

		for (int i = 0; i < N; i++)
			contexts[i] = context_new(many.decoder, shared, ids[i], lengths[i]);
		decoder_compute(many.decoder, contexts, N);
		decoder_logits(many.decoder, contexts, N, batch);
		for (int i = 0; i < N; i++) {
			int32_t all[150 + LENGTH];

			memcpy(all, prefix, sizeof(prefix));
			memcpy(all + 150, ids[i], sizeof(ids[i]));
			chain_logits(one.decoder, all, 150 + lengths[i], NULL, 0, alone);
			assert_same_bytes("batch", batch + (size_t)i * vocabulary, alone, vocabulary);
			context_free(contexts[i]);
		}
		context_free(shared);
		free(alone);
		free(batch);
		engine_close(&one);
		engine_close(&many);
	}
}

static void batches_and_threads_leave_no_trace(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(models); m++)
		check_batches(models[m].path);
}

static void check_appending(const char *path)
{
	struct engine e = engine_decoder(path, NULL, 1);
	size_t vocabulary = decoder_vocabulary(e.decoder);
	float *whole = mem_zero(vocabulary, sizeof(*whole)), *grown = mem_zero(vocabulary, sizeof(*grown));
	int32_t ids[LENGTH];

	fill_ids(ids, LENGTH, 5);
	struct context *c = context_new(e.decoder, NULL, ids, 3);

	for (size_t n = 3; n < LENGTH; n++) {
		context_append(c, ids[n]);
		if (n % 4 != 0) /* several tokens may wait for one pass */
			decoder_compute(e.decoder, &c, 1);
	}
	decoder_compute(e.decoder, &c, 1);
	decoder_logits(e.decoder, &c, 1, grown);
	chain_logits(e.decoder, ids, LENGTH, NULL, 0, whole);
	assert_int_equal(context_length(c), LENGTH);
	assert_same_bytes("appended", grown, whole, vocabulary);
	context_free(c);
	free(whole);
	free(grown);
	engine_close(&e);
}

static void appended_tokens_equal_a_whole_sequence(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(models); m++)
		check_appending(models[m].path);
}

/* Rows change bytes of a tiny file: `with` replaces the bytes `skip` behind the text `find`. */
static const struct lie {
	const char *name, *find;
	int skip;
	size_t n;
	const char *with, *message;
} lies[] = {
	{ "another architecture", "general.architecture", 12, 5, "bloom",
	  "\"bloom\" is not supported (supported: llama, qwen2, qwen3, gemma3)" },
	{ "no layers", "llama.block_count", 4, 4, "\0\0\0\0", "\"llama.block_count\" is 0" },
	{ "absurd layers", "llama.block_count", 4, 4, "\xff\xff\xff\xff", "\"llama.block_count\" is 4294967295" },
	{ "more layers than tensors", "llama.block_count", 4, 4, "\x20\0\0\0",
	  "tensor \"blk.2.attn_norm.weight\" is missing" },
	{ "fewer layers than tensors", "llama.block_count", 4, 4, "\1\0\0\0", "a llama model of 1 layers" },
	{ "key renamed", "llama.block_count", -17, 17, "llama.block_cout_", "no integer \"llama.block_count\"" },
	{ "wider than the tensors", "llama.embedding_length", 4, 4, "\x80\0\0\0",
	  "keys of 32 values, of which 16 rotate" },
	{ "heads of odd size", "llama.attention.head_count", 4, 4, "\3\0\0\0", "cannot share 2" },
	{ "heads too narrow", "llama.attention.head_count", 4, 4, "\x10\0\0\0", "heads of 4 values" },
	{ "too many K/V heads", "llama.attention.head_count_kv", 4, 4, "\4\0\0\0",
	  "\"blk.0.attn_k.weight\" has 32 rows" },
	{ "K/V heads beside heads", "llama.attention.head_count_kv", 4, 4, "\3\0\0\0", "cannot share 3" },
	{ "part of a head rotates", "llama.rope.dimension_count", 4, 4, "\x08\0\0\0", "of which 8 rotate" },
	{ "another ffn", "llama.feed_forward_length", 4, 4, "\x40\0\0\0", "\"blk.0.ffn_gate.weight\" has 96 rows" },
	{ "no context", "llama.context_length", 4, 4, "\0\0\0\0", "\"llama.context_length\" is 0" },
	{ "epsilon is NaN", "llama.attention.layer_norm_rms_epsilon", 4, 4, "\0\0\xc0\x7f",
	  "must lie between 0 and 1" },
	{ "negative rope base", "llama.rope.freq_base", 4, 4, "\0\0\x80\xbf", "must lie between 1 and 1e+12" },
	{ "a tensor is missing", "blk.1.ffn_down.weight", -6, 6, "wright", "blk.1.ffn_down.wright" },
	{ "a bias nobody adds", "blk.1.ffn_norm.weight", -21, 21, "blk.1.attn_v_.biases_", "blk.1.attn_v_.biases_" },
};

/* The same for the other families' files. */
static const struct {
	const char *path;
	struct lie lie;
} family_lies[] = {
	{ GOLDEN "tiny-qwen2.gguf",
	  { "keys of another family", "general.architecture", 12, 5, "qwen3", "no integer \"qwen3.block_count\"" } },
	{ GOLDEN "tiny-qwen2.gguf", { "a bias is missing", "blk.1.attn_k.bias", -4, 4, "bios", "blk.1.attn_k.bios" } },
	{ GOLDEN "tiny-qwen3.gguf",
	  { "a norm is missing", "blk.0.attn_q_norm.weight", -6, 6, "wright", "blk.0.attn_q_norm.wright" } },
	{ GOLDEN "tiny-qwen3.gguf",
	  { "wider keys than values", "qwen3.attention.key_length", 4, 4, "\x20\0\0\0",
	    "of which 32 rotate, and values of 16" } },
	{ GOLDEN "tiny-gemma3.gguf",
	  { "no window", "gemma3.attention.sliding_window", -6, 6, "wandow",
	    "no integer \"gemma3.attention.sliding_window\"" } },
	{ GOLDEN "tiny-gemma3.gguf",
	  { "a window of nothing", "gemma3.attention.sliding_window", 4, 4, "\0\0\0\0",
	    "\"gemma3.attention.sliding_window\" is 0" } },
	{ GOLDEN "tiny-gemma3.gguf",
	  { "another scaling", "gemma3.rope.scaling.type", 12, 6, "loglog",
	    "\"gemma3.rope.scaling.type\" is \"loglog\"" } },
	{ GOLDEN "tiny-gemma3.gguf",
	  { "a scaling factor of zero", "gemma3.rope.scaling.factor", 4, 4, "\0\0\0\0", "between 1 and 1e+06" } },
	{ GOLDEN "tiny-gemma3.gguf",
	  { "a norm after nothing", "blk.0.post_ffw_norm.weight", -6, 6, "wright", "blk.0.post_ffw_norm.wright" } },
	{ GOLDEN "tiny-llama3.gguf",
	  { "a relative's setting", "llama.rope.freq_base", -20, 20, "llama.residual_scale",
	    "\"llama.residual_scale\" is 10000; only 1 is supported" } },
};

/* Writes the file at `from` with its lie to fd. */
static void write_lie(int fd, const char *from, const struct lie *lie)
{
	struct error err = { .text = "" };
	size_t n;
	char *data = file_read(from, 1 << 20, &n, &err), *at;

	assert_non_null(data);
	at = memmem(data, n, lie->find, strlen(lie->find));
	if (!at)
		fail_msg("%s: no \"%s\" in the file", lie->name, lie->find);
	memcpy(at + strlen(lie->find) + lie->skip, lie->with, lie->n);
	assert_true(ftruncate(fd, 0) == 0 && pwrite(fd, data, n, 0) == (ssize_t)n);
	free(data);
}

static void check_lie(int fd, const char *path, const char *from, const struct lie *lie)
{
	struct pool *pool = pool_open(1);
	struct error err = { .text = "" };

	write_lie(fd, from, lie);
	if (decoder_open(path, engine_kernels(NULL), pool, &err))
		fail_msg("%s: the file was accepted", lie->name);
	if (!strstr(err.text, lie->message) || !strstr(err.text, path))
		fail_msg("%s: \"%s\" does not say \"%s\"", lie->name, err.text, lie->message);
	pool_free(pool);
}

static void files_that_lie_are_refused(void **state)
{
	char path[] = "/tmp/rung-llm-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++)
		check_lie(fd, path, tiny, &lies[i]);
	for (size_t i = 0; i < ARRAY_SIZE(family_lies); i++)
		check_lie(fd, path, family_lies[i].path, &family_lies[i].lie);
	close(fd);
	unlink(path);
}

/* A file with one flipped bit is refused or read as other numbers; nothing reaches outside of it. */
static void flipped_bits_do_no_harm(void **state)
{
	enum { FLIPS = 300 };
	char path[] = "/tmp/rung-llm-XXXXXX";
	struct error err = { .text = "" };
	struct pool *pool = pool_open(1);
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (size_t m = 0; m < ARRAY_SIZE(models); m++) {
		size_t n, accepted = 0;
		char *data = file_read(models[m].path, 1 << 20, &n, &err);

		assert_non_null(data);
		for (size_t i = 0; i < FLIPS; i++) {
			/* Settings stand in the first bytes, names and shapes of tensors behind the vocabulary. */
			size_t at = i % 2 ? i * 3 : i * (n / 3) / FLIPS;

			data[at] ^= (char)(1 << i % 8);
			assert_true(ftruncate(fd, 0) == 0 && pwrite(fd, data, n, 0) == (ssize_t)n);
			data[at] ^= (char)(1 << i % 8);
			struct decoder *d = decoder_open(path, engine_kernels(NULL), pool, &err);

			if (d) {
				int32_t ids[] = { 5, 6, 7 };
				struct context *c = context_new(d, NULL, ids, 3);

				decoder_compute(d, &c, 1);
				context_free(c);
				accepted++;
			}
			decoder_free(d);
		}
		assert_true(accepted > 0 && accepted < FLIPS);
		free(data);
	}
	close(fd);
	unlink(path);
	pool_free(pool);
}

/* --- the dump mode, for tests/reference/smollm2.py and decoders.py compare --- */

static bool dump_line(struct decoder *d, const struct adapter *a, char *line, FILE *out)
{
	size_t vocabulary = decoder_vocabulary(d), n, written;
	struct context *c = context_new(d, NULL, NULL, 0);
	float *logits;
	char *end;

	context_adapt(c, a);
	for (long id = strtol(line, &end, 10); end != line; id = strtol(line = end, &end, 10))
		context_append(c, (int32_t)id);
	n = context_length(c);
	logits = mem_zero(n * vocabulary, sizeof(*logits));
	decoder_compute(d, &c, 1);
	decoder_logits_all(d, c, logits);
	written = fwrite(logits, vocabulary * sizeof(*logits), n, out);
	free(logits);
	context_free(c);
	return written == n;
}

enum { COMPANY = 70, TURNS = 3 }; /* more than MATRIX_FEW */

/* Logits of TURNS steps of `n` sequences from the first'th on, to out (n, TURNS, vocabulary): a sequence begins with 3 to 9
 * tokens, then each step brings one, and the second brings two at once where the sequence's number divides by 5. */
static void step_sequences(struct decoder *d, size_t first, size_t n, float *out)
{
	struct context *prompts[COMPANY], *c[COMPANY];
	size_t vocabulary = decoder_vocabulary(d);
	float *logits = mem_zero(n * vocabulary, sizeof(*logits));

	for (size_t i = 0; i < n; i++) {
		int32_t ids[9];

		for (size_t j = 0; j < 9; j++)
			ids[j] = (int32_t)(((first + i) * 83 + j * 31) % vocabulary);
		prompts[i] = context_new(d, NULL, ids, 3 + (first + i) % 7);
		c[i] = context_new(d, prompts[i], NULL, 0);
	}
	for (size_t turn = 0; turn < TURNS; turn++) {
		for (size_t i = 0; i < n && turn > 0; i++) {
			size_t tokens = turn == 1 && (first + i) % 5 == 0 ? 2 : 1;

			for (size_t j = 0; j < tokens; j++)
				context_append(c[i], (int32_t)(((first + i) * 7 + turn * 11 + j) % vocabulary));
		}
		decoder_step(d, c, n, logits);
		for (size_t i = 0; i < n; i++)
			memcpy(out + (i * TURNS + turn) * vocabulary, logits + i * vocabulary, vocabulary * sizeof(*out));
	}
	for (size_t i = 0; i < n; i++) {
		context_free(c[i]);
		context_free(prompts[i]);
	}
	free(logits);
}

/* What decoder.h promises of decoder_step(), with every kernel set. */
static void steps_do_not_depend_on_company(void **state)
{
	(void)state;
	for (const struct kernels *const *k = kernels_all(); *k; k++) {
		if (!(*k)->available())
			continue;
		struct engine e = engine_decoder(GOLDEN "tiny-llama3.gguf", *k, 2);
		size_t row = TURNS * decoder_vocabulary(e.decoder);
		float *together = mem_zero(COMPANY * row, sizeof(*together)), *alone = mem_zero(row, sizeof(*alone));

		step_sequences(e.decoder, 0, COMPANY, together);
		for (size_t i = 0; i < COMPANY; i += 3) {
			step_sequences(e.decoder, i, 1, alone);
			if (memcmp(alone, together + i * row, row * sizeof(*alone)) != 0)
				fail_msg("%s: sequence %zu differs in company", (*k)->name, i);
		}
		free(together);
		free(alone);
		engine_close(&e);
	}
}

/* RUNG_KERNELS may name a set with bf16 products, too. */
static int dump(const char *model, const char *ids_path, const char *out_path, const char *adapter)
{
	struct engine e = engine_decoder(model, NULL, 0);
	struct error err = { .text = "" };
	struct adapter *a = adapter ? adapter_open(adapter, e.decoder, &err) : NULL;
	FILE *in = fopen(ids_path, "rb"), *out = fopen(out_path, "wb");
	bool written = in && out && (a || !adapter);
	size_t capacity = 0;
	char *line = NULL;

	while (written && getline(&line, &capacity, in) > 0)
		written = dump_line(e.decoder, a, line, out);
	if (in)
		fclose(in);
	if (out && fclose(out) != 0)
		written = false;
	free(line);
	adapter_free(a);
	engine_close(&e);
	if (!written)
		fprintf(stderr, "dump: %s\n", *err.text ? err.text : "a file cannot be read or written");
	return written ? 0 : 1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiny_models_match_transformers_with_every_kernel_set),
		cmocka_unit_test(smollm2_matches_transformers),
		cmocka_unit_test(steps_do_not_depend_on_company),
		cmocka_unit_test(sharing_leaves_no_trace),
		cmocka_unit_test(batches_and_threads_leave_no_trace),
		cmocka_unit_test(appended_tokens_equal_a_whole_sequence),
		cmocka_unit_test(files_that_lie_are_refused),
		cmocka_unit_test(flipped_bits_do_no_harm),
	};

	if ((argc == 5 || argc == 6) && strcmp(argv[1], "dump") == 0)
		return dump(argv[2], argv[3], argv[4], argv[5]);
	return cmocka_run_group_tests_name("llm_decoder", tests, NULL, NULL);
}
