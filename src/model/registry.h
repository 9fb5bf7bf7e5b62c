/* registry.h - the folder of local models: GGUF files and folders of encoders, named by their file names. */
#ifndef RUNG_MODEL_REGISTRY_H
#define RUNG_MODEL_REGISTRY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* Appends the folder: wanted, else $RUNG_MODELS, else $XDG_DATA_HOME (or ~/.local/share)/rung/models when it is there,
 * else the folder that `make models` filled in the tree this program was built in. */
void registry_folder(const char *wanted, struct buf *out);

/* Appends the GGUF file that a local model's name ("local", "local:NAME") stands for; false for any other name. */
bool registry_decoder_path(const char *folder, const char *name, struct buf *out);

bool registry_list(const char *folder, bool json, struct buf *out, struct error *err);
/* Links path (a GGUF file, or a folder with config.json and model.safetensors) under name (NULL: its own), after it was
 * opened and found usable. */
bool registry_add(const char *folder, const char *path, const char *name, struct error *err);
/* Removes a link, or a file that lies in the folder itself; never what a link points to. */
bool registry_remove(const char *folder, const char *name, struct error *err);

#endif
