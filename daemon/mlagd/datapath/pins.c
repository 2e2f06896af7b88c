// SPDX-License-Identifier: BSD-2-Clause
/*
 * The pair's directory in bpffs (see pins.h).
 */
#include "datapath/pins.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PINS_BPFFS "/sys/fs/bpf"
#define PINS_PARENT PINS_BPFFS "/mlag"

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

void pins_remove(const char *path)
{
	(void)rmdir(path);
}
