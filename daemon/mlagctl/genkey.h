/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `mlagctl genkey`: a pre-shared key for a pair.  It needs no mlagd.
 */
#ifndef MLAGCTL_GENKEY_H
#define MLAGCTL_GENKEY_H

#include <stdio.h>

/**
 * genkey_run() - make a key
 * @path: the file to make, which must not be there yet; NULL to print the key
 * @out: where it is printed to
 * @err: what went wrong, for people
 *
 * The file appears whole, readable by its owner alone, or not at all.
 *
 * Return: 0, or -errno.
 */
int genkey_run(const char *path, FILE *out, FILE *err);

#endif
