/* pretokenize.c - two scanners (GPT-2's expression and the one of Llama 3 and Qwen 2) and the table of their users.
 *
 * An alternative of the expression is a step of the scanner, in the order of the expression. The only look-ahead,
 * \s+(?!\S), leaves the last white space of a run to the word behind it. */
#include "llm/pretokenize.h"

#include <string.h>

#include "base/text.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum class { LETTER, NUMBER, SPACE, OTHER, END };

static enum class class_of(uint32_t c)
{
	if (c < 128) {
		if ((c | 32) >= 'a' && (c | 32) <= 'z')
			return LETTER;
		if (c >= '0' && c <= '9')
			return NUMBER;
		return c == ' ' || (c >= 9 && c <= 13) ? SPACE : OTHER;
	}
	const char *category = text_category(c);

	return category[0] == 'L' ? LETTER : category[0] == 'N' ? NUMBER : text_is_space(c) ? SPACE : OTHER;
}

/* The class of the character at text[i], its length in *length; END behind the text. */
static enum class look(const char *text, size_t n, size_t i, size_t *length)
{
	uint32_t c;

	*length = 0;
	if (i >= n)
		return END;
	*length = text_decode(text + i, n - i, &c);
	return class_of(c);
}

/* End of the run of `wanted` that goes on at i, of at most `limit` characters. */
static size_t run_end(const char *text, size_t n, size_t i, enum class wanted, size_t limit)
{
	size_t length;

	while (limit-- && look(text, n, i, &length) == wanted)
		i += length;
	return i;
}

static bool is_newline(char c)
{
	return c == '\n' || c == '\r';
}

/* Length of 's 't 're 've 'm 'll 'd at the start, else 0. With any_case also 'S, and U+017F, which folds to s. */
static size_t contraction(const char *text, size_t n, bool any_case)
{
	static const char *const endings[] = { "s", "t", "re", "ve", "m", "ll", "d" };

	if (text[0] != '\'')
		return 0;
	for (size_t k = 0; k < ARRAY_SIZE(endings); k++) {
		size_t length = strlen(endings[k]), i = 0;

		while (i < length && 1 + i < n && (any_case ? text[1 + i] | 32 : text[1 + i]) == endings[k][i])
			i++;
		if (i == length)
			return 1 + length;
	}
	return any_case && n >= 3 && memcmp(text + 1, "\xC5\xBF", 2) == 0 ? 3 : 0;
}

/* \s+(?!\S)|\s+ on a run of white space text[0..end): all of it where the stretch ends behind it, else all but the
 * last character, or that character when it stands alone. */
static size_t space_word(const char *text, size_t end, bool stretch_ends)
{
	size_t last = end - 1;

	while (last > 0 && ((unsigned char)text[last] & 0xC0) == 0x80)
		last--;
	return stretch_ends || last == 0 ? end : last;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t scan_gpt2(const struct pretokenizer *p, const char *text, size_t n)
{
	size_t length, unused, word = contraction(text, n, false);

	if (word)
		return word;
	enum class first = look(text, n, 0, &length), behind = look(text, n, length, &unused);

	if (first == NUMBER && p->digits_apart)
		return length;
	if (text[0] == ' ' && behind != SPACE && behind != END && !(behind == NUMBER && p->digits_apart))
		return run_end(text, n, 1, behind, SIZE_MAX);
	size_t end = run_end(text, n, length, first, SIZE_MAX);

	if (first != SPACE)
		return end;
	behind = look(text, n, end, &unused);
	return space_word(text, end, behind == END || (behind == NUMBER && p->digits_apart));
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,limit}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
 * \s+(?!\S)|\s+ */
static size_t scan_llama3(const struct pretokenizer *p, const char *text, size_t n)
{
	size_t length, unused, word = contraction(text, n, true);

	if (word)
		return word;
	enum class first = look(text, n, 0, &length), behind = look(text, n, length, &unused);

	if (first == LETTER || (behind == LETTER && first != NUMBER && !is_newline(text[0])))
		return run_end(text, n, length, LETTER, SIZE_MAX);
	if (first == NUMBER)
		return run_end(text, n, 0, NUMBER, p->number_limit);
	if (first == OTHER || (text[0] == ' ' && behind == OTHER)) {
		size_t end = run_end(text, n, length, OTHER, SIZE_MAX);

		while (end < n && is_newline(text[end]))
			end++;
		return end;
	}
	size_t end = run_end(text, n, length, SPACE, SIZE_MAX), line = end;

	while (line > 0 && !is_newline(text[line - 1]))
		line--;
	return line ? line : space_word(text, end, end == n);
}

#define GPT2_REGEX "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define LLAMA3_REGEX(numbers)                                                                  \
	"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers                  \
	"| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static const struct pretokenizer table[] = {
	{ .name = "smollm", .regex = GPT2_REGEX, .digits_apart = true, .scan = scan_gpt2 },
	{ .name = "gpt2", .regex = GPT2_REGEX, .scan = scan_gpt2 },
	{ .name = "qwen2", .regex = LLAMA3_REGEX("\\p{N}"), .split = true, .number_limit = 1, .compose = true,
	  .scan = scan_llama3 },
	{ .name = "llama3", .regex = LLAMA3_REGEX("\\p{N}{1,3}"), .split = true, .number_limit = 3, .whole_words = true,
	  .begins = true, .scan = scan_llama3 },
};

/* Other names that llama.cpp's converter writes for the same expressions (llama-vocab.cpp). "default" is what it wrote
 * before it knew pre-tokenizers: models of GPT-2's time. */
static const struct {
	const char *alias, *name;
} aliases[] = {
	{ "gpt-2", "gpt2" },       { "default", "gpt2" },      { "phi-2", "gpt2" },
	{ "trillion", "gpt2" },    { "a.x-4.0", "gpt2" },      { "mellum", "gpt2" },
	{ "starcoder", "smollm" }, { "refact", "smollm" },     { "codeshell", "smollm" },
	{ "minerva-7b", "smollm" }, { "llama-bpe", "llama3" }, { "llama-v3", "llama3" },
	{ "falcon3", "llama3" },   { "pixtral", "llama3" },    { "lfm2", "llama3" },
	{ "midm-2.0", "llama3" },  { "smaug-bpe", "llama3" },  { "deepseek-r1-qwen", "qwen2" },
	{ "kormo", "qwen2" },      { "f2llmv2", "qwen2" },     { "megrez", "qwen2" },
};

const struct pretokenizer *pretokenizer_named(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (strlen(aliases[i].alias) == n && memcmp(aliases[i].alias, name, n) == 0)
			return pretokenizer_named(aliases[i].name, strlen(aliases[i].name));
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0)
			return &table[i];
	return NULL;
}

const struct pretokenizer *pretokenizer_matching(const char *regex, bool digits_apart)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].digits_apart == digits_apart &&
		    (regex ? strcmp(regex, table[i].regex) == 0 : !table[i].split))
			return &table[i];
	return NULL;
}

const char *pretokenizer_names(void)
{
	return "smollm, gpt2, qwen2, llama3";
}

size_t pretokenize_next(const struct pretokenizer *p, const char *text, size_t n)
{
	return p->scan(p, text, n);
}
