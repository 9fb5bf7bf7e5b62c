/* reader.h - how a local model reads a conversation, known without loading its weights: its tokens, the context they
 * must fit, and the system turn that its chat format adds by itself. */
#ifndef RUNG_MODEL_READER_H
#define RUNG_MODEL_READER_H

#include "llm/chat.h"
#include "model/model.h"

struct reader;

/* folder: where local models lie; name as in task files ("local", "local:NAME", "local+ADAPTER"). The caller frees it.
 * NULL and a sentence when there is no such model, its adapter does not fit it, or it is not a local one. */
struct reader *reader_open(const char *folder, const char *name, struct error *err);
void reader_free(struct reader *r);

size_t reader_tokens(const struct reader *r, const struct message *messages, size_t n); /* role markers included */
/* The conversation and the reply that a model is to learn, with the end of its turn. */
size_t reader_taught_tokens(const struct reader *r, const struct message *messages, size_t n, const char *reply);
size_t reader_limit(const struct reader *r); /* tokens of context; 0: the file does not say */
/* What a conversation that begins without a system turn is given; NULL: nothing. */
const char *reader_default_system(const struct reader *r);

/* Appends the ids of the conversation and of the opening of the reply, as every local model reads it. */
void messages_encode(const struct chat_format *format, const struct tokenizer *t, const struct message *messages, size_t n,
		     struct token_list *out);
/* The same with the reply behind it, and the end of its turn where the format has one. Returns how many ids stand before the reply. */
size_t taught_encode(const struct chat_format *format, const struct tokenizer *t, const struct message *messages, size_t n, const char *reply,
		     struct token_list *out);

#endif
