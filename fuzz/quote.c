/* Any text and any quote (repaired to UTF-8, parted at the first newline): the place lies inside the text and begins and
 * ends between clusters; a quote of plain words that
 * the text begins with is found exactly. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "retrieve/folded.h"
#include "retrieve/quote.h"

static bool on_boundary(const char *text, size_t n, size_t at)
{
	size_t i = 0;

	while (i < at)
		i += cluster_length(text + i, n - i);
	return i == at;
}

/* Letters, digits and spaces that begin with a letter: nothing in them is folded or bound to what stands around. */
static bool plain_words(const char *quote, size_t m)
{
	for (size_t i = 0; i < m; i++)
		if (!isalnum((unsigned char)quote[i]) && quote[i] != ' ')
			return false;
	return m >= QUOTE_SHORTEST && m <= QUOTE_BYTES && isalpha((unsigned char)quote[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf both = { 0 };

	text_repair(&both, (const char *)data, size);
	const char *text = buf_text(&both), *cut = memchr(text, '\n', both.n);

	if (cut) {
		const char *quote = text;
		size_t m = (size_t)(cut - text), n = both.n - m - 1;
		struct quote_place p = quote_locate(cut + 1, n, quote, m);

		assert(p.match == QUOTE_FAILED ? p.start == 0 && p.end == 0 : p.start < p.end && p.end <= n);
		assert(p.match == QUOTE_FAILED || on_boundary(cut + 1, n, p.end));
		p = quote_locate(text, both.n, quote, m);
		assert(!plain_words(quote, m) || p.match == QUOTE_EXACT);
	}
	buf_release(&both);
	return 0;
}
