/* schema_text.c - strings: any characters, those of a pattern, and literals.
 *
 * A string without a pattern may use every escape of JSON (models write "\u00e9" as readily as the letter), surrogate
 * pairs only whole. Under a pattern each character is written in one way, but for controls with a short escape. */
#include <math.h>

#include "base/text.h"
#include "schema/pattern.h"
#include "schema/schema_inner.h"

enum { PRODUCT = 1 << 16 }; /* states of a pattern times lengths */

/* ---- literals ---- */

static void append_string(struct buf *out, const char *text)
{
	static const char short_ones[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";

	buf_addc(out, '"');
	for (; *text; text++) {
		const char *found = strchr(short_ones, *text);

		if (found) {
			buf_addc(out, '\\');
			buf_addc(out, names[found - short_ones]);
		} else if ((unsigned char)*text < ' ') {
			buf_addf(out, "\\u%04x", (unsigned char)*text);
		} else {
			buf_addc(out, *text);
		}
	}
	buf_addc(out, '"');
}

/* The shortest of %.15g to %.17g that reads back as the same number, with ".0" where it would look like an integer. */
static void append_real(struct buf *out, double x)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, x);
		if (strtod(text, NULL) == x)
			break;
	}
	buf_adds(out, text);
	if (!strpbrk(text, ".eE"))
		buf_adds(out, ".0");
}

static void append_members(struct buf *out, const json_t *value)
{
	const char *key, *between = "";
	json_t *one;
	size_t i;

	json_array_foreach(value, i, one) {
		buf_adds(out, between);
		append_value(out, one);
		between = ", ";
	}
	json_object_foreach((json_t *)(uintptr_t)value, key, one) {
		buf_adds(out, between);
		append_string(out, key);
		buf_adds(out, ": ");
		append_value(out, one);
		between = ", ";
	}
}

void append_value(struct buf *out, const json_t *value)
{
	bool list = json_is_array(value);

	switch (json_typeof(value)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		buf_addc(out, list ? '[' : '{');
		append_members(out, value);
		buf_addc(out, list ? ']' : '}');
		return;
	case JSON_STRING:
		append_string(out, json_string_value(value));
		return;
	case JSON_INTEGER:
		buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return;
	case JSON_REAL:
		append_real(out, json_real_value(value));
		return;
	default:
		buf_adds(out, json_is_null(value) ? "null" : json_is_true(value) ? "true" : "false");
	}
}

/* ---- code points as bytes ---- */

/* Characters of one length in UTF-8, `tail` continuation bytes behind the lead: a range becomes ranges of bytes, its
 * first and last lead byte apart where their continuations are not all of them. */
static void add_encoded(struct grammar_draft *d, uint32_t from, uint32_t low, uint32_t high, unsigned tail, uint32_t lead,
			uint32_t to)
{
	if (!tail) {
		grammar_byte(d, from, (uint8_t)(lead | low), (uint8_t)(lead | high), to);
		return;
	}
	uint32_t unit = (uint32_t)1 << 6 * tail, first = low / unit, last = high / unit;

	if (low % unit && first < last) {
		add_encoded(d, from, low, (first + 1) * unit - 1, tail, lead, to);
		add_encoded(d, from, (first + 1) * unit, high, tail, lead, to);
	} else if (high % unit != unit - 1 && first < last) {
		add_encoded(d, from, low, last * unit - 1, tail, lead, to);
		add_encoded(d, from, last * unit, high, tail, lead, to);
	} else {
		uint32_t next = grammar_node(d);

		grammar_byte(d, from, (uint8_t)(lead | first), (uint8_t)(lead | last), next);
		add_encoded(d, next, low % unit, high % unit, tail - 1, 0x80, to);
	}
}

struct span {
	uint32_t low, high;
};

/* The part of low..high inside the span; false where there is none. */
static bool cut(uint32_t low, uint32_t high, struct span s, struct span *out)
{
	*out = (struct span){ low > s.low ? low : s.low, high < s.high ? high : s.high };
	return out->low <= out->high;
}

static void add_controls(struct grammar_draft *d, uint32_t from, uint32_t low, uint32_t high, uint32_t to)
{
	static const char escaped[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	static const struct {
		struct span codes;
		uint8_t sixteen, digit; /* the third and fourth digit of the first of them */
	} blocks[] = { { { 0x01, 0x09 }, '0', '1' }, { { 0x0A, 0x0F }, '0', 'a' }, { { 0x10, 0x19 }, '1', '0' },
		       { { 0x1A, 0x1F }, '1', 'a' } };
	uint32_t behind = grammar_node(d), hex = grammar_node(d);
	struct span part;

	grammar_literal(d, from, "\\", 1, behind);
	for (size_t i = 0; i + 1 < sizeof(escaped); i++)
		if (cut(low, high, (struct span){ (uint8_t)escaped[i], (uint8_t)escaped[i] }, &part))
			grammar_literal(d, behind, &names[i], 1, to);
	grammar_literal(d, behind, "u00", 3, hex);
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (cut(low, high, blocks[i].codes, &part)) {
			uint32_t last = grammar_node(d), skip = part.low - blocks[i].codes.low;

			grammar_byte(d, hex, blocks[i].sixteen, blocks[i].sixteen, last);
			grammar_byte(d, last, (uint8_t)(blocks[i].digit + skip),
				     (uint8_t)(blocks[i].digit + skip + part.high - part.low), to);
		}
}

void add_code_points(struct grammar_draft *d, uint32_t from, uint32_t low, uint32_t high, uint32_t to)
{
	/* What stands for itself, by length in UTF-8; the first byte of each length and how many follow. */
	static const struct {
		struct span codes;
		unsigned tail;
		uint32_t lead;
	} plain[] = { { { 0x20, 0x21 }, 0, 0 },	       { { 0x23, 0x5B }, 0, 0 },	 { { 0x5D, 0x7F }, 0, 0 },
		      { { 0x80, 0x7FF }, 1, 0xC0 },    { { 0x800, 0xD7FF }, 2, 0xE0 },	 { { 0xE000, 0xFFFF }, 2, 0xE0 },
		      { { 0x10000, 0x10FFFF }, 3, 0xF0 } };
	struct span part;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (cut(low, high, plain[i].codes, &part))
			add_encoded(d, from, part.low, part.high, plain[i].tail, plain[i].lead, to);
	if (cut(low, high, (struct span){ 0x01, 0x1F }, &part) || (low <= '"' && high >= '"') ||
	    (low <= '\\' && high >= '\\'))
		add_controls(d, from, low, high, to);
}

/* ---- any character ---- */

static void add_hex(struct grammar_draft *d, uint32_t from, const char *low, const char *high, uint32_t to)
{
	/* pairs of bounds, one pair a run of digits */
	for (; *low; low++, high++)
		grammar_byte(d, from, (uint8_t)*low, (uint8_t)*high, to);
}

#define HEX "0Aa", "9Ff"

/* `count` hexadecimal digits. */
static void add_digits(struct grammar_draft *d, uint32_t from, unsigned count, uint32_t to)
{
	for (; count > 1; count--) {
		uint32_t next = grammar_node(d);

		add_hex(d, from, HEX, next);
		from = next;
	}
	add_hex(d, from, HEX, to);
}

/* Behind "\u": four digits, not 0000 and no half of a pair, or the two halves of one. */
static void add_unicode_escape(struct grammar_draft *d, uint32_t from, uint32_t to)
{
	uint32_t zero = grammar_node(d), zero2 = grammar_node(d), zero3 = grammar_node(d), other = grammar_node(d);
	uint32_t surrogate = grammar_node(d), first = grammar_node(d), half = grammar_node(d), second = grammar_node(d);
	uint32_t low = grammar_node(d), rest2 = grammar_node(d), rest1 = grammar_node(d);

	add_hex(d, from, "1AaEe", "9CcFf", other); /* 1-9, A-C, E-F: three more of any kind */
	add_digits(d, other, 3, to);
	grammar_literal(d, from, "0", 1, zero);
	add_hex(d, zero, "1Aa", "9Ff", rest2);
	add_digits(d, rest2, 2, to);
	grammar_literal(d, zero, "0", 1, zero2);
	add_hex(d, zero2, "1Aa", "9Ff", rest1);
	add_digits(d, rest1, 1, to);
	grammar_literal(d, zero2, "0", 1, zero3);
	add_hex(d, zero3, "1Aa", "9Ff", to);
	add_hex(d, from, "Dd", "Dd", surrogate);
	add_hex(d, surrogate, "0", "7", rest2); /* D000 to D7FF */
	add_hex(d, surrogate, "8Aa", "9Bb", first);
	add_digits(d, first, 2, half);
	grammar_literal(d, half, "\\u", 2, second);
	add_hex(d, second, "Dd", "Dd", low);
	add_hex(d, low, "Cc", "Ff", rest2); /* DC00 to DFFF */
}

static uint32_t character_rule(struct schema *s)
{
	struct grammar_draft *d = s->draft;

	if (s->character != GRAMMAR_UNBOUNDED)
		return s->character;
	s->character = grammar_rule(d, "a string's character");
	uint32_t from = grammar_start(d, s->character), to = grammar_end(d, s->character);
	uint32_t escape = grammar_node(d), unicode = grammar_node(d);

	add_code_points(d, from, 0x20, 0x21, to);
	add_code_points(d, from, 0x23, 0x5B, to);
	add_code_points(d, from, 0x5D, 0x10FFFF, to);
	grammar_literal(d, from, "\\", 1, escape);
	for (const char *c = "\"\\/bfnrt"; *c; c++)
		grammar_literal(d, escape, c, 1, to);
	grammar_literal(d, escape, "u", 1, unicode);
	add_unicode_escape(d, unicode, to);
	return s->character;
}

/* ---- strings under a pattern ---- */

/* The automaton of the pattern times the number of characters so far, as far as numbers matter. */
struct product {
	const struct pattern *pattern;
	uint32_t min, max; /* code points */
	uint32_t *nodes;   /* (lengths, states) the node, or GRAMMAR_UNBOUNDED while it has none */
	uint32_t *list;    /* those that have one, in the order they were met: length * states + state */
	uint32_t n;
};

static uint32_t product_node(struct product *p, struct grammar_draft *d, uint32_t length, uint32_t state)
{
	uint32_t at = length * p->pattern->n_states + state;

	if (p->nodes[at] == GRAMMAR_UNBOUNDED) {
		p->nodes[at] = grammar_node(d);
		p->list[p->n++] = at;
	}
	return p->nodes[at];
}

static void leave_product_node(struct product *p, struct grammar_draft *d, uint32_t at, uint32_t close)
{
	const struct pattern *a = p->pattern;
	uint32_t state = at % a->n_states, length = at / a->n_states, node = p->nodes[at];
	uint32_t longer = p->max == GRAMMAR_UNBOUNDED && length == p->min ? length : length + 1;
	const uint32_t *next = a->next + (size_t)state * a->n_classes;

	if (a->accepts[state] && length >= p->min)
		grammar_literal(d, node, NULL, 0, close);
	for (uint32_t c = 0, end; c < a->n_classes && longer <= p->max && !grammar_draft_full(d); c = end) {
		for (end = c + 1; end < a->n_classes && next[end] == next[c]; end++)
			;
		if (next[c] != PATTERN_DEAD)
			add_code_points(d, node, a->lows[c], end < a->n_classes ? a->lows[end] - 1 : 0x10FFFF,
					product_node(p, d, longer, next[c]));
	}
}

static bool add_product(struct schema *s, const struct location *at, const struct pattern *pattern, uint32_t min,
			uint32_t max, uint32_t open, uint32_t close)
{
	uint64_t lengths = (uint64_t)(max == GRAMMAR_UNBOUNDED ? min : max) + 1;

	if (lengths * pattern->n_states > PRODUCT)
		return schema_fail(s, at, "pattern",
				   "needs %u states and lengths up to %u beside it: more than %d together; bound the length "
				   "in the pattern instead",
				   pattern->n_states, (unsigned)(lengths - 1), PRODUCT);
	size_t size = (size_t)lengths * pattern->n_states * sizeof(uint32_t);
	struct product p = { .pattern = pattern, .min = min, .max = max };

	p.nodes = mem_alloc(size);
	p.list = mem_alloc(size);
	memset(p.nodes, 0xFF, size);
	grammar_literal(s->draft, open, NULL, 0, product_node(&p, s->draft, 0, 0));
	for (uint32_t i = 0; i < p.n; i++)
		leave_product_node(&p, s->draft, p.list[i], close);
	free(p.nodes);
	free(p.list);
	return true;
}

static bool add_pattern(struct schema *s, const struct location *at, const json_t *text, uint32_t min, uint32_t max,
			uint32_t open, uint32_t close)
{
	struct error err;

	if (!json_is_string(text))
		return schema_fail(s, at, "pattern", "must be a string");
	struct pattern *pattern = pattern_new(json_string_value(text), json_string_length(text), &err);

	if (!pattern)
		return schema_fail(s, at, "pattern", "%s", err.text);
	bool ok = add_product(s, at, pattern, min, max, open, close);

	pattern_free(pattern);
	return ok;
}

/* ---- the keywords ---- */

bool read_count(struct schema *s, const json_t *schema, const struct location *at, const char *key, uint32_t *count)
{
	const json_t *value = json_object_get(schema, key);
	double x = json_number_value(value);

	if (!value)
		return true;
	if (!json_is_number(value) || x < 0 || x != floor(x))
		return schema_fail(s, at, key, "must be a whole number, 0 or more");
	*count = x < GRAMMAR_UNBOUNDED ? (uint32_t)x : GRAMMAR_UNBOUNDED;
	return true;
}

bool add_string(struct schema *s, const json_t *schema, const struct location *at, uint32_t from, uint32_t to)
{
	const json_t *pattern = json_object_get(schema, "pattern");
	struct grammar_draft *d = s->draft;
	uint32_t min = 0, max = GRAMMAR_UNBOUNDED;

	if (!read_count(s, schema, at, "minLength", &min) || !read_count(s, schema, at, "maxLength", &max))
		return false;
	if (min > max)
		return schema_fail(s, at, "minLength", "%u is more than maxLength, %u", min, max);
	/* A rule of its own, so that an error can say which string nothing satisfies. */
	uint32_t rule = grammar_rule(d, location_text(s, at)), open = grammar_node(d), close = grammar_node(d);

	grammar_call(d, from, rule, to);
	grammar_literal(d, grammar_start(d, rule), "\"", 1, open);
	grammar_literal(d, close, "\"", 1, grammar_end(d, rule));
	if (pattern)
		return add_pattern(s, at, pattern, min, max, open, close);
	grammar_repeat(d, open, character_rule(s), min, max, close);
	return true;
}
