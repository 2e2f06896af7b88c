/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A leg whose device takes no programs (MLAG_EVENT_LEG_REFUSED): two engines, their kernels and what lies
 * between.  It is held, and nobody waits for it: not its own member, not the other legs, and not the
 * peer's leg of the same LAG.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "legrig.h"
#include "world.h"
#include "worldkernel.h"

#define S1 0
#define S2 1
#define LAG 0 /* the first one, whose id is 1 */

static struct world world;

static struct mlag_leg_view view_of(uint32_t member, uint32_t lag)
{
	struct mlag_leg_view view;

	assert_true(mlag_get_leg(world.members[member].engine, lag, &view));
	return view;
}

static bool is_synced(uint32_t member)
{
	struct mlag_view view;

	mlag_get_view(world.members[member].engine, &view);
	return view.synced && view.verdict == MLAG_VERDICT_PEERED;
}

static void run_ms(uint64_t ms)
{
	world_run(&world, ms * WORLD_MS);
}

/* S1 serves; at S2, which starts now, one device takes no programs. */
static int start(void **state)
{
	(void)state;
	world_init(&world, 1);
	world.members[S1].config.priority = 100;
	world.hold_at_start = true;
	world_start(&world, S1);
	run_ms(10000);
	world.members[S2].legs[LAG].refuses = true;
	world_start(&world, S2);
	run_ms(10000);
	return 0;
}

static int end(void **state)
{
	(void)state;
	assert_null(world_check_verdicts(&world));
	assert_null(world_check_safety(&world));
	world_fini(&world);
	return 0;
}

static void test_a_member_gets_in_sync_without_it_and_its_other_legs_serve(void **state)
{
	(void)state;
	assert_true(is_synced(S1));
	assert_true(is_synced(S2));
	assert_int_equal(view_of(S2, LAG).hold, MLAG_HOLD_REFUSED);
	assert_int_equal(view_of(S2, LAG).state, MLAG_LEG_DOWN);
	assert_int_equal(world.members[S2].legs[LAG].held, MLAG_HOLD_REFUSED);
	for (uint32_t lag = LAG + 1; lag < WORLD_LAGS; lag++) {
		assert_int_equal(view_of(S2, lag).state, MLAG_LEG_OPEN);
		assert_int_equal(view_of(S2, lag).hold, MLAG_HOLD_NONE);
	}
}

/* Nothing leaves by a device without carrier, so R1 needs no program there. */
static void test_r1_the_peers_leg_of_that_lag_floods(void **state)
{
	(void)state;
	assert_int_equal(view_of(S1, LAG).state, MLAG_LEG_OPEN);
	world_set_link(&world, S1, LAG, false);
	run_ms(500);
	world_set_link(&world, S1, LAG, true);
	run_ms(10000);
	assert_int_equal(view_of(S1, LAG).state, MLAG_LEG_OPEN); /* also of a later coming-up */
}

/* R8: where there is no leg that serves, the host is behind the peer link. */
static void test_r8_hosts_behind_it_are_reached_over_the_peer_link(void **state)
{
	struct mlag_mac mac = world_host_mac(LAG);
	uint32_t found = 0;

	(void)state;
	(void)world_send_mac(&world, LAG, S1, &mac, WORLD_HOSTS);
	run_ms(2000);
	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		const struct world_entry *entry = &world.members[S2].fdb[i];

		if (entry->used && memcmp(&entry->key.mac, &mac, sizeof(mac)) == 0) {
			assert_int_equal(entry->entry.ifindex, WORLD_PEER_LINK);
			found++;
		}
	}
	assert_int_equal(found, 1);
}

static void test_it_serves_as_soon_as_its_device_takes_programs(void **state)
{
	(void)state;
	world.members[S2].legs[LAG].refuses = false;
	run_ms(10000);
	assert_int_equal(view_of(S2, LAG).hold, MLAG_HOLD_NONE);
	assert_int_equal(view_of(S2, LAG).state, MLAG_LEG_OPEN);
	assert_true(is_synced(S2));
}

static void test_another_device_is_tried_anew(void **state)
{
	(void)state;
	world_renumber(&world, S2, LAG, WORLD_LAGS, false);
	world.members[S2].legs[LAG].refuses = false;
	world_set_link(&world, S2, LAG, true);
	run_ms(10000);
	assert_int_equal(view_of(S2, LAG).hold, MLAG_HOLD_NONE);
	assert_int_equal(view_of(S2, LAG).state, MLAG_LEG_OPEN);
}

static void test_a_restart_never_lets_go_of_it(void **state)
{
	uint32_t releases = world.members[S2].legs[LAG].releases;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		world_stop(&world, S2);
		run_ms(i * 500);
		world_start(&world, S2);
		run_ms(5000);
		assert_int_equal(world.members[S2].legs[LAG].releases, releases);
		assert_int_equal(view_of(S2, LAG).hold, MLAG_HOLD_REFUSED);
		assert_true(is_synced(S2));
	}
}

static void test_it_is_held_also_by_who_is_alone(void **state)
{
	(void)state;
	world_stop(&world, S1);
	world_set_peer_link(&world, false);
	run_ms(10000);
	assert_int_equal(view_of(S2, LAG).hold, MLAG_HOLD_REFUSED);
	world_set_peer_link(&world, true);
	world_start(&world, S1);
	run_ms(10000);
	assert_int_equal(view_of(S2, LAG).hold, MLAG_HOLD_REFUSED);
	assert_true(is_synced(S2));
}

/* ---- one engine ------------------------------------------------------------------------------ */

static void refuse(uint16_t lag_id)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG_REFUSED};

	event.leg_refused.lag_id = lag_id;
	rig_step(&legrig, &event);
}

/* Somebody took them away, or they were not there when a daemon went on. */
static void test_what_has_lost_its_programs_is_told_not_to_serve_at_once(void **state)
{
	struct mlag_leg_program program;

	(void)state;
	legrig_be_open();
	refuse(1);
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 0);
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 0);
	assert_int_equal(legrig_look().hold, MLAG_HOLD_REFUSED);
	(void)legrig_observe(10, true, true);
	assert_true(mlag_next_leg(legrig.engine, &program)); /* by which it is tried again */
	assert_int_equal(program.hold, MLAG_HOLD_REFUSED);
	assert_int_equal(program.gate, MLAG_GATE_CLOSED);
}

static void test_refusals_of_what_is_not_there_are_counted(void **state)
{
	struct mlag_view before, after;

	(void)state;
	mlag_get_view(legrig.engine, &before);
	refuse(1);
	rig_configure_leg(&legrig, 1);
	refuse(1); /* it has no device */
	mlag_get_view(legrig.engine, &after);
	assert_int_equal(after.ignored_count, before.ignored_count + 2);
}

/* R1 may not be said to be in force while frames could still leave there. */
static void test_r1_is_not_said_to_be_in_force_while_the_device_has_carrier(void **state)
{
	(void)state;
	rig_configure_leg(&legrig, 1);
	legrig_seen.carrier = true;
	(void)legrig_observe(10, false, false);
	refuse(1);
	legrig_peer_leg.up = 1;
	legrig_peer_leg.generation = 7;
	legrig_connect_peer(true);
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 0);
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 0);
	legrig_seen.carrier = false; /* it was taken out of service */
	(void)legrig_observe(10, false, false);
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 7);
	legrig_seen.carrier = true;
	(void)legrig_observe(10, false, false);
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 0);
}

#define PAIR(name) cmocka_unit_test_setup_teardown(name, start, end)
#define ONE(name) cmocka_unit_test_setup_teardown(name, legrig_start, legrig_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(test_a_member_gets_in_sync_without_it_and_its_other_legs_serve),
		PAIR(test_r1_the_peers_leg_of_that_lag_floods),
		PAIR(test_r8_hosts_behind_it_are_reached_over_the_peer_link),
		PAIR(test_it_serves_as_soon_as_its_device_takes_programs),
		PAIR(test_another_device_is_tried_anew),
		PAIR(test_a_restart_never_lets_go_of_it),
		PAIR(test_it_is_held_also_by_who_is_alone),
		ONE(test_what_has_lost_its_programs_is_told_not_to_serve_at_once),
		ONE(test_refusals_of_what_is_not_there_are_counted),
		ONE(test_r1_is_not_said_to_be_in_force_while_the_device_has_carrier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
