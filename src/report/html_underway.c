/* html_underway.c - what a climb is at, before any candidate has answered the test items. */
#include <string.h>

#include "report/figure.h"
#include "report/html.h"
#include "report/page.h"
#include "report/script.h"

bool page_underway_rows(struct page_underway *u, struct store *store, int64_t run, struct arena *arena, struct error *err)
{
	struct variant_row *variants;
	struct answer_row *answers;
	size_t n;

	if (!store_variants(store, run, arena, &variants, &n, err))
		return false;
	struct page_row *rows = arena_array(arena, n, sizeof(*rows));

	for (size_t i = 0; i < n; i++) {
		rows[i] = (struct page_row){ .name = variants[i].name, .model = variants[i].model, .rung = variants[i].rung };
		if (!store_answers(store, run, variants[i].id, "dev", arena, &answers, &rows[i].dev, err) ||
		    !store_answers(store, run, variants[i].id, "test", arena, &answers, &rows[i].test, err))
			return false;
		bool waits = rows[i].dev + rows[i].test == 0 && strcmp(variants[i].status, "measured") == 0;

		rows[i].status = waits ? "waiting" : variants[i].status;
	}
	u->rows = rows;
	u->n = n;
	return true;
}

static void add_rows(struct buf *out, const struct page_underway *u)
{
	static const char *const headings[] = { "Variant", "#Dev items answered", "#Test items answered", "State" };

	html_open_table(out, "What has been answered so far", headings, 4);
	for (size_t i = 0; i < u->n; i++) {
		const struct page_row *row = &u->rows[i];

		if (i == 0 || row->rung != u->rows[i - 1].rung)
			buf_addf(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"4\">Rung %d \u00b7 %s</th></tr>\n", row->rung,
				 report_rung_name(row->rung));
		buf_adds(out, "<tr><th scope=\"row\">");
		html_name(out, row->name);
		if (row->model) {
			buf_adds(out, "<br/><small>");
			html_name(out, row->model);
			buf_adds(out, "</small>");
		}
		buf_addf(out, "</th><td class=\"n\">%s of %s</td><td class=\"n\">%s of %s</td><td>%s</td></tr>\n",
			 figure_count(row->dev).text,
			 figure_count(u->n_dev).text, figure_count(row->test).text, figure_count(u->n_test).text, row->status);
	}
	html_close_table(out);
}

void page_write_underway(const struct page_underway *u, const char *version, struct buf *out, struct buf *policy)
{
	const struct page_scripts scripts = { { script_live }, version ? 1 : 0 };

	html_open(out, u->task, u->n > 0 ? "under way" : "no report yet", version, &scripts);
	if (policy)
		script_policy(policy, &scripts, version != NULL);
	buf_adds(out, "<header>\n<p class=\"over\">");
	html_name(out, u->task);
	buf_adds(out, "</p>\n");
	html_element(out, "h1", u->n > 0 ? "The climb is under way." : "There is no report yet.");
	html_prose(out, "p class=\"lede\"", u->sentence);
	buf_adds(out, "</header>\n");
	if (u->n > 0)
		add_rows(out, u);
	html_close(out, &scripts);
}
