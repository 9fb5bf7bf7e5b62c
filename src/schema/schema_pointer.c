/* schema_pointer.c - JSON pointers: where an error stands, and what a $ref means (RFC 6901). */
#include <ctype.h>
#include <stdarg.h>

#include "base/text.h"
#include "schema/schema_inner.h"

enum { SHOWN = 300 }; /* bytes of a pointer in a sentence */

/* As RFC 6901 section 6 writes a pointer in a URI: ~ and / escaped, and what no URI holds in percent. */
static void append_token(struct buf *out, const char *token, size_t limit)
{
	for (; *token && out->n < limit; token++) {
		if (*token == '~' || *token == '/')
			buf_adds(out, *token == '~' ? "~0" : "~1");
		else if ((unsigned char)*token <= ' ' || strchr("%\"\x7F", *token))
			buf_addf(out, "%%%02X", (unsigned char)*token);
		else
			buf_addc(out, *token);
	}
}

static void append_location(struct buf *out, const struct location *at)
{
	if (!at->parent) {
		buf_adds(out, at->token);
		return;
	}
	append_location(out, at->parent);
	buf_addc(out, '/');
	append_token(out, at->token, SHOWN);
}

const char *location_text(struct schema *s, const struct location *at)
{
	struct buf text = { 0 }, whole = { 0 };

	append_location(&text, at);
	if (text.n > SHOWN)
		text.n = SHOWN;
	text_repair(&whole, buf_text(&text), text.n); /* a character may have been cut */
	buf_adds(&whole, text.n == SHOWN ? "..." : "");
	const char *copy = arena_copy(&s->arena, buf_text(&whole), whole.n);

	buf_release(&text);
	buf_release(&whole);
	return copy;
}

void append_line(struct buf *out, const char *text)
{
	size_t from = out->n;

	text_repair(out, text, strlen(text));
	for (size_t i = from; i < out->n; i++)
		if ((unsigned char)out->data[i] < ' ')
			out->data[i] = ' ';
}

bool schema_fail(struct schema *s, const struct location *at, const char *key, const char *format, ...)
{
	struct location inner = { at, key };
	struct buf whole = { 0 };
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_addf(&whole, "%s: ", location_text(s, key ? &inner : at));
	append_line(&whole, text);
	error_set(s->err, "%s", buf_text(&whole));
	buf_release(&whole);
	return false;
}

/* The next token of a pointer, unescaped, into out; returns where the pointer goes on, or NULL where it is malformed. */
static const char *next_token(const char *p, struct buf *out)
{
	buf_clear(out);
	for (; *p && *p != '/'; p++) {
		unsigned byte;

		if (*p == '~' && p[1] != '0' && p[1] != '1')
			return NULL;
		if (*p == '%') {
			if (!isxdigit((unsigned char)p[1]) || !isxdigit((unsigned char)p[2]) ||
			    sscanf(p + 1, "%2x", &byte) != 1 || !byte)
				return NULL;
			buf_addc(out, (char)byte);
			p += 2;
		} else if (*p == '~') {
			buf_addc(out, *++p == '0' ? '~' : '/');
		} else {
			buf_addc(out, *p);
		}
	}
	return p;
}

/* An array's element by its number as a pointer writes it. */
static const json_t *element(const json_t *array, const char *number)
{
	size_t index = 0, i = 0;

	for (; number[i] >= '0' && number[i] <= '9' && i < 7; i++)
		index = index * 10 + (size_t)(number[i] - '0');
	return i && !number[i] ? json_array_get(array, index) : NULL;
}

/* Follows the pointer behind its "#" from the root; canonical receives the pointer in its one spelling. */
static const json_t *follow_pointer(struct schema *s, const char *p, struct buf *canonical)
{
	const json_t *at = s->root;
	struct buf token = { 0 };

	buf_adds(canonical, "#");
	while (at && *p == '/') {
		p = next_token(p + 1, &token);
		if (!p)
			break;
		const char *name = buf_text(&token);

		buf_addc(canonical, '/');
		append_token(canonical, name, SIZE_MAX);
		at = json_is_array(at) ? element(at, name) : json_object_get(at, name);
	}
	buf_release(&token);
	return p && !*p ? at : NULL;
}

const json_t *schema_target(struct schema *s, const json_t *schema, const struct location *at, const char **pointer)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	struct buf canonical = { 0 };
	const json_t *target = ref && ref[0] == '#' ? follow_pointer(s, ref + 1, &canonical) : NULL;

	*pointer = arena_copy(&s->arena, buf_text(&canonical), canonical.n);
	buf_release(&canonical);
	if (!target)
		schema_fail(s, at, "$ref", "%s is not in this document; write \"#/$defs/NAME\" and define NAME there",
			    ref ? ref : "what is not a string");
	return target;
}
