/* form.h - what a browser sends without a script: fields of a form (application/x-www-form-urlencoded, as the URL standard has it), and
 * cookies (RFC 6265). Pure. */
#ifndef RUNG_SERVE_FORM_H
#define RUNG_SERVE_FORM_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

/* The first field of that name, in arena; NULL: there is none, or it holds a NUL. */
const char *form_field(const char *body, size_t n, const char *name, struct arena *arena);
/* The first cookie of that name in a Cookie header; NULL: none. */
const char *form_cookie(const char *header, const char *name, struct arena *arena);
/* The text as part of a query: all but letters, digits and -._~ as %XX. */
void form_escape(struct buf *out, const char *text);
/* How long it takes says nothing of how much of it is the same. */
bool form_same(const char *a, const char *b);

#endif
