/* vectors.h - embeddings as one line of text, so that they are stored, counted and recorded as other replies are.
 *
 * "WIDTH BASE64" (RFC 4648): the vectors one after the other, each number an IEEE 754 single in little-endian order. */
#ifndef RUNG_MODEL_VECTORS_H
#define RUNG_MODEL_VECTORS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

/* rows (n, width). */
void vectors_write(const float *rows, size_t n, size_t width, struct buf *out);
/* rows (n, *width) live in arena. False: the text is not n vectors of finite numbers. */
bool vectors_read(const char *text, size_t n, struct arena *arena, float **rows, size_t *width);

#endif
