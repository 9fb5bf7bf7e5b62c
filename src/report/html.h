/* html.h - what pages share, the report's and those of src/serve: elements with escaped text, and the tables. */
#ifndef RUNG_REPORT_HTML_H
#define RUNG_REPORT_HTML_H

#include "base/buf.h"
#include "report/report.h"

/* "<tag>text</tag>", text escaped. tag may carry attributes ("p class=\"note\""); the closing tag is its first word. */
void html_element(struct buf *out, const char *tag, const char *text);
/* The same for our own sentences, in which `a command` stands between backticks and becomes <code>. */
void html_prose(struct buf *out, const char *tag, const char *text);
/* A name from outside, isolated from the direction of the text around it. */
void html_name(struct buf *out, const char *name);

void html_table_scores(struct buf *out, const struct report *r);
void html_table_comparisons(struct buf *out, const struct report *r);
void html_table_confusion(struct buf *out, const struct report *r);
void html_table_mistakes(struct buf *out, const struct report *r); /* the commonest wrong pairs */
void html_table_classes(struct buf *out, const struct report *r);
void html_table_outcomes(struct buf *out, const struct report *r);
void html_table_costs(struct buf *out, const struct report *r);

/* From the winner's failures by kind through what probes fixed and broke to remedies. (html_flow.c) */
void html_diagnosis(struct buf *out, const struct report *r);
/* What the documents did: the probe, retrieval beside answer quality, and wrong answers by cause with their passages.
 * Nothing when no variant shows passages. (html_documents.c) */
void html_documents(struct buf *out, const struct report *r);

/* Items that changed hands, each with its texts; nothing when nothing was compared. (html_items.c) */
void html_items(struct buf *out, const struct report *r);

/* What is lost and won by another model; nothing where one model alone answered. (html_switching.c) */
void html_switching(struct buf *out, const struct report *r);

/* Wordings that a model proposed, each with its text; nothing where nobody did. (html_wordings.c) */
void html_wordings(struct buf *out, const struct report *r);

/* Sliders that recompute costs and verdict in the page, which script_costs.c works; nothing where no candidate was measured.
 * (html_what_if.c) */
bool html_has_what_if(const struct report *r);
void html_what_if(struct buf *out, const struct report *r);

struct page_scripts;
/* The page up to its first section, and from its last one on. state: of the title. version: page.h; NULL: it is a file. */
void html_open(struct buf *out, const char *task, const char *state, const char *version, const struct page_scripts *scripts);
void html_close(struct buf *out, const struct page_scripts *scripts);

/* Tables whose headings begin with '#' where their column holds numbers. */
void html_open_table(struct buf *out, const char *label, const char *const *headings, size_t n);
/* The same, its rows under an id for a script to fill. */
void html_open_table_of(struct buf *out, const char *label, const char *const *headings, size_t n, const char *rows_id);
void html_close_table(struct buf *out);

#endif
