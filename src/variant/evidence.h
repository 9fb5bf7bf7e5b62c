/* evidence.h - what an answer stands on: the passages that were shown, and spans of them that are cited.
 *
 * A citation is a place in a stored revision; its text is the revision's own bytes, whatever the model wrote. Quotes that
 * could not be located are counted, never shown. Kept with the answer as JSON, texts of passages and citations included, so
 * that an answer can be explained after its documents have changed. */
#ifndef RUNG_VARIANT_EVIDENCE_H
#define RUNG_VARIANT_EVIDENCE_H

#include "prompt/passages.h"
#include "retrieve/library.h"
#include "retrieve/quote.h"
#include "task/task.h"

struct citation {
	size_t passage;     /* of those shown, from 0 */
	enum quote_match match;
	size_t start, end;  /* bytes of the revision's text */
	const char *text;   /* those bytes */
};

struct evidence {
	const struct passage *passages; /* (n_passages) in the order in which they were shown */
	size_t n_passages;
	const bool *gold;   /* (n_passages) which are known to hold the answer; NULL: the example does not say */
	size_t n_gold;      /* documents, or passages, that are known to hold it, shown or not */
	const struct citation *citations;
	size_t n_citations;
	size_t failed;      /* quotes that stand in no passage that was shown */
	double similarity;  /* of the best passage to the question; NAN unknown */
};

/* Marks the passages that hold the item's answer, where it names a passage or documents. */
void evidence_mark_gold(struct evidence *e, const struct example *item, struct arena *arena);
/* The gold passages, each document's once, as a ranking's scores want it (stats/ranking.h): relevant (n_passages). */
void evidence_relevant(const struct evidence *e, bool *relevant);
/* Whether the name of a document is what an id in the examples means: the name, what follows its last '#', or its last '/'. */
bool evidence_names(const char *document, const char *id);

/* Locates a reply's quotes in the passages: where one stands most exactly, of equals in the passage that it names. A citation
 * without a quote stands for its whole passage when the reply had no place for quotes (`parsed` false). */
void evidence_cite(struct evidence *e, const struct cited_answer *reply, struct arena *arena);
/* For replies that were not asked to cite: the sentences of the passages in which the answer stands, the first of them. */
void evidence_support(struct evidence *e, const char *answer, struct arena *arena);

const char *evidence_json(const struct evidence *e, struct arena *arena);
/* Reads it back; false when it is none. */
bool evidence_read(const char *json, struct evidence *e, struct arena *arena);

#endif
