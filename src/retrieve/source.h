/* source.h - what paths, folders and globs name on disk: the files to read, and whether a document's name is among them.
 *
 * A glob has *, ? and [...] within a part of a path and ** for any number of folders. Hidden files and folders are passed
 * over unless their part of the path is written out. Links are followed; every folder is read once, so that links in a
 * circle end. */
#ifndef RUNG_RETRIEVE_SOURCE_H
#define RUNG_RETRIEVE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* What a task file or a command line names: paths, folders, globs; or rows of tables. */
struct source {
	const char *const *paths; /* (n_paths) relative to folder */
	size_t n_paths;
	const char *folder;
	/* Rows of CSV, TSV or JSONL files: columns whose values are the text, joined by ": ", and the column that names the
	 * row (NULL: its number). The other columns become metadata. n_text 0: files are documents. */
	const char *const *text;
	size_t n_text;
	const char *id;
};

struct source_file {
	const char *path; /* to open */
	const char *name; /* relative to the folder, without "." and empty parts: what the document is called */
};

struct source_walk {
	const struct source_file *files; /* by rising name, each once */
	size_t n_files;
	const char *const *folders;      /* paths that were read or hold a file that was named: where changes show */
	size_t n_folders;
	const char *const *unknown;      /* names below which nothing could be seen */
	size_t n_unknown;
};

/* Lives in arena. What cannot be read is a sentence for `refused`; the rest goes on. */
struct source_walk source_walk(const struct source *s, struct arena *arena, void (*refused)(void *context, const char *sentence),
			       void *context);

/* The path without "." and empty parts, and without "x/..": "./docs//a.md" is "docs/a.md"; "" for ".". */
const char *source_name(struct arena *arena, const char *path);

/* Whether a document of that name (path, or path#row) comes from what the source names, be it there or not. */
bool source_covers(const struct source *s, const char *name);

/* Whether that is the document's name, a folder above it, the table that it is a row of, or a glob for its name. */
bool source_matches(const char *pattern, const char *name);

#endif
