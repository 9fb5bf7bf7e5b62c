/* embed.c - encoder_embed(): whole texts side by side in passes of up to ENCODER_ROWS tokens. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "llm/attention.h"
#include "llm/encoder_inner.h"

enum { ROW_TILE = 16 }; /* rows that one thread takes at a time where rows are independent */

/* A text's rows in the pass. */
struct text_rows {
	size_t first, n;
	struct attention_segment segment; /* keys and values of head 0 */
};

/* ATTENTION_BLOCK queries of a text. */
struct block {
	const struct text_rows *text;
	size_t first, n; /* rows of the pass */
};

struct pass {
	struct encoder *e;
	const struct encoder_layer *layer; /* at work */
	int32_t ids[ENCODER_ROWS];
	size_t place[ENCODER_ROWS]; /* position of each row in its text */
	size_t n_rows;
	struct text_rows texts[ENCODER_ROWS];
	size_t n_texts;
	struct block blocks[ENCODER_ROWS];
	size_t n_blocks;
	float *const *norm;     /* norm_rows(): weight and bias */
	const float *offset;    /* norm_rows(): bias of the block that was just multiplied */
	bool plain;             /* vectors keep their length */
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Runs fn over tiles of ROW_TILE rows. */
static void for_rows(struct pass *p, void (*fn)(void *pass, size_t tile, int worker))
{
	pool_run(p->e->pool, (p->n_rows + ROW_TILE - 1) / ROW_TILE, fn, p);
}

/* x = norm(word + position + type), and rounded for the next product */
static void start_rows(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	struct encoder *e = p->e;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < smaller(p->n_rows, (tile + 1) * ROW_TILE); r++) {
		float *word = e->scratch.block + r * e->width;

		float *x = e->scratch.x + r * e->width;

		tensor_read(e->words, (size_t)p->ids[r], 1, word);
		e->kernels->layer_norm(x, word, e->places + p->place[r] * e->width, NULL, e->embedding_norm[0],
				       e->embedding_norm[1], e->width, e->epsilon);
		e->kernels->round(x, e->width, e->scratch.rounded + r * e->width);
	}
}

/* x = norm(x + block + bias of the block), and rounded */
static void norm_rows(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	struct encoder *e = p->e;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < smaller(p->n_rows, (tile + 1) * ROW_TILE); r++) {
		float *x = e->scratch.x + r * e->width;

		e->kernels->layer_norm(x, x, e->scratch.block + r * e->width, p->offset, p->norm[0], p->norm[1],
				       e->width, e->epsilon);
		e->kernels->round(x, e->width, e->scratch.rounded + r * e->width);
	}
}

static void bias_rows(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	struct encoder *e = p->e;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < smaller(p->n_rows, (tile + 1) * ROW_TILE); r++)
		e->kernels->axpy(e->scratch.qkv + r * 3 * e->width, 1.0f, p->layer->qkv_bias, 3 * e->width);
}

static void activate_rows(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	struct encoder *e = p->e;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < smaller(p->n_rows, (tile + 1) * ROW_TILE); r++) {
		float *up = e->scratch.up + r * e->ffn;

		e->kernels->gelu(up, p->layer->up_bias, e->ffn);
		e->kernels->round(up, e->ffn, up);
	}
}

static void attend(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	struct encoder *e = p->e;
	const struct block *b = &p->blocks[tile / e->heads];
	size_t head_width = e->width / e->heads, column = tile % e->heads * head_width;
	struct attention a = {
		.q = e->scratch.qkv + b->first * 3 * e->width + column,
		.out = e->scratch.mixed + b->first * e->width,
		.column = column,
		.n = b->n,
		.ldq = 3 * e->width,
		.ldo = e->width,
		.group = 1,
		.width = head_width,
		.segments = &b->text->segment,
		.n_segments = 1,
		.head = column,
		.scale = 1.0f / sqrtf((float)head_width),
		.plain = !attention_can_round(e->kernels, head_width),
	};

	attention_run(&a, e->kernels, e->scratch.scores + (size_t)worker * e->scratch.scores_size);
}

static void round_mixed(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	struct encoder *e = p->e;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < smaller(p->n_rows, (tile + 1) * ROW_TILE); r++) {
		float *row = e->scratch.mixed + r * e->width;

		e->kernels->round(row, e->width, row);
	}
}

static void run_layer(struct pass *p)
{
	struct encoder *e = p->e;
	struct encoder_scratch *s = &e->scratch;
	const struct encoder_layer *l = p->layer;

	matrix_multiply(&l->qkv, e->pool, s->rounded, p->n_rows, e->width, s->qkv, 3 * e->width);
	for_rows(p, bias_rows);
	pool_run(e->pool, p->n_blocks * e->heads, attend, p);
	if (!attention_can_round(e->kernels, e->width / e->heads))
		for_rows(p, round_mixed);
	matrix_multiply(&l->output, e->pool, s->mixed, p->n_rows, e->width, s->block, e->width);
	p->norm = l->attention_norm;
	p->offset = l->output_bias;
	for_rows(p, norm_rows);
	matrix_multiply(&l->up, e->pool, s->rounded, p->n_rows, e->width, s->up, e->ffn);
	for_rows(p, activate_rows);
	matrix_multiply(&l->down, e->pool, s->up, p->n_rows, e->ffn, s->block, e->width);
	p->norm = l->ffn_norm;
	p->offset = l->down_bias;
	for_rows(p, norm_rows);
}

static void normalise(float *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * (double)v[i];
	if (sum > 0)
		for (size_t i = 0; i < n; i++)
			v[i] = (float)((double)v[i] / sqrt(sum));
}

/* One text's vector: the mean of its rows ([CLS] and [SEP] count) or the row of [CLS]. */
static void pool_text(const struct pass *p, const struct text_rows *t, float *out)
{
	const struct encoder *e = p->e;
	const float *x = e->scratch.x + t->first * e->width;

	memcpy(out, x, e->width * sizeof(*out));
	for (size_t r = 1; r < t->n && !e->first_row; r++)
		e->kernels->axpy(out, 1.0f, x + r * e->width, e->width);
	if (!p->plain)
		normalise(out, e->width); /* also divides the sum by t->n */
	for (size_t j = 0; j < e->width && p->plain && !e->first_row; j++)
		out[j] /= (float)t->n;
}

static void run_pass(struct pass *p, float *out)
{
	struct encoder *e = p->e;

	for_rows(p, start_rows);
	for (size_t i = 0; i < e->layers; i++) {
		p->layer = &e->layer[i];
		run_layer(p);
	}
	for (size_t i = 0; i < p->n_texts; i++)
		pool_text(p, &p->texts[i], out + i * e->width);
	p->n_rows = p->n_texts = p->n_blocks = 0;
}

static void add_text(struct pass *p, const struct token_list *tokens)
{
	const struct encoder *e = p->e;
	struct text_rows *t = &p->texts[p->n_texts++];
	const float *k = e->scratch.qkv + p->n_rows * 3 * e->width + e->width;

	*t = (struct text_rows){ p->n_rows, tokens->n, { k, k + e->width, tokens->n, 3 * e->width } };
	for (size_t i = 0; i < tokens->n; i++, p->n_rows++) {
		p->ids[p->n_rows] = tokens->ids[i];
		p->place[p->n_rows] = i;
	}
	for (size_t i = 0; i < t->n; i += ATTENTION_BLOCK)
		p->blocks[p->n_blocks++] = (struct block){ t, t->first + i, smaller(t->n - i, ATTENTION_BLOCK) };
}

void encoder_encode(const struct encoder *e, const char *text, struct token_list *tokens)
{
	tokens->n = 0;
	token_list_add(tokens, e->cls);
	tokenizer_encode(e->tokenizer, text, strlen(text), false, tokens);
	tokens->n = smaller(tokens->n, e->limit - 1);
	token_list_add(tokens, e->sep);
}

bool encoder_encode_words(const struct encoder *e, const char *text, struct token_list *tokens, struct token_words *words)
{
	tokens->n = words->n = 0;
	token_list_add(tokens, e->cls);
	if (!tokenizer_encode_words(e->tokenizer, text, strlen(text), tokens, words))
		return false;
	tokens->n = smaller(tokens->n, e->limit - 1);
	while (words->n > 0 && words->at[words->n - 1].token >= tokens->n)
		words->n--;
	token_list_add(tokens, e->sep);
	return true;
}

size_t encoder_tokens(const struct encoder *e, const char *text, size_t n)
{
	struct token_list list = { 0 };

	tokenizer_encode(e->tokenizer, text, n, false, &list);
	n = list.n;
	token_list_release(&list);
	return n;
}

static void embed(struct encoder *e, const char *const *texts, size_t n, bool plain, float *out, size_t *tokens)
{
	struct pass *p = mem_zero(1, sizeof(*p));
	struct token_list list = { 0 };
	size_t done = 0;

	p->e = e;
	p->plain = plain;
	for (size_t i = 0; i < n; i++) {
		encoder_encode(e, texts[i], &list);
		if (tokens)
			tokens[i] = list.n;
		if (p->n_rows + list.n > ENCODER_ROWS) {
			run_pass(p, out + done * e->width);
			done = i;
		}
		add_text(p, &list);
	}
	if (p->n_texts > 0)
		run_pass(p, out + done * e->width);
	token_list_release(&list);
	free(p);
}

void encoder_embed(struct encoder *e, const char *const *texts, size_t n, float *out, size_t *tokens)
{
	embed(e, texts, n, false, out, tokens);
}

void encoder_means(struct encoder *e, const char *const *texts, size_t n, float *out)
{
	embed(e, texts, n, true, out, NULL);
}

void encoder_rows(struct encoder *e, const struct token_list *tokens, float *rows, float *mean)
{
	struct pass *p = mem_zero(1, sizeof(*p));

	p->e = e;
	p->plain = true;
	add_text(p, tokens);
	run_pass(p, mean);
	memcpy(rows, e->scratch.x, tokens->n * e->width * sizeof(*rows));
	free(p);
}
