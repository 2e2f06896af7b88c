/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cursors: no byte is read or written outside, a failure is for good, and texts of another
 * machine are harmless (SAFE-10).  Buffers come from malloc, so that ASan sees their ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"

static void put_everything(struct buf_writer *writer)
{
	static const struct mlag_mac mac = {{1, 2, 3, 4, 5, 6}};

	buf_put_u8(writer, 0x12);
	buf_put_u16(writer, 0x3456);
	buf_put_u32(writer, 0x789abcde);
	buf_put_u64(writer, UINT64_C(0x0123456789abcdef));
	buf_put_mac(writer, &mac);
	buf_put_text(writer, "text");
}

#define EVERYTHING_SIZE 26

static void test_integers_are_big_endian(void **state)
{
	static const uint8_t expected[EVERYTHING_SIZE] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde,
							  0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd,
							  0xef, 1,    2,    3,	  4,	5,    6,
							  4,	't',  'e',  'x',  't'};
	uint8_t bytes[EVERYTHING_SIZE];
	struct buf_writer writer;

	(void)state;
	buf_writer_init(&writer, bytes, sizeof(bytes));
	put_everything(&writer);
	assert_false(writer.failed);
	assert_int_equal(writer.offset, EVERYTHING_SIZE);
	assert_memory_equal(bytes, expected, sizeof(bytes));
}

static void test_safe10_writer_of_every_size(void **state)
{
	(void)state;
	for (uint32_t size = 0; size < EVERYTHING_SIZE; size++) {
		uint8_t *bytes = malloc(size == 0 ? 1 : size);
		struct buf_writer writer;
		uint32_t offset;

		assert_non_null(bytes);
		buf_writer_init(&writer, bytes, size);
		put_everything(&writer);
		assert_true(writer.failed);
		assert_true(writer.offset <= size);
		/* It failed for good, even for what would fit. */
		offset = writer.offset;
		buf_put_u8(&writer, 1);
		buf_patch_u16(&writer, 0, 1);
		assert_true(writer.failed);
		assert_int_equal(writer.offset, offset);
		free(bytes);
	}
}

static void test_safe10_reader_of_every_size(void **state)
{
	uint8_t whole[EVERYTHING_SIZE];
	struct buf_writer writer;

	(void)state;
	buf_writer_init(&writer, whole, sizeof(whole));
	put_everything(&writer);
	for (uint32_t size = 0; size <= EVERYTHING_SIZE; size++) {
		uint8_t *bytes = malloc(size == 0 ? 1 : size);
		struct buf_reader reader;
		char text[8];

		assert_non_null(bytes);
		memcpy(bytes, whole, size);
		buf_reader_init(&reader, bytes, size);
		(void)buf_get_u8(&reader);
		(void)buf_get_u16(&reader);
		(void)buf_get_u32(&reader);
		(void)buf_get_u64(&reader);
		(void)buf_get_mac(&reader);
		memset(text, 'x', sizeof(text));
		buf_get_text(&reader, text, sizeof(text));
		assert_int_equal(reader.failed, size < EVERYTHING_SIZE);
		assert_string_equal(text, size < EVERYTHING_SIZE ? "" : "text");
		assert_int_equal(buf_left(&reader), 0);
		if (reader.failed) {
			assert_int_equal(buf_get_u8(&reader), 0);
		}
		free(bytes);
	}
}

static void test_a_failed_read_is_zero_and_final(void **state)
{
	static const uint8_t bytes[] = {0xff, 0xff, 0xff};
	struct buf_reader reader;

	(void)state;
	buf_reader_init(&reader, bytes, sizeof(bytes));
	assert_int_equal(buf_get_u32(&reader), 0);
	assert_true(reader.failed);
	assert_int_equal(buf_left(&reader), 0);
	assert_int_equal(buf_get_u8(&reader), 0);
	assert_true(buf_get_u64(&reader) == 0);
}

static void test_text_is_printable_and_ends(void **state)
{
	char text[300];

	(void)state;
	for (uint32_t octet = 0; octet < 256; octet++) {
		uint8_t bytes[3] = {2, (uint8_t)octet, 'z'};
		struct buf_reader reader;
		char expected = octet >= 0x20 && octet < 0x7f ? (char)octet : '?';

		buf_reader_init(&reader, bytes, sizeof(bytes));
		buf_get_text(&reader, text, sizeof(text));
		assert_int_equal(strlen(text), 2);
		assert_int_equal(text[0], expected);
		assert_int_equal(text[1], 'z');
	}
}

static void test_text_longer_than_its_room_is_cut(void **state)
{
	uint8_t bytes[256];

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	bytes[0] = 255;
	for (uint32_t size = 1; size <= 300; size++) {
		char *text = malloc(size);
		struct buf_reader reader;

		assert_non_null(text);
		buf_reader_init(&reader, bytes, sizeof(bytes));
		buf_get_text(&reader, text, size);
		assert_int_equal(strlen(text), size - 1 < 255 ? size - 1 : 255);
		/* Cut, but read to its end. */
		assert_int_equal(buf_left(&reader), 0);
		assert_false(reader.failed);
		free(text);
	}
}

static void test_text_written_is_at_most_255(void **state)
{
	char text[400];
	char back[400];
	uint8_t bytes[400];
	struct buf_writer writer;
	struct buf_reader reader;

	(void)state;
	memset(text, 'b', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	buf_writer_init(&writer, bytes, sizeof(bytes));
	buf_put_text(&writer, text);
	assert_int_equal(writer.offset, 256);
	buf_reader_init(&reader, bytes, writer.offset);
	buf_get_text(&reader, back, sizeof(back));
	assert_int_equal(strlen(back), 255);
}

static void test_patch_only_what_was_written(void **state)
{
	uint8_t bytes[4] = {0};
	struct buf_writer writer;

	(void)state;
	buf_writer_init(&writer, bytes, sizeof(bytes));
	buf_put_u16(&writer, 1);
	buf_patch_u16(&writer, 0, 0xabcd);
	assert_false(writer.failed);
	assert_int_equal(bytes[0], 0xab);
	assert_int_equal(bytes[1], 0xcd);
	buf_patch_u16(&writer, 1, 0xffff);
	assert_true(writer.failed);
	assert_int_equal(bytes[1], 0xcd);
}

static void test_vlan_sets_have_4096_members(void **state)
{
	struct mlag_vlans set = {{0}};

	(void)state;
	mlag_vlans_add(&set, 4096);
	mlag_vlans_add(&set, UINT16_MAX);
	assert_false(mlag_vlans_has(&set, 4096));
	assert_false(mlag_vlans_has(&set, UINT16_MAX));
	for (uint32_t i = 0; i < MLAG_VLAN_WORDS; i++) {
		assert_true(set.words[i] == 0);
	}
	mlag_vlans_add(&set, 0);
	mlag_vlans_add(&set, 4095);
	assert_true(mlag_vlans_has(&set, 0));
	assert_true(mlag_vlans_has(&set, 4095));
	assert_false(mlag_vlans_has(&set, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers_are_big_endian),
		cmocka_unit_test(test_safe10_writer_of_every_size),
		cmocka_unit_test(test_safe10_reader_of_every_size),
		cmocka_unit_test(test_a_failed_read_is_zero_and_final),
		cmocka_unit_test(test_text_is_printable_and_ends),
		cmocka_unit_test(test_text_longer_than_its_room_is_cut),
		cmocka_unit_test(test_text_written_is_at_most_255),
		cmocka_unit_test(test_patch_only_what_was_written),
		cmocka_unit_test(test_vlan_sets_have_4096_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
