/* tfidf_index.c - inverted lists: for each term the texts that have it, so a query touches only its own terms. */
#include "retrieve/tfidf.h"

#include "base/arena.h"

struct posting {
	size_t text;
	double weight;
};

struct tfidf_index {
	struct tfidf *terms;
	size_t n;                 /* texts */
	size_t *starts;           /* (terms + 1) into postings */
	struct posting *postings; /* by term, then by text */
};

static void postings_fill(struct tfidf_index *x, const struct sparse_row *rows)
{
	size_t n_terms = tfidf_terms(x->terms);
	size_t *next = mem_zero(n_terms + 1, sizeof(*next));

	x->starts = mem_zero(n_terms + 1, sizeof(*x->starts));
	for (size_t i = 0; i < x->n; i++)
		for (size_t j = 0; j < rows[i].n; j++)
			x->starts[rows[i].entries[j].term + 1]++;
	for (size_t t = 0; t < n_terms; t++)
		x->starts[t + 1] += x->starts[t];
	memcpy(next, x->starts, n_terms * sizeof(*next));
	x->postings = mem_zero(x->starts[n_terms], sizeof(*x->postings));
	for (size_t i = 0; i < x->n; i++)
		for (size_t j = 0; j < rows[i].n; j++) {
			struct sparse_entry e = rows[i].entries[j];

			x->postings[next[e.term]++] = (struct posting){ i, (double)e.weight };
		}
	free(next);
}

struct tfidf_index *tfidf_index_new(const struct tfidf_options *options, const char *const *texts, size_t n)
{
	struct tfidf_index *x = mem_zero(1, sizeof(*x));
	struct sparse_row *rows = mem_zero(n, sizeof(*rows));

	x->terms = tfidf_fit(options, texts, n);
	x->n = n;
	for (size_t i = 0; i < n; i++)
		rows[i] = tfidf_vector(x->terms, texts[i]);
	postings_fill(x, rows);
	for (size_t i = 0; i < n; i++)
		free(rows[i].entries);
	free(rows);
	return x;
}

void tfidf_index_free(struct tfidf_index *x)
{
	if (!x)
		return;
	tfidf_free(x->terms);
	free(x->starts);
	free(x->postings);
	free(x);
}

size_t nearest_select(const double *scores, size_t n, size_t k, size_t skip, size_t *positions, double *similarities)
{
	size_t found = 0;

	/* An insertion into a short sorted list: k is a handful, and most scores fail the first comparison. */
	for (size_t i = 0; i < n; i++) {
		if (i == skip || k == 0 || (found == k && scores[i] <= similarities[k - 1]))
			continue;
		size_t at = found < k ? found++ : k - 1;

		for (; at > 0 && similarities[at - 1] < scores[i]; at--) {
			similarities[at] = similarities[at - 1];
			positions[at] = positions[at - 1];
		}
		similarities[at] = scores[i];
		positions[at] = i;
	}
	return found;
}

size_t tfidf_nearest(const struct tfidf_index *x, const char *text, size_t k, size_t skip, size_t *positions,
		     double *similarities)
{
	struct sparse_row query = tfidf_vector(x->terms, text);
	double *scores = mem_zero(x->n, sizeof(*scores));
	size_t found;

	for (size_t i = 0; i < query.n; i++) {
		struct sparse_entry e = query.entries[i];

		for (size_t p = x->starts[e.term]; p < x->starts[e.term + 1]; p++)
			scores[x->postings[p].text] += (double)e.weight * x->postings[p].weight;
	}
	found = nearest_select(scores, x->n, k, skip, positions, similarities);
	free(scores);
	free(query.entries);
	return found;
}
