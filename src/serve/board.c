/* board.c - requests for the page: whose they are, what they ask for, and what forms say; in the loop. */
#include "serve/board.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "report/css.h"
#include "serve/board_inner.h"
#include "serve/board_read.h"
#include "serve/feedback.h"
#include "serve/form.h"
#include "serve/sessions.h"
#include "serve/worker.h"

enum { MOST_WAITING = 16 }; /* pages that wait to be read; who comes then is told to come again */
static const char cookie_name[] = "rung_session";
static const char calls_path[] = "/calls/";

/* Nothing but what this server itself serves is loaded or run, whatever a text of somebody's may hold. */
static const char policy[] = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
			     "frame-ancestors 'none'";

struct board {
	struct gateway *gateway;
	struct worker *worker;    /* NULL: there is no log to be read */
	struct served *log;       /* the worker's */
	struct sessions sessions;
	char token[SECRET_TEXT];  /* of forms, where no key is asked for */
};

/* A page that is being read. */
struct errand_of_page {
	struct question question; /* the worker's hold on it; its arena has all texts */
	struct board *board;
	struct exchange *exchange; /* NULL: the client went away, */
	atomic_bool unwanted;      /* as the worker sees it */
	struct arm **graders;      /* (n_tasks) they owe an answer, and so stay, until it is back; NULL: not its to see */
	struct board_view view;
	struct buf page;
	int status;
};

/* ---- replies ---- */

static void reply_page(struct exchange *x, int status, const struct buf *page, const char *name, const char *value)
{
	const char *const headers[] = { "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "Content-Security-Policy", policy,
					"Cross-Origin-Resource-Policy", "same-origin", "Cross-Origin-Opener-Policy", "same-origin", name, value, NULL };

	exchange_reply(x, status, headers, buf_text(page), page->n);
}

static void reply_note(struct exchange *x, const struct board_view *v, int status, const char *title, const char *sentence)
{
	struct buf page = { 0 };

	board_write_note(&page, v, title, sentence);
	reply_page(x, status, &page, NULL, NULL);
	buf_release(&page);
}

/* To another page of ours; cookie NULL: none is set. */
static void go_to(struct exchange *x, const char *path, const char *cookie)
{
	const char *const headers[] = { "Location", path, "Cache-Control", "no-store", "Set-Cookie", cookie, NULL };

	exchange_reply(x, 303, headers, "", 0);
}

static void reply_file(struct exchange *x, const char *type, const char *const *parts)
{
	const char *const headers[] = { "Content-Type", type, "Cache-Control", "no-cache", "Cross-Origin-Resource-Policy", "same-origin", NULL };
	struct buf body = { 0 };

	for (; *parts; parts++)
		buf_adds(&body, *parts);
	exchange_reply(x, 200, headers, buf_text(&body), body.n);
	buf_release(&body);
}

/* ---- who looks ---- */

static const struct session *session_of(struct board *b, struct exchange *x)
{
	return session_find(&b->sessions, form_cookie(exchange_header(x, "Cookie"), cookie_name, exchange_arena(x)), clock_ms());
}

static bool may_look(const struct account *a)
{
	return (account_key(a)->scopes & (KEY_READ | KEY_ADMIN)) != 0;
}

/* What forms do is not done for a page of somebody else's: a browser says where they come from. */
static bool is_from_elsewhere(struct exchange *x)
{
	const char *site = exchange_header(x, "Sec-Fetch-Site");

	return site && strcmp(site, "same-origin") != 0;
}

static bool has_token(struct exchange *x, const char *token)
{
	size_t n;
	const char *body = exchange_body(x, &n), *sent = form_field(body, n, "token", exchange_arena(x));

	return sent && form_same(sent, token) && !is_from_elsewhere(x);
}

/* Of an account, NULL: no key is asked for. Names are those of the key, valid until the file is read again. */
static struct board_viewer viewer_of(const struct board *b, const struct session *s)
{
	const struct key *k = s ? account_key(s->account) : NULL;

	if (!k)
		return (struct board_viewer){ .may_say = true, .token = b->token };
	return (struct board_viewer){ .name = k->name, .tenant = k->scopes & KEY_ADMIN ? NULL : k->tenant, .may_say = (k->scopes & KEY_FEEDBACK) != 0,
				      .token = s->token };
}

/* False: it was sent to log in. *whose NULL: no key is asked for. */
static bool lets_in(struct board *b, struct exchange *x, const struct session **whose)
{
	struct board_view v = { 0 };

	*whose = b->gateway->accounts ? session_of(b, x) : NULL;
	if (!b->gateway->accounts || (*whose && may_look((*whose)->account)))
		return true;
	if (*whose)
		reply_note(x, &v, 403, "Not for this key", "This key may not look at calls any more: it needs the scope read, or admin.");
	else
		go_to(x, "/login", NULL);
	return false;
}

/* ---- logging in ---- */

/* Whether the client speaks TLS, to us or to a proxy in front of us. */
static bool is_secure(const struct board *b, struct exchange *x)
{
	const char *proto = exchange_header(x, "X-Forwarded-Proto");

	return b->gateway->tls || (proto && strcmp(proto, "https") == 0);
}

static const char *cookie_of(const struct board *b, struct exchange *x, const char *id, int seconds)
{
	return arena_printf(exchange_arena(x), "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", cookie_name, id, seconds,
			    is_secure(b, x) ? "; Secure" : "");
}

static void show_login(struct board *b, struct exchange *x, int status, const char *wrong)
{
	struct buf page = { 0 };

	if (!b->gateway->accounts) {
		go_to(x, "/", NULL);
		return;
	}
	board_write_login(&page, wrong);
	reply_page(x, status, &page, NULL, NULL);
	buf_release(&page);
}

static void login_form(struct board *b, struct exchange *x)
{
	show_login(b, x, 200, NULL);
}

/* The key as somebody pasted it. */
static const char *key_sent(struct exchange *x)
{
	size_t n;
	const char *body = exchange_body(x, &n), *key = form_field(body, n, "key", exchange_arena(x));

	if (!key)
		return "";
	key += strspn(key, " \t\r\n");
	return arena_copy(exchange_arena(x), key, strcspn(key, " \t\r\n"));
}

static void login(struct board *b, struct exchange *x)
{
	struct account *a = b->gateway->accounts && !is_from_elsewhere(x) ? accounts_keyed(b->gateway->accounts, key_sent(x)) : NULL;

	if (a && may_look(a)) {
		const struct session *s = session_begin(&b->sessions, a, clock_ms());

		go_to(x, "/", cookie_of(b, x, s->id, (int)((s->until_ms - clock_ms()) / 1000)));
		return;
	}
	metrics_refused(b->gateway->metrics, a ? "scope" : "invalid_api_key");
	show_login(b, x, a ? 403 : 401,
		   a ? "This key may ask, but not look at calls: it needs the scope read, or admin." : "That is no key of this server.");
}

static void logout(struct board *b, struct exchange *x)
{
	const struct session *s = session_of(b, x);

	if (s && has_token(x, s->token))
		session_end(&b->sessions, s->id);
	go_to(x, "/login", s ? NULL : cookie_of(b, x, "", 0));
}

/* ---- a page that is read ---- */

static void went_away(void *context)
{
	struct errand_of_page *e = context;

	e->exchange = NULL;
	e->unwanted = true;
}

static void free_errand(struct errand_of_page *e)
{
	for (size_t i = 0; i < e->board->gateway->settings->n_tasks; i++)
		if (e->graders[i])
			e->graders[i]->asked--;
	arena_release(&e->question.arena);
	buf_release(&e->page);
	free(e);
}

/* In the worker's thread, as all below up to the next heading. */
static void read_page(struct board *b, struct errand_of_page *e)
{
	const struct gateway_settings *s = b->gateway->settings;
	struct error err = { 0 };

	e->status = 500;
	if (b->log || (b->log = served_open(s->journal, false, &err)))
		e->status = board_read(b->log, &e->view, &e->question.arena, &e->page, &err);
	if (e->status < 500)
		return;
	if (!err.again && s->notice)
		s->notice(s->context, err.text);
	buf_clear(&e->page);
	board_write_note(&e->page, &e->view, "Not now", err.again ? "This took longer than a page may take. Choose a task, or a shorter time; or try again "
								     "in a moment." : "What was served cannot be read now; the server's notices say why.");
}

static void read_pages(void *context, struct question *const *questions, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct errand_of_page *e = questions[i]->context;

		if (!e->unwanted)
			read_page(context, e);
	}
}

/* ---- what is asked for ---- */

static const char *param(struct exchange *x, const char *name, struct arena *arena)
{
	const char *value = exchange_query(x, name);

	return value && *value ? arena_string(arena, value) : NULL;
}

static const char *call_of(struct exchange *x, struct arena *arena)
{
	const char *path = exchange_path(x), *id = strncmp(path, calls_path, sizeof(calls_path) - 1) == 0 ? path + sizeof(calls_path) - 1 : NULL;

	return id ? arena_string(arena, feedback_call(id)) : NULL;
}

static struct board_query query_of(struct exchange *x, enum board_place place, struct arena *arena)
{
	const char *span = param(x, "span", arena), *start = param(x, "start", arena), *end = param(x, "end", arena);
	struct board_query q = { .place = place, .span = &board_spans[1], .task = param(x, "task", arena), .variant = param(x, "variant", arena),
				 .verdict = param(x, "verdict", arena),
				 .feedback = param(x, "feedback", arena), .before = param(x, "before", arena), .document = param(x, "name", arena),
				 .call = call_of(x, arena), .noted = param(x, "noted", arena) != NULL };

	for (size_t i = 0; span && i < n_board_spans; i++)
		if (strcmp(board_spans[i].name, span) == 0)
			q.span = &board_spans[i];
	q.start = start ? strtoull(start, NULL, 10) : 0;
	q.end = end ? strtoull(end, NULL, 10) : 0;
	return q;
}

static const char *stored(const char *documents)
{
	return documents && file_exists(documents) ? documents : NULL;
}

/* Of all tenants, so that it is for who sees them all. */
static const struct live *weighed(struct errand_of_page *e, size_t task)
{
	struct live *live = arena_alloc(&e->question.arena, sizeof(*live));

	return !e->view.viewer.tenant && governor_weighed(e->board->gateway->governor, task, live) ? live : NULL;
}

/* Tasks, models of this machine, upstreams: those that the key may ask. */
static void list_models(struct errand_of_page *e, const struct account *whose)
{
	struct gateway *g = e->board->gateway;
	const struct gateway_settings *s = g->settings;
	struct arena *arena = &e->question.arena;
	struct board_model *models = arena_array(arena, s->n_tasks + s->n_models + s->n_upstreams + 1, sizeof(*models));
	size_t n = 0;

	for (size_t i = 0; i < s->n_tasks; i++) {
		if (!gateway_may_ask(whose, arena_printf(arena, "rung/%s", s->tasks[i].name)))
			continue;
		e->graders[i] = g->seats[i].serving;
		e->graders[i]->asked++;
		models[n++] = (struct board_model){ s->tasks[i].name, stored(s->tasks[i].documents), &e->graders[i]->verdict, weighed(e, i) };
	}
	for (size_t i = 0; i < s->n_models; i++)
		if (gateway_may_ask(whose, s->models[i].name))
			models[n++].name = s->models[i].name;
	for (size_t i = 0; i < s->n_upstreams; i++)
		if (gateway_may_ask(whose, s->upstreams[i].name))
			models[n++].name = s->upstreams[i].name;
	e->view.models = models;
	e->view.n_models = n;
}

/* The viewer's names outlive the session and the key's file. */
static struct board_viewer kept(struct board_viewer v, struct arena *arena)
{
	v.name = v.name ? arena_string(arena, v.name) : NULL;
	v.tenant = v.tenant ? arena_string(arena, v.tenant) : NULL;
	v.token = arena_string(arena, v.token);
	return v;
}

static void show(struct board *b, struct exchange *x, enum board_place place)
{
	struct gateway *g = b->gateway;
	const struct session *s;
	struct errand_of_page *e;

	if (!lets_in(b, x, &s))
		return;
	e = mem_zero(1, sizeof(*e));
	e->board = b;
	e->exchange = x;
	e->question.context = e;
	arena_init(&e->question.arena);
	e->graders = arena_array(&e->question.arena, g->settings->n_tasks + 1, sizeof(struct arm *));
	e->view = (struct board_view){ .viewer = kept(viewer_of(b, s), &e->question.arena), .query = query_of(x, place, &e->question.arena),
				       .now_ms = uuid_now_ms(), .in_flight = server_exchanges(g->server) };
	list_models(e, s ? s->account : NULL);
	if (!b->worker) {
		reply_note(x, &e->view, 404, "Nothing is kept", "This server keeps no calls (--no-log), so that there is nothing to look at.");
	} else {
		e->view.log = journal_counts(g->journal);
		if (worker_waiting(b->worker) < MOST_WAITING && worker_ask(b->worker, &e->question)) {
			exchange_watch(x, went_away, e);
			return;
		}
		reply_note(x, &e->view, 503, "Busy", "Too many pages are being read; try again in a moment.");
	}
	free_errand(e);
}

static void overview(struct board *b, struct exchange *x)
{
	show(b, x, BOARD_OVERVIEW);
}

static void history(struct board *b, struct exchange *x)
{
	show(b, x, BOARD_HISTORY);
}

static void list(struct board *b, struct exchange *x)
{
	show(b, x, BOARD_LIST);
}

static void call(struct board *b, struct exchange *x)
{
	show(b, x, BOARD_CALL);
}

static void document(struct board *b, struct exchange *x)
{
	show(b, x, BOARD_DOCUMENT);
}

static void hand_out(struct question *q)
{
	for (struct question *next; q; q = next) {
		struct errand_of_page *e = q->context;

		next = q->next;
		if (e->exchange)
			reply_page(e->exchange, e->status, &e->page, NULL, NULL);
		free_errand(e);
	}
}

/* ---- what a form says ---- */

/* Lines of a form end with CR LF (the HTML standard), those of texts with LF. */
static const char *unfolded(const char *text, struct arena *arena)
{
	char *out, *to;

	if (!text)
		return NULL;
	out = to = arena_string(arena, text);
	for (const char *from = text; *from; from++)
		if (!(from[0] == '\r' && from[1] == '\n'))
			*to++ = *from;
	*to = '\0';
	return out;
}

/* As a body of POST /v1/feedback has it, under a name of the page's own: what the client said stays beside it. NULL: nothing is in it. */
static json_t *said_by(struct exchange *x, const char *id)
{
	struct arena *arena = exchange_arena(x);
	size_t n;
	const char *body = exchange_body(x, &n), *verdict = form_field(body, n, "verdict", arena), *score = form_field(body, n, "score", arena);
	const char *comment = unfolded(form_field(body, n, "comment", arena), arena);
	const char *demonstration = unfolded(form_field(body, n, "demonstration", arena), arena);
	char *end = NULL;
	double value = score && *score ? strtod(score, &end) : 0;

	if (verdict && (strcmp(verdict, "right") == 0 || strcmp(verdict, "wrong") == 0))
		return json_pack("{s:s, s:s, s:b}", "id", id, "name", "page", "value", strcmp(verdict, "right") == 0);
	if (end && *end == '\0' && value >= 0 && value <= 100)
		return json_pack("{s:s, s:s, s:f}", "id", id, "name", "page", "value", value / 100);
	if (comment && *comment)
		return json_pack("{s:s, s:s, s:s}", "id", id, "name", "page-comment", "comment", comment);
	if (demonstration && *demonstration)
		return json_pack("{s:s, s:s, s:s}", "id", id, "name", "page-demonstration", "demonstration", demonstration);
	return NULL;
}

static bool write_down(struct board *b, struct exchange *x, const struct session *s, const char *id, struct chat_fault *fault)
{
	static const struct chat_fault nothing = { 400, NULL, NULL, NULL, "Nothing was said: right or wrong, a score from 0 to 100, a comment, or the "
									  "right output." };
	json_t *said = said_by(x, id);
	char *text = said ? json_dumps(said, JSON_COMPACT) : NULL;
	bool good = false;

	*fault = nothing;
	if (text)
		good = gateway_say(b->gateway, s ? s->account : NULL, text, strlen(text), exchange_arena(x), fault);
	free(text);
	json_decref(said);
	return good;
}

static void say(struct board *b, struct exchange *x)
{
	const char *id = call_of(x, exchange_arena(x));
	struct board_view v = { 0 };
	struct chat_fault fault;
	const struct session *s;

	if (!lets_in(b, x, &s))
		return;
	v.viewer = viewer_of(b, s);
	if (!has_token(x, v.viewer.token))
		reply_note(x, &v, 403, "Not taken", "This form is not of this session: reload the page of the call, and say it again.");
	else if (!v.viewer.may_say)
		reply_note(x, &v, 403, "Not for this key", "This key may look at calls, and say nothing of them: it needs the scope feedback.");
	else if (!write_down(b, x, s, id, &fault))
		reply_note(x, &v, fault.status, "Not taken", fault.message);
	else
		go_to(x, arena_printf(exchange_arena(x), "/calls/%s?noted=1#said", id), NULL);
}

/* ---- routes ---- */

static void style(struct board *b, struct exchange *x)
{
	const char *const parts[] = { report_css, board_css, NULL };

	(void)b;
	reply_file(x, "text/css; charset=utf-8", parts);
}

static void script(struct board *b, struct exchange *x)
{
	const char *const parts[] = { board_script, NULL };

	(void)b;
	reply_file(x, "text/javascript; charset=utf-8", parts);
}

/* How the server stands, for who sees all. */
static void live(struct board *b, struct exchange *x)
{
	const struct session *s = b->gateway->accounts ? session_of(b, x) : NULL;
	struct journal_counts c = { 0 };
	struct buf body = { 0 };

	if (b->gateway->accounts && (!s || !(account_key(s->account)->scopes & KEY_ADMIN))) {
		reply_text(x, 403, "log in with a key of the scope admin\n");
		return;
	}
	if (b->gateway->journal)
		c = journal_counts(b->gateway->journal);
	buf_addf(&body, "{\"in_flight\":%zu,\"written\":%zu,\"waiting\":%zu,\"dropped\":%zu}", server_exchanges(b->gateway->server) - 1, c.written,
		 c.waiting, c.dropped);
	reply_json(x, 200, &body);
}

static const struct {
	const char *path;
	bool below; /* whatever is below it */
	void (*get)(struct board *b, struct exchange *x);
	void (*post)(struct board *b, struct exchange *x);
} routes[] = {
	{ "/", false, overview, NULL },       { "/history", false, history, NULL },     { "/calls", false, list, NULL },
	{ calls_path, true, call, say },      { "/documents", false, document, NULL },  { "/login", false, login_form, login },
	{ "/logout", false, NULL, logout },   { "/style.css", false, style, NULL },     { "/script.js", false, script, NULL },
	{ "/live.json", false, live, NULL },
};

static void refuse_method(struct exchange *x, const char *allowed)
{
	const char *const headers[] = { "Content-Type", "text/plain; charset=utf-8", "Allow", allowed, NULL };
	static const char sentence[] = "this page is not asked for in that way\n";

	exchange_reply(x, 405, headers, sentence, sizeof(sentence) - 1);
}

bool board_takes(struct board *b, struct exchange *x)
{
	const char *path = exchange_path(x), *method = exchange_method(x);
	bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0, writes = strcmp(method, "POST") == 0;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (routes[i].below ? strncmp(path, routes[i].path, strlen(routes[i].path)) != 0 : strcmp(path, routes[i].path) != 0)
			continue;
		if (reads && routes[i].get)
			routes[i].get(b, x);
		else if (writes && routes[i].post)
			routes[i].post(b, x);
		else
			refuse_method(x, routes[i].get && routes[i].post ? "GET, HEAD, POST" : routes[i].get ? "GET, HEAD" : "POST");
		return true;
	}
	return false;
}

static void wake(void *context)
{
	const struct board *b = context;

	client_wake(b->gateway->client);
}

struct board *board_open(struct gateway *g, struct error *err)
{
	struct board *b = mem_zero(1, sizeof(*b));

	b->gateway = g;
	secret_make(b->token);
	if (!g->journal || (b->worker = worker_start(read_pages, b, wake, b)))
		return b;
	free(b);
	error_set(err, "no thread can be started for the page; let this process have more of them");
	return NULL;
}

void board_turn(struct board *b)
{
	if (b->worker)
		hand_out(worker_taken(b->worker));
}

void board_close(struct board *b)
{
	if (!b)
		return;
	hand_out(worker_stop(b->worker));
	served_close(b->log);
	free(b);
}
