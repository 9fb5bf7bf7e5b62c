/* batched.c - calls through a provider's batches: what waits there is fetched first, the rest is handed over together, and what failed in
 * a batch is asked by itself. A batch is noted before it is sent and once it has a name, so that a killed run finds it again. */
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "variant/asking.h"

enum { ID_BYTES = 20, LIVE_FIRST = 3, WORTH_IT = 20 };

/* "r" and the request's hash: what comes back says by itself what it answers. */
static void id_of(uint64_t request_hash, char id[ID_BYTES])
{
	snprintf(id, ID_BYTES, "r%016" PRIx64, request_hash);
}

struct fetching {
	struct asking *asking; /* all that is wanted now */
	struct hash_map by_id; /* its requests, by the ids that they would have */
	size_t others;         /* results that were asked for on another occasion */
};

static size_t wanted(const struct fetching *f, const char *id)
{
	return hash_map_get(&f->by_id, id, strlen(id), SIZE_MAX);
}

static const struct model_request *request_for(void *context, const char *id)
{
	struct fetching *f = context;
	size_t i = wanted(f, id);

	f->others += i == SIZE_MAX;
	return i == SIZE_MAX ? NULL : &f->asking->requests[i];
}

static bool take_result(void *context, const char *id, const struct model_reply *reply, const struct model_attempt *attempt, struct error *err)
{
	struct fetching *f = context;
	size_t i = wanted(f, id);
	struct model_attempt noted = *attempt;

	if (f->asking->calls[i]->id) /* the store has it already */
		return true;
	f->asking->batch = true;
	bool stored = asking_attempted(f->asking, i, &noted, err) && (!reply || asking_replied(f->asking, i, reply, err));

	f->asking->batch = false;
	return stored;
}

/* One that has results for others too is looked at again, whoever asks next: what was paid for is not lost. */
static bool fetch(struct asking *a, struct model *model, struct batch_row *row, struct arena *arena, struct error *err)
{
	struct fetching f = { .asking = a };
	const struct model_results to = { request_for, take_result, &f };

	model_knows_lacks(model, row->lacks);
	for (size_t i = 0; i < a->n; i++) {
		char *id = arena_array(arena, ID_BYTES, 1);

		id_of(a->calls[i]->request_hash, id);
		hash_map_put(&f.by_id, id, strlen(id), i);
	}
	bool fetched = model_batch_results(model, row->name, arena, &to, err);
	struct error ignored;

	fetched = asking_settle(a, fetched ? err : &ignored) && fetched;
	hash_map_release(&f.by_id);
	row->state = f.others > 0 ? "waiting" : "done";
	return fetched && store_batch_put(a->w->store, row, err);
}

static bool stop_waiting(const struct batch_row *row, const char *why, struct error *err)
{
	error_set(err, "%s: batch %s of %zu requests is still being worked off; the same command fetches it later", why, row->name, row->requests);
	return error_again(err);
}

static bool wait_for(struct asking *a, struct model *model, const struct batch_row *row, struct arena *arena, struct error *err)
{
	const struct batching *b = a->w->batching;
	struct model_batch state;

	while (model_batch_look(model, row->name, arena, &state, err)) {
		if (b->waiting)
			b->waiting(b->context, row->model, state.done + state.failed, row->requests);
		if (state.ended && state.why)
			return error_set(err, "model \"%s\": batch %s failed: %s", row->model, row->name, state.why);
		if (state.ended)
			return true;
		for (double until = clock_ms() + b->poll_ms; clock_ms() < until; clock_wait(b->poll_ms < 100 ? b->poll_ms : 100)) {
			const char *why = asking_stopped(a);

			if (why)
				return stop_waiting(row, why, err);
		}
	}
	return false;
}

/* One that was being sent when the process ended, or whose sending was not answered, may be with the provider, paid for, under a name that
 * nobody here knows. */
static bool give_up_on(struct asking *a, struct batch_row *row, struct error *err)
{
	const struct batching *b = a->w->batching;

	if (b->lost)
		b->lost(b->context, row);
	row->state = "done";
	return store_batch_put(a->w->store, row, err);
}

/* A failed batch is none to fetch: it must not be looked for again. */
static bool finish(struct asking *a, struct model *model, struct batch_row *row, struct arena *arena, struct error *err)
{
	if (wait_for(a, model, row, arena, err))
		return fetch(a, model, row, arena, err);
	if (!err->again) {
		struct error ignored;

		row->state = "done";
		store_batch_put(a->w->store, row, &ignored);
	}
	return false;
}

static bool fetch_old(struct asking *a, struct model *model, struct arena *arena, struct error *err)
{
	struct batch_row *rows;
	size_t n;

	if (!store_batches(a->w->store, model_name(model), arena, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		bool sent = strcmp(rows[i].state, "waiting") == 0;

		if (!(sent ? finish(a, model, &rows[i], arena, err) : give_up_on(a, &rows[i], err)))
			return false;
	}
	return true;
}

static bool send(struct asking *a, struct model *model, const size_t *which, size_t n, struct arena *arena, struct batch_row *row,
		 struct error *err)
{
	struct model_request *requests = arena_array(arena, n, sizeof(*requests));
	const char **ids = arena_array(arena, n, sizeof(*ids));
	struct buf name = { 0 };

	for (size_t i = 0; i < n; i++) {
		char *id = arena_array(arena, ID_BYTES, 1);

		id_of(a->calls[which[i]]->request_hash, id);
		ids[i] = id;
		requests[i] = a->requests[which[i]];
	}
	*row = (struct batch_row){ .model = model_name(model), .name = "", .requests = n, .state = "sending",
				    .lacks = model_lacks(model), .begun = clock_now() };
	bool unnamed = false, sent = store_batch_put(a->w->store, row, err) && model_batch_send(model, requests, ids, n, &name, &unnamed, err);
	struct error ignored;

	row->name = arena_string(arena, buf_text(&name));
	buf_release(&name);
	if (!sent && unnamed) {
		give_up_on(a, row, &ignored);
		return false;
	}
	row->state = sent ? "waiting" : "done";
	return store_batch_put(a->w->store, row, sent ? err : &ignored) && sent;
}

/* Positions of those that are not there yet. */
static size_t list_open(const struct asking *a, size_t *open)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		if (!a->calls[i]->id)
			open[n++] = i;
	return n;
}

/* One of each kind goes by itself before a batch of them, so that what the server does not take is learnt from three requests, not from all. */
static bool ask_first(struct asking *a, struct model *model, struct arena *arena, struct error *err)
{
	size_t *open = arena_array(arena, a->n, sizeof(*open)), n = list_open(a, open), n_first = 0;
	bool had[LIVE_FIRST] = { false };

	for (size_t i = 0; i < n; i++) {
		enum model_want want = a->requests[open[i]].want;

		if (!had[want] && !model_has_answered(model, want))
			open[n_first++] = open[i];
		had[want] = true;
	}
	return asking_ask(a, model, open, n_first, arena, err);
}

/* Of so many; a few are not worth the wait, and go one by one as long as the budget lasts. */
static size_t batch_size(const struct asking *a, const struct model *model, size_t n)
{
	const struct spending_watch *s = a->w->spending;
	size_t most = model_batch_most(model), left = s && s->left ? s->left(s->context) : SIZE_MAX;

	n = n < most ? n : most;
	return n < left ? n : left;
}

bool asking_in_batches(struct asking *a, struct model *model, struct arena *arena, struct error *err)
{
	size_t *open = arena_array(arena, a->n, sizeof(*open)), n;

	if (!fetch_old(a, model, arena, err) || !ask_first(a, model, arena, err))
		return false;
	n = list_open(a, open);
	for (size_t from = 0, part; (part = batch_size(a, model, n - from)) >= WORTH_IT; from += part) {
		struct batch_row row;

		if (!send(a, model, open + from, part, arena, &row, err) || !finish(a, model, &row, arena, err))
			return false;
	}
	n = list_open(a, open);
	return asking_ask(a, model, open, n, arena, err);
}
