/* uuid.h - names that sort by the time at which they were made: UUID version 7 (RFC 9562, 5.7). */
#ifndef RUNG_BASE_UUID_H
#define RUNG_BASE_UUID_H

#include <stdint.h>

enum { UUID_TEXT = 37 }; /* 32 hexadecimal digits, four dashes, a NUL */

/* unix_ms: the moment; the rest is from the system's random numbers, and no one thread gets one twice or out of order in a millisecond. */
void uuid_make(uint64_t unix_ms, char out[UUID_TEXT]);
/* The first of all that are made at that moment or later. */
void uuid_first(uint64_t unix_ms, char out[UUID_TEXT]);
uint64_t uuid_now_ms(void);

#endif
