// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files of the run directory about devices (see runfile.h).  knobs.c and found.c keep in them what
 * has to be put back, so that a daemon that was killed in between leaves nothing that its successor
 * does not know of.
 */
#include "kernel/runfile.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_SIZE 40

struct identity {
	char boot[BOOT_SIZE];
	unsigned long long namespace;
};

/* Which boot this is, and which network namespace: numbers of devices mean nothing elsewhere. */
static void identify(struct identity *ret)
{
	struct stat status;
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	memset(ret, 0, sizeof(*ret));
	if (file != NULL) {
		if (fscanf(file, "%39s", ret->boot) != 1) {
			ret->boot[0] = '\0';
		}
		(void)fclose(file);
	}
	if (stat("/proc/self/ns/net", &status) == 0) {
		ret->namespace = status.st_ino;
	}
}

FILE *runfile_read(const char *path)
{
	struct identity now, then = {.boot = ""};
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		return NULL;
	}
	identify(&now);
	if (fscanf(file, "boot %39s namespace %llu", then.boot, &then.namespace) == 2 &&
	    strcmp(then.boot, now.boot) == 0 && then.namespace == now.namespace) {
		return file;
	}
	(void)fclose(file);
	return NULL;
}

static int write_all(const char *path, void (*write)(FILE *file, const void *user),
		     const void *user)
{
	struct identity now;
	FILE *file = fopen(path, "we");
	int error = 0;

	if (file == NULL) {
		return -errno;
	}
	identify(&now);
	(void)fprintf(file, "boot %s namespace %llu\n", now.boot, now.namespace);
	write(file, user);
	if (fflush(file) != 0) {
		error = -errno;
	} else if (ferror(file) != 0) {
		error = -EIO;
	}
	if (fclose(file) != 0 && error == 0) {
		error = -errno;
	}
	return error;
}

int runfile_replace(const char *path, void (*write)(FILE *file, const void *user), const void *user)
{
	char fresh[RUNFILE_PATH_SIZE + 8];
	int error;

	(void)snprintf(fresh, sizeof(fresh), "%s.new", path);
	error = write_all(fresh, write, user);
	if (error == 0 && rename(fresh, path) < 0) {
		error = -errno;
	}
	if (error < 0) {
		(void)unlink(fresh);
	}
	return error;
}
