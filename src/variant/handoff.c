/* handoff.c - rows, their split, and the folder, which is made under another name and renamed when it is complete. */
#include "variant/handoff.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "variant/workshop.h"

/* Beside the bytes of an example: what chat templates write around its turns, a default system turn among it. */
enum { TEMPLATE_TOKENS = 256, ROUND_TOKENS = 256 };

static size_t bytes_of(const struct finetune_prompts *p, size_t i)
{
	size_t n = strlen(p->completions[i]);

	for (size_t k = 0; k < p->prompts[i].n_messages; k++)
		n += strlen(p->prompts[i].messages[k].text);
	return n;
}

/* No tokenizer of the base is here; but no token is shorter than a byte. */
static size_t most_tokens(const struct finetune_prompts *p)
{
	size_t longest = 0;

	for (size_t i = 0; i < p->n; i++) {
		size_t n = bytes_of(p, i);

		longest = n > longest ? n : longest;
	}
	return (longest + TEMPLATE_TOKENS + ROUND_TOKENS - 1) / ROUND_TOKENS * ROUND_TOKENS;
}

static bool write_file(const char *folder, const char *name, const struct buf *text, struct error *err)
{
	struct buf path = { 0 };

	buf_addf(&path, "%s/%s", folder, name);
	bool written = file_replace(path.data, buf_text(text), text->n, err);

	buf_release(&path);
	return written;
}

static void add_row(const struct finetune_prompts *p, size_t i,
		    void (*row)(const struct message *prompt, size_t n, const char *completion, struct buf *out), struct buf *rows)
{
	row(p->prompts[i].messages, p->prompts[i].n_messages, p->completions[i], rows);
	buf_addc(rows, '\n');
}

static bool write_rows(const char *folder, const char *name, const struct trainer *t, const struct finetune_prompts *p,
		       const size_t *items, size_t n, struct error *err)
{
	struct buf rows = { 0 };

	for (size_t i = 0; i < n; i++)
		add_row(p, items[i], t->row, &rows);
	bool written = write_file(folder, name, &rows, err);

	buf_release(&rows);
	return written;
}

static bool write_files(const char *folder, const struct trainer *t, const struct finetune_prompts *p, const struct held_out *h,
			const struct trainer_job *job, struct error *err)
{
	struct buf data = { 0 }, config = { 0 }, readme = { 0 };

	buf_addf(&data, "%s/data", folder);
	t->write(job, &config);
	t->readme(t, job, &readme);
	bool written = file_make_folder(data.data, err) && write_rows(data.data, "train.jsonl", t, p, h->train, h->n_train, err) &&
		       (h->n_held == 0 || write_rows(data.data, "validation.jsonl", t, p, h->held, h->n_held, err)) &&
		       write_file(folder, t->config, &config, err) && write_file(folder, "README.md", &readme, err);

	buf_release(&data);
	buf_release(&config);
	buf_release(&readme);
	return written;
}

/* rename() takes the place of an empty folder, and of nothing else. */
static bool make_folder(const char *folder, const struct trainer *t, const struct finetune_prompts *p, const struct held_out *h,
			const struct trainer_job *job, struct error *err)
{
	struct buf part = { 0 };
	size_t n = strlen(folder);

	while (n > 1 && folder[n - 1] == '/')
		n--;
	buf_add(&part, folder, n);
	buf_adds(&part, ".part");
	if (file_exists(part.data)) {
		error_set(err, "%s: is left of an export that was interrupted, or another one is at work; remove it", part.data);
		buf_release(&part);
		return false;
	}
	bool made = write_files(part.data, t, p, h, job, err);

	if (made && rename(part.data, folder) != 0)
		made = errno == ENOTEMPTY || errno == EEXIST ? error_set(err, "%s: is there already and not empty; give -o a new folder", folder) :
							       error_set(err, "%s: cannot be made: %s", folder, strerror(errno));
	if (!made)
		file_remove_folder(part.data);
	buf_release(&part);
	return made;
}

static bool documents_ready(struct workshop *w, const struct variant *v, struct error *err)
{
	const char *unfit;

	return workshop_documents(w, v->technique, &unfit, err) && (!unfit || error_set(err, "%s", unfit));
}

bool handoff_write(struct workshop *w, const struct variant *v, const struct trainer *trainer, struct trainer_job *job,
		   const char *folder, struct error *err)
{
	struct item_list pool = workshop_lessons(w, 3);
	struct finetune_prompts prompts;
	struct held_out h;
	struct arena arena;

	if (!documents_ready(w, v, err))
		return false;
	arena_init(&arena);
	bool made = workshop_prompts(w, v, pool.items, pool.n, &arena, &prompts, err);

	if (made) {
		held_out_init(&h, prompts.groups, prompts.by_model, prompts.n, &job->settings);
		job->task = w->task->name;
		job->method = v->tuning->id;
		job->n_train = h.n_train;
		job->n_held = h.n_held;
		job->most_tokens = most_tokens(&prompts);
		made = make_folder(folder, trainer, &prompts, &h, job, err);
		held_out_release(&h);
	}
	arena_release(&arena);
	return made;
}

/* --- a provider's job --------------------------------------------------------------------------------------------------- */

void handoff_rows_release(struct handoff_rows *r)
{
	buf_release(&r->training);
	buf_release(&r->validation);
}

static void add_held_out(const struct finetune_prompts *p, const struct finetune_settings *s, bool on_dev, struct handoff_rows *out)
{
	struct finetune_settings split = *s;
	struct held_out h;

	split.held_out = on_dev ? 0 : s->held_out;
	held_out_init(&h, p->groups, p->by_model, p->n, &split);
	out->n_train = h.n_train;
	out->n_held = h.n_held;
	for (size_t i = 0; i < h.n_train; i++) {
		add_row(p, h.train[i], trainer_chat_row, &out->training);
		out->bytes += bytes_of(p, h.train[i]);
	}
	for (size_t i = 0; i < h.n_held; i++)
		add_row(p, h.held[i], trainer_chat_row, &out->validation);
	held_out_release(&h);
}

static void add_dev(const struct finetune_prompts *p, struct handoff_rows *out)
{
	out->n_held = p->n;
	for (size_t i = 0; i < p->n; i++)
		add_row(p, i, trainer_chat_row, &out->validation);
}

bool handoff_rows(struct workshop *w, const struct variant *v, const struct finetune_settings *settings, bool on_dev,
		  struct handoff_rows *out, struct error *err)
{
	struct item_list pool = workshop_lessons(w, 3), dev = w->dev.list;
	struct finetune_prompts prompts, held;
	struct arena arena;

	*out = (struct handoff_rows){ 0 };
	if (!documents_ready(w, v, err))
		return false;
	arena_init(&arena);
	bool made = workshop_prompts(w, v, pool.items, pool.n, &arena, &prompts, err) &&
		    (!on_dev || workshop_prompts(w, v, dev.items, dev.n, &arena, &held, err));

	if (made)
		add_held_out(&prompts, settings, on_dev, out);
	if (made && on_dev)
		add_dev(&held, out);
	arena_release(&arena);
	return made;
}
