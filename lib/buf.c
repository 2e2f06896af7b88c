/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounds-checked cursors over byte buffers (see buf.h).  Used by the codec (wire.c) and by the
 * tables for what they replicate.
 */
#include "buf.h"

#include <endian.h>
#include <string.h>

void buf_reader_init(struct buf_reader *reader, const uint8_t *data, uint32_t size)
{
	reader->data = data;
	reader->size = size;
	reader->offset = 0;
	reader->failed = false;
}

void buf_writer_init(struct buf_writer *writer, uint8_t *data, uint32_t size)
{
	writer->data = data;
	writer->size = size;
	writer->offset = 0;
	writer->failed = false;
}

uint32_t buf_left(const struct buf_reader *reader)
{
	return reader->failed ? 0 : reader->size - reader->offset;
}

/* Read @count (at most 8) bytes as one big-endian number. */
static uint64_t get_number(struct buf_reader *reader, uint32_t count)
{
	uint64_t value = 0;

	if (buf_left(reader) < count) {
		reader->failed = true;
		return 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		value = (value << 8) | reader->data[reader->offset + i];
	}
	reader->offset += count;
	return value;
}

uint8_t buf_get_u8(struct buf_reader *reader)
{
	return (uint8_t)get_number(reader, 1);
}

uint16_t buf_get_u16(struct buf_reader *reader)
{
	return (uint16_t)get_number(reader, 2);
}

uint32_t buf_get_u32(struct buf_reader *reader)
{
	return (uint32_t)get_number(reader, 4);
}

uint64_t buf_get_u64(struct buf_reader *reader)
{
	return get_number(reader, 8);
}

struct mlag_mac buf_get_mac(struct buf_reader *reader)
{
	struct mlag_mac mac = {{0}};

	if (buf_left(reader) < sizeof(mac.octets)) {
		reader->failed = true;
		return mac;
	}
	memcpy(mac.octets, reader->data + reader->offset, sizeof(mac.octets));
	reader->offset += (uint32_t)sizeof(mac.octets);
	return mac;
}

void buf_get_text(struct buf_reader *reader, char *ret_text, uint32_t size)
{
	uint32_t length = buf_get_u8(reader);
	uint32_t kept = 0;

	for (uint32_t i = 0; i < length; i++) {
		uint8_t octet = buf_get_u8(reader);

		if (kept + 1 < size) {
			ret_text[kept++] = octet >= 0x20 && octet < 0x7f ? (char)octet : '?';
		}
	}
	ret_text[reader->failed ? 0 : kept] = '\0';
}

/* Inline, so that the compiler knows @size: tables of a million rows are written by these. */
static inline void put_bytes(struct buf_writer *writer, const void *bytes, uint32_t size)
{
	if (writer->failed || writer->size - writer->offset < size) {
		writer->failed = true;
		return;
	}
	memcpy(writer->data + writer->offset, bytes, size);
	writer->offset += size;
}

/* Write the low @count bytes of @value, big-endian. */
static inline void put_number(struct buf_writer *writer, uint64_t value, uint32_t count)
{
	uint64_t bytes = htobe64(value << (64 - 8 * count));

	put_bytes(writer, &bytes, count);
}

void buf_put_u8(struct buf_writer *writer, uint8_t value)
{
	put_number(writer, value, 1);
}

void buf_put_u16(struct buf_writer *writer, uint16_t value)
{
	put_number(writer, value, 2);
}

void buf_put_u32(struct buf_writer *writer, uint32_t value)
{
	put_number(writer, value, 4);
}

void buf_put_u64(struct buf_writer *writer, uint64_t value)
{
	put_number(writer, value, 8);
}

void buf_put_mac(struct buf_writer *writer, const struct mlag_mac *mac)
{
	put_bytes(writer, mac->octets, sizeof(mac->octets));
}

void buf_put_text(struct buf_writer *writer, const char *text)
{
	size_t length = strlen(text);

	if (length > 255) {
		length = 255;
	}
	put_number(writer, length, 1);
	for (size_t i = 0; i < length; i++) {
		put_number(writer, (uint8_t)text[i], 1);
	}
}

void buf_patch_u16(struct buf_writer *writer, uint32_t offset, uint16_t value)
{
	if (writer->failed || offset + 2 > writer->offset) {
		writer->failed = true;
		return;
	}
	writer->data[offset] = (uint8_t)(value >> 8);
	writer->data[offset + 1] = (uint8_t)value;
}
