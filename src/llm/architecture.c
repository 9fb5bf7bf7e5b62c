/* architecture.c - the table. Llama: arXiv 2302.13971, 2407.21783; Qwen2: 2407.10671; Qwen3: 2505.09388; Gemma 3:
 * 2503.19786. Llama's files hold the rows of Q and K in the order that makes neighbours turn together. */
#include "llm/architecture.h"

#include <string.h>

#include "base/buf.h"

static const struct architecture table[] = {
	{ .name = "llama" },
	{ .name = "qwen2", .features = QKV_BIAS | HALF_SPLIT },
	{ .name = "qwen3", .features = QK_NORM | HALF_SPLIT },
	{ .name = "gemma3",
	  .features = QK_NORM | POST_NORMS | HALF_SPLIT | GEGLU | SCALED_EMBEDDING,
	  .global_every = 6,
	  .local_base = 10000 },
};

enum { ROWS = sizeof(table) / sizeof(table[0]) };

static void refuse(const struct gguf *g, struct gguf_string name, struct error *err)
{
	struct buf names = { 0 };

	for (size_t i = 0; i < ROWS; i++)
		buf_addf(&names, "%s%s", i ? ", " : "", table[i].name);
	error_set(err, "%s: architecture \"%.*s\" is not supported (supported: %s)", gguf_path(g),
		  (int)(name.n < 64 ? name.n : 64), name.at, buf_text(&names));
	buf_release(&names);
}

const struct architecture *architecture_find(const struct gguf *g, struct error *err)
{
	struct gguf_string name;

	if (!gguf_text(g, "general.architecture", &name)) {
		error_set(err, "%s: the metadata has no text \"general.architecture\"", gguf_path(g));
		return NULL;
	}
	for (size_t i = 0; i < ROWS; i++)
		if (name.n == strlen(table[i].name) && memcmp(name.at, table[i].name, name.n) == 0)
			return &table[i];
	refuse(g, name, err);
	return NULL;
}
