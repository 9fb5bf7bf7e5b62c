/* sessions.h - who has logged in to the page, in memory alone: a restart logs everybody out.
 *
 * A session's id is 256 random bits of its own, and says nothing of the key that it was begun with; its token is what forms carry, so that no
 * other site can send one in its name. One thread. */
#ifndef RUNG_SERVE_SESSIONS_H
#define RUNG_SERVE_SESSIONS_H

#include "serve/accounts.h"

enum { SECRET_TEXT = 44, SESSIONS_MOST = 256 }; /* 43 characters of base64url and a NUL; of more the oldest ends */

/* Ends the process where there are no random numbers: what can be guessed guards nothing. */
void secret_make(char out[SECRET_TEXT]);

struct session {
	char id[SECRET_TEXT], token[SECRET_TEXT];
	struct account *account; /* NULL: there is no session here */
	double until_ms;
};

struct sessions {
	struct session all[SESSIONS_MOST];
};

/* Of an account, for twelve hours. Valid until it ends. */
const struct session *session_begin(struct sessions *s, struct account *account, double now_ms);
/* NULL: none of that id, or its time, or its key, is over. id NULL: none. */
const struct session *session_find(struct sessions *s, const char *id, double now_ms);
void session_end(struct sessions *s, const char *id);

#endif
