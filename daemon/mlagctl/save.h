/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows that are pieces of a file, put together: `mlagctl record FILE`.
 */
#ifndef MLAGCTL_SAVE_H
#define MLAGCTL_SAVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct save;

/** save_open() - NULL when the file cannot be written, which was said on @err */
struct save *save_open(const char *path, FILE *err);

/** save_row() - one piece: "offset", and "octets" as hexadecimal digits */
void save_row(struct save *save, const json_t *row);

/**
 * save_close() - keep the file, or take it away again
 * @complete: all pieces came
 *
 * Return: 0, or -errno when something could not be written, which was said on @err.
 */
int save_close(struct save *save, bool complete, FILE *err);

#endif
