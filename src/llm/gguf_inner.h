/* gguf_inner.h - an open GGUF file, for the reader (gguf.c) and the lookups in its metadata (gguf_metadata.c). */
#ifndef RUNG_LLM_GGUF_INNER_H
#define RUNG_LLM_GGUF_INNER_H

#include "base/arena.h"
#include "base/file.h"
#include "llm/gguf.h"

enum kind { UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64, KINDS };

struct field {
	const char *key; /* in the file, not NUL-terminated */
	size_t key_bytes;
	enum kind kind;         /* of the value, or of an array's elements */
	bool array;
	size_t n;               /* elements; 1 for a single value */
	const uint8_t *at;      /* the first element */
	const uint8_t **starts; /* arrays of strings: where each begins (its length), else NULL */
};

struct gguf {
	const char *path;
	struct file_map map;
	struct arena arena;
	struct field *fields; /* sorted by key */
	size_t n_fields;
	struct tensor_list tensors; /* in the file's order */
};

size_t gguf_kind_bytes(enum kind kind);           /* of one value; 0 for STRING and ARRAY, which differ in length */
int gguf_compare_fields(const void *a, const void *b); /* by key, for qsort() and bsearch() */
/* The value (or with `array` the array) under the key; NULL when absent or the other of the two. */
const struct field *gguf_find(const struct gguf *g, const char *key, bool array);

#endif
