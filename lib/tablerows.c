/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of a replicated table (see table.h): rows in one piece, found by hash, given back when
 * nobody needs them.
 */
#include "table.h"

#define XXH_INLINE_ALL
#define XXH_NO_STREAM
#include <string.h>
#include <xxhash.h>

static uint32_t round_up(uint32_t value, uint32_t multiple)
{
	return (value + multiple - 1) / multiple * multiple;
}

static uint32_t row_stride(const struct table_class *class)
{
	return round_up((uint32_t)sizeof(struct table_row), 8) + round_up(class->key_size, 8) +
	       2 * round_up(class->value_size, 8) + round_up(class->local_size, 8);
}

static uint32_t bucket_count(uint32_t rows_max)
{
	uint32_t count = 64;

	while (count < rows_max) {
		count *= 2;
	}
	return count;
}

size_t table_size(const struct table_class *class, uint32_t rows_max)
{
	size_t size = (size_t)row_stride(class) * (rows_max + 1) +
		      (size_t)bucket_count(rows_max) * sizeof(uint32_t);

	return (size + 63) / 64 * 64;
}

void table_init(struct table *table, const struct table_class *class, void *memory,
		uint32_t rows_max, uint64_t hash_seed)
{
	mlag_assert(class->encoded_size_max <= TABLE_ENCODED_MAX);
	mlag_assert(class->key_size <= TABLE_KEY_SIZE_MAX);
	memset(table, 0, sizeof(*table));
	table->class = class;
	table->stride = row_stride(class);
	table->rows_max = rows_max;
	table->hash_seed = hash_seed;
	table->rows = memory;
	table->buckets = (void *)(table->rows + (size_t)table->stride * (rows_max + 1));
	table->buckets_mask = bucket_count(rows_max) - 1;
	table->slice_rows = TABLE_SLICE_ROWS;
}

void *table_key(const struct table *table, const struct table_row *row)
{
	(void)table;
	return (uint8_t *)(uintptr_t)row + round_up((uint32_t)sizeof(*row), 8);
}

void *table_own(const struct table *table, const struct table_row *row)
{
	return (uint8_t *)table_key(table, row) + round_up(table->class->key_size, 8);
}

void *table_peer(const struct table *table, const struct table_row *row)
{
	return (uint8_t *)table_own(table, row) + round_up(table->class->value_size, 8);
}

void *table_local(const struct table *table, const struct table_row *row)
{
	return (uint8_t *)table_peer(table, row) + round_up(table->class->value_size, 8);
}

static uint32_t *bucket_of(const struct table *table, const void *key)
{
	uint64_t hash = XXH3_64bits_withSeed(key, table->class->key_size, table->hash_seed);

	return &table->buckets[hash & table->buckets_mask];
}

static struct table_row *find_from(const struct table *table, uint32_t index, const void *key)
{
	while (index != TABLE_NIL) {
		struct table_row *row = table_row_at(table, index);

		if (memcmp(table_key(table, row), key, table->class->key_size) == 0) {
			return row;
		}
		index = row->hash_next;
	}
	return NULL;
}

void table_expect(const struct table *table, const void *key)
{
	__builtin_prefetch(bucket_of(table, key));
}

struct table_row *table_find(const struct table *table, const void *key)
{
	return find_from(table, *bucket_of(table, key), key);
}

struct table_row *table_add(struct table *table, const void *key)
{
	uint32_t *bucket = bucket_of(table, key);
	struct table_row *row = find_from(table, *bucket, key);

	if (row != NULL) {
		return row;
	}
	if (table->free_head != TABLE_NIL) {
		row = table_row_at(table, table->free_head);
		table->free_head = row->hash_next;
	} else if (table->rows_made < table->rows_max) {
		table->rows_made++;
		row = table_row_at(table, table->rows_made);
	} else {
		table->full_count++;
		return NULL;
	}
	memset(row, 0, table->stride);
	memcpy(table_key(table, row), key, table->class->key_size);
	row->flags = TABLE_ROW_USED;
	row->hash_next = *bucket;
	*bucket = table_row_index(table, row);
	table->rows_used++;
	return row;
}

bool table_settle(struct table *table, struct table_row *row)
{
	uint32_t index = table_row_index(table, row);
	uint32_t *link;

	if ((row->flags & (TABLE_ROW_OWN | TABLE_ROW_PEER | TABLE_ROW_PROGRAM | TABLE_ROW_PUBLISH |
			   TABLE_ROW_UNACKED)) != 0 ||
	    !table->class->is_idle(table_local(table, row))) {
		return false;
	}
	link = bucket_of(table, table_key(table, row));
	while (*link != index) {
		link = &table_row_at(table, *link)->hash_next;
	}
	*link = row->hash_next;
	row->flags = 0;
	row->hash_next = table->free_head;
	table->free_head = index;
	table->rows_used--;
	return true;
}

struct table_row *table_next(const struct table *table, uint32_t *cursor)
{
	while (*cursor < table->rows_made) {
		struct table_row *row = table_row_at(table, ++*cursor);

		if ((row->flags & TABLE_ROW_USED) != 0) {
			return row;
		}
	}
	return NULL;
}
