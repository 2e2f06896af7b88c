/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's own MAC addresses on the bridge, which no FDB operation may touch: an entry set
 * over a local one would take the machine's own traffic away from it.
 */
#ifndef MLAGD_KERNEL_FDBLOCAL_H
#define MLAGD_KERNEL_FDBLOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "types.h"

/* A few a port; more are counted by nobody, and not protected. */
#define FDBLOCAL_MAX 1024

/**
 * struct fdblocal - a small set of MAC addresses
 * @count: how many of @items are filled
 * @items.entries: local entries (of any VLAN) with this MAC; may be more than there are, because
 *	entries that are told twice are counted twice, until fdblocal_clear()
 */
struct fdblocal {
	uint32_t count;
	struct {
		struct mlag_mac mac;
		uint32_t entries;
	} items[FDBLOCAL_MAX];
};

/* Forget all, before a dump that tells them anew. */
void fdblocal_clear(struct fdblocal *local);

/* One more entry; false when there is no room. */
bool fdblocal_add(struct fdblocal *local, const struct mlag_mac *mac);

/* One entry less. */
void fdblocal_remove(struct fdblocal *local, const struct mlag_mac *mac);

bool fdblocal_has(const struct fdblocal *local, const struct mlag_mac *mac);

#endif
