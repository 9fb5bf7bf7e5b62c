/* tokenizer_inner.h - what tokenizer.c shares with the loaders of tokenizer.json (tokenizer_json.c) and GGUF
 * (tokenizer_gguf.c). */
#ifndef RUNG_LLM_TOKENIZER_INNER_H
#define RUNG_LLM_TOKENIZER_INNER_H

#include "llm/bpe.h"
#include "llm/pretokenize.h"
#include "llm/tokenizer.h"
#include "llm/vocabulary.h"
#include "llm/wordpiece.h"

struct tokenizer {
	struct vocabulary vocabulary;
	const struct pretokenizer *words; /* NULL: WordPiece, else byte-level BPE */
	struct bpe bpe;
	bool compose; /* BPE: the text is put into NFC first */
	struct wordpiece wordpiece;
	int32_t end;
};

/* An empty tokenizer for a loader to fill. */
struct tokenizer *tokenizer_new(void);

/* From the text of a tokenizer.json; errors do not name the file. */
struct tokenizer *tokenizer_from_json(const char *json, size_t n, struct error *err);
/* From the text of a vocab.txt: one token a line, the first has id 0; uncased BERT. */
struct tokenizer *tokenizer_from_lines(const char *lines, size_t n, struct error *err);
/* Takes the end token from a tokenizer_config.json ("eos_token"); a file without one changes nothing. */
bool tokenizer_read_config(struct tokenizer *t, const char *json, size_t n, struct error *err);

#endif
