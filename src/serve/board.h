/* board.h - the page of `rung serve`: what was served and how it went, which verdict answers and why, calls one by one with a form to say
 * something of them, and the documents that answers cite.
 *
 *     GET /                       overview: ?span=hour, day, week, month
 *     GET /history                ?task=
 *     GET /calls                  the newest first: ?task=&variant=&verdict=&feedback=&before=
 *     GET, POST /calls/ID         one of them; what a form says of it goes the way of POST /v1/feedback
 *     GET /documents              ?task=&name=&start=&end=: out of the task's stored documents, never a file
 *     GET, POST /login; POST /logout     where the server asks for keys
 *     GET /style.css, /script.js, /live.json
 *
 * A page reads the log by a handle and a thread of its own, in bounded time; the loop never waits for it. What is shown needs no script. A
 * session is a cookie, which counts here and nowhere else (sessions.h): the API asks for a key each time. */
#ifndef RUNG_SERVE_BOARD_H
#define RUNG_SERVE_BOARD_H

#include "serve/gateway_inner.h"

/* Once the seats have who serves. NULL and a sentence: no thread can be started. */
struct board *board_open(struct gateway *g, struct error *err);
/* Whether the path is one of the page's: then it is answered, now or later. */
bool board_takes(struct board *b, struct exchange *x);
/* In the loop, after each wake: what was read goes out. */
void board_turn(struct board *b);
/* Once no exchange is left, and before the arms go. NULL: nothing. */
void board_close(struct board *b);

#endif
