/* exchange_inner.h - what exchange.c, exchange_merged.c and exchange_encoder.c share. */
#ifndef RUNG_TUNE_EXCHANGE_INNER_H
#define RUNG_TUNE_EXCHANGE_INNER_H

#include "llm/decoder_inner.h"
#include "tune/exchange.h"

/* A linear layer's names, and whose heads its rows are: queries' or keys' where GGUF turns them. */
struct exchange_name {
	const char *gguf, *module; /* "attn_q", "self_attn.q_proj" */
	enum { NO_HEADS, QUERY_HEADS, KEY_HEADS } heads;
};
enum { EXCHANGE_NAMES = 7 };
extern const struct exchange_name exchange_names[EXCHANGE_NAMES];

struct decoder *exchange_base(const char *base, struct pool *pool, struct error *err); /* unpacked */
/* Heads whose rows are turned; 0: none. */
size_t exchange_heads(const struct decoder *d, const struct exchange_name *l);
/* Rows (n, columns) of `heads` heads: row 2 i + j of a head in GGUF is row j half + i in transformers. */
void exchange_turn(float *rows, size_t n, size_t columns, size_t heads, bool to_gguf);
/* The 'a' or 'b' of a pair; NULL when there is none. */
const struct tensor *exchange_half(const struct gguf *g, size_t layer, const struct exchange_name *l, char half);
float *exchange_read(const struct tensor *t, struct arena *arena); /* all values */
json_t *exchange_read_json(const char *folder, const char *name, struct error *err); /* the caller's */

#endif
