/* access_log.h - a line of JSON for each call, written to a file, a pipe or standard output (record.h, outbox.h).
 *
 * The file is appended to; one that was moved away is made anew, so that it can be rotated without a signal. A pipe that nobody reads, or a full
 * disk, holds up the writer's thread alone; it goes on where it was, so that no line is half there. */
#ifndef RUNG_SERVE_ACCESS_LOG_H
#define RUNG_SERVE_ACCESS_LOG_H

#include "serve/outbox.h"

struct access_log;

/* path: "-" is standard output. NULL and a sentence where it cannot be written; a pipe without a reader may get one later. Borrows path. */
struct access_log *access_log_open(const char *path, void (*notice)(void *context, const char *sentence), void *context, struct error *err);
void access_log_add(struct access_log *l, const char *line, size_t n);
struct outbox_counts access_log_counts(struct access_log *l);
void access_log_close(struct access_log *l, double most_ms);

#endif
