/* decoder_inner.h - what decoder.c, decoder_settings.c, decoder_weights.c (loading), context.c (the tree), forward.c (the
 * arithmetic) and src/train (its derivative) share. */
#ifndef RUNG_LLM_DECODER_INNER_H
#define RUNG_LLM_DECODER_INNER_H

#include "llm/architecture.h"
#include "llm/decoder.h"
#include "llm/gguf.h"

enum { PASS_ROWS = 512 }; /* tokens in one pass over the weights; activations of SmolLM2 then take 13 MB */

/* Which positions a layer's queries see: all, or a window of the last ones. Each kind turns at its own speeds. */
enum reach { GLOBAL, LOCAL, REACHES };

/* Vectors that the architecture does not have are NULL. */
struct decoder_layer {
	enum reach reach;
	float *attention_norm;      /* (width) */
	struct matrix qkv;          /* ((heads + 2 kv_heads) * head_width, width): queries, keys, values */
	float *qkv_bias;            /* ((heads + 2 kv_heads) * head_width) */
	float *q_norm, *k_norm;     /* (head_width) */
	struct matrix output;       /* (width, heads * head_width) */
	float *attention_post_norm; /* (width) */
	float *ffn_norm;            /* (width) */
	struct matrix gate_up;      /* (2 ffn, width): all gates, then all ups */
	struct matrix down;         /* (width, ffn) */
	float *ffn_post_norm;       /* (width) */
};

/* Activations of one pass, PASS_ROWS rows each. */
struct decoder_scratch {
	float *x;       /* (rows, width) the residual stream */
	float *normed;  /* (rows, width) also what a block adds to x */
	float *qkv;     /* (rows, (heads + 2 kv_heads) * head_width) */
	float *mixed;   /* (rows, heads * head_width) attention's output */
	float *gate_up; /* (rows, 2 ffn) */
	float *turns;   /* (rows, 1 or 2 reaches, head_width) cos and sin of each pair's angle */
	float *scores;  /* attention's memory, scores_size floats for each thread */
	size_t scores_size;
};

struct decoder {
	const struct kernels *kernels;
	struct pool *pool;
	const struct architecture *architecture;
	struct gguf *file;
	struct tokenizer *tokenizer;
	size_t layers, width, heads, kv_heads, head_width, ffn, vocabulary, limit;
	size_t global_every, window;    /* as in struct architecture; positions that local layers see */
	float epsilon, attention_scale, embedding_scale;
	double rope_base[REACHES], rope_factor;
	double *speeds[REACHES];        /* (head_width / 2) each; LOCAL is NULL where all layers are global */
	const struct tensor *embedding; /* (vocabulary, width), read row by row from the file */
	float *final_norm;              /* (width) */
	struct decoder_layer *layer;    /* (layers) */
	struct matrix head;             /* (vocabulary, width) */
	bool quantised;                 /* so is every matrix */
	bool unpacked;                  /* matrices have no panels, and there is no scratch */
	struct decoder_scratch scratch;
};

struct context {
	struct decoder *decoder;
	struct context *parent;
	const struct adapter *adapter; /* the root's; NULL: the plain base */
	size_t start;       /* tokens of all ancestors */
	size_t n, room;     /* own tokens; room in ids */
	size_t capacity;    /* tokens that kv and hidden have room for */
	size_t queued;      /* of these, planned in the pass being put together; equals `done` outside of it */
	size_t done;        /* of these, computed */
	int32_t *ids;       /* (n) */
	float *kv;          /* (layers, 2, capacity, kv_heads * head_width): keys (rotated), then values */
	float *hidden;      /* (capacity, width) what the head reads: the last layer's output, normed */
};

/* decoder_settings.c: architecture, sizes and numbers from the file's metadata. */
bool decoder_read_settings(struct decoder *d, struct error *err);
/* decoder_weights.c: everything that comes out of tensors. */
bool decoder_load_weights(struct decoder *d, struct error *err);
void decoder_free_weights(struct decoder *d);

static inline bool decoder_has(const struct decoder *d, unsigned feature)
{
	return (d->architecture->features & feature) != 0;
}

static inline size_t decoder_turns_width(const struct decoder *d)
{
	return (d->speeds[LOCAL] ? 2 : 1) * d->head_width;
}

static inline size_t decoder_kv_width(const struct decoder *d)
{
	return d->kv_heads * d->head_width;
}

static inline size_t decoder_qkv_width(const struct decoder *d)
{
	return (d->heads + 2 * d->kv_heads) * d->head_width;
}

/* The keys of a layer in c, (capacity, kv_width); the values lie capacity * kv_width behind them. */
static inline float *context_keys(const struct context *c, size_t layer)
{
	return c->kv + 2 * layer * c->capacity * decoder_kv_width(c->decoder);
}

static inline float *context_values(const struct context *c, size_t layer)
{
	return context_keys(c, layer) + c->capacity * decoder_kv_width(c->decoder);
}

/* cos and sin of each pair's angle at a position: turn (head_width). (forward.c) */
void decoder_turns(const struct decoder *d, enum reach reach, double position, float *turn);
/* Turns one head of a query or key (head_width). */
void decoder_rotate(const struct decoder *d, float *head, const float *turn);

/* Makes kv and hidden hold all n tokens: exactly so the first time, doubling later. What is computed stays. */
void context_reserve(struct context *c);

#endif
