/* tfidf.h - sparse vectors of words or character n-grams, and the nearest neighbours among them.
 *
 * Weights: tf * (ln((1 + n) / (1 + df)) + 1), rows of unit length: the "smooth idf" of scikit-learn, which the tests
 * take as reference. Words are runs of two or more letters, digits or "_", lower case; n-grams over them are joined by
 * a space. Characters: n-grams inside words padded with a space at each end ("char_wb"); a padded word that is no
 * longer than n gives itself once. Unlike Python's \w, a combining mark belongs to its letter, so that Devanagari or
 * decomposed accents stay whole words.
 *
 * Everything here is deterministic, and a fitted object may be read by many threads at once. Splitting documents into
 * passages, embeddings and hybrid ranking live elsewhere in this folder. */
#ifndef RUNG_RETRIEVE_TFIDF_H
#define RUNG_RETRIEVE_TFIDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tfidf_unit { TFIDF_WORDS, TFIDF_CHARACTERS };

struct tfidf_options {
	enum tfidf_unit unit;
	size_t shortest, longest; /* n-gram lengths; 0 means 1 */
	bool sublinear;           /* 1 + ln(tf) in place of tf */
	bool counts;              /* plain counts, no idf, no norm (naive Bayes) */
	size_t min_documents;     /* terms in fewer documents are left out; 0 and 1 keep all */
};

struct sparse_entry {
	uint32_t term;
	float weight;
};
struct sparse_row {
	struct sparse_entry *entries; /* by rising term; NULL when n is 0 */
	size_t n;
};

/* Sum of products over the terms both rows have. */
double sparse_dot(struct sparse_row a, struct sparse_row b);

struct tfidf;

/* Learns terms and document frequencies from the n texts (UTF-8). Copies what it needs; the caller frees it. */
struct tfidf *tfidf_fit(const struct tfidf_options *options, const char *const *texts, size_t n);
void tfidf_free(struct tfidf *t);
size_t tfidf_terms(const struct tfidf *t);
/* The n-gram's number, below tfidf_terms(), or SIZE_MAX when it was not learnt. Terms are numbered as first seen. */
size_t tfidf_term(const struct tfidf *t, const char *gram);
/* The text as a vector over the learnt terms; unknown ones are left out. The caller frees row.entries. */
struct sparse_row tfidf_vector(const struct tfidf *t, const char *text);

/* A fitted set of texts to search, as inverted lists. */
struct tfidf_index;
struct tfidf_index *tfidf_index_new(const struct tfidf_options *options, const char *const *texts, size_t n);
void tfidf_index_free(struct tfidf_index *x);
/* Positions of the k most similar texts, best first (ties: lower position), similarities beside them; returns how many:
 * k or all there are. A text that shares no term has similarity 0 and comes last. skip: a position never returned (an
 * item must not be its own neighbour), or SIZE_MAX. positions and similarities are (k). */
size_t tfidf_nearest(const struct tfidf_index *x, const char *text, size_t k, size_t skip, size_t *positions,
		     double *similarities);

/* The same choice over scores computed elsewhere, scores (n); shared with the search by embeddings. */
size_t nearest_select(const double *scores, size_t n, size_t k, size_t skip, size_t *positions, double *similarities);

#endif
