/* escape.h - text from outside (names, labels, models, reasons) made safe for each form of a report.
 *
 * All forms share one cleaning: wrong UTF-8 becomes U+FFFD, control characters and line ends a space, and the
 * characters that could reorder what follows them (bidirectional embeddings and overrides) go; a first strong isolate
 * that is left open is closed. So a name can neither move the cursor of a terminal nor swap the figures beside it. */
#ifndef RUNG_REPORT_ESCAPE_H
#define RUNG_REPORT_ESCAPE_H

#include "base/buf.h"

void escape_plain(struct buf *out, const char *s);    /* cleaned only: terminals, plain text */
void escape_markup(struct buf *out, const char *s);   /* HTML and SVG, element content and quoted attributes */
void escape_markdown(struct buf *out, const char *s); /* GitHub's dialect, inside a line or a table cell */

/* A name as part of a sentence: cleaned, and isolated (U+2068 .. U+2069) when it holds right-to-left letters. */
void escape_name(struct buf *out, const char *s);

#endif
