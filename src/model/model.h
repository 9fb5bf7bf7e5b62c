/* model.h - one way to ask a language model, many engines behind it.
 *
 * A model is named as in task files: "local" (SmolLM2-135M-Instruct), "local:NAME", and with "+ADAPTER" behind it the
 * same read through a LoRA adapter; "tuned:NAME:vN" is an adapter of the task's own, beside its store. However many
 * adapters one is read through, its weights are loaded once. "openai:NAME", "anthropic:NAME" and URL#NAME are asked where
 * endpoint.h says. "recorded:FILE#MODEL" gives the replies that MODEL gave (recorded.h). One thread at a time per struct models. */
#ifndef RUNG_MODEL_MODEL_H
#define RUNG_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/pool.h"

enum message_role { MESSAGE_SYSTEM, MESSAGE_USER, MESSAGE_ASSISTANT };

struct message {
	enum message_role role;
	const char *text;
};

enum model_want {
	WANT_TEXT,   /* free text */
	WANT_JSON,   /* JSON that satisfies the schema (docs/schema.md) */
	WANT_SCORES, /* the log-probability of each choice's tokens behind the prompt */
	WANT_VECTORS, /* of providers: the embedding of each message's text; the reply's text is vectors.h's */
	WANT_ORDER,   /* of providers: how much each message has to do with the first; the reply's text is a JSON array of numbers, the
		       * first message's left out */
};

/* How tokens are chosen; zero is greedy. The same request with the same seed gets the same answer again. */
struct model_sampling {
	double temperature;  /* 0: greedy, and the rest is not looked at */
	double top_p, min_p; /* 0: off; llm/sample.h says what they do and in which order */
	size_t top_k;
	uint64_t seed;
};

struct model_request {
	const struct message *messages; /* borrowed */
	size_t n_messages;
	enum model_want want;
	const char *const *choices; /* (n_choices) WANT_SCORES */
	size_t n_choices;
	const char *schema; /* WANT_JSON: the text of a JSON Schema */
	size_t max_tokens; /* WANT_TEXT, WANT_JSON; 0: 64. JSON is whole within it, a token for every byte at worst */
	const char *const *stop; /* WANT_TEXT: the text ends before the first of these found */
	size_t n_stop;
	struct model_sampling sampling;
	size_t max_context; /* tokens, prompt and reply; 0: the model's limit, 8,192 at most; never beyond the model's */
	bool want_log_p;    /* WANT_TEXT: fill reply.log_p */
	size_t repeat;      /* asked anew for the so-manyth time: it differs from the same request in that alone. 0: the first */
	const char *effort; /* of reasoning, as a provider names it ("low", "high"); NULL: its own. Local models have none */
	/* Called with each piece of the text as it becomes final; false ends the text there. NULL: nobody listens. */
	bool (*piece)(void *context, const char *text, size_t n);
	void *context;
};

/* Whether it is no question: embeddings, and orders. */
bool request_is_of_texts(const struct model_request *r);

/* The request as JSON that names all that its reply depends on, the model apart; the same request gives the same text. Lives in arena. */
const char *model_request_json(struct arena *arena, const struct model_request *r);

enum model_status { MODEL_OK, MODEL_TRUNCATED, MODEL_REFUSED, MODEL_TIMEOUT, MODEL_ERROR };
extern const char *const model_status_names[]; /* "ok", "truncated", "refused", "timeout", "error" */

struct model_reply {
	enum model_status status;
	const char *text;     /* lives in the arena of the call; NULL where there are scores. WANT_SCORES of a model that gives no
			       * probabilities: the label as it wrote it */
	const char *why;      /* one sentence when the request could not be answered at all, else NULL */
	const double *scores; /* (n_choices), natural logs; NULL otherwise */
	const double *log_p;  /* (output_tokens) natural log of each, under the model's own distribution; or NULL */
	size_t input_tokens, output_tokens;
	size_t cache_read, cache_written, reasoning; /* parts of the input tokens, and of the output tokens; of providers */
	double ms;       /* local models: this request's share of the batch's time, by tokens */
	double first_ms; /* until the first byte came; 0: unknown */
};

/* One time that a request went to a provider. */
struct model_attempt {
	int64_t id;      /* the watcher's, from "sent" to what became of it */
	const char *end; /* "sent", "answered", "failed", "timeout", "cut" */
	int status;      /* HTTP; 0: none came */
	size_t input_tokens, output_tokens, cache_read, cache_written; /* by the provider's count; 0: it gave none */
	double ms, first_ms;
	const char *why; /* a clause; NULL: nothing to say */
};

/* Who looks on while a model is asked; NULL members: nobody. What fails there ends the asking. */
struct model_watch {
	/* Each reply as soon as it is there: what was paid for is not lost when another fails. */
	bool (*replied)(void *context, size_t i, const struct model_reply *reply, struct error *err);
	/* Providers: when request i is sent, and again when that has ended. */
	bool (*attempted)(void *context, size_t i, struct model_attempt *attempt, struct error *err);
	/* After several of these, before it waits again: what they were told may be written down together. */
	bool (*settle)(void *context, struct error *err);
	/* Providers: why nothing more is sent, a clause; NULL: it goes on. What is in flight then may still come. */
	const char *(*stopped)(void *context);
	void *context;
};

struct models; /* what is loaded: engines, threads, the embedding model; opened when first needed */
struct model;

enum { MODEL_MEMORY_MB = 512 };

/* Zero is the default everywhere. */
struct model_settings {
	int threads;        /* of local models; 0: one a processor */
	size_t memory_mb;   /* keys and values that a local model, with all its adapters, holds at a time; 0:
			     * MODEL_MEMORY_MB. A prompt that is longer by itself is still answered */
	size_t max_context; /* see struct model_request; for whoever builds requests */
	const char *task;   /* the folder in which recorded files are looked for; NULL: the present one alone. Copied */
	const char *tuned;  /* where "tuned:NAME:vN" is found (tuned.h); NULL: nowhere. Copied */
	const char *embedding; /* who embeds for models_embed(): local:NAME, a provider's model, or a recorded one; NULL: the default encoder. Copied */
	const char *rerank;    /* who answers models_rerank(); NULL: nobody. Copied */
	/* Of each provider's model; 0: pace.h's 32 in flight, no limit a minute, 120 s for a reply. */
	size_t in_flight;
	double requests_per_minute, tokens_per_minute, timeout_ms;
	/* What a provider turned out not to take and what is done instead: a sentence, once. NULL: nobody listens. */
	void (*notice)(void *context, const char *sentence);
	void *context;
};

struct models *models_open(const char *folder, const struct model_settings *settings); /* folder of local models */
void models_free(struct models *m);
int models_threads(const struct models *m);
size_t models_max_context(const struct models *m);

/* The model of that name, loaded on first use; owned by models. NULL and a sentence when it cannot be had. */
struct model *model_open(struct models *m, const char *name, struct error *err);
const char *model_name(const struct model *m);
bool model_is_local(const struct model *m);

/* Asks n requests together. Those of a local model differ in nothing but messages, schema, seed and listener. replies (n) live in
 * arena; watch may be NULL. A prompt that does not fit the context is MODEL_TRUNCATED without a text, and so is JSON whose shortest form
 * does not fit max_tokens.
 * False when not all could be asked. Local models: a schema that is not supported, for one, whose sentence begins with the JSON
 * pointer. Providers: watch->stopped, or a request that no further try will mend (then another run of the same may go well:
 * error_again()); the watch was told each reply that came before. Errors are no replies. */
bool model_ask(struct model *m, struct arena *arena, const struct model_request *requests, size_t n,
	       struct model_reply *replies, const struct model_watch *watch, struct error *err);
/* Whether a model of that name is asked over HTTP, many requests at once; and whether those leave this machine, and may cost money. */
bool model_is_elsewhere(const char *name);
bool model_leaves(const char *name);
/* Whether one of that name may be asked for embeddings and orders (WANT_VECTORS, WANT_ORDER): its server's form has them, or it is recorded. */
bool model_takes_texts(const char *name);
/* Whether it is one that was fine-tuned where it is asked: its name there begins with "ft:", as OpenAI's jobs call what comes of them. */
bool model_is_tuned_elsewhere(const char *name);
/* The model whose prices and limits hold for one of that name: the recorded one, else itself. */
const char *model_behind(const char *name);

/* Requests that a provider works off in its own time, at half the price. */
bool model_takes_batches(const struct model *m);
size_t model_batch_most(const struct model *m); /* requests of one */
/* Whether a request of that kind was answered: what the server does not take of it is known by now. */
bool model_has_answered(const struct model *m, enum model_want want);
/* What its server was found not to take, as a number to keep beside a batch: results are read as its requests were written. */
unsigned model_lacks(const struct model *m);
void model_knows_lacks(struct model *m, unsigned lacks);
/* What its server was found to lack and to answer, for those who keep it from one climb to the next; false: it has none, or nothing was
 * learnt. What hangs on the labels that were asked for is left out. */
bool model_learnt(const struct model *m, unsigned *lacks, unsigned *known);
/* It is known to be so, and nothing else: what it lacks is said again. Zeros: all is asked anew. */
void model_remember(struct model *m, unsigned lacks, unsigned known);
/* Hands them over, each under an id of letters, digits, '-' and '_' (64 at most); appends the name under which the provider keeps them.
 * *unnamed, where it returns false: the provider may have them all the same, under a name that it could not tell. */
bool model_batch_send(struct model *m, const struct model_request *requests, const char *const *ids, size_t n, struct buf *name,
		      bool *unnamed, struct error *err);
struct model_batch {
	bool ended;
	size_t done, failed; /* so far */
	const char *why;     /* it failed as a whole; lives in the arena of the call. NULL: it did not */
};
bool model_batch_look(struct model *m, const char *name, struct arena *arena, struct model_batch *out, struct error *err);
/* The results of one that has ended, in the provider's order. `request` finds what was asked under an id, NULL: it is not known here;
 * `result` is told the reply, NULL: that request failed, and what was paid. False as soon as `result` is. */
struct model_results {
	const struct model_request *(*request)(void *context, const char *id);
	bool (*result)(void *context, const char *id, const struct model_reply *reply, const struct model_attempt *attempt, struct error *err);
	void *context;
};
bool model_batch_results(struct model *m, const char *name, struct arena *arena, const struct model_results *to, struct error *err);

/* For training: what a local decoder's name stands for (no adapter), appended. */
bool models_base_file(struct models *m, const char *name, struct buf *path, struct error *err);
/* And the local encoder, the one that `embedding` names or the default one (also where a provider embeds): where it lies, appended; its
 * name; a number for its weights and settings (llm/encoder.h says what is looked at), 0 and a sentence when it cannot be loaded. */
void models_encoder_folder(const struct models *m, struct buf *path);
const char *models_encoder_name(const struct models *m);
extern const char models_default_encoder[];
uint64_t models_encoder_hash(struct models *m, struct error *err);
const char *models_folder(const struct models *m); /* where local models lie */
struct pool *models_pool(struct models *m);
const char *models_tuned(const struct models *m); /* the folder of fine-tuned models; NULL: none */

/* Embeds n texts by who the settings say, to unit length: out (n, models_embedding_width()). */
size_t models_embedding_width(struct models *m, struct error *err); /* 0 and a sentence when it cannot be had; a provider is asked */
enum { MODEL_TEXTS = 64 }; /* of one request to a provider; far below what they take (OpenAI: 2,048 inputs, 300,000 tokens), so
			     * that few are paid again when one fails */
bool models_embed(struct models *m, const char *const *texts, size_t n, float *out, struct error *err);
/* Asks a provider for the texts at once, each in a request of its own, so that models_embed() of one alone finds it where its asker keeps
 * replies. Without an asker, and of the local model, it does nothing. */
bool models_embed_ahead(struct models *m, const char *const *texts, size_t n, struct error *err);
const char *models_embedding_name(const struct models *m);
/* A number for who embeds; 0 and a sentence when it cannot be had. Vectors of two numbers must not be compared. A provider's is made of its
 * name and width, a recorded one's too: that it is the same model behind that name is the provider's word. */
uint64_t models_embedding_hash(struct models *m, struct error *err);
/* Tokens of the n bytes of text as the local model counts them, uncut and without those it adds itself. Many threads may count once
 * the width was asked for; 0 when the model cannot be loaded. */
size_t models_embedding_tokens(struct models *m, const char *text, size_t n);
size_t models_embedding_limit(struct models *m); /* of those tokens, the ones that are read; 0 likewise, and of a provider */
bool models_embeds_here(const struct models *m); /* the local model does */

/* How much each of n texts has to do with the query, by who the settings name: scores (n), higher is more, comparable within one query. */
bool models_rerank(struct models *m, const char *query, const char *const *texts, size_t n, double *scores, struct error *err);

/* Through whom requests for vectors and orders go, so that replies are kept and counted as those to questions are. texts (n): the replies'
 * texts, which live in arena; NULL: that one could not be answered. */
struct model_asker {
	bool (*ask)(void *context, const char *model, const struct model_request *requests, size_t n, struct arena *arena, const char **texts,
		    struct error *err);
	void *context;
};
/* Borrowed. NULL: providers are asked directly, and each time anew. Returns who it was. */
const struct model_asker *models_ask_through(struct models *m, const struct model_asker *asker);

#endif
