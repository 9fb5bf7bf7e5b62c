/* buf.h - a growing byte buffer, always NUL-terminated behind its n bytes once something was added. */
#ifndef RUNG_BASE_BUF_H
#define RUNG_BASE_BUF_H

#include <stddef.h>

struct buf {
	char *data; /* NULL when empty and never used */
	size_t n, capacity;
};

void buf_release(struct buf *b); /* {0} is a valid empty buffer */
void buf_clear(struct buf *b);   /* keeps the memory */
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *buf_text(const struct buf *b); /* "" when empty; valid until the next change */

#endif
