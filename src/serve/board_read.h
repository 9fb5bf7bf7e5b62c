/* board_read.h - pages made out of the log, by the board's thread. */
#ifndef RUNG_SERVE_BOARD_READ_H
#define RUNG_SERVE_BOARD_READ_H

#include "serve/board_inner.h"

/* Writes the page that the view asks for, and returns its status. log: the thread's own handle. *err is set where it is 500 or 503. */
int board_read(struct served *log, const struct board_view *v, struct arena *arena, struct buf *page, struct error *err);

#endif
