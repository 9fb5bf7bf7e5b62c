/* repair.h - the JSON object that a text nearly holds: what people and models write in place of JSON, read as it is meant.
 *
 * Forgiven are: words and fences around it; quotes that are single or typographic; keys without any; True, False and None; commas
 * before a closing bracket; line ends inside strings; and an end that is missing, behind which everything open is closed. Values are
 * never made up: a key whose value is cut off is left out. Pure. */
#ifndef RUNG_SCHEMA_REPAIR_H
#define RUNG_SCHEMA_REPAIR_H

#include <jansson.h>

/* NULL when no object is to be had; the caller gives it up with json_decref(). */
json_t *repair_object(const char *text);

#endif
