/* chat.h - how a family of models writes a conversation: a table, one row a format (ChatML, Llama 3, ...).
 *
 * Role markers are special tokens; message texts are always encoded as plain text, so that they cannot forge a role
 * (in zephyr's format, whose markers are text to the model, they can). A model's own template is never run: it only
 * tells apart formats with the same markers. */
#ifndef RUNG_LLM_CHAT_H
#define RUNG_LLM_CHAT_H

#include "llm/tokenizer.h"

enum chat_role { CHAT_SYSTEM, CHAT_USER, CHAT_ASSISTANT };

struct chat_message {
	enum chat_role role;
	const char *text; /* borrowed, UTF-8, NUL-terminated */
};

struct chat_format;

/* By name ("smollm2", "qwen", "qwen3", "chatml", "llama3", "gemma", "zephyr", "plain"); NULL when there is none.
 * "plain" is for models without roles: messages with an empty line behind each, the last one too. */
const struct chat_format *chat_format_find(const char *name);
/* The first format that the model's template shows or whose markers the tokenizer has as special tokens; "plain" when
 * none fits. */
const struct chat_format *chat_format_detect(const struct tokenizer *t);
const char *chat_format_name(const struct chat_format *f);
const char *chat_format_default_system(const struct chat_format *f); /* NULL when the format adds none by itself */

/* Appends the conversation's ids and the opening of the assistant's turn, where the model continues. In front stands
 * tokenizer_begin() where the model has one, once. The default system message comes first unless the conversation
 * begins with its own or is empty; gemma, which has no system role, reads it at the start of the first turn. qwen3 is
 * told to answer without thoughts. A marker that the tokenizer lacks is written as plain text. */
void chat_encode(const struct chat_format *f, const struct tokenizer *t, const struct chat_message *messages, size_t n,
		 struct token_list *out);
/* The id that ends the assistant's turn, or -1. */
int32_t chat_end(const struct chat_format *f, const struct tokenizer *t);

#endif
