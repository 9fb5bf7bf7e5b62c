/* review.c - proposals: found in the log, held against the task, decided, taken. */
#include "data/review.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "data/inputs.h"
#include "data/sample.h"
#include "task/collected.h"
#include "task/mention.h"

const char *review_decision_name(enum review_decision d)
{
	static const char *const names[REVIEW_DECISIONS] = { "", "accept", "fix", "reject", "refused" };

	return names[d];
}

/* ---- finding ---- */

struct finding {
	const struct task *task;
	const struct review_options *options;
	const struct inputs *inputs;
	struct arena *arena;
	struct review *out;
	struct hash_map collected, drawn; /* calls */
};

/* The last demonstration; else, where they are asked for, that it was right. */
static const struct served_feedback *said_right(const struct review_options *o, const struct served_feedback *said, size_t n)
{
	const struct served_feedback *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (strcmp(said[i].kind, "demonstration") == 0 && (!best || said[i].at_ms >= best->at_ms))
			best = &said[i];
	for (size_t i = 0; !best && o->right && i < n; i++)
		if (strcmp(said[i].kind, "boolean") == 0 && said[i].value > 0)
			best = &said[i];
	return best;
}

static bool has(const struct hash_map *calls, const char *id)
{
	return hash_map_get(calls, id, strlen(id), SIZE_MAX) != SIZE_MAX;
}

/* What a model said need not be UTF-8. */
static const char *repaired(struct arena *arena, const char *text)
{
	struct buf valid = { 0 };

	text_repair(&valid, text, strlen(text));
	const char *copy = arena_copy(arena, buf_text(&valid), valid.n);

	buf_release(&valid);
	return copy;
}

/* White space around an answer is nobody's intention. */
static const char *trimmed(struct arena *arena, const char *text)
{
	size_t n = strlen(text += strspn(text, " \t\r\n"));

	while (n > 0 && strchr(" \t\r\n", text[n - 1]))
		n--;
	return arena_copy(arena, text, n);
}

static bool take_call(void *context, const struct served_call *c, const struct served_feedback *said, size_t n_said, struct error *err)
{
	struct finding *f = context;
	struct review *r = f->out;
	const struct served_feedback *right = said_right(f->options, said, n_said);
	const char *answer = !right ? NULL : right->text ? right->text : c->output;
	const char *const *values;

	(void)err;
	if (!right)
		return true;
	if (has(&f->collected, c->id)) {
		r->known++;
	} else if (has(&f->drawn, c->id)) {
		r->drawn++;
	} else if (!c->input || !answer) {
		r->textless++;
	} else if (!(values = inputs_values(f->inputs, c->input, f->arena))) {
		r->unreadable++;
	} else {
		r->list = rows_room(f->arena, r->list, r->n, sizeof(*r->list));
		r->list[r->n++] = (struct proposal){
			.call = arena_string(f->arena, c->id), .served_ms = c->began_ms, .values = values, .input = inputs_text(f->inputs, values, f->arena),
			.answered = c->output ? repaired(f->arena, c->output) : "", .said = right->text ? "demonstration" : "right",
			.name = arena_string(f->arena, right->name), .right = trimmed(f->arena, repaired(f->arena, answer)),
		};
	}
	return true;
}

/* Whether the pool's item has that answer, both as they are written. */
static bool same_answer(const struct task *task, const struct example *e, const char *answer, struct arena *arena)
{
	const char *theirs, *ours;
	struct buf ignored = { 0 };
	bool same = collected_answer(task, e->answer, arena, &theirs, &ignored) && collected_answer(task, answer, arena, &ours, &ignored) &&
		    strcmp(theirs, ours) == 0;

	buf_release(&ignored);
	return same;
}

static void judge(const struct task *task, struct proposal *p, struct arena *arena)
{
	struct buf why = { 0 };
	const char *written;

	if (p->near.of == COPY_DEV || p->near.of == COPY_TEST) {
		p->decision = REVIEW_REFUSED;
		buf_addf(&why, "it is %s the %s item %s (%.0f %% alike), which nothing may learn from", p->near.cosine < 1 ? "nearly" : "the same as",
			 copy_of_name(p->near.of), p->near.item->id, 100 * p->near.cosine);
	} else if (p->near.of == COPY_POOL) {
		buf_addf(&why, "the pool has that input as %s, and says ", p->near.item->id);
		mention_value(&why, p->near.item->answer);
		buf_adds(&why, "; relabel it there");
	} else {
		collected_answer(task, p->right, arena, &written, &why);
	}
	p->why = why.n ? arena_string(arena, buf_text(&why)) : NULL;
	buf_release(&why);
}

/* Drops what says the same as the pool, or as an earlier proposal. */
static void thin(const struct task *task, struct review *r, struct arena *arena)
{
	struct hash_map seen = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct proposal *p = &r->list[i];
		const char *normal = text_normal(arena, p->input, strlen(p->input));
		size_t first = hash_map_put(&seen, normal, strlen(normal), n);

		if (p->near.of == COPY_POOL && same_answer(task, p->near.item, p->right, arena)) {
			r->known++;
			continue;
		}
		if (first < n && strcmp(r->list[first].right, p->right) == 0) {
			r->repeated++;
			continue;
		}
		judge(task, p, arena);
		if (first < n && !p->why)
			p->why = arena_printf(arena, "the call %s has the same input, and something else is said to be right for it", r->list[first].call);
		r->list[n++] = *p;
	}
	r->n = n;
	hash_map_release(&seen);
}

static bool compare(const struct task *task, struct models *models, struct review *r, struct arena *arena, struct error *err)
{
	const char **texts = arena_array(arena, r->n, sizeof(*texts));
	struct copy *copies = arena_array(arena, r->n, sizeof(*copies));

	for (size_t i = 0; i < r->n; i++)
		texts[i] = r->list[i].input;
	if (r->n > 0 && !copies_find(task, models, texts, r->n, arena, copies, &r->by, err))
		return false;
	for (size_t i = 0; i < r->n; i++)
		r->list[i].near = copies[i];
	return true;
}

bool review_find(const struct task *task, struct served *served, struct models *models, const struct review_options *options, struct arena *arena,
		 struct review *out, struct error *err)
{
	struct inputs inputs = inputs_of(task, arena);
	struct finding f = { .task = task, .options = options, .inputs = &inputs, .arena = arena, .out = out };
	const struct served_query query = { .task = task->name, .since_ms = options->since_ms, .answered = true,
					   .feedback = options->right ? NULL : "demonstration" };

	*out = (struct review){ .by = "words" };
	bool found = collected_calls(task, arena, &f.collected, err) && sample_calls(options->sample, arena, &f.drawn, err) &&
		     served_each(served, &query, take_call, &f, err) && compare(task, models, out, arena, err);

	if (found)
		thin(task, out, arena);
	hash_map_release(&f.collected);
	hash_map_release(&f.drawn);
	return found;
}

/* ---- deciding ---- */

/* Whether it may be decided so; else *why begins a clause. */
static bool allowed(const struct task *task, const struct proposal *p, enum review_decision d, const char *fix, struct arena *arena, struct buf *why)
{
	const char *written;

	if (d == REVIEW_OPEN || d == REVIEW_REJECT)
		return true;
	if (p->decision == REVIEW_REFUSED || p->near.of == COPY_POOL || (d == REVIEW_ACCEPT && p->why)) {
		buf_addf(why, "%.8s... cannot be taken: %s", p->call, p->why);
		return false;
	}
	if (d == REVIEW_ACCEPT)
		return true;
	if (collected_answer(task, fix, arena, &written, why))
		return true;
	return false;
}

bool review_decide(const struct task *task, struct review *r, const char *which, enum review_decision decision, const char *fix,
		   struct arena *arena, struct error *err)
{
	bool all = strcmp(which, "all") == 0;
	struct buf why = { 0 };
	size_t found = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct proposal *p = &r->list[i];
		bool meant = all ? p->decision == REVIEW_OPEN && (!p->why || decision == REVIEW_REJECT) : strncmp(p->call, which, strlen(which)) == 0;

		if (!meant)
			continue;
		if (!all && found++ > 0)
			return error_set(err, "\"%.80s\" begins the ids of two calls or more; give more of it", which);
		if (!allowed(task, p, decision, fix, arena, &why)) {
			error_set(err, "%s", buf_text(&why));
			buf_release(&why);
			return false;
		}
		if (p->decision != REVIEW_REFUSED)
			p->decision = decision;
		p->fix = fix ? arena_string(arena, fix) : NULL;
	}
	return all || found > 0 || error_set(err, "no call that could be decided begins with \"%.80s\"; the file says which there are", which);
}

bool review_take(const struct task *task, const char *log, uint64_t now_ms, struct arena *arena, struct review *r, struct error *err)
{
	struct collected_row *rows = arena_array(arena, r->n, sizeof(*rows));
	struct buf why = { 0 };
	size_t n = 0, left = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct proposal *p = &r->list[i];

		if (p->decision != REVIEW_ACCEPT && p->decision != REVIEW_FIX)
			continue;
		rows[n] = (struct collected_row){ .values = p->values, .log = log, .call = p->call, .served_ms = p->served_ms, .taken_ms = now_ms,
						  .said = p->said, .name = p->name, .decision = review_decision_name(p->decision) };
		if (!allowed(task, p, p->decision, p->fix, arena, &why) ||
		    !collected_answer(task, p->fix ? p->fix : p->right, arena, &rows[n++].written, &why)) {
			error_set(err, "%s", buf_text(&why));
			buf_release(&why);
			return false;
		}
		r->fixed += p->decision == REVIEW_FIX;
	}
	if (!collected_add(task, rows, n, err))
		return false;
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].decision != REVIEW_ACCEPT && r->list[i].decision != REVIEW_FIX)
			r->list[left++] = r->list[i];
	r->n = left;
	r->taken = n;
	return true;
}
