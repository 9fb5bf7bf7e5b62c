/* recorded.h - a model that says again what it said: "recorded:FILE#MODEL" replays the calls of MODEL out of FILE, which
 * `rung export TASK --calls` writes, without asking anybody. A request that the file does not have is an error, not a guess. */
#ifndef RUNG_MODEL_RECORDED_H
#define RUNG_MODEL_RECORDED_H

#include <stdbool.h>

bool recorded_is(const char *name);
/* The model that was recorded: what stands behind the last '#' of such a name; NULL: it names none. */
const char *recorded_model(const char *name);

#endif
