/* file.h - files: read whole, mapped, or replaced at once. */
#ifndef RUNG_BASE_FILE_H
#define RUNG_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct file_map {
	const uint8_t *data; /* read-only; NULL for an empty file */
	size_t n;
};

bool file_exists(const char *path);
size_t file_size(const char *path); /* in bytes; 0 of one that is not there */

/* Maps a regular file. Someone who truncates it while it is mapped ends the process (SIGBUS): models are not edited. */
bool file_map(struct file_map *map, const char *path, struct error *err);
void file_unmap(struct file_map *map);

/* The whole file, NUL added behind its *n bytes; the caller frees it. Larger than limit bytes is an error. */
char *file_read(const char *path, size_t limit, size_t *n, struct error *err);

/* Writes path.tmp, syncs, renames: readers see the old file or the new one; on failure no trace is left. */
bool file_replace(const char *path, const void *bytes, size_t n, struct error *err);

/* The same piece by piece: every begin that succeeds has its end, which says whether all pieces were written. Borrows path. */
struct file_write {
	const char *path;
	char temporary[4096];
	FILE *file;
	int cause; /* errno of the first failure */
};
bool file_write_begin(struct file_write *w, const char *path, struct error *err);
void file_write_put(struct file_write *w, const void *bytes, size_t n);
bool file_write_end(struct file_write *w, struct error *err);

/* mkdir -p */
bool file_make_folder(const char *path, struct error *err);
/* rm -r of a folder that is ours; what cannot be removed stays. */
void file_remove_folder(const char *path);

/* A file to another, replaced at once; and all files of a folder, and of the folders in it, hidden ones left out. */
bool file_copy(const char *from, const char *to, struct error *err);
bool file_copy_folder(const char *from, const char *to, struct error *err);

#endif
