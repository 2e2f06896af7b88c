/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What looks at every row of a table goes in slices, so that hellos have their turn with a million of
 * them: a session's snapshot, and MACs that are reconsidered.  Here a slice has three rows, and things
 * change in front of the cursor and behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "side.h"

#define SLICE 3
#define ROWS 30

static struct side a, b;

static int start(void **state)
{
	(void)state;
	side_init(&a, 100);
	side_init(&b, 100);
	for (uint32_t key = 1; key <= ROWS; key++) {
		side_claim(&a, key, key);
	}
	a.table.slice_rows = SLICE;
	return 0;
}

static int end(void **state)
{
	(void)state;
	side_fini(&a);
	side_fini(&b);
	return 0;
}

static bool is_acked(uint32_t key)
{
	return table_row_is_acked(&a.table, side_row_of(&a, key));
}

/* Both say what they have to say, and time passes between. */
static void finish(void)
{
	do {
		(void)side_pass_all(&a, &b);
		if (table_wants_slice(&a.table)) {
			table_advance(&a.table);
		}
	} while (table_wants_slice(&a.table) || table_has_message(&a.table));
	side_expect_equal(&a, &b);
	assert_true(table_is_synced(&a.table));
}

static void test_a_session_begins_with_a_slice_and_its_snapshot_is_whole(void **state)
{
	uint32_t slices = 1;

	(void)state;
	side_start_session(&a, &b);
	assert_int_equal(a.table.publish.count, SLICE);
	assert_true(table_wants_slice(&a.table));
	for (; table_wants_slice(&a.table); slices++) {
		table_advance(&a.table);
		assert_true(a.table.publish.count <= (slices + 1) * SLICE);
	}
	assert_int_equal(slices, ROWS / SLICE);
	finish();
}

static void test_a_snapshot_does_not_end_before_its_last_slice(void **state)
{
	(void)state;
	for (uint32_t key = SLICE + 1; key < ROWS; key++) {
		side_withdraw(&a, key); /* so there are slices with nothing in them */
	}
	side_start_session(&a, &b);
	while (side_pass_one(&a, &b)) {
	}
	assert_true(table_wants_slice(&a.table));
	side_withdraw(&a, 1);
	while (side_pass_one(&a, &b)) {
	}
	assert_true(table_wants_slice(&a.table));
	assert_false(b.table.peer_complete);
	finish();
	assert_int_equal(b.table.peer_count, SLICE);
}

static void test_changes_before_and_behind_the_cursor_arrive(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	table_advance(&a.table);
	side_claim(&a, 2, 1000);	/* behind */
	side_claim(&a, ROWS - 2, 1001); /* before */
	side_withdraw(&a, 3);
	side_withdraw(&a, ROWS - 3);
	side_claim(&a, ROWS + 1, 1002); /* in the place of one that was given back, or at the end */
	side_withdraw(&a, ROWS);
	side_claim(&a, ROWS, 1003);
	finish();
	assert_int_equal(b.table.peer_count, ROWS - 1);
	assert_int_equal(a.table.sent_count, ROWS - 1);
}

static void test_what_is_sent_while_a_snapshot_goes_on_is_sent_in_order(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	for (uint32_t i = 0; i < 2 * ROWS; i++) {
		side_claim(&a, 1 + i * 7 % ROWS, 2000 + i);
		if (i % 3 == 0) {
			side_withdraw(&a, 1 + i * 11 % ROWS);
		}
		(void)side_pass_one(&a, &b);
		(void)side_pass_one(&b, &a);
	}
	finish();
}

static void test_a_session_lost_in_the_middle_is_forgotten_by_the_next(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		side_start_session(&a, &b);
		for (uint32_t k = 0; k < i; k++) {
			table_advance(&a.table);
			(void)side_pass_one(&a, &b);
			(void)side_pass_one(&b, &a);
		}
		side_claim(&a, ROWS - i, 3000 + i);
		side_end_session(&a, &b);
		side_claim(&a, 1 + i, 4000 + i);
	}
	side_start_session(&a, &b);
	finish();
}

/* R1 relies on it: what the peer is taken to know of a host. */
static void test_another_peer_has_acknowledged_nothing_before_a_slice_comes_to_it(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	finish();
	side_end_session(&a, &b);
	assert_true(is_acked(1) && is_acked(ROWS));
	table_session_start(&a.table, false);
	assert_true(table_wants_slice(&a.table));
	assert_false(is_acked(1) || is_acked(ROWS));
	/* Nor has it when the session is lost before that, and comes again. */
	table_session_end(&a.table);
	assert_false(is_acked(1) || is_acked(ROWS));
	table_session_start(&a.table, true);
	assert_false(is_acked(1) || is_acked(ROWS));
	while (table_wants_slice(&a.table)) {
		table_advance(&a.table);
	}
	assert_false(is_acked(1) || is_acked(ROWS));
}

static void test_the_same_peer_holds_what_it_acknowledged(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	finish();
	side_end_session(&a, &b);
	table_session_start(&a.table, true);
	assert_true(is_acked(1) && is_acked(ROWS));
	side_claim(&a, ROWS, 5000); /* another claim */
	assert_false(is_acked(ROWS));
}

static void test_a_snapshot_asked_for_again_loses_no_withdrawal(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	finish();
	table_snapshot_again(&a.table);
	assert_true(table_wants_slice(&a.table));
	side_withdraw(&a, ROWS);
	side_withdraw(&a, 1);
	side_claim(&a, ROWS - 1, 6000);
	finish();
	assert_int_equal(b.table.peer_count, ROWS - 2);
}

static void test_rows_before_the_cursor_are_not_taken_for_damage(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	finish();
	side_end_session(&a, &b);
	side_claim(&a, ROWS, 7000);
	side_start_session(&a, &b);
	assert_false(digest_scrub(&a.table, 1000));
	assert_int_equal(a.table.differences_count, 0);
	finish();
}

/* ---- MACs that are reconsidered ------------------------------------------------------------- */

static struct rig rig;

static int start_rig(void **state)
{
	(void)state;
	rig_init(&rig, 0);
	rig_static_leg(&rig);
	for (uint8_t mac = 1; mac <= ROWS; mac++) {
		rig_fdb(&rig, mac, RIG_LEG, MLAG_FDB_DYNAMIC);
	}
	rig.engine->macs.slice_rows = SLICE;
	return 0;
}

static int end_rig(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

/* The leg takes the VLAN of all MACs, or loses it: none of them is seen there any more. */
static void set_vlan(bool allowed)
{
	struct mlag_leg_observation seen;

	memset(&seen, 0, sizeof(seen));
	seen.ifindex = RIG_LEG;
	seen.carrier = true;
	mlag_vlans_add(&seen.vlans, allowed ? RIG_VLAN : RIG_VLAN + 1);
	rig_observe_leg(&rig, 1, &seen);
}

static uint32_t own_count(void)
{
	return rig.engine->macs.own_count;
}

/* Ticks, as often as the engine wants them; how many. */
static uint32_t run(void)
{
	uint32_t ticks = 0;

	while (rig.engine->mac_pass.active) {
		uint64_t deadline_ns = mlag_deadline_ns(rig.engine);

		assert_true(deadline_ns <= rig.engine->now_ns + 2 * RIG_MS);
		rig.now_ns = deadline_ns > rig.now_ns ? deadline_ns : rig.now_ns;
		rig_tick(&rig, 0);
		assert_true(++ticks < 100);
	}
	return ticks;
}

static void test_macs_are_reconsidered_in_slices_that_the_engine_asks_for(void **state)
{
	(void)state;
	assert_int_equal(own_count(), ROWS);
	set_vlan(false);
	assert_int_equal(own_count(), ROWS - SLICE);
	assert_true(run() >= ROWS / SLICE - 1);
	assert_int_equal(own_count(), 0);
}

static void test_what_is_asked_for_meanwhile_reaches_every_mac(void **state)
{
	(void)state;
	set_vlan(false);
	rig_tick(&rig, 2 * RIG_MS);
	assert_true(own_count() > 0);
	set_vlan(true);
	(void)run();
	assert_int_equal(own_count(), ROWS);
}

static void test_requests_without_end_keep_no_mac_from_its_turn(void **state)
{
	(void)state;
	set_vlan(false);
	for (uint32_t i = 0; i < ROWS; i++) {
		mac_refresh_all(rig.engine);
		rig_tick(&rig, 2 * RIG_MS);
	}
	assert_true(rig.engine->mac_pass.active);
	assert_int_equal(own_count(), 0);
}

static void test_macs_that_come_and_go_meanwhile_are_as_they_are_seen(void **state)
{
	struct mlag_mac_view view;

	(void)state;
	set_vlan(false);
	rig_tick(&rig, 2 * RIG_MS);
	rig_fdb(&rig, 1, 0, MLAG_FDB_NONE);
	rig_fdb(&rig, ROWS, 0, MLAG_FDB_NONE);
	rig_fdb(&rig, 2, RIG_ORPHAN, MLAG_FDB_DYNAMIC);	       /* behind the cursor */
	rig_fdb(&rig, ROWS - 1, RIG_ORPHAN, MLAG_FDB_DYNAMIC); /* before it */
	rig_fdb(&rig, ROWS + 1, RIG_ORPHAN, MLAG_FDB_DYNAMIC); /* a new one */
	(void)run();
	assert_int_equal(own_count(), 3);
	assert_true(rig_mac(&rig, 2, &view) && view.own && view.lag_id == 0);
	assert_true(rig_mac(&rig, ROWS - 1, &view) && view.own && view.lag_id == 0);
	assert_true(rig_mac(&rig, ROWS + 1, &view) && view.own && view.lag_id == 0);
}

#define SIDES(name) cmocka_unit_test_setup_teardown(name, start, end)
#define MACS(name) cmocka_unit_test_setup_teardown(name, start_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIDES(test_a_session_begins_with_a_slice_and_its_snapshot_is_whole),
		SIDES(test_a_snapshot_does_not_end_before_its_last_slice),
		SIDES(test_changes_before_and_behind_the_cursor_arrive),
		SIDES(test_what_is_sent_while_a_snapshot_goes_on_is_sent_in_order),
		SIDES(test_a_session_lost_in_the_middle_is_forgotten_by_the_next),
		SIDES(test_another_peer_has_acknowledged_nothing_before_a_slice_comes_to_it),
		SIDES(test_the_same_peer_holds_what_it_acknowledged),
		SIDES(test_a_snapshot_asked_for_again_loses_no_withdrawal),
		SIDES(test_rows_before_the_cursor_are_not_taken_for_damage),
		MACS(test_macs_are_reconsidered_in_slices_that_the_engine_asks_for),
		MACS(test_what_is_asked_for_meanwhile_reaches_every_mac),
		MACS(test_requests_without_end_keep_no_mac_from_its_turn),
		MACS(test_macs_that_come_and_go_meanwhile_are_as_they_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
