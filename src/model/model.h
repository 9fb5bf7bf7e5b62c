/* model.h - one way to ask a language model, many engines behind it (first form: the local one).
 *
 * A model is named as in task files: "local" (SmolLM2-135M-Instruct), "local:NAME". Providers ("openai:...",
 * "anthropic:...", "http://...") are refused by model_open() with a sentence until their engines exist.
 * One thread at a time per model. */
#ifndef RUNG_MODEL_MODEL_H
#define RUNG_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum message_role { MESSAGE_SYSTEM, MESSAGE_USER, MESSAGE_ASSISTANT };

struct message {
	enum message_role role;
	const char *text;
};

enum model_want {
	WANT_TEXT,   /* free text, greedily */
	WANT_CHOICE, /* one of the choices, greedily by constrained decoding */
	WANT_SCORES, /* the log-probability of each choice's tokens behind the prompt */
};

struct model_request {
	const struct message *messages; /* borrowed */
	size_t n_messages;
	enum model_want want;
	const char *const *choices;
	size_t n_choices;
	size_t max_tokens; /* WANT_TEXT */
};

enum model_status { MODEL_OK, MODEL_TRUNCATED, MODEL_REFUSED, MODEL_TIMEOUT, MODEL_ERROR };
extern const char *const model_status_names[]; /* "ok", "truncated", "refused", "timeout", "error" */

struct model_reply {
	enum model_status status;
	const char *text;     /* lives in the arena of the call; NULL for WANT_SCORES */
	const double *scores; /* (n_choices), natural logs; NULL otherwise */
	size_t input_tokens, output_tokens;
	double ms; /* this request's share of the batch's time, by tokens */
};

struct models; /* what is loaded: engines, threads, the embedding model; opened when first needed */
struct model;

/* folder: where local models lie. threads <= 0: one a processor. */
struct models *models_open(const char *folder, int threads);
void models_free(struct models *m);
int models_threads(const struct models *m);

/* The model of that name, loaded on first use; owned by models. NULL and a sentence when it cannot be had. */
struct model *model_open(struct models *m, const char *name, struct error *err);
const char *model_name(const struct model *m);
bool model_is_local(const struct model *m);

/* Asks n requests of one kind together; replies (n) live in arena. False only when nothing could be asked at all. */
bool model_ask(struct model *m, struct arena *arena, const struct model_request *requests, size_t n,
	       struct model_reply *replies, struct error *err);

/* Embeds n texts with the local embedding model: out (n, models_embedding_width()). */
size_t models_embedding_width(struct models *m, struct error *err); /* 0 and a sentence when it cannot be loaded */
bool models_embed(struct models *m, const char *const *texts, size_t n, float *out, struct error *err);

#endif
