/* clock.c - the monotonic clock of POSIX. */
#include "base/clock.h"

double clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

void clock_today(char out[CLOCK_DATE])
{
	time_t now = time(NULL);
	struct tm parts;

	gmtime_r(&now, &parts);
	strftime(out, CLOCK_DATE, "%Y-%m-%d", &parts);
}

int64_t clock_now(void)
{
	return time(NULL);
}

void clock_minute(int64_t seconds, char out[CLOCK_MINUTE])
{
	time_t at = seconds;
	struct tm parts;

	gmtime_r(&at, &parts);
	strftime(out, CLOCK_MINUTE, "%Y-%m-%d %H:%M UTC", &parts);
}

void clock_wait(double ms)
{
	struct timespec t = { (time_t)(ms / 1e3), (long)(ms * 1e6) % 1000000000 };

	nanosleep(&t, NULL); /* a signal ends it early, which is what whoever polls wants */
}
