/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What breaks in phase one of a life, and how all of it is healed (see chaos.h).
 */
#include "chaos.h"

#include <stdio.h>
#include <string.h>

void chaos_tell(const struct world *world, const char *what, uint32_t member, uint32_t lag)
{
	if (world->trace) {
		(void)printf("%9.3f ms  %s (S%u, LAG %u)\n", (double)world->now_ns / 1e6, what,
			     member + 1, lag + 1);
	}
}

/* A MAC shows up somewhere else. */
static void move_mac(struct world *world)
{
	struct mlag_mac mac = {{0x02, 0xcc, 0, 0, 0, (uint8_t)world_random(world, 4)}};
	uint32_t host = world_random(world, WORLD_HOSTS);
	uint32_t member = world_random(world, WORLD_MEMBERS);

	if (world_can_send(world, host, member)) {
		world->moves++;
		chaos_tell(world, "a MAC moves", member, host);
		(void)world_send_mac(world, host, member, &mac, WORLD_HOSTS);
	}
}

/* A path passes or does not, one way, with its carrier as it is. */
static void change_path(struct world *world, uint32_t member)
{
	enum mlag_path path = world_random(world, 2) != 0 ? MLAG_PATH_PEER_LINK : MLAG_PATH_BACKUP;
	bool passes = world_random(world, 3) != 0;

	/* A path that drops data without a word cannot be served without a duplicate or a loss. */
	chaos_tell(world,
		   path == MLAG_PATH_BACKUP
			   ? passes ? "the backup path passes" : "it passes nothing"
		   : passes ? "the peer link passes"
			    : "the peer link passes nothing",
		   member, 0);
	world_set_passes(world, path, member, passes);
}

static void change_process(struct world *world, uint32_t member)
{
	bool stopped = world_random(world, 3) == 0;

	chaos_tell(world, stopped ? "a daemon is stopped" : "a daemon goes on", member, 0);
	world_set_stopped(world, member, stopped);
}

static bool all_awake(const struct world *world)
{
	return world->members[0].running && world->members[1].running &&
	       !world->members[0].stopped && !world->members[1].stopped;
}

/* Numbers of a stream of their own: the lives of the kept seeds stay what they were. */
static uint32_t other_random(struct world *world, uint32_t below)
{
	uint64_t kept = world->random;
	uint32_t number;

	world->random = kept + UINT64_C(0x6d6c6167) * (1 + world->default_changes);
	number = world_random(world, below);
	world->random = kept;
	world->default_changes++;
	return number;
}

void chaos_change_default(struct world *world)
{
	struct mlag_default_route route;
	uint32_t member = other_random(world, WORLD_MEMBERS);
	uint32_t index = other_random(world, 2);
	uint32_t how = other_random(world, 16);

	if (how >= 4) {
		return;
	}
	memset(&route, 0, sizeof(route));
	route.present = how != 0;
	route.hops_count = how == 0 ? 0 : 1;
	route.hops[0].ifindex = how == 1 ? WORLD_PEER_LINK : 90;
	route.hops[0].usable = true;
	chaos_tell(world, how == 0 ? "a default route goes" : "a default route comes", member,
		   index);
	world_set_default(world, member, index, &route);
	if (how == 0 && other_random(world, 2) == 0) {
		/* What both had by the same router goes at both, before either hears of the other. */
		world_set_default(world, 1 - member, index, &route);
	}
}

static void set_drained(struct world *world, uint32_t member, uint32_t lag, bool on)
{
	if (world->members[member].legs[lag].drained != on) {
		chaos_tell(world, on ? "somebody drains a leg" : "nobody drains it any more",
			   member, lag);
		world_set_drained(world, member, lag, on);
	}
}

void chaos_change_drain(struct world *world)
{
	uint64_t kept = world->random;
	uint32_t member, lag, how;

	world->random = kept + UINT64_C(0x647261696e) * ++world->drain_changes;
	member = world_random(world, WORLD_MEMBERS);
	lag = world_random(world, WORLD_LAGS);
	how = world_random(world, 16);
	world->random = kept;
	if (how < 3 && world->members[member].running && !world->members[member].stopped) {
		set_drained(world, member, lag, how == 0);
	}
}

/* What they need for it: an SVI each, with addresses. */
static void add_svi(struct world *world, uint32_t member)
{
	struct mlag_address_key keys[3];

	memset(keys, 0, sizeof(keys));
	keys[0].kind = MLAG_ADDRESS_ROUTER_MAC;
	keys[0].octets[0] = 0x02;
	keys[0].octets[1] = 0xee;
	keys[1].kind = MLAG_ADDRESS_SVI_IP;
	keys[1].family = 4;
	keys[1].octets[0] = 10;
	keys[2].kind = MLAG_ADDRESS_LINK_LOCAL;
	keys[2].family = 6;
	keys[2].octets[0] = 0xfe;
	keys[2].octets[1] = 0x80;
	for (uint32_t i = 0; i < 3; i++) {
		keys[i].vlan = WORLD_VLAN;
		keys[i].octets[i == 0 ? 5 : i == 1 ? 3 : 15] = (uint8_t)(member + 1);
		world_set_address(world, member, &keys[i], true, 0, i == 0 ? 50 : 0);
	}
}

void chaos_start_member(struct world *world, uint32_t member)
{
	world_start(world, member);
	add_svi(world, member);
}

void chaos_stir_neighbors(struct world *world)
{
	uint32_t member = world_neighbor_random(world, WORLD_MEMBERS);
	uint32_t neighbor = world_neighbor_random(world, WORLD_NEIGHBORS_MAX);
	uint32_t mac = 1 + world_neighbor_random(world, 3);

	switch (world_neighbor_random(world, 16)) {
	case 0:
	case 1:
		world_neighbor_fails(world, member, neighbor);
		break;
	case 2:
		world_neighbor_flush(world, member, neighbor);
		break;
	case 3:
		for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX && mac == 1; i++) {
			world_neighbor_flush(world, member, i);
		}
		break;
	case 4:
	case 5:
		world_neighbor_ages(world, member, neighbor);
		break;
	case 6:
		world_set_svi(world, member, mac != 1);
		break;
	case 7:
	case 8:
	case 9:
		world_neighbor_asks(world, member, neighbor, mac);
		break;
	case 10:
		/* Heard by both at once. */
		world_neighbor_asks(world, 0, neighbor, mac);
		world_neighbor_asks(world, 1, neighbor, mac);
		break;
	default:
		world_neighbor_answers(world, member, neighbor, mac);
		break;
	}
}

/* What a daemon leaves may be a step behind, or nothing that the next one can read. */
static void leave_something(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];

	switch (other_random(world, 8)) {
	case 0:
		world_forget(world, member);
		break;
	case 1:
		m->kept = m->kept_before;
		break;
	default:
		break;
	}
}

/*
 * Every leg of a member has been what it is for long enough to be read as that; and none is being drained,
 * which goes on.
 */
static bool is_steady(const struct world *world, uint32_t member)
{
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		const struct world_leg *leg = &world->members[member].legs[lag];

		if (leg->link && leg->partner && world->now_ns < leg->join_ns + WORLD_SECOND) {
			return false;
		}
		if (leg->drained && leg->held == MLAG_HOLD_NONE) {
			return false;
		}
	}
	return world->peer_link;
}

/* A daemon that starts holds back nothing of what was forwarded without it (SAFE-40). */
static const char *start_daemon(struct world *world, uint32_t member)
{
	static struct world_picture before;
	/* What the daemon before wanted, and could not write, is put right now. */
	bool held_to_it = world->members[member].is_kept && is_steady(world, member) &&
			  world->write_failure_percent == 0;

	if (held_to_it) {
		world_take_picture(world, &before);
	}
	chaos_start_member(world, member);
	return held_to_it ? world_check_nothing_held(world, &before) : NULL;
}

const char *chaos_break_something(struct world *world)
{
	uint32_t member = world_random(world, WORLD_MEMBERS);
	uint32_t lag = world_random(world, WORLD_LAGS);
	struct mlag_mac mac = world_host_mac(world_random(world, WORLD_HOSTS));

	switch (world_random(world, 22)) {
	case 0:
	case 1:
		chaos_tell(world, "a leg goes down", member, lag);
		world_set_link(world, member, lag, false);
		break;
	case 2:
	case 3:
	case 4:
		chaos_tell(world, "a leg comes up", member, lag);
		world_set_link(world, member, lag, true);
		break;
	case 5:
		chaos_tell(world, "the partner leaves", member, lag);
		world_set_partner(world, member, lag, false);
		break;
	case 6:
		chaos_tell(world, "the partner joins", member, lag);
		world_set_partner(world, member, lag, true);
		break;
	case 7:
		/* With a daemon dead nobody puts R1 back in force (docs/invariants.md, limits). */
		if (all_awake(world)) {
			chaos_tell(world, "the peer link changes", member, lag);
			world_set_peer_link(world, world_random(world, 2) != 0);
		}
		break;
	case 8:
		chaos_tell(world, "the path changes", member, lag);
		world_set_path(world, world_random(world, 3) != 0);
		break;
	case 9:
		chaos_tell(world, "a daemon ends", member, lag);
		world_stop(world, member);
		leave_something(world, member);
		break;
	case 10:
	case 11:
		if (!world->members[member].running) {
			chaos_tell(world, "a daemon starts", member, lag);
			return start_daemon(world, member);
		}
		break;
	case 12:
		world->faults[WORLD_FAULT_LATENCY]++;
		world->latency_ns = (1 + world_random(world, 40)) * WORLD_MS;
		break;
	case 13:
		/*
		 * The maps of known MACs are late by the event and by the message about it
		 * (docs/invariants.md, limits).
		 */
		if (world_session_works(world)) {
			chaos_tell(world, "a MAC ages", member, mac.octets[5]);
			world_age(world, member, &mac);
			world_run(world, world->event_delay_ns + world->latency_ns + WORLD_MS);
		}
		break;
	case 14:
	case 15:
		/*
		 * Nor does anybody keep the map of known MACs in step with the FDB.  And what is
		 * not written yet does not hold a VLAN that is back already.
		 */
		if (all_awake(world) && !world->members[member].leg_failed) {
			chaos_tell(world, "the VLAN of a leg changes", member, lag);
			world_set_vlan(world, member, lag, world_random(world, 2) != 0);
		}
		break;
	case 16:
	case 17:
		change_path(world, member);
		break;
	case 18:
		change_process(world, member);
		break;
	case 19:
		chaos_tell(world, "somebody wants it to lead", member, lag);
		world_promote(world, member);
		break;
	default:
		move_mac(world);
		break;
	}
	return NULL;
}

void chaos_heal(struct world *world)
{
	world->write_failure_percent = 0;
	world->latency_ns = WORLD_MS;
	world->hello_loss_percent = 0;
	world_set_path(world, true);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		world_set_passes(world, MLAG_PATH_PEER_LINK, m, true);
		world_set_passes(world, MLAG_PATH_BACKUP, m, true);
		world_set_stopped(world, m, false);
	}
	world_set_peer_link(world, true);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		world_set_svi(world, m, true);
		for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
			set_drained(world, m, lag, false);
			world_set_link(world, m, lag, true);
			world_set_partner(world, m, lag, true);
			world_set_vlan(world, m, lag, true);
		}
		if (!world->members[m].running) {
			chaos_start_member(world, m);
		}
	}
}
