/* keys.c - JSON Lines to keys and back; the file is replaced at once */
#include "serve/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"

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
	size_t line; /* 0: it is not in the file yet */
	struct hash_map names, hashes; /* that were there before: their places among the keys */
	struct arena *arena;
	struct error *err;
};

static bool wrong(const struct place *at, const char *what)
{
	return at->line > 0 ? error_set(at->err, "%s:%zu: %s", at->path, at->line, what) : error_set(at->err, "%s", what);
}

/* What goes to terminals and logs has no control character, of C0 or of C1 (U+0080 to U+009F). */
static bool is_plain(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	for (; *c; c++)
		if (*c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
			return false;
	return *text;
}

static bool is_name(const char *text)
{
	return is_plain(text) && strlen(text) <= NAME_MOST;
}

/* A key itself is somewhere in the line. */
static bool has_key(const char *line, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = line;

	while ((at = memmem(at, n - (size_t)(at - line), prefix, sizeof(prefix) - 1))) {
		size_t left = n - (size_t)(at - line), i = sizeof(prefix) - 1;

		while (i < left && at[i] && strchr(alphabet, at[i]))
			i++;
		if (i >= KEY_TEXT - 1)
			return true;
		at += i;
	}
	return false;
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
			return wrong(at, arena_printf(at->arena, "scope \"%s\" is none; there are ask, feedback, read, metrics, and admin",
						      json_is_string(entry) && is_name(json_string_value(entry)) ? json_string_value(entry) : "..."));
		*out |= scope;
	}
	return !list || json_is_array(list) || wrong(at, "scopes has to be a list of names");
}

static bool read_models(const json_t *list, const struct place *at, struct key *out)
{
	size_t n = json_array_size(list);
	const char **models = arena_array(at->arena, n + 1, sizeof(*models));
	bool good = !list || n > 0; /* an empty list would be all of them, and reads as none */

	for (size_t i = 0; i < n; i++) {
		const json_t *entry = json_array_get(list, i);

		good = good && json_is_string(entry) && is_plain(json_string_value(entry));
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
	       wrong(at, arena_printf(at->arena, "%s has to be a number of at least 0; leave it out for no limit", name));
}

static const char *read_name(const json_t *root, const char *name, struct arena *arena)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text && is_name(text) ? arena_string(arena, text) : NULL;
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
			return wrong(at, arena_printf(at->arena, "\"%s\" is nothing that a key has; see docs/serve.md", is_name(name) ? name : "..."));
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
		return wrong(at, "name has to be a text of 1 to 64 bytes, no control character among them");
	out->tenant = json_object_get(root, "tenant") ? read_name(root, "tenant", at->arena) : out->name;
	if (!out->tenant)
		return wrong(at, "tenant has to be such a text as a name; leave it out where each key is its own");
	out->added = read_name(root, "added", at->arena);
	if (!out->added && json_object_get(root, "added"))
		return wrong(at, "added has to be a date such as 2026-11-29; leave it out where it is not known");
	if (!read_hash(json_object_get(root, "sha256"), out->sha256))
		return wrong(at, "sha256 has to be the key's hash, 64 hexadecimal digits; `rung key add` writes it");
	return read_scopes(json_object_get(root, "scopes"), at, &out->scopes) && read_models(json_object_get(root, "models"), at, out) &&
	       read_limit(root, "requests_per_minute", at, &out->requests_per_minute) &&
	       read_limit(root, "tokens_per_minute", at, &out->tokens_per_minute) && read_limit(root, "usd_per_day", at, &out->usd_per_day);
}

/* ---- the file ---- */

static bool is_new(const struct key *keys, size_t n, struct place *at)
{
	size_t named = hash_map_put(&at->names, keys[n].name, strlen(keys[n].name), n);
	size_t same = hash_map_put(&at->hashes, (const char *)keys[n].sha256, SHA256_BYTES, n);

	if (named < n)
		return wrong(at, arena_printf(at->arena, "another key is called \"%s\" already; give each a name of its own", keys[n].name));
	return same == n || wrong(at, arena_printf(at->arena, "it is the key \"%s\" again; make another with `rung key add`", keys[same].name));
}

static bool read_line(const char *line, size_t length, struct place *at, struct key *keys, size_t n)
{
	json_error_t why;

	if (has_key(line, length))
		return wrong(at, "has a key in it, where hashes alone belong; remove it, and make another with `rung key add`");
	json_t *root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &why);
	bool good = root ? read_key(root, at, &keys[n]) && is_new(keys, n, at)
			 : wrong(at, arena_printf(at->arena, "is no JSON object with each name once, from column %d on", why.column));

	json_decref(root);
	return good;
}

static bool is_blank(const char *line, size_t n)
{
	return strspn(line, " \t\r") >= n;
}

/* How long the line at the text's beginning is, its end not counted. */
static size_t line_length(const char *text, size_t n)
{
	const char *end = memchr(text, '\n', n);

	return end ? (size_t)(end - text) : n;
}

static void place_release(struct place *at)
{
	hash_map_release(&at->names);
	hash_map_release(&at->hashes);
}

/* With room for one more. */
static struct key *parse(struct place *at, const char *text, size_t length, size_t *n)
{
	size_t lines = 2;
	bool good = true;

	*n = 0;
	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	struct key *keys = arena_array(at->arena, lines, sizeof(*keys));

	for (size_t from = 0, so_long; good && from < length; from += so_long + 1) {
		so_long = line_length(text + from, length - from);
		at->line++;
		if (is_blank(text + from, so_long))
			continue;
		good = read_line(text + from, so_long, at, keys, *n);
		*n += good;
	}
	return good ? keys : NULL;
}

struct key *keys_read(const char *path, struct arena *arena, size_t *n, struct error *err)
{
	struct place at = { .path = path, .arena = arena, .err = err };
	size_t length;
	char *text = file_read(path, FILE_MOST, &length, err);
	struct key *keys = text ? parse(&at, text, length, n) : NULL;

	free(text);
	place_release(&at);
	return keys;
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

/* Whether it could be set; no text that is not UTF-8 can. */
static bool set_limit(json_t *root, const char *name, double value)
{
	return isinf(value) || json_object_set_new(root, name, json_real(value)) == 0;
}

static bool set_models(json_t *root, const struct key *k)
{
	json_t *models = json_array();
	bool good = true;

	for (size_t i = 0; i < k->n_models; i++)
		good = json_array_append_new(models, json_string(k->models[i])) == 0 && good;
	if (k->n_models > 0)
		return json_object_set_new(root, "models", models) == 0 && good;
	json_decref(models);
	return true;
}

static json_t *scopes_json(unsigned scopes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < N_SCOPES; i++)
		if (scopes & scope_rows[i].scope)
			json_array_append_new(list, json_string(scope_rows[i].name));
	return list;
}

/* NULL: a text or a number of it cannot be written. */
static char *key_line(const struct key *k)
{
	json_t *root = json_object();
	bool good = json_object_set_new(root, "name", json_string(k->name)) == 0 && json_object_set_new(root, "sha256", hash_json(k->sha256)) == 0 &&
		    json_object_set_new(root, "added", json_string(k->added)) == 0 &&
		    json_object_set_new(root, "scopes", scopes_json(k->scopes ? k->scopes : usual_scopes)) == 0 &&
		    (!k->tenant || json_object_set_new(root, "tenant", json_string(k->tenant)) == 0) && set_models(root, k) &&
		    set_limit(root, "requests_per_minute", k->requests_per_minute) && set_limit(root, "tokens_per_minute", k->tokens_per_minute) &&
		    set_limit(root, "usd_per_day", k->usd_per_day);
	char *line = good ? json_dumps(root, JSON_REAL_PRECISION(12)) : NULL;

	json_decref(root);
	return line;
}

/* The line of a new key beside those that are there, judged as if it had been read. NULL: it would be wrong. */
static char *new_line(struct place *at, const struct key *like, struct key *keys, size_t n, char key[KEY_TEXT])
{
	struct key made = *like;
	char today[CLOCK_DATE], text[KEY_TEXT];

	clock_today(today);
	make_key(text);
	made.added = today;
	sha256(text, strlen(text), made.sha256);
	char *line = key_line(&made);

	at->line = 0;
	if (line && read_line(line, strlen(line), at, keys, n)) {
		memcpy(key, text, KEY_TEXT);
	} else {
		if (!line)
			wrong(at, "a name, tenant, model or limit of the key cannot be written; texts have to be UTF-8");
		free(line);
		line = NULL;
	}
	explicit_bzero(text, sizeof(text));
	return line;
}

/* ---- the file, changed ---- */

/* Who changes the file waits for whoever does: a key that is removed must not come back with another that is added. The lock is the file's,
 * which is another one once it was replaced. -1: it cannot be opened. */
static int lock(const char *path, int flags, struct error *err)
{
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | flags, 0600);
		struct stat ours, there;

		if (fd < 0) {
			error_set(err, "%s: cannot be opened: %s", path, strerror(errno));
			return -1;
		}
		if (flock(fd, LOCK_EX) == 0 && fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino)
			return fd;
		close(fd);
	}
}

/* Who may read it stays. */
static bool replace(const char *path, int locked, const struct buf *text, struct error *err)
{
	struct file_write w;
	struct stat st;

	if (!file_write_begin(&w, path, err))
		return false;
	if (fstat(locked, &st) == 0 && fchmod(fileno(w.file), st.st_mode & 0777) != 0)
		w.cause = w.cause ? w.cause : errno;
	file_write_put(&w, buf_text(text), text->n);
	return file_write_end(&w, err);
}

/* The other lines stay as people wrote them. */
static bool add_line(struct place *at, int locked, const struct key *like, char key[KEY_TEXT])
{
	size_t length, n;
	char *old = file_read(at->path, FILE_MOST, &length, at->err), *line = NULL;
	struct key *keys = old ? parse(at, old, length, &n) : NULL;
	struct buf text = { 0 };
	bool good = keys && (line = new_line(at, like, keys, n, key));

	if (good) {
		buf_add(&text, old, length);
		if (length > 0 && old[length - 1] != '\n')
			buf_addc(&text, '\n');
		buf_adds(&text, line);
		buf_addc(&text, '\n');
		good = replace(at->path, locked, &text, at->err);
	}
	buf_release(&text);
	free(line);
	free(old);
	return good;
}

bool keys_add(const char *path, const struct key *like, char key[KEY_TEXT], struct error *err)
{
	struct arena arena;
	struct place at = { .path = path, .arena = &arena, .err = err }, alone = at;
	struct key first[1];
	char unused[KEY_TEXT];

	arena_init(&arena);
	char *line = new_line(&alone, like, first, 0, unused); /* no file is made for a key that is none */
	int locked = line ? lock(path, O_CREAT, err) : -1;
	bool good = locked >= 0 && add_line(&at, locked, like, key);

	if (locked >= 0)
		close(locked);
	free(line);
	place_release(&alone);
	place_release(&at);
	arena_release(&arena);
	return good;
}

/* The k-th line that is not blank has the k-th key. */
static void without(const char *old, size_t length, const struct key *keys, const char *name, struct buf *out)
{
	size_t k = 0;

	for (size_t from = 0, so_long; from < length; from += so_long + 1) {
		so_long = line_length(old + from, length - from);
		if (!is_blank(old + from, so_long) && strcmp(keys[k++].name, name) == 0)
			continue;
		buf_add(out, old + from, so_long);
		buf_addc(out, '\n');
	}
}

static bool is_there(const struct key *keys, size_t n, const char *name)
{
	size_t i = 0;

	while (i < n && strcmp(keys[i].name, name) != 0)
		i++;
	return i < n;
}

bool keys_remove(const char *path, const char *name, struct error *err)
{
	struct arena arena;
	struct place at = { .path = path, .arena = &arena, .err = err };
	struct buf text = { 0 };
	size_t length, n;

	arena_init(&arena);
	int locked = lock(path, 0, err);
	char *old = locked >= 0 ? file_read(path, FILE_MOST, &length, err) : NULL;
	struct key *keys = old ? parse(&at, old, length, &n) : NULL;
	bool good = keys && (is_there(keys, n, name) || error_set(err, "%s: has no key of that name; `rung key ls` names them", path));

	if (good) {
		without(old, length, keys, name, &text);
		good = replace(path, locked, &text, err);
	}
	if (locked >= 0)
		close(locked);
	free(old);
	buf_release(&text);
	place_release(&at);
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
