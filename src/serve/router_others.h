/* router_others.h - texts that are for no task in particular. Private to src/serve. */
#ifndef RUNG_SERVE_ROUTER_OTHERS_H
#define RUNG_SERVE_ROUTER_OTHERS_H

#include <stddef.h>

/* (n) texts, static: what "none of them" is learnt from; router_others.c has the source. */
const char *const *router_others(size_t *n);

#endif
