/* served_inner.h - the handle that served.c, served_read.c and served_look.c share. Private to src/store. */
#ifndef RUNG_STORE_SERVED_INNER_H
#define RUNG_STORE_SERVED_INNER_H

#include "store/database.h"
#include "store/served.h"

struct served {
	struct database base;
	double by_ms; /* what reads has to be done by then; NAN: whenever */
};

#endif
