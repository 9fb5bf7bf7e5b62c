/* scorer.c - the scorers. All compare the answer with what is right: the label's name when classifying, else the
 * example's answer; white space around either never counts. */
#include "task/scorer.h"

#include <math.h>
#include <regex.h>

#include "base/arena.h"
#include "base/text.h"
#include "schema/validator.h"
#include "task/fields.h"
#include "task/grades.h"
#include "task/label_sets.h"
#include "task/style.h"

struct span {
	const char *text;
	size_t n;
};

static struct span trimmed(const char *text, size_t n)
{
	static const char blanks[] = " \t\r\n\f\v";

	while (n && strchr(blanks, text[n - 1]))
		n--;
	while (n && strchr(blanks, text[0])) {
		text++;
		n--;
	}
	return (struct span){ text, n };
}

static struct span whole(const char *text)
{
	return trimmed(text, strlen(text));
}

static struct span expected(const struct task *t, const struct example *e)
{
	return whole(t->kind == TASK_CLASSIFY && !t->many ? t->labels[e->label].name : e->answer);
}

static bool same(struct span a, struct span b)
{
	return a.n == b.n && memcmp(a.text, b.text, a.n) == 0;
}

/* An answer that is no JSON, or does not satisfy the schema, has no field right. */
static double compare_objects(const struct task *t, const struct example *e, const char *answer,
			      double (*compare)(const json_t *want, const json_t *got))
{
	json_t *want = json_loads(e->answer, JSON_REJECT_DUPLICATES, NULL);
	json_t *got = json_loads(answer, JSON_REJECT_DUPLICATES, NULL);
	bool fits = want && got && (!t->validator || validator_accepts(t->validator, got, NULL));
	double score = fits ? compare(want, got) : 0;

	json_decref(want);
	json_decref(got);
	return score;
}

static double objects_same(const json_t *want, const json_t *got)
{
	return fields_same(want, got);
}

static double score_json(const struct task *t, const struct example *e, const char *answer)
{
	return compare_objects(t, e, answer, fields_f1);
}

static double score_exact(const struct task *t, const struct example *e, const char *answer)
{
	if (t->validator)
		return compare_objects(t, e, answer, objects_same);
	return same(whole(answer), expected(t, e));
}

/* Both normal forms, for the two scorers that compare them. */
static double compare_normalised(struct span want, struct span got, bool within)
{
	struct buf a = { 0 }, b = { 0 };
	double score;

	text_normalise(&a, want.text, want.n);
	text_normalise(&b, got.text, got.n);
	if (within)
		score = text_find_words(buf_text(&b), buf_text(&a)) != NULL;
	else
		score = strcmp(buf_text(&a), buf_text(&b)) == 0;
	buf_release(&a);
	buf_release(&b);
	return score;
}

static double score_normalised(const struct task *t, const struct example *e, const char *answer)
{
	return compare_normalised(expected(t, e), whole(answer), false);
}

static double score_contains(const struct task *t, const struct example *e, const char *answer)
{
	return compare_normalised(expected(t, e), whole(answer), true);
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool three_digits(const char *s, size_t n)
{
	return n >= 3 && digit(s[0]) && digit(s[1]) && digit(s[2]) && (n == 3 || !digit(s[3]));
}

/* Bytes of the number at s, without sign, or 0: digits, thousands commas (1,234), a fraction, an exponent. Its plain
 * form goes to out[0..63], cut when longer. */
static size_t number_length(const char *s, size_t n, char out[64])
{
	size_t i = 0, o = 0;
	bool fraction = false;

	while (i < n && o < 63) {
		bool point = s[i] == '.' && !fraction && i + 1 < n && digit(s[i + 1]);
		bool comma = s[i] == ',' && i > 0 && !fraction && three_digits(s + i + 1, n - i - 1);

		if (!digit(s[i]) && !point && !comma)
			break;
		fraction |= point;
		if (!comma)
			out[o++] = s[i];
		i++;
	}
	if (i && i + 1 < n && o < 56 && (s[i] == 'e' || s[i] == 'E')) {
		size_t sign = s[i + 1] == '-' || s[i + 1] == '+', k = i + 1 + sign;

		if (k < n && digit(s[k])) {
			out[o++] = 'e';
			if (sign)
				out[o++] = s[i + 1];
			while (k < n && digit(s[k]) && o < 63)
				out[o++] = s[k++];
			i = k;
		}
	}
	out[o] = '\0';
	return i;
}

/* The last number in the text: answers work towards theirs (the convention of GSM8K). NAN when there is none. */
static double last_number(struct span text)
{
	double last = NAN;

	for (size_t i = 0; i < text.n;) {
		char plain[64];
		size_t length = digit(text.text[i]) || text.text[i] == '.' ?
					number_length(text.text + i, text.n - i, plain) : 0;

		if (!length) {
			i++;
			continue;
		}
		/* A minus counts only where a number may start: 10-5 is a range. A currency sign may stand between. */
		size_t before = i > 0 && text.text[i - 1] == '$' ? i - 1 : i;
		bool minus = before > 0 && text.text[before - 1] == '-' &&
			     (before < 2 || !digit(text.text[before - 2]));

		last = strtod(plain, NULL);
		last = minus ? -last : last;
		i += length;
	}
	return last;
}

static double score_number(const struct task *t, const struct example *e, const char *answer)
{
	double want = last_number(expected(t, e)), got = last_number(whole(answer));

	/* One part in 10^9 forgives only how the number was written. NANs compare false. */
	return want == got || fabs(got - want) <= 1e-9 * fabs(want);
}

enum { PATTERN_BYTES = 1024, REPEATS = 1000, MATCHED_BYTES = 64 * 1024 };

/* The product of all {n,m} counts: glibc copies the repeated part that often, so nested counts eat memory. */
static double repeats(const char *pattern)
{
	double product = 1;

	for (const char *brace = strchr(pattern, '{'); brace; brace = strchr(brace + 1, '{')) {
		double most = 1;

		for (const char *p = brace + 1; digit(*p) || *p == ','; p++) {
			char *end = NULL;

			if (digit(*p)) {
				double count = (double)strtoull(p, &end, 10);

				most = count > most ? count : most;
				p = end - 1;
			}
		}
		product *= most;
	}
	return product;
}

static bool back_reference(const char *pattern)
{
	for (const char *p = pattern; *p; p++)
		if (*p == '\\' && *++p >= '1' && *p <= '9')
			return true;
		else if (!*p)
			break;
	return false;
}

bool scorer_pattern_valid(const char *pattern, struct buf *why)
{
	regex_t compiled;
	int code;

	if (!pattern)
		buf_adds(why, "regex needs its pattern: scorer: {regex: \"...\"}");
	else if (strlen(pattern) > PATTERN_BYTES)
		buf_adds(why, "the pattern is longer than 1,024 bytes");
	else if (repeats(pattern) > REPEATS)
		buf_adds(why, "the pattern's counts {n,m} multiply to more than 1,000");
	else if (back_reference(pattern))
		buf_adds(why, "back references (\\1) are not supported: they can take for ever");
	else if ((code = regcomp(&compiled, pattern, REG_EXTENDED)) != 0) {
		char reason[128];

		regerror(code, NULL, reason, sizeof(reason));
		buf_addf(why, "the pattern is not a POSIX extended regular expression: %s", reason);
	} else {
		regfree(&compiled);
		return true;
	}
	return false;
}

static double score_regex(const struct task *t, const struct example *e, const char *answer)
{
	struct span text = whole(answer);
	regmatch_t match[2] = { { .rm_eo = (regoff_t)(text.n < MATCHED_BYTES ? text.n : MATCHED_BYTES) }, { 0 } };
	regex_t compiled;
	double score = 0;

	if (!t->scorer_setting || regcomp(&compiled, t->scorer_setting, REG_EXTENDED) != 0)
		return 0;
	if (regexec(&compiled, text.text, 2, match, REG_STARTEND) == 0) {
		regmatch_t part = match[compiled.re_nsub ? 1 : 0];
		size_t n = (size_t)(part.rm_eo - part.rm_so);

		if (part.rm_so >= 0)
			score = same(trimmed(text.text + part.rm_so, n), expected(t, e));
	}
	regfree(&compiled);
	return score;
}

/* The next word of a normalised text that is no article; n 0 at its end. */
static struct span next_word(const char **at)
{
	static const char *const articles[] = { "a", "an", "the" };
	struct span word;
	bool article = true;

	while (article) {
		*at += strspn(*at, " ");
		word = (struct span){ *at, strcspn(*at, " ") };
		*at += word.n;
		article = false;
		for (size_t i = 0; i < 3 && word.n > 0; i++)
			article |= word.n == strlen(articles[i]) && memcmp(word.text, articles[i], word.n) == 0;
	}
	return word;
}

static size_t words_of(const char *text, struct span *words, size_t most)
{
	size_t n = 0;

	for (struct span w = next_word(&text); w.n > 0 && n < most; w = next_word(&text))
		words[n++] = w;
	return n;
}

enum { WORDS = 2048 };

/* Words that both have, each as often as it stands in both. */
static size_t common_words(const struct span *a, size_t n, struct span *b, size_t m)
{
	size_t common = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < m; j++)
			if (b[j].text && same(a[i], b[j])) {
				b[j].text = NULL;
				common++;
				break;
			}
	return common;
}

/* Harmonic mean of precision and recall over words, as SQuAD's evaluation has it (Rajpurkar et al. 2016, arXiv
 * 1606.05250): normalised, without articles; at most WORDS of each. */
static double score_f1(const struct task *t, const struct example *e, const char *answer)
{
	struct span want = expected(t, e), got = whole(answer);
	struct buf a = { 0 }, b = { 0 };
	struct span *words = mem_alloc(2 * WORDS * sizeof(*words));

	text_normalise(&a, want.text, want.n);
	text_normalise(&b, got.text, got.n);
	size_t n = words_of(buf_text(&a), words, WORDS), m = words_of(buf_text(&b), words + WORDS, WORDS);
	size_t common = common_words(words, n, words + WORDS, m);
	double score = n + m > 0 ? 2 * (double)common / (double)(n + m) : 1;

	free(words);
	buf_release(&a);
	buf_release(&b);
	return score;
}

static double score_set_f1(const struct task *t, const struct example *e, const char *answer)
{
	return label_set_f1(label_set_compare(t, e, answer));
}

static double score_exact_set(const struct task *t, const struct example *e, const char *answer)
{
	struct set_counts c = label_set_compare(t, e, answer);

	return c.common == c.expected && c.common == c.given;
}

static double score_fields(const struct task *t, const struct example *e, const char *answer)
{
	struct span want = expected(t, e), got = whole(answer);

	return style_f1(t->scorer_setting, want.text, want.n, got.text, got.n);
}

static const struct scorer table[] = {
	{ "exact", "the answer is what is right, letter for letter", true, score_exact },
	{ "normalised", "equal after NFKC, lower case, punctuation and space to one space", true, score_normalised },
	{ "contains", "what is right stands somewhere in the answer, as whole words, both normalised", true, score_contains },
	{ "regex", "what the pattern (or its first group) matches in the answer is what is right", true, score_regex },
	{ "number", "the last number of the answer is the last number of what is right", true, score_number },
	{ "json", "fields that the answer shares with what is right: harmonic mean of precision and recall", false, score_json },
	{ "fields", "groups of the pattern, which the whole answer has to match, that are those of what is right: harmonic mean of precision "
	  "and recall", false, score_fields },
	{ "f1", "words that the answer shares with what is right: harmonic mean of precision and recall", false, score_f1 },
	{ "set_f1", "labels that the answer shares with what is right: harmonic mean of precision and recall", false, score_set_f1 },
	{ "exact_set", "the answer's labels are those that are right, no more and no fewer", true, score_exact_set },
	{ "command", "a program of yours says what an answer is worth", false, NULL },
	{ "judge", "a model says what an answer is worth, by your rubric", false, NULL },
};

const struct scorer *scorer_all(size_t *n)
{
	*n = sizeof(table) / sizeof(table[0]);
	return table;
}

const struct scorer *scorer_find(const char *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

bool scorer_is_outside(const struct task *t)
{
	const struct scorer *scorer = scorer_find(t->scorer);

	return scorer && !scorer->score;
}

bool scorer_is_binary(const struct task *t)
{
	return scorer_is_outside(t) ? t->outside.binary : scorer_find(t->scorer)->binary;
}

bool scorer_settled(const struct task *t, const struct example *e, const char *answer)
{
	return !answer || (t->kind == TASK_ANSWER && (!e->answer[0] || !answer[0]));
}

bool scorer_must_ask(const struct task *t, const struct example *e, const char *answer)
{
	return t->grades && !scorer_settled(t, e, answer) && isnan(grades_find(t->grades, grades_key(t, e, answer)));
}

double scorer_grade(const struct task *t, const struct example *e, const char *answer)
{
	const struct scorer *scorer = scorer_find(t->scorer);
	double best;

	if (scorer_settled(t, e, answer))
		return answer && !e->answer[0] && !answer[0];
	if (!scorer->score)
		return grades_find(t->grades, grades_key(t, e, answer));
	best = scorer->score(t, e, answer);
	for (size_t i = 1; i < e->n_answers; i++) {
		struct example other = *e;

		other.answer = e->answers[i];
		best = fmax(best, scorer->score(t, &other, answer));
	}
	return best;
}

const char *scorer_default(enum task_kind kind)
{
	static const char *const names[] = {
		[TASK_CLASSIFY] = "exact", [TASK_EXTRACT] = "json", [TASK_ANSWER] = "f1", [TASK_GENERATE] = "f1",
	};

	return names[kind];
}
