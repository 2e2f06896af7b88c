/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sorted array of values of one size: for tables that are read often and changed seldom.
 */
#ifndef MLAGD_KERNEL_SORTED_H
#define MLAGD_KERNEL_SORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct sorted - the array
 * @items: by ascending order, NULL while there were none
 * @count: how many there are
 * @room: how many fit before it grows
 * @size: bytes of one
 * @max: it never holds more
 * @compare: as of qsort(); equal items are the same item
 */
struct sorted {
	void *items;
	uint32_t count;
	uint32_t room;
	size_t size;
	uint32_t max;
	int (*compare)(const void *a, const void *b);
};

/** sorted_fini() - free the items; it is empty then */
void sorted_fini(struct sorted *sorted);

/** sorted_at() - an item by its place, below count */
void *sorted_at(const struct sorted *sorted, uint32_t index);

/** sorted_find() - the item that equals @wanted, or NULL; valid until items come or go */
void *sorted_find(const struct sorted *sorted, const void *wanted);

/** sorted_lower() - the place of the first item that is not less than @wanted; count for none */
uint32_t sorted_lower(const struct sorted *sorted, const void *wanted);

/**
 * sorted_put() - find an item, or add it
 * @item: copied when it is new
 * @ret_item: the item in the array; one that was there is as it was
 *
 * Return: 1 when it is new, 0 when it was there, -ENOSPC beyond @max, -ENOMEM.
 */
int sorted_put(struct sorted *sorted, const void *item, void **ret_item);

/** sorted_remove() - take out the item at a place */
void sorted_remove(struct sorted *sorted, uint32_t index);

#endif
