/* LoRA adapters over tiny-llama.gguf against the model with their product in its weights (tests/reference/adapter.py);
 * beside the plain base and another adapter in one pass; and files that do not fit. */
#include "engine.h"
#include "golden_logits.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define GOLDEN "tests/reference/golden/"
static const char base[] = GOLDEN "tiny-llama.gguf", lora[] = GOLDEN "tiny-lora.gguf";

static struct adapter *open_adapter(const char *path, const struct decoder *d)
{
	struct error err = { .text = "" };
	struct adapter *a = adapter_open(path, d, &err);

	if (!a)
		fail_msg("%s", err.text);
	return a;
}

static struct adapter *adapter_of(const struct decoder *d)
{
	return open_adapter(lora, d);
}

static void adapter_matches_merged_weights_with_every_kernel_set(void **state)
{
	(void)state;
	for (const struct kernels *const *k = kernels_all(); *k; k++) {
		if (!(*k)->available())
			continue;
		struct engine e = engine_decoder(base, *k, 2);
		struct adapter *a = adapter_of(e.decoder);
		struct agreement with = compare_golden(e.decoder, a, GOLDEN "tiny-lora.txt");

		check_products((*k)->name, with, *k);
		assert_true((*k)->products || with.difference < 1e-3);
		/* The test can fail: the plain base is far from these logits. */
		assert_true(compare_golden(e.decoder, NULL, GOLDEN "tiny-lora.txt").difference > 0.1);
		adapter_free(a);
		engine_close(&e);
	}
}

static void fill_ids(int32_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ids[i] = (int32_t)((i * 37 + i * i) % 250);
}

/* Two adapters and the plain base in turns; each gives the bytes it gives alone, in children too. */
static void adapters_share_a_pass_without_a_trace(void **state)
{
	enum { N = 6, LENGTH = 21 };
	struct engine e = engine_decoder(base, NULL, 2);
	struct adapter *adapters[] = { adapter_of(e.decoder), NULL, adapter_of(e.decoder) };
	size_t vocabulary = decoder_vocabulary(e.decoder);
	float *alone = mem_zero(N * vocabulary, sizeof(*alone)), *together = mem_zero(N * vocabulary, sizeof(*together));
	struct context *root[N], *child[N];
	int32_t ids[LENGTH + N];

	(void)state;
	fill_ids(ids, LENGTH + N);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < N; i++) {
			root[i] = context_new(e.decoder, NULL, ids + i, LENGTH - 3);
			context_adapt(root[i], adapters[i % 3]);
			child[i] = context_new(e.decoder, root[i], ids + i + LENGTH - 3, 3);
			if (pass == 0)
				decoder_compute(e.decoder, &child[i], 1);
		}
		if (pass == 1)
			decoder_compute(e.decoder, child, N);
		decoder_logits(e.decoder, child, N, pass ? together : alone);
		for (size_t i = 0; i < N; i++) {
			context_free(child[i]);
			context_free(root[i]);
		}
	}
	assert_memory_equal(alone, together, N * vocabulary * sizeof(*alone));
	assert_true(memcmp(alone, alone + vocabulary, vocabulary * sizeof(*alone)) != 0);
	for (size_t i = 0; i < 3; i++)
		adapter_free(adapters[i]);
	free(alone);
	free(together);
	engine_close(&e);
}

enum { STEP_LENGTH = 20, STEPS = 3 }; /* STEPS <= MATRIX_FEW */

/* Logits behind STEPS sequences, the second of them of the plain base; step: the last token goes alone through
 * decoder_step(). out (STEPS, vocabulary) */
static void read_sequences(struct decoder *d, const struct adapter *a, bool step, float *out)
{
	struct context *c[STEPS];
	int32_t ids[STEP_LENGTH + STEPS];

	fill_ids(ids, STEP_LENGTH + STEPS);
	for (size_t i = 0; i < STEPS; i++) {
		c[i] = context_new(d, NULL, ids + i, step ? STEP_LENGTH - 1 : STEP_LENGTH);
		context_adapt(c[i], i == 1 ? NULL : a);
	}
	decoder_compute(d, c, STEPS);
	for (size_t i = 0; i < STEPS && step; i++)
		context_append(c[i], ids[i + STEP_LENGTH - 1]);
	if (step)
		decoder_step(d, c, STEPS, out);
	else
		decoder_logits(d, c, STEPS, out);
	for (size_t i = 0; i < STEPS; i++)
		context_free(c[i]);
}

static double farthest(const float *a, const float *b, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)a[i] - (double)b[i]));
	return most;
}

/* Generation reads quantised weights as they lie, and the adapter beside them. */
static void few_rows_are_adapted_like_many(void **state)
{
	static const double within[] = { [PRODUCTS_F32] = 1e-4, [PRODUCTS_BF16] = 0.5, [PRODUCTS_INT8] = 3 };

	(void)state;
	for (const struct kernels *const *k = kernels_all(); *k; k++) {
		if (!(*k)->available())
			continue;
		struct engine e = engine_decoder(GOLDEN "tiny-llama3.gguf", *k, 2);
		struct adapter *a = open_adapter(GOLDEN "tiny-llama3-lora.gguf", e.decoder);
		size_t vocabulary = decoder_vocabulary(e.decoder), n = STEPS * vocabulary;
		float *many = mem_zero(n, sizeof(*many)), *few = mem_zero(n, sizeof(*few)), *plain = mem_zero(n, sizeof(*plain));

		read_sequences(e.decoder, a, false, many);
		read_sequences(e.decoder, a, true, few);
		read_sequences(e.decoder, NULL, true, plain);
		print_message("%s: logits within %.2g, plain %.2g away\n", (*k)->name, farthest(many, few, n),
			      farthest(many, plain, n));
		assert_true(farthest(many, few, n) < within[(*k)->products]);
		assert_true(farthest(many, plain, vocabulary) > 1); /* the test can fail */
		assert_memory_equal(few + vocabulary, plain + vocabulary, vocabulary * sizeof(*few));
		free(many);
		free(few);
		free(plain);
		adapter_free(a);
		engine_close(&e);
	}
}

/* Bytes of the good file that are replaced, wherever they stand first, by others of the same length. */
static const struct {
	const char *name, *from, *to, *says;
} misfits[] = {
	{ "not an adapter", "adapter.type", "adapter.tape", "not a LoRA adapter" },
	{ "another architecture", "llama", "qwen2", "not for a base of architecture llama" },
	{ "no alpha", "adapter.lora.alpha", "adapter.lora.alphb", "adapter.lora.alpha" },
	{ "an unknown matrix", "blk.0.attn_q.weight.lora_a", "blk.0.attn_z.weight.lora_a", "adapts nothing" },
	{ "a layer too many", "blk.1.attn_q.weight.lora_a", "blk.7.attn_q.weight.lora_a", "adapts nothing" },
	{ "a missing half", "blk.0.attn_q.weight.lora_b", "blk.1.attn_k.weight.lora_b", "has no lora_b beside it" },
};

static void misfits_are_refused(void **state)
{
	struct engine e = engine_decoder(base, NULL, 1);
	struct error err;
	size_t n;
	char *good = file_read(lora, 1 << 20, &n, &err), path[] = "/tmp/rung-adapter-XXXXXX";

	(void)state;
	assert_non_null(good);
	close(mkstemp(path));
	for (size_t i = 0; i < ARRAY_SIZE(misfits); i++) {
		char *bad = mem_alloc(n), *at;

		memcpy(bad, good, n);
		at = memmem(bad, n, misfits[i].from, strlen(misfits[i].from));
		assert_non_null(at);
		memcpy(at, misfits[i].to, strlen(misfits[i].to));
		assert_true(file_replace(path, bad, n, &err));
		err.text[0] = 0;
		assert_null(adapter_open(path, e.decoder, &err));
		if (!strstr(err.text, misfits[i].says))
			fail_msg("%s: \"%s\" is not in: %s", misfits[i].name, misfits[i].says, err.text);
		err.text[0] = 0;
		assert_false(adapter_fits(path, base, &err));
		assert_non_null(strstr(err.text, misfits[i].says));
		free(bad);
	}
	assert_null(adapter_open(base, e.decoder, &err));
	assert_true(adapter_fits(lora, base, &err));
	assert_false(adapter_fits(lora, GOLDEN "tiny-llama3.gguf", &err)); /* narrower */
	assert_non_null(strstr(err.text, "use the base that the adapter was trained on"));
	unlink(path);
	free(good);
	engine_close(&e);
}

/* One bit of the metadata and names at a time: refused or read, never worse; the two ways of checking agree. */
static void flipped_bits_do_no_harm(void **state)
{
	struct engine e = engine_decoder(base, NULL, 1);
	struct error err;
	size_t n, opened = 0, refused = 0;
	char *bytes = file_read(lora, 1 << 20, &n, &err), path[] = "/tmp/rung-adapter-XXXXXX";

	(void)state;
	assert_non_null(bytes);
	close(mkstemp(path));
	for (size_t i = 0; i < 1760; i += 3) { /* header, keys and tensors' names and shapes */
		FILE *f = fopen(path, "wb");

		bytes[i] = (char)(bytes[i] ^ (1 << i % 8));
		assert_int_equal(fwrite(bytes, 1, n, f), n);
		assert_int_equal(fclose(f), 0);
		struct adapter *a = adapter_open(path, e.decoder, &err);

		assert_true(adapter_fits(path, base, &err) == (a != NULL));
		opened += a != NULL;
		refused += a == NULL;
		adapter_free(a);
		bytes[i] = (char)(bytes[i] ^ (1 << i % 8));
	}
	assert_true(opened > 0 && refused > 100);
	unlink(path);
	free(bytes);
	engine_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adapter_matches_merged_weights_with_every_kernel_set),
		cmocka_unit_test(adapters_share_a_pass_without_a_trace),
		cmocka_unit_test(few_rows_are_adapted_like_many),
		cmocka_unit_test(misfits_are_refused),
		cmocka_unit_test(flipped_bits_do_no_harm),
	};

	return cmocka_run_group_tests_name("llm_adapter", tests, NULL, NULL);
}
