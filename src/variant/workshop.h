/* workshop.h - what variants share while they answer: pool texts and vectors, shot indices, trained classifiers, priors.
 * Private to src/variant. Everything is built from the pool, except the priors of batch calibration, which come from
 * the first dev inputs without their labels. */
#ifndef RUNG_VARIANT_WORKSHOP_H
#define RUNG_VARIANT_WORKSHOP_H

#include "base/hash.h"
#include "retrieve/tfidf.h"
#include "task/template.h"
#include "variant/evidence.h"
#include "variant/grading.h"
#include "tune/finetune.h"
#include "variant/variant.h"

enum {
	KNN_SHOTS = 4,    /* neighbours shown, the most similar last */
	SHOT_CHARACTERS = 200, /* of a shot's input: its beginning tells the case, and four whole ones cost too much */
	PRIOR_ITEMS = 30, /* dev inputs behind a batch-calibration prior */
	REASONING_TOKENS = 96,
	REASON_CHARACTERS = 300, /* of a reason inside JSON: those tokens, about */
	LABEL_TOKENS = 16,
	ANSWER_TOKENS = 48,      /* kind answer, in running text */
	CITED_TOKENS = 224,      /* the same as JSON with citations */
	QUOTES_TOKENS = 900,     /* the same with quotes to choose from: as many as the bytes of two, and an answer */
	CHOICE_BYTES = 240,      /* of such a quote */
	GUESS_TOKENS = 48,       /* of what is searched for beside a question */
	JSON_TOKENS = 256,       /* of a user's variant with a schema, or of kind extract */
	EXTRACT_ROOM = 64,       /* kinds extract and generate: beyond the bytes of the pool's longest answer */
};

struct trained {
	const struct classifier_method *method;
	struct classifier *classifier;
	struct trained *next;
};

struct threshold {
	const char *variant;
	double value;
	struct threshold *next;
};

/* A search with the fusion that was chosen for it. */
struct weighed {
	const struct search *base;
	struct search search;
	struct weighed *next;
};

/* A fine-tuned model that is there. */
struct tuned_model {
	const char *variant;
	const char *name;              /* "tuned:NAME:vN" */
	struct tuned_encoder *encoder; /* one of the two; NULL and NULL: a decoder, which models_open() knows by name */
	struct tuned_tagger *tagger;   /* of a task with a schema */
	double threshold;              /* many: labels at or above this probability are the answer */
	struct tuned_model *next;
};

struct prior {
	const char *variant;
	const double *probability; /* (n_labels) */
	struct prior *next;
};

/* What the store has of a model's server. */
struct known_server {
	struct model *model;
	unsigned lacks, known;
	struct known_server *next;
};

struct grader;
void grader_free(struct grader *g); /* ends the user's program; harmless for NULL */

struct workshop {
	const struct task *task;
	struct dev_items dev;
	struct models *models;
	struct store *store;
	int64_t run; /* 0: answers are not part of a run */
	int64_t served; /* the run whose choices are kept to; 0: none */
	uint64_t seed;
	size_t repeat; /* of all requests */
	struct arena arena;
	struct template *input;
	struct library *library; /* NULL: no documents */
	struct hash_map document_names; /* by name, by what follows the last '#', and the last '/'; values index documents */
	struct document_row *documents; /* (n_documents) without texts; NULL until needed */
	size_t n_documents;
	const char **pool_texts; /* (pool) values of the placeholders; NULL until needed */
	float *pool_vectors;     /* (pool, width), unit length; NULL until needed */
	float *dev_vectors;      /* (dev, width); NULL until needed (curve.c) */
	size_t width;
	struct tfidf_index *tfidf; /* over pool_texts, for shots */
	struct label_table *label_words, *label_vectors; /* NULL until needed (label_table.c) */
	struct gazetteer *gazetteer; /* of the pool's answers; NULL until needed (gazetteer.c) */
	struct tagging *tagging; /* of the task's schema; NULL until needed (tagger.c) */
	size_t longest_answer;   /* of the pool, in bytes; 0 until needed */
	struct trained *trained;
	struct prior *priors;
	struct threshold *thresholds;
	struct weighed *weighed;
	struct tuned_model *tuned;
	struct known_server *servers; /* of the models that were asked */
	struct hash_map seen; /* request hashes of calls that this process made, or found once */
	const struct spending_watch *spending; /* NULL: nobody counts */
	const struct batching *batching; /* NULL: requests are asked at once */
	struct model_asker asker; /* of embeddings and orders: the workshop, through its store */
	const struct model_asker *asked_before; /* who it was before this one was opened */
	struct grader *grader;   /* of a scorer outside; NULL until needed */
	const struct training_watch *watch; /* NULL: nobody looks at training */
	const struct curated *curated; /* NULL: rung 3 learns from the whole pool */
};

const char *workshop_text(struct workshop *w, struct arena *arena, const struct example *item);
const char *const *workshop_pool_texts(struct workshop *w);
bool workshop_vectors(struct workshop *w, struct error *err); /* pool_vectors are there */
/* Those that the method learns from: order (size) numbers workshop_lessons() of its rung; NULL: the first ones. The pool's vectors are there
 * where it embeds. Lives in arena. */
struct classifier_lessons workshop_part(struct workshop *w, const struct classifier_method *method, const size_t *order, size_t size,
					struct arena *arena);
/* The classifier of that method, trained at first use. */
struct classifier *workshop_classifier(struct workshop *w, const struct classifier_method *method, struct error *err);
/* The variant's fine-tuned model, found in the registry or trained now; NULL and a sentence on failure. (tuned.c) */
const struct tuned_model *workshop_tuned(struct workshop *w, const struct variant *v, struct error *err);
void workshop_free_tuned(struct workshop *w);
/* The encoder of a variant that names labels, trained on these examples of the pool alone; it is no version, and the caller frees it. */
bool tuned_part(struct workshop *w, const struct variant *v, struct item_list items, struct tuned_encoder **out, double *threshold,
		struct error *err);
/* What rung 3 can learn of a task's labels; kinds without labels have nothing to fear. (learnable.c)
 * Whether the examples have two labels, or of sets one: fewer leave nothing to tell apart. */
bool labels_tell_apart(const struct task *task, struct item_list items);
/* Whether the variant can be trained on them: there are labels to tell apart, and no fewer examples than labels. Else a sentence. */
bool labels_learnable(const struct workshop *w, const struct variant *v, struct item_list items, struct error *err);
/* The sentence about labels that no example has; NULL: there are none. Lives in the workshop. */
const char *labels_unseen(struct workshop *w, const struct variant *v, struct item_list items);
/* Whether it is only measured once somebody asked for its training: a decoder that names labels, in a climb. */
bool tuning_waits(const struct workshop *w, const struct variant *v);
/* What a variant of that rung learns from: the pool; on rung 3 as curation.csv leaves it. */
struct item_list workshop_lessons(const struct workshop *w, int rung);
/* The examples (n) as the variant's decoder is trained on them; everything lives in arena. The documents it searches were made
 * ready. (lesson.c) */
bool workshop_prompts(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
		      struct arena *arena, struct finetune_prompts *out, struct error *err);
/* The name of the model that answers: the variant's own, or what was trained from it. */
const char *workshop_model(struct workshop *w, const struct variant *v, struct error *err);
/* Positions in the pool of the shots for one input, in the order in which they are shown; lives in arena. part: what the nearest ones are
 * chosen from. */
bool workshop_shots(struct workshop *w, enum shots kind, struct pool_part part, const struct example *item, struct arena *arena,
		    size_t **positions, size_t *n, struct error *err);
/* The pool's positions in the order of a seed; order (pool). (curve.c) */
void pool_order(const struct workshop *w, uint64_t seed, size_t *order);

/* The passages that the technique shows before an input, as evidence without citations; lives in arena. Nothing for a technique
 * that shows none. query: what is searched for. What it searches was made ready by workshop_documents(). (shown.c) */
bool workshop_shown(struct workshop *w, const struct technique *t, const struct example *item, const char *query,
		    struct arena *arena, struct evidence *shown, struct error *err);
/* Makes ready what the technique searches: the library's collection of its cutting, complete. *unfit: why it is not made for
 * these documents, else NULL. */
bool workshop_documents(struct workshop *w, const struct technique *t, const char **unfit, struct error *err);
/* How the technique searches: its own way, or with the fusion chosen on the pool's gold passages. NULL on failure. (fusion.c) */
const struct search *workshop_search(struct workshop *w, const struct technique *t, struct error *err);
/* The prior that divides a calibrated variant's probabilities; NULL and a sentence when it cannot be had. */
const double *calibration_prior(struct workshop *w, const struct variant *v, struct error *err);

/* The label that is most likely, or (many) all that are likely enough; p (n_labels). (answer.c) */
const char *classified(const struct task *task, double threshold, const double *p, struct arena *arena);
/* What a call that came back says: the status of an answer, and its text where there is one; what it cites goes to e. (answer.c) */
const char *answer_read(const struct task *task, const struct variant *v, const struct call_row *call, struct arena *arena,
			struct evidence *e, const char **text);
/* The answers of a variant that was recorded. (replayed.c) */
bool replayed_answers(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n, struct arena *arena,
		      struct answer *answers, struct error *err);
/* variant_answer() without the threshold of abstention. */
bool variant_answer_anyway(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
			   struct arena *arena, struct answer *answers, struct error *err);
/* The similarity below which a variant that searches does better to abstain (kind answer): the one that scores best on the
 * first dev items. -INFINITY when it does not search, or none of them is without an answer. (threshold.c) */
bool abstention_threshold(struct workshop *w, const struct variant *v, double *threshold, struct error *err);

/* The request for one input, and the passages in it, found by the query; messages and texts live in arena. */
bool request_build(struct workshop *w, const struct variant *v, const struct example *item, const char *query,
		   struct arena *arena, struct model_request *request, struct evidence *shown, struct error *err);
/* The form in which a technique has answers written, as the prompt says it behind the instruction; NULL: it says nothing. */
const char *request_form(const struct task *task, const struct technique *t, struct arena *arena);
/* What the example's answer looks like in a reply: shown in shots, and what training has the model write. */
const char *request_completion(const struct task *task, const struct technique *t, const struct example *example, struct arena *arena);
/* Asks for a passage that might answer the input: what is searched for beside it (Wang et al. 2023, arXiv 2303.07678). */
struct model_request request_guess(struct workshop *w, const struct example *item, struct arena *arena);
void gazetteer_free(struct gazetteer *g);
/* What a tagger learns of the task's schema; and its answers (n): what it says, and of the most similar pool example what must be
 * there and was not said. (tagger.c) */
const struct tagging *workshop_tagging(struct workshop *w);
bool tagger_answers(struct workshop *w, struct tuned_tagger *t, const struct example *const *items, size_t n, struct arena *arena,
		    struct answer *answers, struct error *err);
void label_table_free(struct label_table *t);
/* Answers under the task's schema (extract.c): the form in which the answer is to be written, and the schema and tokens that a technique asks
 * with; and the object that a reply holds, as the task writes it, or NULL. */
const char *extract_form(const struct task *task, const struct technique *t, struct arena *arena);
void extract_ask(struct workshop *w, const struct technique *t, struct arena *arena, struct model_request *r);
const char *extract_read(const struct task *task, const struct technique *t, const char *reply, struct arena *arena);
/* kind generate without a schema (generate.c): the form; what a technique asks with, in running text or under the task's pattern,
 * and how a shot's answer is then written; the tokens of an answer; and the text that a reply holds (of an object where there is
 * a schema), or NULL. */
const char *generate_form(const struct technique *t);
void generate_ask_text(const struct task *task, const struct technique *t, struct arena *arena, struct model_request *r);
void generate_ask_json(const struct task *task, struct arena *arena, struct model_request *r);
const char *generate_shown_json(const struct example *shot, struct arena *arena);
size_t generate_tokens(const struct task *task);
const char *generate_read(const struct task *task, const struct variant *v, const char *reply, struct arena *arena);
/* What a user's variant may write. */
size_t user_tokens(const struct task *task, const struct task_variant *u);
/* The seed of an input's sample: the run's seed, the item and the number decide. 32 bits: every engine takes those. */
uint64_t request_seed(const struct workshop *w, const struct example *item, size_t sample);
/* A template of the task, compiled when it was opened, for one item; lives in arena. */
const char *request_rendered(struct workshop *w, struct arena *arena, const char *text, const struct example *item);

/* Of variant_calls(), the last ones, which reply to the input itself. */
size_t variant_replies(const struct variant *v);
/* Asks the model the requests (n) that the store lacks and stores each reply as it comes; of two that are alike one is sent. Those of a local
 * model differ in nothing but messages, schema and seed. calls (n), whose texts live in arena. */
bool calls_ask(struct workshop *w, const char *model, const struct model_request *requests, size_t n, struct arena *arena,
	       struct call_row *calls, struct error *err);
/* calls_ask() as the asker of a struct models: who is its context. */
bool calls_ask_texts(void *context, const char *model, const struct model_request *requests, size_t n, struct arena *arena, const char **texts,
		     struct error *err);
/* Whether the call of that hash was made by this process or found before; from now on it was. */
bool calls_seen(struct workshop *w, uint64_t request_hash);
/* Asks the model for n inputs, through the store. calls (n, variant_calls(v)) live in arena; scores are decoded into
 * `scores` (n, n_labels) when the variant scores labels (else it may be NULL); shown (n) are the passages of each. */
bool calls_make(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
		struct arena *arena, struct call_row *calls, double *scores, struct evidence *shown, struct error *err);

#endif
