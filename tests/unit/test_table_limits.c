/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replicated table when it is full, after a million lives, and when a peer says what no peer may
 * say.
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

/* ---- limits --------------------------------------------------------------------------------- */

static void test_full_table_is_counted_and_named_without_a_loop(void **state)
{
	(void)state;
	side_fini(&b);
	side_init(&b, 4);
	for (uint32_t i = 0; i < 10; i++) {
		side_claim(&a, i, i);
	}
	side_start_session(&a, &b);
	(void)side_pass_all(&a, &b);
	assert_int_equal(b.table.peer_count, 4);
	assert_int_equal(b.table.full_count, 6);
	for (uint32_t i = 0; i < 5; i++) {
		assert_false(side_compare(&b, &a));
		assert_true(b.table.resync_due);
		assert_true(side_pass_all(&a, &b) < 10);
		assert_int_equal(b.table.peer_count, 4);
		/* Nothing more is said before somebody compares again. */
		assert_false(table_has_message(&b.table));
	}
	/* As soon as there is room it is repaired. */
	for (uint32_t i = 0; i < 6; i++) {
		side_withdraw(&a, i);
	}
	(void)side_pass_all(&a, &b);
	(void)side_compare(&b, &a);
	(void)side_pass_all(&a, &b);
	side_expect_equal(&a, &b);
}

static void test_row_is_kept_while_its_owner_needs_it(void **state)
{
	uint32_t key = 1;
	struct table_row *row = table_add(&a.table, &key);

	(void)state;
	*(uint32_t *)table_local(&a.table, row) = 1;
	side_claim(&a, 1, 1);
	side_withdraw(&a, 1);
	assert_ptr_equal(side_row_of(&a, 1), row);
	*(uint32_t *)table_local(&a.table, row) = 0;
	table_program(&a.table, row);
	assert_false(table_settle(&a.table, row));
	assert_ptr_equal(table_program_pop(&a.table), row);
	assert_true(table_settle(&a.table, row));
	assert_int_equal(a.table.rows_used, 0);
	/* A new life starts from zero. */
	row = table_add(&a.table, &key);
	assert_int_equal(row->own_seq, 0);
	assert_int_equal(*(uint32_t *)table_local(&a.table, row), 0);
	assert_true(table_settle(&a.table, row));
}

static void test_a_million_lives_leave_nothing(void **state)
{
	(void)state;
	side_start_session(&a, &b);
	for (uint32_t i = 0; i < 1000000; i++) {
		side_claim(&a, i, 1);
		side_withdraw(&a, i);
		if (i % 200 == 0) {
			(void)side_pass_all(&a, &b);
		}
	}
	(void)side_pass_all(&a, &b);
	assert_int_equal(a.table.rows_used, 0);
	assert_int_equal(b.table.rows_used, 0);
	assert_true(a.table.rows_made <= 201);
	assert_int_equal(a.table.full_count, 0);
	assert_true(a.table.sent_digest == 0);
	side_expect_equal(&a, &b);
	for (uint32_t i = 0; i < 1000000; i++) {
		side_claim(&a, i, 1);
		if (i >= 100) {
			side_withdraw(&a, i - 100);
		}
		if (i % 100 == 0) {
			(void)side_pass_all(&a, &b);
		}
	}
	(void)side_pass_all(&a, &b);
	assert_int_equal(a.table.rows_used, 100);
	assert_int_equal(b.table.rows_used, 100);
	side_expect_equal(&a, &b);
}

static void test_all_rows_can_be_used_and_used_again(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < ROWS_MAX; i++) {
			side_claim(&a, i + round * 17, i);
		}
		assert_int_equal(a.table.rows_used, ROWS_MAX);
		side_claim(&a, 99999, 1);
		assert_null(side_row_of(&a, 99999));
		assert_int_equal(a.table.full_count, round + 1);
		for (uint32_t i = 0; i < ROWS_MAX; i++) {
			side_withdraw(&a, i + round * 17);
		}
		assert_int_equal(a.table.rows_used, 0);
		assert_int_equal(a.table.own_count, 0);
	}
}

/* ---- what no peer may say ------------------------------------------------------------------- */

static bool say_rows(uint32_t batch, uint16_t count, const uint32_t *words, uint32_t words_count,
		     uint8_t operation)
{
	static uint8_t payload[SIDE_PAYLOAD_MAX];
	struct buf_writer writer;

	buf_writer_init(&writer, payload, sizeof(payload));
	buf_put_u8(&writer, WIRE_TABLE_MACS);
	buf_put_u32(&writer, batch);
	buf_put_u16(&writer, count);
	for (uint32_t i = 0; i < words_count; i++) {
		if (i % 3 == 0) {
			buf_put_u8(&writer, operation);
		}
		buf_put_u32(&writer, words[i]);
	}
	return side_apply(&b, WIRE_ROWS, payload, writer.offset);
}

static void test_batches_without_gaps(void **state)
{
	static const uint32_t row[] = {1, 1, 1};

	(void)state;
	side_start_session(&a, &b);
	assert_false(say_rows(0, 1, row, 3, WIRE_ROW_CLAIM));
	assert_false(say_rows(2, 1, row, 3, WIRE_ROW_CLAIM));
	assert_int_equal(b.table.peer_count, 0);
	assert_true(say_rows(1, 1, row, 3, WIRE_ROW_CLAIM));
	assert_false(say_rows(1, 1, row, 3, WIRE_ROW_CLAIM));
	assert_false(say_rows(3, 1, row, 3, WIRE_ROW_CLAIM));
	assert_true(say_rows(2, 0, row, 0, WIRE_ROW_CLAIM));
	assert_int_equal(b.table.batch_heard, 2);
}

static void test_rows_that_make_no_sense(void **state)
{
	static const uint32_t row[] = {1, 1, 1};
	static const uint32_t bad_key[] = {UINT32_MAX, 1, 1};
	static const uint32_t bad_value[] = {1, 1, UINT32_MAX};

	(void)state;
	side_start_session(&a, &b);
	assert_false(say_rows(1, 257, row, 3, WIRE_ROW_CLAIM));
	assert_false(say_rows(1, 1, row, 3, 0));
	assert_false(say_rows(1, 1, row, 3, 3));
	assert_false(say_rows(1, 1, row, 3, 255));
	assert_false(say_rows(1, 1, bad_key, 3, WIRE_ROW_CLAIM));
	assert_false(say_rows(1, 1, bad_value, 3, WIRE_ROW_CLAIM));
	assert_int_equal(b.table.rows_used, 0);
	assert_int_equal(b.table.batch_heard, 0);
	/* A withdrawal of what was never claimed is no error. */
	assert_true(say_rows(1, 1, row, 1, WIRE_ROW_WITHDRAW));
	assert_int_equal(b.table.rows_used, 0);
}

static void test_acks_of_what_was_never_sent(void **state)
{
	uint8_t payload[9];
	struct buf_writer writer;

	(void)state;
	side_claim(&a, 1, 1);
	side_start_session(&a, &b);
	(void)side_pass_all(&a, &b); /* batch 1, snapshot 1 */
	for (uint32_t batch = 0; batch < 4; batch++) {
		for (uint32_t snapshot = 0; snapshot < 4; snapshot++) {
			buf_writer_init(&writer, payload, sizeof(payload));
			buf_put_u8(&writer, WIRE_TABLE_MACS);
			buf_put_u32(&writer, batch);
			buf_put_u32(&writer, snapshot);
			assert_int_equal(side_apply(&a, WIRE_ACK, payload, writer.offset),
					 batch <= 1 && snapshot <= 1);
		}
	}
}

static void test_snapshots_out_of_turn(void **state)
{
	static const uint8_t zero[5] = {WIRE_TABLE_MACS};
	static const uint8_t one[5] = {WIRE_TABLE_MACS, 0, 0, 0, 1};
	static const uint8_t two[5] = {WIRE_TABLE_MACS, 0, 0, 0, 2};

	(void)state;
	side_start_session(&a, &b);
	assert_false(side_apply(&b, WIRE_SNAPSHOT_END, one, 5));
	assert_false(side_apply(&b, WIRE_SNAPSHOT_BEGIN, zero, 5));
	assert_true(side_apply(&b, WIRE_SNAPSHOT_BEGIN, one, 5));
	assert_false(side_apply(&b, WIRE_SNAPSHOT_END, two, 5));
	assert_true(side_apply(&b, WIRE_SNAPSHOT_END, one, 5));
	assert_false(side_apply(&b, WIRE_SNAPSHOT_END, one, 5));
}

static void test_safe10_every_prefix_is_refused(void **state)
{
	static uint8_t payload[SIDE_PAYLOAD_MAX];
	uint32_t size;
	enum wire_type type;

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		side_claim(&a, i, i);
	}
	side_start_session(&a, &b);
	while ((type = side_next(&a, payload, &size)) != WIRE_NONE) {
		for (uint32_t cut = 1; cut < size; cut++) {
			assert_false(side_apply(&b, type, payload, cut));
		}
		/* Longer than known is fine. */
		payload[size] = 0xff;
		assert_true(side_apply(&b, type, payload, size + 1));
	}
	side_expect_heard(&b, &a);
}

#define TABLE_TEST(f) cmocka_unit_test_setup_teardown(f, make_sides, free_sides)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(test_full_table_is_counted_and_named_without_a_loop),
		TABLE_TEST(test_row_is_kept_while_its_owner_needs_it),
		TABLE_TEST(test_a_million_lives_leave_nothing),
		TABLE_TEST(test_all_rows_can_be_used_and_used_again),
		TABLE_TEST(test_batches_without_gaps),
		TABLE_TEST(test_rows_that_make_no_sense),
		TABLE_TEST(test_acks_of_what_was_never_sent),
		TABLE_TEST(test_snapshots_out_of_turn),
		TABLE_TEST(test_safe10_every_prefix_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
