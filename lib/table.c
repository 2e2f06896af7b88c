/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replicated table (see table.h): memory, hash, lists, claims, digests, and the way of the
 * claims over the wire.  The owners of tables are leg.c and mac.c, engine.c moves the messages.
 */
#include "table.h"

#define XXH_INLINE_ALL
#define XXH_NO_STREAM
#include <string.h>
#include <xxhash.h>

#include "mlag.h"
#include "repair.h"

#define TABLE_COMPARES_VAIN_MAX 3 /* then everything is sent again */
#define TABLE_VALUE_SIZE_MAX 1024

/* The publish and unacked lists share the row's links: a row is in at most one of them. */
static void exchange_push(struct table *table, struct table_list *list, struct table_row *row,
			  uint16_t flag)
{
	uint32_t index = table_row_index(table, row);

	row->flags |= flag;
	row->exchange_prev = list->tail;
	row->exchange_next = TABLE_NIL;
	if (list->tail != TABLE_NIL) {
		table_row_at(table, list->tail)->exchange_next = index;
	} else {
		list->head = index;
	}
	list->tail = index;
	list->count++;
}

static void exchange_remove(struct table *table, struct table_list *list, struct table_row *row,
			    uint16_t flag)
{
	row->flags &= (uint16_t)~flag;
	if (row->exchange_prev != TABLE_NIL) {
		table_row_at(table, row->exchange_prev)->exchange_next = row->exchange_next;
	} else {
		list->head = row->exchange_next;
	}
	if (row->exchange_next != TABLE_NIL) {
		table_row_at(table, row->exchange_next)->exchange_prev = row->exchange_prev;
	} else {
		list->tail = row->exchange_prev;
	}
	list->count--;
}

static void publish(struct table *table, struct table_row *row)
{
	table->own_proven = false;
	table->digest_dirty = true;
	row->flags &= (uint16_t)~TABLE_ROW_ACKED;
	if (!table->live || (row->flags & TABLE_ROW_PUBLISH) != 0 ||
	    table_row_is_ahead(table, row)) {
		return; /* no session, it is there, or the snapshot comes by */
	}
	if ((row->flags & TABLE_ROW_UNACKED) != 0) {
		exchange_remove(table, &table->unacked, row, TABLE_ROW_UNACKED);
	}
	exchange_push(table, &table->publish, row, TABLE_ROW_PUBLISH);
}

uint64_t table_claim_digest(const struct table *table, const struct table_row *row, uint32_t seq,
			    const void *value)
{
	uint8_t bytes[TABLE_ENCODED_MAX];
	struct buf_writer writer;

	buf_writer_init(&writer, bytes, sizeof(bytes));
	table->class->put_key(&writer, table_key(table, row));
	buf_put_u32(&writer, seq);
	table->class->put_value(&writer, value);
	mlag_assert(!writer.failed);
	return XXH3_64bits_withSeed(bytes, writer.offset, DIGEST_SEED);
}

static bool is_scrubbed(const struct table *table, const struct table_row *row)
{
	return table_row_index(table, row) <= table->scrub.cursor;
}

static void drop_own(struct table *table, struct table_row *row)
{
	if (table_row_is_own(row)) {
		table->own_count--;
		table->scrub.own_count -= is_scrubbed(table, row);
		row->flags &= (uint16_t)~TABLE_ROW_OWN;
	}
}

void table_claim(struct table *table, struct table_row *row, uint32_t seq, const void *value)
{
	drop_own(table, row);
	row->flags |= TABLE_ROW_OWN;
	row->own_seq = seq;
	memcpy(table_own(table, row), value, table->class->value_size);
	table->own_count++;
	table->scrub.own_count += is_scrubbed(table, row);
	publish(table, row);
}

void table_withdraw(struct table *table, struct table_row *row)
{
	if (!table_row_is_own(row)) {
		return;
	}
	drop_own(table, row);
	row->own_seq = 0;
	publish(table, row);
}

void table_republish(struct table *table, struct table_row *row)
{
	publish(table, row);
}

void table_difference(struct table *table, enum table_difference_kind kind,
		      const struct table_row *row)
{
	struct table_difference *difference = &table->differences[table->differences_new];

	table->differences_count++;
	if (table->differences_new < TABLE_DIFFERENCES_MAX) {
		table->differences_new++;
		memset(difference, 0, sizeof(*difference));
		difference->kind = kind;
		if (row != NULL) {
			memcpy(difference->key, table_key(table, row), table->class->key_size);
		}
	}
}

/* The peer's claim of a row comes or goes: in the sums, and in those of the pass under way. */
static void sum_peer(struct table *table, const struct table_row *row, bool comes)
{
	uint64_t digest = table_claim_digest(table, row, row->peer_seq, table_peer(table, row));
	uint64_t change = comes ? digest : 0 - digest;
	uint32_t one = comes ? 1 : UINT32_MAX;

	table->peer_digest += change;
	table->peer_count += one;
	if (is_scrubbed(table, row)) {
		table->scrub.peer_digest += change;
		table->scrub.peer_count += one;
	}
}

static void drop_peer(struct table *table, struct table_row *row)
{
	sum_peer(table, row, false);
	table->peer_proven = false;
	table->digest_dirty = true;
	row->flags &= (uint16_t)~TABLE_ROW_PEER;
	row->peer_seq = 0;
}

static void set_peer(struct table *table, struct table_row *row, uint32_t seq, const void *value)
{
	row->flags |= TABLE_ROW_PEER;
	row->peer_seq = seq;
	memcpy(table_peer(table, row), value, table->class->value_size);
	sum_peer(table, row, true);
	table->peer_proven = false;
	table->digest_dirty = true;
}

void table_adopt_peer(struct table *table, struct table_row *row, uint32_t seq, const void *value)
{
	if (table_row_is_peer(row)) {
		drop_peer(table, row);
	}
	set_peer(table, row, seq, value);
}

void table_drop_peer(struct table *table, struct table_row *row)
{
	drop_peer(table, row);
}

void table_program(struct table *table, struct table_row *row)
{
	uint32_t index = table_row_index(table, row);
	struct table_list *list = &table->program;

	if ((row->flags & TABLE_ROW_PROGRAM) != 0) {
		return;
	}
	row->flags |= TABLE_ROW_PROGRAM;
	row->program_next = TABLE_NIL;
	if (list->tail != TABLE_NIL) {
		table_row_at(table, list->tail)->program_next = index;
	} else {
		list->head = index;
	}
	list->tail = index;
	list->count++;
	table->program_pushed_count++;
}

struct table_row *table_program_pop(struct table *table)
{
	struct table_list *list = &table->program;
	struct table_row *row;

	if (list->head == TABLE_NIL) {
		return NULL;
	}
	row = table_row_at(table, list->head);
	list->head = row->program_next;
	if (list->head == TABLE_NIL) {
		list->tail = TABLE_NIL;
	}
	list->count--;
	row->flags &= (uint16_t)~TABLE_ROW_PROGRAM;
	table->program_popped_count++;
	return row;
}

/* One row of a snapshot: what is said of it in this session begins here. */
static void take_row(struct table *table, struct table_row *row)
{
	if (table->start.fresh) {
		row->sent_digest = 0;
		row->flags &= (uint16_t) ~(table->start.keeps_acks ? 0 : TABLE_ROW_ACKED);
	}
	row->flags &= (uint16_t)~TABLE_ROW_SNAPSHOT;
	if (!table_row_is_own(row)) {
		return;
	}
	if ((row->flags & TABLE_ROW_UNACKED) != 0) {
		exchange_remove(table, &table->unacked, row, TABLE_ROW_UNACKED);
	}
	if ((row->flags & TABLE_ROW_PUBLISH) == 0) {
		exchange_push(table, &table->publish, row, TABLE_ROW_PUBLISH);
	}
	row->flags |= TABLE_ROW_SNAPSHOT;
	table->snapshot_left++;
}

void table_advance(struct table *table)
{
	struct table_start *start = &table->start;

	for (uint32_t i = 0; i < table->slice_rows && start->cursor < table->rows_made; i++) {
		struct table_row *row = table_row_at(table, ++start->cursor);

		if ((row->flags & TABLE_ROW_USED) != 0) {
			take_row(table, row);
		}
	}
	start->active = start->cursor < table->rows_made;
}

static void start_snapshot(struct table *table, bool fresh, bool keeps_acks)
{
	table->begin_due = true;
	table->end_due = true;
	table->snapshot_id++;
	table->snapshot_left = 0;
	table->own_proven = false;
	table->repair_begin_due = false;
	table->repair_end_due = false;
	table->start = (struct table_start){
		.active = true, .fresh = fresh, .keeps_acks = keeps_acks, .cursor = 0};
	table_advance(table);
}

void table_session_start(struct table *table, bool same_peer)
{
	const struct table_start *start = &table->start;
	/* What is left of one that was to forget acknowledgements has not forgotten them yet. */
	bool keeps_acks = same_peer && !(start->active && start->fresh && !start->keeps_acks);

	table->live = true;
	table->sent_count = 0;
	table->sent_digest = 0;
	table->compare_due = false;
	table->compares_vain = 0;
	table->peer_repair_open = false;
	table->batch_sent = 0;
	table->snapshot_acked_id = 0;
	table->snapshot_id = 0;
	table->peer_complete = false;
	table->peer_snapshot_open = false;
	table->peer_proven = false;
	table->resync_due = false;
	table->again_due = false;
	table->batch_heard = 0;
	table->batch_done = 0;
	table->batch_pending_valid = false;
	table->ack_due = false;
	table->snapshot_ack_pending = false;
	table->peer_snapshot_done_id = 0;
	table->digest_dirty = true;
	start_snapshot(table, true, keeps_acks);
}

static void empty_list(struct table *table, struct table_list *list, uint16_t flag)
{
	while (list->head != TABLE_NIL) {
		struct table_row *row = table_row_at(table, list->head);

		exchange_remove(table, list, row, flag);
		table_settle(table, row);
	}
}

void table_session_end(struct table *table)
{
	table->live = false;
	table->begin_due = false;
	table->end_due = false;
	table->resync_due = false;
	table->compare_due = false;
	table->repair_begin_due = false;
	table->repair_end_due = false;
	table->peer_repair_open = false;
	table->ack_due = false;
	table->own_proven = false;
	table->peer_proven = false;
	table->peer_complete = false;
	empty_list(table, &table->publish, TABLE_ROW_PUBLISH);
	empty_list(table, &table->unacked, TABLE_ROW_UNACKED);
}

void table_snapshot_again(struct table *table)
{
	if (!table->live || table->begin_due) {
		return;
	}
	/* One that is under way ends first: however often it is asked for, each is sent whole. */
	if (table->end_due) {
		table->again_due = true;
	} else {
		start_snapshot(table, false, true);
	}
}

void table_forget_peer(struct table *table, table_row_fn *changed, void *user)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(table, &cursor)) != NULL) {
		if (table_row_is_peer(row)) {
			drop_peer(table, row);
			changed(user, table, row);
			table_settle(table, row);
		}
	}
}

bool table_has_message(const struct table *table)
{
	return table->live && (table->begin_due || table->publish.count > 0 || table->resync_due ||
			       table->compare_due || table->repair_begin_due ||
			       ((table->end_due || table->repair_end_due) &&
				table->snapshot_left == 0 && !table->start.active));
}

/* What was sent is what the peer must hold when it has read it. */
static void note_sent(struct table *table, struct table_row *row, uint64_t digest)
{
	table->sent_digest += digest - row->sent_digest;
	table->sent_count += (digest != 0) - (row->sent_digest != 0 ? 1U : 0U);
	row->sent_digest = digest;
}

/* Write rows from the head of the publish list: at most a slice, at most what fits. */
static void put_rows(struct table *table, struct buf_writer *writer)
{
	uint16_t count = 0;
	uint32_t count_offset;

	buf_put_u8(writer, (uint8_t)table->class->id);
	buf_put_u32(writer, ++table->batch_sent);
	count_offset = writer->offset;
	buf_put_u16(writer, 0);
	while (table->publish.head != TABLE_NIL && count < MLAG_ROWS_PER_MESSAGE_MAX &&
	       writer->size - writer->offset > table->class->encoded_size_max) {
		struct table_row *row = table_row_at(table, table->publish.head);
		bool own = table_row_is_own(row);
		uint64_t digest = 0;
		bool repeated;

		if (own) {
			/* What no peer would take would end every session. */
			if (row->own_seq == 0 || row->own_seq > TABLE_SEQ_MAX) {
				row->own_seq = 1;
			}
			digest =
				table_claim_digest(table, row, row->own_seq, table_own(table, row));
		}
		/* A peer that repairs is told what is not news, so that it can say what was wrong. */
		repeated = own && table->repair_end_due && digest == row->sent_digest;
		exchange_remove(table, &table->publish, row, TABLE_ROW_PUBLISH);
		buf_put_u8(writer, repeated ? WIRE_ROW_REPEAT
				   : own    ? WIRE_ROW_CLAIM
					    : WIRE_ROW_WITHDRAW);
		note_sent(table, row, digest);
		table->class->put_key(writer, table_key(table, row));
		if (own) {
			buf_put_u32(writer, row->own_seq);
			table->class->put_value(writer, table_own(table, row));
		}
		if ((row->flags & TABLE_ROW_SNAPSHOT) != 0) {
			row->flags &= (uint16_t)~TABLE_ROW_SNAPSHOT;
			table->snapshot_left--;
		}
		row->batch = table->batch_sent;
		if (own) {
			exchange_push(table, &table->unacked, row, TABLE_ROW_UNACKED);
		} else {
			table_settle(table, row);
		}
		count++;
	}
	buf_patch_u16(writer, count_offset, count);
}

enum wire_type table_put_message(struct table *table, struct buf_writer *writer)
{
	enum wire_type type;

	if (!table_has_message(table)) {
		return WIRE_NONE;
	}
	if (table->resync_due) {
		table->resync_due = false;
		buf_put_u8(writer, (uint8_t)table->class->id);
		return WIRE_RESYNC;
	}
	if (table->begin_due) {
		table->begin_due = false;
		buf_put_u8(writer, (uint8_t)table->class->id);
		buf_put_u32(writer, table->snapshot_id);
		return WIRE_SNAPSHOT_BEGIN;
	}
	if (table->start.active && table->publish.count < MLAG_ROWS_PER_MESSAGE_MAX) {
		table_advance(table);
	}
	if (table->end_due && table->snapshot_left == 0 && !table->start.active) {
		table->end_due = false;
		buf_put_u8(writer, (uint8_t)table->class->id);
		buf_put_u32(writer, table->snapshot_id);
		if (table->again_due) {
			table->again_due = false;
			start_snapshot(table, false, true);
		}
		return WIRE_SNAPSHOT_END;
	}
	type = repair_put_message(table, writer);
	if (type != WIRE_NONE) {
		return type;
	}
	put_rows(table, writer);
	return WIRE_ROWS;
}

bool table_get_begin(struct table *table, struct buf_reader *reader)
{
	uint32_t id = buf_get_u32(reader);

	if (reader->failed || id == 0) {
		return false;
	}
	table->peer_epoch++;
	table->peer_snapshot_id = id;
	table->peer_snapshot_open = true;
	table->peer_repair_open = false;
	table->compare_due = false;
	table->peer_complete = false;
	table->snapshot_ack_pending = false; /* that was of the snapshot before */
	table->peer_proven = false;
	table->peer_dropped = false;
	return true;
}

/* Make room for a claim of the peer's, if it may have it. */
static struct table_row *add_for_peer(struct table *table, const void *key)
{
	struct table_row *row = table_find(table, key);

	if (row == NULL) {
		if (table->class->peer_rows_max == 0 ||
		    table->peer_count < table->class->peer_rows_max) {
			row = table_add(table, key);
		} else {
			table->full_count++;
		}
		table->peer_dropped = table->peer_dropped || row == NULL;
	}
	return row;
}

/* One row as it was read. */
struct row_input {
	uint8_t operation;
	uint32_t seq;
	_Alignas(8) uint8_t key[TABLE_KEY_SIZE_MAX];
	_Alignas(8) uint8_t value[TABLE_VALUE_SIZE_MAX];
};

/* False when the bytes make no sense. */
static bool read_row(const struct table *table, struct buf_reader *reader, struct row_input *ret)
{
	ret->operation = buf_get_u8(reader);
	memset(ret->key, 0, table->class->key_size);
	memset(ret->value, 0, table->class->value_size);
	if (!table->class->get_key(reader, ret->key)) {
		return false;
	}
	if (ret->operation == WIRE_ROW_WITHDRAW) {
		return true;
	}
	ret->seq = buf_get_u32(reader);
	return (ret->operation == WIRE_ROW_CLAIM ||
		(ret->operation == WIRE_ROW_REPEAT && table->peer_repairs)) &&
	       table->class->get_value(reader, ret->value) && !reader->failed && ret->seq != 0 &&
	       ret->seq <= TABLE_SEQ_MAX;
}

static void apply_withdrawal(struct table *table, const struct row_input *input,
			     table_row_fn *changed, void *user)
{
	struct table_row *row = table_find(table, input->key);

	if (row != NULL && table_row_is_peer(row)) {
		drop_peer(table, row);
		changed(user, table, row);
		table_settle(table, row);
	}
}

static void apply_claim(struct table *table, const struct row_input *input, table_row_fn *changed,
			void *user)
{
	enum table_difference_kind kind = TABLE_DIFFERENCE_MISSING;
	struct table_row *row = add_for_peer(table, input->key);

	if (row == NULL) {
		return; /* counted; the digests will differ and say so */
	}
	row->peer_epoch = table->peer_epoch;
	if (table_row_is_peer(row)) {
		if (row->peer_seq == input->seq &&
		    memcmp(table_peer(table, row), input->value, table->class->value_size) == 0) {
			return;
		}
		drop_peer(table, row);
		kind = TABLE_DIFFERENCE_OTHER;
	}
	if (input->operation == WIRE_ROW_REPEAT) {
		table_difference(table, kind, row);
	}
	set_peer(table, row, input->seq, input->value);
	changed(user, table, row);
}

bool table_get_rows(struct table *table, struct buf_reader *reader, table_row_fn *changed,
		    void *user)
{
	uint32_t batch = buf_get_u32(reader);
	uint32_t count = buf_get_u16(reader);
	struct buf_reader ahead = *reader;
	struct row_input input;

	mlag_assert(table->class->value_size <= TABLE_VALUE_SIZE_MAX);
	if (reader->failed || count > MLAG_ROWS_PER_MESSAGE_MAX ||
	    batch != table->batch_heard + 1) {
		return false;
	}
	/* A message is taken as a whole or not at all. */
	for (uint32_t i = 0; i < count; i++) {
		if (!read_row(table, &ahead, &input)) {
			return false;
		}
		table_expect(table, input.key);
	}
	for (uint32_t i = 0; i < count; i++) {
		(void)read_row(table, reader, &input);
		if (input.operation == WIRE_ROW_WITHDRAW) {
			apply_withdrawal(table, &input, changed, user);
		} else {
			apply_claim(table, &input, changed, user);
		}
	}
	table->batch_heard = batch;
	table->batch_heard_mark = table->program_pushed_count;
	return true;
}

bool table_get_end(struct table *table, struct buf_reader *reader, table_row_fn *changed,
		   void *user)
{
	uint32_t id = buf_get_u32(reader);
	struct table_row *row;
	uint32_t cursor = 0;

	if (reader->failed || !table->peer_snapshot_open || id != table->peer_snapshot_id) {
		return false;
	}
	/* What the snapshot did not mention, the peer no longer claims. */
	while (table->peer_count > 0 && (row = table_next(table, &cursor)) != NULL) {
		if (table_row_is_peer(row) && row->peer_epoch != table->peer_epoch) {
			drop_peer(table, row);
			changed(user, table, row);
			table_settle(table, row);
		}
	}
	table->peer_snapshot_open = false;
	table->peer_complete = true;
	table->snapshot_ack_pending = true;
	table->snapshot_mark = table->program_pushed_count;
	return true;
}

void table_refresh_acks(struct table *table)
{
	uint64_t done = table->program_popped_count;

	if (!table->live) {
		return;
	}
	if (table->batch_pending_valid && done >= table->batch_pending_mark) {
		table->batch_pending_valid = false;
		table->batch_done = table->batch_pending;
		table->ack_due = true;
	}
	if (!table->batch_pending_valid && table->batch_done != table->batch_heard) {
		if (done >= table->batch_heard_mark) {
			table->batch_done = table->batch_heard;
			table->ack_due = true;
		} else {
			table->batch_pending = table->batch_heard;
			table->batch_pending_mark = table->batch_heard_mark;
			table->batch_pending_valid = true;
		}
	}
	if (table->snapshot_ack_pending && done >= table->snapshot_mark) {
		table->snapshot_ack_pending = false;
		table->peer_snapshot_done_id = table->peer_snapshot_id;
		table->ack_due = true;
	}
}

void table_put_ack(struct table *table, struct buf_writer *writer)
{
	table->ack_due = false;
	buf_put_u8(writer, (uint8_t)table->class->id);
	buf_put_u32(writer, table->batch_done);
	buf_put_u32(writer, table->peer_snapshot_done_id);
}

bool table_get_ack(struct table *table, struct buf_reader *reader, table_row_fn *acked, void *user)
{
	uint32_t batch = buf_get_u32(reader);
	uint32_t snapshot_id = buf_get_u32(reader);

	if (reader->failed || batch > table->batch_sent || snapshot_id > table->snapshot_id) {
		return false;
	}
	while (table->unacked.head != TABLE_NIL) {
		struct table_row *row = table_row_at(table, table->unacked.head);

		if (row->batch > batch) {
			break;
		}
		exchange_remove(table, &table->unacked, row, TABLE_ROW_UNACKED);
		row->flags |= TABLE_ROW_ACKED;
		acked(user, table, row);
	}
	table->snapshot_acked_id = snapshot_id;
	return true;
}

static bool is_settled(const struct table *table)
{
	return table->publish.count == 0 && !table->begin_due && !table->end_due &&
	       !table->repair_begin_due && !table->repair_end_due;
}

void table_describe(const struct table *table, struct wire_digest *ret_digest)
{
	ret_digest->table = (uint8_t)table->class->id;
	ret_digest->settled = is_settled(table);
	ret_digest->own_count = table->sent_count;
	ret_digest->own_digest = table->sent_digest;
	ret_digest->heard_count = table->peer_count;
	ret_digest->heard_digest = table->peer_digest;
	ret_digest->batch_known = true;
	ret_digest->heard_batch = table->batch_heard;
}

bool table_compare(struct table *table, const struct wire_digest *digest)
{
	bool equal;

	/* The peer's picture of us may be behind what is in flight; only equality says something. */
	if (is_settled(table) && digest->heard_count == table->sent_count &&
	    digest->heard_digest == table->sent_digest &&
	    (!digest->batch_known || digest->heard_batch == table->batch_sent)) {
		table->own_proven = true;
	}
	/* A peer that repairs says what it has sent, which is what must be here by now. */
	if ((digest->settled == 0 && !table->peer_repairs) || !table->peer_complete ||
	    table->peer_repair_open) {
		return true;
	}
	equal = digest->own_count == table->peer_count && digest->own_digest == table->peer_digest;
	table->peer_proven = equal && digest->settled != 0;
	if (equal) {
		table->compares_vain = 0;
	} else if (table->peer_repairs && table->compares_vain < TABLE_COMPARES_VAIN_MAX) {
		table->compare_due = true;
	} else {
		table->resync_due = true;
	}
	return equal;
}

bool table_is_synced(const struct table *table)
{
	return table->live && table->peer_complete && !table->snapshot_ack_pending &&
	       table->snapshot_acked_id == table->snapshot_id && table->snapshot_id != 0;
}
