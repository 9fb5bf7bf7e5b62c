/* lookup.h - answers to questions, extracted fields, sets of labels and written texts without a language model: one row a way;
 * on rung 0 without vectors too. Private to src/variant. */
#ifndef RUNG_VARIANT_LOOKUP_H
#define RUNG_VARIANT_LOOKUP_H

#include "variant/workshop.h"

struct lookup {
	enum task_kind kind;
	bool many;
	int rung;
	const char *id, *summary;
	const struct search *search; /* of the documents; NULL: it needs none */
	bool embeds;                 /* it needs the pool's vectors */
	bool (*answer)(struct workshop *w, const struct lookup *l, const struct example *item, struct arena *arena,
		       struct answer *answer, struct error *err);
};

const struct lookup *lookup_all(size_t *n);

/* The row of gazetteer.c: strings of the pool that stand in the input. */
bool gazetteer_answer(struct workshop *w, const struct lookup *l, const struct example *item, struct arena *arena,
		      struct answer *answer, struct error *err);
/* The rows of label_table.c: labels as a table that is searched, those above a similarity chosen on the pool. */
bool label_table_words(struct workshop *w, const struct lookup *l, const struct example *item, struct arena *arena,
		       struct answer *answer, struct error *err);
bool label_table_vectors(struct workshop *w, const struct lookup *l, const struct example *item, struct arena *arena,
			 struct answer *answer, struct error *err);
/* The pool example whose input is most similar (TF-IDF); NULL and a sentence on failure. */
const struct example *lookup_nearest(struct workshop *w, const struct example *item, struct arena *arena, struct error *err);

#endif
