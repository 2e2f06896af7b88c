/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MACs: who may claim what (R7, R8, R9 and the provenance of entries), and what the kernel is
 * told.  One engine; its peer says what the test wants.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

static struct rig rig;
static struct mlag_mac_view view;

/* A member with LAG 1 and a session. */
static int start(void **state)
{
	(void)state;
	rig_init(&rig, 0);
	rig_static_leg(&rig);
	rig_connect(&rig);
	(void)rig_drain(&rig);
	rig_hear_snapshots(&rig);
	(void)rig_drain(&rig);
	rig_hear_ack(&rig, WIRE_TABLE_LEGS, 1, 1);
	rig_hear_ack(&rig, WIRE_TABLE_ADDRESSES, 0, 1);
	rig_hear_ack(&rig, WIRE_TABLE_NEIGHBORS, 0, 1);
	rig_hear_ack(&rig, WIRE_TABLE_MACS, 0, 1);
	assert_true(rig.engine->synced);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

static void expect_operation(enum mlag_fdb_verb verb, uint32_t ifindex, enum mlag_fdb_kind kind)
{
	struct mlag_fdb_operation operation = rig_operation(&rig);

	assert_int_equal(operation.verb, verb);
	assert_int_equal(operation.entry.ifindex, ifindex);
	assert_int_equal(operation.entry.kind, kind);
}

static void expect_nothing(void)
{
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];

	assert_int_equal(rig_operations(&rig, operations), 0);
}

/* Nothing is to be done; what the daemon after this one has to know of the claims may be new. */
static void expect_note(void)
{
	struct mlag_fdb_operation operation = rig_operation(&rig);

	assert_int_equal(operation.verb, MLAG_FDB_VERB_NONE);
	assert_true(operation.place_known);
}

static uint32_t rows_used(void)
{
	return rig.engine->macs.rows_used;
}

/* ---- provenance ----------------------------------------------------------------------------- */

static void test_what_was_seen_here_is_claimed(void **state)
{
	static const enum mlag_fdb_kind kinds[] = {MLAG_FDB_DYNAMIC, MLAG_FDB_ACTIVE,
						   MLAG_FDB_OPERATOR};

	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		rig_fdb(&rig, i, RIG_ORPHAN, kinds[i]);
		assert_true(rig_mac(&rig, i, &view));
		assert_true(view.own);
		assert_int_equal(view.lag_id, 0);
		rig_fdb(&rig, (uint8_t)(10 + i), RIG_LEG, kinds[i]);
		assert_true(rig_mac(&rig, (uint8_t)(10 + i), &view));
		assert_true(view.own);
		assert_int_equal(view.lag_id, 1);
	}
	/* Only the map of known MACs has work to do: the kernel has what it has. */
	for (uint32_t i = 0; i < 6; i++) {
		struct mlag_fdb_operation operation;

		assert_int_equal(mlag_next_fdb(rig.engine, &operation, 1), 1);
		assert_int_equal(operation.verb, MLAG_FDB_VERB_NONE);
		assert_true(operation.place_known);
		assert_int_equal(operation.place.peer_knows, 0);
	}
	expect_nothing();
}

static void test_hearsay_is_never_claimed(void **state)
{
	(void)state;
	/* Left by an earlier start, with no peer that claims it: it goes. */
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_INACTIVE);
	assert_false(rig_mac(&rig, 1, &view));
	expect_operation(MLAG_FDB_VERB_DELETE, RIG_LEG, MLAG_FDB_INACTIVE);
	rig_fdb(&rig, 1, 0, MLAG_FDB_NONE);
	rig_fdb(&rig, 2, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	assert_false(rig_mac(&rig, 2, &view));
	expect_operation(MLAG_FDB_VERB_DELETE, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	rig_fdb(&rig, 2, 0, MLAG_FDB_NONE);
	expect_nothing();
	assert_int_equal(rows_used(), 0);
	assert_int_equal(rig.engine->macs.own_count, 0);
}

static void test_hearsay_that_the_peer_claims_stays(void **state)
{
	struct mlag_fdb_operation operation;

	(void)state;
	rig_hear_mac(&rig, 1, 1, 1, 0);
	expect_operation(MLAG_FDB_VERB_SET, RIG_LEG, MLAG_FDB_INACTIVE);
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_INACTIVE); /* the echo of our own write */
	expect_nothing();
	assert_true(rig_mac(&rig, 1, &view));
	assert_false(view.own);
	/* Now it is seen here as well. */
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_ACTIVE);
	assert_true(rig_mac(&rig, 1, &view));
	assert_true(view.own && view.peer);
	assert_int_equal(view.own_seq, view.peer_seq);
	expect_note();
	/* And no longer: the peer's claim still holds the entry. */
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_INACTIVE);
	assert_true(rig_mac(&rig, 1, &view));
	assert_false(view.own);
	expect_note();
	rig_hear_no_mac(&rig, 1);
	operation = rig_operation(&rig);
	assert_int_equal(operation.verb, MLAG_FDB_VERB_DELETE);
	assert_false(operation.place_known);
	rig_fdb(&rig, 1, 0, MLAG_FDB_NONE);
	(void)rig_drain(&rig);
	assert_int_equal(rows_used(), 0);
}

static void test_r7_dynamic_on_the_peer_link_is_deleted(void **state)
{
	(void)state;
	rig_fdb(&rig, 1, RIG_PEER_LINK, MLAG_FDB_DYNAMIC);
	assert_false(rig_mac(&rig, 1, &view));
	expect_operation(MLAG_FDB_VERB_DELETE, RIG_PEER_LINK, MLAG_FDB_DYNAMIC);
	rig_fdb(&rig, 1, 0, MLAG_FDB_NONE);
	/* With the peer's claim it becomes what it should be. */
	rig_hear_mac(&rig, 1, 0, 1, 0);
	expect_operation(MLAG_FDB_VERB_SET, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	rig_fdb(&rig, 1, RIG_PEER_LINK, MLAG_FDB_DYNAMIC);
	assert_true(rig_mac(&rig, 1, &view));
	assert_false(view.own);
	expect_operation(MLAG_FDB_VERB_RENEW, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
}

static void test_operator_static_wins_over_any_sighting(void **state)
{
	(void)state;
	rig_fdb(&rig, 1, RIG_ORPHAN, MLAG_FDB_OPERATOR);
	rig_hear_mac(&rig, 1, 0, 1000, 0);
	assert_true(rig_mac(&rig, 1, &view));
	assert_true(view.own);
	/* The peer's static one wins over a sighting here, however new. */
	rig_fdb(&rig, 2, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	rig_hear_mac(&rig, 2, 0, 1, MAC_FLAG_STATIC);
	rig_fdb(&rig, 2, RIG_LEG, MLAG_FDB_DYNAMIC);
	assert_true(rig_mac(&rig, 2, &view));
	assert_false(view.own);
	/* Two static ones: the sequence number, then the member id, so that there is one end. */
	rig_hear_mac(&rig, 1, 0, 1000, MAC_FLAG_STATIC);
	assert_true(rig_mac(&rig, 1, &view));
	assert_false(view.own);
}

static void test_group_addresses_and_impossible_vlans_are_ignored(void **state)
{
	struct mlag_event event = {.type = MLAG_EVENT_FDB};
	uint64_t ignored = rig.engine->ignored_count;

	(void)state;
	event.fdb.key = rig_key(1);
	event.fdb.key.mac.octets[0] = 1;
	event.fdb.entry = (struct mlag_fdb_entry){RIG_ORPHAN, MLAG_FDB_DYNAMIC};
	rig_step(&rig, &event);
	event.fdb.key = rig_key(1);
	event.fdb.key.vlan = 4096;
	rig_step(&rig, &event);
	/* What this member claims the other must accept: 4095 is no VLAN on the wire. */
	event.fdb.key.vlan = 4095;
	rig_step(&rig, &event);
	assert_true(rig.engine->ignored_count == ignored + 3);
	assert_int_equal(rows_used(), 0);
	/* A dynamic entry on no port is no sighting. */
	rig_fdb(&rig, 1, 0, MLAG_FDB_DYNAMIC);
	assert_false(rig_mac(&rig, 1, &view));
}

/* ---- R8 ------------------------------------------------------------------------------------- */

static void test_r8_place_follows_leg_and_vlan(void **state)
{
	struct mlag_leg_observation seen = {.ifindex = RIG_LEG, .carrier = true};

	(void)state;
	rig_hear_mac(&rig, 1, 1, 1, 0);
	expect_operation(MLAG_FDB_VERB_SET, RIG_LEG, MLAG_FDB_INACTIVE);
	/* The VLAN leaves the leg. */
	rig_observe_leg(&rig, 1, &seen);
	expect_operation(MLAG_FDB_VERB_RENEW, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	/* It returns; then the device goes, and returns as another one. */
	mlag_vlans_add(&seen.vlans, RIG_VLAN);
	rig_observe_leg(&rig, 1, &seen);
	expect_operation(MLAG_FDB_VERB_SET, RIG_LEG, MLAG_FDB_INACTIVE);
	seen.ifindex = 0;
	rig_observe_leg(&rig, 1, &seen); /* the kernel flushed it */
	expect_operation(MLAG_FDB_VERB_SET, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	seen.ifindex = 77;
	rig_observe_leg(&rig, 1, &seen);
	expect_operation(MLAG_FDB_VERB_SET, 77, MLAG_FDB_INACTIVE);
	/* The LAG is no longer configured. */
	rig_step(&rig, &(struct mlag_event){.type = MLAG_EVENT_LEG_REMOVE,
					    .leg_configure = {.lag_id = 1}});
	expect_operation(MLAG_FDB_VERB_RENEW, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
}

/* The kernel keeps a static entry when its VLAN leaves the port: nobody is reached by it. */
static void test_r8_a_static_sighting_ends_with_the_vlan_of_its_leg(void **state)
{
	struct mlag_leg_observation seen = {.ifindex = RIG_LEG, .carrier = true};

	(void)state;
	rig_hear_mac(&rig, 1, 1, 1, 0);
	expect_operation(MLAG_FDB_VERB_SET, RIG_LEG, MLAG_FDB_INACTIVE);
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_ACTIVE);
	assert_true(rig_mac(&rig, 1, &view) && view.own);
	(void)rig_operations(&rig, (struct mlag_fdb_operation[MLAG_FDB_BATCH_MAX]){{0}});
	rig_observe_leg(&rig, 1, &seen);
	assert_true(rig_mac(&rig, 1, &view));
	assert_false(view.own);
	expect_operation(MLAG_FDB_VERB_RENEW, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
}

/* What a person, or the control plane of an overlay, put there is not ours to delete. */
static void test_entries_of_others_stay(void **state)
{
	(void)state;
	rig_fdb(&rig, 1, RIG_PEER_LINK, MLAG_FDB_OPERATOR);
	assert_false(rig_mac(&rig, 1, &view));
	expect_nothing();
	rig_fdb(&rig, 2, RIG_ORPHAN, MLAG_FDB_EXTERNAL);
	assert_true(rig_mac(&rig, 2, &view) && view.own && view.lag_id == 0);
	assert_int_equal(rig_operation(&rig).verb, MLAG_FDB_VERB_NONE);
	rig_fdb(&rig, 2, 0, MLAG_FDB_NONE);
	assert_false(rig_mac(&rig, 2, &view));
}

static void test_r8_peer_link_changes(void **state)
{
	struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK, .peer_link = &rig.peer_link};

	(void)state;
	rig_hear_mac(&rig, 1, 9, 1, 0); /* a LAG that only the peer has */
	expect_operation(MLAG_FDB_VERB_SET, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	rig.peer_link.vlans.words[0] = 0;
	rig_step(&rig, &event);
	expect_operation(MLAG_FDB_VERB_DELETE, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	mlag_vlans_add(&rig.peer_link.vlans, RIG_VLAN);
	rig.peer_link.ifindex = 11;
	rig_step(&rig, &event);
	expect_operation(MLAG_FDB_VERB_SET, 11, MLAG_FDB_EXTERNAL);
	rig.peer_link.ifindex = 0;
	rig_step(&rig, &event);
	expect_operation(MLAG_FDB_VERB_DELETE, 11, MLAG_FDB_EXTERNAL);
}

static void test_sightings_follow_the_configuration(void **state)
{
	struct mlag_leg_observation seen = {.ifindex = RIG_ORPHAN, .carrier = true};

	(void)state;
	rig_fdb(&rig, 1, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	rig_fdb(&rig, 2, RIG_LEG, MLAG_FDB_DYNAMIC);
	mlag_vlans_add(&seen.vlans, RIG_VLAN);
	rig_configure_leg(&rig, 2);
	rig_observe_leg(&rig, 2, &seen);
	assert_true(rig_mac(&rig, 1, &view));
	assert_int_equal(view.lag_id, 2);
	rig_step(&rig, &(struct mlag_event){.type = MLAG_EVENT_LEG_REMOVE,
					    .leg_configure = {.lag_id = 1}});
	assert_true(rig_mac(&rig, 2, &view));
	assert_int_equal(view.lag_id, 0);
}

/* The device of a leg goes, and the FDB's events about it are still on their way. */
static void test_r9_a_leg_that_vanishes_makes_no_orphans(void **state)
{
	struct mlag_leg_observation seen = {.ifindex = 0};

	(void)state;
	rig_hear_mac(&rig, 1, 1, 1, 0);
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_ACTIVE);
	rig_observe_leg(&rig, 1, &seen);
	assert_true(rig_mac(&rig, 1, &view));
	/* A claim as an orphan of ours would take the MAC away from the peer's leg. */
	assert_false(view.own && view.lag_id == 0);
	rig_fdb(&rig, 1, 0, MLAG_FDB_NONE);
	assert_true(rig_mac(&rig, 1, &view));
	assert_false(view.own);
	assert_int_equal(view.lag_id, 1);
}

/* ---- dumps, failures, limits ---------------------------------------------------------------- */

static void test_dump_is_a_suspicion_verified_by_name(void **state)
{
	(void)state;
	rig_fdb(&rig, 1, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	rig_fdb(&rig, 2, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	(void)rig_operations(&rig, (struct mlag_fdb_operation[MLAG_FDB_BATCH_MAX]){{0}});
	rig_step_type(&rig, MLAG_EVENT_FDB_DUMP_BEGIN);
	rig_fdb(&rig, 2, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	rig_step_type(&rig, MLAG_EVENT_FDB_DUMP_END);
	/* Not in the dump: still claimed, but asked for. */
	assert_true(rig_mac(&rig, 1, &view));
	assert_int_equal(rig_operation(&rig).verb, MLAG_FDB_VERB_VERIFY);
	assert_true(rig_mac(&rig, 1, &view));
	rig_fdb(&rig, 1, 0, MLAG_FDB_NONE);
	assert_false(rig_mac(&rig, 1, &view));
	(void)rig_drain(&rig);
	assert_int_equal(rig_operation(&rig).verb, MLAG_FDB_VERB_NONE);
	assert_int_equal(rows_used(), 1);
}

/* An overrun can swallow the echo of our own write, and what deleted the entry after it. */
/* Lines wait in the socket of the dump while events go on being read. */
static void test_a_line_of_a_dump_does_not_undo_an_event_since_it_began(void **state)
{
	struct mlag_event line = {.type = MLAG_EVENT_FDB};
	struct mlag_mac_view mac;

	(void)state;
	rig_fdb(&rig, 1, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	rig_step_type(&rig, MLAG_EVENT_FDB_DUMP_BEGIN);
	line.fdb.key = rig_key(1);
	line.fdb.entry.ifindex = RIG_ORPHAN;
	line.fdb.entry.kind = MLAG_FDB_DYNAMIC;
	line.fdb.listed = true;
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_DYNAMIC); /* it has moved since the line was written */
	rig_step(&rig, &line);
	assert_true(mlag_get_mac(rig.engine, &line.fdb.key, &mac));
	assert_int_equal(mac.entry.ifindex, RIG_LEG);
	/* Of the next dump the line is news. */
	rig_step_type(&rig, MLAG_EVENT_FDB_DUMP_BEGIN);
	rig_step(&rig, &line);
	assert_true(mlag_get_mac(rig.engine, &line.fdb.key, &mac));
	assert_int_equal(mac.entry.ifindex, RIG_ORPHAN);
}

static void test_dump_without_what_was_written_is_verified(void **state)
{
	(void)state;
	rig_hear_mac(&rig, 1, 0, 1, 0);
	expect_operation(MLAG_FDB_VERB_SET, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	rig_step_type(&rig, MLAG_EVENT_FDB_DUMP_BEGIN);
	rig_step_type(&rig, MLAG_EVENT_FDB_DUMP_END);
	assert_int_equal(rig_operation(&rig).verb, MLAG_FDB_VERB_VERIFY);
	rig_fdb(&rig, 1, 0, MLAG_FDB_NONE);
	expect_operation(MLAG_FDB_VERB_SET, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
}

static void refuse(uint8_t mac, int error)
{
	struct mlag_event event = {.type = MLAG_EVENT_FDB_FAILED};

	event.fdb_failed.key = rig_key(mac);
	event.fdb_failed.error = error;
	rig_step(&rig, &event);
}

static void test_failed_operation_is_tried_again(void **state)
{
	(void)state;
	rig_hear_mac(&rig, 1, 0, 1, 0);
	expect_operation(MLAG_FDB_VERB_SET, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	refuse(1, EBUSY);
	expect_nothing();
	assert_true(mlag_deadline_ns(rig.engine) <= rig.now_ns + RIG_SECOND);
	rig_hear_no_mac(&rig, 99); /* the peer lives */
	rig_tick(&rig, RIG_SECOND);
	/* What the kernel holds is not known: it is asked. */
	assert_int_equal(rig_operation(&rig).verb, MLAG_FDB_VERB_VERIFY);
	rig_fdb(&rig, 1, 0, MLAG_FDB_NONE);
	expect_operation(MLAG_FDB_VERB_SET, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	rig_fdb(&rig, 1, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	rig_tick(&rig, 2 * RIG_SECOND);
	expect_nothing();
}

/* Not later because another one failed meanwhile. */
static void test_what_failed_is_tried_again_together(void **state)
{
	struct mlag_fdb_operation ops[MLAG_FDB_BATCH_MAX];

	(void)state;
	rig_hear_mac(&rig, 1, 0, 1, 0);
	rig_hear_mac(&rig, 2, 0, 1, 0);
	assert_int_equal(rig_operations(&rig, ops), 2);
	refuse(1, EBUSY);
	rig_tick(&rig, RIG_SECOND / 5);
	refuse(2, ENOMEM);
	rig_hear_no_mac(&rig, 99); /* the peer lives */
	rig_tick(&rig, RIG_SECOND * 4 / 5);
	assert_int_equal(rig_operations(&rig, ops), 2);
	assert_int_equal(ops[0].verb, MLAG_FDB_VERB_VERIFY);
	assert_int_equal(ops[1].verb, MLAG_FDB_VERB_VERIFY);
}

/* A deletion that failed, of an entry whose echo never came. */
static void test_failed_deletion_is_tried_again(void **state)
{
	(void)state;
	rig_hear_mac(&rig, 1, 0, 1, 0);
	expect_operation(MLAG_FDB_VERB_SET, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	rig_hear_no_mac(&rig, 1);
	expect_operation(MLAG_FDB_VERB_DELETE, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	refuse(1, EBUSY);
	rig_tick(&rig, RIG_SECOND);
	assert_int_equal(rig_operation(&rig).verb, MLAG_FDB_VERB_VERIFY);
	rig_fdb(&rig, 1, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	expect_operation(MLAG_FDB_VERB_DELETE, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	rig_fdb(&rig, 1, 0, MLAG_FDB_NONE);
	assert_int_equal(rows_used(), 0);
}

static void test_a_mac_of_this_machine_is_not_insisted_on(void **state)
{
	(void)state;
	rig_hear_mac(&rig, 1, 0, 1, 0);
	expect_operation(MLAG_FDB_VERB_SET, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	refuse(1, EADDRINUSE);
	rig_tick(&rig, 200 * RIG_MS);
	rig_hear_mac(&rig, 2, 0, 1, 0);
	expect_operation(MLAG_FDB_VERB_SET, RIG_PEER_LINK, MLAG_FDB_EXTERNAL);
	rig_tick(&rig, 2 * RIG_SECOND);
	expect_nothing();
}

/* One move to and fro, each followed by what the engine wants of the kernel. */
static void move_between_leg_and_orphan(uint32_t i)
{
	rig_fdb(&rig, 1, i % 2 == 0 ? RIG_LEG : RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	(void)rig_operations(&rig, (struct mlag_fdb_operation[MLAG_FDB_BATCH_MAX]){{0}});
}

static void test_r9_a_mac_that_flaps_is_damped_named_and_followed_again(void **state)
{
	struct mlag_flap_view flap;
	uint32_t cursor = 0, seq;

	(void)state;
	for (uint32_t i = 0; i <= FLAP_MOVES_MAX; i++) {
		move_between_leg_and_orphan(i); /* the first is no move */
	}
	assert_true(rig_mac(&rig, 1, &view));
	assert_int_equal(rig.notices[MLAG_NOTICE_FLAPPING], 0);
	seq = view.own_seq;
	for (uint32_t i = FLAP_MOVES_MAX + 1; i < 10 * FLAP_MOVES_MAX; i++) {
		move_between_leg_and_orphan(i);
	}
	assert_true(rig_mac(&rig, 1, &view));
	assert_int_equal(view.own_seq, seq); /* the peer hears nothing of it */
	assert_int_equal(rig.notices[MLAG_NOTICE_FLAPPING], 1);
	assert_true(mlag_next_flap(rig.engine, &cursor, &flap));
	assert_int_equal(flap.key.mac.octets[5], rig_key(1).mac.octets[5]);
	assert_false(mlag_next_flap(rig.engine, &cursor, &flap));
	/* Other MACs move on. */
	rig_fdb(&rig, 2, RIG_LEG, MLAG_FDB_DYNAMIC);
	rig_fdb(&rig, 2, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	assert_true(rig_mac(&rig, 2, &view));
	assert_int_equal(view.lag_id, 0);
	/* It rests at the leg now: when the time is over that is asked for, and told. */
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	rig_tick(&rig, FLAP_HOLD_NS + RIG_SECOND);
	rig_tick(&rig, 2 * RIG_SECOND);
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	assert_true(rig_mac(&rig, 1, &view));
	assert_int_not_equal(view.lag_id, 0);
	cursor = 0;
	assert_false(mlag_next_flap(rig.engine, &cursor, &flap));
}

static void test_r9_moves_now_and_then_are_never_damped(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 10 * FLAP_MOVES_MAX; i++) {
		move_between_leg_and_orphan(i);
		rig_tick(&rig, RIG_SECOND);
		assert_true(rig_mac(&rig, 1, &view));
		assert_int_equal(view.lag_id != 0, i % 2 == 0);
	}
	assert_int_equal(rig.notices[MLAG_NOTICE_FLAPPING], 0);
}

static void test_full_table_is_told_and_the_rest_goes_on(void **state)
{
	(void)state;
	rig_fini(&rig);
	rig_init(&rig, 4);
	rig_static_leg(&rig);
	rig_connect(&rig);
	for (uint8_t i = 0; i < 6; i++) {
		rig_hear_mac(&rig, i, 0, 1, 0); /* the peer has more than fits */
	}
	assert_int_equal(rig.closes, 0);
	rig_fdb(&rig, 7, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	rig_fdb(&rig, 8, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	assert_int_equal(rows_used(), 4);
	assert_int_equal(rig.engine->macs.full_count, 4);
	assert_int_equal(rig.notices[MLAG_NOTICE_TABLE_FULL], 1);
	rig_hear_no_mac(&rig, 1);
	(void)rig_operations(&rig, (struct mlag_fdb_operation[MLAG_FDB_BATCH_MAX]){{0}});
	rig_fdb(&rig, 8, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	assert_true(rig_mac(&rig, 8, &view));
}

/* What found no room is asked for when there is some again, so that nobody stays unknown. */
static void test_a_full_table_asks_for_a_dump_when_it_has_room(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 70; i++) {
		rig_fdb(&rig, (uint8_t)i, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	}
	assert_false(mlag_wants_dump(rig.engine));
	for (uint32_t i = 0; i < 10; i++) {
		rig_fdb(&rig, (uint8_t)i, 0, MLAG_FDB_NONE);
	}
	(void)rig_drain(&rig);
	(void)rig_operations(&rig, (struct mlag_fdb_operation[MLAG_FDB_BATCH_MAX]){{0}});
	assert_true(mlag_wants_dump(rig.engine));
	rig_step_type(&rig, MLAG_EVENT_FDB_DUMP_BEGIN);
	assert_false(mlag_wants_dump(rig.engine));
}

static void test_rows_go_when_nobody_needs_them(void **state)
{
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		rig_fdb(&rig, (uint8_t)(i % 32), RIG_ORPHAN, MLAG_FDB_DYNAMIC);
		rig_fdb(&rig, (uint8_t)(i % 32), 0, MLAG_FDB_NONE);
		if (i % 16 == 0) {
			(void)rig_drain(&rig);
			(void)rig_operations(&rig, operations);
		}
	}
	(void)rig_drain(&rig);
	(void)rig_operations(&rig, operations);
	assert_int_equal(rows_used(), 0);
	assert_int_equal(rig.engine->macs.full_count, 0);
}

static void test_slices_are_bounded(void **state)
{
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];

	(void)state;
	for (uint8_t i = 0; i < 40; i++) {
		rig_hear_mac(&rig, i, 0, 1, 0);
	}
	assert_int_equal(mlag_next_fdb(rig.engine, operations, 16), 16);
	assert_int_equal(mlag_next_fdb(rig.engine, operations, 16), 16);
	assert_int_equal(mlag_next_fdb(rig.engine, operations, 16), 8);
	assert_int_equal(mlag_next_fdb(rig.engine, operations, 16), 0);
}

/* ---- the map of known MACs ------------------------------------------------------------------ */

static void test_peer_knows_after_its_acknowledgement(void **state)
{
	struct mlag_fdb_operation operation;

	(void)state;
	rig_hear_snapshots(&rig);
	(void)rig_drain(&rig);
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	operation = rig_operation(&rig);
	assert_true(operation.place_known);
	assert_int_equal(operation.place.lag_id, 1);
	assert_int_equal(operation.place.peer_knows, 0);
	(void)rig_drain(&rig);
	rig_hear_ack(&rig, WIRE_TABLE_MACS, 1, 1);
	operation = rig_operation(&rig);
	assert_int_equal(operation.place.peer_knows, 1);
	/* At a new place, it has to say so again. */
	rig_fdb(&rig, 1, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	operation = rig_operation(&rig);
	assert_int_equal(operation.place.peer_knows, 0);
	assert_int_equal(operation.place.lag_id, 0);
}

/* SAFE-1: a peer that was restarted knows nothing, whatever the one before had acknowledged. */
static void test_another_incarnation_of_the_peer_knows_nothing(void **state)
{
	struct mlag_fdb_operation operation;

	(void)state;
	rig_hear_snapshots(&rig);
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	(void)rig_drain(&rig);
	rig_hear_ack(&rig, WIRE_TABLE_MACS, 1, 1);
	assert_int_equal(rig_operation(&rig).place.peer_knows, 1);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig.hello.boot_id++;
	rig_connect(&rig);
	operation = rig_operation(&rig);
	assert_true(operation.place_known);
	assert_int_equal(operation.place.peer_knows, 0);
}

/*
 * SAFE-1: the peer counts on our knowing a MAC as long as it has not heard otherwise.  While it
 * cannot hear, what ages out here stays known, or its own floods would come back to a host.
 */
static void test_what_the_peer_counts_on_stays_known_while_it_cannot_hear(void **state)
{
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];

	(void)state;
	rig_hear_snapshots(&rig);
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	(void)rig_drain(&rig);
	rig_hear_ack(&rig, WIRE_TABLE_MACS, 1, 1);
	rig_hear_ack(&rig, WIRE_TABLE_LEGS, 1, 1);
	assert_true(rig_operation(&rig).place_known);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig_fdb(&rig, 1, 0, MLAG_FDB_NONE);
	assert_false(rig_mac(&rig, 1, &view));
	assert_int_equal(rig_operations(&rig, operations), 1);
	assert_true(operations[0].place_known);
	assert_int_equal(operations[0].place.lag_id, 1);
	/* The session is back; only when the peer holds our tables is it forgotten. */
	rig_connect(&rig);
	(void)rig_drain(&rig);
	assert_int_equal(rig_operations(&rig, operations), 0);
	rig_hear_snapshots(&rig);
	rig_hear_ack(&rig, WIRE_TABLE_LEGS, 1, 1);
	rig_hear_ack(&rig, WIRE_TABLE_ADDRESSES, 0, 1);
	rig_hear_ack(&rig, WIRE_TABLE_NEIGHBORS, 0, 1);
	rig_hear_ack(&rig, WIRE_TABLE_MACS, 0, 1);
	(void)rig_apply(&rig);
	(void)rig_drain(&rig);
	rig_tick(&rig, 1);
	assert_int_equal(rig_operations(&rig, operations), 1);
	assert_false(operations[0].place_known);
	assert_int_equal(rows_used(), 0);
}

#define MAC_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MAC_TEST(test_what_was_seen_here_is_claimed),
		MAC_TEST(test_hearsay_is_never_claimed),
		MAC_TEST(test_hearsay_that_the_peer_claims_stays),
		MAC_TEST(test_r7_dynamic_on_the_peer_link_is_deleted),
		MAC_TEST(test_operator_static_wins_over_any_sighting),
		MAC_TEST(test_group_addresses_and_impossible_vlans_are_ignored),
		MAC_TEST(test_r8_place_follows_leg_and_vlan),
		MAC_TEST(test_r8_a_static_sighting_ends_with_the_vlan_of_its_leg),
		MAC_TEST(test_entries_of_others_stay),
		MAC_TEST(test_r8_peer_link_changes),
		MAC_TEST(test_sightings_follow_the_configuration),
		MAC_TEST(test_r9_a_leg_that_vanishes_makes_no_orphans),
		MAC_TEST(test_dump_is_a_suspicion_verified_by_name),
		MAC_TEST(test_a_line_of_a_dump_does_not_undo_an_event_since_it_began),
		MAC_TEST(test_dump_without_what_was_written_is_verified),
		MAC_TEST(test_failed_operation_is_tried_again),
		MAC_TEST(test_what_failed_is_tried_again_together),
		MAC_TEST(test_failed_deletion_is_tried_again),
		MAC_TEST(test_a_mac_of_this_machine_is_not_insisted_on),
		MAC_TEST(test_r9_a_mac_that_flaps_is_damped_named_and_followed_again),
		MAC_TEST(test_r9_moves_now_and_then_are_never_damped),
		MAC_TEST(test_full_table_is_told_and_the_rest_goes_on),
		MAC_TEST(test_a_full_table_asks_for_a_dump_when_it_has_room),
		MAC_TEST(test_rows_go_when_nobody_needs_them),
		MAC_TEST(test_slices_are_bounded),
		MAC_TEST(test_peer_knows_after_its_acknowledgement),
		MAC_TEST(test_another_incarnation_of_the_peer_knows_nothing),
		MAC_TEST(test_what_the_peer_counts_on_stays_known_while_it_cannot_hear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
