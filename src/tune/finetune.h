/* finetune.h - rung 3's training proper: texts and labels, or prompts and completions, to a folder that the registry takes.
 *
 * A part of the examples, whole groups, is held out: training ends when it stops getting better on them, and keeps weights that
 * cannot be told from the best (train/fit.h). Everything here is of the pool: dev and test cannot be named. Engines: src/train. */
#ifndef RUNG_TUNE_FINETUNE_H
#define RUNG_TUNE_FINETUNE_H

#include <jansson.h>
#include <stdbool.h>

#include "model/model.h"
#include "train/fit.h"
#include "tune/tagging.h"

struct finetune_settings {
	size_t epochs, batch; /* 0: by the number of examples */
	double rate;          /* the highest learning rate */
	double head_rate;     /* encoder: the head's share of it */
	size_t rank;          /* LoRA; an encoder trains every weight with 0 */
	double alpha;
	double warm_up;       /* share of the steps */
	size_t patience;      /* epochs in a row whose weights are not kept before it ends */
	double held_out;      /* share of the examples that people labelled, at most; few examples hold out none */
	size_t held_fewest;   /* nothing is held out of fewer that people labelled; 0: HELD_FEWEST */
	size_t held_most;     /* and so many, since a score takes time; 0: no limit */
	bool balanced;        /* encoder: classes weigh alike, however many examples they have */
	size_t most_tokens;   /* of all epochs together, what prompts share not counted: examples beyond are left out; 0: no limit */
	size_t memory_mb;     /* of the training itself; 0: no cap. Decides passes, not what comes of them */
	uint64_t seed;
};
extern const struct finetune_settings finetune_encoder_defaults, finetune_lora_defaults;
/* Raised when the same settings would give other weights, so that what was trained before is not found in their place. */
enum { FINETUNE_RECIPE = 4 };
/* The settings as they are written on the card and hashed; the caller owns it. */
json_t *finetune_settings_json(const struct finetune_settings *s);
/* The epochs, and the examples of a step, that so many examples take where the settings leave it open. */
enum finetune_model { FINETUNE_CLASSES, FINETUNE_TAGS, FINETUNE_LORA };
size_t finetune_epochs(const struct finetune_settings *s, size_t items, enum finetune_model model);
size_t finetune_batch(const struct finetune_settings *s, size_t items, enum finetune_model model);

/* Examples in two parts: to learn from, and held out; each in the order of the examples. */
struct held_out {
	size_t *train, n_train, *held, n_held;
};
/* Whole groups, drawn by the settings' seed, as many as they allow. by_model (n), or NULL: examples that a model labelled, which are learnt
 * from with all of their groups and do not count, as a score on them would say how well that model is copied.
 *
 * Of one label each, a tenth of few examples tells less than it teaches (docs/tuning.md). */
enum { HELD_FEWEST = 100, HELD_FEWEST_ONE_LABEL = 500 };
void held_out_init(struct held_out *h, const size_t *groups, const bool *by_model, size_t n, const struct finetune_settings *s);
void held_out_release(struct held_out *h);

struct finetune_texts {
	size_t n, classes;
	const char *const *texts; /* (n) */
	const size_t *classes_of; /* (n) each below classes; not with sets or answers */
	const uint8_t *sets;      /* (n, classes) 0 or 1: several labels an item; else NULL */
	const char *const *answers;     /* (n) JSON under the schema of `tagging`: a joint tagger is trained; else NULL */
	const struct tagging *tagging;  /* its n_classes are `classes` */
	const size_t *groups;     /* (n) */
	const bool *by_model;     /* (n) a model labelled it: see held_out_init(); NULL: none */
};

/* A decoder's prompt and completion that are longer, or longer than its context, are left out. */
enum { TRAINED_TOKENS = 2048 };

struct finetune_prompts {
	size_t n;
	const struct model_request *prompts; /* (n) their messages alone count */
	const char *const *completions;      /* (n) what the model is to write */
	const size_t *groups;                /* (n) */
	const bool *by_model;                /* (n) as of texts */
};

/* What came of it, for the card. */
struct finetune_outcome {
	enum fit_end end;
	json_t *curve;        /* [{step, loss, score}]; the caller owns it */
	size_t epochs, batch; /* as they were, where the settings left them open */
	size_t trained, held, too_long, left_out, steps;
	double threshold;     /* sets: a class at or above this probability belongs to the item */
	struct tagging_count values; /* answers: strings that stand in their texts, and that are not taught as they do not */
	size_t largest_pass;  /* encoder: tokens, where it learnt or was scored */
	double score;         /* of the weights kept, on what was held out; NAN: nothing was */
	double seconds, tokens_per_second; /* that training took, all calls together */
};

/* base: an encoder's folder. Leaves an encoder's folder with head.safetensors in `folder`, where its checkpoint is meanwhile.
 * False with outcome->end FIT_STOPPED (interrupted, the same call goes on) or FIT_FAILED, and a sentence. */
bool finetune_encoder(const char *base, struct pool *pool, const struct finetune_texts *texts, const struct finetune_settings *s,
		      uint64_t fingerprint, const char *folder, const struct fit_progress *progress,
		      struct finetune_outcome *outcome, struct error *err);
/* base: a decoder's GGUF file. Leaves adapter.gguf in `folder`. */
bool finetune_lora(const char *base, struct pool *pool, const struct finetune_prompts *prompts, const struct finetune_settings *s,
		   uint64_t fingerprint, const char *folder, const struct fit_progress *progress,
		   struct finetune_outcome *outcome, struct error *err);

/* Probabilities of the classes by an encoder that was tuned: softmax, or (sets) one sigmoid a class. */
struct tuned_encoder;
/* The caller frees it. The head must have `classes` rows. Borrows pool. */
struct tuned_encoder *tuned_encoder_open(const char *folder, size_t classes, bool sets, struct pool *pool, struct error *err);
void tuned_encoder_free(struct tuned_encoder *t);
/* out (n, classes). One thread at a time. */
void tuned_encoder_predict(struct tuned_encoder *t, const char *const *texts, size_t n, double *out);

/* The words and choices of texts by an encoder that was tuned with a tagging. */
struct tuned_tagger;
/* The caller frees it. What the folder's tags.json says must be that tagging. Borrows tagging and pool. */
struct tuned_tagger *tuned_tagger_open(const char *folder, const struct tagging *tagging, struct pool *pool, struct error *err);
void tuned_tagger_free(struct tuned_tagger *t);
/* What it says of the text, which is borrowed; until the next call. One thread at a time. */
struct tagged *tuned_tagger_read(struct tuned_tagger *t, const char *text);

#endif
