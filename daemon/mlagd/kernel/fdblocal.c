// SPDX-License-Identifier: BSD-2-Clause
/*
 * A set of the machine's own MACs, kept by fdb.c from the bridge's local entries.  They are few
 * (a port has one, in all its VLANs), so the set is an array.
 */
#include "kernel/fdblocal.h"

#include <string.h>

void fdblocal_clear(struct fdblocal *local)
{
	local->count = 0;
}

static uint32_t fdblocal_find(const struct fdblocal *local, const struct mlag_mac *mac)
{
	uint32_t i;

	for (i = 0; i < local->count; i++) {
		if (memcmp(&local->items[i].mac, mac, sizeof(*mac)) == 0) {
			break;
		}
	}
	return i;
}

bool fdblocal_add(struct fdblocal *local, const struct mlag_mac *mac)
{
	uint32_t i = fdblocal_find(local, mac);

	if (i == FDBLOCAL_MAX) {
		return false;
	}
	if (i == local->count) {
		local->items[i].mac = *mac;
		local->items[i].entries = 0;
		local->count++;
	}
	local->items[i].entries++;
	return true;
}

void fdblocal_remove(struct fdblocal *local, const struct mlag_mac *mac)
{
	uint32_t i = fdblocal_find(local, mac);

	if (i == local->count) {
		return;
	}
	local->items[i].entries--;
	if (local->items[i].entries == 0) {
		local->count--;
		local->items[i] = local->items[local->count];
	}
}

bool fdblocal_has(const struct fdblocal *local, const struct mlag_mac *mac)
{
	return fdblocal_find(local, mac) < local->count;
}
