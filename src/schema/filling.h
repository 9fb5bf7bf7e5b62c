/* filling.h - an object that a schema accepts, made of what was found for its fields and, where nothing was, of a known one.
 *
 * A field is named by the keys that lead to it from the root, each behind a slash; the elements of an array share their array's name.
 * Strings, and arrays of strings, are the finder's; enums, constants and booleans are if it chooses among them; everything else
 * (numbers, null, arrays of objects, alternatives, objects inside more than eight others) is copied from the known object, and so is a
 * string that must be there and was not found. */
#ifndef RUNG_SCHEMA_FILLING_H
#define RUNG_SCHEMA_FILLING_H

#include "schema/validator.h"

enum { FILLING_DEPTH = 8 };

struct filling {
	struct validator *validator;
	/* The strings found for a field, as an array the caller gives up: all in the order of the text, or the one that is wanted. */
	json_t *(*strings)(void *finder, const char *field, bool all);
	/* Sets *value (the caller gives it up; NULL: the field is left out) or says that this field is not chosen. NULL: none is. */
	bool (*choice)(void *finder, const char *field, json_t **value);
	void *finder;
};

/* Appends the object as validator_write() does. known: an object that the schema accepts; it is what is appended where the schema does
 * not accept what was made (too many elements, a string that is too long). */
void filling_write(const struct filling *f, const json_t *known, struct buf *out);

#endif
