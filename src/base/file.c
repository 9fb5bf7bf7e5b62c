/* file.c - POSIX files. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
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

static bool write_fully(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t put = write(fd, bytes, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		bytes += put;
		n -= (size_t)put;
	}
	return fsync(fd) == 0;
}

bool file_replace(const char *path, const void *bytes, size_t n, struct error *err)
{
	char temporary[4096];
	int length = snprintf(temporary, sizeof(temporary), "%s.tmp", path);

	if (length < 0 || (size_t)length >= sizeof(temporary))
		return error_set(err, "%s: path too long", path);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return error_set(err, "%s: cannot write: %s", temporary, strerror(errno));
	bool written = write_fully(fd, bytes, n);
	int cause = errno;

	if (close(fd) != 0 && written) {
		written = false;
		cause = errno;
	}
	if (written && rename(temporary, path) != 0) {
		written = false;
		cause = errno;
	}
	if (!written) {
		unlink(temporary);
		return error_set(err, "%s: cannot write: %s", path, strerror(cause));
	}
	return true;
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
