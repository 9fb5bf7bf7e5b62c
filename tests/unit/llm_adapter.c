/* LoRA adapters over tiny-llama.gguf against the model with their product in its weights (tests/reference/adapter.py);
 * beside the plain base and another adapter in one pass; and files that do not fit. */
#include "engine.h"
#include "golden_logits.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define GOLDEN "tests/reference/golden/"
static const char base[] = GOLDEN "tiny-llama.gguf", lora[] = GOLDEN "tiny-lora.gguf";

static struct adapter *adapter_of(const struct decoder *d)
{
	struct error err = { "" };
	struct adapter *a = adapter_open(lora, d, &err);

	if (!a)
		fail_msg("%s", err.text);
	return a;
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

		check_agreement((*k)->name, with, (*k)->bf16 ? 0.9 : 0.99, (*k)->bf16 ? 0.02 : 1e-4);
		assert_true((*k)->bf16 || with.difference < 1e-3);
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
		free(bad);
	}
	assert_null(adapter_open(base, e.decoder, &err));
	unlink(path);
	free(good);
	engine_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adapter_matches_merged_weights_with_every_kernel_set),
		cmocka_unit_test(adapters_share_a_pass_without_a_trace),
		cmocka_unit_test(misfits_are_refused),
	};

	return cmocka_run_group_tests_name("llm_adapter", tests, NULL, NULL);
}
