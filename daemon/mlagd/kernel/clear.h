/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes entries of ours out of the kernel's tables, whichever daemon made them: the end of
 * `mlagctl leave`, when nobody follows them any more.
 */
#ifndef MLAGD_KERNEL_CLEAR_H
#define MLAGD_KERNEL_CLEAR_H

#include <stdbool.h>
#include <stdint.h>

#include "mlag.h"

/**
 * clear_fdb() - delete entries of a bridge's FDB
 * @bridge_ifindex, @vlan_aware: as for fdb_set_bridge()
 * @is_ours: says of each entry whether it goes; local ones are not asked about
 * @user: for @is_ours
 * @ret_count: how many were deleted
 *
 * A dump may miss entries while others come and go, so it is repeated until one finds none.
 *
 * Return: 0, -EAGAIN when there were still some in the last of them, or -errno.
 */
int clear_fdb(uint32_t bridge_ifindex, bool vlan_aware,
	      bool (*is_ours)(void *user, const struct mlag_mac_key *key,
			      const struct mlag_fdb_entry *entry),
	      void *user, uint32_t *ret_count);

/**
 * clear_neighbors() - delete those neighbours that carry our protocol number
 * @is_ours: says of a device whether it is one of the pair's
 * @user: for @is_ours
 * @ret_count: how many were deleted
 *
 * Return: as clear_fdb().
 */
int clear_neighbors(bool (*is_ours)(void *user, uint32_t ifindex), void *user, uint32_t *ret_count);

#endif
