/* parse_labels.c - several labels out of one reply. Codes are words with dots and dashes inside: E11 is not in E11.9. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "prompt/parse.h"

enum { OTHERS = 20, OTHER_BYTES = 60 };

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

static bool is_joint(char c)
{
	return c == '.' || c == '-';
}

/* Whether text[0..n) stands alone at p: no word byte beside it, nor one behind a dot or dash. */
static bool stands_alone(const char *text, const char *p, size_t n)
{
	bool before = p > text && (is_word_byte(p[-1]) || (is_joint(p[-1]) && p - 1 > text && is_word_byte(p[-2])));
	bool after = is_word_byte(p[n]) || (is_joint(p[n]) && is_word_byte(p[n + 1]));

	return !before && !after;
}

static const char *lower_copy(struct arena *arena, const char *text, size_t n)
{
	struct buf lower = { 0 };

	text_lower(&lower, text, n);
	const char *copy = arena_copy(arena, buf_text(&lower), lower.n);

	buf_release(&lower);
	return copy;
}

/* Blanks the label wherever it stands in the text, so that no shorter label is found inside it; whether it was there. */
static bool take(char *text, const char *name)
{
	size_t n = strlen(name);
	bool found = false;

	for (char *p = n ? strstr(text, name) : NULL; p; p = strstr(p + 1, name))
		if (stands_alone(text, p, n)) {
			memset(p, '\n', n);
			found = true;
		}
	return found;
}

/* Labels by falling length of their names. */
struct longest {
	const char *name;
	size_t label, n;
};

static int by_length(const void *a, const void *b)
{
	const struct longest *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : (x->label > y->label) - (x->label < y->label);
}

static const struct longest *list_labels(const struct task *task, struct arena *arena)
{
	struct longest *list = arena_array(arena, task->n_labels + 1, sizeof(*list));

	for (size_t i = 0; i < task->n_labels; i++) {
		const char *name = lower_copy(arena, task->labels[i].name, strlen(task->labels[i].name));

		list[i] = (struct longest){ name, i, strlen(name) };
	}
	qsort(list, task->n_labels, sizeof(*list), by_length);
	return list;
}

static void add_other(struct parse_others *other, struct arena *arena, const char *name, size_t n)
{
	size_t cut = n < OTHER_BYTES ? n : OTHER_BYTES;

	if (!other || n == 0 || other->n == OTHERS)
		return;
	while (cut < n && cut > 0 && ((unsigned char)name[cut] & 0xC0) == 0x80) /* not inside a character */
		cut--;
	other->names = other->names ? other->names : arena_array(arena, OTHERS, sizeof(*other->names));
	other->names[other->n++] = arena_copy(arena, name, cut);
}

static bool mark_whole(const struct task *task, const struct longest *list, const char *name, bool *found)
{
	for (size_t i = 0; i < task->n_labels; i++)
		if (strcmp(list[i].name, name) == 0) {
			found[list[i].label] = true;
			return true;
		}
	return false;
}

/* The array of labels that the reply holds as JSON; NULL: none. The caller gives the root up. */
static const json_t *json_labels(const char *reply, json_t **root)
{
	const char *start = reply + strcspn(reply, "{[");

	*root = *start ? json_loads(start, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	const json_t *array = json_is_object(*root) ? json_object_get(*root, "labels") : *root;

	return json_is_array(array) ? array : NULL;
}

static bool read_json(const struct task *task, const char *reply, const struct longest *list, struct arena *arena, bool *found,
		      struct parse_others *other)
{
	json_t *root;
	const json_t *array = json_labels(reply, &root), *item;
	bool is_list = array != NULL;
	size_t i;

	json_array_foreach(array, i, item) {
		const char *name = json_string_value(item);

		if (name && !mark_whole(task, list, lower_copy(arena, name, strlen(name)), found))
			add_other(other, arena, name, strlen(name));
	}
	json_decref(root);
	return is_list;
}

/* Pieces between commas, semicolons and line ends in which no label stood (where one did, it is blanked). */
static void list_others(const char *reply, const char *blanked, struct arena *arena, struct parse_others *other)
{
	static const char edges[] = " \t\r\"'`*:()[].";

	for (size_t i = 0; reply[i];) {
		size_t n = strcspn(reply + i, ",;\n"), start = i, end = i + n;
		bool labelled = memchr(blanked + i, '\n', n) != NULL;

		i = end + (reply[end] != '\0');
		while (start < end && strchr(edges, reply[start]))
			start++;
		while (end > start && strchr(edges, reply[end - 1]))
			end--;
		if (!labelled)
			add_other(other, arena, reply + start, end - start);
	}
}

static bool says_none(const char *text)
{
	static const char *const words[] = { "none", "no labels", "no codes", "no label applies", "[]", "n/a" };
	static const char edges[] = " \t\r\n\"'`*.";
	size_t start = strspn(text, edges), n = strlen(text + start);

	while (n > 0 && strchr(edges, text[start + n - 1]))
		n--;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == n && memcmp(words[i], text + start, n) == 0)
			return true;
	return false;
}

enum parse_result parse_labels(const struct task *task, const char *reply, struct arena *arena, bool *found,
			       struct parse_others *other)
{
	const struct longest *list = list_labels(task, arena);
	const char *lower = lower_copy(arena, reply, strlen(reply));
	const char *shown = strlen(lower) == strlen(reply) ? reply : lower; /* lower case may be longer in other alphabets */
	char *text = arena_copy(arena, lower, strlen(lower));
	bool any = false;

	if (read_json(task, reply, list, arena, found, other))
		return PARSE_LABEL;
	for (size_t i = 0; i < task->n_labels; i++)
		if (take(text, list[i].name))
			any = found[list[i].label] = true;
	if (any || says_none(lower)) {
		if (any)
			list_others(shown, text, arena, other);
		return PARSE_LABEL;
	}
	list_others(shown, text, arena, other);
	return parse_refuses(lower) ? PARSE_REFUSED : PARSE_NONE;
}
