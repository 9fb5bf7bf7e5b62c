/* safetensors.c - u64 length, a JSON object of that length, then the tensors' bytes without a gap.
 *
 * The header is {"__metadata__": {text: text}, NAME: {"dtype", "shape", "data_offsets": [begin, end]}, ...}; jansson
 * parses it, with a name that is there twice refused. Sorting by begin makes one pass enough to know that tensors
 * neither overlap nor leave bytes nobody owns; the format demands both, so that a file can hide nothing. */
#include "llm/safetensors.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/file.h"

/* Parsed JSON takes up to 20 times its text; 16 MiB are room for 100,000 tensors. */
enum { LENGTH_BYTES = 8, HEADER_LIMIT = 16 << 20 };

static const struct dtype {
	const char *name;
	size_t bytes;
	bool kept; /* false: checked, then left out */
	enum tensor_type type;
} dtypes[] = {
	{ "F32", 4, true, TENSOR_F32 },
	{ "F16", 2, true, TENSOR_F16 },
	{ "BF16", 2, true, TENSOR_BF16 },
	{ .name = "I64", .bytes = 8 },
	{ .name = "I32", .bytes = 4 },
	{ .name = "I16", .bytes = 2 },
	{ .name = "I8", .bytes = 1 },
	{ .name = "U64", .bytes = 8 },
	{ .name = "U32", .bytes = 4 },
	{ .name = "U16", .bytes = 2 },
	{ .name = "U8", .bytes = 1 },
	{ .name = "BOOL", .bytes = 1 },
};

struct safetensors {
	const char *path;
	struct file_map map;
	struct arena arena;
	struct tensor_list tensors; /* the kept ones */
};

/* One entry of the header; the tensor's data is known once all are placed. */
struct entry {
	struct tensor tensor;
	const struct dtype *dtype;
	uint64_t begin, end; /* into the data */
};

static bool refuse_entry(const struct safetensors *s, const char *name, struct error *err, const char *reason)
{
	return error_set(err, "%s: tensor %s: %s", s->path, name, reason);
}

/* A whole number that is not negative. */
static bool get_size(const json_t *value, uint64_t *out)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*out = (uint64_t)json_integer_value(value);
	return true;
}

static bool read_dtype(const struct safetensors *s, const json_t *value, struct entry *e, struct error *err)
{
	const char *name = json_string_value(value);

	if (!name)
		return refuse_entry(s, e->tensor.name, err, "\"dtype\" is not a string");
	for (size_t i = 0; i < sizeof(dtypes) / sizeof(*dtypes); i++) {
		e->dtype = &dtypes[i];
		e->tensor.type = dtypes[i].type;
		if (strcmp(name, dtypes[i].name) == 0)
			return true;
	}
	return error_set(err, "%s: tensor %s: element type %s is not supported; F32, F16 and BF16 are", s->path,
			 e->tensor.name, tensor_name_valid(name, strlen(name)) ? name : "(unprintable)");
}

static bool read_shape(const struct safetensors *s, const json_t *value, struct entry *e, struct error *err)
{
	struct tensor *t = &e->tensor;

	if (!json_is_array(value) || json_array_size(value) > TENSOR_DIMS)
		return refuse_entry(s, t->name, err, "\"shape\" is not an array of at most 4 numbers");
	t->n_dims = (int)json_array_size(value);
	for (size_t i = 0; i < TENSOR_DIMS; i++) {
		uint64_t v = 1;

		if (i < (size_t)t->n_dims && !get_size(json_array_get(value, i), &v))
			return refuse_entry(s, t->name, err, "\"shape\" holds something else than whole numbers");
		t->shape[i] = (size_t)v;
	}
	if (tensor_values(t) == 0)
		return refuse_entry(s, t->name, err, "\"shape\" has a 0 or is larger than any file");
	t->bytes = tensor_values(t) * e->dtype->bytes;
	return true;
}

static bool read_offsets(const struct safetensors *s, const json_t *value, struct entry *e, struct error *err)
{
	const char *name = e->tensor.name;

	if (json_array_size(value) != 2 || !get_size(json_array_get(value, 0), &e->begin) ||
	    !get_size(json_array_get(value, 1), &e->end))
		return refuse_entry(s, name, err, "\"data_offsets\" is not an array of two whole numbers");
	if (e->end < e->begin || e->end - e->begin != e->tensor.bytes)
		return error_set(err, "%s: tensor %s: data_offsets %" PRIu64 ", %" PRIu64 " are not its %zu bytes",
				 s->path, name, e->begin, e->end, e->tensor.bytes);
	return true;
}

static bool read_entry(struct safetensors *s, const char *name, const json_t *value, struct entry *e, struct error *err)
{
	if (!tensor_name_valid(name, strlen(name)))
		return error_set(err, "%s: a tensor's name is not 1 to 255 bytes without control characters", s->path);
	e->tensor.name = arena_string(&s->arena, name);
	if (!json_is_object(value))
		return refuse_entry(s, name, err, "not an object with dtype, shape and data_offsets");
	return read_dtype(s, json_object_get(value, "dtype"), e, err) &&
	       read_shape(s, json_object_get(value, "shape"), e, err) &&
	       read_offsets(s, json_object_get(value, "data_offsets"), e, err);
}

static bool metadata_valid(const struct safetensors *s, const json_t *metadata, struct error *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(metadata))
		return error_set(err, "%s: __metadata__ is not an object", s->path);
	json_object_foreach ((json_t *)(uintptr_t)metadata, key, value)
		if (!json_is_string(value))
			return error_set(err, "%s: __metadata__ holds something else than strings", s->path);
	return true;
}

static int compare_begins(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->begin > y->begin) - (x->begin < y->begin);
}

/* Sorts the entries, follows them through the data of n bytes and keeps those of a type that is read. */
static bool place_tensors(struct safetensors *s, struct entry *entries, size_t n_entries, const uint8_t *data, size_t n,
			  struct error *err)
{
	uint64_t next = 0;

	qsort(entries, n_entries, sizeof(*entries), compare_begins);
	for (size_t i = 0; i < n_entries; i++) {
		struct entry *e = &entries[i];

		if (e->begin != next)
			return error_set(err,
					 "%s: tensor %s: its bytes begin at %" PRIu64 " of the data, not at %" PRIu64
					 ", where the tensor before it ends",
					 s->path, e->tensor.name, e->begin, next);
		if (e->end > n)
			return error_set(err,
					 "%s: tensor %s: its bytes end at %" PRIu64 ", but the data has %zu: "
					 "the file is cut short or damaged; fetch it again",
					 s->path, e->tensor.name, e->end, n);
		next = e->end;
		e->tensor.data = data + e->begin;
		if (e->dtype->kept)
			s->tensors.at[s->tensors.n++] = e->tensor;
	}
	if (next != n)
		return error_set(err, "%s: %" PRIu64 " bytes behind the last tensor belong to none", s->path, n - next);
	return tensor_list_index(&s->tensors, &s->arena, s->path, err);
}

static bool read_entries(struct safetensors *s, json_t *header, const uint8_t *data, size_t n, struct error *err)
{
	size_t n_entries = 0;
	struct entry *entries = mem_zero(json_object_size(header), sizeof(*entries));
	bool good = true;
	const char *name;
	json_t *value;

	json_object_foreach (header, name, value) {
		if (strcmp(name, "__metadata__") == 0)
			good = metadata_valid(s, value, err);
		else
			good = read_entry(s, name, value, &entries[n_entries++], err);
		if (!good)
			goto out;
	}
	s->tensors.at = arena_array(&s->arena, n_entries, sizeof(*s->tensors.at));
	good = place_tensors(s, entries, n_entries, data, n, err);
out:
	free(entries);
	return good;
}

/* The header's length, checked against the file and the limit; 0 and the sentence otherwise. */
static size_t header_length(const struct safetensors *s, struct error *err)
{
	uint64_t length;

	if (s->map.n < LENGTH_BYTES) {
		error_set(err, "%s: not a safetensors file: %zu bytes, fewer than the 8 of a header's length", s->path,
			  s->map.n);
		return 0;
	}
	memcpy(&length, s->map.data, sizeof(length));
	if (length > HEADER_LIMIT) {
		error_set(err, "%s: not a safetensors file: a header of %" PRIu64 " bytes; at most %d are read",
			  s->path, length, HEADER_LIMIT);
		return 0;
	}
	if (length > s->map.n - LENGTH_BYTES) {
		error_set(err,
			  "%s: the header of %" PRIu64 " bytes goes beyond the file's %zu: "
			  "it is cut short or damaged; fetch it again",
			  s->path, length, s->map.n);
		return 0;
	}
	if (length < 2 || s->map.data[LENGTH_BYTES] != '{') {
		error_set(err, "%s: not a safetensors file: the header is not a JSON object", s->path);
		return 0;
	}
	return (size_t)length;
}

/* jansson quotes the text it stumbled over, which may hold anything; control characters stay out of the sentence. */
static bool refuse_json(const struct safetensors *s, json_error_t *json_error, struct error *err)
{
	for (char *c = json_error->text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F)
			*c = '?';
	return error_set(err, "%s: the header is not valid JSON at its byte %d: %s", s->path, json_error->position,
			 json_error->text);
}

static bool read_file(struct safetensors *s, struct error *err)
{
	size_t length = header_length(s, err);
	json_error_t json_error;
	json_t *header;
	bool good;

	if (!length)
		return false;
	header = json_loadb((const char *)s->map.data + LENGTH_BYTES, length, JSON_REJECT_DUPLICATES, &json_error);
	if (!header)
		return refuse_json(s, &json_error, err);
	good = read_entries(s, header, s->map.data + LENGTH_BYTES + length, s->map.n - LENGTH_BYTES - length, err);
	json_decref(header);
	return good;
}

struct safetensors *safetensors_open(const char *path, struct error *err)
{
	struct safetensors *s = mem_zero(1, sizeof(*s));

	arena_init(&s->arena);
	s->path = arena_string(&s->arena, path);
	if (!file_map(&s->map, path, err) || !read_file(s, err)) {
		safetensors_free(s);
		return NULL;
	}
	return s;
}

void safetensors_free(struct safetensors *s)
{
	if (!s)
		return;
	file_unmap(&s->map);
	arena_release(&s->arena);
	free(s);
}

size_t safetensors_count(const struct safetensors *s)
{
	return s->tensors.n;
}

const struct tensor *safetensors_at(const struct safetensors *s, size_t i)
{
	assert(i < s->tensors.n);
	return &s->tensors.at[i];
}

const struct tensor *safetensors_find(const struct safetensors *s, const char *name)
{
	return tensor_list_find(&s->tensors, name);
}
