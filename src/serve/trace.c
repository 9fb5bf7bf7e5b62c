/* trace.c - fields of fixed width; ids of zeros alone are none */
#include "serve/trace.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char digits[] = "0123456789abcdef"; /* capitals are not allowed */

static bool is_hex(const char *s, size_t n)
{
	return strspn(s, digits) >= n;
}

static bool is_id(const char *s, size_t n)
{
	return is_hex(s, n) && strspn(s, "0") < n;
}

/* "00-" 32 digits "-" 16 digits "-" 2 digits. A later version may say more behind another '-'. */
bool trace_read(const char *header, struct trace *out)
{
	enum { ID = 3, PARENT = 36, FLAGS = 53, END = 55 };

	*out = (struct trace){ .sampled = false };
	if (!header || strlen(header) < END || !is_hex(header, 2) || memcmp(header, "ff", 2) == 0)
		return false;
	if (header[ID - 1] != '-' || header[PARENT - 1] != '-' || header[FLAGS - 1] != '-')
		return false;
	if (!is_id(header + ID, TRACE_ID - 1) || !is_id(header + PARENT, TRACE_SPAN - 1) || !is_hex(header + FLAGS, 2))
		return false;
	if (header[END] && (memcmp(header, "00", 2) == 0 || header[END] != '-'))
		return false;
	memcpy(out->id, header + ID, TRACE_ID - 1);
	memcpy(out->parent, header + PARENT, TRACE_SPAN - 1);
	out->sampled = (strchr(digits, header[FLAGS + 1]) - digits) & 1;
	return true;
}

/* n random digits and a NUL; n at most 32. */
static void draw(char *out, size_t n)
{
	uint8_t random[16];

	do {
		if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
			abort(); /* a span that may be another's would mix up traces; Linux gives 256 bytes or less whole */
		for (size_t i = 0; i < n; i++)
			out[i] = digits[random[i / 2] >> (i % 2 ? 0 : 4) & 15];
		out[n] = '\0';
	} while (!is_id(out, n));
}

void trace_new_span(char out[TRACE_SPAN])
{
	draw(out, TRACE_SPAN - 1);
}

void trace_begin(const char *header, struct trace *out)
{
	if (!trace_read(header, out)) {
		draw(out->id, TRACE_ID - 1);
		out->sampled = true;
	}
	trace_new_span(out->span);
}

void trace_write(const struct trace *t, const char *span, char out[TRACE_PARENT])
{
	snprintf(out, TRACE_PARENT, "00-%s-%s-%s", t->id, span, t->sampled ? "01" : "00");
}
