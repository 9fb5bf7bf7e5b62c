/* job.c - fine-tuning jobs over HTTP: requests out of orders, states out of responses. */
#include "model/job.h"

#include <string.h>

#include "model/remote_inner.h"
#include "model/wire_job.h"

#define JOBS "/fine_tuning/jobs"

bool model_trains(struct model *m, struct error *err)
{
	const struct remote_model *remote = remote_of(m);

	if (!remote)
		return error_set(err, "model \"%s\": is trained on this machine, by `rung tune TASK`; jobs are for openai:NAME and URL#NAME",
				 model_name(m));
	if (remote->endpoint.wire != &wire_openai)
		return error_set(err, "model \"%s\": there are fine-tuning jobs in OpenAI's form alone (openai:NAME, URL#NAME)", model_name(m));
	return true;
}

bool model_is_vendors(struct model *m)
{
	const struct remote_model *remote = remote_of(m);

	return remote && endpoint_is_vendors(&remote->endpoint);
}

bool model_job_upload(struct model *m, const struct buf *lines, struct buf *file, struct error *err)
{
	return remote_upload(remote_of(m), "/files", "fine-tune", lines, file, err);
}

static bool no_job(const struct remote_model *r, const char *path, struct error *err)
{
	return error_set(err, "model \"%s\": what %s%s said is nothing of a fine-tuning job; this server may have none", r->name,
			 r->endpoint.base, path);
}

static bool ask(struct model *m, const char *method, const char *path, const struct buf *body, struct arena *arena, struct job_state *out,
		struct error *err)
{
	struct remote_model *r = remote_of(m);
	struct buf said = { 0 };
	bool good = remote_fetch(r, method, path, body ? "application/json" : NULL, body, &said, err) &&
		    (wire_job_state(buf_text(&said), said.n, arena, out) || no_job(r, path, err));

	buf_release(&said);
	return good;
}

bool model_job_make(struct model *m, const struct job_order *order, struct arena *arena, struct job_state *out, struct error *err)
{
	struct buf body = { 0 };

	wire_job_make(remote_of(m)->endpoint.model, order, &body);
	bool made = ask(m, "POST", JOBS, &body, arena, out, err);

	buf_release(&body);
	return made;
}

bool model_job_look(struct model *m, const char *id, struct arena *arena, struct job_state *out, struct error *err)
{
	return ask(m, "GET", arena_printf(arena, JOBS "/%s", id), NULL, arena, out, err);
}

bool model_job_cancel(struct model *m, const char *id, struct arena *arena, struct job_state *out, struct error *err)
{
	return ask(m, "POST", arena_printf(arena, JOBS "/%s/cancel", id), NULL, arena, out, err);
}

bool model_job_find(struct model *m, const char *training, struct arena *arena, struct job_state *out, bool *found, struct error *err)
{
	static const char path[] = JOBS "?limit=100";
	struct remote_model *r = remote_of(m);
	struct buf said = { 0 };
	bool good = remote_fetch(r, "GET", path, NULL, NULL, &said, err) &&
		    (wire_job_find(buf_text(&said), said.n, training, arena, out, found) || no_job(r, path, err));

	buf_release(&said);
	return good;
}

bool model_job_news(struct model *m, const char *id, struct arena *arena, struct job_news *out, struct error *err)
{
	const char *path = arena_printf(arena, JOBS "/%s/events?limit=20", id);
	struct remote_model *r = remote_of(m);
	struct buf said = { 0 };
	bool good = remote_fetch(r, "GET", path, NULL, NULL, &said, err) &&
		    (wire_job_news(buf_text(&said), said.n, arena, out) || no_job(r, path, err));

	buf_release(&said);
	return good;
}

bool model_job_checkpoints(struct model *m, const char *id, struct arena *arena, struct job_checkpoint **out, size_t *n, struct error *err)
{
	const char *path = arena_printf(arena, JOBS "/%s/checkpoints", id);
	struct remote_model *r = remote_of(m);
	struct buf said = { 0 };
	bool good = remote_fetch(r, "GET", path, NULL, NULL, &said, err) &&
		    (wire_job_checkpoints(buf_text(&said), said.n, arena, out, n) || no_job(r, path, err));

	buf_release(&said);
	return good;
}

const char *model_job_name(const struct model *m, const char *model, struct arena *arena)
{
	const char *name = model_name(m), *hash = strrchr(name, '#'), *colon = strchr(name, ':');
	const char *end = endpoint_is_url(name) ? hash : colon;

	return arena_printf(arena, "%.*s%s", (int)(end - name) + 1, name, model);
}
