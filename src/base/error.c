/* error.c - formatting of error sentences; never allocates, so it works when memory is short. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Drops a UTF-8 sequence that the buffer's end cut in two. */
static void trim_partial_character(char *text)
{
	size_t n = strlen(text);
	size_t start = n;

	while (start > 0 && n - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0)
		return;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t want = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;

	if (n - start < want)
		text[start - 1] = '\0';
}

bool error_set(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	trim_partial_character(err->text);
	err->again = false;
	return false;
}

bool error_again(struct error *err)
{
	err->again = true;
	return false;
}

bool error_prefix(struct error *err, const char *format, ...)
{
	struct error old = *err;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %.*s",
			 (int)(sizeof(err->text) - (size_t)n), old.text);
	trim_partial_character(err->text);
	return false;
}
