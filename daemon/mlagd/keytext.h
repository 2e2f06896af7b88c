/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of the replicated tables as people write them, for log lines and `mlagctl diff`.
 */
#ifndef MLAGD_KEYTEXT_H
#define MLAGD_KEYTEXT_H

#include "mlag.h"

#define MLAGD_KEY_TEXT_SIZE 128

/**
 * keytext_write() - such as "02:00:00:00:00:01 VLAN 10", "10.0.10.7 VLAN 10", "LAG 1"
 * @key: a key; "all of it" when it names no row
 * @ret_text: at least MLAGD_KEY_TEXT_SIZE bytes
 *
 * Return: @ret_text.
 */
const char *keytext_write(const struct mlag_row_key *key, char *ret_text, size_t size);

#endif
