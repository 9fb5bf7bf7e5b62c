/* safetensors_write.c - header, then the tensors in the order given. */
#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "llm/safetensors.h"

enum { ALIGNMENT = 8, PIECE = 4096 };

static size_t values_of(const struct safetensors_out *t)
{
	return (t->rows ? t->rows : 1) * t->columns;
}

static size_t bytes_of(const struct safetensors_out *t)
{
	return values_of(t) * (t->type == TENSOR_F16 ? sizeof(uint16_t) : sizeof(float));
}

/* The header as text, padded with spaces so that the data begin at a multiple of ALIGNMENT. */
static char *header_of(const struct safetensors_out *tensors, size_t n, const char *const *metadata, size_t n_metadata, size_t *size)
{
	json_t *root = json_object(), *texts = json_object();
	size_t at = 0;

	for (size_t i = 0; i < n_metadata; i++)
		json_object_set_new(texts, metadata[2 * i], json_string(metadata[2 * i + 1]));
	if (n_metadata > 0)
		json_object_set(root, "__metadata__", texts);
	json_decref(texts);
	for (size_t i = 0; i < n; i++) {
		const struct safetensors_out *t = &tensors[i];
		json_t *shape = t->rows ? json_pack("[I, I]", (json_int_t)t->rows, (json_int_t)t->columns) :
					  json_pack("[I]", (json_int_t)t->columns);
		size_t end = at + bytes_of(t);

		json_object_set_new(root, t->name, json_pack("{s:s, s:o, s:[I, I]}", "dtype", t->type == TENSOR_F16 ? "F16" : "F32",
							     "shape", shape, "data_offsets", (json_int_t)at, (json_int_t)end));
		at = end;
	}
	char *json = json_dumps(root, JSON_COMPACT);
	size_t length = strlen(json);

	json_decref(root);
	*size = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	json = mem_resize(json, *size + 1, 1);
	memset(json + length, ' ', *size - length);
	return json;
}

static void put_values(struct file_write *w, const struct safetensors_out *t)
{
	uint16_t halves[PIECE];

	if (t->type != TENSOR_F16) {
		file_write_put(w, t->values, bytes_of(t));
		return;
	}
	for (size_t from = 0; from < values_of(t); from += PIECE) {
		size_t n = values_of(t) - from < PIECE ? values_of(t) - from : PIECE;

		for (size_t i = 0; i < n; i++)
			halves[i] = f32_to_f16(t->values[from + i]);
		file_write_put(w, halves, n * sizeof(*halves));
	}
}

bool safetensors_write(const char *path, const struct safetensors_out *tensors, size_t n, const char *const *metadata,
		       size_t n_metadata, struct error *err)
{
	struct file_write w;
	size_t size;

	if (!file_write_begin(&w, path, err))
		return false;
	char *header = header_of(tensors, n, metadata, n_metadata, &size);
	uint64_t length = size;

	file_write_put(&w, &length, sizeof(length)); /* little-endian, as are all machines this runs on */
	file_write_put(&w, header, size);
	free(header);
	for (size_t i = 0; i < n; i++)
		put_values(&w, &tensors[i]);
	return file_write_end(&w, err);
}
