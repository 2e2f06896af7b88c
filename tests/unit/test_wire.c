/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec: what is written is read back, every prefix of every message is refused, and what a
 * newer peer says beyond what this version knows does no harm (SAFE-10, SAFE-11).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mlag.h"
#include "wire.h"

/* A reader on a copy of its very size, so that reading behind it is seen. */
static uint8_t *copy_of(const uint8_t *bytes, uint32_t size, struct buf_reader *ret_reader)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	buf_reader_init(ret_reader, copy, size);
	return copy;
}

static struct wire_hello sample_hello(void)
{
	struct wire_hello hello;

	memset(&hello, 0, sizeof(hello));
	hello.version = 3;
	hello.version_min = 1;
	hello.features = UINT64_C(0x8000000000000001);
	hello.domain_id = 65535;
	hello.system_mac = (struct mlag_mac){{2, 1, 2, 3, 4, 5}};
	hello.member_id = (struct mlag_mac){{2, 9, 8, 7, 6, 5}};
	hello.boot_id = UINT64_MAX;
	hello.role_epoch = 17;
	hello.priority = 32768;
	hello.role = MLAG_ROLE_PRIMARY;
	hello.flags = WIRE_HELLO_VLAN_AWARE;
	memcpy(hello.software, "0.1.0", 6);
	return hello;
}

static void test_hello_round_trip_and_every_prefix(void **state)
{
	struct wire_hello hello = sample_hello();
	uint8_t bytes[256];
	struct buf_writer writer;

	(void)state;
	buf_writer_init(&writer, bytes, sizeof(bytes));
	wire_put_hello(&writer, &hello);
	for (uint32_t size = 0; size <= writer.offset + 3; size++) {
		struct wire_hello back;
		struct buf_reader reader;
		uint8_t *copy = copy_of(bytes, size, &reader);

		memset(&back, 0x5a, sizeof(back));
		if (size < writer.offset) {
			assert_false(wire_get_hello(&reader, &back));
			/* Untouched on failure. */
			assert_int_equal(back.domain_id, 0x5a5a);
		} else {
			assert_true(wire_get_hello(&reader, &back));
			assert_memory_equal(&back, &hello, sizeof(hello));
		}
		free(copy);
	}
}

static void test_hello_with_versions_out_of_order_is_malformed(void **state)
{
	struct wire_hello hello = sample_hello();
	struct wire_hello back;
	uint8_t bytes[256];
	struct buf_writer writer;
	struct buf_reader reader;

	(void)state;
	hello.version = 1;
	hello.version_min = 2;
	buf_writer_init(&writer, bytes, sizeof(bytes));
	wire_put_hello(&writer, &hello);
	buf_reader_init(&reader, bytes, writer.offset);
	assert_false(wire_get_hello(&reader, &back));
}

static void test_hello_text_of_the_peer_is_cut_and_printable(void **state)
{
	struct wire_hello hello = sample_hello();
	struct wire_hello back;
	uint8_t bytes[512];
	struct buf_writer writer;
	struct buf_reader reader;

	(void)state;
	hello.software[0] = '\0';
	buf_writer_init(&writer, bytes, sizeof(bytes));
	wire_put_hello(&writer, &hello);
	writer.offset--;
	buf_put_u8(&writer, 255);
	for (uint32_t i = 0; i < 255; i++) {
		buf_put_u8(&writer, i == 0 ? 0x1b : 'v'); /* an escape sequence */
	}
	buf_reader_init(&reader, bytes, writer.offset);
	assert_true(wire_get_hello(&reader, &back));
	assert_int_equal(strlen(back.software), MLAG_TEXT_MAX - 1);
	assert_int_equal(back.software[0], '?');
}

static struct wire_keepalive sample_keepalive(void)
{
	struct wire_keepalive keepalive;

	memset(&keepalive, 0, sizeof(keepalive));
	keepalive.role_epoch = 3;
	keepalive.role = MLAG_ROLE_SECONDARY;
	keepalive.verdict = MLAG_VERDICT_PEERED;
	keepalive.digests_count = 2;
	for (uint8_t i = 0; i < 2; i++) {
		keepalive.digests[i].table = (uint8_t)(WIRE_TABLE_LEGS + i);
		keepalive.digests[i].settled = 1;
		keepalive.digests[i].own_count = 5U + i;
		keepalive.digests[i].own_digest = UINT64_MAX - i;
		keepalive.digests[i].heard_count = 7;
		keepalive.digests[i].heard_digest = 9;
		keepalive.digests[i].batch_known = true;
		keepalive.digests[i].heard_batch = 11U + i;
	}
	return keepalive;
}

static void test_keepalive_round_trip_and_every_prefix(void **state)
{
	struct wire_keepalive keepalive = sample_keepalive();
	uint8_t bytes[256];
	struct buf_writer writer;

	(void)state;
	buf_writer_init(&writer, bytes, sizeof(bytes));
	wire_put_keepalive(&writer, &keepalive);
	for (uint32_t size = 0; size <= writer.offset + 3; size++) {
		struct wire_keepalive back;
		struct buf_reader reader;
		uint8_t *copy = copy_of(bytes, size, &reader);
		/* An older peer says nothing of batches. */
		bool older = size == writer.offset - 1 - 2 * 5;

		assert_int_equal(wire_get_keepalive(&reader, &back),
				 older || size >= writer.offset);
		if (older || size >= writer.offset) {
			assert_int_equal(back.digests_count, 2);
			assert_true(back.digests[1].batch_known == !older);
			assert_int_equal(back.digests[1].heard_batch, older ? 0 : 12);
			assert_int_equal(back.digests[1].table, WIRE_TABLE_MACS);
			assert_true(back.digests[0].own_digest == UINT64_MAX);
			assert_true(back.digests[1].own_digest == UINT64_MAX - 1);
		}
		free(copy);
	}
}

/* A newer peer has more tables, in any order: what we know must still be heard. */
static void test_keepalive_skips_unknown_tables(void **state)
{
	struct wire_keepalive back;
	uint8_t bytes[8192];
	struct buf_writer writer;
	struct buf_reader reader;

	(void)state;
	buf_writer_init(&writer, bytes, sizeof(bytes));
	buf_put_u32(&writer, 1);
	buf_put_u8(&writer, 0);
	buf_put_u8(&writer, 0);
	buf_put_u8(&writer, 255);
	for (uint32_t i = 0; i < 255; i++) {
		buf_put_u8(&writer, (uint8_t)(255 - i));
		buf_put_u8(&writer, 1);
		buf_put_u32(&writer, i);
		buf_put_u64(&writer, i);
		buf_put_u32(&writer, i);
		buf_put_u64(&writer, i);
	}
	buf_reader_init(&reader, bytes, writer.offset);
	assert_true(wire_get_keepalive(&reader, &back));
	assert_true(back.digests_count <= WIRE_TABLES_COUNT);
	assert_int_equal(back.digests_count, 4);
	assert_int_equal(back.digests[0].table, WIRE_TABLE_NEIGHBORS);
	assert_int_equal(back.digests[1].table, WIRE_TABLE_ADDRESSES);
	assert_int_equal(back.digests[2].table, WIRE_TABLE_MACS);
	assert_int_equal(back.digests[3].table, WIRE_TABLE_LEGS);
}

static void expect_vlans(const struct mlag_vlans *set, uint32_t ranges)
{
	static uint8_t bytes[16384];
	struct buf_writer writer;

	buf_writer_init(&writer, bytes, sizeof(bytes));
	wire_put_vlans(&writer, set);
	assert_false(writer.failed);
	assert_int_equal(writer.offset, 2 + 4 * ranges);
	for (uint32_t cut = 0; cut <= writer.offset; cut += cut + 9 < writer.offset ? 7 : 1) {
		struct mlag_vlans back;
		struct buf_reader reader;
		uint8_t *copy = copy_of(bytes, cut, &reader);

		assert_int_equal(wire_get_vlans(&reader, &back), cut == writer.offset);
		if (cut == writer.offset) {
			assert_memory_equal(&back, set, sizeof(back));
		}
		free(copy);
	}
}

static void test_vlan_sets_round_trip(void **state)
{
	struct mlag_vlans set;
	uint32_t ranges = 0;

	(void)state;
	memset(&set, 0, sizeof(set));
	expect_vlans(&set, 0);
	memset(&set, 0xff, sizeof(set));
	expect_vlans(&set, 1);
	memset(&set, 0x55, sizeof(set));
	expect_vlans(&set, 2048);
	memset(&set, 0xaa, sizeof(set));
	expect_vlans(&set, 2048);
	memset(&set, 0, sizeof(set));
	mlag_vlans_add(&set, 0);
	mlag_vlans_add(&set, 63);
	mlag_vlans_add(&set, 64);
	mlag_vlans_add(&set, 4095);
	expect_vlans(&set, 3);
	/* Runs of every length at every position modulo a word. */
	memset(&set, 0, sizeof(set));
	for (uint32_t first = 0, length = 1; first + length < MLAG_VLANS_MAX; length++) {
		for (uint32_t i = 0; i < length; i++) {
			mlag_vlans_add(&set, (uint16_t)(first + i));
		}
		first += length + 1;
		ranges++;
	}
	expect_vlans(&set, ranges);
}

static void test_every_single_vlan_round_trips(void **state)
{
	(void)state;
	for (uint32_t vlan = 0; vlan < MLAG_VLANS_MAX; vlan++) {
		struct mlag_vlans set;
		struct mlag_vlans back;
		uint8_t bytes[8];
		struct buf_writer writer;
		struct buf_reader reader;

		memset(&set, 0, sizeof(set));
		mlag_vlans_add(&set, (uint16_t)vlan);
		buf_writer_init(&writer, bytes, sizeof(bytes));
		wire_put_vlans(&writer, &set);
		buf_reader_init(&reader, bytes, writer.offset);
		assert_true(wire_get_vlans(&reader, &back));
		assert_memory_equal(&back, &set, sizeof(back));
	}
}

static bool reads_as_vlans(const uint16_t *numbers, uint32_t count)
{
	struct mlag_vlans back;
	uint8_t bytes[64];
	struct buf_writer writer;
	struct buf_reader reader;

	buf_writer_init(&writer, bytes, sizeof(bytes));
	for (uint32_t i = 0; i < count; i++) {
		buf_put_u16(&writer, numbers[i]);
	}
	buf_reader_init(&reader, bytes, writer.offset);
	return wire_get_vlans(&reader, &back);
}

static void test_vlan_ranges_must_ascend_within_4095(void **state)
{
	(void)state;
	assert_true(reads_as_vlans((const uint16_t[]){2, 1, 2, 3, 4}, 5));
	assert_false(reads_as_vlans((const uint16_t[]){1, 2, 1}, 3));
	assert_false(reads_as_vlans((const uint16_t[]){1, 0, 4096}, 3));
	assert_false(reads_as_vlans((const uint16_t[]){1, 65535, 65535}, 3));
	assert_false(reads_as_vlans((const uint16_t[]){2, 5, 9, 9, 10}, 5));
	assert_false(reads_as_vlans((const uint16_t[]){2, 5, 9, 1, 2}, 5));
	assert_false(reads_as_vlans((const uint16_t[]){2, 0, 4095, 4095, 4095}, 5));
	assert_false(reads_as_vlans((const uint16_t[]){65535, 1, 1}, 3));
}

static void test_writing_vlans_without_room_fails(void **state)
{
	struct mlag_vlans set;

	(void)state;
	memset(&set, 0x55, sizeof(set));
	for (uint32_t size = 0; size < 64; size++) {
		uint8_t *bytes = malloc(size == 0 ? 1 : size);
		struct buf_writer writer;

		assert_non_null(bytes);
		buf_writer_init(&writer, bytes, size);
		wire_put_vlans(&writer, &set);
		assert_true(writer.failed);
		free(bytes);
	}
}

static void test_frame_sizes(void **state)
{
	uint8_t bytes[MLAG_WIRE_HEADER_SIZE + 4] = {0, 0, 0, 4, 0, 9, 0xff, 0xff, 1, 2, 3, 4};
	struct buf_reader payload;
	uint16_t type;

	(void)state;
	assert_int_equal(wire_peek_size(bytes), sizeof(bytes));
	assert_true(wire_open(bytes, sizeof(bytes), &type, &payload));
	assert_int_equal(type, 9);
	assert_int_equal(buf_left(&payload), 4);
	for (uint32_t size = 0; size < sizeof(bytes); size++) {
		struct buf_reader unused;
		uint8_t *copy = copy_of(bytes, size, &unused);

		assert_false(wire_open(copy, size, &type, &payload));
		free(copy);
	}
	bytes[2] = 0xff;
	bytes[3] = 0xf8; /* 65528: the largest */
	assert_int_equal(wire_peek_size(bytes), MLAG_WIRE_MESSAGE_MAX);
	bytes[3] = 0xf9;
	assert_int_equal(wire_peek_size(bytes), 0);
	memset(bytes, 0xff, 4);
	assert_int_equal(wire_peek_size(bytes), 0);
	assert_false(wire_open(bytes, sizeof(bytes), &type, &payload));
}

static void test_end_of_what_did_not_fit_is_zero(void **state)
{
	uint8_t bytes[MLAG_WIRE_HEADER_SIZE + 1];
	struct buf_writer writer;

	(void)state;
	buf_writer_init(&writer, bytes, sizeof(bytes));
	wire_begin(&writer);
	assert_int_equal(wire_end(&writer, WIRE_ACK), MLAG_WIRE_HEADER_SIZE);
	buf_put_u16(&writer, 1);
	assert_int_equal(wire_end(&writer, WIRE_ACK), 0);
	buf_writer_init(&writer, bytes, 4);
	wire_begin(&writer);
	assert_int_equal(wire_end(&writer, WIRE_ACK), 0);
	buf_writer_init(&writer, bytes, sizeof(bytes));
	assert_int_equal(wire_end(&writer, WIRE_ACK), 0);
}

static void test_every_number_has_a_word(void **state)
{
	(void)state;
	/* A number of another machine must never be an index. */
	assert_string_equal(mlag_role_text((enum mlag_role)99), "?");
	assert_string_equal(mlag_verdict_text((enum mlag_verdict)99), "?");
	assert_string_equal(mlag_session_state_text((enum mlag_session_state)99), "?");
	assert_string_equal(mlag_leg_state_text((enum mlag_leg_state)99), "?");
	assert_string_equal(mlag_close_reason_text((enum mlag_close_reason)99), "?");
	assert_string_equal(mlag_fdb_kind_text((enum mlag_fdb_kind)99), "?");
	assert_string_equal(mlag_notice_text((enum mlag_notice)99), "?");
	for (uint32_t i = 0; i <= MLAG_CLOSE_LIMIT; i++) {
		assert_string_not_equal(mlag_close_reason_text((enum mlag_close_reason)i), "?");
	}
	for (uint32_t i = 0; i <= MLAG_FDB_STICKY; i++) {
		assert_string_not_equal(mlag_fdb_kind_text((enum mlag_fdb_kind)i), "?");
	}
	for (uint32_t i = 0; i <= MLAG_NOTICE_RESUMED; i++) {
		assert_string_not_equal(mlag_notice_text((enum mlag_notice)i), "?");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello_round_trip_and_every_prefix),
		cmocka_unit_test(test_hello_with_versions_out_of_order_is_malformed),
		cmocka_unit_test(test_hello_text_of_the_peer_is_cut_and_printable),
		cmocka_unit_test(test_keepalive_round_trip_and_every_prefix),
		cmocka_unit_test(test_keepalive_skips_unknown_tables),
		cmocka_unit_test(test_vlan_sets_round_trip),
		cmocka_unit_test(test_every_single_vlan_round_trips),
		cmocka_unit_test(test_vlan_ranges_must_ascend_within_4095),
		cmocka_unit_test(test_writing_vlans_without_room_fails),
		cmocka_unit_test(test_frame_sizes),
		cmocka_unit_test(test_end_of_what_did_not_fit_is_zero),
		cmocka_unit_test(test_every_number_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
