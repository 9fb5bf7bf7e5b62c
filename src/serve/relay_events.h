/* relay_events.h - a stream of events as far as it was passed on: whether it is whole, and how it is broken off. Pure. Private to src/serve. */
#ifndef RUNG_SERVE_RELAY_EVENTS_H
#define RUNG_SERVE_RELAY_EVENTS_H

#include "serve/chat.h"

/* Whether the events ended as OpenAI's do: with the line "data: [DONE]". said: they, or their end. */
bool relay_events_done(const struct buf *said);
/* Whether those of a response ended: the last one's type says how. */
bool relay_events_responded(const struct buf *said);
/* The event that says so where they break off, as one of its own whatever stands before it: half a line, half an event. */
void relay_events_break(const struct buf *said, const struct chat_fault *fault, struct buf *out);

#endif
