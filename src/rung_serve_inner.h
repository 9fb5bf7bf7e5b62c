/* rung_serve_inner.h - what the files behind rung_serve() share. */
#ifndef RUNG_SERVE_PRIVATE_H
#define RUNG_SERVE_PRIVATE_H

#include "base/error.h"
#include "rung.h"
#include "serve/gateway.h"

/* A model of this machine, asked as it is: "local", "local:NAME", "tuned:NAME:vN", or the name of the local model that embeds. */
struct served_model;
/* tuned: the folder of fine-tuned models; NULL: none. NULL and a sentence when it cannot be had. */
struct served_model *served_model_open(const struct rung_options *options, const char *name, const char *tuned, struct error *err);
struct gateway_model served_model_asked(struct served_model *m);
void served_model_close(struct served_model *m);

#endif
