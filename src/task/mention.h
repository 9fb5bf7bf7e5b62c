/* mention.h - how error sentences quote a user's value and list what is allowed. */
#ifndef RUNG_TASK_MENTION_H
#define RUNG_TASK_MENTION_H

#include <stddef.h>

#include "base/buf.h"

/* Appends the text in double quotes, cut after 40 characters, control characters as spaces. */
void mention_value(struct buf *out, const char *text);

/* The name nearest to word (an edit or two away, letter case aside), or NULL. */
const char *mention_nearest(const char *word, const char *const *names, size_t n);

/* Appends `a, b, c` (the first 20 names) and, when one is near, ` (did you mean "b"?)`. */
void mention_names(struct buf *out, const char *word, const char *const *names, size_t n);

/* Makes a sentence that quotes foreign text one line of valid UTF-8, in place: control characters become spaces, bytes
 * of characters that were cut in two become question marks. */
void mention_flatten(char *sentence);

#endif
