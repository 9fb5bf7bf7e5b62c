/* validator.h - whether a JSON value satisfies a schema, and its one way of being written.
 *
 * The schemas are those of docs/schema.md. Where the grammar says less than the schema (digits of numbers, exponents, the
 * order of keys), a validator says what the schema says: it reads answers that people wrote. An integer is a number written
 * without a fraction. A validator may be used by one thread at a time. */
#ifndef RUNG_SCHEMA_VALIDATOR_H
#define RUNG_SCHEMA_VALIDATOR_H

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

struct validator;

/* The n bytes of text are copied. NULL and a sentence that begins with the JSON pointer when the schema is not supported. */
struct validator *validator_new(const char *text, size_t n, struct error *err);
void validator_free(struct validator *v);

/* Whether the value satisfies the schema; if not, why (unless NULL) receives a clause that begins with where in the value. */
bool validator_accepts(struct validator *v, const json_t *value, struct buf *why);
/* Appends an accepted value as JSON with the keys in the order of the schema's properties, written as a grammar writes it. */
void validator_write(struct validator *v, const json_t *value, struct buf *out);
/* The JSON object that stands in a text: the whole of it, or from its first brace on (models put words and fences around it).
 * NULL when there is none; the caller gives it up with json_decref(). */
json_t *validator_find_object(const char *text);

/* The schema itself, and what one of its parts says once its references are followed; both borrowed. */
const json_t *validator_schema(const struct validator *v);
const json_t *validator_follow(const struct validator *v, const json_t *schema);
bool validator_requires(const json_t *schema, const char *property);
/* Whether a part, followed, is for values of that type (the name of docs/schema.md) without listing them. */
bool validator_has_type(const json_t *schema, const char *type);

#endif
