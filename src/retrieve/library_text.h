/* library_text.h - documents, passages and what verify found, for people and as JSON. */
#ifndef RUNG_RETRIEVE_LIBRARY_TEXT_H
#define RUNG_RETRIEVE_LIBRARY_TEXT_H

#include "base/buf.h"
#include "retrieve/library.h"

extern const char *const search_mode_names[]; /* "words", "vectors", "fused" */

/* Documents whose names source_matches() (name NULL: all) and the collections. */
bool library_write_list(struct library *l, const char *name, bool json, struct buf *out, struct error *err);
void library_write_passages(const struct passage *passages, size_t n, enum search_mode served, bool json, struct buf *out);
bool library_write_problems(struct library *l, bool json, size_t *problems, struct buf *out, struct error *err);

#endif
