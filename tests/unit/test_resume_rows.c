/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going on where an earlier daemon ended (SAFE-40), MACs and addresses: they stay as they were found
 * until the peer has spoken; nothing that only the peer had seen becomes a sighting of our own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resume.h"
#include "resumerig.h"
#include "world.h"

/* ---- MACs ----------------------------------------------------------------------------------- */

/* A resumed pair with LAG 1 open and three MACs, and its FDB not read yet. */
static void resume_macs(void)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);
	const struct mlag_source place = {
		.lag_id = 1,
		.peer_knows = 1,
		.known = 1,
		.ifindex = RIG_LEG,
	};
	struct mlag_source own = place;
	struct mlag_source heard = place;
	struct mlag_source both = place;

	own.own_seq = 5;
	heard.peer_seq = 6;
	both.own_seq = 7;
	both.peer_seq = 7;
	heard.memory = MLAG_SOURCE_PEER;
	both.memory = MLAG_SOURCE_PEER;
	resumerig_pair();
	resumerig_mac(1, &own);
	resumerig_mac(2, &heard);
	resumerig_mac(3, &both);
	resumerig_leg(&held);
}

static void expect_claims(uint8_t mac, uint32_t own_seq, uint32_t peer_seq)
{
	struct mlag_mac_view view;

	assert_true(rig_mac(&resumerig, mac, &view));
	assert_int_equal(view.own_seq, own_seq);
	assert_int_equal(view.peer_seq, peer_seq);
	assert_int_equal(view.lag_id, 1);
}

static void test_macs_are_what_they_were_and_nothing_is_written(void **state)
{
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];

	(void)state;
	resume_macs();
	/* The dump may come before the legs: that says nothing of orphans. */
	rig_step_type(&resumerig, MLAG_EVENT_FDB_DUMP_BEGIN);
	rig_fdb(&resumerig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	rig_fdb(&resumerig, 2, RIG_LEG, MLAG_FDB_INACTIVE);
	rig_fdb(&resumerig, 3, RIG_LEG, MLAG_FDB_ACTIVE);
	rig_step_type(&resumerig, MLAG_EVENT_FDB_DUMP_END);
	resumerig_resumed();
	expect_claims(1, 5, 0);
	expect_claims(2, 0, 6); /* hearsay stays hearsay */
	expect_claims(3, 7, 7);
	assert_int_equal(rig_operations(&resumerig, operations), 0);
	/* Nor does it when the peer comes and says the same. */
	rig_connect(&resumerig);
	rig_hear_begin(&resumerig, WIRE_TABLE_MACS, 1);
	rig_hear_mac(&resumerig, 2, 1, 6, 0);
	rig_hear_mac(&resumerig, 3, 1, 7, 0);
	rig_hear_end(&resumerig, WIRE_TABLE_MACS, 1);
	assert_int_equal(rig_operations(&resumerig, operations), 0);
}

/* It may have gone on alone and have forgotten: then it sends back what a host says by a leg of ours. */
static void test_r1_after_the_lease_what_the_peer_knew_does_not_count(void **state)
{
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];
	uint32_t count;

	(void)state;
	resumerig_left.written_ns = resumerig.now_ns - 3001 * RIG_MS;
	resume_macs();
	rig_fdb(&resumerig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	rig_fdb(&resumerig, 2, RIG_LEG, MLAG_FDB_INACTIVE);
	rig_fdb(&resumerig, 3, RIG_LEG, MLAG_FDB_ACTIVE);
	resumerig_resumed();
	/* Without a daemon the peer's data plane has forgotten nothing. */
	assert_int_equal(rig_operations(&resumerig, operations), 0);
	resumerig.path_hello.sequence = resumerig_left.liveness.sequence;
	rig_say_hello(&resumerig, MLAG_PATH_PEER_LINK, true);
	count = rig_operations(&resumerig, operations);
	assert_int_equal(count, 3);
	while (count-- > 0) {
		assert_true(operations[count].place_known);
		assert_int_equal(operations[count].place.peer_knows, 0);
		assert_int_equal(operations[count].place.lag_id, 1);
	}
}

/* As after a loss of power: it would send back what a host of ours says by a leg that is not open. */
static void test_r1_what_a_peer_that_began_afresh_had_known_does_not_count(void **state)
{
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];
	uint32_t count;

	(void)state;
	resume_macs();
	rig_fdb(&resumerig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	rig_fdb(&resumerig, 2, RIG_LEG, MLAG_FDB_INACTIVE);
	rig_fdb(&resumerig, 3, RIG_LEG, MLAG_FDB_ACTIVE);
	resumerig_resumed();
	resumerig.path_hello.sequence = resumerig_left.liveness.sequence;
	/* A daemon that goes on with what it finds knows what it knew. */
	rig_say_hello(&resumerig, MLAG_PATH_PEER_LINK, true);
	assert_int_equal(rig_operations(&resumerig, operations), 0);
	resumerig.path_hello.flags |= HELLO_AFRESH;
	rig_say_hello(&resumerig, MLAG_PATH_PEER_LINK, true);
	count = rig_operations(&resumerig, operations);
	assert_int_equal(count, 3);
	while (count-- > 0) {
		assert_true(operations[count].place_known);
		assert_int_equal(operations[count].place.peer_knows, 0);
	}
}

static void test_what_the_peers_snapshot_does_not_mention_goes(void **state)
{
	struct mlag_fdb_operation operation;

	(void)state;
	resume_macs();
	rig_fdb(&resumerig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	rig_fdb(&resumerig, 2, RIG_LEG, MLAG_FDB_INACTIVE);
	rig_fdb(&resumerig, 3, RIG_LEG, MLAG_FDB_ACTIVE);
	resumerig_resumed();
	rig_connect(&resumerig);
	rig_hear_begin(&resumerig, WIRE_TABLE_MACS, 1);
	rig_hear_mac(&resumerig, 3, 1, 7, 0);
	rig_hear_end(&resumerig, WIRE_TABLE_MACS, 1);
	operation = rig_operation(&resumerig);
	assert_int_equal(operation.key.mac.octets[5], 2);
	assert_int_equal(operation.verb, MLAG_FDB_VERB_DELETE);
}

static void test_r9_what_moved_here_meanwhile_wins_over_what_the_peer_had_said(void **state)
{
	struct mlag_mac_view view;

	(void)state;
	resume_macs();
	rig_fdb(&resumerig, 2, RIG_ORPHAN,
		MLAG_FDB_DYNAMIC); /* the data plane learned it on its own */
	resumerig_resumed();
	assert_true(rig_mac(&resumerig, 2, &view));
	assert_int_equal(view.own_seq, 7);
	assert_int_equal(view.lag_id, 0);
	/* So it does when our own former claim was elsewhere. */
	assert_true(rig_mac(&resumerig, 3, &view));
}

static void test_r9_a_number_that_is_not_kept_as_a_claim_is_outdone(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);
	/* Ours at an orphan, against the peer's for a LAG under 8, which it is about to withdraw. */
	struct mlag_source place = {.known = 1, .own_seq = 9, .peer_seq = 8};
	struct mlag_mac_view view;

	(void)state;
	resumerig_pair();
	resumerig_mac(1, &place);
	resumerig_leg(&held);
	rig_fdb(&resumerig, 1, RIG_LEG, MLAG_FDB_DYNAMIC); /* and now it is elsewhere */
	resumerig_resumed();
	assert_true(rig_mac(&resumerig, 1, &view));
	assert_int_equal(view.own_seq, 10);
}

static void test_what_no_dump_showed_is_asked_for_by_name(void **state)
{
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];
	uint32_t count;

	(void)state;
	resume_macs();
	rig_step_type(&resumerig, MLAG_EVENT_FDB_DUMP_BEGIN);
	rig_step_type(&resumerig, MLAG_EVENT_FDB_DUMP_END);
	resumerig_resumed();
	count = rig_operations(&resumerig, operations);
	assert_int_equal(count, 3);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(operations[i].verb, MLAG_FDB_VERB_VERIFY);
	}
}

static void test_router_macs_are_no_hosts(void **state)
{
	struct mlag_source place = {.known = 1, .peer_knows = 1, .memory = MLAG_SOURCE_ROUTER};
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];

	(void)state;
	resumerig_pair();
	resumerig_mac(1, &place);
	resumerig_resumed();
	assert_int_equal(rig_operations(&resumerig, operations), 0);
}

/* ---- addresses ------------------------------------------------------------------------------ */

static struct mlag_address_program held_address(uint8_t last, enum mlag_owner owner)
{
	struct mlag_address_program held;

	memset(&held, 0, sizeof(held));
	held.key.kind = MLAG_ADDRESS_IP;
	held.key.family = 4;
	held.key.octets[0] = 10;
	held.key.octets[3] = last;
	held.owner = owner;
	return held;
}

static void resume_address(const struct mlag_address_program *held)
{
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_ADDRESS, .resume_address = held};

	rig_step(&resumerig, &event);
}

static struct mlag_address_program held_router(uint8_t last)
{
	struct mlag_address_program held;

	memset(&held, 0, sizeof(held));
	held.key.kind = MLAG_ADDRESS_ROUTER_MAC;
	held.key.vlan = RIG_VLAN;
	held.key.octets[0] = 2;
	held.key.octets[5] = last;
	held.owner = MLAG_OWNER_PEER;
	held.on_peer_link = true;
	held.peer_link_ifindex = RIG_PEER_LINK;
	return held;
}

static uint32_t next_addresses(struct mlag_address_program *ret_programs)
{
	return mlag_next_addresses(resumerig.engine, ret_programs, 8);
}

static void test_r21_the_peers_addresses_stay_until_it_has_told_all_of_them(void **state)
{
	struct mlag_address_program peers = held_address(2, MLAG_OWNER_PEER);
	struct mlag_address_program gone = held_address(1, MLAG_OWNER_SELF);
	struct mlag_address_program router = held_router(2);
	struct mlag_address_program programs[8];

	(void)state;
	resumerig_pair();
	resume_address(&peers);
	resume_address(&gone);
	resume_address(&router);
	rig_fdb(&resumerig, 2, RIG_PEER_LINK, MLAG_FDB_STICKY);
	resumerig_resumed();
	assert_true(mlag_may_route_for_peer(resumerig.engine));
	/* Ours that is not there any more goes; a router MAC is handed out again, as it was. */
	assert_int_equal(next_addresses(programs), 2);
	for (uint32_t i = 0; i < 2; i++) {
		bool is_router = programs[i].key.kind == MLAG_ADDRESS_ROUTER_MAC;

		assert_int_equal(programs[i].owner, is_router ? MLAG_OWNER_PEER : MLAG_OWNER_NONE);
		assert_int_equal(programs[i].on_peer_link, is_router);
	}
	rig_connect(&resumerig);
	assert_int_equal(next_addresses(programs), 0);
	rig_hear_snapshots(&resumerig);
	/* The peer has none of them any more. */
	assert_int_equal(next_addresses(programs), 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(programs[i].owner, MLAG_OWNER_NONE);
		assert_int_equal(programs[i].old_peer_link_ifindex,
				 programs[i].key.kind == MLAG_ADDRESS_ROUTER_MAC ? RIG_PEER_LINK
										 : 0);
	}
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, resumerig_start, resumerig_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_macs_are_what_they_were_and_nothing_is_written),
		RIG_TEST(test_r1_after_the_lease_what_the_peer_knew_does_not_count),
		RIG_TEST(test_r1_what_a_peer_that_began_afresh_had_known_does_not_count),
		RIG_TEST(test_what_the_peers_snapshot_does_not_mention_goes),
		RIG_TEST(test_r9_what_moved_here_meanwhile_wins_over_what_the_peer_had_said),
		RIG_TEST(test_r9_a_number_that_is_not_kept_as_a_claim_is_outdone),
		RIG_TEST(test_what_no_dump_showed_is_asked_for_by_name),
		RIG_TEST(test_router_macs_are_no_hosts),
		RIG_TEST(test_r21_the_peers_addresses_stay_until_it_has_told_all_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
