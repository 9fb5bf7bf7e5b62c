/* serve_keys.c - the file of keys as people write it, and keys at work while it changes. Clocks are given. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve/accounts.h"
#include "serve/limits.h"
#include "test.h"

struct place {
	char folder[40], path[60];
	struct arena arena;
	struct error err;
};

static int begin(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->folder, sizeof(p->folder), "/tmp/rung-keys-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/keys.jsonl", p->folder);
	*state = p;
	return 0;
}

static int end(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	assert_int_equal(rmdir(p->folder), 0); /* nothing else is left there */
	arena_release(&p->arena);
	free(p);
	return 0;
}

static void put(struct place *p, const char *text)
{
	char path[80];
	FILE *f;

	snprintf(path, sizeof(path), "%s.new", p->path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(path, p->path), 0);
}

static const char *get(struct place *p)
{
	FILE *f = fopen(p->path, "r");
	char text[65536];

	assert_non_null(f);
	size_t n = fread(text, 1, sizeof(text), f);

	fclose(f);
	return arena_copy(&p->arena, text, n);
}

static const char *hex_of(struct place *p, const char *key)
{
	uint8_t hash[SHA256_BYTES];
	char hex[65];

	sha256(key, strlen(key), hash);
	for (size_t i = 0; i < SHA256_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	return arena_string(&p->arena, hex);
}

/* A line of a key that tests can know. */
static const char *line(struct place *p, const char *name, const char *key, const char *more)
{
	return arena_printf(&p->arena, "{\"name\": \"%s\", \"sha256\": \"%s\"%s%s}\n", name, hex_of(p, key), *more ? ", " : "", more);
}

static struct key *read_keys(struct place *p, size_t *n)
{
	struct key *keys = keys_read(p->path, &p->arena, n, &p->err);

	if (!keys)
		fail_msg("%s", p->err.text);
	return keys;
}

static const struct key unlimited = { .name = "web", .requests_per_minute = INFINITY, .tokens_per_minute = INFINITY, .usd_per_day = INFINITY };

static void add(struct place *p, const struct key *like, char key[KEY_TEXT])
{
	if (!keys_add(p->path, like, key, &p->err))
		fail_msg("%s", p->err.text);
}

/* ---- the file ---- */

static void a_key_is_256_bits_in_base64url(void **state)
{
	struct place *p = *state;
	char keys[32][KEY_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct key like = unlimited;

		like.name = arena_printf(&p->arena, "key %zu", i);
		add(p, &like, keys[i]);
		assert_memory_equal(keys[i], "rung-", 5);
		assert_int_equal(strlen(keys[i]), KEY_TEXT - 1);
		assert_int_equal(strspn(keys[i] + 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(keys[i], keys[k]);
	}
}

static void round_trip(void **state)
{
	static const char *const models[] = { "rung/email", "openai:gpt \"x\"\\" };
	struct place *p = *state;
	struct key like = { .name = "web", .tenant = "shop", .scopes = KEY_ASK | KEY_METRICS, .models = models, .n_models = 2,
			    .requests_per_minute = 600, .tokens_per_minute = 1e5, .usd_per_day = .25 };
	char web[KEY_TEXT], other[KEY_TEXT];
	size_t n;

	add(p, &like, web);
	like = unlimited;
	like.name = "other";
	add(p, &like, other);
	const struct key *keys = read_keys(p, &n), *k = keys_find(keys, n, web);

	assert_int_equal(n, 2);
	assert_non_null(k);
	assert_string_equal(k->name, "web");
	assert_string_equal(k->tenant, "shop");
	assert_int_equal(k->scopes, KEY_ASK | KEY_METRICS);
	assert_int_equal(k->n_models, 2);
	assert_string_equal(k->models[1], models[1]);
	assert_true(k->requests_per_minute == 600 && k->tokens_per_minute == 1e5 && k->usd_per_day == .25);
	assert_int_equal(strlen(k->added), strlen("2026-11-29"));
	assert_true(key_may_ask(k, "rung/email") && key_may_ask(k, models[1]));
	assert_false(key_may_ask(k, "rung/emails") || key_may_ask(k, "rung/emai") || key_may_ask(k, ""));
	k = keys_find(keys, n, other);
	assert_non_null(k);
	assert_string_equal(k->tenant, "other"); /* its own */
	assert_int_equal(k->scopes, KEY_ASK | KEY_FEEDBACK);
	assert_true(isinf(k->requests_per_minute) && isinf(k->tokens_per_minute) && isinf(k->usd_per_day));
	assert_true(key_may_ask(k, "anything"));
}

static void the_file_has_hashes_alone_and_is_ours_alone(void **state)
{
	struct place *p = *state;
	char key[KEY_TEXT];
	struct stat st;

	add(p, &unlimited, key);
	const char *text = get(p);

	for (size_t i = 0; i + 12 < KEY_TEXT; i++) /* no piece of it either */
		if (strstr(text, arena_copy(&p->arena, key + i, 12)))
			fail_msg("\"%.12s\" is in the file", key + i);
	assert_non_null(strstr(text, hex_of(p, key)));
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void nobodys_keys(void **state)
{
	struct place *p = *state;
	char key[KEY_TEXT], wrong[KEY_TEXT + 8];
	size_t n;

	add(p, &unlimited, key);
	const struct key *keys = read_keys(p, &n);

	for (size_t i = 0; i < KEY_TEXT - 1; i++) {
		snprintf(wrong, sizeof(wrong), "%s", key);
		wrong[i] ^= 1;
		assert_null(keys_find(keys, n, wrong));
	}
	snprintf(wrong, sizeof(wrong), "%s ", key);
	assert_null(keys_find(keys, n, wrong));
	snprintf(wrong, sizeof(wrong), " %s", key);
	assert_null(keys_find(keys, n, wrong));
	snprintf(wrong, sizeof(wrong), "%.47s", key);
	assert_null(keys_find(keys, n, wrong));
	assert_null(keys_find(keys, n, ""));
	assert_null(keys_find(keys, n, hex_of(p, key))); /* who reads the file has no key */
	assert_null(keys_find(keys, n, "web"));
	assert_null(keys_find(keys, 0, key));
}

/* must 7: 256 keys whose hashes differ from the right one in a bit each, and the right one among them anywhere: each byte of each hash is looked
 * at. What is compared is a hash, so that a piece of a key that is right brings nobody nearer, however long it takes. */
static void each_bit_of_a_hash_counts(void **state)
{
	enum { BITS = SHA256_BYTES * 8 };
	static const char web[] = "rung-web";
	static struct key keys[BITS + 1];
	uint8_t right[SHA256_BYTES];

	(void)state;
	sha256(web, strlen(web), right);
	for (size_t i = 0; i <= BITS; i++) {
		keys[i] = unlimited;
		memcpy(keys[i].sha256, right, sizeof(right));
		keys[i].sha256[i / 8 % SHA256_BYTES] ^= (uint8_t)(1 << i % 8);
	}
	assert_null(keys_find(keys, BITS + 1, web));
	for (size_t at = 0; at <= BITS; at += 64) {
		struct key other = keys[at];

		memcpy(keys[at].sha256, right, sizeof(right));
		assert_ptr_equal(keys_find(keys, BITS + 1, web), &keys[at]);
		keys[at] = other;
	}
}

static void names_of_scopes(void **state)
{
	static const struct {
		const char *name;
		unsigned scope;
	} rows[] = { { "ask", KEY_ASK }, { "feedback", KEY_FEEDBACK }, { "read", KEY_READ }, { "metrics", KEY_METRICS }, { "admin", KEY_ADMIN },
		     { "Ask", 0 }, { "", 0 }, { "asks", 0 }, { "as", 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(key_scope_named(rows[i].name), rows[i].scope);
		if (rows[i].scope)
			assert_string_equal(key_scope_name(rows[i].scope), rows[i].name);
	}
	assert_null(key_scope_name(0));
	assert_null(key_scope_name(KEY_ASK | KEY_FEEDBACK));
	assert_null(key_scope_name(1u << 31));
}

#define HASH "\"sha256\": \"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\""
#define NAMES_64 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
#define NAMES_65 NAMES_64 "n"

/* Each after a good line. */
static const struct {
	const char *name, *text, *words;
} wrong_lines[] = {
	{ "no JSON", "web: x", "" },
	{ "no object", "[1]", "" },
	{ "a line that is cut", "{\"name\": \"b\", \"sha2", "" },
	{ "two objects", "{\"name\": \"b\", " HASH "} {\"name\": \"c\", " HASH "}", "" },
	{ "no name", "{" HASH "}", "name" },
	{ "no hash", "{\"name\": \"b\"}", "sha256" },
	{ "a key in place of its hash", "{\"name\": \"b\", \"sha256\": \"rung-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", "hashes" },
	{ "a hash that is short", "{\"name\": \"b\", \"sha256\": \"2cf24dba\"}", "sha256" },
	{ "a hash that is long", "{\"name\": \"b\", \"sha256\": \"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b982400\"}", "sha256" },
	{ "a hash that is none", "{\"name\": \"b\", \"sha256\": \"zcf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"}", "sha256" },
	{ "a hash with a sign", "{\"name\": \"b\", \"sha256\": \"+cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"}", "sha256" },
	{ "a hash that is a number", "{\"name\": \"b\", \"sha256\": 12}", "sha256" },
	{ "a name that is a number", "{\"name\": 7, " HASH "}", "name" },
	{ "an empty name", "{\"name\": \"\", " HASH "}", "name" },
	{ "a name that is too long", "{\"name\": \"" NAMES_65 "\", " HASH "}", "name" },
	{ "a name with a line break", "{\"name\": \"b\\nc\", " HASH "}", "name" },
	{ "a name with an escape", "{\"name\": \"b\\u001b[2J\", " HASH "}", "name" },
	{ "a name with a NUL", "{\"name\": \"b\\u0000c\", " HASH "}", "" },
	{ "a name that is there", "{\"name\": \"good\", " HASH "}", "good" },
	{ "a hash that is there", "{\"name\": \"b\", \"sha256\": \"%s\"}", "" },
	{ "a tenant that is a number", "{\"name\": \"b\", " HASH ", \"tenant\": 3}", "tenant" },
	{ "an empty tenant", "{\"name\": \"b\", " HASH ", \"tenant\": \"\"}", "tenant" },
	{ "a tenant that is too long", "{\"name\": \"b\", " HASH ", \"tenant\": \"" NAMES_65 "\"}", "tenant" },
	{ "a tenant with a line break", "{\"name\": \"b\", " HASH ", \"tenant\": \"a\\nb\"}", "tenant" },
	{ "a scope that is none", "{\"name\": \"b\", " HASH ", \"scopes\": [\"ask\", \"write\"]}", "write" },
	{ "scopes that are a text", "{\"name\": \"b\", " HASH ", \"scopes\": \"ask\"}", "scopes" },
	{ "scopes that are numbers", "{\"name\": \"b\", " HASH ", \"scopes\": [1]}", "scope" },
	{ "models that are a text", "{\"name\": \"b\", " HASH ", \"models\": \"rung/email\"}", "models" },
	{ "a model with an escape", "{\"name\": \"b\", " HASH ", \"models\": [\"rung/\\u001b[2J\"]}", "models" },
	{ "no models at all", "{\"name\": \"b\", " HASH ", \"models\": []}", "models" },
	{ "a key in place of a line", "rung-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "" },
	{ "a key as a name", "{\"name\": \"rung-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\", " HASH "}", "" },
	{ "a key as a member", "{\"rung-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\": 1}", "" },
	{ "a key in a text that is cut", "{\"name\": \"b\", \"key\": \"rung-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "" },
	{ "a member with an escape", "{\"name\": \"b\", " HASH ", \"\\u001b[2J\": 1}", "" },
	{ "a name with a control character of C1", "{\"name\": \"b\xc2\x9b[2J\", " HASH "}", "name" },
	{ "a date that is a number", "{\"name\": \"b\", " HASH ", \"added\": 2026}", "added" },
	{ "models that are numbers", "{\"name\": \"b\", " HASH ", \"models\": [3]}", "models" },
	{ "a limit that is a text", "{\"name\": \"b\", " HASH ", \"requests_per_minute\": \"600\"}", "requests_per_minute" },
	{ "a limit below zero", "{\"name\": \"b\", " HASH ", \"tokens_per_minute\": -1}", "tokens_per_minute" },
	{ "a limit that is true", "{\"name\": \"b\", " HASH ", \"usd_per_day\": true}", "usd_per_day" },
	{ "a limit by another name would be no limit", "{\"name\": \"b\", " HASH ", \"request_per_minute\": 5}", "request_per_minute" },
	{ "scopes by another name", "{\"name\": \"b\", " HASH ", \"scope\": [\"ask\"]}", "scope" },
	{ "a member twice", "{\"name\": \"b\", " HASH ", \"usd_per_day\": 1, \"usd_per_day\": 100}", "" },
	{ "bytes that are no UTF-8", "{\"name\": \"b\xff\", " HASH "}", "" },
	{ "a number beyond doubles", "{\"name\": \"b\", " HASH ", \"usd_per_day\": 1e999}", "" },
};

static void each_wrong_line_gives_its_sentence(void **state)
{
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(wrong_lines); i++) {
		const char *good = line(p, "good", "rung-good", ""), *bad = wrong_lines[i].text;
		struct error err = { 0 };
		size_t n = 0;

		if (strstr(bad, "%s"))
			bad = arena_printf(&p->arena, "{\"name\": \"b\", \"sha256\": \"%s\"}", hex_of(p, "rung-good"));
		put(p, arena_printf(&p->arena, "%s\n%s\n", good, bad)); /* the second line is empty */
		if (keys_read(p->path, &p->arena, &n, &err))
			fail_msg("%s: is taken", wrong_lines[i].name);
		if (!strstr(err.text, arena_printf(&p->arena, "%s:3: ", p->path)) || !strstr(err.text, wrong_lines[i].words) || strchr(err.text, '\n'))
			fail_msg("%s: %s", wrong_lines[i].name, err.text);
		for (const char *c = err.text; *c; c++)
			assert_true((unsigned char)*c >= ' '); /* what it quotes moves no cursor */
		assert_null(strstr(err.text, "rung-AAAA")); /* nor shows a key */
	}
}

static void what_people_write_is_read(void **state)
{
	struct place *p = *state;
	char added[KEY_TEXT];
	size_t n;

	put(p, arena_printf(&p->arena, "\n  %s\r\n\t\n{\"tenant\": \"a\", \"sha256\": \"%s\", \"name\": \"" NAMES_64 "\", \"scopes\": []}",
			    arena_copy(&p->arena, line(p, "good", "rung-good", ""), strlen(line(p, "good", "rung-good", "")) - 1), hex_of(p, "rung-long")));
	const struct key *keys = read_keys(p, &n);

	assert_int_equal(n, 2);
	assert_string_equal(keys_find(keys, n, "rung-good")->name, "good");
	assert_string_equal(keys_find(keys, n, "rung-long")->name, NAMES_64);
	assert_int_equal(keys_find(keys, n, "rung-long")->scopes, 0); /* none is none */
	add(p, &unlimited, added); /* behind a last line that has no end */
	keys = read_keys(p, &n);
	assert_int_equal(n, 3);
	assert_non_null(keys_find(keys, n, added));
	assert_non_null(keys_find(keys, n, "rung-long"));
}

static void adding_and_removing(void **state)
{
	struct place *p = *state;
	char key[KEY_TEXT] = "untouched";
	struct key like = unlimited;
	const char *before;
	size_t n;

	assert_false(keys_remove(p->path, "web", &p->err)); /* there is no file */
	add(p, &like, key);
	before = get(p);
	p->err.text[0] = '\0';
	assert_false(keys_add(p->path, &like, key, &p->err));
	assert_non_null(strstr(p->err.text, "web"));
	assert_string_equal(get(p), before);
	static const char too_long[] = NAMES_65, *const bad[] = { "", "a\nb", "a\tb", "\x1b[1m", too_long, "\xff" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		like.name = bad[i];
		assert_false(keys_add(p->path, &like, key, &p->err));
		like.name = "x";
		like.tenant = bad[i];
		assert_false(keys_add(p->path, &like, key, &p->err));
		like.tenant = NULL;
	}
	assert_string_equal(get(p), before);
	assert_false(keys_remove(p->path, "we", &p->err));
	assert_non_null(strstr(p->err.text, "rung key ls"));
	put(p, arena_printf(&p->arena, "%s\n%s%s", line(p, "first", "rung-1", "\"usd_per_day\":   2"), before, line(p, "last", "rung-3", "")));
	assert_true(keys_remove(p->path, "web", &p->err));
	const struct key *keys = read_keys(p, &n);

	assert_int_equal(n, 2);
	assert_non_null(keys_find(keys, n, "rung-1"));
	assert_non_null(keys_find(keys, n, "rung-3"));
	assert_non_null(strstr(get(p), "\"usd_per_day\":   2")); /* the others' lines stay as people wrote them */
	assert_true(keys_remove(p->path, "first", &p->err) && keys_remove(p->path, "last", &p->err));
	put(p, "nonsense\n"); /* a file that is wrong is not written over */
	assert_false(keys_add(p->path, &unlimited, key, &p->err));
	assert_false(keys_remove(p->path, "last", &p->err));
	assert_string_equal(get(p), "nonsense\n");
}

/* ---- keys at work ---- */

static struct accounts *open_accounts(struct place *p)
{
	struct accounts *a = accounts_open(p->path, &p->err);

	if (!a)
		fail_msg("%s", p->err.text);
	return a;
}

static void refresh(struct place *p, struct accounts *a)
{
	if (!accounts_refresh(a, &p->err))
		fail_msg("%s", p->err.text);
}

static bool claims(struct place *p, struct account *a, double tokens, double usd, double now, struct claim *c)
{
	struct refusal why = { 0 };

	memset(c, 0, sizeof(*c));
	if (account_claim(a, tokens, usd, now, &p->arena, c, &why))
		return true;
	assert_true(why.fault.status >= 400 && why.fault.message && *why.fault.message && why.wait_ms > 0);
	assert_null(c->account);
	return false;
}

static void who_it_is(void **state)
{
	struct place *p = *state;

	put(p, arena_printf(&p->arena, "%s%s", line(p, "a", "rung-a", "\"tenant\": \"t\""), line(p, "b", "rung-b", "")));
	struct accounts *a = open_accounts(p);
	static const char *const nobody[] = { "", "rung-a", "Bearer", "Bearer ", "Bearer rung-c", "Basic rung-a", "Bearerrung-a", "Bearer rung-a rung-b",
					      "Bearer rung-", "Bearer  ", "bearer:rung-a" };

	assert_null(accounts_find(a, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(nobody); i++)
		if (accounts_find(a, nobody[i]))
			fail_msg("\"%s\" is somebody", nobody[i]);
	assert_string_equal(account_key(accounts_find(a, "Bearer rung-a"))->tenant, "t");
	assert_ptr_equal(accounts_find(a, "bearer rung-b"), accounts_named(a, "b")); /* RFC 9110: a scheme has no case */
	assert_null(accounts_named(a, "rung-a"));
	assert_null(accounts_named(a, ""));
	accounts_free(a);
}

static void reserved_and_settled(void **state)
{
	struct place *p = *state;

	put(p, line(p, "a", "rung-a", "\"requests_per_minute\": 3, \"tokens_per_minute\": 100, \"usd_per_day\": 1"));
	struct accounts *all = open_accounts(p);
	struct account *a = accounts_named(all, "a");
	struct claim c[4];
	double now = 1e7;

	assert_false(claims(p, a, 101, 0, now, &c[0])); /* LiteLLM #18730: nothing passes that is larger than the limit */
	assert_true(claims(p, a, 100, .5, now, &c[0])); /* nor was anything taken of it */
	assert_false(claims(p, a, 1, 0, now, &c[1]));
	claim_settle(&c[0], 30, .25, now + 10);
	assert_true(claims(p, a, 70, .75, now + 20, &c[1]));
	claim_settle(&c[1], 0, .75, now + 30);
	assert_false(claims(p, a, 10, .01, now + 40, &c[2])); /* USD */
	assert_true(claims(p, a, 10, 0, now + 40, &c[2]));
	claim_settle(&c[2], 10, 0, now + 50);
	assert_false(claims(p, a, 1, 0, now + 60, &c[3])); /* a fourth request */
	assert_true(claims(p, a, 1, 0, now + 61e3, &c[3]));
	assert_false(claims(p, a, 1, .01, now + 62e3, &c[2])); /* a day is longer */
	assert_true(claims(p, a, 1, .9, now + 87e6, &c[2]));
	accounts_free(all);
}

/* Settled twice, or never begun: nothing happens. */
static void a_claim_is_settled_once(void **state)
{
	struct place *p = *state;

	put(p, line(p, "a", "rung-a", "\"tokens_per_minute\": 100"));
	struct accounts *all = open_accounts(p);
	struct claim c, none = { 0 };
	double now = 1e7;

	assert_true(claims(p, accounts_named(all, "a"), 60, 0, now, &c));
	claim_settle(&c, 50, 0, now);
	claim_settle(&c, 0, 0, now);
	claim_settle(&none, 50, 0, now);
	assert_false(claims(p, accounts_named(all, "a"), 51, 0, now, &c));
	assert_true(claims(p, accounts_named(all, "a"), 50, 0, now, &c));
	accounts_free(all);
}

static void what_a_refusal_says(void **state)
{
	struct place *p = *state;

	put(p, line(p, "a", "rung-a", "\"requests_per_minute\": 1, \"tokens_per_minute\": 100, \"usd_per_day\": 1"));
	struct accounts *all = open_accounts(p);
	struct account *a = accounts_named(all, "a");
	struct refusal why = { 0 };
	struct claim c;
	double now = 1e7;

	assert_false(account_claim(a, 101, 0, now, &p->arena, &c, &why)); /* never: waiting is no remedy, and SDKs would try again after 429 */
	assert_true(isinf(why.wait_ms));
	assert_true(why.fault.status >= 400 && why.fault.status < 500);
	assert_non_null(strstr(why.fault.message, "100"));
	assert_false(account_claim(a, 1, NAN, now, &p->arena, &c, &why));
	assert_true(isinf(why.wait_ms));
	assert_non_null(strstr(why.fault.message, "price"));
	assert_true(account_claim(a, 1, 0, now, &p->arena, &c, &why));
	assert_false(account_claim(a, 1, 0, now, &p->arena, &c, &why));
	assert_int_equal(why.fault.status, 429);
	assert_true(why.wait_ms > 59e3 && why.wait_ms < 62e3);
	assert_null(strstr(why.fault.message, "rung-a"));
	assert_true(account_claim(a, 1, 1, now + why.wait_ms, &p->arena, &c, &why));
	assert_false(account_claim(a, 1, 1, now + why.wait_ms, &p->arena, &c, &why)); /* of the requests a minute and the USD a day, the longer one */
	assert_true(why.wait_ms > 86e6);
	accounts_free(all);
}

/* Without a limit of USD an unknown price is no matter, also once there is one. */
static void an_unknown_price_is_not_remembered(void **state)
{
	struct place *p = *state;

	put(p, line(p, "a", "rung-a", ""));
	struct accounts *all = open_accounts(p);
	struct account *a = accounts_named(all, "a");
	struct claim c, d;
	double now = 1e7;

	assert_true(claims(p, a, 10, NAN, now, &c) && claims(p, a, 10, .25, now, &d));
	claim_settle(&c, 10, NAN, now);
	claim_settle(&d, 10, NAN, now);
	assert_true(claims(p, a, 10, .25, now, &c));
	claim_settle(&c, 10, .25, now);
	account_paid(a, NAN, 5, now);
	put(p, line(p, "a", "rung-a", "\"usd_per_day\": 1"));
	refresh(p, all);
	assert_true(claims(p, accounts_named(all, "a"), 1, .4, now, &c));
	assert_false(claims(p, accounts_named(all, "a"), 1, .4, now, &c)); /* .25 before it are counted */
	accounts_free(all);
}

static void paid_before(void **state)
{
	struct place *p = *state;

	put(p, line(p, "a", "rung-a", "\"usd_per_day\": 1"));
	struct accounts *all = open_accounts(p);
	struct account *a = accounts_named(all, "a");
	struct claim c;
	double now = 5000; /* the machine has just started: what was paid before is before the clock's zero */

	account_paid(a, .5, 3600e3, now);
	account_paid(a, .4, 40e6, now);
	account_paid(a, 9, 90e6, now); /* more than a day ago */
	assert_false(claims(p, a, 1, .2, now, &c));
	assert_true(claims(p, a, 1, .05, now, &c));
	assert_true(claims(p, a, 1, .4, now + 47e6, &c)); /* that of 40e6 ms before has left */
	assert_false(claims(p, a, 1, .2, now + 47e6, &c));
	assert_true(claims(p, a, 1, .5, now + 84e6, &c));
	accounts_free(all);
}

static void the_file_changes_while_claims_are_open(void **state)
{
	struct place *p = *state;

	put(p, arena_printf(&p->arena, "%s%s", line(p, "a", "rung-a", "\"tokens_per_minute\": 100"), line(p, "b", "rung-b", "\"tokens_per_minute\": 50")));
	struct accounts *all = open_accounts(p);
	struct claim a, b, c;
	double now = 1e7;

	assert_true(claims(p, accounts_find(all, "Bearer rung-a"), 60, 0, now, &a));
	assert_true(claims(p, accounts_find(all, "Bearer rung-b"), 50, 0, now, &b));
	put(p, line(p, "a", "rung-a", "\"tokens_per_minute\": 200, \"tenant\": \"t\"")); /* more for a, no b */
	refresh(p, all);
	assert_null(accounts_find(all, "Bearer rung-b"));
	assert_null(accounts_named(all, "b"));
	assert_string_equal(account_key(accounts_named(all, "a"))->tenant, "t");
	assert_false(claims(p, accounts_named(all, "a"), 141, 0, now, &c)); /* what it has taken stays */
	assert_true(claims(p, accounts_named(all, "a"), 140, 0, now, &c));
	claim_settle(&b, 20, 0, now + 5); /* of a key that is gone */
	claim_settle(&a, 10, 0, now + 5);
	assert_true(claims(p, accounts_named(all, "a"), 50, 0, now + 5, &c));
	put(p, arena_printf(&p->arena, "%s%s", line(p, "a", "rung-a", ""), line(p, "b", "rung-b", "\"tokens_per_minute\": 50")));
	refresh(p, all); /* b is back: what it took does not come back with it */
	assert_false(claims(p, accounts_named(all, "b"), 31, 0, now + 6, &c));
	assert_true(claims(p, accounts_named(all, "b"), 30, 0, now + 6, &c));
	accounts_free(all);
}

/* A key that is renamed keeps what it has taken; a name that gets another key is another account's. */
static void renamed_and_made_anew(void **state)
{
	struct place *p = *state;

	put(p, line(p, "a", "rung-a", "\"tokens_per_minute\": 100"));
	struct accounts *all = open_accounts(p);
	struct claim c, d;
	double now = 1e7;

	assert_true(claims(p, accounts_named(all, "a"), 100, 0, now, &c));
	put(p, line(p, "z", "rung-a", "\"tokens_per_minute\": 100"));
	refresh(p, all);
	assert_non_null(accounts_find(all, "Bearer rung-a"));
	assert_string_equal(account_key(accounts_find(all, "Bearer rung-a"))->name, "z");
	assert_false(claims(p, accounts_find(all, "Bearer rung-a"), 1, 0, now, &d));
	put(p, line(p, "z", "rung-new", "\"tokens_per_minute\": 100"));
	refresh(p, all);
	assert_null(accounts_find(all, "Bearer rung-a"));
	assert_non_null(accounts_find(all, "Bearer rung-new"));
	claim_settle(&c, 1, 0, now);
	accounts_free(all);
}

static void a_wrong_file_changes_nothing(void **state)
{
	struct place *p = *state;
	struct error err = { 0 };

	put(p, line(p, "a", "rung-a", ""));
	struct accounts *all = open_accounts(p);

	put(p, "{\"name\": \"a\"}\n");
	assert_false(accounts_refresh(all, &err));
	assert_non_null(strstr(err.text, ":1:"));
	assert_non_null(accounts_find(all, "Bearer rung-a"));
	assert_int_equal(unlink(p->path), 0);
	assert_false(accounts_refresh(all, &err));
	assert_non_null(accounts_find(all, "Bearer rung-a"));
	put(p, line(p, "b", "rung-b", ""));
	refresh(p, all);
	refresh(p, all); /* the new file may have the old one's place on the disk, as if it had been written there */
	assert_null(accounts_find(all, "Bearer rung-a"));
	assert_non_null(accounts_find(all, "Bearer rung-b"));
	accounts_free(all);
}

/* The size and the second stay the same: it is another file all the same. */
static void a_change_within_a_second_is_seen(void **state)
{
	struct place *p = *state;

	put(p, line(p, "a", "rung-a", ""));
	struct accounts *all = open_accounts(p);

	for (int i = 0; i < 50; i++) {
		const char *key = i % 2 ? "rung-a" : "rung-b";

		put(p, line(p, "a", key, ""));
		refresh(p, all);
		assert_non_null(accounts_find(all, arena_printf(&p->arena, "Bearer %s", key)));
	}
	accounts_free(all);
}

/* Written in place, in as many bytes, and the time of writing set back, as cp -p and rsync do. */
static void a_change_that_looks_like_none_is_seen(void **state)
{
	struct place *p = *state;
	struct stat st;

	put(p, line(p, "a", "rung-a", ""));
	struct accounts *a = open_accounts(p);

	assert_int_equal(stat(p->path, &st), 0);
	const char *other = line(p, "a", "rung-b", "");
	FILE *f = fopen(p->path, "r+");

	assert_non_null(f);
	assert_true(fputs(other, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(utimensat(AT_FDCWD, p->path, (const struct timespec[]){ st.st_atim, st.st_mtim }, 0), 0);
	for (struct stat now = st; now.st_ctim.tv_nsec == st.st_ctim.tv_nsec; stat(p->path, &now)) /* the file system's clock ticks */
		assert_int_equal(chmod(p->path, 0600), 0);
	refresh(p, a);
	assert_non_null(accounts_find(a, "Bearer rung-a")); /* it may still be being written */
	refresh(p, a);
	assert_null(accounts_find(a, "Bearer rung-a"));
	assert_non_null(accounts_find(a, "Bearer rung-b"));
	accounts_free(a);
}

/* An editor that writes in place has written half of it when somebody looks. */
static void half_of_a_file_is_not_read(void **state)
{
	struct place *p = *state;
	const char *both = arena_printf(&p->arena, "%s%s", line(p, "a", "rung-a", ""), line(p, "b", "rung-b", ""));
	FILE *f;

	put(p, both);
	struct accounts *a = open_accounts(p);

	f = fopen(p->path, "w");
	assert_non_null(f);
	refresh(p, a);
	assert_true(fputs(line(p, "a", "rung-a", ""), f) >= 0 && fflush(f) == 0);
	refresh(p, a);
	assert_non_null(accounts_find(a, "Bearer rung-b"));
	assert_true(fputs(line(p, "b", "rung-b", ""), f) >= 0 && fputs(line(p, "c", "rung-c", ""), f) >= 0 && fclose(f) == 0);
	for (int i = 0; i < 3; i++) {
		refresh(p, a);
		assert_non_null(accounts_find(a, "Bearer rung-b"));
	}
	assert_non_null(accounts_find(a, "Bearer rung-c"));
	accounts_free(a);
}

/* Added and removed by many at once: each of them has what it did. */
static void changed_by_many_at_once(void **state)
{
	struct place *p = *state;
	enum { MANY = 6, EACH = 10 };
	pid_t children[MANY];
	size_t n;

	put(p, "");
	for (size_t i = 0; i < MANY; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] > 0)
			continue;
		bool good = true;

		for (size_t k = 0; k < EACH; k++) {
			struct key like = unlimited;
			char key[KEY_TEXT], name[40];

			snprintf(name, sizeof(name), "%zu of %zu", k, i);
			like.name = name;
			good = good && keys_add(p->path, &like, key, &p->err) && (k % 2 == 0 || keys_remove(p->path, name, &p->err));
		}
		_exit(good ? 0 : 1);
	}
	for (size_t i = 0; i < MANY; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	read_keys(p, &n);
	assert_int_equal(n, MANY * EACH / 2);
}

static void no_file_no_accounts(void **state)
{
	struct place *p = *state;

	assert_null(accounts_open(p->path, &p->err));
	assert_non_null(strstr(p->err.text, p->path));
}

/* Random claims and settlements of several keys: each against its own exact window, and never at another's cost. */
static void keys_do_not_share(void **state)
{
	struct place *p = *state;
	struct claim open[64] = { 0 };
	size_t at_row[64] = { 0 };
	struct row {
		double at, tokens;
		size_t key;
	};
	static struct row rows[20000];
	size_t n = 0;
	double now = 12345;
	uint64_t seed = 7;

	put(p, arena_printf(&p->arena, "%s%s%s", line(p, "a", "rung-a", "\"tokens_per_minute\": 1000"),
			    line(p, "b", "rung-b", "\"tokens_per_minute\": 300"), line(p, "c", "rung-c", "\"tokens_per_minute\": 50")));
	static const double most[] = { 1000, 300, 50 };
	static const char *const names[] = { "a", "b", "c" };
	struct accounts *all = open_accounts(p);
	struct arena arena = { 0 };

	for (size_t k = 0; k < 60000 && n < ARRAY_SIZE(rows); k++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		size_t slot = seed >> 58, key = (seed >> 40) % 3;
		double tokens = (double)((seed >> 20) % 60), part = (double)((seed >> 33) % 101) / 100;
		struct refusal why;

		now += (double)((seed >> 48) % 20);
		if (open[slot].account) {
			rows[at_row[slot]].tokens *= part;
			claim_settle(&open[slot], rows[at_row[slot]].tokens, 0, now);
			open[slot] = (struct claim){ 0 };
		} else if (account_claim(accounts_named(all, names[key]), tokens, 0, now, &arena, &open[slot], &why)) {
			at_row[slot] = n;
			rows[n++] = (struct row){ now, tokens, key };
		} else {
			open[slot] = (struct claim){ 0 };
			arena_release(&arena);
		}
	}
	for (size_t key = 0; key < 3; key++)
		for (size_t i = 0; i < n; i++) {
			double sum = 0;

			for (size_t k = i; k < n && rows[k].at < rows[i].at + 60e3; k++)
				sum += rows[k].key == key ? rows[k].tokens : 0;
			if (sum > most[key] + 1e-6)
				fail_msg("%s took %g", names[key], sum);
		}
	assert_true(n > 1000);
	arena_release(&arena);
	accounts_free(all);
}

int main(void)
{
#define AT_PLACE(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		AT_PLACE(a_key_is_256_bits_in_base64url), AT_PLACE(round_trip), AT_PLACE(the_file_has_hashes_alone_and_is_ours_alone),
		AT_PLACE(nobodys_keys), cmocka_unit_test(each_bit_of_a_hash_counts), cmocka_unit_test(names_of_scopes), AT_PLACE(each_wrong_line_gives_its_sentence),
		AT_PLACE(what_people_write_is_read), AT_PLACE(adding_and_removing), AT_PLACE(who_it_is), AT_PLACE(reserved_and_settled),
		AT_PLACE(a_claim_is_settled_once), AT_PLACE(what_a_refusal_says), AT_PLACE(an_unknown_price_is_not_remembered), AT_PLACE(paid_before),
		AT_PLACE(the_file_changes_while_claims_are_open), AT_PLACE(renamed_and_made_anew), AT_PLACE(a_wrong_file_changes_nothing),
		AT_PLACE(a_change_within_a_second_is_seen), AT_PLACE(a_change_that_looks_like_none_is_seen),
		AT_PLACE(half_of_a_file_is_not_read), AT_PLACE(changed_by_many_at_once), AT_PLACE(no_file_no_accounts), AT_PLACE(keys_do_not_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
