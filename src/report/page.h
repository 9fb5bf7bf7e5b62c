/* page.h - the HTML page as a server shows it: one that asks for news, and what stands in its place before there is a report.
 *
 * version is what the page renews itself by when the server's has become another; NULL: the page is a file, which is final. policy gets
 * the page's content security policy, for the header of a reply; NULL: nobody wants it. */
#ifndef RUNG_REPORT_PAGE_H
#define RUNG_REPORT_PAGE_H

#include "report/report.h"
#include "store/store.h"

void page_write(const struct report *r, const char *version, struct buf *out, struct buf *policy);

/* A climb that has not reached its test items, or none at all. */
struct page_row {
	const char *name, *model; /* model NULL: none */
	int rung;
	const char *status;       /* "measured", ...; "waiting" where nothing was answered */
	size_t dev, test;         /* items answered */
};
struct page_underway {
	const char *task, *sentence; /* why there is no report */
	size_t n_dev, n_test;        /* items of the task */
	const struct page_row *rows; /* (n) */
	size_t n;
};
void page_write_underway(const struct page_underway *u, const char *version, struct buf *out, struct buf *policy);

/* Fills u's rows from the store; lives in arena. */
bool page_underway_rows(struct page_underway *u, struct store *store, int64_t run, struct arena *arena, struct error *err);

#endif
