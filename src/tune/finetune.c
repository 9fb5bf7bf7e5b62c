/* finetune.c - what encoders and decoders have in common: settings, what is held out, and the run itself. */
#include "tune/finetune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tune/finetune_inner.h"

/* Devlin et al. 2018 (arXiv 1810.04805) for encoders; LoRA at ten times the rate ("LoRA Without Regret", Thinking Machines 2025). */
const struct finetune_settings finetune_encoder_defaults = {
	.rate = 1e-4, .head_rate = 10, .alpha = 32, .warm_up = 0.1, .patience = 3, .held_out = 0.1, .most_tokens = 2000000, .seed = 1,
};
const struct finetune_settings finetune_lora_defaults = {
	.rate = 5e-4, .rank = 16, .alpha = 32, .warm_up = 0.05, .patience = 3, .held_out = 0.1, .held_most = 100, .most_tokens = 200000,
	.seed = 1,
};

json_t *finetune_settings_json(const struct finetune_settings *s)
{
	json_t *json = json_pack("{s:i, s:I, s:I, s:f, s:f, s:I, s:f, s:f, s:I, s:f, s:b, s:I, s:I}", "recipe", FINETUNE_RECIPE, "epochs",
			 (json_int_t)s->epochs, "batch", (json_int_t)s->batch, "rate", s->rate, "head_rate", s->head_rate, "rank", (json_int_t)s->rank, "alpha",
			 s->alpha, "warm_up", s->warm_up, "patience", (json_int_t)s->patience, "held_out", s->held_out, "balanced",
			 s->balanced, "most_tokens", (json_int_t)s->most_tokens, "seed", (json_int_t)s->seed);

	if (s->held_fewest)
		json_object_set_new(json, "held_fewest", json_integer((json_int_t)s->held_fewest));
	if (s->held_most)
		json_object_set_new(json, "held_most", json_integer((json_int_t)s->held_most));
	return json;
}

void held_out_release(struct held_out *h)
{
	free(h->train);
	free(h->held);
	*h = (struct held_out){ 0 };
}

struct member {
	size_t group, item;
};

static int by_group(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

/* How many examples may be held out. */
static size_t most_held(const bool *by_model, size_t n, const struct finetune_settings *s)
{
	size_t human = 0, fewest = s->held_fewest ? s->held_fewest : HELD_FEWEST;

	for (size_t i = 0; i < n; i++)
		human += !by_model || !by_model[i];
	size_t most = human < fewest ? 0 : (size_t)((double)human * s->held_out);

	return s->held_most && most > s->held_most ? s->held_most : most;
}

/* Whether a model labelled any of a group's members. */
static bool taught(const struct member *members, size_t n, const bool *by_model)
{
	for (size_t i = 0; i < n && by_model; i++)
		if (by_model[members[i].item])
			return true;
	return false;
}

void held_out_init(struct held_out *h, const size_t *groups, const bool *by_model, size_t n, const struct finetune_settings *s)
{
	struct member *members = mem_alloc((n + 1) * sizeof(*members));
	size_t *first = mem_alloc((n + 1) * sizeof(*first)), *order = mem_alloc((n + 1) * sizeof(*order)), n_groups = 0;
	size_t most = most_held(by_model, n, s);
	bool *held = mem_zero(n + 1, sizeof(*held));
	struct rng rng;

	*h = (struct held_out){ .train = mem_alloc((n + 1) * sizeof(*h->train)), .held = mem_alloc((n + 1) * sizeof(*h->held)) };
	for (size_t i = 0; i < n; i++)
		members[i] = (struct member){ groups[i], i };
	qsort(members, n, sizeof(*members), by_group);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || members[i].group != members[i - 1].group)
			first[n_groups++] = i;
	first[n_groups] = n;
	for (size_t i = 0; i < n_groups; i++)
		order[i] = i;
	rng_init(&rng, s->seed, "held out");
	rng_shuffle(&rng, order, n_groups);
	for (size_t i = 0, taken = 0; i < n_groups; i++) {
		size_t from = first[order[i]], size = first[order[i] + 1] - from;

		if (taken + size > most || taught(members + from, size, by_model))
			continue;
		taken += size;
		for (size_t j = 0; j < size; j++)
			held[members[from + j].item] = true;
	}
	for (size_t i = 0; i < n; i++)
		*(held[i] ? &h->held[h->n_held++] : &h->train[h->n_train++]) = i;
	rng_shuffle(&rng, h->train, h->n_train); /* where only the first can be trained on, they are not those of one label */
	free(members);
	free(first);
	free(order);
	free(held);
}

/* Few examples take more epochs and smaller batches: about as many steps as learning takes. Tags take more than classes, as most
 * are rare. */
size_t finetune_batch(const struct finetune_settings *s, size_t items, enum finetune_model model)
{
	if (s->batch)
		return s->batch;
	return items < 1000 ? (model == FINETUNE_LORA ? 8 : 16) : 32;
}

size_t finetune_epochs(const struct finetune_settings *s, size_t items, enum finetune_model model)
{
	static const size_t few[] = { [FINETUNE_CLASSES] = 10, [FINETUNE_TAGS] = 20, [FINETUNE_LORA] = 6 };
	static const size_t many[] = { [FINETUNE_CLASSES] = 6, [FINETUNE_TAGS] = 10, [FINETUNE_LORA] = 3 };

	if (s->epochs)
		return s->epochs;
	return (items < 1000 ? few : many)[model];
}

size_t finetune_pass_tokens(const struct finetune_run *run, const struct finetune_settings *s, struct error *err)
{
	size_t cap = s->memory_mb * 1000000, tokens = run->usual > run->longest ? run->usual : run->longest;

	if (cap == 0)
		return tokens;
	while (tokens > run->longest && run->bytes(run->model->self, tokens, run->longest) > cap)
		tokens = tokens * 3 / 4 > run->longest ? tokens * 3 / 4 : run->longest;
	size_t need = run->bytes(run->model->self, tokens, run->longest);

	if (need <= cap)
		return tokens;
	error_set(err, "the memory cap of %zu MB is too small: training on the longest example, of %zu tokens, takes %zu MB; raise the "
		  "cap or shorten what the input template shows", s->memory_mb, run->longest, need / 1000000 + 1);
	return 0;
}

static json_t *curve_json(const struct fit_result *r)
{
	json_t *curve = json_array();

	for (size_t i = 0; i < r->n; i++) {
		json_t *point = json_pack("{s:I, s:f}", "step", (json_int_t)r->curve[i].step, "loss", r->curve[i].loss);

		json_object_set_new(point, "score", isnan(r->curve[i].score) ? json_null() : json_real(r->curve[i].score));
		json_array_append_new(curve, point);
	}
	return curve;
}

bool finetune_fit(const struct finetune_run *run, const struct finetune_settings *s, struct finetune_outcome *outcome,
		  struct error *err)
{
	struct buf checkpoint = { 0 };
	struct fit_result result;
	struct fit_options options = {
		.items = run->items,
		.batch = finetune_batch(s, run->items, run->kind),
		.epochs = finetune_epochs(s, run->items, run->kind),
		.rate = s->rate, .warm_up = s->warm_up, .patience = s->patience, .seed = s->seed, .fingerprint = run->fingerprint,
		.pass_tokens = run->pass_tokens,
	};

	outcome->end = FIT_FAILED;
	outcome->trained = run->items;
	outcome->epochs = options.epochs;
	outcome->batch = options.batch;
	buf_addf(&checkpoint, "%s/checkpoint", run->folder);
	options.checkpoint = checkpoint.data;
	if (run->progress)
		options.progress = *run->progress;
	outcome->end = fit(run->model, &options, &result, err);
	outcome->curve = curve_json(&result);
	outcome->steps = result.steps;
	outcome->score = result.n > 0 ? result.curve[result.kept].score : NAN;
	outcome->seconds = result.steps > result.resumed ? result.seconds * (double)result.steps / (double)(result.steps - result.resumed)
							  : result.seconds; /* the same pace before it was interrupted */
	outcome->tokens_per_second = result.seconds > 0 ? (double)result.tokens / result.seconds : 0;
	free(result.curve);
	buf_release(&checkpoint);
	return outcome->end == FIT_DONE;
}
