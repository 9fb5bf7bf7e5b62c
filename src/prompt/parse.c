/* parse.c - forgiving about form, strict about content: two labels mentioned are no answer. */
#include "prompt/parse.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/text.h"

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

/* The last place at or after `from` where name stands as a word in text (both lower case); NULL when nowhere. */
static const char *last_mention(const char *text, const char *name)
{
	size_t n = strlen(name);
	const char *found = NULL;

	for (const char *p = strstr(text, name); p && n; p = strstr(p + 1, name))
		if ((p == text || !is_word_byte(p[-1])) && !is_word_byte(p[n]))
			found = p;
	return found;
}

/* Whether some longer label covers the mention at p ("work" inside "work order"). */
static bool covered(const char *const *names, size_t n, size_t self, const char *text, const char *p)
{
	for (size_t i = 0; i < n; i++) {
		const char *q = strlen(names[i]) > strlen(names[self]) ? last_mention(text, names[i]) : NULL;

		if (q && q <= p && p + strlen(names[self]) <= q + strlen(names[i]))
			return true;
	}
	return false;
}

static const char *trimmed(struct arena *arena, const char *text)
{
	static const char edges[] = " \t\r\n\"'`*.:;,!()[]";
	size_t start = strspn(text, edges), end = strlen(text);

	while (end > start && strchr(edges, text[end - 1]))
		end--;
	return arena_copy(arena, text + start, end - start);
}

static bool find_label(const char *const *names, size_t n, const char *text, size_t *label)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], text) == 0) {
			*label = i;
			return true;
		}
	return false;
}

/* A JSON object's "label" member, wherever the object begins in the reply. */
static bool json_label(struct arena *arena, const char *reply, const char *const *names, size_t n, size_t *label)
{
	const char *brace = strchr(reply, '{');
	json_t *root = brace ? json_loads(brace, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	const char *value = json_string_value(json_object_get(root, "label"));
	struct buf lower = { 0 };
	bool found = false;

	if (value) {
		text_lower(&lower, value, strlen(value));
		found = find_label(names, n, trimmed(arena, buf_text(&lower)), label);
	}
	buf_release(&lower);
	json_decref(root);
	return found;
}

bool parse_refuses(const char *text)
{
	static const char *const openings[] = { "i'm sorry", "i am sorry", "sorry", "i can't", "i cannot", "i can not",
						"i'm unable", "i am unable", "i won't" };

	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++)
		if (strncmp(text, openings[i], strlen(openings[i])) == 0)
			return true;
	return false;
}

static enum parse_result mentioned(const char *const *names, size_t n, const char *text, bool last_wins, size_t *label)
{
	const char *best = NULL;
	size_t mentions = 0;

	for (size_t i = 0; i < n; i++) {
		const char *p = last_mention(text, names[i]);

		if (!p || covered(names, n, i, text, p))
			continue;
		mentions++;
		if (!best || p > best) {
			best = p;
			*label = i;
		}
	}
	if (mentions == 1 || (mentions > 1 && last_wins))
		return PARSE_LABEL;
	return mentions == 0 && parse_refuses(text) ? PARSE_REFUSED : PARSE_NONE;
}

const char *parse_behind_reasons(const char *reply, size_t *reasons)
{
	static const char word[] = "answer:";
	const char *answer = reply;

	*reasons = 0;
	for (const char *p = strcasestr(reply, word); p; p = strcasestr(p + 1, word)) {
		answer = p + strlen(word);
		*reasons = (size_t)(p - reply);
	}
	return answer;
}

static enum parse_result parse_in(struct arena *arena, const struct task *task, const char *reply, bool reasoned,
				  size_t *label)
{
	const char **names = arena_array(arena, task->n_labels, sizeof(*names));
	struct buf lower = { 0 };
	size_t reasons;

	for (size_t i = 0; i < task->n_labels; i++) {
		buf_clear(&lower);
		text_lower(&lower, task->labels[i].name, strlen(task->labels[i].name));
		names[i] = arena_copy(arena, buf_text(&lower), lower.n);
	}
	buf_clear(&lower);
	text_lower(&lower, reply, strlen(reply));
	const char *text = trimmed(arena, buf_text(&lower));

	buf_release(&lower);
	if (reasoned)
		text = trimmed(arena, parse_behind_reasons(text, &reasons));
	if (find_label(names, task->n_labels, text, label) || json_label(arena, reply, names, task->n_labels, label))
		return PARSE_LABEL;
	return mentioned(names, task->n_labels, text, reasoned, label);
}

enum parse_result parse_label(const struct task *task, const char *reply, bool reasoned, size_t *label)
{
	struct arena arena;

	arena_init(&arena);
	enum parse_result result = parse_in(&arena, task, reply, reasoned, label);

	arena_release(&arena);
	return result;
}
