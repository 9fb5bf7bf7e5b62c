/* text.c - utf8proc for properties and normal forms; validity and decoding by hand, because inputs are hostile. */
#include "base/text.h"

#include <utf8proc.h>

#include "base/arena.h"

static bool continuation(const char *p)
{
	return ((unsigned char)*p & 0xC0) == 0x80;
}

size_t text_decode(const char *text, size_t n, uint32_t *code_point)
{
	unsigned char lead = (unsigned char)text[0];
	size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
	uint32_t c = length <= 1 ? lead : lead & (0xFFu >> (length + 1));

	*code_point = 0xFFFD;
	if (length == 0 || length > n)
		return 1;
	for (size_t i = 1; i < length; i++) {
		if (!continuation(text + i))
			return 1;
		c = c << 6 | ((unsigned char)text[i] & 0x3F);
	}
	if ((length == 3 && (c < 0x800 || (c >= 0xD800 && c < 0xE000))) || (length == 4 && (c < 0x10000 || c > 0x10FFFF)))
		return 1;
	*code_point = c;
	return length;
}

bool text_valid(const char *text, size_t n, size_t *bad)
{
	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t length = text_decode(text + i, n - i, &c);

		if (c == 0xFFFD && length == 1) {
			*bad = i;
			return false;
		}
		i += length;
	}
	return true;
}

/* Bytes of the wrong sequence at text[0..n): the longest start of a valid character, at least one byte. */
static size_t wrong_length(const char *text, size_t n)
{
	unsigned char lead = (unsigned char)text[0], second = n > 1 ? (unsigned char)text[1] : 0;
	size_t want = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4, length = 2;
	unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
	unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;

	if (lead < 0xE0 || lead > 0xF4 || second < low || second > high)
		return 1;
	while (length < want - 1 && length < n && continuation(text + length))
		length++;
	return length;
}

void text_repair(struct buf *out, const char *text, size_t n)
{
	size_t bad;

	while (n && !text_valid(text, n, &bad)) {
		size_t skip = bad + wrong_length(text + bad, n - bad);

		buf_add(out, text, bad);
		buf_adds(out, "\xEF\xBF\xBD");
		text += skip;
		n -= skip;
	}
	buf_add(out, text, n);
}

size_t text_encode(uint32_t c, char out[4])
{
	if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
		c = 0xFFFD;
	return (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)out);
}

size_t text_first(const char *text, size_t n, size_t count)
{
	utf8proc_int32_t state = 0;
	uint32_t previous = 0;
	size_t clusters = 0;

	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t length = text_decode(text + i, n - i, &c);

		if (i == 0 || utf8proc_grapheme_break_stateful((utf8proc_int32_t)previous, (utf8proc_int32_t)c, &state)) {
			if (clusters == count)
				return i;
			clusters++;
		}
		previous = c;
		i += length;
	}
	return n;
}

static void append_form(struct buf *out, const char *text, size_t n, utf8proc_option_t form)
{
	utf8proc_uint8_t *mapped = NULL;
	utf8proc_ssize_t length =
		utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &mapped, form | UTF8PROC_STABLE);

	buf_add(out, length >= 0 ? (const char *)mapped : text, length >= 0 ? (size_t)length : n);
	free(mapped);
}

void text_compose(struct buf *out, const char *text, size_t n)
{
	append_form(out, text, n, UTF8PROC_COMPOSE);
}

void text_decompose(struct buf *out, const char *text, size_t n)
{
	append_form(out, text, n, UTF8PROC_DECOMPOSE);
}

const char *text_category(uint32_t c)
{
	return utf8proc_category_string((utf8proc_int32_t)c);
}

static utf8proc_category_t category(uint32_t c)
{
	return utf8proc_category((utf8proc_int32_t)c);
}

bool text_is_letter(uint32_t c)
{
	utf8proc_category_t k = category(c);

	return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_ME;
}

bool text_is_number(uint32_t c)
{
	utf8proc_category_t k = category(c);

	return k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;
}

bool text_is_punctuation(uint32_t c)
{
	utf8proc_category_t k = category(c);

	return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
}

bool text_is_space(uint32_t c)
{
	utf8proc_category_t k = category(c);

	return (c >= 9 && c <= 13) || c == 0x85 || (k >= UTF8PROC_CATEGORY_ZS && k <= UTF8PROC_CATEGORY_ZP);
}

const char *text_find_words(const char *text, const char *words)
{
	size_t n = strlen(words);

	for (const char *p = n ? strstr(text, words) : NULL; p; p = strstr(p + 1, words))
		if ((p == text || p[-1] == ' ' || (p[-1] & 0x80)) && (p[n] == 0 || p[n] == ' ' || (p[n] & 0x80)))
			return p;
	return NULL;
}

void text_lower(struct buf *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c;
		char bytes[4];
		size_t length = text_decode(text + i, n - i, &c);

		buf_add(out, bytes, text_encode((uint32_t)utf8proc_tolower((utf8proc_int32_t)c), bytes));
		i += length;
	}
}

void text_normalise(struct buf *out, const char *text, size_t n)
{
	utf8proc_uint8_t *mapped = NULL;
	utf8proc_ssize_t length = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &mapped,
					       UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_STABLE | UTF8PROC_CASEFOLD);
	const char *folded = length >= 0 ? (const char *)mapped : text;
	size_t folded_n = length >= 0 ? (size_t)length : n;
	bool gap = false, any = false;

	for (size_t i = 0; i < folded_n;) {
		uint32_t c;
		size_t step = text_decode(folded + i, folded_n - i, &c);

		if (text_is_space(c) || text_is_punctuation(c) || c < 32) {
			gap = any;
		} else {
			if (gap)
				buf_addc(out, ' ');
			buf_add(out, folded + i, step);
			gap = false;
			any = true;
		}
		i += step;
	}
	free(mapped);
}

const char *text_normal(struct arena *arena, const char *text, size_t n)
{
	struct buf normal = { 0 };

	text_normalise(&normal, text, n);
	const char *copy = arena_copy(arena, buf_text(&normal), normal.n);

	buf_release(&normal);
	return copy;
}

size_t text_distance(const char *a, const char *b, size_t limit)
{
	size_t n = strlen(a), m = strlen(b);

	if (n > m + limit || m > n + limit)
		return limit + 1;
	size_t *row = mem_zero(m + 1, sizeof(*row));

	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			best = row[j] + 1 < best ? row[j] + 1 : best;
			row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
		}
	}
	size_t distance = row[m];

	free(row);
	return distance <= limit ? distance : limit + 1;
}
