/* accounts.h - keys at work: whose request it is, and what it may still take.
 *
 * A request reserves the most that it may take before it goes on, and is settled with what it took: between the two nobody else can have
 * it, and no limit is passed. All of it belongs to one thread, so nothing comes between looking and taking. The file is read again when it
 * changes; what a key has taken stays. */
#ifndef RUNG_SERVE_ACCOUNTS_H
#define RUNG_SERVE_ACCOUNTS_H

#include "serve/chat.h"
#include "serve/keys.h"

struct accounts;
struct account; /* a key, and what was taken with it; as long-lived as all of them, also once its key is gone */

struct accounts *accounts_open(const char *path, struct error *err);
void accounts_free(struct accounts *a);
/* Reads the file if it has changed since; where it is written in place, rather than replaced, once it has not changed between two calls. False and
 * a sentence: it is wrong, and the keys stay as they were. */
bool accounts_refresh(struct accounts *a, struct error *err);

/* authorization: a header's value, "Bearer KEY"; NULL: none came. NULL: it is nobody's. */
struct account *accounts_find(struct accounts *a, const char *authorization);
struct account *accounts_keyed(struct accounts *a, const char *key); /* the key itself */
struct account *accounts_named(struct accounts *a, const char *name);
const struct key *account_key(const struct account *a); /* until the next accounts_refresh(); NULL: its key is gone */

/* What was reserved; {0}: nothing, for nobody. */
struct claim {
	struct account *account;
	double tokens, usd;
	double at_ms; /* clock_ms() */
};
struct refusal {
	struct chat_fault fault;
	double wait_ms; /* until it would fit; INFINITY: never */
};
/* One request that takes at most so many tokens and so much (NAN: nobody knows its price). Nothing is taken of one that is refused; the
 * sentence lives in arena. */
bool account_claim(struct account *a, double tokens, double usd, double now_ms, struct arena *arena, struct claim *out, struct refusal *why);
void claim_settle(struct claim *c, double tokens, double usd, double now_ms);
/* What was paid before, so many milliseconds ago. */
void account_paid(struct account *a, double usd, double ago_ms, double now_ms);

#endif
