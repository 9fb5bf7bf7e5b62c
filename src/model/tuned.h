/* tuned.h - the registry of fine-tuned models: versions of a name, each a folder with what was trained and a card that says how.
 *
 * root/NAME/vN/ holds card.json and either adapter.gguf (LoRA on a decoder; the model "tuned:NAME:vN") or an encoder's folder with
 * head.safetensors. A version never changes once it is there, and its number is not given again when it is gone. Training works in
 * root/NAME/training-KEY/, which becomes the version when it is done; KEY is RECIPE-HASH (tuned_key()). */
#ifndef RUNG_MODEL_TUNED_H
#define RUNG_MODEL_TUNED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum tuned_kind { TUNED_ADAPTER, TUNED_ENCODER };

struct tuned {
	enum tuned_kind kind;
	char *name;      /* "tuned:NAME:vN" */
	char *folder;
	const char *base; /* what it was trained from: a decoder as task files name it, or an encoder; of the card */
	json_t *card;
};
void tuned_release(struct tuned *t);

/* The licence that the base's files state, of the card; NULL: they state none. */
const char *tuned_licence(const struct tuned *t);

/* Whether a model's name is one of these: "tuned:NAME:vN". */
bool tuned_is(const char *name);
/* Whether NAME may be one: letters, digits, '-', '_' and '.', not at the start. */
bool tuned_name_valid(const char *name);

/* Reads the version of that name. root NULL: there is no registry here. */
bool tuned_find(const char *root, const char *name, struct tuned *out, struct error *err);
/* The newest version of NAME that was trained from the same inputs, by the card's key; *found says whether there is one. */
bool tuned_find_key(const char *root, const char *name, const char *key, struct tuned *out, bool *found, struct error *err);

/* The newest version of NAME that a climb measured as that variant ("3/encoder"), with that score on dev; the card says so. */
bool tuned_find_measured(const char *root, const char *name, const char *variant, double dev, struct tuned *out, bool *found,
			 struct error *err);

/* Appends the folder in which NAME is trained from inputs with that key; it is made. */
bool tuned_workplace(const char *root, const char *name, const char *key, struct buf *folder, struct error *err);
/* The key of a workplace for a hash under a recipe, which is a number that rises. */
enum { TUNED_KEY = 40 };
void tuned_key(size_t recipe, const char *hash, char out[TUNED_KEY]);
/* Removes NAME's workplaces of lower recipes, from which nothing goes on any more, unless they were written to in the day before `now`
 * (seconds since 1970): whoever trains writes a checkpoint every few minutes. */
void tuned_sweep(const char *root, const char *name, size_t recipe, int64_t now);
/* Removes a workplace that will not become a version. */
void tuned_abandon(const char *workplace);
/* Removes one whose training failed, unless it has a checkpoint, from which the same training goes on. */
void tuned_failed(const char *workplace);
/* Makes the workplace the next version, with that card (which gets its name and version). */
bool tuned_commit(const char *root, const char *name, const char *workplace, json_t *card, struct tuned *out, struct error *err);

/* Writes a measurement on the card of a version that is there, in place of one of that name: {n, score}. */
bool tuned_note(struct tuned *t, const char *what, size_t n, double score, struct error *err);

/* A line, or (json) an object, for each version of each name. */
bool tuned_list(const char *root, bool json, struct buf *out, struct error *err);
/* Removes a version, files and folder. */
bool tuned_remove(const char *root, const char *name, struct error *err);

/* Whether the file at that path is still what the version was trained from. */
bool tuned_base_same(const struct tuned *t, const char *base, struct error *err);

/* A number for a model file's contents: its size, its beginning, and 64 bytes of every 4 KiB. */
bool tuned_file_hash(const char *path, uint64_t *hash, struct error *err);

#endif
