/* outbox.c - a list of batches under a mutex, and the thread that takes the first of them */
#include "serve/outbox.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"

enum { PATIENCE = 2 }; /* tries that may fail before somebody is told */
static const size_t most_bytes_usual = (size_t)16 << 20, batch_bytes_usual = (size_t)256 << 10;
static const double first_wait_ms = 100, longest_wait_ms = 5e3, grace_ms = 1e3; /* grace: for a put() that looks at outbox_is_late() */

struct batch {
	struct batch *next;
	struct buf bytes;
	size_t items;
};

struct outbox {
	struct outbox_settings settings;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct batch *first, **end, *last; /* last: that may still grow; NULL: none */
	size_t bytes;                      /* of those, and of the one that is on its way */
	struct outbox_counts counts;
	bool idle; /* the thread waits for a first item */
	bool closing, ended; /* ended: the thread has left its last put() */
	double close_by;
};

bool outbox_add(struct outbox *o, const char *bytes, size_t n, size_t items)
{
	pthread_mutex_lock(&o->mutex);
	bool room = o->bytes + n <= o->settings.most_bytes;

	if (room) {
		if (!o->last || o->last->bytes.n + n > o->settings.batch_bytes) {
			o->last = *o->end = mem_zero(1, sizeof(*o->last));
			o->end = &o->last->next;
		}
		buf_add(&o->last->bytes, bytes, n);
		o->last->items += items;
		o->bytes += n;
		o->counts.waiting += items;
		if (o->idle) /* else it looks by itself: to wake it for each item would cost more than all the rest */
			pthread_cond_signal(&o->changed);
	} else {
		o->counts.dropped += items;
	}
	pthread_mutex_unlock(&o->mutex);
	return room;
}

bool outbox_is_late(struct outbox *o)
{
	pthread_mutex_lock(&o->mutex);
	bool late = o->closing && clock_ms() >= o->close_by;

	pthread_mutex_unlock(&o->mutex);
	return late;
}

struct outbox_counts outbox_counts(struct outbox *o)
{
	pthread_mutex_lock(&o->mutex);
	struct outbox_counts counts = o->counts;

	pthread_mutex_unlock(&o->mutex);
	return counts;
}

/* ---- the thread ---- */

static struct timespec monotonic(double ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(fmod(ms, 1000) * 1e6);
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* So long, or until the outbox is closed. The mutex is held. */
static void rest(struct outbox *o, double ms)
{
	const struct timespec until = monotonic(ms);

	while (!o->closing && pthread_cond_timedwait(&o->changed, &o->mutex, &until) != ETIMEDOUT)
		;
}

/* The oldest batch; NULL: there is none, and the outbox is being closed. */
static struct batch *take(struct outbox *o)
{
	pthread_mutex_lock(&o->mutex);
	while (!o->first && !o->closing) {
		o->idle = true;
		pthread_cond_wait(&o->changed, &o->mutex);
	}
	o->idle = false;
	struct batch *b = o->first;

	if (b) {
		o->first = b->next;
		o->end = o->first ? o->end : &o->first;
		o->last = o->last == b ? NULL : o->last;
	}
	pthread_mutex_unlock(&o->mutex);
	return b;
}

static void settle(struct outbox *o, struct batch *b, bool taken, size_t rejected)
{
	pthread_mutex_lock(&o->mutex);
	o->bytes -= b->bytes.n;
	o->counts.waiting -= b->items;
	o->counts.taken += taken ? b->items - rejected : 0;
	o->counts.dropped += taken ? rejected : b->items;
	pthread_mutex_unlock(&o->mutex);
	buf_release(&b->bytes);
	free(b);
}

static void say(const struct outbox *o, const char *sentence)
{
	if (o->settings.notice)
		o->settings.notice(o->settings.context, sentence);
}

/* Before the next try. One that has to end tries often, as long as it may. */
static void wait_for(struct outbox *o, const struct outbox_batch *b)
{
	pthread_mutex_lock(&o->mutex);
	rest(o, b->wait_ms > 0 ? b->wait_ms : fmin(longest_wait_ms, first_wait_ms * pow(2, (double)b->tries)));
	bool closing = o->closing;

	pthread_mutex_unlock(&o->mutex);
	if (closing)
		clock_wait(first_wait_ms);
}

/* Until it was taken, or refused, or there is no time left. troubled: whether somebody has been told. */
static void send_one(struct outbox *o, struct batch *b, bool *troubled)
{
	struct outbox_batch sent = { .bytes = buf_text(&b->bytes), .n = b->bytes.n, .items = b->items };
	enum outbox_end end;

	for (;; sent.tries++) {
		sent.wait_ms = 0;
		end = o->settings.put(o->settings.put_context, &sent);
		bool last = end != OUTBOX_AGAIN || outbox_is_late(o);

		if (end != OUTBOX_TAKEN && !*troubled && (last || sent.tries == PATIENCE)) {
			say(o, sent.why.text);
			*troubled = true;
		}
		if (last)
			break;
		wait_for(o, &sent);
	}
	if (end == OUTBOX_TAKEN && *troubled) {
		say(o, "what is told beside the answers is taken again");
		*troubled = false;
	}
	settle(o, b, end == OUTBOX_TAKEN, sent.rejected);
}

static void gather(struct outbox *o)
{
	pthread_mutex_lock(&o->mutex);
	if (!o->first || !o->first->next) /* else one is full */
		rest(o, o->settings.gather_ms);
	pthread_mutex_unlock(&o->mutex);
}

static void *send_on(void *context)
{
	struct outbox *o = context;
	bool troubled = false;
	sigset_t pipes;

	sigemptyset(&pipes); /* a reader that has gone is an error of write(), and ends nobody */
	sigaddset(&pipes, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipes, NULL);
	for (struct batch *b; (b = take(o));) {
		send_one(o, b, &troubled);
		gather(o);
	}
	pthread_mutex_lock(&o->mutex);
	o->ended = true;
	pthread_cond_signal(&o->changed);
	pthread_mutex_unlock(&o->mutex);
	return NULL;
}

static void release(struct outbox *o)
{
	pthread_mutex_destroy(&o->mutex);
	pthread_cond_destroy(&o->changed);
	free(o);
}

struct outbox *outbox_open(const struct outbox_settings *settings, struct error *err)
{
	struct outbox *o = mem_zero(1, sizeof(*o));
	pthread_condattr_t monotonic_clock;

	o->settings = *settings;
	o->settings.most_bytes = settings->most_bytes ? settings->most_bytes : most_bytes_usual;
	o->settings.batch_bytes = settings->batch_bytes ? settings->batch_bytes : batch_bytes_usual;
	o->end = &o->first;
	pthread_mutex_init(&o->mutex, NULL);
	pthread_condattr_init(&monotonic_clock);
	pthread_condattr_setclock(&monotonic_clock, CLOCK_MONOTONIC);
	pthread_cond_init(&o->changed, &monotonic_clock);
	pthread_condattr_destroy(&monotonic_clock);
	if (pthread_create(&o->thread, NULL, send_on, o) == 0)
		return o;
	error_set(err, "no thread can be started that tells others what was answered; let this process have more of them");
	release(o);
	return NULL;
}

bool outbox_close(struct outbox *o, double most_ms)
{
	const struct timespec until = monotonic(most_ms + grace_ms);

	if (!o)
		return true;
	pthread_mutex_lock(&o->mutex);
	o->closing = true;
	o->close_by = clock_ms() + most_ms;
	pthread_cond_signal(&o->changed);
	while (!o->ended && pthread_cond_timedwait(&o->changed, &o->mutex, &until) != ETIMEDOUT)
		;
	bool ended = o->ended;

	pthread_mutex_unlock(&o->mutex);
	if (!ended) {
		pthread_detach(o->thread);
		return false;
	}
	pthread_join(o->thread, NULL);
	release(o);
	return true;
}
