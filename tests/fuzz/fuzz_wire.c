/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a frame or as the payload of any message: nothing is read outside, and what is
 * accepted means the same after it was written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "hello.h"
#include "leg.h"
#include "mac.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line)
{
	(void)expression;
	(void)file;
	(void)line;
	abort();
}

static uint8_t bytes[MLAG_WIRE_MESSAGE_MAX];

static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

static struct buf_reader written(const struct buf_writer *writer)
{
	struct buf_reader reader;

	require(!writer->failed);
	buf_reader_init(&reader, writer->data, writer->offset);
	return reader;
}

/* A hello of the paths; what is not read is all zero. */
static void try_path_hello(const uint8_t *data, size_t size)
{
	static struct hello hello;
	static struct hello again;
	struct buf_writer writer;

	if (!hello_get(data, (uint32_t)size, &hello)) {
		return;
	}
	require(hello.boot_id != 0 && hello.legs_count <= MLAG_LEGS_MAX);
	if (hello.version != HELLO_VERSION || hello.authentication != HELLO_AUTHENTICATION_NONE) {
		return;
	}
	buf_writer_init(&writer, bytes, MLAG_HELLO_SIZE_MAX);
	hello_put(&writer, &hello);
	require(!writer.failed && hello_get(bytes, writer.offset, &again));
	require(memcmp(&hello, &again, sizeof(hello)) == 0);
}

static void try_hello(struct buf_reader *reader, struct buf_writer *writer)
{
	struct wire_hello hello;
	struct wire_hello again;
	struct buf_reader back;

	if (!wire_get_hello(reader, &hello)) {
		return;
	}
	require(hello.version_min <= hello.version);
	require(memchr(hello.software, '\0', sizeof(hello.software)) != NULL);
	for (const char *c = hello.software; *c != '\0'; c++) {
		require(*c >= 0x20 && *c < 0x7f);
	}
	wire_put_hello(writer, &hello);
	back = written(writer);
	require(wire_get_hello(&back, &again) && buf_left(&back) == 0);
	require(memcmp(&hello, &again, sizeof(hello)) == 0);
}

static void try_keepalive(struct buf_reader *reader, struct buf_writer *writer)
{
	struct wire_keepalive keepalive;
	struct wire_keepalive again;
	struct buf_reader back;

	if (!wire_get_keepalive(reader, &keepalive)) {
		return;
	}
	require(keepalive.digests_count <= WIRE_TABLES_COUNT);
	wire_put_keepalive(writer, &keepalive);
	back = written(writer);
	require(wire_get_keepalive(&back, &again) && buf_left(&back) == 0);
	require(again.digests_count == keepalive.digests_count);
	for (uint32_t i = 0; i < keepalive.digests_count; i++) {
		require(again.digests[i].own_digest == keepalive.digests[i].own_digest);
		require(again.digests[i].heard_count == keepalive.digests[i].heard_count);
	}
}

static void try_vlans(struct buf_reader *reader, struct buf_writer *writer)
{
	struct mlag_vlans vlans;
	struct mlag_vlans again;
	struct buf_reader back;

	if (!wire_get_vlans(reader, &vlans)) {
		return;
	}
	wire_put_vlans(writer, &vlans);
	back = written(writer);
	require(wire_get_vlans(&back, &again) && buf_left(&back) == 0);
	require(memcmp(&vlans, &again, sizeof(vlans)) == 0);
}

static void try_row(const struct table_class *class, struct buf_reader *reader,
		    struct buf_writer *writer)
{
	_Alignas(8) uint8_t key[64] = {0};
	_Alignas(8) uint8_t value[1024] = {0};
	_Alignas(8) uint8_t again[1024] = {0};
	struct buf_reader back;

	if (!class->get_key(reader, key) || !class->get_value(reader, value)) {
		return;
	}
	require(!reader->failed);
	class->put_key(writer, key);
	class->put_value(writer, value);
	/* Sequence number and operation come with it. */
	require(writer->offset + 5 <= class->encoded_size_max);
	back = written(writer);
	require(class->get_key(&back, again) && memcmp(key, again, class->key_size) == 0);
	memset(again, 0, sizeof(again));
	require(class->get_value(&back, again) && memcmp(value, again, class->value_size) == 0);
	require(buf_left(&back) == 0);
}

static void try_frame(const uint8_t *data, uint32_t size)
{
	struct buf_reader payload;
	uint16_t type;

	if (size >= MLAG_WIRE_HEADER_SIZE) {
		uint32_t whole = wire_peek_size(data);

		require(whole == 0 ||
			(whole >= MLAG_WIRE_HEADER_SIZE && whole <= MLAG_WIRE_MESSAGE_MAX));
	}
	if (wire_open(data, size, &type, &payload)) {
		require(buf_left(&payload) == size - MLAG_WIRE_HEADER_SIZE);
	}
}

static void try_text(struct buf_reader *reader, uint8_t room)
{
	uint32_t size = room % 80U + 1;
	char *text = malloc(size);

	require(text != NULL);
	buf_get_text(reader, text, size);
	require(strlen(text) < size);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf_reader reader;
	struct buf_writer writer;
	uint8_t what;

	if (size < 2 || size > MLAG_WIRE_MESSAGE_MAX) {
		return 0;
	}
	what = data[0];
	buf_reader_init(&reader, data + 2, (uint32_t)size - 2);
	buf_writer_init(&writer, bytes, sizeof(bytes));
	switch (what % 8) {
	case 0:
		try_hello(&reader, &writer);
		break;
	case 1:
		try_keepalive(&reader, &writer);
		break;
	case 2:
		try_vlans(&reader, &writer);
		break;
	case 3:
		try_row(&leg_table_class, &reader, &writer);
		break;
	case 4:
		try_row(&mac_table_class, &reader, &writer);
		break;
	case 5:
		try_text(&reader, data[1]);
		break;
	case 6:
		try_path_hello(data + 2, size - 2);
		break;
	default:
		try_frame(data + 2, (uint32_t)size - 2);
		break;
	}
	return 0;
}
