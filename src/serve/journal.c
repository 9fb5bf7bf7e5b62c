/* journal.c - a list under a mutex, and the thread that takes all of it at a time */
#include "serve/journal.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static const size_t most_bytes_usual = (size_t)64 << 20;
static const double group_ms = 10, retry_ms = 200; /* between two transactions; after one that failed */

struct entry {
	struct entry *next;
	size_t bytes;
	enum { CALL, FEEDBACK, ATTEMPT, SHADOW } kind;
	struct served_call call;         /* with its texts behind the struct */
	struct served_feedback feedback;
	struct served_attempt attempt;
	struct served_shadow shadow;
};

struct journal {
	struct journal_settings settings;
	struct served *writer, *reader; /* a handle for the thread, and one for who asks */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct entry *waiting, **end, *taken; /* taken: by the thread, and not committed yet */
	size_t bytes;
	struct journal_counts counts;
	bool closing;
	double close_by;
};

/* ---- handing over ---- */

/* The texts (n pointers to them) are copied behind `at`; NULL stays NULL. */
static void move_texts(char *at, const char **texts[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!*texts[i])
			continue;
		size_t size = strlen(*texts[i]) + 1;

		memcpy(at, *texts[i], size);
		*texts[i] = at;
		at += size;
	}
}

/* A copy with the texts (n) behind it. */
static struct entry *entry_new(struct entry *e, const char **texts[], size_t n)
{
	e->bytes = sizeof(*e);
	for (size_t i = 0; i < n; i++)
		e->bytes += *texts[i] ? strlen(*texts[i]) + 1 : 0;
	struct entry *made = mem_alloc(e->bytes);

	move_texts((char *)(made + 1), texts, n);
	*made = *e;
	return made;
}

static bool hand_over(struct journal *j, struct entry *e)
{
	pthread_mutex_lock(&j->mutex);
	bool room = j->bytes + e->bytes <= j->settings.most_bytes;

	if (room) {
		e->next = NULL;
		*j->end = e;
		j->end = &e->next;
		j->bytes += e->bytes;
		j->counts.waiting++;
		pthread_cond_signal(&j->changed);
	} else {
		j->counts.dropped++;
	}
	pthread_mutex_unlock(&j->mutex);
	if (!room)
		free(e);
	return room;
}

bool journal_call(struct journal *j, const struct served_call *c)
{
	struct entry e = { .kind = CALL, .call = *c };
	const char **texts[] = { &e.call.id, &e.call.tenant, &e.call.key, &e.call.task, &e.call.variant, &e.call.verdict, &e.call.status, &e.call.why,
				 &e.call.subject, &e.call.input, &e.call.output, &e.call.citations };

	return hand_over(j, entry_new(&e, texts, sizeof(texts) / sizeof(texts[0])));
}

bool journal_feedback(struct journal *j, const struct served_feedback *f)
{
	struct entry e = { .kind = FEEDBACK, .feedback = *f };
	const char **texts[] = { &e.feedback.call, &e.feedback.name, &e.feedback.kind, &e.feedback.text };

	return hand_over(j, entry_new(&e, texts, sizeof(texts) / sizeof(texts[0])));
}

bool journal_attempt(struct journal *j, const struct served_attempt *a)
{
	struct entry e = { .kind = ATTEMPT, .attempt = *a };
	const char **texts[] = { &e.attempt.call, &e.attempt.upstream, &e.attempt.status, &e.attempt.why };

	return hand_over(j, entry_new(&e, texts, sizeof(texts) / sizeof(texts[0])));
}

bool journal_shadow(struct journal *j, const struct served_shadow *h)
{
	struct entry e = { .kind = SHADOW, .shadow = *h };
	const char **texts[] = { &e.shadow.call, &e.shadow.verdict, &e.shadow.variant, &e.shadow.status, &e.shadow.output };

	return hand_over(j, entry_new(&e, texts, sizeof(texts) / sizeof(texts[0])));
}

static bool is_among(const struct entry *e, const char *id, const char *tenant)
{
	while (e && !(e->kind == CALL && strcmp(e->call.id, id) == 0 && (!tenant || strcmp(e->call.tenant, tenant) == 0)))
		e = e->next;
	return e != NULL;
}

bool journal_paid(struct journal *j, uint64_t since_ms, void (*each)(void *context, const char *key, double usd, uint64_t began_ms), void *context,
		  struct error *err)
{
	return served_paid(j->reader, since_ms, each, context, err);
}

bool journal_knows(struct journal *j, const char *id, const char *tenant)
{
	struct error ignored;
	bool exists = false;

	pthread_mutex_lock(&j->mutex);
	bool waits = is_among(j->waiting, id, tenant) || is_among(j->taken, id, tenant);

	pthread_mutex_unlock(&j->mutex);
	return waits || (served_call_exists(j->reader, id, tenant, &exists, &ignored) && exists);
}

struct journal_counts journal_counts(struct journal *j)
{
	pthread_mutex_lock(&j->mutex);
	struct journal_counts counts = j->counts;

	pthread_mutex_unlock(&j->mutex);
	return counts;
}

/* ---- the thread ---- */

static void free_all(struct entry *e)
{
	for (struct entry *next; e; e = next) {
		next = e->next;
		free(e);
	}
}

/* All that waits; NULL: there is nothing more and the journal is being closed. */
static struct entry *take_all(struct journal *j)
{
	pthread_mutex_lock(&j->mutex);
	while (!j->waiting && !j->closing)
		pthread_cond_wait(&j->changed, &j->mutex);
	struct entry *all = j->taken = j->waiting;

	j->waiting = NULL;
	j->end = &j->waiting;
	pthread_mutex_unlock(&j->mutex);
	return all;
}

static bool put_one(struct served *to, const struct entry *e, struct error *err)
{
	if (e->kind == CALL)
		return served_call_put(to, &e->call, err);
	if (e->kind == SHADOW)
		return served_shadow_put(to, &e->shadow, err);
	return e->kind == FEEDBACK ? served_feedback_put(to, &e->feedback, err) : served_attempt_put(to, &e->attempt, err);
}

static bool write_all(struct journal *j, const struct entry *e, struct error *err)
{
	bool good = served_begin(j->writer, err);

	for (; good && e; e = e->next)
		good = put_one(j->writer, e, err);
	good = good && served_commit(j->writer, err);
	if (!good)
		served_rollback(j->writer);
	return good;
}

static void settle(struct journal *j, struct entry *all, bool written)
{
	pthread_mutex_lock(&j->mutex);
	for (const struct entry *e = all; e; e = e->next) {
		j->bytes -= e->bytes;
		j->counts.waiting--;
		*(written ? &j->counts.written : &j->counts.dropped) += 1;
	}
	j->taken = NULL;
	pthread_mutex_unlock(&j->mutex);
	free_all(all);
}

static bool has_time(struct journal *j)
{
	pthread_mutex_lock(&j->mutex);
	bool time = !j->closing || clock_ms() < j->close_by;

	pthread_mutex_unlock(&j->mutex);
	return time;
}

static void say(const struct journal *j, const char *sentence)
{
	if (j->settings.notice)
		j->settings.notice(j->settings.context, sentence);
}

static void *write_on(void *context)
{
	struct journal *j = context;
	struct error err;

	for (struct entry *all; (all = take_all(j));) {
		bool written = write_all(j, all, &err), failed = !written;

		if (failed)
			say(j, err.text);
		while (!written && has_time(j)) {
			clock_wait(retry_ms);
			written = write_all(j, all, &err);
		}
		if (failed && written)
			say(j, "what was served is written again");
		settle(j, all, written);
		clock_wait(group_ms);
	}
	return NULL;
}

static void release(struct journal *j)
{
	pthread_mutex_destroy(&j->mutex);
	pthread_cond_destroy(&j->changed);
	served_close(j->writer);
	served_close(j->reader);
	free(j);
}

struct journal *journal_open(const struct journal_settings *settings, struct error *err)
{
	struct journal *j = mem_zero(1, sizeof(*j));

	j->settings = *settings;
	j->settings.most_bytes = settings->most_bytes ? settings->most_bytes : most_bytes_usual;
	j->end = &j->waiting;
	j->writer = served_open(settings->path, true, err);
	j->reader = j->writer && served_prime(j->writer, err) ? served_open(settings->path, false, err) : NULL;
	if (!j->reader) {
		served_close(j->writer);
		free(j);
		return NULL;
	}
	pthread_mutex_init(&j->mutex, NULL);
	pthread_cond_init(&j->changed, NULL);
	if (pthread_create(&j->thread, NULL, write_on, j) == 0)
		return j;
	error_set(err, "%s: no thread can be started to write what is served; let this process have more of them", settings->path);
	release(j);
	return NULL;
}

void journal_close(struct journal *j, double most_ms)
{
	if (!j)
		return;
	pthread_mutex_lock(&j->mutex);
	j->closing = true;
	j->close_by = clock_ms() + most_ms;
	pthread_cond_signal(&j->changed);
	pthread_mutex_unlock(&j->mutex);
	pthread_join(j->thread, NULL);
	release(j);
}
