/* licence.h - what the files of a model say of its licence, as they write it.
 *
 * A GGUF file has "general.license"; a folder may have Hugging Face's model card, README.md, whose front matter says `license:`, or a file
 * LICENSE. Nothing is guessed: NULL is "not stated". */
#ifndef RUNG_MODEL_LICENCE_H
#define RUNG_MODEL_LICENCE_H

#include "base/arena.h"

/* Texts live in arena. NULL where nothing is stated, or the file cannot be read. */
const char *licence_of_file(const char *gguf, struct arena *arena);
const char *licence_of_folder(const char *folder, struct arena *arena);

#endif
