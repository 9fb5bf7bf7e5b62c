/* responses.h - OpenAI's responses as a server without memory has them: a request becomes one of chat completions, a reply is written. Pure.
 *
 * Source: OpenAI's API reference (responses, its streaming events). Nothing is kept from one to the next: store is taken and not followed,
 * and previous_response_id is refused. */
#ifndef RUNG_SERVE_RESPONSES_H
#define RUNG_SERVE_RESPONSES_H

#include "serve/chat.h"

/* The body of chat completions that asks the same; lives in arena. NULL: *fault is what to reply. */
const char *responses_as_chat(const char *body, size_t n, struct arena *arena, struct chat_fault *fault);

/* r->id is "chatcmpl-UUID"; the reply's is "resp_UUID". */
void responses_write(const struct chat_reply *r, struct buf *out);
/* A stream: its beginning, pieces of its text, and its end with the whole text, r->text. number counts its events. */
void responses_write_begin(const struct chat_reply *r, size_t *number, struct buf *out);
void responses_write_piece(const struct chat_reply *r, const char *text, size_t *number, struct buf *out);
void responses_write_end(const struct chat_reply *r, size_t *number, struct buf *out);

#endif
