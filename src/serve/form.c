/* form.c - pairs between '&', and between ';' */
#include "serve/form.h"

#include <string.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* '%' that no two digits follow stands for itself. NULL: there is a NUL in it. */
static const char *decode(const char *s, size_t n, struct arena *arena)
{
	char *out = arena_alloc(arena, n + 1);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		char c = s[i] == '+' ? ' ' : s[i];

		if (c == '%' && i + 2 < n && digit(s[i + 1]) >= 0 && digit(s[i + 2]) >= 0) {
			c = (char)(digit(s[i + 1]) << 4 | digit(s[i + 2]));
			i += 2;
		}
		if (c == '\0')
			return NULL;
		out[k++] = c;
	}
	out[k] = '\0';
	return out;
}

const char *form_field(const char *body, size_t n, const char *name, struct arena *arena)
{
	for (const char *at = body, *end = body + n; at < end;) {
		const char *stop = memchr(at, '&', (size_t)(end - at)), *next = stop ? stop : end;
		const char *equals = memchr(at, '=', (size_t)(next - at));
		const char *key = decode(at, (size_t)((equals ? equals : next) - at), arena);

		if (key && strcmp(key, name) == 0)
			return equals ? decode(equals + 1, (size_t)(next - equals - 1), arena) : "";
		at = stop ? stop + 1 : end;
	}
	return NULL;
}

const char *form_cookie(const char *header, const char *name, struct arena *arena)
{
	size_t n = strlen(name);

	for (const char *at = header; at && *at;) {
		at += strspn(at, " \t;");
		size_t length = strcspn(at, ";");

		if (length > n && strncmp(at, name, n) == 0 && at[n] == '=')
			return arena_copy(arena, at + n + 1, length - n - 1);
		at += length;
	}
	return NULL;
}

void form_escape(struct buf *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text; text++)
		if (strchr(plain, *text))
			buf_addc(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned)(unsigned char)*text);
}

bool form_same(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned char differ = 0;

	if (n != strlen(b)) /* how long a secret is, is none */
		return false;
	for (size_t i = 0; i < n; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return !differ;
}
