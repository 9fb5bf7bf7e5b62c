/* gguf.h - GGUF version 3 files (ggml's docs/gguf.md), mapped and treated as hostile input.
 *
 * gguf_open() reads and checks everything before it returns: magic, version, counts, every key, value, name, shape,
 * type, alignment and tensor range. A file cut at any byte, with absurd dimensions or overlapping its own end is one
 * sentence that names the file and the field. Memory taken is at most a few times the file's size, whatever counts it
 * claims. Refused beyond the format's own rules: arrays of arrays, and tensors that do not follow each other in the
 * data (ggml refuses both too). An open file is immutable; threads share it. */
#ifndef RUNG_LLM_GGUF_H
#define RUNG_LLM_GGUF_H

#include "base/error.h"
#include "llm/tensor.h"

struct gguf;

/* A string inside the mapped file, not NUL-terminated, any bytes. */
struct gguf_string {
	const char *at;
	size_t n;
};

/* The caller frees it with gguf_free(). NULL and the sentence on failure. */
struct gguf *gguf_open(const char *path, struct error *err);
void gguf_free(struct gguf *g); /* NULL is fine; ends the life of every tensor and string that came from g */
const char *gguf_path(const struct gguf *g);

size_t gguf_tensor_count(const struct gguf *g);
const struct tensor *gguf_tensor_at(const struct gguf *g, size_t i);
/* NULL when there is no tensor of that name; lives as long as g. */
const struct tensor *gguf_tensor(const struct gguf *g, const char *name);

/* Metadata. Each returns false when the key is absent or of another kind (integers of every width and sign convert
 * when the value fits), and leaves *out alone. */
bool gguf_int(const struct gguf *g, const char *key, int64_t *out);
bool gguf_float(const struct gguf *g, const char *key, double *out);
bool gguf_bool(const struct gguf *g, const char *key, bool *out);
bool gguf_text(const struct gguf *g, const char *key, struct gguf_string *out);
/* Arrays: the number of elements, 0 when absent or of another element kind. The index must be below that number. */
size_t gguf_strings(const struct gguf *g, const char *key);
struct gguf_string gguf_string_at(const struct gguf *g, const char *key, size_t i); /* constant time per call */
size_t gguf_ints(const struct gguf *g, const char *key);
int64_t gguf_int_at(const struct gguf *g, const char *key, size_t i); /* a uint64 beyond INT64_MAX reads as that */
size_t gguf_floats(const struct gguf *g, const char *key);
double gguf_float_at(const struct gguf *g, const char *key, size_t i);

#endif
