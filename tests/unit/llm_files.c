/* Model files that are whole: values bit for bit as the gguf package and numpy read them (tests/reference/tensors.py
 * wrote the golden files), every kind of metadata, and the two models. Damaged ones: llm_files_damaged.c. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "llm/gguf.h"
#include "llm/safetensors.h"

static struct gguf *golden_gguf(void)
{
	struct error err = { .text = "" };
	struct gguf *g = gguf_open("tests/reference/golden/tensors.gguf", &err);

	if (!g)
		fail_msg("%s", err.text);
	return g;
}

static struct safetensors *golden_safetensors(void)
{
	struct error err = { .text = "" };
	struct safetensors *s = safetensors_open("tests/reference/golden/tensors.safetensors", &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static uint32_t bits_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* Reads row by row, last row first, so that an offset that ignores `first` shows. */
static void assert_rows(const struct tensor *t, size_t rows, size_t columns, FILE *want)
{
	float got[512], whole[512];
	unsigned bits;

	assert_int_equal(tensor_rows(t), rows);
	assert_int_equal(tensor_columns(t), columns);
	assert_true(rows * columns <= ARRAY_SIZE(got));
	for (size_t row = rows; row-- > 0;)
		tensor_read(t, row, 1, got + row * columns);
	for (size_t i = 0; i < rows * columns; i++) {
		assert_int_equal(fscanf(want, "%x", &bits), 1);
		if (bits_of(got[i]) != bits)
			fail_msg("%s value %zu: got %08x, want %08x", t->name, i, (unsigned)bits_of(got[i]), bits);
	}
	tensor_read(t, rows, 0, whole); /* no rows are rows too */
	tensor_read(t, 0, rows, whole);
	assert_memory_equal(whole, got, rows * columns * sizeof(*got));
}

static void values_match_reference(void **state)
{
	struct gguf *g = golden_gguf();
	struct safetensors *s = golden_safetensors();
	FILE *want = fopen("tests/reference/golden/tensors.txt", "r");
	char file[32], name[32], type[8];
	size_t rows, columns, n = 0;

	(void)state;
	assert_non_null(want);
	for (; fscanf(want, "%31s %31s %7s %zu %zu", file, name, type, &rows, &columns) == 5; n++) {
		bool first = strcmp(file, "tensors.gguf") == 0;
		const struct tensor *t = first ? gguf_tensor(g, name) : safetensors_find(s, name);

		if (!t)
			fail_msg("%s has no tensor %s", file, name);
		assert_string_equal(tensor_type_name(t->type), type);
		assert_rows(t, rows, columns, want);
	}
	assert_int_equal(n, 16);
	assert_int_equal(gguf_tensor_count(g) + safetensors_count(s), n);
	fclose(want);
	safetensors_free(s);
	gguf_free(g);
}

/* The constant is print_constants() of tests/reference/tensors.py. */
static void every_f16_matches_reference(void **state)
{
	float *values = calloc(65536, sizeof(*values));
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 65536; i++)
		if ((i & 0x7C00) != 0x7C00 || (i & 0x3FF) == 0)
			values[n++] = f16_to_f32((uint16_t)i);
		else
			assert_true(isnan(f16_to_f32((uint16_t)i)));
	assert_true(hash64(values, n * sizeof(*values), 0) == 0xaf5658c037f2b9c7u);
	free(values);
}

static const struct {
	const char *name;
	uint32_t f32;
	uint16_t bf16;
} roundings[] = {
	{ "zero", 0x00000000, 0x0000 },
	{ "minus zero", 0x80000000, 0x8000 },
	{ "one", 0x3f800000, 0x3f80 },
	{ "a tie goes down to even", 0x3f808000, 0x3f80 },
	{ "a tie goes up to even", 0x3f818000, 0x3f82 },
	{ "above a tie", 0x3f808001, 0x3f81 },
	{ "below a tie", 0x3f807fff, 0x3f80 },
	{ "the largest f32 is beyond bf16", 0x7f7fffff, 0x7f80 },
	{ "infinity", 0x7f800000, 0x7f80 },
	{ "minus infinity", 0xff800000, 0xff80 },
	{ "NaN with a payload in the lost bits", 0x7f800001, 0x7fc0 },
	{ "NaN", 0xffc12345, 0xffc1 },
	{ "the smallest f32", 0x00000001, 0x0000 },
	{ "subnormals round too", 0x00008001, 0x0001 },
};

static void bf16_rounds_as_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(roundings); i++) {
		float x;

		memcpy(&x, &roundings[i].f32, sizeof(x));
		if (f32_to_bf16(x) != roundings[i].bf16)
			fail_msg("%s: got %04x, want %04x", roundings[i].name, f32_to_bf16(x), roundings[i].bf16);
		assert_true(isnan(x) || bits_of(bf16_to_f32(roundings[i].bf16)) == (uint32_t)roundings[i].bf16 << 16);
	}
}

static void row_bytes_are_whole_blocks(void **state)
{
	(void)state;
	assert_int_equal(tensor_row_bytes(TENSOR_F32, 3), 12);
	assert_int_equal(tensor_row_bytes(TENSOR_F16, 3), 6);
	assert_int_equal(tensor_row_bytes(TENSOR_Q8_0, 64), 68);
	assert_int_equal(tensor_row_bytes(TENSOR_Q4_0, 64), 36);
	assert_int_equal(tensor_row_bytes(TENSOR_Q4_1, 64), 40);
	assert_int_equal(tensor_row_bytes(TENSOR_Q4_1, 33), 0);
	assert_int_equal(tensor_row_bytes(TENSOR_Q5_0, 64), 44);
	assert_int_equal(tensor_row_bytes(TENSOR_Q5_1, 64), 48);
	assert_int_equal(tensor_row_bytes(TENSOR_Q4_K, 512), 288);
	assert_int_equal(tensor_row_bytes(TENSOR_Q5_K, 512), 352);
	assert_int_equal(tensor_row_bytes(TENSOR_Q6_K, 512), 420);
	assert_int_equal(tensor_row_bytes(TENSOR_Q6_K, 32), 0);
	assert_int_equal(tensor_row_bytes(TENSOR_F32, SIZE_MAX / 2), 0);
}

/* --- metadata ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *key;
	int64_t value;
} ints[] = {
	{ "kind.u8", 200 },
	{ "kind.i8", -100 },
	{ "kind.u16", 60000 },
	{ "kind.i16", -30000 },
	{ "kind.u32", 4000000000 },
	{ "kind.i32", -2000000000 },
	{ "kind.u64", INT64_C(1) << 62 },
	{ "kind.i64", -(INT64_C(1) << 62) },
	{ "general.alignment", 64 },
};

static const char *const no_ints[] = { "kind.big", "kind.f32", "kind.yes", "kind.text", "list.int32", "kind", "" };

static void integers_of_every_width(void **state)
{
	struct gguf *g = golden_gguf();
	int64_t v = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(no_ints); i++)
		assert_false(gguf_int(g, no_ints[i], &v));
	assert_int_equal(v, 7);
	for (size_t i = 0; i < ARRAY_SIZE(ints); i++)
		if (!gguf_int(g, ints[i].key, &v) || v != ints[i].value)
			fail_msg("%s: got %lld", ints[i].key, (long long)v);
	gguf_free(g);
}

static void floats_bools_and_texts(void **state)
{
	struct gguf *g = golden_gguf();
	struct gguf_string text = { 0 };
	double x = 0;
	bool yes = false, no = true;

	(void)state;
	assert_true(gguf_float(g, "kind.f32", &x) && x == 0.15625);
	assert_true(gguf_float(g, "kind.f64", &x) && x == 0.1);
	assert_false(gguf_float(g, "kind.u8", &x) || gguf_float(g, "list.float32", &x) || gguf_float(g, "none", &x));
	assert_true(gguf_bool(g, "kind.yes", &yes) && yes && gguf_bool(g, "kind.no", &no) && !no);
	assert_false(gguf_bool(g, "kind.u8", &yes) || gguf_bool(g, "list.bool", &yes));
	assert_true(gguf_text(g, "kind.text", &text));
	assert_int_equal(text.n, strlen("a naïve text\n"));
	assert_memory_equal(text.at, "a naïve text\n", text.n);
	assert_true(gguf_text(g, "kind.blank", &text) && text.n == 0);
	assert_false(gguf_text(g, "kind.u8", &text) || gguf_text(g, "list.text", &text));
	gguf_free(g);
}

static const struct {
	const char *key;
	size_t n, i;
	int64_t value;
} int_lists[] = {
	{ "list.uint8", 2, 1, 255 },
	{ "list.int8", 2, 0, -128 },
	{ "list.uint16", 1, 0, 65535 },
	{ "list.int16", 1, 0, -32768 },
	{ "list.uint32", 1, 0, 4294967295 },
	{ "list.int32", 2, 0, INT32_MIN },
	{ "list.int32", 2, 1, 5 },
	{ "list.uint64", 2, 0, 1 },
	{ "list.uint64", 2, 1, INT64_MAX },
	{ "list.int64", 1, 0, INT64_MIN },
};

static void arrays_by_index(void **state)
{
	static const char *const words[] = { "", "one", "zwei", "троє", "five" };
	struct gguf *g = golden_gguf();

	(void)state;
	assert_int_equal(gguf_strings(g, "list.text"), ARRAY_SIZE(words));
	for (size_t i = ARRAY_SIZE(words); i-- > 0;) {
		struct gguf_string s = gguf_string_at(g, "list.text", i);

		assert_int_equal(s.n, strlen(words[i]));
		assert_memory_equal(s.at, words[i], s.n);
	}
	for (size_t i = 0; i < ARRAY_SIZE(int_lists); i++) {
		assert_int_equal(gguf_ints(g, int_lists[i].key), int_lists[i].n);
		assert_true(gguf_int_at(g, int_lists[i].key, int_lists[i].i) == int_lists[i].value);
	}
	assert_int_equal(gguf_floats(g, "list.float32"), 2);
	assert_int_equal(gguf_floats(g, "list.float64"), 1);
	assert_true(gguf_float_at(g, "list.float32", 1) == 2.5 && gguf_float_at(g, "list.float64", 0) == 1.0);
	assert_int_equal(gguf_floats(g, "list.int8") + gguf_floats(g, "kind.f32") + gguf_floats(g, "none"), 0);
	assert_int_equal(gguf_ints(g, "list.text") + gguf_ints(g, "list.float32") + gguf_ints(g, "list.bool"), 0);
	assert_int_equal(gguf_ints(g, "kind.u8") + gguf_ints(g, "none"), 0);
	assert_int_equal(gguf_strings(g, "list.int8") + gguf_strings(g, "kind.text") + gguf_strings(g, "none"), 0);
	gguf_free(g);
}

static void shapes_are_outermost_first(void **state)
{
	struct gguf *g = golden_gguf();
	struct safetensors *s = golden_safetensors();
	const struct tensor *deep = gguf_tensor(g, "f32.deep"), *weight = safetensors_find(s, "head.weight");
	const size_t want_deep[] = { 2, 1, 2, 3 }, want_weight[] = { 3, 5, 1, 1 };

	(void)state;
	assert_int_equal(deep->n_dims, 4);
	assert_memory_equal(deep->shape, want_deep, sizeof(want_deep));
	assert_int_equal(weight->n_dims, 2);
	assert_memory_equal(weight->shape, want_weight, sizeof(want_weight));
	assert_string_equal(gguf_tensor_at(g, 0)->name, "f32.bias");
	assert_string_equal(safetensors_at(s, 0)->name, "single");
	assert_int_equal(safetensors_at(s, 0)->n_dims, 0);
	assert_null(gguf_tensor(g, "f32"));
	assert_null(safetensors_find(s, "position_ids")); /* checked, and left out */
	assert_string_equal(gguf_path(g), "tests/reference/golden/tensors.gguf");
	safetensors_free(s);
	gguf_free(g);
}

/* --- the models -------------------------------------------------------------------------------------------------- */

static void smollm2_is_read_whole(void **state)
{
	size_t types[TENSOR_TYPES] = { 0 };
	char path[4096];
	struct error err = { .text = "" };
	struct gguf *g;

	(void)state;
	snprintf(path, sizeof(path), "%s/smollm2-135m-instruct.Q4_1.gguf", test_models_folder());
	if (!file_exists(path)) {
		print_message("skipped: %s is absent (make models)\n", path);
		skip();
	}
	g = gguf_open(path, &err);
	if (!g)
		fail_msg("%s", err.text);
	assert_int_equal(gguf_tensor_count(g), 272);
	for (size_t i = 0; i < gguf_tensor_count(g); i++)
		types[gguf_tensor_at(g, i)->type]++;
	assert_int_equal(types[TENSOR_Q4_1], 210);
	assert_int_equal(types[TENSOR_F32], 61);
	assert_int_equal(types[TENSOR_Q8_0], 1);
	assert_int_equal(tensor_rows(gguf_tensor(g, "token_embd.weight")), 49152);
	assert_int_equal(tensor_columns(gguf_tensor(g, "token_embd.weight")), 576);
	assert_int_equal(gguf_strings(g, "tokenizer.ggml.tokens"), 49152);
	assert_int_equal(gguf_strings(g, "tokenizer.ggml.merges"), 48900);
	assert_memory_equal(gguf_string_at(g, "tokenizer.ggml.tokens", 2).at, "<|im_end|>", 10);
	assert_int_equal(gguf_int_at(g, "tokenizer.ggml.token_type", 0), 3);
	gguf_free(g);
}

static void minilm_is_read_whole(void **state)
{
	char path[4096];
	struct error err = { .text = "" };
	struct safetensors *s;

	(void)state;
	snprintf(path, sizeof(path), "%s/all-MiniLM-L6-v2/model.safetensors", test_models_folder());
	if (!file_exists(path)) {
		print_message("skipped: %s is absent (make models)\n", path);
		skip();
	}
	s = safetensors_open(path, &err);
	if (!s)
		fail_msg("%s", err.text);
	assert_int_equal(safetensors_count(s), 103); /* the file's 104 less the integers embeddings.position_ids */
	assert_int_equal(tensor_rows(safetensors_find(s, "embeddings.word_embeddings.weight")), 30522);
	assert_int_equal(tensor_columns(safetensors_find(s, "embeddings.word_embeddings.weight")), 384);
	safetensors_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_match_reference),
		cmocka_unit_test(every_f16_matches_reference),
		cmocka_unit_test(bf16_rounds_as_reference),
		cmocka_unit_test(row_bytes_are_whole_blocks),
		cmocka_unit_test(integers_of_every_width),
		cmocka_unit_test(floats_bools_and_texts),
		cmocka_unit_test(arrays_by_index),
		cmocka_unit_test(shapes_are_outermost_first),
		cmocka_unit_test(smollm2_is_read_whole),
		cmocka_unit_test(minilm_is_read_whole),
	};

	return cmocka_run_group_tests_name("llm_files", tests, NULL, NULL);
}
