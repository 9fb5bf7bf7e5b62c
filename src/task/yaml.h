/* yaml.h - a small YAML document as a tree that remembers where everything stood (libfyaml's events underneath).
 *
 * Read for files that people write by hand: texts, lists and maps with text keys. Refused with a sentence: aliases and
 * tags (a task needs neither, and aliases can blow up), a second document, a key that stands twice, NUL characters,
 * nesting beyond YAML_DEPTH and more than YAML_NODES nodes. */
#ifndef RUNG_TASK_YAML_H
#define RUNG_TASK_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum { YAML_BYTES = 1 << 20, YAML_DEPTH = 16, YAML_NODES = 100000 };

enum yaml_type { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_type type;
	size_t line, column;    /* of the value, from 1 */
	const char *text;       /* YAML_TEXT: NUL-terminated; "" otherwise */
	bool plain;             /* YAML_TEXT without quotes: may mean a number, true, false or nothing */
	const char *key;        /* as an entry of a map; NULL otherwise */
	size_t key_line, key_column;
	size_t n;               /* children of a list or map */
	struct yaml *first, *last, *next;
};

/* Parses n bytes; the tree lives in arena. file opens the error sentence ("file:line:column: ..."). NULL on failure;
 * an empty document is an empty map. */
const struct yaml *yaml_parse(struct arena *arena, const char *bytes, size_t n, const char *file, struct error *err);

const struct yaml *yaml_get(const struct yaml *map, const char *key); /* NULL: not there, or not a map */
bool yaml_is_null(const struct yaml *node);                           /* nothing, ~ or null, unquoted */
const char *yaml_type_name(enum yaml_type type);                      /* "a text", "a list", "a map" */

#endif
