/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions and answers about tables (see diff.h).  Called by engine.c with events and messages, by
 * outbox.c for what is to be said, and by the adapter that shows it.
 */
#include "diff.h"

#include <string.h>

#include "engine.h"

#define DIFF_MODE_KEY 1
#define DIFF_MODE_ROWS 2
#define DIFF_HAS_OWN 0x01
#define DIFF_HAS_HEARD 0x02
#define DIFF_LOOKS_MAX 65536 /* rows looked at for one answer */

/* ---- rows in the words of the contract ------------------------------------------------------ */

static void view_key(enum wire_table id, const void *key, struct mlag_row_key *ret_key)
{
	memset(ret_key, 0, sizeof(*ret_key));
	ret_key->table = (enum mlag_table)id;
	switch (id) {
	case WIRE_TABLE_LEGS:
		ret_key->lag_id = ((const struct leg_key *)key)->lag_id;
		break;
	case WIRE_TABLE_MACS: {
		const struct mlag_mac_key *mac = key;

		ret_key->vlan = mac->vlan;
		ret_key->mac = mac->mac;
		break;
	}
	case WIRE_TABLE_ADDRESSES: {
		const struct mlag_address_key *address = key;

		ret_key->kind = address->kind;
		ret_key->family = address->family;
		ret_key->vlan = address->vlan;
		ret_key->domain = address->domain;
		memcpy(ret_key->octets, address->octets, sizeof(ret_key->octets));
		break;
	}
	case WIRE_TABLE_NEIGHBORS: {
		const struct mlag_neighbor_key *neighbor = key;

		ret_key->kind = neighbor->device;
		ret_key->family = neighbor->family;
		ret_key->vlan = neighbor->vlan;
		memcpy(ret_key->octets, neighbor->octets, sizeof(ret_key->octets));
		break;
	}
	case WIRE_TABLE_NONE:
	case WIRE_TABLES_COUNT:
		break;
	}
}

/* The way back; @ret_key is zeroed by the caller. */
static void take_key(const struct mlag_row_key *view, uint8_t *ret_key)
{
	struct leg_key leg = {view->lag_id};
	struct mlag_mac_key mac = {view->vlan, view->mac};
	struct mlag_address_key address = {view->kind, view->family, view->vlan, view->domain, {0}};
	struct mlag_neighbor_key neighbor = {view->family, view->kind, view->vlan, {0}};

	memcpy(address.octets, view->octets, sizeof(address.octets));
	memcpy(neighbor.octets, view->octets, sizeof(neighbor.octets));
	switch (view->table) {
	case MLAG_TABLE_LEGS:
		memcpy(ret_key, &leg, sizeof(leg));
		break;
	case MLAG_TABLE_MACS:
		memcpy(ret_key, &mac, sizeof(mac));
		break;
	case MLAG_TABLE_ADDRESSES:
		memcpy(ret_key, &address, sizeof(address));
		break;
	case MLAG_TABLE_NEIGHBORS:
		memcpy(ret_key, &neighbor, sizeof(neighbor));
		break;
	case MLAG_TABLE_NONE:
	case MLAG_TABLES_COUNT:
		break;
	}
}

static void view_claim(enum wire_table id, uint32_t seq, const void *value,
		       struct mlag_claim_view *ret_claim)
{
	memset(ret_claim, 0, sizeof(*ret_claim));
	ret_claim->present = true;
	ret_claim->seq = seq;
	switch (id) {
	case WIRE_TABLE_LEGS: {
		const struct leg_value *leg = value;

		ret_claim->up = leg->up;
		ret_claim->open = leg->open;
		ret_claim->lacp = leg->lacp;
		ret_claim->generation = leg->generation;
		ret_claim->enforced = leg->enforced;
		ret_claim->mac = leg->partner_mac;
		break;
	}
	case WIRE_TABLE_MACS: {
		const struct mac_value *mac = value;

		ret_claim->lag_id = mac->lag_id;
		ret_claim->fixed = (mac->flags & MAC_FLAG_STATIC) != 0;
		break;
	}
	case WIRE_TABLE_ADDRESSES:
		ret_claim->domain = ((const struct address_value *)value)->domain;
		break;
	case WIRE_TABLE_NEIGHBORS: {
		const struct neighbor_value *neighbor = value;

		ret_claim->mac = neighbor->mac;
		ret_claim->fixed = (neighbor->flags & NEIGHBOR_FLAG_STATIC) != 0;
		break;
	}
	case WIRE_TABLE_NONE:
	case WIRE_TABLES_COUNT:
		break;
	}
}

void diff_describe(const struct table *table, const struct table_difference *difference,
		   struct mlag_difference *ret_difference)
{
	switch (difference->kind) {
	case TABLE_DIFFERENCE_NONE:
		ret_difference->kind = MLAG_DIFFERENCE_NONE;
		break;
	case TABLE_DIFFERENCE_MISSING:
		ret_difference->kind = MLAG_DIFFERENCE_MISSING;
		break;
	case TABLE_DIFFERENCE_OTHER:
		ret_difference->kind = MLAG_DIFFERENCE_OTHER;
		break;
	case TABLE_DIFFERENCE_EXTRA:
		ret_difference->kind = MLAG_DIFFERENCE_EXTRA;
		break;
	case TABLE_DIFFERENCE_OWN:
		ret_difference->kind = MLAG_DIFFERENCE_OWN;
		break;
	case TABLE_DIFFERENCE_DIGEST:
		ret_difference->kind = MLAG_DIFFERENCE_DIGEST;
		break;
	}
	view_key(table->class->id, difference->key, &ret_difference->key);
}

/* ---- asking --------------------------------------------------------------------------------- */

static struct table *table_of(struct mlag_engine *engine, uint32_t id)
{
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		if (engine_table(engine, i)->class->id == id) {
			return engine_table(engine, i);
		}
	}
	return NULL;
}

void diff_ask(struct mlag_engine *engine, const struct mlag_question *question)
{
	struct diff *diff = &engine->diff;
	struct table *table = table_of(engine, question->key.table);
	struct table_row *row;
	uint32_t cursor = 0;

	if (table == NULL || question->id == 0) {
		engine->ignored_count++;
		return;
	}
	memset(&diff->own, 0, sizeof(diff->own));
	memset(&diff->view, 0, sizeof(diff->view));
	diff->own.id = question->id;
	diff->own.table = table->class->id;
	diff->own.has_key = question->has_key;
	take_key(&question->key, diff->own.key);
	diff->rows_count = 0;
	diff->rows_next = 0;
	diff->rest_cursor = 0;
	diff->state = table->live && table->peer_repairs ? DIFF_DUE : DIFF_FAILED;
	while ((row = table_next(table, &cursor)) != NULL) {
		row->flags &= (uint16_t)~TABLE_ROW_TOLD;
	}
}

void diff_session_start(struct mlag_engine *engine)
{
	engine->diff.tell_due = false;
}

void diff_session_end(struct mlag_engine *engine)
{
	engine->diff.tell_due = false;
	if (engine->diff.state != DIFF_IDLE) {
		engine->diff.state = DIFF_FAILED;
	}
}

static void put_ask(struct mlag_engine *engine, struct buf_writer *writer)
{
	struct diff *diff = &engine->diff;
	const struct table *table = table_of(engine, diff->own.table);
	struct digest_buckets buckets;

	diff->state = DIFF_WAITING;
	buf_put_u8(writer, (uint8_t)diff->own.table);
	buf_put_u32(writer, diff->own.id);
	buf_put_u8(writer, diff->own.has_key ? DIFF_MODE_KEY : DIFF_MODE_ROWS);
	buf_put_u32(writer, diff->own.cursor);
	if (diff->own.has_key) {
		table->class->put_key(writer, diff->own.key);
		return;
	}
	digest_sum_sent(table, &buckets);
	digest_put_buckets(writer, &buckets);
	digest_sum_heard(table, &buckets);
	digest_put_buckets(writer, &buckets);
}

/* ---- answering ------------------------------------------------------------------------------ */

bool diff_get_ask(struct mlag_engine *engine, struct table *table, struct buf_reader *reader)
{
	struct diff_question *peer = &engine->diff.peer;
	struct digest_buckets there;
	struct digest_buckets here;
	uint32_t mode;

	memset(peer, 0, sizeof(*peer));
	engine->diff.tell_due = false;
	peer->table = table->class->id;
	peer->id = buf_get_u32(reader);
	mode = buf_get_u8(reader);
	peer->cursor = buf_get_u32(reader);
	if (reader->failed) {
		return false;
	}
	if (mode == DIFF_MODE_KEY) {
		peer->has_key = true;
		if (!table->class->get_key(reader, peer->key)) {
			return false;
		}
	} else if (mode == DIFF_MODE_ROWS) {
		if (!digest_get_buckets(reader, &there)) {
			return false;
		}
		digest_sum_heard(table, &here);
		digest_differ(&here, &there, &peer->differ);
		if (!digest_get_buckets(reader, &there)) {
			return false;
		}
		digest_sum_sent(table, &here);
		digest_differ(&here, &there, &peer->differ);
	} else {
		return true; /* a newer peer's question */
	}
	engine->diff.tell_due = true;
	return true;
}

static void put_claim(const struct table *table, uint32_t seq, const void *value,
		      struct buf_writer *writer)
{
	buf_put_u32(writer, seq);
	table->class->put_value(writer, value);
}

static void put_row(const struct table *table, const struct table_row *row,
		    struct buf_writer *writer)
{
	table->class->put_key(writer, table_key(table, row));
	buf_put_u8(writer, (table_row_is_own(row) ? DIFF_HAS_OWN : 0) |
				   (table_row_is_peer(row) ? DIFF_HAS_HEARD : 0));
	if (table_row_is_own(row)) {
		put_claim(table, row->own_seq, table_own(table, row), writer);
	}
	if (table_row_is_peer(row)) {
		put_claim(table, row->peer_seq, table_peer(table, row), writer);
	}
}

/* Rows of the buckets that differ, from the peer's cursor on; the next cursor, 0 at the end. */
static uint32_t put_rows(const struct table *table, const struct diff_question *peer,
			 struct buf_writer *writer, uint16_t *ret_count)
{
	uint32_t room = 2 * table->class->encoded_size_max + 16;
	uint32_t cursor = peer->cursor;

	for (uint32_t i = 0; i < DIFF_LOOKS_MAX; i++) {
		uint32_t before = cursor;
		const struct table_row *row = table_next(table, &cursor);

		if (row == NULL) {
			return 0;
		}
		if ((!table_row_is_own(row) && !table_row_is_peer(row)) ||
		    !digest_set_has(&peer->differ, digest_bucket(table, row))) {
			continue;
		}
		if (*ret_count == DIFF_ROWS_MAX || writer->size - writer->offset < room) {
			return before;
		}
		put_row(table, row, writer);
		++*ret_count;
	}
	return cursor;
}

static void put_tell(struct mlag_engine *engine, struct buf_writer *writer)
{
	const struct diff_question *peer = &engine->diff.peer;
	const struct table *table = table_of(engine, peer->table);
	struct buf_writer next_writer;
	uint32_t next_offset, count_offset, next = 0;
	uint16_t count = 0;

	engine->diff.tell_due = false;
	buf_put_u8(writer, (uint8_t)peer->table);
	buf_put_u32(writer, peer->id);
	next_offset = writer->offset;
	buf_put_u32(writer, 0);
	buf_put_u32(writer, table->sent_count);
	buf_put_u64(writer, table->sent_digest);
	buf_put_u32(writer, table->peer_count);
	buf_put_u64(writer, table->peer_digest);
	digest_put_set(writer, &peer->differ);
	count_offset = writer->offset;
	buf_put_u16(writer, 0);
	if (peer->has_key) {
		const struct table_row *row = table_find(table, peer->key);

		if (row != NULL) {
			put_row(table, row, writer);
			count = 1;
		}
	} else {
		next = put_rows(table, peer, writer, &count);
	}
	buf_patch_u16(writer, count_offset, count);
	buf_writer_init(&next_writer, writer->data + next_offset, sizeof(next));
	buf_put_u32(&next_writer, next);
}

enum wire_type diff_put_message(struct mlag_engine *engine, struct buf_writer *writer)
{
	if (engine->diff.tell_due) {
		put_tell(engine, writer);
		return WIRE_TELL;
	}
	if (engine->diff.state == DIFF_DUE) {
		put_ask(engine, writer);
		return WIRE_ASK;
	}
	return WIRE_NONE;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static void view_here(const struct table *table, const struct table_row *row,
		      struct mlag_row_view *ret_view)
{
	if (row != NULL && table_row_is_own(row)) {
		view_claim(table->class->id, row->own_seq, table_own(table, row), &ret_view->own);
	}
	if (row != NULL && table_row_is_peer(row)) {
		view_claim(table->class->id, row->peer_seq, table_peer(table, row),
			   &ret_view->heard);
	}
}

/* Read one claim of the peer's picture, and see whether it is this one of ours. */
static bool get_claim(const struct table *table, struct buf_reader *reader, bool present,
		      bool present_here, uint32_t seq_here, const void *value_here,
		      struct mlag_claim_view *ret_claim, bool *ret_equal)
{
	_Alignas(8) uint8_t value[1024] = {0};
	uint32_t seq;

	if (!present) {
		*ret_equal = *ret_equal && !present_here;
		return true;
	}
	seq = buf_get_u32(reader);
	if (!table->class->get_value(reader, value) || reader->failed) {
		return false;
	}
	view_claim(table->class->id, seq, value, ret_claim);
	*ret_equal = *ret_equal && present_here && seq == seq_here &&
		     memcmp(value, value_here, table->class->value_size) == 0;
	return true;
}

static bool get_row(const struct table *table, struct buf_reader *reader,
		    struct mlag_row_view *ret_view)
{
	static const uint8_t nothing[1024];
	_Alignas(8) uint8_t key[TABLE_KEY_SIZE_MAX] = {0};
	struct table_row *row;
	bool own, heard;
	uint8_t flags;

	memset(ret_view, 0, sizeof(*ret_view));
	if (!table->class->get_key(reader, key)) {
		return false;
	}
	flags = buf_get_u8(reader);
	if (reader->failed) {
		return false;
	}
	row = table_find(table, key);
	own = row != NULL && table_row_is_own(row);
	heard = row != NULL && table_row_is_peer(row);
	if (row != NULL) {
		row->flags |= TABLE_ROW_TOLD;
	}
	view_key(table->class->id, key, &ret_view->key);
	view_here(table, row, ret_view);
	ret_view->peer_told = true;
	ret_view->equal = true;
	return get_claim(table, reader, (flags & DIFF_HAS_OWN) != 0, heard,
			 heard ? row->peer_seq : 0, heard ? table_peer(table, row) : nothing,
			 &ret_view->peer_own, &ret_view->equal) &&
	       get_claim(table, reader, (flags & DIFF_HAS_HEARD) != 0, own, own ? row->own_seq : 0,
			 own ? table_own(table, row) : nothing, &ret_view->peer_heard,
			 &ret_view->equal);
}

bool diff_get_tell(struct mlag_engine *engine, struct table *table, struct buf_reader *reader)
{
	struct diff *diff = &engine->diff;
	uint32_t id = buf_get_u32(reader);
	struct digest_set differ;
	uint32_t next, count;

	if (id != diff->own.id || diff->state != DIFF_WAITING ||
	    table->class->id != diff->own.table) {
		return !reader->failed; /* nobody waits for it any more */
	}
	next = buf_get_u32(reader);
	diff->view.peer_sent_count = buf_get_u32(reader);
	diff->view.peer_sent_digest = buf_get_u64(reader);
	diff->view.peer_heard_count = buf_get_u32(reader);
	diff->view.peer_heard_digest = buf_get_u64(reader);
	if (!digest_get_set(reader, &differ)) {
		return false;
	}
	count = buf_get_u16(reader);
	if (reader->failed || count > DIFF_ROWS_MAX) {
		return false;
	}
	diff->view.told = true;
	diff->view.sent_count = table->sent_count;
	diff->view.sent_digest = table->sent_digest;
	diff->view.heard_count = table->peer_count;
	diff->view.heard_digest = table->peer_digest;
	diff->rows_count = 0;
	diff->rows_next = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!get_row(table, reader, &diff->rows[diff->rows_count])) {
			return false;
		}
		/* A bucket that differs has rows that do not. */
		diff->rows_count += diff->own.has_key || !diff->rows[diff->rows_count].equal;
	}
	for (uint32_t i = 0; i < DIGEST_SET_WORDS; i++) {
		diff->own.differ.words[i] |= differ.words[i];
	}
	/* Never the same rows twice, whatever the peer says. */
	diff->own.cursor = next > diff->own.cursor ? next : 0;
	diff->state = DIFF_ROWS;
	return true;
}

/* One more of our own rows of which the peer said nothing. */
static enum mlag_answer next_rest(struct diff *diff, const struct table *table,
				  struct mlag_row_view *ret_row)
{
	const struct table_row *row;

	while ((row = table_next(table, &diff->rest_cursor)) != NULL) {
		if ((row->flags & TABLE_ROW_TOLD) != 0 ||
		    (!table_row_is_own(row) && !table_row_is_peer(row)) ||
		    !digest_set_has(&diff->own.differ, digest_bucket(table, row))) {
			continue;
		}
		memset(ret_row, 0, sizeof(*ret_row));
		view_key(table->class->id, table_key(table, row), &ret_row->key);
		view_here(table, row, ret_row);
		ret_row->peer_told = true;
		return MLAG_ANSWER_ROW;
	}
	diff->state = DIFF_IDLE;
	return MLAG_ANSWER_END;
}

/* Of a key there is always a row, whoever has it. */
static void fill_key(const struct diff *diff, const struct table *table, bool told,
		     struct mlag_row_view *ret_row)
{
	const struct table_row *row = table_find(table, diff->own.key);

	memset(ret_row, 0, sizeof(*ret_row));
	view_key(table->class->id, diff->own.key, &ret_row->key);
	view_here(table, row, ret_row);
	ret_row->peer_told = told;
	ret_row->equal = told && !ret_row->own.present && !ret_row->heard.present;
}

static enum mlag_answer next_row(struct diff *diff, const struct table *table,
				 struct mlag_row_view *ret_row)
{
	if (diff->rows_next < diff->rows_count) {
		*ret_row = diff->rows[diff->rows_next++];
		return MLAG_ANSWER_ROW;
	}
	if (diff->own.has_key) {
		bool any = diff->rows_count > 0;

		diff->state = DIFF_IDLE;
		if (any) {
			return MLAG_ANSWER_END;
		}
		fill_key(diff, table, true, ret_row);
		return MLAG_ANSWER_ROW;
	}
	if (diff->own.cursor != 0) {
		diff->state = DIFF_DUE;
		return MLAG_ANSWER_NONE;
	}
	diff->state = DIFF_REST;
	return next_rest(diff, table, ret_row);
}

enum mlag_answer mlag_next_answer(struct mlag_engine *engine, uint32_t id,
				  struct mlag_row_view *ret_row)
{
	struct diff *diff = &engine->diff;
	const struct table *table = table_of(engine, diff->own.table);

	if (id != diff->own.id || table == NULL) {
		return MLAG_ANSWER_ANOTHER;
	}
	switch (diff->state) {
	case DIFF_IDLE:
		return MLAG_ANSWER_END;
	case DIFF_DUE:
	case DIFF_WAITING:
		return MLAG_ANSWER_NONE;
	case DIFF_ROWS:
		return next_row(diff, table, ret_row);
	case DIFF_REST:
		return next_rest(diff, table, ret_row);
	case DIFF_FAILED:
		if (diff->own.has_key) {
			fill_key(diff, table, false, ret_row);
		}
		return MLAG_ANSWER_FAILED;
	}
	return MLAG_ANSWER_FAILED;
}

void mlag_get_answer_view(const struct mlag_engine *engine, struct mlag_answer_view *ret_view)
{
	*ret_view = engine->diff.view;
}
