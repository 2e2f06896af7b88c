/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sums over buckets, and the passes that read the rows again (see digest.h).  Called by table.c,
 * repair.c and diff.c, and for the passes by engine.c.
 */
#include "digest.h"

#define XXH_INLINE_ALL
#define XXH_NO_STREAM
#include <string.h>
#include <xxhash.h>

#include "mlag.h"
#include "table.h"

uint32_t digest_bucket(const struct table *table, const struct table_row *row)
{
	uint8_t bytes[TABLE_KEY_SIZE_MAX];
	struct buf_writer writer;

	buf_writer_init(&writer, bytes, sizeof(bytes));
	table->class->put_key(&writer, table_key(table, row));
	mlag_assert(!writer.failed);
	return (uint32_t)(XXH3_64bits_withSeed(bytes, writer.offset, DIGEST_BUCKET_SEED) %
			  DIGEST_BUCKETS);
}

void digest_sum_sent(const struct table *table, struct digest_buckets *ret_buckets)
{
	struct table_row *row;
	uint32_t cursor = 0;

	memset(ret_buckets, 0, sizeof(*ret_buckets));
	while ((row = table_next(table, &cursor)) != NULL) {
		if (row->sent_digest != 0) {
			ret_buckets->sums[digest_bucket(table, row)] += row->sent_digest;
		}
	}
}

void digest_sum_heard(const struct table *table, struct digest_buckets *ret_buckets)
{
	struct table_row *row;
	uint32_t cursor = 0;

	memset(ret_buckets, 0, sizeof(*ret_buckets));
	while ((row = table_next(table, &cursor)) != NULL) {
		if (table_row_is_peer(row)) {
			ret_buckets->sums[digest_bucket(table, row)] += table_claim_digest(
				table, row, row->peer_seq, table_peer(table, row));
		}
	}
}

uint32_t digest_differ(const struct digest_buckets *a, const struct digest_buckets *b,
		       struct digest_set *set)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < DIGEST_BUCKETS; i++) {
		if (a->sums[i] != b->sums[i]) {
			digest_set_add(set, i);
			count++;
		}
	}
	return count;
}

void digest_put_buckets(struct buf_writer *writer, const struct digest_buckets *buckets)
{
	for (uint32_t i = 0; i < DIGEST_BUCKETS; i++) {
		buf_put_u64(writer, buckets->sums[i]);
	}
}

bool digest_get_buckets(struct buf_reader *reader, struct digest_buckets *ret_buckets)
{
	for (uint32_t i = 0; i < DIGEST_BUCKETS; i++) {
		ret_buckets->sums[i] = buf_get_u64(reader);
	}
	return !reader->failed;
}

void digest_put_set(struct buf_writer *writer, const struct digest_set *set)
{
	for (uint32_t i = 0; i < DIGEST_SET_WORDS; i++) {
		buf_put_u64(writer, set->words[i]);
	}
}

bool digest_get_set(struct buf_reader *reader, struct digest_set *ret_set)
{
	for (uint32_t i = 0; i < DIGEST_SET_WORDS; i++) {
		ret_set->words[i] = buf_get_u64(reader);
	}
	return !reader->failed;
}

/* Is our claim what was sent?  What waits to be sent will be what it is then. */
static bool check_own(struct table *table, struct table_row *row)
{
	uint64_t digest = 0;

	if (!table->live || (row->flags & TABLE_ROW_PUBLISH) != 0 ||
	    table_row_is_ahead(table, row)) {
		return true;
	}
	if (table_row_is_own(row)) {
		digest = table_claim_digest(table, row, row->own_seq, table_own(table, row));
	}
	if (digest == row->sent_digest) {
		return true;
	}
	table_difference(table, TABLE_DIFFERENCE_OWN, row);
	table_republish(table, row);
	return false;
}

static void end_pass(struct table *table)
{
	struct digest_scrub *scrub = &table->scrub;

	if (scrub->peer_digest != table->peer_digest || scrub->peer_count != table->peer_count) {
		table->peer_digest = scrub->peer_digest;
		table->peer_count = scrub->peer_count;
		table->peer_proven = false;
		table->digest_dirty = true;
	}
	table->own_count = scrub->own_count;
	memset(scrub, 0, sizeof(*scrub));
}

bool digest_scrub(struct table *table, uint32_t looks)
{
	struct digest_scrub *scrub = &table->scrub;
	bool changed = false;

	for (uint32_t i = 0; i < looks; i++) {
		struct table_row *row = table_next(table, &scrub->cursor);

		if (row == NULL) {
			end_pass(table);
			break;
		}
		scrub->own_count += table_row_is_own(row);
		if (table_row_is_peer(row)) {
			scrub->peer_count++;
			scrub->peer_digest += table_claim_digest(table, row, row->peer_seq,
								 table_peer(table, row));
		}
		changed = !check_own(table, row) || changed;
	}
	return changed;
}
