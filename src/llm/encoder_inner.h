/* encoder_inner.h - what encoder.c (loading), embed.c (the arithmetic) and src/train (derivatives) share. */
#ifndef RUNG_LLM_ENCODER_INNER_H
#define RUNG_LLM_ENCODER_INNER_H

#include "llm/encoder.h"
#include "llm/safetensors.h"
#include "llm/tokenizer.h"

enum { ENCODER_ROWS = 512 }; /* tokens in one pass; a text is never split, so this also bounds the tokens of a text */

struct encoder_layer {
	struct matrix qkv;          /* (3 width, width): queries, keys, values of all heads */
	float *qkv_bias;            /* (3 width) */
	struct matrix output;       /* (width, width) */
	float *output_bias;         /* (width) */
	float *attention_norm[2];   /* (width) weight, bias */
	struct matrix up;           /* (ffn, width) */
	float *up_bias;             /* (ffn) */
	struct matrix down;         /* (width, ffn) */
	float *down_bias;           /* (width) */
	float *ffn_norm[2];         /* (width) weight, bias */
};

/* Activations of one pass, ENCODER_ROWS rows each. */
struct encoder_scratch {
	float *x;      /* (rows, width) */
	float *rounded; /* (rows, width) x as products want it */
	float *block;  /* (rows, width) what a block adds to x */
	float *qkv;    /* (rows, 3 width) */
	float *mixed;  /* (rows, width) attention's output */
	float *up;     /* (rows, ffn) */
	float *scores; /* attention's memory, scores_size floats for each thread */
	size_t scores_size;
};

struct encoder {
	const struct kernels *kernels;
	struct pool *pool;
	char *folder;
	struct safetensors *file;
	struct tokenizer *tokenizer;
	size_t layers, width, heads, ffn, vocabulary, positions;
	size_t limit;   /* tokens of one text, [CLS] and [SEP] included */
	float epsilon;
	bool first_row; /* pooling: the vector of [CLS] instead of the mean */
	int32_t cls, sep;
	const struct tensor *words;  /* (vocabulary, width), read row by row from the file */
	float *places;               /* (positions, width) position embedding + token type 0 */
	float *embedding_norm[2];    /* (width) weight, bias */
	struct encoder_layer *layer; /* (layers) */
	struct encoder_scratch scratch;
};

/* [CLS] text [SEP], cut to the limit before the [SEP]. */
void encoder_encode(const struct encoder *e, const char *text, struct token_list *tokens);
/* The same, and the words that are left (tokenizer_encode_words()), which begin anew too; false: its tokenizer tells of none. */
bool encoder_encode_words(const struct encoder *e, const char *text, struct token_list *tokens, struct token_words *words);
/* One text's rows of the last layer (tokens->n, width), and what encoder_means() makes of them (width). */
void encoder_rows(struct encoder *e, const struct token_list *tokens, float *rows, float *mean);

#endif
