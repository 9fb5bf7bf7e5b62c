/* schema_inner.h - what the files of the schema compiler share.
 *
 * Each add_... function drafts what lies between the nodes `from` and `to`: every text a schema allows. */
#ifndef RUNG_SCHEMA_SCHEMA_INNER_H
#define RUNG_SCHEMA_SCHEMA_INNER_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "schema/schema.h"

/* A JSON pointer while the schema is read: its last token, and where that stands. */
struct location {
	const struct location *parent; /* NULL: `token` is a whole pointer, "#" or "#/$defs/x" */
	const char *token;
};

struct pending {
	const json_t *schema;
	const char *pointer;
	uint32_t rule;
};

struct schema {
	struct arena arena;
	struct grammar_draft *draft;
	json_t *root;
	struct hash_map rules; /* pointer of a $ref's target to its rule */
	struct pending *pending; /* targets whose rules are not drafted yet */
	size_t n_pending, pending_capacity;
	uint32_t character; /* the rule of one character of a string without a pattern, or GRAMMAR_UNBOUNDED */
	size_t comparisons; /* what schemas_disjoint() may still do */
	struct error *err;
};

enum kind {
	KIND_OBJECT = 1, KIND_ARRAY = 2, KIND_STRING = 4, KIND_NUMBER = 8, KIND_INTEGER = 16, KIND_BOOLEAN = 32, KIND_NULL = 64,
};

/* "#/properties/a~1b": in the arena; cut where it is very long. */
const char *location_text(struct schema *s, const struct location *at);
/* Appends words for a sentence: on one line, and valid UTF-8 where a quotation was cut. */
void append_line(struct buf *out, const char *text);
/* Sets "POINTER/key: sentence" and returns false; key may be NULL. */
bool schema_fail(struct schema *s, const struct location *at, const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The kinds that the keyword `type` names; 0 and an error where it is malformed. Absent: every kind. */
unsigned schema_kinds(struct schema *s, const json_t *schema, const struct location *at);
/* Of a value, what `type` may say of it: an integer is a number too. */
unsigned value_kind(const json_t *value);
/* The target of a $ref and its pointer (in the arena); NULL and an error where there is none. */
const json_t *schema_target(struct schema *s, const json_t *schema, const struct location *at, const char **pointer);

/* ---- schema_text.c: strings and literals ---- */

/* Appends the value as JSON, in the one way a grammar writes it. */
void append_value(struct buf *out, const json_t *value);
/* One code point of low..high inside a string, escaped where JSON asks for it; U+0000 and surrogates are left out. */
void add_code_points(struct grammar_draft *d, uint32_t from, uint32_t low, uint32_t high, uint32_t to);
bool add_string(struct schema *s, const json_t *schema, const struct location *at, uint32_t from, uint32_t to);
/* A keyword that counts things: *count keeps its value where the keyword is absent. */
bool read_count(struct schema *s, const json_t *schema, const struct location *at, const char *key, uint32_t *count);

/* ---- schema_number.c ---- */

bool add_number(struct schema *s, const json_t *schema, const struct location *at, bool integer, uint32_t from,
		uint32_t to);

/* ---- schema_disjoint.c ---- */

/* Whether no value satisfies both; false too where that cannot be shown. Schemas may be malformed still. */
bool schemas_disjoint(struct schema *s, const json_t *a, const json_t *b);

#endif
