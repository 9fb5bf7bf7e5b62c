/* token_tree.h - the inside of struct token_tree, for token_tree.c and score.c.
 *
 * Nodes lie in preorder (a parent before its children, a subtree in one run), siblings by ascending id. Node 0 is the
 * root: nothing read yet. */
#ifndef RUNG_LLM_TOKEN_TREE_H
#define RUNG_LLM_TOKEN_TREE_H

#include "llm/generate.h"

struct token_node {
	int32_t id;       /* the token that leads here; the root's means nothing */
	bool ends;        /* a sequence ends here */
	uint32_t parent;
	uint32_t sibling; /* next one under the same parent, 0 when there is none */
	uint32_t end;     /* first node behind this subtree; a leaf's is its own index + 1 */
};

struct token_tree {
	struct token_node *nodes;
	uint32_t n;
	uint32_t *last; /* (n_sequences) the node where each sequence ends */
	size_t n_sequences;
};

/* The first child of node i, or 0. */
static inline uint32_t token_tree_child(const struct token_tree *t, uint32_t i)
{
	return i + 1 < t->nodes[i].end ? i + 1 : 0;
}

#endif
