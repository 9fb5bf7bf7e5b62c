/* error.h - what went wrong, as one sentence a user can act on.
 *
 * The error is the last argument of every fallible function, owned by the caller and untouched on success. A function
 * that fails returns false, NULL or a negative number and has set it. Only cli/ prints it; the library never does. */
#ifndef RUNG_BASE_ERROR_H
#define RUNG_BASE_ERROR_H

#include <stdbool.h>

struct error {
	char text[1024]; /* NUL-terminated UTF-8; cut at a character when longer */
	bool again;      /* nothing is wrong with what was asked: the same may go well once the machine allows (a full disk) */
};

/* Sets the sentence and returns false, so that a caller can write `return error_set(err, ...)`. */
bool error_set(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says of the sentence just set that the same may go well later. Returns false. */
bool error_again(struct error *err);

/* Puts "prefix: " before the sentence; for callers that know the file or the item the callee did not. */
bool error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
