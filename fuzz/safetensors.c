/* safetensors.c - any bytes as a safetensors file: refused with a sentence, or every tensor can be read. */
#include <stdlib.h>
#include <string.h>

#include "llm/safetensors.h"
#include "memory_file.h"
#include "tensor_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct error err = { "" };
	struct safetensors *s = safetensors_open(memory_file(bytes, n), &err);

	if (!s != (err.text[0] != '\0')) /* a sentence exactly when it fails */
		abort();
	if (!s)
		return 0;
	for (size_t i = 0; i < safetensors_count(s); i++) {
		const struct tensor *t = safetensors_at(s, i);

		if (safetensors_find(s, t->name) != t)
			abort();
		tensor_rows_read(t);
	}
	safetensors_free(s);
	return 0;
}
