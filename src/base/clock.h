/* clock.h - how long something took. Only the rim asks; stats, cost and decide take time as an argument. */
#ifndef RUNG_BASE_CLOCK_H
#define RUNG_BASE_CLOCK_H

double clock_ms(void); /* milliseconds since some moment, never running backwards */
enum { CLOCK_DATE = 11 };
void clock_today(char out[CLOCK_DATE]); /* the day in UTC, as ISO writes it: 2026-08-01 */
void clock_wait(double ms); /* at most: a signal ends it */

#endif
