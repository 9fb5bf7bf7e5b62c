/* repair.c - one pass from the first brace on, which writes what JSON would have had there */
#include "schema/repair.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"

enum { DEPTH = 64 };

struct repair {
	const char *at;
	struct buf out;
	char open[DEPTH]; /* closing brackets that are owed */
	size_t depth;
	size_t whole;     /* bytes of out up to which members are whole, and */
	size_t whole_depth; /* the brackets owed there */
	bool cut;         /* the text ended inside a value */
};

/* Bytes of the quote at s, 0: none. */
static size_t quote_length(const char *s)
{
	static const char *const quotes[] = { "\"", "'", "\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x98", "\xe2\x80\x99" };

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++)
		if (strncmp(s, quotes[i], strlen(quotes[i])) == 0)
			return strlen(quotes[i]);
	return 0;
}

/* Whether a quote ends the string there: an apostrophe stands inside a word, a closing quote before what may follow a string. */
static bool ends_string(const char *behind)
{
	behind += strspn(behind, " \t\r\n");
	return *behind == '\0' || strchr(",:}]", *behind);
}

static void copy_string(struct repair *r)
{
	bool plain = *r->at == '"';

	r->at += quote_length(r->at);
	buf_addc(&r->out, '"');
	while (*r->at) {
		size_t quote = quote_length(r->at);

		if (quote && (plain ? *r->at == '"' : ends_string(r->at + quote))) {
			r->at += quote;
			buf_addc(&r->out, '"');
			return;
		}
		if (*r->at == '\\' && r->at[1] == '\'') {
			r->at++; /* no escape of JSON's */
		} else if (*r->at == '\\' && r->at[1]) {
			buf_addc(&r->out, *r->at++);
			buf_addc(&r->out, *r->at++);
			continue;
		}
		if ((unsigned char)*r->at < 32)
			buf_adds(&r->out, *r->at == '\n' ? "\\n" : " ");
		else if (*r->at == '"' || *r->at == '\\')
			buf_addf(&r->out, "\\%c", *r->at);
		else
			buf_addc(&r->out, *r->at);
		r->at++;
	}
	r->cut = true;
}

/* A number, a constant, or a key without quotes. */
static void copy_word(struct repair *r)
{
	static const char *const constants[][2] = { { "True", "true" }, { "False", "false" }, { "None", "null" }, { "true", "true" },
						    { "false", "false" }, { "null", "null" } };
	size_t n = strcspn(r->at, " \t\r\n,:{}[]\"");
	const char *behind = r->at + n + strspn(r->at + n, " \t\r\n");

	r->cut = *behind == '\0'; /* 12 may have been going to be 120 */
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
		if (*behind != ':' && strlen(constants[i][0]) == n && memcmp(constants[i][0], r->at, n) == 0) {
			buf_adds(&r->out, constants[i][1]);
			r->at += n;
			return;
		}
	if (*behind == ':')
		buf_addc(&r->out, '"');
	buf_add(&r->out, r->at, n);
	if (*behind == ':')
		buf_addc(&r->out, '"');
	r->at += n;
}

static void drop_comma(struct repair *r)
{
	while (r->out.n > 0 && strchr(" ,\t\r\n", r->out.data[r->out.n - 1]))
		r->out.n--;
}

static void mark_whole(struct repair *r)
{
	r->whole = r->out.n;
	r->whole_depth = r->depth;
}

/* One token; false when the outermost object is closed or nothing more can be read. */
static bool step(struct repair *r)
{
	char c = *r->at;

	if (quote_length(r->at)) {
		copy_string(r);
	} else if (c == '{' || c == '[') {
		if (r->depth == DEPTH)
			return false;
		r->open[r->depth++] = c == '{' ? '}' : ']';
		buf_addc(&r->out, *r->at++);
		mark_whole(r);
	} else if (c == '}' || c == ']') {
		if (r->open[r->depth - 1] != c)
			return false;
		drop_comma(r);
		buf_addc(&r->out, *r->at++);
		r->depth--;
		mark_whole(r);
	} else if (c == ',') {
		mark_whole(r);
		buf_addc(&r->out, *r->at++);
	} else if (c == ':' || isspace((unsigned char)c)) {
		buf_addc(&r->out, *r->at++);
	} else {
		copy_word(r);
	}
	return r->depth > 0;
}

/* Whether what stands behind the last whole member is one too: a value, not a key alone. */
static bool ends_in_value(const struct repair *r)
{
	const char *rest = buf_text(&r->out) + r->whole;
	const char *from = rest + strspn(rest, " \t\r\n,");

	return !r->cut && *from && (r->open[r->depth - 1] == ']' || strchr(from, ':')) && r->out.data[r->out.n - 1] != ':';
}

json_t *repair_object(const char *text)
{
	struct repair r = { .at = strchr(text, '{') };

	if (!r.at)
		return NULL;
	do
		if (!step(&r))
			break;
	while (*r.at);
	if (r.depth > 0) {
		drop_comma(&r);
		if (r.whole > r.out.n || ends_in_value(&r))
			mark_whole(&r);
		r.out.n = r.whole;
		for (size_t depth = r.whole_depth; depth-- > 0;)
			buf_addc(&r.out, r.open[depth]);
	}
	json_t *object = json_loadb(r.out.data, r.out.n, 0, NULL);

	buf_release(&r.out);
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}
