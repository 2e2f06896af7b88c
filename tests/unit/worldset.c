/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to the world of world.h from outside: cables, partners, paths, processes, and people.
 */
#include "worldkernel.h"

void world_set_stopped(struct world *world, uint32_t member, bool stopped)
{
	struct world_member *m = &world->members[member];

	if (!m->running || m->stopped == stopped) {
		return;
	}
	m->stopped = stopped;
	worldjudge_start_over(world);
	world->stops += stopped;
	if (!stopped) {
		/* Netlink tells what changed meanwhile; what it was in between nobody knows. */
		worldkernel_report_peer_link(world, member);
		for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
			worldkernel_observe_leg(world, member, lag);
		}
		for (uint32_t i = 0; i < 2; i++) {
			world_observe_default(world, member, i);
		}
	}
}

void world_set_passes(struct world *world, enum mlag_path path, uint32_t member, bool passes)
{
	bool *now = path == MLAG_PATH_BACKUP ? &world->backup_passes[member]
					     : &world->link_passes[member];

	world->path_changes += *now != passes;
	*now = passes;
	worldjudge_start_over(world);
}

void world_reload(struct world *world, uint32_t member, uint16_t priority)
{
	struct mlag_event event = {.type = MLAG_EVENT_RECONFIGURE};
	struct mlag_config config = world->members[member].config;

	if (worldkernel_is_awake(world, member)) {
		world->faults[WORLD_FAULT_RELOAD]++;
		config.priority = priority;
		world->members[member].config.priority = priority;
		event.reconfigure = &config;
		world_step(world, member, &event);
		worldkernel_run_member(world, member);
	}
}

void world_promote(struct world *world, uint32_t member)
{
	struct mlag_event event = {.type = MLAG_EVENT_PROMOTE};

	if (worldkernel_is_awake(world, member)) {
		world_step(world, member, &event);
		worldkernel_run_member(world, member);
	}
}

/* Carrier follows the cable, who holds the leg, and the guard. */
void world_change_carrier(struct world *world, uint32_t member, uint32_t lag)
{
	struct world_leg *leg = &world->members[member].legs[lag];
	bool up = leg->cable && leg->held == MLAG_HOLD_NONE && !leg->taken;

	if (leg->link == up) {
		return;
	}
	world->leg_changes++;
	if (!up) {
		leg->partner_before = worldkernel_distributes(world, leg);
	}
	leg->link = up;
	leg->link_ns = world->now_ns;
	leg->join_ns = world->now_ns + (300 + world_random(world, 2500)) * WORLD_MS;
	worldlies_tell_carrier(world, member, lag);
}

void world_set_link(struct world *world, uint32_t member, uint32_t lag, bool up)
{
	struct world_leg *leg = &world->members[member].legs[lag];
	bool before = leg->link;

	leg->cable = up;
	world_change_carrier(world, member, lag);
	if (leg->link != before) {
		worldkernel_run_member(world, member);
	}
}

void world_set_drained(struct world *world, uint32_t member, uint32_t lag, bool on)
{
	struct mlag_event event = {.type = MLAG_EVENT_DRAIN};

	world->members[member].legs[lag].drained = on;
	event.drain.lag_id = (uint16_t)(lag + 1);
	event.drain.on = on;
	if (worldkernel_is_awake(world, member)) {
		world_step(world, member, &event);
		worldkernel_run_member(world, member);
	}
}

void world_set_partner(struct world *world, uint32_t member, uint32_t lag, bool in_bond)
{
	struct world_leg *leg = &world->members[member].legs[lag];

	if (leg->partner != in_bond && !leg->is_static) {
		world->leg_changes++;
		world->faults[WORLD_FAULT_PARTNER]++;
		leg->partner = in_bond;
		leg->join_ns = world->now_ns + (300 + world_random(world, 2500)) * WORLD_MS;
	}
}

void world_set_peer_link(struct world *world, bool up)
{
	if (world->peer_link == up) {
		return;
	}
	world->peer_link = up;
	worldjudge_start_over(world);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		world->members[m].lost_ns = 0; /* also when it is lost again before anybody looks */
		if (worldkernel_is_awake(world, m)) {
			worldkernel_report_peer_link(world, m);
			worldkernel_run_member(world, m);
		}
	}
}

void world_set_path(struct world *world, bool up)
{
	world->path = up;
}

void world_set_vlan(struct world *world, uint32_t member, uint32_t lag, bool allowed)
{
	world->members[member].legs[lag].vlan_missing = !allowed;
	if (worldkernel_is_awake(world, member)) {
		worldkernel_observe_leg(world, member, lag);
		worldkernel_run_member(world, member);
	}
}
