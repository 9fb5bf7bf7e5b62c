/* schema.h - a JSON Schema becomes a grammar: what a model writes under it is JSON and satisfies the schema.
 *
 * docs/schema.md says which keywords are supported, what is refused, and how the JSON is written: as Python's json.dumps
 * does, ", " and ": " between things, properties in the order of the schema, no others. A keyword outside the subset is
 * an error that names its JSON pointer; nothing is ignored but annotations. The grammar may say less than the schema
 * (numbers of at most 15 digits, no exponents), never more. */
#ifndef RUNG_SCHEMA_SCHEMA_H
#define RUNG_SCHEMA_SCHEMA_H

#include "base/buf.h"
#include "base/error.h"
#include "llm/grammar.h"

enum {
	SCHEMA_BYTES = 1 << 20, /* of the schema's text */
	SCHEMA_NESTING = 64,    /* schemas inside each other, $ref not counted */
};

/* Compiles the n bytes of text, JSON. alphabet: the bytes a tokenizer has (token_bytes.h), NULL for all. The caller
 * frees the grammar with grammar_free(). */
struct grammar *schema_compile(const char *text, size_t n, const struct byte_set *alphabet, struct error *err);

/* Appends the schema {"reason": a string of at most that many code points, "answer": what the schema of the text says}. The
 * text is a schema that compiles. (schema_wrap.c) */
void schema_wrap_reason(const char *text, unsigned characters, struct buf *out);

#endif
