// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files of lines for the next daemon of this boot (see statefile.h).  holder.c and holds.c keep theirs
 * by this.
 */
#include "kernel/statefile.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATEFILE_LINE_SIZE 128
#define STATEFILE_PATH_SIZE 520

/* "boot 123e4567-… namespace 4026531840": a process lives in one boot and stays in its namespace. */
static void identify(char ret_line[STATEFILE_LINE_SIZE])
{
	static char line[STATEFILE_LINE_SIZE];
	char boot[40] = "unknown";
	struct stat status = {0};
	FILE *file;

	if (line[0] != '\0') {
		memcpy(ret_line, line, sizeof(line));
		return;
	}
	file = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (file != NULL) {
		if (fscanf(file, "%39s", boot) != 1) {
			(void)strncpy(boot, "unknown", sizeof(boot));
		}
		(void)fclose(file);
	}
	(void)stat("/proc/self/ns/net", &status);
	(void)snprintf(line, sizeof(line), "boot %s namespace %llu", boot,
		       (unsigned long long)status.st_ino);
	memcpy(ret_line, line, sizeof(line));
}

void statefile_load(const char *path, statefile_line_fn *line, void *user)
{
	char wanted[STATEFILE_LINE_SIZE], text[STATEFILE_LINE_SIZE];
	FILE *file = fopen(path, "re");
	bool known = false;

	if (file == NULL) {
		return;
	}
	identify(wanted);
	while (fgets(text, sizeof(text), file) != NULL) {
		char *end = strchr(text, '\n');

		if (end == NULL) {
			break; /* cut off */
		}
		*end = '\0';
		if (known) {
			line(user, text);
		} else if (strcmp(text, wanted) != 0) {
			break;
		}
		known = true;
	}
	(void)fclose(file);
}

int statefile_save(const char *path, statefile_write_fn *write, void *user)
{
	char temporary[STATEFILE_PATH_SIZE], line[STATEFILE_LINE_SIZE];
	int error = 0;
	FILE *file;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary)) {
		return -ENAMETOOLONG;
	}
	file = fopen(temporary, "we");
	if (file == NULL) {
		return -errno;
	}
	identify(line);
	(void)fprintf(file, "%s\n", line);
	write(user, file);
	if (fflush(file) != 0) {
		error = -errno;
	} else if (ferror(file) != 0) {
		error = -EIO;
	}
	if (fclose(file) != 0 && error == 0) {
		error = -errno;
	}
	if (error == 0 && rename(temporary, path) < 0) {
		error = -errno;
	}
	if (error < 0) {
		(void)unlink(temporary);
	}
	return error;
}
