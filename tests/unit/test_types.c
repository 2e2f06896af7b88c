/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words for enumerations: every value has one of its own, and a number that is none is "?".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mlag.h"

#define EXPECT(symbol, word)                     \
	assert_string_equal(text(symbol), word); \
	count++;
#define TEST_WORDS(name, type, function, LIST)                                                   \
	static void test_##name##_every_value_has_its_word(void **state)                         \
	{                                                                                        \
		const char *(*text)(enum type) = (function);                                     \
		uint32_t count = 0;                                                              \
                                                                                                 \
		(void)state;                                                                     \
		LIST(EXPECT)                                                                     \
		assert_string_equal(text((enum type)200), "?");                                  \
		for (uint32_t i = 0; i < count; i++) {                                           \
			for (uint32_t j = 0; j < i; j++) {                                       \
				assert_string_not_equal(text((enum type)i), text((enum type)j)); \
			}                                                                        \
		}                                                                                \
	}

TEST_WORDS(role, mlag_role, mlag_role_text, MLAG_ROLES)
TEST_WORDS(verdict, mlag_verdict, mlag_verdict_text, MLAG_VERDICTS)
TEST_WORDS(path, mlag_path_finding, mlag_path_finding_text, MLAG_PATH_FINDINGS)
TEST_WORDS(peer, mlag_peer_finding, mlag_peer_finding_text, MLAG_PEER_FINDINGS)
TEST_WORDS(session, mlag_session_state, mlag_session_state_text, MLAG_SESSION_STATES)
TEST_WORDS(leg, mlag_leg_state, mlag_leg_state_text, MLAG_LEG_STATES)
TEST_WORDS(hold, mlag_hold, mlag_hold_text, MLAG_HOLDS)
TEST_WORDS(close, mlag_close_reason, mlag_close_reason_text, MLAG_CLOSE_REASONS)
TEST_WORDS(fdb, mlag_fdb_kind, mlag_fdb_kind_text, MLAG_FDB_KINDS)
TEST_WORDS(address, mlag_address_kind, mlag_address_kind_text, MLAG_ADDRESS_KINDS)
TEST_WORDS(device, mlag_neighbor_device, mlag_neighbor_device_text, MLAG_NEIGHBOR_DEVICES)
TEST_WORDS(neighbor, mlag_neighbor_state, mlag_neighbor_state_text, MLAG_NEIGHBOR_STATES)
TEST_WORDS(notice, mlag_notice, mlag_notice_text, MLAG_NOTICES)
TEST_WORDS(last_resort, mlag_last_resort_state, mlag_last_resort_state_text, MLAG_LAST_RESORTS)
TEST_WORDS(difference, mlag_difference_kind, mlag_difference_text, MLAG_DIFFERENCES)
TEST_WORDS(table, mlag_table, mlag_table_text, MLAG_TABLES)

static void test_no_table_has_no_word(void **state)
{
	(void)state;
	assert_string_equal(mlag_table_text(MLAG_TABLES_COUNT), "?");
}

int main(void)
{
#define TEST(name) cmocka_unit_test(test_##name##_every_value_has_its_word)
	const struct CMUnitTest tests[] = {
		TEST(role),
		TEST(verdict),
		TEST(path),
		TEST(peer),
		TEST(session),
		TEST(leg),
		TEST(hold),
		TEST(close),
		TEST(fdb),
		TEST(address),
		TEST(device),
		TEST(neighbor),
		TEST(notice),
		TEST(last_resort),
		TEST(difference),
		TEST(table),
		cmocka_unit_test(test_no_table_has_no_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
