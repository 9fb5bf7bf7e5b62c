/* texts.h - OpenAI's embeddings as a server has them: the request read, the reply written. Pure.
 *
 * Source: OpenAI's API reference (embeddings). In base64 a vector is its numbers as IEEE 754 singles, little-endian. */
#ifndef RUNG_SERVE_TEXTS_H
#define RUNG_SERVE_TEXTS_H

#include "serve/chat.h"

enum { TEXTS_MOST = 2048 }; /* of one request, as OpenAI has it */

struct texts_request {
	const char *model;
	const char *const *texts; /* (n) */
	size_t n;
	size_t dimensions; /* 0: those that the model has */
	bool base64;
};
/* Texts live in arena. False: *fault is what to reply. */
bool texts_read(const char *body, size_t n, struct arena *arena, struct texts_request *out, struct chat_fault *fault);

/* vectors (r->n, width). */
void texts_write(const struct texts_request *r, const float *vectors, size_t width, size_t tokens, struct buf *out);

#endif
