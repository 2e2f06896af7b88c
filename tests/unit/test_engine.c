/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole scenarios of two engines wired to each other (world.h), each in a few thousand steps of
 * virtual time, and the state machines cell by cell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "leg.h"
#include "session.h"
#include "world.h"

static struct world world;

static void expect_safe(void)
{
	const char *complaint = world_check_safety(&world);

	if (complaint != NULL) {
		fail_msg("at %.3f s: %s", (double)world.now_ns / 1e9, complaint);
	}
}

static void expect_live(void)
{
	const char *complaint;

	/* Everybody speaks once, so that everybody is known. */
	(void)world_check_safety(&world);
	world_run(&world, WORLD_SECOND);
	complaint = world_check_live(&world);
	if (complaint != NULL) {
		fail_msg("at %.3f s: %s", (double)world.now_ns / 1e9, complaint);
	}
}

static int start_pair(void **state)
{
	(void)state;
	world_init(&world, 1);
	world_start(&world, 0);
	world_start(&world, 1);
	assert_true(world_run_until_open(&world, 10 * WORLD_SECOND));
	return 0;
}

static int end_pair(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static enum mlag_leg_state leg_state(uint32_t member, uint32_t lag)
{
	struct mlag_leg_view view;

	assert_true(mlag_get_leg(world.members[member].engine, lag, &view));
	return view.state;
}

/* Let time pass with the safety checks running all along. */
static void run_safely(uint64_t duration_ns)
{
	for (uint64_t i = 0; i < duration_ns / (5 * WORLD_MS); i++) {
		world_run(&world, 5 * WORLD_MS);
		expect_safe();
	}
}

static void test_pair_comes_up_peered(void **state)
{
	struct mlag_view a;
	struct mlag_view b;

	(void)state;
	mlag_get_view(world.members[0].engine, &a);
	mlag_get_view(world.members[1].engine, &b);
	assert_int_equal(a.verdict, MLAG_VERDICT_PEERED);
	assert_int_equal(b.verdict, MLAG_VERDICT_PEERED);
	/* Equal epoch and priority: the lower member id leads. */
	assert_int_equal(a.role, MLAG_ROLE_PRIMARY);
	assert_int_equal(b.role, MLAG_ROLE_SECONDARY);
	assert_true(a.synced && b.synced && a.macs.match && b.legs.match);
	expect_safe();
	expect_live();
}

static void test_r1_r5_leg_fails(void **state)
{
	struct world_delivery delivery;

	(void)state;
	expect_live();
	world_set_link(&world, 0, 0, false);
	run_safely(50 * WORLD_MS);
	/* R5: from the orphan of S1, over PL, by the other leg. */
	delivery = world_send(&world, WORLD_ORPHAN_HOST(0), 0, 0);
	assert_int_equal(delivery.copies[0], 1);
	assert_int_equal(delivery.peer_link[0], 1);
	expect_live();
}

static void test_leg_returns_without_echo(void **state)
{
	(void)state;
	expect_live();
	world_set_link(&world, 0, 0, false);
	run_safely(2 * WORLD_SECOND);
	world_set_link(&world, 0, 0, true);
	run_safely(4 * WORLD_SECOND);
	assert_int_equal(leg_state(0, 0), MLAG_LEG_OPEN);
	expect_live();
}

static void test_leg_pending_at_carrier(void **state)
{
	(void)state;
	world_set_link(&world, 0, 0, false);
	world_run(&world, WORLD_SECOND);
	world_set_link(&world, 0, 0, true);
	/* Old LACP values linger: they must not make it ready. */
	world_run(&world, 40 * WORLD_MS);
	assert_int_equal(leg_state(0, 0), MLAG_LEG_PENDING);
	assert_int_equal(world.members[0].legs[0].port.gate, MLAG_GATE_CLOSED);
	assert_false(world.members[0].legs[0].flood);
}

static void test_both_legs_pending(void **state)
{
	(void)state;
	expect_live();
	world_set_link(&world, 0, 1, false);
	world_set_link(&world, 1, 1, false);
	run_safely(WORLD_SECOND);
	world_set_link(&world, 0, 1, true);
	world_set_link(&world, 1, 1, true);
	run_safely(5 * WORLD_SECOND);
	expect_live();
}

static void test_partner_leaves_with_carrier(void **state)
{
	(void)state;
	expect_live();
	world_set_partner(&world, 0, 0, false);
	run_safely(2 * WORLD_SECOND);
	assert_int_equal(leg_state(0, 0), MLAG_LEG_PENDING);
	expect_live();
	world_set_partner(&world, 0, 0, true);
	run_safely(4 * WORLD_SECOND);
	assert_int_equal(leg_state(0, 0), MLAG_LEG_OPEN);
}

static void test_r8_vlan_on_one_leg_only(void **state)
{
	struct mlag_mac mac = world_host_mac(0);

	(void)state;
	world_set_vlan(&world, 0, 0, false);
	world_run(&world, WORLD_SECOND);
	expect_live();
	/* S1 has no leg in the VLAN: the MAC is behind the peer link there. */
	assert_int_equal(world_lookup(&world, 0, &mac).ifindex, WORLD_PEER_LINK);
	assert_int_equal(world_lookup(&world, 0, &mac).kind, MLAG_FDB_EXTERNAL);
	world_set_vlan(&world, 0, 0, true);
	world_run(&world, WORLD_SECOND);
	assert_int_equal(world_lookup(&world, 0, &mac).ifindex, WORLD_LEG(0));
	expect_live();
}

static void test_r8_peer_orphan_and_lag(void **state)
{
	struct mlag_mac orphan = world_host_mac(WORLD_ORPHAN_HOST(0));
	struct mlag_mac dual = world_host_mac(2);

	(void)state;
	(void)world_send(&world, WORLD_ORPHAN_HOST(0), 0, WORLD_HOSTS);
	(void)world_send(&world, 2, 0, WORLD_HOSTS);
	world_run(&world, 100 * WORLD_MS);
	assert_int_equal(world_lookup(&world, 1, &orphan).ifindex, WORLD_PEER_LINK);
	assert_int_equal(world_lookup(&world, 1, &orphan).kind, MLAG_FDB_EXTERNAL);
	assert_int_equal(world_lookup(&world, 1, &dual).ifindex, WORLD_LEG(2));
	assert_int_equal(world_lookup(&world, 1, &dual).kind, MLAG_FDB_INACTIVE);
}

static void test_r9_move_wins_on_both(void **state)
{
	struct mlag_mac mac = {{0x02, 0xbb, 0, 0, 0, 1}};

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t at = i % 2;

		(void)world_send_mac(&world, WORLD_ORPHAN_HOST(at), at, &mac, WORLD_HOSTS);
		world_run(&world, 20 * WORLD_MS);
		assert_int_equal(world_lookup(&world, at, &mac).ifindex, WORLD_ORPHAN);
		assert_int_equal(world_lookup(&world, 1 - at, &mac).ifindex, WORLD_PEER_LINK);
	}
	/* From an orphan to a dual-attached place and back. */
	(void)world_send_mac(&world, 0, 1, &mac, WORLD_HOSTS);
	world_run(&world, 20 * WORLD_MS);
	assert_int_equal(world_lookup(&world, 0, &mac).ifindex, WORLD_LEG(0));
	assert_int_equal(world_lookup(&world, 1, &mac).ifindex, WORLD_LEG(0));
}

static void test_r9_tie_goes_to_lower_member(void **state)
{
	struct mlag_mac mac = {{0x02, 0xbb, 0, 0, 0, 2}};

	(void)state;
	/* Both see it new at the same time: equal sequence numbers. */
	(void)world_send_mac(&world, WORLD_ORPHAN_HOST(0), 0, &mac, 0);
	(void)world_send_mac(&world, WORLD_ORPHAN_HOST(1), 1, &mac, 0);
	world_run(&world, 200 * WORLD_MS);
	assert_int_equal(world_lookup(&world, 0, &mac).ifindex, WORLD_ORPHAN);
	assert_int_equal(world_lookup(&world, 1, &mac).ifindex, WORLD_PEER_LINK);
}

static void test_r9_ages_when_both_stopped(void **state)
{
	struct mlag_mac mac = world_host_mac(0);

	(void)state;
	(void)world_send(&world, 0, 0, WORLD_HOSTS);
	world_run(&world, 50 * WORLD_MS);
	(void)world_send(&world, 0, 1, WORLD_HOSTS);
	world_run(&world, 50 * WORLD_MS);
	world_age(&world, 0, &mac);
	world_run(&world, 50 * WORLD_MS);
	/* S2 still sees it, so S1 keeps it, known to be hearsay. */
	assert_int_equal(world_lookup(&world, 0, &mac).kind, MLAG_FDB_INACTIVE);
	world_age(&world, 1, &mac);
	world_run(&world, 50 * WORLD_MS);
	assert_int_equal(world_lookup(&world, 0, &mac).kind, MLAG_FDB_NONE);
	assert_int_equal(world_lookup(&world, 1, &mac).kind, MLAG_FDB_NONE);
}

static void test_restart_of_one_daemon(void **state)
{
	(void)state;
	expect_live();
	world_stop(&world, 1);
	run_safely(WORLD_SECOND);
	world_start(&world, 1);
	run_safely(2 * WORLD_SECOND);
	assert_true(world_run_until_open(&world, 5 * WORLD_SECOND));
	expect_live();
}

static void test_session_lost_freezes(void **state)
{
	struct mlag_view view;

	(void)state;
	expect_live();
	world_set_path(&world, false);
	run_safely(500 * WORLD_MS);
	mlag_get_view(world.members[0].engine, &view);
	assert_int_equal(view.session, MLAG_SESSION_IDLE);
	assert_int_equal(view.verdict, MLAG_VERDICT_RESYNC);
	assert_int_equal(view.close_reason, MLAG_CLOSE_TIMEOUT);
	assert_int_equal(leg_state(0, 0), MLAG_LEG_OPEN);
	world_set_path(&world, true);
	assert_true(world_run_until_open(&world, 5 * WORLD_SECOND));
	expect_live();
}

static void test_r2_peer_link_lost(void **state)
{
	(void)state;
	expect_live();
	world_set_link(&world, 0, 0, false);
	world_run(&world, 100 * WORLD_MS);
	assert_int_equal(world.members[1].legs[0].port.isolated[0], 0);
	world_set_peer_link(&world, false);
	world_run(&world, 100 * WORLD_MS);
	/* All of R1 is back in force. */
	assert_true(world.members[1].legs[0].port.isolated[0] == UINT64_MAX);
	world_set_peer_link(&world, true);
	run_safely(WORLD_SECOND);
	assert_int_equal(world.members[1].legs[0].port.isolated[0], 0);
}

static void test_alone_opens_its_legs(void **state)
{
	struct mlag_view view;

	(void)state;
	world_fini(&world);
	world_init(&world, 1);
	world_start(&world, 0);
	world_run(&world, WORLD_SECOND);
	mlag_get_view(world.members[0].engine, &view);
	assert_int_equal(view.verdict, MLAG_VERDICT_STARTING);
	assert_int_not_equal(leg_state(0, 0), MLAG_LEG_OPEN);
	world_run(&world, 3 * WORLD_SECOND);
	mlag_get_view(world.members[0].engine, &view);
	assert_int_equal(view.verdict, MLAG_VERDICT_ALONE);
	assert_int_equal(view.role, MLAG_ROLE_PRIMARY);
	assert_int_equal(leg_state(0, 0), MLAG_LEG_OPEN);
	/* A survivor stays primary, whoever has the lower id. */
	world_start(&world, 1);
	assert_true(world_run_until_open(&world, 5 * WORLD_SECOND));
	mlag_get_view(world.members[0].engine, &view);
	assert_int_equal(view.role, MLAG_ROLE_PRIMARY);
}

static void expect_refused(enum mlag_close_reason reason)
{
	struct mlag_view view;

	world_start(&world, 1);
	world_run(&world, 3 * WORLD_SECOND);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		mlag_get_view(world.members[m].engine, &view);
		assert_int_not_equal(view.session, MLAG_SESSION_UP);
		assert_int_equal(view.close_reason, reason);
	}
}

static void test_wrong_domain_is_refused(void **state)
{
	(void)state;
	world.members[1].config.domain_id = 2;
	expect_refused(MLAG_CLOSE_DOMAIN);
}

static void test_wrong_system_mac_is_refused(void **state)
{
	(void)state;
	world.members[1].config.system_mac.octets[5] = 9;
	expect_refused(MLAG_CLOSE_SYSTEM_MAC);
}

static void test_session_table_every_cell(void **state)
{
	(void)state;
	for (uint32_t s = MLAG_SESSION_IDLE; s <= MLAG_SESSION_REFUSED; s++) {
		for (uint32_t i = 0; i < SESSION_INPUTS_COUNT; i++) {
			enum mlag_session_state from = (enum mlag_session_state)s;
			enum session_input input = (enum session_input)i;
			struct session_cell cell = session_transition(from, input);

			/* A cell nobody wrote is all zero: state none. */
			assert_int_not_equal(cell.next, MLAG_SESSION_NONE);
			/* Only an acceptable hello leads to UP, only from greeting. */
			if (cell.next == MLAG_SESSION_UP && from != MLAG_SESSION_UP) {
				assert_int_equal(from, MLAG_SESSION_GREETING);
				assert_int_equal(input, SESSION_INPUT_HELLO);
				assert_int_equal(cell.action, SESSION_ACTION_ESTABLISH);
			}
			/* Whatever leaves UP freezes or parts. */
			if (from == MLAG_SESSION_UP && cell.next != MLAG_SESSION_UP) {
				assert_true(cell.action == SESSION_ACTION_FREEZE ||
					    cell.action == SESSION_ACTION_FREEZE_CLOSE ||
					    cell.action == SESSION_ACTION_PART);
			}
			/* A connection that ended leaves no state that thinks it has one. */
			if (input == SESSION_INPUT_DISCONNECTED) {
				assert_true(cell.next == MLAG_SESSION_IDLE ||
					    cell.next == MLAG_SESSION_REFUSED);
			}
		}
	}
}

static void test_leg_table_every_cell(void **state)
{
	(void)state;
	for (uint32_t s = MLAG_LEG_DOWN; s <= MLAG_LEG_OPEN; s++) {
		for (uint32_t i = 0; i < LEG_INPUTS_COUNT; i++) {
			enum mlag_leg_state from = (enum mlag_leg_state)s;
			enum leg_input input = (enum leg_input)i;
			enum mlag_leg_state to = leg_transition(from, input);

			assert_int_not_equal(to, MLAG_LEG_NONE);
			assert_string_not_equal(leg_input_text(input), "?");
			if (input == LEG_INPUT_LOST) {
				assert_int_equal(to, MLAG_LEG_DOWN);
			}
			/* Floods open from ready by the acknowledgement and by nothing else. */
			if (to == MLAG_LEG_OPEN && from != MLAG_LEG_OPEN) {
				assert_int_equal(from, MLAG_LEG_READY);
				assert_int_equal(input, LEG_INPUT_ACKED);
			}
			if (input == LEG_INPUT_ALIVE && from != MLAG_LEG_DOWN) {
				assert_int_equal(to, MLAG_LEG_PENDING);
			}
		}
	}
}

#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, start_pair, end_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session_table_every_cell),
		cmocka_unit_test(test_leg_table_every_cell),
		PAIR_TEST(test_pair_comes_up_peered),
		PAIR_TEST(test_r1_r5_leg_fails),
		PAIR_TEST(test_leg_returns_without_echo),
		PAIR_TEST(test_leg_pending_at_carrier),
		PAIR_TEST(test_both_legs_pending),
		PAIR_TEST(test_partner_leaves_with_carrier),
		PAIR_TEST(test_r8_vlan_on_one_leg_only),
		PAIR_TEST(test_r8_peer_orphan_and_lag),
		PAIR_TEST(test_r9_move_wins_on_both),
		PAIR_TEST(test_r9_tie_goes_to_lower_member),
		PAIR_TEST(test_r9_ages_when_both_stopped),
		PAIR_TEST(test_restart_of_one_daemon),
		PAIR_TEST(test_session_lost_freezes),
		PAIR_TEST(test_r2_peer_link_lost),
		PAIR_TEST(test_alone_opens_its_legs),
		PAIR_TEST(test_wrong_domain_is_refused),
		PAIR_TEST(test_wrong_system_mac_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
