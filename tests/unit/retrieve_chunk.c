/* Chunks and sentences: what chunk.h promises, over texts made at random and texts that are meant to break it. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "retrieve_rules.h"

/* "|" stands where sentences end, behind the space that follows them. */
static const struct {
	const char *name, *marked;
} sentences[] = {
	{ "nothing", "" },
	{ "one without an end", "no end here" },
	{ "two", "One. |Two." },
	{ "space behind the last", "One. |Two.  \n" },
	{ "question and exclamation", "Why? |Because! |Really?! |Yes." },
	{ "titles", "Dr. Smith met Prof. J. R. R. Tolkien and Mrs. Jones. |They talked." },
	{ "Latin abbreviations", "Some, e.g. these, i.e. those, cf. Miller, vs. Smith et al. 2019. |Done." },
	{ "acronyms", "The U.S. Army left the U.S. |The war ended. |It was 5 p.m. |He left at 6 a.m. Monday." },
	{ "companies", "Acme Inc. Chairman Bob resigned from Acme Inc. |The shares fell." },
	{ "numbers of things", "See Fig. 3, No. 5 and pp. 10-12. |Is it? |No. |Sec. 4 says so." },
	{ "single letters", "Plan B. |We try vitamin C. |So did I. |He is." },
	{ "decimals and names", "Pi is 3.14 and rung.h is at example.com/a.html now. |Version 2.0.1 is out." },
	{ "quotation behind the stop", "\"I came.\" |\"I saw.\" |He said \xE2\x80\x9CGo!\xE2\x80\x9D |We went (at last.) |End." },
	{ "quotation that goes on", "\"Really?\" he asked. |\"Go!\" she said. |'No.' and left." },
	{ "ellipses", "Well... |Then he went on... and on. |Wait\xE2\x80\xA6 |What? |And\xE2\x80\xA6 so on." },
	{ "Chinese and Japanese", "\xE4\xBB\x8A\xE5\xA4\xA9\xE3\x80\x82|\xE6\x98\x8E\xE5\xA4\xA9\xEF\xBC\x81\xE3\x80\x8D|\xE5\xA5\xBD\xEF\xBC\x9F|\xE5\xA5\xBD" },
	{ "Hindi and Arabic", "\xE0\xA4\xB9\xE0\xA4\xBE\xE0\xA5\xA4 |\xD9\x83\xD9\x8A\xD9\x81\xD8\x9F |x" },
	{ "hard-wrapped", "One line\ngoes on. |Next\r\nline too. |End" },
	{ "blank lines", "A title\n\n|Then text\n \t\n|more\r\n\r\n|end" },
	{ "leading blank lines", "\n\nText. |More." },
	{ "lower case goes on", "approx. five, sometimes. seldom more. |Yes" },
	{ "openers", "etc. (and so on) end. |(See there.) [x]. |[X]" },
	{ "numbered items", "1. First item. |2. Second one." },
	{ "Markdown", "**Done.** |_Next._ |`Code.` |_End_" },
	{ "comma behind", "\"What?\", he said. |So." },
	{ "no space", "One.Two!Three?Four" },
	{ "German", "Das gilt z.B. hier bzw. Dort, vgl. Kap. 3. |Ende." },
	{ "only terminators", "... |!!! |???" },
	{ "a dash goes on", "Stop. \xE2\x80\x94 he said. |Go." },
};

static void sentences_end_where_readers_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++) {
		struct buf plain = { 0 }, got = { 0 };
		struct arena arena;
		size_t n, from = 0;

		arena_init(&arena);
		for (const char *p = sentences[i].marked; *p; p++)
			if (*p != '|')
				buf_addc(&plain, *p);
		const size_t *ends = sentence_ends(buf_text(&plain), plain.n, &arena, &n);

		for (size_t s = 0; s < n; s++) {
			assert_true(ends[s] > from && ends[s] <= plain.n);
			buf_addf(&got, "%s%.*s", s ? "|" : "", (int)(ends[s] - from), plain.data + from);
			from = ends[s];
		}
		assert_int_equal(from, plain.n);
		if (strcmp(buf_text(&got), sentences[i].marked) != 0)
			fail_msg("%s:\n  got  %s\n  want %s", sentences[i].name, buf_text(&got), sentences[i].marked);
		buf_release(&plain);
		buf_release(&got);
		arena_release(&arena);
	}
}

/* --- chunks --- */

static void parse(struct arena *arena, enum media media, const char *bytes, size_t n, struct document *d)
{
	struct error err = { .text = "" };

	if (!document_parse(media, "f", "f", bytes, n, arena, d, &err))
		fail_msg("%s", err.text);
}

static const struct chunk *cut(const struct document *d, size_t size, size_t overlap, token_counter *count,
			       struct arena *arena, size_t *n)
{
	return chunk_document(d, &(struct chunk_options){ .size = size, .overlap = overlap, .count = count }, arena, n);
}

/* "start-end<path>" of each chunk would say little: the texts, with "|" between. */
static void show(const struct document *d, const struct chunk *chunks, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%s<%s>%.*s", i ? "|" : "", chunks[i].heading, (int)(chunks[i].end - chunks[i].start),
			 d->text + chunks[i].start);
}

/* Counted in words; size 16 unless it says otherwise. */
static const struct {
	const char *name;
	size_t size, overlap;
	const char *bytes, *chunks;
} cases[] = {
	{ "nothing", 16, 4, "", "" },
	{ "one block", 16, 4, "a b c", "<>a b c" },
	{ "small sections stay with their parent", 16, 4, "# A\n\none two\n\n## B\n\nthree\n\n## C\n\nfour",
	  "<A>A\n\none two\n\n## B\n\nthree\n\n## C\n\nfour" },
	{ "no heading of the same level is crossed", 16, 4, "# A\n\none\n\n# B\n\ntwo", "<A>A\n\none|<B>B\n\ntwo" },
	{ "a section that does not fit begins anew", 16, 0, "# A\n\none two three\n\n## B\n\n1 2 3 4 5 6 7 8 9 10 11 12\n\n## C\n\nx",
	  "<A>A\n\none two three|<A > B>B\n\n1 2 3 4 5 6 7 8 9 10 11 12|<A > C>C\n\nx" },
	{ "a heading stays with what follows", 16, 0, "# A\n\n## B\n\n### C\n\n1 2 3 4 5 6 7 8 9 10. 11 12 13 14 15 16 17 18.",
	  "<A > B > C>A\n\n## B\n\n### C\n\n1 2 3 4 5 6 7 8 9 10. |<A > B > C>11 12 13 14 15 16 17 18." },
	{ "whole blocks", 16, 0, "1 2 3 4 5 6 7 8 9 10\n\n11 12 13 14. 15 16 17 18 19\n\n20", "<>1 2 3 4 5 6 7 8 9 10|<>11 12 13 14. 15 16 17 18 19\n\n20" },
	{ "whole sentences", 16, 0, "1 2 3 4 5 six. A b c d e fox. G h i j k lion.", "<>1 2 3 4 5 six. A b c d e fox. |<>G h i j k lion." },
	{ "sentences are shared", 16, 7, "1 2 3 4 5 six. A b c d e fox. G h i j k lion.", "<>1 2 3 4 5 six. A b c d e fox. |<>A b c d e fox. G h i j k lion." },
	{ "words", 16, 4, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20", "<>1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 |<>17 18 19 20" },
	{ "rows of tables", 16, 0, "| a b | c |\n|---|---|\n| 1 2 | 3 |\n| 4 5 | 6 |\n", "<>| a b | c |\n|---|---|\n| 1 2 | 3 |\n|<>| 4 5 | 6 |" },
	{ "before the first heading", 16, 0, "a b\n\n# C\n\nd", "<>a b\n\n# C\n\nd" },
	{ "paths skip levels", 16, 0, "# A\n\n1 2 3 4 5 6 7 8 9 10 11 12 13 14\n\n### B\n\nx\n\n## C\n\ny",
	  "<A>A\n\n1 2 3 4 5 6 7 8 9 10 11 12 13 14|<A > B>B\n\nx|<A > C>C\n\ny" },
};

static void chunks_end_at_the_best_seam(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct chunk_options o = { cases[i].size, cases[i].overlap, count_words, NULL };
		struct arena arena;
		struct document d;
		struct buf got = { 0 };
		size_t n;

		arena_init(&arena);
		parse(&arena, MEDIA_MARKDOWN, cases[i].bytes, strlen(cases[i].bytes), &d);
		const struct chunk *chunks = chunk_document(&d, &o, &arena, &n);
		const char *broken = chunks_broken(&d, &o, chunks, n, true);

		show(&d, chunks, n, &got);
		if (broken || strcmp(buf_text(&got), cases[i].chunks) != 0)
			fail_msg("%s (%s):\n%s\nwant\n%s", cases[i].name, broken ? broken : "other chunks", buf_text(&got),
				 cases[i].chunks);
		buf_release(&got);
		arena_release(&arena);
	}
}

/* Parts of Markdown in every script, with what is hard to cut. */
static const char *const parts[] = {
	"# Heading\n\n", "## Sub *heading*\n\n", "### Deep\n\n", "\n\n", "A sentence of some words. ", "Another one? ", "yes! ",
	"word ", "e.g. this ", "- item one\n- item two\n", "> quoted text\n\n", "```\nint x;\n\nint y;\n```\n", "    code\n",
	"| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\n", "\xE4\xBB\x8A\xE5\xA4\xA9\xE3\x80\x82", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7",
	"e\xCC\x81\xCC\x82\xCC\x83", "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA", "averyveryverylongwordwithoutanyspaceinitatall", "\r\n", "\t",
	"[link](http://example.com/a/rather/long/address) ", "\xC2\xA0", "**bold.** ", "&amp; ", "1. first\n   1. second\n",
};

static void random_text(struct rng *rng, struct buf *out)
{
	size_t n = rng_below(rng, 80);

	while (n--) {
		const char *part = parts[rng_below(rng, ARRAY_SIZE(parts))];

		for (size_t times = rng_below(rng, 12) ? 1 : rng_below(rng, 60); times; times--)
			buf_adds(out, part);
	}
}

static void check_random(struct rng *rng)
{
	static token_counter *const counters[] = { count_words, count_bytes, count_runs };
	size_t size = 16 + rng_below(rng, 100);
	struct chunk_options o = { size, rng_below(rng, size / 2), counters[rng_below(rng, 3)], NULL };
	struct buf bytes = { 0 };
	struct arena arena;
	struct document d;
	size_t n, again;

	arena_init(&arena);
	random_text(rng, &bytes);
	parse(&arena, rng_below(rng, 4) ? MEDIA_MARKDOWN : (enum media)rng_below(rng, 2), buf_text(&bytes), bytes.n, &d);
	const struct chunk *chunks = chunk_document(&d, &o, &arena, &n), *same = chunk_document(&d, &o, &arena, &again);
	const char *broken = chunks_broken(&d, &o, chunks, n, true);

	if (broken)
		fail_msg("%s, size %zu, overlap %zu:\n%s", broken, o.size, o.overlap, d.text);
	assert_int_equal(n, again);
	for (size_t i = 0; i < n; i++) {
		assert_memory_equal(&chunks[i], &same[i], offsetof(struct chunk, heading));
		assert_string_equal(chunks[i].heading, same[i].heading);
	}
	buf_release(&bytes);
	arena_release(&arena);
}

static void promises_hold_for_random_texts(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 5, "chunks");
	for (int round = 0; round < 5000; round++)
		check_random(&rng);
}

/* Text that has no good place to be cut, each more than a chunk. */
static const struct {
	const char *name, *unit;
	size_t times;
} stubborn[] = {
	{ "one word", "abcdefghij", 20000 },
	{ "families", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7\xE2\x80\x8D\xF0\x9F\x91\xA6", 5000 },
	{ "flags", "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA", 5000 },
	{ "marks on one letter", "\xCC\x81", 50000 },
	{ "ideographs", "\xE4\xB8\x80", 30000 },
	{ "words", "word ", 30000 },
	{ "stops", ". ", 30000 },
	{ "letters with two marks", "e\xCC\x81\xCC\x82 ", 20000 },
};

static void stubborn_text_is_cut_between_characters(void **state)
{
	static token_counter *const counters[] = { count_words, count_bytes, count_runs };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stubborn) * 3; i++) {
		struct chunk_options o = { 50, 20, counters[i % 3], NULL };
		struct buf bytes = { 0 };
		struct arena arena;
		struct document d;
		size_t n;

		arena_init(&arena);
		for (size_t j = 0; j < stubborn[i / 3].times; j++)
			buf_adds(&bytes, stubborn[i / 3].unit);
		parse(&arena, MEDIA_TEXT, bytes.data, bytes.n, &d);
		const struct chunk *chunks = chunk_document(&d, &o, &arena, &n);
		const char *broken = chunks_broken(&d, &o, chunks, n, true);

		if (broken)
			fail_msg("%s: %s", stubborn[i / 3].name, broken);
		for (size_t c = 0; c < n; c++)
			assert_true(chunks[c].end - chunks[c].start <= 16 * (o.size + 1));
		if (strcmp(stubborn[i / 3].name, "families") == 0)
			for (size_t c = 0; c < n; c++)
				assert_int_equal((chunks[c].end - chunks[c].start) % strlen(stubborn[i / 3].unit), 0);
		buf_release(&bytes);
		arena_release(&arena);
	}
}

static void overlap_is_as_many_whole_sentences_as_fit(void **state)
{
	struct buf bytes = { 0 };
	struct arena arena;
	struct document d;
	size_t n;

	(void)state;
	arena_init(&arena);
	for (int i = 0; i < 1000; i++)
		buf_addf(&bytes, "Sentence %d has five words. ", i);
	parse(&arena, MEDIA_TEXT, bytes.data, bytes.n, &d);
	const struct chunk *chunks = cut(&d, 50, 17, count_words, &arena, &n);

	/* ten sentences in a chunk, three of them from the one before */
	assert_int_equal(n, 1 + (1000 - 10 + 6) / 7);
	for (size_t i = 0; i + 1 < n; i++) {
		assert_int_equal(count_words(NULL, d.text + chunks[i].start, chunks[i].end - chunks[i].start), 50);
		assert_int_equal(count_words(NULL, d.text + chunks[i + 1].start, chunks[i].end - chunks[i + 1].start), 15);
	}
	buf_release(&bytes);
	arena_release(&arena);
}

/* The parent is the whole section while that is small, and else PARENT_SIZES chunks' worth around the chunk. */
static void parents_are_sections_or_windows(void **state)
{
	struct buf bytes = { 0 };
	struct arena arena;
	struct document d;
	size_t n, whole = 0;

	(void)state;
	arena_init(&arena);
	for (int s = 0; s < 2; s++) {
		buf_addf(&bytes, "# Part %d\n\n", s);
		for (int i = 0; i < (s ? 500 : 20); i++)
			buf_addf(&bytes, "Sentence %d has five words. ", i);
		buf_adds(&bytes, "\n\n");
	}
	parse(&arena, MEDIA_MARKDOWN, bytes.data, bytes.n, &d);
	const struct chunk *chunks = cut(&d, 50, 0, count_words, &arena, &n);

	for (size_t i = 0; i < n; i++) {
		size_t words = count_words(NULL, d.text + chunks[i].parent_start, chunks[i].parent_end - chunks[i].parent_start);

		if (strcmp(chunks[i].heading, "Part 0") == 0) {
			assert_int_equal(chunks[i].parent_start, d.blocks[0].start);
			assert_int_equal(chunks[i].parent_end, d.blocks[1].end);
			whole++;
		} else {
			assert_true(chunks[i].parent_start >= d.blocks[2].start && words > 190 && words <= 200);
		}
	}
	assert_true(whole >= 2 && n > whole + 40);
	/* in the middle, as much before as behind */
	const struct chunk *middle = &chunks[n / 2];
	size_t before = middle->start - middle->parent_start, behind = middle->parent_end - middle->end;

	assert_true(before < behind + 200 && behind < before + 200);
	buf_release(&bytes);
	arena_release(&arena);
}

struct tally {
	size_t calls, bytes;
};

static size_t count_and_tally(void *context, const char *text, size_t n)
{
	struct tally *t = context;

	t->calls++;
	t->bytes += n;
	return count_words(NULL, text, n);
}

/* The counter is a tokenizer, the dearest part: each byte is counted a few times, however large the document. */
static void counting_is_linear(void **state)
{
	static const struct {
		const char *unit;
		size_t times;
	} texts[] = { { "Some words of a sentence. ", 40000 }, { "word ", 200000 }, { "abcdefghij", 100000 }, { "# x\n\n", 200000 },
		      { "\xCC\x81", 500000 }, { "a. ", 300000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct tally tally = { 0, 0 };
		struct chunk_options o = { 200, 40, count_and_tally, &tally };
		struct buf bytes = { 0 };
		struct arena arena;
		struct document d;
		size_t n;

		arena_init(&arena);
		for (size_t j = 0; j < texts[i].times; j++)
			buf_adds(&bytes, texts[i].unit);
		parse(&arena, MEDIA_MARKDOWN, bytes.data, bytes.n, &d);
		chunk_document(&d, &o, &arena, &n);
		if (tally.bytes > 4 * bytes.n || tally.calls > bytes.n)
			fail_msg("\"%s\": %zu bytes counted in %zu calls for %zu", texts[i].unit, tally.bytes, tally.calls, bytes.n);
		buf_release(&bytes);
		arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentences_end_where_readers_say),
		cmocka_unit_test(chunks_end_at_the_best_seam),
		cmocka_unit_test(promises_hold_for_random_texts),
		cmocka_unit_test(stubborn_text_is_cut_between_characters),
		cmocka_unit_test(overlap_is_as_many_whole_sentences_as_fit),
		cmocka_unit_test(parents_are_sections_or_windows),
		cmocka_unit_test(counting_is_linear),
	};

	return cmocka_run_group_tests_name("retrieve_chunk", tests, NULL, NULL);
}
