/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replicated table: two of them wired directly, with every loss at every point (LIVE-1).  The
 * class here has a number for a key and a number for a value, and its owner may need a row longer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mlag.h"
#include "table.h"

#define ROWS_MAX 600
#define PAYLOAD_MAX (MLAG_WIRE_PAYLOAD_MAX)

static void put_number(struct buf_writer *writer, const void *number)
{
	buf_put_u32(writer, *(const uint32_t *)number);
}

static bool get_number(struct buf_reader *reader, void *ret_number)
{
	*(uint32_t *)ret_number = buf_get_u32(reader);
	return !reader->failed && *(uint32_t *)ret_number != UINT32_MAX;
}

static bool is_idle(const void *local)
{
	return *(const uint32_t *)local == 0;
}

static const struct table_class numbers = {
	.id = WIRE_TABLE_MACS,
	.key_size = sizeof(uint32_t),
	.value_size = sizeof(uint32_t),
	.local_size = sizeof(uint32_t),
	.encoded_size_max = 1 + 4 + 4 + 4,
	.put_key = put_number,
	.get_key = get_number,
	.put_value = put_number,
	.get_value = get_number,
	.is_idle = is_idle,
};

struct side {
	struct table table;
	void *memory;
	uint32_t changes; /* of the peer's claims */
	uint32_t acks;
	bool slow; /* programs nothing until told */
};

static void side_init(struct side *side, uint32_t rows_max)
{
	memset(side, 0, sizeof(*side));
	side->memory = calloc(1, table_size(&numbers, rows_max));
	mlag_assert(side->memory != NULL);
	table_init(&side->table, &numbers, side->memory, rows_max, 99);
}

static void side_fini(struct side *side)
{
	free(side->memory);
}

static void on_changed(void *user, struct table *table, struct table_row *row)
{
	struct side *side = user;

	side->changes++;
	table_program(table, row);
}

static void on_acked(void *user, struct table *table, struct table_row *row)
{
	struct side *side = user;

	(void)table;
	assert_true(table_row_is_own(row));
	side->acks++;
}

static void claim(struct side *side, uint32_t key, uint32_t value)
{
	struct table_row *row = table_add(&side->table, &key);

	if (row != NULL) {
		table_claim(&side->table, row, row->own_seq + 1, &value);
	}
}

static void withdraw(struct side *side, uint32_t key)
{
	struct table_row *row = table_find(&side->table, &key);

	if (row != NULL) {
		table_withdraw(&side->table, row);
		table_settle(&side->table, row);
	}
}

static struct table_row *row_of(const struct side *side, uint32_t key)
{
	return table_find(&side->table, &key);
}

static void program_all(struct side *side)
{
	struct table_row *row;

	while ((row = table_program_pop(&side->table)) != NULL) {
		table_settle(&side->table, row);
	}
}

/* The next message of @side, as the engine would choose it. */
static enum wire_type next(struct side *side, uint8_t *payload, uint32_t *ret_size)
{
	struct buf_writer writer;
	enum wire_type type;

	buf_writer_init(&writer, payload, PAYLOAD_MAX);
	table_refresh_acks(&side->table);
	if (side->table.live && side->table.ack_due) {
		table_put_ack(&side->table, &writer);
		type = WIRE_ACK;
	} else {
		type = table_put_message(&side->table, &writer);
	}
	assert_false(writer.failed);
	*ret_size = writer.offset;
	return type;
}

/* Apply one message, read from memory of its very size. */
static bool apply(struct side *side, enum wire_type type, const uint8_t *payload, uint32_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);
	struct buf_reader reader;
	bool ok = true;

	assert_non_null(copy);
	memcpy(copy, payload, size);
	buf_reader_init(&reader, copy, size);
	assert_int_equal(buf_get_u8(&reader), WIRE_TABLE_MACS);
	if (type == WIRE_SNAPSHOT_BEGIN) {
		ok = table_get_begin(&side->table, &reader);
	} else if (type == WIRE_ROWS) {
		ok = table_get_rows(&side->table, &reader, on_changed, side);
	} else if (type == WIRE_SNAPSHOT_END) {
		ok = table_get_end(&side->table, &reader, on_changed, side);
	} else if (type == WIRE_ACK) {
		ok = table_get_ack(&side->table, &reader, on_acked, side);
	} else {
		assert_int_equal(type, WIRE_RESYNC);
		table_snapshot_again(&side->table);
	}
	free(copy);
	if (!side->slow) {
		program_all(side);
	}
	return ok;
}

/* One message from @from to @to; false when @from has nothing to say. */
static bool pass_one(struct side *from, struct side *to)
{
	static uint8_t payload[PAYLOAD_MAX];
	uint32_t size;
	enum wire_type type = next(from, payload, &size);

	if (type == WIRE_NONE) {
		return false;
	}
	assert_true(apply(to, type, payload, size));
	return true;
}

static void lose_one(struct side *from)
{
	static uint8_t payload[PAYLOAD_MAX];
	uint32_t size;

	(void)next(from, payload, &size);
}

static uint32_t pass_all(struct side *a, struct side *b)
{
	uint32_t count = 0;
	bool moved;

	do {
		bool forth = pass_one(a, b);
		bool back = pass_one(b, a);

		moved = forth || back;
		count += (uint32_t)forth + (uint32_t)back;
		assert_true(count < 10000);
	} while (moved);
	return count;
}

static void start_session(struct side *a, struct side *b)
{
	table_session_start(&a->table, true);
	table_session_start(&b->table, true);
}

static void end_session(struct side *a, struct side *b)
{
	table_session_end(&a->table);
	table_session_end(&b->table);
}

static bool compare(struct side *to, const struct side *from)
{
	struct wire_digest digest;

	memset(&digest, 0, sizeof(digest));
	table_describe(&from->table, &digest);
	return table_compare(&to->table, &digest);
}

static void expect_heard(const struct side *to, const struct side *from)
{
	struct table_row *row;
	uint32_t cursor = 0;

	assert_int_equal(to->table.peer_count, from->table.own_count);
	assert_true(to->table.peer_digest == from->table.sent_digest);
	while ((row = table_next(&from->table, &cursor)) != NULL) {
		struct table_row *heard;

		if (!table_row_is_own(row)) {
			continue;
		}
		heard = table_find(&to->table, table_key(&from->table, row));
		assert_non_null(heard);
		assert_true(table_row_is_peer(heard));
		assert_int_equal(heard->peer_seq, row->own_seq);
		assert_memory_equal(table_peer(&to->table, heard), table_own(&from->table, row),
				    sizeof(uint32_t));
	}
}

/* Each holds what the other claims, and both can prove it. */
static void expect_equal(struct side *a, struct side *b)
{
	expect_heard(a, b);
	expect_heard(b, a);
	assert_true(compare(a, b));
	assert_true(compare(b, a));
	assert_true(a->table.own_proven && a->table.peer_proven);
	assert_true(b->table.own_proven && b->table.peer_proven);
	assert_true(table_is_synced(&a->table));
	assert_true(table_is_synced(&b->table));
	assert_int_equal(a->table.publish.count + a->table.unacked.count, 0);
	assert_int_equal(a->table.snapshot_left, 0);
}

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
		claim(&a, key, key * 3);
	}
	claim(&b, 5, 1);
	start_session(&a, &b);
	assert_false(table_is_synced(&a.table));
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
	assert_int_equal(b.table.peer_count, 550);
	/* Every row was acknowledged, once. */
	assert_int_equal(a.acks, 550);
	assert_true((row_of(&a, 549)->flags & TABLE_ROW_ACKED) != 0);
	/* Nothing more is said. */
	assert_false(table_has_message(&a.table));
	assert_false(a.table.ack_due);
}

static void test_rows_come_in_slices(void **state)
{
	static uint8_t payload[PAYLOAD_MAX];
	struct buf_reader reader;
	uint32_t size;
	uint32_t rows = 0;

	(void)state;
	for (uint32_t key = 0; key < 600; key++) {
		claim(&a, key, 1);
	}
	start_session(&a, &b);
	assert_int_equal(next(&a, payload, &size), WIRE_SNAPSHOT_BEGIN);
	for (uint32_t batch = 1; batch <= 3; batch++) {
		assert_int_equal(next(&a, payload, &size), WIRE_ROWS);
		buf_reader_init(&reader, payload, size);
		(void)buf_get_u8(&reader);
		assert_int_equal(buf_get_u32(&reader), batch);
		rows = buf_get_u16(&reader);
		assert_int_equal(rows, batch < 3 ? MLAG_ROWS_PER_MESSAGE_MAX : 600 - 2 * 256);
	}
	assert_int_equal(next(&a, payload, &size), WIRE_SNAPSHOT_END);
}

static void test_increments_are_claims_and_withdrawals(void **state)
{
	(void)state;
	start_session(&a, &b);
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
	claim(&a, 1, 10);
	claim(&b, 1, 20);
	claim(&b, 2, 30);
	assert_false(a.table.own_proven);
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
	withdraw(&b, 2);
	claim(&a, 1, 11);
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
	assert_null(row_of(&a, 2));
	withdraw(&a, 1);
	withdraw(&b, 1);
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
	assert_int_equal(a.table.rows_used + b.table.rows_used, 0);
}

static void test_same_claim_again_changes_nothing(void **state)
{
	(void)state;
	start_session(&a, &b);
	claim(&a, 1, 10);
	(void)pass_all(&a, &b);
	assert_int_equal(b.changes, 1);
	/* A snapshot repeats what is known already: nobody has to program it again. */
	table_snapshot_again(&a.table);
	(void)pass_all(&a, &b);
	assert_int_equal(b.changes, 1);
	expect_equal(&a, &b);
}

static void test_changed_twice_before_sent_is_sent_once(void **state)
{
	(void)state;
	start_session(&a, &b);
	(void)pass_all(&a, &b);
	for (uint32_t i = 0; i < 100; i++) {
		claim(&a, 1, i);
	}
	assert_int_equal(a.table.publish.count, 1);
	(void)pass_all(&a, &b);
	assert_int_equal(b.changes, 1);
	expect_equal(&a, &b);
}

static void test_withdrawn_before_sent(void **state)
{
	(void)state;
	start_session(&a, &b);
	(void)pass_all(&a, &b);
	claim(&a, 1, 10);
	withdraw(&a, 1);
	(void)pass_all(&a, &b);
	assert_int_equal(b.changes, 0);
	expect_equal(&a, &b);
	assert_int_equal(a.table.rows_used + b.table.rows_used, 0);
	/* And while it still belongs to a snapshot. */
	end_session(&a, &b);
	claim(&a, 2, 10);
	start_session(&a, &b);
	withdraw(&a, 2);
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
	assert_int_equal(a.table.rows_used + b.table.rows_used, 0);
}

static void test_reclaimed_while_unacked_needs_its_own_ack(void **state)
{
	static uint8_t payload[PAYLOAD_MAX];
	struct buf_reader reader;
	struct buf_writer writer;
	uint32_t size;

	(void)state;
	start_session(&a, &b);
	(void)pass_all(&a, &b);
	claim(&a, 1, 10);
	assert_int_equal(next(&a, payload, &size), WIRE_ROWS); /* batch 1 */
	claim(&a, 1, 11);
	assert_int_equal(next(&a, payload, &size), WIRE_ROWS); /* batch 2 */
	buf_writer_init(&writer, payload, PAYLOAD_MAX);
	buf_put_u32(&writer, 1);
	buf_put_u32(&writer, 1);
	buf_reader_init(&reader, payload, writer.offset);
	assert_true(table_get_ack(&a.table, &reader, on_acked, &a));
	assert_int_equal(a.acks, 0);
	assert_true((row_of(&a, 1)->flags & TABLE_ROW_ACKED) == 0);
	payload[3] = 2;
	buf_reader_init(&reader, payload, writer.offset);
	assert_true(table_get_ack(&a.table, &reader, on_acked, &a));
	assert_int_equal(a.acks, 1);
	assert_true((row_of(&a, 1)->flags & TABLE_ROW_ACKED) != 0);
	/* Withdrawn while unacked: the acknowledgement finds nothing. */
	claim(&a, 1, 12);
	assert_int_equal(next(&a, payload, &size), WIRE_ROWS); /* batch 3 */
	withdraw(&a, 1);
	assert_int_equal(a.table.unacked.count, 0);
	assert_int_equal(next(&a, payload, &size), WIRE_ROWS); /* batch 4 */
	assert_int_equal(a.table.rows_used, 0);
}

static void test_not_claimed_is_not_withdrawn(void **state)
{
	(void)state;
	start_session(&a, &b);
	claim(&a, 1, 10);
	(void)pass_all(&a, &b);
	table_withdraw(&b.table, row_of(&b, 1));
	assert_false(table_has_message(&b.table));
	expect_equal(&a, &b);
}

static void test_without_a_session_nothing_is_queued(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		claim(&a, i, i);
		claim(&a, i, i + 1);
	}
	withdraw(&a, 50);
	assert_int_equal(a.table.publish.count, 0);
	assert_false(table_has_message(&a.table));
	table_snapshot_again(&a.table);
	assert_false(table_has_message(&a.table));
	start_session(&a, &b);
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
	assert_int_equal(b.table.peer_count, 99);
}

/* ---- snapshots ------------------------------------------------------------------------------ */

static void test_snapshot_end_sweeps_what_is_gone(void **state)
{
	(void)state;
	start_session(&a, &b);
	for (uint32_t i = 0; i < 10; i++) {
		claim(&a, i, i);
	}
	(void)pass_all(&a, &b);
	end_session(&a, &b);
	/* What the peer claimed stays, frozen. */
	assert_int_equal(b.table.peer_count, 10);
	for (uint32_t i = 0; i < 5; i++) {
		withdraw(&a, i);
	}
	claim(&a, 7, 70);
	start_session(&a, &b);
	assert_true(pass_one(&a, &b));
	assert_int_equal(b.table.peer_count, 10);
	(void)pass_all(&a, &b);
	assert_int_equal(b.table.peer_count, 5);
	assert_null(row_of(&b, 0));
	expect_equal(&a, &b);
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
		claim(side, key, next_random(seed) % 3);
	} else {
		withdraw(side, key);
	}
}

static void test_live1_changes_during_a_snapshot(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 500; round++) {
		uint64_t seed = round;

		for (uint32_t i = 0; i < 12; i++) {
			claim(&a, i, i);
			claim(&b, i, i);
		}
		start_session(&a, &b);
		for (uint32_t i = 0; i < 30; i++) {
			uint32_t what = next_random(&seed) % 8;

			if (what < 3) {
				change_something(&a, &seed);
			} else if (what < 5) {
				change_something(&b, &seed);
			} else if (what == 5) {
				table_snapshot_again(&a.table);
			} else if (what == 6) {
				(void)pass_one(&a, &b);
			} else {
				(void)pass_one(&b, &a);
			}
		}
		(void)pass_all(&a, &b);
		expect_equal(&a, &b);
		end_session(&a, &b);
	}
}

/* A snapshot asked for again while the first is on its way; only the last one counts. */
static void test_snapshot_restarted_in_the_middle(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 600; i++) {
		claim(&a, i, i);
	}
	start_session(&a, &b);
	assert_true(pass_one(&a, &b)); /* begin 1 */
	assert_true(pass_one(&a, &b)); /* 256 rows */
	for (uint32_t i = 0; i < 600; i += 2) {
		withdraw(&a, i);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		table_snapshot_again(&a.table);
	}
	assert_int_equal(a.table.snapshot_id, 1); /* first it ends */
	(void)pass_all(&a, &b);
	assert_int_equal(a.table.snapshot_id, 2); /* and then there is one more */
	expect_equal(&a, &b);
	assert_int_equal(b.table.peer_count, 300);
	assert_int_equal(a.table.snapshot_acked_id, 2);
}

/* SAFE: a snapshot is acknowledged when that very snapshot was programmed, not the one before. */
static void test_ack_names_the_snapshot_that_was_programmed(void **state)
{
	(void)state;
	claim(&a, 1, 1);
	start_session(&a, &b);
	b.slow = true;
	assert_true(pass_one(&a, &b)); /* begin 1 */
	assert_true(pass_one(&a, &b)); /* a row */
	assert_true(pass_one(&a, &b)); /* end 1 */
	table_snapshot_again(&a.table);
	claim(&a, 2, 2);
	assert_true(pass_one(&a, &b)); /* begin 2 */
	program_all(&b);
	table_refresh_acks(&b.table);
	/* Snapshot 2 has only begun. */
	assert_true(b.table.peer_snapshot_done_id < 2);
	(void)pass_one(&b, &a);
	assert_false(table_is_synced(&a.table));
	b.slow = false;
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
	assert_int_equal(b.table.peer_snapshot_done_id, 2);
}

static void test_acks_wait_for_programming(void **state)
{
	(void)state;
	start_session(&a, &b);
	(void)pass_all(&a, &b);
	b.slow = true;
	for (uint32_t i = 0; i < 5; i++) {
		claim(&a, i, i);
		assert_true(pass_one(&a, &b)); /* batches 1 to 5 */
		table_refresh_acks(&b.table);
		assert_false(b.table.ack_due);
	}
	assert_non_null(table_program_pop(&b.table));
	table_refresh_acks(&b.table);
	assert_true(b.table.ack_due);
	assert_int_equal(b.table.batch_done, 1);
	assert_true(pass_one(&b, &a));
	assert_int_equal(a.acks, 1);
	assert_non_null(table_program_pop(&b.table));
	table_refresh_acks(&b.table);
	assert_false(b.table.ack_due); /* one mark at a time: the rest follows together */
	program_all(&b);
	b.slow = false;
	(void)pass_all(&a, &b);
	assert_int_equal(a.acks, 5);
	expect_equal(&a, &b);
}

static void test_a_snapshot_is_acknowledged_when_it_is_programmed(void **state)
{
	(void)state;
	claim(&a, 1, 1);
	start_session(&a, &b);
	b.slow = true;
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(pass_one(&a, &b)); /* begin, a row, end */
	}
	table_refresh_acks(&b.table);
	assert_int_equal(b.table.peer_snapshot_done_id, 0);
	assert_false(table_is_synced(&b.table));
	program_all(&b);
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
		claim(&a, i, i);
	}
	claim(&b, 3, 1);
	claim(&b, 1000, 1);
	start_session(&a, &b);
	while (passed < k) {
		bool moved = pass_one(&a, &b);

		passed += moved;
		if (passed < k && pass_one(&b, &a)) {
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
		lose_one(&a);
		lose_one(&b);
	}
	end_session(&a, &b);
	change_something(&a, &seed);
	change_something(&b, &seed);
	table_session_start(&a.table, same_peer);
	table_session_start(&b.table, same_peer);
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
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
			end_session(&a, &b);
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
			claim(&a, i, i);
			claim(&b, i + 100, i);
		}
		start_session(&a, &b);
		for (uint32_t i = 0; i < k; i++) {
			(void)pass_one(&a, &b);
			(void)pass_one(&b, &a);
		}
		table_session_end(&a.table);
		side_fini(&b);
		side_init(&b, ROWS_MAX); /* a restart */
		claim(&b, 7, 7);
		table_session_start(&a.table, false);
		table_session_start(&b.table, false);
		(void)pass_all(&a, &b);
		expect_equal(&a, &b);
		assert_int_equal(a.table.peer_count, 1);
		assert_int_equal(a.table.rows_used, 300);
	}
}

static void test_another_incarnation_has_acknowledged_nothing(void **state)
{
	(void)state;
	claim(&a, 1, 1);
	start_session(&a, &b);
	(void)pass_all(&a, &b);
	end_session(&a, &b);
	assert_true((row_of(&a, 1)->flags & TABLE_ROW_ACKED) != 0);
	table_session_start(&a.table, true);
	assert_true((row_of(&a, 1)->flags & TABLE_ROW_ACKED) != 0);
	table_session_end(&a.table);
	table_session_start(&a.table, false);
	assert_true((row_of(&a, 1)->flags & TABLE_ROW_ACKED) == 0);
	/* Nor has the same one, of what changed meanwhile. */
	table_session_end(&a.table);
	claim(&a, 1, 2);
	table_session_start(&a.table, true);
	assert_true((row_of(&a, 1)->flags & TABLE_ROW_ACKED) == 0);
}

static void test_goodbye_forgets_all_claims_of_the_peer(void **state)
{
	(void)state;
	start_session(&a, &b);
	claim(&a, 1, 1);
	claim(&b, 1, 1);
	claim(&b, 2, 2);
	(void)pass_all(&a, &b);
	end_session(&a, &b);
	table_forget_peer(&a.table, on_changed, &a);
	assert_int_equal(a.table.peer_count, 0);
	assert_true(a.table.peer_digest == 0);
	program_all(&a);
	assert_int_equal(a.table.rows_used, 1);
	start_session(&a, &b);
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
}

/* ---- digests -------------------------------------------------------------------------------- */

static void test_live1_a_row_lost_by_a_bug_is_found_and_repaired(void **state)
{
	(void)state;
	start_session(&a, &b);
	for (uint32_t i = 0; i < 10; i++) {
		claim(&a, i, i);
	}
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
	/* As if a batch had been applied wrongly. */
	*(uint32_t *)table_peer(&b.table, row_of(&b, 3)) = 99;
	b.table.peer_digest ^= 1;
	assert_false(compare(&b, &a));
	assert_false(b.table.peer_proven);
	assert_true(b.table.resync_due);
	/* The repair itself goes by the digest: what it adds up to must be right again. */
	(void)pass_all(&a, &b);
	assert_int_equal(*(uint32_t *)table_peer(&b.table, row_of(&b, 3)), 3);
}

static void test_digest_in_the_middle_proves_nothing(void **state)
{
	struct wire_digest digest;

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		claim(&a, i, i);
	}
	start_session(&a, &b);
	table_describe(&a.table, &digest);
	assert_int_equal(digest.settled, 0);
	assert_true(table_compare(&b.table, &digest));
	assert_false(b.table.peer_proven);
	assert_false(b.table.resync_due);
	/* Settled here, but the snapshot of the receiver is not complete. */
	assert_true(pass_one(&a, &b));
	digest.settled = 1;
	assert_true(table_compare(&b.table, &digest));
	assert_false(b.table.resync_due);
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
}

static void test_equal_content_has_equal_digests(void **state)
{
	uint64_t digest;

	(void)state;
	start_session(&a, &b);
	for (uint32_t i = 0; i < 50; i++) {
		claim(&a, i, i);
	}
	for (uint32_t i = 50; i-- > 0;) {
		claim(&b, i, i);
	}
	assert_true(a.table.sent_digest == 0); /* it is of what was sent */
	(void)pass_all(&a, &b);
	(void)pass_all(&b, &a);
	assert_true(a.table.sent_digest == b.table.sent_digest);
	digest = a.table.sent_digest;
	claim(&a, 0, 1);
	assert_true(a.table.sent_digest == digest);
	(void)pass_all(&a, &b);
	assert_true(a.table.sent_digest != digest);
	assert_int_equal(a.table.sent_count, 50);
	withdraw(&a, 0);
	(void)pass_all(&a, &b);
	assert_int_equal(a.table.sent_count, 49);
	withdraw(&b, 0);
	(void)pass_all(&b, &a);
	claim(&a, 0, 0); /* the sequence number starts again */
	(void)pass_all(&a, &b);
	assert_true(a.table.sent_digest == digest);
	for (uint32_t i = 0; i < 50; i++) {
		withdraw(&a, i);
	}
	(void)pass_all(&a, &b);
	assert_true(a.table.sent_digest == 0);
	assert_int_equal(a.table.sent_count, 0);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void test_full_table_is_counted_and_named_without_a_loop(void **state)
{
	(void)state;
	side_fini(&b);
	side_init(&b, 4);
	for (uint32_t i = 0; i < 10; i++) {
		claim(&a, i, i);
	}
	start_session(&a, &b);
	(void)pass_all(&a, &b);
	assert_int_equal(b.table.peer_count, 4);
	assert_int_equal(b.table.full_count, 6);
	for (uint32_t i = 0; i < 5; i++) {
		assert_false(compare(&b, &a));
		assert_true(b.table.resync_due);
		assert_true(pass_all(&a, &b) < 10);
		assert_int_equal(b.table.peer_count, 4);
		/* Nothing more is said before somebody compares again. */
		assert_false(table_has_message(&b.table));
	}
	/* As soon as there is room it is repaired. */
	for (uint32_t i = 0; i < 6; i++) {
		withdraw(&a, i);
	}
	(void)pass_all(&a, &b);
	(void)compare(&b, &a);
	(void)pass_all(&a, &b);
	expect_equal(&a, &b);
}

static void test_row_is_kept_while_its_owner_needs_it(void **state)
{
	uint32_t key = 1;
	struct table_row *row = table_add(&a.table, &key);

	(void)state;
	*(uint32_t *)table_local(&a.table, row) = 1;
	claim(&a, 1, 1);
	withdraw(&a, 1);
	assert_ptr_equal(row_of(&a, 1), row);
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
	start_session(&a, &b);
	for (uint32_t i = 0; i < 1000000; i++) {
		claim(&a, i, 1);
		withdraw(&a, i);
		if (i % 200 == 0) {
			(void)pass_all(&a, &b);
		}
	}
	(void)pass_all(&a, &b);
	assert_int_equal(a.table.rows_used, 0);
	assert_int_equal(b.table.rows_used, 0);
	assert_true(a.table.rows_made <= 201);
	assert_int_equal(a.table.full_count, 0);
	assert_true(a.table.sent_digest == 0);
	expect_equal(&a, &b);
	for (uint32_t i = 0; i < 1000000; i++) {
		claim(&a, i, 1);
		if (i >= 100) {
			withdraw(&a, i - 100);
		}
		if (i % 100 == 0) {
			(void)pass_all(&a, &b);
		}
	}
	(void)pass_all(&a, &b);
	assert_int_equal(a.table.rows_used, 100);
	assert_int_equal(b.table.rows_used, 100);
	expect_equal(&a, &b);
}

static void test_all_rows_can_be_used_and_used_again(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < ROWS_MAX; i++) {
			claim(&a, i + round * 17, i);
		}
		assert_int_equal(a.table.rows_used, ROWS_MAX);
		claim(&a, 99999, 1);
		assert_null(row_of(&a, 99999));
		assert_int_equal(a.table.full_count, round + 1);
		for (uint32_t i = 0; i < ROWS_MAX; i++) {
			withdraw(&a, i + round * 17);
		}
		assert_int_equal(a.table.rows_used, 0);
		assert_int_equal(a.table.own_count, 0);
	}
}

/* ---- what no peer may say ------------------------------------------------------------------- */

static bool say_rows(uint32_t batch, uint16_t count, const uint32_t *words, uint32_t words_count,
		     uint8_t operation)
{
	static uint8_t payload[PAYLOAD_MAX];
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
	return apply(&b, WIRE_ROWS, payload, writer.offset);
}

static void test_batches_without_gaps(void **state)
{
	static const uint32_t row[] = {1, 1, 1};

	(void)state;
	start_session(&a, &b);
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
	start_session(&a, &b);
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
	claim(&a, 1, 1);
	start_session(&a, &b);
	(void)pass_all(&a, &b); /* batch 1, snapshot 1 */
	for (uint32_t batch = 0; batch < 4; batch++) {
		for (uint32_t snapshot = 0; snapshot < 4; snapshot++) {
			buf_writer_init(&writer, payload, sizeof(payload));
			buf_put_u8(&writer, WIRE_TABLE_MACS);
			buf_put_u32(&writer, batch);
			buf_put_u32(&writer, snapshot);
			assert_int_equal(apply(&a, WIRE_ACK, payload, writer.offset),
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
	start_session(&a, &b);
	assert_false(apply(&b, WIRE_SNAPSHOT_END, one, 5));
	assert_false(apply(&b, WIRE_SNAPSHOT_BEGIN, zero, 5));
	assert_true(apply(&b, WIRE_SNAPSHOT_BEGIN, one, 5));
	assert_false(apply(&b, WIRE_SNAPSHOT_END, two, 5));
	assert_true(apply(&b, WIRE_SNAPSHOT_END, one, 5));
	assert_false(apply(&b, WIRE_SNAPSHOT_END, one, 5));
}

static void test_safe10_every_prefix_is_refused(void **state)
{
	static uint8_t payload[PAYLOAD_MAX];
	uint32_t size;
	enum wire_type type;

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		claim(&a, i, i);
	}
	start_session(&a, &b);
	while ((type = next(&a, payload, &size)) != WIRE_NONE) {
		for (uint32_t cut = 1; cut < size; cut++) {
			assert_false(apply(&b, type, payload, cut));
		}
		/* Longer than known is fine. */
		payload[size] = 0xff;
		assert_true(apply(&b, type, payload, size + 1));
	}
	expect_heard(&b, &a);
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
