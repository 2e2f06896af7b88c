/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replicated table: what both members know about keys that either may speak for.
 *
 * Per key a row holds two claims, ours and the peer's, each a value with a sequence number.  A
 * member publishes only its own claims and never repeats what it heard.  The table knows nothing
 * of what a key means: legs and MACs (later neighbours, addresses, groups) are classes that say how
 * key and value look on the wire.  Written once here: snapshot and increments, sequence numbers,
 * acknowledgements, digests, limits, and the queues.
 *
 * There is no send queue of messages.  A changed row is linked into the publish list, once, and is
 * encoded when the connection has room; so a peer that reads slowly costs no memory and gets the
 * newest state.  Three lists run through the rows: publish (to be sent), unacked (sent, the peer
 * has not said that it holds it), program (the owner has something to do with it).
 */
#ifndef MLAG_TABLE_H
#define MLAG_TABLE_H

#include "buf.h"
#include "digest.h"
#include "mlag.h"
#include "wire.h"

/**
 * struct table_class - what a table is about
 * @id: its number on the wire
 * @key_size, @value_size: bytes of the in-memory structs; zeroed before they are filled, because
 *	they are compared and hashed as bytes
 * @local_size: bytes the owner keeps with each row, zeroed when the row is made
 * @peer_rows_max: most rows the peer may claim, so that ours have room; 0 for no such limit
 * @encoded_size_max: most bytes that key, sequence number and value take on the wire
 * @put_key, @put_value: write them
 * @get_key, @get_value: read them; false when what was read cannot be one
 * @is_idle: the owner needs the row no longer, as far as @local says
 */
struct table_class {
	enum wire_table id;
	uint16_t key_size;
	uint16_t value_size;
	uint16_t local_size;
	uint32_t encoded_size_max;
	uint32_t peer_rows_max;
	void (*put_key)(struct buf_writer *writer, const void *key);
	bool (*get_key)(struct buf_reader *reader, void *ret_key);
	void (*put_value)(struct buf_writer *writer, const void *value);
	bool (*get_value)(struct buf_reader *reader, void *ret_value);
	bool (*is_idle)(const void *local);
};

#define TABLE_ROW_USED 0x01
#define TABLE_ROW_OWN 0x02	/* we claim it */
#define TABLE_ROW_PEER 0x04	/* the peer claims it */
#define TABLE_ROW_ACKED 0x08	/* the peer holds our claim and has programmed it */
#define TABLE_ROW_SNAPSHOT 0x10 /* not yet sent, and part of this session's snapshot */
#define TABLE_ROW_PROGRAM 0x20	/* linked into the program list */
#define TABLE_ROW_PUBLISH 0x40	/* linked into the publish list */
#define TABLE_ROW_UNACKED 0x80	/* linked into the unacked list */
#define TABLE_ROW_TOLD 0x100	/* the peer has said how it sees the row (diff.c) */

/* A claim beyond this could never be outdone. */
#define TABLE_SEQ_MAX INT32_MAX

/* Row 0 is never used: an index of 0 is no row. */
#define TABLE_ENCODED_MAX 8320 /* the largest row: a leg with every second VLAN */
#define TABLE_NIL 0

struct table_row {
	uint64_t sent_digest;	/* of our claim as it was last sent in this session, 0 for none */
	uint32_t hash_next;	/* also the free list */
	uint32_t exchange_next; /* publish or unacked list */
	uint32_t exchange_prev;
	uint32_t program_next;
	uint32_t batch; /* the ROWS message that carried our claim */
	uint32_t own_seq;
	uint32_t peer_seq;
	uint16_t flags;
	uint16_t peer_epoch; /* the snapshot that confirmed the peer's claim */
};

/* How a row differed from what the peer publishes, or from what we have published. */
enum table_difference_kind {
	TABLE_DIFFERENCE_NONE,
	TABLE_DIFFERENCE_MISSING, /* the peer's claim was not here */
	TABLE_DIFFERENCE_OTHER,	  /* it was another one here */
	TABLE_DIFFERENCE_EXTRA,	  /* it was here, and the peer has none */
	TABLE_DIFFERENCE_OWN,	  /* ours is not what was sent, and nobody said so */
	TABLE_DIFFERENCE_DIGEST,  /* the sum alone was wrong; no key */
};

#define TABLE_KEY_SIZE_MAX 64
#define TABLE_DIFFERENCES_MAX 8 /* named, until somebody asks; further ones are counted */

struct table_difference {
	enum table_difference_kind kind;
	_Alignas(8) uint8_t key[TABLE_KEY_SIZE_MAX];
};

struct table_list {
	uint32_t head;
	uint32_t tail;
	uint32_t count;
};

#define TABLE_SLICE_ROWS 16384 /* a millisecond or so */

/**
 * struct table_start - a snapshot begins at the first row, and reaches the last one in slices
 * @active: it has not; also after the session in which it began
 * @fresh: a session began with it: what is known of sending a row behind @cursor is of an earlier one
 * @keeps_acks: but for its acknowledgement
 * @cursor: rows up to this one are in the snapshot
 */
struct table_start {
	bool active;
	bool fresh;
	bool keeps_acks;
	uint32_t cursor;
};

struct table {
	const struct table_class *class;
	uint8_t *rows;
	uint32_t *buckets;
	uint32_t buckets_mask;
	uint32_t stride;
	uint32_t rows_max;
	uint32_t rows_made; /* rows 1..rows_made have been used at least once */
	uint32_t rows_used;
	uint32_t free_head;
	uint64_t hash_seed;

	struct table_list publish;
	struct table_list unacked;
	struct table_list program;

	/* our claims, and their way to the peer */
	uint32_t own_count;
	uint32_t sent_count; /* claims as they were sent: what the peer must hold by now */
	uint64_t sent_digest;
	bool live; /* a session stands: changes are published */
	bool begin_due;
	bool end_due;
	uint32_t snapshot_left; /* rows of the snapshot not yet sent */
	uint32_t snapshot_id;
	uint32_t snapshot_acked_id;
	uint32_t batch_sent;
	bool own_proven;
	struct table_start start; /* of the snapshot: how far it got */
	uint32_t slice_rows;	  /* of a table that are looked at in one go */

	/* the peer's claims */
	uint32_t peer_count;
	uint64_t peer_digest;
	uint16_t peer_epoch;
	bool peer_snapshot_open;
	bool peer_complete;	   /* a snapshot of this session came to its end */
	uint32_t peer_snapshot_id; /* its number */
	bool peer_proven;
	bool resync_due;
	bool again_due; /* the peer asked for another snapshot while one was under way */

	/* what differs is exchanged by itself (repair.c) */
	bool peer_repairs; /* the peer knows how to */
	bool compare_due;
	uint32_t compares_vain; /* in a row that did not help */
	bool repair_begin_due;
	bool repair_end_due;
	struct digest_set repair; /* buckets that are sent again */
	bool peer_repair_open;
	struct digest_set peer_repair; /* buckets that the peer sends again */
	struct digest_scrub scrub;
	uint64_t differences_count; /* ever found */
	uint32_t differences_new;   /* how many of @differences are filled */
	struct table_difference differences[TABLE_DIFFERENCES_MAX];

	/* acknowledging them: a batch is acknowledged when what it queued has been programmed */
	uint64_t program_pushed_count;
	uint64_t program_popped_count;
	uint32_t batch_heard;
	uint64_t batch_heard_mark;
	uint32_t batch_pending;
	uint64_t batch_pending_mark;
	bool batch_pending_valid;
	uint32_t batch_done;
	bool ack_due;
	uint64_t snapshot_mark;
	bool snapshot_ack_pending;
	uint32_t peer_snapshot_done_id;

	bool digest_dirty; /* something changed since the digests were last sent */
	bool peer_dropped; /* a claim of the peer found no room since its last snapshot */
	uint64_t full_count;
};

/** table_difference() - note that a row differed; @row NULL for none */
void table_difference(struct table *table, enum table_difference_kind kind,
		      const struct table_row *row);

/** table_republish() - send our claim of a row again, or that there is none */
void table_republish(struct table *table, struct table_row *row);

/** table_drop_peer() - the peer claims @row no longer */
void table_drop_peer(struct table *table, struct table_row *row);

/** table_claim_digest() - what a claim adds to a digest: a hash of its bytes on the wire */
uint64_t table_claim_digest(const struct table *table, const struct table_row *row, uint32_t seq,
			    const void *value);

/** table_row_fn - called for rows that changed; may claim, withdraw and program, not release */
typedef void table_row_fn(void *user, struct table *table, struct table_row *row);

/** table_size() - bytes of memory for @rows_max rows, a multiple of 64 */
size_t table_size(const struct table_class *class, uint32_t rows_max);

/** table_init() - make an empty table in table_size() zeroed bytes */
void table_init(struct table *table, const struct table_class *class, void *memory,
		uint32_t rows_max, uint64_t hash_seed);

/** table_expect() - this key will be asked for soon: have the memory where it is found at hand */
void table_expect(const struct table *table, const void *key);

struct table_row *table_find(const struct table *table, const void *key);

/**
 * table_add() - find a row or make it
 *
 * Return: NULL when the table is full (counted in @full_count).
 */
struct table_row *table_add(struct table *table, const void *key);

/**
 * table_settle() - give a row back if nobody needs it any more
 *
 * Return: true when the row is gone.
 */
bool table_settle(struct table *table, struct table_row *row);

/** table_row_at(), table_row_index() - a row and its index, for table*.c */
static inline struct table_row *table_row_at(const struct table *table, uint32_t index)
{
	mlag_assert(index != TABLE_NIL && index <= table->rows_made);
	return (void *)(table->rows + (size_t)table->stride * index);
}

static inline uint32_t table_row_index(const struct table *table, const struct table_row *row)
{
	return (uint32_t)(((const uint8_t *)row - table->rows) / table->stride);
}

/** table_next() - the next used row after index *@cursor; NULL at the end */
struct table_row *table_next(const struct table *table, uint32_t *cursor);

void *table_key(const struct table *table, const struct table_row *row);
void *table_own(const struct table *table, const struct table_row *row);
void *table_peer(const struct table *table, const struct table_row *row);
void *table_local(const struct table *table, const struct table_row *row);

static inline bool table_row_is_own(const struct table_row *row)
{
	return (row->flags & TABLE_ROW_OWN) != 0;
}

static inline bool table_row_is_peer(const struct table_row *row)
{
	return (row->flags & TABLE_ROW_PEER) != 0;
}

/** table_row_is_ahead() - no slice of the snapshot that a session began with has come to @row yet */
static inline bool table_row_is_ahead(const struct table *table, const struct table_row *row)
{
	return table->start.active && table->start.fresh &&
	       table_row_index(table, row) > table->start.cursor;
}

/** table_row_is_acked() - the peer holds our claim of @row */
static inline bool table_row_is_acked(const struct table *table, const struct table_row *row)
{
	return (row->flags & TABLE_ROW_ACKED) != 0 &&
	       (table->start.keeps_acks || !table_row_is_ahead(table, row));
}

/** table_claim() - claim @row with @value under @seq, and publish that */
void table_claim(struct table *table, struct table_row *row, uint32_t seq, const void *value);

/** table_adopt_peer() - the peer claimed @row before this daemon started, as far as is known */
void table_adopt_peer(struct table *table, struct table_row *row, uint32_t seq, const void *value);

/** table_withdraw() - stop claiming @row, and publish that; nothing if it was not claimed */
void table_withdraw(struct table *table, struct table_row *row);

/** table_program() - link @row into the program list, unless it is there */
void table_program(struct table *table, struct table_row *row);

/** table_program_pop() - take the first row of the program list; NULL when it is empty */
struct table_row *table_program_pop(struct table *table);

/**
 * table_session_start() - a session begins: everything we claim is due, as a snapshot
 * @same_peer: the peer is the same incarnation as before, and still holds what it acknowledged
 */
void table_session_start(struct table *table, bool same_peer);

/** table_wants_slice() - there are more rows to be looked at for a snapshot: table_advance() */
static inline bool table_wants_slice(const struct table *table)
{
	return table->live && table->start.active;
}

/** table_advance() - take the next slice of rows into the snapshot */
void table_advance(struct table *table);

/** table_session_end() - the session ended: what the peer claimed stays, frozen */
void table_session_end(struct table *table);

/** table_forget_peer() - drop all claims of the peer; @changed is called for each */
void table_forget_peer(struct table *table, table_row_fn *changed, void *user);

/** table_snapshot_again() - the peer asked for a fresh snapshot */
void table_snapshot_again(struct table *table);

/** table_has_message() - table_put_message() has something to say */
bool table_has_message(const struct table *table);

/**
 * table_put_message() - write the payload of the next message
 *
 * Return: its type; WIRE_NONE when nothing is due.
 */
enum wire_type table_put_message(struct table *table, struct buf_writer *writer);

/**
 * table_get_begin(), table_get_rows(), table_get_end() - apply a message of the peer
 * @reader: behind the table number
 * @changed: called for every row whose peer claim changed
 *
 * Return: false when the message is malformed or out of turn; what was applied before stays, and
 * the next session's snapshot replaces it.
 */
bool table_get_begin(struct table *table, struct buf_reader *reader);
bool table_get_rows(struct table *table, struct buf_reader *reader, table_row_fn *changed,
		    void *user);
bool table_get_end(struct table *table, struct buf_reader *reader, table_row_fn *changed,
		   void *user);

/** table_refresh_acks() - see whether something heard has been programmed since */
void table_refresh_acks(struct table *table);

/** table_put_ack() - write the acknowledgement that is due and clear @ack_due */
void table_put_ack(struct table *table, struct buf_writer *writer);

/** table_get_ack() - apply one; @acked is called for every row the peer now holds */
bool table_get_ack(struct table *table, struct buf_reader *reader, table_row_fn *acked, void *user);

/** table_describe() - fill a digest for a keepalive */
void table_describe(const struct table *table, struct wire_digest *ret_digest);

/**
 * table_compare() - hold the peer's digest against ours
 *
 * Return: false when the peer's rows are not what it publishes; a repair or resync is then due.
 */
bool table_compare(struct table *table, const struct wire_digest *digest);

/** table_is_synced() - both snapshots of this session are complete and programmed */
bool table_is_synced(const struct table *table);

#endif
