/* SPDX-License-Identifier: BSD-2-Clause */
/* One engine that goes on where another ended (see resumerig.h). */
#include <string.h>

#include "resumerig.h"

struct rig resumerig;
struct mlag_resume resumerig_left;
struct mlag_leg_observation resumerig_seen;
struct leg_value resumerig_peer_leg;

int resumerig_start(void **state)
{
	(void)state;
	rig_init(&resumerig, 0);
	resumerig.now_ns = 100 * RIG_SECOND;
	resumerig_left = rig_resume();
	resumerig_left.written_ns = resumerig.now_ns - RIG_SECOND;
	resumerig_left.birth_ns = RIG_SECOND;
	resumerig_left.verdict_since_ns = RIG_SECOND;
	resumerig_left.liveness.life_ns = resumerig_left.written_ns;
	resumerig_left.liveness.paths[MLAG_PATH_PEER_LINK].heard_ns = resumerig_left.written_ns;
	resumerig_left.peer_hold_ns = 3 * RIG_SECOND;
	resumerig_left.peer_rank_boot_id = resumerig.hello.boot_id;
	resumerig_left.liveness.boot_id = resumerig.hello.boot_id;
	resumerig_left.liveness.paths[MLAG_PATH_PEER_LINK].boot_id = resumerig.hello.boot_id;
	resumerig_left.verdict = MLAG_VERDICT_PEERED;
	resumerig_left.peer_boot_id = resumerig.hello.boot_id;
	memset(&resumerig_seen, 0, sizeof(resumerig_seen));
	resumerig_seen.ifindex = RIG_LEG;
	resumerig_seen.carrier = true;
	resumerig_seen.lacp = true;
	resumerig_seen.distributing = true;
	resumerig_seen.partner_collecting = true;
	mlag_vlans_add(&resumerig_seen.vlans, RIG_VLAN);
	memset(&resumerig_peer_leg, 0, sizeof(resumerig_peer_leg));
	resumerig_peer_leg.up = 1;
	resumerig_peer_leg.open = 1;
	resumerig_peer_leg.lacp = 1;
	resumerig_peer_leg.generation = 500;
	resumerig_peer_leg.enforced = 400;
	mlag_vlans_add(&resumerig_peer_leg.vlans, RIG_VLAN);
	return 0;
}

int resumerig_end(void **state)
{
	(void)state;
	rig_fini(&resumerig);
	return 0;
}

void resumerig_pair(void)
{
	struct mlag_event event = {.type = MLAG_EVENT_RESUME, .resume = &resumerig_left};

	rig_step(&resumerig, &event);
}

struct mlag_leg_program resumerig_held_leg(enum mlag_gate gate)
{
	struct mlag_leg_program held;

	memset(&held, 0, sizeof(held));
	held.lag_id = 1;
	held.ifindex = RIG_LEG;
	held.gate = gate;
	mlag_vlans_add(&held.isolated, RIG_VLAN);
	memset(&held.held, 0xff, sizeof(held.held));
	held.held.words[0] &= ~(UINT64_C(1) << RIG_VLAN);
	held.memory.generation = 400;
	held.memory.peer_generation = 500;
	held.memory.flags = MLAG_MEMORY_PEER_PRESENT | MLAG_MEMORY_PEER_OPEN |
			    MLAG_MEMORY_PEER_LACP;
	return held;
}

void resumerig_leg(const struct mlag_leg_program *held)
{
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_LEG, .resume_leg = held};

	rig_configure_leg(&resumerig, held->lag_id);
	rig_step(&resumerig, &event);
}

void resumerig_mac(uint8_t mac, const struct mlag_source *place)
{
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_MAC};

	event.resume_mac.key = rig_key(mac);
	event.resume_mac.place = *place;
	rig_step(&resumerig, &event);
}

void resumerig_resumed(void)
{
	struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK, .peer_link = &resumerig.peer_link};

	rig_step(&resumerig, &event);
	rig_observe_leg(&resumerig, 1, &resumerig_seen);
	rig_step_type(&resumerig, MLAG_EVENT_RESUMED);
}
