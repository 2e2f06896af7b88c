/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec of hellos (see hello.h), by bounds-checked cursors only.  Called by pair.c; nothing here
 * knows a state.
 */
#include "hello.h"

#include <string.h>

#define SIZE_OFFSET 6 /* of the size, behind magic, version and kind */

void hello_put(struct buf_writer *writer, const struct hello *hello)
{
	uint32_t begin = writer->offset;

	buf_put_u32(writer, HELLO_MAGIC);
	buf_put_u8(writer, hello->version);
	buf_put_u8(writer, hello->kind);
	buf_put_u16(writer, 0); /* the size */
	buf_put_u16(writer, hello->domain_id);
	buf_put_u16(writer, hello->authentication);
	buf_put_mac(writer, &hello->member_id);
	buf_put_u64(writer, hello->boot_id);
	buf_put_u16(writer, 0); /* reserved */
	buf_put_u32(writer, hello->sequence);
	buf_put_u64(writer, hello->heard_boot_id);
	buf_put_u8(writer, hello->hears);
	buf_put_u8(writer, hello->flags);
	buf_put_u8(writer, hello->role);
	buf_put_u8(writer, hello->verdict);
	buf_put_u32(writer, hello->role_epoch);
	buf_put_u16(writer, hello->priority);
	buf_put_u16(writer, hello->interval_ms);
	buf_put_u32(writer, hello->restart_hold_ms);
	buf_put_u16(writer, hello->legs_count);
	for (uint32_t i = 0; i < hello->legs_count; i++) {
		buf_put_u16(writer, hello->legs[i].lag_id);
		buf_put_u16(writer, hello->legs[i].generation);
		buf_put_u8(writer, hello->legs[i].flags);
	}
	buf_patch_u16(writer, begin + SIZE_OFFSET, (uint16_t)(writer->offset - begin));
}

/* What a newer version may have changed. */
static bool get_body(struct buf_reader *reader, struct hello *hello)
{
	hello->heard_boot_id = buf_get_u64(reader);
	hello->hears = buf_get_u8(reader);
	hello->flags = buf_get_u8(reader);
	hello->role = buf_get_u8(reader);
	hello->verdict = buf_get_u8(reader);
	hello->role_epoch = buf_get_u32(reader);
	hello->priority = buf_get_u16(reader);
	hello->interval_ms = buf_get_u16(reader);
	hello->restart_hold_ms = buf_get_u32(reader);
	hello->legs_count = buf_get_u16(reader);
	if (reader->failed || hello->legs_count > MLAG_LEGS_MAX) {
		return false;
	}
	for (uint32_t i = 0; i < hello->legs_count; i++) {
		hello->legs[i].lag_id = buf_get_u16(reader);
		hello->legs[i].generation = buf_get_u16(reader);
		hello->legs[i].flags = buf_get_u8(reader);
	}
	return !reader->failed;
}

bool hello_get(const uint8_t *data, uint32_t size, struct hello *ret_hello)
{
	struct buf_reader reader;
	uint32_t whole;

	memset(ret_hello, 0, sizeof(*ret_hello));
	buf_reader_init(&reader, data, size);
	if (buf_get_u32(&reader) != HELLO_MAGIC) {
		return false;
	}
	ret_hello->version = buf_get_u8(&reader);
	ret_hello->kind = buf_get_u8(&reader);
	whole = buf_get_u16(&reader);
	ret_hello->domain_id = buf_get_u16(&reader);
	ret_hello->authentication = buf_get_u16(&reader);
	ret_hello->member_id = buf_get_mac(&reader);
	ret_hello->boot_id = buf_get_u64(&reader);
	(void)buf_get_u16(&reader);
	ret_hello->sequence = buf_get_u32(&reader);
	if (reader.failed || whole < HELLO_HEAD_SIZE || whole > size || ret_hello->boot_id == 0) {
		return false;
	}
	if (ret_hello->version != HELLO_VERSION) {
		return true;
	}
	if (ret_hello->authentication != HELLO_AUTHENTICATION_NONE) {
		if (whole < HELLO_HEAD_SIZE + HELLO_MAC_SIZE) {
			return false;
		}
		whole -= HELLO_MAC_SIZE;
	}
	reader.size = whole;
	return get_body(&reader, ret_hello);
}
