/* lesson.h - what one model of rung 3 is trained from: examples in the form that its method reads, settings, and the key that all of it
 * decides. Private to src/variant. */
#ifndef RUNG_VARIANT_LESSON_H
#define RUNG_VARIANT_LESSON_H

#include "variant/workshop.h"

struct lesson {
	struct arena arena;
	struct finetune_texts texts;     /* an encoder's */
	struct finetune_prompts prompts; /* a decoder's */
	struct finetune_settings settings;
	struct buf base;                 /* path */
	char base_hash[17], data_hash[17], key[17];
	const struct example **items;    /* (n) the pool's, and behind them those that a model labelled */
	const bool *by_model;            /* (n); NULL: people labelled all */
	size_t n, n_taught;
};

/* key is a hash of all that decides the weights: the base's contents, every example as it is trained on, the settings and the seed. False
 * and a sentence when the base is not there, or nothing can be learnt. Released in either case. */
bool lesson_init(struct workshop *w, const struct variant *v, struct lesson *l, struct error *err);
/* Its items that are not held out, in the order of training; lives as long as it does. */
struct item_list lesson_trained(struct lesson *l);
void lesson_release(struct lesson *l);

#endif
