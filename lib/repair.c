/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Repair of a table (see repair.h).  The messages are part of the table's: table.c asks for them
 * here, and sends the rows.
 */
#include "repair.h"

#include <string.h>

#include "mlag.h"

static void put_compare(struct table *table, struct buf_writer *writer)
{
	struct digest_buckets heard;
	uint64_t sum = 0;

	digest_sum_heard(table, &heard);
	for (uint32_t i = 0; i < DIGEST_BUCKETS; i++) {
		sum += heard.sums[i];
	}
	if (sum != table->peer_digest) {
		table_difference(table, TABLE_DIFFERENCE_DIGEST, NULL);
		table->peer_digest = sum;
	}
	digest_put_buckets(writer, &heard);
}

enum wire_type repair_put_message(struct table *table, struct buf_writer *writer)
{
	if (table->compare_due) {
		table->compare_due = false;
		table->compares_vain++;
		buf_put_u8(writer, (uint8_t)table->class->id);
		put_compare(table, writer);
		return WIRE_COMPARE;
	}
	if (table->repair_begin_due) {
		table->repair_begin_due = false;
		buf_put_u8(writer, (uint8_t)table->class->id);
		digest_put_set(writer, &table->repair);
		return WIRE_REPAIR_BEGIN;
	}
	if (table->repair_end_due && table->snapshot_left == 0) {
		table->repair_end_due = false;
		buf_put_u8(writer, (uint8_t)table->class->id);
		return WIRE_REPAIR_END;
	}
	return WIRE_NONE;
}

/* What is in the buckets goes once more; what waits there to be sent goes before the end. */
static void start_repair(struct table *table)
{
	struct table_row *row;
	uint32_t cursor = 0;

	table->repair_begin_due = true;
	table->repair_end_due = true;
	table->snapshot_left = 0;
	while ((row = table_next(table, &cursor)) != NULL) {
		bool waits = (row->flags & TABLE_ROW_PUBLISH) != 0;

		row->flags &= (uint16_t)~TABLE_ROW_SNAPSHOT;
		if ((!table_row_is_own(row) && !waits) ||
		    !digest_set_has(&table->repair, digest_bucket(table, row))) {
			continue;
		}
		table_republish(table, row);
		row->flags |= TABLE_ROW_SNAPSHOT;
		table->snapshot_left++;
	}
}

bool repair_get_compare(struct table *table, struct buf_reader *reader)
{
	struct digest_buckets heard;
	struct digest_buckets sent;

	if (!digest_get_buckets(reader, &heard)) {
		return false;
	}
	/* A snapshot or a repair under way will do; if not, the peer asks again. */
	if (!table->live || table->begin_due || table->end_due || table->repair_begin_due ||
	    table->repair_end_due) {
		return true;
	}
	digest_sum_sent(table, &sent);
	memset(&table->repair, 0, sizeof(table->repair));
	if (digest_differ(&sent, &heard, &table->repair) > 0) {
		start_repair(table);
	}
	return true;
}

bool repair_get_begin(struct table *table, struct buf_reader *reader)
{
	if (!digest_get_set(reader, &table->peer_repair)) {
		return false;
	}
	/* In a snapshot, or before one, everything comes anyway. */
	if (table->peer_complete) {
		table->peer_epoch++;
		table->peer_repair_open = true;
	}
	return true;
}

bool repair_get_end(struct table *table, struct buf_reader *reader, table_row_fn *changed,
		    void *user)
{
	struct table_row *row;
	uint32_t cursor = 0;

	if (reader->failed || !table->peer_repair_open) {
		return !reader->failed;
	}
	table->peer_repair_open = false;
	while ((row = table_next(table, &cursor)) != NULL) {
		if (table_row_is_peer(row) && row->peer_epoch != table->peer_epoch &&
		    digest_set_has(&table->peer_repair, digest_bucket(table, row))) {
			table_difference(table, TABLE_DIFFERENCE_EXTRA, row);
			table_drop_peer(table, row);
			changed(user, table, row);
			table_settle(table, row);
		}
	}
	return true;
}
