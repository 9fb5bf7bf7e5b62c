/* paid.c - attempts, summed by model, and in words */
#include "report/paid.h"

#include <math.h>

#include "eval/pricing.h"
#include "report/figure.h"

bool paid_build(struct store *store, int64_t run, const struct price_table *prices, struct arena *arena, struct report *report, struct error *err)
{
	struct attempt_sum *sums;
	size_t n;

	if (!store_attempts(store, run, arena, &sums, &n, err))
		return false;
	struct report_paid *paid = arena_array(arena, n, sizeof(*paid));

	for (size_t i = 0; i < n; i++)
		paid[i] = (struct report_paid){
			.model = sums[i].model, .batch = sums[i].batch, .answered = sums[i].answered, .failed = sums[i].failed,
			.unknown = sums[i].unknown, .cached = sums[i].cached, .input_tokens = sums[i].input_tokens,
			.output_tokens = sums[i].output_tokens, .cache_read = sums[i].cache_read, .cache_written = sums[i].cache_written,
			.usd = pricing_attempts(prices, &sums[i]),
		};
	report->paid = paid;
	report->n_paid = n;
	return true;
}

double paid_usd(const struct report *r)
{
	double usd = 0;

	for (size_t i = 0; i < r->n_paid; i++)
		usd += r->paid[i].usd;
	return usd;
}

static void add_count(struct buf *out, size_t n, const char *what)
{
	if (n > 0)
		buf_addf(out, ", %s %s", figure_count(n).text, what);
}

void words_paid(struct buf *out, const struct report *r)
{
	for (size_t i = 0; i < r->n_paid; i++) {
		const struct report_paid *p = &r->paid[i];

		buf_addf(out, "%s%s%s gave %s answer%s", i ? " " : "", p->model, p->batch ? " in batches" : "", figure_count(p->answered).text,
			 p->answered == 1 ? "" : "s");
		if (isnan(p->usd))
			buf_adds(out, " (its price is not known here)");
		else if (p->usd > 0)
			buf_addf(out, " for %s", figure_usd(p->usd).text);
		add_count(out, p->failed, p->failed == 1 ? "attempt came to nothing" : "attempts came to nothing");
		add_count(out, p->cached, "were in the store from before");
		add_count(out, p->unknown, "in flight when a climb was killed may have been paid for as well");
		if (p->cache_read > 0 && p->input_tokens > 0)
			buf_addf(out, "; %.0f%% of its input tokens came from its cache", 100.0 * (double)p->cache_read / (double)p->input_tokens);
		buf_adds(out, ".");
	}
}
