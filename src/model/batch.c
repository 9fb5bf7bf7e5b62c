/* batch.c - requests handed over together, looked after, and their results taken. */
#include <string.h>

#include "model/remote_inner.h"

static bool no_batch(const struct remote_model *m, const char *path, struct error *err)
{
	return error_set(err, "model \"%s\": what %s%s said is no batch; this server may have none", m->name, m->endpoint.base, path);
}

bool remote_batch_send(struct remote_model *m, const struct model_request *requests, const char *const *ids, size_t n, struct buf *name,
		       bool *unnamed, struct error *err)
{
	const struct wire *wire = m->endpoint.wire;
	struct buf lines = { 0 }, file = { 0 }, made = { 0 }, said = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct buf body = { 0 };

		wire->request(&requests[i], m->endpoint.model, m->lacks, false, &body);
		wire->batch->line(ids[i], buf_text(&body), &lines);
		buf_release(&body);
	}
	bool good = !wire->batch->upload_path || remote_upload(m, wire->batch->upload_path, "batch", &lines, &file, err);

	*unnamed = false;
	if (good) {
		wire->batch->make(wire->batch->upload_path ? buf_text(&file) : buf_text(&lines), &made);
		good = remote_fetch(m, "POST", wire->batch->path, "application/json", &made, &said, err);
		*unnamed = good || m->unanswered;
		good = good && remote_id(m, &said, wire->batch->path, name, err);
	}
	buf_release(&lines);
	buf_release(&file);
	buf_release(&made);
	buf_release(&said);
	return good;
}

static bool look(struct remote_model *m, const char *name, struct arena *arena, struct wire_batch_state *state, struct error *err)
{
	const struct wire_batch *batch = m->endpoint.wire->batch;
	const char *path = arena_printf(arena, "%s/%s", batch->path, name);
	struct buf said = { 0 };
	bool good = remote_fetch(m, "GET", path, NULL, NULL, &said, err) &&
		    (batch->state(buf_text(&said), said.n, arena, state) || no_batch(m, path, err));

	buf_release(&said);
	return good;
}

bool remote_batch_look(struct remote_model *m, const char *name, struct arena *arena, struct model_batch *out, struct error *err)
{
	struct wire_batch_state state;
	bool good = look(m, name, arena, &state, err);

	if (good)
		*out = (struct model_batch){ state.ended, state.done, state.failed, state.why };
	return good;
}

/* A result that is no good reply failed, whatever it was: it is asked again by itself. */
static bool take_result(struct remote_model *m, const struct wire_batch_result *r, struct arena *arena, const struct model_results *to,
			struct error *err)
{
	const struct model_request *request = to->request(to->context, r->id);
	struct model_attempt attempt = { .end = "failed", .status = r->status };
	struct wire_reply w = { .status = WIRE_BROKEN };

	if (!request)
		return true;
	if (r->status >= 200 && r->status < 300)
		m->endpoint.wire->reply(request, r->body, r->n, arena, &w);
	bool good = w.status == WIRE_OK || w.status == WIRE_TRUNCATED || w.status == WIRE_REFUSED;

	good = good && (w.status == WIRE_REFUSED || request->want != WANT_SCORES || m->lacks & LACKS_SCORES || w.scores);
	attempt.end = good ? "answered" : "failed";
	attempt.input_tokens = w.usage.input;
	attempt.output_tokens = w.usage.output;
	attempt.cache_read = w.usage.cache_read;
	attempt.cache_written = w.usage.cache_written;
	struct model_reply reply = good ? remote_reply(&w, arena) : (struct model_reply){ .status = MODEL_ERROR };

	return to->result(to->context, r->id, good ? &reply : NULL, &attempt, err);
}

static bool take_results(struct remote_model *m, const struct buf *lines, struct arena *arena, const struct model_results *to, struct error *err)
{
	for (const char *at = buf_text(lines), *end = at + lines->n; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		struct wire_batch_result result;

		stop = stop ? stop : end;
		if (m->endpoint.wire->batch->result(at, (size_t)(stop - at), arena, &result) && !take_result(m, &result, arena, to, err))
			return false;
		at = stop + 1;
	}
	return true;
}

bool remote_batch_results(struct remote_model *m, const char *name, struct arena *arena, const struct model_results *to, struct error *err)
{
	struct wire_batch_state state;
	bool good = look(m, name, arena, &state, err);

	for (size_t i = 0; i < 2 && good; i++) {
		struct buf lines = { 0 };

		if (!state.results[i])
			continue;
		good = remote_fetch(m, "GET", state.results[i], NULL, NULL, &lines, err) && take_results(m, &lines, arena, to, err);
		buf_release(&lines);
	}
	return good;
}
