// SPDX-License-Identifier: BSD-2-Clause
/*
 * The codec of hellos: what is written is read, and whatever else comes is refused, cut at any place
 * or changed at any place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hello.h"
#include "mlag.h"

static struct hello sample(uint16_t legs_count)
{
	struct hello hello;

	memset(&hello, 0, sizeof(hello));
	hello.version = HELLO_VERSION;
	hello.kind = HELLO_KIND_DAEMON;
	hello.domain_id = 65535;
	hello.member_id = (struct mlag_mac){{2, 3, 4, 5, 6, 7}};
	hello.boot_id = UINT64_C(0x1122334455667788);
	hello.sequence = 0xdeadbeef;
	hello.heard_boot_id = UINT64_C(0x8877665544332211);
	hello.hears = 6;
	hello.flags = HELLO_LEGS_KNOWN;
	hello.role = MLAG_ROLE_SECONDARY;
	hello.verdict = MLAG_VERDICT_SPLIT;
	hello.role_epoch = 9;
	hello.priority = 1000;
	hello.interval_ms = 100;
	hello.restart_hold_ms = 30000;
	hello.legs_count = legs_count;
	for (uint16_t i = 0; i < legs_count; i++) {
		hello.legs[i].lag_id = (uint16_t)(65535 - i);
		hello.legs[i].generation = (uint16_t)(i * 7);
		hello.legs[i].flags = i % 2 == 0 ? HELLO_LEG_UP : HELLO_LEG_UP | HELLO_LEG_OPEN;
	}
	return hello;
}

static uint32_t write_hello(const struct hello *hello, uint8_t *ret_data)
{
	struct buf_writer writer;

	buf_writer_init(&writer, ret_data, MLAG_HELLO_SIZE_MAX);
	hello_put(&writer, hello);
	assert_false(writer.failed);
	return writer.offset;
}

/* From memory of its very size, so that reading behind it is seen. */
static bool read_hello(const uint8_t *data, uint32_t size, struct hello *ret_hello)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, data, size);
	ok = hello_get(copy, size, ret_hello);
	free(copy);
	return ok;
}

static void test_what_is_written_is_read(void **state)
{
	static const uint16_t counts[] = {0, 1, MLAG_LEGS_MAX};
	uint8_t data[MLAG_HELLO_SIZE_MAX + 64];

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		struct hello hello = sample(counts[i]);
		struct hello read;
		uint32_t size = write_hello(&hello, data);

		/* With its HMAC it fits, and all of it fits a frame of 1500 octets. */
		assert_true(size + HELLO_MAC_SIZE <= MLAG_HELLO_SIZE_MAX);
		assert_true(read_hello(data, size, &read));
		assert_memory_equal(&read, &hello, sizeof(hello));
		/* A short frame is padded on Ethernet. */
		memset(data + size, 0, 64);
		assert_true(read_hello(data, size + 64, &read));
		assert_memory_equal(&read, &hello, sizeof(hello));
	}
}

static void test_bytes_on_the_wire_are_those_of_the_protocol_page(void **state)
{
	static const uint8_t head[] = {0x6d, 0x6c, 0x61, 0x67, 1, 1, 0,	   63,	 0xff, 0xff, 0,
				       0,    2,	   3,	 4,    5, 6, 7,	   0x11, 0x22, 0x33, 0x44,
				       0x55, 0x66, 0x77, 0x88, 0, 0, 0xde, 0xad, 0xbe, 0xef};
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct hello hello = sample(1);

	(void)state;
	assert_int_equal(sizeof(head), HELLO_HEAD_SIZE);
	assert_int_equal(write_hello(&hello, data), 63);
	assert_memory_equal(data, head, sizeof(head));
	assert_int_equal(data[40], 6);	  /* hears */
	assert_int_equal(data[57], 1);	  /* one leg */
	assert_int_equal(data[58], 0xff); /* 65535 */
}

static void test_every_prefix_is_refused(void **state)
{
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct hello hello = sample(3);
	uint32_t size = write_hello(&hello, data);

	(void)state;
	for (uint32_t cut = 0; cut < size; cut++) {
		assert_false(read_hello(data, cut, &hello));
		/* Also when it says itself that it is so short. */
		data[6] = (uint8_t)(cut >> 8);
		data[7] = (uint8_t)cut;
		assert_false(read_hello(data, cut, &hello));
		data[6] = (uint8_t)(size >> 8);
		data[7] = (uint8_t)size;
	}
}

static void test_what_is_no_hello_is_refused(void **state)
{
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct hello hello = sample(1);
	uint32_t size = write_hello(&hello, data);

	(void)state;
	data[0] ^= 1; /* magic */
	assert_false(read_hello(data, size, &hello));
	data[0] ^= 1;
	data[57] = 2; /* more legs than there are */
	assert_false(read_hello(data, size, &hello));
	data[56] = 1;
	data[57] = 1; /* 257 */
	assert_false(read_hello(data, size, &hello));
	hello = sample(1);
	hello.boot_id = 0;
	size = write_hello(&hello, data);
	assert_false(read_hello(data, size, &hello));
}

static void test_a_newer_version_is_known_by_its_head(void **state)
{
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct hello hello = sample(1);
	struct hello read;
	uint32_t size;

	(void)state;
	hello.version = 2;
	size = write_hello(&hello, data);
	memset(data + HELLO_HEAD_SIZE, 0xff, size - HELLO_HEAD_SIZE);
	assert_true(read_hello(data, size, &read));
	assert_int_equal(read.version, 2);
	assert_true(read.boot_id == hello.boot_id && read.sequence == hello.sequence);
	assert_int_equal(read.hears, 0); /* nothing else is believed */
}

static void test_an_hmac_has_its_place_and_is_no_leg(void **state)
{
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct hello hello = sample(2);
	struct hello read;
	uint32_t size;

	(void)state;
	hello.authentication = HELLO_AUTHENTICATION_HMAC_SHA256;
	size = write_hello(&hello, data);
	/* Without one it is cut short. */
	assert_false(read_hello(data, size, &read));
	memset(data + size, 0xaa, HELLO_MAC_SIZE);
	size += HELLO_MAC_SIZE;
	data[6] = (uint8_t)(size >> 8);
	data[7] = (uint8_t)size;
	assert_true(read_hello(data, size, &read));
	assert_memory_equal(&read, &hello, sizeof(hello));
}

static void test_a_hello_too_short_for_the_hmac_that_it_claims_is_refused(void **state)
{
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct hello hello = sample(0);
	uint32_t size;

	(void)state;
	hello.authentication = HELLO_AUTHENTICATION_HMAC_SHA256;
	size = write_hello(&hello, data);
	for (uint32_t whole = HELLO_HEAD_SIZE; whole < HELLO_HEAD_SIZE + HELLO_MAC_SIZE; whole++) {
		data[6] = (uint8_t)(whole >> 8);
		data[7] = (uint8_t)whole;
		assert_false(read_hello(data, size > whole ? size : whole, &hello));
	}
}

static void test_a_frame_may_be_padded_but_not_cut(void **state)
{
	uint8_t data[MLAG_HELLO_SIZE_MAX] = {0};
	struct hello hello = sample(1);
	uint32_t size = write_hello(&hello, data);

	(void)state;
	assert_true(read_hello(data, size + 20, &hello));
	size++;
	data[6] = (uint8_t)(size >> 8);
	data[7] = (uint8_t)size;
	assert_false(read_hello(data, size - 1, &hello));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_bytes_on_the_wire_are_those_of_the_protocol_page),
		cmocka_unit_test(test_every_prefix_is_refused),
		cmocka_unit_test(test_what_is_no_hello_is_refused),
		cmocka_unit_test(test_a_newer_version_is_known_by_its_head),
		cmocka_unit_test(test_an_hmac_has_its_place_and_is_no_leg),
		cmocka_unit_test(test_a_hello_too_short_for_the_hmac_that_it_claims_is_refused),
		cmocka_unit_test(test_a_frame_may_be_padded_but_not_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
