/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The neighbours of a world's kernels: entries that are learned, confirmed, aged, asked in vain and
 * flushed; a dump that leaves entries out; and the adapter's promise that an event that was on its
 * way before a write is not told after it.
 */
#include <stdio.h>
#include <string.h>

#include "worldkernel.h"

static const struct mlag_neighbor_entry nothing;

uint32_t world_neighbor_random(struct world *world, uint32_t below)
{
	uint64_t kept = world->random;
	uint32_t number;

	world->random = world->neighbor_random;
	number = world_random(world, below);
	world->neighbor_random = world->random;
	world->random = kept;
	return number;
}

struct mlag_neighbor_key world_neighbor_key(uint32_t neighbor)
{
	struct mlag_neighbor_key key;

	memset(&key, 0, sizeof(key));
	key.device = MLAG_NEIGHBOR_ON_SVI;
	key.vlan = WORLD_VLAN;
	if (neighbor % 2 == 0) {
		key.family = 4;
		key.octets[0] = 10;
		key.octets[3] = (uint8_t)(neighbor + 1);
	} else {
		key.family = 6;
		key.octets[0] = 0x20;
		key.octets[15] = (uint8_t)(neighbor + 1);
	}
	return key;
}

static uint32_t number_of(const struct mlag_neighbor_key *key)
{
	return (key->family == 4 ? key->octets[3] : key->octets[15]) - 1U;
}

struct mlag_mac world_neighbor_mac(uint32_t mac)
{
	struct mlag_mac octets = {{0x02, 0xdd, 0, 0, 0, (uint8_t)mac}};

	return octets;
}

static bool has_mac(const struct mlag_neighbor_entry *entry)
{
	return entry->state >= MLAG_NEIGHBOR_KNOWN;
}

/* ---- what the daemon is told ---------------------------------------------------------------- */

static void step_entry(struct world *world, uint32_t member, uint32_t neighbor,
		       const struct mlag_neighbor_entry *entry)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR};

	event.neighbor.key = world_neighbor_key(neighbor);
	event.neighbor.entry = *entry;
	world_step(world, member, &event);
}

static void notify(struct world *world, uint32_t member, uint32_t neighbor,
		   const struct mlag_neighbor_entry *entry)
{
	struct world_member *m = &world->members[member];
	struct world_neighbor_event *event = &m->neighbor_events[m->neighbor_events_count];

	if (!m->running || !m->svi) {
		return;
	}
	mlag_assert(m->neighbor_events_count < WORLD_EVENTS_MAX);
	event->due_ns =
		world->now_ns + (uint64_t)world_neighbor_random(
					world, (uint32_t)(world->event_delay_ns / 1000) + 1) *
					1000;
	if (m->neighbor_events_count > 0 && event[-1].due_ns > event->due_ns) {
		event->due_ns = event[-1].due_ns;
	}
	event->neighbor = neighbor;
	event->entry = *entry;
	m->neighbor_events_count++;
	world->neighbor_events++;
}

static void drop_event(struct world_member *m, uint32_t index)
{
	m->neighbor_events_count--;
	memmove(&m->neighbor_events[index], &m->neighbor_events[index + 1],
		(m->neighbor_events_count - index) * sizeof(m->neighbor_events[0]));
}

void worldkernel_deliver_neighbors(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];

	while (m->running && m->neighbor_events_count > 0 &&
	       m->neighbor_events[0].due_ns <= world->now_ns) {
		struct world_neighbor_event event = m->neighbor_events[0];

		drop_event(m, 0);
		step_entry(world, member, event.neighbor, &event.entry);
	}
}

/* A dump that leaves out what it likes: the kernel is asked for that by key. */
static void dump(struct world *world, uint32_t member)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_DUMP_BEGIN};

	world_step(world, member, &event);
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		const struct world_neighbor *neighbor = &world->members[member].neighbors[i];

		if (has_mac(&neighbor->entry) && world_neighbor_random(world, 8) != 0) {
			step_entry(world, member, i, &neighbor->entry);
		} else if (has_mac(&neighbor->entry)) {
			/* The next dump will have it. */
			notify(world, member, i, &neighbor->entry);
		}
	}
	event.type = MLAG_EVENT_NEIGHBOR_DUMP_END;
	world_step(world, member, &event);
}

static void tell_device(struct world *world, uint32_t member)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_DEVICE};

	event.neighbor_device.vlan = WORLD_VLAN;
	event.neighbor_device.device = MLAG_NEIGHBOR_ON_SVI;
	event.neighbor_device.ifindex = world->members[member].svi ? WORLD_SVI : 0;
	world_step(world, member, &event);
}

void worldkernel_start_neighbors(struct world *world, uint32_t member)
{
	world->members[member].neighbor_events_count = 0;
	tell_device(world, member);
	if (world->members[member].svi) {
		dump(world, member);
	}
}

void world_set_svi(struct world *world, uint32_t member, bool present)
{
	struct world_member *m = &world->members[member];

	if (m->svi == present) {
		return;
	}
	m->svi = present;
	m->neighbor_events_count = 0;
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		m->neighbors[i].entry = nothing;
	}
	if (m->running) {
		tell_device(world, member);
	}
}

/* ---- what the daemon writes ----------------------------------------------------------------- */

/* Events of this key that were on their way before the write say nothing any more. */
static void after_write(struct world *world, uint32_t member, uint32_t neighbor, bool report)
{
	struct world_member *m = &world->members[member];

	for (uint32_t i = m->neighbor_events_count; i > 0; i--) {
		if (m->neighbor_events[i - 1].neighbor == neighbor) {
			drop_event(m, i - 1);
			report = true;
		}
	}
	if (report) {
		step_entry(world, member, neighbor, &m->neighbors[neighbor].entry);
	}
}

static bool write_entry(struct world_member *m, const struct mlag_neighbor_operation *operation)
{
	struct mlag_neighbor_entry *entry = &m->neighbors[number_of(&operation->key)].entry;

	switch (operation->verb) {
	case MLAG_NEIGHBOR_VERB_NONE:
	case MLAG_NEIGHBOR_VERB_VERIFY:
		break;
	case MLAG_NEIGHBOR_VERB_SET:
		mlag_assert(entry->state != MLAG_NEIGHBOR_STATIC);
		entry->state = MLAG_NEIGHBOR_KNOWN;
		entry->marked = true;
		entry->mac = operation->mac;
		break;
	case MLAG_NEIGHBOR_VERB_KEEP:
		if (!has_mac(entry)) {
			return false;
		}
		entry->marked = false;
		break;
	case MLAG_NEIGHBOR_VERB_DELETE:
		*entry = nothing;
		break;
	}
	return true;
}

void worldkernel_apply_neighbors(struct world *world, uint32_t member)
{
	struct mlag_neighbor_operation operations[16];
	struct world_member *m = &world->members[member];
	uint32_t count = mlag_next_neighbors(m->engine, operations, 16);

	for (uint32_t i = 0; i < count; i++) {
		const struct mlag_neighbor_operation *operation = &operations[i];
		bool is_write = operation->verb != MLAG_NEIGHBOR_VERB_VERIFY;
		bool fails = is_write &&
			     world_neighbor_random(world, 100) < world->write_failure_percent;

		world->neighbor_writes += is_write;
		if (!m->svi || fails || !write_entry(m, operation)) {
			struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_FAILED};

			world->write_failures += fails;
			event.neighbor_failed.key = operation->key;
			event.neighbor_failed.error = 16;
			world_step(world, member, &event);
			continue;
		}
		after_write(world, member, number_of(&operation->key),
			    !is_write || operation->verb == MLAG_NEIGHBOR_VERB_DELETE);
	}
}

/* ---- what the kernel does of itself --------------------------------------------------------- */

static void learn(struct world *world, uint32_t member, uint32_t neighbor, uint32_t mac,
		  enum mlag_neighbor_state state)
{
	struct world_neighbor *n = &world->members[member].neighbors[neighbor];
	struct mlag_neighbor_entry now = n->entry;

	if (!world->members[member].svi || n->entry.state == MLAG_NEIGHBOR_STATIC) {
		return;
	}
	now.mac = world_neighbor_mac(mac);
	now.state = state;
	n->witnessed |= UINT32_C(1) << mac;
	if (memcmp(&now, &n->entry, sizeof(now)) != 0) {
		n->entry = now;
		notify(world, member, neighbor, &now);
	}
}

void world_neighbor_answers(struct world *world, uint32_t member, uint32_t neighbor, uint32_t mac)
{
	learn(world, member, neighbor, mac, MLAG_NEIGHBOR_CONFIRMED);
}

void world_neighbor_set(struct world *world, uint32_t member, uint32_t neighbor, uint32_t mac)
{
	learn(world, member, neighbor, mac, MLAG_NEIGHBOR_STATIC);
}

void world_neighbor_asks(struct world *world, uint32_t member, uint32_t neighbor, uint32_t mac)
{
	struct world_neighbor *n = &world->members[member].neighbors[neighbor];
	struct mlag_mac octets = world_neighbor_mac(mac);

	/* A question from the MAC that is known changes nothing. */
	if (!has_mac(&n->entry) || memcmp(&n->entry.mac, &octets, sizeof(octets)) != 0) {
		learn(world, member, neighbor, mac, MLAG_NEIGHBOR_KNOWN);
	}
}

void world_neighbor_ages(struct world *world, uint32_t member, uint32_t neighbor)
{
	struct mlag_neighbor_entry *entry = &world->members[member].neighbors[neighbor].entry;

	if (entry->state == MLAG_NEIGHBOR_CONFIRMED) {
		entry->state = MLAG_NEIGHBOR_KNOWN;
		notify(world, member, neighbor, entry);
	}
}

void world_neighbor_fails(struct world *world, uint32_t member, uint32_t neighbor)
{
	struct mlag_neighbor_entry *entry = &world->members[member].neighbors[neighbor].entry;

	if (entry->state == MLAG_NEIGHBOR_KNOWN || entry->state == MLAG_NEIGHBOR_CONFIRMED) {
		entry->state = MLAG_NEIGHBOR_FAILED;
		memset(&entry->mac, 0, sizeof(entry->mac));
		notify(world, member, neighbor, entry);
	}
}

void world_neighbor_flush(struct world *world, uint32_t member, uint32_t neighbor)
{
	struct mlag_neighbor_entry *entry = &world->members[member].neighbors[neighbor].entry;

	if (entry->state != MLAG_NEIGHBOR_NONE) {
		*entry = nothing;
		notify(world, member, neighbor, entry);
	}
}

/* ---- judging -------------------------------------------------------------------------------- */

static char complaint[160];

const char *world_check_claims(struct world *world)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		struct mlag_neighbor_view view;
		uint32_t cursor = 0;

		while (world->members[m].running &&
		       mlag_next_neighbor_view(world->members[m].engine, &cursor, &view)) {
			uint32_t number = number_of(&view.key);
			uint32_t witnessed = world->members[m].neighbors[number].witnessed;

			if (view.own && (witnessed >> view.mac.octets[5] & 1) == 0) {
				(void)snprintf(
					complaint, sizeof(complaint),
					"S%u claims neighbour %u at MAC %u, which its kernel "
					"never learned",
					m + 1, number, view.mac.octets[5]);
				return complaint;
			}
		}
	}
	return NULL;
}

static const struct mlag_neighbor_entry *entry_of(const struct world *world, uint32_t member,
						  uint32_t neighbor)
{
	return &world->members[member].neighbors[neighbor].entry;
}

const char *world_check_neighbors(const struct world *world)
{
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		const struct mlag_neighbor_entry *a = entry_of(world, 0, i);
		const struct mlag_neighbor_entry *b = entry_of(world, 1, i);

		if (has_mac(a) != has_mac(b) || memcmp(&a->mac, &b->mac, sizeof(a->mac)) != 0) {
			(void)snprintf(complaint, sizeof(complaint),
				       "neighbour %u is %s at MAC %u on S1, %s at MAC %u on S2", i,
				       mlag_neighbor_state_text(a->state), a->mac.octets[5],
				       mlag_neighbor_state_text(b->state), b->mac.octets[5]);
			return complaint;
		}
		if (has_mac(a) && a->marked && b->marked) {
			(void)snprintf(complaint, sizeof(complaint),
				       "neighbour %u is hearsay on both members", i);
			return complaint;
		}
	}
	return NULL;
}
