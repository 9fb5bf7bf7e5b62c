/* cmd_serve.c - rung serve TASK... */
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <stdlib.h>

#include "terminal.h"

enum { DEFAULT_PORT = 8080, HIGHEST_PORT = 65535 };

/* On stdout and at once: whoever started it may be waiting for the address. */
static void say_address(void *context, const char *address)
{
	(void)context;
	printf("%s\n", address);
	fflush(stdout);
}

/* Those that are not given stay 0. */
static bool read_limits(const struct text_list *list, double ms[5])
{
	for (size_t i = 0; i < list->n; i++) {
		char *end;
		double seconds = strtod(list->items[i], &end);

		if (i >= 5 || end == list->items[i] || *end || !isfinite(seconds) || seconds <= 0) {
			fprintf(stderr, "rung serve: --upstream-limits: \"%s\" is not one of at most five numbers of seconds above 0\n", list->items[i]);
			return false;
		}
		ms[i] = seconds * 1000;
	}
	return true;
}

static atomic_bool hung_up; /* set by a signal, read by a thread of the gateway */

static void on_hang_up(int number)
{
	(void)number;
	hung_up = true;
}

static bool again(void *context)
{
	(void)context;
	return atomic_exchange(&hung_up, false);
}

/* Each client, and each upstream that is asked for it, is an open file. */
static void take_open_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int run(const struct settings *s)
{
	struct rung_serve_options serve = {
		.tasks = (const char *const *)s->arguments, .n_tasks = s->n_arguments,
		.models = s->models.items, .n_models = s->models.n, .upstreams = s->upstreams.items, .n_upstreams = s->upstreams.n, .fallbacks = s->fallbacks.items, .n_fallbacks = s->fallbacks.n,
		.address = s->address, .tls_certificate = s->tls_certificate, .tls_key = s->tls_key, .access_log = s->access_log, .otlp = s->otlp, .keys = s->keys, .cache_mb = s->cache_mb > 0 ? (size_t)s->cache_mb : 0, .prices = s->cost.price.items,
		.n_prices = s->cost.price.n,
		.route = s->route || s->route_default, .route_default = s->route_default,
		.port = s->port >= 0 ? (int)s->port : DEFAULT_PORT, .log = s->log, .no_log = s->no_log, .no_texts = s->no_texts,
		.share = s->share > 0 ? s->share : 0, .shadow = s->shadow, .again = again, .ready = say_address,
	};
	struct rung_options options = terminal_options(s, NULL);
	struct rung_error err;

	if (s->port > HIGHEST_PORT) {
		fprintf(stderr, "rung serve: --port %.0f is no port; ports go from 0 (any that is free) to %d\n", s->port, HIGHEST_PORT);
		return RUNG_INPUT;
	}
	if (s->share >= 0 && !(s->share > 0)) {
		fprintf(stderr, "rung serve: --share 0 would let a new verdict answer nothing; --shadow asks it and shows nothing\n");
		return RUNG_INPUT;
	}
	if (!read_limits(&s->upstream_limits, serve.upstream_ms))
		return RUNG_INPUT;
	if (s->history) {
		char *text;
		enum rung_status read = rung_serve_history(&options, &serve, &text, &err);

		return read ? terminal_fail(read, &err) : terminal_output(text, NULL);
	}
	take_open_files();
	signal(SIGHUP, on_hang_up);
	enum rung_status status = rung_serve(&options, &serve, &err);

	return status ? terminal_fail(status, &err) : 0;
}

static const struct option_row *const options_of[] = {
	&option_serve_port, &option_address, &option_tls_cert, &option_tls_key, &option_keys, &option_cache, &option_serve_price, &option_serve_models, &option_upstream, &option_fallback, &option_upstream_limits, &option_auto, &option_default, &option_log, &option_no_log, &option_no_texts, &option_access_log, &option_otlp, &option_share, &option_shadow, &option_history, &option_models_folder, &option_threads, &option_memory, &option_context, &option_concurrency, &option_rpm, &option_tpm,
	&option_timeout, &option_quiet, &option_help, NULL,
};

const struct command command_serve = {
	"serve", "[TASK...]", "answers for production, through OpenAI's chat completions",
	"Serves each task by the winner of its last climb, at POST /v1/chat/completions: the model is \"rung/TASK\", the input the last user\n"
	"message, as `rung ask` takes it. With --auto the model may be \"rung/auto\", too: then it is answered by the task that the input is like.\n"
	"What asks for one of --models is answered by it, what asks for an --upstream is passed on to it as it is; so are texts to embed. Prints the\n"
	"address once it answers, where a browser shows what was served. SIGTERM and Ctrl-C end it once what is there has been answered.\n"
	"What a later climb finds is tried on a share of the calls; what is said of its answers promotes it, and brings back who served before\n"
	"where that has fallen. SIGHUP tries again what could not be taken.",
	options_of, 0, MAX_LIST, run,
};
