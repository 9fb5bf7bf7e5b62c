/* passages.c - what a model is shown and how its reply is read. */
#include "prompt/passages.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"

enum { WORD = 8 };

static bool anywhere(const struct prompt_passage *passages, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (memmem(passages[i].text, passages[i].n, word, WORD) || strstr(passages[i].title, word) ||
		    strstr(passages[i].heading, word))
			return true;
	return false;
}

/* A word that stands in none of the passages. The same passages always get the same word, so that requests repeat. */
static void marker_word(const struct prompt_passage *passages, size_t n, char word[WORD + 1])
{
	uint64_t hash = 0;

	for (size_t i = 0; i < n; i++)
		hash = hash64(passages[i].text, passages[i].n, hash);
	do {
		hash = hash64(&hash, sizeof(hash), 1);
		snprintf(word, WORD + 1, "%08x", (unsigned)(hash >> 32));
	} while (anywhere(passages, n, word));
}

/* Titles and headings stand on the marker's line. */
static void write_line(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_addc(out, *text == '\n' || *text == '\r' ? ' ' : *text);
}

void passages_write(const struct prompt_passage *passages, size_t n, struct buf *out)
{
	char word[WORD + 1];

	marker_word(passages, n, word);
	for (size_t i = 0; i < n; i++) {
		const struct prompt_passage *p = &passages[i];
		bool both = p->title[0] && p->heading[0] && strncmp(p->heading, p->title, strlen(p->title)) != 0;

		buf_addf(out, "[passage %zu of %zu, %s] ", i + 1, n, word);
		write_line(out, p->heading[0] && !both ? p->heading : p->title);
		if (both) {
			buf_adds(out, " > ");
			write_line(out, p->heading);
		}
		buf_addc(out, '\n');
		buf_add(out, p->text, p->n);
		buf_addf(out, "%s[end of passage %zu, %s]\n", p->n > 0 && p->text[p->n - 1] == '\n' ? "" : "\n", i + 1, word);
	}
}

const char *passages_schema(size_t n, struct arena *arena)
{
	return arena_printf(arena, "{\"type\": \"object\", \"properties\": {"
			    "\"answer\": {\"type\": [\"string\", \"null\"], \"minLength\": 1, \"maxLength\": %d}, "
			    "\"citations\": {\"type\": \"array\", \"maxItems\": %d, \"items\": {\"type\": \"object\", "
			    "\"properties\": {\"passage\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": %zu}, "
			    "\"quote\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": %d}}, "
			    "\"required\": [\"passage\", \"quote\"]}}}, \"required\": [\"answer\", \"citations\"]}",
			    ANSWER_LENGTH, CITATIONS, n > 0 ? n : 1, QUOTE_LENGTH);
}

/* {"passage": i, "quote": one of these} */
static json_t *choice_schema(size_t passage, const struct quotes *quotes)
{
	json_t *texts = json_array();

	for (size_t i = 0; i < quotes->n; i++)
		json_array_append_new(texts, json_string(quotes->text[i]));
	return json_pack("{s:s, s:{s:{s:[I]}, s:{s:o}}, s:[ss]}", "type", "object", "properties", "passage", "enum",
			 (json_int_t)passage, "quote", "enum", texts, "required", "passage", "quote");
}

const char *passages_schema_quotes(const struct quotes *quotes, size_t n, struct arena *arena)
{
	json_t *choices = json_array();

	for (size_t i = 0; i < n; i++)
		if (quotes[i].n > 0)
			json_array_append_new(choices, choice_schema(i + 1, &quotes[i]));
	if (json_array_size(choices) == 0) {
		json_decref(choices);
		return passages_schema(n, arena);
	}
	json_t *root = json_pack("{s:s, s:{s:{s:s, s:i, s:{s:o}}, s:{s:[ss], s:i, s:i}}, s:[ss]}", "type", "object", "properties",
				 "citations", "type", "array", "maxItems", CHOSEN_CITATIONS, "items", "anyOf", choices, "answer",
				 "type", "string", "null", "minLength", 1, "maxLength", ANSWER_LENGTH, "required", "citations", "answer");
	char *text = json_dumps(root, JSON_COMPACT);
	const char *copy = arena_string(arena, text);

	free(text);
	json_decref(root);
	return copy;
}

bool answer_abstains(const char *answer)
{
	static const char *const phrases[] = {
		"unknown answer", "i don t know", "i do not know", "cannot be answered", "can t be answered", "could not be found",
		"not answered in the", "not in the passages", "not in the documents", "not mentioned in the", "not found in the",
		"not provided in the", "do not contain the answer", "does not contain the answer", "do not say", "does not say",
		"no answer",
	};
	static const char *const whole[] = { "", "unknown", "none", "null", "n a", "not known", "not answerable", "unanswerable" };
	struct buf normal = { 0 };
	bool abstains = false;

	text_normalise(&normal, answer, strlen(answer));
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		abstains |= strcmp(buf_text(&normal), whole[i]) == 0;
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		abstains |= strstr(buf_text(&normal), phrases[i]) != NULL;
	buf_release(&normal);
	return abstains;
}

static const char *trimmed(const char *text, struct arena *arena)
{
	size_t n;

	text += strspn(text, " \t\r\n");
	n = strlen(text);
	while (n > 0 && strchr(" \t\r\n", text[n - 1]))
		n--;
	return arena_copy(arena, text, n);
}

static void read_citations(const json_t *array, size_t n_passages, struct arena *arena, struct cited_answer *out)
{
	struct cited *cited = arena_array(arena, json_array_size(array) + 1, sizeof(*cited));
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		json_int_t passage = json_integer_value(json_object_get(item, "passage"));
		const char *quote = json_string_value(json_object_get(item, "quote"));

		if (passage >= 1 && (size_t)passage <= n_passages)
			cited[out->n_citations++] = (struct cited){ (size_t)passage - 1, arena_string(arena, quote ? quote : "") };
	}
	out->citations = cited;
}

/* The first JSON object of the reply that has an "answer". */
static bool read_json(const char *reply, size_t n_passages, struct arena *arena, struct cited_answer *out)
{
	const char *brace = strchr(reply, '{');
	json_t *root = brace ? json_loads(brace, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	const json_t *answer = json_object_get(root, "answer");
	bool usable = json_is_string(answer) || json_is_null(answer);

	if (usable) {
		*out = (struct cited_answer){ .parsed = true };
		if (json_is_string(answer) && !answer_abstains(json_string_value(answer)))
			out->answer = trimmed(json_string_value(answer), arena);
		read_citations(json_object_get(root, "citations"), n_passages, arena, out);
	}
	json_decref(root);
	return usable;
}

/* "[2]" in running text. */
static void read_brackets(const char *reply, size_t n_passages, struct arena *arena, struct cited_answer *out)
{
	bool *seen = arena_array(arena, n_passages + 1, sizeof(*seen));
	struct cited *cited = arena_array(arena, n_passages + 1, sizeof(*cited));

	for (const char *p = strchr(reply, '['); p; p = strchr(p + 1, '[')) {
		char *end;
		unsigned long number = isdigit((unsigned char)p[1]) ? strtoul(p + 1, &end, 10) : 0;

		if (number < 1 || number > n_passages || *end != ']' || seen[number])
			continue;
		seen[number] = true;
		cited[out->n_citations++] = (struct cited){ number - 1, "" };
	}
	out->citations = cited;
}

struct cited_answer passages_read(const char *reply, size_t n_passages, struct arena *arena)
{
	struct cited_answer out = { 0 };

	if (read_json(reply, n_passages, arena, &out))
		return out;
	if (!answer_abstains(reply))
		out.answer = trimmed(reply, arena);
	read_brackets(reply, n_passages, arena, &out);
	return out;
}
