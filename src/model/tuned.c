/* tuned.c - folders and cards. */
#include "model/tuned.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"

static const char prefix[] = "tuned:";
enum { PREFIX = sizeof(prefix) - 1, NAME_MOST = 100 };
static const size_t card_bytes = (size_t)16 << 20;

void tuned_release(struct tuned *t)
{
	free(t->name);
	free(t->folder);
	json_decref(t->card);
	*t = (struct tuned){ 0 };
}

bool tuned_is(const char *name)
{
	return strncmp(name, prefix, PREFIX) == 0;
}

bool tuned_name_valid(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && (i == 0 || !strchr("-_.", name[i])))
			return false;
	return n > 0 && n <= NAME_MOST;
}

/* Parts "tuned:NAME:vN". */
static bool parse(const char *name, struct buf *own, size_t *version, struct error *err)
{
	const char *colon = strrchr(name, ':');
	char *end = NULL;

	if (tuned_is(name) && colon > name + PREFIX && colon[1] == 'v' && isdigit((unsigned char)colon[2])) {
		*version = strtoul(colon + 2, &end, 10);
		buf_add(own, name + PREFIX, (size_t)(colon - name) - PREFIX);
	}
	if (!end || *end || !tuned_name_valid(buf_text(own)))
		return error_set(err, "model \"%.150s\": a fine-tuned model is named tuned:NAME:vN, as in tuned:medical-coder:v3; "
				 "`rung tune ls TASK` lists them", name);
	return true;
}

static json_t *read_card(const char *folder, struct error *err)
{
	struct buf path = { 0 };
	json_error_t at;
	size_t n;

	buf_addf(&path, "%s/card.json", folder);
	char *text = file_read(path.data, card_bytes, &n, err);
	json_t *card = text ? json_loadb(text, n, 0, &at) : NULL;

	if (text && !card)
		error_set(err, "%s:%d: %s", path.data, at.line, at.text);
	free(text);
	buf_release(&path);
	return card;
}

/* Reads the card of a version whose folder is there. */
static bool read_version(const char *root, const char *own, size_t version, struct tuned *out, struct error *err)
{
	struct buf folder = { 0 }, name = { 0 };

	buf_addf(&folder, "%s/%s/v%zu", root, own, version);
	buf_addf(&name, "%s%s:v%zu", prefix, own, version);
	*out = (struct tuned){ .name = name.data, .folder = folder.data, .card = read_card(folder.data, err) };
	const char *kind = json_string_value(json_object_get(out->card, "kind"));

	out->base = json_string_value(json_object_get(json_object_get(out->card, "base"), "name"));
	bool encoder = kind && strcmp(kind, "encoder") == 0, adapter = kind && strcmp(kind, "lora") == 0;

	out->kind = encoder ? TUNED_ENCODER : TUNED_ADAPTER;
	if ((encoder || adapter) && out->base)
		return true;
	if (out->card)
		error_set(err, "%s/card.json: no card of a fine-tuned model: \"kind\" must be encoder or lora, and \"base\" have a "
			       "\"name\"", out->folder);
	tuned_release(out);
	return false;
}

bool tuned_find(const char *root, const char *name, struct tuned *out, struct error *err)
{
	struct buf own = { 0 }, folder = { 0 };
	size_t version = 0;
	bool found = parse(name, &own, &version, err);

	if (found) {
		buf_addf(&folder, "%s/%s/v%zu", root ? root : "", buf_text(&own), version);
		if (!root || !file_exists(folder.data))
			found = error_set(err, "model \"%s\": no such fine-tuned model here; `rung tune ls TASK` lists them", name);
	}
	found = found && read_version(root, buf_text(&own), version, out, err);
	buf_release(&own);
	buf_release(&folder);
	return found;
}

/* What stays of a removed version, beside its folder: a number is given once, since stored answers name it. */
static const char removed[] = ".removed";

/* The highest version that is or was there; 0: none. */
static size_t latest(const char *root, const char *own)
{
	struct buf path = { 0 };
	size_t most = 0;

	buf_addf(&path, "%s/%s", root, own);
	DIR *dir = opendir(path.data);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char *end;
		size_t version = entry->d_name[0] == 'v' ? strtoul(entry->d_name + 1, &end, 10) : 0;

		if (version > most && (*end == '\0' || strcmp(end, removed) == 0))
			most = version;
	}
	if (dir)
		closedir(dir);
	buf_release(&path);
	return most;
}

/* The newest version of the name whose card fits what is looked for. */
static bool find_newest(const char *root, const char *name, bool (*fits)(const json_t *card, const void *wanted), const void *wanted,
			struct tuned *out, bool *found, struct error *err)
{
	*found = false;
	for (size_t version = latest(root, name); version > 0; version--) {
		struct buf folder = { 0 };

		buf_addf(&folder, "%s/%s/v%zu", root, name, version);
		bool there = file_exists(folder.data);

		buf_release(&folder);
		if (!there)
			continue;
		if (!read_version(root, name, version, out, err))
			return false;
		*found = fits(out->card, wanted);
		if (*found)
			return true;
		tuned_release(out);
	}
	return true;
}

static bool has_key(const json_t *card, const void *wanted)
{
	const char *its = json_string_value(json_object_get(card, "key"));

	return its && strcmp(its, wanted) == 0;
}

bool tuned_find_key(const char *root, const char *name, const char *key, struct tuned *out, bool *found, struct error *err)
{
	return find_newest(root, name, has_key, key, out, found, err);
}

struct measured {
	const char *variant;
	double dev;
};

/* Cards keep nine digits. */
static bool was_measured(const json_t *card, const void *wanted)
{
	const struct measured *m = wanted;
	const char *variant = json_string_value(json_object_get(card, "variant"));
	const json_t *score = json_object_get(json_object_get(card, "dev"), "score");

	return variant && strcmp(variant, m->variant) == 0 && json_is_number(score) && fabs(json_number_value(score) - m->dev) < 1e-8;
}

bool tuned_find_measured(const char *root, const char *name, const char *variant, double dev, struct tuned *out, bool *found,
			 struct error *err)
{
	struct measured wanted = { variant, dev };

	return find_newest(root, name, was_measured, &wanted, out, found, err);
}

bool tuned_workplace(const char *root, const char *name, const char *key, struct buf *folder, struct error *err)
{
	buf_addf(folder, "%s/%s/training-%s", root, name, key);
	return file_make_folder(folder->data, err);
}

void tuned_key(size_t recipe, const char *hash, char out[TUNED_KEY])
{
	snprintf(out, TUNED_KEY, "%zu-%s", recipe, hash);
}

/* Whether that is the folder of a workplace of a lower recipe. The first ones were of the hash alone. */
static bool is_outdated(const char *folder, size_t recipe)
{
	enum { HASH = 16 };
	static const char before[] = "training-";
	const char *key = folder + sizeof(before) - 1;
	char *end;

	if (strncmp(folder, before, sizeof(before) - 1) != 0)
		return false;
	size_t its = strtoul(key, &end, 10);
	const char *hash = end > key && *end == '-' ? end + 1 : key;

	return strspn(hash, "0123456789abcdef") == HASH && !hash[HASH] && (hash == key || its < recipe);
}

void tuned_sweep(const char *root, const char *name, size_t recipe, int64_t now)
{
	enum { DAY = 24 * 60 * 60 };
	struct buf path = { 0 };

	buf_addf(&path, "%s/%s", root, name);
	DIR *dir = opendir(path.data);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		struct buf folder = { 0 };
		struct stat status;

		buf_addf(&folder, "%s/%s", path.data, entry->d_name);
		/* A checkpoint is renamed into the folder, whose time is that of the last one. */
		if (is_outdated(entry->d_name, recipe) && stat(folder.data, &status) == 0 && now - status.st_mtime > DAY)
			tuned_abandon(folder.data);
		buf_release(&folder);
	}
	if (dir)
		closedir(dir);
	buf_release(&path);
}

static bool write_card(const char *folder, const json_t *card, struct error *err)
{
	char *text = json_dumps(card, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	struct buf path = { 0 };

	buf_addf(&path, "%s/card.json", folder);
	bool written = file_replace(path.data, text, strlen(text), err);

	free(text);
	buf_release(&path);
	return written;
}

bool tuned_note(struct tuned *t, const char *what, size_t n, double score, struct error *err)
{
	json_object_set_new(t->card, what, json_pack("{s:I, s:f}", "n", (json_int_t)n, "score", score));
	return write_card(t->folder, t->card, err);
}

bool tuned_commit(const char *root, const char *name, const char *workplace, json_t *card, struct tuned *out, struct error *err)
{
	size_t version = latest(root, name) + 1;
	struct buf target = { 0 };

	json_object_set_new(card, "name", json_string(name));
	json_object_set_new(card, "version", json_integer((json_int_t)version));
	buf_addf(&target, "%s/%s/v%zu", root, name, version);
	bool done = write_card(workplace, card, err);

	if (done && rename(workplace, target.data) != 0)
		done = error_set(err, "%s: cannot be made a version: %s", target.data, strerror(errno));
	done = done && read_version(root, name, version, out, err);
	buf_release(&target);
	return done;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **names_of(const char *root, size_t *n)
{
	DIR *dir = opendir(root);
	char **names = NULL;

	*n = 0;
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (tuned_name_valid(entry->d_name)) {
			names = mem_resize(names, *n + 1, sizeof(*names));
			names[(*n)++] = mem_string(entry->d_name);
		}
	if (dir)
		closedir(dir);
	if (names)
		qsort(names, *n, sizeof(*names), by_name);
	return names;
}

const char *tuned_licence(const struct tuned *t)
{
	const char *licence = json_string_value(json_object_get(json_object_get(t->card, "base"), "licence"));

	return licence && *licence ? licence : NULL; /* older cards have "" where none was stated */
}

static void write_line(const struct tuned *t, struct buf *out)
{
	const json_t *data = json_object_get(t->card, "data"), *dev = json_object_get(t->card, "dev");
	const char *licence = tuned_licence(t);

	buf_addf(out, "%-28s %-8s %-24s %6lld items", t->name, t->kind == TUNED_ENCODER ? "encoder" : "lora", t->base,
		 (long long)json_integer_value(json_object_get(data, "items")));
	if (json_is_number(json_object_get(dev, "score")))
		buf_addf(out, "  dev %.3f", json_number_value(json_object_get(dev, "score")));
	buf_addf(out, "  licence %s\n", licence ? licence : "not stated");
}

static bool list_versions(const char *root, const char *name, bool json, struct buf *out, struct error *err)
{
	for (size_t version = 1, most = latest(root, name); version <= most; version++) {
		struct buf folder = { 0 };
		struct tuned t;

		buf_addf(&folder, "%s/%s/v%zu", root, name, version);
		bool there = file_exists(folder.data);

		buf_release(&folder);
		if (!there)
			continue;
		if (!read_version(root, name, version, &t, err))
			return false;
		if (json) {
			char *text = json_dumps(t.card, JSON_COMPACT | JSON_REAL_PRECISION(9));

			buf_addf(out, "%s\n", text);
			free(text);
		} else {
			write_line(&t, out);
		}
		tuned_release(&t);
	}
	return true;
}

bool tuned_list(const char *root, bool json, struct buf *out, struct error *err)
{
	size_t n;
	char **names = names_of(root, &n);
	bool listed = true;

	for (size_t i = 0; i < n; i++) {
		listed = listed && list_versions(root, names[i], json, out, err);
		free(names[i]);
	}
	free(names);
	return listed;
}

void tuned_abandon(const char *workplace)
{
	file_remove_folder(workplace);
}

void tuned_failed(const char *workplace)
{
	struct buf checkpoint = { 0 };

	buf_addf(&checkpoint, "%s/checkpoint", workplace);
	if (!file_exists(checkpoint.data))
		tuned_abandon(workplace);
	buf_release(&checkpoint);
}

bool tuned_remove(const char *root, const char *name, struct error *err)
{
	struct tuned t;

	if (!tuned_find(root, name, &t, err))
		return false;
	struct buf mark = { 0 };

	buf_addf(&mark, "%s%s", t.folder, removed);
	bool gone = file_replace(mark.data, "", 0, err);

	if (gone)
		file_remove_folder(t.folder);
	gone = gone && (!file_exists(t.folder) || error_set(err, "%s: cannot be removed: %s", t.folder, strerror(errno)));
	buf_release(&mark);
	tuned_release(&t);
	return gone;
}

bool tuned_base_same(const struct tuned *t, const char *base, struct error *err)
{
	const char *then = json_string_value(json_object_get(json_object_get(t->card, "base"), "hash"));
	uint64_t hash;
	char hex[17];

	if (!tuned_file_hash(base, &hash, err))
		return false;
	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)hash);
	return (then && strcmp(then, hex) == 0) ||
	       error_set(err, "model \"%s\": %s changed since it was trained; put the old file back, or train again", t->name, base);
}

bool tuned_file_hash(const char *path, uint64_t *hash, struct error *err)
{
	enum { BEGINNING = 1 << 16, STEP = 4096, SAMPLE = 64 };
	struct file_map map;

	if (!file_map(&map, path, err))
		return false;
	*hash = hash64(map.data, map.n < BEGINNING ? map.n : BEGINNING, map.n);
	for (size_t at = BEGINNING; at + SAMPLE <= map.n; at += STEP)
		*hash = hash64(map.data + at, SAMPLE, *hash);
	file_unmap(&map);
	return true;
}
