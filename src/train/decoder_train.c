/* decoder_train.c - forward and backward through the layers of a decoder.
 *
 * Kept for the backward pass, a layer: the residual stream before and between its blocks, what attention takes and gives, gates and
 * ups, and what went into each pair. Normalised rows, attention weights and activations are computed again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "train/decoder_train_inner.h"
#include "train/floats.h"

enum { ROW_TILE = 32 };

static void for_rows(struct decoder_pass *p, void (*fn)(void *pass, size_t tile, int worker))
{
	pool_run(p->t->d->pool, (p->rows + ROW_TILE - 1) / ROW_TILE, fn, p);
}

static size_t tile_end(const struct decoder_pass *p, size_t tile)
{
	return (tile + 1) * ROW_TILE < p->rows ? (tile + 1) * ROW_TILE : p->rows;
}

/* --- buffers ------------------------------------------------------------------------------------------------------- */

static void lay_out_layer(const struct decoder_trainer *t, size_t layer, size_t rows, float **next)
{
	const struct decoder *d = t->d;
	struct decoder_state *s = &t->state[layer];
	bool norms = decoder_has(d, POST_NORMS);

	s->x = floats_take(next, rows * d->width);
	s->raw = decoder_has(d, QK_NORM) ? floats_take(next, rows * decoder_qkv_width(d)) : NULL;
	s->qkv = floats_take(next, rows * decoder_qkv_width(d));
	s->mixed = floats_take(next, rows * d->heads * d->head_width);
	s->block = norms ? floats_take(next, rows * d->width) : NULL;
	s->middle = floats_take(next, rows * d->width);
	s->gate_up = floats_take(next, rows * 2 * d->ffn);
	s->block2 = norms ? floats_take(next, rows * d->width) : NULL;
	for (size_t k = 0; k < LINEARS; k++)
		s->h[k] = floats_take(next, rows * t->linear[layer][k].inner);
}

/* Lays the buffers of a pass out behind base; returns the floats they take. */
static size_t lay_out(const struct decoder_trainer *t, struct decoder_scratch_train *s, float *base, size_t rows, size_t positions)
{
	const struct decoder *d = t->d;
	size_t inner = PARTS_MOST * t->options.rank, qkv = decoder_qkv_width(d);
	size_t widest = larger(larger(2 * d->ffn, qkv), larger(d->width, d->heads * d->head_width));
	float *next = base;

	for (size_t i = 0; i < d->layers; i++)
		lay_out_layer(t, i, rows, &next);
	s->end = floats_take(&next, rows * d->width);
	s->normed = floats_take(&next, rows * larger(d->width, d->heads * d->head_width));
	s->rounded = floats_take(&next, rows * (widest + inner));
	s->block = floats_take(&next, rows * larger(d->width, d->heads * d->head_width));
	s->d = floats_take(&next, rows * d->width);
	s->d2 = floats_take(&next, rows * larger(d->width, d->heads * d->head_width));
	s->wide = floats_take(&next, rows * larger(d->ffn, qkv));
	s->d_h = floats_take(&next, rows * inner);
	s->b = floats_take(&next, widest * inner);
	s->turned = floats_take(&next, inner * (rows + 16));
	s->inner_sum = floats_take(&next, inner * widest);
	s->turns = floats_take(&next, positions * decoder_turns_width(d));
	return (size_t)(next - base);
}

static void reserve(struct decoder_trainer *t, size_t rows, size_t positions)
{
	const struct decoder *d = t->d;

	if (rows > t->rows || positions > t->positions) {
		t->rows = larger(rows, t->rows);
		t->positions = larger(positions, t->positions);
		free(t->memory);
		t->memory = mem_aligned(lay_out(t, &t->scratch, NULL, t->rows, t->positions) * sizeof(float));
		lay_out(t, &t->scratch, t->memory, t->rows, t->positions);
		for (size_t i = 0; i < t->positions; i++)
			for (enum reach reach = GLOBAL; reach < REACHES && d->speeds[reach]; reach++)
				decoder_turns(d, reach, (double)i,
					      t->scratch.turns + i * decoder_turns_width(d) + reach * d->head_width);
	}
}

/* --- layout of a pass ---------------------------------------------------------------------------------------------- */

/* Tokens that all begin with; each sequence keeps the last one of its prompt, which predicts the completion. */
static size_t common_prefix(const struct training_sequence *const *s, size_t n)
{
	size_t common = s[0]->n_prompt - 1;

	for (size_t i = 1; i < n; i++) {
		size_t same = 0;

		while (same < common && same + 1 < s[i]->n_prompt && s[i]->ids[same] == s[0]->ids[same])
			same++;
		common = same;
	}
	return n > 1 ? common : 0;
}

static void add_rows(struct decoder_pass *p, const struct training_sequence *s, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++, p->rows++) {
		p->ids[p->rows] = s->ids[i];
		p->position[p->rows] = i;
		if (i + 1 < s->n_prompt || i + 1 >= s->n)
			continue;
		p->loss_row[p->n_losses] = p->rows;
		p->loss_id[p->n_losses++] = s->ids[i + 1];
	}
}

size_t decoder_trainer_rows(const struct training_sequence *const *s, size_t n)
{
	size_t prefix = common_prefix(s, n), rows = prefix;

	for (size_t i = 0; i < n; i++)
		rows += s[i]->n - prefix;
	return rows;
}

static void pass_init(struct decoder_pass *p, struct decoder_trainer *t, const struct training_sequence *const *s, size_t n)
{
	size_t prefix = common_prefix(s, n), rows = decoder_trainer_rows(s, n), longest = 0;

	*p = (struct decoder_pass){ .t = t, .spans = mem_zero(n + 1, sizeof(*p->spans)) };
	for (size_t i = 0; i < n; i++)
		longest = larger(longest, s[i]->n);
	p->ids = mem_alloc(rows * sizeof(*p->ids));
	p->position = mem_alloc(rows * sizeof(*p->position));
	p->loss_row = mem_alloc(rows * sizeof(*p->loss_row));
	p->loss_id = mem_alloc(rows * sizeof(*p->loss_id));
	if (prefix > 0) {
		add_rows(p, s[0], 0, prefix);
		p->spans[p->n_spans++] = (struct span){ .n = prefix };
	}
	for (size_t i = 0; i < n; i++) {
		p->spans[p->n_spans++] = (struct span){ .first = p->rows, .n = s[i]->n - prefix, .n_prefix = prefix };
		add_rows(p, s[i], prefix, s[i]->n);
	}
	reserve(t, p->rows, longest);
}

static void pass_release(struct decoder_pass *p)
{
	free(p->spans);
	free(p->ids);
	free(p->position);
	free(p->loss_row);
	free(p->loss_id);
}

/* --- forward ------------------------------------------------------------------------------------------------------- */

static float *stream_after(struct decoder_trainer *t, size_t layer)
{
	return layer + 1 < t->d->layers ? t->state[layer + 1].x : t->scratch.end;
}

static void embed_rows(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;
	const struct decoder *d = p->t->d;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		float *x = p->t->state[0].x + r * d->width;

		tensor_read(d->embedding, (size_t)p->ids[r], 1, x);
		for (size_t j = 0; j < d->width && decoder_has(d, SCALED_EMBEDDING); j++)
			x[j] *= d->embedding_scale;
	}
}

/* Rows of x through the norm, to f32 normed and rounded for the linear layer that is next. */
static void norm_rows(struct decoder_pass *p, size_t tile, const float *x, const float *weight, const struct adapted *next)
{
	const struct decoder *d = p->t->d;
	size_t ld = adapted_words(p->t, next);

	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		float *normed = p->t->scratch.normed + r * d->width;

		d->kernels->rms_norm(normed, x + r * d->width, weight, d->width, d->epsilon);
		d->kernels->round(normed, d->width, p->t->scratch.rounded + r * ld);
	}
}

static void attention_norm(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;

	(void)worker;
	norm_rows(p, tile, p->t->state[p->layer].x, p->t->d->layer[p->layer].attention_norm, &p->t->linear[p->layer][LINEAR_QKV]);
}

static const float *turn_of(const struct decoder_pass *p, size_t row)
{
	const struct decoder *d = p->t->d;

	return p->t->scratch.turns + p->position[row] * decoder_turns_width(d) + d->layer[p->layer].reach * d->head_width;
}

/* Biases, norms of heads, rotation. */
static void finish_heads(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;
	const struct decoder *d = p->t->d;
	const struct decoder_layer *l = &d->layer[p->layer];
	struct decoder_state *s = &p->t->state[p->layer];
	size_t ld = decoder_qkv_width(d);

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		float *qkv = s->qkv + r * ld;

		if (l->qkv_bias)
			d->kernels->axpy(qkv, 1.0f, l->qkv_bias, ld);
		if (s->raw)
			memcpy(s->raw + r * ld, qkv, ld * sizeof(*qkv));
		for (size_t h = 0; h < d->heads + d->kv_heads; h++) {
			float *head = qkv + h * d->head_width;

			if (l->q_norm)
				d->kernels->rms_norm(head, head, h < d->heads ? l->q_norm : l->k_norm, d->head_width, d->epsilon);
			decoder_rotate(d, head, turn_of(p, r));
		}
	}
}

static void round_mixed(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;
	const struct decoder *d = p->t->d;
	size_t n = d->heads * d->head_width, ld = adapted_words(p->t, &p->t->linear[p->layer][LINEAR_OUTPUT]);

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++)
		d->kernels->round(p->t->state[p->layer].mixed + r * n, n, p->t->scratch.rounded + r * ld);
}

/* to = x + block, by way of the family's norm of what is added. */
static void join_rows(struct decoder_pass *p, size_t tile, const float *x, const float *post, float *kept, float *to)
{
	const struct decoder *d = p->t->d;

	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		float *block = p->t->scratch.block + r * d->width;

		if (post) {
			memcpy(kept + r * d->width, block, d->width * sizeof(*block));
			d->kernels->rms_norm(block, block, post, d->width, d->epsilon);
		}
		for (size_t j = 0; j < d->width; j++)
			to[r * d->width + j] = x[r * d->width + j] + block[j];
	}
}

/* ... and through the norm that is next, while the rows are in the cache. */
static void join_attention(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;
	struct decoder_state *s = &p->t->state[p->layer];

	(void)worker;
	join_rows(p, tile, s->x, p->t->d->layer[p->layer].attention_post_norm, s->block, s->middle);
	norm_rows(p, tile, s->middle, p->t->d->layer[p->layer].ffn_norm, &p->t->linear[p->layer][LINEAR_GATE_UP]);
}

static void join_ffn(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;
	struct decoder_state *s = &p->t->state[p->layer];

	(void)worker;
	join_rows(p, tile, s->middle, p->t->d->layer[p->layer].ffn_post_norm, s->block2, stream_after(p->t, p->layer));
}

/* Rounded apart from where they are made: a rounded row may be shorter, and the one behind it another thread's. */
static void activate_rows(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;
	const struct decoder *d = p->t->d;
	size_t ld = adapted_words(p->t, &p->t->linear[p->layer][LINEAR_DOWN]);

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		const float *gate = p->t->state[p->layer].gate_up + r * 2 * d->ffn;
		float *out = p->t->scratch.wide + r * d->ffn;

		memcpy(out, gate, d->ffn * sizeof(*out));
		(decoder_has(d, GEGLU) ? d->kernels->geglu : d->kernels->swiglu)(out, gate + d->ffn, d->ffn);
		d->kernels->round(out, d->ffn, p->t->scratch.rounded + r * ld);
	}
}

static struct attend attention(const struct decoder_pass *p)
{
	const struct decoder *d = p->t->d;

	return (struct attend){ .kernels = d->kernels, .pool = d->pool, .spans = p->spans, .n_spans = p->n_spans, .heads = d->heads,
				.kv_heads = d->kv_heads, .width = d->head_width, .scale = d->attention_scale, .causal = true,
				.window = d->layer[p->layer].reach == LOCAL ? d->window : 0, .qkv = p->t->state[p->layer].qkv };
}

static void run_layer(struct decoder_pass *p)
{
	struct decoder_trainer *t = p->t;
	struct decoder_state *s = &t->state[p->layer];
	const struct adapted *l = t->linear[p->layer];
	struct attend a = attention(p);

	for_rows(p, attention_norm);
	adapted_forward(p, &l[LINEAR_QKV], t->scratch.rounded, s->h[LINEAR_QKV], s->qkv);
	for_rows(p, finish_heads);
	attend_forward(&a, s->mixed, t->attend_memory);
	for_rows(p, round_mixed);
	adapted_forward(p, &l[LINEAR_OUTPUT], t->scratch.rounded, s->h[LINEAR_OUTPUT], t->scratch.block);
	for_rows(p, join_attention);
	adapted_forward(p, &l[LINEAR_GATE_UP], t->scratch.rounded, s->h[LINEAR_GATE_UP], s->gate_up);
	for_rows(p, activate_rows);
	adapted_forward(p, &l[LINEAR_DOWN], t->scratch.rounded, s->h[LINEAR_DOWN], t->scratch.block);
	for_rows(p, join_ffn);
}

size_t decoder_trainer_bytes(const struct decoder_trainer *t, size_t tokens, size_t longest, size_t sequences)
{
	const struct decoder *d = t->d;
	struct decoder_trainer other = *t;
	struct decoder_pass p = { .t = &other };
	size_t panel = larger(d->width * larger(2 * d->ffn, decoder_qkv_width(d)), HEAD_WORDS * d->width);

	other.state = mem_zero(d->layers, sizeof(*other.state));
	struct attend a = attention(&p);
	size_t sharing = sequences < tokens ? sequences : tokens; /* a pass computes their prefix, and a token of each at least */
	size_t prefix = longest < tokens - sharing ? longest : tokens - sharing;
	size_t inner = PARTS_MOST * t->options.rank, losses = tokens < HEAD_ROWS ? tokens : HEAD_ROWS;
	size_t widest = larger(larger(d->width, 2 * d->ffn), larger(decoder_qkv_width(d), d->heads * d->head_width)) + inner;
	size_t floats = lay_out(&other, &other.scratch, NULL, tokens, longest) + panel +
			packing_rows_most(d->kernels, pool_threads(d->pool), widest, tokens) +
			attend_scratch_most(&a, longest, longest, sharing > 1 ? sharing * prefix : 0) + losses * (HEAD_WORDS + HEAD_PAD + 4 * d->width);

	free(other.state);
	return parameters_bytes(&t->parameters) + floats * sizeof(float);
}

static void run_layers(struct decoder_pass *p)
{
	struct decoder_trainer *t = p->t;
	struct attend a = attention(p);
	size_t need = attend_scratch(&a);

	if (need > t->attend_size) {
		free(t->attend_memory);
		t->attend_memory = mem_aligned(need * sizeof(float));
		t->attend_size = need;
	}
	for_rows(p, embed_rows);
	for (p->layer = 0; p->layer < t->d->layers; p->layer++)
		run_layer(p);
}

/* --- backward ------------------------------------------------------------------------------------------------------ */

/* A row of a derivative, rounded for the linear layer that made the result. */
static void round_back(const struct decoder_pass *p, enum linear_part part, const float *d, size_t row)
{
	const struct adapted *l = &p->t->linear[p->layer][part];

	p->t->d->kernels->round(d, l->w->n, p->t->scratch.rounded + row * adapted_words_back(p->t, l));
}

/* The derivative by what the block's last layer, `part`, gave before the family's norm, rounded for it. */
static void part_rows(struct decoder_pass *p, size_t tile, enum linear_part part, const float *post, const float *kept)
{
	const struct decoder *d = p->t->d;

	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		float *block = p->t->scratch.block + r * d->width;
		const float *after = p->t->scratch.d + r * d->width;

		if (post) {
			memcpy(block, after, d->width * sizeof(*block));
			d->kernels->rms_norm_gradient(block, kept + r * d->width, post, d->width, d->epsilon);
		}
		round_back(p, part, post ? block : after, r);
	}
}

static void part_ffn(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;

	(void)worker;
	part_rows(p, tile, LINEAR_DOWN, p->t->d->layer[p->layer].ffn_post_norm, p->t->state[p->layer].block2);
}

static void part_attention(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;
	const struct decoder *d = p->t->d;
	size_t n = d->heads * d->head_width;

	(void)worker;
	part_rows(p, tile, LINEAR_OUTPUT, d->layer[p->layer].attention_post_norm, p->t->state[p->layer].block);
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		float *mixed = p->t->state[p->layer].mixed + r * n;

		d->kernels->round(mixed, n, mixed);
	}
}

/* The derivative by activations, in wide (rows, ffn), to that by gates and ups, in state.gate_up; wide gets the activations, rounded in
 * place: what the down layer was given. */
static void activate_backward(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;
	const struct decoder *d = p->t->d;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		float *gate = p->t->state[p->layer].gate_up + r * 2 * d->ffn, *from = p->t->scratch.wide + r * d->ffn;

		(decoder_has(d, GEGLU) ? d->kernels->geglu_gradient : d->kernels->swiglu_gradient)(from, gate, gate + d->ffn, d->ffn);
		d->kernels->round(from, d->ffn, from);
		round_back(p, LINEAR_GATE_UP, gate, r);
	}
}

/* Back through a norm: d += the derivative by its argument x, of which d2 holds that by its result, unless nothing below moves. normed =
 * its result once more, rounded in place: what the next linear layer was given. */
static void norm_backward(struct decoder_pass *p, size_t tile, const float *x, const float *weight, bool below)
{
	const struct decoder *d = p->t->d;

	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		float *d2 = p->t->scratch.d2 + r * d->width, *normed = p->t->scratch.normed + r * d->width;

		d->kernels->rms_norm(normed, x + r * d->width, weight, d->width, d->epsilon);
		d->kernels->round(normed, d->width, normed);
		if (!below)
			continue;
		d->kernels->rms_norm_gradient(d2, x + r * d->width, weight, d->width, d->epsilon);
		floats_add(p->t->scratch.d + r * d->width, d2, d->width);
	}
}

static void ffn_norm_backward(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;

	(void)worker;
	norm_backward(p, tile, p->t->state[p->layer].middle, p->t->d->layer[p->layer].ffn_norm, true);
}

static void attention_norm_backward(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;

	(void)worker;
	norm_backward(p, tile, p->t->state[p->layer].x, p->t->d->layer[p->layer].attention_norm, p->layer > 0);
}

/* Rotation and norms of heads, backwards, in wide (rows, qkv). */
static void heads_backward(void *context, size_t tile, int worker)
{
	struct decoder_pass *p = context;
	const struct decoder *d = p->t->d;
	const struct decoder_layer *l = &d->layer[p->layer];
	size_t ld = decoder_qkv_width(d);
	float *back = mem_alloc(d->head_width * sizeof(*back));

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		const float *turn = turn_of(p, r);

		for (size_t j = 0; j < d->head_width; j++)
			back[j] = j % 2 ? -turn[j] : turn[j];
		for (size_t h = 0; h < d->heads + d->kv_heads; h++) {
			float *head = p->t->scratch.wide + r * ld + h * d->head_width;

			decoder_rotate(d, head, back);
			if (l->q_norm)
				d->kernels->rms_norm_gradient(head, p->t->state[p->layer].raw + r * ld + h * d->head_width,
							      h < d->heads ? l->q_norm : l->k_norm, d->head_width, d->epsilon);
		}
		round_back(p, LINEAR_QKV, p->t->scratch.wide + r * ld, r);
	}
	free(back);
}

static void ffn_backward(struct decoder_pass *p)
{
	struct decoder_trainer *t = p->t;
	struct decoder_state *s = &t->state[p->layer];
	const struct adapted *l = t->linear[p->layer];

	for_rows(p, part_ffn);
	adapted_backward(p, &l[LINEAR_DOWN], s->h[LINEAR_DOWN], t->scratch.wide);
	for_rows(p, activate_backward);
	adapted_gradient_a(p, &l[LINEAR_DOWN], t->scratch.wide);
	adapted_backward(p, &l[LINEAR_GATE_UP], s->h[LINEAR_GATE_UP], t->scratch.d2);
	for_rows(p, ffn_norm_backward);
	adapted_gradient_a(p, &l[LINEAR_GATE_UP], t->scratch.normed);
}

static void attention_backward(struct decoder_pass *p)
{
	struct decoder_trainer *t = p->t;
	struct decoder_state *s = &t->state[p->layer];
	const struct adapted *l = t->linear[p->layer];
	struct attend a = attention(p);

	for_rows(p, part_attention);
	adapted_backward(p, &l[LINEAR_OUTPUT], s->h[LINEAR_OUTPUT], t->scratch.d2);
	adapted_gradient_a(p, &l[LINEAR_OUTPUT], s->mixed);
	attend_backward(&a, t->scratch.d2, t->scratch.wide, t->attend_memory);
	for_rows(p, heads_backward);
	adapted_backward(p, &l[LINEAR_QKV], s->h[LINEAR_QKV], p->layer > 0 ? t->scratch.d2 : NULL); /* below the first nothing moves */
	for_rows(p, attention_norm_backward);
	adapted_gradient_a(p, &l[LINEAR_QKV], t->scratch.normed);
}

double decoder_trainer_pass(struct decoder_trainer *t, const struct training_sequence *const *sequences, size_t n, bool first,
			    double *weight)
{
	struct decoder_pass p;

	pass_init(&p, t, sequences, n);
	p.add = !first;
	run_layers(&p);
	double loss = decoder_head(&p, false);

	for (p.layer = t->d->layers; p.layer-- > 0;) {
		ffn_backward(&p);
		attention_backward(&p);
	}
	*weight = (double)p.n_losses;
	pass_release(&p);
	return loss;
}

double decoder_trainer_loss(struct decoder_trainer *t, const struct training_sequence *const *sequences, size_t n, double *weight)
{
	struct decoder_pass p;

	pass_init(&p, t, sequences, n);
	run_layers(&p);
	double loss = decoder_head(&p, true);

	*weight = (double)p.n_losses;
	pass_release(&p);
	return loss;
}
