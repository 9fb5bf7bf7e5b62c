/* retrieve_quote.c - which quotes are found, how, and where: the span is bytes of the text, whatever was quoted. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "retrieve/folded.h"
#include "retrieve/quote.h"

static const char report[] =
	"The Ring of Silence Protocol was shown at Lake Ypsilon in 2046. Engineers call it \xE2\x80\x9C" "a quiet mach\xC3\xADne"
	"\xE2\x80\x9D, though nobody measured it before the first winter. Ef\xEF\xAC\x81" "cient dampers and know-\n   ledge of "
	"resonance made it possible. **Soul Harmony**, an essence, came later; its effect isn't proven. Costs: $1,200 (net).";

/* span NULL: the span is the quote itself */
static const struct {
	const char *name, *quote;
	enum quote_match match;
	const char *span;
} cases[] = {
	{ "word for word", "was shown at Lake Ypsilon", QUOTE_EXACT, NULL },
	{ "the whole text's first word", "The", QUOTE_EXACT, NULL },
	{ "its last bytes", "$1,200 (net).", QUOTE_EXACT, NULL },
	{ "with space around", "  Engineers call it \n", QUOTE_EXACT, "Engineers call it" },
	{ "another case", "THE RING OF SILENCE protocol", QUOTE_NORMALISED, "The Ring of Silence Protocol" },
	{ "straight quotation marks for curly ones", "it \"a quiet mach\xC3\xADne\", though", QUOTE_NORMALISED,
	  "it \xE2\x80\x9C" "a quiet mach\xC3\xADne\xE2\x80\x9D, though" },
	{ "a decomposed accent", "quiet machi\xCC\x81ne", QUOTE_NORMALISED, "quiet mach\xC3\xADne" },
	{ "a ligature spelt out", "efficient dampers", QUOTE_NORMALISED, "Ef\xEF\xAC\x81" "cient dampers" },
	{ "a word broken at the line's end", "dampers and knowledge of resonance", QUOTE_NORMALISED,
	  "dampers and know-\n   ledge of resonance" },
	{ "without emphasis", "Soul Harmony, an essence", QUOTE_NORMALISED, "Soul Harmony**, an essence" },
	{ "a curly apostrophe", "its effect isn\xE2\x80\x99t proven", QUOTE_NORMALISED, "its effect isn't proven" },
	{ "wrapped in quotation marks", "\"nobody measured it\"", QUOTE_NORMALISED, "nobody measured it" },
	{ "spaces doubled, line broken", "nobody  measured\nit before", QUOTE_NORMALISED, "nobody measured it before" },
	{ "an ellipsis", "The Ring of Silence Protocol ... in 2046", QUOTE_FUZZY,
	  "The Ring of Silence Protocol was shown at Lake Ypsilon in 2046" },
	{ "an ellipsis in brackets", "Engineers call it [\xE2\x80\xA6] before the first winter", QUOTE_FUZZY,
	  "Engineers call it \xE2\x80\x9C" "a quiet mach\xC3\xADne\xE2\x80\x9D, though nobody measured it before the first winter" },
	{ "an ellipsis at both ends", "... made it possible...", QUOTE_NORMALISED, "made it possible" },
	{ "a word mistyped", "nobody mesured it before the first winter", QUOTE_FUZZY,
	  "nobody measured it before the first winter" },
	{ "a word and its quotation marks left out",
	  "Engineers call it a mach\xC3\xADne, though nobody measured it before the first winter. Efficient dampers", QUOTE_FUZZY,
	  "Engineers call it \xE2\x80\x9C" "a quiet mach\xC3\xADne\xE2\x80\x9D, though nobody measured it before the first winter. "
	  "Ef\xEF\xAC\x81" "cient dampers" },
	{ "another year", "The Ring of Silence Protocol was shown at Lake Ypsilon in 2047", QUOTE_FAILED, NULL },
	{ "another year behind an ellipsis", "The Ring of Silence ... at Lake Ypsilon in 2064", QUOTE_FAILED, NULL },
	{ "a word mistyped before the right year", "The Ring of Silense Protocol was shown at Lake Ypsilon in 2046", QUOTE_FUZZY,
	  "The Ring of Silence Protocol was shown at Lake Ypsilon in 2046" },
	{ "half a number", "nobody mesured it before the first winter. Costs: $1,20", QUOTE_FAILED, NULL },
	{ "invented", "The protocol was abandoned after protests in Geneva", QUOTE_FAILED, NULL },
	{ "in another language", "Le protocole de l'anneau du silence a \xC3\xA9t\xC3\xA9 montr\xC3\xA9", QUOTE_FAILED, NULL },
	{ "an ellipsis over invented ends", "The Ring of Silence ... was banned by law", QUOTE_FAILED, NULL },
	{ "an ellipsis backwards", "before the first winter ... The Ring of Silence", QUOTE_FAILED, NULL },
	{ "an ellipsis between crumbs", "The ... in ... it", QUOTE_FAILED, NULL },
	{ "short, inside a word", "ilen", QUOTE_FAILED, NULL },
	{ "short, a word", "winter", QUOTE_EXACT, NULL },
	{ "short, not there", "summer", QUOTE_FAILED, NULL },
	{ "empty", "", QUOTE_FAILED, NULL },
	{ "blank", " \n\t", QUOTE_FAILED, NULL },
	{ "only marks", "\"...\"", QUOTE_FAILED, NULL },
	{ "only an asterisk", "*", QUOTE_EXACT, NULL },
};

static void quotes_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *span = cases[i].span ? cases[i].span : cases[i].quote;
		struct quote_place p = quote_locate(report, strlen(report), cases[i].quote, strlen(cases[i].quote));

		if (p.match != cases[i].match)
			fail_msg("%s: %s, want %s", cases[i].name, quote_match_name(p.match), quote_match_name(cases[i].match));
		if (p.match == QUOTE_FAILED)
			assert_true(p.start == 0 && p.end == 0);
		else if (p.end - p.start != strlen(span) || memcmp(report + p.start, span, strlen(span)) != 0)
			fail_msg("%s: found \"%.*s\", want \"%s\"", cases[i].name, (int)(p.end - p.start), report + p.start, span);
	}
}

static void first_of_equal_places_counts(void **state)
{
	static const char text[] = "one two three. one two three.";
	struct quote_place exact = quote_locate(text, strlen(text), "one two three", 13);
	struct quote_place folded = quote_locate(text, strlen(text), "ONE two three", 13);
	struct quote_place fuzzy = quote_locate(text, strlen(text), "one twx three", 13);

	(void)state;
	assert_int_equal(exact.start, 0);
	assert_int_equal(folded.start, 0);
	assert_int_equal(fuzzy.match, QUOTE_FUZZY);
	assert_int_equal(fuzzy.start, 0);
	assert_int_equal(fuzzy.edits, 1);
}

static void marks_stay_with_their_letters(void **state)
{
	static const char text[] = "cafe\xCC\x81 au lait"; /* e, then a combining acute */
	struct quote_place p = quote_locate(text, strlen(text), "cafe", 4);
	struct quote_place woman = quote_locate("x \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x94\xAC y", 15, "\xF0\x9F\x91\xA9", 4);

	(void)state;
	assert_int_equal(p.match, QUOTE_FAILED); /* "cafe" is not what stands there */
	assert_int_equal(woman.match, QUOTE_NORMALISED); /* with the microscope that makes her a scientist: never half of it */
	assert_true(woman.start == 2 && woman.end == 13);
	p = quote_locate(text, strlen(text), "caf\xC3\xA9", 5);
	assert_int_equal(p.match, QUOTE_NORMALISED);
	assert_int_equal(p.end, 6);
}

/* Least edits of q within any span of t, by the plain recurrence. */
static size_t reference_edits(const uint32_t *t, size_t n, const uint32_t *q, size_t m)
{
	size_t *column = malloc((m + 1) * sizeof(*column)), least = m;

	for (size_t i = 0; i <= m; i++)
		column[i] = i;
	for (size_t j = 0; j < n; j++) {
		size_t diagonal = column[0];

		for (size_t i = 1; i <= m; i++) {
			size_t left = column[i], best = diagonal + (q[i - 1] != t[j]);

			best = left + 1 < best ? left + 1 : best;
			best = column[i - 1] + 1 < best ? column[i - 1] + 1 : best;
			diagonal = left;
			column[i] = best;
		}
		least = column[m] < least ? column[m] : least;
	}
	free(column);
	return least;
}

/* Random texts over few letters, quotes cut from them and damaged: found exactly when the plain recurrence says so. */
static void fuzzy_finds_what_the_plain_recurrence_finds(void **state)
{
	struct rng rng;
	size_t fuzzy = 0, failed = 0;

	(void)state;
	rng_init(&rng, 7, "quotes");
	for (size_t round = 0; round < 3000; round++) {
		char text[200], quote[64];
		size_t n = 60 + rng_below(&rng, 140), m = 20 + rng_below(&rng, 40), at = rng_below(&rng, n - m + 1);

		for (size_t i = 0; i < n; i++)
			text[i] = "abcde fgh"[rng_below(&rng, 9)];
		memcpy(quote, text + at, m);
		for (size_t damage = rng_below(&rng, 8); damage > 0; damage--)
			quote[rng_below(&rng, m)] = "xyz"[rng_below(&rng, 3)];
		struct quote_place p = quote_locate(text, n, quote, m);
		struct folded t, q;

		folded_make(&t, text, n);
		folded_make(&q, quote, m);
		size_t edits = reference_edits(t.points, t.n, q.points, q.n), most = (size_t)((double)q.n * QUOTE_ERRORS);

		if (edits == 0)
			assert_true(p.match == QUOTE_EXACT || p.match == QUOTE_NORMALISED);
		else if (edits <= most)
			assert_true(p.match == QUOTE_FUZZY && p.edits == edits);
		else
			assert_int_equal(p.match, QUOTE_FAILED);
		fuzzy += p.match == QUOTE_FUZZY;
		failed += p.match == QUOTE_FAILED;
		folded_release(&t);
		folded_release(&q);
	}
	assert_true(fuzzy > 200 && failed > 200);
}

static void clusters_are_whole(void **state)
{
	(void)state;
	assert_int_equal(cluster_length("ab", 2), 1);
	assert_int_equal(cluster_length("e\xCC\x81x", 4), 3);
	assert_int_equal(cluster_length("\r\nx", 3), 2);
	assert_int_equal(cluster_length("\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x94\xAC!", 12), 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_are_told_apart),
		cmocka_unit_test(first_of_equal_places_counts),
		cmocka_unit_test(marks_stay_with_their_letters),
		cmocka_unit_test(fuzzy_finds_what_the_plain_recurrence_finds),
		cmocka_unit_test(clusters_are_whole),
	};

	return cmocka_run_group_tests_name("retrieve_quote", tests, NULL, NULL);
}
