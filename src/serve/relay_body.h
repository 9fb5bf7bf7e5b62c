/* relay_body.h - what a relay reads of a request's body, and the one value that it changes there. Pure.
 *
 * A body is passed on byte for byte but for the value of its member "model": relay_body_find() walks over the JSON text, strings and depth
 * alone, to the bytes of that value, quotes included; what stands before and behind them is copied as it is. */
#ifndef RUNG_SERVE_RELAY_BODY_H
#define RUNG_SERVE_RELAY_BODY_H

#include "serve/chat.h"

struct relay_body {
	const char *bytes; /* (n) borrowed */
	size_t n;
	size_t from, to;   /* of the model's value, the text in its quotes */
	const char *model; /* it, decoded */
	bool stream;       /* its reply is asked for as events */
	double choices;     /* that are asked for, 1 or more */
	double most_output; /* tokens that each of them may have; NAN: it does not say */
	const char *subject; /* whom it is about (chat_subject()); this and the three above by relay_body_check() */
};

/* Cheap, before anything else is known of the body. False: no text under "model" was found. The name lives in arena. */
bool relay_body_find(const char *body, size_t n, struct arena *arena, struct relay_body *out);
/* Whether the upstream cannot read it in another way than it was read here, above all not as another model: JSON, no name twice, no second
 * "model" in another case. False: *fault is what to reply. */
bool relay_body_check(struct relay_body *b, struct arena *arena, struct chat_fault *fault);
/* The body with that model in it. */
void relay_body_write(const struct relay_body *b, const char *model, struct buf *out);

/* The tokens that a reply counted (usage.prompt_tokens, usage.completion_tokens) out of a whole body or the events of a stream; false:
 * it did not say. */
bool relay_usage(const char *reply, size_t n, bool events, size_t *input, size_t *output);

#endif
