/* gateway_feedback.c - what people say of an answer that went out */
#include "serve/feedback.h"
#include "serve/gateway_inner.h"

bool gateway_say(struct gateway *g, const struct account *whose, const char *said, size_t n, struct arena *arena, struct chat_fault *fault)
{
	static const struct chat_fault none_kept = { 404, "invalid_request_error", "no_journal", NULL,
						     "this server keeps no calls, so that none can be spoken of" };
	static const struct chat_fault unknown = { 404, "invalid_request_error", "not_found", "id", "there is no reply of that id here" };
	static const struct chat_fault full = { 503, "server_error", "overloaded", NULL, "it cannot be written down now; send it again in a moment" };
	struct served_feedback f = { 0 };
	const struct key *key = whose ? account_key(whose) : NULL;
	const char *tenant = key && !(key->scopes & KEY_ADMIN) ? key->tenant : NULL;

	f.at_ms = uuid_now_ms();
	if (!feedback_read(said, n, arena, &f, fault))
		return false;
	if (!g->journal || !journal_knows(g->journal, f.call, tenant))
		*fault = g->journal ? unknown : none_kept;
	else if (!journal_feedback(g->journal, &f))
		*fault = full;
	else
		return true;
	return false;
}

void gateway_feedback(struct gateway *g, struct exchange *x, struct account *whose)
{
	struct chat_fault fault;
	struct buf body = { 0 };
	size_t n;
	const char *said = exchange_body(x, &n);

	if (!gateway_say(g, whose, said, n, exchange_arena(x), &fault)) {
		reply_fault(x, &fault);
	} else {
		buf_adds(&body, "{\"object\":\"feedback\",\"accepted\":true}");
		reply_json(x, 202, &body);
	}
}
