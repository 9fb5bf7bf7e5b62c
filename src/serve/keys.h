/* keys.h - who may ask: a file of keys, of which it has the hashes alone.
 *
 * A key is "rung-" and 43 characters of base64url (RFC 4648): 256 random bits. It is shown once, when it is made. Nobody can try such keys
 * until one fits, so its SHA-256 needs neither salt nor a slow hash. The file is JSON Lines, one key a line, for people to read and edit:
 *
 *     {"name": "web", "sha256": "...", "added": "2026-11-29", "scopes": ["ask", "feedback"], "tenant": "shop", "models": ["rung/email"],
 *      "requests_per_minute": 600, "tokens_per_minute": 100000, "usd_per_day": 5}
 *
 * All but the first two may be left out. A tenant sees what its own keys asked for, and nothing else; without one a key's name is its tenant.
 * Names are texts of 1 to 64 bytes without control characters: they go to logs and terminals. */
#ifndef RUNG_SERVE_KEYS_H
#define RUNG_SERVE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/sha256.h"

enum { KEY_TEXT = 49, KEY_NAME = 65 }; /* a key, and the longest name of one or of a tenant, with their NUL */

/* What a key may do. */
enum key_scope {
	KEY_ASK = 1,      /* completions, responses, embeddings, the list of models */
	KEY_FEEDBACK = 2, /* say something of its tenant's answers */
	KEY_READ = 4,     /* the page, with its tenant's calls (board.h) */
	KEY_METRICS = 8,  /* /metrics */
	KEY_ADMIN = 16,   /* the page, and feedback, with calls of every tenant */
};

struct key {
	const char *name, *tenant, *added;
	uint8_t sha256[SHA256_BYTES];
	unsigned scopes;           /* of enum key_scope */
	const char *const *models; /* (n_models) that it may ask; 0: all */
	size_t n_models;
	double requests_per_minute, tokens_per_minute, usd_per_day; /* INFINITY: no limit */
};

/* The names of scopes, as files and command lines have them; 0: it is none. */
unsigned key_scope_named(const char *name);
const char *key_scope_name(unsigned scope); /* of a single one; NULL: it is none */

/* The keys of the file; everything lives in arena. NULL and a sentence with the line of what is wrong, which quotes no key. */
struct key *keys_read(const char *path, struct arena *arena, size_t *n, struct error *err);
/* Makes a key as `like` says, adds its line to the file, which is made if it is not there (for its owner alone), and gives the key itself out.
 * Both leave the other lines as they are, and wait for others who change the file. */
bool keys_add(const char *path, const struct key *like, char key[KEY_TEXT], struct error *err);
bool keys_remove(const char *path, const char *name, struct error *err);

/* Whose key this is; NULL: nobody's. How long it takes says nothing of how much of it is right. */
const struct key *keys_find(const struct key *keys, size_t n, const char *key);
bool key_may_ask(const struct key *k, const char *model);

#endif
