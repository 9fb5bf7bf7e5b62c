/* keys.c - JSON Lines to keys and back; the file is replaced at once */
#include "serve/keys.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

enum { NAME_MOST = KEY_NAME - 1, FILE_MOST = 16 << 20 };
static const char prefix[] = "rung-";

static const struct scope_row {
	const char *name;
	unsigned scope;
} scope_rows[] = { { "ask", KEY_ASK }, { "feedback", KEY_FEEDBACK }, { "read", KEY_READ }, { "metrics", KEY_METRICS }, { "admin", KEY_ADMIN } };
enum { N_SCOPES = sizeof(scope_rows) / sizeof(scope_rows[0]) };
static const unsigned usual_scopes = KEY_ASK | KEY_FEEDBACK;

unsigned key_scope_named(const char *name)
{
	for (size_t i = 0; i < N_SCOPES; i++)
		if (strcmp(scope_rows[i].name, name) == 0)
			return scope_rows[i].scope;
	return 0;
}

const char *key_scope_name(unsigned scope)
{
	for (size_t i = 0; i < N_SCOPES; i++)
		if (scope_rows[i].scope == scope)
			return scope_rows[i].name;
	return NULL;
}

/* ---- a line ---- */

struct place {
	const char *path;
	size_t line;
	struct arena *arena;
	struct error *err;
};

static bool wrong(const struct place *at, const char *what)
{
	return error_set(at->err, "%s:%zu: %s", at->path, at->line, what);
}

static bool read_hash(const json_t *value, uint8_t out[SHA256_BYTES])
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) != 2 * SHA256_BYTES || strspn(text, "0123456789abcdef") != 2 * SHA256_BYTES)
		return false;
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		const char digits[] = { text[2 * i], text[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return true;
}

static bool read_scopes(const json_t *list, const struct place *at, unsigned *out)
{
	const json_t *entry;
	size_t i;

	*out = list ? 0 : usual_scopes;
	json_array_foreach(list, i, entry) {
		unsigned scope = json_is_string(entry) ? key_scope_named(json_string_value(entry)) : 0;

		if (!scope)
			return wrong(at, "scopes are ask, feedback, read, metrics, and admin");
		*out |= scope;
	}
	return !list || json_is_array(list) || wrong(at, "scopes has to be a list of names");
}

static bool read_models(const json_t *list, const struct place *at, struct key *out)
{
	size_t n = json_array_size(list);
	const char **models = arena_array(at->arena, n + 1, sizeof(*models));
	bool good = !list || json_is_array(list);

	for (size_t i = 0; i < n; i++) {
		const json_t *entry = json_array_get(list, i);

		good = good && json_is_string(entry);
		models[i] = good ? arena_string(at->arena, json_string_value(entry)) : NULL;
	}
	out->models = models;
	out->n_models = n;
	return good || wrong(at, "models has to be a list of names, such as rung/email; leave it out for all of them");
}

static bool read_limit(const json_t *root, const char *name, const struct place *at, double *out)
{
	const json_t *value = json_object_get(root, name);

	*out = value ? json_number_value(value) : INFINITY;
	return !value || (json_is_number(value) && *out >= 0) ||
	       error_set(at->err, "%s:%zu: %s has to be a number of at least 0; leave it out for no limit", at->path, at->line, name);
}

static const char *read_name(const json_t *root, const char *name, struct arena *arena)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text && *text && strlen(text) <= NAME_MOST ? arena_string(arena, text) : NULL;
}

static bool names_are_known(const json_t *root, const struct place *at)
{
	static const char *const known[] = { "name", "sha256", "added", "scopes", "tenant", "models", "requests_per_minute", "tokens_per_minute",
					     "usd_per_day" };
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)root, name, value) {
		size_t i = 0, n = sizeof(known) / sizeof(known[0]);

		while (i < n && strcmp(known[i], name) != 0)
			i++;
		if (i == n)
			return error_set(at->err, "%s:%zu: \"%.64s\" is nothing that a key has; see docs/serve.md", at->path, at->line, name);
	}
	return true;
}

static bool read_key(const json_t *root, const struct place *at, struct key *out)
{
	if (!json_is_object(root))
		return wrong(at, "the line has to be a JSON object");
	if (!names_are_known(root, at))
		return false;
	out->name = read_name(root, "name", at->arena);
	if (!out->name)
		return wrong(at, "name has to be a text of 1 to 64 bytes");
	out->tenant = json_object_get(root, "tenant") ? read_name(root, "tenant", at->arena) : out->name;
	if (!out->tenant)
		return wrong(at, "tenant has to be a text of 1 to 64 bytes; leave it out where each key is its own");
	out->added = read_name(root, "added", at->arena);
	if (!read_hash(json_object_get(root, "sha256"), out->sha256))
		return wrong(at, "sha256 has to be the key's hash, 64 hexadecimal digits; `rung key add` writes it");
	return read_scopes(json_object_get(root, "scopes"), at, &out->scopes) && read_models(json_object_get(root, "models"), at, out) &&
	       read_limit(root, "requests_per_minute", at, &out->requests_per_minute) &&
	       read_limit(root, "tokens_per_minute", at, &out->tokens_per_minute) && read_limit(root, "usd_per_day", at, &out->usd_per_day);
}

/* ---- the file ---- */

static bool is_new(const struct key *keys, size_t n, const struct place *at)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i].name, keys[n].name) == 0)
			return error_set(at->err, "%s:%zu: another key is called \"%s\" already; give each a name of its own", at->path, at->line,
					 keys[n].name);
	return true;
}

static bool read_line(const char *line, size_t length, const struct place *at, struct key *keys, size_t n)
{
	json_error_t why;
	json_t *root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &why);
	bool good = root ? read_key(root, at, &keys[n]) && is_new(keys, n, at) : error_set(at->err, "%s:%zu: is no JSON: %s", at->path, at->line, why.text);

	json_decref(root);
	return good;
}

static bool is_blank(const char *line, size_t n)
{
	return strspn(line, " \t\r") >= n;
}

struct key *keys_read(const char *path, struct arena *arena, size_t *n, struct error *err)
{
	size_t length, lines = 1;
	char *text = file_read(path, FILE_MOST, &length, err);
	struct place at = { path, 0, arena, err };
	bool good = true;

	*n = 0;
	if (!text)
		return NULL;
	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	struct key *keys = arena_array(arena, lines, sizeof(*keys));

	for (const char *line = text, *end; good && line < text + length; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + length - line));
		end = end ? end : text + length;
		at.line++;
		if (is_blank(line, (size_t)(end - line)))
			continue;
		good = read_line(line, (size_t)(end - line), &at, keys, *n);
		*n += good;
	}
	free(text);
	return good ? keys : NULL;
}

/* ---- made and removed ---- */

/* base64 without padding, in the alphabet for names. */
static void make_key(char out[KEY_TEXT])
{
	uint8_t random[SHA256_BYTES];
	struct buf text = { 0 };

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		abort(); /* a key that can be guessed is worse than none; Linux gives 256 bytes or less whole */
	buf_adds(&text, prefix);
	base64_add(&text, random, sizeof(random));
	for (size_t i = 0; i < KEY_TEXT - 1; i++)
		out[i] = text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i];
	out[KEY_TEXT - 1] = '\0';
	explicit_bzero(text.data, text.n);
	explicit_bzero(random, sizeof(random));
	buf_release(&text);
}

static json_t *hash_json(const uint8_t hash[SHA256_BYTES])
{
	struct buf text = { 0 };

	for (size_t i = 0; i < SHA256_BYTES; i++)
		buf_addf(&text, "%02x", hash[i]);
	json_t *value = json_string(buf_text(&text));

	buf_release(&text);
	return value;
}

static void set_limit(json_t *root, const char *name, double value)
{
	if (!isinf(value))
		json_object_set_new(root, name, json_real(value));
}

static json_t *key_json(const struct key *k)
{
	json_t *root = json_pack("{s:s, s:o, s:s?}", "name", k->name, "sha256", hash_json(k->sha256), "added", k->added), *scopes = json_array();

	for (size_t i = 0; i < N_SCOPES; i++)
		if (k->scopes & scope_rows[i].scope)
			json_array_append_new(scopes, json_string(scope_rows[i].name));
	json_object_set_new(root, "scopes", scopes);
	if (k->tenant && strcmp(k->tenant, k->name) != 0)
		json_object_set_new(root, "tenant", json_string(k->tenant));
	for (size_t i = 0; i < k->n_models; i++) {
		if (i == 0)
			json_object_set_new(root, "models", json_array());
		json_array_append_new(json_object_get(root, "models"), json_string(k->models[i]));
	}
	set_limit(root, "requests_per_minute", k->requests_per_minute);
	set_limit(root, "tokens_per_minute", k->tokens_per_minute);
	set_limit(root, "usd_per_day", k->usd_per_day);
	return root;
}

static bool write_keys(const char *path, const struct key *keys, size_t n, struct error *err)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < n; i++) {
		json_t *root = key_json(&keys[i]);
		char *line = json_dumps(root, JSON_REAL_PRECISION(12));

		buf_adds(&text, line);
		buf_addc(&text, '\n');
		free(line);
		json_decref(root);
	}
	bool good = file_replace(path, buf_text(&text), text.n, err);

	buf_release(&text);
	return good;
}

bool keys_add(const char *path, const struct key *like, char key[KEY_TEXT], struct error *err)
{
	struct arena arena;
	struct key *old = NULL;
	size_t n = 0, bad;
	char today[CLOCK_DATE];
	bool good;

	arena_init(&arena);
	good = !file_exists(path) || (old = keys_read(path, &arena, &n, err));
	struct key *keys = arena_array(&arena, n + 1, sizeof(*keys));

	for (size_t i = 0; good && i < n; i++) {
		keys[i] = old[i];
		if (strcmp(old[i].name, like->name) == 0)
			good = error_set(err, "%s: has a key \"%s\" already; take another name, or remove it first", path, like->name);
	}
	if (good && (!*like->name || strlen(like->name) > NAME_MOST || !text_valid(like->name, strlen(like->name), &bad)))
		good = error_set(err, "\"%.80s\" is no name for a key; it has 1 to 64 bytes", like->name);
	if (good) {
		clock_today(today);
		make_key(key);
		keys[n] = *like;
		keys[n].added = today;
		keys[n].scopes = like->scopes ? like->scopes : usual_scopes;
		sha256(key, strlen(key), keys[n].sha256);
		good = write_keys(path, keys, n + 1, err);
	}
	arena_release(&arena);
	return good;
}

bool keys_remove(const char *path, const char *name, struct error *err)
{
	struct arena arena;
	size_t n, kept = 0;

	arena_init(&arena);
	struct key *keys = keys_read(path, &arena, &n, err);
	bool good = keys != NULL;

	for (size_t i = 0; good && i < n; i++)
		if (strcmp(keys[i].name, name) != 0)
			keys[kept++] = keys[i];
	if (good && kept == n)
		good = error_set(err, "%s: has no key \"%.80s\"; `rung key ls` names them", path, name);
	good = good && write_keys(path, keys, kept, err);
	arena_release(&arena);
	return good;
}

/* ---- asked ---- */

const struct key *keys_find(const struct key *keys, size_t n, const char *key)
{
	const struct key *found = NULL;
	uint8_t hash[SHA256_BYTES];

	sha256(key, strlen(key), hash);
	for (size_t i = 0; i < n; i++) {
		unsigned differs = 0;

		for (size_t j = 0; j < SHA256_BYTES; j++)
			differs |= (unsigned)(hash[j] ^ keys[i].sha256[j]);
		found = differs == 0 ? &keys[i] : found;
	}
	return found;
}

bool key_may_ask(const struct key *k, const char *model)
{
	size_t i = 0;

	while (i < k->n_models && strcmp(k->models[i], model) != 0)
		i++;
	return k->n_models == 0 || i < k->n_models;
}
