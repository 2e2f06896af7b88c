/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anti-entropy (LIVE-10): whatever is changed behind the back of a table on either member is found
 * within three seconds, named by its key, and repaired by sending the buckets that differ.  Two whole
 * engines; what is changed is changed in their memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"
#include "world.h"

#define FOUND_NS (3 * WORLD_SECOND)

static struct world world;

static struct table *table_at(uint32_t member, uint32_t index)
{
	return engine_table(world.members[member].engine, index);
}

static bool matches(uint32_t member, uint32_t index)
{
	const struct table *table = table_at(member, index);

	return table->live && table->own_proven && table->peer_proven;
}

static bool all_match(void)
{
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		if (!matches(0, i) || !matches(1, i)) {
			return false;
		}
	}
	return true;
}

/* What is here of the peer's is what it claims, read row by row and not by digest. */
static bool holds(uint32_t member, uint32_t index)
{
	return world_holds_claims(table_at(member, index), table_at(1 - member, index));
}

static struct table_row *first_peer_row(uint32_t member, uint32_t index)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(table_at(member, index), &cursor)) != NULL) {
		if (table_row_is_peer(row)) {
			return row;
		}
	}
	fail_msg("the peer claims nothing in table %u", index);
	return NULL;
}

static struct table_row *first_own_row(uint32_t member, uint32_t index)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(table_at(member, index), &cursor)) != NULL) {
		if (table_row_is_own(row)) {
			return row;
		}
	}
	fail_msg("nothing is claimed in table %u", index);
	return NULL;
}

static uint64_t differences(uint32_t index)
{
	return table_at(0, index)->differences_count + table_at(1, index)->differences_count;
}

static int setup(void **state)
{
	(void)state;
	world_init(&world, 7);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		struct mlag_address_key key = {MLAG_ADDRESS_IP, 4, 0, 0, {10, 0, 0, 0}};

		world_start(&world, m);
		key.octets[3] = (uint8_t)(m + 1);
		world_set_address(&world, m, &key, true, 0, 0);
		world_neighbor_answers(&world, m, 2 * m, 1);
		world_neighbor_answers(&world, m, 2 * m + 1, 2);
	}
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
	for (uint32_t host = 0; host < WORLD_HOSTS; host++) {
		for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
			if (world_can_send(&world, host, m)) {
				(void)world_send(&world, host, m, WORLD_HOSTS);
			}
		}
	}
	world_run(&world, 3 * WORLD_SECOND);
	assert_true(all_match());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

/* Equal again within the bound, by a repair: no snapshot was sent. */
static void expect_repaired(uint32_t index, uint64_t found_before)
{
	uint64_t end_ns = world.now_ns + FOUND_NS;
	uint32_t snapshots = table_at(0, index)->snapshot_id + table_at(1, index)->snapshot_id;

	while (world.now_ns < end_ns && !(differences(index) > found_before && holds(0, index) &&
					  holds(1, index) && all_match())) {
		world_run(&world, WORLD_MS);
	}
	assert_true(differences(index) > found_before);
	assert_true(holds(0, index));
	assert_true(holds(1, index));
	assert_true(all_match());
	assert_int_equal(table_at(0, index)->snapshot_id + table_at(1, index)->snapshot_id,
			 snapshots);
}

static void test_claim_of_the_peer_that_vanished_is_found(void **state)
{
	(void)state;
	for (uint32_t index = 0; index < ENGINE_TABLES; index++) {
		uint64_t found = differences(index);

		first_peer_row(1, index)->flags &= (uint16_t)~TABLE_ROW_PEER;
		expect_repaired(index, found);
	}
}

static void test_flipped_sequence_of_the_peer_is_found(void **state)
{
	(void)state;
	for (uint32_t index = 0; index < ENGINE_TABLES; index++) {
		uint64_t found = differences(index);

		first_peer_row(0, index)->peer_seq ^= 2;
		expect_repaired(index, found);
	}
}

static void test_claim_that_the_peer_does_not_make_is_found(void **state)
{
	struct mlag_mac_key key = {WORLD_VLAN, {{0x02, 0x77, 0, 0, 0, 1}}};
	struct table *macs = table_at(1, 2);
	struct table_row *row = table_add(macs, &key);
	uint64_t found = differences(2);

	(void)state;
	/* As a withdrawal that was lost. */
	row->flags |= TABLE_ROW_PEER;
	row->peer_seq = 9;
	expect_repaired(2, found);
	row = table_find(macs, &key);
	assert_true(row == NULL || !table_row_is_peer(row));
}

static void test_own_claim_that_changed_by_itself_is_found(void **state)
{
	(void)state;
	for (uint32_t index = 0; index < ENGINE_TABLES; index++) {
		uint64_t found = differences(index);

		first_own_row(0, index)->own_seq ^= 4;
		expect_repaired(index, found);
	}
}

static void test_own_claim_that_vanished_is_made_again(void **state)
{
	struct mlag_mac orphan = world_host_mac(WORLD_ORPHAN_HOST(0));
	struct mlag_mac_key key = {WORLD_VLAN, orphan};
	struct table_row *row = table_find(table_at(0, 2), &key);
	uint64_t found = differences(2);

	(void)state;
	assert_non_null(row);
	assert_true(table_row_is_own(row));
	row->flags &= (uint16_t)~TABLE_ROW_OWN;
	expect_repaired(2, found);
	/* The kernel still sees it. */
	row = table_find(table_at(0, 2), &key);
	assert_true(row != NULL && table_row_is_own(row));
	row = table_find(table_at(1, 2), &key);
	assert_true(row != NULL && table_row_is_peer(row));
}

static void test_wrong_digest_with_right_rows_is_found(void **state)
{
	(void)state;
	for (uint32_t index = 0; index < ENGINE_TABLES; index++) {
		uint64_t end_ns = world.now_ns + FOUND_NS;

		table_at(0, index)->peer_digest += 77;
		table_at(0, index)->peer_proven = false;
		while (world.now_ns < end_ns && !all_match()) {
			world_run(&world, WORLD_MS);
		}
		assert_true(all_match());
	}
}

/* With a change every few milliseconds nothing is ever settled: what was sent is compared. */
static void test_difference_is_found_under_churn(void **state)
{
	struct mlag_mac dual = world_host_mac(0);
	struct mlag_mac_key key = {WORLD_VLAN, dual};
	struct table_row *row = table_find(table_at(1, 2), &key);
	uint64_t end_ns = world.now_ns + FOUND_NS;
	uint32_t seq = row->peer_seq;

	(void)state;
	assert_true(table_row_is_peer(row));
	row->peer_seq ^= 8;
	for (uint32_t n = 0; world.now_ns < end_ns; n++) {
		struct mlag_mac mac = {{0x02, 0xcc, 0, 0, 0, (uint8_t)(n % 4)}};

		(void)world_send_mac(&world, WORLD_ORPHAN_HOST(n / 4 % 2), n / 4 % 2, &mac,
				     WORLD_HOSTS);
		world_run(&world, 3 * WORLD_MS);
	}
	row = table_find(table_at(1, 2), &key);
	assert_int_equal(row->peer_seq, seq);
	assert_true(differences(2) >= 1);
}

static void test_peer_without_the_feature_gets_a_snapshot(void **state)
{
	uint64_t end_ns;
	uint32_t snapshots;

	(void)state;
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
			table_at(m, i)->peer_repairs = false;
		}
	}
	snapshots = table_at(0, 2)->snapshot_id;
	first_peer_row(1, 2)->peer_seq ^= 2;
	end_ns = world.now_ns + FOUND_NS;
	while (world.now_ns < end_ns && !(holds(1, 2) && all_match())) {
		world_run(&world, WORLD_MS);
	}
	assert_true(holds(1, 2) && all_match());
	assert_int_equal(table_at(0, 2)->snapshot_id, snapshots + 1);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static uint32_t next_id = 1;

static uint32_t ask(uint32_t member, const struct mlag_row_key *key, bool has_key)
{
	struct mlag_question question = {next_id++, has_key, *key};
	struct mlag_event event = {.type = MLAG_EVENT_ASK, .ask = &question};
	struct mlag_effects effects;

	mlag_step(world.members[member].engine, &event, world.now_ns, &effects);
	return question.id;
}

/* Run until there is something else than nothing. */
static enum mlag_answer answer(uint32_t member, uint32_t id, struct mlag_row_view *ret_row)
{
	enum mlag_answer got = MLAG_ANSWER_NONE;

	for (uint32_t i = 0; i < 1000 && got == MLAG_ANSWER_NONE; i++) {
		got = mlag_next_answer(world.members[member].engine, id, ret_row);
		if (got == MLAG_ANSWER_NONE) {
			world_run(&world, WORLD_MS);
		}
	}
	return got;
}

static void test_a_key_is_shown_as_both_see_it(void **state)
{
	struct mlag_row_key key = {.table = MLAG_TABLE_MACS, .vlan = WORLD_VLAN};
	struct mlag_row_view row;
	uint32_t id;

	(void)state;
	key.mac = world_host_mac(WORLD_ORPHAN_HOST(0));
	id = ask(1, &key, true);
	assert_int_equal(answer(1, id, &row), MLAG_ANSWER_ROW);
	assert_true(row.peer_told && row.equal);
	assert_false(row.own.present);
	assert_true(row.heard.present && row.peer_own.present);
	assert_int_equal(row.heard.seq, row.peer_own.seq);
	assert_int_equal(answer(1, id, &row), MLAG_ANSWER_END);
	/* One that nobody has. */
	key.mac.octets[1] = 0x99;
	id = ask(1, &key, true);
	assert_int_equal(answer(1, id, &row), MLAG_ANSWER_ROW);
	assert_true(row.peer_told && row.equal && !row.own.present && !row.peer_own.present);
}

static void test_a_table_shows_the_rows_that_differ(void **state)
{
	struct mlag_row_key table = {.table = MLAG_TABLE_MACS};
	struct mlag_row_view row;
	struct mlag_answer_view view;
	struct mlag_mac_key key = {WORLD_VLAN, world_host_mac(WORLD_ORPHAN_HOST(1))};
	struct table_row *damaged = table_find(table_at(0, 2), &key);
	uint32_t id = ask(0, &table, false);

	(void)state;
	assert_int_equal(answer(0, id, &row), MLAG_ANSWER_END);
	mlag_get_answer_view(world.members[0].engine, &view);
	assert_true(view.told && view.sent_digest == view.peer_heard_digest &&
		    view.heard_digest == view.peer_sent_digest);
	damaged->peer_seq += 40;
	id = ask(0, &table, false);
	assert_int_equal(answer(0, id, &row), MLAG_ANSWER_ROW);
	assert_memory_equal(&row.key.mac, &key.mac, sizeof(key.mac));
	assert_false(row.equal);
	assert_int_equal(row.heard.seq, row.peer_own.seq + 40);
	assert_int_equal(answer(0, id, &row), MLAG_ANSWER_END);
	/* And from the other side, by the word of the one who is wrong. */
	id = ask(1, &table, false);
	assert_int_equal(answer(1, id, &row), MLAG_ANSWER_ROW);
	assert_int_equal(row.peer_heard.seq, row.own.seq + 40);
}

static void test_a_row_that_only_one_has_is_shown_on_both(void **state)
{
	struct mlag_row_key table = {.table = MLAG_TABLE_NEIGHBORS};
	struct mlag_row_view row;

	(void)state;
	first_peer_row(0, 3)->flags &= (uint16_t)~TABLE_ROW_PEER;
	assert_int_equal(answer(0, ask(0, &table, false), &row), MLAG_ANSWER_ROW);
	assert_true(row.peer_own.present && !row.heard.present && !row.equal);
	assert_int_equal(answer(1, ask(1, &table, false), &row), MLAG_ANSWER_ROW);
	assert_true(row.own.present && !row.peer_heard.present && !row.equal);
}

static void test_a_question_without_a_session_fails_with_what_is_known(void **state)
{
	struct mlag_row_key key = {.table = MLAG_TABLE_LEGS, .lag_id = 1};
	struct mlag_row_view row;
	uint32_t id;

	(void)state;
	id = ask(0, &key, true);
	world_stop(&world, 1);
	assert_int_equal(answer(0, id, &row), MLAG_ANSWER_FAILED);
	assert_true(row.own.present && row.heard.present && !row.peer_told);
	assert_int_equal(answer(0, id + 1000, &row), MLAG_ANSWER_ANOTHER);
	id = ask(0, &key, true);
	assert_int_equal(answer(0, id, &row), MLAG_ANSWER_FAILED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_claim_of_the_peer_that_vanished_is_found),
		TEST(test_flipped_sequence_of_the_peer_is_found),
		TEST(test_claim_that_the_peer_does_not_make_is_found),
		TEST(test_own_claim_that_changed_by_itself_is_found),
		TEST(test_own_claim_that_vanished_is_made_again),
		TEST(test_wrong_digest_with_right_rows_is_found),
		TEST(test_difference_is_found_under_churn),
		TEST(test_peer_without_the_feature_gets_a_snapshot),
		TEST(test_a_key_is_shown_as_both_see_it),
		TEST(test_a_table_shows_the_rows_that_differ),
		TEST(test_a_row_that_only_one_has_is_shown_on_both),
		TEST(test_a_question_without_a_session_fails_with_what_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
