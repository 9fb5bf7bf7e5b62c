/* vectors.c - singles as base64, and back */
#include "model/vectors.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Byte `at` of the numbers in the order of the text. */
static uint32_t byte_of(const float *rows, size_t at)
{
	uint32_t bits;

	memcpy(&bits, &rows[at / 4], sizeof(bits));
	return bits >> 8 * (at % 4) & 0xff;
}

void vectors_write(const float *rows, size_t n, size_t width, struct buf *out)
{
	size_t bytes = 4 * n * width;

	buf_addf(out, "%zu ", width);
	for (size_t at = 0; at < bytes; at += 3) {
		uint32_t three = byte_of(rows, at) << 16;

		three |= at + 1 < bytes ? byte_of(rows, at + 1) << 8 : 0;
		three |= at + 2 < bytes ? byte_of(rows, at + 2) : 0;
		for (size_t k = 0; k < 4; k++)
			buf_addc(out, at + k > bytes ? '=' : digits[three >> (18 - 6 * k) & 63]);
	}
}

static bool read_digits(const char *text, size_t bytes, uint8_t *out)
{
	uint32_t held = 0;
	size_t n = 0, bits = 0;

	for (; n < bytes; text++) {
		const char *digit = *text ? strchr(digits, *text) : NULL;

		if (!digit)
			return false;
		held = held << 6 | (uint32_t)(digit - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = held >> bits & 0xff;
		}
	}
	return text[strspn(text, "=")] == '\0';
}

bool vectors_read(const char *text, size_t n, struct arena *arena, float **rows, size_t *width)
{
	char *end;
	unsigned long long w = strtoull(text, &end, 10);

	if (*end != ' ' || w == 0 || w > strlen(end) || n > strlen(end) / w)
		return false;
	uint8_t *bytes = arena_array(arena, 4 * n * w + 1, 1);

	if (!read_digits(end + 1, 4 * n * w, bytes))
		return false;
	*width = w;
	*rows = arena_array(arena, n * w + 1, sizeof(**rows));
	for (size_t i = 0; i < n * w; i++) {
		uint32_t four = bytes[4 * i] | (uint32_t)bytes[4 * i + 1] << 8 | (uint32_t)bytes[4 * i + 2] << 16 | (uint32_t)bytes[4 * i + 3] << 24;

		memcpy(&(*rows)[i], &four, sizeof(four));
		if (!isfinite((*rows)[i]))
			return false;
	}
	return true;
}
