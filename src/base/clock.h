/* clock.h - how long something took. Only the rim asks; stats, cost and decide take time as an argument. */
#ifndef RUNG_BASE_CLOCK_H
#define RUNG_BASE_CLOCK_H

#include <stdint.h>

double clock_ms(void); /* milliseconds since some moment, never running backwards */
enum { CLOCK_DATE = 11, CLOCK_MINUTE = 21 };
void clock_today(char out[CLOCK_DATE]); /* the day in UTC, as ISO writes it: 2026-08-01 */
int64_t clock_now(void); /* seconds since 1970 */
void clock_minute(int64_t seconds, char out[CLOCK_MINUTE]); /* "2026-08-01 14:05 UTC" */
void clock_wait(double ms); /* at most: a signal ends it */

#endif
