/* variant.h - a recipe that answers one input, and the only way an input becomes an answer.
 *
 * variants_list() writes down the recipes a task can try, rung by rung, from one table row a technique
 * (technique.c), one a classifier (tune/classifier.h), and the user's own. variant_answer() runs one on inputs; both
 * the climb and `rung ask` call it, so what was measured is what is served. Model calls are in the store before the
 * answers return; a call that the store has is not made again. */
#ifndef RUNG_VARIANT_VARIANT_H
#define RUNG_VARIANT_VARIANT_H

#include "model/model.h"
#include "store/store.h"
#include "task/task.h"
#include "base/buf.h"
#include "retrieve/library.h"
#include "tune/classifier.h"
#include "tune/curate.h"
#include "tune/finetune.h"

enum shots { SHOTS_NONE, SHOTS_FIXED, SHOTS_EMBEDDING, SHOTS_TFIDF };
enum answer_mode { ANSWER_TEXT, ANSWER_JSON, ANSWER_QUOTES, ANSWER_SCORES };
enum calibration { CALIBRATE_NONE, CALIBRATE_CONTEXTUAL, CALIBRATE_BATCH };

/* Which passages stand before the input: none; those a search finds; all documents, whole; and for the probes (eval/probe.h)
 * those that hold the answer, the same among others, and others alone. */
enum passages {
	PASSAGES_NONE, PASSAGES_RETRIEVED, PASSAGES_ALL, PASSAGES_GOLD, PASSAGES_DISTRACTED, PASSAGES_WITHOUT_GOLD,
};

/* A way of prompting. */
struct technique {
	const char *id, *name;
	enum passages passages;
	const struct search *search; /* how they are found; NULL for none and all */
	size_t reranks;   /* of what is found, so many stay, the best by the task's reranker; it needs one. 0: all stay, as they were found */
	bool weighs;      /* its fusion is the one that finds the pool's gold passages best; needs them in the task */
	bool rewrites;    /* the model first writes what the answer might be, and both are searched for */
	bool definitions; /* label definitions behind the instruction; needs them in the task */
	enum shots shots; /* examples from the pool, as turns before the input */
	bool reasoning;   /* chain of thought before the answer; under ANSWER_JSON as its first member */
	/* kind answer: text, or JSON with citations (prompt/passages.h); ANSWER_QUOTES: each quote is one of the passages' sentences,
	 * and the answer comes after them */
	enum answer_mode answer;
	enum calibration calibration;
	size_t samples;     /* replies for one answer, which is the one that most of them give; 0: one, greedy */
	double temperature; /* of the samples */
	const char *waits_for; /* id of its cheap form: it is raced only once that one has survived the first cut */
	bool every_wording; /* one variant for each wording of `instruction`; else the first wording only */
};
/* The ways of one kind of task, and those of many: true; their rung is 2 when they search, else 1. */
const struct technique *technique_all(enum task_kind kind, size_t *n);
const struct technique *technique_sets(size_t *n);
/* How the probes of a kind of task ask: closed book, oracle, distracted, without gold. NULL where there are none. */
const struct technique *technique_probes(enum task_kind kind, size_t *n);

/* A way of fine-tuning on the pool; the rows are in tunings.c. */
struct tuning {
	const char *id, *name;
	const struct technique *technique; /* how the tuned decoder is asked, in training and afterwards; NULL: an encoder */
	const struct technique *lesson;    /* how its prompts are made in training, where that differs (passages); else NULL */
	bool reasons;                      /* learns from examples that say what decides them, and from no others */
};
const struct tuning *tuning_all(const struct task *task, size_t *n);
/* LoRA that reasons first, as its teacher did (teach.h). No climb has it: nobody taught it. NULL: this kind of task does not reason in
 * running text. */
const struct tuning *tuning_reasons(const struct task *task);
/* The name of the versions that a climb trains: the task's, as far as it may be one. */
const char *tuning_registered_name(const struct task *task, struct arena *arena);

/* An answer without a language model (kind answer, rung 0): lookup.c. */
struct lookup;
struct outcomes_config;

/* The first `size` of the pool in the order of a seed, so that of one seed the small parts lie within the large ones. */
struct pool_part {
	size_t size;
	uint64_t seed;
};

struct variant {
	const char *id;    /* "1/few-shot@local", unique in a task */
	const char *name;  /* for people */
	const char *model; /* NULL: no language model */
	int rung;
	bool incumbent;
	const char *skipped; /* why it cannot be tried; NULL when it can */
	const struct tuning *tuning; /* the model (for an encoder, NULL) is fine-tuned on the pool first */
	const char *version; /* an encoder that was fine-tuned or taken in before, and is not now: "tuned:NAME:vN"; else NULL */
	/* Exactly one of the five is set; none for a tuned encoder. */
	const struct technique *technique;
	const struct lookup *lookup;
	const struct classifier_method *classifier;
	const struct task_variant *user;
	size_t wording;  /* of the task's instructions */
	const char *instruction; /* with a technique: what a model proposed in place of that wording (rewrite.h); NULL: nothing */
	const struct outcomes_config *recorded; /* task/outcomes.h; `model` is then what was recorded, and is not asked */
	struct pool_part part; /* of the pool that its nearest shots come from; size 0: all of it */
	uint64_t recipe; /* fingerprint of everything above and the task */
};

/* Model calls that one answer takes: 0 for classifiers, lookups and what was recorded. */
size_t variant_calls(const struct variant *v);

/* Whether an answer of it embeds its input, and whether it has passages put into order: calls of the task's models for those. */
bool variant_embeds(const struct variant *v);
bool variant_reranks(const struct variant *v);

/* Model calls that its calibration takes once, where its first dev items are not asked anyway; at most. */
size_t variant_prior_calls(const struct variant *v, size_t dev);

/* All variants in the order of their rungs; lives in arena. Whatever a model is asked that was fine-tuned for the task, here or at its
 * provider, stands on rung 3. models (n_models): the names to try, NULL for the task's. Of files of
 * recorded outcomes there are variants once the task has them open (outcomes_open()). */
const struct variant *variants_list(const struct task *task, struct arena *arena, const char *const *models,
				    size_t n_models, size_t *n);

/* Whether embedding: and rerank: name models that can be asked for that, and may be under the task's constraints. */
bool texts_check(const struct task *task, struct error *err);

/* Whether the user's own variants can be asked: their schemas are supported (docs/schema.md), and max_tokens leaves
 * room for an answer. Else false and a sentence naming the file and the JSON pointer, or the line of the task file. */
bool variants_check(const struct task *task, struct error *err);

/* What variants need to answer: indices over the pool, trained classifiers, loaded models. Built when first needed. */
struct workshop;
/* dev: in the order in which they are raced; batch calibration looks at the first of them (never at their labels) and the
 * threshold of abstention at the first of them and their answers, so that their calls are calls the race makes anyway.
 * library: NULL when the task has no documents. Borrows all its arguments. */
struct workshop *workshop_open(const struct task *task, struct dev_items dev, struct models *models,
			       struct library *library, struct store *store, int64_t run, uint64_t seed);
void workshop_free(struct workshop *w);
/* Looks at training, which is long, and may end it; NULL members: nobody. Borrowed. */
struct training_watch {
	void (*step)(void *context, const struct variant *v, const struct fit_step *step);
	bool (*stopped)(void *context);
	void (*notice)(void *context, const char *sentence); /* what the training that begins cannot teach */
	void *context;
	const struct finetune_settings *encoder, *lora; /* NULL: the defaults of a climb */
	const char *name;                               /* of what is registered; NULL: the task's */
	/* (n_taught) examples of a teacher's (teach.h): n_labelled that it labelled itself, beside the pool's; the others are the pool's
	 * with its reasons. */
	const struct example *const *taught;
	size_t n_taught, n_labelled;
	const char *teacher;                            /* the variant that did; NULL: none */
	const char *version;                            /* "tuned:NAME:vN", which answers in place of what would be trained; or NULL */
};
void workshop_watch(struct workshop *w, const struct training_watch *watch);
/* Counts what goes to providers, and may end it; NULL members: nobody. Borrowed. */
struct spending_watch {
	const char *(*stopped)(void *context); /* why nothing more is sent, a clause; NULL: it goes on */
	size_t (*left)(void *context); /* requests that a batch may have, by what such have cost so far */
	void (*attempted)(void *context, const struct attempt_row *attempt); /* as it is sent, and as it has ended */
	void *context;
};
void workshop_spending(struct workshop *w, const struct spending_watch *spending);
/* Has providers that take batches asked through them; waiting and lost may be NULL. Borrowed. */
struct batching {
	double poll_ms; /* how often a batch is looked at */
	void (*waiting)(void *context, const char *model, size_t done, size_t total);
	void (*lost)(void *context, const struct batch_row *batch); /* one that the provider may have, and whose name was never learnt */
	void *context;
};
void workshop_batching(struct workshop *w, const struct batching *batching);
/* Every request is asked anew for the so-manyth time (struct model_request); 0: what the store has is used. */
void workshop_repeat(struct workshop *w, size_t repeat);
/* Rung 3 learns from these items of the pool (tune/curate.h); nothing else looks at them. Borrowed. */
void workshop_curate(struct workshop *w, const struct curated *curated);
/* The variant's fine-tuned model, trained if it is not there: its name, "tuned:NAME:vN". Lives as long as the workshop. */
const char *workshop_train(struct workshop *w, const struct variant *v, struct error *err);
/* Examples that a version was trained on, `most` of them at most: not those held out, dropped by curation.csv, or left out. card: of a version
 * that workshop_train() found or made (an imported one has none). reader: of the decoder, where the card says that some were too long; else
 * NULL. Lives in arena. */
struct reader;
bool variant_taught(struct workshop *w, const struct variant *v, const json_t *card, const struct reader *reader, size_t most,
		    struct arena *arena, struct item_list *out, struct error *err);
/* What a version's card says of its base and of the order of its labels; the caller owns them. path: the decoder's file, or the encoder's
 * folder, whose licence is null where its files state none. */
json_t *card_base(const struct models *models, const struct variant *v, const char *path, const char *hash, struct arena *arena);
json_t *card_labels(const struct task *task);
/* Writes the mean of the scores (n) on the card of the variant's fine-tuned model; nothing where it has none. */
bool workshop_note(struct workshop *w, const struct variant *v, const char *split, const double *scores, size_t n, struct error *err);
/* Sees to it that scorer_grade() knows the answers (n; NULL: there is none) to these items: before they are scored, and before their rows
 * are stored. Nothing to do where the scorer is not outside (task/grades.h). The same item may stand there several times. */
bool workshop_grade(struct workshop *w, const struct example *const *items, const char *const *answers, size_t n, struct error *err);
/* What is asked from now on is that run's. */
void workshop_run(struct workshop *w, int64_t run);
/* Answers are served as that run measured them: its thresholds of abstention are read, not chosen anew. */
void workshop_serve(struct workshop *w, int64_t run);

/* From now on nothing that it is asked is kept in its store, nor looked for there: prompts of production are nobody's evidence. */
void workshop_keep_nothing(struct workshop *w);

struct answer {
	const char *text;   /* the answer: classify, a label of the task, or several (task/label_sets.h); NULL: none; "" of kind answer: it abstained */
	const char *status; /* "answered", "abstained", "unparsed", "refused", "truncated", "timeout", "error" */
	const struct evidence *evidence; /* what it stands on (evidence.h); NULL without passages */
	int64_t call;       /* row of the store; 0: no model was asked; the first of several */
	const int64_t *samples; /* (n_samples) all calls, when the answer took several; else NULL */
	size_t n_samples;
	double ms;
	size_t input_tokens, output_tokens;
	const double *scores; /* (n_labels) probabilities behind the answer, calibrated; NULL when there are none */
};

/* The probability of the label that was answered; NAN: there is none (no probabilities, many labels, no answer). */
double answer_confidence(const struct task *task, const struct answer *answer);

/* Answers n inputs; answers (n) live in arena. A model that fails on one input gives that answer a status; false only
 * when the variant as a whole cannot answer (no model, store full). */
bool variant_answer(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
		    struct arena *arena, struct answer *answers, struct error *err);

/* Asks, all at once, what variants of one model would ask for these items, so that variant_answer() finds it in the store; what needs an
 * earlier reply to be asked waits until then. For models that answer many requests at once. */
bool variant_prefetch(struct workshop *w, const struct variant *const *variants, size_t n_variants, const struct example *const *items,
		      size_t n, struct error *err);

/* The answer that one stored call holds, as variant_answer() reads it where the calls are samples that vote; NULL: none. Its passages,
 * where it shows any, are not looked at. Lives in arena. */
const char *variant_reply(const struct task *task, const struct variant *v, const struct call_row *call, struct arena *arena);

/* Loads what the variant needs (model, embeddings, chunks); false and the reason when it cannot answer at all. *unfit: a
 * sentence when it is not made for these documents (lives as long as the workshop), else NULL. */
bool variant_ready(struct workshop *w, const struct variant *v, const char **unfit, struct error *err);

/* The mean score on dev of a classifier variant, or of a tuned encoder that names labels, that learns from `size` examples of the pool,
 * drawn by seed, instead of all; NAN when they cannot be learnt from (one label only). No answer and no version is kept. False when the
 * embedding model or the training fails. */
bool variant_curve(struct workshop *w, const struct variant *v, size_t size, uint64_t seed, double *score, struct error *err);

/* What the training of the variant's model on all of the pool took, of its card; NAN: it was trained elsewhere. */
bool variant_training_seconds(struct workshop *w, const struct variant *v, double *seconds, struct error *err);

/* What variant_answer() would send for one input, as the JSON that the store keeps; "" where no model is asked. The search of
 * a variant that rewrites is for the input alone. */
bool variant_request(struct workshop *w, const struct variant *v, const struct example *item, struct buf *out,
		     struct error *err);

#endif
