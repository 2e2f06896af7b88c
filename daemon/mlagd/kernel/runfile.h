/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file in the run directory that speaks of devices by their numbers: worth something in one boot
 * and one network namespace only, which its first line names.  It is whole at any moment.
 */
#ifndef MLAGD_KERNEL_RUNFILE_H
#define MLAGD_KERNEL_RUNFILE_H

#include <stdio.h>

#define RUNFILE_PATH_SIZE 256

/**
 * runfile_read() - open it behind its first line
 * @path: the file
 *
 * Return: for fclose(), or NULL: there is none, or it is of another boot or namespace.
 */
FILE *runfile_read(const char *path);

/**
 * runfile_replace() - write it anew, all or nothing
 * @path: the file
 * @write: writes what follows the first line; its errors are the stream's
 * @user: for @write
 *
 * Return: 0, or -errno: the file is then as it was.
 */
int runfile_replace(const char *path, void (*write)(FILE *file, const void *user),
		    const void *user);

#endif
