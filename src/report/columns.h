/* columns.h - text in terminal columns: East Asian wide characters take two, combining marks none. */
#ifndef RUNG_REPORT_COLUMNS_H
#define RUNG_REPORT_COLUMNS_H

#include <stddef.h>

#include "base/buf.h"

size_t columns_width(const char *s, size_t n);

/* Bytes of s that make the next line of at most `width` columns: broken at a space, else inside the word, never inside
 * a grapheme cluster. *next is where the line after it starts. Always advances while s is not empty. */
size_t columns_line(const char *s, size_t width, size_t *next);

/* Appends the text in lines of at most `width` columns, each after `indent` spaces, each ended by a line end. The first
 * line has no indent added: the caller has already written `indent` columns. */
void columns_wrap(struct buf *out, const char *text, size_t indent, size_t width);

#endif
