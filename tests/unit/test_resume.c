/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going on where an earlier daemon ended (SAFE-40), the pair and its legs: R1 and gates stay as they
 * were found until the peer has spoken.
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

static struct mlag_leg_view look(void)
{
	struct mlag_leg_view view;

	assert_true(mlag_get_leg(resumerig.engine, 0, &view));
	return view;
}

static struct mlag_view look_at_pair(void)
{
	struct mlag_view view;

	mlag_get_view(resumerig.engine, &view);
	return view;
}

/* The one program that is handed out; it is confirmed. */
static struct mlag_leg_program apply_one(void)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG_APPLIED};
	struct mlag_leg_program program, more;

	assert_true(mlag_next_leg(resumerig.engine, &program));
	event.leg_applied.lag_id = program.lag_id;
	event.leg_applied.serial = program.serial;
	rig_step(&resumerig, &event);
	assert_false(mlag_next_leg(resumerig.engine, &more));
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
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	resumerig_pair();
	resumerig_leg(&held);
	resumerig_resumed();
	assert_int_equal(look().state, MLAG_LEG_OPEN);
	assert_int_equal(resumerig.notices[MLAG_NOTICE_LEG], 0);
	/* Handed out once, so that somebody looks after the port, and as it was. */
	program = apply_one();
	expect_same(&program, &held);
	assert_true(program.flood);
	/* The peer is told the same as before. */
	assert_int_equal(rig_own_leg(&resumerig, 1)->open, 1);
	assert_int_equal(rig_own_leg(&resumerig, 1)->generation, 400);
	assert_int_equal(rig_own_leg(&resumerig, 1)->enforced, 500);
	assert_true(look().peer_open && look().peer_up && look().isolated);
	/* And when the peer comes and says what it said, nothing changes. */
	rig_connect(&resumerig);
	rig_hear_begin(&resumerig, WIRE_TABLE_LEGS, 1);
	rig_hear_leg(&resumerig, 1, &resumerig_peer_leg);
	rig_hear_end(&resumerig, WIRE_TABLE_LEGS, 1);
	assert_int_equal(rig_apply(&resumerig), 0);
	assert_int_equal(resumerig.notices[MLAG_NOTICE_LEG], 0);
}

static void test_a_leg_that_was_ready_waits_for_its_acknowledgement(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_UNICAST);

	(void)state;
	memset(&held.held, 0, sizeof(held.held));
	resumerig_pair();
	resumerig_leg(&held);
	resumerig_resumed();
	assert_int_equal(look().state, MLAG_LEG_READY);
	assert_int_equal(apply_one().gate, MLAG_GATE_UNICAST);
	rig_connect(&resumerig);
	rig_hear_begin(&resumerig, WIRE_TABLE_LEGS, 1);
	/* VLANs may have come while nobody looked: an older acknowledgement says too little. */
	rig_hear_leg(&resumerig, 1, &resumerig_peer_leg);
	rig_hear_end(&resumerig, WIRE_TABLE_LEGS, 1);
	assert_int_equal(look().state, MLAG_LEG_READY);
	resumerig_peer_leg.enforced = look().generation;
	rig_hear_leg(&resumerig, 1, &resumerig_peer_leg);
	assert_int_equal(look().state, MLAG_LEG_OPEN);
}

static void test_a_closed_leg_has_to_prove_itself(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_CLOSED);

	(void)state;
	resumerig_pair();
	resumerig_leg(&held);
	resumerig_resumed();
	assert_int_equal(look().state, MLAG_LEG_PENDING);
	assert_int_equal(apply_one().gate, MLAG_GATE_CLOSED);
}

static void test_a_leg_that_failed_meanwhile_is_down(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);

	(void)state;
	resumerig_pair();
	resumerig_leg(&held);
	resumerig_seen.carrier = false;
	resumerig_resumed();
	assert_int_equal(look().state, MLAG_LEG_DOWN);
	assert_int_equal(apply_one().gate, MLAG_GATE_CLOSED);
	assert_int_equal(rig_own_leg(&resumerig, 1)->up, 0);
}

static void test_a_partner_that_left_meanwhile_closes_the_leg(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);

	(void)state;
	resumerig_pair();
	resumerig_leg(&held);
	resumerig_seen.partner_collecting = false;
	resumerig_resumed();
	assert_int_equal(look().state, MLAG_LEG_PENDING);
}

static void test_a_device_that_is_another_one_begins_anew(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	resumerig_pair();
	resumerig_leg(&held);
	resumerig_seen.ifindex = RIG_LEG + 1;
	resumerig_resumed();
	assert_int_equal(look().state, MLAG_LEG_READY); /* in full swing, floods wait */
	program = apply_one();
	assert_int_equal(program.gate, MLAG_GATE_UNICAST);
	/* Nobody knows what the peer's leg does: all of R1. */
	assert_true(mlag_vlans_has(&program.isolated, RIG_VLAN + 1));
}

static void test_a_vlan_that_came_meanwhile_is_held_until_acknowledged(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	resumerig_pair();
	resumerig_leg(&held);
	mlag_vlans_add(&resumerig_seen.vlans, RIG_VLAN + 1);
	resumerig_resumed();
	program = apply_one();
	assert_int_equal(program.gate, MLAG_GATE_OPEN);
	assert_true(mlag_vlans_has(&program.held, RIG_VLAN + 1));
	assert_false(mlag_vlans_has(&program.held, RIG_VLAN));
	assert_int_not_equal(program.memory.generation, 400);
}

static void test_r1_stays_as_found_until_the_peer_has_spoken_of_all_its_legs(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	/* R1 was lifted: the peer's leg was down. */
	memset(&held.isolated, 0, sizeof(held.isolated));
	held.memory.peer_generation = 0;
	held.memory.flags = MLAG_MEMORY_PEER_PRESENT;
	resumerig_pair();
	resumerig_leg(&held);
	resumerig_resumed();
	program = apply_one();
	expect_same(&program, &held);
	/* It came up meanwhile.  It is not acknowledged before R1 is in force. */
	resumerig_peer_leg.generation = 501;
	rig_connect(&resumerig);
	rig_hear_begin(&resumerig, WIRE_TABLE_LEGS, 1);
	rig_hear_leg(&resumerig, 1, &resumerig_peer_leg);
	(void)rig_apply(&resumerig);
	assert_int_equal(rig_own_leg(&resumerig, 1)->enforced, 0);
	rig_hear_end(&resumerig, WIRE_TABLE_LEGS, 1);
	program = apply_one();
	assert_true(mlag_vlans_has(&program.isolated, RIG_VLAN));
	assert_int_equal(program.memory.peer_generation, 501);
	assert_int_equal(rig_own_leg(&resumerig, 1)->enforced, 501);
}

static void test_r2_the_live_peers_hello_lifts_r1_also_of_what_was_found(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	resumerig_pair();
	resumerig_leg(&held);
	resumerig_resumed();
	(void)apply_one();
	resumerig.path_hello.sequence = resumerig_left.liveness.sequence;
	resumerig.path_hello.flags = HELLO_LEGS_KNOWN;
	resumerig.path_hello.legs_count = 1;
	resumerig.path_hello.legs[0].lag_id = 1;
	resumerig.path_hello.legs[0].generation = (uint16_t)held.memory.peer_generation;
	resumerig.path_hello.legs[0].flags = HELLO_LEG_UP;
	rig_say_hello(&resumerig, MLAG_PATH_PEER_LINK, true);
	assert_int_equal(rig_apply(&resumerig), 0);
	/* Its leg fails while there is no session. */
	resumerig.path_hello.legs[0].flags = 0;
	rig_say_hello(&resumerig, MLAG_PATH_PEER_LINK, true);
	program = apply_one();
	assert_false(mlag_vlans_has(&program.isolated, RIG_VLAN));
	assert_int_equal(program.memory.peer_generation, 0);
}

static void test_r2_a_lag_that_is_new_is_isolated_until_the_peer_has_spoken(void **state)
{
	struct mlag_leg_program program;

	(void)state;
	resumerig_pair();
	rig_configure_leg(&resumerig, 1);
	resumerig_resumed();
	program = apply_one();
	assert_true(program.isolated.words[0] == UINT64_MAX);
}

static void test_r2_without_the_peer_link_all_of_r1_is_in_force(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);

	(void)state;
	memset(&held.isolated, 0, sizeof(held.isolated));
	resumerig_pair();
	resumerig_leg(&held);
	resumerig.peer_link.carrier = false;
	resumerig_resumed();
	assert_true(apply_one().isolated.words[0] == UINT64_MAX);
}

/* ---- the pair as a whole -------------------------------------------------------------------- */

static void test_role_is_kept_and_starting_is_left_at_once(void **state)
{
	(void)state;
	resumerig_pair();
	resumerig_resumed();
	assert_int_equal(look_at_pair().role, MLAG_ROLE_SECONDARY);
	assert_int_equal(look_at_pair().role_epoch, 8);
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_RESYNC);
	assert_int_equal(look_at_pair().peer_boot_id, resumerig.hello.boot_id);
	/* It lasts as if the session had just been lost: 3 s and a fifth. */
	rig_tick(&resumerig, 3500 * RIG_MS);
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_RESYNC);
	rig_tick(&resumerig, 200 * RIG_MS);
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_ALONE);
	assert_int_equal(look_at_pair().role_epoch, 10); /* above both members' */
}

static void test_silence_does_not_count_while_nobody_listened(void **state)
{
	(void)state;
	/* Lost 3.5 s before the resumerig_end, and a second ago it ended. */
	resumerig_left.session_up = false;
	resumerig_left.verdict = MLAG_VERDICT_RESYNC;
	resumerig_left.liveness.life_ns = resumerig_left.written_ns - 3500 * RIG_MS;
	resumerig_left.liveness.paths[MLAG_PATH_PEER_LINK].heard = false;
	resumerig_left.liveness.paths[MLAG_PATH_PEER_LINK].heard_ns =
		resumerig_left.liveness.life_ns;
	resumerig_pair();
	resumerig_resumed();
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_RESYNC);
	rig_tick(&resumerig, 200 * RIG_MS);
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_ALONE);
}

static void test_who_was_alone_is_alone(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);

	(void)state;
	resumerig_left.peer_known = false;
	resumerig_left.peer_rank_known = false;
	resumerig_left.session_up = false;
	resumerig_left.lift_allowed = false;
	resumerig_left.verdict = MLAG_VERDICT_ALONE;
	memset(&resumerig_left.liveness, 0, sizeof(resumerig_left.liveness));
	resumerig_left.role = MLAG_ROLE_PRIMARY;
	memset(&held.isolated, 0xff, sizeof(held.isolated));
	held.memory.peer_generation = 0;
	held.memory.flags = MLAG_MEMORY_ALONE;
	resumerig_pair();
	resumerig_leg(&held);
	resumerig_resumed();
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_ALONE);
	assert_int_equal(look_at_pair().role_epoch, 8); /* no new promotion */
	assert_int_equal(look().state, MLAG_LEG_OPEN);
	assert_int_equal(apply_one().memory.flags, MLAG_MEMORY_ALONE);
	/* A peer that comes has to acknowledge what was opened without it. */
	rig_connect(&resumerig);
	assert_int_equal(look().state, MLAG_LEG_READY);
}

static void test_after_the_lease_conclusions_begin_anew_but_nothing_is_held(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);
	struct mlag_leg_program program;

	(void)state;
	resumerig_left.written_ns = resumerig.now_ns - 3001 * RIG_MS;
	resumerig_left.verdict = MLAG_VERDICT_ALONE;
	resumerig_left.role = MLAG_ROLE_PRIMARY;
	resumerig_left.session_up = false;
	resumerig_pair();
	resumerig_leg(&held);
	resumerig_resumed();
	/* The peer may lead by now. */
	assert_int_equal(look_at_pair().role, MLAG_ROLE_NONE);
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_RESYNC);
	program = apply_one();
	expect_same(&program, &held);
}

static void test_what_was_held_is_not_let_go_because_reading_took_long(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_CLOSED);
	struct mlag_event event = {.type = MLAG_EVENT_LEG_CONFIGURE};

	(void)state;
	resumerig_left.written_ns = resumerig.now_ns - 3001 * RIG_MS; /* the lease is over, too */
	resumerig_pair();
	event.leg_configure.lag_id = 1;
	event.leg_configure.is_new = true;
	event.leg_configure.held = MLAG_HOLD_SPLIT;
	rig_step(&resumerig, &event);
	rig_step(&resumerig,
		 &(struct mlag_event){.type = MLAG_EVENT_RESUME_LEG, .resume_leg = &held});
	resumerig.now_ns +=
		60 * RIG_SECOND; /* longer than startup-wait, before anybody could be heard */
	resumerig_resumed();
	assert_int_not_equal(look().hold, MLAG_HOLD_NONE);
	rig_tick(&resumerig, 60 * RIG_SECOND);
	assert_int_equal(look().hold, MLAG_HOLD_NONE); /* nobody is there */
}

static void test_a_peer_that_left_is_gone(void **state)
{
	(void)state;
	resumerig_left.peer_left = true;
	resumerig_left.session_up = false;
	resumerig_left.liveness.left = true;
	resumerig_left.liveness.paths[MLAG_PATH_PEER_LINK].heard = false;
	resumerig_pair();
	resumerig_resumed();
	assert_int_equal(look_at_pair().verdict, MLAG_VERDICT_ALONE);
}

static void test_what_comes_out_of_turn_is_ignored(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);
	struct mlag_source place = {.known = 1, .lag_id = 1, .peer_seq = 1};
	uint64_t before;

	(void)state;
	before = look_at_pair().ignored_count;
	/* Nothing is being resumed. */
	rig_step_type(&resumerig, MLAG_EVENT_RESUMED);
	resumerig_leg(&held);
	resumerig_mac(1, &place);
	assert_int_equal(look_at_pair().ignored_count, before + 3);
	/* It is too late. */
	resumerig_pair();
	assert_int_equal(look_at_pair().ignored_count, before + 4);
	assert_int_not_equal(look_at_pair().role_epoch, resumerig_left.role_epoch);
}

static void test_rows_that_make_no_sense_are_ignored(void **state)
{
	struct mlag_leg_program held = resumerig_held_leg(MLAG_GATE_OPEN);
	struct mlag_source place = {.known = 1, .lag_id = 1, .peer_seq = UINT32_MAX};
	struct mlag_address_program address = {.owner = MLAG_OWNER_PEER};
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_ADDRESS, .resume_address = &address};
	uint64_t before;

	(void)state;
	resumerig_pair();
	before = look_at_pair().ignored_count;
	resumerig_mac(1, &place); /* a number that could never be outdone */
	place.peer_seq = 1;
	place.known = 0;
	resumerig_mac(1, &place);
	rig_step(&resumerig, &event); /* of no kind */
	held.memory.generation = 0;
	resumerig_leg(&held);
	held.memory.generation = 400;
	held.gate = (enum mlag_gate)9;
	resumerig_leg(&held);
	held.gate = MLAG_GATE_OPEN;
	held.lag_id = 2;
	event.type = MLAG_EVENT_RESUME_LEG;
	event.resume_leg = &held; /* not configured */
	rig_step(&resumerig, &event);
	assert_int_equal(look_at_pair().ignored_count, before + 6);
	resumerig_resumed();
	assert_int_equal(look().state, MLAG_LEG_READY);
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, resumerig_start, resumerig_end)

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
