/* arena.c - chained blocks that begin small and double; large requests get a block of their own. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 2 * 1024, BLOCK_SIZE = 64 * 1024, ALIGN = 16 };
static const size_t LARGEST = PTRDIFF_MAX - 4096; /* no allocation this large succeeds; overflow ends here */

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(ALIGN) char data[];
};

static void *checked(void *p)
{
	if (!p) {
		fputs("rung: out of memory\n", stderr);
		abort();
	}
	return p;
}

static size_t product(size_t n, size_t size)
{
	size_t total;

	return __builtin_mul_overflow(n, size, &total) || total > LARGEST ? LARGEST : total;
}

void *mem_alloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *mem_zero(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1));
}

void *mem_resize(void *old, size_t n, size_t size)
{
	size_t total = product(n, size);

	return checked(realloc(old, total ? total : 1));
}

void *mem_aligned(size_t size)
{
	size_t rounded = (product(1, size) + 63) & ~(size_t)63;

	return checked(aligned_alloc(64, rounded ? rounded : 64));
}

char *mem_string(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(mem_alloc(n), s, n);
}

void arena_init(struct arena *a)
{
	a->blocks = NULL;
}

void arena_release(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
}

static struct arena_block *block_new(size_t size)
{
	struct arena_block *block = checked(calloc(1, product(1, sizeof(*block) + size)));

	block->size = size;
	return block;
}

static size_t next_size(const struct arena_block *block)
{
	size_t size = block ? 2 * block->size : FIRST_SIZE;

	return size < BLOCK_SIZE ? size : BLOCK_SIZE;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t rounded = (product(1, size) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct arena_block *block = a->blocks;

	if (!block || block->size - block->used < rounded) {
		size_t room = next_size(block);

		block = block_new(rounded > room / 4 ? rounded : room);
		if (rounded > room / 4 && a->blocks) { /* keep filling the block in front */
			block->next = a->blocks->next;
			a->blocks->next = block;
		} else {
			block->next = a->blocks;
			a->blocks = block;
		}
	}
	void *p = block->data + block->used;

	block->used += rounded;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	return arena_alloc(a, product(n, size));
}

char *arena_copy(struct arena *a, const char *bytes, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n)
		memcpy(copy, bytes, n);
	return copy;
}

char *arena_string(struct arena *a, const char *s)
{
	return arena_copy(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args, again;
	int n;
	char *text;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
	vsnprintf(text, (size_t)(n < 0 ? 0 : n) + 1, format, again);
	va_end(again);
	return text;
}
