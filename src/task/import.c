/* import.c - which reader a file goes to, which separator it has, and the notes of what was guessed. */
#include "task/import.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#include "base/file.h"

void import_note(struct import *x, const char *what, const char *value, const char *why, ...)
{
	char sentence[1024];
	va_list args;

	if (x->n_notes == IMPORT_NOTES)
		return;
	va_start(args, why);
	vsnprintf(sentence, sizeof(sentence), why, args);
	va_end(args);
	x->notes[x->n_notes++] = (struct import_note){ what, value, arena_string(x->arena, sentence) };
}

/* The same thing of many tests is said once. */
void import_leave_out(struct import *x, const char *format, ...)
{
	char sentence[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	for (size_t i = 0; i < x->n_left_out; i++)
		if (strcmp(x->left_out[i], sentence) == 0)
			return;
	if (x->n_left_out == IMPORT_LEFT_OUT)
		x->n_left_out_more++;
	else
		x->left_out[x->n_left_out++] = arena_string(x->arena, sentence);
}

bool import_extension_is(const char *path, const char *extension)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

	return dot && strcasecmp(dot, extension) == 0;
}

/* Of comma, semicolon, tab and bar the one that the header has most of, outside quotes; the extension's where it has none. */
static char separator_of(const char *header, size_t n, char by_extension)
{
	static const char separators[] = { ',', ';', '\t', '|' };
	size_t count[sizeof(separators)] = { 0 }, best = 0;
	bool quoted = false;

	for (size_t i = 0; i < n && (quoted || (header[i] != '\n' && header[i] != '\r')); i++) {
		quoted ^= header[i] == '"';
		for (size_t s = 0; s < sizeof(separators) && !quoted; s++)
			count[s] += header[i] == separators[s];
	}
	for (size_t s = 1; s < sizeof(separators); s++)
		if (count[s] > count[best])
			best = s;
	return count[best] ? separators[best] : by_extension;
}

static const char *separator_name(char separator)
{
	return separator == ',' ? "comma" : separator == ';' ? "semicolon" : separator == '\t' ? "tab" : "bar |";
}

/* What task files name as .csv has commas and as .tsv tabs; anything else is written anew, as JSON Lines. */
static bool separated_read(struct import *x, struct error *err)
{
	char own = import_extension_is(x->path, ".tsv") ? '\t' : ',', found;
	size_t n;
	char *bytes = file_read(x->path, TABLE_FILE_BYTES, &n, err);

	if (!bytes)
		return false;
	found = separator_of(bytes, n, own);
	free(bytes);
	x->copied = found == own;
	import_note(x, "delimiter", separator_name(found), x->copied ? "the header has most of it" :
		    "the header has most of it; the examples are written anew as JSON Lines");
	return table_read_separated(&x->table, x->arena, x->path, found, err);
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *stem_of(struct arena *arena, const char *path)
{
	const char *name = file_name(path), *dot = strrchr(name, '.');

	return dot > name ? arena_copy(arena, name, (size_t)(dot - name)) : name;
}

static bool source_read(struct import *x, struct error *err)
{
	if (import_is_promptfoo(x->path))
		return import_promptfoo(x, err);
	if (import_extension_is(x->path, ".csv") || import_extension_is(x->path, ".tsv")) {
		if (!separated_read(x, err))
			return false;
	} else {
		if (!table_read(&x->table, x->arena, x->path, err))
			return false;
		x->copied = true;
	}
	return !import_is_chat(&x->table) || import_chat(x, err);
}

bool import_read(struct import *x, struct arena *arena, const char *path, const struct import_options *o, struct error *err)
{
	struct import_options settled = *o;

	*x = (struct import){ .arena = arena, .path = path };
	if (!source_read(x, err))
		return false;
	x->name = o->name ? o->name : x->name ? x->name : stem_of(arena, path);
	x->examples = x->copied ? file_name(path) : "examples.jsonl";
	if (!o->answer)
		settled.answer = x->answer_named;
	if (!guess_columns(x, &settled, err) || !guess_kind(x, o, err))
		return false;
	if (x->kind == TASK_EXTRACT || x->many)
		x->scorer = NULL; /* objects and sets have scorers of their own */
	if (x->scorer)
		import_note(x, "scorer", x->scorer, "%s", strcmp(x->scorer, "f1") == 0 ? "some tests ask for something similar" :
			    strcmp(x->scorer, "contains") == 0 ? "some tests ask what the answer contains" : "all tests ask for equality");
	return true;
}
