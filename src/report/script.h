/* script.h - the page's scripts, inline and named by their hashes in its content security policy. Private to src/report.
 *
 * They only add: without them everything but filters and sliders reads. None holds '<' or '&', so that HTML and XML read the same text. */
#ifndef RUNG_REPORT_SCRIPT_H
#define RUNG_REPORT_SCRIPT_H

#include <stdbool.h>

#include "base/buf.h"

extern const char script_state[]; /* `chosen`: what a reader chose, kept in the address behind '#' */
extern const char script_items[]; /* the filter over items that changed hands */
extern const char script_costs[]; /* the sliders */
extern const char script_live[];  /* renews a page that is served */

struct page_scripts {
	const char *list[4];
	size_t n;
};

/* The page's policy: it loads nothing, and runs these scripts alone; live: it may also ask where it came from for news. */
void script_policy(struct buf *out, const struct page_scripts *scripts, bool live);
void script_elements(struct buf *out, const struct page_scripts *scripts);

#endif
