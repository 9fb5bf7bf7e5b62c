/* endpoint.h - where a model that is not on this machine is asked, and as whom.
 *
 *     openai:NAME      https://api.openai.com/v1, or $OPENAI_BASE_URL      key in $OPENAI_API_KEY
 *     anthropic:NAME   https://api.anthropic.com, or $ANTHROPIC_BASE_URL   key in $ANTHROPIC_API_KEY
 *     URL#NAME         any server that speaks OpenAI's form                key in $RUNG_API_KEY, if it wants one
 *
 * The variables are those of the vendors' own SDKs. A key is only read when a request is made, and only sent to its own endpoint. */
#ifndef RUNG_MODEL_ENDPOINT_H
#define RUNG_MODEL_ENDPOINT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

struct wire;

struct endpoint {
	const struct wire *wire;
	char *base;  /* URL without a slash at its end */
	char *model; /* as the server knows it */
	const char *key_variable; /* of the environment */
	bool key_needed;          /* false: asked without one where the variable is not set */
};

bool endpoint_is(const char *name); /* whether a model's name is of this kind */
/* False and a sentence naming the name, or the variable that is wrong. A URL has to be http or https, without user or password; plain
 * http beyond this machine is refused where a key would go with it. */
bool endpoint_parse(const char *name, struct endpoint *out, struct error *err);
/* Whether what a model of that name is asked leaves this machine, and may have to be paid: a URL of this machine does not, a provider by its
 * name does, whatever proxy its variable names. */
bool endpoint_leaves(const char *name);
bool endpoint_takes_texts(const char *name); /* whether it is of this kind, and its form has embeddings and rerank */
bool endpoint_is_url(const char *name); /* URL#NAME, and no provider's */
bool endpoint_is_tuned(const char *name); /* whether the server knows it as "ft:..." */
/* Whether the vendor itself is asked: a provider by its name, and no variable names another server. */
bool endpoint_is_vendors(const struct endpoint *e);
/* Appends the header that holds the key, read from the environment now; nothing where there is none. False and a sentence, which names the
 * model and the variable that has to be set. endpoint_forget_key() wipes it. */
bool endpoint_add_key(const struct endpoint *e, const char *name, struct buf *header, struct error *err);
void endpoint_forget_key(struct buf *header);
void endpoint_release(struct endpoint *e);

#endif
