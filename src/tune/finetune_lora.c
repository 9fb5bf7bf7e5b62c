/* finetune_lora.c - prompts and completions to a LoRA adapter. A completion ends with the token that ends the model's turn. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "llm/chat.h"
#include "model/reader.h"
#include "train/decoder_train.h"
#include "tune/finetune_inner.h"

enum { USUAL_TOKENS = 1024 };

struct lesson {
	struct decoder_trainer *trainer;
	struct training_sequence *sequences; /* (n) what is trained on, then what is held out */
	size_t n_train, n_held, too_long, left_out;
	size_t limit; /* tokens of an example at most */
	size_t batch, pass_tokens; /* examples, and tokens computed, of one pass at most, to learn or to score */
};

static size_t tokens_of(void *self, size_t item)
{
	return ((struct lesson *)self)->sequences[item].n;
}

static size_t computed(void *self, const size_t *items, size_t n)
{
	struct lesson *l = self;
	const struct training_sequence **list = mem_alloc(n * sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = &l->sequences[items[i]];
	size_t tokens = decoder_trainer_rows(list, n);

	free(list);
	return tokens;
}

static double pass(void *self, const size_t *items, size_t n, bool first, double *weight)
{
	struct lesson *l = self;
	const struct training_sequence **list = mem_alloc(n * sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = &l->sequences[items[i]];
	double loss = decoder_trainer_pass(l->trainer, list, n, first, weight);

	free(list);
	return loss;
}

/* Minus the mean loss of a completion's token. */
static double held_out_score(void *self)
{
	struct lesson *l = self;
	const struct training_sequence **held = mem_alloc(l->n_held * sizeof(*held));
	double loss = 0, weight = 0;

	for (size_t i = 0; i < l->n_held; i++)
		held[i] = &l->sequences[l->n_train + i];
	for (size_t from = 0, n; from < l->n_held; from += n) {
		double own;

		for (n = 1; n < l->batch && from + n < l->n_held && decoder_trainer_rows(held + from, n + 1) <= l->pass_tokens;)
			n++;
		loss += decoder_trainer_loss(l->trainer, held + from, n, &own);
		weight += own;
	}
	free(held);
	return -loss / weight;
}

static size_t bytes(void *self, size_t tokens, size_t longest)
{
	const struct lesson *l = self;

	return decoder_trainer_bytes(l->trainer, tokens, longest, l->batch);
}

static struct training_sequence encode(const struct decoder *d, const struct model_request *prompt, const char *completion)
{
	const struct tokenizer *t = decoder_tokenizer(d);
	struct token_list tokens = { 0 };
	struct training_sequence s = { 0 };

	s.n_prompt = taught_encode(chat_format_detect(t), t, prompt->messages, prompt->n_messages, completion, &tokens);
	s.ids = tokens.ids;
	s.n = tokens.n;
	return s;
}

static size_t common_prefix(const struct training_sequence *a, const struct training_sequence *b)
{
	size_t n = 0;

	while (n < a->n && n < b->n && a->ids[n] == b->ids[n])
		n++;
	return n;
}

/* The sequences in the order of h: those that are too long are left out, and those beyond what the settings allow. Returns the
 * tokens of the longest. */
static size_t read_prompts(struct lesson *l, const struct decoder *d, const struct finetune_prompts *p, const struct held_out *h,
			   const struct finetune_settings *settings)
{
	size_t longest = 0, tokens = 0;
	size_t epochs = finetune_epochs(settings, h->n_train, FINETUNE_LORA);

	l->limit = decoder_limit(d) < TRAINED_TOKENS ? decoder_limit(d) : TRAINED_TOKENS;
	l->sequences = mem_zero(h->n_train + h->n_held + 1, sizeof(*l->sequences));
	for (size_t i = 0; i < h->n_train + h->n_held; i++) {
		bool held = i >= h->n_train;
		size_t item = held ? h->held[i - h->n_train] : h->train[i];

		if (!held && settings->most_tokens && tokens * epochs >= settings->most_tokens) {
			l->left_out++;
			continue;
		}
		struct training_sequence s = encode(d, &p->prompts[item], p->completions[item]);

		if (s.n > l->limit || s.n == s.n_prompt) {
			l->too_long++;
			free((void *)s.ids);
			continue;
		}
		longest = s.n > longest ? s.n : longest;
		if (!held)
			tokens += s.n - (l->n_train ? common_prefix(&s, &l->sequences[0]) : 0);
		l->sequences[l->n_train + l->n_held] = s;
		*(held ? &l->n_held : &l->n_train) += 1;
	}
	return longest;
}

static bool train(struct lesson *l, size_t longest, const struct finetune_settings *s, const struct finetune_run *run,
		  struct finetune_outcome *outcome, struct error *err)
{
	struct finetune_run whole = *run;
	struct fit_model model = { l, decoder_trainer_parameters(l->trainer), tokens_of, computed, pass, l->n_held ? held_out_score : NULL, 0 };
	struct buf path = { 0 };

	outcome->held = l->n_held;
	outcome->too_long = l->too_long;
	outcome->left_out = l->left_out;
	if (l->n_train == 0)
		return error_set(err, "all %zu examples are longer than the %zu tokens that are trained on; shorten what the input template "
				      "shows", l->too_long, l->limit);
	whole.model = &model;
	whole.items = l->n_train;
	whole.longest = longest;
	l->batch = finetune_batch(s, l->n_train, FINETUNE_LORA);
	l->pass_tokens = whole.pass_tokens = finetune_pass_tokens(&whole, s, err);
	buf_addf(&path, "%s/adapter.gguf", run->folder);
	bool trained = whole.pass_tokens > 0 && finetune_fit(&whole, s, outcome, err) && decoder_trainer_save(l->trainer, path.data, err);

	buf_release(&path);
	return trained;
}

bool finetune_lora(const char *base, struct pool *pool, const struct finetune_prompts *prompts, const struct finetune_settings *s,
		   uint64_t fingerprint, const char *folder, const struct fit_progress *progress,
		   struct finetune_outcome *outcome, struct error *err)
{
	const struct kernels *kernels = kernels_for_training(err);
	struct decoder *d = kernels ? decoder_open_unpacked(base, kernels, pool, err) : NULL;
	struct finetune_run run = { .usual = USUAL_TOKENS, .bytes = bytes, .fingerprint = fingerprint, .folder = folder,
				    .progress = progress, .kind = FINETUNE_LORA };
	struct decoder_training training = { .rank = s->rank, .alpha = s->alpha, .adamw = adamw_defaults, .seed = s->seed };
	struct lesson l = { 0 };
	struct held_out h;

	*outcome = (struct finetune_outcome){ .end = FIT_FAILED, .score = NAN };
	if (!d)
		return false;
	held_out_init(&h, prompts->groups, prompts->by_model, prompts->n, s);
	l.trainer = decoder_trainer_new(d, &training);
	size_t longest = read_prompts(&l, d, prompts, &h, s);
	bool trained = train(&l, longest, s, &run, outcome, err);

	decoder_trainer_free(l.trainer);
	for (size_t i = 0; i < l.n_train + l.n_held; i++)
		free((void *)l.sequences[i].ids);
	free(l.sequences);
	held_out_release(&h);
	decoder_free(d);
	return trained;
}
