/* prompt_tree.h - what the prompts of a batch have in common, as a tree of contexts: each shared run of tokens is one
 * context, computed once and attended by every prompt below it.
 *
 * Runs that would save hardly any tokens stay with the prompts. Contexts are made when the first prompt below them is
 * opened and freed when the last one is closed; who opens prompts in prompt_tree_order() (depth first) therefore holds
 * the prompts in flight and one path, not the tree. */
#ifndef RUNG_LLM_PROMPT_TREE_H
#define RUNG_LLM_PROMPT_TREE_H

#include "llm/decoder.h"

struct prompt_tree;

/* All of it stands behind `shared` (NULL: at the start). Borrows the prompts; they may be empty or equal. */
struct prompt_tree *prompt_tree_new(struct decoder *d, struct context *shared, const struct token_list *prompts,
				    size_t n);
void prompt_tree_free(struct prompt_tree *t); /* with what is still open */

/* The prompts (n) depth first: by their tokens, equal ones by position. */
const size_t *prompt_tree_order(const struct prompt_tree *t);

/* The context that ends with prompt i's last token; not computed yet. Equal prompts get the same one, so whoever goes
 * on from it does so in a child. Belongs to the tree until the prompt is closed, which is done once. */
struct context *prompt_tree_open(struct prompt_tree *t, size_t i);
void prompt_tree_close(struct prompt_tree *t, size_t i);

size_t prompt_tree_cost(const struct prompt_tree *t, size_t i); /* tokens that opening prompt i would add */
size_t prompt_tree_tokens(const struct prompt_tree *t);         /* tokens of the contexts that are open */

#endif
