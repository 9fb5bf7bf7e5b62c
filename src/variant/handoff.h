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

#endif
