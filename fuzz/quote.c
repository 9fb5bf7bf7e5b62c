/* Any text and any quote (repaired to UTF-8, parted at the first newline): the place lies inside the text and begins and
 * ends between clusters; a quote cut from the text is found. */
#include <assert.h>
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
		assert(m < QUOTE_SHORTEST * 4 || m > QUOTE_BYTES || p.match != QUOTE_FAILED || strspn(quote, " \t\r\n") >= m);
	}
	buf_release(&both);
	return 0;
}
