// SPDX-License-Identifier: BSD-2-Clause
/* What `mlagctl explain` is asked and what it says: assumptions, frames read and made, words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "paper.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* ---- words ---------------------------------------------------------------------------------- */

static void test_an_assumption_that_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *text;
		int result;
	} words[] = {
		{"", -EINVAL},
		{"  ", -EINVAL},
		{"leg", -EINVAL},
		{"leg bond1", -EINVAL},
		{"leg bond1 sideways", -EINVAL},
		{"leg bond1 down now", -EINVAL},
		{"leg bond9 down", -ENOENT},
		{"leg 9 down", -ENOENT},
		{"leg 3 down", -ENOENT}, /* the peer's alone */
		{"leg 99999999999999999999 down", -ENOENT},
		{"leg 1x down", -ENOENT},
		{"peer leg 9 up", -ENOENT},
		{"peer", -EINVAL},
		{"peer asleep", -EINVAL},
		{"peer dead twice", -EINVAL},
		{"peer link sideways", -EINVAL},
		{"no", -EINVAL},
		{"no route at all", -EINVAL},
		{"mac known", -EINVAL},
		{"a-word-that-is-longer-than-any-word-may-be down", -EINVAL},
		{" leg\tbond1   down ", 0},
		{"leg 1 up", 0},
		{"peer leg 3 down", 0},
		{"peer dead", 0},
		{"peer alive", 0},
		{"peer link down", 0},
		{"no route", 0},
		{"mac unknown", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		assert_int_equal(explain_assume(&paper.scene, words[i].text), words[i].result);
	}
}

static void test_without_a_peer_link_there_is_none_to_be_down(void **state)
{
	(void)state;
	paper.scene.domain.peer_link_ifindex = 0;
	assert_int_equal(explain_assume(&paper.scene, "peer link down"), -ENOENT);
	assert_int_equal(explain_assume(&paper.scene, "peer dead"), 0);
}

/* ---- frames --------------------------------------------------------------------------------- */

static void test_a_frame_is_read_as_it_is_on_the_wire(void **state)
{
	uint8_t octets[EXPLAIN_FRAME_MAX + 1] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
						 0,    0,    0,	   0,	 1,    0x81, 0x00,
						 0xe0, 0x0a, 0x08, 0x06, 1};
	struct explain_frame frame;

	(void)state;
	assert_int_equal(explain_frame_read(&frame, octets, 19), 0);
	assert_true(frame.tagged);
	assert_int_equal(frame.tci, 0xe00a);
	assert_int_equal(frame.ethertype, 0x0806);
	assert_int_equal(frame.bytes[14], 1);
	assert_int_equal(frame.size, EXPLAIN_FRAME_MIN);		   /* padded */
	assert_int_equal(explain_frame_read(&frame, octets, 17), -EINVAL); /* inside the tag */
	assert_int_equal(explain_frame_read(&frame, octets, 13), -EINVAL);
	assert_int_equal(explain_frame_read(&frame, octets, 0), -EINVAL);
	assert_int_equal(explain_frame_read(&frame, octets, EXPLAIN_FRAME_MAX), 0);
	assert_int_equal(frame.size, EXPLAIN_FRAME_MAX - 4);
	assert_int_equal(explain_frame_read(&frame, octets, EXPLAIN_FRAME_MAX + 1), -EINVAL);
	octets[12] = 0x88; /* 802.1ad: not a tag of this bridge */
	octets[13] = 0xa8;
	assert_int_equal(explain_frame_read(&frame, octets, 19), 0);
	assert_false(frame.tagged);
	assert_int_equal(frame.ethertype, 0x88a8);
}

static void test_a_made_packet_reads_back(void **state)
{
	static const uint8_t families[] = {4, 6};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct explain_ip ip = {.family = families[i], .hop_limit = 7};
		struct mlag_packet packet = {.family = families[i]};
		struct explain_frame frame;
		struct explain_ip read;
		uint32_t sum = 0;

		memset(ip.source, 0x11, families[i] == 4 ? 4 : 16);
		memset(ip.destination, 0x22, families[i] == 4 ? 4 : 16);
		explain_frame_make(&frame, &paper_macs[OUR_MAC], &paper_macs[AT_LAG1], &ip);
		explain_frame_ip(&frame, &read);
		assert_int_equal(read.family, families[i]);
		assert_int_equal(read.hop_limit, 7);
		assert_int_equal(read.protocol, 17);
		assert_memory_equal(read.source, ip.source, 16);
		assert_memory_equal(read.destination, ip.destination, 16);
		assert_true(read.source_port != 0 && read.destination_port != 0);
		if (families[i] == 4) {
			for (size_t at = 14; at < 34; at += 2) {
				sum += (uint32_t)(frame.bytes[at] << 8 | frame.bytes[at + 1]);
			}
			assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
			mlag_packet_read_ipv4(&packet, frame.bytes + 14, frame.size - 14, false);
		} else {
			mlag_packet_read_ipv6(&packet, frame.bytes + 14, frame.size - 14);
		}
		assert_false(packet.malformed);
	}
}

static void test_every_word_has_a_text(void **state)
{
	(void)state;
	for (int i = 0; i <= EXPLAIN_STAGE_PEER_LINK; i++) {
		assert_string_not_equal(explain_stage_text((enum explain_stage)i), "?");
	}
	for (int i = 0; i <= EXPLAIN_VERDICT_UNDECIDED; i++) {
		assert_string_not_equal(explain_verdict_text((enum explain_verdict)i), "?");
	}
	for (int i = 0; i <= EXPLAIN_FATE_UNKNOWN; i++) {
		assert_string_not_equal(explain_fate_text((enum explain_fate)i), "?");
	}
	assert_string_equal(explain_reason_text(MLAG_REASONS_COUNT), "?");
	assert_string_equal(explain_reason_rule(MLAG_REASON_TO_PEER), "R22");
}

#define TEST(function) cmocka_unit_test_setup(function, paper_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_an_assumption_that_makes_no_sense_is_refused),
		TEST(test_without_a_peer_link_there_is_none_to_be_down),
		TEST(test_a_frame_is_read_as_it_is_on_the_wire),
		TEST(test_a_made_packet_reads_back),
		TEST(test_every_word_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
