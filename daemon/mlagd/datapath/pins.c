// SPDX-License-Identifier: BSD-2-Clause
/*
 * The pair's directory in bpffs (see pins.h).
 */
#include "datapath/pins.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define PINS_BPFFS "/sys/fs/bpf"
#define PINS_PARENT PINS_BPFFS "/mlag"
#define PINS_TRIES_MAX 8 /* another may remove the directory between making and using it */

static int make_directory(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int pins_open(uint16_t domain_id, char ret_path[PINS_PATH_SIZE])
{
	struct statfs filesystem;
	struct stat namespace;
	int error;

	if (statfs(PINS_BPFFS, &filesystem) < 0 ||
	    (unsigned long)filesystem.f_type != BPF_FS_MAGIC) {
		return -ENOENT;
	}
	if (stat("/proc/thread-self/ns/net", &namespace) < 0) {
		return -errno;
	}
	error = make_directory(PINS_PARENT);
	if (error < 0) {
		return error;
	}
	(void)snprintf(ret_path, PINS_PATH_SIZE, PINS_PARENT "/%llu-%u",
		       (unsigned long long)namespace.st_ino, domain_id);
	return make_directory(ret_path);
}

/* The directory a name is in, and the one above it. */
static int make_directory_of(const char *path)
{
	char directory[2 * PINS_PATH_SIZE];
	const char *slash = strrchr(path, '/');
	int error = make_directory(PINS_PARENT);

	if (error < 0) {
		return error;
	}
	(void)snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
	return make_directory(directory);
}

int pins_put(int fd, const char *path)
{
	int error;

	(void)unlink(path);
	error = bpf_obj_pin(fd, path);
	for (uint32_t try = 0; error == -ENOENT && try < PINS_TRIES_MAX; try++) {
		error = make_directory_of(path);
		if (!error) {
			error = bpf_obj_pin(fd, path);
		}
	}
	return error;
}

static int make_path(const char *directory, const char *name, const char *suffix,
		     char ret_path[PINS_PATH_SIZE])
{
	int length = snprintf(ret_path, PINS_PATH_SIZE, "%s/%s%s", directory, name, suffix);

	return length > 0 && length < PINS_PATH_SIZE ? 0 : -ENAMETOOLONG;
}

int pins_get(const char *directory, const char *name)
{
	char path[PINS_PATH_SIZE];
	int error = make_path(directory, name, "", path);

	return error ? error : bpf_obj_get(path);
}

int pins_replace(int fd, const char *directory, const char *name)
{
	char path[PINS_PATH_SIZE];
	char path_new[PINS_PATH_SIZE];
	int error = make_path(directory, name, "", path);

	/* A name in bpffs has no dot in it. */
	error = error ? error : make_path(directory, name, "_new", path_new);
	error = error ? error : pins_put(fd, path_new);
	if (error) {
		return error;
	}
	if (rename(path_new, path) < 0) {
		error = -errno;
		(void)unlink(path_new);
	}
	return error;
}

void pins_drop(const char *directory, const char *name)
{
	char path[PINS_PATH_SIZE];

	if (!make_path(directory, name, "", path)) {
		(void)unlink(path);
	}
}

void pins_each(const char *directory, void (*on_other)(void *user, const char *other), void *user)
{
	char parent[PINS_PATH_SIZE];
	char path[PINS_PATH_SIZE + 256];
	const struct dirent *entry;
	DIR *entries;

	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(directory, '/') - directory),
		       directory);
	entries = opendir(parent);
	while (entries && (entry = readdir(entries))) {
		(void)snprintf(path, sizeof(path), "%s/%s", parent, entry->d_name);
		if (entry->d_name[0] != '.' && strcmp(path, directory) != 0) {
			on_other(user, path);
		}
	}
	if (entries) {
		closedir(entries);
	}
}

void pins_remove(const char *path)
{
	(void)rmdir(path);
}
