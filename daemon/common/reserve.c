/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reserve (see reserve.h).  Pieces are cut off one after another and never given back singly:
 * when the last one in use is free, all of it is whole again.  One thread only, as its callers are.
 */
#include "common/reserve.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

static alignas(max_align_t) uint8_t reserve[RESERVE_SIZE];
static size_t used; /* octets from the beginning */
static size_t pieces;

void *reserve_malloc(size_t size)
{
	const size_t unit = alignof(max_align_t);
	void *memory = malloc(size);

	if (memory != NULL || size > RESERVE_SIZE) {
		return memory;
	}
	size = (size + unit - 1) / unit * unit;
	if (size > RESERVE_SIZE - used) {
		return NULL;
	}
	memory = reserve + used;
	used += size;
	pieces++;
	return memory;
}

void reserve_free(void *memory)
{
	uintptr_t place = (uintptr_t)memory;
	uintptr_t first = (uintptr_t)reserve;

	if (place < first || place >= first + RESERVE_SIZE) {
		free(memory);
		return;
	}
	if (--pieces == 0) {
		used = 0;
	}
}

size_t reserve_in_use(void)
{
	return pieces;
}
