/* decoder_settings.c - the sizes and numbers that a GGUF file's metadata give, each under "<architecture>.<key>". A
 * setting that the forward pass would not use is refused: an answer without it would be wrong. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "llm/attention.h"
#include "llm/decoder_inner.h"

enum { GEMMA3_27B_LAYERS = 62 };

struct reading {
	struct decoder *d;
	const struct gguf *g;
	struct error *err;
	char key[96];
};

/* The whole key, until the next call. */
static const char *full_key(struct reading *r, const char *name)
{
	snprintf(r->key, sizeof(r->key), "%s.%s", r->d->architecture->name, name);
	return r->key;
}

static bool read_size(struct reading *r, const char *name, int64_t high, size_t *out)
{
	const char *key = full_key(r, name);
	int64_t value;

	if (!gguf_int(r->g, key, &value))
		return error_set(r->err, "%s: the metadata has no integer \"%s\"; a %s model needs it", gguf_path(r->g),
				 key, r->d->architecture->name);
	if (value < 1 || value > high)
		return error_set(r->err, "%s: \"%s\" is %" PRId64 "; 1 to %" PRId64 " is supported", gguf_path(r->g),
				 key, value, high);
	*out = (size_t)value;
	return true;
}

/* As read_size(), but an absent key leaves *out alone. */
static bool read_optional(struct reading *r, const char *name, int64_t high, size_t *out)
{
	int64_t value;

	return !gguf_int(r->g, full_key(r, name), &value) || read_size(r, name, high, out);
}

/* A number from low to high; an absent key leaves *out alone. */
static bool read_number(struct reading *r, const char *name, double low, double high, double *out)
{
	const char *key = full_key(r, name);
	double value;

	if (!gguf_float(r->g, key, &value))
		return true;
	if (!(value >= low && value <= high))
		return error_set(r->err, "%s: \"%s\" is %g; it must lie between %g and %g", gguf_path(r->g), key, value,
				 low, high);
	*out = value;
	return true;
}

/* Settings of relatives that these passes lack, with the value that says "not used". */
static bool refuse_foreign(struct reading *r)
{
	static const struct {
		const char *name;
		double neutral;
	} foreign[] = {
		{ "expert_count", 0 }, { "attn_logit_softcapping", 0 }, { "final_logit_softcapping", 0 },
		{ "logit_scale", 1 },  { "residual_scale", 1 },         { "embedding_scale", 1 },
	};

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		const char *key = full_key(r, foreign[i].name);
		double value = foreign[i].neutral;
		int64_t whole;

		if (!gguf_float(r->g, key, &value) && gguf_int(r->g, key, &whole))
			value = (double)whole;
		if (value != foreign[i].neutral)
			return error_set(r->err, "%s: \"%s\" is %g; only %g is supported", gguf_path(r->g), key, value,
					 foreign[i].neutral);
	}
	return true;
}

static bool read_heads(struct reading *r)
{
	struct decoder *d = r->d;
	size_t rotary, value_width;

	if (!read_size(r, "attention.head_count", 1024, &d->heads))
		return false;
	d->kv_heads = d->heads;
	if (!read_optional(r, "attention.head_count_kv", 1024, &d->kv_heads))
		return false;
	if (d->heads % d->kv_heads != 0)
		return error_set(r->err, "%s: %zu query heads cannot share %zu K/V heads evenly", gguf_path(r->g),
				 d->heads, d->kv_heads);
	d->head_width = d->width / d->heads;
	if (!read_optional(r, "attention.key_length", 1024, &d->head_width))
		return false;
	rotary = value_width = d->head_width;
	if (!read_optional(r, "rope.dimension_count", 1024, &rotary) ||
	    !read_optional(r, "attention.value_length", 1024, &value_width))
		return false;
	if (d->head_width == 0 || d->head_width % ATTENTION_LANES != 0)
		return error_set(r->err, "%s: heads of %zu values (%zu over %zu heads) are not supported, only multiples "
				 "of %d", gguf_path(r->g), d->head_width, d->width, d->heads, ATTENTION_LANES);
	if (rotary != d->head_width || value_width != d->head_width)
		return error_set(r->err, "%s: keys of %zu values, of which %zu rotate, and values of %zu: only equal "
				 "sizes are supported", gguf_path(r->g), d->head_width, rotary, value_width);
	return true;
}

/* Which layers see only a window of the last positions. */
static bool read_window(struct reading *r)
{
	struct decoder *d = r->d;
	size_t window = 0;

	d->global_every = d->architecture->global_every;
	if (d->global_every > 0)
		return read_size(r, "attention.sliding_window", 1 << 24, &d->window) &&
		       read_optional(r, "attention.sliding_window_pattern", 1024, &d->global_every);
	if (!read_optional(r, "attention.sliding_window", INT32_MAX, &window))
		return false;
	if (window > 0 && window < d->limit)
		return error_set(r->err, "%s: \"%s\" is %zu; a window is supported in gemma3 models alone",
				 gguf_path(r->g), full_key(r, "attention.sliding_window"), window);
	return true;
}

/* Angles are divided by the factor in layers that see all positions. Chen et al. 2023 (arXiv 2306.15595). */
static bool read_rope_scaling(struct reading *r)
{
	struct decoder *d = r->d;
	struct gguf_string type = { "linear", 6 }; /* what a factor without a type means */

	d->rope_factor = 1;
	gguf_text(r->g, full_key(r, "rope.scaling.type"), &type);
	if (type.n == 4 && memcmp(type.at, "none", 4) == 0)
		return true;
	if (type.n != 6 || memcmp(type.at, "linear", 6) != 0)
		return error_set(r->err, "%s: \"%s\" is \"%.*s\"; only \"none\" and \"linear\" are supported",
				 gguf_path(r->g), full_key(r, "rope.scaling.type"), (int)(type.n < 64 ? type.n : 64),
				 type.at);
	return read_number(r, "rope.scale_linear", 1, 1e6, &d->rope_factor) && /* the key of older files */
	       read_number(r, "rope.scaling.factor", 1, 1e6, &d->rope_factor);
}

static bool read_rope(struct reading *r)
{
	struct decoder *d = r->d;

	d->rope_base[GLOBAL] = 10000.0; /* the paper's; older files leave it out */
	d->rope_base[LOCAL] = d->architecture->local_base;
	return read_number(r, "rope.freq_base", 1, 1e12, &d->rope_base[GLOBAL]) &&
	       read_number(r, "rope.freq_base_swa", 1, 1e12, &d->rope_base[LOCAL]) && read_rope_scaling(r);
}

static bool read_epsilon(struct reading *r)
{
	const char *key = full_key(r, "attention.layer_norm_rms_epsilon");
	double epsilon;

	if (!gguf_float(r->g, key, &epsilon))
		return error_set(r->err, "%s: the metadata has no number \"%s\"", gguf_path(r->g), key);
	if (!(epsilon > 0 && epsilon < 1))
		return error_set(r->err, "%s: \"%s\" is %g; it must lie between 0 and 1", gguf_path(r->g), key,
				 epsilon);
	r->d->epsilon = (float)epsilon;
	return true;
}

/* Gemma 3 of 27B divides scores by sqrt(width / heads), not by its heads' own width; its files do not say so. */
static void derive_scales(struct decoder *d)
{
	bool largest_gemma = strcmp(d->architecture->name, "gemma3") == 0 && d->layers == GEMMA3_27B_LAYERS;
	size_t divisor = largest_gemma ? d->width / d->heads : d->head_width;

	d->attention_scale = 1.0f / sqrtf((float)divisor);
	d->embedding_scale = decoder_has(d, SCALED_EMBEDDING) ? sqrtf((float)d->width) : 1.0f;
}

bool decoder_read_settings(struct decoder *d, struct error *err)
{
	struct reading r = { .d = d, .g = d->file, .err = err };

	d->architecture = architecture_find(d->file, err);
	if (!d->architecture || !refuse_foreign(&r) || !read_size(&r, "block_count", 1024, &d->layers) ||
	    !read_size(&r, "embedding_length", 1 << 16, &d->width) ||
	    !read_size(&r, "feed_forward_length", 1 << 20, &d->ffn) ||
	    !read_size(&r, "context_length", 1 << 24, &d->limit) || !read_heads(&r) || !read_window(&r) ||
	    !read_rope(&r) || !read_epsilon(&r))
		return false;
	derive_scales(d);
	return true;
}
