/* feedback.h - what somebody says of an answer, as POST /v1/feedback has it. Pure.
 *
 *     {"id": of a reply, "value": true | 0.7}, {"id", "comment"} or {"id", "demonstration"}, and "name" (default: the kind) */
#ifndef RUNG_SERVE_FEEDBACK_H
#define RUNG_SERVE_FEEDBACK_H

#include "serve/chat.h"
#include "store/served.h"

/* The log's id in that of a reply, whose prefix says in which form it is. */
const char *feedback_call(const char *id);
/* Texts live in arena; at_ms is the caller's to set. False: *fault is what to reply. */
bool feedback_read(const char *body, size_t n, struct arena *arena, struct served_feedback *f, struct chat_fault *fault);

#endif
