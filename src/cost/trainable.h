/* trainable.h - until when providers take new fine-tuning jobs: announcements, dated. Pure: today is an argument. */
#ifndef RUNG_COST_TRAINABLE_H
#define RUNG_COST_TRAINABLE_H

#include <stdbool.h>

struct trainable {
	const char *provider;   /* as model names begin: "openai:" */
	const char *until;      /* ISO date: the last day on which a new job is taken; "": none is any more */
	const char *source;
};

/* What was announced for models of that name; NULL: nothing. */
const struct trainable *trainable_find(const char *model);
/* Whether a new job is taken on that ISO date. */
bool trainable_on(const struct trainable *t, const char *today);

/* A fine-tuning job's epochs where nobody says how many: 3, more of fewer than 34 examples, 25 at most, so that a hundred examples are
 * seen in all (OpenAI Cookbook, "Data preparation and analysis for chat model fine-tuning"). */
unsigned trainable_epochs(unsigned long examples);

#endif
