/* pattern_inner.h - between reading a pattern (pattern_read.c) and making it deterministic (pattern.c), or following it
 * with its groups (pattern_groups.c): a tree, and the network of single characters that it stands for (Thompson 1968). */
#ifndef RUNG_SCHEMA_PATTERN_INNER_H
#define RUNG_SCHEMA_PATTERN_INNER_H

#include "base/arena.h"
#include "schema/pattern.h"

#define PATTERN_FOREVER UINT32_MAX
enum { LAST_CODE_POINT = 0x10FFFF };

struct code_range {
	uint32_t low, high;
};

struct code_set {
	struct code_range *ranges; /* (n) ascending, apart; in the arena */
	uint32_t n;
};

enum pattern_kind { PATTERN_EMPTY, PATTERN_SET, PATTERN_BEGIN, PATTERN_END, PATTERN_THEN, PATTERN_OR, PATTERN_TIMES,
		    PATTERN_GROUP };

struct pattern_tree {
	enum pattern_kind kind;
	struct code_set set;                    /* PATTERN_SET */
	const struct pattern_tree *left, *right; /* PATTERN_THEN, PATTERN_OR; PATTERN_TIMES, PATTERN_GROUP: left */
	uint32_t min, max;                      /* PATTERN_TIMES */
	uint32_t group;                         /* PATTERN_GROUP: its number, from 0 */
};

/* Lives in the arena; NULL on error. n_groups: of ( ), without (?: ). */
const struct pattern_tree *pattern_read(struct arena *arena, const char *text, size_t n, size_t *n_groups, struct error *err);

#define NOWHERE UINT32_MAX

struct net_node {
	enum { NET_SET, NET_FORK, NET_BEGIN, NET_END, NET_SAVE } kind;
	const struct code_set *set; /* NET_SET */
	uint32_t to, other;         /* other: NET_FORK, the second choice, or NOWHERE */
	uint32_t slot;              /* NET_SAVE: 2 * group where it begins, one more where it ends */
};

/* Once it is full, nodes that are added have no meaning. */
struct net {
	struct net_node *nodes;
	uint32_t n;
	bool saves; /* has NET_SAVE nodes */
	bool full;
};

void net_init(struct net *net, bool saves);
void net_release(struct net *net);
uint32_t net_add(struct net *net, struct net_node node);
uint32_t net_fork(struct net *net, uint32_t to, uint32_t other);
/* The node where the tree begins, `next` being where it goes on. Sets are borrowed from the tree. */
uint32_t net_build(struct net *net, const struct pattern_tree *t, uint32_t next);

#endif
