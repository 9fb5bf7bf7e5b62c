/* sentence.c - where sentences end: terminators, what may close behind them, and what shows that they end nothing.
 *
 * UAX 29's rules SB5 to SB11 with these differences: a single line end is a space (text is hard-wrapped), a blank line ends
 * a sentence; the "." of abbreviations and initials ends none; "?" and "!" behind which a quotation closes end none where
 * lower case follows; "*", "_" and "`" close, as in Markdown. */
#include <strings.h>

#include "base/text.h"
#include "retrieve/chunk.h"
#include "retrieve/document_inner.h"

struct reader {
	const char *text;
	size_t n;
	size_t start; /* of the sentence */
};

/* What "." behind a word means there. */
enum abbreviation {
	NONE,
	NEVER,   /* never the end of a sentence */
	NUMBERS, /* of "No. 5", but "No." may be a sentence */
	STARTER, /* the end where a word follows that usually begins sentences */
};

static const struct {
	enum abbreviation kind;
	const char *words; /* lower case, each between spaces */
} abbreviations[] = {
	{ NEVER, " dr mr mrs ms prof st rev hon gen col capt cmdr lt sgt maj gov sen rep pres mt ft vs cf viz approx ca resp "
		 "incl excl esp eg ie bzw vgl ggf evtl z.b d.h u.a e.g i.e a.k.a mme mlle " },
	{ NUMBERS, " no nos nr p kap abb abs fig figs eq eqs sec secs ch chap vol vols pp art tab ref refs ver jan feb mar apr jun jul aug sep sept "
		   "oct nov dec " },
	{ STARTER, " inc ltd co corp bros jr sr al dept univ est assn ave blvd a.m p.m b.c a.d ph.d m.d u.s u.k u.n e.u " },
};

static const char starters[] = " a an the this that these those there here he she it we they you i his her its our their my in "
			       "on at by for from with when while if as after before since because although though however but "
			       "and or so then thus therefore moreover furthermore also both all some many most no not what who "
			       "why how where which ";

static bool list_holds(const char *list, const char *word, size_t n)
{
	for (const char *at = list + 1; *at; at = strchr(at, ' ') + 1)
		if (strncasecmp(at, word, n) == 0 && at[n] == ' ')
			return n > 0;
	return false;
}

static size_t read_character(const struct reader *r, size_t at, uint32_t *c)
{
	return text_decode(r->text + at, r->n - at, c);
}

/* Terminators behind which no space is needed: of scripts without spaces, and those that nothing else uses. */
static bool ends_alone(uint32_t c)
{
	static const uint32_t marks[] = { 0x3002, 0xFF01, 0xFF0E, 0xFF1F, 0xFF61, 0x061F, 0x06D4, 0x0964, 0x0965, 0x0589,
					  0x1362, 0x1367, 0x1368, 0x17D4, 0x17D5, 0x104A, 0x104B, 0x203C, 0x203D, 0x2047, 0x2048, 0x2049 };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (c == marks[i])
			return true;
	return false;
}

static bool is_terminator(uint32_t c)
{
	return c == '.' || c == '!' || c == '?' || c == 0x2026 || (c >= 0x80 && ends_alone(c));
}

static bool is_closer(uint32_t c)
{
	const char *kind;

	if (c < 0x80)
		return c && strchr("\"')]}*_`", (int)c);
	kind = text_category(c);
	return memcmp(kind, "Pe", 2) == 0 || memcmp(kind, "Pf", 2) == 0 || memcmp(kind, "Pi", 2) == 0;
}

static bool is_opener(uint32_t c)
{
	const char *kind;

	if (c < 0x80)
		return c && strchr("\"'([{*_`", (int)c);
	kind = text_category(c);
	return memcmp(kind, "Ps", 2) == 0 || memcmp(kind, "Pi", 2) == 0 || memcmp(kind, "Pf", 2) == 0;
}

static bool is_kind(uint32_t c, const char *category)
{
	return memcmp(text_category(c), category, 2) == 0;
}

static bool is_lower(uint32_t c)
{
	return c < 0x80 ? c >= 'a' && c <= 'z' : is_kind(c, "Ll");
}

/* Behind white space from `at` on; *blank_line tells of a line without text in it, or U+2029. */
static size_t skip_space(const struct reader *r, size_t at, bool *blank_line)
{
	size_t lines = 0, length;

	for (uint32_t c; at < r->n; at += length) {
		length = read_character(r, at, &c);
		if (!(c < 0x80 ? is_blank((char)c) : text_is_space(c)))
			break;
		lines += c == '\n' || (c == '\r' && !(at + 1 < r->n && r->text[at + 1] == '\n'));
		lines += c == 0x2029 ? 2 : 0;
	}
	*blank_line = lines > 1;
	return at;
}

/* The word before the "." at `dot`, back to white space or an opening mark; long ones are cut: they are no abbreviation. */
static size_t word_before(const struct reader *r, size_t dot)
{
	size_t at = dot;

	while (at > r->start && dot - at < 16 && !is_blank(r->text[at - 1]) && !strchr("\"'([{*_`", r->text[at - 1]))
		at--;
	return at;
}

static bool starts_sentence(const struct reader *r, size_t next)
{
	size_t end = next;

	while (end < r->n && end - next < 16 && ((r->text[end] | 32) >= 'a' && (r->text[end] | 32) <= 'z'))
		end++;
	return !(end < r->n && r->text[end] == '.') && list_holds(starters, r->text + next, end - next);
}

/* An initial: one letter, or letters with dots between them that the list does not have ("J.", "J.R.R."). */
static bool is_initials(const char *word, size_t n)
{
	size_t letters = 0;

	for (size_t i = 0, length; i < n; i += length) {
		uint32_t c;

		length = text_decode(word + i, n - i, &c);
		if (c == '.' ? letters != 1 : !(is_kind(c, "Lu") || (is_lower(c) && n > length)) || letters)
			return false;
		letters = c == '.' ? 0 : 1;
	}
	return letters == 1;
}

/* Whether the "." at `dot` belongs to an abbreviation that goes on with what stands at `next`. */
static bool abbreviates(const struct reader *r, size_t dot, size_t next)
{
	size_t at = word_before(r, dot), n = dot - at;
	enum abbreviation kind = NONE;

	for (size_t i = 0; i < sizeof(abbreviations) / sizeof(abbreviations[0]); i++)
		if (list_holds(abbreviations[i].words, r->text + at, n))
			kind = abbreviations[i].kind;
	if (kind == NONE && is_initials(r->text + at, n))
		kind = n == 1 && r->text[at] == 'I' ? NONE : STARTER; /* "So did I." */
	if (kind == NUMBERS)
		return next < r->n && r->text[next] >= '0' && r->text[next] <= '9';
	return kind == NEVER || (kind == STARTER && !starts_sentence(r, next));
}

/* The number of a list item, "12." at the start of a sentence. */
static bool is_numbering(const struct reader *r, size_t dot)
{
	size_t at = dot;

	while (at > r->start && r->text[at - 1] >= '0' && r->text[at - 1] <= '9')
		at--;
	while (at > r->start && is_blank(r->text[at - 1]))
		at--;
	return at == r->start && dot > at;
}

/* Whether what follows at `next` shows that the sentence goes on. */
static bool continues(const struct reader *r, bool full_stop, bool closed, size_t next)
{
	uint32_t c = 0;
	size_t length = next < r->n ? read_character(r, next, &c) : 0;

	if (length == 0)
		return false;
	if (c == ',' || c == ';' || c == ':' || is_kind(c, "Pd"))
		return c != '-'; /* a hyphen may begin a list item */
	for (int i = 0; i < 4 && is_opener(c) && next + length < r->n; i++) {
		next += length;
		length = read_character(r, next, &c);
	}
	return is_lower(c) && (full_stop || closed);
}

/* The first end of a sentence at or behind the terminator at `at`, or 0 where it ends none; *next is where to go on. */
static size_t end_at(const struct reader *r, size_t at, size_t *next)
{
	bool alone = false, full_stop = false, closed = false, blank_line, spaced;
	size_t dot = at, marks = 0, i = at, behind;
	uint32_t c;

	for (size_t length; i < r->n; i += length) {
		length = read_character(r, i, &c);
		if (!closed && is_terminator(c)) {
			alone = ends_alone(c);
			full_stop = c == '.' || c == 0x2026;
			dot = i;
			marks++;
		} else if (is_closer(c)) {
			closed = true;
		} else {
			break;
		}
	}
	*next = i;
	behind = skip_space(r, i, &blank_line);
	spaced = behind > i;
	if (behind == r->n || blank_line)
		return behind;
	if (alone)
		return behind;
	if (!spaced || continues(r, full_stop, closed, behind))
		return 0;
	if (full_stop && marks == 1 && r->text[dot] == '.' && (abbreviates(r, dot, behind) || is_numbering(r, dot)))
		return 0;
	return behind;
}

struct ends {
	size_t *at, n, capacity;
};

static void add_end(struct ends *e, size_t at)
{
	if (e->n == e->capacity) {
		e->capacity = e->capacity ? e->capacity * 2 : 64;
		e->at = mem_resize(e->at, e->capacity, sizeof(*e->at));
	}
	e->at[e->n++] = at;
}

const size_t *sentence_ends(const char *text, size_t n, struct arena *arena, size_t *n_sentences)
{
	struct reader r = { text, n, 0 };
	struct ends ends = { 0 };
	size_t *out;

	for (size_t i = 0, next; i < n; i = next) {
		bool blank_line = false;
		uint32_t c;
		size_t end = 0;

		next = i + read_character(&r, i, &c);
		if (is_terminator(c))
			end = end_at(&r, i, &next);
		else if (c < 0x80 ? is_blank((char)c) : text_is_space(c))
			next = skip_space(&r, i, &blank_line);
		if (blank_line && i > r.start)
			end = next;
		if (end) {
			next = r.start = end;
			add_end(&ends, end);
		}
	}
	if (n && (ends.n == 0 || ends.at[ends.n - 1] < n))
		add_end(&ends, n);
	out = arena_array(arena, ends.n, sizeof(*out));
	if (ends.n)
		memcpy(out, ends.at, ends.n * sizeof(*out));
	*n_sentences = ends.n;
	free(ends.at);
	return out;
}
