/* router.h - which task an input is for ("rung/auto"): learnt from the tasks' own examples, with "none of them" as an outcome (tune/routes.h).
 *
 * Of each task up to ROUTER_KNOWN pool examples are known and up to ROUTER_HELD dev examples held out, by which one in fifty of its own would be
 * called unlike it; none of them is what router_others.c has. Only tasks that can take an input come into question: plain text where one column is asked for, an object that has some
 * of the columns. It answers in a thread of its own (worker.h). */
#ifndef RUNG_SERVE_ROUTER_H
#define RUNG_SERVE_ROUTER_H

#include "model/model.h"
#include "serve/worker.h"
#include "task/task.h"
#include "tune/routes.h"

enum { ROUTER_KNOWN = 300, ROUTER_HELD = 150 };

struct router;
/* Borrows tasks (n) and what is in them; models embeds, and is the router's thread's from then on. NULL and a sentence: nothing embeds. */
struct router *router_open(const struct task *const *tasks, size_t n, struct models *models, struct error *err);
void router_free(struct router *r);

/* Where n inputs go: out (n), kinds are tasks. */
bool router_find(struct router *r, const char *const *inputs, size_t n, struct route *out, struct error *err);
/* worker_answer: text becomes the task's name, or NULL where the input is for none of them, and `why` says so. */
void router_answer(void *context, struct question *const *questions, size_t n);

#endif
