/* words.h - the sentences of a report, written once for its three readable forms.
 *
 * Every function appends whole sentences of plain text to out; names in them are cleaned (escape.h), the form that
 * shows them escapes the rest. They only phrase what the verdict says: nothing is decided here. */
#ifndef RUNG_REPORT_WORDS_H
#define RUNG_REPORT_WORDS_H

#include "base/buf.h"
#include "report/report.h"

void words_headline(struct buf *out, const struct report *r); /* the verdict as one short sentence */
void words_score(struct buf *out, const struct report *r);    /* the winner's score, its interval, the target */
void words_meaning(struct buf *out, const struct report *r);  /* what follows from the verdict */

/* Answers "should I fine-tune?": returns "Yes", "No" or "Not yet" and appends why. */
const char *words_fine_tune(struct buf *out, const struct report *r);

/* One comparison: who did better on how many items, the difference, and what that decides. */
void words_comparison(struct buf *out, const struct report *r, const struct comparison *c);
bool words_by_cost(const struct report *r); /* whether the winner took its place for its cost, not for its score */
/* For an unresolved one: what those labels cost, and are worth at most; or what is missing to say so. Begins with a space. */
void words_labels_worth(struct buf *out, const struct report *r, const struct comparison *c);
/* Adds that to the next step of an unresolved verdict. */
void words_next_step(struct report *r, struct arena *arena);
/* Whether the challenger pays for itself; nothing where costs do not count. */
void words_payback(struct buf *out, const struct report *r, const struct comparison *c);
/* For an unresolved one: the labels that would settle it. */
void words_labels_needed(struct buf *out, const struct comparison *c);

void words_examples(struct buf *out, const struct report *r); /* "500 examples: 250 pool, 100 dev, 150 test" */
void words_spent(struct buf *out, const struct report *r);    /* calls against the full grid, money, time */
void words_costs(struct buf *out, const struct report *r);   /* the winner over the horizon, and its rival; "" without traffic */
void words_prices(struct buf *out, const struct report *r);   /* where the money figures come from */

/* The knowledge probe's rows in one sentence, "" when nothing was probed; and what it points to, a sentence for each i. */
void words_probe(struct buf *out, const struct report *r);
bool words_diagnosis(struct buf *out, const struct report *r, size_t i);
/* Whether that finding shows nothing either way; and all of those in one sentence, "" where there are none. */
bool words_diagnosis_is_open(const struct report *r, size_t i);
void words_diagnosis_open(struct buf *out, const struct report *r);
/* What a variant that shows passages found and cited; nothing for others. */
void words_retrieval(struct buf *out, const struct report_variant *v);

/* Wordings that a model proposed: what became of number i, a sentence or two; false when there are no more. */
bool words_wording(struct buf *out, const struct report *r, size_t i);
/* The cascade that the task asks for, a sentence or two for each i; false when there are no more. */
bool words_cascade(struct buf *out, const struct report *r, size_t i);
/* What more labels would bring to a variant that learns from them, a sentence or two for each i. */
bool words_curve(struct buf *out, const struct report *r, size_t i);
/* The same of outcomes recorded elsewhere; what words.c hands over. */
void words_meaning_recorded(struct buf *out, const struct report *r);
void words_examples_recorded(struct buf *out, const struct report *r);
void words_spent_recorded(struct buf *out, const struct report *r);

/* What is lost and won by switching models: row i in one sentence to act on, and its other figures in a second one; false when there are
 * no more rows. And what the rows are, and their intervals; nothing without rows. */
bool words_switching(struct buf *out, const struct report *r, size_t i);
bool words_switching_figures(struct buf *out, const struct report *r, size_t i);
void words_switching_note(struct buf *out, const struct report *r);
const char *words_technique(const struct report_variant *v); /* its name, without its model's before it */
const char *words_switching_items(enum switch_split s, size_t n); /* "test items", "dev item", "recorded items" */

/* How the decision was made, one paragraph for each i; false when there are no more. */
bool words_rule(struct buf *out, const struct report *r, size_t i);

#endif
