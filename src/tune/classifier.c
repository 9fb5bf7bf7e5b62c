/* classifier.c - the table of methods, and the way from a task's labels to an engine's classes and back. */
#include "tune/classifier.h"

#include "base/arena.h"
#include "tune/engine.h"

struct classifier {
	const struct classifier_method *method;
	void *model;
	size_t n_labels, n_classes;
	size_t *labels; /* (n_classes) the label of each class */
	struct buf note;
};

static const struct classifier_method methods[] = {
	{ "majority", "always the most frequent label", 0, false, &majority_engine },
	{ "naive-bayes", "naive Bayes on words and word pairs", 0, false, &bayes_engine },
	{ "tfidf-words", "logistic regression on TF-IDF of words and word pairs", 0, false, &words_engine },
	{ "tfidf-characters", "logistic regression on TF-IDF of 2 to 5 characters", 0, false, &characters_engine },
	{ "tfidf-nearest", "vote of the nearest examples by TF-IDF", 0, false, &nearest_texts_engine },
	{ "embedding-head", "logistic regression on embeddings", 3, true, &head_engine },
	{ "embedding-nearest", "vote of the nearest examples by embedding", 3, true, &nearest_vectors_engine },
};

static const struct classifier_method set_methods[] = {
	{ "frequency", "always the most frequent labels", 0, false, &frequency_engine },
	{ "tfidf-words", "a logistic regression for each label on TF-IDF of words", 0, false, &words_heads_engine },
	{ "tfidf-nearest", "vote of the nearest examples' labels by TF-IDF", 0, false, &nearest_texts_sets_engine },
	{ "embedding-head", "a logistic regression for each label on embeddings", 3, true, &vectors_heads_engine },
	{ "embedding-nearest", "vote of the nearest examples' labels by embedding", 3, true, &nearest_vectors_sets_engine },
};

const struct classifier_method *classifier_set_methods(size_t *n)
{
	*n = sizeof(set_methods) / sizeof(set_methods[0]);
	return set_methods;
}

const struct classifier_method *classifier_methods(size_t *n)
{
	*n = sizeof(methods) / sizeof(methods[0]);
	return methods;
}

const struct classifier_method *classifier_method_find(const char *id)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(methods[i].id, id) == 0)
			return &methods[i];
	return NULL;
}

struct sparse_row *rows_new(const struct tfidf *t, const char *const *texts, size_t n)
{
	struct sparse_row *rows = mem_zero(n, sizeof(*rows));

	for (size_t i = 0; i < n; i++)
		rows[i] = tfidf_vector(t, texts[i]);
	return rows;
}

void rows_free(struct sparse_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(rows[i].entries);
	free(rows);
}

/* The labels of an item: one, or with many: true any number. */
static const size_t *labels_of(const struct task *task, const struct example *e, size_t *n)
{
	*n = task->many ? e->n_labels : 1;
	return task->many ? e->labels : &e->label;
}

/* Numbers the labels that occur, in the order of the task; class_of (n_labels) is filled for those. */
static void number_classes(struct classifier *c, const struct task *task, struct item_list items, size_t *class_of)
{
	bool *occurs = mem_zero(c->n_labels, sizeof(*occurs));

	c->labels = mem_zero(c->n_labels, sizeof(*c->labels));
	for (size_t i = 0; i < items.n; i++) {
		size_t n;
		const size_t *labels = labels_of(task, items.items[i], &n);

		for (size_t k = 0; k < n; k++)
			occurs[labels[k]] = true;
	}
	for (size_t label = 0; label < c->n_labels; label++)
		if (occurs[label]) {
			class_of[label] = c->n_classes;
			c->labels[c->n_classes++] = label;
		}
	free(occurs);
}

/* The classes of all items, one item's behind the other's; freed by lesson_release(). */
static const struct class_sets *sets_new(struct item_list items, const size_t *class_of)
{
	struct class_sets *s = mem_zero(1, sizeof(*s));
	size_t *starts = mem_zero(items.n + 1, sizeof(*starts)), *classes, n = 0;

	for (size_t i = 0; i < items.n; i++)
		starts[i + 1] = starts[i] + items.items[i]->n_labels;
	classes = mem_zero(starts[items.n] + 1, sizeof(*classes));
	for (size_t i = 0; i < items.n; i++)
		for (size_t k = 0; k < items.items[i]->n_labels; k++)
			classes[n++] = class_of[items.items[i]->labels[k]];
	*s = (struct class_sets){ starts, classes };
	return s;
}

/* Everything the engine needs beside what the caller gave; lesson_release() frees it. */
static void lesson_init(struct lesson *l, const struct task *task, struct item_list items, const size_t *class_of,
			size_t n_classes)
{
	size_t *classes = mem_zero(items.n, sizeof(*classes)), *groups = mem_zero(items.n, sizeof(*groups));
	double *priors = mem_zero(n_classes, sizeof(*priors));

	for (size_t i = 0; i < items.n; i++) {
		size_t n;
		const size_t *labels = labels_of(task, items.items[i], &n);

		classes[i] = n > 0 ? class_of[labels[0]] : 0;
		groups[i] = items.items[i]->group;
		for (size_t k = 0; k < n; k++)
			priors[class_of[labels[k]]] += 1.0 / (double)items.n;
	}
	*l = (struct lesson){ .n = items.n, .n_classes = n_classes };
	l->classes = classes;
	l->groups = groups;
	l->priors = priors;
	l->sets = task->many ? sets_new(items, class_of) : NULL;
}

static void lesson_release(struct lesson *l)
{
	free((void *)l->classes);
	free((void *)l->groups);
	free((void *)l->priors);
	if (l->sets) {
		free((void *)l->sets->starts);
		free((void *)l->sets->classes);
		free((void *)l->sets);
	}
}

static bool learnable(const struct classifier *c, const struct task *task, size_t n, struct error *err)
{
	if (c->n_classes >= 2 || (task->many && c->n_classes == 1))
		return true;
	if (n == 0)
		return error_set(err, "%s: the pool is empty, so %s has nothing to learn from; "
				 "add labelled examples to %s", task->file, c->method->id, task->examples_file);
	if (task->many)
		return error_set(err, "%s: no example of the pool (%zu) has a label, so %s has nothing to learn; add labelled "
				 "examples to %s", task->file, n, c->method->id, task->examples_file);
	return error_set(err, "%s: every example of the pool (%zu) has the label \"%s\", so %s has nothing to tell "
			 "apart; add examples of other labels to %s", task->file, n,
			 task->labels[c->labels[0]].name, c->method->id, task->examples_file);
}

struct classifier *classifier_train(const struct classifier_method *method, const struct task *task,
				    const struct classifier_lessons *lessons, uint64_t seed, struct error *err)
{
	struct item_list items = lessons->items.list;
	struct classifier *c = mem_zero(1, sizeof(*c));
	size_t *class_of = mem_zero(task->n_labels, sizeof(*class_of));
	struct lesson l;

	c->method = method;
	c->n_labels = task->n_labels;
	number_classes(c, task, items, class_of);
	if (!learnable(c, task, items.n, err)) {
		free(class_of);
		classifier_free(c);
		return NULL;
	}
	lesson_init(&l, task, items, class_of, c->n_classes);
	l.texts = lessons->texts;
	l.vectors = lessons->vectors;
	l.width = lessons->width;
	l.seed = seed;
	l.threads = lessons->threads;
	buf_addf(&c->note, "%s: ", method->summary);
	c->model = method->engine->train(&l, &c->note);
	buf_addc(&c->note, '.');
	lesson_release(&l);
	free(class_of);
	return c;
}

void classifier_free(struct classifier *c)
{
	if (!c)
		return;
	if (c->model)
		c->method->engine->free(c->model);
	buf_release(&c->note);
	free(c->labels);
	free(c);
}

void classifier_predict(const struct classifier *c, const char *text, const float *vector, double *out)
{
	c->method->engine->predict(c->model, text, vector, out);
	/* From classes to labels, in place from the end: a class never stands behind its label. */
	for (size_t label = c->n_labels, k = c->n_classes; label-- > 0;) {
		bool occurs = k > 0 && c->labels[k - 1] == label;

		out[label] = occurs ? out[--k] : 0.0;
	}
}

double classifier_threshold(const struct classifier *c)
{
	return c->method->engine->threshold(c->model);
}

const char *classifier_note(const struct classifier *c)
{
	return buf_text(&c->note);
}
