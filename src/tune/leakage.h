/* leakage.h - items that dev or test nearly repeat from the pool: a score on them says how well a variant remembers, not
 * how well it reads. Exact repeats are gone by the time a task is open (task/split.h); these differ in a few words. */
#ifndef RUNG_TUNE_LEAKAGE_H
#define RUNG_TUNE_LEAKAGE_H

#include "task/task.h"

struct near_copy {
	const struct example *item; /* of dev or test */
	const struct example *pool; /* the most similar pool example */
	double similarity;          /* cosine of TF-IDF word vectors */
	bool same_label;
};

/* The items whose most similar pool example reaches LEAKAGE_SIMILARITY, test before dev, each in its list's order; copies
 * lives in arena. Reads the columns that the input template names. Returns how many. */
#define LEAKAGE_SIMILARITY 0.9
size_t leakage_find(const struct task *task, struct arena *arena, const struct near_copy **copies);

#endif
