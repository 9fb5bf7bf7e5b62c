/* pattern_net.c - from a tree to a network of single characters (Thompson 1968). */
#include "schema/pattern_inner.h"

enum { NODES = 8192 };

void net_init(struct net *net, bool saves)
{
	*net = (struct net){ .nodes = mem_zero(NODES, sizeof(*net->nodes)), .saves = saves };
}

void net_release(struct net *net)
{
	free(net->nodes);
}

uint32_t net_add(struct net *net, struct net_node node)
{
	if (net->n == NODES) {
		net->full = true;
		return 0;
	}
	net->nodes[net->n] = node;
	return net->n++;
}

uint32_t net_fork(struct net *net, uint32_t to, uint32_t other)
{
	return net_add(net, (struct net_node){ .kind = NET_FORK, .to = to, .other = other });
}

static uint32_t build_times(struct net *net, const struct pattern_tree *t, uint32_t next)
{
	uint32_t at = next;

	if (t->max == PATTERN_FOREVER) {
		at = net_fork(net, NOWHERE, next);
		uint32_t body = net_build(net, t->left, at);

		net->nodes[at].to = body;
	}
	for (uint32_t i = t->min; t->max != PATTERN_FOREVER && i < t->max && !net->full; i++)
		at = net_fork(net, net_build(net, t->left, at), next);
	for (uint32_t i = 0; i < t->min && !net->full; i++)
		at = net_build(net, t->left, at);
	return at;
}

static uint32_t build_group(struct net *net, const struct pattern_tree *t, uint32_t next)
{
	if (!net->saves)
		return net_build(net, t->left, next);
	uint32_t end = net_add(net, (struct net_node){ .kind = NET_SAVE, .to = next, .slot = 2 * t->group + 1 });

	return net_add(net, (struct net_node){ .kind = NET_SAVE, .to = net_build(net, t->left, end), .slot = 2 * t->group });
}

uint32_t net_build(struct net *net, const struct pattern_tree *t, uint32_t next)
{
	if (net->full)
		return 0;
	switch (t->kind) {
	case PATTERN_SET:
		return net_add(net, (struct net_node){ .kind = NET_SET, .set = &t->set, .to = next });
	case PATTERN_BEGIN:
		return net_add(net, (struct net_node){ .kind = NET_BEGIN, .to = next });
	case PATTERN_END:
		return net_add(net, (struct net_node){ .kind = NET_END, .to = next });
	case PATTERN_THEN:
		return net_build(net, t->left, net_build(net, t->right, next));
	case PATTERN_OR: {
		uint32_t right = net_build(net, t->right, next);

		return net_fork(net, net_build(net, t->left, next), right);
	}
	case PATTERN_TIMES:
		return build_times(net, t, next);
	case PATTERN_GROUP:
		return build_group(net, t, next);
	case PATTERN_EMPTY:
		break;
	}
	return next;
}
