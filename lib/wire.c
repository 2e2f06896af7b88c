/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec: messages to bytes and back, by bounds-checked cursors only (see wire.h and
 * docs/protocol.md).  Called by engine.c; nothing here knows a state.
 */
#include "wire.h"

#include <string.h>

void wire_begin(struct buf_writer *writer)
{
	buf_put_u32(writer, 0);
	buf_put_u32(writer, 0);
}

uint32_t wire_end(struct buf_writer *writer, enum wire_type type)
{
	struct buf_writer header;
	uint32_t size = writer->offset;

	if (writer->failed || size < MLAG_WIRE_HEADER_SIZE) {
		return 0;
	}
	buf_writer_init(&header, writer->data, MLAG_WIRE_HEADER_SIZE);
	buf_put_u32(&header, size - MLAG_WIRE_HEADER_SIZE);
	buf_put_u16(&header, (uint16_t)type);
	buf_put_u16(&header, 0);
	return size;
}

uint32_t wire_peek_size(const uint8_t *data)
{
	struct buf_reader reader;
	uint32_t payload;

	buf_reader_init(&reader, data, MLAG_WIRE_HEADER_SIZE);
	payload = buf_get_u32(&reader);
	return payload > MLAG_WIRE_PAYLOAD_MAX ? 0 : payload + MLAG_WIRE_HEADER_SIZE;
}

bool wire_open(const uint8_t *data, uint32_t size, uint16_t *ret_type,
	       struct buf_reader *ret_payload)
{
	struct buf_reader reader;

	if (size < MLAG_WIRE_HEADER_SIZE || wire_peek_size(data) != size) {
		return false;
	}
	buf_reader_init(&reader, data, size);
	buf_get_u32(&reader);
	*ret_type = buf_get_u16(&reader);
	buf_get_u16(&reader);
	*ret_payload = reader;
	return true;
}

void wire_put_hello(struct buf_writer *writer, const struct wire_hello *hello)
{
	buf_put_u16(writer, hello->version);
	buf_put_u16(writer, hello->version_min);
	buf_put_u64(writer, hello->features);
	buf_put_u16(writer, hello->domain_id);
	buf_put_mac(writer, &hello->system_mac);
	buf_put_mac(writer, &hello->member_id);
	buf_put_u64(writer, hello->boot_id);
	buf_put_u32(writer, hello->role_epoch);
	buf_put_u16(writer, hello->priority);
	buf_put_u8(writer, hello->role);
	buf_put_u8(writer, hello->flags);
	buf_put_text(writer, hello->software);
}

bool wire_get_hello(struct buf_reader *reader, struct wire_hello *ret_hello)
{
	struct wire_hello hello;

	memset(&hello, 0, sizeof(hello));
	hello.version = buf_get_u16(reader);
	hello.version_min = buf_get_u16(reader);
	hello.features = buf_get_u64(reader);
	hello.domain_id = buf_get_u16(reader);
	hello.system_mac = buf_get_mac(reader);
	hello.member_id = buf_get_mac(reader);
	hello.boot_id = buf_get_u64(reader);
	hello.role_epoch = buf_get_u32(reader);
	hello.priority = buf_get_u16(reader);
	hello.role = buf_get_u8(reader);
	hello.flags = buf_get_u8(reader);
	buf_get_text(reader, hello.software, sizeof(hello.software));
	if (reader->failed || hello.version_min > hello.version) {
		return false;
	}
	*ret_hello = hello;
	return true;
}

void wire_put_keepalive(struct buf_writer *writer, const struct wire_keepalive *keepalive)
{
	buf_put_u32(writer, keepalive->role_epoch);
	buf_put_u8(writer, keepalive->role);
	buf_put_u8(writer, keepalive->verdict);
	buf_put_u8(writer, keepalive->digests_count);
	for (uint32_t i = 0; i < keepalive->digests_count; i++) {
		const struct wire_digest *digest = &keepalive->digests[i];

		buf_put_u8(writer, digest->table);
		buf_put_u8(writer, digest->settled);
		buf_put_u32(writer, digest->own_count);
		buf_put_u64(writer, digest->own_digest);
		buf_put_u32(writer, digest->heard_count);
		buf_put_u64(writer, digest->heard_digest);
	}
	/* Behind what version 1 knew at first: older peers do not look here. */
	buf_put_u8(writer, keepalive->digests_count);
	for (uint32_t i = 0; i < keepalive->digests_count; i++) {
		buf_put_u8(writer, keepalive->digests[i].table);
		buf_put_u32(writer, keepalive->digests[i].heard_batch);
	}
}

static void get_batches(struct buf_reader *reader, struct wire_keepalive *keepalive)
{
	uint32_t count = buf_left(reader) > 0 ? buf_get_u8(reader) : 0;

	for (uint32_t i = 0; i < count && !reader->failed; i++) {
		uint8_t table = buf_get_u8(reader);
		uint32_t batch = buf_get_u32(reader);

		for (uint32_t n = 0; n < keepalive->digests_count; n++) {
			if (keepalive->digests[n].table == table) {
				keepalive->digests[n].batch_known = true;
				keepalive->digests[n].heard_batch = batch;
			}
		}
	}
}

bool wire_get_keepalive(struct buf_reader *reader, struct wire_keepalive *ret_keepalive)
{
	struct wire_keepalive keepalive;
	uint32_t count;

	memset(&keepalive, 0, sizeof(keepalive));
	keepalive.role_epoch = buf_get_u32(reader);
	keepalive.role = buf_get_u8(reader);
	keepalive.verdict = buf_get_u8(reader);
	count = buf_get_u8(reader);
	for (uint32_t i = 0; i < count && !reader->failed; i++) {
		struct wire_digest digest = {0};

		digest.table = buf_get_u8(reader);
		digest.settled = buf_get_u8(reader);
		digest.own_count = buf_get_u32(reader);
		digest.own_digest = buf_get_u64(reader);
		digest.heard_count = buf_get_u32(reader);
		digest.heard_digest = buf_get_u64(reader);
		/* A newer peer may have tables that this version does not know. */
		if (!reader->failed && digest.table < WIRE_TABLES_COUNT &&
		    keepalive.digests_count < WIRE_TABLES_COUNT) {
			keepalive.digests[keepalive.digests_count++] = digest;
		}
	}
	get_batches(reader, &keepalive);
	if (reader->failed) {
		return false;
	}
	*ret_keepalive = keepalive;
	return true;
}

void wire_put_vlans(struct buf_writer *writer, const struct mlag_vlans *vlans)
{
	uint32_t count_offset = writer->offset;
	uint16_t count = 0;

	buf_put_u16(writer, 0);
	for (uint32_t vlan = 0; vlan < MLAG_VLANS_MAX; vlan++) {
		uint32_t last = vlan;

		if (vlans->words[vlan / 64] == 0) {
			vlan |= 63;
			continue;
		}
		if (!mlag_vlans_has(vlans, (uint16_t)vlan)) {
			continue;
		}
		while (last + 1 < MLAG_VLANS_MAX && mlag_vlans_has(vlans, (uint16_t)(last + 1))) {
			last++;
		}
		buf_put_u16(writer, (uint16_t)vlan);
		buf_put_u16(writer, (uint16_t)last);
		count++;
		vlan = last;
	}
	buf_patch_u16(writer, count_offset, count);
}

bool wire_get_vlans(struct buf_reader *reader, struct mlag_vlans *ret_vlans)
{
	uint32_t count = buf_get_u16(reader);
	uint32_t next = 0;

	memset(ret_vlans, 0, sizeof(*ret_vlans));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t first = buf_get_u16(reader);
		uint32_t last = buf_get_u16(reader);

		if (reader->failed || first < next || last < first || last >= MLAG_VLANS_MAX) {
			return false;
		}
		for (uint32_t vlan = first; vlan <= last; vlan++) {
			mlag_vlans_add(ret_vlans, (uint16_t)vlan);
		}
		next = last + 1;
	}
	return !reader->failed;
}
