/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going on where an earlier daemon ended (SAFE-40): legs, R1,
 * MACs and addresses stay as they were found until the peer has spoken; nothing that only the peer
 * had seen becomes a sighting of our own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resume.h"
#include "rig.h"
#include "world.h"

static struct rig rig;
static struct mlag_resume left;
static struct mlag_leg_observation seen;
static struct leg_value peer_leg;

/* ---- one engine, a peer made of bytes ------------------------------------------------------- */

static int start(void **state)
{
	(void)state;
	rig_init(&rig, 0);
	rig.now_ns = 100 * RIG_SECOND;
	left = rig_resume();
	left.written_ns = rig.now_ns - RIG_SECOND;
	left.birth_ns = RIG_SECOND;
	left.verdict_since_ns = RIG_SECOND;
	left.liveness.life_ns = left.written_ns;
	left.liveness.paths[MLAG_PATH_PEER_LINK].heard_ns = left.written_ns;
	left.peer_hold_ns = 3 * RIG_SECOND;
	left.peer_rank_boot_id = rig.hello.boot_id;
	left.liveness.boot_id = rig.hello.boot_id;
	left.liveness.paths[MLAG_PATH_PEER_LINK].boot_id = rig.hello.boot_id;
	left.verdict = MLAG_VERDICT_PEERED;
	left.peer_boot_id = rig.hello.boot_id;
	memset(&seen, 0, sizeof(seen));
	seen.ifindex = RIG_LEG;
	seen.carrier = true;
	seen.lacp = true;
	seen.distributing = true;
	seen.partner_collecting = true;
	mlag_vlans_add(&seen.vlans, RIG_VLAN);
	memset(&peer_leg, 0, sizeof(peer_leg));
	peer_leg.up = 1;
	peer_leg.open = 1;
	peer_leg.lacp = 1;
	peer_leg.generation = 500;
	peer_leg.enforced = 400;
	mlag_vlans_add(&peer_leg.vlans, RIG_VLAN);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

static void resume_pair(void)
{
	struct mlag_event event = {.type = MLAG_EVENT_RESUME, .resume = &left};

	rig_step(&rig, &event);
}

/* What the data plane holds for LAG 1, opened under generation 400; the peer's is 500. */
static struct mlag_leg_program held_leg(enum mlag_gate gate)
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

static void resume_leg(const struct mlag_leg_program *held)
{
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_LEG, .resume_leg = held};

	rig_configure_leg(&rig, held->lag_id);
	rig_step(&rig, &event);
}

static void resume_mac(uint8_t mac, const struct mlag_source *place)
{
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_MAC};

	event.resume_mac.key = rig_key(mac);
	event.resume_mac.place = *place;
	rig_step(&rig, &event);
}

/* The links were read, the FDB by the test; now it may decide. */
static void resumed(void)
{
	struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK, .peer_link = &rig.peer_link};

	rig_step(&rig, &event);
	rig_observe_leg(&rig, 1, &seen);
	rig_step_type(&rig, MLAG_EVENT_RESUMED);
}

static struct mlag_leg_view look(void)
{
	struct mlag_leg_view view;

	assert_true(mlag_get_leg(rig.engine, 0, &view));
	return view;
}

static struct mlag_view look_at_pair(void)
{
	struct mlag_view view;

	mlag_get_view(rig.engine, &view);
	return view;
}

/* The one program that is handed out; it is confirmed. */
static struct mlag_leg_program apply_one(void)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG_APPLIED};
	struct mlag_leg_program program, more;

	assert_true(mlag_next_leg(rig.engine, &program));
	event.leg_applied.lag_id = program.lag_id;
	event.leg_applied.serial = program.serial;
	rig_step(&rig, &event);
	assert_false(mlag_next_leg(rig.engine, &more));
	return program;
}

static void expect_same(const struct mlag_leg_program *program, const struct mlag_leg_program *held)
{
	assert_int_equal(program->ifindex, held->ifindex);
	assert_int_equal(program->gate, held->gate);
	assert_memory_equal(&program->isolated, &held->isolated, sizeof(held->isolated));
	assert_memory_equal(&program->held, &held->held, sizeof(held->held));
	assert_memory_equal(&program->memory, &held->memory, sizeof(held->memory));
}

static void test_an_open_leg_stays_open(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	resume_pair();
	resume_leg(&held);
	resumed();
	assert_int_equal(look().state, MLAG_LEG_OPEN);
	assert_int_equal(rig.notices[MLAG_NOTICE_LEG], 0);
	/* Handed out once, so that somebody looks after the port, and as it was. */
	program = apply_one();
	expect_same(&program, &held);
	assert_true(program.flood);
	/* The peer is told the same as before. */
	assert_int_equal(rig_own_leg(&rig, 1)->open, 1);
	assert_int_equal(rig_own_leg(&rig, 1)->generation, 400);
	assert_int_equal(rig_own_leg(&rig, 1)->enforced, 500);
	assert_true(look().peer_open && look().peer_up && look().isolated);
	/* And when the peer comes and says what it said, nothing changes. */
	rig_connect(&rig);
	rig_hear_begin(&rig, WIRE_TABLE_LEGS, 1);
	rig_hear_leg(&rig, 1, &peer_leg);
	rig_hear_end(&rig, WIRE_TABLE_LEGS, 1);
	assert_int_equal(rig_apply(&rig), 0);
	assert_int_equal(rig.notices[MLAG_NOTICE_LEG], 0);
}

static void test_a_leg_that_was_ready_waits_for_its_acknowledgement(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_UNICAST);

	(void)state;
	memset(&held.held, 0, sizeof(held.held));
	resume_pair();
	resume_leg(&held);
	resumed();
	assert_int_equal(look().state, MLAG_LEG_READY);
	assert_int_equal(apply_one().gate, MLAG_GATE_UNICAST);
	rig_connect(&rig);
	rig_hear_begin(&rig, WIRE_TABLE_LEGS, 1);
	/* VLANs may have come while nobody looked: an older acknowledgement says too little. */
	rig_hear_leg(&rig, 1, &peer_leg);
	rig_hear_end(&rig, WIRE_TABLE_LEGS, 1);
	assert_int_equal(look().state, MLAG_LEG_READY);
	peer_leg.enforced = look().generation;
	rig_hear_leg(&rig, 1, &peer_leg);
	assert_int_equal(look().state, MLAG_LEG_OPEN);
}

static void test_a_closed_leg_has_to_prove_itself(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_CLOSED);

	(void)state;
	resume_pair();
	resume_leg(&held);
	resumed();
	assert_int_equal(look().state, MLAG_LEG_PENDING);
	assert_int_equal(apply_one().gate, MLAG_GATE_CLOSED);
}

static void test_a_leg_that_failed_meanwhile_is_down(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);

	(void)state;
	resume_pair();
	resume_leg(&held);
	seen.carrier = false;
	resumed();
	assert_int_equal(look().state, MLAG_LEG_DOWN);
	assert_int_equal(apply_one().gate, MLAG_GATE_CLOSED);
	assert_int_equal(rig_own_leg(&rig, 1)->up, 0);
}

static void test_a_partner_that_left_meanwhile_closes_the_leg(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);

	(void)state;
	resume_pair();
	resume_leg(&held);
	seen.partner_collecting = false;
	resumed();
	assert_int_equal(look().state, MLAG_LEG_PENDING);
}

static void test_a_device_that_is_another_one_begins_anew(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	resume_pair();
	resume_leg(&held);
	seen.ifindex = RIG_LEG + 1;
	resumed();
	assert_int_equal(look().state, MLAG_LEG_READY); /* in full swing, floods wait */
	program = apply_one();
	assert_int_equal(program.gate, MLAG_GATE_UNICAST);
	/* Nobody knows what the peer's leg does: all of R1. */
	assert_true(mlag_vlans_has(&program.isolated, RIG_VLAN + 1));
}

static void test_a_vlan_that_came_meanwhile_is_held_until_acknowledged(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	resume_pair();
	resume_leg(&held);
	mlag_vlans_add(&seen.vlans, RIG_VLAN + 1);
	resumed();
	program = apply_one();
	assert_int_equal(program.gate, MLAG_GATE_OPEN);
	assert_true(mlag_vlans_has(&program.held, RIG_VLAN + 1));
	assert_false(mlag_vlans_has(&program.held, RIG_VLAN));
	assert_int_not_equal(program.memory.generation, 400);
}

static void test_r1_stays_as_found_until_the_peer_has_spoken_of_all_its_legs(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	/* R1 was lifted: the peer's leg was down. */
	memset(&held.isolated, 0, sizeof(held.isolated));
	held.memory.peer_generation = 0;
	held.memory.flags = MLAG_MEMORY_PEER_PRESENT;
	resume_pair();
	resume_leg(&held);
	resumed();
	program = apply_one();
	expect_same(&program, &held);
	/* It came up meanwhile.  It is not acknowledged before R1 is in force. */
	peer_leg.generation = 501;
	rig_connect(&rig);
	rig_hear_begin(&rig, WIRE_TABLE_LEGS, 1);
	rig_hear_leg(&rig, 1, &peer_leg);
	(void)rig_apply(&rig);
	assert_int_equal(rig_own_leg(&rig, 1)->enforced, 0);
	rig_hear_end(&rig, WIRE_TABLE_LEGS, 1);
	program = apply_one();
	assert_true(mlag_vlans_has(&program.isolated, RIG_VLAN));
	assert_int_equal(program.memory.peer_generation, 501);
	assert_int_equal(rig_own_leg(&rig, 1)->enforced, 501);
}

static void test_r2_the_live_peers_hello_lifts_r1_also_of_what_was_found(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	resume_pair();
	resume_leg(&held);
	resumed();
	(void)apply_one();
	rig.path_hello.sequence = left.liveness.sequence;
	rig.path_hello.flags = HELLO_LEGS_KNOWN;
	rig.path_hello.legs_count = 1;
	rig.path_hello.legs[0].lag_id = 1;
	rig.path_hello.legs[0].flags = HELLO_LEG_UP;
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
	assert_int_equal(rig_apply(&rig), 0);
	/* Its leg fails while there is no session. */
	rig.path_hello.legs[0].flags = 0;
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
	program = apply_one();
	assert_false(mlag_vlans_has(&program.isolated, RIG_VLAN));
	assert_int_equal(program.memory.peer_generation, 0);
}

static void test_r2_a_lag_that_is_new_is_isolated_until_the_peer_has_spoken(void **state)
{
	struct mlag_leg_program program;

	(void)state;
	resume_pair();
	rig_configure_leg(&rig, 1);
	resumed();
	program = apply_one();
	assert_true(program.isolated.words[0] == UINT64_MAX);
}

static void test_r2_without_the_peer_link_all_of_r1_is_in_force(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);

	(void)state;
	memset(&held.isolated, 0, sizeof(held.isolated));
	resume_pair();
	resume_leg(&held);
	rig.peer_link.carrier = false;
	resumed();
	assert_true(apply_one().isolated.words[0] == UINT64_MAX);
}

/* ---- the pair as a whole -------------------------------------------------------------------- */

static void test_role_is_kept_and_starting_is_left_at_once(void **state)
{
	(void)state;
	resume_pair();
	resumed();
	assert_int_equal(look_at_pair().role, MLAG_ROLE_SECONDARY);
	assert_int_equal(look_at_pair().role_epoch, 8);
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_RESYNC);
	assert_int_equal(look_at_pair().peer_boot_id, rig.hello.boot_id);
	/* It lasts as if the session had just been lost: 3 s and a fifth. */
	rig_tick(&rig, 3500 * RIG_MS);
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_RESYNC);
	rig_tick(&rig, 200 * RIG_MS);
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_ALONE);
	assert_int_equal(look_at_pair().role_epoch, 10); /* above both members' */
}

static void test_silence_does_not_count_while_nobody_listened(void **state)
{
	(void)state;
	/* Lost 3.5 s before the end, and a second ago it ended. */
	left.session_up = false;
	left.verdict = MLAG_VERDICT_RESYNC;
	left.liveness.life_ns = left.written_ns - 3500 * RIG_MS;
	left.liveness.paths[MLAG_PATH_PEER_LINK].heard = false;
	left.liveness.paths[MLAG_PATH_PEER_LINK].heard_ns = left.liveness.life_ns;
	resume_pair();
	resumed();
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_RESYNC);
	rig_tick(&rig, 200 * RIG_MS);
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_ALONE);
}

static void test_who_was_alone_is_alone(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);

	(void)state;
	left.peer_known = false;
	left.peer_rank_known = false;
	left.session_up = false;
	left.lift_allowed = false;
	left.verdict = MLAG_VERDICT_ALONE;
	memset(&left.liveness, 0, sizeof(left.liveness));
	left.role = MLAG_ROLE_PRIMARY;
	memset(&held.isolated, 0xff, sizeof(held.isolated));
	held.memory.peer_generation = 0;
	held.memory.flags = MLAG_MEMORY_ALONE;
	resume_pair();
	resume_leg(&held);
	resumed();
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_ALONE);
	assert_int_equal(look_at_pair().role_epoch, 8); /* no new promotion */
	assert_int_equal(look().state, MLAG_LEG_OPEN);
	assert_int_equal(apply_one().memory.flags, MLAG_MEMORY_ALONE);
	/* A peer that comes has to acknowledge what was opened without it. */
	rig_connect(&rig);
	assert_int_equal(look().state, MLAG_LEG_READY);
}

static void test_after_the_lease_conclusions_begin_anew_but_nothing_is_held(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	left.written_ns = rig.now_ns - 3001 * RIG_MS;
	left.verdict = MLAG_VERDICT_ALONE;
	left.role = MLAG_ROLE_PRIMARY;
	left.session_up = false;
	resume_pair();
	resume_leg(&held);
	resumed();
	/* The peer may lead by now. */
	assert_int_equal(look_at_pair().role, MLAG_ROLE_NONE);
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_RESYNC);
	program = apply_one();
	expect_same(&program, &held);
}

static void test_what_was_held_is_not_let_go_because_reading_took_long(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_CLOSED);
	struct mlag_event event = {.type = MLAG_EVENT_LEG_CONFIGURE};

	(void)state;
	left.written_ns = rig.now_ns - 3001 * RIG_MS; /* the lease is over, too */
	resume_pair();
	event.leg_configure.lag_id = 1;
	event.leg_configure.is_new = true;
	event.leg_configure.held = MLAG_HOLD_SPLIT;
	rig_step(&rig, &event);
	rig_step(&rig, &(struct mlag_event){.type = MLAG_EVENT_RESUME_LEG, .resume_leg = &held});
	rig.now_ns += 60 * RIG_SECOND; /* longer than startup-wait, before anybody could be heard */
	resumed();
	assert_int_not_equal(look().hold, MLAG_HOLD_NONE);
	rig_tick(&rig, 60 * RIG_SECOND);
	assert_int_equal(look().hold, MLAG_HOLD_NONE); /* nobody is there */
}

static void test_a_peer_that_left_is_gone(void **state)
{
	(void)state;
	left.peer_left = true;
	left.session_up = false;
	left.liveness.left = true;
	left.liveness.paths[MLAG_PATH_PEER_LINK].heard = false;
	resume_pair();
	resumed();
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_ALONE);
}

static void test_what_comes_out_of_turn_is_ignored(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);
	struct mlag_source place = {.known = 1, .lag_id = 1, .peer_seq = 1};
	uint64_t before;

	(void)state;
	before = look_at_pair().ignored_count;
	/* Nothing is being resumed. */
	rig_step_type(&rig, MLAG_EVENT_RESUMED);
	resume_leg(&held);
	resume_mac(1, &place);
	assert_int_equal(look_at_pair().ignored_count, before + 3);
	/* It is too late. */
	resume_pair();
	assert_int_equal(look_at_pair().ignored_count, before + 4);
	assert_int_not_equal(look_at_pair().role_epoch, left.role_epoch);
}

static void test_rows_that_make_no_sense_are_ignored(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);
	struct mlag_source place = {.known = 1, .lag_id = 1, .peer_seq = UINT32_MAX};
	struct mlag_address_program address = {.owner = MLAG_OWNER_PEER};
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_ADDRESS, .resume_address = &address};
	uint64_t before;

	(void)state;
	resume_pair();
	before = look_at_pair().ignored_count;
	resume_mac(1, &place); /* a number that could never be outdone */
	place.peer_seq = 1;
	place.known = 0;
	resume_mac(1, &place);
	rig_step(&rig, &event); /* of no kind */
	held.memory.generation = 0;
	resume_leg(&held);
	held.memory.generation = 400;
	held.gate = (enum mlag_gate)9;
	resume_leg(&held);
	held.gate = MLAG_GATE_OPEN;
	held.lag_id = 2;
	event.type = MLAG_EVENT_RESUME_LEG;
	event.resume_leg = &held; /* not configured */
	rig_step(&rig, &event);
	assert_int_equal(look_at_pair().ignored_count, before + 6);
	resumed();
	assert_int_equal(look().state, MLAG_LEG_READY);
}

/* ---- MACs ----------------------------------------------------------------------------------- */

/* A resumed pair with LAG 1 open and three MACs, and its FDB not read yet. */
static void resume_macs(void)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);
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
	resume_pair();
	resume_mac(1, &own);
	resume_mac(2, &heard);
	resume_mac(3, &both);
	resume_leg(&held);
}

static void expect_claims(uint8_t mac, uint32_t own_seq, uint32_t peer_seq)
{
	struct mlag_mac_view view;

	assert_true(rig_mac(&rig, mac, &view));
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
	rig_step_type(&rig, MLAG_EVENT_FDB_DUMP_BEGIN);
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	rig_fdb(&rig, 2, RIG_LEG, MLAG_FDB_INACTIVE);
	rig_fdb(&rig, 3, RIG_LEG, MLAG_FDB_ACTIVE);
	rig_step_type(&rig, MLAG_EVENT_FDB_DUMP_END);
	resumed();
	expect_claims(1, 5, 0);
	expect_claims(2, 0, 6); /* hearsay stays hearsay */
	expect_claims(3, 7, 7);
	assert_int_equal(rig_operations(&rig, operations), 0);
	/* Nor does it when the peer comes and says the same. */
	rig_connect(&rig);
	rig_hear_begin(&rig, WIRE_TABLE_MACS, 1);
	rig_hear_mac(&rig, 2, 1, 6, 0);
	rig_hear_mac(&rig, 3, 1, 7, 0);
	rig_hear_end(&rig, WIRE_TABLE_MACS, 1);
	assert_int_equal(rig_operations(&rig, operations), 0);
}

/* It may have gone on alone and have forgotten: then it sends back what a host says by a leg of ours. */
static void
test_r1_after_the_lease_what_a_living_peer_knows_does_not_count_until_in_sync(void **state)
{
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];
	uint32_t count;

	(void)state;
	left.written_ns = rig.now_ns - 3001 * RIG_MS;
	resume_macs();
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	rig_fdb(&rig, 2, RIG_LEG, MLAG_FDB_INACTIVE);
	rig_fdb(&rig, 3, RIG_LEG, MLAG_FDB_ACTIVE);
	resumed();
	/* Without a daemon the peer's data plane has forgotten nothing. */
	assert_int_equal(rig_operations(&rig, operations), 0);
	rig.path_hello.sequence = left.liveness.sequence;
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
	count = rig_operations(&rig, operations);
	assert_int_equal(count, 3);
	while (count-- > 0) {
		assert_true(operations[count].place_known);
		assert_int_equal(operations[count].place.peer_knows, 0);
		assert_int_equal(operations[count].place.lag_id, 1);
	}
}

static void test_what_the_peers_snapshot_does_not_mention_goes(void **state)
{
	struct mlag_fdb_operation operation;

	(void)state;
	resume_macs();
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_DYNAMIC);
	rig_fdb(&rig, 2, RIG_LEG, MLAG_FDB_INACTIVE);
	rig_fdb(&rig, 3, RIG_LEG, MLAG_FDB_ACTIVE);
	resumed();
	rig_connect(&rig);
	rig_hear_begin(&rig, WIRE_TABLE_MACS, 1);
	rig_hear_mac(&rig, 3, 1, 7, 0);
	rig_hear_end(&rig, WIRE_TABLE_MACS, 1);
	operation = rig_operation(&rig);
	assert_int_equal(operation.key.mac.octets[5], 2);
	assert_int_equal(operation.verb, MLAG_FDB_VERB_DELETE);
}

static void test_r9_what_moved_here_meanwhile_wins_over_what_the_peer_had_said(void **state)
{
	struct mlag_mac_view view;

	(void)state;
	resume_macs();
	rig_fdb(&rig, 2, RIG_ORPHAN, MLAG_FDB_DYNAMIC); /* the data plane learned it on its own */
	resumed();
	assert_true(rig_mac(&rig, 2, &view));
	assert_int_equal(view.own_seq, 7);
	assert_int_equal(view.lag_id, 0);
	/* So it does when our own former claim was elsewhere. */
	assert_true(rig_mac(&rig, 3, &view));
}

static void test_r9_a_number_that_is_not_kept_as_a_claim_is_outdone(void **state)
{
	struct mlag_leg_program held = held_leg(MLAG_GATE_OPEN);
	/* Ours at an orphan, against the peer's for a LAG under 8, which it is about to withdraw. */
	struct mlag_source place = {.known = 1, .own_seq = 9, .peer_seq = 8};
	struct mlag_mac_view view;

	(void)state;
	resume_pair();
	resume_mac(1, &place);
	resume_leg(&held);
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_DYNAMIC); /* and now it is elsewhere */
	resumed();
	assert_true(rig_mac(&rig, 1, &view));
	assert_int_equal(view.own_seq, 10);
}

static void test_what_no_dump_showed_is_asked_for_by_name(void **state)
{
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];
	uint32_t count;

	(void)state;
	resume_macs();
	rig_step_type(&rig, MLAG_EVENT_FDB_DUMP_BEGIN);
	rig_step_type(&rig, MLAG_EVENT_FDB_DUMP_END);
	resumed();
	count = rig_operations(&rig, operations);
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
	resume_pair();
	resume_mac(1, &place);
	resumed();
	assert_int_equal(rig_operations(&rig, operations), 0);
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

	rig_step(&rig, &event);
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
	return mlag_next_addresses(rig.engine, ret_programs, 8);
}

static void test_r21_the_peers_addresses_stay_until_it_has_told_all_of_them(void **state)
{
	struct mlag_address_program peers = held_address(2, MLAG_OWNER_PEER);
	struct mlag_address_program gone = held_address(1, MLAG_OWNER_SELF);
	struct mlag_address_program router = held_router(2);
	struct mlag_address_program programs[8];

	(void)state;
	resume_pair();
	resume_address(&peers);
	resume_address(&gone);
	resume_address(&router);
	rig_fdb(&rig, 2, RIG_PEER_LINK, MLAG_FDB_STICKY);
	resumed();
	assert_true(mlag_may_route_for_peer(rig.engine));
	/* Ours that is not there any more goes; a router MAC is handed out again, as it was. */
	assert_int_equal(next_addresses(programs), 2);
	for (uint32_t i = 0; i < 2; i++) {
		bool is_router = programs[i].key.kind == MLAG_ADDRESS_ROUTER_MAC;

		assert_int_equal(programs[i].owner, is_router ? MLAG_OWNER_PEER : MLAG_OWNER_NONE);
		assert_int_equal(programs[i].on_peer_link, is_router);
	}
	rig_connect(&rig);
	assert_int_equal(next_addresses(programs), 0);
	rig_hear_snapshots(&rig);
	/* The peer has none of them any more. */
	assert_int_equal(next_addresses(programs), 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(programs[i].owner, MLAG_OWNER_NONE);
		assert_int_equal(programs[i].old_peer_link_ifindex,
				 programs[i].key.kind == MLAG_ADDRESS_ROUTER_MAC ? RIG_PEER_LINK
										 : 0);
	}
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_an_open_leg_stays_open),
		RIG_TEST(test_a_leg_that_was_ready_waits_for_its_acknowledgement),
		RIG_TEST(test_a_closed_leg_has_to_prove_itself),
		RIG_TEST(test_a_leg_that_failed_meanwhile_is_down),
		RIG_TEST(test_a_partner_that_left_meanwhile_closes_the_leg),
		RIG_TEST(test_a_device_that_is_another_one_begins_anew),
		RIG_TEST(test_a_vlan_that_came_meanwhile_is_held_until_acknowledged),
		RIG_TEST(test_r1_stays_as_found_until_the_peer_has_spoken_of_all_its_legs),
		RIG_TEST(test_r2_the_live_peers_hello_lifts_r1_also_of_what_was_found),
		RIG_TEST(test_r2_a_lag_that_is_new_is_isolated_until_the_peer_has_spoken),
		RIG_TEST(test_r2_without_the_peer_link_all_of_r1_is_in_force),
		RIG_TEST(test_role_is_kept_and_starting_is_left_at_once),
		RIG_TEST(test_silence_does_not_count_while_nobody_listened),
		RIG_TEST(test_who_was_alone_is_alone),
		RIG_TEST(test_after_the_lease_conclusions_begin_anew_but_nothing_is_held),
		RIG_TEST(test_what_was_held_is_not_let_go_because_reading_took_long),
		RIG_TEST(test_a_peer_that_left_is_gone),
		RIG_TEST(test_what_comes_out_of_turn_is_ignored),
		RIG_TEST(test_rows_that_make_no_sense_are_ignored),
		RIG_TEST(test_macs_are_what_they_were_and_nothing_is_written),
		RIG_TEST(
			test_r1_after_the_lease_what_a_living_peer_knows_does_not_count_until_in_sync),
		RIG_TEST(test_what_the_peers_snapshot_does_not_mention_goes),
		RIG_TEST(test_r9_what_moved_here_meanwhile_wins_over_what_the_peer_had_said),
		RIG_TEST(test_r9_a_number_that_is_not_kept_as_a_claim_is_outdone),
		RIG_TEST(test_what_no_dump_showed_is_asked_for_by_name),
		RIG_TEST(test_router_macs_are_no_hosts),
		RIG_TEST(test_r21_the_peers_addresses_stay_until_it_has_told_all_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
