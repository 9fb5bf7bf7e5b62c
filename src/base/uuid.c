/* uuid.c - 48 bits of time, 12 that count within a millisecond from a random start, 62 random ones */
#include "base/uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

uint64_t uuid_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void uuid_make(uint64_t unix_ms, char out[UUID_TEXT])
{
	static _Thread_local uint64_t last_ms, count;
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		abort(); /* a name that may be another's would mix up answers; Linux gives 256 bytes or less whole */
	if (unix_ms <= last_ms) { /* also where the clock was set back */
		unix_ms = last_ms;
		count++;
	} else {
		count = random[0] & 0x3ff;
	}
	if (count > 0xfff) {
		unix_ms++;
		count = 0;
	}
	last_ms = unix_ms;
	snprintf(out, UUID_TEXT, "%08x-%04x-7%03x-%04x-%012llx", (unsigned)(unix_ms >> 16 & 0xffffffff), (unsigned)(unix_ms & 0xffff),
		 (unsigned)count, (unsigned)(0x8000 | (random[0] >> 16 & 0x3fff)), (unsigned long long)(random[1] & 0xffffffffffff));
}

void uuid_first(uint64_t unix_ms, char out[UUID_TEXT])
{
	snprintf(out, UUID_TEXT, "%08x-%04x-7000-8000-000000000000", (unsigned)(unix_ms >> 16 & 0xffffffff), (unsigned)(unix_ms & 0xffff));
}
