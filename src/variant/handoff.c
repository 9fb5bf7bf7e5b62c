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

/* No tokenizer of the base is here; but no token is shorter than a byte. */
static size_t most_tokens(const struct finetune_prompts *p)
{
	size_t longest = 0;

	for (size_t i = 0; i < p->n; i++) {
		size_t n = strlen(p->completions[i]);

		for (size_t k = 0; k < p->prompts[i].n_messages; k++)
			n += strlen(p->prompts[i].messages[k].text);
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

static bool write_rows(const char *folder, const char *name, const struct trainer *t, const struct finetune_prompts *p,
		       const size_t *items, size_t n, struct error *err)
{
	struct buf rows = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct model_request *prompt = &p->prompts[items[i]];

		t->row(prompt->messages, prompt->n_messages, p->completions[items[i]], &rows);
		buf_addc(&rows, '\n');
	}
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
	trainer_readme(t, job, &readme);
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

bool handoff_write(struct workshop *w, const struct variant *v, const struct trainer *trainer, struct trainer_job *job,
		   const char *folder, struct error *err)
{
	struct item_list pool = workshop_lessons(w);
	struct finetune_prompts prompts;
	struct held_out h;
	const char *unfit;
	struct arena arena;

	if (!workshop_documents(w, v->technique, &unfit, err))
		return false;
	if (unfit)
		return error_set(err, "%s", unfit);
	arena_init(&arena);
	bool made = workshop_prompts(w, v, pool.items, pool.n, &arena, &prompts, err);

	if (made) {
		held_out_init(&h, prompts.groups, prompts.n, job->settings.held_out, job->settings.seed);
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
