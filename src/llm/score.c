/* score.c - score_sequences(): the probability of each label behind each prompt.
 *
 * A group of prompts and the inner nodes of their label trees go through the decoder in one pass; only then are the
 * logits of all of them taken, a few rows at a time. A tree too large for that is walked in preorder, NODES inner
 * nodes at a time, keeping only contexts whose subtrees are unfinished. */
#include "base/arena.h"
#include "llm/prompt_tree.h"
#include "llm/token_tree.h"

enum {
	NODES = 1024,     /* inner tree nodes of one prompt in flight */
	LOGIT_ROWS = 64,  /* 13 MB of logits at 49,152 words */
};

/* A place in one prompt's tree whose next-token distribution is asked for. */
struct place {
	struct context *context;
	uint32_t node;
	double *log_p; /* (nodes) of its prompt, see struct scoring */
};

struct scoring {
	struct decoder *d;
	const struct token_tree *tree;
	const uint32_t *inner; /* (n_inner) nodes with children, preorder; the root is the first */
	size_t n_inner;
	size_t n;                  /* prompts of the group */
	struct prompt_tree *prompts;
	struct context **contexts; /* (n, nodes); those of finished subtrees are NULL; a root's belongs to prompts */
	double *log_p;             /* (n, nodes) natural log, given the parent; add_paths(): given the prompt */
	struct place *places;
	size_t n_places;
	float *logits;             /* (LOGIT_ROWS, vocabulary) */
	const struct place *batch; /* score_place(): the first of the rows in logits */
};

/* Gives every child of the place its log probability there. */
static void score_place(void *context, size_t tile, int worker)
{
	struct scoring *s = context;
	const struct place *place = &s->batch[tile];
	size_t vocabulary = decoder_vocabulary(s->d);
	const float *row = s->logits + tile * vocabulary;
	double all = sample_log_sum(row, vocabulary);

	(void)worker;
	for (uint32_t c = token_tree_child(s->tree, place->node); c != 0; c = s->tree->nodes[c].sibling)
		place->log_p[c] = (double)row[s->tree->nodes[c].id] - all;
}

static void score_places(struct scoring *s)
{
	struct context *contexts[LOGIT_ROWS];

	for (size_t from = 0; from < s->n_places; from += LOGIT_ROWS) {
		size_t count = s->n_places - from < LOGIT_ROWS ? s->n_places - from : LOGIT_ROWS;

		for (size_t i = 0; i < count; i++)
			contexts[i] = s->places[from + i].context;
		decoder_logits(s->d, contexts, count, s->logits);
		s->batch = s->places + from;
		pool_run(decoder_pool(s->d), count, score_place, s);
	}
}

/* Plans inner nodes from .. to-1 of prompt i. */
static void add_places(struct scoring *s, size_t i, size_t from, size_t to)
{
	struct context **contexts = s->contexts + i * s->tree->n;

	for (size_t k = from; k < to; k++) {
		uint32_t node = s->inner[k];
		const struct token_node *t = &s->tree->nodes[node];

		if (node > 0)
			contexts[node] = context_new(s->d, contexts[t->parent], &t->id, 1);
		s->places[s->n_places++] = (struct place){ contexts[node], node, s->log_p + i * s->tree->n };
	}
}

/* Frees the contexts of prompt i whose subtrees lie before inner node `next`; children before parents. */
static void drop_finished(struct scoring *s, size_t i, size_t next)
{
	struct context **contexts = s->contexts + i * s->tree->n;
	uint32_t reached = next < s->n_inner ? s->inner[next] : s->tree->n;

	for (size_t k = next; k-- > 0;) {
		uint32_t node = s->inner[k];

		if (node > 0 && s->tree->nodes[node].end <= reached) {
			context_free(contexts[node]);
			contexts[node] = NULL;
		}
	}
}

static void compute_places(struct scoring *s)
{
	struct context **contexts = mem_zero(s->n_places, sizeof(struct context *));

	for (size_t i = 0; i < s->n_places; i++)
		contexts[i] = s->places[i].context;
	decoder_compute(s->d, contexts, s->n_places);
	free(contexts);
}

static void add_paths(const struct token_tree *tree, double *log_p)
{
	log_p[0] = 0;
	for (uint32_t i = 1; i < tree->n; i++)
		log_p[i] += log_p[tree->nodes[i].parent];
}

/* order: the group's prompts, whose contexts are open */
static void score_group(struct scoring *s, const size_t *order, double *out)
{
	size_t nodes = s->tree->n, sequences = s->tree->n_sequences;

	for (size_t i = 0; i < s->n; i++)
		s->contexts[i * nodes] = prompt_tree_open(s->prompts, order[i]);
	for (size_t from = 0; from < s->n_inner; from += NODES) {
		size_t to = s->n_inner - from < NODES ? s->n_inner : from + NODES;

		s->n_places = 0;
		for (size_t i = 0; i < s->n; i++)
			add_places(s, i, from, to);
		compute_places(s);
		score_places(s);
		for (size_t i = 0; i < s->n; i++)
			drop_finished(s, i, to);
	}
	for (size_t i = 0; i < s->n; i++) {
		add_paths(s->tree, s->log_p + i * nodes);
		for (size_t j = 0; j < sequences; j++)
			out[order[i] * sequences + j] = s->log_p[i * nodes + s->tree->last[j]];
		prompt_tree_close(s->prompts, order[i]);
	}
}

static size_t list_inner(const struct token_tree *tree, uint32_t *inner)
{
	size_t n = 0;

	for (uint32_t i = 0; i < tree->n; i++)
		if (token_tree_child(tree, i) != 0)
			inner[n++] = i;
	return n;
}

/* Opens prompts from the head of the order while they fit the token budget; at least one. */
static size_t open_group(struct scoring *s, const size_t *order, size_t n, size_t budget)
{
	size_t extra = s->n_inner < NODES ? s->n_inner : NODES;

	for (size_t i = 0; i < n; i++) {
		size_t tokens = prompt_tree_tokens(s->prompts) + prompt_tree_cost(s->prompts, order[i]);

		if (i > 0 && tokens + (i + 1) * extra > budget)
			return i;
		prompt_tree_open(s->prompts, order[i]);
	}
	return n;
}

void score_sequences(struct decoder *d, struct context *shared, const struct token_list *prompts, size_t n,
		     const struct token_tree *tree, size_t budget, double *out)
{
	uint32_t *inner = mem_zero(tree->n, sizeof(*inner));
	struct scoring s = { .d = d, .tree = tree, .inner = inner, .n_inner = list_inner(tree, inner) };

	if (s.n_inner == 0)
		n = 0; /* an empty tree asks nothing */
	s.prompts = prompt_tree_new(d, shared, prompts, n);
	s.logits = mem_resize(NULL, LOGIT_ROWS * decoder_vocabulary(d), sizeof(*s.logits));
	for (const size_t *order = prompt_tree_order(s.prompts), *end = order + n; order < end; order += s.n) {
		s.n = open_group(&s, order, (size_t)(end - order), budget ? budget : GENERATE_BUDGET);
		s.contexts = mem_zero(s.n * tree->n, sizeof(struct context *));
		s.log_p = mem_zero(s.n * tree->n, sizeof(*s.log_p));
		s.places = mem_zero(s.n * (s.n_inner < NODES ? s.n_inner : NODES), sizeof(*s.places));
		score_group(&s, order, out);
		free(s.contexts);
		free(s.log_p);
		free(s.places);
	}
	prompt_tree_free(s.prompts);
	free(s.logits);
	free(inner);
}
