/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of the pre-shared key: one line of 64 hexadecimal digits, or of base64, that are 32
 * bytes; lines that are empty or begin with '#' or ';' do not count.  `mlagctl genkey` makes one.
 */
#ifndef MLAGD_KEYFILE_H
#define MLAGD_KEYFILE_H

#include <stddef.h>

#include "peer/tls.h"

#define KEYFILE_SIZE_MAX 4096

/**
 * keyfile_parse() - the key in a text
 * @ret_key: untouched on failure
 *
 * Return: NULL, or what is wrong, for people.
 */
const char *keyfile_parse(const char *text, size_t size, struct tls_key *ret_key);

/**
 * keyfile_read() - the key in a file
 * @ret_why: on failure: what is wrong and what to do, for people; at least 160 bytes
 *
 * A file that others than its owner can read or write is refused.
 *
 * Return: 0, or -errno.
 */
int keyfile_read(const char *path, struct tls_key *ret_key, char *ret_why, size_t why_size);

#endif
