/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Legs: what proves that a partner takes part, who may flood when (R1, R2, SAFE-4), what the data
 * plane is told and what the peer.  One engine; its peer says what the test wants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "legrig.h"

/* ---- what proves the partner ---------------------------------------------------------------- */

static void test_lingering_values_prove_nothing(void **state)
{
	(void)state;
	legrig_configure();
	legrig_seen.carrier = true;
	/* The state of before the link came up: distributing to a collecting partner. */
	for (uint32_t ms = 0; ms <= 80; ms += 20) {
		assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_PENDING);
	}
	/* Then the truth, and then the proof. */
	assert_int_equal(legrig_observe(20, false, false), MLAG_LEG_PENDING);
	assert_int_equal(legrig_observe(20, true, false), MLAG_LEG_PENDING);
	assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_READY);
}

static void test_distributing_alone_proves_nothing(void **state)
{
	(void)state;
	legrig_be_pending();
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(legrig_observe(20, true, false), MLAG_LEG_PENDING);
	}
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(legrig_observe(20, false, true), MLAG_LEG_PENDING);
	}
}

static void test_data_proves_the_partner(void **state)
{
	(void)state;
	legrig_be_pending();
	/* Not before our own side distributes. */
	legrig_seen.data_seen = true;
	assert_int_equal(legrig_observe(20, false, false), MLAG_LEG_PENDING);
	assert_int_equal(legrig_observe(20, true, false), MLAG_LEG_PENDING);
	legrig_seen.data_seen = true;
	assert_int_equal(legrig_observe(20, true, false), MLAG_LEG_READY);
}

static void test_data_under_lingering_values_proves_nothing(void **state)
{
	(void)state;
	legrig_configure();
	legrig_seen.carrier = true;
	for (uint32_t i = 0; i < 4; i++) {
		legrig_seen.data_seen = true;
		assert_int_equal(legrig_observe(20, true, false), MLAG_LEG_PENDING);
	}
}

static void test_a_partner_that_sends_must_collect_soon(void **state)
{
	(void)state;
	legrig_be_pending();
	legrig_seen.data_seen = true;
	assert_int_equal(legrig_observe(20, true, false), MLAG_LEG_READY);
	assert_int_equal(legrig_observe(2900, true, false), MLAG_LEG_READY);
	assert_int_equal(legrig_observe(200, true, false), MLAG_LEG_PENDING);
	/* One that was seen collecting must go on doing so. */
	assert_int_equal(legrig_observe(20, false, false), MLAG_LEG_PENDING);
	legrig_seen.data_seen = true;
	assert_int_equal(legrig_observe(20, true, false), MLAG_LEG_READY);
	assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_READY);
	assert_int_equal(legrig_observe(20, true, false), MLAG_LEG_PENDING);
}

static void test_steady_state_proves_the_partner(void **state)
{
	(void)state;
	legrig_configure();
	legrig_seen.carrier = true;
	/* It never went through a state without Distributing: time and count decide, both. */
	for (uint32_t i = 0; i < 50; i++) {
		assert_int_equal(legrig_observe(5, true, true), MLAG_LEG_PENDING);
	}
	for (uint32_t i = 0; i < 10 && legrig_look().state == MLAG_LEG_PENDING; i++) {
		(void)legrig_observe(10, true, true);
	}
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
}

static void test_steady_state_needs_observations_not_only_time(void **state)
{
	(void)state;
	legrig_configure();
	legrig_seen.carrier = true;
	assert_int_equal(legrig_observe(1, true, true), MLAG_LEG_PENDING);
	assert_int_equal(legrig_observe(1000, true, true), MLAG_LEG_PENDING);
	assert_int_equal(legrig_observe(1000, true, true), MLAG_LEG_PENDING);
	/* A break starts it again. */
	legrig_seen.data_seen = false;
	assert_int_equal(legrig_observe(10, true, false), MLAG_LEG_PENDING);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(legrig_observe(100, true, true), MLAG_LEG_PENDING);
	}
	assert_int_equal(legrig_observe(100, true, true), MLAG_LEG_READY);
}

static void test_a_running_leg_is_ready_at_the_first_look(void **state)
{
	(void)state;
	rig_configure_leg(&legrig, 1);
	legrig_seen.carrier = true;
	assert_int_equal(legrig_observe(0, true, true), MLAG_LEG_READY);
	/* But only then: after a loss it has to prove itself. */
	legrig_seen.carrier = false;
	assert_int_equal(legrig_observe(10, true, true), MLAG_LEG_DOWN);
	legrig_seen.carrier = true;
	assert_int_equal(legrig_observe(10, true, true), MLAG_LEG_PENDING);
}

static void test_partner_leaves_with_carrier(void **state)
{
	(void)state;
	legrig_be_open();
	assert_int_equal(legrig_observe(20, false, true), MLAG_LEG_PENDING);
	assert_int_equal(legrig_apply_one().gate, MLAG_GATE_CLOSED);
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 0);
}

static void test_static_leg_is_ready_at_carrier(void **state)
{
	(void)state;
	legrig_seen.lacp = false;
	legrig_configure();
	legrig_seen.carrier = true;
	assert_int_equal(legrig_observe(10, false, false), MLAG_LEG_READY);
	legrig_seen.carrier = false;
	assert_int_equal(legrig_observe(10, false, false), MLAG_LEG_DOWN);
}

static void test_polling_is_fast_only_while_it_matters(void **state)
{
	(void)state;
	assert_true(mlag_leg_poll_ns(legrig.engine) == MLAG_NEVER_NS);
	legrig_configure();
	assert_true(mlag_leg_poll_ns(legrig.engine) == MLAG_NEVER_NS);
	legrig_seen.carrier = true;
	assert_int_equal(legrig_observe(10, false, false), MLAG_LEG_PENDING);
	assert_true(mlag_leg_poll_ns(legrig.engine) == 20 * RIG_MS);
	assert_int_equal(legrig_observe(31000, false, false), MLAG_LEG_PENDING);
	assert_true(mlag_leg_poll_ns(legrig.engine) == 100 * RIG_MS);
	assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_READY);
	assert_true(mlag_leg_poll_ns(legrig.engine) == 500 * RIG_MS);
	legrig_seen.lacp = false;
	(void)legrig_observe(20, false, false);
	assert_true(mlag_leg_poll_ns(legrig.engine) == 100 * RIG_MS);
}

/* ---- SAFE-4: the acknowledgement ------------------------------------------------------------ */

static void test_safe4_opens_by_the_acknowledgement_of_this_generation(void **state)
{
	uint32_t generation;

	(void)state;
	legrig_be_ready();
	generation = legrig_leg()->generation;
	assert_int_not_equal(generation, 0);
	legrig_connect_peer(true);
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 1);
	assert_int_equal(rig_own_leg(&legrig, 1)->open, 0);
	legrig_peer_leg.enforced = generation - 1;
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
	legrig_peer_leg.enforced = generation;
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
	/* The next coming-up is another generation: the old answer does not open it. */
	(void)rig_apply(&legrig);
	legrig_seen.carrier = false;
	assert_int_equal(legrig_observe(10, false, false), MLAG_LEG_DOWN);
	legrig_seen.carrier = true;
	assert_int_equal(legrig_observe(10, false, false), MLAG_LEG_PENDING);
	assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_READY);
	assert_int_not_equal(legrig_leg()->generation, generation);
}

static void test_safe4_a_leg_configured_again_is_another_generation(void **state)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG_REMOVE, .leg_configure = {.lag_id = 1}};

	(void)state;
	legrig_be_open();
	rig_step(&legrig, &event);
	/* The peer has not heard of it yet, and its old acknowledgement still stands. */
	rig_configure_leg(&legrig, 1);
	legrig_seen.carrier = false;
	assert_int_equal(legrig_observe(10, false, false), MLAG_LEG_DOWN);
	legrig_seen.carrier = true;
	assert_int_equal(legrig_observe(10, false, false), MLAG_LEG_PENDING);
	(void)rig_apply(&legrig);
	assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_READY);
	(void)rig_apply(&legrig);
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
}

static void test_safe4_generation_wraps_without_zero(void **state)
{
	(void)state;
	legrig_be_pending();
	legrig.engine->leg_generation = UINT32_MAX - 1;
	assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_READY);
	assert_true(legrig_leg()->generation == UINT32_MAX);
	assert_int_equal(legrig_observe(20, false, false), MLAG_LEG_PENDING);
	assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_READY);
	assert_int_equal(legrig_leg()->generation, 1);
	/* A peer that never enforced anything says 0: that is no acknowledgement of anything. */
	legrig_connect_peer(true);
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
	legrig_acknowledge();
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
}

static void test_safe4_no_session_no_opening(void **state)
{
	(void)state;
	legrig_be_ready();
	legrig_connect_peer(true);
	rig_step_type(&legrig, MLAG_EVENT_CHANNEL_DOWN);
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
	/* A greeting is no session. */
	rig_step_type(&legrig, MLAG_EVENT_CHANNEL_UP);
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
}

static void test_opens_when_the_peer_has_no_such_leg(void **state)
{
	(void)state;
	legrig_be_ready();
	rig_connect(&legrig);
	/* Nothing is known before its snapshot ends. */
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
	rig_hear_begin(&legrig, WIRE_TABLE_LEGS, 1);
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
	rig_hear_end(&legrig, WIRE_TABLE_LEGS, 1);
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
}

static void test_alone_opens_only_where_nobody_else_floods(void **state)
{
	(void)state;
	legrig_be_ready();
	rig_tick(&legrig, 59 * RIG_SECOND);
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
	/* Never heard of a peer, and startup-wait has passed. */
	rig_tick(&legrig, RIG_SECOND);
	assert_int_equal(legrig.engine->verdict, MLAG_VERDICT_ALONE);
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
	(void)rig_apply(&legrig);
	/* The peer is there after all: floods close until it acknowledges. */
	rig_connect(&legrig);
	rig_hear_begin(&legrig, WIRE_TABLE_LEGS, 1);
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
	assert_int_equal(legrig_apply_one().gate, MLAG_GATE_UNICAST);
	rig_hear_end(&legrig, WIRE_TABLE_LEGS, 1);
	legrig_acknowledge();
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
	/* Acknowledged once, it stays open when the session is lost. */
	rig_step_type(&legrig, MLAG_EVENT_CHANNEL_DOWN);
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
}

static void test_a_silent_peer_behind_carrier_keeps_floods_closed(void **state)
{
	(void)state;
	legrig_be_ready();
	legrig_connect_peer(true);
	rig_step_type(&legrig, MLAG_EVENT_CHANNEL_DOWN);
	rig_tick(&legrig, 10 * RIG_SECOND);
	assert_int_equal(legrig.engine->verdict, MLAG_VERDICT_ALONE);
	/* Its data plane may still deliver what it lifted R1 for. */
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
	legrig.peer_link.carrier = false;
	rig_step(&legrig, &(struct mlag_event){.type = MLAG_EVENT_PEER_LINK,
					       .peer_link = &legrig.peer_link});
	assert_int_equal(legrig.engine->verdict, MLAG_VERDICT_ALONE_UNSURE);
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
	/* Carrier is back before the peer is: floods close again. */
	legrig.peer_link.carrier = true;
	rig_step(&legrig, &(struct mlag_event){.type = MLAG_EVENT_PEER_LINK,
					       .peer_link = &legrig.peer_link});
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
}

static void test_goodbye_takes_the_peer_out_of_the_way(void **state)
{
	(void)state;
	legrig_be_ready();
	legrig_connect_peer(true);
	assert_int_equal(legrig_look().state, MLAG_LEG_READY);
	buf_put_u16(rig_begin(&legrig), 0);
	rig_hear(&legrig, WIRE_GOODBYE);
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
	assert_false(legrig_look().isolated);
	assert_false(legrig_look().peer_present);
}

/* ---- R1 and its acknowledgement to the peer ------------------------------------------------- */

static void test_r1_is_in_force_before_it_is_acknowledged(void **state)
{
	struct mlag_leg_program program;

	(void)state;
	legrig_be_ready();
	legrig_connect_peer(true);
	program = legrig_apply_one();
	assert_true(program.isolated.words[0] == 0); /* the peer's leg is down: R1 lifted */
	legrig_peer_leg.up = 1;
	legrig_peer_leg.generation = 77;
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 0);
	program = legrig_apply_one();
	assert_true(mlag_vlans_has(&program.isolated, RIG_VLAN));
	assert_false(mlag_vlans_has(&program.isolated, RIG_VLAN + 1));
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 77);
	assert_true(legrig_look().isolated);
	/* Another coming-up, even if nothing changes for the data plane. */
	legrig_peer_leg.generation = 78;
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 77);
	(void)legrig_apply_one();
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 78);
	/* Lifted: nothing is enforced any more, from that moment. */
	legrig_peer_leg.up = 0;
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 0);
	assert_true(legrig_apply_one().isolated.words[0] == 0);
}

static void test_r1_follows_the_vlans_of_the_peers_leg(void **state)
{
	struct mlag_leg_program program;

	(void)state;
	legrig_be_ready();
	legrig_peer_leg.up = 1;
	legrig_peer_leg.generation = 5;
	legrig_connect_peer(true);
	assert_int_equal(rig_apply(&legrig), 1);
	mlag_vlans_add(&legrig_peer_leg.vlans, 100);
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	program = legrig_apply_one();
	assert_true(mlag_vlans_has(&program.isolated, 100));
	memset(&legrig_peer_leg.vlans, 0, sizeof(legrig_peer_leg.vlans));
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	assert_true(legrig_apply_one().isolated.words[0] == 0);
}

static void test_r2_peer_link_lost_puts_all_of_r1_in_force(void **state)
{
	struct mlag_leg_program program;

	(void)state;
	legrig_be_open();
	legrig.peer_link.carrier = false;
	rig_step(&legrig, &(struct mlag_event){.type = MLAG_EVENT_PEER_LINK,
					       .peer_link = &legrig.peer_link});
	program = legrig_apply_one();
	for (uint32_t i = 0; i < MLAG_VLAN_WORDS; i++) {
		assert_true(program.isolated.words[i] == UINT64_MAX);
	}
	/* The session, over another path, does not lift it. */
	assert_int_equal(legrig.engine->session, MLAG_SESSION_UP);
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	assert_false(mlag_next_leg(legrig.engine, &program));
	legrig.peer_link.carrier = true;
	rig_step(&legrig, &(struct mlag_event){.type = MLAG_EVENT_PEER_LINK,
					       .peer_link = &legrig.peer_link});
	assert_true(legrig_apply_one().isolated.words[0] == 0);
}

static void test_r2_a_lost_session_freezes_r1(void **state)
{
	struct mlag_leg_program program;

	(void)state;
	legrig_be_open();
	rig_step_type(&legrig, MLAG_EVENT_CHANNEL_DOWN);
	assert_false(mlag_next_leg(legrig.engine, &program));
	rig_tick(&legrig, RIG_SECOND);
	assert_false(mlag_next_leg(legrig.engine, &program));
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
	/* Carrier lost and back, with nobody to talk to: all of R1, and it stays. */
	for (uint32_t i = 0; i < 2; i++) {
		legrig.peer_link.carrier = i != 0;
		rig_step(&legrig, &(struct mlag_event){.type = MLAG_EVENT_PEER_LINK,
						       .peer_link = &legrig.peer_link});
	}
	(void)rig_apply(&legrig);
	assert_true(legrig_leg()->program.isolated.words[0] == UINT64_MAX);
}

static void test_r2_nothing_is_lifted_before_the_peers_snapshot_ends(void **state)
{
	(void)state;
	legrig_be_ready();
	rig_connect(&legrig);
	rig_hear_begin(&legrig, WIRE_TABLE_LEGS, 1);
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	(void)rig_apply(&legrig);
	assert_true(legrig_leg()->program.isolated.words[0] == UINT64_MAX);
	rig_hear_end(&legrig, WIRE_TABLE_LEGS, 1);
	(void)rig_apply(&legrig);
	assert_true(legrig_leg()->program.isolated.words[0] == 0);
}

/* ---- what the peer is told, and when -------------------------------------------------------- */

/* The peer is told of the device, and not only of a LAG without one. */
static bool published(void)
{
	const struct leg_value *value = rig_own_leg(&legrig, 1);

	return value != NULL && mlag_vlans_has(&value->vlans, RIG_VLAN);
}

static void test_nothing_is_published_before_the_first_program(void **state)
{
	struct buf_reader payload;

	(void)state;
	legrig_seen.lacp = false;
	rig_configure_leg(&legrig, 1);
	legrig_seen.carrier = true;
	assert_int_equal(legrig_observe(0, false, false), MLAG_LEG_READY);
	rig_connect(&legrig);
	assert_false(published());
	/* Not even a hello: who has legs without a gate has nothing to say. */
	assert_int_equal(rig_next(&legrig, &payload), WIRE_NONE);
	(void)rig_apply(&legrig);
	assert_true(published());
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 1);
	assert_int_equal(rig_next(&legrig, &payload), WIRE_HELLO);
}

static void test_leg_down_is_told_before_the_gate(void **state)
{
	struct buf_reader payload;

	(void)state;
	legrig_be_open();
	legrig_seen.carrier = false;
	assert_int_equal(legrig_observe(10, false, false), MLAG_LEG_DOWN);
	/* Carrier is gone: nothing leaves, and the peer cannot know too soon. */
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 0);
	assert_int_equal(rig_next(&legrig, &payload), WIRE_ROWS);
	assert_int_equal(legrig_apply_one().gate, MLAG_GATE_CLOSED);
}

/*
 * The peer puts R1 in force on our word: said before our gate lets unicast out, what the gate still
 * sends over PL would be dropped there.
 */
static void test_r5_leg_up_is_told_after_the_gate(void **state)
{
	(void)state;
	legrig_be_pending();
	assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_READY);
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 0);
	assert_int_equal(legrig_apply_one().gate, MLAG_GATE_UNICAST);
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 1);
	assert_int_equal(rig_own_leg(&legrig, 1)->open, 0);
}

/* A VLAN that comes to an open leg is flooded there only when the peer isolates it too. */
static void test_r2_a_new_vlan_waits_for_the_acknowledgement(void **state)
{
	struct mlag_leg_program program;

	(void)state;
	legrig_be_open();
	mlag_vlans_add(&legrig_seen.vlans, RIG_VLAN + 1);
	assert_int_equal(legrig_observe(20, true, true), MLAG_LEG_OPEN);
	/* It was held before it came: whatever the peer has not acknowledged is. */
	program = legrig_apply_one();
	assert_int_equal(program.gate, MLAG_GATE_OPEN);
	assert_true(mlag_vlans_has(&program.held, RIG_VLAN + 1));
	legrig_acknowledge();
	program = legrig_apply_one();
	assert_int_equal(program.gate, MLAG_GATE_OPEN);
	assert_false(mlag_vlans_has(&program.held, RIG_VLAN));
	assert_false(mlag_vlans_has(&program.held, RIG_VLAN + 1));
	assert_true(mlag_vlans_has(&program.held, RIG_VLAN + 2));
	assert_int_equal(legrig_look().state, MLAG_LEG_OPEN);
}

/* The same LACP partner under two ids, or only one leg with LACP: people mix up numbers. */
static void test_mixed_up_lags_are_named(void **state)
{
	struct leg_value value;

	(void)state;
	memset(&value, 0, sizeof(value));
	legrig_seen.partner_mac.octets[5] = 7;
	legrig_be_ready();
	legrig_connect_peer(false);
	value.partner_mac.octets[5] = 7;
	value.lacp = 1;
	rig_hear_leg(&legrig, 1, &value);
	assert_false(legrig_look().mode_differs || legrig_look().partner_differs);
	assert_int_equal(legrig_look().partner_elsewhere_lag_id, 0);
	rig_hear_leg(&legrig, 5, &value);
	assert_int_equal(legrig_look().partner_elsewhere_lag_id, 5);
	value.lacp = 0;
	rig_hear_leg(&legrig, 1, &value);
	assert_true(legrig_look().mode_differs);
}

/*
 * SAFE-2: with carrier, the leg goes on delivering until its gate is closed; a peer that is told
 * before would lift R1 and deliver the same.  A write that fails is tried again later.
 */
static void test_safe2_with_carrier_the_gate_comes_before_the_word(void **state)
{
	struct mlag_leg_program program;

	(void)state;
	legrig_be_open();
	assert_int_equal(legrig_observe(20, false, false), MLAG_LEG_PENDING);
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 1);
	assert_int_equal(rig_own_leg(&legrig, 1)->open, 1);
	assert_true(mlag_next_leg(legrig.engine, &program)); /* and the write fails */
	assert_int_equal(program.gate, MLAG_GATE_CLOSED);
	assert_int_equal(legrig_observe(20, false, false), MLAG_LEG_PENDING);
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 1);
	rig_tick(&legrig, RIG_SECOND);
	assert_int_equal(legrig_apply_one().gate, MLAG_GATE_CLOSED);
	assert_int_equal(rig_own_leg(&legrig, 1)->up, 0);
	assert_int_equal(rig_own_leg(&legrig, 1)->open, 0);
}

static void test_program_not_confirmed_comes_again(void **state)
{
	struct mlag_leg_program first;
	struct mlag_leg_program again;
	struct mlag_event event = {.type = MLAG_EVENT_LEG_APPLIED};

	(void)state;
	rig_configure_leg(&legrig, 1);
	(void)legrig_observe(0, false, false);
	assert_true(mlag_next_leg(legrig.engine, &first));
	assert_false(mlag_next_leg(legrig.engine, &again));
	rig_tick(&legrig, 90 * RIG_MS);
	assert_false(mlag_next_leg(legrig.engine, &again));
	assert_true(mlag_deadline_ns(legrig.engine) <= legrig.now_ns + 10 * RIG_MS);
	rig_tick(&legrig, 10 * RIG_MS);
	assert_true(mlag_next_leg(legrig.engine, &again));
	assert_memory_equal(&first, &again, sizeof(first));
	/* A confirmation of something else confirms nothing. */
	event.leg_applied.lag_id = 1;
	event.leg_applied.serial = first.serial + 1;
	rig_step(&legrig, &event);
	assert_false(published());
	event.leg_applied.serial = first.serial;
	rig_step(&legrig, &event);
	assert_true(published());
	rig_tick(&legrig, 10 * RIG_SECOND);
	assert_false(mlag_next_leg(legrig.engine, &again));
}

static void test_a_newer_program_makes_the_old_confirmation_void(void **state)
{
	struct mlag_leg_program old;
	struct mlag_event event = {.type = MLAG_EVENT_LEG_APPLIED};

	(void)state;
	legrig_be_ready();
	legrig_peer_leg.up = 1;
	legrig_peer_leg.generation = 5;
	legrig_connect_peer(true);
	assert_true(mlag_next_leg(legrig.engine, &old));
	legrig_peer_leg.generation = 6;
	rig_hear_leg(&legrig, 1, &legrig_peer_leg);
	event.leg_applied.lag_id = 1;
	event.leg_applied.serial = old.serial;
	rig_step(&legrig, &event);
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 0);
	(void)legrig_apply_one();
	assert_int_equal(rig_own_leg(&legrig, 1)->enforced, 6);
}

#define LEG_TEST(f) cmocka_unit_test_setup_teardown(f, legrig_start, legrig_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEG_TEST(test_lingering_values_prove_nothing),
		LEG_TEST(test_distributing_alone_proves_nothing),
		LEG_TEST(test_data_proves_the_partner),
		LEG_TEST(test_data_under_lingering_values_proves_nothing),
		LEG_TEST(test_a_partner_that_sends_must_collect_soon),
		LEG_TEST(test_steady_state_proves_the_partner),
		LEG_TEST(test_steady_state_needs_observations_not_only_time),
		LEG_TEST(test_a_running_leg_is_ready_at_the_first_look),
		LEG_TEST(test_partner_leaves_with_carrier),
		LEG_TEST(test_static_leg_is_ready_at_carrier),
		LEG_TEST(test_polling_is_fast_only_while_it_matters),
		LEG_TEST(test_safe4_opens_by_the_acknowledgement_of_this_generation),
		LEG_TEST(test_safe4_a_leg_configured_again_is_another_generation),
		LEG_TEST(test_safe4_generation_wraps_without_zero),
		LEG_TEST(test_safe4_no_session_no_opening),
		LEG_TEST(test_opens_when_the_peer_has_no_such_leg),
		LEG_TEST(test_alone_opens_only_where_nobody_else_floods),
		LEG_TEST(test_a_silent_peer_behind_carrier_keeps_floods_closed),
		LEG_TEST(test_goodbye_takes_the_peer_out_of_the_way),
		LEG_TEST(test_r1_is_in_force_before_it_is_acknowledged),
		LEG_TEST(test_r1_follows_the_vlans_of_the_peers_leg),
		LEG_TEST(test_r2_peer_link_lost_puts_all_of_r1_in_force),
		LEG_TEST(test_r2_a_lost_session_freezes_r1),
		LEG_TEST(test_r2_nothing_is_lifted_before_the_peers_snapshot_ends),
		LEG_TEST(test_nothing_is_published_before_the_first_program),
		LEG_TEST(test_leg_down_is_told_before_the_gate),
		LEG_TEST(test_r5_leg_up_is_told_after_the_gate),
		LEG_TEST(test_r2_a_new_vlan_waits_for_the_acknowledgement),
		LEG_TEST(test_mixed_up_lags_are_named),
		LEG_TEST(test_safe2_with_carrier_the_gate_comes_before_the_word),
		LEG_TEST(test_program_not_confirmed_comes_again),
		LEG_TEST(test_a_newer_program_makes_the_old_confirmation_void),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
