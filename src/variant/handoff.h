/* handoff.h - fine-tuning handed to a trainer elsewhere: a folder with the pool's examples, a configuration, and the way back. */
#ifndef RUNG_VARIANT_HANDOFF_H
#define RUNG_VARIANT_HANDOFF_H

#include "tune/trainer.h"
#include "variant/variant.h"

/* Makes folder (new, or empty): data/train.jsonl, data/validation.jsonl where something is held out, the trainer's configuration,
 * README.md. The examples are the pool's, with the messages and completions that rung's own LoRA of the variant v is trained on, and split
 * as it splits them; dev and test are not looked at. The same task, settings and base give the same bytes. job: base and settings come
 * in, the rest is filled. All files or none. */
bool handoff_write(struct workshop *w, const struct variant *v, const struct trainer *trainer, struct trainer_job *job,
		   const char *folder, struct error *err);

/* The same examples as lines of {"messages": [...]}, for a provider's fine-tuning job. */
struct handoff_rows {
	struct buf training, validation; /* validation empty: none */
	size_t n_train, n_held;
	size_t bytes; /* of the training's texts, which a provider counts as tokens */
};
void handoff_rows_release(struct handoff_rows *r);
/* on_dev: the whole pool is learnt from and dev validates; else a part of the pool is held out, as settings say. */
bool handoff_rows(struct workshop *w, const struct variant *v, const struct finetune_settings *settings, bool on_dev,
		  struct handoff_rows *out, struct error *err);

#endif
