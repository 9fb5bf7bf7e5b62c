/* finetune_inner.h - what the files of finetune.h share. Private to src/tune. */
#ifndef RUNG_TUNE_FINETUNE_INNER_H
#define RUNG_TUNE_FINETUNE_INNER_H

#include "llm/encoder_inner.h"
#include "train/encoder_train.h"
#include "tune/cut.h"
#include "tune/finetune.h"

/* Runs the loop on the first n_train items of a model, and fills the outcome. */
struct finetune_run {
	struct fit_model *model;
	size_t items, longest, usual;
	size_t pass_tokens; /* finetune_pass_tokens() */
	enum finetune_model kind;
	size_t (*bytes)(void *self, size_t tokens, size_t longest); /* what passes of so many tokens take */
	uint64_t fingerprint;
	const char *folder;
	const struct fit_progress *progress;
};
/* The most tokens, from the longest item's to `usual`, whose passes stay below the memory cap; 0 and a sentence when not even that
 * item's do. */
size_t finetune_pass_tokens(const struct finetune_run *run, const struct finetune_settings *s, struct error *err);
bool finetune_fit(const struct finetune_run *run, const struct finetune_settings *s, struct finetune_outcome *outcome,
		  struct error *err);

/* An encoder while it learns. */
struct encoder_lesson {
	const struct finetune_texts *from;
	const struct encoder *encoder;
	struct encoder_trainer *trainer;
	struct training_text *texts; /* (n) what is trained on, then what is held out */
	size_t *items;               /* (n) of `from` */
	size_t n_train, n_held;
	size_t pass_tokens;          /* of one pass at most, to learn or to score, but one text at least */
	struct cut cut; /* sets: of the last score() */
	struct tagging_count values; /* answers: of all texts */
};

/* The texts from `first` on, n at most, that are scored in one pass: their number, and their tokens. */
enum { SCORED = 64 };
size_t finetune_scored_together(const struct encoder_lesson *l, size_t first, size_t n, const struct training_text *list[SCORED],
				size_t *tokens);

/* finetune_tagger.c, for answers: whether the encoder's tokenizer tells words apart; a text's ids, tags and choices, all three the
 * caller's to free; */
bool tagger_can_read(const struct encoder *e, struct error *err);
struct training_text tagger_text(struct encoder_lesson *l, size_t item);
/* the mean F1 of the strings and choices said of texts first .. first + n - 1; */
double tagger_score(const struct encoder_lesson *l, size_t first, size_t n);
/* the classes' rows as finetune_first_head() has them, for items[0 .. n - 1]; */
float *tagger_first_head(struct encoder *e, const struct finetune_texts *t, const size_t *items, size_t n);
/* and tags.json, what the heads' rows mean. */
bool tagger_write_tags(const char *folder, const struct tagging *g, struct error *err);
extern const double tagger_tag_weight; /* beside the choices' losses */

/* (classes) weights with which all classes count alike, the mean over items 1; the caller frees it. Not with sets or answers. */
float *finetune_balanced_weights(const struct finetune_texts *t);
/* A head over e's rows (classes, width + 1), each with its bias last, that knows items[0 .. n - 1] by logistic regression; the caller
 * frees it. */
float *finetune_first_head(struct encoder *e, const struct finetune_texts *t, const size_t *items, size_t n);

#endif
