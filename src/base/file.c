/* file.c - POSIX files. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

size_t file_size(const char *path)
{
	struct stat is;

	return stat(path, &is) == 0 && is.st_size > 0 ? (size_t)is.st_size : 0;
}

/* Opens a regular file for reading; -1 and the sentence otherwise. */
static int open_regular(const char *path, size_t *size, struct error *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		error_set(err, "%s: cannot open: %s", path, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		error_set(err, "%s: not a regular file", path);
		close(fd);
		return -1;
	}
	*size = (size_t)st.st_size;
	return fd;
}

bool file_map(struct file_map *map, const char *path, struct error *err)
{
	size_t size = 0;
	int fd = open_regular(path, &size, err);
	void *data = NULL;

	if (fd < 0)
		return false;
	if (size)
		data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return error_set(err, "%s: cannot map %zu bytes: %s", path, size, strerror(errno));
	*map = (struct file_map){ data, size };
	return true;
}

void file_unmap(struct file_map *map)
{
	if (map->data)
		munmap((void *)(uintptr_t)map->data, map->n);
	*map = (struct file_map){ 0 };
}

static bool read_fully(int fd, char *bytes, size_t n)
{
	while (n) {
		ssize_t got = read(fd, bytes, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		bytes += got;
		n -= (size_t)got;
	}
	return true;
}

char *file_read(const char *path, size_t limit, size_t *n, struct error *err)
{
	size_t size = 0;
	int fd = open_regular(path, &size, err);
	char *bytes = NULL;

	if (fd < 0)
		return NULL;
	if (size > limit) {
		error_set(err, "%s: %zu bytes, more than the %zu that are read here", path, size, limit);
		goto out;
	}
	bytes = mem_alloc(size + 1);
	if (!read_fully(fd, bytes, size)) {
		error_set(err, "%s: cannot read: %s", path, strerror(errno));
		free(bytes);
		bytes = NULL;
		goto out;
	}
	bytes[size] = '\0';
	*n = size;
out:
	close(fd);
	return bytes;
}

bool file_write_begin(struct file_write *w, const char *path, struct error *err)
{
	*w = (struct file_write){ .path = path };
	int length = snprintf(w->temporary, sizeof(w->temporary), "%s.tmp", path);

	if (length < 0 || (size_t)length >= sizeof(w->temporary))
		return error_set(err, "%s: path too long", path);
	w->file = fopen(w->temporary, "wbe");
	return w->file || error_set(err, "%s: cannot write: %s", w->temporary, strerror(errno));
}

void file_write_put(struct file_write *w, const void *bytes, size_t n)
{
	if (n > 0 && !w->cause && fwrite(bytes, 1, n, w->file) != n) /* bytes may be NULL where n is 0 */
		w->cause = errno ? errno : EIO;
}

static void note_failure(struct file_write *w, bool failed)
{
	if (failed && !w->cause)
		w->cause = errno;
}

bool file_write_end(struct file_write *w, struct error *err)
{
	note_failure(w, fflush(w->file) != 0 || fsync(fileno(w->file)) != 0);
	note_failure(w, fclose(w->file) != 0);
	if (!w->cause)
		note_failure(w, rename(w->temporary, w->path) != 0);
	if (w->cause) {
		unlink(w->temporary);
		error_set(err, "%s: cannot write: %s; run the same command again once that is mended", w->path, strerror(w->cause));
		return error_again(err);
	}
	return true;
}

bool file_replace(const char *path, const void *bytes, size_t n, struct error *err)
{
	struct file_write w;

	if (!file_write_begin(&w, path, err))
		return false;
	file_write_put(&w, bytes, n);
	return file_write_end(&w, err);
}

bool file_make_folder(const char *path, struct error *err)
{
	char part[4096];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return error_set(err, "%s: cannot make a folder of this name", path);
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		char keep = part[i];

		part[i] = '\0';
		if (mkdir(part, 0777) != 0 && errno != EEXIST)
			return error_set(err, "%s: cannot make the folder: %s", part, strerror(errno));
		part[i] = keep;
	}
	return true;
}

void file_remove_folder(const char *path)
{
	DIR *dir = opendir(path);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		struct buf inner = { 0 };

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		buf_addf(&inner, "%s/%s", path, entry->d_name);
		if (unlink(inner.data) != 0)
			file_remove_folder(inner.data);
		buf_release(&inner);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

bool file_copy(const char *from, const char *to, struct error *err)
{
	struct file_map map = { 0 };
	bool copied;

	if (!file_map(&map, from, err))
		return false;
	copied = file_replace(to, map.data ? (const void *)map.data : "", map.n, err);
	file_unmap(&map);
	return copied;
}

bool file_copy_folder(const char *from, const char *to, struct error *err)
{
	DIR *dir = opendir(from);
	bool copied = dir ? file_make_folder(to, err) : error_set(err, "%s: cannot be read: %s", from, strerror(errno));

	for (struct dirent *entry; dir && copied && (entry = readdir(dir));) {
		struct buf source = { 0 }, target = { 0 };
		struct stat status;

		if (entry->d_name[0] == '.')
			continue;
		buf_addf(&source, "%s/%s", from, entry->d_name);
		buf_addf(&target, "%s/%s", to, entry->d_name);
		bool folder = stat(source.data, &status) == 0 && S_ISDIR(status.st_mode);

		copied = (folder ? file_copy_folder : file_copy)(source.data, target.data, err);
		buf_release(&source);
		buf_release(&target);
	}
	if (dir)
		closedir(dir);
	return copied;
}
