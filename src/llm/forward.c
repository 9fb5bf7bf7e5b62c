/* forward.c - decoder_compute() and decoder_logits(): rows of many contexts go through the layers together.
 *
 * A pass takes up to PASS_ROWS tokens, ancestors before descendants. Inside a layer all keys and values of the pass are
 * stored before any query looks at them, so parents and children may share a pass. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "llm/adapter_inner.h"
#include "llm/attention.h"
#include "llm/decoder_inner.h"

enum {
	ROW_TILE = 16, /* rows that one thread takes at a time where rows are independent */
	LINE = 16,     /* floats of a cache line */
};

/* Tokens first .. first+n-1 of one context, in rows row .. row+n-1 of the pass. */
struct span {
	struct context *context;
	size_t first, n, row;
	struct attention_segment *segments; /* the chain from the root to the context, of the layer at work */
	struct context **chain;             /* (n_segments) */
	size_t n_segments;
};

/* One call of attention_run() for every K/V head: ATTENTION_BLOCK tokens of a span. */
struct block {
	const struct span *span;
	size_t first, n; /* tokens within the span */
};

struct row {
	struct context *context;
	size_t index; /* own token */
};

struct pass {
	struct decoder *d;
	struct arena *arena;
	struct span *spans;
	size_t n_spans;
	struct block *blocks;
	size_t n_blocks;
	struct row *rows;
	size_t n_rows;
	bool adapted;        /* some spans are read through an adapter */
	bool few;            /* products straight from the quantised weights */
	size_t layer;        /* at work */
	bool add;            /* norm_rows(): first add what the last block left in normed */
	bool round;          /* norm_rows(): what it leaves is multiplied next */
	const float *post;   /* norm_rows(): norm of what is added, or NULL */
	const float *weight; /* norm_rows(): of the norm */
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Runs fn over tiles of ROW_TILE rows. */
static void for_rows(struct pass *p, void (*fn)(void *pass, size_t tile, int worker))
{
	pool_run(p->d->pool, (p->n_rows + ROW_TILE - 1) / ROW_TILE, fn, p);
}

void decoder_turns(const struct decoder *d, enum reach reach, double position, float *turn)
{
	for (size_t i = 0; i < d->head_width / 2; i++) {
		turn[2 * i] = (float)cos(position * d->speeds[reach][i]);
		turn[2 * i + 1] = (float)sin(position * d->speeds[reach][i]);
	}
}

/* The embedding of each token and the turns of its position. */
static void start_rows(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	struct decoder *d = p->d;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < smaller(p->n_rows, (tile + 1) * ROW_TILE); r++) {
		const struct row *row = &p->rows[r];
		float *turn = d->scratch.turns + r * decoder_turns_width(d), *x = d->scratch.x + r * d->width;
		double position = (double)(row->context->start + row->index);

		tensor_read(d->embedding, (size_t)row->context->ids[row->index], 1, x);
		for (size_t i = 0; i < d->width && decoder_has(d, SCALED_EMBEDDING); i++)
			x[i] *= d->embedding_scale;
		for (enum reach reach = GLOBAL; reach < REACHES && d->speeds[reach]; reach++)
			decoder_turns(d, reach, position, turn + reach * d->head_width);
	}
}

static const struct kernels *products(const struct pass *p)
{
	return p->few ? kernels_few(p->d->kernels) : p->d->kernels;
}

/* Leaves n values of x as the next product wants them. */
static void round_row(const struct pass *p, float *x, size_t n)
{
	products(p)->round(x, n, x);
}

static void multiply(const struct pass *p, const struct matrix *w, const float *a, size_t lda, float *c, size_t ldc)
{
	(p->few ? matrix_multiply_few : matrix_multiply)(w, p->d->pool, a, p->n_rows, lda, c, ldc);
}

/* Adds what adapters make of the rows a to the columns of c that begin there. */
static void adapt(const struct pass *p, enum adapter_part part, const float *a, size_t lda, float *c, size_t ldc)
{
	const struct decoder *d = p->d;

	for (size_t i = 0; p->adapted && i < p->n_spans;) {
		const struct span *first = &p->spans[i];
		const struct adapter *adapter = first->context->adapter;
		size_t n = 0;

		for (; i < p->n_spans && p->spans[i].context->adapter == adapter; i++)
			n += p->spans[i].n;
		if (adapter)
			(products(p) == d->kernels ? adapter_add : adapter_add_few)(adapter, p->layer, part, a + first->row * lda, n, lda,
								 c + first->row * ldc, ldc);
	}
}

static void multiply_qkv(const struct pass *p, const struct decoder_layer *l)
{
	const struct decoder *d = p->d;
	const struct decoder_scratch *s = &d->scratch;
	size_t ld = decoder_qkv_width(d), keys = d->heads * d->head_width;

	multiply(p, &l->qkv, s->normed, d->width, s->qkv, ld);
	adapt(p, ADAPT_Q, s->normed, d->width, s->qkv, ld);
	adapt(p, ADAPT_K, s->normed, d->width, s->qkv + keys, ld);
	adapt(p, ADAPT_V, s->normed, d->width, s->qkv + keys + decoder_kv_width(d), ld);
}

/* x += normed (when p->add), by way of the norm p->post; normed = rms_norm(x) * weight, rounded when a product comes
 * next */
static void norm_rows(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	struct decoder *d = p->d;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < smaller(p->n_rows, (tile + 1) * ROW_TILE); r++) {
		float *x = d->scratch.x + r * d->width, *normed = d->scratch.normed + r * d->width;

		if (p->add && p->post)
			d->kernels->rms_norm(normed, normed, p->post, d->width, d->epsilon);
		if (p->add)
			d->kernels->axpy(x, 1.0f, normed, d->width);
		d->kernels->rms_norm(normed, x, p->weight, d->width, d->epsilon);
		if (p->round)
			round_row(p, normed, d->width);
	}
}

typedef float f32x4 __attribute__((vector_size(16), aligned(4), may_alias));

/* Turns the pairs of values 2i and 2i + 1 of one head. */
static void rotate_neighbours(float *head, const float *turn, size_t width)
{
	const f32x4 sign = { -1, 1, -1, 1 };

	for (size_t i = 0; i < width; i += 4) {
		f32x4 *at = (f32x4 *)(head + i), pair = *at, t = *(const f32x4 *)(turn + i);
		f32x4 c = __builtin_shufflevector(t, t, 0, 0, 2, 2), s = __builtin_shufflevector(t, t, 1, 1, 3, 3);

		*at = pair * c + __builtin_shufflevector(pair, pair, 1, 0, 3, 2) * (s * sign);
	}
}

/* Turns the pairs of values i and i + width / 2 of one head. */
static void rotate_halves(float *head, const float *turn, size_t width)
{
	for (size_t i = 0; i < width / 2; i += 4) {
		f32x4 *a = (f32x4 *)(head + i), *b = (f32x4 *)(head + width / 2 + i), x = *a, y = *b;
		f32x4 t = *(const f32x4 *)(turn + 2 * i), u = *(const f32x4 *)(turn + 2 * i + 4);
		f32x4 c = __builtin_shufflevector(t, u, 0, 2, 4, 6), s = __builtin_shufflevector(t, u, 1, 3, 5, 7);

		*a = x * c - y * s;
		*b = x * s + y * c;
	}
}

void decoder_rotate(const struct decoder *d, float *head, const float *turn)
{
	(decoder_has(d, HALF_SPLIT) ? rotate_halves : rotate_neighbours)(head, turn, d->head_width);
}

/* Queries and keys of one row, in their final form for attention. */
static void finish_heads(const struct decoder *d, const struct decoder_layer *l, float *qkv, const float *turn)
{
	if (l->qkv_bias)
		d->kernels->axpy(qkv, 1.0f, l->qkv_bias, decoder_qkv_width(d));
	for (size_t h = 0; h < d->heads + d->kv_heads; h++) {
		float *head = qkv + h * d->head_width;

		if (l->q_norm)
			d->kernels->rms_norm(head, head, h < d->heads ? l->q_norm : l->k_norm, d->head_width,
					     d->epsilon);
		decoder_rotate(d, head, turn);
	}
}

/* Rotates queries in place; keys (rotated) and values go to their contexts. */
static void store_rows(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	struct decoder *d = p->d;
	const struct decoder_layer *l = &d->layer[p->layer];
	size_t width = decoder_kv_width(d);

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < smaller(p->n_rows, (tile + 1) * ROW_TILE); r++) {
		float *q = d->scratch.qkv + r * decoder_qkv_width(d), *k = q + d->heads * d->head_width;
		const float *turns = d->scratch.turns + r * decoder_turns_width(d);
		const struct row *row = &p->rows[r];

		finish_heads(d, l, q, turns + l->reach * d->head_width);
		memcpy(context_keys(row->context, p->layer) + row->index * width, k, width * sizeof(*k));
		memcpy(context_values(row->context, p->layer) + row->index * width, k + width, width * sizeof(*k));
	}
}

static void attend(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	struct decoder *d = p->d;
	const struct block *b = &p->blocks[p->n_blocks - 1 - tile % p->n_blocks];
	size_t kv_head = tile / p->n_blocks, group = d->heads / d->kv_heads;
	size_t row = b->span->row + b->first, column = kv_head * group * d->head_width;
	struct attention a = {
		.q = d->scratch.qkv + row * decoder_qkv_width(d) + column,
		.out = d->scratch.mixed + row * d->heads * d->head_width,
		.column = column,
		.n = b->n,
		.ldq = decoder_qkv_width(d),
		.ldo = d->heads * d->head_width,
		.group = group,
		.width = d->head_width,
		.segments = b->span->segments,
		.n_segments = b->span->n_segments,
		.head = kv_head * d->head_width,
		.first = b->span->context->start + b->span->first + b->first,
		.causal = true,
		.window = d->layer[p->layer].reach == LOCAL ? d->window : 0,
		.scale = d->attention_scale,
		.exact = decoder_has(d, QKV_BIAS),
		.plain = !attention_can_round(products(p), d->head_width),
	};

	attention_run(&a, products(p), d->scratch.scores + (size_t)worker * d->scratch.scores_size);
}

static void round_mixed(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	size_t heads = p->d->heads * p->d->head_width;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < smaller(p->n_rows, (tile + 1) * ROW_TILE); r++)
		round_row(p, p->d->scratch.mixed + r * heads, heads);
}

typedef void activation(float *gate, const float *up, size_t n);

static activation *activation_of(const struct decoder *d)
{
	return decoder_has(d, GEGLU) ? d->kernels->geglu : d->kernels->swiglu;
}

static void activate_rows(void *context, size_t tile, int worker)
{
	struct pass *p = context;
	struct decoder *d = p->d;
	activation *activate = activation_of(d);

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < smaller(p->n_rows, (tile + 1) * ROW_TILE); r++) {
		float *gate = d->scratch.gate_up + r * 2 * d->ffn;

		activate(gate, gate + d->ffn, d->ffn);
		round_row(p, gate, d->ffn);
	}
}

/* normed (rows, width) to what is multiplied next, (rows, ffn) in gate_up; returns how far apart its rows lie: written
 * alone, an odd number of cache lines, so that those of one tile do not compete for one place in cache. */
static size_t gate_rows(struct pass *p, const struct decoder_layer *l)
{
	struct decoder *d = p->d;
	struct decoder_scratch *s = &d->scratch;
	size_t ld = d->kernels->rounded_words(d->ffn) | LINE;

	if (!p->few && !p->adapted && matrix_can_gate(&l->gate_up)) {
		matrix_multiply_gated(&l->gate_up, d->pool, s->normed, p->n_rows, d->width, activation_of(d), s->gate_up,
				      ld);
		return ld;
	}
	multiply(p, &l->gate_up, s->normed, d->width, s->gate_up, 2 * d->ffn);
	adapt(p, ADAPT_GATE, s->normed, d->width, s->gate_up, 2 * d->ffn);
	adapt(p, ADAPT_UP, s->normed, d->width, s->gate_up + d->ffn, 2 * d->ffn);
	for_rows(p, activate_rows);
	return 2 * d->ffn;
}

/* Points every span's segments at the keys and values of the layer at work. */
static void aim_segments(struct pass *p)
{
	for (size_t i = 0; i < p->n_spans; i++) {
		struct span *s = &p->spans[i];

		for (size_t j = 0; j < s->n_segments; j++) {
			s->segments[j].k = context_keys(s->chain[j], p->layer);
			s->segments[j].v = context_values(s->chain[j], p->layer);
		}
	}
}

static void run_layer(struct pass *p)
{
	struct decoder *d = p->d;
	struct decoder_scratch *s = &d->scratch;
	const struct decoder_layer *l = &d->layer[p->layer];
	size_t heads = d->heads * d->head_width, ld;

	p->weight = l->attention_norm;
	p->round = true;
	p->add = p->layer > 0;
	p->post = p->add ? l[-1].ffn_post_norm : NULL;
	for_rows(p, norm_rows);
	multiply_qkv(p, l);
	for_rows(p, store_rows);
	aim_segments(p);
	pool_run(d->pool, p->n_blocks * d->kv_heads, attend, p);
	if (!attention_can_round(products(p), d->head_width))
		for_rows(p, round_mixed);
	multiply(p, &l->output, s->mixed, heads, s->normed, d->width);
	adapt(p, ADAPT_OUTPUT, s->mixed, heads, s->normed, d->width);
	p->weight = l->ffn_norm;
	p->add = true;
	p->post = l->attention_post_norm;
	for_rows(p, norm_rows);
	ld = gate_rows(p, l);
	multiply(p, &l->down, s->gate_up, ld, s->normed, d->width);
	adapt(p, ADAPT_DOWN, s->gate_up, ld, s->normed, d->width);
}

static void run_layers(struct pass *p)
{
	struct decoder *d = p->d;

	for_rows(p, start_rows);
	for (p->layer = 0; p->layer < d->layers; p->layer++)
		run_layer(p);
	p->weight = d->final_norm;
	p->add = true;
	p->round = false;
	p->post = d->layer[d->layers - 1].ffn_post_norm;
	for_rows(p, norm_rows);
	for (size_t r = 0; r < p->n_rows; r++)
		memcpy(p->rows[r].context->hidden + p->rows[r].index * d->width, d->scratch.normed + r * d->width,
		       d->width * sizeof(float));
}

/* The contexts from the root to the span's own that have tokens. */
static void build_chain(struct pass *p, struct span *s)
{
	size_t depth = 0, width = decoder_kv_width(p->d);

	for (struct context *c = s->context; c; c = c->parent)
		depth += c->n > 0;
	s->n_segments = depth;
	s->chain = arena_array(p->arena, depth, sizeof(*s->chain));
	s->segments = arena_array(p->arena, depth, sizeof(*s->segments));
	for (struct context *c = s->context; c; c = c->parent) {
		if (c->n == 0)
			continue;
		s->chain[--depth] = c;
		s->segments[depth] = (struct attention_segment){ .n = c->n, .ld = width };
	}
}

/* Rows and attention blocks of the spans; returns the longest chain of positions that a query of the pass sees. */
static size_t lay_out(struct pass *p)
{
	size_t longest = 0, blocks = 0;

	for (size_t i = 0; i < p->n_spans; i++)
		blocks += (p->spans[i].n + ATTENTION_BLOCK - 1) / ATTENTION_BLOCK;
	p->blocks = arena_array(p->arena, blocks, sizeof(*p->blocks));
	p->rows = arena_array(p->arena, p->n_rows, sizeof(*p->rows));
	for (size_t i = 0; i < p->n_spans; i++) {
		struct span *s = &p->spans[i];
		size_t end = s->context->start + s->first + s->n;

		build_chain(p, s);
		longest = end > longest ? end : longest;
		for (size_t j = 0; j < s->n; j++)
			p->rows[s->row + j] = (struct row){ s->context, s->first + j };
		for (size_t j = 0; j < s->n; j += ATTENTION_BLOCK)
			p->blocks[p->n_blocks++] = (struct block){ s, j, smaller(s->n - j, ATTENTION_BLOCK) };
	}
	return longest;
}

static void reserve_scores(struct decoder *d, size_t positions)
{
	struct decoder_scratch *s = &d->scratch;
	size_t need = attention_scratch(d->kernels, decoder_has(d, QKV_BIAS), d->heads / d->kv_heads, d->head_width,
					positions);

	need = (need + 31) / 16 * 16; /* whole cache lines, and one between two threads */
	if (need <= s->scores_size)
		return;
	free(s->scores);
	s->scores_size = need + need / 2; /* generation grows by a token at a time */
	s->scores = mem_aligned((size_t)pool_threads(d->pool) * s->scores_size * sizeof(float));
}

/* The contexts that have work to do, ancestors first. */
struct worklist {
	struct context **contexts;
	size_t n, capacity;
};

static void enlist(struct worklist *w, struct context *c)
{
	if (!c || (c->n > 0 && c->queued == c->n))
		return;
	enlist(w, c->parent);
	if (c->queued == c->n)
		return;
	if (w->n == w->capacity) {
		w->capacity = w->capacity ? 2 * w->capacity : 16;
		w->contexts = mem_resize(w->contexts, w->capacity, sizeof(struct context *));
	}
	w->contexts[w->n++] = c;
	c->queued = c->n;
	context_reserve(c);
}

/* Takes up to `room` tokens from the work list, starting at its context `at`; returns where to go on. */
static size_t fill_pass(struct pass *p, const struct worklist *w, size_t at, size_t room)
{
	size_t end = w->n - at < room ? w->n : at + room;

	p->spans = arena_array(p->arena, end - at, sizeof(*p->spans));
	while (at < end && room > 0) {
		struct context *c = w->contexts[at];
		size_t n = smaller(room, c->n - c->done);

		p->spans[p->n_spans++] = (struct span){ .context = c, .first = c->done, .n = n, .row = p->n_rows };
		p->n_rows += n;
		room -= n;
		c->done += n;
		at += c->done == c->n;
	}
	return at;
}

/* few: by products straight from the quantised weights. NULL contexts have nothing to compute. */
static void compute(struct decoder *d, struct context *const *contexts, size_t n, bool few)
{
	struct worklist work = { 0 };
	struct arena arena;

	arena_init(&arena);
	for (size_t i = 0; i < n; i++)
		enlist(&work, contexts[i]);
	for (size_t at = 0; at < work.n;) {
		struct pass p = { .d = d, .arena = &arena, .few = few };

		at = fill_pass(&p, &work, at, few ? MATRIX_FEW : PASS_ROWS);
		for (size_t i = 0; i < p.n_spans; i++)
			p.adapted |= p.spans[i].context->adapter != NULL;
		reserve_scores(d, lay_out(&p));
		run_layers(&p);
		arena_release(&arena);
	}
	free(work.contexts);
}

/* The state behind a context's last token, or behind its nearest ancestor's that has tokens; NULL at the very start. */
static const float *last_state(const struct context *c)
{
	while (c && c->n == 0)
		c = c->parent;
	return c ? c->hidden + (c->n - 1) * c->decoder->width : NULL;
}

/* Logits of up to PASS_ROWS contexts. */
static void logits_of(struct decoder *d, struct context *const *contexts, size_t n, bool few, float *out)
{
	const struct kernels *kernels = few ? kernels_few(d->head.kernels) : d->head.kernels;

	for (size_t i = 0; i < n; i++) {
		const float *state = last_state(contexts[i]);
		float *row = d->scratch.normed + i * d->width;

		memset(row, 0, d->width * sizeof(*row));
		if (state)
			kernels->round(state, d->width, row);
	}
	(few ? matrix_multiply_few : matrix_multiply)(&d->head, d->pool, d->scratch.normed, n, d->width, out,
						      d->vocabulary);
}

void decoder_compute(struct decoder *d, struct context *const *contexts, size_t n)
{
	compute(d, contexts, n, false);
}

void decoder_logits(struct decoder *d, struct context *const *contexts, size_t n, float *out)
{
	for (size_t from = 0; from < n; from += PASS_ROWS)
		logits_of(d, contexts + from, smaller(n - from, PASS_ROWS), false, out + from * d->vocabulary);
}

void decoder_step(struct decoder *d, struct context *const *contexts, size_t n, float *out)
{
	if (!d->quantised) {
		compute(d, contexts, n, false);
		decoder_logits(d, contexts, n, out);
		return;
	}
	struct context **many = mem_zero(n, sizeof(struct context *));

	for (size_t i = 0; i < n; i++) {
		const struct context *c = contexts[i];

		many[i] = c->n - c->done > 1 ? contexts[i] : c->parent;
	}
	compute(d, many, n, false);
	compute(d, contexts, n, true);
	free(many);
	for (size_t from = 0; from < n; from += MATRIX_FEW)
		logits_of(d, contexts + from, smaller(n - from, MATRIX_FEW), true, out + from * d->vocabulary);
}

void decoder_logits_all(struct decoder *d, struct context *c, float *out)
{
	for (size_t from = 0; from < c->n; from += PASS_ROWS) {
		size_t count = smaller(c->n - from, PASS_ROWS);

		for (size_t i = 0; i < count; i++)
			d->head.kernels->round(c->hidden + (from + i) * d->width, d->width, d->scratch.normed + i * d->width);
		matrix_multiply(&d->head, d->pool, d->scratch.normed, count, d->width, out + from * d->vocabulary,
				d->vocabulary);
	}
}
