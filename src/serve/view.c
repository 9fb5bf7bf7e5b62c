/* view.c - three routes over one memory of what was made last. */
#include "serve/view.h"

#include <string.h>

static void refresh(struct view *v)
{
	uint64_t now = v->source.version(v->source.context);

	if (v->made && now == v->version)
		return;
	buf_clear(&v->page);
	buf_clear(&v->policy);
	buf_clear(&v->json);
	v->version = now; /* read before the rows: what comes in between shows as another version */
	v->ready = v->source.write(v->source.context, now, &v->page, &v->policy, &v->json);
	v->made = true;
}

static void answer_page(struct view *v, struct view_reply *reply)
{
	refresh(v);
	reply->type = "text/html; charset=utf-8";
	reply->status = v->ready ? 200 : 503;
	reply->policy = buf_text(&v->policy);
	buf_add(&reply->body, buf_text(&v->page), v->page.n);
}

static void answer_json(struct view *v, struct view_reply *reply)
{
	refresh(v);
	reply->type = "application/json";
	reply->status = v->ready ? 200 : 503;
	buf_add(&reply->body, buf_text(&v->json), v->json.n);
}

static void answer_version(struct view *v, struct view_reply *reply)
{
	buf_addf(&reply->body, "%016llx", (unsigned long long)v->source.version(v->source.context));
}

static const struct { const char *path; void (*answer)(struct view *v, struct view_reply *reply); } routes[] = {
	{ "/", answer_page }, { "/report.json", answer_json }, { "/version", answer_version },
};

void view_reply(struct view *v, const char *path, struct view_reply *reply)
{
	*reply = (struct view_reply){ .status = 200, .type = "text/plain; charset=utf-8" };
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0) {
			routes[i].answer(v, reply);
			return;
		}
	reply->status = 404;
	buf_adds(&reply->body, "There is /, /report.json and /version.\n");
}

void view_answer(void *context, struct exchange *x)
{
	const char *method = exchange_method(x), *allowed = "GET, HEAD";
	struct view_reply r;

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
		allowed = NULL;
		view_reply(context, exchange_path(x), &r);
	} else {
		r = (struct view_reply){ .status = 405, .type = "text/plain; charset=utf-8" };
		buf_adds(&r.body, "Only GET and HEAD are answered here.\n");
	}
	const char *const headers[] = { "Content-Type", r.type, "Cache-Control", "no-store", "Cross-Origin-Resource-Policy", "same-origin",
					"Content-Security-Policy", r.policy ? r.policy : "default-src 'none'; frame-ancestors 'none'", "Allow", allowed,
					NULL };

	exchange_reply(x, r.status, headers, buf_text(&r.body), r.body.n);
	buf_release(&r.body);
}

void view_release(struct view *v)
{
	buf_release(&v->page);
	buf_release(&v->policy);
	buf_release(&v->json);
}
