/* What rung 3 can learn of labels: which pools are refused, with which sentence, and which labels are said to be without an example. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "variant/workshop.h"

enum { LABELS = 8, MOST = 8 };
static const struct label labels[LABELS] = { { .name = "a" }, { .name = "b" }, { .name = "c" }, { .name = "d" },
					    { .name = "e" }, { .name = "f" }, { .name = "g" }, { .name = "h" } };
static const struct tuning encoder_tuning = { .id = "encoder" }, reasons_tuning = { .id = "lora-reasons", .reasons = true };
static const struct variant encoder = { .id = "3/encoder", .tuning = &encoder_tuning },
			    lora = { .id = "3/lora@local", .model = "local", .tuning = &encoder_tuning },
			    reasoned = { .id = "3/lora-reasons@local", .model = "local", .tuning = &reasons_tuning };

/* pool: an example a word, the labels of each as letters; "-" has none. */
static const struct {
	const char *name, *pool;
	size_t n_labels;
	bool many;
	const struct variant *variant;
	const char *refused; /* a fragment; NULL: it can be trained */
	const char *unseen;  /* the labels in brackets; NULL: all have examples */
} rows[] = {
	{ "all labels", "a b c", 3, false, &encoder, NULL, NULL },
	{ "one label", "b b b", 3, false, &encoder, "the pool has examples of 1 label; training needs at least two", "(a, c)" },
	{ "one label, LoRA", "b b b", 3, false, &lora, "the pool has examples of 1 label; training needs at least two", "(a, c)" },
	{ "nothing", "", 2, false, &encoder, "the pool has 0 examples, fewer than the task has labels (2)", "(a, b)" },
	{ "fewer than labels", "a b", 3, false, &encoder, "the pool has 2 examples, fewer than the task has labels (3)", "(c)" },
	{ "fewer than labels, LoRA", "a", 3, false, &lora, "the pool has 1 example, fewer than the task has labels (3)", "(b, c)" },
	{ "reasons are not of labels", "a b", 3, false, &reasoned, NULL, "(c)" },
	{ "as many as labels", "a b b", 3, false, &encoder, NULL, "(c)" },
	{ "more than are named", "a a a b b b b b", 8, false, &encoder, NULL, "(c, d, e, f, g and 1 more)" },
	{ "sets that begin alike", "ab ac", 3, true, &encoder, NULL, NULL },
	{ "sets of one label", "a a -", 2, true, &encoder, NULL, "(b)" },
	{ "sets in few examples", "abc", 4, true, &encoder, NULL, "(d)" },
	{ "sets without labels", "- -", 2, true, &lora, "no example of the pool (2) has a label", "(a, b)" },
	{ "no labels at all", "- -", 0, false, &lora, NULL, NULL },
};

struct pool {
	struct example examples[MOST];
	const struct example *items[MOST];
	size_t sets[MOST][LABELS];
	size_t n;
};

static void fill(struct pool *p, const char *text)
{
	*p = (struct pool){ 0 };
	for (; *text; text += *text == ' ') {
		struct example *e = &p->examples[p->n];

		for (; *text && *text != ' '; text++)
			if (*text != '-')
				p->sets[p->n][e->n_labels++] = (size_t)(*text - 'a');
		e->labels = p->sets[p->n];
		e->label = e->n_labels ? e->labels[0] : 0;
		p->items[p->n++] = e;
	}
}

static void pools_that_cannot_be_learnt_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct task task = { .file = "task.yaml", .examples_file = "e.csv", .labels = labels, .n_labels = rows[i].n_labels,
				     .many = rows[i].many };
		struct workshop w = { .task = &task };
		struct error err = { .text = "" };
		struct pool p;

		arena_init(&w.arena);
		fill(&p, rows[i].pool);
		struct item_list list = { p.items, p.n };
		bool good = labels_learnable(&w, rows[i].variant, list, &err);
		const char *unseen = labels_unseen(&w, rows[i].variant, list);

		if (good != !rows[i].refused || (!good && !strstr(err.text, rows[i].refused)))
			fail_msg("%s: %s", rows[i].name, good ? "trained" : err.text);
		if (!good && !strstr(err.text, "e.csv"))
			fail_msg("%s: no remedy in %s", rows[i].name, err.text);
		if (!unseen != !rows[i].unseen || (unseen && !strstr(unseen, rows[i].unseen)))
			fail_msg("%s: %s", rows[i].name, unseen ? unseen : "no label is missed");
		if (unseen && !strstr(unseen, rows[i].variant->model ? "will seldom answer with" : "can never answer with"))
			fail_msg("%s: %s", rows[i].name, unseen);
		arena_release(&w.arena);
	}
}

static void curation_is_named(void **state)
{
	struct task task = { .file = "task.yaml", .examples_file = "e.csv", .labels = labels, .n_labels = 3 };
	const struct curated curated = { .hash = 1 };
	struct workshop w = { .task = &task, .curated = &curated };
	struct error err;

	(void)state;
	assert_false(labels_learnable(&w, &encoder, (struct item_list){ 0 }, &err));
	if (!strstr(err.text, "the pool as curation.csv leaves it has 0 examples"))
		fail_msg("%s", err.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pools_that_cannot_be_learnt_are_refused),
		cmocka_unit_test(curation_is_named),
	};

	return cmocka_run_group_tests_name("variant_learnable", tests, NULL, NULL);
}
