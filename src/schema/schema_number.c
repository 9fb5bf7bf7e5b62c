/* schema_number.c - integers and numbers between bounds, digit by digit.
 *
 * Written are -?(0|[1-9][0-9]*)(\.[0-9]+)?, never an exponent, never minus zero. Bounds are taken as the decimals they
 * are written as (at most 17 digits, what a double keeps) and compared as decimals, so 0.1 is exactly 0.1. Numbers have
 * at most 15 significant digits: those a double, and so every JSON reader, tells apart. */
#include <inttypes.h>

#include "schema/schema_inner.h"

enum {
	DIGITS = 15,         /* of a number; of an integer whose bounds do not ask for more */
	INTEGER_DIGITS = 18, /* of any integer: fits 64 bits */
	DECIMALS = 6,        /* behind the point, where bounds do not ask for more */
};
static const int64_t BEYOND = 1000000000000000000; /* 10^18: larger than anything written */

/* 0.d1d2d3... times 10^point; n == 0 is zero. */
struct decimal {
	bool negative;
	char digits[40];
	int n, point;
};

struct bounds {
	struct decimal low[2], high[2]; /* plain and exclusive */
	bool has_low[2], has_high[2];
};

/* The range of x * 10^scale for the numbers x that satisfy all bounds. */
struct range {
	int64_t low, high;
};

static struct decimal decimal_of(const json_t *number)
{
	struct decimal d = { .negative = json_number_value(number) < 0 };
	char text[64];
	int exponent = 0;

	if (json_is_integer(number)) {
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(number));
	} else {
		for (int digits = 15; digits <= 17; digits++) {
			snprintf(text, sizeof(text), "%.*e", digits - 1, json_real_value(number));
			if (strtod(text, NULL) == json_real_value(number))
				break;
		}
		exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
	}
	for (const char *c = text; *c && *c != 'e'; c++)
		if (*c >= '0' && *c <= '9')
			d.digits[d.n++] = *c;
	d.point = json_is_integer(number) ? d.n : exponent + 1;
	while (d.n && d.digits[d.n - 1] == '0')
		d.n--;
	return d;
}

/* The magnitude of d * 10^scale without what is behind the point; *rest: something was. BEYOND where it is larger. */
static int64_t scaled(const struct decimal *d, int scale, bool *rest)
{
	int whole = d->point + scale;
	int64_t x = 0;

	*rest = d->n > (whole > 0 ? whole : 0);
	if (d->n && whole > INTEGER_DIGITS)
		return BEYOND;
	for (int i = 0; d->n && i < whole; i++)
		x = x * 10 + (i < d->n ? d->digits[i] - '0' : 0);
	return x;
}

/* The least integer at or above d * 10^scale (above it, if exclusive). */
static int64_t least_from(const struct decimal *d, int scale, bool exclusive)
{
	bool rest;
	int64_t x = scaled(d, scale, &rest);

	if (d->negative)
		return -x + (exclusive && !rest);
	return x + (exclusive || rest);
}

static struct range range_at(const struct bounds *b, int scale)
{
	struct range r = { -BEYOND, BEYOND };

	for (int exclusive = 0; exclusive < 2; exclusive++) {
		struct decimal mirrored = b->high[exclusive];

		mirrored.negative = !mirrored.negative;
		int64_t low = b->has_low[exclusive] ? least_from(&b->low[exclusive], scale, exclusive) : -BEYOND;
		int64_t high = b->has_high[exclusive] ? -least_from(&mirrored, scale, exclusive) : BEYOND;

		r.low = low > r.low ? low : r.low;
		r.high = high < r.high ? high : r.high;
	}
	return r;
}

/* ---- the automaton of numbers of one length ---- */

/* Magnitudes with `whole` digits before the point and up to `decimals` behind it, from low to high (as integers of
 * whole + decimals digits). A node knows how many digits were read and whether they are those of low, or of high. */
struct digits {
	struct grammar_draft *d;
	int whole, total;
	uint8_t low[INTEGER_DIGITS], high[INTEGER_DIGITS];
	uint32_t nodes[INTEGER_DIGITS + 1][4];  /* after so many digits; bit 0: on low, bit 1: on high */
	bool used[INTEGER_DIGITS + 1][4];
};

static void split_digits(int64_t x, uint8_t *digits, int n)
{
	for (int i = n; i-- > 0; x /= 10)
		digits[i] = (uint8_t)(x % 10);
}

static uint32_t digits_node(struct digits *a, int read, unsigned tight)
{
	if (!a->used[read][tight]) {
		a->nodes[read][tight] = grammar_node(a->d);
		a->used[read][tight] = true;
	}
	return a->nodes[read][tight];
}

/* With nothing but zeros to come, is the number not below low? */
static bool may_stop(const struct digits *a, int read, unsigned tight)
{
	for (int i = read; (tight & 1) && i < a->total; i++)
		if (a->low[i])
			return false;
	return read >= a->whole;
}

static void add_digit_edges(struct digits *a, uint32_t from, int read, unsigned tight)
{
	unsigned first = tight & 1 ? a->low[read] : 0, last = tight & 2 ? a->high[read] : 9;

	for (unsigned digit = first, end; digit <= last; digit = end + 1) {
		unsigned next = (tight & 1 && digit == first ? 1u : 0) | (tight & 2 && digit == last ? 2u : 0);

		end = digit;
		if (!next) /* the free digits between go together */
			end = tight & 2 ? last - 1 : last;
		grammar_byte(a->d, from, (uint8_t)('0' + digit), (uint8_t)('0' + end), digits_node(a, read + 1, next));
	}
}

static void add_digits(struct digits *a, uint32_t from, uint32_t to)
{
	a->nodes[0][3] = from;
	a->used[0][3] = true;
	for (int read = 0; read <= a->total; read++)
		for (unsigned tight = 0; tight < 4; tight++) {
			if (!a->used[read][tight])
				continue;
			uint32_t node = a->nodes[read][tight];

			if (may_stop(a, read, tight))
				grammar_literal(a->d, node, NULL, 0, to);
			if (read == a->whole && read < a->total) {
				uint32_t point = grammar_node(a->d);

				grammar_literal(a->d, node, ".", 1, point);
				node = point;
			}
			if (read < a->total)
				add_digit_edges(a, node, read, tight);
		}
}

static int64_t power_of_ten(int n)
{
	int64_t x = 1;

	while (n-- > 0)
		x *= 10;
	return x;
}

/* Magnitudes within low..high that have exactly `whole` digits before the point. Returns whether there are any. */
static bool add_length(struct grammar_draft *d, int whole, int decimals, int64_t low, int64_t high, uint32_t from,
		       uint32_t to)
{
	struct digits a = { .d = d, .whole = whole, .total = whole + decimals };
	int64_t least = whole == 1 ? 0 : power_of_ten(whole - 1 + decimals), most = power_of_ten(a.total) - 1;

	low = low > least ? low : least;
	high = high < most ? high : most;
	if (low > high)
		return false;
	split_digits(low, a.low, a.total);
	split_digits(high, a.high, a.total);
	add_digits(&a, from, to);
	return true;
}

/* ---- the keywords ---- */

static bool read_bounds(struct schema *s, const json_t *schema, const struct location *at, struct bounds *b)
{
	static const char *const names[2][2] = { { "minimum", "exclusiveMinimum" }, { "maximum", "exclusiveMaximum" } };

	for (int high = 0; high < 2; high++)
		for (int exclusive = 0; exclusive < 2; exclusive++) {
			const json_t *value = json_object_get(schema, names[high][exclusive]);

			if (value && !json_is_number(value))
				return schema_fail(s, at, names[high][exclusive], "must be a number");
			*(high ? &b->has_high[exclusive] : &b->has_low[exclusive]) = value;
			if (value)
				*(high ? &b->high[exclusive] : &b->low[exclusive]) = decimal_of(value);
		}
	return true;
}

/* The most digits any bound has before and behind the point. */
static void measure_bounds(const struct bounds *b, int *whole, int *decimals)
{
	*whole = *decimals = 0;
	for (int i = 0; i < 4; i++) {
		const struct decimal *d = i & 2 ? &b->high[i & 1] : &b->low[i & 1];

		if (!(i & 2 ? b->has_high : b->has_low)[i & 1] || !d->n)
			continue;
		*whole = d->point > *whole ? d->point : *whole;
		*decimals = d->n - d->point > *decimals ? d->n - d->point : *decimals;
	}
}

bool add_number(struct schema *s, const json_t *schema, const struct location *at, bool integer, uint32_t from, uint32_t to)
{
	struct bounds b = { 0 };
	uint32_t minus = grammar_node(s->draft);
	int longest = DIGITS, decimals = DECIMALS, whole, behind;
	bool any = false;

	if (!read_bounds(s, schema, at, &b))
		return false;
	measure_bounds(&b, &whole, &behind);
	if (integer && whole > longest)
		longest = whole < INTEGER_DIGITS ? whole : INTEGER_DIGITS;
	if (behind > decimals)
		decimals = behind < DIGITS - 1 ? behind : DIGITS - 1;
	for (int n = 1; n <= longest; n++) {
		int room = integer ? 0 : DIGITS - n < decimals ? DIGITS - n : decimals;
		struct range r = range_at(&b, room);

		any |= add_length(s->draft, n, room, r.low, r.high, from, to);
		any |= add_length(s->draft, n, room, r.high < -1 ? -r.high : 1, -r.low, minus, to);
	}
	grammar_literal(s->draft, from, "-", 1, minus);
	return any || schema_fail(s, at, NULL, "the bounds leave no %s that could be written with %d digits",
				  integer ? "integer" : "number", longest);
}
