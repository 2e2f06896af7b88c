/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of the engine about differences between the two members' tables: a part of mlag.h,
 * which includes it.
 */
#ifndef MLAG_MLAG_DIFF_H
#define MLAG_MLAG_DIFF_H

#include "types.h"

struct mlag_engine;

/* The replicated tables, by the number that they have on the wire. */
#define MLAG_TABLES(X)                       \
	X(MLAG_TABLE_NONE, "none")           \
	X(MLAG_TABLE_LEGS, "legs")           \
	X(MLAG_TABLE_MACS, "macs")           \
	X(MLAG_TABLE_ADDRESSES, "addresses") \
	X(MLAG_TABLE_NEIGHBORS, "neighbors")
enum mlag_table { MLAG_TABLES(MLAG_ENUM_VALUE) MLAG_TABLES_COUNT };
const char *mlag_table_text(enum mlag_table table);

/* How a row was not what it should be. */
#define MLAG_DIFFERENCES(X)                                                         \
	X(MLAG_DIFFERENCE_NONE, "none")                                             \
	X(MLAG_DIFFERENCE_MISSING, "the peer's claim was missing here")             \
	X(MLAG_DIFFERENCE_OTHER, "the peer's claim was another one here")           \
	X(MLAG_DIFFERENCE_EXTRA, "a claim was here that the peer does not make")    \
	X(MLAG_DIFFERENCE_OWN, "our own claim was not what the peer had been told") \
	X(MLAG_DIFFERENCE_DIGEST, "the digest was wrong, and the rows were right")
enum mlag_difference_kind { MLAG_DIFFERENCES(MLAG_ENUM_VALUE) };
const char *mlag_difference_text(enum mlag_difference_kind kind);

/**
 * struct mlag_row_key - the key of a row of any table; what a table has no use for is 0
 * @table: whose; the rest is of that table
 * @lag_id: of a leg
 * @vlan: of a MAC, an address or a neighbour
 * @mac: a MAC
 * @kind: of an address: enum mlag_address_kind; of a neighbour: enum mlag_neighbor_device
 * @family: of an address or a neighbour: 4 or 6
 * @domain: of an address
 * @octets: the address from the first octet on, of a router MAC as well
 */
struct mlag_row_key {
	enum mlag_table table;
	uint16_t lag_id;
	uint16_t vlan;
	struct mlag_mac mac;
	uint8_t kind;
	uint8_t family;
	uint32_t domain;
	uint8_t octets[16];
};

/**
 * struct mlag_difference - a row that was not what it should be
 * @kind: in which way
 * @key: with the table alone when no row is to blame
 */
struct mlag_difference {
	enum mlag_difference_kind kind;
	struct mlag_row_key key;
};

/**
 * struct mlag_claim_view - one claim, as one member holds it; what a table has no use for is 0
 * @present: there is one
 * @seq: its sequence number
 * @lag_id: where a MAC is, 0 for an orphan
 * @fixed: a MAC or neighbour that a person set
 * @up, @open, @lacp, @generation, @enforced: of a leg, as on the wire
 * @mac: of a neighbour; of a leg its partner
 * @domain: of an address
 */
struct mlag_claim_view {
	bool present;
	uint32_t seq;
	uint16_t lag_id;
	bool fixed;
	bool up;
	bool open;
	bool lacp;
	uint32_t generation;
	uint32_t enforced;
	struct mlag_mac mac;
	uint32_t domain;
};

/**
 * struct mlag_row_view - a row as both members see it
 * @own, @heard: our claim, and the peer's as it is here
 * @peer_own, @peer_heard: the peer's claim, and ours as it is there; only when @peer_told
 * @peer_told: the peer has answered
 * @equal: what was claimed is what was heard, both ways
 */
struct mlag_row_view {
	struct mlag_row_key key;
	struct mlag_claim_view own;
	struct mlag_claim_view heard;
	struct mlag_claim_view peer_own;
	struct mlag_claim_view peer_heard;
	bool peer_told;
	bool equal;
};

/**
 * struct mlag_question - how does the peer see a table, or a row?
 * @id: not 0; the answer bears it
 * @has_key: only @key is asked for; otherwise all rows of @key.table that differ
 */
struct mlag_question {
	uint32_t id;
	bool has_key;
	struct mlag_row_key key;
};

enum mlag_answer {
	MLAG_ANSWER_NONE,    /* nothing yet: ask again when a message of the peer has come */
	MLAG_ANSWER_ROW,     /* a row */
	MLAG_ANSWER_END,     /* there are no more */
	MLAG_ANSWER_FAILED,  /* no session, or a peer that does not know the question */
	MLAG_ANSWER_ANOTHER, /* somebody else asked since */
};

/** struct mlag_answer_view - the table as a whole, once the peer has answered */
struct mlag_answer_view {
	bool told;
	uint32_t sent_count, heard_count;
	uint64_t sent_digest, heard_digest;
	uint32_t peer_sent_count, peer_heard_count;
	uint64_t peer_sent_digest, peer_heard_digest;
};

/**
 * mlag_next_answer() - take the next row of the answer to MLAG_EVENT_ASK
 * @id: of the question; one at a time is answered, the latest
 * @ret_row: filled with MLAG_ANSWER_ROW; of a key also with MLAG_ANSWER_FAILED, as far as it is known
 *	here
 */
enum mlag_answer mlag_next_answer(struct mlag_engine *engine, uint32_t id,
				  struct mlag_row_view *ret_row);

/** mlag_get_answer_view() - both members' digests of the table that was asked about last */
void mlag_get_answer_view(const struct mlag_engine *engine, struct mlag_answer_view *ret_view);

#endif
