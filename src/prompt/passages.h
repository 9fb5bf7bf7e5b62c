/* passages.h - passages in a prompt, and citations out of a reply. Pure.
 *
 * Passages are data: each stands between markers that hold a number and a nonce drawn from the texts themselves, so that no
 * passage can close its own marker or open another, whatever it says. The reply is JSON under a schema (docs/schema.md):
 *     {"answer": "...", "citations": [{"passage": 2, "quote": "..."}]}
 * and {"answer": null, ...} or an answer that says so is an abstention. */
#ifndef RUNG_PROMPT_PASSAGES_H
#define RUNG_PROMPT_PASSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

struct prompt_passage {
	const char *title, *heading; /* "" for none */
	const char *text;
	size_t n;
};

/* Appends the n passages, numbered from 1. */
void passages_write(const struct prompt_passage *passages, size_t n, struct buf *out);
/* The schema of a cited answer over n passages; lives in arena. answer_bytes: most code points of the answer. */
const char *passages_schema(size_t n, size_t answer_length, size_t citations, struct arena *arena);

struct cited {
	size_t passage;   /* from 0; always below the number of passages that were shown */
	const char *quote; /* "" when the model gave none */
};
struct cited_answer {
	const char *answer; /* NULL: it abstained */
	const struct cited *citations;
	size_t n_citations;
	bool parsed; /* false: the reply was not of that form; answer is then its whole text */
};
/* Reads a reply; lives in arena. Replies without JSON (other models) may cite as [2] in the text. */
struct cited_answer passages_read(const char *reply, size_t n_passages, struct arena *arena);

#endif
