/* writers.h - the writers behind the table of report.c. JSON: docs/report.md. The readable forms share words.h. */
#ifndef RUNG_REPORT_WRITERS_H
#define RUNG_REPORT_WRITERS_H

#include "report/report.h"

void report_write_text(const struct report *r, struct buf *out); /* the terminal form, 100 columns, no colour */
void report_write_json(const struct report *r, struct buf *out);
void report_write_markdown(const struct report *r, struct buf *out);
void report_write_html(const struct report *r, struct buf *out);

#endif
