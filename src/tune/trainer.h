/* trainer.h - the files of a training that happens elsewhere: examples, configuration and launch lines as TRL and axolotl read them on
 * GPUs, and as Amazon Bedrock and Vertex AI do.
 *
 * Texts go in and texts come out; files and splits are variant/handoff.h's. The configurations say what rung's own LoRA does (finetune.h):
 * rank, rate, warm-up and fall to zero, loss of completions alone, the weights of the epoch that was best on what is held out.
 * tools/check-handoff.sh holds them against the trainers themselves. */
#ifndef RUNG_TUNE_TRAINER_H
#define RUNG_TUNE_TRAINER_H

#include "tune/finetune.h"

struct trainer_job {
	const char *task;   /* its name */
	const char *base;   /* on Hugging Face, or a folder there; a cloud's own name */
	const char *method; /* "lora", "lora-rag" */
	struct finetune_settings settings;
	size_t n_train, n_held;
	size_t most_tokens; /* of an example, at most */
};

/* What a local decoder's default, "local", is called on Hugging Face. */
extern const char trainer_default_base[];

struct trainer {
	const char *id, *name;
	const char *config; /* name of its file */
	/* One example as JSON without a newline, appended; in the trainer's format of conversations. */
	void (*row)(const struct message *prompt, size_t n, const char *completion, struct buf *out);
	void (*write)(const struct trainer_job *job, struct buf *out);
	/* How to train, and how what came of it returns to rung. */
	void (*readme)(const struct trainer *t, const struct trainer_job *job, struct buf *out);
	const char *install, *one, *many; /* command lines: for one GPU and for N; a cloud has none */
	const char *base_such_as;         /* the base has to be given, in the cloud's own words; NULL: trainer_default_base is one */
};
/* {"messages": [...]}, the completion as the assistant's last turn: what axolotl and OpenAI's fine-tuning jobs read. */
void trainer_chat_row(const struct message *prompt, size_t n, const char *completion, struct buf *out);
/* NULL and a sentence where there is none of that name. */
const struct trainer *trainer_find(const char *id, struct error *err);

#endif
