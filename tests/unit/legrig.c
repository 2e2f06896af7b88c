/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A leg of one engine, on its way from nothing to open (see legrig.h).
 */
#include "legrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct rig legrig;
struct mlag_leg_observation legrig_seen;
struct leg_value legrig_peer_leg;

int legrig_start(void **state)
{
	(void)state;
	rig_init(&legrig, 0);
	memset(&legrig_seen, 0, sizeof(legrig_seen));
	legrig_seen.ifindex = RIG_LEG;
	legrig_seen.lacp = true;
	mlag_vlans_add(&legrig_seen.vlans, RIG_VLAN);
	memset(&legrig_peer_leg, 0, sizeof(legrig_peer_leg));
	mlag_vlans_add(&legrig_peer_leg.vlans, RIG_VLAN);
	return 0;
}

int legrig_end(void **state)
{
	(void)state;
	rig_fini(&legrig);
	return 0;
}

struct mlag_leg_view legrig_look(void)
{
	struct mlag_leg_view view;

	assert_true(mlag_get_leg(legrig.engine, 0, &view));
	return view;
}

struct leg *legrig_leg(void)
{
	return leg_of(legrig.engine, leg_find(legrig.engine, 1));
}

enum mlag_leg_state legrig_observe(uint32_t ms, bool distributing, bool collecting)
{
	legrig.now_ns += ms * RIG_MS;
	legrig_seen.distributing = distributing;
	legrig_seen.partner_collecting = collecting;
	rig_observe_leg(&legrig, 1, &legrig_seen);
	legrig_seen.data_seen = false;
	return legrig_look().state;
}

struct mlag_leg_program legrig_apply_one(void)
{
	struct mlag_leg_program program;
	struct mlag_event event = {.type = MLAG_EVENT_LEG_APPLIED};

	assert_true(mlag_next_leg(legrig.engine, &program));
	event.leg_applied.lag_id = program.lag_id;
	event.leg_applied.serial = program.serial;
	rig_step(&legrig, &event);
	return program;
}

void legrig_configure(void)
{
	rig_configure_leg(&legrig, 1);
	assert_int_equal(legrig_observe(0, false, false), MLAG_LEG_DOWN);
	assert_int_equal(legrig_apply_one().gate, MLAG_GATE_CLOSED);
}

void legrig_be_pending(void)
{
	legrig_configure();
	legrig_seen.carrier = true;
	assert_int_equal(legrig_observe(10, false, false), MLAG_LEG_PENDING);
	(void)rig_apply(&legrig);
}

void legrig_be_ready(void)
{
	legrig_be_pending();
	assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_READY);
	(void)rig_apply(&legrig);
}

void legrig_connect_peer(bool with_leg)
{
	rig_connect(&legrig);
	rig_hear_begin(&legrig, WIRE_TABLE_LEGS, 1);
	if (with_leg) {
		rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	}
	rig_hear_end(&legrig, WIRE_TABLE_LEGS, 1);
}

void legrig_acknowledge(void)
{
	legrig_peer_leg.enforced = legrig_leg()->generation;
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
}

void legrig_be_open(void)
{
	legrig_be_ready();
	legrig_connect_peer(true);
	legrig_acknowledge();
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
	(void)rig_apply(&legrig);
	(void)rig_drain(&legrig);
}
