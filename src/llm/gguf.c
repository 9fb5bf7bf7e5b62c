/* gguf.c - one pass over the header with a cursor that cannot leave the file; sorted indexes are what it leaves behind.
 *
 * Layout (ggml, docs/gguf.md): "GGUF", u32 version, u64 tensors, u64 keys; per key: string, u32 type, value; per
 * tensor: string, u32 dimensions, u64 each (innermost first), u32 type, u64 offset; padding; the data. A string is a
 * u64 length and bytes. Counts are believed only as far as the bytes behind them could hold that many elements. */
#include "llm/gguf.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "llm/gguf_inner.h"
#include "llm/quant.h"

enum { VERSION = 3, DEFAULT_ALIGNMENT = 32, KEY_LIMIT = 65535 };
enum { LEAST_STRING = 8, LEAST_FIELD = 8 + 4 + 1, LEAST_TENSOR = 8 + 4 + 4 + 8 }; /* bytes the smallest one takes */

/* The cursor. `where` names what is being read, for the sentence. */
struct scan {
	struct gguf *g;
	size_t at;
	char where[320];
	struct error *err;
};

__attribute__((format(printf, 2, 3))) static void locate(struct scan *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->where, sizeof(s->where), format, args);
	va_end(args);
}

__attribute__((format(printf, 2, 3))) static bool refuse(const struct scan *s, const char *format, ...)
{
	char reason[512];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	return error_set(s->err, "%s: %s%s%s", s->g->path, s->where, s->where[0] ? ": " : "", reason);
}

static size_t rest(const struct scan *s)
{
	return s->g->map.n - s->at;
}

/* The next n bytes, or NULL and the sentence. */
static const uint8_t *take(struct scan *s, size_t n)
{
	const uint8_t *p;

	if (n > rest(s)) {
		refuse(s,
		       "%zu bytes are needed at byte %zu, but the file ends at byte %zu: it is cut short or damaged; "
		       "fetch it again",
		       n, s->at, s->g->map.n);
		return NULL;
	}
	p = s->g->map.data + s->at;
	s->at += n;
	return p;
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool take_u32(struct scan *s, uint32_t *v)
{
	const uint8_t *p = take(s, sizeof(*v));

	if (p)
		*v = load32(p);
	return p != NULL;
}

static bool take_u64(struct scan *s, uint64_t *v)
{
	const uint8_t *p = take(s, sizeof(*v));

	if (p)
		*v = load64(p);
	return p != NULL;
}

/* A count of elements that take at least `least` bytes each; more than the file has room for is refused. */
static bool take_count(struct scan *s, const char *what, size_t least, size_t *n)
{
	uint64_t claimed = 0;

	if (!take_u64(s, &claimed))
		return false;
	if (claimed > rest(s) / least)
		return refuse(s, "%" PRIu64 " %s do not fit in the %zu bytes that follow: it is cut short or damaged",
			      claimed, what, rest(s));
	*n = (size_t)claimed;
	return true;
}

static bool take_string(struct scan *s, struct gguf_string *out)
{
	uint64_t n = 0;
	const uint8_t *p;

	if (!take_u64(s, &n))
		return false;
	p = take(s, (size_t)n);
	if (p)
		*out = (struct gguf_string){ (const char *)p, (size_t)n };
	return p != NULL;
}

/* Bytes of the key that a sentence has room for. */
static int shown(const struct field *f)
{
	return f->key_bytes > 100 ? 100 : (int)f->key_bytes;
}

/* Keys are printable ASCII by the format's rules; anything else would also travel into sentences and terminals. */
static bool take_key(struct scan *s, struct field *f)
{
	struct gguf_string key = { 0 };

	if (!take_string(s, &key))
		return false;
	if (key.n == 0 || key.n > KEY_LIMIT)
		return refuse(s, "the key has %zu bytes; 1 to %d are allowed", key.n, KEY_LIMIT);
	for (size_t i = 0; i < key.n; i++)
		if (key.at[i] <= ' ' || key.at[i] > '~')
			return refuse(s, "the key holds the byte 0x%02x; only printable ASCII is allowed",
				      (unsigned char)key.at[i]);
	f->key = key.at;
	f->key_bytes = key.n;
	locate(s, "metadata %.*s", shown(f), f->key);
	return true;
}

static bool take_kind(struct scan *s, enum kind *kind)
{
	uint32_t v = 0;

	if (!take_u32(s, &v))
		return false;
	if (v >= KINDS)
		return refuse(s, "value type %" PRIu32 " is unknown; types 0 to %d exist", v, KINDS - 1);
	*kind = (enum kind)v;
	return true;
}

static bool take_string_array(struct scan *s, struct field *f)
{
	struct gguf_string ignored;

	if (!take_count(s, "strings", LEAST_STRING, &f->n))
		return false;
	f->starts = arena_array(&s->g->arena, f->n, sizeof(*f->starts));
	for (size_t i = 0; i < f->n; i++) {
		f->starts[i] = s->g->map.data + s->at;
		if (!take_string(s, &ignored))
			return false;
	}
	return true;
}

static bool bools_valid(const struct scan *s, const struct field *f)
{
	for (size_t i = 0; f->kind == BOOL && i < f->n; i++)
		if (f->at[i] > 1)
			return refuse(s, "a boolean is 0 or 1, not %d", f->at[i]);
	return true;
}

static bool take_value(struct scan *s, struct field *f)
{
	struct gguf_string text;

	f->n = 1;
	if (!take_kind(s, &f->kind))
		return false;
	f->array = f->kind == ARRAY;
	if (f->array && !take_kind(s, &f->kind))
		return false;
	if (f->kind == ARRAY)
		return refuse(s, "arrays of arrays are not supported");
	if (f->array && f->kind == STRING)
		return take_string_array(s, f);
	f->at = s->g->map.data + s->at;
	if (f->kind == STRING)
		return take_string(s, &text);
	if (f->array && !take_count(s, "elements", gguf_kind_bytes(f->kind), &f->n))
		return false;
	f->at = take(s, f->n * gguf_kind_bytes(f->kind));
	return f->at && bools_valid(s, f);
}

static bool read_fields(struct scan *s)
{
	struct gguf *g = s->g;

	g->fields = arena_array(&g->arena, g->n_fields, sizeof(*g->fields));
	for (size_t i = 0; i < g->n_fields; i++) {
		locate(s, "metadata key %zu of %zu", i + 1, g->n_fields);
		if (!take_key(s, &g->fields[i]) || !take_value(s, &g->fields[i]))
			return false;
	}
	qsort(g->fields, g->n_fields, sizeof(*g->fields), gguf_compare_fields);
	locate(s, "metadata");
	for (size_t i = 1; i < g->n_fields; i++)
		if (gguf_compare_fields(&g->fields[i - 1], &g->fields[i]) == 0)
			return refuse(s, "the key %.*s is there twice", shown(&g->fields[i]), g->fields[i].key);
	return true;
}

static bool read_header(struct scan *s, size_t *n_tensors)
{
	const uint8_t *magic = take(s, 4);
	uint32_t version = 0;

	if (!magic)
		return false;
	if (memcmp(magic, "GGUF", 4) != 0)
		return refuse(s, "not a GGUF file: it begins with the bytes %02x %02x %02x %02x", magic[0], magic[1],
			      magic[2], magic[3]);
	locate(s, "header");
	if (!take_u32(s, &version))
		return false;
	if (version == (uint32_t)VERSION << 24)
		return refuse(s, "the file is big-endian, which is not supported");
	if (version != VERSION)
		return refuse(s, "GGUF version %" PRIu32 " is not supported, only %d: convert the model again",
			      version, VERSION);
	return take_count(s, "tensors", LEAST_TENSOR, n_tensors) &&
	       take_count(s, "metadata keys", LEAST_FIELD, &s->g->n_fields);
}

static bool take_type(struct scan *s, struct tensor *t)
{
	uint32_t number = 0;

	if (!take_u32(s, &number))
		return false;
	if (quant_type_find(number, &t->type))
		return true;
	if (!quant_number_name(number))
		return refuse(s, "element type %" PRIu32 " is unknown", number);
	return refuse(s, "element type %s is not supported; %s are", quant_number_name(number), quant_names());
}

static bool take_shape(struct scan *s, struct tensor *t)
{
	uint32_t n = 0;

	if (!take_u32(s, &n))
		return false;
	if (n > TENSOR_DIMS)
		return refuse(s, "%" PRIu32 " dimensions; at most %d are supported", n, TENSOR_DIMS);
	t->n_dims = (int)n;
	for (size_t i = 0; i < TENSOR_DIMS; i++)
		t->shape[i] = 1;
	while (n--) { /* the file has the innermost first */
		uint64_t v = 0;

		if (!take_u64(s, &v))
			return false;
		t->shape[n] = (size_t)v;
	}
	return true;
}

static bool measure(const struct scan *s, struct tensor *t)
{
	size_t row = tensor_row_bytes(t->type, tensor_columns(t));

	if (tensor_values(t) == 0)
		return refuse(s, "the shape (%zu, %zu, %zu, %zu) has a 0 or is larger than any file", t->shape[0],
			      t->shape[1], t->shape[2], t->shape[3]);
	if (row == 0)
		return refuse(s, "rows of %zu values are not whole blocks of %s", tensor_columns(t),
			      tensor_type_name(t->type));
	t->bytes = tensor_rows(t) * row;
	return true;
}

static bool read_tensor_info(struct scan *s, struct tensor *t, uint64_t *offset)
{
	struct gguf_string name = { 0 };

	if (!take_string(s, &name))
		return false;
	if (!tensor_name_valid(name.at, name.n))
		return refuse(s, "the name is not 1 to 255 bytes of UTF-8 without control characters");
	t->name = arena_copy(&s->g->arena, name.at, name.n);
	locate(s, "tensor %s", t->name);
	return take_shape(s, t) && take_type(s, t) && measure(s, t) && take_u64(s, offset);
}

static bool read_alignment(struct scan *s, size_t *alignment)
{
	static const char key[] = "general.alignment";
	int64_t v = DEFAULT_ALIGNMENT;
	const struct field like = { .key = key, .key_bytes = sizeof(key) - 1 };

	locate(s, "metadata %s", key);
	if (bsearch(&like, s->g->fields, s->g->n_fields, sizeof(like), gguf_compare_fields) && !gguf_int(s->g, key, &v))
		return refuse(s, "not an integer");
	if (v <= 0 || v > UINT32_MAX || (v & (v - 1)))
		return refuse(s, "%" PRId64 " is not a power of two", v);
	*alignment = (size_t)v;
	return true;
}

/* Puts the tensors behind each other, as ggml writes and demands them: offsets that could overlap or leave the file
 * never become pointers. Sizes are below 2^63 and each is checked against the file before it is added. */
static bool place_tensors(struct scan *s, const uint64_t *offsets, size_t alignment)
{
	size_t mask = alignment - 1, base = (s->at + mask) & ~mask, next = 0, end = s->g->map.n;

	for (size_t i = 0; i < s->g->tensors.n; i++) {
		struct tensor *t = &s->g->tensors.at[i];

		locate(s, "tensor %s", t->name);
		if (offsets[i] & mask)
			return refuse(s, "offset %" PRIu64 " is not a multiple of the alignment %zu", offsets[i],
				      alignment);
		if (offsets[i] != next)
			return refuse(s, "offset %" PRIu64 " is not %zu, where the tensor before it ends", offsets[i],
				      next);
		if (base > end || next > end - base || t->bytes > end - base - next)
			return refuse(s,
				      "its %zu bytes at offset %zu of the data end behind the file's %zu bytes: "
				      "it is cut short or damaged; fetch it again",
				      t->bytes, next, end);
		t->data = s->g->map.data + base + next;
		next = (next + t->bytes + mask) & ~mask;
	}
	return true;
}

static bool read_tensors(struct scan *s, size_t n)
{
	struct gguf *g = s->g;
	size_t alignment = DEFAULT_ALIGNMENT;
	uint64_t *offsets;

	if (!read_alignment(s, &alignment))
		return false;
	offsets = mem_zero(n, sizeof(*offsets));
	g->tensors.at = arena_array(&g->arena, n, sizeof(*g->tensors.at));
	g->tensors.n = n;
	for (size_t i = 0; i < n; i++) {
		locate(s, "tensor %zu of %zu", i + 1, n);
		if (!read_tensor_info(s, &g->tensors.at[i], &offsets[i]))
			goto failed;
	}
	if (!place_tensors(s, offsets, alignment))
		goto failed;
	free(offsets);
	return tensor_list_index(&g->tensors, &g->arena, g->path, s->err);
failed:
	free(offsets);
	return false;
}

struct gguf *gguf_open(const char *path, struct error *err)
{
	struct gguf *g = mem_zero(1, sizeof(*g));
	struct scan s = { .g = g, .err = err };
	size_t n_tensors = 0;

	arena_init(&g->arena);
	g->path = arena_string(&g->arena, path);
	if (!file_map(&g->map, path, err) || !read_header(&s, &n_tensors) || !read_fields(&s) ||
	    !read_tensors(&s, n_tensors)) {
		gguf_free(g);
		return NULL;
	}
	return g;
}

void gguf_free(struct gguf *g)
{
	if (!g)
		return;
	file_unmap(&g->map);
	arena_release(&g->arena);
	free(g);
}

const char *gguf_path(const struct gguf *g)
{
	return g->path;
}

size_t gguf_tensor_count(const struct gguf *g)
{
	return g->tensors.n;
}

const struct tensor *gguf_tensor_at(const struct gguf *g, size_t i)
{
	assert(i < g->tensors.n);
	return &g->tensors.at[i];
}

const struct tensor *gguf_tensor(const struct gguf *g, const char *name)
{
	return tensor_list_find(&g->tensors, name);
}
