/* pace.c - counters by the second, one window, one budget; see pace.h for where the rules are from. */
#include "model/pace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	IN_FLIGHT = 32,
	FIRST_WINDOW = 8,
	ATTEMPTS = 6,
	RETRIES = 10,      /* that a budget begins with, */
	RETRIES_MOST = 128, /* and that it saves up: a long good run is no licence to hammer a server that went down */
	LONGEST_WAITS = 10,
};

static double or_usual(double value, double usual)
{
	return value > 0 ? value : usual;
}

void pace_init(struct pace *p, const struct pace_settings *settings, double now_ms)
{
	*p = (struct pace){ .settings = *settings, .retries = RETRIES, .second = (int64_t)floor(now_ms / 1000), .shrunk_ms = -INFINITY };
	struct pace_settings *s = &p->settings;

	s->most_in_flight = s->most_in_flight ? s->most_in_flight : IN_FLIGHT;
	s->attempts = s->attempts ? s->attempts : ATTEMPTS;
	s->retry_share = or_usual(s->retry_share, .2);
	s->first_wait_ms = or_usual(s->first_wait_ms, 500);
	s->longest_wait_ms = or_usual(s->longest_wait_ms, 60e3);
	p->window = s->most_in_flight < FIRST_WINDOW ? (double)s->most_in_flight : FIRST_WINDOW;
}

/* Seconds that nothing counts for any more are forgotten. */
static void turn_to(struct pace *p, double now_ms)
{
	int64_t now = (int64_t)floor(now_ms / 1000);

	if (now - p->second >= PACE_SECONDS)
		p->second = now - PACE_SECONDS;
	while (p->second < now) {
		size_t slot = (size_t)(++p->second % PACE_SECONDS);

		p->requests[slot] = p->tokens[slot] = 0;
	}
}

/* Milliseconds until so much more fits into the limit beside what the last seconds had; 0: it fits. */
static double until_room(const struct pace *p, const double *sent, double limit, double more, double now_ms)
{
	double sum = 0;

	if (!(limit > 0))
		return 0;
	for (size_t i = 0; i < PACE_SECONDS; i++)
		sum += sent[i];
	for (int64_t second = p->second - PACE_SECONDS + 1; sum > 0 && sum + more > limit; second++) {
		if (second > p->second)
			return 0; /* nothing else is left: it goes alone */
		sum -= sent[(second + PACE_SECONDS) % PACE_SECONDS];
		if (sum <= 1e-9 || sum + more <= limit)
			return (double)(second + PACE_SECONDS) * 1000 - now_ms;
	}
	return 0;
}

double pace_wait(struct pace *p, double tokens, double now_ms)
{
	turn_to(p, now_ms);
	if ((double)p->in_flight >= floor(p->window))
		return INFINITY;
	double held = fmax(p->held_until - now_ms, 0);
	double requests = until_room(p, p->requests, p->settings.requests_per_minute, 1, now_ms);

	return fmax(held, fmax(requests, until_room(p, p->tokens, p->settings.tokens_per_minute, tokens, now_ms)));
}

void pace_sent(struct pace *p, double tokens, double now_ms)
{
	turn_to(p, now_ms);
	p->requests[p->second % PACE_SECONDS] += 1;
	p->tokens[p->second % PACE_SECONDS] += tokens;
	p->in_flight++;
	p->retries = fmin(p->retries + p->settings.retry_share, RETRIES_MOST);
}

static void settle(struct pace *p, double sent_ms, double off)
{
	int64_t sent = (int64_t)floor(sent_ms / 1000);
	double *at = &p->tokens[(off > 0 ? p->second : sent) % PACE_SECONDS];

	if (off > 0 || sent > p->second - PACE_SECONDS)
		*at = fmax(*at + off, 0);
}

void pace_ended(struct pace *p, enum pace_end end, double sent_ms, double estimated, double counted, double now_ms)
{
	turn_to(p, now_ms);
	p->in_flight--;
	if (!isnan(counted))
		settle(p, sent_ms, counted - estimated);
	if (end == PACE_WELL)
		p->window = fmin(p->window + 1 / p->window, (double)p->settings.most_in_flight);
	if (end != PACE_CROWDED || sent_ms <= p->shrunk_ms) /* what was sent before the last halving knows nothing of it */
		return;
	p->window = fmax(p->window / 2, 1);
	p->shrunk_ms = now_ms;
}

bool pace_retry(struct pace *p, size_t tries, double retry_after_ms, struct rng *rng, double now_ms, double *wait_ms)
{
	const struct pace_settings *s = &p->settings;

	if (retry_after_ms > LONGEST_WAITS * s->longest_wait_ms)
		return false;
	p->held_until = fmax(p->held_until, now_ms + retry_after_ms);
	if (tries >= s->attempts || p->retries < 1)
		return false;
	p->retries -= 1;
	*wait_ms = fmax(retry_after_ms, rng_double(rng) * fmin(s->first_wait_ms * exp2((double)tries - 1), s->longest_wait_ms));
	return true;
}

/* Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT"; false: it is no such date. */
static bool http_date(const char *text, double *seconds)
{
	struct tm tm = { 0 };
	const char *end = text ? strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) : NULL;

	if (!end || *end)
		return false;
	*seconds = (double)timegm(&tm);
	return true;
}

double pace_retry_after(const char *value, const char *date)
{
	double then, now, seconds;
	char *end;

	if (!value)
		return 0;
	if (http_date(value, &then))
		return http_date(date, &now) ? fmax(then - now, 0) * 1000 : 0;
	seconds = strtod(value, &end);
	return end == value || *end || !(seconds > 0) || isinf(seconds) ? 0 : seconds * 1000;
}
