/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What two members of different versions say to each other: a newer one has types that the other
 * does not know and says more behind what it knows; an older one has no features, so neither uses
 * what came with them.
 */
#include <string.h>

#include "wire.h"
#include "world.h"

uint32_t world_fault_random(struct world *world, uint32_t below)
{
	uint64_t kept = world->random;
	uint32_t number;

	world->random = world->fault_random;
	number = world_random(world, below);
	world->fault_random = world->random;
	world->random = kept;
	return number;
}

static void set_size(uint8_t *data, uint32_t size)
{
	struct buf_writer writer;

	buf_writer_init(&writer, data, 4);
	buf_put_u32(&writer, size - MLAG_WIRE_HEADER_SIZE);
}

/* An older HELLO has no features, and an older keepalive nothing behind its digests. */
static uint32_t make_older(struct world *world, uint8_t *data, uint32_t size)
{
	uint8_t *payload = data + MLAG_WIRE_HEADER_SIZE;

	mlag_assert(data[5] <= WIRE_RESYNC);
	if (data[5] == WIRE_HELLO) {
		memset(payload + 4, 0, 8);
		payload[11] = (uint8_t)WIRE_FEATURE_LAST_RESORT;
		world->faults[WORLD_FAULT_OLDER]++;
	} else if (data[5] == WIRE_KEEPALIVE) {
		size = MLAG_WIRE_HEADER_SIZE + 7 + payload[6] * (1U + 1U + 12U + 12U);
		world->faults[WORLD_FAULT_OLDER]++;
	}
	return size;
}

uint32_t world_translate(struct world *world, uint8_t *data, uint32_t size)
{
	uint32_t surplus;

	switch (world->dialect) {
	case WORLD_DIALECT_SAME:
		break;
	case WORLD_DIALECT_OLDER:
		size = make_older(world, data, size);
		set_size(data, size);
		break;
	case WORLD_DIALECT_NEWER:
		surplus = world_fault_random(world, 40);
		if (size + surplus <= MLAG_WIRE_MESSAGE_MAX && data[5] != WIRE_REFUSE) {
			memset(data + size, 0xee, surplus);
			size += surplus;
			set_size(data, size);
			world->faults[WORLD_FAULT_LONGER] += surplus > 0;
		}
		break;
	}
	return size;
}

uint32_t world_unknown_message(struct world *world, uint8_t *ret_data)
{
	uint32_t size = MLAG_WIRE_HEADER_SIZE + world_fault_random(world, 300);

	world->faults[WORLD_FAULT_UNKNOWN]++;
	memset(ret_data, 0x55, size);
	memset(ret_data, 0, MLAG_WIRE_HEADER_SIZE);
	ret_data[5] = (uint8_t)(100 + world_fault_random(world, 100));
	set_size(ret_data, size);
	return size;
}
