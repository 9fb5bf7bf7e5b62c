/* gateway_auto.c - "rung/auto": a question goes through the router's thread first, then on as if it had asked for the task that comes of it. */
#include <stdlib.h>
#include <string.h>

#include "serve/gateway_inner.h"

/* A question that waits for its task. */
struct routing {
	struct gateway *gateway;
	struct exchange *exchange; /* NULL: the client went away */
	struct chat_request request;
	struct account *whose;
	struct question question;
};

static void went_away(void *context)
{
	struct routing *r = context;

	r->exchange = NULL;
}

static void forget(struct routing *r)
{
	arena_release(&r->question.arena);
	free(r);
}

bool gateway_is_auto(const struct gateway *g, const char *model)
{
	return g->router && (strcmp(model, "rung/auto") == 0 || strcmp(model, "auto") == 0);
}

void gateway_route(struct gateway *g, struct exchange *x, const struct chat_request *request, struct account *whose)
{
	static const struct chat_fault busy = { 503, "server_error", "overloaded", NULL, "too many questions wait for a task; try again in a moment" };
	struct routing *r = mem_zero(1, sizeof(*r));

	*r = (struct routing){ .gateway = g, .exchange = x, .request = *request, .whose = whose };
	arena_init(&r->question.arena);
	r->question.context = r;
	r->question.input = r->request.input = arena_string(&r->question.arena, request->input);
	r->request.model = arena_string(&r->question.arena, request->model);
	r->request.subject = request->subject ? arena_string(&r->question.arena, request->subject) : NULL;
	exchange_watch(x, went_away, r);
	if (worker_ask(g->router, &r->question))
		return;
	reply_fault(x, &busy);
	forget(r);
}

/* Of what is for none of the tasks: the default, where there is one. */
static void go_on(struct routing *r)
{
	const struct question *q = &r->question;
	const char *to = q->text ? q->text : r->gateway->settings->route_default;
	const struct chat_fault failed = { 503, "server_error", "task_failed", NULL, q->failed },
				none = { 404, "invalid_request_error", "no_task", "messages", q->why ? q->why : "there is no task for it here that this key may ask" };
	static const struct chat_fault gone = { 401, "invalid_request_error", "invalid_api_key", NULL, "this key has been taken away" };

	if (r->whose && !account_key(r->whose)) /* while it was on its way */
		reply_fault(r->exchange, &gone);
	else if (q->failed)
		reply_fault(r->exchange, &failed);
	else if (!to)
		reply_fault(r->exchange, &none);
	else if (!gateway_ask_task(r->gateway, r->exchange, to, &r->request, r->whose) &&
		 !gateway_passes(r->gateway, r->exchange, r->request.responses ? RELAY_RESPONSES : RELAY_CHAT, to, r->whose))
		reply_fault(r->exchange, &none);
}

void gateway_take_routed(struct question *q)
{
	for (struct question *next; q; q = next) {
		struct routing *r = q->context;

		next = q->next;
		if (r->exchange)
			go_on(r);
		forget(r);
	}
}
