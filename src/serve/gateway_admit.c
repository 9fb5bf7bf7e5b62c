/* gateway_admit.c - who is let in, what is reserved for a request, and what is done with what came of it */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/gateway_inner.h"

static const double day_ms = 86400e3, look_ms = 1000;
static const unsigned long long small_bytes = 64 << 10; /* of a body that is read from whoever sends it */

static void refuse(struct gateway *g, struct exchange *x, const struct account *whose, const struct chat_fault *fault, reply_headers headers)
{
	struct buf body = { 0 };

	metrics_refused(g->metrics, fault->code);
	gateway_tell_refusal(g, whose, fault->status, fault->code);
	chat_write_fault(fault, &body);
	exchange_reply(x, fault->status, headers, buf_text(&body), body.n);
	buf_release(&body);
}

static const char *const asks[] = { "Content-Type", "application/json", "WWW-Authenticate", "Bearer", NULL };

/* Whose key it has; NULL: nobody's, and it is refused. */
static struct account *asker(struct gateway *g, struct exchange *x)
{
	static const struct chat_fault nobody = { 401, "invalid_request_error", "invalid_api_key", NULL,
						  "this server asks for a key of its own: Authorization: Bearer rung-..." };
	struct account *whose = accounts_find(g->accounts, exchange_header(x, "Authorization"));

	if (!whose)
		refuse(g, x, NULL, &nobody, asks);
	return whose;
}

/* A small body is read first, so that no connection breaks under a client that is still writing it. */
void gateway_head(void *context, struct exchange *x)
{
	struct gateway *g = context;
	const char *length = exchange_header(x, "Content-Length");
	bool small = !exchange_header(x, "Transfer-Encoding") && (!length || strtoull(length, NULL, 10) <= small_bytes);

	if (g->accounts && !small)
		asker(g, x);
}

bool gateway_lets_in(struct gateway *g, struct exchange *x, unsigned scope, struct account **whose)
{
	*whose = NULL;
	if (!g->accounts || scope == 0)
		return true;
	*whose = asker(g, x);
	if (!*whose)
		return false;
	if (account_key(*whose)->scopes & scope)
		return true;
	const struct chat_fault fault = { 403, "invalid_request_error", "scope", NULL,
					  arena_printf(exchange_arena(x), "this key may not do that; it needs the scope \"%s\"", key_scope_name(scope)) };

	refuse(g, x, *whose, &fault, asks);
	return false;
}

bool gateway_may_ask(const struct account *whose, const char *model)
{
	return !whose || key_may_ask(account_key(whose), model);
}

/* Retry-After is in whole seconds (RFC 9110); OpenAI's clients read the finer one first. */
static void refuse_for_now(struct gateway *g, struct exchange *x, const struct account *whose, const struct refusal *why)
{
	const char *seconds = NULL, *ms = NULL;

	if (isfinite(why->wait_ms)) {
		seconds = arena_printf(exchange_arena(x), "%.0f", ceil(why->wait_ms / 1000));
		ms = arena_printf(exchange_arena(x), "%.0f", ceil(why->wait_ms));
	}
	const char *const headers[] = { "Content-Type", "application/json", "Retry-After", seconds, "Retry-After-Ms", ms, NULL };

	refuse(g, x, whose, &why->fault, headers);
}

bool gateway_admit(struct gateway *g, struct exchange *x, struct account *whose, double tokens, double usd, struct errand *out)
{
	struct refusal why;

	*out = (struct errand){ .began_ms = exchange_began_ms(x), .reserved_usd = usd };
	gateway_begin_trace(g, x, out);
	if (!whose)
		return true;
	snprintf(out->tenant, sizeof(out->tenant), "%s", account_key(whose)->tenant);
	snprintf(out->key, sizeof(out->key), "%s", account_key(whose)->name);
	if (account_claim(whose, tokens, usd, clock_ms(), exchange_arena(x), &out->claim, &why))
		return true;
	refuse_for_now(g, x, whose, &why);
	return false;
}

bool gateway_keep(struct gateway *g, const struct served_call *call, struct errand *e, double elsewhere_ms)
{
	const struct metrics_call counted = { call->task, call->http, call->cached, call->input_tokens, call->output_tokens, call->usd, call->ms,
					      call->first_ms, elsewhere_ms };
	struct served_call row = *call;

	double tokens = e->as_reserved ? e->claim.tokens : (double)(call->input_tokens + call->output_tokens);

	claim_settle(&e->claim, tokens, call->usd, clock_ms());
	metrics_call(g->metrics, &counted);
	row.tenant = e->tenant;
	row.key = e->key;
	gateway_tell(g, &row, e);
	if (!g->settings->keep_texts)
		row.input = row.output = row.citations = NULL;
	return g->journal && journal_call(g->journal, &row);
}

/* ---- keys ---- */

struct paid {
	struct gateway *gateway;
	double now_ms;
	uint64_t now_unix_ms;
};

static void take_paid(void *context, const char *key, double usd, uint64_t began_ms)
{
	const struct paid *p = context;
	struct account *a = accounts_named(p->gateway->accounts, key);

	if (a) /* one that is to come was paid before the machine's clock was set back: it is as if it were now */
		account_paid(a, usd, began_ms < p->now_unix_ms ? (double)(p->now_unix_ms - began_ms) : 0, p->now_ms);
}

bool gateway_open_keys(struct gateway *g, struct error *err)
{
	struct paid p = { g, clock_ms(), uuid_now_ms() };

	if (!g->settings->keys)
		return true;
	g->accounts = accounts_open(g->settings->keys, err);
	return g->accounts && (!g->journal || journal_paid(g->journal, p.now_unix_ms - (uint64_t)day_ms, take_paid, &p, err));
}

void gateway_look_at_keys(struct gateway *g)
{
	struct error err;
	double now = clock_ms();

	if (!g->accounts || now < g->look_at)
		return;
	g->look_at = now + look_ms;
	bool good = accounts_refresh(g->accounts, &err);

	if (!good && g->settings->notice && strcmp(err.text, g->said) != 0)
		g->settings->notice(g->settings->context, err.text);
	snprintf(g->said, sizeof(g->said), "%s", good ? "" : err.text);
}
