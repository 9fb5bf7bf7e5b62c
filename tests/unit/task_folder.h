/* task_folder.h - a temporary folder and the files a test puts into it. */
#ifndef RUNG_TEST_TASK_FOLDER_H
#define RUNG_TEST_TASK_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

struct folder {
	char path[64];
};

static inline struct folder folder_make(void)
{
	struct folder f = { "/tmp/rung-task-XXXXXX" };

	assert_non_null(mkdtemp(f.path));
	return f;
}

static inline void folder_write(const struct folder *f, const char *name, const void *bytes, size_t n)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	out = fopen(path, "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, n, out), n);
	assert_int_equal(fclose(out), 0);
}

/* Removes the folder and says how many files it held. */
static inline size_t folder_remove(const struct folder *f)
{
	DIR *dir = opendir(f->path);
	struct dirent *entry;
	size_t n = 0;
	char path[512];

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", f->path, entry->d_name);
		unlink(path);
		n++;
	}
	closedir(dir);
	rmdir(f->path);
	return n;
}

#endif
