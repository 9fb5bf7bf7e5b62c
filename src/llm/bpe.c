/* bpe.c - the byte alphabet, the table of merges, and a word's way through them (merge.h). */
#include "llm/bpe.h"

#include "base/text.h"

struct bpe_merge {
	int32_t left, right; /* left < 0: free slot */
	int32_t merged;
	uint32_t rank;
};

/* GPT-2 writes a byte as a printable character: itself where Latin-1 has one there, the others, in order, from U+0100
 * on: 0-32, 127-160 and 173 (bytes_to_unicode of its encoder.py). */
static bool stands_for_itself(unsigned byte)
{
	return (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
}

static uint32_t byte_character(unsigned byte)
{
	if (stands_for_itself(byte))
		return byte;
	return 256 + (byte <= 32 ? byte : byte < 161 ? byte - 127 + 33 : 67);
}

/* The byte that the character stands for, or -1. */
static int character_byte(uint32_t c)
{
	if (c < 256)
		return stands_for_itself(c) ? (int)c : -1;
	c -= 256;
	return c <= 32 ? (int)c : c <= 66 ? (int)c - 33 + 127 : c == 67 ? 173 : -1;
}

void bpe_init(struct bpe *b, const struct vocabulary *v)
{
	*b = (struct bpe){ .unknown = -1 };
	for (unsigned byte = 0; byte < 256; byte++) {
		char spelling[4];

		b->byte_ids[byte] = vocabulary_find(v, spelling, text_encode(byte_character(byte), spelling));
	}
}

void bpe_release(struct bpe *b)
{
	free(b->merges);
}

/* The slot of the pair, or the free one where it belongs. */
static struct bpe_merge *merge_slot(const struct bpe *b, int32_t left, int32_t right)
{
	uint64_t hash = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
	size_t i = (size_t)(hash >> 32) & (b->capacity - 1);

	while (b->merges[i].left >= 0 && (b->merges[i].left != left || b->merges[i].right != right))
		i = (i + 1) & (b->capacity - 1);
	return &b->merges[i];
}

static void grow(struct bpe *b)
{
	struct bpe bigger = { .capacity = b->capacity ? b->capacity * 2 : 1024 };

	bigger.merges = mem_alloc(bigger.capacity * sizeof(*bigger.merges));
	for (size_t i = 0; i < bigger.capacity; i++)
		bigger.merges[i].left = -1;
	for (size_t i = 0; i < b->capacity; i++)
		if (b->merges[i].left >= 0)
			*merge_slot(&bigger, b->merges[i].left, b->merges[i].right) = b->merges[i];
	free(b->merges);
	b->merges = bigger.merges;
	b->capacity = bigger.capacity;
}

bool bpe_add_merge(struct bpe *b, const struct vocabulary *v, const char *left, size_t left_n, const char *right,
		   size_t right_n, uint32_t rank, struct error *err)
{
	struct buf both = { 0 };

	buf_add(&both, left, left_n);
	buf_add(&both, right, right_n);
	struct bpe_merge merge = { .left = vocabulary_find(v, left, left_n),
				   .right = vocabulary_find(v, right, right_n),
				   .merged = vocabulary_find(v, both.data, both.n),
				   .rank = rank };

	buf_release(&both);
	if (merge.left < 0 || merge.right < 0 || merge.merged < 0)
		return error_set(err, "merge %u joins \"%.*s\" and \"%.*s\", and %s is not in the vocabulary", rank,
				 (int)(left_n < 100 ? left_n : 100), left, (int)(right_n < 100 ? right_n : 100), right,
				 merge.left < 0 ? "the first" : merge.right < 0 ? "the second" : "the result");
	if (v->tokens[merge.merged].kind == TOKEN_SPECIAL)
		return true;
	if ((b->n + 1) * 2 > b->capacity)
		grow(b);
	struct bpe_merge *slot = merge_slot(b, merge.left, merge.right);

	b->n += slot->left < 0;
	*slot = merge;
	return true;
}

bool bpe_add_merge_line(struct bpe *b, const struct vocabulary *v, const char *line, size_t n, uint32_t rank,
			struct error *err)
{
	const char *space = n > 1 ? memchr(line + 1, ' ', n - 1) : NULL;

	if (!space)
		return error_set(err, "merge %u is \"%.*s\", which is not two tokens with a space between them", rank,
				 (int)(n < 100 ? n : 100), line);
	size_t left_n = (size_t)(space - line);

	return bpe_add_merge(b, v, line, left_n, space + 1, n - left_n - 1, rank, err);
}

void bpe_scratch_release(struct bpe_scratch *s)
{
	merge_scratch_release(&s->merging);
	buf_release(&s->spelling);
}

static bool find_merge(const void *model, const struct merge_symbol *left, const struct merge_symbol *right,
		       struct merge_result *out)
{
	const struct bpe *b = model;
	const struct bpe_merge *m = b->capacity ? merge_slot(b, left->id, right->id) : NULL;

	if (!m || m->left < 0)
		return false;
	*out = (struct merge_result){ m->rank, m->merged };
	return true;
}

/* One symbol a byte; bytes without a token become the unknown one or vanish, and their neighbours meet. */
static void add_symbols(const struct bpe *b, const char *word, size_t n, struct merge_scratch *s)
{
	bool was_unknown = false;

	for (size_t i = 0; i < n; i++) {
		int32_t id = b->byte_ids[(unsigned char)word[i]];
		bool unknown = id < 0, fused = unknown && was_unknown && b->fuse_unknown;

		was_unknown = unknown;
		if (unknown)
			id = b->unknown;
		if (id >= 0 && !fused)
			merge_add(s, (struct merge_symbol){ .at = i, .n = 1, .id = id });
	}
}

/* The token that is the whole word, or -1; special tokens are not found this way. */
static int32_t whole_word(const struct vocabulary *v, const char *word, size_t n, struct buf *spelling)
{
	buf_clear(spelling);
	for (size_t i = 0; i < n; i++) {
		char bytes[4];

		buf_add(spelling, bytes, text_encode(byte_character((unsigned char)word[i]), bytes));
	}
	int32_t id = vocabulary_find(v, spelling->data, spelling->n);

	return id >= 0 && v->tokens[id].kind == TOKEN_SPECIAL ? -1 : id;
}

void bpe_encode(const struct bpe *b, const struct vocabulary *v, const char *word, size_t n, struct bpe_scratch *s,
		struct token_list *out)
{
	int32_t whole = b->whole_words ? whole_word(v, word, n, &s->spelling) : -1;

	if (whole >= 0) {
		token_list_add(out, whole);
		return;
	}
	merge_begin(&s->merging, n);
	add_symbols(b, word, n, &s->merging);
	merge_run(&s->merging, find_merge, b);
	for (size_t i = s->merging.n ? 0 : MERGE_NOWHERE; i != MERGE_NOWHERE; i = s->merging.symbols[i].next)
		token_list_add(out, s->merging.symbols[i].id);
}

void bpe_decode(const char *spelling, size_t n, struct buf *out)
{
	size_t start = out->n;

	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t length = text_decode(spelling + i, n - i, &c);
		int byte = character_byte(c);

		if (byte < 0) {
			out->n = start;
			buf_add(out, spelling, n);
			return;
		}
		buf_addc(out, (char)byte);
		i += length;
	}
}
