/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records to bytes and back (see record.h), by bounds-checked cursors.  Pure.
 */
#include "record.h"

#define XXH_INLINE_ALL
#define XXH_NO_STREAM
#include <string.h>
#include <xxhash.h>

#include "recordpart.h"
#include "wire.h"

const char *record_kind_text(enum record_kind kind)
{
	switch (kind) {
	case RECORD_CONFIG:
		return "an engine is made";
	case RECORD_STEP:
		return "event";
	case RECORD_MESSAGE:
		return "message to the peer";
	case RECORD_HELLO:
		return "hello";
	case RECORD_LEG:
		return "leg program";
	case RECORD_FDB:
		return "FDB operations";
	case RECORD_ADDRESSES:
		return "addresses";
	case RECORD_NEIGHBORS:
		return "neighbor operations";
	case RECORD_ANSWER:
		return "answer";
	case RECORD_NONE:
	case RECORD_KINDS_COUNT:
		break;
	}
	return "?";
}

/* ---- events --------------------------------------------------------------------------------- */

static bool put_event(struct buf_writer *writer, const struct mlag_event *event)
{
	buf_put_u8(writer, (uint8_t)event->type);
	switch (event->type) {
	case MLAG_EVENT_NONE:
	case MLAG_EVENT_CHANNEL_UP:
	case MLAG_EVENT_CHANNEL_DOWN:
	case MLAG_EVENT_PROMOTE:
	case MLAG_EVENT_FDB_DUMP_BEGIN:
	case MLAG_EVENT_FDB_DUMP_END:
	case MLAG_EVENT_NEIGHBOR_DUMP_BEGIN:
	case MLAG_EVENT_NEIGHBOR_DUMP_END:
	case MLAG_EVENT_GOODBYE:
	case MLAG_EVENT_RESUMED:
		return true;
	case MLAG_EVENT_TICK:
		buf_put_u64(writer, event->tick.read_ns);
		return true;
	case MLAG_EVENT_MESSAGE:
		buf_put_u32(writer, event->message.size);
		recordpart_put_octets(writer, event->message.data, event->message.size);
		return true;
	case MLAG_EVENT_HELLO:
		buf_put_u8(writer, (uint8_t)event->hello.path);
		buf_put_u8(writer, event->hello.authentic);
		buf_put_u32(writer, event->hello.size);
		recordpart_put_octets(writer, event->hello.data, event->hello.size);
		return true;
	case MLAG_EVENT_PEER_LINK:
		recordpart_put_peer_link(writer, event->peer_link);
		return true;
	case MLAG_EVENT_LEG:
		buf_put_u16(writer, event->leg.lag_id);
		recordpart_put_leg(writer, event->leg.observation);
		return true;
	case MLAG_EVENT_LEG_APPLIED:
		buf_put_u16(writer, event->leg_applied.lag_id);
		buf_put_u32(writer, event->leg_applied.serial);
		return true;
	case MLAG_EVENT_LEG_REFUSED:
		buf_put_u16(writer, event->leg_refused.lag_id);
		return true;
	case MLAG_EVENT_LEG_CONFIGURE:
	case MLAG_EVENT_LEG_REMOVE:
		buf_put_u16(writer, event->leg_configure.lag_id);
		buf_put_u8(writer, event->leg_configure.is_new);
		buf_put_u8(writer, event->leg_configure.is_drained);
		buf_put_u8(writer, (uint8_t)event->leg_configure.held);
		return true;
	case MLAG_EVENT_DRAIN:
		buf_put_u16(writer, event->drain.lag_id);
		buf_put_u8(writer, event->drain.on);
		return true;
	case MLAG_EVENT_FDB:
		recordpart_put_mac_key(writer, &event->fdb.key);
		buf_put_u32(writer, event->fdb.entry.ifindex);
		buf_put_u8(writer, (uint8_t)event->fdb.entry.kind);
		buf_put_u8(writer, event->fdb.listed);
		return true;
	case MLAG_EVENT_FDB_FAILED:
		recordpart_put_mac_key(writer, &event->fdb_failed.key);
		buf_put_u32(writer, (uint32_t)event->fdb_failed.error);
		return true;
	case MLAG_EVENT_ADDRESS:
		recordpart_put_address_key(writer, &event->address.key);
		buf_put_u8(writer, event->address.present);
		buf_put_u32(writer, event->address.domain);
		buf_put_u32(writer, event->address.ifindex);
		return true;
	case MLAG_EVENT_DEFAULT_ROUTE:
		recordpart_put_route(writer, event->default_route);
		return true;
	case MLAG_EVENT_NEIGHBOR_DEVICE:
		buf_put_u16(writer, event->neighbor_device.vlan);
		buf_put_u8(writer, (uint8_t)event->neighbor_device.device);
		buf_put_u32(writer, event->neighbor_device.ifindex);
		return true;
	case MLAG_EVENT_NEIGHBOR:
		recordpart_put_neighbor_key(writer, &event->neighbor.key);
		buf_put_u8(writer, (uint8_t)event->neighbor.entry.state);
		buf_put_u8(writer, event->neighbor.entry.marked);
		buf_put_mac(writer, &event->neighbor.entry.mac);
		return true;
	case MLAG_EVENT_NEIGHBOR_FAILED:
		recordpart_put_neighbor_key(writer, &event->neighbor_failed.key);
		buf_put_u32(writer, (uint32_t)event->neighbor_failed.error);
		return true;
	case MLAG_EVENT_ASK:
		recordpart_put_question(writer, event->ask);
		return true;
	case MLAG_EVENT_RECONFIGURE:
		recordpart_put_config(writer, event->reconfigure);
		return true;
	case MLAG_EVENT_RESUME:
		recordpart_put_resume(writer, event->resume);
		return true;
	case MLAG_EVENT_RESUME_LEG:
		recordpart_put_leg_program(writer, event->resume_leg);
		return true;
	case MLAG_EVENT_RESUME_MAC:
		recordpart_put_mac_key(writer, &event->resume_mac.key);
		buf_put_u16(writer, event->resume_mac.place.lag_id);
		buf_put_u8(writer, event->resume_mac.place.peer_knows);
		buf_put_u8(writer, event->resume_mac.place.known);
		buf_put_u32(writer, event->resume_mac.place.ifindex);
		buf_put_u32(writer, event->resume_mac.place.own_seq);
		buf_put_u32(writer, event->resume_mac.place.peer_seq);
		buf_put_u8(writer, event->resume_mac.place.memory);
		return true;
	case MLAG_EVENT_RESUME_ADDRESS:
		recordpart_put_address_program(writer, event->resume_address);
		return true;
	}
	return false;
}

/* Bytes that an event borrows: they stay where they are. */
static bool get_borrowed(struct buf_reader *reader, uint32_t size_min, uint32_t size_max,
			 const uint8_t **ret_data, uint32_t *ret_size)
{
	uint32_t size = buf_get_u32(reader);

	if (reader->failed || size < size_min || size > size_max || size > buf_left(reader)) {
		return false;
	}
	*ret_data = reader->data + reader->offset;
	*ret_size = size;
	reader->offset += size;
	return true;
}

static bool get_fdb(struct buf_reader *reader, struct mlag_event *event)
{
	uint8_t kind;

	recordpart_get_mac_key(reader, &event->fdb.key);
	event->fdb.entry.ifindex = buf_get_u32(reader);
	kind = buf_get_u8(reader);
	event->fdb.entry.kind = (enum mlag_fdb_kind)kind;
	event->fdb.listed = recordpart_get_bool(reader);
	return kind <= MLAG_FDB_STICKY;
}

static bool get_neighbor(struct buf_reader *reader, struct mlag_event *event)
{
	uint8_t state;

	recordpart_get_neighbor_key(reader, &event->neighbor.key);
	state = buf_get_u8(reader);
	event->neighbor.entry.state = (enum mlag_neighbor_state)state;
	event->neighbor.entry.marked = recordpart_get_bool(reader);
	event->neighbor.entry.mac = buf_get_mac(reader);
	return state <= MLAG_NEIGHBOR_STATIC;
}

static bool get_neighbor_device(struct buf_reader *reader, struct mlag_event *event)
{
	uint8_t device;

	event->neighbor_device.vlan = buf_get_u16(reader);
	device = buf_get_u8(reader);
	event->neighbor_device.device = (enum mlag_neighbor_device)device;
	event->neighbor_device.ifindex = buf_get_u32(reader);
	return device <= MLAG_NEIGHBOR_ON_GATEWAY && event->neighbor_device.vlan < MLAG_VLANS_MAX;
}

static bool get_hello(struct buf_reader *reader, struct mlag_event *event)
{
	uint8_t path = buf_get_u8(reader);

	event->hello.path = (enum mlag_path)path;
	event->hello.authentic = recordpart_get_bool(reader);
	return path < MLAG_PATHS_COUNT &&
	       get_borrowed(reader, 0, MLAG_HELLO_SIZE_MAX, &event->hello.data, &event->hello.size);
}

/* The part of an event that is behind its type.  False when it makes no sense. */
static bool get_event_body(struct buf_reader *reader, struct record *record)
{
	struct mlag_event *event = &record->event;

	switch (event->type) {
	case MLAG_EVENT_NONE:
	case MLAG_EVENT_CHANNEL_UP:
	case MLAG_EVENT_CHANNEL_DOWN:
	case MLAG_EVENT_PROMOTE:
	case MLAG_EVENT_FDB_DUMP_BEGIN:
	case MLAG_EVENT_FDB_DUMP_END:
	case MLAG_EVENT_NEIGHBOR_DUMP_BEGIN:
	case MLAG_EVENT_NEIGHBOR_DUMP_END:
	case MLAG_EVENT_GOODBYE:
	case MLAG_EVENT_RESUMED:
		return true;
	case MLAG_EVENT_TICK:
		event->tick.read_ns = buf_get_u64(reader);
		return true;
	case MLAG_EVENT_MESSAGE:
		return get_borrowed(reader, MLAG_WIRE_HEADER_SIZE, MLAG_WIRE_MESSAGE_MAX,
				    &event->message.data, &event->message.size);
	case MLAG_EVENT_HELLO:
		return get_hello(reader, event);
	case MLAG_EVENT_PEER_LINK:
		event->peer_link = &record->peer_link;
		return recordpart_get_peer_link(reader, &record->peer_link);
	case MLAG_EVENT_LEG:
		event->leg.lag_id = buf_get_u16(reader);
		event->leg.observation = &record->leg;
		return recordpart_get_leg(reader, &record->leg);
	case MLAG_EVENT_LEG_APPLIED:
		event->leg_applied.lag_id = buf_get_u16(reader);
		event->leg_applied.serial = buf_get_u32(reader);
		return true;
	case MLAG_EVENT_LEG_REFUSED:
		event->leg_refused.lag_id = buf_get_u16(reader);
		return true;
	case MLAG_EVENT_LEG_CONFIGURE:
	case MLAG_EVENT_LEG_REMOVE:
		event->leg_configure.lag_id = buf_get_u16(reader);
		event->leg_configure.is_new = recordpart_get_bool(reader);
		event->leg_configure.is_drained = recordpart_get_bool(reader);
		event->leg_configure.held = buf_get_u8(reader);
		return event->leg_configure.lag_id != 0 &&
		       event->leg_configure.held <= MLAG_HOLD_REFUSED;
	case MLAG_EVENT_DRAIN:
		event->drain.lag_id = buf_get_u16(reader);
		event->drain.on = recordpart_get_bool(reader);
		return true;
	case MLAG_EVENT_FDB:
		return get_fdb(reader, event);
	case MLAG_EVENT_FDB_FAILED:
		recordpart_get_mac_key(reader, &event->fdb_failed.key);
		event->fdb_failed.error = (int)(buf_get_u32(reader) & 0xffff);
		return true;
	case MLAG_EVENT_ADDRESS:
		recordpart_get_address_key(reader, &event->address.key);
		event->address.present = recordpart_get_bool(reader);
		event->address.domain = buf_get_u32(reader);
		event->address.ifindex = buf_get_u32(reader);
		return true;
	case MLAG_EVENT_DEFAULT_ROUTE:
		event->default_route = &record->route;
		recordpart_get_route(reader, &record->route);
		return true;
	case MLAG_EVENT_NEIGHBOR_DEVICE:
		return get_neighbor_device(reader, event);
	case MLAG_EVENT_NEIGHBOR:
		return get_neighbor(reader, event);
	case MLAG_EVENT_NEIGHBOR_FAILED:
		recordpart_get_neighbor_key(reader, &event->neighbor_failed.key);
		event->neighbor_failed.error = (int)(buf_get_u32(reader) & 0xffff);
		return true;
	case MLAG_EVENT_ASK:
		event->ask = &record->question;
		return recordpart_get_question(reader, &record->question);
	case MLAG_EVENT_RECONFIGURE:
		event->reconfigure = &record->config;
		recordpart_get_config(reader, &record->config);
		return true;
	case MLAG_EVENT_RESUME:
		event->resume = &record->resume;
		return recordpart_get_resume(reader, &record->resume);
	case MLAG_EVENT_RESUME_LEG:
		event->resume_leg = &record->leg_program;
		return recordpart_get_leg_program(reader, &record->leg_program);
	case MLAG_EVENT_RESUME_MAC:
		recordpart_get_mac_key(reader, &event->resume_mac.key);
		event->resume_mac.place.lag_id = buf_get_u16(reader);
		event->resume_mac.place.peer_knows = buf_get_u8(reader);
		event->resume_mac.place.known = buf_get_u8(reader);
		event->resume_mac.place.ifindex = buf_get_u32(reader);
		event->resume_mac.place.own_seq = buf_get_u32(reader);
		event->resume_mac.place.peer_seq = buf_get_u32(reader);
		event->resume_mac.place.memory = buf_get_u8(reader);
		return true;
	case MLAG_EVENT_RESUME_ADDRESS:
		event->resume_address = &record->address_program;
		return recordpart_get_address_program(reader, &record->address_program);
	}
	return false;
}

/* ---- records -------------------------------------------------------------------------------- */

static bool put_body(struct buf_writer *writer, const struct record *record)
{
	switch (record->kind) {
	case RECORD_CONFIG:
		recordpart_put_config(writer, &record->config);
		return true;
	case RECORD_STEP:
		buf_put_u32(writer, record->effects_digest);
		return put_event(writer, &record->event);
	case RECORD_MESSAGE:
	case RECORD_HELLO:
	case RECORD_LEG:
	case RECORD_FDB:
	case RECORD_ADDRESSES:
	case RECORD_NEIGHBORS:
	case RECORD_ANSWER:
		buf_put_u32(writer, record->pull.argument);
		buf_put_u32(writer, record->pull.count);
		buf_put_u32(writer, record->pull.digest);
		return true;
	case RECORD_NONE:
	case RECORD_KINDS_COUNT:
		break;
	}
	return false;
}

uint32_t record_put(const struct record *record, uint8_t *ret_bytes)
{
	struct buf_writer writer;
	struct buf_writer header;

	buf_writer_init(&writer, ret_bytes, RECORD_SIZE_MAX);
	buf_put_u8(&writer, (uint8_t)record->kind);
	buf_put_u32(&writer, 0);
	buf_put_u64(&writer, record->now_ns);
	if (!put_body(&writer, record) || writer.failed) {
		return 0;
	}
	buf_writer_init(&header, ret_bytes + 1, 4);
	buf_put_u32(&header, writer.offset - RECORD_HEADER_SIZE);
	return writer.offset;
}

static bool get_body(struct buf_reader *reader, struct record *record)
{
	switch (record->kind) {
	case RECORD_CONFIG:
		recordpart_get_config(reader, &record->config);
		return recordpart_config_is_possible(&record->config);
	case RECORD_STEP:
		record->effects_digest = buf_get_u32(reader);
		record->event.type = (enum mlag_event_type)buf_get_u8(reader);
		return get_event_body(reader, record);
	case RECORD_MESSAGE:
	case RECORD_HELLO:
	case RECORD_LEG:
	case RECORD_FDB:
	case RECORD_ADDRESSES:
	case RECORD_NEIGHBORS:
	case RECORD_ANSWER:
		record->pull.argument = buf_get_u32(reader);
		record->pull.count = buf_get_u32(reader);
		record->pull.digest = buf_get_u32(reader);
		return true;
	case RECORD_NONE:
	case RECORD_KINDS_COUNT:
		break;
	}
	return false;
}

uint32_t record_get(const uint8_t *bytes, uint32_t size, struct record *ret_record)
{
	struct buf_reader reader;
	uint32_t body;

	memset(ret_record, 0, sizeof(*ret_record));
	buf_reader_init(&reader, bytes, size);
	ret_record->kind = (enum record_kind)buf_get_u8(&reader);
	body = buf_get_u32(&reader);
	ret_record->now_ns = buf_get_u64(&reader);
	if (reader.failed || body > RECORD_PAYLOAD_MAX || body > buf_left(&reader)) {
		return 0;
	}
	buf_reader_init(&reader, bytes + RECORD_HEADER_SIZE, body);
	if (!get_body(&reader, ret_record) || reader.failed) {
		return 0;
	}
	return RECORD_HEADER_SIZE + body;
}

/* ---- digests of what came ------------------------------------------------------------------- */

uint32_t record_digest_bytes(const uint8_t *data, uint32_t size)
{
	return (uint32_t)XXH3_64bits_withSeed(data, size, RECORD_MAGIC);
}

uint32_t record_digest_effects(const struct mlag_effects *effects)
{
	uint8_t bytes[MLAG_EFFECTS_MAX * 8 + 8];
	struct buf_writer writer;

	buf_writer_init(&writer, bytes, sizeof(bytes));
	buf_put_u32(&writer, effects->notices_lost);
	for (uint32_t i = 0; i < effects->count; i++) {
		const struct mlag_effect *effect = &effects->items[i];

		buf_put_u8(&writer, (uint8_t)effect->type);
		switch (effect->type) {
		case MLAG_EFFECT_NONE:
			break;
		case MLAG_EFFECT_CLOSE:
			buf_put_u8(&writer, (uint8_t)effect->close.reason);
			break;
		case MLAG_EFFECT_NOTICE:
			buf_put_u8(&writer, (uint8_t)effect->notice.notice);
			buf_put_u16(&writer, effect->notice.lag_id);
			break;
		case MLAG_EFFECT_DIFFERENCE:
			buf_put_u8(&writer, (uint8_t)effect->difference.kind);
			break;
		}
	}
	return record_digest_bytes(bytes, writer.offset);
}

uint32_t record_digest_leg(const struct mlag_leg_program *program)
{
	uint8_t bytes[4 * MLAG_VLANS_MAX + 64];
	struct buf_writer writer;

	buf_writer_init(&writer, bytes, sizeof(bytes));
	buf_put_u16(&writer, program->lag_id);
	buf_put_u32(&writer, program->ifindex);
	buf_put_u32(&writer, program->serial);
	buf_put_u8(&writer, (uint8_t)program->gate);
	buf_put_u8(&writer, program->flood);
	buf_put_u8(&writer, (uint8_t)program->hold);
	buf_put_u8(&writer, program->stay);
	buf_put_u8(&writer, program->own_system);
	wire_put_vlans(&writer, &program->isolated);
	wire_put_vlans(&writer, &program->held);
	return record_digest_bytes(bytes, writer.offset);
}

/* The digest of many: each one's covers that of those before it. */
struct chain {
	uint32_t digest;
	uint8_t bytes[64];
	struct buf_writer writer;
};

static struct buf_writer *chain_begin(struct chain *chain)
{
	buf_writer_init(&chain->writer, chain->bytes, sizeof(chain->bytes));
	buf_put_u32(&chain->writer, chain->digest);
	return &chain->writer;
}

static void chain_end(struct chain *chain)
{
	chain->digest = record_digest_bytes(chain->bytes, chain->writer.offset);
}

uint32_t record_digest_fdb(const struct mlag_fdb_operation *operations, uint32_t count)
{
	struct chain chain = {.digest = 0};

	for (uint32_t i = 0; i < count; i++) {
		struct buf_writer *writer = chain_begin(&chain);

		buf_put_u8(writer, (uint8_t)operations[i].verb);
		recordpart_put_mac_key(writer, &operations[i].key);
		buf_put_u32(writer, operations[i].entry.ifindex);
		buf_put_u8(writer, (uint8_t)operations[i].entry.kind);
		buf_put_u8(writer, operations[i].place_known);
		chain_end(&chain);
	}
	return chain.digest;
}

uint32_t record_digest_addresses(const struct mlag_address_program *programs, uint32_t count)
{
	struct chain chain = {.digest = 0};

	for (uint32_t i = 0; i < count; i++) {
		struct buf_writer *writer = chain_begin(&chain);

		recordpart_put_address_key(writer, &programs[i].key);
		buf_put_u8(writer, (uint8_t)programs[i].owner);
		buf_put_u32(writer, programs[i].peer_link_ifindex);
		chain_end(&chain);
	}
	return chain.digest;
}

uint32_t record_digest_neighbors(const struct mlag_neighbor_operation *operations, uint32_t count)
{
	struct chain chain = {.digest = 0};

	for (uint32_t i = 0; i < count; i++) {
		struct buf_writer *writer = chain_begin(&chain);

		buf_put_u8(writer, (uint8_t)operations[i].verb);
		recordpart_put_neighbor_key(writer, &operations[i].key);
		buf_put_u32(writer, operations[i].ifindex);
		buf_put_mac(writer, &operations[i].mac);
		chain_end(&chain);
	}
	return chain.digest;
}

/* ---- files ---------------------------------------------------------------------------------- */

static bool open_segment(struct record_reader *reader, struct buf_reader *header, uint32_t index)
{
	uint32_t offset, size, used;

	reader->numbers[index] = buf_get_u64(header);
	offset = buf_get_u32(header);
	size = buf_get_u32(header);
	used = buf_get_u32(header);
	buf_get_u32(header);
	if (header->failed || offset > reader->size || size > reader->size - offset ||
	    used > size) {
		return false;
	}
	reader->starts[index] = offset;
	reader->used[index] = used;
	if (used > 0) {
		uint32_t at = reader->segments_count++;

		/* By number; there are three of them. */
		while (at > 0 && reader->numbers[reader->order[at - 1]] > reader->numbers[index]) {
			reader->order[at] = reader->order[at - 1];
			at--;
		}
		reader->order[at] = index;
	}
	return true;
}

bool record_open(struct record_reader *reader, const uint8_t *data, size_t size)
{
	struct buf_reader header;

	memset(reader, 0, sizeof(*reader));
	if (size < RECORD_FILE_HEADER_SIZE || size > RECORD_FILE_SIZE_MAX) {
		return false;
	}
	reader->data = data;
	reader->size = (uint32_t)size;
	buf_reader_init(&header, data, RECORD_FILE_HEADER_SIZE);
	if (buf_get_u64(&header) != RECORD_MAGIC || buf_get_u32(&header) != RECORD_VERSION) {
		return false;
	}
	recordpart_get_octets(&header, (uint8_t *)reader->software, sizeof(reader->software));
	for (uint32_t i = 0; i < sizeof(reader->software); i++) {
		char c = reader->software[i];

		reader->software[i] = c == '\0' || (c > 0x20 && c < 0x7f) ? c : '?';
	}
	reader->software[sizeof(reader->software) - 1] = '\0';
	reader->ended = buf_get_u32(&header) != 0;
	for (uint32_t i = 0; i < RECORD_SEGMENTS; i++) {
		if (!open_segment(reader, &header, i)) {
			return false;
		}
	}
	return true;
}

int record_next(struct record_reader *reader, struct record *ret_record)
{
	uint32_t segment, left, size;

	reader->missing = false;
	if (reader->segment == reader->segments_count) {
		return 0;
	}
	segment = reader->order[reader->segment];
	if (reader->offset == reader->used[segment]) {
		uint32_t next = reader->segment + 1;

		if (next == reader->segments_count) {
			reader->segment = next;
			return 0;
		}
		reader->missing = reader->numbers[reader->order[next]] !=
				  reader->numbers[segment] + 1;
		reader->segment = next;
		reader->offset = 0;
		segment = reader->order[next];
	}
	left = reader->used[segment] - reader->offset;
	size = record_get(reader->data + reader->starts[segment] + reader->offset, left,
			  ret_record);
	if (size == 0) {
		return -1;
	}
	reader->offset += size;
	return 1;
}
