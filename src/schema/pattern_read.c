/* pattern_read.c - a pattern's text becomes a tree: recursive descent over the subset that pattern.h names. */
#include "base/text.h"
#include "schema/pattern_inner.h"

enum {
	LONGEST = 4096,  /* bytes of a pattern */
	NESTING = 100,   /* groups */
	COUNTS = 1000,   /* the largest m or n of {m,n} */
	RANGES = 512,    /* of one class */
};

struct reader {
	struct arena *arena;
	const char *text;
	size_t n, at;
	unsigned nesting;
	uint32_t groups; /* ( ) seen so far */
	struct error *err;
};

static const struct pattern_tree *read_choice(struct reader *r);

/* ---- sets of code points ---- */

static int compare_ranges(const void *a, const void *b)
{
	const struct code_range *x = a, *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

static struct code_set set_of(struct arena *arena, struct code_range *ranges, uint32_t n, bool negated)
{
	struct code_set set = { .ranges = arena_array(arena, (size_t)n + 1, sizeof(*ranges)) };
	uint32_t from = 0;

	qsort(ranges, n, sizeof(*ranges), compare_ranges);
	for (uint32_t i = 0; i < n && !negated; i++) {
		if (set.n && ranges[i].low <= set.ranges[set.n - 1].high + 1) {
			if (ranges[i].high > set.ranges[set.n - 1].high)
				set.ranges[set.n - 1].high = ranges[i].high;
		} else {
			set.ranges[set.n++] = ranges[i];
		}
	}
	for (uint32_t i = 0; i <= n && negated; i++) {
		uint32_t to = i < n ? ranges[i].low : LAST_CODE_POINT + 1;

		if (to > from)
			set.ranges[set.n++] = (struct code_range){ from, to - 1 };
		if (i < n && ranges[i].high + 1 > from)
			from = ranges[i].high + 1;
	}
	return set;
}

/* ECMA-262: WhiteSpace and LineTerminator. */
static const struct code_range spaces[] = { { 0x09, 0x0D }, { 0x20, 0x20 }, { 0xA0, 0xA0 }, { 0x1680, 0x1680 },
					    { 0x2000, 0x200A }, { 0x2028, 0x2029 }, { 0x202F, 0x202F },
					    { 0x205F, 0x205F }, { 0x3000, 0x3000 }, { 0xFEFF, 0xFEFF } };
static const struct code_range digits[] = { { '0', '9' } };
static const struct code_range word[] = { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } };
static const struct code_range line_ends[] = { { '\n', '\n' }, { '\r', '\r' }, { 0x2028, 0x2029 } };

#define NAMED(name, ranges, negated) { name, ranges, sizeof(ranges) / sizeof((ranges)[0]), negated }
static const struct named_set {
	char name;
	const struct code_range *ranges;
	uint32_t n;
	bool negated;
} named_sets[] = { NAMED('d', digits, false), NAMED('D', digits, true), NAMED('w', word, false),
		   NAMED('W', word, true),    NAMED('s', spaces, false), NAMED('S', spaces, true),
		   NAMED('.', line_ends, true) };

static struct code_set named_set(struct arena *arena, const struct named_set *named)
{
	struct code_range copy[sizeof(spaces) / sizeof(spaces[0])];

	memcpy(copy, named->ranges, named->n * sizeof(*copy));
	return set_of(arena, copy, named->n, named->negated);
}

static const struct named_set *find_named(char name)
{
	for (size_t i = 0; i + 1 < sizeof(named_sets) / sizeof(named_sets[0]); i++)
		if (named_sets[i].name == name)
			return &named_sets[i];
	return NULL;
}

/* ---- reading ---- */

static const void *fail(struct reader *r, const char *what)
{
	error_set(r->err, "the pattern %s at byte %zu", what, r->at);
	return NULL;
}

static bool ahead(const struct reader *r, char c)
{
	return r->at < r->n && r->text[r->at] == c;
}

static bool take(struct reader *r, char c)
{
	bool there = ahead(r, c);

	r->at += there;
	return there;
}

static uint32_t take_code_point(struct reader *r)
{
	uint32_t c;

	r->at += text_decode(r->text + r->at, r->n - r->at, &c);
	return c;
}

static bool take_hex(struct reader *r, size_t count, uint32_t *c)
{
	*c = 0;
	for (size_t i = 0; i < count; i++, r->at++) {
		char x = r->at < r->n ? r->text[r->at] : 0;
		int digit = x >= '0' && x <= '9' ? x - '0' : (x | 32) >= 'a' && (x | 32) <= 'f' ? (x | 32) - 'a' + 10 : -1;

		if (digit < 0)
			return fail(r, "has an escape without its hexadecimal digits");
		*c = *c * 16 + (uint32_t)digit;
	}
	if (*c >= 0xD800 && *c < 0xE000)
		return fail(r, "names half of a surrogate pair (write the character itself)");
	return true;
}

/* A character behind a backslash, no class. */
static bool take_escaped(struct reader *r, uint32_t *c)
{
	static const char names[] = "tnrfv", values[] = "\t\n\r\f\v";
	char name = r->at < r->n ? r->text[r->at] : 0;
	const char *known = name ? strchr(names, name) : NULL;

	if (name == 'x' || name == 'u') {
		r->at++;
		return take_hex(r, name == 'x' ? 2 : 4, c);
	}
	if (!known && (!name || !strchr("^$\\.*+?()[]{}|/-\"'#&,:;<=>@_`~!% ", name)))
		return fail(r, "has an escape that is not supported");
	*c = known ? (uint32_t)values[known - names] : (uint32_t)name;
	r->at++;
	return true;
}

static const struct pattern_tree *leaf(struct reader *r, enum pattern_kind kind, struct code_set set)
{
	struct pattern_tree *t = arena_alloc(r->arena, sizeof(*t));

	*t = (struct pattern_tree){ .kind = kind, .set = set };
	return t;
}

static const struct pattern_tree *join(struct reader *r, enum pattern_kind kind, const struct pattern_tree *left,
				       const struct pattern_tree *right)
{
	struct pattern_tree *t = arena_alloc(r->arena, sizeof(*t));

	*t = (struct pattern_tree){ .kind = kind, .left = left, .right = right };
	return t;
}

/* One member of a class: a character (low == high), or \d and the like, whose ranges are added at once. */
static bool take_member(struct reader *r, struct code_range *ranges, uint32_t *n, uint32_t *c, bool *single)
{
	*single = true;
	if (!take(r, '\\')) {
		*c = take_code_point(r);
		return true;
	}
	const struct named_set *named = r->at < r->n ? find_named(r->text[r->at]) : NULL;

	if (!named)
		return take_escaped(r, c);
	struct code_set set = named_set(r->arena, named);

	r->at++;
	*single = false;
	if (*n + set.n > RANGES)
		return fail(r, "has a class of too many parts");
	memcpy(ranges + *n, set.ranges, set.n * sizeof(*ranges));
	*n += set.n;
	return true;
}

/* Behind the "[". */
static const struct pattern_tree *read_class(struct reader *r)
{
	struct code_range *ranges = arena_array(r->arena, RANGES + 1, sizeof(*ranges));
	bool negated = take(r, '^');
	uint32_t n = 0;

	if (ahead(r, ']'))
		return fail(r, "has an empty class");
	while (!take(r, ']')) {
		struct code_range range = { 0, 0 };
		bool single;

		if (r->at >= r->n)
			return fail(r, "has a class without ]");
		if (!take_member(r, ranges, &n, &range.low, &single))
			return NULL;
		range.high = range.low;
		if (ahead(r, '-') && r->at + 1 < r->n && r->text[r->at + 1] != ']') {
			bool single_end;

			r->at++;
			if (!take_member(r, ranges, &n, &range.high, &single_end))
				return NULL;
			if (!single || !single_end || range.high < range.low)
				return fail(r, "has a class whose range makes no sense");
		}
		if (single && n == RANGES)
			return fail(r, "has a class of too many parts");
		if (single)
			ranges[n++] = range;
	}
	return leaf(r, PATTERN_SET, set_of(r->arena, ranges, n, negated));
}

/* Behind the "(". */
static const struct pattern_tree *read_group(struct reader *r)
{
	struct pattern_tree *group = NULL;

	if (!ahead(r, '?')) {
		group = arena_alloc(r->arena, sizeof(*group));
		*group = (struct pattern_tree){ .kind = PATTERN_GROUP, .group = r->groups++ };
	}
	if (take(r, '?') && !take(r, ':'))
		return fail(r, "has a (? that is not (?:");
	if (++r->nesting > NESTING)
		return fail(r, "has too many groups inside each other");
	const struct pattern_tree *inside = read_choice(r);

	r->nesting--;
	if (inside && !take(r, ')'))
		return fail(r, "has a ( without )");
	if (!group || !inside)
		return inside;
	group->left = inside;
	return group;
}

static const struct pattern_tree *read_atom(struct reader *r)
{
	const struct named_set *named;
	struct code_range one;

	if (take(r, '('))
		return read_group(r);
	if (take(r, '['))
		return read_class(r);
	if (take(r, '^'))
		return leaf(r, PATTERN_BEGIN, (struct code_set){ 0 });
	if (take(r, '$'))
		return leaf(r, PATTERN_END, (struct code_set){ 0 });
	if (take(r, '.'))
		return leaf(r, PATTERN_SET,
			    named_set(r->arena, &named_sets[sizeof(named_sets) / sizeof(named_sets[0]) - 1]));
	if (strchr("*+?{}]", r->text[r->at]))
		return fail(r, "has a character that must be escaped to stand for itself");
	if (take(r, '\\')) {
		named = r->at < r->n ? find_named(r->text[r->at]) : NULL;
		if (named) {
			r->at++;
			return leaf(r, PATTERN_SET, named_set(r->arena, named));
		}
		if (!take_escaped(r, &one.low))
			return NULL;
	} else {
		one.low = take_code_point(r);
	}
	one.high = one.low;
	return leaf(r, PATTERN_SET, set_of(r->arena, &one, 1, false));
}

static bool take_count(struct reader *r, uint32_t *count)
{
	size_t start = r->at;

	for (*count = 0; r->at < r->n && r->text[r->at] >= '0' && r->text[r->at] <= '9' && *count <= COUNTS; r->at++)
		*count = *count * 10 + (uint32_t)(r->text[r->at] - '0');
	return r->at > start && *count <= COUNTS;
}

/* Behind the "{". */
static bool read_counts(struct reader *r, uint32_t *min, uint32_t *max)
{
	bool ok = take_count(r, min);

	*max = *min;
	if (ok && take(r, ',')) {
		*max = PATTERN_FOREVER;
		ok = ahead(r, '}') || take_count(r, max);
	}
	if (!ok || !take(r, '}') || *max < *min)
		return fail(r, "has counts in braces that are not {m}, {m,} or {m,n} with m <= n <= 1000");
	return true;
}

static bool is_anchor(const struct pattern_tree *t)
{
	while (t->kind == PATTERN_GROUP)
		t = t->left;
	return t->kind == PATTERN_BEGIN || t->kind == PATTERN_END;
}

static const struct pattern_tree *read_repeated(struct reader *r)
{
	const struct pattern_tree *atom = read_atom(r);
	struct pattern_tree *times;
	uint32_t min = 0, max = PATTERN_FOREVER;

	if (!atom)
		return NULL;
	if (take(r, '?'))
		max = 1;
	else if (take(r, '+'))
		min = 1;
	else if (take(r, '{') ? !read_counts(r, &min, &max) : !take(r, '*'))
		return r->err->text[0] ? NULL : atom; /* wrong counts, or no quantifier */
	if (is_anchor(atom))
		return fail(r, "repeats an anchor");
	if (r->at < r->n && strchr("*+?{", r->text[r->at]))
		return fail(r, "has a lazy or doubled quantifier");
	times = arena_alloc(r->arena, sizeof(*times));
	*times = (struct pattern_tree){ .kind = PATTERN_TIMES, .left = atom, .min = min, .max = max };
	return times;
}

static const struct pattern_tree *read_sequence(struct reader *r)
{
	const struct pattern_tree *all = NULL;

	while (r->at < r->n && !ahead(r, '|') && !ahead(r, ')')) {
		const struct pattern_tree *next = read_repeated(r);

		if (!next)
			return NULL;
		all = all ? join(r, PATTERN_THEN, all, next) : next;
	}
	return all ? all : leaf(r, PATTERN_EMPTY, (struct code_set){ 0 });
}

static const struct pattern_tree *read_choice(struct reader *r)
{
	const struct pattern_tree *all = read_sequence(r);

	while (all && take(r, '|')) {
		const struct pattern_tree *next = read_sequence(r);

		all = next ? join(r, PATTERN_OR, all, next) : NULL;
	}
	return all;
}

const struct pattern_tree *pattern_read(struct arena *arena, const char *text, size_t n, size_t *n_groups, struct error *err)
{
	struct error own = { .text = "" };
	struct reader r = { .arena = arena, .text = text, .n = n, .err = &own };
	const struct pattern_tree *t;

	if (n > LONGEST)
		t = fail(&r, "has more than 4096 bytes, seen");
	else
		t = read_choice(&r);
	if (t && r.at < r.n)
		t = fail(&r, "has a ) without (");
	if (!t)
		*err = own;
	*n_groups = r.groups;
	return t;
}
