/* report.c - the table of forms, and the few look-ups they share. */
#include "report/report.h"

#include <string.h>

#include "report/writers.h"

const char *const report_outcome_names[N_OUTCOMES] = {
	[OUTCOME_RIGHT] = "right",         [OUTCOME_WRONG] = "wrong",     [OUTCOME_UNPARSED] = "unparsed",
	[OUTCOME_REFUSED] = "refused",     [OUTCOME_TRUNCATED] = "truncated", [OUTCOME_TIMEOUT] = "timeout",
	[OUTCOME_ERROR] = "error",
};

static const struct report_format formats[] = {
	{ "text", "txt", report_write_text },
	{ "json", "json", report_write_json },
	{ "md", "md", report_write_markdown },
	{ "html", "html", report_write_html },
};

const struct report_format *report_formats(size_t *n)
{
	*n = sizeof(formats) / sizeof(formats[0]);
	return formats;
}

const struct report_format *report_format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

const struct report_variant *report_winner(const struct report *r)
{
	return r->verdict.winner < r->n_variants ? &r->variants[r->verdict.winner] : NULL;
}

const struct report_variant *report_find(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->n_variants; i++)
		if (strcmp(r->variants[i].id, id) == 0)
			return &r->variants[i];
	return NULL;
}

struct report_score report_score_shown(const struct report_variant *v)
{
	return v->test.n > 0 ? v->test : v->dev;
}

const char *report_rung_name(int rung)
{
	static const char *const names[] = { "no language model", "better prompting", "retrieval", "fine-tuning" };

	return rung >= 0 && rung < 4 ? names[rung] : "";
}

const char *report_status_name(enum variant_status s)
{
	static const char *const names[] = { "measured", "raced out", "skipped", "failed" };

	return names[s];
}
