/* accounts.c - the file's keys, each with its windows */
#include "serve/accounts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "serve/limits.h"

static const double minute_ms = 60e3, day_ms = 86400e3;

struct account {
	uint8_t sha256[SHA256_BYTES];
	const struct key *key; /* NULL: it is not in the file any more */
	struct limit requests, tokens, usd;
};

struct accounts {
	char *path;
	struct arena arena; /* of the keys */
	const struct key *keys;
	size_t n;
	struct account **all; /* (n_all) those whose key is gone, too */
	size_t n_all;
	struct hash_map by_hash, by_name; /* places among all; names are those of the file */
	struct stat read, seen; /* the file as it was read, and as it was last looked at */
};

/* ---- the file ---- */

static struct account *account_of(struct accounts *a, const struct key *k)
{
	size_t at = hash_map_get(&a->by_hash, (const char *)k->sha256, SHA256_BYTES, SIZE_MAX);

	if (at != SIZE_MAX)
		return a->all[at];
	struct account *x = mem_zero(1, sizeof(*x));

	memcpy(x->sha256, k->sha256, SHA256_BYTES);
	x->requests.span_ms = x->tokens.span_ms = minute_ms;
	x->usd.span_ms = day_ms;
	a->all = mem_resize(a->all, a->n_all + 1, sizeof(*a->all));
	a->all[a->n_all] = x;
	hash_map_put(&a->by_hash, (const char *)x->sha256, SHA256_BYTES, a->n_all++);
	return x;
}

static bool read_keys(struct accounts *a, struct error *err)
{
	struct arena arena;
	size_t n;

	arena_init(&arena);
	const struct key *keys = keys_read(a->path, &arena, &n, err);

	if (!keys) {
		arena_release(&arena);
		return false;
	}
	for (size_t i = 0; i < a->n_all; i++)
		a->all[i]->key = NULL;
	hash_map_release(&a->by_name);
	for (size_t i = 0; i < n; i++) {
		struct account *x = account_of(a, &keys[i]);

		x->key = &keys[i];
		x->requests.most = keys[i].requests_per_minute;
		x->tokens.most = keys[i].tokens_per_minute;
		x->usd.most = keys[i].usd_per_day;
		hash_map_put(&a->by_name, x->key->name, strlen(x->key->name),
			     hash_map_get(&a->by_hash, (const char *)x->sha256, SHA256_BYTES, SIZE_MAX));
	}
	arena_release(&a->arena);
	a->arena = arena;
	a->keys = keys;
	a->n = n;
	return true;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	/* Not what was written when, which people set back (cp -p), but when anything of it changed: also who may read it. */
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

bool accounts_refresh(struct accounts *a, struct error *err)
{
	struct stat now;

	if (stat(a->path, &now) != 0)
		return error_set(err, "%s: cannot be read any more; the keys stay as they were", a->path);
	bool still = is_same(&now, &a->seen);

	a->seen = now;
	if (is_same(&now, &a->read) || (now.st_ino == a->read.st_ino && !still)) /* written in place: half of its lines would be fewer keys */
		return true;
	a->read = now; /* what is wrong is said once */
	return read_keys(a, err);
}

struct accounts *accounts_open(const char *path, struct error *err)
{
	struct accounts *a = mem_zero(1, sizeof(*a));

	a->path = mem_string(path);
	if (stat(path, &a->read) != 0)
		error_set(err, "%s: is not there; `rung key add NAME --keys %s` makes it", path, path);
	else if (read_keys(a, err))
		return a;
	accounts_free(a);
	return NULL;
}

void accounts_free(struct accounts *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n_all; i++)
		free(a->all[i]);
	free(a->all);
	hash_map_release(&a->by_hash);
	hash_map_release(&a->by_name);
	arena_release(&a->arena);
	free(a->path);
	free(a);
}

/* ---- who asks ---- */

struct account *accounts_keyed(struct accounts *a, const char *key)
{
	const struct key *k = keys_find(a->keys, a->n, key);

	return k ? account_of(a, k) : NULL;
}

struct account *accounts_find(struct accounts *a, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	size_t n = sizeof(scheme) - 1;

	if (!authorization || strncasecmp(authorization, scheme, n) != 0)
		return NULL;
	return accounts_keyed(a, authorization + n + strspn(authorization + n, " "));
}

struct account *accounts_named(struct accounts *a, const char *name)
{
	size_t at = hash_map_get(&a->by_name, name, strlen(name), SIZE_MAX);

	return at == SIZE_MAX ? NULL : a->all[at];
}

const struct key *account_key(const struct account *a)
{
	return a->key;
}

/* ---- limits ---- */

/* One of the three limits, and how much of it is asked for. */
struct part {
	struct limit *limit;
	double amount;
	const char *what, *span;
};

static bool never(const struct part *p, struct arena *arena, struct refusal *why)
{
	why->fault = (struct chat_fault){ 400, "invalid_request_error", "over_limit", NULL,
					  arena_printf(arena, "this request may take %.12g %s, and this key has %.12g %s; ask for less, such as by max_tokens",
						       p->amount, p->what, p->limit->most, p->span) };
	why->wait_ms = INFINITY;
	return false;
}

/* Whether all of them fit; else the refusal is that of the one that is waited for the longest. */
static bool fit(const struct part *parts, size_t n, double now_ms, struct arena *arena, struct refusal *why)
{
	const struct part *longest = NULL;
	double most = 0;

	for (size_t i = 0; i < n; i++) {
		double wait = limit_wait_ms(parts[i].limit, parts[i].amount, now_ms);

		if (isinf(wait))
			return never(&parts[i], arena, why);
		longest = wait > most ? &parts[i] : longest;
		most = fmax(most, wait);
	}
	if (!longest)
		return true;
	why->fault = (struct chat_fault){ 429, "rate_limit_error", "rate_limit_exceeded", NULL,
					  arena_printf(arena, "this key has %.12g %s, and they are taken; try again in %.0f s", longest->limit->most,
						       longest->span, ceil(most / 1000)) };
	why->wait_ms = most;
	return false;
}

static bool price_is_known(const struct account *a, double usd, struct refusal *why)
{
	if (!isnan(usd) || isinf(a->usd.most))
		return true;
	why->fault = (struct chat_fault){ 400, "invalid_request_error", "price_unknown", "model",
					  "this key has so many USD a day, and nobody has said what this model costs; start with --price MODEL=IN/OUT" };
	why->wait_ms = INFINITY;
	return false;
}

bool account_claim(struct account *a, double tokens, double usd, double now_ms, struct arena *arena, struct claim *out, struct refusal *why)
{
	double paid = isnan(usd) ? 0 : usd;

	*out = (struct claim){ 0 };
	if (!a)
		return true;
	const struct part parts[] = { { &a->requests, 1, "requests", "requests a minute" },
				      { &a->tokens, tokens, "tokens", "tokens a minute" },
				      { &a->usd, paid, "USD", "USD a day" } };
	size_t n = sizeof(parts) / sizeof(parts[0]);

	if (!price_is_known(a, usd, why) || !fit(parts, n, now_ms, arena, why))
		return false;
	for (size_t i = 0; i < n; i++)
		limit_take(parts[i].limit, parts[i].amount, now_ms);
	*out = (struct claim){ a, tokens, paid, now_ms };
	return true;
}

void claim_settle(struct claim *c, double tokens, double usd, double now_ms)
{
	if (!c->account)
		return;
	limit_change(&c->account->tokens, tokens - c->tokens, c->at_ms, now_ms);
	limit_change(&c->account->usd, (isnan(usd) ? 0 : usd) - c->usd, c->at_ms, now_ms);
	c->account = NULL;
}

void account_paid(struct account *a, double usd, double ago_ms, double now_ms)
{
	if (ago_ms < day_ms && usd > 0)
		limit_change(&a->usd, usd, now_ms - fmax(0, ago_ms), now_ms);
}
