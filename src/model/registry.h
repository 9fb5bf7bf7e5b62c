/* registry.h - the folder of local models: decoders and adapters in GGUF, encoders as folders, named by file name. */
#ifndef RUNG_MODEL_REGISTRY_H
#define RUNG_MODEL_REGISTRY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* Appends the folder: wanted, else $RUNG_MODELS, else $XDG_DATA_HOME (or ~/.local/share)/rung/models when it is there,
 * else the folder that `make models` filled in the tree this program was built in. */
void registry_folder(const char *wanted, struct buf *out);

/* Whether a model of that name is a file in the folder: "local", "local:NAME", either with "+ADAPTER" behind it. */
bool registry_is_local(const char *name);
/* The encoder, a folder in the folder of models, that "local:NAME" stands for where texts are embedded; NULL: the name is no such one. */
const char *registry_encoder(const char *name);
/* Whether its answers come from this machine: no model (NULL), a local one, one that was tuned here, or a server's on it; of
 * a recorded one, whether they did. */
bool registry_runs_here(const char *name);

/* The files that such a name stands for. '+' always parts base and adapter: a file that has one cannot be named. */
struct registry_files {
	struct buf base;    /* path of the decoder */
	struct buf adapter; /* path of what it is read through; empty: nothing */
};
void registry_files_release(struct registry_files *f);

/* Finds both and looks at what kind of file each is. A missing one, an adapter named as a base, a base named as an
 * adapter or more than one adapter is a sentence. Whether they fit each other is the engine's to say. */
bool registry_find(const char *folder, const char *name, struct registry_files *out, struct error *err);

/* A line, or (json) an object, for each: its kind (decoder, adapter, encoder), its name, and for an adapter the
 * architecture of the bases that it was made for. */
bool registry_list(const char *folder, bool json, struct buf *out, struct error *err);
/* Links path (a GGUF file, or a folder with config.json and model.safetensors) under name (NULL: its own; no '/' and no
 * '+'), after it was opened and found usable. */
bool registry_add(const char *folder, const char *path, const char *name, struct error *err);
/* Removes a link, or a file that lies in the folder itself; never what a link points to. */
bool registry_remove(const char *folder, const char *name, struct error *err);

#endif
