/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replicated table: two of them wired directly, with every loss at every point (LIVE-1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "side.h"

#define ROWS_MAX 600

static struct side a;
static struct side b;

static int make_sides(void **state)
{
	(void)state;
	side_init(&a, ROWS_MAX);
	side_init(&b, ROWS_MAX);
	return 0;
}

static int free_sides(void **state)
{
	(void)state;
	side_fini(&a);
	side_fini(&b);
	return 0;
}

/* ---- claims and their way ------------------------------------------------------------------- */

static void test_live1_snapshot_carries_everything(void **state)
{
	(void)state;
	for (uint32_t key = 0; key < 550; key++) {
		side_claim(&a, key, key * 3);
	}
	side_claim(&b, 5, 1);
	side_start_session(&a, &b);
	assert_false(table_is_synced(&a.table));
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
	assert_int_equal(b.table.peer_count, 550);
	/* Every row was acknowledged, once. */
	assert_int_equal(a.acks, 550);
	assert_true((side_row_of(&a, 549)->flags & TABLE_ROW_ACKED) != 0);
	/* Nothing more is said. */
	assert_false(table_has_message(&a.table));
	assert_false(a.table.ack_due);
}

static void test_rows_come_in_slices(void **state)
{
	static uint8_t payload[SIDE_PAYLOAD_MAX];
	struct buf_reader reader;
	uint32_t size;
	uint32_t rows = 0;

	(void)state;
	for (uint32_t key = 0; key < 600; key++) {
		side_claim(&a, key, 1);
	}
	side_start_session(&a, &b);
	assert_int_equal(side_next(&a, payload, &size), WIRE_SNAPSHOT_BEGIN);
	for (uint32_t batch = 1; batch <= 3; batch++) {
		assert_int_equal(side_next(&a, payload, &size), WIRE_ROWS);
		buf_reader_init(&reader, payload, size);
		(void)buf_get_u8(&reader);
		assert_int_equal(buf_get_u32(&reader), batch);
		rows = buf_get_u16(&reader);
		assert_int_equal(rows, batch < 3 ? MLAG_ROWS_PER_MESSAGE_MAX : 600 - 2 * 256);
	}
	assert_int_equal(side_next(&a, payload, &size), WIRE_SNAPSHOT_END);
}

static void test_increments_are_claims_and_withdrawals(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
	side_claim(&a, 1, 10);
	side_claim(&b, 1, 20);
	side_claim(&b, 2, 30);
	assert_false(a.table.own_proven);
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
	side_withdraw(&b, 2);
	side_claim(&a, 1, 11);
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
	assert_null(side_row_of(&a, 2));
	side_withdraw(&a, 1);
	side_withdraw(&b, 1);
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
	assert_int_equal(a.table.rows_used + b.table.rows_used, 0);
}

static void test_same_claim_again_changes_nothing(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	side_claim(&a, 1, 10);
	(void)side_pass_all(&a, &b);
	assert_int_equal(b.changes, 1);
	/* A snapshot repeats what is known already: nobody has to program it again. */
	table_snapshot_again(&a.table);
	(void)side_pass_all(&a, &b);
	assert_int_equal(b.changes, 1);
	side_expect_equal(&a, &b);
}

static void test_changed_twice_before_sent_is_sent_once(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	(void)side_pass_all(&a, &b);
	for (uint32_t i = 0; i < 100; i++) {
		side_claim(&a, 1, i);
	}
	assert_int_equal(a.table.publish.count, 1);
	(void)side_pass_all(&a, &b);
	assert_int_equal(b.changes, 1);
	side_expect_equal(&a, &b);
}

static void test_withdrawn_before_sent(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	(void)side_pass_all(&a, &b);
	side_claim(&a, 1, 10);
	side_withdraw(&a, 1);
	(void)side_pass_all(&a, &b);
	assert_int_equal(b.changes, 0);
	side_expect_equal(&a, &b);
	assert_int_equal(a.table.rows_used + b.table.rows_used, 0);
	/* And while it still belongs to a snapshot. */
	side_end_session(&a, &b);
	side_claim(&a, 2, 10);
	side_start_session(&a, &b);
	side_withdraw(&a, 2);
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
	assert_int_equal(a.table.rows_used + b.table.rows_used, 0);
}

static void test_reclaimed_while_unacked_needs_its_own_ack(void **state)
{
	static uint8_t payload[SIDE_PAYLOAD_MAX];
	struct buf_reader reader;
	struct buf_writer writer;
	uint32_t size;

	(void)state;
	side_start_session(&a, &b);
	(void)side_pass_all(&a, &b);
	side_claim(&a, 1, 10);
	assert_int_equal(side_next(&a, payload, &size), WIRE_ROWS); /* batch 1 */
	side_claim(&a, 1, 11);
	assert_int_equal(side_next(&a, payload, &size), WIRE_ROWS); /* batch 2 */
	buf_writer_init(&writer, payload, SIDE_PAYLOAD_MAX);
	buf_put_u32(&writer, 1);
	buf_put_u32(&writer, 1);
	buf_reader_init(&reader, payload, writer.offset);
	assert_true(table_get_ack(&a.table, &reader, side_on_acked, &a));
	assert_int_equal(a.acks, 0);
	assert_true((side_row_of(&a, 1)->flags & TABLE_ROW_ACKED) == 0);
	payload[3] = 2;
	buf_reader_init(&reader, payload, writer.offset);
	assert_true(table_get_ack(&a.table, &reader, side_on_acked, &a));
	assert_int_equal(a.acks, 1);
	assert_true((side_row_of(&a, 1)->flags & TABLE_ROW_ACKED) != 0);
	/* Withdrawn while unacked: the acknowledgement finds nothing. */
	side_claim(&a, 1, 12);
	assert_int_equal(side_next(&a, payload, &size), WIRE_ROWS); /* batch 3 */
	side_withdraw(&a, 1);
	assert_int_equal(a.table.unacked.count, 0);
	assert_int_equal(side_next(&a, payload, &size), WIRE_ROWS); /* batch 4 */
	assert_int_equal(a.table.rows_used, 0);
}

static void test_not_claimed_is_not_withdrawn(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	side_claim(&a, 1, 10);
	(void)side_pass_all(&a, &b);
	table_withdraw(&b.table, side_row_of(&b, 1));
	assert_false(table_has_message(&b.table));
	side_expect_equal(&a, &b);
}

static void test_without_a_session_nothing_is_queued(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		side_claim(&a, i, i);
		side_claim(&a, i, i + 1);
	}
	side_withdraw(&a, 50);
	assert_int_equal(a.table.publish.count, 0);
	assert_false(table_has_message(&a.table));
	table_snapshot_again(&a.table);
	assert_false(table_has_message(&a.table));
	side_start_session(&a, &b);
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
	assert_int_equal(b.table.peer_count, 99);
}

/* ---- snapshots ------------------------------------------------------------------------------ */

static void test_snapshot_end_sweeps_what_is_gone(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	for (uint32_t i = 0; i < 10; i++) {
		side_claim(&a, i, i);
	}
	(void)side_pass_all(&a, &b);
	side_end_session(&a, &b);
	/* What the peer claimed stays, frozen. */
	assert_int_equal(b.table.peer_count, 10);
	for (uint32_t i = 0; i < 5; i++) {
		side_withdraw(&a, i);
	}
	side_claim(&a, 7, 70);
	side_start_session(&a, &b);
	assert_true(side_pass_one(&a, &b));
	assert_int_equal(b.table.peer_count, 10);
	(void)side_pass_all(&a, &b);
	assert_int_equal(b.table.peer_count, 5);
	assert_null(side_row_of(&b, 0));
	side_expect_equal(&a, &b);
}

/* A small generator, so that a failure repeats. */
static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

static void change_something(struct side *side, uint64_t *seed)
{
	uint32_t key = next_random(seed) % 12;

	if (next_random(seed) % 2 != 0) {
		side_claim(side, key, next_random(seed) % 3);
	} else {
		side_withdraw(side, key);
	}
}

static void test_live1_changes_during_a_snapshot(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 500; round++) {
		uint64_t seed = round;

		for (uint32_t i = 0; i < 12; i++) {
			side_claim(&a, i, i);
			side_claim(&b, i, i);
		}
		side_start_session(&a, &b);
		for (uint32_t i = 0; i < 30; i++) {
			uint32_t what = next_random(&seed) % 8;

			if (what < 3) {
				change_something(&a, &seed);
			} else if (what < 5) {
				change_something(&b, &seed);
			} else if (what == 5) {
				table_snapshot_again(&a.table);
			} else if (what == 6) {
				(void)side_pass_one(&a, &b);
			} else {
				(void)side_pass_one(&b, &a);
			}
		}
		(void)side_pass_all(&a, &b);
		side_expect_equal(&a, &b);
		side_end_session(&a, &b);
	}
}

/* A snapshot asked for again while the first is on its way; only the last one counts. */
static void test_snapshot_restarted_in_the_middle(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 600; i++) {
		side_claim(&a, i, i);
	}
	side_start_session(&a, &b);
	assert_true(side_pass_one(&a, &b)); /* begin 1 */
	assert_true(side_pass_one(&a, &b)); /* 256 rows */
	for (uint32_t i = 0; i < 600; i += 2) {
		side_withdraw(&a, i);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		table_snapshot_again(&a.table);
	}
	assert_int_equal(a.table.snapshot_id, 1); /* first it ends */
	(void)side_pass_all(&a, &b);
	assert_int_equal(a.table.snapshot_id, 2); /* and then there is one more */
	side_expect_equal(&a, &b);
	assert_int_equal(b.table.peer_count, 300);
	assert_int_equal(a.table.snapshot_acked_id, 2);
}

/* SAFE: a snapshot is acknowledged when that very snapshot was programmed, not the one before. */
static void test_ack_names_the_snapshot_that_was_programmed(void **state)
{
	(void)state;
	side_claim(&a, 1, 1);
	side_start_session(&a, &b);
	b.slow = true;
	assert_true(side_pass_one(&a, &b)); /* begin 1 */
	assert_true(side_pass_one(&a, &b)); /* a row */
	assert_true(side_pass_one(&a, &b)); /* end 1 */
	table_snapshot_again(&a.table);
	side_claim(&a, 2, 2);
	assert_true(side_pass_one(&a, &b)); /* begin 2 */
	side_program_all(&b);
	table_refresh_acks(&b.table);
	/* Snapshot 2 has only begun. */
	assert_true(b.table.peer_snapshot_done_id < 2);
	(void)side_pass_one(&b, &a);
	assert_false(table_is_synced(&a.table));
	b.slow = false;
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
	assert_int_equal(b.table.peer_snapshot_done_id, 2);
}

static void test_acks_wait_for_programming(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	(void)side_pass_all(&a, &b);
	b.slow = true;
	for (uint32_t i = 0; i < 5; i++) {
		side_claim(&a, i, i);
		assert_true(side_pass_one(&a, &b)); /* batches 1 to 5 */
		table_refresh_acks(&b.table);
		assert_false(b.table.ack_due);
	}
	assert_non_null(table_program_pop(&b.table));
	table_refresh_acks(&b.table);
	assert_true(b.table.ack_due);
	assert_int_equal(b.table.batch_done, 1);
	assert_true(side_pass_one(&b, &a));
	assert_int_equal(a.acks, 1);
	assert_non_null(table_program_pop(&b.table));
	table_refresh_acks(&b.table);
	assert_false(b.table.ack_due); /* one mark at a time: the rest follows together */
	side_program_all(&b);
	b.slow = false;
	(void)side_pass_all(&a, &b);
	assert_int_equal(a.acks, 5);
	side_expect_equal(&a, &b);
}

static void test_a_snapshot_is_acknowledged_when_it_is_programmed(void **state)
{
	(void)state;
	side_claim(&a, 1, 1);
	side_start_session(&a, &b);
	b.slow = true;
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(side_pass_one(&a, &b)); /* begin, a row, end */
	}
	table_refresh_acks(&b.table);
	assert_int_equal(b.table.peer_snapshot_done_id, 0);
	assert_false(table_is_synced(&b.table));
	side_program_all(&b);
	table_refresh_acks(&b.table);
	assert_int_equal(b.table.peer_snapshot_done_id, 1);
}

/* ---- loss ----------------------------------------------------------------------------------- */

/* One story with changes of both, cut after @k messages, some of them lost on the way. */
static bool cut_after(uint32_t k, uint32_t lost, bool same_peer)
{
	uint64_t seed = k * 7919 + lost;
	uint32_t passed = 0;

	for (uint32_t i = 0; i < 300; i++) {
		side_claim(&a, i, i);
	}
	side_claim(&b, 3, 1);
	side_claim(&b, 1000, 1);
	side_start_session(&a, &b);
	while (passed < k) {
		bool moved = side_pass_one(&a, &b);

		passed += moved;
		if (passed < k && side_pass_one(&b, &a)) {
			passed++;
			moved = true;
		}
		if (!moved) {
			break;
		}
		change_something(&a, &seed);
		change_something(&b, &seed);
		if (passed == 4) {
			table_snapshot_again(&b.table);
		}
		if (passed > 30) {
			break;
		}
	}
	for (uint32_t i = 0; i < lost; i++) {
		side_lose_one(&a);
		side_lose_one(&b);
	}
	side_end_session(&a, &b);
	change_something(&a, &seed);
	change_something(&b, &seed);
	table_session_start(&a.table, same_peer);
	table_session_start(&b.table, same_peer);
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
	return passed >= k;
}

static void test_live1_cut_at_every_point_and_resume(void **state)
{
	(void)state;
	for (uint32_t lost = 0; lost < 4; lost++) {
		for (uint32_t k = 0; k < 40; k++) {
			free_sides(NULL);
			make_sides(NULL);
			(void)cut_after(k, lost, k % 2 == 0);
			/* And again on what is there. */
			side_end_session(&a, &b);
			(void)cut_after(k / 2, lost, true);
		}
	}
}

static void test_live1_one_side_resumes_with_an_empty_table(void **state)
{
	(void)state;
	for (uint32_t k = 0; k < 12; k++) {
		free_sides(NULL);
		make_sides(NULL);
		for (uint32_t i = 0; i < 300; i++) {
			side_claim(&a, i, i);
			side_claim(&b, i + 100, i);
		}
		side_start_session(&a, &b);
		for (uint32_t i = 0; i < k; i++) {
			(void)side_pass_one(&a, &b);
			(void)side_pass_one(&b, &a);
		}
		table_session_end(&a.table);
		side_fini(&b);
		side_init(&b, ROWS_MAX); /* a restart */
		side_claim(&b, 7, 7);
		table_session_start(&a.table, false);
		table_session_start(&b.table, false);
		(void)side_pass_all(&a, &b);
		side_expect_equal(&a, &b);
		assert_int_equal(a.table.peer_count, 1);
		assert_int_equal(a.table.rows_used, 300);
	}
}

static void test_another_incarnation_has_acknowledged_nothing(void **state)
{
	(void)state;
	side_claim(&a, 1, 1);
	side_start_session(&a, &b);
	(void)side_pass_all(&a, &b);
	side_end_session(&a, &b);
	assert_true((side_row_of(&a, 1)->flags & TABLE_ROW_ACKED) != 0);
	table_session_start(&a.table, true);
	assert_true((side_row_of(&a, 1)->flags & TABLE_ROW_ACKED) != 0);
	table_session_end(&a.table);
	table_session_start(&a.table, false);
	assert_true((side_row_of(&a, 1)->flags & TABLE_ROW_ACKED) == 0);
	/* Nor has the same one, of what changed meanwhile. */
	table_session_end(&a.table);
	side_claim(&a, 1, 2);
	table_session_start(&a.table, true);
	assert_true((side_row_of(&a, 1)->flags & TABLE_ROW_ACKED) == 0);
}

static void test_goodbye_forgets_all_claims_of_the_peer(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	side_claim(&a, 1, 1);
	side_claim(&b, 1, 1);
	side_claim(&b, 2, 2);
	(void)side_pass_all(&a, &b);
	side_end_session(&a, &b);
	table_forget_peer(&a.table, side_on_changed, &a);
	assert_int_equal(a.table.peer_count, 0);
	assert_true(a.table.peer_digest == 0);
	side_program_all(&a);
	assert_int_equal(a.table.rows_used, 1);
	side_start_session(&a, &b);
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
}

/* ---- digests -------------------------------------------------------------------------------- */

static void test_live1_a_row_lost_by_a_bug_is_found_and_repaired(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	for (uint32_t i = 0; i < 10; i++) {
		side_claim(&a, i, i);
	}
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
	/* As if a batch had been applied wrongly. */
	*(uint32_t *)table_peer(&b.table, side_row_of(&b, 3)) = 99;
	b.table.peer_digest ^= 1;
	assert_false(side_compare(&b, &a));
	assert_false(b.table.peer_proven);
	assert_true(b.table.resync_due);
	/* The repair itself goes by the digest: what it adds up to must be right again. */
	(void)side_pass_all(&a, &b);
	assert_int_equal(*(uint32_t *)table_peer(&b.table, side_row_of(&b, 3)), 3);
}

static void test_digest_in_the_middle_proves_nothing(void **state)
{
	struct wire_digest digest;

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		side_claim(&a, i, i);
	}
	side_start_session(&a, &b);
	table_describe(&a.table, &digest);
	assert_int_equal(digest.settled, 0);
	assert_true(table_compare(&b.table, &digest));
	assert_false(b.table.peer_proven);
	assert_false(b.table.resync_due);
	/* Settled here, but the snapshot of the receiver is not complete. */
	assert_true(side_pass_one(&a, &b));
	digest.settled = 1;
	assert_true(table_compare(&b.table, &digest));
	assert_false(b.table.resync_due);
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
}

static void test_equal_content_has_equal_digests(void **state)
{
	uint64_t digest;

	(void)state;
	side_start_session(&a, &b);
	for (uint32_t i = 0; i < 50; i++) {
		side_claim(&a, i, i);
	}
	for (uint32_t i = 50; i-- > 0;) {
		side_claim(&b, i, i);
	}
	assert_true(a.table.sent_digest == 0); /* it is of what was sent */
	(void)side_pass_all(&a, &b);
	(void)side_pass_all(&b, &a);
	assert_true(a.table.sent_digest == b.table.sent_digest);
	digest = a.table.sent_digest;
	side_claim(&a, 0, 1);
	assert_true(a.table.sent_digest == digest);
	(void)side_pass_all(&a, &b);
	assert_true(a.table.sent_digest != digest);
	assert_int_equal(a.table.sent_count, 50);
	side_withdraw(&a, 0);
	(void)side_pass_all(&a, &b);
	assert_int_equal(a.table.sent_count, 49);
	side_withdraw(&b, 0);
	(void)side_pass_all(&b, &a);
	side_claim(&a, 0, 0); /* the sequence number starts again */
	(void)side_pass_all(&a, &b);
	assert_true(a.table.sent_digest == digest);
	for (uint32_t i = 0; i < 50; i++) {
		side_withdraw(&a, i);
	}
	(void)side_pass_all(&a, &b);
	assert_true(a.table.sent_digest == 0);
	assert_int_equal(a.table.sent_count, 0);
}

#define TABLE_TEST(f) cmocka_unit_test_setup_teardown(f, make_sides, free_sides)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(test_live1_snapshot_carries_everything),
		TABLE_TEST(test_rows_come_in_slices),
		TABLE_TEST(test_increments_are_claims_and_withdrawals),
		TABLE_TEST(test_same_claim_again_changes_nothing),
		TABLE_TEST(test_changed_twice_before_sent_is_sent_once),
		TABLE_TEST(test_withdrawn_before_sent),
		TABLE_TEST(test_reclaimed_while_unacked_needs_its_own_ack),
		TABLE_TEST(test_not_claimed_is_not_withdrawn),
		TABLE_TEST(test_without_a_session_nothing_is_queued),
		TABLE_TEST(test_snapshot_end_sweeps_what_is_gone),
		TABLE_TEST(test_live1_changes_during_a_snapshot),
		TABLE_TEST(test_snapshot_restarted_in_the_middle),
		TABLE_TEST(test_ack_names_the_snapshot_that_was_programmed),
		TABLE_TEST(test_acks_wait_for_programming),
		TABLE_TEST(test_a_snapshot_is_acknowledged_when_it_is_programmed),
		TABLE_TEST(test_live1_cut_at_every_point_and_resume),
		TABLE_TEST(test_live1_one_side_resumes_with_an_empty_table),
		TABLE_TEST(test_another_incarnation_has_acknowledged_nothing),
		TABLE_TEST(test_goodbye_forgets_all_claims_of_the_peer),
		TABLE_TEST(test_live1_a_row_lost_by_a_bug_is_found_and_repaired),
		TABLE_TEST(test_digest_in_the_middle_proves_nothing),
		TABLE_TEST(test_equal_content_has_equal_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
