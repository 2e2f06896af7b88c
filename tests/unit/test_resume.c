/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going on where an earlier daemon ended (SAFE-40): what it leaves is read with suspicion; legs, R1,
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

/* ---- to bytes and back ---------------------------------------------------------------------- */

static struct mlag_resume sample(void)
{
	struct mlag_resume resume;

	memset(&resume, 0, sizeof(resume));
	resume.system_mac.octets[0] = 2;
	resume.domain_id = 1;
	resume.bridge_ifindex = 9;
	resume.written_ns = 5000;
	resume.birth_ns = 1000;
	resume.peer_rank_known = true;
	resume.peer_rank_boot_id = 77;
	resume.peer_hold_ns = 30 * RIG_SECOND;
	resume.verdict_since_ns = 3000;
	resume.role = MLAG_ROLE_SECONDARY;
	resume.role_epoch = 8;
	resume.verdict = MLAG_VERDICT_SPLIT;
	resume.session_up = true;
	resume.peer_known = true;
	resume.peer_legs_known = true;
	resume.lift_allowed = true;
	resume.addresses_known = true;
	resume.peer_member_id.octets[5] = 2;
	resume.peer_boot_id = UINT64_C(0x123456789abcdef0);
	resume.peer_role_epoch = 9;
	resume.peer_priority = 100;
	resume.peer_protocol = 1;
	memcpy(resume.peer_version, "0.1.0", 6);
	resume.liveness.boot_id = 77;
	resume.liveness.boot_id_before = 76;
	resume.liveness.sequence = 1000;
	resume.liveness.hears = 6;
	resume.liveness.peer_interval_ns = 100 * RIG_MS;
	resume.liveness.ever_heard = true;
	resume.liveness.usable = true;
	resume.liveness.life_ns = 4900;
	resume.liveness.carrier_ns = 2000;
	resume.liveness.lost_ns = 1500;
	resume.liveness.paths[MLAG_PATH_PEER_LINK] = (struct liveness_path){
		.present = true,
		.heard = true,
		.ever_heard = true,
		.trusted = true,
		.heard_ns = 4900,
		.boot_id = 77,
		.sequence = 1000,
	};
	return resume;
}

static void test_what_was_written_is_read(void **state)
{
	uint8_t bytes[MLAG_RESUME_SIZE_MAX];
	struct mlag_resume resume = sample();
	struct mlag_resume found;

	(void)state;
	assert_true(mlag_resume_read(bytes, mlag_resume_write(&resume, bytes), &found));
	assert_memory_equal(&found, &resume, sizeof(found));
	memset(resume.peer_version, 'v', sizeof(resume.peer_version) - 1);
	assert_true(mlag_resume_read(bytes, mlag_resume_write(&resume, bytes), &found));
	assert_memory_equal(&found, &resume, sizeof(found));
	memset(&resume, 0, sizeof(resume));
	resume.verdict = MLAG_VERDICT_STARTING;
	assert_true(mlag_resume_read(bytes, mlag_resume_write(&resume, bytes), &found));
	assert_memory_equal(&found, &resume, sizeof(found));
}

static void test_what_is_cut_off_or_damaged_is_refused(void **state)
{
	uint8_t bytes[MLAG_RESUME_SIZE_MAX + 1];
	struct mlag_resume resume = sample();
	struct mlag_resume found;
	uint32_t size = mlag_resume_write(&resume, bytes);

	(void)state;
	for (uint32_t cut = 0; cut < size; cut++) {
		assert_false(mlag_resume_read(bytes, cut, &found));
	}
	assert_false(mlag_resume_read(bytes, size + 1, &found));
	assert_false(mlag_resume_read(bytes, UINT32_MAX, &found));
	for (uint32_t bit = 0; bit < size * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(mlag_resume_read(bytes, size, &found));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(mlag_resume_read(bytes, size, &found));
}

static bool is_read(const struct mlag_resume *resume)
{
	uint8_t bytes[MLAG_RESUME_SIZE_MAX];
	struct mlag_resume found;

	return mlag_resume_read(bytes, mlag_resume_write(resume, bytes), &found);
}

static void test_what_cannot_be_is_refused(void **state)
{
	struct mlag_resume resume = sample();

	(void)state;
	resume.role = (enum mlag_role)3;
	assert_false(is_read(&resume));
	resume = sample();
	resume.verdict = MLAG_VERDICT_NONE;
	assert_false(is_read(&resume));
	resume.verdict = (enum mlag_verdict)(MLAG_VERDICT_ALONE_UNSURE + 1);
	assert_false(is_read(&resume));
	resume = sample();
	resume.birth_ns = resume.written_ns + 1;
	assert_false(is_read(&resume));
	resume = sample();
	resume.liveness.life_ns = resume.written_ns + 1;
	assert_false(is_read(&resume));
	resume = sample();
	resume.liveness.carrier_ns = resume.written_ns + 1;
	assert_false(is_read(&resume));
	resume = sample();
	resume.liveness.lost_ns = resume.written_ns + 1;
	assert_false(is_read(&resume));
	resume = sample();
	resume.liveness.paths[MLAG_PATH_PEER_LINK].heard_ns = resume.written_ns + 1;
	assert_false(is_read(&resume));
	resume = sample();
	resume.liveness.peer_interval_ns = UINT64_MAX;
	assert_false(is_read(&resume));
	resume = sample();
	resume.peer_hold_ns = UINT64_MAX;
	assert_false(is_read(&resume));
	resume = sample();
	resume.verdict_since_ns = UINT64_MAX;
	assert_false(is_read(&resume));
}

static void test_another_hello_is_nothing_new_to_write_down(void **state)
{
	struct mlag_resume a = sample();
	struct mlag_resume b = a;

	(void)state;
	b.written_ns++;
	b.liveness.life_ns++;
	b.liveness.sequence++;
	b.liveness.paths[MLAG_PATH_PEER_LINK].heard_ns++;
	b.liveness.paths[MLAG_PATH_PEER_LINK].sequence++;
	assert_false(mlag_resume_differs(&a, &b));
	b.liveness.paths[MLAG_PATH_PEER_LINK].heard = false;
	assert_true(mlag_resume_differs(&a, &b));
	b = a;
	b.role_epoch++;
	assert_true(mlag_resume_differs(&a, &b));
}

static void test_what_is_about_something_else_is_refused(void **state)
{
	struct mlag_config config = {.domain_id = 1, .system_mac = {{2}}};
	struct mlag_resume resume = sample();

	(void)state;
	assert_null(mlag_resume_refuse(&resume, &config, 9, 5000));
	assert_string_equal(mlag_resume_refuse(&resume, &config, 9, 4999), "it is from the future");
	assert_string_equal(mlag_resume_refuse(&resume, &config, 8, 5000),
			    "it is of another bridge");
	resume.bridge_ifindex = 0;
	assert_string_equal(mlag_resume_refuse(&resume, &config, 0, 5000),
			    "it is of another bridge");
	config.domain_id = 2;
	assert_string_equal(mlag_resume_refuse(&resume, &config, 9, 5000),
			    "it is of another domain");
	config.domain_id = 1;
	config.system_mac.octets[0] = 6;
	assert_string_equal(mlag_resume_refuse(&resume, &config, 9, 5000),
			    "it is of another domain");
}

/* ---- one engine, a peer made of bytes ------------------------------------------------------- */

static int start(void **state)
{
	(void)state;
	rig_init(&rig, 0);
	rig.now_ns = 100 * RIG_SECOND;
	left = sample();
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

/* ---- two engines ---------------------------------------------------------------------------- */

static struct world world;

static int start_pair(void **state)
{
	static struct world_picture picture;

	(void)state;
	world_init(&world, 1);
	world_start(&world, 0);
	world_start(&world, 1);
	assert_true(world_run_until_open(&world, 10 * WORLD_SECOND));
	world_take_picture(&world, &picture); /* everybody is known */
	world_run(&world, WORLD_SECOND);
	return 0;
}

static int end_pair(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static void expect_unnoticed(const struct world_picture *before, uint64_t duration_ns)
{
	for (uint64_t i = 0; i < duration_ns / WORLD_MS; i++) {
		const char *complaint = world_check_picture(&world, before);

		if (complaint != NULL) {
			fail_msg("at %.3f s: %s", (double)world.now_ns / 1e9, complaint);
		}
		world_run(&world, WORLD_MS);
	}
}

/* What the two data planes hold for their legs. */
struct ports {
	struct mlag_port ports[WORLD_MEMBERS][WORLD_LAGS];
};

static void take_ports(struct ports *ret_ports)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
			ret_ports->ports[m][lag] = world.members[m].legs[lag].port;
		}
	}
}

static void restart(bool first, bool second)
{
	static struct world_picture before;
	static struct ports ports_before, ports_after;

	world_take_picture(&world, &before);
	take_ports(&ports_before);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		if (m == 0 ? first : second) {
			world_stop(&world, m);
		}
	}
	expect_unnoticed(&before, 300 * WORLD_MS);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		if (m == 0 ? first : second) {
			world_start(&world, m);
		}
	}
	expect_unnoticed(&before, WORLD_SECOND);
	take_ports(&ports_after);
	/* No gate, no R1 and no generation has changed on either side. */
	assert_memory_equal(&ports_after, &ports_before, sizeof(ports_after));
}

static void test_safe40_a_restart_of_one_or_both_changes_no_port(void **state)
{
	(void)state;
	restart(true, false);
	restart(false, true);
	restart(true, true);
}

static void test_safe40_with_a_leg_down(void **state)
{
	(void)state;
	world_set_link(&world, 0, 0, false);
	world_run(&world, WORLD_SECOND);
	restart(true, false);
	restart(false, true);
	restart(true, true);
}

static void test_safe40_while_the_peers_daemon_is_dead(void **state)
{
	(void)state;
	world_stop(&world, 1);
	restart(true, false);
	world_run(&world, 10 * WORLD_SECOND); /* it concludes that it is alone */
	restart(true, false);
}

/* What the suite is worth: the same with nothing to go on with is noticed. */
static void test_a_start_afresh_is_noticed(void **state)
{
	static struct world_picture before;

	(void)state;
	world_take_picture(&world, &before);
	world_stop(&world, 0);
	world_forget(&world, 0);
	world_start(&world, 0);
	assert_non_null(world_check_picture(&world, &before));
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, start, end)
#define PAIR_TEST(function) cmocka_unit_test_setup_teardown(function, start_pair, end_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_written_is_read),
		cmocka_unit_test(test_what_is_cut_off_or_damaged_is_refused),
		cmocka_unit_test(test_what_cannot_be_is_refused),
		cmocka_unit_test(test_another_hello_is_nothing_new_to_write_down),
		cmocka_unit_test(test_what_is_about_something_else_is_refused),
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
		RIG_TEST(test_a_peer_that_left_is_gone),
		RIG_TEST(test_what_comes_out_of_turn_is_ignored),
		RIG_TEST(test_rows_that_make_no_sense_are_ignored),
		RIG_TEST(test_macs_are_what_they_were_and_nothing_is_written),
		RIG_TEST(test_what_the_peers_snapshot_does_not_mention_goes),
		RIG_TEST(test_r9_what_moved_here_meanwhile_wins_over_what_the_peer_had_said),
		RIG_TEST(test_r9_a_number_that_is_not_kept_as_a_claim_is_outdone),
		RIG_TEST(test_what_no_dump_showed_is_asked_for_by_name),
		RIG_TEST(test_router_macs_are_no_hosts),
		RIG_TEST(test_r21_the_peers_addresses_stay_until_it_has_told_all_of_them),
		PAIR_TEST(test_safe40_a_restart_of_one_or_both_changes_no_port),
		PAIR_TEST(test_safe40_with_a_leg_down),
		PAIR_TEST(test_safe40_while_the_peers_daemon_is_dead),
		PAIR_TEST(test_a_start_afresh_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
