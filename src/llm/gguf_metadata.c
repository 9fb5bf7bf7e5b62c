/* gguf_metadata.c - lookups in the sorted keys of an open file; gguf.c has checked every value. */
#include <assert.h>
#include <string.h>

#include "llm/gguf_inner.h"

static const size_t kind_bytes[KINDS] = {
	[UINT8] = 1, [INT8] = 1, [UINT16] = 2,  [INT16] = 2,  [UINT32] = 4,  [INT32] = 4,
	[BOOL] = 1,  [FLOAT32] = 4, [UINT64] = 8, [INT64] = 8, [FLOAT64] = 8, /* STRING and ARRAY differ in length */
};

size_t gguf_kind_bytes(enum kind kind)
{
	return kind_bytes[kind];
}

static int compare_bytes(const char *a, size_t n_a, const char *b, size_t n_b)
{
	int order = memcmp(a, b, n_a < n_b ? n_a : n_b);

	return order ? order : (n_a > n_b) - (n_a < n_b);
}

int gguf_compare_fields(const void *a, const void *b)
{
	const struct field *x = a, *y = b;

	return compare_bytes(x->key, x->key_bytes, y->key, y->key_bytes);
}

const struct field *gguf_find(const struct gguf *g, const char *key, bool array)
{
	struct field like = { .key = key, .key_bytes = strlen(key) };
	const struct field *f = bsearch(&like, g->fields, g->n_fields, sizeof(like), gguf_compare_fields);

	return f && f->array == array ? f : NULL;
}

static bool is_integer(enum kind kind)
{
	return kind != FLOAT32 && kind != FLOAT64 && kind != BOOL && kind != STRING && kind != ARRAY;
}

/* Element i of an integer field; false where an int64 cannot hold it. */
static bool load_int(const struct field *f, size_t i, int64_t *out)
{
	size_t width = kind_bytes[f->kind];
	unsigned unused = 64 - 8 * (unsigned)width;
	uint64_t v = 0;

	memcpy(&v, f->at + i * width, width);
	if (f->kind == UINT64 && v > INT64_MAX)
		return false;
	if (f->kind == INT8 || f->kind == INT16 || f->kind == INT32)
		*out = (int64_t)(v << unused) >> unused; /* extends the sign */
	else
		*out = (int64_t)v;
	return true;
}

bool gguf_int(const struct gguf *g, const char *key, int64_t *out)
{
	const struct field *f = gguf_find(g, key, false);

	return f && is_integer(f->kind) && load_int(f, 0, out);
}

static bool is_float(enum kind kind)
{
	return kind == FLOAT32 || kind == FLOAT64;
}

static double load_float(const struct field *f, size_t i)
{
	double wide;
	float narrow;

	if (f->kind == FLOAT64) {
		memcpy(&wide, f->at + i * sizeof(wide), sizeof(wide));
		return wide;
	}
	memcpy(&narrow, f->at + i * sizeof(narrow), sizeof(narrow));
	return (double)narrow;
}

bool gguf_float(const struct gguf *g, const char *key, double *out)
{
	const struct field *f = gguf_find(g, key, false);

	if (!f || !is_float(f->kind))
		return false;
	*out = load_float(f, 0);
	return true;
}

bool gguf_bool(const struct gguf *g, const char *key, bool *out)
{
	const struct field *f = gguf_find(g, key, false);

	if (!f || f->kind != BOOL)
		return false;
	*out = f->at[0] == 1;
	return true;
}

static struct gguf_string load_string(const uint8_t *at)
{
	uint64_t n;

	memcpy(&n, at, sizeof(n));
	return (struct gguf_string){ (const char *)at + sizeof(n), (size_t)n };
}

bool gguf_text(const struct gguf *g, const char *key, struct gguf_string *out)
{
	const struct field *f = gguf_find(g, key, false);

	if (!f || f->kind != STRING)
		return false;
	*out = load_string(f->at);
	return true;
}

size_t gguf_strings(const struct gguf *g, const char *key)
{
	const struct field *f = gguf_find(g, key, true);

	return f && f->kind == STRING ? f->n : 0;
}

struct gguf_string gguf_string_at(const struct gguf *g, const char *key, size_t i)
{
	const struct field *f = gguf_find(g, key, true);

	assert(f && f->kind == STRING && i < f->n);
	return load_string(f->starts[i]);
}

size_t gguf_ints(const struct gguf *g, const char *key)
{
	const struct field *f = gguf_find(g, key, true);

	return f && is_integer(f->kind) ? f->n : 0;
}

int64_t gguf_int_at(const struct gguf *g, const char *key, size_t i)
{
	const struct field *f = gguf_find(g, key, true);
	int64_t v = INT64_MAX;

	assert(f && is_integer(f->kind) && i < f->n);
	load_int(f, i, &v);
	return v;
}

size_t gguf_floats(const struct gguf *g, const char *key)
{
	const struct field *f = gguf_find(g, key, true);

	return f && is_float(f->kind) ? f->n : 0;
}

double gguf_float_at(const struct gguf *g, const char *key, size_t i)
{
	const struct field *f = gguf_find(g, key, true);

	assert(f && is_float(f->kind) && i < f->n);
	return load_float(f, i);
}
