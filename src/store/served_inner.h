/* served_inner.h - the handle that served.c and served_read.c share. Private to src/store. */
#ifndef RUNG_STORE_SERVED_INNER_H
#define RUNG_STORE_SERVED_INNER_H

#include "store/database.h"
#include "store/served.h"

struct served {
	struct database base;
};

#endif
