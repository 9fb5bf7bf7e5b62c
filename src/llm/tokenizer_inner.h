/* tokenizer_inner.h - what tokenizer.c shares with the loaders of tokenizer.json (tokenizer_json.c) and GGUF
 * (tokenizer_gguf.c). */
#ifndef RUNG_LLM_TOKENIZER_INNER_H
#define RUNG_LLM_TOKENIZER_INNER_H

#include "llm/bpe.h"
#include "llm/pretokenize.h"
#include "llm/sentencepiece.h"
#include "llm/tokenizer.h"
#include "llm/vocabulary.h"
#include "llm/wordpiece.h"

enum tokenizer_model { MODEL_WORDPIECE, MODEL_BYTES, MODEL_SENTENCEPIECE };

struct tokenizer {
	enum tokenizer_model model; /* which of the parts below are filled */
	struct vocabulary vocabulary;
	const struct pretokenizer *words; /* byte-level BPE */
	struct bpe bpe;
	bool compose; /* byte-level BPE: the text is put into NFC first */
	struct wordpiece wordpiece;
	struct sentencepiece sentencepiece;
	int32_t begin, end;
	char *template; /* of conversations, NUL-terminated; NULL: none */
};

/* An empty WordPiece tokenizer for a loader to fill. */
struct tokenizer *tokenizer_new(void);

/* From the text of a tokenizer.json; errors do not name the file. */
struct tokenizer *tokenizer_from_json(const char *json, size_t n, struct error *err);
/* From the text of a vocab.txt: one token a line, the first has id 0; uncased BERT. */
struct tokenizer *tokenizer_from_lines(const char *lines, size_t n, struct error *err);
/* Takes the end token from a tokenizer_config.json ("eos_token"); a file without one changes nothing. */
bool tokenizer_read_config(struct tokenizer *t, const char *json, size_t n, struct error *err);

#endif
