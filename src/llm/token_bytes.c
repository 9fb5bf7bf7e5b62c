/* token_bytes.c - sorted pieces become a prefix tree in one pass: each shares a path with the one before it. */
#include "llm/token_bytes.h"

#include "base/arena.h"

struct piece {
	const uint8_t *bytes;
	size_t n;
	int32_t id;
};

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int order = memcmp(x->bytes, y->bytes, x->n < y->n ? x->n : y->n);

	if (order)
		return order;
	return x->n != y->n ? (x->n > y->n) - (x->n < y->n) : (x->id > y->id) - (x->id < y->id);
}

static size_t shared_length(const struct piece *a, const struct piece *b)
{
	size_t n = 0;

	while (n < a->n && n < b->n && a->bytes[n] == b->bytes[n])
		n++;
	return n;
}

/* path[k] is the node of the first k + 1 bytes of the piece before, of which `shared` are this one's too. */
static void add_piece(struct token_bytes *t, const struct piece *piece, size_t shared, uint32_t *path, uint32_t order)
{
	for (size_t k = shared; k < piece->n; k++) {
		t->nodes[t->n] = (struct byte_node){ .byte = piece->bytes[k], .depth = (uint16_t)(k + 1) };
		path[k] = t->n++;
	}
	struct byte_node *last = &t->nodes[path[piece->n - 1]];

	if (!last->n_ids)
		last->first_id = order;
	if (last->n_ids < UINT16_MAX)
		last->n_ids++;
	t->ids[order] = piece->id;
	if (piece->n == 1)
		byte_set_add(&t->alphabet, piece->bytes[0]);
	if (piece->n > t->longest)
		t->longest = (uint32_t)piece->n;
}

static void close_subtrees(struct token_bytes *t)
{
	uint32_t *next = mem_zero((size_t)t->longest + 2, sizeof(*next)); /* by depth: the nearest node at or above it */

	for (size_t d = 0; d < (size_t)t->longest + 2; d++)
		next[d] = t->n;
	for (uint32_t i = t->n; i-- > 0;) {
		t->nodes[i].end = next[t->nodes[i].depth];
		for (size_t d = t->nodes[i].depth; d <= t->longest; d++)
			next[d] = i;
	}
	free(next);
}

static void build_tree(struct token_bytes *t, const struct piece *pieces, size_t n)
{
	static const struct piece nothing = { 0 };
	size_t total = 0, longest = 1;

	for (size_t i = 0; i < n; i++) {
		total += pieces[i].n;
		longest = pieces[i].n > longest ? pieces[i].n : longest;
	}
	uint32_t *path = mem_zero(longest, sizeof(*path));

	t->nodes = mem_zero(total, sizeof(*t->nodes));
	t->ids = mem_zero(n, sizeof(*t->ids));
	for (size_t i = 0; i < n; i++)
		add_piece(t, &pieces[i], shared_length(i ? &pieces[i - 1] : &nothing, &pieces[i]), path, (uint32_t)i);
	free(path);
	close_subtrees(t);
}

/* t owns bytes and offsets already. */
static struct token_bytes *with_tree(struct token_bytes *t)
{
	struct piece *pieces = mem_zero(t->vocabulary, sizeof(*pieces));
	size_t n = 0;

	for (size_t i = 0; i < t->vocabulary; i++) {
		size_t length = t->offsets[i + 1] - t->offsets[i];

		if (length > 0 && length <= UINT16_MAX)
			pieces[n++] = (struct piece){ (const uint8_t *)t->bytes + t->offsets[i], length, (int32_t)i };
	}
	qsort(pieces, n, sizeof(*pieces), compare_pieces);
	build_tree(t, pieces, n);
	free(pieces);
	return t;
}

struct token_bytes *token_bytes_of(const struct tokenizer *tokenizer)
{
	struct token_bytes *t = mem_zero(1, sizeof(*t));
	struct buf all = { 0 };

	t->vocabulary = tokenizer_size(tokenizer);
	t->offsets = mem_zero(t->vocabulary + 1, sizeof(*t->offsets));
	buf_addc(&all, 0); /* no token is the first of a text */
	t->offsets[0] = all.n;
	for (size_t i = 0; i < t->vocabulary; i++) {
		int32_t id = (int32_t)i;

		tokenizer_decode(tokenizer, &id, 1, &all);
		t->offsets[i + 1] = all.n;
	}
	t->bytes = all.data;
	return with_tree(t);
}

struct token_bytes *token_bytes_new(const char *const *pieces, const size_t *lengths, size_t n)
{
	struct token_bytes *t = mem_zero(1, sizeof(*t));
	struct buf all = { 0 };

	t->vocabulary = n;
	t->offsets = mem_zero(n + 1, sizeof(*t->offsets));
	buf_add(&all, "", 0);
	for (size_t i = 0; i < n; i++) {
		buf_add(&all, pieces[i], lengths[i]);
		t->offsets[i + 1] = all.n;
	}
	t->bytes = all.data;
	return with_tree(t);
}

void token_bytes_free(struct token_bytes *t)
{
	if (!t)
		return;
	free(t->nodes);
	free(t->ids);
	free(t->bytes);
	free(t->offsets);
	free(t);
}

const char *token_bytes_get(const struct token_bytes *t, int32_t id, size_t *n)
{
	bool known = id >= 0 && (size_t)id < t->vocabulary;

	*n = known ? t->offsets[id + 1] - t->offsets[id] : 0;
	return known ? t->bytes + t->offsets[id] : "";
}
