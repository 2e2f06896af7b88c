// SPDX-License-Identifier: BSD-2-Clause
/*
 * A sorted array (see sorted.h), used by the model of addresses for links, addresses and rows: some
 * ten thousand items, of which a change moves a few hundred kilobytes at worst.
 */
#include "kernel/sorted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SORTED_ROOM_FIRST 16

void sorted_fini(struct sorted *sorted)
{
	free(sorted->items);
	sorted->items = NULL;
	sorted->count = 0;
	sorted->room = 0;
}

void *sorted_at(const struct sorted *sorted, uint32_t index)
{
	return (char *)sorted->items + index * sorted->size;
}

uint32_t sorted_lower(const struct sorted *sorted, const void *wanted)
{
	uint32_t low = 0;
	uint32_t high = sorted->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (sorted->compare(sorted_at(sorted, middle), wanted) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

void *sorted_find(const struct sorted *sorted, const void *wanted)
{
	uint32_t index = sorted_lower(sorted, wanted);

	if (index == sorted->count || sorted->compare(sorted_at(sorted, index), wanted) != 0) {
		return NULL;
	}
	return sorted_at(sorted, index);
}

static int sorted_grow(struct sorted *sorted)
{
	uint32_t room = sorted->room == 0 ? SORTED_ROOM_FIRST : sorted->room * 2;
	void *items;

	if (sorted->count == sorted->max) {
		return -ENOSPC;
	}
	if (sorted->count < sorted->room) {
		return 0;
	}
	items = reallocarray(sorted->items, room, sorted->size);
	if (items == NULL) {
		return -ENOMEM;
	}
	sorted->items = items;
	sorted->room = room;
	return 0;
}

int sorted_put(struct sorted *sorted, const void *item, void **ret_item)
{
	uint32_t index = sorted_lower(sorted, item);
	int error;

	if (index < sorted->count && sorted->compare(sorted_at(sorted, index), item) == 0) {
		*ret_item = sorted_at(sorted, index);
		return 0;
	}
	error = sorted_grow(sorted);
	if (error < 0) {
		return error;
	}
	memmove((char *)sorted->items + (index + 1) * sorted->size, sorted_at(sorted, index),
		(sorted->count - index) * sorted->size);
	memcpy(sorted_at(sorted, index), item, sorted->size);
	sorted->count++;
	*ret_item = sorted_at(sorted, index);
	return 1;
}

void sorted_remove(struct sorted *sorted, uint32_t index)
{
	sorted->count--;
	memmove(sorted_at(sorted, index), (char *)sorted->items + (index + 1) * sorted->size,
		(sorted->count - index) * sorted->size);
}
