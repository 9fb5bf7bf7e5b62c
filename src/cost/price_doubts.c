/* price_doubts.c - what a reader should know before he trusts a price. */
#include <math.h>
#include <stdlib.h>

#include "cost/price_inner.h"

static const char *const field_names[PRICE_FIELDS] = {
	"input price", "output price", "price of cached input", "price of writing to the cache", "batch price of input",
	"batch price of output",
};

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of the table's prices of that field; NAN without any. */
static double median_of(const struct price_table *t, enum price_field field)
{
	double *prices = mem_zero(t->n + 1, sizeof(*prices));
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->models[i].cells[field].usd_per_mtok > 0)
			prices[n++] = t->models[i].cells[field].usd_per_mtok;
	qsort(prices, n, sizeof(*prices), compare_doubles);
	double median = n ? prices[n / 2] : NAN;

	free(prices);
	return median;
}

struct doubting {
	const struct price_table *t;
	const struct price_model *m;
	struct arena *arena;
	const char **sentences;
	size_t n;
};

static void doubt_refused(struct doubting *d, enum price_field f)
{
	const struct price_cell *c = &d->m->cells[f];

	if (!isnan(c->refused))
		d->sentences[d->n++] = arena_printf(d->arena, "The %s of %s is %g in %s, which is no price; it counts as unknown.",
						    field_names[f], d->m->name, c->refused, c->source);
}

static void doubt_size(struct doubting *d, enum price_field f)
{
	const double far = 1000;
	double price = d->m->cells[f].usd_per_mtok, median = median_of(d->t, f);

	if (price > 0 && (price > far * median || price * far < median))
		d->sentences[d->n++] = arena_printf(d->arena, "The %s of %s, $%g per million tokens, is over %.0f times %s the table's "
						    "median, $%g; look it up before you rely on it.", field_names[f], d->m->name, price, far,
						    price > median ? "above" : "below", median);
}

/* One sentence for all of a model's cells: of its oldest one. */
static void doubt_age(struct doubting *d, const char *today)
{
	const long old = 180;
	long now, then, oldest = 0;
	const struct price_cell *of = NULL;

	if (!price_day(today, &now))
		return;
	for (size_t f = 0; f < PRICE_FIELDS; f++) {
		const struct price_cell *c = &d->m->cells[f];

		if (price_day(c->as_of, &then) && now - then > old && (!of || then < oldest)) {
			of = c;
			oldest = then;
		}
	}
	if (of)
		d->sentences[d->n++] = arena_printf(d->arena, "The prices of %s are %ld days old (%s, %s); give today's with --price "
						    "%s=IN/OUT.", d->m->name, now - oldest, of->as_of, of->source, d->m->name);
}

static void doubt_order(struct doubting *d, enum price_field low, enum price_field high)
{
	double less = d->m->cells[low].usd_per_mtok, more = d->m->cells[high].usd_per_mtok;

	if (less > more)
		d->sentences[d->n++] = arena_printf(d->arena, "The %s of %s, $%g per million tokens, is below its %s, $%g, which providers "
						    "hardly do; look it up before you rely on it.", field_names[high], d->m->name, more,
						    field_names[low], less);
}

size_t price_doubts(const struct price_table *t, const struct price_model *m, const char *today, struct arena *arena,
		    const char *sentences[PRICE_DOUBTS])
{
	struct doubting d = { t, m, arena, sentences, 0 };

	_Static_assert(2 * PRICE_FIELDS + 4 <= PRICE_DOUBTS, "room for all");
	if (!m->users) { /* what the user says himself he need not be told */
		for (size_t f = 0; f < PRICE_FIELDS; f++) {
			doubt_refused(&d, (enum price_field)f);
			doubt_size(&d, (enum price_field)f);
		}
		doubt_age(&d, today);
	}
	doubt_order(&d, PRICE_INPUT, PRICE_OUTPUT);
	doubt_order(&d, PRICE_CACHE_READ, PRICE_INPUT);
	return d.n;
}
