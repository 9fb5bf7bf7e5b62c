/* rung_export.c - what is stored, handed out row by row. */
#include "rung_inner.h"

#include <string.h>

#include "report/human.h"

bool rung_last_rows(struct rung *r, bool (*write)(const struct rows_from *from, const struct rows_out *out, struct error *err),
		    const struct rows_out *out, struct error *err)
{
	struct run_row run;
	bool ok = rung_open_last(r, &run, err) && store_begin_read(r->store, err);

	if (!ok)
		return false;
	struct rows_from from = { r->task, r->store, run.id };

	ok = write(&from, out, err);
	store_rollback(r->store);
	return ok;
}

/* Calls are there whatever became of the task since, and of a climb that was interrupted. */
static bool calls_write(struct rung *r, const struct rows_out *out, struct error *err)
{
	struct task_options options = { .file_alone = true };

	if (!rung_open_task(r, &options, err))
		return false;
	r->store = store_open(rung_store_path(r), false, err);
	if (!r->store)
		return false;
	struct rows_from from = { r->task, r->store, 0 };

	return rows_write_calls(&from, out, err);
}

/* The file for people to grade in; what is handed out is a sentence about it. */
static bool grades_write(struct rung *r, const struct rows_out *out, struct error *err)
{
	struct human_counts counts;
	struct run_row run;
	struct buf said = { 0 };

	if (!rung_open_last(r, &run, err))
		return false;
	struct rows_from from = { r->task, r->store, run.id };
	const char *path = rung_beside_store(r, HUMAN_FILE);

	if (!r->task->grades)
		return error_set(err, "%s: scorer %s compares with what is right, which people's grades do not correct; they are for judge and command",
				 r->task->file, r->task->scorer);
	if (!human_write(&from, run.seed, path, &counts, err))
		return false;
	buf_addf(&said, "%s: %zu answers to test items, %zu of them graded; fill the column human (0 to 1, right or wrong) from the top, as far as "
		 "you like, then run `rung report`\n", path, counts.answers, counts.graded);
	rows_flush(out, &said);
	buf_release(&said);
	return true;
}

enum rung_status rung_export(struct rung *r, const char *what, void (*put)(void *context, const char *bytes, size_t n), void *context,
			     struct rung_error *err)
{
	const struct rows_out out = { put, context };
	struct error e;
	bool ok;

	if (strcmp(what, "calls") == 0)
		ok = calls_write(r, &out, &e);
	else if (strcmp(what, "outcomes") == 0)
		ok = rung_last_rows(r, rows_write_outcomes, &out, &e);
	else if (strcmp(what, "grades") == 0)
		ok = grades_write(r, &out, &e);
	else
		ok = error_set(&e, "\"%.80s\" is not one of calls, outcomes, grades", what);
	return ok ? RUNG_OK : rung_failed(RUNG_INPUT, &e, err);
}
