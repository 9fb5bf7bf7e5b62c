/* show.h - one answer in full (`rung show`), and one question asked (`rung ask`). */
#ifndef RUNG_VARIANT_SHOW_H
#define RUNG_VARIANT_SHOW_H

#include "variant/variant.h"

/* Where to look: a variant of a stored run, and the folder of local models. */
struct show_place {
	struct store *store;
	int64_t run;
	const char *variant, *models;
	uint64_t scorer; /* whose grades the run has (variant/grading.h); 0: of nobody outside */
};

/* Appends what the variant was sent for the item, what came back, how it was read and scored. */
bool show_answer(const struct task *task, const struct show_place *place, const char *item, bool json, struct buf *out,
		 struct error *err);

/* One input that is in no examples file, and what was answered. */
struct asked {
	const char *input;    /* a JSON object with the columns that the input template names, or plain text when it names one column */
	const char *why;      /* it cannot be answered: a sentence; NULL: `answer` is there */
	struct answer answer;
	const struct variant *by; /* who answered */
	double probability;   /* of the label that was answered; NAN: not known */
	/* Who was asked before and was not sure enough (escalate.h), and what that took; NULL: nobody. */
	const struct variant *before;
	size_t before_input_tokens, before_output_tokens;
};
/* The columns of one: values (n_columns), "" where it has none. False and a sentence: it is no input of the task. */
bool ask_values(const struct task *task, const char *input, struct arena *arena, const char **values, struct error *err);
/* Answers n inputs together; everything lives in arena. False and a sentence when the variant as a whole cannot answer. */
bool ask_variant_all(struct workshop *w, const struct task *task, const struct variant *v, struct asked *asked, size_t n, struct arena *arena,
		     struct error *err);
bool ask_fits(const struct task *task, const char *input); /* whether it can be answered by that task, as `input` above says */
/* What an answer cites, as a JSON array of {document, start, end, match, text}; NULL where it stands on nothing. Lives in arena. */
const char *citations_text(const struct answer *answer, struct arena *arena);

/* Appends {"answer", "variant", "status", "probability", "citations", "ms"} of what was answered as one line of JSON; what does not apply is
 * absent. */
void asked_write(const struct task *task, const struct asked *asked, struct buf *out);

#endif
