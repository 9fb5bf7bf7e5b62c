/* memory_file.h - the fuzzer's bytes as a file with a path (Linux: memfd), for readers that map files.
 *
 * One file for the whole process, filled anew for each input: opening one each time would cost more than the reader. */
#ifndef RUNG_FUZZ_MEMORY_FILE_H
#define RUNG_FUZZ_MEMORY_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The path is the same for every call; what was opened there before must be closed again. */
static inline const char *memory_file(const uint8_t *bytes, size_t n)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, bytes, n, 0) != (ssize_t)n)
		abort();
	return path;
}

#endif
