/* grammar.h - a language of byte strings, drafted as a recursive transition network and compiled once.
 *
 * A rule is a small automaton between its start and its end: nodes, joined by edges that read bytes, read nothing, or
 * call a rule. Calls make it a pushdown automaton; a rule may call itself. grammar_match.h walks it.
 *
 * What compiling promises: from every state that can be reached the language can be completed, within GRAMMAR_DEPTH
 * nested calls, with bytes of the alphabet; and the fewest bytes that this takes are known for every state. Paths that
 * could not be completed are never entered.
 * A compiled grammar is immutable; threads share it. Limits make hostile drafts errors. */
#ifndef RUNG_LLM_GRAMMAR_H
#define RUNG_LLM_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	GRAMMAR_DEPTH = 256,        /* nested calls */
	GRAMMAR_NODES = 1 << 19,    /* and as many edges twice over */
	GRAMMAR_BYTES = 1 << 22,    /* the shortest output may take no more */
};
#define GRAMMAR_UNBOUNDED UINT32_MAX

struct grammar_draft;
struct grammar;

/* A set of bytes: those a tokenizer can write one at a time (token_bytes.h). */
struct byte_set {
	uint64_t bits[4];
};

static inline void byte_set_add(struct byte_set *s, uint8_t byte)
{
	s->bits[byte / 64] |= (uint64_t)1 << byte % 64;
}

static inline bool byte_set_has(const struct byte_set *s, uint8_t byte)
{
	return s->bits[byte / 64] >> byte % 64 & 1;
}

/* A draft never fails: what is wrong with it, its size included, is said by grammar_new(). */
struct grammar_draft *grammar_draft_new(void);
void grammar_draft_free(struct grammar_draft *d);
bool grammar_draft_full(const struct grammar_draft *d); /* too large already: further work on it is wasted */

/* A new rule, and where it begins and ends. The name stands in errors; copied. */
uint32_t grammar_rule(struct grammar_draft *d, const char *name);
uint32_t grammar_start(const struct grammar_draft *d, uint32_t rule);
uint32_t grammar_end(const struct grammar_draft *d, uint32_t rule);
/* A new node. Belongs to the rule whose nodes it is joined with; joining nodes of two rules is the caller's mistake. */
uint32_t grammar_node(struct grammar_draft *d);

/* Edges. Several out of one node are a choice; edges may form circles. */
void grammar_byte(struct grammar_draft *d, uint32_t from, uint8_t low, uint8_t high, uint32_t to); /* low..high */
void grammar_literal(struct grammar_draft *d, uint32_t from, const void *bytes, size_t n, uint32_t to); /* n may be 0 */
void grammar_call(struct grammar_draft *d, uint32_t from, uint32_t rule, uint32_t to);
/* The rule min..max times in a row; max may be GRAMMAR_UNBOUNDED. Counted while matching, so large counts cost nothing. */
void grammar_repeat(struct grammar_draft *d, uint32_t from, uint32_t rule, uint32_t min, uint32_t max, uint32_t to);

/* Compiles what can be reached from the rule `root`; alphabet NULL: every byte. Errors name a rule: one that can never
 * end (or not within the limits), calls itself before reading a byte, or is called but may be empty; and a draft that
 * is too large. The draft is the caller's still. */
struct grammar *grammar_new(const struct grammar_draft *d, uint32_t root, const struct byte_set *alphabet,
			    struct error *err);
void grammar_free(struct grammar *g);

#endif
