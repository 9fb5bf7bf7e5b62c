/* buf.c - growth by doubling. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static void reserve(struct buf *b, size_t more)
{
	size_t need = b->n + more + 1;

	if (need <= b->capacity)
		return;
	while (b->capacity < need)
		b->capacity = b->capacity ? b->capacity * 2 : 256;
	b->data = mem_resize(b->data, b->capacity, 1);
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
	reserve(b, n);
	if (n)
		memcpy(b->data + b->n, bytes, n);
	b->n += n;
	b->data[b->n] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n > 0) {
		reserve(b, (size_t)n);
		vsnprintf(b->data + b->n, (size_t)n + 1, format, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}
