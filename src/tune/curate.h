/* curate.h - what in the pool does more harm than good in fine-tuning, and what a person decided about it.
 *
 * curate_find() looks at every pool item: empty, nearly in dev (what `cascade:` set aside of it, too) or test, in conflict with its
 * twins, nearly an earlier item, suspected of a wrong label, too long. The findings go to a review file beside the store; its column `decision` is a person's
 * to change, and curate_apply() makes of it the items that rung 3 learns from. Dev and test are read for leakage alone, and
 * nothing but rung 3 looks at the file. */
#ifndef RUNG_TUNE_CURATE_H
#define RUNG_TUNE_CURATE_H

#include "base/buf.h"
#include "model/model.h"
#include "task/task.h"

#define CURATE_FILE "curation.csv" /* beside the store */

/* An item has the first that is true of it. */
enum curate_reason { CURATE_EMPTY, CURATE_LEAK, CURATE_CONFLICT, CURATE_DUPLICATE, CURATE_SUSPECT, CURATE_LONG, CURATE_REASONS };
enum curate_decision { CURATE_KEEP, CURATE_DROP, CURATE_RELABEL, CURATE_DECISIONS };
const char *curate_reason_name(enum curate_reason r);
const char *curate_decision_name(enum curate_decision d);
enum curate_decision curate_usual(enum curate_reason r); /* the decision where nobody made another */

/* Cosines from which two texts are near copies: of embeddings, or of TF-IDF word vectors. In banking77, pairs from .98 on are
 * nearly word for word ("How can I delete my account?", "How do I ...", 1 in 100 with another label) and from .95 on
 * paraphrases, of which a test is made too. */
#define CURATE_EMBEDDINGS_ALIKE 0.98
#define CURATE_WORDS_ALIKE 0.9

struct curate_finding {
	const struct example *item;    /* of the pool */
	enum curate_reason reason;
	double score;                  /* cosine; suspect: margin; long: tokens; empty: 0 */
	const char *near;              /* id of the item that it repeats or contradicts; NULL: none */
	size_t suggested;              /* label; SIZE_MAX: none */
	enum curate_decision decision;
};

struct curation {
	struct curate_finding *findings; /* by reason, then by falling score, then by line; at most one an item */
	size_t n, pool;
	size_t cut;      /* inputs that the encoder cuts, */
	size_t limit;    /* at so many tokens; 0: no encoder here */
	size_t too_long; /* prompts that training a decoder leaves out, being longer than TRAINED_TOKENS */
	const char *by;  /* what was compared: the embedding model's name, or "words" */
	const char *note; /* why embeddings or tokens of the decoder were not had; NULL: they were */
};

/* models NULL: no model is read, texts are compared by their words. folder and decoder: whose tokens are counted
 * (model/reader.h). Deterministic by seed. Everything lives in arena. False and a sentence when a model fails. */
struct curate_models {
	struct models *models;
	const char *folder, *decoder;
};
bool curate_find(const struct task *task, const struct curate_models *m, uint64_t seed, struct arena *arena, struct curation *out,
		 struct error *err);

/* Takes over what a person decided in the file at path, where there is one: decisions that are not the usual ones, of items
 * whose text is still the same. A file with a mistake is a sentence, so that nothing is lost. */
bool curate_merge(const struct task *task, const char *path, struct arena *arena, struct curation *c, struct error *err);
bool curate_write(const struct task *task, const struct curation *c, const char *path, struct error *err);

/* What rung 3 learns from: the pool without what the file at path drops, relabelled where it says so. */
struct curated {
	struct pool_items pool;
	const size_t *at; /* (pool) where each stands in the task's pool; NULL: where it stands here */
	size_t dropped[CURATE_REASONS], relabelled;
	uint64_t hash; /* of the decisions; 0: the pool as it is */
};
/* No file is no decision. Rows of items that are not in the pool have no effect. Lives in arena. */
bool curate_apply(const struct task *task, const char *path, struct arena *arena, struct curated *out, struct error *err);
/* How many of the pool's items the file at path suspects of a wrong label, whatever was decided about them; 0 without a file. */
bool curate_suspects(const struct task *task, const char *path, struct arena *arena, size_t *n, struct error *err);

/* path: where the review file is, for the reader. */
void curate_text(const struct task *task, const struct curation *c, const char *path, struct buf *out);
void curate_json(const struct task *task, const struct curation *c, const char *path, struct buf *out);

#endif
