/* sets.h - classify with many: true: how models are asked for several labels, and their replies read. Private to
 * src/variant. */
#ifndef RUNG_VARIANT_SETS_H
#define RUNG_VARIANT_SETS_H

#include "variant/workshop.h"

enum {
	SET_TOKENS = 100,         /* of a list of labels in running text */
	SET_SHOT_CHARACTERS = 800, /* of a shot's input: what decides a label may stand anywhere in it */
	DEFINITIONS_BYTES = 12000, /* of all names and definitions in a prompt: about 3,000 tokens */
	SCHEMA_LABELS = 500,      /* that a schema lists */
};

/* Bytes of the names and definitions as a prompt has them. */
size_t sets_definitions(const struct task *task);
/* The form in which labels are to be written. */
const char *sets_form(const struct technique *t);
/* The schema and tokens that structured output asks with. */
void sets_ask(struct workshop *w, struct arena *arena, struct model_request *r);
/* What a shot's example answers. */
const char *sets_shown(const struct example *shot);
/* The status of a reply; *text becomes the answer when it is "answered". */
const char *sets_read(const struct task *task, const struct call_row *call, struct arena *arena, const char **text);
/* The answer of the labels that are set in has (n_labels). */
const char *sets_text(const struct task *task, const bool *has, struct arena *arena);

#endif
