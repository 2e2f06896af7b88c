/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernels and machines of a world do beyond world_init()'s stream 0: they merge events and tell of
 * carrier late, give numbers of devices out again, let others change entries, stop their clocks, and
 * lose power.  All by the stream of WORLD_FAULTS (world.h).
 */
#include <string.h>

#include "engine.h"
#include "worldkernel.h"

#define LATE_LACP_NS (50 * WORLD_MS) /* a bond's slaves are told of at once, but for the queue */

bool world_lies(const struct world *world)
{
	return world->stream != 0;
}

/* From stream 2 on what is long takes many slices in most lives of a daemon. */
void worldlies_set_slices(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];

	for (uint32_t i = 0; i < ENGINE_TABLES && world->stream >= 2 && m->starts % 4 != 0; i++) {
		engine_table(m->engine, i)->slice_rows = m->starts % 4;
	}
}

void world_merge_events(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];
	uint32_t kept = 0;

	for (uint32_t i = 0; i < m->events_count; i++) {
		bool later = false;

		for (uint32_t j = i + 1; j < m->events_count && !later; j++) {
			later = memcmp(&m->events[i].key, &m->events[j].key,
				       sizeof(m->events[i].key)) == 0;
		}
		world->faults[WORLD_FAULT_MERGED] += later;
		if (!later) {
			m->events[kept++] = m->events[i];
		}
	}
	m->events_count = kept;
}

void worldlies_tell_carrier(struct world *world, uint32_t member, uint32_t lag)
{
	struct world_leg *leg = &world->members[member].legs[lag];
	/* Measured: linkwatch tells of a plain port up to a second late. */
	uint64_t most_ns = leg->is_static ? WORLD_SECOND : LATE_LACP_NS;

	if (!worldkernel_is_awake(world, member)) {
		return;
	}
	/* Who was refused the write that closes a gate is not kept from hearing that the leg is back. */
	if (!world_lies(world) || world_fault_random(world, 4) != 0 ||
	    (leg->link && world->members[member].leg_failed)) {
		worldkernel_observe_leg(world, member, lag);
		return;
	}
	world->faults[WORLD_FAULT_LATE_LINK]++;
	leg->told_ns = world->now_ns +
		       (1 + world_fault_random(world, (uint32_t)(most_ns / WORLD_MS))) * WORLD_MS;
}

void world_change_entry(struct world *world, uint32_t member, uint32_t number)
{
	struct world_entry *entry = &world->members[member].fdb[number % WORLD_MACS_MAX];
	struct mlag_mac_key key = entry->key;
	struct mlag_fdb_entry now = entry->entry;

	if (entry->used && (now.kind == MLAG_FDB_EXTERNAL || now.kind == MLAG_FDB_INACTIVE)) {
		world->faults[WORLD_FAULT_CHANGED]++;
		now.kind = MLAG_FDB_DYNAMIC;
		worldkernel_set_entry(world, member, &key, &now);
	}
}

/* A device that is made again: no program, no settings, no cable yet. */
static void make_again(struct world *world, uint32_t member, uint32_t lag)
{
	struct world_leg *leg = &world->members[member].legs[lag];

	memset(&leg->port, 0, sizeof(leg->port));
	leg->flood = true;
	leg->cable = false;
	leg->held = MLAG_HOLD_NONE;
	leg->told_ns = 0;
	if (leg->link) {
		world->leg_changes++;
		leg->link = false;
		leg->link_ns = world->now_ns;
	}
	leg->partner_before = false;
}

static void tell_gone(struct world *world, uint32_t member, uint32_t lag)
{
	struct mlag_leg_observation nothing;
	struct mlag_event event = {.type = MLAG_EVENT_LEG};

	memset(&nothing, 0, sizeof(nothing));
	event.leg.lag_id = (uint16_t)(lag + 1);
	event.leg.observation = &nothing;
	world_step(world, member, &event);
}

void world_renumber(struct world *world, uint32_t member, uint32_t lag, uint32_t other,
		    bool is_merged)
{
	struct world_member *m = &world->members[member];
	uint32_t *a = &m->legs[lag].ifindex;
	uint32_t *b = other < WORLD_LAGS ? &m->legs[other].ifindex : &m->orphan_ifindex;
	uint32_t kept = *a;

	world->faults[WORLD_FAULT_REUSE] += 2;
	worldkernel_flush_port(world, member, *a);
	worldkernel_flush_port(world, member, *b);
	make_again(world, member, lag);
	if (other < WORLD_LAGS) {
		make_again(world, member, other);
	}
	*a = *b;
	*b = kept;
	for (uint32_t i = 0; i < WORLD_LAGS && !is_merged; i++) {
		if (i == lag || i == other) {
			tell_gone(world, member, i);
		}
	}
	for (uint32_t i = 0; i < WORLD_LAGS; i++) {
		if (i == lag || i == other) {
			worldkernel_observe_leg(world, member, i);
		}
	}
	worldkernel_run_member(world, member);
}

uint64_t world_member_ns(const struct world *world, uint32_t member)
{
	return world->now_ns - world->members[member].clock_lag_ns;
}

void world_stall(struct world *world, uint32_t member, uint64_t duration_ns)
{
	world->faults[WORLD_FAULT_STALL]++;
	world->members[member].stall_ns = duration_ns;
}

static void wait_longer(const struct world *world, uint64_t *since_ns, uint64_t duration_ns)
{
	if (*since_ns != 0) {
		*since_ns = *since_ns + duration_ns < world->now_ns ? *since_ns + duration_ns
								    : world->now_ns;
	}
}

void worldlies_pass(struct world *world, uint64_t duration_ns)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		struct world_member *member = &world->members[m];

		if (member->stall_ns == 0) {
			continue;
		}
		member->stall_ns -= duration_ns < member->stall_ns ? duration_ns : member->stall_ns;
		member->clock_lag_ns += duration_ns;
		/* Bounds are those of clocks that go. */
		worldjudge_start_over(world);
		for (uint32_t i = 0; i < WORLD_MEMBERS; i++) {
			wait_longer(world, &world->members[i].deaf_ns, duration_ns);
			wait_longer(world, &world->members[i].lost_ns, duration_ns);
		}
	}
}

void world_silence(struct world *world, uint32_t host)
{
	struct mlag_mac mac = world_host_mac(host);

	world->faults[WORLD_FAULT_SILENT]++;
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		world_age(world, m, &mac);
	}
}

static void reconfigure(struct world *world, uint32_t member)
{
	struct mlag_config config = world->members[member].config;
	struct mlag_event event = {.type = MLAG_EVENT_RECONFIGURE, .reconfigure = &config};

	world_step(world, member, &event);
	worldkernel_run_member(world, member);
}

void world_set_timers(struct world *world, uint32_t member, uint32_t which)
{
	/* Not below what hellos may be late by: that is a path that no promise is made for. */
	static const uint64_t intervals_ns[] = {100 * WORLD_MS, 200 * WORLD_MS, 120 * WORLD_MS};

	if (worldkernel_is_awake(world, member)) {
		world->faults[WORLD_FAULT_TIMERS]++;
		world->members[member].config.hello_interval_ns = intervals_ns[which % 3];
		reconfigure(world, member);
	}
}

void world_configure_again(struct world *world, uint32_t member, uint32_t lag)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG_REMOVE};

	if (!worldkernel_is_awake(world, member)) {
		return;
	}
	world->faults[WORLD_FAULT_LEG_AGAIN]++;
	event.leg_configure.lag_id = (uint16_t)(lag + 1);
	world_step(world, member, &event);
	/* Given back as found; and a port without a program does not flood from when it is a leg again. */
	memset(&world->members[member].legs[lag].port, 0, sizeof(struct mlag_port));
	world->members[member].legs[lag].flood = false;
	event.type = MLAG_EVENT_LEG_CONFIGURE;
	event.leg_configure.is_drained = world->members[member].legs[lag].drained;
	world_step(world, member, &event);
	worldkernel_observe_leg(world, member, lag);
	worldkernel_run_member(world, member);
}

void world_lose_power(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];

	world->faults[WORLD_FAULT_POWER]++;
	world_stop(world, member);
	world_forget(world, member);
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		make_again(world, member, lag);
		m->legs[lag].taken = false;
		m->legs[lag].served = false;
	}
	memset(m->fdb, 0, sizeof(m->fdb));
	memset(m->sources, 0, sizeof(m->sources));
	memset(m->neighbors, 0, sizeof(m->neighbors));
	memset(m->last_resorts, 0, sizeof(m->last_resorts));
	memset(&m->guard, 0, sizeof(m->guard));
	m->events_count = 0;
	m->neighbor_events_count = 0;
	m->addresses_count = 0;
	m->stall_ns = 0;
}
