/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer that says anything, against one engine: what is malformed ends the session and changes
 * nothing, what is newer is skipped, and whoever does not fit is told why (SAFE-9, SAFE-10).
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
static struct mlag_view view;

static int start(void **state)
{
	(void)state;
	rig_init(&rig, 0);
	rig_static_leg(&rig);
	rig_connect(&rig);
	(void)rig_drain(&rig);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

static const struct mlag_view *look(void)
{
	mlag_get_view(rig.engine, &view);
	return &view;
}

static void expect_closed(enum mlag_close_reason reason)
{
	assert_int_equal(rig.closes, 1);
	assert_int_equal(rig.close_reason, reason);
	assert_int_not_equal(look()->session, MLAG_SESSION_UP);
	assert_int_equal(view.close_reason, reason);
}

/* ---- every prefix of every message ---------------------------------------------------------- */

struct sample {
	const char *name;
	uint16_t type;
	uint32_t size;
	uint8_t bytes[1024];
};

static struct sample samples[16];
static uint32_t samples_count;

static void keep_sample(const char *name, uint16_t type)
{
	struct sample *sample = &samples[samples_count++];

	assert_true(samples_count <= 16);
	sample->name = name;
	sample->type = type;
	sample->size = rig.writer.offset - MLAG_WIRE_HEADER_SIZE;
	assert_true(sample->size <= sizeof(sample->bytes));
	memcpy(sample->bytes, rig.bytes + MLAG_WIRE_HEADER_SIZE, sample->size);
}

/* One of each, as they can come one after another. */
static void make_samples(void)
{
	struct wire_keepalive keepalive = {.role_epoch = 1, .digests_count = 2};
	struct leg_value leg = {.up = 1, .generation = 3};
	struct leg_key leg_key = {.lag_id = 1};
	struct mac_value mac = {.lag_id = 1};
	struct mlag_mac_key key = rig_key(1);

	samples_count = 0;
	keepalive.digests[0].table = WIRE_TABLE_LEGS;
	keepalive.digests[1].table = WIRE_TABLE_MACS;
	wire_put_keepalive(rig_begin(&rig), &keepalive);
	keep_sample("keepalive", WIRE_KEEPALIVE);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_LEGS);
	buf_put_u32(&rig.writer, 1);
	keep_sample("begin", WIRE_SNAPSHOT_BEGIN);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_LEGS);
	buf_put_u32(&rig.writer, 1);
	buf_put_u16(&rig.writer, 1);
	buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
	leg_table_class.put_key(&rig.writer, &leg_key);
	buf_put_u32(&rig.writer, 1);
	memset(&leg.vlans, 0x55, sizeof(leg.vlans) / 16);
	leg_table_class.put_value(&rig.writer, &leg);
	keep_sample("legs", WIRE_ROWS);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_LEGS);
	buf_put_u32(&rig.writer, 1);
	keep_sample("end", WIRE_SNAPSHOT_END);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_MACS);
	buf_put_u32(&rig.writer, 1);
	buf_put_u16(&rig.writer, 2);
	buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
	mac_table_class.put_key(&rig.writer, &key);
	buf_put_u32(&rig.writer, 1);
	mac_table_class.put_value(&rig.writer, &mac);
	buf_put_u8(&rig.writer, WIRE_ROW_WITHDRAW);
	mac_table_class.put_key(&rig.writer, &key);
	keep_sample("macs", WIRE_ROWS);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_LEGS);
	buf_put_u32(&rig.writer, 0);
	buf_put_u32(&rig.writer, 1);
	keep_sample("ack", WIRE_ACK);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_MACS);
	keep_sample("resync", WIRE_RESYNC);
	buf_put_u16(rig_begin(&rig), MLAG_CLOSE_DOMAIN);
	keep_sample("refuse", WIRE_REFUSE);
	buf_put_u16(rig_begin(&rig), 0);
	keep_sample("goodbye", WIRE_GOODBYE);
}

static void say(const struct sample *sample, uint32_t size, uint32_t surplus)
{
	rig_begin(&rig);
	for (uint32_t i = 0; i < size; i++) {
		buf_put_u8(&rig.writer, sample->bytes[i]);
	}
	for (uint32_t i = 0; i < surplus; i++) {
		buf_put_u8(&rig.writer, 0xee);
	}
	rig_hear(&rig, sample->type);
}

/* What a message that was refused must not have changed. */
struct picture {
	uint32_t peer_macs;
	uint32_t peer_legs;
	uint64_t mac_digest;
	uint64_t leg_digest;
	uint32_t own_macs;
	uint32_t rows;
	bool peer_left;
	uint32_t programs;
};

static struct picture take_picture(void)
{
	struct picture picture;

	memset(&picture, 0, sizeof(picture));
	picture.peer_macs = rig.engine->macs.peer_count;
	picture.peer_legs = rig.engine->legs.peer_count;
	picture.mac_digest = rig.engine->macs.peer_digest;
	picture.leg_digest = rig.engine->legs.peer_digest;
	picture.own_macs = rig.engine->macs.own_count;
	picture.rows = rig.engine->macs.rows_used + rig.engine->legs.rows_used;
	picture.peer_left = rig.engine->peer_left;
	picture.programs = rig.engine->legs.program.count;
	return picture;
}

/* A whole keepalive of a peer that does not say up to which batch it has heard. */
static bool is_older_keepalive(const struct sample *sample, uint32_t size)
{
	return sample->type == WIRE_KEEPALIVE && size >= 7 &&
	       size == 7 + sample->bytes[6] * (1U + 1U + 12U + 12U);
}

static void test_safe9_every_prefix_of_every_message(void **state)
{
	(void)state;
	make_samples();
	for (uint32_t i = 0; i < samples_count; i++) {
		for (uint32_t size = 0; size < samples[i].size; size++) {
			struct picture before;
			struct picture after;

			if (is_older_keepalive(&samples[i], size)) {
				continue;
			}
			(void)end(NULL);
			(void)start(NULL);
			for (uint32_t j = 0; j < i; j++) {
				say(&samples[j], samples[j].size, 0);
			}
			if (samples[i].type == WIRE_GOODBYE) {
				/* The one before ended the session. */
				rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
				rig_connect(&rig);
			}
			assert_int_equal(rig.engine->session, MLAG_SESSION_UP);
			before = take_picture();
			rig.closes = 0;
			say(&samples[i], size, 0);
			after = take_picture();
			assert_memory_equal(&before, &after, sizeof(before));
			assert_int_equal(rig.closes, 1);
			assert_int_equal(rig.close_reason, MLAG_CLOSE_MALFORMED);
			assert_true(rig.engine->malformed_count == 1);
		}
	}
}

static void test_longer_messages_of_a_newer_peer(void **state)
{
	(void)state;
	make_samples();
	for (uint32_t surplus = 1; surplus < 300; surplus += 37) {
		(void)end(NULL);
		(void)start(NULL);
		for (uint32_t i = 0; i < samples_count; i++) {
			if (samples[i].type == WIRE_REFUSE) {
				break;
			}
			say(&samples[i], samples[i].size, surplus);
			assert_int_equal(rig.closes, 0);
			assert_int_equal(rig.engine->session, MLAG_SESSION_UP);
		}
		assert_int_equal(rig.engine->legs.peer_count, 1);
		assert_true(rig.engine->malformed_count == 0);
	}
}

static void test_unknown_types_and_tables_are_skipped(void **state)
{
	struct picture before = take_picture();
	struct picture after;

	(void)state;
	for (uint32_t type = 0; type < 65536; type += type < 64 ? 1 : 1021) {
		if (type >= WIRE_HELLO && type <= WIRE_RESYNC) {
			continue;
		}
		buf_put_u64(rig_begin(&rig), UINT64_MAX);
		rig_hear(&rig, (uint16_t)type);
	}
	for (uint32_t table = 0; table < 256; table++) {
		for (uint16_t type = WIRE_SNAPSHOT_BEGIN; type <= WIRE_RESYNC; type++) {
			if (table == WIRE_TABLE_LEGS || table == WIRE_TABLE_MACS ||
			    table == WIRE_TABLE_ADDRESSES || table == WIRE_TABLE_NEIGHBORS) {
				continue;
			}
			buf_put_u8(rig_begin(&rig), (uint8_t)table);
			buf_put_u64(&rig.writer, UINT64_MAX);
			rig_hear(&rig, type);
		}
	}
	after = take_picture();
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(rig.closes, 0);
	assert_int_equal(look()->session, MLAG_SESSION_UP);
	assert_true(view.malformed_count == 0);
}

static void test_frames_that_lie_about_their_size(void **state)
{
	uint8_t bytes[12] = {0, 0, 0, 4, 0, WIRE_RESYNC, 0, 0, WIRE_TABLE_MACS};

	(void)state;
	for (uint32_t size = 0; size < sizeof(bytes); size++) {
		(void)end(NULL);
		(void)start(NULL);
		rig_hear_bytes(&rig, bytes, size);
		expect_closed(MLAG_CLOSE_MALFORMED);
	}
}

/* ---- rows that make no sense ---------------------------------------------------------------- */

static void test_legs_that_make_no_sense(void **state)
{
	struct leg_value value;

	(void)state;
	for (uint32_t what = 0; what < 5; what++) {
		(void)end(NULL);
		(void)start(NULL);
		memset(&value, 0, sizeof(value));
		value.open = what == 0; /* without up */
		value.up = what == 1;	/* without a generation */
		if (what >= 2) {
			value.up = 1;
			value.generation = 1;
		}
		if (what < 3) {
			rig_hear_leg(&rig, what == 2 ? 0 : 1, &value);
		} else {
			struct leg_key key = {.lag_id = 1};

			rig_begin_rows(&rig, WIRE_TABLE_LEGS, 1);
			buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
			leg_table_class.put_key(&rig.writer, &key);
			buf_put_u32(&rig.writer, 1);
			leg_table_class.put_value(&rig.writer, &value);
			rig.writer.offset -= 2;
			buf_put_u16(&rig.writer, what == 3 ? 1 : UINT16_MAX);
			buf_put_u16(&rig.writer, 9);
			buf_put_u16(&rig.writer, what == 3 ? 5 : 4096);
			rig_hear(&rig, WIRE_ROWS);
		}
		expect_closed(MLAG_CLOSE_MALFORMED);
		assert_int_equal(rig.engine->legs.peer_count, 0);
	}
}

static void test_macs_that_make_no_sense(void **state)
{
	(void)state;
	for (uint32_t what = 0; what < 3; what++) {
		struct mlag_mac_key key = rig_key(1);
		struct mac_value value = {.lag_id = 0};

		(void)end(NULL);
		(void)start(NULL);
		if (what == 0) {
			key.mac.octets[0] = 1;
		} else {
			key.vlan = what == 1 ? 4095 : 65535;
		}
		rig_begin_rows(&rig, WIRE_TABLE_MACS, 1);
		buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
		mac_table_class.put_key(&rig.writer, &key);
		buf_put_u32(&rig.writer, 1);
		mac_table_class.put_value(&rig.writer, &value);
		rig_hear(&rig, WIRE_ROWS);
		expect_closed(MLAG_CLOSE_MALFORMED);
		assert_int_equal(rig.engine->macs.rows_used, 0);
	}
}

static void test_safe9_of_a_message_with_one_bad_row_nothing_is_taken(void **state)
{
	struct mlag_mac_key key = rig_key(1);
	struct mac_value value = {.lag_id = 0};

	(void)state;
	rig_begin_rows(&rig, WIRE_TABLE_MACS, 2);
	buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
	mac_table_class.put_key(&rig.writer, &key);
	buf_put_u32(&rig.writer, 1);
	mac_table_class.put_value(&rig.writer, &value);
	buf_put_u8(&rig.writer, 99);
	mac_table_class.put_key(&rig.writer, &key);
	buf_put_u32(&rig.writer, 1);
	mac_table_class.put_value(&rig.writer, &value);
	rig_hear(&rig, WIRE_ROWS);
	expect_closed(MLAG_CLOSE_MALFORMED);
	assert_int_equal(rig.engine->macs.peer_count, 0);
	assert_int_equal(rig.engine->macs.rows_used, 0);
	assert_int_equal(look()->closes[MLAG_CLOSE_MALFORMED], 1);
}

static void test_rows_that_only_the_peer_had_go_with_its_claim(void **state)
{
	struct leg_value value = {.up = 0};
	uint32_t rows_used = rig.engine->legs.rows_used;

	(void)state;
	for (uint16_t lag_id = 50; lag_id < 60; lag_id++) {
		rig_hear_leg(&rig, lag_id, &value);
	}
	assert_int_equal(rig.engine->legs.rows_used, rows_used + 10);
	for (uint16_t lag_id = 50; lag_id < 55; lag_id++) {
		rig_hear_no_leg(&rig, lag_id);
	}
	assert_int_equal(rig.engine->legs.rows_used, rows_used + 5);
	/* Those that a snapshot does not mention too. */
	rig_hear_snapshots(&rig);
	assert_int_equal(rig.engine->legs.rows_used, rows_used);
}

static void test_a_peer_cannot_fill_more_than_the_tables(void **state)
{
	struct leg_value value = {.up = 1, .generation = 1};

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		rig_hear_mac(&rig, (uint8_t)i, (uint16_t)i, i + 1, (uint8_t)i);
	}
	for (uint16_t lag_id = 1; lag_id < 2000; lag_id++) {
		rig_hear_leg(&rig, lag_id, &value);
	}
	assert_int_equal(rig.closes, 0);
	assert_true(rig.engine->macs.rows_used <= 64);
	assert_true(rig.engine->legs.rows_used <= ENGINE_LEG_ROWS);
	assert_true(rig.effects.count <= MLAG_EFFECTS_MAX);
	assert_true(look()->macs.full);
	assert_true(view.legs.full);
	assert_int_equal(view.macs.remote_count, 64);
}

/* More legs change at once than a step has room for notices: the close is never lost. */
static void test_notices_give_way_to_the_close(void **state)
{
	struct leg_value value = {.up = 1, .generation = 1};

	(void)state;
	for (uint16_t i = 1; i < 200; i++) {
		rig_hear_leg(&rig, (uint16_t)(100 + i), &value);
	}
	buf_put_u16(rig_begin(&rig), 0);
	rig_hear(&rig, WIRE_GOODBYE); /* all of them go */
	assert_true(rig.effects.notices_lost > 0);
	assert_true(rig.effects.count <= MLAG_EFFECTS_MAX);
	expect_closed(MLAG_CLOSE_GOODBYE);
}

/* ---- hello ---------------------------------------------------------------------------------- */

static void expect_refusal(enum mlag_close_reason reason)
{
	struct buf_reader payload;

	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_UP);
	rig.closes = 0;
	rig_hear_hello(&rig);
	expect_closed(reason);
	assert_int_equal(view.session, MLAG_SESSION_REFUSED);
	assert_true(view.refused_by_us);
	/* And the peer is told why. */
	assert_int_equal(rig_next(&rig, &payload), WIRE_REFUSE);
	assert_int_equal(buf_get_u16(&payload), reason);
}

static void test_safe10_hellos_that_do_not_fit(void **state)
{
	struct wire_hello good = rig.hello;

	(void)state;
	rig.hello.version = 9;
	rig.hello.version_min = 2;
	expect_refusal(MLAG_CLOSE_VERSION);
	rig.hello.version = 0;
	rig.hello.version_min = 0;
	expect_refusal(MLAG_CLOSE_VERSION);
	rig.hello = good;
	rig.hello.domain_id = 2;
	expect_refusal(MLAG_CLOSE_DOMAIN);
	rig.hello = good;
	rig.hello.system_mac.octets[5] ^= 1;
	expect_refusal(MLAG_CLOSE_SYSTEM_MAC);
	rig.hello = good;
	rig.hello.member_id = rig.peer_link.mac;
	expect_refusal(MLAG_CLOSE_SAME_MEMBER);
	rig.hello = good;
	rig.hello.flags = 0;
	expect_refusal(MLAG_CLOSE_VLAN_MODE);
	/* A newer one that still speaks version 1, with bits and flags nobody knows. */
	rig.hello = good;
	rig.hello.version = 65535;
	rig.hello.features = UINT64_MAX;
	rig.hello.flags = 0xff;
	rig.hello.role = 0xff;
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig_connect(&rig);
	assert_int_equal(look()->peer_protocol, 65535);
	assert_int_equal(view.close_reason, MLAG_CLOSE_NONE);
}

static void test_every_prefix_of_a_hello(void **state)
{
	uint32_t size;

	(void)state;
	wire_put_hello(rig_begin(&rig), &rig.hello);
	size = rig.writer.offset - MLAG_WIRE_HEADER_SIZE;
	for (uint32_t cut = 0; cut < size; cut++) {
		rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
		rig_step_type(&rig, MLAG_EVENT_CHANNEL_UP);
		rig.closes = 0;
		wire_put_hello(rig_begin(&rig), &rig.hello);
		rig.writer.offset = MLAG_WIRE_HEADER_SIZE + cut;
		rig_hear(&rig, WIRE_HELLO);
		expect_closed(MLAG_CLOSE_MALFORMED);
		assert_int_equal(view.session, MLAG_SESSION_IDLE);
	}
}

static void test_anything_before_hello_ends_the_connection(void **state)
{
	(void)state;
	for (uint16_t type = 0; type < 20; type++) {
		if (type == WIRE_HELLO || type == WIRE_REFUSE) {
			continue;
		}
		rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
		rig_step_type(&rig, MLAG_EVENT_CHANNEL_UP);
		rig.closes = 0;
		buf_put_u64(rig_begin(&rig), 0);
		rig_hear(&rig, type);
		expect_closed(MLAG_CLOSE_UNEXPECTED);
	}
}

static void test_a_second_hello_ends_the_session(void **state)
{
	(void)state;
	rig_hear_hello(&rig);
	expect_closed(MLAG_CLOSE_UNEXPECTED);
}

static void test_messages_after_the_end_are_ignored(void **state)
{
	(void)state;
	rig_hear_hello(&rig);
	for (uint16_t type = 0; type < 20; type++) {
		buf_put_u64(rig_begin(&rig), 0);
		rig_hear(&rig, type);
	}
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig_hear_hello(&rig);
	assert_int_equal(rig.closes, 1);
	assert_int_equal(look()->session, MLAG_SESSION_IDLE);
	assert_true(view.ignored_count > 0);
}

static void test_refusals_of_the_peer_are_shown(void **state)
{
	(void)state;
	for (uint32_t up = 0; up < 2; up++) {
		for (uint32_t reason = 0; reason < 70; reason++) {
			rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
			rig_step_type(&rig, MLAG_EVENT_CHANNEL_UP);
			if (up != 0) {
				rig_hear_hello(&rig);
			}
			rig.closes = 0;
			buf_put_u16(rig_begin(&rig), (uint16_t)reason);
			rig_hear(&rig, WIRE_REFUSE);
			/* A newer peer's reason is none that we know. */
			expect_closed(reason <= MLAG_CLOSE_LIMIT ? (enum mlag_close_reason)reason
								 : MLAG_CLOSE_NONE);
			assert_int_equal(view.session, MLAG_SESSION_REFUSED);
			assert_false(view.refused_by_us);
		}
	}
}

static void test_goodbye_is_not_death(void **state)
{
	(void)state;
	rig_hear_mac(&rig, 1, 0, 1, 0);
	buf_put_u16(rig_begin(&rig), 0);
	rig_hear(&rig, WIRE_GOODBYE);
	expect_closed(MLAG_CLOSE_GOODBYE);
	assert_int_equal(view.macs.remote_count, 0);
	assert_int_equal(view.verdict, MLAG_VERDICT_ALONE);
	assert_int_equal(view.role, MLAG_ROLE_PRIMARY);
}

static void test_own_goodbye_is_sent_and_ends_the_session(void **state)
{
	struct buf_reader payload;

	(void)state;
	rig_step_type(&rig, MLAG_EVENT_GOODBYE);
	expect_closed(MLAG_CLOSE_GOODBYE);
	assert_int_equal(rig_next(&rig, &payload), WIRE_GOODBYE);
	assert_int_equal(buf_left(&payload), 2);
	assert_int_equal(rig_next(&rig, &payload), WIRE_NONE);
	/* Without a session there is nobody to tell. */
	rig_step_type(&rig, MLAG_EVENT_GOODBYE);
	assert_int_equal(rig_next(&rig, &payload), WIRE_NONE);
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
	assert_int_equal(look()->session, MLAG_SESSION_UP);
	/* It reads, and there was something. */
	rig_hear_no_mac(&rig, 1);
	tick_read(rig.now_ns, rig.now_ns);
	rig_tick(&rig, 299 * RIG_MS);
	assert_int_equal(look()->session, MLAG_SESSION_UP);
	rig_tick(&rig, RIG_MS);
	expect_closed(MLAG_CLOSE_TIMEOUT);
}

static void test_silence_does_not_count_while_this_member_did_not_run(void **state)
{
	(void)state;
	/* The whole machine stood still: there is nothing in the sockets, and that proves nothing. */
	rig.now_ns += 10 * RIG_SECOND;
	tick_read(rig.now_ns, rig.now_ns);
	assert_int_equal(look()->session, MLAG_SESSION_UP);
	assert_int_equal(view.link_finding, MLAG_PATH_FINDING_GOOD);
	rig_tick(&rig, 199 * RIG_MS);
	assert_int_equal(look()->session, MLAG_SESSION_UP);
	/* An interval of the absence counted, and now it runs: that silence is the peer's. */
	rig_tick(&rig, RIG_MS);
	expect_closed(MLAG_CLOSE_TIMEOUT);
	assert_int_equal(look()->link_finding, MLAG_PATH_FINDING_SILENT);
}

static void test_a_greeting_may_take_three_seconds(void **state)
{
	(void)state;
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_UP);
	rig_tick(&rig, 2999 * RIG_MS);
	assert_int_equal(look()->session, MLAG_SESSION_GREETING);
	assert_true(mlag_deadline_ns(rig.engine) <= rig.now_ns + RIG_MS);
	rig_tick(&rig, RIG_MS);
	expect_closed(MLAG_CLOSE_TIMEOUT);
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
	assert_int_equal(look()->session, MLAG_SESSION_UP);
	assert_int_equal(view.link_finding, MLAG_PATH_FINDING_GOOD);
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
		assert_false(look()->macs.match);
	}
	assert_in_range(asked, 4, 5);
	assert_int_equal(rig.notices[MLAG_NOTICE_MISMATCH], asked);
	assert_int_equal(view.session, MLAG_SESSION_UP);
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
	assert_false(look()->synced);
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
	expect_closed(MLAG_CLOSE_RECONFIGURED);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig.hello.domain_id = 9;
	rig_connect(&rig);
	rig.closes = 0;
	rig.peer_link.mac.octets[5] = 77;
	rig_step(&rig,
		 &(struct mlag_event){.type = MLAG_EVENT_PEER_LINK, .peer_link = &rig.peer_link});
	expect_closed(MLAG_CLOSE_RECONFIGURED);
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
		PROTOCOL_TEST(test_safe9_every_prefix_of_every_message),
		PROTOCOL_TEST(test_longer_messages_of_a_newer_peer),
		PROTOCOL_TEST(test_unknown_types_and_tables_are_skipped),
		PROTOCOL_TEST(test_frames_that_lie_about_their_size),
		PROTOCOL_TEST(test_legs_that_make_no_sense),
		PROTOCOL_TEST(test_macs_that_make_no_sense),
		PROTOCOL_TEST(test_safe9_of_a_message_with_one_bad_row_nothing_is_taken),
		PROTOCOL_TEST(test_rows_that_only_the_peer_had_go_with_its_claim),
		PROTOCOL_TEST(test_a_peer_cannot_fill_more_than_the_tables),
		PROTOCOL_TEST(test_notices_give_way_to_the_close),
		PROTOCOL_TEST(test_safe10_hellos_that_do_not_fit),
		PROTOCOL_TEST(test_every_prefix_of_a_hello),
		PROTOCOL_TEST(test_anything_before_hello_ends_the_connection),
		PROTOCOL_TEST(test_a_second_hello_ends_the_session),
		PROTOCOL_TEST(test_messages_after_the_end_are_ignored),
		PROTOCOL_TEST(test_refusals_of_the_peer_are_shown),
		PROTOCOL_TEST(test_goodbye_is_not_death),
		PROTOCOL_TEST(test_own_goodbye_is_sent_and_ends_the_session),
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
