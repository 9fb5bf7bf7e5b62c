/* sample.h - from a row of logits to one token: greedy, or drawn after temperature, top-k, top-p and min-p. Pure.
 *
 * The four act in this order, each on what the one before left (Hugging Face transformers, generation/utils.py,
 * _get_logits_processor(); llama.cpp's default chain has the same definitions but applies the temperature last):
 *   temperature  p proportional to exp(logit / temperature)              (Ackley et al. 1985)
 *   top-k        the k likeliest tokens                                  (Fan et al. 2018, arXiv 1805.04833)
 *   top-p        the fewest likeliest tokens that together reach top_p   (Holtzman et al. 2020, arXiv 1904.09751)
 *   min-p        the tokens at least min_p times as likely as the best   (Nguyen et al. 2024, arXiv 2407.01082)
 * What is left is brought back to sum 1. Equal logits: the lower id counts as likelier. NaN counts as minus infinity;
 * a row without any finite logit stands for token 0. */
#ifndef RUNG_LLM_SAMPLE_H
#define RUNG_LLM_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

/* Zero everywhere is greedy decoding. */
struct sampling {
	double temperature; /* 0: greedy, and the rest is not looked at */
	size_t top_k;       /* 0: every token */
	double top_p;       /* in (0, 1); 0 or 1: every token */
	double min_p;       /* in (0, 1]; 0: every token */
};

struct sample_choice {
	int32_t id;
	double p;
};

/* The tokens that may be drawn, with probabilities that sum to 1, in an order of no meaning. kept has room for n, the
 * number of logits. Returns how many there are, at least 1. */
size_t sample_kept(const struct sampling *s, const float *logits, size_t n, struct sample_choice *kept);

/* The token at u in [0, 1) of the distribution above; greedy: the likeliest one. room (n) is scratch memory, not
 * needed when greedy. */
int32_t sample_token(const struct sampling *s, const float *logits, size_t n, double u, struct sample_choice *room);

/* log(sum(exp(logits))), and with it the natural log-probability of a token as the model gives it. */
double sample_log_sum(const float *logits, size_t n);

#endif
