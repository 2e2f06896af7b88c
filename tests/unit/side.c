/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables that are wired to each other directly (see side.h).
 */
#include "side.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

void side_init(struct side *side, uint32_t rows_max)
{
	memset(side, 0, sizeof(*side));
	side->memory = calloc(1, table_size(&numbers, rows_max));
	mlag_assert(side->memory != NULL);
	table_init(&side->table, &numbers, side->memory, rows_max, 99);
}

void side_fini(struct side *side)
{
	free(side->memory);
}

void side_on_changed(void *user, struct table *table, struct table_row *row)
{
	struct side *side = user;

	side->changes++;
	table_program(table, row);
}

void side_on_acked(void *user, struct table *table, struct table_row *row)
{
	struct side *side = user;

	(void)table;
	assert_true(table_row_is_own(row));
	side->acks++;
}

void side_claim(struct side *side, uint32_t key, uint32_t value)
{
	struct table_row *row = table_add(&side->table, &key);

	if (row != NULL) {
		table_claim(&side->table, row, row->own_seq + 1, &value);
	}
}

void side_withdraw(struct side *side, uint32_t key)
{
	struct table_row *row = table_find(&side->table, &key);

	if (row != NULL) {
		table_withdraw(&side->table, row);
		table_settle(&side->table, row);
	}
}

struct table_row *side_row_of(const struct side *side, uint32_t key)
{
	return table_find(&side->table, &key);
}

void side_program_all(struct side *side)
{
	struct table_row *row;

	while ((row = table_program_pop(&side->table)) != NULL) {
		table_settle(&side->table, row);
	}
}

enum wire_type side_next(struct side *side, uint8_t *payload, uint32_t *ret_size)
{
	struct buf_writer writer;
	enum wire_type type;

	buf_writer_init(&writer, payload, SIDE_PAYLOAD_MAX);
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

bool side_apply(struct side *side, enum wire_type type, const uint8_t *payload, uint32_t size)
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
		ok = table_get_rows(&side->table, &reader, side_on_changed, side);
	} else if (type == WIRE_SNAPSHOT_END) {
		ok = table_get_end(&side->table, &reader, side_on_changed, side);
	} else if (type == WIRE_ACK) {
		ok = table_get_ack(&side->table, &reader, side_on_acked, side);
	} else {
		assert_int_equal(type, WIRE_RESYNC);
		table_snapshot_again(&side->table);
	}
	free(copy);
	if (!side->slow) {
		side_program_all(side);
	}
	return ok;
}

bool side_pass_one(struct side *from, struct side *to)
{
	static uint8_t payload[SIDE_PAYLOAD_MAX];
	uint32_t size;
	enum wire_type type = side_next(from, payload, &size);

	if (type == WIRE_NONE) {
		return false;
	}
	assert_true(side_apply(to, type, payload, size));
	return true;
}

void side_lose_one(struct side *from)
{
	static uint8_t payload[SIDE_PAYLOAD_MAX];
	uint32_t size;

	(void)side_next(from, payload, &size);
}

uint32_t side_pass_all(struct side *a, struct side *b)
{
	uint32_t count = 0;
	bool moved;

	do {
		bool forth = side_pass_one(a, b);
		bool back = side_pass_one(b, a);

		moved = forth || back;
		count += (uint32_t)forth + (uint32_t)back;
		assert_true(count < 10000);
	} while (moved);
	return count;
}

void side_start_session(struct side *a, struct side *b)
{
	table_session_start(&a->table, true);
	table_session_start(&b->table, true);
}

void side_end_session(struct side *a, struct side *b)
{
	table_session_end(&a->table);
	table_session_end(&b->table);
}

bool side_compare(struct side *to, const struct side *from)
{
	struct wire_digest digest;

	memset(&digest, 0, sizeof(digest));
	table_describe(&from->table, &digest);
	return table_compare(&to->table, &digest);
}

void side_expect_heard(const struct side *to, const struct side *from)
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

void side_expect_equal(struct side *a, struct side *b)
{
	side_expect_heard(a, b);
	side_expect_heard(b, a);
	assert_true(side_compare(a, b));
	assert_true(side_compare(b, a));
	assert_true(a->table.own_proven && a->table.peer_proven);
	assert_true(b->table.own_proven && b->table.peer_proven);
	assert_true(table_is_synced(&a->table));
	assert_true(table_is_synced(&b->table));
	assert_int_equal(a->table.publish.count + a->table.unacked.count, 0);
	assert_int_equal(a->table.snapshot_left, 0);
}
