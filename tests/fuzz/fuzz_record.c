/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a file of records, and as a single one: nothing is read outside, every record is
 * bounded, and what was read is the same after it was written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line)
{
	(void)expression;
	(void)file;
	(void)line;
	abort();
}

static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

static struct record record;
static struct record again;
static uint8_t bytes[RECORD_SIZE_MAX];
static uint8_t bytes_again[RECORD_SIZE_MAX];

static void try_record(const uint8_t *data, uint32_t size)
{
	uint32_t used = record_get(data, size, &record);
	uint32_t written;

	if (used == 0) {
		return;
	}
	require(used <= size && record.kind < RECORD_KINDS_COUNT);
	written = record_put(&record, bytes);
	require(written > 0 && record_get(bytes, written, &again) == written);
	require(record_put(&again, bytes_again) == written &&
		memcmp(bytes, bytes_again, written) == 0);
}

/* The input as the inside of a file: a header that fits, and the records. */
static void try_file(const uint8_t *data, uint32_t size)
{
	static const uint8_t magic[12] = {'m', 'l', 'a', 'g', 'r', 'e', 'c', '1', 0, 0, 0, 1};
	struct record_reader reader;
	uint8_t *file = calloc(1, RECORD_FILE_HEADER_SIZE + size);
	uint32_t header = size < 200 ? size : 200;
	uint32_t records = 0;

	require(file != NULL);
	memcpy(file, magic, sizeof(magic));
	memcpy(file + sizeof(magic), data, header);
	memcpy(file + RECORD_FILE_HEADER_SIZE, data, size);
	if (record_open(&reader, file, RECORD_FILE_HEADER_SIZE + size)) {
		while (record_next(&reader, &record) == 1) {
			require(++records <= 3 * (RECORD_FILE_HEADER_SIZE + size));
		}
	}
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_reader reader;

	if (record_open(&reader, data, size)) {
		while (record_next(&reader, &record) == 1) {
		}
	}
	try_record(data, (uint32_t)size);
	try_file(data, (uint32_t)size);
	return 0;
}
