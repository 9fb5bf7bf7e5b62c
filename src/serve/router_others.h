/* router_others.h - texts that are for no task in particular. Private to src/serve. */
#ifndef RUNG_SERVE_ROUTER_OTHERS_H
#define RUNG_SERVE_ROUTER_OTHERS_H

#include <stddef.h>

const char *const *router_others(size_t *n);

#endif
