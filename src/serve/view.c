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

static void answer_page(struct view *v, struct http_reply *reply)
{
	refresh(v);
	reply->type = "text/html; charset=utf-8";
	reply->status = v->ready ? 200 : 503;
	reply->policy = buf_text(&v->policy);
	buf_add(&reply->body, buf_text(&v->page), v->page.n);
}

static void answer_json(struct view *v, struct http_reply *reply)
{
	refresh(v);
	reply->type = "application/json";
	reply->status = v->ready ? 200 : 503;
	buf_add(&reply->body, buf_text(&v->json), v->json.n);
}

static void answer_version(struct view *v, struct http_reply *reply)
{
	buf_addf(&reply->body, "%016llx", (unsigned long long)v->source.version(v->source.context));
}

static const struct { const char *path; void (*answer)(struct view *v, struct http_reply *reply); } routes[] = {
	{ "/", answer_page }, { "/report.json", answer_json }, { "/version", answer_version },
};

void view_answer(void *context, const char *path, struct http_reply *reply)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0) {
			routes[i].answer(context, reply);
			return;
		}
	reply->status = 404;
	buf_adds(&reply->body, "There is /, /report.json and /version.\n");
}

void view_release(struct view *v)
{
	buf_release(&v->page);
	buf_release(&v->policy);
	buf_release(&v->json);
}
