/* tokenizer_models.h - the tokenizers that tests share: two tiny ones of our own, and the real ones where they are. */
#ifndef RUNG_TEST_TOKENIZER_MODELS_H
#define RUNG_TEST_TOKENIZER_MODELS_H

#include "test.h"

#include "base/file.h"
#include "llm/tokenizer.h"

#define GOLDEN "tests/reference/golden/"

enum { TINY_BPE, TINY_BERT, TINY_PIECES, SMOLLM2, MINILM, GEMMA, QWEN };
static const char *const tokenizer_names[] __attribute__((unused)) = { "tiny_bpe", "tiny_bert", "tiny_pieces",
								       "smollm2",  "minilm",	"gemma",       "qwen" };

static inline struct tokenizer *tokenizer_at(const char *path, struct error *err)
{
	size_t n = strlen(path);

	if (n < 5 || strcmp(path + n - 5, ".gguf") != 0)
		return tokenizer_open(path, err);
	struct gguf *g = gguf_open(path, err);
	struct tokenizer *t = g ? tokenizer_from_gguf(g, err) : NULL;

	gguf_free(g); /* the tokenizer must not need it */
	return t;
}

/* NULL where `make models`, or for the last two `make models-optional`, has not put the real one. */
static inline struct tokenizer *tokenizer_for_test(int model)
{
	static const char *const paths[] = { GOLDEN "tokenizer_bpe",
					     GOLDEN "tokenizer_bert",
					     GOLDEN "pieces.gguf",
					     "smollm2-135m-instruct.Q4_1.gguf",
					     "all-MiniLM-L6-v2",
					     "optional/gemma3-270m.gguf",
					     "optional/qwen2.5-coder-0.5b.gguf" };
	struct error err;
	char path[4096];

	if (model < SMOLLM2)
		snprintf(path, sizeof(path), "%s", paths[model]);
	else
		snprintf(path, sizeof(path), "%s/%s", test_models_folder(), paths[model]);
	if (model >= SMOLLM2 && !file_exists(path)) {
		print_message("%s is absent: run `make models%s`\n", path, model >= GEMMA ? "-optional" : "");
		return NULL;
	}
	struct tokenizer *t = tokenizer_at(path, &err);

	if (!t)
		fail_msg("%s", err.text);
	return t;
}

#endif
