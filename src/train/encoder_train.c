/* encoder_train.c - forward and backward of a BERT encoder with a head, on rows packed without padding.
 *
 * Kept for the backward pass, a layer: its input x, queries, keys and values, what attention mixed, the sums before both norms,
 * the first norm's output and the feed-forward block before its activation. The rest (normalised rows, attention weights,
 * activations) is computed again: cheaper than the memory it would pass through. */
#include "train/encoder_train.h"

#include <math.h>
#include <string.h>

#include "train/encoder_train_inner.h"
#include "train/floats.h"

enum {
	ROW_TILE = 64, /* rows whose sums over columns are one partial sum: part of the result, so not the threads' to choose */
	WEIGHED_ROWS = 1024, /* that a product over rows takes at a time: beyond it its operands leave the second-level cache */
};

static size_t row_tiles(size_t rows)
{
	return (rows + ROW_TILE - 1) / ROW_TILE;
}

static void for_rows(struct training_pass *p, void (*fn)(void *pass, size_t tile, int worker))
{
	pool_run(p->t->e->pool, row_tiles(p->rows), fn, p);
}

static size_t tile_end(const struct training_pass *p, size_t tile)
{
	return (tile + 1) * ROW_TILE < p->rows ? (tile + 1) * ROW_TILE : p->rows;
}

/* --- buffers ------------------------------------------------------------------------------------------------------- */

/* Lays the buffers of a pass of so many rows out behind `base`; returns what they take. */
static size_t lay_out(struct encoder_trainer *t, float *base, size_t rows)
{
	const struct encoder *e = t->e;
	struct training_scratch *s = &t->scratch;
	size_t w = e->width, tiles = row_tiles(rows);
	float *next = base;

	for (size_t i = 0; i < e->layers; i++) {
		struct layer_state *l = &t->state[i];

		l->x = floats_take(&next, rows * w);
		l->qkv = floats_take(&next, rows * 3 * w);
		l->mixed = floats_take(&next, rows * w);
		l->z1 = floats_take(&next, rows * w);
		l->y1 = floats_take(&next, rows * w);
		l->up = floats_take(&next, rows * e->ffn);
		l->z2 = floats_take(&next, rows * w);
	}
	s->z0 = floats_take(&next, rows * w);
	s->y = floats_take(&next, rows * w);
	s->rounded = floats_take(&next, rows * e->ffn);
	s->block = floats_take(&next, rows * w);
	s->d = floats_take(&next, rows * w);
	s->d2 = floats_take(&next, rows * w);
	s->wide = floats_take(&next, rows * larger(e->ffn, 3 * w));
	s->turned = floats_take(&next, larger(e->ffn, 3 * w) * ((rows < WEIGHED_ROWS ? rows : WEIGHED_ROWS) + 16));
	s->partial = floats_take(&next, tiles * (2 * w + larger(e->ffn, 3 * w)));
	return (size_t)(next - base);
}

static void reserve(struct encoder_trainer *t, size_t rows)
{
	if (rows <= t->rows)
		return;
	free(t->memory);
	t->memory = mem_aligned(lay_out(t, NULL, rows) * sizeof(float));
	lay_out(t, t->memory, rows);
	t->rows = rows;
}

size_t encoder_trainer_rows(const struct encoder_trainer *t)
{
	return t->rows;
}

/* --- products ------------------------------------------------------------------------------------------------------ */

static const float *weight_of(const struct linear *l)
{
	return l->merged ? l->merged : l->weight->value;
}

/* out (rows, n) = x W^T; x was rounded */
static void forward(struct training_pass *p, const struct linear *l, const float *x, size_t ldx, float *out)
{
	struct rows w = rows_of(weight_of(l), l->weight->rows, l->weight->columns, l->weight->columns);

	pack_rows(&p->t->packing, p->t->e->kernels, p->t->e->pool, &w, NULL);
	product(&p->t->packing, p->t->e->pool, x, p->rows, ldx, out, w.n);
}

/* out (rows, k) = d W; d was rounded */
static void backward(struct training_pass *p, const struct linear *l, const float *d, size_t ldd, float *out)
{
	struct rows w = rows_of(weight_of(l), l->weight->rows, l->weight->columns, l->weight->columns);

	pack_across(&p->t->packing, p->t->e->kernels, p->t->e->pool, &w, NULL);
	product(&p->t->packing, p->t->e->pool, d, p->rows, ldd, out, w.k);
}

/* out (n, k) = D^T X of rows first .. first + rows - 1 */
static void weigh_rows(struct encoder_trainer *t, const struct linear *l, const float *d, const float *x, size_t rows, float *out)
{
	const struct kernels *kernels = t->e->kernels;
	size_t n = l->weight->rows, k = l->weight->columns, ld = kernels->rounded_words(rows) | 1;
	struct rows right = rows_of(x, rows, k, k);

	transpose_round(kernels, t->e->pool, d, rows, n, n, t->scratch.turned, ld);
	pack_across(&t->packing, kernels, t->e->pool, &right, NULL);
	product(&t->packing, t->e->pool, t->scratch.turned, n, ld, out, k);
}

/* The gradient of the matrix, D^T X: d (rows, n), x (rows, k). Where the base does not move it goes on to the pair. */
static void weigh(struct training_pass *p, const struct linear *l, const float *d, const float *x)
{
	struct encoder_trainer *t = p->t;
	size_t n = l->weight->rows, k = l->weight->columns;

	for (size_t first = 0; first < p->rows; first += WEIGHED_ROWS) {
		size_t rows = p->rows - first < WEIGHED_ROWS ? p->rows - first : WEIGHED_ROWS;
		bool add_up = p->add || first > 0, beside = add_up || l->merged;

		weigh_rows(t, l, d + first * n, x + first * k, rows, beside ? t->sum : l->weight->gradient);
		if (l->merged)
			lora_gradient(t, l, t->sum, add_up);
		else if (add_up)
			floats_add(l->weight->gradient, t->sum, n * k);
	}
}

/* --- forward ------------------------------------------------------------------------------------------------------- */

static void embed_rows(void *context, size_t tile, int worker)
{
	struct training_pass *p = context;
	struct encoder_trainer *t = p->t;
	const struct encoder *e = t->e;
	size_t w = e->width, text = 0;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		while (r >= p->spans[text].first + p->spans[text].n)
			text++;
		size_t place = r - p->spans[text].first;
		float *z = t->scratch.z0 + r * w, *x = t->state[0].x + r * w;
		const float *word = t->words->value + (size_t)p->texts[text]->ids[place] * w;

		for (size_t j = 0; j < w; j++)
			z[j] = word[j] + t->places->value[place * w + j] + t->types->value[j];
		e->kernels->layer_norm(x, z, NULL, NULL, t->embedding_norm[0]->value, t->embedding_norm[1]->value, w,
				       e->epsilon);
		e->kernels->round(x, w, t->scratch.rounded + r * w);
	}
}

static void bias_rows(void *context, size_t tile, int worker)
{
	struct training_pass *p = context;
	const struct encoder *e = p->t->e;
	size_t n = 3 * e->width;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++)
		e->kernels->axpy(p->t->state[p->layer].qkv + r * n, 1.0f, p->t->layer[p->layer].qkv.bias->value, n);
}

static void round_mixed(void *context, size_t tile, int worker)
{
	struct training_pass *p = context;
	size_t w = p->t->e->width;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++)
		p->t->e->kernels->round(p->t->state[p->layer].mixed + r * w, w, p->t->scratch.rounded + r * w);
}

/* z = x + block + bias; y = norm(z), and rounded */
static void norm_rows(struct training_pass *p, size_t tile, const float *x, const struct parameter *bias,
		      struct parameter *const *norm, float *z, float *y)
{
	const struct encoder *e = p->t->e;
	size_t w = e->width;

	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		const float *block = p->t->scratch.block + r * w;

		for (size_t j = 0; j < w; j++)
			z[r * w + j] = x[r * w + j] + block[j] + bias->value[j];
		e->kernels->layer_norm(y + r * w, z + r * w, NULL, NULL, norm[0]->value, norm[1]->value, w, e->epsilon);
		e->kernels->round(y + r * w, w, p->t->scratch.rounded + r * w);
	}
}

static void first_norm(void *context, size_t tile, int worker)
{
	struct training_pass *p = context;
	struct layer_state *s = &p->t->state[p->layer];
	const struct layer_parameters *l = &p->t->layer[p->layer];

	(void)worker;
	norm_rows(p, tile, s->x, l->output.bias, l->attention_norm, s->z1, s->y1);
}

static float *output_of(struct encoder_trainer *t, size_t layer)
{
	return layer + 1 < t->e->layers ? t->state[layer + 1].x : t->scratch.y;
}

static void second_norm(void *context, size_t tile, int worker)
{
	struct training_pass *p = context;
	struct layer_state *s = &p->t->state[p->layer];
	const struct layer_parameters *l = &p->t->layer[p->layer];

	(void)worker;
	norm_rows(p, tile, s->y1, l->down.bias, l->ffn_norm, s->z2, output_of(p->t, p->layer));
}

static void activate_rows(void *context, size_t tile, int worker)
{
	struct training_pass *p = context;
	const struct encoder *e = p->t->e;
	const float *bias = p->t->layer[p->layer].up.bias->value;

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		float *up = p->t->state[p->layer].up + r * e->ffn, *out = p->t->scratch.rounded + r * e->ffn;

		e->kernels->axpy(up, 1.0f, bias, e->ffn);
		memcpy(out, up, e->ffn * sizeof(*out));
		e->kernels->gelu(out, NULL, e->ffn);
		e->kernels->round(out, e->ffn, out);
	}
}

static struct attend attention(const struct training_pass *p)
{
	const struct encoder *e = p->t->e;
	size_t width = e->width / e->heads;

	return (struct attend){ .kernels = e->kernels, .pool = e->pool, .spans = p->spans, .n_spans = p->n_texts,
				.heads = e->heads, .kv_heads = e->heads, .width = width,
				.scale = 1.0f / sqrtf((float)width), .qkv = p->t->state[p->layer].qkv };
}

static void run_layer(struct training_pass *p)
{
	struct encoder_trainer *t = p->t;
	struct layer_state *s = &t->state[p->layer];
	const struct layer_parameters *l = &t->layer[p->layer];
	size_t w = t->e->width;
	struct attend a = attention(p);

	forward(p, &l->qkv, t->scratch.rounded, w, s->qkv);
	for_rows(p, bias_rows);
	attend_forward(&a, s->mixed, t->attend_memory);
	for_rows(p, round_mixed);
	forward(p, &l->output, t->scratch.rounded, w, t->scratch.block);
	for_rows(p, first_norm);
	forward(p, &l->up, t->scratch.rounded, w, s->up);
	for_rows(p, activate_rows);
	forward(p, &l->down, t->scratch.rounded, t->e->ffn, t->scratch.block);
	for_rows(p, second_norm);
}

size_t encoder_trainer_bytes(const struct encoder_trainer *t, size_t tokens, size_t longest)
{
	struct encoder_trainer other = *t;
	struct training_pass p = { .t = &other };
	size_t largest = t->e->width * larger(t->e->ffn, 3 * t->e->width);

	other.state = mem_zero(t->e->layers, sizeof(*other.state));
	struct attend a = attention(&p);
	size_t floats = lay_out(&other, NULL, tokens) + attend_scratch_most(&a, longest, longest, 0) + 3 * largest;

	free(other.state);
	return parameters_bytes(&t->parameters) + parameters_bytes(&t->frozen) + floats * sizeof(float) +
	       t->e->vocabulary * sizeof(bool);
}

/* Words of the texts, each once. */
static void catch_up_words(struct training_pass *p)
{
	struct encoder_trainer *t = p->t;
	uint32_t *rows = mem_alloc((p->rows + t->places->rows) * sizeof(*rows));
	size_t n = 0, longest = 0;

	for (size_t i = 0; i < p->n_texts; i++) {
		longest = p->texts[i]->n > longest ? p->texts[i]->n : longest;
		for (size_t j = 0; j < p->texts[i]->n; j++) {
			uint32_t id = (uint32_t)p->texts[i]->ids[j];

			if (t->words->moved[id] < t->parameters.n_steps && !t->seen[id]) {
				t->seen[id] = true;
				rows[n++] = id;
			}
		}
	}
	if (n > 0)
		parameter_catch_up(&t->parameters, t->words, rows, n);
	for (size_t i = 0; i < n; i++)
		t->seen[rows[i]] = false;
	for (n = 0; n < longest; n++)
		rows[n] = (uint32_t)n;
	parameter_catch_up(&t->parameters, t->places, rows, n);
	free(rows);
}

/* Lays the texts out and runs them through all layers; t->scratch.y holds the last one's output. */
static struct training_pass run_layers(struct encoder_trainer *t, const struct training_text *const *texts, size_t n)
{
	struct training_pass p = { .t = t, .texts = texts, .n_texts = n,
					  .spans = mem_zero(n + 1, sizeof(*p.spans)) };

	for (size_t i = 0; i < n; i++) {
		p.spans[i] = (struct span){ .first = p.rows, .n = texts[i]->n };
		p.rows += texts[i]->n;
	}
	reserve(t, p.rows);
	struct attend a = attention(&p);
	size_t need = attend_scratch(&a);

	if (need > t->attend_size) {
		free(t->attend_memory);
		t->attend_memory = mem_aligned(need * sizeof(float));
		t->attend_size = need;
	}
	if (!t->options.rank)
		catch_up_words(&p);
	for_rows(&p, embed_rows);
	for (; p.layer < t->e->layers; p.layer++)
		run_layer(&p);
	return p;
}

/* --- backward ------------------------------------------------------------------------------------------------------ */

/* Adds the partial sums (tiles, n) up, in order. */
static void reduce(struct training_pass *p, float *to, size_t from, size_t n)
{
	size_t w = p->t->e->width, ffn = p->t->e->ffn, ld = 2 * w + larger(ffn, 3 * w);

	for (size_t i = 0; i < row_tiles(p->rows); i++)
		floats_add(to, p->t->scratch.partial + i * ld + from, n);
}

static float *partial_of(struct training_pass *p, size_t tile)
{
	size_t w = p->t->e->width, ffn = p->t->e->ffn, ld = 2 * w + larger(ffn, 3 * w);
	float *partial = p->t->scratch.partial + tile * ld;

	memset(partial, 0, ld * sizeof(*partial));
	return partial;
}

/* d = derivative by what the norm was given, z; its partial sums: of weight, bias, and the bias inside z. */
static void norm_backward(struct training_pass *p, size_t tile, const float *z, const struct parameter *weight, bool joined)
{
	struct encoder_trainer *t = p->t;
	const struct encoder *e = t->e;
	size_t w = e->width;
	float *sums = partial_of(p, tile);

	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		float *d = t->scratch.d + r * w;

		if (joined)
			floats_add(d, t->scratch.d2 + r * w, w);
		e->kernels->layer_norm_gradient(d, z + r * w, weight->value, w, e->epsilon, sums, sums + w);
		floats_add(sums + 2 * w, d, w);
		e->kernels->round(d, w, t->scratch.rounded + r * w);
	}
}

static void second_norm_backward(void *context, size_t tile, int worker)
{
	struct training_pass *p = context;

	(void)worker;
	norm_backward(p, tile, p->t->state[p->layer].z2, p->t->layer[p->layer].ffn_norm[0], p->layer + 1 < p->t->e->layers);
}

static void first_norm_backward(void *context, size_t tile, int worker)
{
	struct training_pass *p = context;

	(void)worker;
	norm_backward(p, tile, p->t->state[p->layer].z1, p->t->layer[p->layer].attention_norm[0], true);
}

static void embedding_norm_backward(void *context, size_t tile, int worker)
{
	struct training_pass *p = context;

	(void)worker;
	norm_backward(p, tile, p->t->scratch.z0, p->t->embedding_norm[0], true);
}

/* scratch.wide becomes the derivative by the block before its activation, and state.up the activations. */
static void activate_backward(void *context, size_t tile, int worker)
{
	struct training_pass *p = context;
	const struct encoder *e = p->t->e;
	float *sums = partial_of(p, tile);

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		float *d = p->t->scratch.wide + r * e->ffn;

		e->kernels->gelu_gradient(d, p->t->state[p->layer].up + r * e->ffn, e->ffn);
		floats_add(sums, d, e->ffn);
		e->kernels->round(d, e->ffn, p->t->scratch.rounded + r * e->ffn);
	}
}

static void qkv_backward(void *context, size_t tile, int worker)
{
	struct training_pass *p = context;
	size_t n = 3 * p->t->e->width;
	float *sums = partial_of(p, tile);

	(void)worker;
	for (size_t r = tile * ROW_TILE; r < tile_end(p, tile); r++) {
		const float *d = p->t->scratch.wide + r * n;

		floats_add(sums, d, n);
		p->t->e->kernels->round(d, n, p->t->scratch.rounded + r * n);
	}
}

static void feed_forward_backward(struct training_pass *p)
{
	struct encoder_trainer *t = p->t;
	struct layer_state *s = &t->state[p->layer];
	const struct layer_parameters *l = &t->layer[p->layer];
	size_t w = t->e->width, ffn = t->e->ffn;

	for_rows(p, second_norm_backward);
	reduce(p, l->ffn_norm[0]->gradient, 0, w);
	reduce(p, l->ffn_norm[1]->gradient, w, w);
	reduce(p, l->down.bias->gradient, 2 * w, w);
	backward(p, &l->down, t->scratch.rounded, w, t->scratch.wide);
	for_rows(p, activate_backward);
	reduce(p, l->up.bias->gradient, 0, ffn);
	weigh(p, &l->down, t->scratch.d, s->up);
	weigh(p, &l->up, t->scratch.wide, s->y1);
	backward(p, &l->up, t->scratch.rounded, ffn, t->scratch.d2);
}

static void attention_backward(struct training_pass *p)
{
	struct encoder_trainer *t = p->t;
	struct layer_state *s = &t->state[p->layer];
	const struct layer_parameters *l = &t->layer[p->layer];
	size_t w = t->e->width;
	struct attend a = attention(p);

	for_rows(p, first_norm_backward);
	reduce(p, l->attention_norm[0]->gradient, 0, w);
	reduce(p, l->attention_norm[1]->gradient, w, w);
	reduce(p, l->output.bias->gradient, 2 * w, w);
	weigh(p, &l->output, t->scratch.d, s->mixed);
	backward(p, &l->output, t->scratch.rounded, w, t->scratch.block);
	attend_backward(&a, t->scratch.block, t->scratch.wide, t->attend_memory);
	for_rows(p, qkv_backward);
	reduce(p, l->qkv.bias->gradient, 0, 3 * w);
	weigh(p, &l->qkv, t->scratch.wide, s->x);
	backward(p, &l->qkv, t->scratch.rounded, 3 * w, t->scratch.d2);
}

/* Words and positions take their rows' derivatives, in the order of the batch. */
static void embeddings_backward(struct training_pass *p)
{
	struct encoder_trainer *t = p->t;
	size_t w = t->e->width;

	for_rows(p, embedding_norm_backward);
	if (t->options.rank)
		return;
	reduce(p, t->embedding_norm[0]->gradient, 0, w);
	reduce(p, t->embedding_norm[1]->gradient, w, w);
	reduce(p, t->types->gradient, 2 * w, w);
	for (size_t i = 0; i < p->n_texts; i++)
		for (size_t j = 0; j < p->spans[i].n; j++) {
			const float *d = t->scratch.d + (p->spans[i].first + j) * w;

			floats_add(parameter_row_gradient(t->words, (size_t)p->texts[i]->ids[j]), d, w);
			floats_add(parameter_row_gradient(t->places, j), d, w);
		}
}

/* Matrices are overwritten by the first pass of a step; what is added to must begin at zero. */
static void begin_gradients(struct encoder_trainer *t)
{
	for (size_t i = 0; i < t->parameters.n; i++) {
		struct parameter *q = t->parameters.at[i];

		if (!q->by_rows && (q->rows == 1 || q == t->types || q == t->head[0] || q == t->tagger[0]))
			memset(q->gradient, 0, q->rows * q->columns * sizeof(float));
	}
}

double encoder_trainer_pass(struct encoder_trainer *t, const struct training_text *const *texts, size_t n, bool first,
			    double *weight)
{
	if (first && t->options.rank)
		lora_merge(t);
	struct training_pass p = run_layers(t, texts, n);

	p.add = !first;
	if (first)
		begin_gradients(t);
	double loss = encoder_head(&p, weight);

	for (p.layer = t->e->layers; p.layer-- > 0;) {
		feed_forward_backward(&p);
		attention_backward(&p);
	}
	embeddings_backward(&p);
	free(p.spans);
	return loss;
}

void encoder_trainer_scores(struct encoder_trainer *t, const struct training_text *const *texts, size_t n, float *out, float *tags)
{
	if (t->options.rank)
		lora_merge(t);
	struct training_pass p = run_layers(t, texts, n);
	float *pooled = mem_aligned(t->e->width * sizeof(float));

	for (size_t i = 0; i < n && out && t->head[0]; i++) {
		encoder_pool_rows(t, &p.spans[i], pooled);
		encoder_head_scores(t, t->head, pooled, out + i * t->options.classes);
	}
	for (size_t r = 0; r < p.rows && tags && t->tagger[0]; r++)
		encoder_head_scores(t, t->tagger, t->scratch.y + r * t->e->width, tags + r * t->options.tags);
	free(pooled);
	free(p.spans);
}
