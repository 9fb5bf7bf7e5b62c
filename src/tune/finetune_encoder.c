/* finetune_encoder.c - texts with classes or answers to a tuned encoder, and the classes that such an encoder says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tune/finetune_inner.h"
#include "tune/tuned_head.h"

enum { USUAL_TOKENS = 4096 };

static size_t tokens_of(void *self, size_t item)
{
	return ((struct encoder_lesson *)self)->texts[item].n;
}

static double pass(void *self, const size_t *items, size_t n, bool first, double *weight)
{
	struct encoder_lesson *l = self;
	const struct training_text **list = mem_alloc(n * sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = &l->texts[items[i]];
	double loss = encoder_trainer_pass(l->trainer, list, n, first, weight);

	free(list);
	return loss;
}

size_t finetune_scored_together(const struct encoder_lesson *l, size_t first, size_t n, const struct training_text *list[SCORED],
				size_t *tokens)
{
	size_t count = 0;

	for (*tokens = 0; count < n && count < SCORED; count++) {
		const struct training_text *t = &l->texts[first + count];

		if (count > 0 && *tokens + t->n > l->pass_tokens)
			break;
		*tokens += t->n;
		list[count] = t;
	}
	return count;
}

/* scores (n, classes) of texts first .. first + n - 1. */
static void score_texts(struct encoder_lesson *l, size_t first, size_t n, float *scores)
{
	for (size_t from = 0, count, tokens; from < n; from += count) {
		const struct training_text *list[SCORED];

		count = finetune_scored_together(l, first + from, n - from, list, &tokens);
		encoder_trainer_scores(l->trainer, list, count, scores + from * l->from->classes, NULL);
	}
}

/* The share of items whose class is the most likely one. */
static double accuracy(const struct encoder_lesson *l, size_t first, size_t n, const float *scores)
{
	size_t right = 0, classes = l->from->classes;

	for (size_t i = 0; i < n; i++) {
		size_t best = 0;

		for (size_t c = 1; c < classes; c++)
			best = scores[i * classes + c] > scores[i * classes + best] ? c : best;
		right += best == l->texts[first + i].label;
	}
	return (double)right / (double)n;
}

/* The cut at which the items' sets have the best F1; scores become probabilities. */
static struct cut best_cut(const struct encoder_lesson *l, size_t first, size_t n, float *scores)
{
	size_t classes = l->from->classes, *starts = mem_zero(n + 1, sizeof(*starts)), *members, at = 0;
	struct class_sets truth = { .starts = starts };

	for (size_t i = 0; i < n * classes; i++)
		scores[i] = 1 / (1 + expf(-scores[i]));
	truth.classes = members = mem_alloc((n * classes + 1) * sizeof(*members));
	for (size_t i = 0; i < n; i++) {
		for (size_t c = 0; c < classes; c++)
			if (l->texts[first + i].labels[c])
				members[at++] = c;
		starts[i + 1] = at;
	}
	struct cut cut = cut_choose(scores, NULL, n, classes, &truth);

	free(starts);
	free(members);
	return cut;
}

/* Accuracy, or the mean F1 of sets at their best cut or of what answers hold, of the items that are held out; of those that are
 * trained on when none is. */
static double score(struct encoder_lesson *l)
{
	size_t first = l->n_held ? l->n_train : 0, n = l->n_held ? l->n_held : l->n_train;

	if (l->from->answers)
		return tagger_score(l, first, n);
	float *scores = mem_alloc(n * l->from->classes * sizeof(*scores));
	double result;

	score_texts(l, first, n, scores);
	if (l->from->sets) {
		l->cut = best_cut(l, first, n, scores);
		result = l->cut.f1;
	} else {
		result = accuracy(l, first, n, scores);
	}
	free(scores);
	return result;
}

static double held_out_score(void *self)
{
	return score(self);
}

static size_t bytes(void *self, size_t tokens, size_t longest)
{
	return encoder_trainer_bytes(((struct encoder_lesson *)self)->trainer, tokens, longest);
}

static struct training_text read_text(struct encoder_lesson *l, size_t item)
{
	struct training_text t = { 0 };
	struct token_list tokens = { 0 };

	if (l->from->answers)
		return tagger_text(l, item);
	encoder_encode(l->encoder, l->from->texts[item], &tokens);
	t.ids = tokens.ids;
	t.n = tokens.n;
	if (l->from->sets)
		t.labels = l->from->sets + item * l->from->classes;
	else
		t.label = l->from->classes_of[item];
	return t;
}

static enum finetune_model model_of(const struct finetune_texts *t)
{
	return t->tagging ? FINETUNE_TAGS : FINETUNE_CLASSES;
}

/* Tokens of the texts in the order of h, as many as the settings allow; returns those of the longest. */
static size_t read_texts(struct encoder_lesson *l, const struct held_out *h, const struct finetune_settings *s)
{
	size_t epochs = finetune_epochs(s, h->n_train, model_of(l->from)), longest = 0, tokens = 0;

	l->texts = mem_zero(h->n_train + h->n_held + 1, sizeof(*l->texts));
	l->items = mem_zero(h->n_train + h->n_held + 1, sizeof(*l->items));
	for (size_t i = 0; i < h->n_train + h->n_held; i++) {
		bool held = i >= h->n_train;

		if (!held && s->most_tokens && tokens * epochs >= s->most_tokens)
			continue;
		size_t item = held ? h->held[i - h->n_train] : h->train[i];
		struct training_text t = read_text(l, item);

		longest = t.n > longest ? t.n : longest;
		tokens += held ? 0 : t.n;
		l->items[l->n_train + l->n_held] = item;
		l->texts[l->n_train + l->n_held] = t;
		*(held ? &l->n_held : &l->n_train) += 1;
	}
	return longest;
}

float *finetune_balanced_weights(const struct finetune_texts *t)
{
	float *weights = mem_zero(t->classes, sizeof(*weights));
	size_t *count = mem_zero(t->classes, sizeof(*count));

	for (size_t i = 0; i < t->n; i++)
		count[t->classes_of[i]]++;
	for (size_t c = 0; c < t->classes; c++)
		weights[c] = count[c] ? (float)((double)t->n / ((double)t->classes * (double)count[c])) : 0;
	free(count);
	return weights;
}

/* Where the heads begin; NULL: near zero. One label of each item is learnt better from there: begun at a logistic regression, which the
 * texts that it is trained on satisfy already, the encoder moves less and generalises worse (three seeds: 224 e-mails .765 against .732
 * of 213 items of dev; 770 of banking77 .815 against .816). */
static float *first_head(const struct encoder_lesson *l, struct encoder *e, const size_t *items)
{
	const struct finetune_texts *t = l->from;

	return t->tagging ? tagger_first_head(e, t, items, l->n_train) : t->sets ? finetune_first_head(e, t, items, l->n_train) : NULL;
}

static struct encoder_trainer *trainer_new(const struct encoder_lesson *l, struct encoder *e, const struct finetune_settings *s,
					   const size_t *items)
{
	const struct finetune_texts *texts = l->from;
	const struct tagging *g = texts->tagging;
	float *weights = s->balanced && !texts->sets && !g ? finetune_balanced_weights(texts) : NULL;
	float *head = first_head(l, e, items);
	struct encoder_training options = { .classes = texts->classes, .many = texts->sets != NULL, .class_weights = weights,
					    .rank = s->rank, .alpha = s->alpha, .head_rate = s->head_rate, .head = head,
					    .adamw = adamw_defaults, .seed = s->seed };

	if (g) {
		options.heads = g->heads;
		options.n_heads = g->n_choices;
		options.tags = g->n_tags;
		options.tag_weight = tagger_tag_weight;
	}
	struct encoder_trainer *trainer = encoder_trainer_new(e, &options);

	free(head);
	free(weights);
	return trainer;
}

static bool train(struct encoder_lesson *l, struct encoder *e, const struct finetune_settings *s, const struct finetune_run *run,
		  const struct held_out *h, struct finetune_outcome *outcome, struct error *err)
{
	struct finetune_run whole = *run;

	whole.longest = read_texts(l, h, s);
	l->trainer = trainer_new(l, e, s, h->train);
	struct fit_model model = { l, encoder_trainer_parameters(l->trainer), tokens_of, NULL, pass, l->n_held ? held_out_score : NULL,
				   l->n_held };

	whole.model = &model;
	whole.items = l->n_train;
	outcome->held = l->n_held;
	outcome->left_out = h->n_train - l->n_train;
	outcome->values = l->values;
	if (l->from->tagging && l->values.found == 0 && l->from->classes == 0)
		return error_set(err, "none of the %zu strings of the answers stands in its text, and the schema has no enum: there is nothing "
				 "that an encoder could learn", l->values.absent);
	l->pass_tokens = whole.pass_tokens = finetune_pass_tokens(&whole, s, err);
	if (whole.pass_tokens == 0 || !finetune_fit(&whole, s, outcome, err))
		return false;
	outcome->largest_pass = encoder_trainer_rows(l->trainer);
	if (l->from->sets) { /* once more with the weights that are kept */
		score(l);
		outcome->threshold = l->cut.threshold;
	}
	return encoder_trainer_save(l->trainer, run->folder, err) &&
	       (!l->from->tagging || tagger_write_tags(run->folder, l->from->tagging, err));
}

bool finetune_encoder(const char *base, struct pool *pool, const struct finetune_texts *texts, const struct finetune_settings *s,
		      uint64_t fingerprint, const char *folder, const struct fit_progress *progress,
		      struct finetune_outcome *outcome, struct error *err)
{
	const struct kernels *kernels = kernels_for_training(err);
	struct encoder *e = kernels ? encoder_open(base, kernels, pool, err) : NULL;
	struct finetune_run run = { .kind = model_of(texts), .usual = USUAL_TOKENS, .bytes = bytes, .fingerprint = fingerprint, .folder = folder,
				    .progress = progress };
	struct encoder_lesson l = { .from = texts, .encoder = e };
	struct held_out h;

	*outcome = (struct finetune_outcome){ .end = FIT_FAILED, .score = NAN };
	if (!e || (texts->tagging && !tagger_can_read(e, err))) {
		encoder_free(e);
		return false;
	}
	held_out_init(&h, texts->groups, texts->by_model, texts->n, s);
	bool trained = train(&l, e, s, &run, &h, outcome, err);

	encoder_trainer_free(l.trainer);
	for (size_t i = 0; i < l.n_train + l.n_held; i++) {
		free((void *)l.texts[i].ids);
		free((void *)l.texts[i].tags);
		free((void *)l.texts[i].choices);
	}
	free(l.texts);
	free(l.items);
	held_out_release(&h);
	encoder_free(e);
	return trained;
}

/* --- what it says -------------------------------------------------------------------------------------------------- */

struct tuned_encoder {
	struct encoder *encoder;
	const struct kernels *kernels;
	struct tuned_head head; /* its rows are the classes */
	bool sets;
};

static bool read_head(struct tuned_encoder *t, const char *folder, size_t classes, struct error *err)
{
	struct buf path = { 0 };

	buf_addf(&path, "%s/head.safetensors", folder);
	struct safetensors *file = safetensors_open(path.data, err);
	bool read = file && tuned_head_read(&t->head, file, "classifier", classes, encoder_width(t->encoder), path.data, err);

	safetensors_free(file);
	buf_release(&path);
	return read;
}

struct tuned_encoder *tuned_encoder_open(const char *folder, size_t classes, bool sets, struct pool *pool, struct error *err)
{
	struct tuned_encoder *t = mem_zero(1, sizeof(*t));

	*t = (struct tuned_encoder){ .kernels = kernels_choose(false, err), .sets = sets };
	t->encoder = t->kernels ? encoder_open(folder, t->kernels, pool, err) : NULL;
	if (t->encoder && read_head(t, folder, classes, err))
		return t;
	tuned_encoder_free(t);
	return NULL;
}

void tuned_encoder_free(struct tuned_encoder *t)
{
	if (!t)
		return;
	encoder_free(t->encoder);
	tuned_head_release(&t->head);
	free(t);
}

static void softmax(double *p, size_t n)
{
	double most = p[0], sum = 0;

	for (size_t c = 1; c < n; c++)
		most = fmax(most, p[c]);
	for (size_t c = 0; c < n; c++)
		sum += p[c] = exp(p[c] - most);
	for (size_t c = 0; c < n; c++)
		p[c] /= sum;
}

void tuned_encoder_predict(struct tuned_encoder *t, const char *const *texts, size_t n, double *out)
{
	size_t classes = t->head.n, width = t->head.width;
	float *means = mem_aligned(n * width * sizeof(*means)), *outputs = mem_aligned(classes * sizeof(*outputs));

	encoder_means(t->encoder, texts, n, means);
	for (size_t i = 0; i < n; i++, out += classes) {
		tuned_head_apply(&t->head, t->kernels, means + i * width, outputs);
		for (size_t c = 0; c < classes; c++)
			out[c] = t->sets ? 1 / (1 + exp(-(double)outputs[c])) : (double)outputs[c];
		if (!t->sets)
			softmax(out, classes);
	}
	free(means);
	free(outputs);
}
