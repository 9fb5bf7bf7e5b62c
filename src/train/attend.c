/* attend.c - one tile a span and key head. Keys and values of the prefix and the span's own are gathered side by side. Products leave
 * out what causal rows do not see, by panels and by blocks of rows: where a product reads weights, those within are 0. What the
 * derivative owes the rows of a prefix is kept a span at a time and added up in the order of the spans, so that the sum does not
 * depend on which thread was first. */
#include "train/attend.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "train/floats.h"

static const struct kernels *plain(const struct attend *a)
{
	return a->kernels->exact ? a->kernels->exact : a->kernels;
}

static size_t keys_of(const struct span *s)
{
	return s->n_prefix + s->n;
}

/* The memory of one tile; `seen` positions, rows queries. */
struct work {
	const struct attend *a;
	const struct span *span;
	const struct kernels *kernels; /* of f32 products */
	float *k, *v, *d_k, *d_v; /* (seen, width) */
	float *p, *d;             /* (rows, stride) weights, and their derivative */
	float *turned;            /* (seen, rows) */
	float *mixed;             /* (seen or rows, width) */
	void *panels;
	size_t rows, seen, stride;
};

struct longest {
	size_t rows, seen;
};

static struct longest longest_of(const struct attend *a)
{
	struct longest l = { 0 };

	for (size_t i = 0; i < a->n_spans; i++) {
		size_t seen = keys_of(&a->spans[i]);

		l.rows = a->spans[i].n > l.rows ? a->spans[i].n : l.rows;
		l.seen = seen > l.seen ? seen : l.seen;
	}
	return l;
}

static size_t panel_floats(const struct attend *a, size_t columns, size_t k)
{
	const struct kernels *kernels = plain(a);
	size_t panel = (size_t)kernels->panel;

	return floats_padded((columns + panel - 1) / panel * kernels->panel_bytes(k) / sizeof(float));
}

static size_t panels_most(const struct attend *a, struct longest l)
{
	size_t keys = panel_floats(a, l.seen, a->width), values = panel_floats(a, a->width, l.seen > l.rows ? l.seen : l.rows);

	return keys > values ? keys : values;
}

static size_t tile_floats(const struct attend *a, struct longest l)
{
	size_t most = l.seen > l.rows ? l.seen : l.rows;

	return 4 * floats_padded(l.seen * a->width) + 2 * floats_padded(l.rows * floats_padded(l.seen)) + floats_padded(l.seen * floats_padded(l.rows)) +
	       floats_padded(most * a->width) + panels_most(a, l);
}

/* What the spans with a prefix owe its rows: keys, then values, of all key heads. */
static size_t owed_floats(const struct attend *a, size_t prefixes)
{
	return floats_padded(prefixes * 2 * a->kv_heads * a->width);
}

size_t attend_scratch_most(const struct attend *a, size_t rows, size_t seen, size_t prefixes)
{
	return (size_t)pool_threads(a->pool) * tile_floats(a, (struct longest){ rows, seen }) + owed_floats(a, prefixes);
}

size_t attend_scratch(const struct attend *a)
{
	struct longest l = longest_of(a);
	size_t prefixes = 0;

	for (size_t i = 0; i < a->n_spans; i++)
		prefixes += a->spans[i].n_prefix;
	return attend_scratch_most(a, l.rows, l.seen, prefixes);
}

struct run {
	const struct attend *a;
	struct longest longest;
	size_t tile_floats;
	float *scratch, *owed;
	float *out;         /* forward */
	const float *d_out; /* backward */
	float *d_qkv;
};

static struct work lay_out(const struct run *r, const struct span *s, int worker)
{
	const struct attend *a = r->a;
	float *next = r->scratch + (size_t)worker * r->tile_floats;
	struct work w = { .a = a, .span = s, .kernels = plain(a), .rows = s->n, .seen = keys_of(s), .stride = floats_padded(keys_of(s)) };
	size_t most = r->longest.seen > r->longest.rows ? r->longest.seen : r->longest.rows;
	size_t rows = floats_padded(r->longest.seen * a->width), square = floats_padded(r->longest.rows * floats_padded(r->longest.seen));

	w.k = next;
	w.v = (next += rows);
	w.d_k = (next += rows);
	w.d_v = (next += rows);
	w.p = (next += rows);
	w.d = (next += square);
	w.turned = (next += square);
	w.mixed = (next += floats_padded(r->longest.seen * floats_padded(r->longest.rows)));
	w.panels = next + floats_padded(most * a->width);
	return w;
}

static size_t row_floats(const struct attend *a)
{
	return (a->heads + 2 * a->kv_heads) * a->width;
}

/* Keys and values of a key head side by side, the prefix first. */
static void gather(const struct attend *a, const struct span *s, size_t head, const struct work *w)
{
	size_t ld = row_floats(a), key = (a->heads + head) * a->width, value = key + a->kv_heads * a->width;

	for (size_t i = 0; i < w->seen; i++) {
		size_t row = i < s->n_prefix ? s->prefix_first + i : s->first + i - s->n_prefix;

		memcpy(w->k + i * a->width, a->qkv + row * ld + key, a->width * sizeof(float));
		memcpy(w->v + i * a->width, a->qkv + row * ld + value, a->width * sizeof(float));
	}
}

/* Queries or keys from .. to - 1. */
struct range {
	size_t from, to;
};

/* What the query rows from .. to - 1 see among them. */
static struct range keys_seen(const struct work *w, size_t from, size_t to)
{
	size_t end = w->span->n_prefix + from + 1; /* of the first row */

	if (!w->a->causal)
		return (struct range){ 0, w->seen };
	return (struct range){ w->a->window && end > w->a->window ? end - w->a->window : 0, w->span->n_prefix + to };
}

/* The query rows that see one of the keys from .. to - 1. */
static struct range rows_seeing(const struct work *w, size_t from, size_t to)
{
	size_t prefix = w->span->n_prefix, end = to - 1 + w->a->window; /* position of the first row for which all are too old */
	struct range r = { 0, w->rows };

	if (w->a->causal && from > prefix)
		r.from = from - prefix;
	if (w->a->causal && w->a->window && end < w->seen)
		r.to = end > prefix ? end - prefix : 0;
	return r;
}

/* c (rows, seen) = x (rows, width) y^T, y keys or values, where a row sees them; elsewhere c has any values, or its old ones. */
static void times_rows(const struct work *w, const float *x, size_t ldx, const float *y, float *c)
{
	size_t panel = (size_t)w->kernels->panel, k = w->a->width;

	for (size_t j = 0; j < w->seen; j += panel) {
		size_t columns = w->seen - j < panel ? w->seen - j : panel;
		struct range r = rows_seeing(w, j, j + columns);

		w->kernels->pack(y + j * k, columns, k, k, w->panels);
		w->kernels->multiply(x + r.from * ldx, r.to - r.from, ldx, k, w->panels, columns, c + r.from * w->stride + j, w->stride);
	}
}

enum { BLOCK = 28 }; /* rows, two of the largest tile: of 128 rows it leaves out 40 % of the work, where 14 leave out 44 % */

/* c (m, width) = x (m, k) y, y (k, width), rows ldy apart; of row i only x[i][p] with p in summed() is not 0. */
static void times_across(const struct work *w, const float *x, size_t m, size_t ldx, size_t k, const float *y, size_t ldy,
			 struct range (*summed)(const struct work *w, size_t from, size_t to), float *c, size_t ldc)
{
	size_t panel = (size_t)w->kernels->panel, n = w->a->width;

	for (size_t j = 0; j < n; j += panel) {
		size_t columns = n - j < panel ? n - j : panel, from = 0;

		w->kernels->pack_across(y + j, k, ldy, columns, 0, w->panels);
		for (size_t blocks = w->a->causal ? (m + BLOCK - 1) / BLOCK : 1; blocks > 0; blocks--) {
			size_t rows = (m - from) / blocks;
			struct range r = summed(w, from, from + rows);

			w->kernels->multiply(x + from * ldx + r.from, rows, ldx, r.to - r.from,
					     (char *)w->panels + w->kernels->panel_bytes(r.from), columns, c + from * ldc + j, ldc);
			from += rows;
		}
	}
}

/* The weights of one query head, in p; positions that a row does not see have weight 0. */
static void weigh(const struct work *w, const float *q)
{
	times_rows(w, q, row_floats(w->a), w->k, w->p);
	for (size_t i = 0; i < w->rows; i++) {
		float *p = w->p + i * w->stride;
		struct range r = keys_seen(w, i, i + 1);

		w->kernels->softmax(p + r.from, r.to - r.from, w->a->scale);
		memset(p, 0, r.from * sizeof(*p));
		memset(p + r.to, 0, (w->stride - r.to) * sizeof(*p));
	}
}

static void forward_tile(void *context, size_t tile, int worker)
{
	const struct run *r = context;
	const struct attend *a = r->a;
	const struct span *s = &a->spans[tile / a->kv_heads];
	size_t head = tile % a->kv_heads, group = a->heads / a->kv_heads, ldo = a->heads * a->width;
	struct work w = lay_out(r, s, worker);

	gather(a, s, head, &w);
	for (size_t q = head * group; q < (head + 1) * group; q++) {
		weigh(&w, a->qkv + s->first * row_floats(a) + q * a->width);
		times_across(&w, w.p, w.rows, w.stride, w.seen, w.v, a->width, keys_seen, r->out + s->first * ldo + q * a->width,
			     ldo);
	}
}

/* One query head: its d_q to d_qkv; what it owes keys and values is added to w->d_k and w->d_v. */
static void query_backward(const struct run *r, const struct span *s, const struct work *w, size_t head)
{
	const struct attend *a = r->a;
	size_t ld = row_floats(a), ldo = a->heads * a->width;
	const float *q = a->qkv + s->first * ld + head * a->width, *d_out = r->d_out + s->first * ldo + head * a->width;

	weigh(w, q);
	times_rows(w, d_out, ldo, w->v, w->d);
	w->kernels->turn(w->p, w->rows, w->seen, w->stride, w->turned, w->rows);
	times_across(w, w->turned, w->seen, w->rows, w->rows, d_out, ldo, rows_seeing, w->mixed, a->width);
	floats_add(w->d_v, w->mixed, w->seen * a->width);
	for (size_t i = 0; i < w->rows; i++) {
		float *d = w->d + i * w->stride;
		struct range seen = keys_seen(w, i, i + 1);

		w->kernels->softmax_gradient(d + seen.from, w->p + i * w->stride + seen.from, seen.to - seen.from, a->scale);
		memset(d, 0, seen.from * sizeof(*d));
		memset(d + seen.to, 0, (w->stride - seen.to) * sizeof(*d));
	}
	times_across(w, w->d, w->rows, w->stride, w->seen, w->k, a->width, keys_seen, r->d_qkv + s->first * ld + head * a->width, ld);
	w->kernels->turn(w->d, w->rows, w->seen, w->stride, w->turned, w->rows);
	times_across(w, w->turned, w->seen, w->rows, w->rows, q, ld, rows_seeing, w->mixed, a->width);
	floats_add(w->d_k, w->mixed, w->seen * a->width);
}

static void backward_tile(void *context, size_t tile, int worker)
{
	const struct run *r = context;
	const struct attend *a = r->a;
	size_t span = tile / a->kv_heads, head = tile % a->kv_heads, group = a->heads / a->kv_heads, ld = row_floats(a);
	const struct span *s = &a->spans[span];
	struct work w = lay_out(r, s, worker);
	size_t bytes = a->width * sizeof(float), before = 0;

	for (size_t i = 0; i < span; i++)
		before += a->spans[i].n_prefix;
	gather(a, s, head, &w);
	memset(w.d_k, 0, w.seen * bytes);
	memset(w.d_v, 0, w.seen * bytes);
	for (size_t q = head * group; q < (head + 1) * group; q++)
		query_backward(r, s, &w, q);
	for (size_t i = 0; i < w.seen; i++) {
		bool owed = i < s->n_prefix;
		float *keys = owed ? r->owed + (before + i) * 2 * a->kv_heads * a->width :
				     r->d_qkv + (s->first + i - s->n_prefix) * ld + a->heads * a->width;

		memcpy(keys + head * a->width, w.d_k + i * a->width, bytes);
		memcpy(keys + (a->kv_heads + head) * a->width, w.d_v + i * a->width, bytes);
	}
}

static struct run begin(const struct attend *a, float *scratch)
{
	struct run r = { .a = a, .longest = longest_of(a), .scratch = scratch };

	r.tile_floats = tile_floats(a, r.longest);
	r.owed = scratch + (size_t)pool_threads(a->pool) * r.tile_floats;
	return r;
}

void attend_forward(const struct attend *a, float *out, float *scratch)
{
	struct run r = begin(a, scratch);

	r.out = out;
	pool_run(a->pool, a->n_spans * a->kv_heads, forward_tile, &r);
}

void attend_backward(const struct attend *a, const float *d_out, float *d_qkv, float *scratch)
{
	struct run r = begin(a, scratch);
	const float *owed = r.owed;
	size_t ld = row_floats(a), n = 2 * a->kv_heads * a->width;

	r.d_out = d_out;
	r.d_qkv = d_qkv;
	pool_run(a->pool, a->n_spans * a->kv_heads, backward_tile, &r);
	for (size_t i = 0; i < a->n_spans; i++)
		for (size_t j = 0; j < a->spans[i].n_prefix; j++, owed += n)
			floats_add(d_qkv + (a->spans[i].prefix_first + j) * ld + a->heads * a->width, owed, n);
}
