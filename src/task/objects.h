/* objects.h - answers under a schema (kind extract, and generate where it has one): the schema, and the answers as objects
 * that satisfy it. Internal to task/. */
#ifndef RUNG_TASK_OBJECTS_H
#define RUNG_TASK_OBJECTS_H

#include "task/examples.h"

/* Makes the validator of the task's schema, which has to be an object's. */
bool objects_compile(struct task_file *f, struct error *err);
/* Whether the keys of the whole task file go with its kind: what only those with a schema have, and what kind extract needs. */
bool objects_fit(const struct task_file *f, struct error *err);
/* Reads the example's answer: it becomes the same object in the order of the schema's properties. */
bool object_fill(struct examples *x, struct example *e);

#endif
