/* passages.h - passages in a prompt, and citations out of a reply. Pure.
 *
 * Passages are data: each stands between two markers that hold its number and a word made of a hash of all their texts, so
 * that no passage can close its own marker or open another, whatever it says:
 *     [passage 1 of 3, 5e0c1d2a] Manual > Installing
 *     ...
 *     [end of passage 1, 5e0c1d2a]
 * The reply is JSON under a schema (docs/schema.md),
 *     {"answer": "...", "citations": [{"passage": 2, "quote": "..."}]}
 * and an answer of null, or one that says that it does not know, is an abstention. */
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
/* The schema of a cited answer over n passages; lives in arena. */
enum { ANSWER_LENGTH = 400, QUOTE_LENGTH = 200, CITATIONS = 3 }; /* code points, code points, how many: at most */
const char *passages_schema(size_t n, struct arena *arena);
/* The same, citations first and each quote out of those given for its passage: a model too small to copy a sentence can still
 * choose one. A passage without quotes cannot be cited. */
struct quotes {
	const char *const *text; /* (n) */
	size_t n;
};
enum { CHOSEN_CITATIONS = 2 };
const char *passages_schema_quotes(const struct quotes *quotes, size_t n, struct arena *arena);

struct cited {
	size_t passage;    /* from 0, below the number of passages that were shown */
	const char *quote; /* "" when the model gave none */
};
struct cited_answer {
	const char *answer; /* trimmed; NULL: it abstained */
	const struct cited *citations;
	size_t n_citations;
	bool parsed; /* false: the reply was no such JSON, and the answer is its whole text */
};
/* Reads a reply; lives in arena. Citations of passages that were not shown are left out. Without JSON (replies of models
 * that were not held to the schema), "[2]" in the text cites passage 2 without a quote. */
struct cited_answer passages_read(const char *reply, size_t n_passages, struct arena *arena);

/* Whether an answer says that the answer is not known or not in the passages. */
bool answer_abstains(const char *answer);

#endif
