/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hellos in the world of world.h: said by every path, late, lost, or in another order.
 */
#include <string.h>

#include "worldkernel.h"

static void queue_hello(struct world *world, uint32_t to, enum mlag_path path, const uint8_t *data,
			uint32_t size)
{
	struct world_member *m = &world->members[to];
	struct world_hello *hello = &m->hellos[m->hellos_count];

	if (world_random(world, 100) < world->hello_loss_percent) {
		world->hellos_lost++;
		return;
	}
	worldguard_hear(world, to, data, size);
	if (m->hellos_count == WORLD_HELLOS_MAX || !m->running) {
		world->hellos_lost++;
		return;
	}
	m->hellos_count++;
	hello->path = path;
	hello->size = size;
	memcpy(hello->data, data, size);
	hello->due_ns = world->now_ns + world->latency_ns;
	hello->due_ns +=
		(uint64_t)world_random(world, (uint32_t)(world->hello_delay_ns / 1000) + 1) * 1000;
	world->faults[WORLD_FAULT_HELLO_LATE] += hello->due_ns > world->now_ns + world->latency_ns;
}

/* The same octets on every path. */
void world_say(struct world *world, uint32_t member, const uint8_t *data, uint32_t size)
{
	uint32_t to = 1 - member;

	if (!world->members[to].running && !world->guards) {
		return;
	}
	world->hellos++;
	for (uint32_t i = 0; i < 1 + (world_random(world, 100) < world->hello_double_percent);
	     i++) {
		world->faults[WORLD_FAULT_HELLO_DOUBLE] += i;
		if (world->peer_link && world->link_passes[member]) {
			queue_hello(world, to, MLAG_PATH_PEER_LINK, data, size);
		}
		if (world->backup_passes[member]) {
			queue_hello(world, to, MLAG_PATH_BACKUP, data, size);
		}
	}
}

void worldhello_say(struct world *world, uint32_t member)
{
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	uint32_t size = mlag_next_hello(world->members[member].engine,
					world_member_ns(world, member), data);

	if (size > 0) {
		world_say(world, member, data, size);
		worldguard_renew(world, member, data, size);
	}
}

static bool is_of_daemon(const struct world_hello *hello)
{
	static struct hello read;

	return hello_get(hello->data, hello->size, &read) && read.kind == HELLO_KIND_DAEMON;
}

void worldhello_deliver(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];
	uint32_t i = 0;

	while (m->running && i < m->hellos_count) {
		struct mlag_event event = {.type = MLAG_EVENT_HELLO};
		struct world_hello hello = m->hellos[i];

		if (hello.due_ns > world->now_ns) {
			i++;
			continue;
		}
		m->hellos_count--;
		memmove(&m->hellos[i], &m->hellos[i + 1],
			(m->hellos_count - i) * sizeof(m->hellos[0]));
		if (is_of_daemon(&hello)) {
			m->hello_heard_ns = world->now_ns;
		}
		event.hello.path = hello.path;
		event.hello.data = hello.data;
		event.hello.size = hello.size;
		event.hello.authentic = true;
		world_step(world, member, &event);
	}
}
