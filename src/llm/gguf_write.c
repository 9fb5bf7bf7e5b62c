/* gguf_write.c - header, metadata, tensor table, then the data, each tensor at a multiple of ALIGNMENT. */
#include "llm/gguf_write.h"

#include <stdint.h>
#include <string.h>

#include "base/file.h"

enum { VERSION = 3, KIND_FLOAT32 = 6, KIND_STRING = 8, TYPE_F32 = 0, ALIGNMENT = 32 };

static size_t aligned(size_t n)
{
	return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

struct writing {
	struct file_write file;
	size_t at;
};

static void put(struct writing *w, const void *bytes, size_t n)
{
	file_write_put(&w->file, bytes, n);
	w->at += n;
}

static void put32(struct writing *w, uint32_t value)
{
	put(w, &value, sizeof(value));
}

static void put64(struct writing *w, uint64_t value)
{
	put(w, &value, sizeof(value));
}

static void put_text(struct writing *w, const char *text)
{
	put64(w, strlen(text));
	put(w, text, strlen(text));
}

static void put_pair(struct writing *w, const struct gguf_pair *p)
{
	put_text(w, p->key);
	put32(w, p->text ? KIND_STRING : KIND_FLOAT32);
	if (p->text)
		put_text(w, p->text);
	else
		put(w, &p->number, sizeof(p->number));
}

static void pad(struct writing *w)
{
	static const char zeros[ALIGNMENT];

	put(w, zeros, aligned(w->at) - w->at);
}

static size_t bytes_of(const struct gguf_out *t)
{
	return t->rows * t->columns * sizeof(float);
}

bool gguf_write(const char *path, const struct gguf_pair *pairs, size_t n_pairs, const struct gguf_out *tensors, size_t n_tensors,
		struct error *err)
{
	struct writing w = { .at = 0 };
	size_t offset = 0;

	if (!file_write_begin(&w.file, path, err))
		return false;
	put(&w, "GGUF", 4);
	put32(&w, VERSION);
	put64(&w, n_tensors);
	put64(&w, n_pairs);
	for (size_t i = 0; i < n_pairs; i++)
		put_pair(&w, &pairs[i]);
	for (size_t i = 0; i < n_tensors; i++) {
		put_text(&w, tensors[i].name);
		put32(&w, 2);
		put64(&w, tensors[i].columns); /* innermost first */
		put64(&w, tensors[i].rows);
		put32(&w, TYPE_F32);
		put64(&w, offset);
		offset += aligned(bytes_of(&tensors[i]));
	}
	pad(&w);
	for (size_t i = 0; i < n_tensors; i++) {
		put(&w, tensors[i].values, bytes_of(&tensors[i]));
		pad(&w);
	}
	return file_write_end(&w.file, err);
}
