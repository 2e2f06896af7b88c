// SPDX-License-Identifier: BSD-2-Clause
/*
 * A set of the machine's own MACs, kept by fdb.c from the bridge's local entries.  They are few
 * (a port has one, in all its VLANs) and asked for at every write, so the set is a sorted array.
 */
#include "kernel/fdblocal.h"

#include <string.h>

void fdblocal_clear(struct fdblocal *local)
{
	local->count = 0;
}

/* Where a MAC is, or where it would be. */
static uint32_t fdblocal_position(const struct fdblocal *local, const struct mlag_mac *mac)
{
	uint32_t low = 0, high = local->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (memcmp(&local->items[middle].mac, mac, sizeof(*mac)) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static bool fdblocal_is_at(const struct fdblocal *local, uint32_t i, const struct mlag_mac *mac)
{
	return i < local->count && memcmp(&local->items[i].mac, mac, sizeof(*mac)) == 0;
}

bool fdblocal_add(struct fdblocal *local, const struct mlag_mac *mac)
{
	uint32_t i = fdblocal_position(local, mac);

	if (!fdblocal_is_at(local, i, mac)) {
		if (local->count == FDBLOCAL_MAX) {
			return false;
		}
		memmove(&local->items[i + 1], &local->items[i],
			(local->count - i) * sizeof(local->items[0]));
		local->items[i].mac = *mac;
		local->items[i].entries = 0;
		local->count++;
	}
	local->items[i].entries++;
	return true;
}

void fdblocal_remove(struct fdblocal *local, const struct mlag_mac *mac)
{
	uint32_t i = fdblocal_position(local, mac);

	if (!fdblocal_is_at(local, i, mac)) {
		return;
	}
	local->items[i].entries--;
	if (local->items[i].entries == 0) {
		local->count--;
		memmove(&local->items[i], &local->items[i + 1],
			(local->count - i) * sizeof(local->items[0]));
	}
}

bool fdblocal_has(const struct fdblocal *local, const struct mlag_mac *mac)
{
	return fdblocal_is_at(local, fdblocal_position(local, mac), mac);
}
