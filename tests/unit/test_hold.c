/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holding legs (DESIGN §2): two engines, their kernels and what lies between.  Why a leg is held is in
 * test_verdict.c, over every view; here is when, in which order, and for how long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hold.h"
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

static enum mlag_hold held(uint32_t member, uint32_t lag)
{
	return world.members[member].legs[lag].held;
}

static enum mlag_verdict verdict(uint32_t member)
{
	struct mlag_view view;

	mlag_get_view(world.members[member].engine, &view);
	return view.verdict;
}

static void expect_safe(void)
{
	assert_null(world_check_verdicts(&world));
	assert_null(world_check_safety(&world));
}

static int start(void **state)
{
	(void)state;
	world_init(&world, 1);
	world.members[S1].config.priority = 100; /* S1 leads */
	world_start(&world, S1);
	world_start(&world, S2);
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
	return 0;
}

static int start_nothing(void **state)
{
	(void)state;
	world_init(&world, 1);
	world.members[S1].config.priority = 100;
	world.hold_at_start = true;
	return 0;
}

static int end(void **state)
{
	(void)state;
	expect_safe();
	world_fini(&world);
	return 0;
}

static void run_ms(uint64_t ms)
{
	world_run(&world, ms * WORLD_MS);
}

static void drain(uint32_t member, uint32_t lag, bool on)
{
	struct mlag_event event = {.type = MLAG_EVENT_DRAIN};

	event.drain.lag_id = (uint16_t)(lag + 1);
	event.drain.on = on;
	world_step(&world, member, &event);
}

static void set_backup(bool passes)
{
	world_set_passes(&world, MLAG_PATH_BACKUP, S1, passes);
	world_set_passes(&world, MLAG_PATH_BACKUP, S2, passes);
}

/* ---- split ----------------------------------------------------------------------------------- */

static void test_split_holds_the_secondarys_legs_and_the_primarys_never(void **state)
{
	(void)state;
	world_set_peer_link(&world, false);
	run_ms(500);
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		assert_int_equal(held(S2, lag), MLAG_HOLD_SPLIT);
		assert_int_equal(held(S1, lag), MLAG_HOLD_NONE);
	}
	run_ms(60000);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_SPLIT);
}

static void
test_split_gives_the_leg_free_that_the_primary_does_not_serve_whenever_that_is(void **state)
{
	(void)state;
	world_set_link(&world, S1, LAG, false);
	run_ms(100);
	world_set_peer_link(&world, false);
	run_ms(500);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_NONE);
	assert_int_equal(held(S2, LAG + 1), MLAG_HOLD_SPLIT);
	world_set_link(&world, S1, LAG + 1, false);
	run_ms(500);
	assert_int_equal(held(S2, LAG + 1), MLAG_HOLD_NONE);
	/* The primary's is back, and serves: that of the secondary gives way. */
	world_set_link(&world, S1, LAG, true);
	run_ms(4000);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_SPLIT);
}

static void test_a_primary_that_dies_in_a_split_leaves_no_leg_held(void **state)
{
	(void)state;
	world_set_peer_link(&world, false);
	run_ms(500);
	world_stop(&world, S1);
	set_backup(false);
	run_ms(1000);
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		assert_int_equal(held(S2, lag), MLAG_HOLD_NONE);
	}
}

static void test_a_role_that_moves_in_a_split_moves_the_legs(void **state)
{
	(void)state;
	world_set_peer_link(&world, false);
	run_ms(500);
	world_promote(&world, S2);
	run_ms(200);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_NONE);
	run_ms(5000);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_NONE);
	assert_int_equal(held(S1, LAG), MLAG_HOLD_SPLIT);
}

/* How long after PL is back a leg that gave way is given free. */
static uint64_t rejoin_ms(void)
{
	uint64_t ms = 0;

	world_set_peer_link(&world, true);
	while (held(S2, LAG) != MLAG_HOLD_NONE) {
		run_ms(10);
		ms += 10;
		assert_true(ms < 60000);
	}
	return ms;
}

static void split(void)
{
	world_set_peer_link(&world, false);
	run_ms(500);
	assert_int_not_equal(held(S2, LAG), MLAG_HOLD_NONE);
}

static void test_legs_that_gave_way_return_after_pl_was_stable_later_each_time(void **state)
{
	uint64_t before = 0;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t ms;

		split();
		ms = rejoin_ms();
		assert_true(ms >= (UINT64_C(1000) << i) && ms < (UINT64_C(1000) << i) + 1000);
		assert_true(ms > before);
		before = ms;
		run_ms(4000);
	}
	/* Twice restart-hold (3 s here) at most; and after a calm time as if nothing had been. */
	for (uint32_t i = 0; i < 3; i++) {
		split();
		assert_true(rejoin_ms() < 7500);
		run_ms(4000);
	}
	run_ms(70000);
	split();
	assert_true(rejoin_ms() < 2000);
}

static void test_a_leg_that_gave_way_returns_at_once_when_the_primarys_fails(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 4; i++) { /* a wait of several seconds */
		split();
		(void)rejoin_ms();
		run_ms(4000);
	}
	split();
	world_set_peer_link(&world, true);
	run_ms(1000);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_REJOIN);
	world_set_link(&world, S1, LAG, false);
	run_ms(200);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_NONE);
	assert_int_equal(held(S2, LAG + 1), MLAG_HOLD_REJOIN);
}

static void test_a_restart_keeps_the_reason_and_the_wait(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++) { /* the next wait is 4 s */
		split();
		(void)rejoin_ms();
		run_ms(4000);
	}
	world.hold_at_start = true;
	split();
	world_stop(&world, S2);
	run_ms(100);
	world_start(&world, S2);
	run_ms(100);
	assert_int_equal(view_of(S2, LAG).hold, MLAG_HOLD_SPLIT);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_SPLIT);
	world_set_peer_link(&world, true);
	run_ms(3000);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_REJOIN);
	run_ms(3000);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_NONE);
}

static void test_who_cannot_know_and_does_not_lead_is_a_system_of_its_own(void **state)
{
	(void)state;
	set_backup(false);
	run_ms(1000);
	world_set_path(&world, false);
	world_set_peer_link(&world, false);
	run_ms(1000);
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		assert_true(world.members[S2].legs[lag].own_system);
		assert_false(world.members[S1].legs[lag].own_system);
	}
	set_backup(true);
	world_set_path(&world, true);
	world_set_peer_link(&world, true);
	run_ms(5000);
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		assert_false(world.members[S2].legs[lag].own_system);
	}
}

static void test_a_flap_shorter_than_the_wait_does_not_move_the_legs(void **state)
{
	uint64_t holds;

	(void)state;
	split();
	holds = world.holds;
	for (uint32_t i = 0; i < 20; i++) {
		world_set_peer_link(&world, true);
		run_ms(900);
		world_set_peer_link(&world, false);
		run_ms(500);
		assert_int_not_equal(held(S2, LAG), MLAG_HOLD_NONE);
	}
	assert_int_equal(world.holds, holds);
}

/* ---- no session ------------------------------------------------------------------------------ */

static void test_without_a_session_for_long_the_secondary_gives_way(void **state)
{
	(void)state;
	world_set_path(&world, false);
	run_ms(2500);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_NONE);
	run_ms(3000);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_RESYNC);
	assert_int_equal(held(S1, LAG), MLAG_HOLD_NONE);
	world_set_path(&world, true);
	run_ms(4000);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_NONE);
}

/* ---- drain ----------------------------------------------------------------------------------- */

static void test_drain_goes_by_floods_then_r1_of_the_peer_then_unicast_then_the_link(void **state)
{
	const struct world_leg *leg = &world.members[S1].legs[LAG];
	const struct world_leg *other = &world.members[S2].legs[LAG];
	bool closing = false, moving = false;

	(void)state;
	world.latency_ns = 10 * WORLD_MS;
	drain(S1, LAG, true);
	for (uint32_t ms = 0; ms < 500 && leg->held == MLAG_HOLD_NONE; ms++) {
		bool lifted = (other->port.isolated[WORLD_VLAN / 64] >> WORLD_VLAN % 64 & 1) == 0;

		run_ms(1);
		closing = closing || (leg->port.gate == MLAG_GATE_UNICAST && !leg->flood);
		if (leg->port.gate == MLAG_GATE_CLOSED && !moving) {
			moving = true;
			assert_true(closing && lifted);
		}
		expect_safe();
	}
	assert_true(moving);
	assert_int_equal(leg->held, MLAG_HOLD_DRAINED);
	run_ms(60000);
	assert_int_equal(leg->held, MLAG_HOLD_DRAINED);
	drain(S1, LAG, false);
	run_ms(5000);
	assert_int_equal(view_of(S1, LAG).state, MLAG_LEG_OPEN);
}

static void
test_a_drain_that_is_taken_back_at_any_moment_opens_by_a_new_acknowledgement(void **state)
{
	(void)state;
	world.latency_ns = 10 * WORLD_MS;
	for (uint32_t ms = 0; ms < 60; ms++) {
		drain(S1, LAG, true);
		run_ms(ms);
		drain(S1, LAG, false);
		for (uint32_t i = 0; i < 100; i++) {
			run_ms(1);
			expect_safe();
		}
		run_ms(5000);
		assert_int_equal(view_of(S1, LAG).state, MLAG_LEG_OPEN);
	}
}

static void test_drain_without_a_session_does_not_wait_for_anybody(void **state)
{
	(void)state;
	world_stop(&world, S2);
	run_ms(1000);
	drain(S1, LAG, true);
	run_ms(100);
	assert_int_equal(held(S1, LAG), MLAG_HOLD_DRAINED);
}

static void test_drain_is_advised_against_where_it_cuts_off(void **state)
{
	const struct mlag_engine *engine = world.members[S1].engine;
	const char *because;

	(void)state;
	assert_true(mlag_may_drain(engine, 1, &because));
	assert_null(because);
	assert_false(mlag_may_drain(engine, 77, &because));
	world_set_link(&world, S2, LAG, false);
	run_ms(100);
	assert_false(mlag_may_drain(engine, 1, &because));
	assert_non_null(because);
	assert_true(mlag_may_drain(engine, 2, &because));
	world_set_link(&world, S2, LAG, true);
	run_ms(5000);
}

static void test_drain_of_what_is_not_there_is_counted(void **state)
{
	struct mlag_view before, after;

	(void)state;
	mlag_get_view(world.members[S1].engine, &before);
	drain(S1, 76, true);
	mlag_get_view(world.members[S1].engine, &after);
	assert_int_equal(after.ignored_count, before.ignored_count + 1);
}

/* ---- start and fence ------------------------------------------------------------------------- */

static void test_a_start_holds_until_in_sync_and_startup_wait_does_not_matter(void **state)
{
	struct mlag_view view;

	(void)state;
	world.members[S1].config.startup_wait_ns = 3600 * WORLD_SECOND;
	world.members[S2].config.startup_wait_ns = 3600 * WORLD_SECOND;
	world_start(&world, S1);
	world_start(&world, S2);
	assert_int_equal(held(S1, LAG), MLAG_HOLD_STARTING);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_STARTING);
	for (uint32_t ms = 0; held(S1, LAG) != MLAG_HOLD_NONE; ms++) {
		run_ms(1);
		assert_true(ms < 2000);
	}
	mlag_get_view(world.members[S1].engine, &view);
	assert_true(view.synced);
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
}

static void test_who_starts_alone_waits_for_startup_wait(void **state)
{
	(void)state;
	world_start(&world, S1);
	run_ms(2900);
	assert_int_equal(held(S1, LAG), MLAG_HOLD_STARTING);
	run_ms(200);
	assert_int_equal(held(S1, LAG), MLAG_HOLD_NONE);
}

static void test_both_start_without_pl_and_exactly_one_serves(void **state)
{
	(void)state;
	world_set_peer_link(&world, false);
	world_start(&world, S1);
	world_start(&world, S2);
	run_ms(2900);
	assert_int_equal(held(S1, LAG), MLAG_HOLD_STARTING);
	for (uint32_t ms = 2900; ms < 20000; ms++) {
		assert_int_not_equal(held(S2, LAG), MLAG_HOLD_NONE);
		run_ms(1);
		assert_true(ms < 3100 || held(S1, LAG) == MLAG_HOLD_NONE);
	}
	assert_int_equal(verdict(S1), MLAG_VERDICT_SPLIT);
	assert_int_equal(verdict(S2), MLAG_VERDICT_SPLIT);
}

/* The secondary does not wait for ever for who leads and cannot serve. */
static void test_both_start_without_pl_and_the_primarys_leg_is_down(void **state)
{
	(void)state;
	world_set_peer_link(&world, false);
	world_set_link(&world, S1, LAG, false);
	world_start(&world, S1);
	world_start(&world, S2);
	run_ms(3000);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_STARTING);
	run_ms(3200);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_NONE);
}

static void run_and_expect_no_split(uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i++) {
		run_ms(1);
		assert_int_not_equal(verdict(S1), MLAG_VERDICT_SPLIT);
		assert_int_not_equal(verdict(S2), MLAG_VERDICT_SPLIT);
	}
}

static void test_a_pl_that_comes_after_the_backup_path_is_no_split(void **state)
{
	(void)state;
	world_set_peer_link(&world, false);
	world_start(&world, S1);
	world_start(&world, S2);
	run_and_expect_no_split(1000);
	assert_int_equal(verdict(S1), MLAG_VERDICT_STARTING);
	assert_int_equal(held(S1, LAG), MLAG_HOLD_STARTING);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_STARTING);
	world_set_peer_link(&world, true);
	run_and_expect_no_split(1000);
	assert_int_equal(verdict(S1), MLAG_VERDICT_PEERED);
	assert_int_equal(verdict(S2), MLAG_VERDICT_PEERED);
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
}

/* A bond, or a switch in between: carrier comes first, and frames pass later. */
static void test_a_pl_that_passes_later_than_its_carrier_comes_is_no_split(void **state)
{
	(void)state;
	world_set_passes(&world, MLAG_PATH_PEER_LINK, S1, false);
	world_set_passes(&world, MLAG_PATH_PEER_LINK, S2, false);
	world_start(&world, S1);
	world_start(&world, S2);
	run_and_expect_no_split(1000);
	world_set_passes(&world, MLAG_PATH_PEER_LINK, S1, true);
	run_and_expect_no_split(500);
	world_set_passes(&world, MLAG_PATH_PEER_LINK, S2, true);
	run_and_expect_no_split(1000);
	assert_int_equal(verdict(S1), MLAG_VERDICT_PEERED);
}

static void test_a_restart_before_pl_is_there_goes_on_waiting_for_it(void **state)
{
	(void)state;
	world_set_peer_link(&world, false);
	world_start(&world, S1);
	world_start(&world, S2);
	run_and_expect_no_split(1000);
	world_start(&world, S1);
	run_and_expect_no_split(1000);
	assert_int_equal(held(S1, LAG), MLAG_HOLD_STARTING);
	run_ms(3000);
	assert_int_equal(verdict(S1), MLAG_VERDICT_SPLIT);
	assert_int_equal(verdict(S2), MLAG_VERDICT_SPLIT);
}

/* Once it was usable, its loss is one, however early. */
static void test_a_pl_that_was_there_and_went_is_a_split_at_once(void **state)
{
	(void)state;
	world_start(&world, S1);
	world_start(&world, S2);
	run_ms(1000);
	world_set_peer_link(&world, false);
	run_ms(400);
	assert_int_equal(verdict(S1), MLAG_VERDICT_SPLIT);
	assert_int_equal(verdict(S2), MLAG_VERDICT_SPLIT);
}

static void test_both_start_and_refuse_each_other_and_one_serves(void **state)
{
	(void)state;
	world_set_path(&world, false);
	world_start(&world, S1);
	world_start(&world, S2);
	run_ms(20000);
	assert_int_equal(held(S1, LAG), MLAG_HOLD_NONE);
	assert_int_not_equal(held(S2, LAG), MLAG_HOLD_NONE);
}

static void test_a_restart_holds_nothing_that_served_and_keeps_what_was_held(void **state)
{
	(void)state;
	world_start(&world, S1);
	world_start(&world, S2);
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
	world_stop(&world, S2);
	world_start(&world, S2);
	assert_int_equal(held(S2, LAG), MLAG_HOLD_NONE);
	run_ms(2000);
	split();
	world_stop(&world, S2);
	world_start(&world, S2);
	assert_int_not_equal(held(S2, LAG), MLAG_HOLD_NONE);
	run_ms(20000);
	assert_int_not_equal(held(S2, LAG), MLAG_HOLD_NONE);
}

/* Its slaves came up for a moment, and the partner used a leg that was about to be held again. */
static void test_a_restart_never_lets_go_of_what_was_held(void **state)
{
	const struct world_leg *legs = world.members[S2].legs;

	(void)state;
	world_start(&world, S1);
	world_start(&world, S2);
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
	split();
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t before[WORLD_LAGS];

		for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
			before[lag] = legs[lag].releases;
		}
		world_stop(&world, S2);
		run_ms(i * 500);
		world_start(&world, S2);
		run_ms(5000);
		for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
			assert_int_not_equal(legs[lag].held, MLAG_HOLD_NONE);
			assert_int_equal(legs[lag].releases, before[lag]);
		}
	}
}

/* ---- for adapters ---------------------------------------------------------------------------- */

static void test_held_vlans_are_those_of_held_legs_alone_and_only_in_a_split(void **state)
{
	struct mlag_vlans vlans;

	(void)state;
	drain(S2, LAG, true);
	drain(S2, LAG + 1, true);
	drain(S2, LAG + 2, true);
	run_ms(2000);
	mlag_held_vlans(world.members[S2].engine, &vlans);
	assert_false(mlag_vlans_has(&vlans, WORLD_VLAN)); /* they are reached by PL */
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		drain(S2, lag, false);
	}
	run_ms(5000);
	split();
	mlag_held_vlans(world.members[S2].engine, &vlans);
	assert_true(mlag_vlans_has(&vlans, WORLD_VLAN));
	mlag_held_vlans(world.members[S1].engine, &vlans);
	assert_false(mlag_vlans_has(&vlans, WORLD_VLAN));
	world_set_link(&world, S1, LAG, false);
	run_ms(500);
	mlag_held_vlans(world.members[S2].engine, &vlans);
	assert_false(mlag_vlans_has(&vlans, WORLD_VLAN));
}

#define PAIR(name) cmocka_unit_test_setup_teardown(name, start, end)
#define BOOT(name) cmocka_unit_test_setup_teardown(name, start_nothing, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(test_split_holds_the_secondarys_legs_and_the_primarys_never),
		PAIR(test_split_gives_the_leg_free_that_the_primary_does_not_serve_whenever_that_is),
		PAIR(test_a_primary_that_dies_in_a_split_leaves_no_leg_held),
		PAIR(test_a_role_that_moves_in_a_split_moves_the_legs),
		PAIR(test_legs_that_gave_way_return_after_pl_was_stable_later_each_time),
		PAIR(test_a_leg_that_gave_way_returns_at_once_when_the_primarys_fails),
		PAIR(test_a_restart_keeps_the_reason_and_the_wait),
		PAIR(test_who_cannot_know_and_does_not_lead_is_a_system_of_its_own),
		PAIR(test_a_flap_shorter_than_the_wait_does_not_move_the_legs),
		PAIR(test_without_a_session_for_long_the_secondary_gives_way),
		PAIR(test_drain_goes_by_floods_then_r1_of_the_peer_then_unicast_then_the_link),
		PAIR(test_a_drain_that_is_taken_back_at_any_moment_opens_by_a_new_acknowledgement),
		PAIR(test_drain_without_a_session_does_not_wait_for_anybody),
		PAIR(test_drain_is_advised_against_where_it_cuts_off),
		PAIR(test_drain_of_what_is_not_there_is_counted),
		BOOT(test_a_start_holds_until_in_sync_and_startup_wait_does_not_matter),
		BOOT(test_who_starts_alone_waits_for_startup_wait),
		BOOT(test_both_start_without_pl_and_exactly_one_serves),
		BOOT(test_both_start_without_pl_and_the_primarys_leg_is_down),
		BOOT(test_a_pl_that_comes_after_the_backup_path_is_no_split),
		BOOT(test_a_pl_that_passes_later_than_its_carrier_comes_is_no_split),
		BOOT(test_a_restart_before_pl_is_there_goes_on_waiting_for_it),
		BOOT(test_a_pl_that_was_there_and_went_is_a_split_at_once),
		BOOT(test_both_start_and_refuse_each_other_and_one_serves),
		BOOT(test_a_restart_holds_nothing_that_served_and_keeps_what_was_held),
		BOOT(test_a_restart_never_lets_go_of_what_was_held),
		PAIR(test_held_vlans_are_those_of_held_legs_alone_and_only_in_a_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
