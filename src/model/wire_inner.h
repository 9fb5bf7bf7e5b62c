/* wire_inner.h - what both forms share. Private to src/model/wire*.c. */
#ifndef RUNG_MODEL_WIRE_INNER_H
#define RUNG_MODEL_WIRE_INNER_H

#include <jansson.h>

#include "model/wire.h"

/* A body as JSON, bytes that are no UTF-8 replaced; NULL: it is none. The caller's. */
json_t *wire_json(const char *body, size_t n);
size_t wire_count(const json_t *object, const char *key); /* 0 where there is no such number */
/* The turns as {role, content}, what the lacks say put into words. */
json_t *wire_turns(const struct model_request *r, unsigned lacks);
size_t wire_tokens(const struct model_request *r); /* that the reply may take, written */
json_t *wire_stops(const struct model_request *r);
/* Writes the object as the body and releases it. */
void wire_dump(json_t *root, struct buf *body);
/* The text of a reply, cut before the first stop (a server may have taken none), and brought to its JSON where that was asked for. */
const char *wire_text(const struct model_request *r, const char *text, struct arena *arena);
/* Probabilities of choices out of candidates [{token, logprob}, ...]; NULL: they tell nothing. */
const double *wire_scores(const struct model_request *r, const json_t *candidates, struct arena *arena);
/* WANT_VECTORS and WANT_ORDER (wire_texts.c). */
void wire_texts_request(const struct model_request *r, const char *model, struct buf *body);
void wire_texts_reply(const struct model_request *r, const char *body, size_t n, struct arena *arena, struct wire_reply *out);
void wire_error_read(int status, const char *body, size_t n, struct arena *arena, struct wire_error *out);
size_t wire_models(const char *body, size_t n, struct arena *arena, const char *const **names);

/* Whether a name that a server gave may become a part of a path: letters, digits, '-', '_', ':' and '.', no two dots together. */
bool wire_is_name(const char *name);

void wire_usage_openai(const json_t *root, struct wire_usage *u);

extern const struct wire_batch wire_batch_openai, wire_batch_anthropic;

#endif
