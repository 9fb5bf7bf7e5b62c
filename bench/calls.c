/* calls.c - what rung adds to a call to a provider: model_ask(), each reply and each attempt stored as in a climb, beside libcurl alone with
 * the same bodies, against the fault server without delay. Both send 32 at a time, in turns, on the same two cores as the server.
 *
 *     bench/calls FAULT_SERVER [CALLS]   (make bench-calls) */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "http/client.h"
#include "model/model.h"
#include "model/wire.h"
#include "stats/quantile.h"
#include "store/store.h"

enum { IN_FLIGHT = 32, ROUNDS = 5 };

static pid_t server_pid;
static char base[64];

static bool start_server(const char *program)
{
	int ends[2];
	char line[64] = { 0 };

	if (pipe(ends) != 0)
		return false;
	server_pid = fork();
	if (server_pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl(program, program, "--seconds", "300", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	FILE *in = fdopen(ends[0], "r");
	bool told = fgets(line, sizeof(line), in) != NULL;

	fclose(in);
	snprintf(base, sizeof(base), "http://127.0.0.1:%d/v1", told ? (int)strtol(line + strlen("listening "), NULL, 10) : 0);
	return told;
}

static struct model_request request_of(struct arena *arena, size_t i)
{
	struct message *message = arena_alloc(arena, sizeof(*message));

	*message = (struct message){ MESSAGE_USER, arena_printf(arena, "Classify this email as one of spam, marketing, personal, work. "
								 "Respond with only the category name.\n\nEmail subject: Number %zu\n"
								 "Email body (first 500 chars): The meeting of Thursday is at ten in place of nine; "
								 "bring the figures of the last quarter, please, and the two drafts.", i) };
	return (struct model_request){ .messages = message, .n_messages = 1, .max_tokens = 16 };
}

/* --- libcurl alone ------------------------------------------------------------------------------------------------- */

struct alone {
	struct client *client;
	struct buf *bodies;
	double *ms;
	size_t next, n, done;
	char url[96];
};

static void alone_done(void *context, const struct http_response *r);

static void alone_send(struct alone *a)
{
	static const char *const headers[] = { "Content-Type: application/json" };
	struct http_request post = { .method = "POST", .url = a->url, .headers = headers, .n_headers = 1, .body = a->bodies[a->next].data,
				     .n_body = a->bodies[a->next].n, .done = alone_done, .context = a };
	struct error err;

	a->next++;
	client_send(a->client, &post, &err);
}

static void alone_done(void *context, const struct http_response *r)
{
	struct alone *a = context;

	a->ms[a->done++] = r->ms;
	if (a->next < a->n)
		alone_send(a);
}

/* Calls a second; ms (n) is filled. */
static double run_alone(const struct model_request *requests, size_t n, double *ms)
{
	struct error err;
	struct alone a = { .client = client_open(&err), .bodies = mem_zero(n, sizeof(struct buf)), .ms = ms, .n = n };

	snprintf(a.url, sizeof(a.url), "%s/chat/completions", base);
	for (size_t i = 0; i < n; i++)
		wire_openai.request(&requests[i], "bench", 0, false, &a.bodies[i]);
	double start = clock_ms();

	for (size_t i = 0; i < IN_FLIGHT; i++)
		alone_send(&a);
	while (client_in_flight(a.client) > 0)
		client_run(a.client, 1000);
	double seconds = (clock_ms() - start) / 1e3;

	for (size_t i = 0; i < n; i++)
		buf_release(&a.bodies[i]);
	free(a.bodies);
	client_free(a.client);
	return (double)n / seconds;
}

/* --- rung ---------------------------------------------------------------------------------------------------------- */

struct stored {
	struct store *store;
	const struct model_request *requests;
	struct arena *arena;
	double *ms;
	size_t done;
	bool writing;
};

static bool begin(struct stored *s, struct error *err)
{
	return s->writing || (s->writing = store_begin(s->store, err));
}

static bool settle(void *context, struct error *err)
{
	struct stored *s = context;
	bool was = s->writing;

	s->writing = false;
	return !was || store_commit(s->store, err);
}

static bool store_reply(void *context, size_t i, const struct model_reply *reply, struct error *err)
{
	struct stored *s = context;
	const char *json = model_request_json(s->arena, &s->requests[i]);
	struct call_row call = { .model = "bench", .request_hash = hash64(json, strlen(json), 0), .request = json, .output = reply->text,
				 .status = model_status_names[reply->status], .input_tokens = reply->input_tokens, .output_tokens = reply->output_tokens,
				 .ms = reply->ms };

	s->ms[s->done++] = reply->ms;
	return begin(s, err) && store_call_put(s->store, &call, err);
}

static bool store_attempt(void *context, size_t i, struct model_attempt *t, struct error *err)
{
	struct stored *s = context;
	struct attempt_row row = { .id = t->id, .run = 1, .model = "bench", .request_hash = i, .end = t->end, .status = t->status,
				   .input_tokens = t->input_tokens, .output_tokens = t->output_tokens, .ms = t->ms };
	bool put = begin(s, err) && store_attempt_put(s->store, &row, err);

	t->id = row.id;
	return put;
}

static double run_rung(const struct model_request *requests, size_t n, double *ms, const char *path, struct error *err)
{
	const struct model_settings settings = { .threads = 1, .in_flight = IN_FLIGHT };
	struct models *models = models_open(".", &settings);
	char name[128];
	struct arena arena;
	double rate = 0;

	snprintf(name, sizeof(name), "%s#bench", base);
	arena_init(&arena);
	struct model *model = model_open(models, name, err);
	struct stored s = { .store = store_open(path, true, err), .requests = requests, .arena = &arena, .ms = ms };
	const struct model_watch watch = { .replied = store_reply, .attempted = store_attempt, .settle = settle, .context = &s };
	struct model_reply *replies = arena_array(&arena, n, sizeof(*replies));
	double start = clock_ms();

	if (model && s.store && model_ask(model, &arena, requests, n, replies, &watch, err))
		rate = (double)n / ((clock_ms() - start) / 1e3);
	store_close(s.store);
	models_free(models);
	arena_release(&arena);
	return rate;
}

static void print(const char *name, double rung, double peer, double ratio, double target, bool ok)
{
	printf("%s\t%.3f\t%.3f\t%.2f\t%g\t%s\n", name, rung, peer, ratio, target, ok ? "ok" : "short");
}

int main(int argc, char **argv)
{
	size_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 5000;
	char folder[] = "/tmp/rung-calls-XXXXXX", path[64];
	double *ms = mem_zero(n, sizeof(double)), rate[2][ROUNDS], p50[2][ROUNDS];
	struct arena arena;
	struct error err;

	signal(SIGPIPE, SIG_IGN);
	if (argc < 2 || !start_server(argv[1]) || !mkdtemp(folder)) {
		fputs("usage: calls FAULT_SERVER [CALLS]\n", stderr);
		return 1;
	}
	arena_init(&arena);
	struct model_request *requests = arena_array(&arena, n, sizeof(*requests));

	for (size_t i = 0; i < n; i++)
		requests[i] = request_of(&arena, i);
	bool good = true;

	for (int round = 0; round < ROUNDS && good; round++) {
		rate[0][round] = run_alone(requests, n, ms);
		p50[0][round] = quantile(ms, n, .5);
		snprintf(path, sizeof(path), "%s/%d.db", folder, round);
		rate[1][round] = run_rung(requests, n, ms, path, &err);
		good = rate[1][round] > 0;
		p50[1][round] = quantile(ms, n, .5);
	}
	kill(server_pid, SIGTERM);
	waitpid(server_pid, NULL, 0);
	snprintf(path, sizeof(path), "rm -rf %s", folder);
	if (!good || system(path) != 0) {
		fprintf(stderr, "calls: %s\n", good ? "cannot clean up" : err.text);
		return 1;
	}
	double ours = quantile(rate[1], ROUNDS, .5), theirs = quantile(rate[0], ROUNDS, .5);
	double added = 1e3 / ours - 1e3 / theirs; /* ms of each call that are not the client's and the server's */

	print("calls_per_second_32_in_flight", ours, theirs, ours / theirs, 2000, ours >= 2000);
	print("overhead_ms_per_call", added, 1e3 / theirs, added, 1, added <= 1);
	print("latency_p50_ms_32_in_flight", quantile(p50[1], ROUNDS, .5), quantile(p50[0], ROUNDS, .5),
	      quantile(p50[1], ROUNDS, .5) - quantile(p50[0], ROUNDS, .5), 1, quantile(p50[1], ROUNDS, .5) - quantile(p50[0], ROUNDS, .5) <= 1);
	arena_release(&arena);
	free(ms);
	return 0;
}
