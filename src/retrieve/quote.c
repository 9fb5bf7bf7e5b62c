/* quote.c - from the cheapest way of finding a quote to the most forgiving one. */
#include "retrieve/quote.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "retrieve/folded.h"

const char *quote_match_name(enum quote_match m)
{
	static const char *const names[] = { "exact", "normalised", "fuzzy", "failed" };

	return names[m];
}

static bool word_point(uint32_t c)
{
	return text_is_letter(c) || text_is_number(c) || c == '_';
}

/* ---- exact ---- */

static uint32_t point_before(const char *text, size_t at)
{
	uint32_t c = 0;
	size_t start = at;

	while (start > 0 && at - start < 4) {
		start--;
		if (((unsigned char)text[start] & 0xC0) != 0x80)
			break;
	}
	if (start < at)
		text_decode(text + start, at - start, &c);
	return c;
}

/* Whether a cluster ends at `at`: what follows is no mark that belongs to what stands before. */
static bool between_clusters(const char *text, size_t n, size_t at)
{
	uint32_t next, before = point_before(text, at);

	if (at == 0 || at == n)
		return true;
	text_decode(text + at, n - at, &next);
	return before != 0x200D && next != 0x200D && text_category(next)[0] != 'M' && !(before == '\r' && next == '\n');
}

static bool on_word_edges(const char *text, size_t n, size_t start, size_t end)
{
	uint32_t first, after = 0;

	text_decode(text + start, n - start, &first);
	if (end < n)
		text_decode(text + end, n - end, &after);
	return !(word_point(first) && word_point(point_before(text, start))) &&
	       !(word_point(after) && word_point(point_before(text, end)));
}

/* Where the span may stand: whole clusters, and whole words when the quote is short. */
static bool fits(const char *text, size_t n, size_t start, size_t end, bool whole_words)
{
	return between_clusters(text, n, start) && between_clusters(text, n, end) &&
	       (!whole_words || on_word_edges(text, n, start, end));
}

static bool find_exact(const char *text, size_t n, const char *quote, size_t m, bool whole_words, struct quote_place *place)
{
	const char *at = text;

	while ((at = memmem(at, n - (size_t)(at - text), quote, m)) != NULL) {
		size_t start = (size_t)(at - text);

		if (fits(text, n, start, start + m, whole_words)) {
			*place = (struct quote_place){ QUOTE_EXACT, start, start + m, 0 };
			return true;
		}
		at++;
	}
	return false;
}

/* ---- normalised ---- */

/* A run of folded code points. */
struct points {
	const uint32_t *at;
	size_t n;
};

/* The first place at or after `from` where part stands in f; SIZE_MAX when nowhere. */
static size_t find_points(const struct folded *f, size_t from, struct points part)
{
	const char *base = (const char *)f->points, *end = base + f->n * sizeof(*f->points);
	const char *at = base + from * sizeof(*f->points);

	while ((at = memmem(at, (size_t)(end - at), part.at, part.n * sizeof(*part.at))) != NULL) {
		size_t offset = (size_t)(at - base);

		if (offset % sizeof(*f->points) == 0)
			return offset / sizeof(*f->points);
		at++;
	}
	return SIZE_MAX;
}

static struct quote_place place_of(const struct folded *f, enum quote_match match, size_t first, size_t end, size_t edits)
{
	return (struct quote_place){ match, f->start[first], f->end[end - 1], edits };
}

static bool find_normalised(const struct folded *f, const char *text, size_t n, struct points part, bool whole_words,
			    struct quote_place *place)
{
	for (size_t at = find_points(f, 0, part); at != SIZE_MAX; at = find_points(f, at + 1, part)) {
		*place = place_of(f, QUOTE_NORMALISED, at, at + part.n, 0);
		if (fits(text, n, place->start, place->end, whole_words))
			return true;
	}
	return false;
}

/* ---- fuzzy ---- */

/* A cell of the alignment: edits so far, and where in the text it began. */
struct cell {
	uint32_t edits, start;
};

struct match {
	size_t start, end, edits; /* points of the text */
};

static struct cell cheaper(struct cell a, struct cell b)
{
	return b.edits < a.edits ? b : a;
}

/* One text position further: column[i] aligns the first i points of part. Cells behind the last with at most `most` edits
 * are not kept up (Ukkonen 1985): that one has exactly `most`, and only the next can come to it. Returns its number. */
static size_t next_column(struct cell *column, size_t active, struct points part, uint32_t c, uint32_t position, size_t most)
{
	struct cell diagonal = column[0];

	column[0] = (struct cell){ 0, position + 1 };
	for (size_t i = 1; i <= active; i++) {
		struct cell left = column[i], best = diagonal;

		best.edits += part.at[i - 1] != c;
		best = cheaper(best, (struct cell){ left.edits + 1, left.start });
		best = cheaper(best, (struct cell){ column[i - 1].edits + 1, column[i - 1].start });
		diagonal = left;
		column[i] = best;
	}
	while (active > 0 && column[active].edits > most)
		active--;
	if (active < part.n) {
		active++;
		column[active] = (struct cell){ (uint32_t)most + 1, column[active - 1].start };
	}
	return active;
}

/* Where to look for a part, and with how many edits at most. */
struct search_window {
	size_t from, to, most;
	bool first; /* the first place that will do, not the best */
};

/* The best alignment of part in the window; the first of equals. column has part.n + 1 cells. */
static bool align(const struct folded *f, struct search_window w, struct points part, struct cell *column,
		  struct match *best)
{
	size_t active = w.most < part.n ? w.most + 1 : part.n;
	bool found = false;

	for (size_t i = 0; i <= part.n; i++)
		column[i] = (struct cell){ (uint32_t)(i <= active ? i : w.most + 1), (uint32_t)w.from };
	for (size_t j = w.from; j < w.to && !(found && best->edits == 0); j++) {
		if (found && w.first && j > best->end + w.most)
			break;
		active = next_column(column, active, part, f->points[j], (uint32_t)j, w.most);
		if (active == part.n && column[part.n].edits <= w.most && (!found || column[part.n].edits < best->edits)) {
			*best = (struct match){ column[part.n].start, j + 1, column[part.n].edits };
			found = true;
		}
	}
	return found && best->end > best->start;
}

static size_t allowed_edits(size_t points)
{
	return (size_t)((double)points * QUOTE_ERRORS);
}

/* Points of the ellipsis at q[at], brackets and spaces around it included; 0: there is none. */
static size_t ellipsis_length(struct points q, size_t at)
{
	size_t i = at, dots = 0;

	while (i < q.n && (q.at[i] == ' ' || q.at[i] == '[' || q.at[i] == '('))
		i++;
	while (i < q.n && q.at[i] == '.') {
		i++;
		dots++;
	}
	while (i < q.n && (q.at[i] == ' ' || q.at[i] == ']' || q.at[i] == ')'))
		i++;
	return dots >= 3 ? i - at : 0;
}

enum {
	PARTS = 8,
	PART_SHORTEST = 5, /* points; so short a part has to stand there word for word */
};

/* Cuts the quote at its ellipses; 0 parts when it has too many, or one is too short to mean anything. */
static size_t split_parts(struct points q, struct points parts[PARTS])
{
	size_t n = 0, from = 0;

	for (size_t at = 0; at <= q.n;) {
		size_t length = at < q.n ? ellipsis_length(q, at) : 1;

		if (length == 0) {
			at++;
			continue;
		}
		if (n == PARTS || at - from < PART_SHORTEST)
			return 0;
		parts[n++] = (struct points){ q.at + from, at - from };
		at += length;
		from = at;
		if (from >= q.n)
			break;
	}
	return n;
}

/* Out to the edges of the words that the alignment cut. */
static void widen_to_words(const struct folded *f, struct match *m)
{
	while (m->start > 0 && word_point(f->points[m->start]) && word_point(f->points[m->start - 1]))
		m->start--;
	while (m->end < f->n && word_point(f->points[m->end - 1]) && word_point(f->points[m->end]))
		m->end++;
}

/* Whether the words of the match have the part's digits, in their order: with another number it says something else. */
static bool same_digits(const struct folded *f, struct match m, struct points part)
{
	size_t i = 0;

	widen_to_words(f, &m);
	for (size_t j = m.start; j < m.end; j++) {
		if (!text_is_number(f->points[j]))
			continue;
		while (i < part.n && !text_is_number(part.at[i]))
			i++;
		if (i == part.n || part.at[i++] != f->points[j])
			return false;
	}
	while (i < part.n && !text_is_number(part.at[i]))
		i++;
	return i == part.n;
}

/* The parts behind the first, each within QUOTE_GAP bytes of the one before; widens *whole over them. */
static bool follow(const struct folded *f, const struct points *parts, size_t n, size_t most, struct cell *column,
		   struct match *whole)
{
	for (size_t i = 1; i < n; i++) {
		struct search_window w = { .from = whole->end, .to = whole->end, .most = allowed_edits(parts[i].n) };
		struct match next;

		while (w.to < f->n && f->start[w.to] - f->end[whole->end - 1] <= QUOTE_GAP)
			w.to++;
		w.to = w.to + parts[i].n + w.most < f->n ? w.to + parts[i].n + w.most : f->n;
		if (!align(f, w, parts[i], column, &next) || !same_digits(f, next, parts[i]))
			return false;
		whole->end = next.end;
		whole->edits += next.edits;
	}
	return whole->edits <= most;
}

static bool find_fuzzy(const struct folded *f, struct points quote, struct quote_place *place)
{
	struct points parts[PARTS];
	size_t n = split_parts(quote, parts), most = allowed_edits(quote.n);
	struct cell *column;
	bool found = false;

	if (n == 0)
		return false;
	column = mem_alloc((quote.n + 1) * sizeof(*column));
	/* With an ellipsis the first part may stand in several places; the first from which the others follow counts. */
	struct search_window w = { .to = f->n, .most = allowed_edits(parts[0].n), .first = n > 1 };

	while (w.from < f->n && !found) {
		struct match m;

		if (!align(f, w, parts[0], column, &m))
			break;
		w.from = m.end;
		found = same_digits(f, m, parts[0]) && follow(f, parts, n, most, column, &m);
		if (found) {
			widen_to_words(f, &m);
			*place = place_of(f, QUOTE_FUZZY, m.start, m.end, m.edits);
		}
	}
	free(column);
	return found;
}

/* ---- all of it ---- */

static bool wraps(uint32_t c)
{
	return c == '"' || c == ' ';
}

/* Points of an ellipsis that ends p, brackets and spaces around it included; 0: there is none. */
static size_t last_ellipsis_length(struct points p)
{
	for (size_t length = 3; length <= 8 && length <= p.n; length++)
		if (ellipsis_length(p, p.n - length) == length &&
		    (length == p.n || ellipsis_length(p, p.n - length - 1) <= length))
			return length;
	return 0;
}

/* Without the marks that people and models put around a quote. */
static struct points bare(struct points p)
{
	size_t length;

	while ((length = p.n > 0 && wraps(p.at[0]) ? 1 : ellipsis_length(p, 0)) > 0) {
		p.at += length;
		p.n -= length;
	}
	while ((length = p.n > 0 && wraps(p.at[p.n - 1]) ? 1 : last_ellipsis_length(p)) > 0)
		p.n -= length;
	return p;
}

static struct quote_place locate_folded(const char *text, size_t n, const char *quote, size_t m)
{
	struct quote_place place = { .match = QUOTE_FAILED };
	struct folded f, q;

	folded_make(&f, text, n);
	folded_make(&q, quote, m);
	struct points whole = { q.points, q.n }, p = bare(whole);
	bool is_short = p.n < QUOTE_SHORTEST;

	bool found = f.n > 0 && ((whole.n > 0 && find_normalised(&f, text, n, whole, is_short, &place)) ||
				 (p.n > 0 && find_normalised(&f, text, n, p, is_short, &place)) ||
				 (!is_short && find_fuzzy(&f, p, &place)));

	if (!found)
		place = (struct quote_place){ .match = QUOTE_FAILED };
	folded_release(&f);
	folded_release(&q);
	return place;
}

static size_t count_points(const char *text, size_t n)
{
	size_t points = 0;

	for (size_t i = 0; i < n; i++)
		points += ((unsigned char)text[i] & 0xC0) != 0x80;
	return points;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct quote_place quote_locate(const char *text, size_t n, const char *quote, size_t m)
{
	struct quote_place place = { .match = QUOTE_FAILED };

	while (m > 0 && blank(quote[m - 1]))
		m--;
	while (m > 0 && blank(quote[0])) {
		quote++;
		m--;
	}
	if (m == 0 || m > QUOTE_BYTES || n == 0)
		return place;
	if (!find_exact(text, n, quote, m, count_points(quote, m) < QUOTE_SHORTEST, &place))
		place = locate_folded(text, n, quote, m);
	return place;
}
