/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small files of lines in the run directory, for what has to outlive the daemon but not the boot: the
 * first line says which boot and which network namespace they are about, for numbers of devices mean
 * nothing elsewhere.  A file is whole at any moment.
 */
#ifndef MLAGD_KERNEL_STATEFILE_H
#define MLAGD_KERNEL_STATEFILE_H

#include <stdio.h>

/** statefile_line_fn - told each line, without its newline */
typedef void statefile_line_fn(void *user, const char *line);

/**
 * statefile_load() - read a file, if it is of this boot and namespace
 * @path: the file; one that is not there has no lines
 */
void statefile_load(const char *path, statefile_line_fn *line, void *user);

/** statefile_write_fn - writes the lines */
typedef void statefile_write_fn(void *user, FILE *file);

/**
 * statefile_save() - replace a file
 *
 * Return: 0 or -errno; then the one before is still there.
 */
int statefile_save(const char *path, statefile_write_fn *write, void *user);

#endif
