/* css.h - the style sheet of the HTML page: light and dark, phone and desktop, and print. */
#ifndef RUNG_REPORT_CSS_H
#define RUNG_REPORT_CSS_H

extern const char report_css[];

#endif
