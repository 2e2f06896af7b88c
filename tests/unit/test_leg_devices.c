/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices of legs that come, go and are replaced, and legs that are configured and removed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "legrig.h"

static void test_leg_device_disappears_and_returns(void **state)
{
	struct mlag_leg_program program;

	(void)state;
	legrig_be_open();
	legrig_peer_leg.up = 1;
	legrig_peer_leg.generation = 9;
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	(void)rig_apply(&legrig);
	memset(&legrig_seen, 0, sizeof(legrig_seen));
	assert_int_equal(legrig_observe(10, false, false), MLAG_LEG_DOWN);
	/* There is nothing to program, and R1 holds by itself. */
	assert_false(mlag_next_leg(legrig.engine, &program));
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 0);
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 9);
	rig_tick(&legrig, 10 * RIG_SECOND);
	assert_false(mlag_next_leg(legrig.engine, &program));
	/* Another device: it has no gate yet, so nothing new is said of it. */
	legrig_seen.ifindex = 99;
	legrig_seen.carrier = true;
	mlag_vlans_add(&legrig_seen.vlans, RIG_VLAN);
	assert_int_equal(legrig_observe(10, false, false), MLAG_LEG_READY);
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 0);
	program = legrig_apply_one();
	assert_int_equal(program.ifindex, 99);
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 1);
}

static void test_device_replaced_while_a_program_is_out(void **state)
{
	struct mlag_leg_program old;
	struct mlag_event event = {.type = MLAG_EVENT_LEG_APPLIED};

	(void)state;
	legrig_be_ready();
	legrig_connect_peer(true);
	assert_true(mlag_next_leg(legrig.engine, &old));
	legrig_seen.ifindex = 99;
	(void)legrig_observe(10, false, false);
	event.leg_applied.lag_id = 1;
	event.leg_applied.serial = old.serial;
	rig_step(&legrig, &event);
	assert_int_equal(legrig_leg()->applied_serial, 0);
	assert_int_equal(legrig_apply_one().ifindex, 99);
}

static void test_vlans_of_the_leg_are_told(void **state)
{
	(void)state;
	legrig_be_open();
	mlag_vlans_add(&legrig_seen.vlans, 4000);
	assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_OPEN);
	assert_true(mlag_vlans_has(&rig_own_leg(&legrig, 1)->vlans, 4000));
	assert_true(table_has_message(&legrig.engine->legs));
}

static void test_removed_leg_is_withdrawn_and_its_row_goes(void **state)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG_REMOVE, .leg_configure = {.lag_id = 1}};
	struct mlag_leg_view view;
	struct mlag_leg_program program;
	uint64_t ignored = legrig.engine->ignored_count;

	(void)state;
	legrig_be_open();
	rig_hear_no_leg(&legrig, 1);
	(void)rig_apply(&legrig);
	rig_step(&legrig, &event);
	assert_null(rig_own_leg(&legrig, 1));
	assert_false(mlag_get_leg(legrig.engine, 0, &view));
	(void)rig_drain(&legrig);
	assert_false(mlag_next_leg(legrig.engine, &program));
	assert_int_equal(legrig.engine->legs.rows_used, 0);
	/* Twice, or what never was, is ignored. */
	rig_step(&legrig, &event);
	event.type = MLAG_EVENT_LEG_APPLIED;
	rig_step(&legrig, &event);
	rig_observe_leg(&legrig, 1, &legrig_seen);
	rig_configure_leg(&legrig, 0);
	assert_true(legrig.engine->ignored_count >= ignored + 4);
}

static void test_configured_twice_is_configured_once(void **state)
{
	(void)state;
	legrig_be_open();
	rig_configure_leg(&legrig, 1);
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
	assert_int_equal(legrig.engine->legs.rows_used, 1);
}

static void test_limit_of_legs(void **state)
{
	struct mlag_leg_view view;
	uint32_t count = 0;

	(void)state;
	for (uint16_t lag_id = 1; lag_id <= 2 * MLAG_LEGS_MAX + 10; lag_id++) {
		rig_configure_leg(&legrig, lag_id);
	}
	while (mlag_get_leg(legrig.engine, count, &view)) {
		count++;
	}
	assert_int_equal(count, 2 * MLAG_LEGS_MAX);
	assert_int_equal(legrig.engine->legs.full_count, 10);
}

static void test_views_of_legs(void **state)
{
	struct mlag_leg_view view;

	(void)state;
	legrig_be_open();
	rig_hear_leg(&legrig, 9, &legrig_peer_leg);
	assert_true(mlag_get_leg(legrig.engine, 1, &view));
	assert_int_equal(view.lag_id, 9);
	assert_int_equal(view.state, MLAG_LEG_NONE);
	assert_true(view.peer_present);
	assert_false(mlag_get_leg(legrig.engine, 2, &view));
	/* Partners that are not the same system. */
	legrig_seen.partner_mac.octets[5] = 1;
	(void)legrig_observe(20, true, true);
	assert_false(legrig_look().partner_differs);
	legrig_peer_leg.partner_mac.octets[5] = 2;
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	assert_true(legrig_look().partner_differs);
	legrig_peer_leg.partner_mac.octets[5] = 1;
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	assert_false(legrig_look().partner_differs);
}

#define LEG_TEST(f) cmocka_unit_test_setup_teardown(f, legrig_start, legrig_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEG_TEST(test_leg_device_disappears_and_returns),
		LEG_TEST(test_device_replaced_while_a_program_is_out),
		LEG_TEST(test_vlans_of_the_leg_are_told),
		LEG_TEST(test_removed_leg_is_withdrawn_and_its_row_goes),
		LEG_TEST(test_configured_twice_is_configured_once),
		LEG_TEST(test_limit_of_legs),
		LEG_TEST(test_views_of_legs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
