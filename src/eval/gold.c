/* gold.c - reads every document once and crosses off what it holds. */
#include "eval/gold.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "retrieve/document.h"
#include "retrieve/source.h"
#include "variant/evidence.h"

/* What is still looked for. */
struct wanted {
	const struct example *item;
	const char *passage; /* normalised; NULL: none is named, or it was found */
	size_t ids;          /* gold documents not seen yet */
};

static size_t list_wanted(const struct task *task, struct arena *arena, struct wanted **out)
{
	const struct item_list lists[] = { task->test.list, task->dev.list, task->pool.list };
	struct wanted *all = arena_array(arena, task->n_rows + 1, sizeof(*all));
	size_t n = 0;

	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l].n; i++) {
			const struct example *e = lists[l].items[i];
			bool passage = e->gold && e->gold[0];

			if (passage || e->n_gold_ids > 0)
				all[n++] = (struct wanted){ e, passage ? text_normal(arena, e->gold, strlen(e->gold)) : NULL, e->n_gold_ids };
		}
	*out = all;
	return n;
}

static void cross_off(struct wanted *wanted, size_t n, const char *name, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < wanted[i].item->n_gold_ids; k++)
			wanted[i].ids -= evidence_names(name, wanted[i].item->gold_ids[k]);
		if (wanted[i].passage && strstr(text, wanted[i].passage))
			wanted[i].passage = NULL;
	}
}

static void read_document(const struct source_file *file, struct wanted *wanted, size_t n)
{
	struct document document;
	struct error unreadable; /* `rung docs add` says why */
	struct arena arena;
	enum media media;
	size_t bytes;
	char *text = media_of(file->name, &media) ? file_read(file->path, DOCUMENT_BYTES, &bytes, &unreadable) : NULL;

	if (!text)
		return;
	arena_init(&arena);
	if (document_parse(media, file->name, file->path, text, bytes, &arena, &document, &unreadable))
		cross_off(wanted, n, file->name, text_normal(&arena, document.text, document.n));
	arena_release(&arena);
	free(text);
}

static void pass_over(void *context, const char *sentence)
{
	(void)context, (void)sentence;
}

size_t gold_missing(const struct task *task, struct arena *arena, const struct example *const **items)
{
	const struct task_documents *d = &task->documents;
	struct source source = { .paths = d->paths, .n_paths = d->n_paths, .folder = task->folder };
	struct wanted *wanted;
	size_t n = list_wanted(task, arena, &wanted), missing = 0;
	const struct example **list = arena_array(arena, n + 1, sizeof(*list));

	*items = list;
	if (!task->has_gold || d->n_paths == 0 || d->n_text > 0)
		return 0;
	struct source_walk walk = source_walk(&source, arena, pass_over, NULL);

	for (size_t i = 0; i < walk.n_files; i++)
		read_document(&walk.files[i], wanted, n);
	for (size_t i = 0; i < n; i++)
		if (wanted[i].passage || wanted[i].ids > 0)
			list[missing++] = wanted[i].item;
	return missing;
}
