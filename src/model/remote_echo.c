/* remote_echo.c - the steps in which a request's labels are scored by all of their tokens (wire_echo.c), where the server offers that. */
#include <string.h>

#include "model/remote_inner.h"

enum { PART_TOKENS = 16384 }; /* of prompts in one request: an answer has some 300 bytes a token */

struct echo_label {
	const char *text;
	struct wire_ids tokens;
	struct echo_label *next;
};

/* Whether it may be tried: a server of somebody's own, nothing known against it. */
static bool may_echo(const struct remote_model *m)
{
	const struct endpoint *e = &m->endpoint;
	size_t n = strlen(e->base);

	return e->wire == &wire_openai && !endpoint_is_vendors(e) && n > 3 && strcmp(e->base + n - 3, "/v1") == 0 &&
	       !(m->lacks & (LACKS_ECHO | LACKS_SCORES));
}

static const struct echo_label *label_of(const struct remote_model *m, const char *text)
{
	const struct echo_label *l = m->labels;

	while (l && strcmp(l->text, text) != 0)
		l = l->next;
	return l;
}

static const char *label_missing(const struct remote_model *m, const struct model_request *r)
{
	for (size_t i = 0; i < r->n_choices; i++)
		if (!label_of(m, r->choices[i]))
			return r->choices[i];
	return NULL;
}

/* Whether the candidates of the first token can tell the labels apart. */
static bool told_apart(const struct remote_model *m, const struct model_request *r)
{
	if (r->n_choices > WIRE_CANDIDATES)
		return false;
	for (size_t i = 0; i < r->n_choices; i++)
		for (size_t k = 0; k < i; k++)
			if (label_of(m, r->choices[i])->tokens.ids[0] == label_of(m, r->choices[k])->tokens.ids[0])
				return false;
	return true;
}

bool echo_undecided(const struct remote_model *m, const struct model_request *r)
{
	return r->want == WANT_SCORES && may_echo(m) && label_missing(m, r);
}

bool echo_offered(const struct remote_model *m)
{
	return may_echo(m) && m->labels;
}

static enum echo_step next_step(const struct remote_model *m, const struct echo *e, const struct model_request *r)
{
	if (r->want != WANT_SCORES || !may_echo(m))
		return ECHO_NO;
	if (label_missing(m, r))
		return ECHO_LABEL;
	if (!e->whole && !(m->lacks & LACKS_FIRST) && told_apart(m, r))
		return ECHO_NO;
	return e->prompt.n == 0 ? ECHO_PROMPT : ECHO_SCORES;
}

/* The tokens of the labels that the next request scores; all of them, or as many as one request may have. */
static size_t next_part(const struct remote_model *m, const struct echo *e, const struct model_request *r, const struct wire_ids **part)
{
	size_t n = 0, tokens = 0;

	for (size_t i = e->scored; i < r->n_choices; i++) {
		part[n] = &label_of(m, r->choices[i])->tokens;
		tokens += e->prompt.n + part[n]->n;
		if (n > 0 && tokens > PART_TOKENS)
			break;
		n++;
	}
	return n;
}

enum echo_step echo_write(const struct remote_model *m, struct echo *e, const struct model_request *r, struct arena *arena, struct buf *url,
			  struct buf *body)
{
	const char *base = m->endpoint.base, *model = m->endpoint.model;

	e->step = next_step(m, e, r);
	e->label = label_missing(m, r);
	if (e->step == ECHO_NO)
		return ECHO_NO;
	if (e->step == ECHO_SCORES) {
		const struct wire_ids **part = arena_array(arena, r->n_choices, sizeof(*part));

		buf_addf(url, "%s/completions", base);
		wire_echo_request(&e->prompt, part, next_part(m, e, r, part), model, body);
		return e->step;
	}
	buf_addf(url, "%.*s/tokenize", (int)(strlen(base) - strlen("/v1")), base);
	if (e->step == ECHO_LABEL)
		wire_echo_label(e->label, model, body);
	else
		wire_echo_conversation(r, model, m->lacks, body);
	return e->step;
}

static bool read_label(struct remote_model *m, const struct echo *e, const struct http_response *response)
{
	struct echo_label *l = arena_alloc(&m->label_arena, sizeof(*l));

	if (label_of(m, e->label)) /* another request asked for it too */
		return true;
	*l = (struct echo_label){ .text = arena_string(&m->label_arena, e->label), .next = m->labels };
	if (!wire_echo_tokens(response->body, response->n_body, &m->label_arena, &l->tokens))
		return false;
	m->labels = l;
	return true;
}

static bool read_scores(struct remote_model *m, struct echo *e, const struct model_request *r, const struct http_response *response,
			struct arena *arena, struct wire_usage *usage)
{
	const struct wire_ids **part = arena_array(arena, r->n_choices, sizeof(*part));
	size_t n = next_part(m, e, r, part);

	if (!e->scores)
		e->scores = arena_array(arena, r->n_choices, sizeof(*e->scores));
	if (!wire_echo_scores(&e->prompt, part, n, response->body, response->n_body, e->scores + e->scored, usage))
		return false;
	e->scored += n;
	e->usage.input += usage->input;
	e->usage.output += usage->output;
	e->usage.cache_read += usage->cache_read;
	e->usage.known = usage->known;
	m->echoes = true;
	return true;
}

bool echo_read(struct remote_model *m, struct echo *e, const struct model_request *r, const struct http_response *response,
	       struct arena *arena, struct wire_usage *usage)
{
	e->ms += response->ms;
	if (e->step == ECHO_LABEL)
		return read_label(m, e, response);
	if (e->step == ECHO_PROMPT)
		return wire_echo_tokens(response->body, response->n_body, arena, &e->prompt);
	return read_scores(m, e, r, response, arena, usage);
}
