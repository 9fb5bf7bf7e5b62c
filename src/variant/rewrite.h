/* rewrite.h - a model reads what another one answered wrongly, and words its instruction anew.
 *
 * What it is asked and what it proposes are looked at here; who is asked about which items, and which wording is kept, is eval/rewrite.h's
 * matter. A wording that cannot be shown, or that carries what it was shown into the prompt, is dropped with the reason. After Zhou et al.
 * 2022 (APE, arXiv 2211.01910: a model proposes, scores select) and Pryzant et al. 2023 (ProTeGi, arXiv 2305.03495: proposals from
 * failures). */
#ifndef RUNG_VARIANT_REWRITE_H
#define RUNG_VARIANT_REWRITE_H

#include "variant/variant.h"

enum {
	REWRITE_INPUT = 1000,      /* characters of an input, and of an answer, that are shown */
	REWRITE_BYTES = 16000,     /* of all that is shown of items */
	REWRITE_CHARACTERS = 1500, /* of a wording, or twice the longest of the task's */
	REWRITE_ROOM = 4000,       /* tokens in which a provider's model may think before it writes */
	REWRITE_QUOTED = 40,       /* normalised characters in a row that stand in an item: a quotation */
	REWRITE_WHOLE = 12,        /* normalised characters from which a whole input or answer is one */
};

/* An item, what was said of it, and whether that was right. */
struct rewrite_case {
	const struct example *item;
	const char *answer; /* as it was read; NULL: nothing could be, */
	const char *reply;  /* and this is what the model wrote; NULL: nothing */
	const char *status; /* of the answer (struct answer_row) */
	bool right;
};

struct rewrite_question {
	const struct variant *base;
	const struct rewrite_case *cases;
	size_t n_cases;
	const char *const *known; /* (n_known) wordings that were tried: base's own first, the task's, earlier proposals */
	size_t n_known, wordings; /* so many are wanted */
};

struct rewrite_proposal {
	const char *text;
	const char *why; /* it was dropped: a clause; NULL: it can be raced */
};
struct rewrite_reply {
	int64_t call;
	struct rewrite_proposal *proposals; /* (n) */
	size_t n;
	const char *why; /* no proposals could be read: a clause; else NULL */
};

/* Characters that a wording of the task may have. */
size_t rewrite_most(const struct task *task);
/* The wording that the variant has. */
const char *variant_instruction(const struct task *task, const struct variant *v);

/* Asks the model, through the store; the seed is the workshop's. What it proposes is compared with the items of `dev`, none of which it may
 * quote. False when it could not be asked. Everything lives in arena. */
bool rewrite_ask(struct workshop *w, const char *model, const struct rewrite_question *q, struct dev_items dev, struct arena *arena,
		 struct rewrite_reply *out, struct error *err);
/* The request's text, and what a reply (NULL: none came) proposes. */
const char *rewrite_prompt(const struct task *task, const struct rewrite_question *q, struct arena *arena);
void rewrite_read(const struct task *task, const struct rewrite_question *q, struct dev_items dev, const char *reply, struct arena *arena,
		  struct rewrite_reply *out);

/* base with another instruction, the number-th of the run, proposed by that model: "1/zero-shot-rewritten-2@local". Lives in arena;
 * borrows the text. */
struct variant variant_rewritten(const struct task *task, const struct variant *base, size_t number, const char *author, const char *text,
				 struct arena *arena);

#endif
