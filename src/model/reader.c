/* reader.c - the tokenizer and chat format of a GGUF file; an adapter has none of its own. */
#include "model/reader.h"

#include <stdlib.h>
#include <string.h>

#include "llm/adapter.h"
#include "llm/chat.h"
#include "model/registry.h"

struct reader {
	struct tokenizer *tokenizer;
	const struct chat_format *format;
	size_t limit;
};

/* "llama.context_length" and its like. */
static size_t context_length_of(const struct gguf *g)
{
	struct gguf_string architecture;
	char key[128];
	int64_t limit;

	if (!gguf_text(g, "general.architecture", &architecture) || architecture.n > 64)
		return 0;
	snprintf(key, sizeof(key), "%.*s.context_length", (int)architecture.n, architecture.at);
	return gguf_int(g, key, &limit) && limit > 0 ? (size_t)limit : 0;
}

static struct reader *open_files(const struct registry_files *f, struct error *err)
{
	struct gguf *g = gguf_open(buf_text(&f->base), err);
	struct tokenizer *tokenizer = g ? tokenizer_from_gguf(g, err) : NULL;
	struct reader *r = NULL;

	if (tokenizer) {
		r = mem_zero(1, sizeof(*r));
		*r = (struct reader){ tokenizer, chat_format_detect(tokenizer), context_length_of(g) };
	}
	gguf_free(g);
	return r;
}

struct reader *reader_open(const char *folder, const char *name, struct error *err)
{
	struct registry_files files = { 0 };
	struct reader *r = NULL;

	if (!registry_is_local(name)) {
		error_set(err, "model \"%s\" is not a local one, so its tokens cannot be counted here", name);
		return NULL;
	}
	if (registry_find(folder, name, &files, err) &&
	    (!files.adapter.n || adapter_fits(buf_text(&files.adapter), buf_text(&files.base), err)))
		r = open_files(&files, err);
	registry_files_release(&files);
	return r;
}

void reader_free(struct reader *r)
{
	if (!r)
		return;
	tokenizer_free(r->tokenizer);
	free(r);
}

void messages_encode(const struct chat_format *format, const struct tokenizer *t, const struct message *messages, size_t n,
		     struct token_list *out)
{
	struct chat_message *turns = mem_zero(n, sizeof(*turns));

	for (size_t i = 0; i < n; i++)
		turns[i] = (struct chat_message){ (enum chat_role)messages[i].role, messages[i].text };
	chat_encode(format, t, turns, n, out);
	free(turns);
}

size_t taught_encode(const struct chat_format *format, const struct tokenizer *t, const struct message *messages, size_t n, const char *reply,
		     struct token_list *out)
{
	messages_encode(format, t, messages, n, out);
	size_t before = out->n;

	tokenizer_encode(t, reply, strlen(reply), false, out);
	if (chat_end(format, t) >= 0)
		token_list_add(out, chat_end(format, t));
	return before;
}

size_t reader_tokens(const struct reader *r, const struct message *messages, size_t n)
{
	struct token_list tokens = { 0 };

	messages_encode(r->format, r->tokenizer, messages, n, &tokens);
	size_t count = tokens.n;

	token_list_release(&tokens);
	return count;
}

size_t reader_taught_tokens(const struct reader *r, const struct message *messages, size_t n, const char *reply)
{
	struct token_list tokens = { 0 };

	taught_encode(r->format, r->tokenizer, messages, n, reply, &tokens);
	size_t count = tokens.n;

	token_list_release(&tokens);
	return count;
}

size_t reader_limit(const struct reader *r)
{
	return r->limit;
}

const char *reader_default_system(const struct reader *r)
{
	return chat_format_default_system(r->format);
}
