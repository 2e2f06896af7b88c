/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digests of replicated tables: sums of 64-bit hashes of claims, over a whole table and over each
 * of its buckets.  Both members put a key into the same bucket, so two lists of sums say where two
 * tables differ, whatever their sizes (repair.c, diff.c).
 *
 * The sums are kept with every change, so they say what should be there.  What is there is read
 * again in passes: whatever changed behind the table's back is found within one.
 */
#ifndef MLAG_DIGEST_H
#define MLAG_DIGEST_H

#include "buf.h"

/* Digests must be equal on both members, so their seeds are part of the protocol. */
#define DIGEST_SEED UINT64_C(0x6d6c616700000001)
#define DIGEST_BUCKET_SEED UINT64_C(0x6d6c616700000002)

#define DIGEST_BUCKETS 1024 /* of a table, on the wire */
#define DIGEST_SET_WORDS (DIGEST_BUCKETS / 64)

struct table;
struct table_row;

/** struct digest_set - some of the buckets */
struct digest_set {
	uint64_t words[DIGEST_SET_WORDS];
};

/** struct digest_buckets - what claims of each bucket add up to */
struct digest_buckets {
	uint64_t sums[DIGEST_BUCKETS];
};

/**
 * struct digest_scrub - a pass over the rows
 * @cursor: rows up to this one have been looked at
 * @peer_digest, @peer_count, @own_count: of those; changes of theirs go in here as well
 */
struct digest_scrub {
	uint32_t cursor;
	uint64_t peer_digest;
	uint32_t peer_count;
	uint32_t own_count;
};

static inline bool digest_set_has(const struct digest_set *set, uint32_t bucket)
{
	return (set->words[bucket / 64] >> (bucket % 64)) & 1;
}

static inline void digest_set_add(struct digest_set *set, uint32_t bucket)
{
	set->words[bucket / 64] |= UINT64_C(1) << (bucket % 64);
}

/** digest_bucket() - the bucket of a row, 0 to DIGEST_BUCKETS - 1 */
uint32_t digest_bucket(const struct table *table, const struct table_row *row);

/** digest_sum_sent(), digest_sum_heard() - what we have sent, and what we hold of the peer's */
void digest_sum_sent(const struct table *table, struct digest_buckets *ret_buckets);
void digest_sum_heard(const struct table *table, struct digest_buckets *ret_buckets);

/** digest_differ() - add the buckets that differ to @set; how many they are */
uint32_t digest_differ(const struct digest_buckets *a, const struct digest_buckets *b,
		       struct digest_set *set);

void digest_put_buckets(struct buf_writer *writer, const struct digest_buckets *buckets);
bool digest_get_buckets(struct buf_reader *reader, struct digest_buckets *ret_buckets);
void digest_put_set(struct buf_writer *writer, const struct digest_set *set);
bool digest_get_set(struct buf_reader *reader, struct digest_set *ret_set);

/**
 * digest_scrub() - look at some more rows, up to the end of the pass at most
 * @looks: how many rows
 *
 * A claim of ours that is not what was sent is named and sent; a sum of the peer's claims that is
 * not what is there is set right, so that the next digest of the peer shows it.
 *
 * Return: true when a claim of ours was not what it had been.
 */
bool digest_scrub(struct table *table, uint32_t looks);

#endif
