/* rung_routing.h - the router of `rung serve`, with the tasks that it has learnt from. It shares nothing with who answers them. */
#ifndef RUNG_ROUTING_H
#define RUNG_ROUTING_H

#include "rung_inner.h"
#include "serve/router.h"

struct rung_routing;
/* Opens the served tasks' files once more and learns from their examples; NULL and a sentence. The default is a task or an upstream of o. */
struct rung_routing *rung_routing_open(const struct rung_options *options, const struct rung_serve_options *o, struct error *err);
void rung_routing_close(struct rung_routing *r);
struct router *rung_routing_router(struct rung_routing *r); /* context of router_answer() */

#endif
