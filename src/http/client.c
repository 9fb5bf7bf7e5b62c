/* client.c - one easy handle a request, taken from those that are idle; the limits but the first are held by our own clock. */
#include "http/client.h"

#include <curl/curl.h>
#include <limits.h>
#include <math.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"

static const size_t most_bytes_usual = (size_t)64 << 20;

enum stage { CONNECTING, WAITING, HEADED, FLOWING };

struct transfer {
	struct client *client;
	size_t place; /* among those in flight */
	CURL *easy;
	struct curl_slist *fields;
	struct http_request request;
	char *host;
	struct arena arena; /* of the response's headers */
	struct http_header *headers;
	size_t n_headers;
	struct buf body;
	size_t n_seen;
	enum stage stage;
	enum http_end end; /* other than HTTP_ANSWERED: ours, decided before curl said anything */
	double began, since, first;
	char curl_error[CURL_ERROR_SIZE], why[CURL_ERROR_SIZE + 300];
};

struct client {
	CURLM *multi;
	struct transfer **live; /* (n_live) in no order */
	CURL **idle;
	size_t n_idle, n_live;
	double check; /* no limit passes before */
	bool inside;  /* curl is calling us */
	bool stop;
};

static double deadline(const struct transfer *t, const char **which)
{
	const struct http_timeouts *limits = &t->request.timeouts;
	const double spans[] = { 0, limits->headers_ms, limits->first_ms, limits->between_ms };
	static const char *const names[] = { "connect", "headers", "first byte", "between pieces" };
	double span = spans[t->stage];
	double stage_end = span > 0 ? t->since + span : INFINITY;
	double total_end = limits->total_ms > 0 ? t->began + limits->total_ms : INFINITY;

	*which = stage_end <= total_end ? names[t->stage] : "total";
	return fmin(stage_end, total_end);
}

static void enter(struct transfer *t, enum stage stage)
{
	const char *which;
	t->stage = stage;
	t->since = clock_ms();
	t->client->check = fmin(t->client->check, deadline(t, &which));
}

static void ended(struct transfer *t, enum http_end end, const char *why)
{
	t->end = end;
	snprintf(t->why, sizeof t->why, "%s", why);
}

/* curl sends once more by itself when a kept connection turns out dead; that could pay twice. */
static int before_sending(void *context, char *to, char *from, int to_port, int from_port)
{
	struct transfer *t = context;
	(void)to, (void)from, (void)to_port, (void)from_port;
	if (t->stage != CONNECTING) {
		ended(t, HTTP_CUT, "the connection ended before the answer");
		return CURL_PREREQFUNC_ABORT;
	}
	enter(t, WAITING);
	return CURL_PREREQFUNC_OK;
}

static void add_header(struct transfer *t, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	if (!colon)
		return;
	const char *value = colon + 1, *end = line + n;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	t->headers = mem_resize(t->headers, t->n_headers + 1, sizeof *t->headers);
	t->headers[t->n_headers++] = (struct http_header){ arena_copy(&t->arena, line, (size_t)(colon - line)),
							   arena_copy(&t->arena, value, (size_t)(end - value)) };
}

static int status_of(struct transfer *t)
{
	long status = 0;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *t = context;
	size_t n = size * count, all = n;
	if (t->stage != WAITING)
		return all; /* trailers */
	while (n && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
		n--;
	if (n >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
		t->n_headers = 0; /* what a 100 Continue said before is none of the answer's */
	else if (n == 0 && status_of(t) >= 200)
		enter(t, HEADED);
	else
		add_header(t, bytes, n);
	return all;
}

static void tell_head(struct transfer *t, int status)
{
	const struct http_response r = { .status = status, .headers = t->headers, .n_headers = t->n_headers, .body = "" };
	if (t->request.head)
		t->request.head(t->request.context, &r);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *t = context;
	size_t n = size * count, most = t->request.most_bytes ? t->request.most_bytes : most_bytes_usual;
	bool first = t->stage != FLOWING;
	if (t->end != HTTP_ANSWERED)
		return 0;
	if (first)
		t->first = clock_ms();
	enter(t, FLOWING);
	if (n > most - t->n_seen) {
		ended(t, HTTP_TOO_LARGE, "the answer is larger than allowed");
		return 0;
	}
	t->n_seen += n;
	int status = status_of(t);
	if (!t->request.piece || status < 200 || status > 299) {
		buf_add(&t->body, bytes, n);
		return n;
	}
	if (first)
		tell_head(t, status);
	if (t->request.piece(t->request.context, bytes, n))
		return n;
	ended(t, HTTP_STOPPED, "stopped");
	return 0;
}

struct client *client_open(struct error *err)
{
	struct client *h = mem_zero(1, sizeof *h);
	h->check = INFINITY;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(h->multi = curl_multi_init())) {
		free(h);
		error_set(err, "libcurl cannot be started");
		return NULL;
	}
	return h;
}

static void set_limits_and_trust(struct transfer *t)
{
	double connect = t->request.timeouts.connect_ms;
	long ms = connect > 0 && connect < INT_MAX ? (long)ceil(connect) : INT_MAX;
	const char *trust = getenv("CURL_CA_BUNDLE");
	if (!trust || !*trust)
		trust = getenv("SSL_CERT_FILE");
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, ms);
	if (trust && *trust)
		curl_easy_setopt(t->easy, CURLOPT_CAINFO, trust);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->curl_error);
}

static void set_callbacks(struct transfer *t)
{
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, before_sending);
	curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
}

static void set_request(struct transfer *t, const struct http_request *r)
{
	t->fields = curl_slist_append(NULL, "Expect:");
	for (size_t i = 0; i < r->n_headers; i++)
		t->fields = curl_slist_append(t->fields, r->headers[i]);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->fields);
	curl_easy_setopt(t->easy, CURLOPT_URL, r->url);
	if (r->body) {
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->n_body);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, r->body);
	}
	if (r->body || strcmp(r->method, "GET") != 0)
		curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

/* The host of an http or https URL, for sentences; NULL: it is none. */
static char *host_of(const char *url)
{
	CURLU *parts = curl_url();
	char *host = NULL, *scheme = NULL, *copy = NULL;
	if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0))
		copy = mem_string(host);
	curl_free(host);
	curl_free(scheme);
	curl_url_cleanup(parts);
	return copy;
}

static void link_in(struct client *h, struct transfer *t)
{
	h->live = mem_resize(h->live, h->n_live + 1, sizeof(struct transfer *));
	t->place = h->n_live;
	h->live[h->n_live++] = t;
}

static struct transfer *take_out(struct client *h, size_t place)
{
	struct transfer *t = h->live[place], *last = h->live[--h->n_live];
	h->live[place] = last;
	last->place = place;
	h->live[h->n_live] = NULL;
	return t;
}

bool client_send(struct client *h, const struct http_request *request, struct error *err)
{
	if (h->inside)
		return error_set(err, "a request cannot be sent while a piece of another is taken");
	for (size_t i = 0; i < request->n_headers; i++)
		if (strpbrk(request->headers[i], "\r\n")) /* never quoted: it may be a key */
			return error_set(err, "header %zu of a request has a line break in it", i + 1);
	char *host = host_of(request->url);
	if (!host) /* what stands behind "?" or before "@" may be a secret */
		return error_set(err, "\"%.*s\" is no http or https URL",
				 strchr(request->url, '@') ? 0 : (int)strcspn(request->url, "?#"), request->url);
	struct transfer *t = mem_zero(1, sizeof *t);
	t->client = h;
	t->request = *request;
	t->host = host;
	t->easy = h->n_idle ? h->idle[--h->n_idle] : curl_easy_init();
	arena_init(&t->arena);
	set_limits_and_trust(t);
	set_callbacks(t);
	set_request(t, request);
	link_in(h, t);
	t->began = clock_ms();
	enter(t, CONNECTING);
	curl_multi_add_handle(h->multi, t->easy);
	return true;
}

static void transfer_free(struct transfer *t)
{
	struct client *h = t->client;
	curl_easy_reset(t->easy);
	h->idle = mem_resize(h->idle, h->n_idle + 1, sizeof *h->idle);
	h->idle[h->n_idle++] = t->easy;
	curl_slist_free_all(t->fields);
	free(t->headers);
	arena_release(&t->arena);
	buf_release(&t->body);
	free(t->host);
	free(t);
}

static void finish(struct client *h, size_t place)
{
	struct transfer *t = take_out(h, place);
	struct http_response r = {
		.end = t->end, .status = t->stage >= HEADED ? status_of(t) : 0, .headers = t->headers, .n_headers = t->n_headers,
		.body = buf_text(&t->body), .n_body = t->body.n, .why = t->end == HTTP_ANSWERED ? NULL : t->why,
		.ms = clock_ms() - t->began, .first_ms = t->first > 0 ? t->first - t->began : 0,
	};
	curl_multi_remove_handle(h->multi, t->easy);
	if (t->request.done)
		t->request.done(t->request.context, &r);
	transfer_free(t);
}

/* curl's own words only of the time before anything was sent: later ones might quote what was. */
static void judge(struct transfer *t, CURLcode code)
{
	if (code == CURLE_OK || t->end != HTTP_ANSWERED)
		return;
	t->end = t->stage != CONNECTING ? HTTP_CUT : code == CURLE_OPERATION_TIMEDOUT ? HTTP_TIMEOUT : HTTP_UNREACHED;
	if (t->end == HTTP_TIMEOUT)
		snprintf(t->why, sizeof t->why, "the limit connect (%g ms) passed", t->request.timeouts.connect_ms);
	else if (t->end == HTTP_CUT)
		snprintf(t->why, sizeof t->why, "the connection to %.200s broke: %s", t->host, curl_easy_strerror(code));
	else
		snprintf(t->why, sizeof t->why, "no connection to %.200s: %s", t->host,
			 *t->curl_error ? t->curl_error : curl_easy_strerror(code));
}

static size_t finish_done(struct client *h)
{
	size_t n = 0;
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left)) != NULL; n++) {
		char *mine = NULL;
		CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &mine);
		struct transfer *t = (struct transfer *)(void *)mine;
		judge(t, code);
		finish(h, t->place);
	}
	return n;
}

/* From the beginning again after each: a `done` may send or stop, and change the list. */
static size_t finish_marked(struct client *h)
{
	size_t n = 0;
	for (size_t i = 0; i < h->n_live;) {
		bool marked = h->live[i]->end != HTTP_ANSWERED;
		if (marked) {
			finish(h, i);
			n++;
		}
		i = marked ? 0 : i + 1;
	}
	return n;
}

static size_t finish_late(struct client *h)
{
	double now = clock_ms();
	if (now < h->check)
		return 0;
	h->check = INFINITY;
	for (size_t i = 0; i < h->n_live; i++) {
		struct transfer *t = h->live[i];
		const char *which;
		double end = deadline(t, &which);
		if (end > now || t->end != HTTP_ANSWERED) {
			h->check = fmin(h->check, end);
			continue;
		}
		t->end = HTTP_TIMEOUT;
		snprintf(t->why, sizeof t->why, "the limit %s passed", which);
	}
	return finish_marked(h);
}

/* How many have ended. */
static size_t move(struct client *h)
{
	int running;

	h->inside = true;
	curl_multi_perform(h->multi, &running);
	h->inside = false;
	size_t n = finish_done(h) + finish_late(h);
	if (h->stop) {
		h->stop = false;
		client_stop(h);
		n++;
	}
	return n;
}

static int whole_ms(double wait)
{
	return (int)ceil(fmax(0, fmin(wait, 1000)));
}

void client_run(struct client *h, double most_ms)
{
	double until = clock_ms() + most_ms;

	while (h->n_live && move(h) == 0 && clock_ms() < until)
		curl_multi_poll(h->multi, NULL, 0, whole_ms(fmin(until, h->check) - clock_ms()), NULL);
}

void client_move(struct client *h)
{
	if (h->n_live)
		move(h);
}

void client_wait(struct client *h, int also, double most_ms)
{
	struct curl_waitfd fd = { .fd = also, .events = CURL_WAIT_POLLIN };

	curl_multi_poll(h->multi, &fd, 1, whole_ms(fmin(most_ms, h->check - clock_ms())), NULL);
}

void client_wake(struct client *h)
{
	curl_multi_wakeup(h->multi);
}

void client_stop(struct client *h)
{
	if (h->inside) { /* a `piece` asks: curl must have returned first */
		h->stop = true;
		return;
	}
	for (size_t i = 0; i < h->n_live; i++)
		ended(h->live[i], HTTP_STOPPED, "stopped");
	finish_marked(h);
}

void client_cancel(struct client *h, const void *context)
{
	for (size_t i = 0; i < h->n_live; i++)
		if (h->live[i]->request.context == context)
			ended(h->live[i], HTTP_STOPPED, "stopped");
	h->check = 0; /* inside, those that are marked are finished as if their time had passed, once curl has returned */
	if (!h->inside)
		finish_marked(h);
}

size_t client_in_flight(const struct client *h)
{
	return h->n_live;
}

void client_free(struct client *h)
{
	if (!h)
		return;
	while (h->n_live) {
		h->live[0]->request.done = NULL;
		finish(h, 0);
	}
	free(h->live);
	for (size_t i = 0; i < h->n_idle; i++)
		curl_easy_cleanup(h->idle[i]);
	free(h->idle);
	curl_multi_cleanup(h->multi);
	curl_global_cleanup();
	free(h);
}

const char *http_header(const struct http_response *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}
