/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a session says when nobody is hostile, against one engine: signs of life, digests, in which
 * order tables go, and who this member says it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

static struct rig rig;

static int start(void **state)
{
	(void)state;
	rig_init_connected(&rig);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

/* ---- silence -------------------------------------------------------------------------------- */

static void tick_read(uint64_t now_ns, uint64_t read_ns)
{
	struct mlag_event event = {.type = MLAG_EVENT_TICK};

	rig.now_ns = now_ns;
	event.tick.read_ns = read_ns;
	rig_step(&rig, &event);
}

static void test_silence_counts_only_what_was_read(void **state)
{
	uint64_t heard_ns = rig.now_ns;

	(void)state;
	/* This member was stopped for ten seconds, and has not read since. */
	tick_read(heard_ns + 10 * RIG_SECOND, heard_ns + 299 * RIG_MS);
	assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_UP);
	/* It reads, and there was something. */
	rig_hear_no_mac(&rig, 1);
	tick_read(rig.now_ns, rig.now_ns);
	rig_tick(&rig, 299 * RIG_MS);
	assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_UP);
	rig_tick(&rig, RIG_MS);
	rig_expect_closed(&rig, MLAG_CLOSE_TIMEOUT);
}

static void test_silence_does_not_count_while_this_member_did_not_run(void **state)
{
	(void)state;
	/* The whole machine stood still: there is nothing in the sockets, and that proves nothing. */
	rig.now_ns += 10 * RIG_SECOND;
	tick_read(rig.now_ns, rig.now_ns);
	assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_UP);
	assert_int_equal(rig_view(&rig)->link_finding, MLAG_PATH_FINDING_GOOD);
	rig_tick(&rig, 199 * RIG_MS);
	assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_UP);
	/* An interval of the absence counted, and now it runs: that silence is the peer's. */
	rig_tick(&rig, RIG_MS);
	rig_expect_closed(&rig, MLAG_CLOSE_TIMEOUT);
	assert_int_equal(rig_view(&rig)->link_finding, MLAG_PATH_FINDING_SILENT);
}

static void test_a_greeting_may_take_three_seconds(void **state)
{
	(void)state;
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_UP);
	rig_tick(&rig, 2999 * RIG_MS);
	assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_GREETING);
	assert_true(mlag_deadline_ns(rig.engine) <= rig.now_ns + RIG_MS);
	rig_tick(&rig, RIG_MS);
	rig_expect_closed(&rig, MLAG_CLOSE_TIMEOUT);
}

static void test_signs_of_life_come_in_time(void **state)
{
	uint64_t said_ns = rig.now_ns;
	uint64_t hello_ns = rig.now_ns;

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		uint8_t hello[MLAG_HELLO_SIZE_MAX];
		struct mlag_event event = {.type = MLAG_EVENT_TICK};
		struct buf_reader payload;
		enum wire_type type;
		uint64_t deadline;

		if (mlag_next_hello(rig.engine, rig.now_ns, hello) != 0) {
			hello_ns = rig.now_ns;
			rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
		}
		deadline = mlag_deadline_ns(rig.engine);
		assert_true(deadline > rig.now_ns && deadline <= rig.now_ns + 100 * RIG_MS);
		rig.now_ns = deadline;
		event.tick.read_ns = deadline;
		rig_step(&rig, &event);
		type = rig_next(&rig, &payload);
		if (type == WIRE_KEEPALIVE) {
			said_ns = rig.now_ns;
			assert_int_equal(rig_next(&rig, &payload), WIRE_NONE);
			wire_put_keepalive(rig_begin(&rig), &(struct wire_keepalive){.role = 0});
			rig_hear(&rig, WIRE_KEEPALIVE);
		} else {
			assert_int_equal(type, WIRE_NONE);
		}
		/* In the session and on the paths, each at its own time. */
		assert_true(rig.now_ns - said_ns <= 100 * RIG_MS);
		assert_true(rig.now_ns - hello_ns <= 100 * RIG_MS);
	}
	assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_UP);
	assert_int_equal(rig_view(&rig)->link_finding, MLAG_PATH_FINDING_GOOD);
}

static void test_time_never_runs_backwards_inside(void **state)
{
	uint64_t now_ns = rig.engine->now_ns;

	(void)state;
	rig.now_ns = 0;
	rig_step_type(&rig, MLAG_EVENT_NONE);
	assert_true(rig.engine->now_ns == now_ns);
}

/* ---- digests -------------------------------------------------------------------------------- */

static void say_digest(uint8_t table, uint64_t digest)
{
	struct wire_keepalive keepalive;

	memset(&keepalive, 0, sizeof(keepalive));
	keepalive.digests_count = 1;
	keepalive.digests[0].table = table;
	keepalive.digests[0].settled = 1;
	keepalive.digests[0].own_digest = digest;
	wire_put_keepalive(rig_begin(&rig), &keepalive);
	rig_hear(&rig, WIRE_KEEPALIVE);
}

static uint32_t resyncs_asked_for(void)
{
	struct buf_reader payload;
	uint32_t count = 0;
	enum wire_type type;

	while ((type = rig_next(&rig, &payload)) != WIRE_NONE) {
		count += type == WIRE_RESYNC;
	}
	return count;
}

static void test_live1_a_mismatch_is_named_and_repair_asked_for_without_a_loop(void **state)
{
	uint32_t asked = 0;

	(void)state;
	rig_hear_snapshots(&rig);
	(void)rig_drain(&rig);
	/* A peer whose digest never fits, for twenty seconds. */
	for (uint32_t i = 0; i < 200; i++) {
		rig_tick(&rig, 100 * RIG_MS);
		say_digest(WIRE_TABLE_MACS, 1);
		asked += resyncs_asked_for();
		assert_false(rig_view(&rig)->macs.match);
	}
	assert_in_range(asked, 4, 5);
	assert_int_equal(rig.notices[MLAG_NOTICE_MISMATCH], asked);
	assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_UP);
	say_digest(WIRE_TABLE_MACS, 0);
	assert_true(rig.engine->macs.peer_proven);
}

static void test_a_resync_is_answered_by_a_whole_snapshot(void **state)
{
	struct buf_reader payload;

	(void)state;
	rig_fdb(&rig, 1, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	(void)rig_drain(&rig);
	for (uint32_t i = 0; i < 3; i++) {
		buf_put_u8(rig_begin(&rig), WIRE_TABLE_MACS);
		rig_hear(&rig, WIRE_RESYNC);
	}
	assert_int_equal(rig_next(&rig, &payload), WIRE_SNAPSHOT_BEGIN);
	(void)buf_get_u8(&payload);
	assert_int_equal(buf_get_u32(&payload), 2); /* it had not begun when the others came */
	assert_int_equal(rig_next(&rig, &payload), WIRE_ROWS);
	assert_int_equal(rig_next(&rig, &payload), WIRE_SNAPSHOT_END);
	assert_int_equal(rig_next(&rig, &payload), WIRE_NONE);
	assert_false(rig_view(&rig)->synced);
}

/* ---- order, identity, configuration --------------------------------------------------------- */

static void test_legs_overtake_macs(void **state)
{
	struct mlag_leg_observation seen = {.ifindex = RIG_LEG};
	struct buf_reader payload;

	(void)state;
	for (uint8_t i = 0; i < 60; i++) {
		rig_fdb(&rig, i, RIG_ORPHAN, MLAG_FDB_DYNAMIC);
	}
	rig_observe_leg(&rig, 1, &seen);
	assert_int_not_equal(
		mlag_next_message(rig.engine, MLAG_URGENCY_URGENT, rig.now_ns, rig.bytes), 0);
	assert_int_equal(rig.bytes[5], WIRE_ROWS);
	assert_int_equal(rig.bytes[MLAG_WIRE_HEADER_SIZE], WIRE_TABLE_LEGS);
	assert_int_equal(mlag_next_message(rig.engine, MLAG_URGENCY_URGENT, rig.now_ns, rig.bytes),
			 0);
	assert_int_equal(rig_next(&rig, &payload), WIRE_ROWS);
	assert_int_equal(buf_get_u8(&payload), WIRE_TABLE_MACS);
}

/* A leg with every second VLAN takes 8 KiB: a snapshot of many must come in several messages. */
static void test_the_largest_rows_fit_the_messages(void **state)
{
	struct mlag_leg_observation seen = {.carrier = true};
	struct buf_reader payload;
	uint32_t rows = 0;
	uint32_t messages = 0;
	enum wire_type type;

	(void)state;
	memset(&seen.vlans, 0x55, sizeof(seen.vlans));
	for (uint16_t lag_id = 2; lag_id < 42; lag_id++) {
		rig_configure_leg(&rig, lag_id);
		seen.ifindex = 100U + lag_id;
		rig_observe_leg(&rig, lag_id, &seen);
	}
	(void)rig_apply(&rig);
	while ((type = rig_next(&rig, &payload)) != WIRE_NONE) {
		uint32_t count;

		if (type != WIRE_ROWS) {
			continue;
		}
		assert_int_equal(buf_get_u8(&payload), WIRE_TABLE_LEGS);
		(void)buf_get_u32(&payload);
		count = buf_get_u16(&payload);
		assert_in_range(count, 1, 7);
		for (uint32_t i = 0; i < count; i++) {
			struct leg_key key;
			struct leg_value value;

			assert_int_equal(buf_get_u8(&payload), WIRE_ROW_CLAIM);
			assert_true(leg_table_class.get_key(&payload, &key));
			(void)buf_get_u32(&payload);
			assert_true(leg_table_class.get_value(&payload, &value));
			assert_memory_equal(&value.vlans, &seen.vlans, sizeof(seen.vlans));
		}
		assert_int_equal(buf_left(&payload), 0);
		rows += count;
		messages++;
	}
	assert_int_equal(rows, 40);
	assert_int_equal(messages, 6);
}

static void test_a_changed_identity_ends_the_session(void **state)
{
	struct mlag_config config = rig.config;
	struct mlag_event event = {.type = MLAG_EVENT_RECONFIGURE, .reconfigure = &config};

	(void)state;
	/* Timers alone do not. */
	config.hello_interval_ns = 50 * RIG_MS;
	rig_step(&rig, &event);
	assert_int_equal(rig.closes, 0);
	config.domain_id = 9;
	rig_step(&rig, &event);
	rig_expect_closed(&rig, MLAG_CLOSE_RECONFIGURED);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig.hello.domain_id = 9;
	rig_connect(&rig);
	rig.closes = 0;
	rig.peer_link.mac.octets[5] = 77;
	rig_step(&rig,
		 &(struct mlag_event){.type = MLAG_EVENT_PEER_LINK, .peer_link = &rig.peer_link});
	rig_expect_closed(&rig, MLAG_CLOSE_RECONFIGURED);
}

static void test_who_does_not_know_itself_says_nothing(void **state)
{
	struct buf_reader payload;

	(void)state;
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	memset(&rig.peer_link, 0, sizeof(rig.peer_link));
	rig_step(&rig,
		 &(struct mlag_event){.type = MLAG_EVENT_PEER_LINK, .peer_link = &rig.peer_link});
	rig_connect(&rig);
	assert_int_equal(rig_next(&rig, &payload), WIRE_NONE);
	rig_hear_snapshots(&rig);
	assert_int_equal(rig_next(&rig, &payload), WIRE_NONE);
}

#define PROTOCOL_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROTOCOL_TEST(test_silence_counts_only_what_was_read),
		PROTOCOL_TEST(test_silence_does_not_count_while_this_member_did_not_run),
		PROTOCOL_TEST(test_a_greeting_may_take_three_seconds),
		PROTOCOL_TEST(test_signs_of_life_come_in_time),
		PROTOCOL_TEST(test_time_never_runs_backwards_inside),
		PROTOCOL_TEST(test_live1_a_mismatch_is_named_and_repair_asked_for_without_a_loop),
		PROTOCOL_TEST(test_a_resync_is_answered_by_a_whole_snapshot),
		PROTOCOL_TEST(test_legs_overtake_macs),
		PROTOCOL_TEST(test_the_largest_rows_fit_the_messages),
		PROTOCOL_TEST(test_a_changed_identity_ends_the_session),
		PROTOCOL_TEST(test_who_does_not_know_itself_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
