/* board_read.c - rows of the log to what a page shows. Each page has two seconds. */
#include "serve/board_read.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "stats/bet.h"
#include "stats/quantile.h"
#include "store/documents.h"

static const double most_ms = 2000;
enum { MOST_CALLS = 200000, MOST_SAID = 20000, BRIEF = 240, AROUND = 400, SHOWN_BYTES = 64 << 10, NAMES_SHOWN = 500 };

struct reading {
	struct served *log;
	const struct board_view *view;
	struct arena *arena;
	struct buf *page;
	struct error *err;
};

static int failed(const struct reading *r)
{
	return r->err->again ? 503 : 500;
}

static int absent(struct reading *r, const char *sentence)
{
	board_write_note(r->page, r->view, "Not found", sentence);
	return 404;
}

/* ---- overview ---- */

static void add_sample(struct arena *arena, struct board_samples *s, double x)
{
	if (isnan(x))
		return;
	if ((s->n & (s->n + 1)) == 0) { /* 0, 1, 3, 7, ...: there is room for twice as many and one */
		double *more = arena_array(arena, 2 * s->n + 1, sizeof(*more));

		if (s->n)
			memcpy(more, s->x, s->n * sizeof(*more));
		s->x = more;
	}
	s->x[s->n++] = x;
}

struct tallying {
	struct reading *r;
	struct board_tally *tally;
};

static struct board_group *group_of(struct arena *arena, struct board_model_tally *m, const char *variant, const char *verdict)
{
	for (size_t i = 0; i < m->n_groups; i++)
		if (strcmp(m->groups[i].variant, variant) == 0 && strcmp(m->groups[i].verdict, verdict) == 0)
			return &m->groups[i];
	if ((m->n_groups & (m->n_groups + 1)) == 0) {
		struct board_group *more = arena_array(arena, 2 * m->n_groups + 1, sizeof(*more));

		if (m->n_groups)
			memcpy(more, m->groups, m->n_groups * sizeof(*more));
		m->groups = more;
	}
	m->groups[m->n_groups] = (struct board_group){ .variant = arena_string(arena, variant), .verdict = arena_string(arena, verdict) };
	return &m->groups[m->n_groups++];
}

static void count(struct arena *arena, struct board_group *g, const struct served_figures *f)
{
	bool answered = f->http == 200 && strcmp(f->status, "answered") == 0;

	g->calls++;
	g->answered += answered;
	g->none += f->http == 200 && !answered;
	g->refused += f->http != 200 && f->http < 500;
	g->failed += f->http >= 500;
	g->cached += f->cached;
	g->input_tokens += (double)f->input_tokens;
	g->output_tokens += (double)f->output_tokens;
	g->unpriced += isnan(f->usd) ? 1 : 0;
	g->usd += isnan(f->usd) ? 0 : f->usd;
	if (f->http == 200) {
		add_sample(arena, &g->ms, f->ms);
		add_sample(arena, &g->first_ms, f->first_ms);
	}
}

static void count_bucket(struct arena *arena, struct board_bucket *b, const struct served_figures *f)
{
	bool answered = f->http == 200 && strcmp(f->status, "answered") == 0;

	b->answered += answered;
	b->failed += f->http >= 500;
	b->none += !answered && f->http < 500;
	b->usd += isnan(f->usd) ? 0 : f->usd;
	if (f->http == 200)
		add_sample(arena, &b->ms, f->ms);
}

static struct board_model_tally *tally_of(const struct tallying *t, const char *task)
{
	const struct board_view *v = t->r->view;

	for (size_t i = 0; i < v->n_models; i++)
		if (strcmp(v->models[i].name, task) == 0)
			return &t->tally->models[i];
	return NULL;
}

static size_t bucket_of(const struct tallying *t, uint64_t began_ms)
{
	const struct board_span *span = t->r->view->query.span;
	double ago = began_ms < t->tally->from_ms ? 0 : (double)(began_ms - t->tally->from_ms);
	size_t at = (size_t)(ago / span->bucket_ms);

	return at < span->n ? at : span->n - 1;
}

static void tally_call(void *context, const struct served_figures *f)
{
	const struct tallying *t = context;
	struct board_model_tally *m = tally_of(t, f->task);

	if (!m)
		return;
	count(t->r->arena, group_of(t->r->arena, m, f->variant, f->variant[0] ? f->verdict : ""), f);
	count_bucket(t->r->arena, &m->buckets[bucket_of(t, f->began_ms)], f);
}

/* What one call is worth goes to who answered it. */
static void tally_score(const struct tallying *t, const struct served_score *rows, size_t n)
{
	struct board_model_tally *m = tally_of(t, rows->task);

	if (!m || !rows->variant[0])
		return;
	double score = standing_score(rows, n, m->model->by);

	if (isnan(score))
		return;
	struct board_bucket *b = &m->buckets[bucket_of(t, rows->began_ms)];

	add_sample(t->r->arena, &group_of(t->r->arena, m, rows->variant, rows->verdict)->scores, score);
	b->scored++;
	b->scores += score;
}

static bool tally_said(const struct tallying *t)
{
	struct reading *r = t->r;
	struct served_score *rows;
	size_t n;

	if (!served_said(r->log, t->tally->from_ms, r->view->viewer.tenant, MOST_SAID, r->arena, &rows, &n, r->err))
		return false;
	t->tally->n_said = n;
	for (size_t i = 0, of_call; i < n; i += of_call) {
		for (of_call = 1; i + of_call < n && strcmp(rows[i + of_call].call, rows[i].call) == 0;)
			of_call++;
		tally_score(t, &rows[i], of_call);
	}
	return true;
}

static bool begins_to_serve(const struct served_turn *t)
{
	static const char *const events[] = { "first", "promoted", "replaced", "restored" };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (strcmp(t->event, events[i]) == 0)
			return true;
	return false;
}

/* Who serves and who is on trial, and the last times at which that changed. */
static bool tally_turns(const struct tallying *t, struct board_model_tally *m)
{
	const struct board_view *v = t->r->view;
	double whole = (double)(v->now_ms - t->tally->from_ms);
	struct served_turn *turns;
	size_t n;

	if (!m->model->by)
		return true;
	if (!served_turns(t->r->log, m->model->name, t->r->arena, &turns, &n, t->r->err))
		return false;
	m->standing = standing_of(turns, n);
	for (size_t i = n; i-- > 0 && m->n_turns < BOARD_TURNS;)
		if (begins_to_serve(&turns[i]) && turns[i].at_ms >= t->tally->from_ms && turns[i].at_ms <= v->now_ms)
			m->turns[m->n_turns++] = (double)(turns[i].at_ms - t->tally->from_ms) / whole;
	return true;
}

static int by_variant(const void *a, const void *b)
{
	const struct board_group *x = a, *y = b;
	int variant = strcmp(x->variant, y->variant);

	return variant ? variant : strcmp(x->verdict, y->verdict);
}

static void settle(struct board_model_tally *m, size_t n_buckets)
{
	for (struct board_group *g = m->groups; g < m->groups + m->n_groups; g++) {
		double sum = 0;

		for (size_t i = 0; i < g->scores.n; i++)
			sum += g->scores.x[i];
		g->score = g->scores.n > 0 ? sum / (double)g->scores.n : NAN;
		g->interval = bet_interval(g->scores.x, g->scores.n, .05);
		g->p50 = quantile(g->ms.x, g->ms.n, .5);
		g->p95 = quantile(g->ms.x, g->ms.n, .95);
		g->first_p50 = quantile(g->first_ms.x, g->first_ms.n, .5);
		g->first_p95 = quantile(g->first_ms.x, g->first_ms.n, .95);
	}
	for (struct board_bucket *b = m->buckets; b < m->buckets + n_buckets; b++) {
		b->p50 = quantile(b->ms.x, b->ms.n, .5);
		b->p95 = quantile(b->ms.x, b->ms.n, .95);
	}
	if (m->n_groups)
		qsort(m->groups, m->n_groups, sizeof(*m->groups), by_variant);
}

static int overview(struct reading *r)
{
	const struct board_view *v = r->view;
	const struct board_span *span = v->query.span;
	struct board_tally t = { .models = arena_array(r->arena, v->n_models + 1, sizeof(*t.models)),
				 .from_ms = v->now_ms - (uint64_t)(span->bucket_ms * (double)span->n) };
	struct tallying tallying = { r, &t };
	for (size_t i = 0; i < v->n_models; i++)
		t.models[i].model = &v->models[i];
	bool good = served_figures(r->log, t.from_ms, v->viewer.tenant, MOST_CALLS, tally_call, &tallying, &t.looked_at, r->err) && tally_said(&tallying) &&
		    served_upstreams(r->log, t.from_ms, v->viewer.tenant, MOST_CALLS, r->arena, &t.upstreams, &t.n_upstreams, r->err);

	t.cut = t.looked_at == MOST_CALLS || t.n_said == MOST_SAID;
	for (size_t i = 0; i < v->n_models && good; i++) {
		good = tally_turns(&tallying, &t.models[i]);
		settle(&t.models[i], span->n);
	}
	if (!good)
		return failed(r);
	board_write_overview(r->page, v, &t);
	return 200;
}

/* ---- history ---- */

static int history(struct reading *r)
{
	const struct board_model *m = board_model_of(r->view, r->view->query.task);
	struct served_turn *turns = NULL;
	size_t n = 0;

	if (r->view->query.task && (!m || !m->by))
		return absent(r, "There is no task of that name here.");
	if (m && !served_turns(r->log, m->name, r->arena, &turns, &n, r->err))
		return failed(r);
	board_write_history(r->page, r->view, turns, n);
	return 200;
}

/* ---- calls ---- */

struct gathering {
	struct arena *arena;
	struct board_call *calls;
	size_t n;
};

static const char *kept(struct arena *arena, const char *text)
{
	return text ? arena_string(arena, text) : NULL;
}

static bool gather(void *context, const struct served_call *call, const struct served_feedback *said, size_t n_said, struct error *err)
{
	struct gathering *g = context;
	struct board_call *c = &g->calls[g->n++];
	struct arena *a = g->arena;

	(void)err;
	*c = (struct board_call){ .call = *call, .said = arena_array(a, n_said + 1, sizeof(*c->said)), .n_said = n_said };
	const char **texts[] = { &c->call.id, &c->call.tenant, &c->call.key, &c->call.task, &c->call.variant, &c->call.verdict, &c->call.status,
				 &c->call.why, &c->call.subject, &c->call.input, &c->call.output, &c->call.citations };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = kept(a, *texts[i]);
	for (size_t i = 0; i < n_said; i++) {
		c->said[i] = said[i];
		c->said[i].call = c->call.id;
		c->said[i].name = kept(a, said[i].name);
		c->said[i].kind = kept(a, said[i].kind);
		c->said[i].text = kept(a, said[i].text);
	}
	return true;
}

static int list(struct reading *r)
{
	const struct board_query *asked = &r->view->query;
	const struct served_query query = { .task = asked->task, .variant = asked->variant, .verdict = asked->verdict, .feedback = asked->feedback, .before = asked->before,
					    .tenant = r->view->viewer.tenant, .newest_first = true, .most = BOARD_CALLS + 1, .brief = BRIEF };
	struct gathering g = { r->arena, arena_array(r->arena, BOARD_CALLS + 1, sizeof(*g.calls)), 0 };

	if (!served_each(r->log, &query, gather, &g, r->err))
		return failed(r);
	board_write_list(r->page, r->view, g.calls, g.n < BOARD_CALLS ? g.n : BOARD_CALLS, g.n > BOARD_CALLS);
	return 200;
}

static struct documents *open_documents(const struct board_model *m, struct error *err)
{
	struct documents *d = m && m->documents ? documents_open(m->documents, false, err) : NULL;

	if (d && documents_begin_read(d, err))
		return d;
	documents_close(d);
	return NULL;
}

/* The text of a document from about `start` on, whole characters, no more than `most` bytes; false: it is not there. */
static bool read_text(struct reading *r, struct documents *d, const char *name, size_t start, size_t most, struct board_text *out)
{
	struct document_row row;
	bool found = false;

	if (!documents_find(d, name, r->arena, &row, &found, r->err) || !found || !documents_text(d, r->arena, &row, r->err))
		return false;
	size_t from = start > most / 2 && row.n > most ? start - most / 2 : 0;

	from = from > row.n ? row.n : from;
	while (from < row.n && ((unsigned char)row.text[from] & 0xC0) == 0x80)
		from++;
	size_t n = row.n - from < most ? row.n - from : most;

	while (n > 0 && from + n < row.n && ((unsigned char)row.text[from + n] & 0xC0) == 0x80)
		n--;
	*out = (struct board_text){ row.text + from, from, n, row.n };
	return true;
}

/* What the call's citations stand in: the stored text around each, marked; "": the document is not stored, or not as it was. */
static const char *const *texts_around(struct reading *r, const struct board_call *c)
{
	json_t *cited = c->call.citations ? json_loads(c->call.citations, 0, NULL) : NULL, *one;
	const char **around = arena_array(r->arena, json_array_size(cited) + 1, sizeof(*around));
	struct documents *d = cited ? open_documents(board_model_of(r->view, c->call.task), r->err) : NULL;
	struct board_text t;
	size_t i;

	json_array_foreach(cited, i, one) {
		const char *name = json_string_value(json_object_get(one, "document")), *text = json_string_value(json_object_get(one, "text"));
		size_t start = (size_t)json_integer_value(json_object_get(one, "start")), end = (size_t)json_integer_value(json_object_get(one, "end"));
		struct buf html = { 0 };

		if (d && name && text && read_text(r, d, name, start, 2 * AROUND + (end > start ? end - start : 0), &t) && start >= t.from &&
		    end <= t.from + t.n && start < end && strlen(text) == end - start && memcmp(t.text + start - t.from, text, end - start) == 0)
			board_add_text(&html, t.text, t.n, start - t.from, end - t.from);
		around[i] = arena_string(r->arena, buf_text(&html));
		buf_release(&html);
	}
	if (d)
		documents_end(d);
	documents_close(d);
	json_decref(cited);
	return around;
}

static int call(struct reading *r)
{
	const struct served_query query = { .only = r->view->query.call, .tenant = r->view->viewer.tenant, .most = 1 };
	struct gathering g = { r->arena, arena_array(r->arena, 1, sizeof(*g.calls)), 0 };

	if (!served_each(r->log, &query, gather, &g, r->err))
		return failed(r);
	if (g.n == 0)
		return absent(r, "There is no call of that id here, or it is not yours. One that was answered a moment ago is still being written: reload "
				 "this page.");
	if (!served_attempts(r->log, g.calls[0].call.id, r->arena, &g.calls[0].attempts, &g.calls[0].n_attempts, r->err))
		return failed(r);
	board_write_call(r->page, r->view, &g.calls[0], texts_around(r, &g.calls[0]));
	return 200;
}

/* ---- documents ---- */

static int names(struct reading *r, struct documents *d)
{
	struct document_row *rows;
	size_t n;

	if (!documents_list(d, r->arena, &rows, &n, r->err))
		return failed(r);
	n = n < NAMES_SHOWN ? n : NAMES_SHOWN;
	const char **list_of = arena_array(r->arena, n + 1, sizeof(*list_of));

	for (size_t i = 0; i < n; i++)
		list_of[i] = rows[i].name;
	board_write_documents(r->page, r->view, list_of, n);
	return 200;
}

static int document(struct reading *r)
{
	const struct board_query *q = &r->view->query;
	const struct board_model *m = board_model_of(r->view, q->task);
	struct documents *d = open_documents(m, r->err);
	struct board_text t;
	int status;

	if (!d)
		return absent(r, "That task has no documents here.");
	if (!q->document) {
		status = names(r, d);
	} else if (read_text(r, d, q->document, q->start, SHOWN_BYTES, &t)) {
		board_write_document(r->page, r->view, &t);
		status = 200;
	} else {
		status = absent(r, "There is no document of that name in the task's store.");
	}
	documents_end(d);
	documents_close(d);
	return status;
}

int board_read(struct served *log, const struct board_view *v, struct arena *arena, struct buf *page, struct error *err)
{
	static int (*const pages[])(struct reading *r) = {
		[BOARD_OVERVIEW] = overview, [BOARD_HISTORY] = history, [BOARD_LIST] = list, [BOARD_CALL] = call, [BOARD_DOCUMENT] = document,
	};
	struct reading r = { log, v, arena, page, err };

	served_hurry(log, clock_ms() + most_ms);
	int status = pages[v->query.place](&r);

	served_hurry(log, NAN);
	return status;
}
