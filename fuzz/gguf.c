/* gguf.c - any bytes as a GGUF file: refused with a sentence, or everything in it can be read. */
#include <stdlib.h>
#include <string.h>

#include "llm/gguf.h"
#include "memory_file.h"
#include "tensor_rows.h"

static const char *const keys[] = { "general.alignment", "general.architecture", "list.text",   "list.int32",
				    "list.uint64",       "tokenizer.ggml.tokens", "kind.text", "kind.f64",
				    "list.float32",      "list.float64",          "" };

/* Each lookup on each key, of the kind that it has and of all others. */
static size_t read_key(const struct gguf *g, const char *key)
{
	int64_t i = 0;
	double x = 0;
	bool yes = false;
	struct gguf_string text = { "", 0 };
	size_t sum = gguf_int(g, key, &i) + gguf_float(g, key, &x) + gguf_bool(g, key, &yes) + gguf_text(g, key, &text);

	for (size_t k = 0; k < text.n; k++)
		sum += (unsigned char)text.at[k];
	for (size_t k = 0; k < gguf_ints(g, key); k++)
		sum += (size_t)gguf_int_at(g, key, k);
	for (size_t k = 0; k < gguf_floats(g, key); k++)
		sum += gguf_float_at(g, key, k) > 0;
	for (size_t k = 0; k < gguf_strings(g, key); k++) {
		text = gguf_string_at(g, key, k);
		if (text.n)
			sum += (unsigned char)text.at[text.n - 1];
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct error err = { "" };
	struct gguf *g = gguf_open(memory_file(bytes, n), &err);
	size_t sum = 0;

	if (!g != (err.text[0] != '\0')) /* a sentence exactly when it fails */
		abort();
	if (!g)
		return 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		sum += read_key(g, keys[i]);
	for (size_t i = 0; i < gguf_tensor_count(g); i++) {
		const struct tensor *t = gguf_tensor_at(g, i);

		if (gguf_tensor(g, t->name) != t)
			abort();
		tensor_rows_read(t);
	}
	gguf_free(g);
	return sum == SIZE_MAX ? -1 : 0; /* uses the sum; -1 only keeps the input out of the corpus */
}
