/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records to bytes and back (see record.h), by bounds-checked cursors.  Pure.
 */
#include "record.h"

#define XXH_INLINE_ALL
#define XXH_NO_STREAM
#include <string.h>
#include <xxhash.h>

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

static void put_octets(struct buf_writer *writer, const uint8_t *octets, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		buf_put_u8(writer, octets[i]);
	}
}

static void get_octets(struct buf_reader *reader, uint8_t *ret_octets, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		ret_octets[i] = buf_get_u8(reader);
	}
}

static bool get_bool(struct buf_reader *reader)
{
	return buf_get_u8(reader) != 0;
}

/* ---- the parts of events -------------------------------------------------------------------- */

static void put_config(struct buf_writer *writer, const struct mlag_config *config)
{
	buf_put_mac(writer, &config->system_mac);
	buf_put_u16(writer, config->domain_id);
	buf_put_u16(writer, config->priority);
	buf_put_u64(writer, config->hello_interval_ns);
	buf_put_u32(writer, config->dead_multiplier);
	buf_put_u64(writer, config->restart_hold_ns);
	buf_put_u64(writer, config->startup_wait_ns);
	buf_put_u8(writer, config->backup);
	buf_put_u64(writer, config->boot_id);
	buf_put_u32(writer, config->macs_max);
	buf_put_u8(writer, config->last_resort);
	buf_put_u32(writer, config->neighbors_max);
}

static void get_config(struct buf_reader *reader, struct mlag_config *ret_config)
{
	ret_config->system_mac = buf_get_mac(reader);
	ret_config->domain_id = buf_get_u16(reader);
	ret_config->priority = buf_get_u16(reader);
	ret_config->hello_interval_ns = buf_get_u64(reader);
	ret_config->dead_multiplier = buf_get_u32(reader);
	ret_config->restart_hold_ns = buf_get_u64(reader);
	ret_config->startup_wait_ns = buf_get_u64(reader);
	ret_config->backup = get_bool(reader);
	ret_config->boot_id = buf_get_u64(reader);
	ret_config->hash_seed = 1;
	ret_config->macs_max = buf_get_u32(reader);
	ret_config->last_resort = get_bool(reader);
	ret_config->neighbors_max = buf_get_u32(reader);
}

/* What an engine asserts of its configuration. */
static bool config_is_possible(const struct mlag_config *config)
{
	return config->macs_max >= 1 && config->macs_max <= MLAG_MACS_MAX &&
	       config->neighbors_max <= MLAG_NEIGHBORS_MAX && config->boot_id != 0;
}

static void put_peer_link(struct buf_writer *writer, const struct mlag_peer_link *link)
{
	buf_put_u32(writer, link->ifindex);
	buf_put_u32(writer, link->incarnation);
	buf_put_u32(writer, link->bridge_ifindex);
	buf_put_u8(writer, link->carrier);
	buf_put_u8(writer, link->vlan_aware);
	buf_put_u16(writer, link->untagged_vid);
	buf_put_mac(writer, &link->mac);
	wire_put_vlans(writer, &link->vlans);
}

static bool get_peer_link(struct buf_reader *reader, struct mlag_peer_link *ret_link)
{
	ret_link->ifindex = buf_get_u32(reader);
	ret_link->incarnation = buf_get_u32(reader);
	ret_link->bridge_ifindex = buf_get_u32(reader);
	ret_link->carrier = get_bool(reader);
	ret_link->vlan_aware = get_bool(reader);
	ret_link->untagged_vid = buf_get_u16(reader);
	ret_link->mac = buf_get_mac(reader);
	return wire_get_vlans(reader, &ret_link->vlans);
}

static void put_leg(struct buf_writer *writer, const struct mlag_leg_observation *leg)
{
	buf_put_u32(writer, leg->ifindex);
	buf_put_u32(writer, leg->incarnation);
	buf_put_u8(writer, leg->carrier);
	buf_put_u8(writer, leg->lacp);
	buf_put_u8(writer, leg->distributing);
	buf_put_u8(writer, leg->partner_collecting);
	buf_put_u8(writer, leg->data_seen);
	buf_put_u16(writer, leg->untagged_vid);
	buf_put_mac(writer, &leg->partner_mac);
	wire_put_vlans(writer, &leg->vlans);
}

static bool get_leg(struct buf_reader *reader, struct mlag_leg_observation *ret_leg)
{
	ret_leg->ifindex = buf_get_u32(reader);
	ret_leg->incarnation = buf_get_u32(reader);
	ret_leg->carrier = get_bool(reader);
	ret_leg->lacp = get_bool(reader);
	ret_leg->distributing = get_bool(reader);
	ret_leg->partner_collecting = get_bool(reader);
	ret_leg->data_seen = get_bool(reader);
	ret_leg->untagged_vid = buf_get_u16(reader);
	ret_leg->partner_mac = buf_get_mac(reader);
	return wire_get_vlans(reader, &ret_leg->vlans);
}

static void put_route(struct buf_writer *writer, const struct mlag_default_route *route)
{
	uint32_t count = route->hops_count < MLAG_HOPS_MAX ? route->hops_count : MLAG_HOPS_MAX;

	buf_put_u32(writer, route->domain);
	buf_put_u8(writer, route->family);
	buf_put_u8(writer, route->present);
	buf_put_u8(writer, route->reject);
	buf_put_u8(writer, route->adopted);
	buf_put_u32(writer, route->hops_count);
	for (uint32_t i = 0; i < count; i++) {
		buf_put_u32(writer, route->hops[i].ifindex);
		buf_put_u32(writer, route->hops[i].lower_ifindex);
		buf_put_u8(writer, route->hops[i].family);
		buf_put_u8(writer, route->hops[i].usable);
		put_octets(writer, route->hops[i].octets, sizeof(route->hops[i].octets));
	}
}

static void get_route(struct buf_reader *reader, struct mlag_default_route *ret_route)
{
	uint32_t count;

	ret_route->domain = buf_get_u32(reader);
	ret_route->family = buf_get_u8(reader);
	ret_route->present = get_bool(reader);
	ret_route->reject = get_bool(reader);
	ret_route->adopted = get_bool(reader);
	ret_route->hops_count = buf_get_u32(reader);
	count = ret_route->hops_count < MLAG_HOPS_MAX ? ret_route->hops_count : MLAG_HOPS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		struct mlag_hop *hop = &ret_route->hops[i];

		hop->ifindex = buf_get_u32(reader);
		hop->lower_ifindex = buf_get_u32(reader);
		hop->family = buf_get_u8(reader);
		hop->usable = get_bool(reader);
		get_octets(reader, hop->octets, sizeof(hop->octets));
	}
}

static void put_mac_key(struct buf_writer *writer, const struct mlag_mac_key *key)
{
	buf_put_u16(writer, key->vlan);
	buf_put_mac(writer, &key->mac);
}

static void get_mac_key(struct buf_reader *reader, struct mlag_mac_key *ret_key)
{
	ret_key->vlan = buf_get_u16(reader);
	ret_key->mac = buf_get_mac(reader);
}

static void put_address_key(struct buf_writer *writer, const struct mlag_address_key *key)
{
	buf_put_u8(writer, key->kind);
	buf_put_u8(writer, key->family);
	buf_put_u16(writer, key->vlan);
	buf_put_u32(writer, key->domain);
	put_octets(writer, key->octets, sizeof(key->octets));
}

static void get_address_key(struct buf_reader *reader, struct mlag_address_key *ret_key)
{
	ret_key->kind = buf_get_u8(reader);
	ret_key->family = buf_get_u8(reader);
	ret_key->vlan = buf_get_u16(reader);
	ret_key->domain = buf_get_u32(reader);
	get_octets(reader, ret_key->octets, sizeof(ret_key->octets));
}

static void put_neighbor_key(struct buf_writer *writer, const struct mlag_neighbor_key *key)
{
	buf_put_u8(writer, key->family);
	buf_put_u8(writer, key->device);
	buf_put_u16(writer, key->vlan);
	put_octets(writer, key->octets, sizeof(key->octets));
}

static void get_neighbor_key(struct buf_reader *reader, struct mlag_neighbor_key *ret_key)
{
	ret_key->family = buf_get_u8(reader);
	ret_key->device = buf_get_u8(reader);
	ret_key->vlan = buf_get_u16(reader);
	get_octets(reader, ret_key->octets, sizeof(ret_key->octets));
}

static void put_question(struct buf_writer *writer, const struct mlag_question *question)
{
	const struct mlag_row_key *key = &question->key;

	buf_put_u32(writer, question->id);
	buf_put_u8(writer, question->has_key);
	buf_put_u8(writer, (uint8_t)key->table);
	buf_put_u16(writer, key->lag_id);
	buf_put_u16(writer, key->vlan);
	buf_put_mac(writer, &key->mac);
	buf_put_u8(writer, key->kind);
	buf_put_u8(writer, key->family);
	buf_put_u32(writer, key->domain);
	put_octets(writer, key->octets, sizeof(key->octets));
}

static bool get_question(struct buf_reader *reader, struct mlag_question *ret_question)
{
	struct mlag_row_key *key = &ret_question->key;
	uint8_t table;

	ret_question->id = buf_get_u32(reader);
	ret_question->has_key = get_bool(reader);
	table = buf_get_u8(reader);
	key->table = (enum mlag_table)table;
	key->lag_id = buf_get_u16(reader);
	key->vlan = buf_get_u16(reader);
	key->mac = buf_get_mac(reader);
	key->kind = buf_get_u8(reader);
	key->family = buf_get_u8(reader);
	key->domain = buf_get_u32(reader);
	get_octets(reader, key->octets, sizeof(key->octets));
	return table < MLAG_TABLES_COUNT;
}

static void put_resume(struct buf_writer *writer, const struct mlag_resume *resume)
{
	uint8_t bytes[MLAG_RESUME_SIZE_MAX];
	uint32_t size = mlag_resume_write(resume, bytes);

	buf_put_u32(writer, size);
	put_octets(writer, bytes, size);
}

static bool get_resume(struct buf_reader *reader, struct mlag_resume *ret_resume)
{
	uint8_t bytes[MLAG_RESUME_SIZE_MAX];
	uint32_t size = buf_get_u32(reader);

	if (reader->failed || size > sizeof(bytes)) {
		return false;
	}
	get_octets(reader, bytes, size);
	return !reader->failed && mlag_resume_read(bytes, size, ret_resume);
}

static void put_leg_program(struct buf_writer *writer, const struct mlag_leg_program *program)
{
	buf_put_u16(writer, program->lag_id);
	buf_put_u16(writer, program->untagged_vid);
	buf_put_u32(writer, program->ifindex);
	buf_put_u8(writer, (uint8_t)program->gate);
	wire_put_vlans(writer, &program->isolated);
	wire_put_vlans(writer, &program->held);
	buf_put_u32(writer, program->memory.generation);
	buf_put_u32(writer, program->memory.peer_generation);
	buf_put_u8(writer, program->memory.flags);
}

static bool get_leg_program(struct buf_reader *reader, struct mlag_leg_program *ret_program)
{
	uint8_t gate;

	ret_program->lag_id = buf_get_u16(reader);
	ret_program->untagged_vid = buf_get_u16(reader);
	ret_program->ifindex = buf_get_u32(reader);
	gate = buf_get_u8(reader);
	ret_program->gate = (enum mlag_gate)gate;
	if (gate > MLAG_GATE_OPEN || !wire_get_vlans(reader, &ret_program->isolated) ||
	    !wire_get_vlans(reader, &ret_program->held)) {
		return false;
	}
	ret_program->memory.generation = buf_get_u32(reader);
	ret_program->memory.peer_generation = buf_get_u32(reader);
	ret_program->memory.flags = buf_get_u8(reader);
	return true;
}

static void put_address_program(struct buf_writer *writer,
				const struct mlag_address_program *program)
{
	put_address_key(writer, &program->key);
	buf_put_u8(writer, (uint8_t)program->owner);
	buf_put_u32(writer, program->domain);
	buf_put_mac(writer, &program->own_mac);
	buf_put_u8(writer, program->on_peer_link);
	buf_put_u32(writer, program->own_ifindex);
	buf_put_u32(writer, program->peer_link_ifindex);
}

static bool get_address_program(struct buf_reader *reader, struct mlag_address_program *ret_program)
{
	uint8_t owner;

	get_address_key(reader, &ret_program->key);
	owner = buf_get_u8(reader);
	ret_program->owner = (enum mlag_owner)owner;
	ret_program->domain = buf_get_u32(reader);
	ret_program->own_mac = buf_get_mac(reader);
	ret_program->on_peer_link = get_bool(reader);
	ret_program->own_ifindex = buf_get_u32(reader);
	ret_program->peer_link_ifindex = buf_get_u32(reader);
	return owner <= MLAG_OWNER_PEER;
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
		put_octets(writer, event->message.data, event->message.size);
		return true;
	case MLAG_EVENT_HELLO:
		buf_put_u8(writer, (uint8_t)event->hello.path);
		buf_put_u8(writer, event->hello.authentic);
		buf_put_u32(writer, event->hello.size);
		put_octets(writer, event->hello.data, event->hello.size);
		return true;
	case MLAG_EVENT_PEER_LINK:
		put_peer_link(writer, event->peer_link);
		return true;
	case MLAG_EVENT_LEG:
		buf_put_u16(writer, event->leg.lag_id);
		put_leg(writer, event->leg.observation);
		return true;
	case MLAG_EVENT_LEG_APPLIED:
		buf_put_u16(writer, event->leg_applied.lag_id);
		buf_put_u32(writer, event->leg_applied.serial);
		return true;
	case MLAG_EVENT_LEG_CONFIGURE:
	case MLAG_EVENT_LEG_REMOVE:
		buf_put_u16(writer, event->leg_configure.lag_id);
		buf_put_u8(writer, event->leg_configure.is_new);
		buf_put_u8(writer, event->leg_configure.is_drained);
		return true;
	case MLAG_EVENT_DRAIN:
		buf_put_u16(writer, event->drain.lag_id);
		buf_put_u8(writer, event->drain.on);
		return true;
	case MLAG_EVENT_FDB:
		put_mac_key(writer, &event->fdb.key);
		buf_put_u32(writer, event->fdb.entry.ifindex);
		buf_put_u8(writer, (uint8_t)event->fdb.entry.kind);
		buf_put_u8(writer, event->fdb.listed);
		return true;
	case MLAG_EVENT_FDB_FAILED:
		put_mac_key(writer, &event->fdb_failed.key);
		buf_put_u32(writer, (uint32_t)event->fdb_failed.error);
		return true;
	case MLAG_EVENT_ADDRESS:
		put_address_key(writer, &event->address.key);
		buf_put_u8(writer, event->address.present);
		buf_put_u32(writer, event->address.domain);
		buf_put_u32(writer, event->address.ifindex);
		return true;
	case MLAG_EVENT_DEFAULT_ROUTE:
		put_route(writer, event->default_route);
		return true;
	case MLAG_EVENT_NEIGHBOR_DEVICE:
		buf_put_u16(writer, event->neighbor_device.vlan);
		buf_put_u8(writer, (uint8_t)event->neighbor_device.device);
		buf_put_u32(writer, event->neighbor_device.ifindex);
		return true;
	case MLAG_EVENT_NEIGHBOR:
		put_neighbor_key(writer, &event->neighbor.key);
		buf_put_u8(writer, (uint8_t)event->neighbor.entry.state);
		buf_put_u8(writer, event->neighbor.entry.marked);
		buf_put_mac(writer, &event->neighbor.entry.mac);
		return true;
	case MLAG_EVENT_NEIGHBOR_FAILED:
		put_neighbor_key(writer, &event->neighbor_failed.key);
		buf_put_u32(writer, (uint32_t)event->neighbor_failed.error);
		return true;
	case MLAG_EVENT_ASK:
		put_question(writer, event->ask);
		return true;
	case MLAG_EVENT_RECONFIGURE:
		put_config(writer, event->reconfigure);
		return true;
	case MLAG_EVENT_RESUME:
		put_resume(writer, event->resume);
		return true;
	case MLAG_EVENT_RESUME_LEG:
		put_leg_program(writer, event->resume_leg);
		return true;
	case MLAG_EVENT_RESUME_MAC:
		put_mac_key(writer, &event->resume_mac.key);
		buf_put_u16(writer, event->resume_mac.place.lag_id);
		buf_put_u8(writer, event->resume_mac.place.peer_knows);
		buf_put_u8(writer, event->resume_mac.place.known);
		buf_put_u32(writer, event->resume_mac.place.ifindex);
		buf_put_u32(writer, event->resume_mac.place.own_seq);
		buf_put_u32(writer, event->resume_mac.place.peer_seq);
		buf_put_u8(writer, event->resume_mac.place.memory);
		return true;
	case MLAG_EVENT_RESUME_ADDRESS:
		put_address_program(writer, event->resume_address);
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

	get_mac_key(reader, &event->fdb.key);
	event->fdb.entry.ifindex = buf_get_u32(reader);
	kind = buf_get_u8(reader);
	event->fdb.entry.kind = (enum mlag_fdb_kind)kind;
	event->fdb.listed = get_bool(reader);
	return kind <= MLAG_FDB_STICKY;
}

static bool get_neighbor(struct buf_reader *reader, struct mlag_event *event)
{
	uint8_t state;

	get_neighbor_key(reader, &event->neighbor.key);
	state = buf_get_u8(reader);
	event->neighbor.entry.state = (enum mlag_neighbor_state)state;
	event->neighbor.entry.marked = get_bool(reader);
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
	event->hello.authentic = get_bool(reader);
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
		return get_peer_link(reader, &record->peer_link);
	case MLAG_EVENT_LEG:
		event->leg.lag_id = buf_get_u16(reader);
		event->leg.observation = &record->leg;
		return get_leg(reader, &record->leg);
	case MLAG_EVENT_LEG_APPLIED:
		event->leg_applied.lag_id = buf_get_u16(reader);
		event->leg_applied.serial = buf_get_u32(reader);
		return true;
	case MLAG_EVENT_LEG_CONFIGURE:
	case MLAG_EVENT_LEG_REMOVE:
		event->leg_configure.lag_id = buf_get_u16(reader);
		event->leg_configure.is_new = get_bool(reader);
		event->leg_configure.is_drained = get_bool(reader);
		return event->leg_configure.lag_id != 0;
	case MLAG_EVENT_DRAIN:
		event->drain.lag_id = buf_get_u16(reader);
		event->drain.on = get_bool(reader);
		return true;
	case MLAG_EVENT_FDB:
		return get_fdb(reader, event);
	case MLAG_EVENT_FDB_FAILED:
		get_mac_key(reader, &event->fdb_failed.key);
		event->fdb_failed.error = (int)(buf_get_u32(reader) & 0xffff);
		return true;
	case MLAG_EVENT_ADDRESS:
		get_address_key(reader, &event->address.key);
		event->address.present = get_bool(reader);
		event->address.domain = buf_get_u32(reader);
		event->address.ifindex = buf_get_u32(reader);
		return true;
	case MLAG_EVENT_DEFAULT_ROUTE:
		event->default_route = &record->route;
		get_route(reader, &record->route);
		return true;
	case MLAG_EVENT_NEIGHBOR_DEVICE:
		return get_neighbor_device(reader, event);
	case MLAG_EVENT_NEIGHBOR:
		return get_neighbor(reader, event);
	case MLAG_EVENT_NEIGHBOR_FAILED:
		get_neighbor_key(reader, &event->neighbor_failed.key);
		event->neighbor_failed.error = (int)(buf_get_u32(reader) & 0xffff);
		return true;
	case MLAG_EVENT_ASK:
		event->ask = &record->question;
		return get_question(reader, &record->question);
	case MLAG_EVENT_RECONFIGURE:
		event->reconfigure = &record->config;
		get_config(reader, &record->config);
		return true;
	case MLAG_EVENT_RESUME:
		event->resume = &record->resume;
		return get_resume(reader, &record->resume);
	case MLAG_EVENT_RESUME_LEG:
		event->resume_leg = &record->leg_program;
		return get_leg_program(reader, &record->leg_program);
	case MLAG_EVENT_RESUME_MAC:
		get_mac_key(reader, &event->resume_mac.key);
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
		return get_address_program(reader, &record->address_program);
	}
	return false;
}

/* ---- records -------------------------------------------------------------------------------- */

static bool put_body(struct buf_writer *writer, const struct record *record)
{
	switch (record->kind) {
	case RECORD_CONFIG:
		put_config(writer, &record->config);
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
		get_config(reader, &record->config);
		return config_is_possible(&record->config);
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
	wire_put_vlans(&writer, &program->isolated);
	wire_put_vlans(&writer, &program->held);
	return record_digest_bytes(bytes, writer.offset);
}

uint32_t record_digest_fdb(const struct mlag_fdb_operation *operations, uint32_t count)
{
	uint32_t digest = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t bytes[32];
		struct buf_writer writer;

		buf_writer_init(&writer, bytes, sizeof(bytes));
		buf_put_u32(&writer, digest);
		buf_put_u8(&writer, (uint8_t)operations[i].verb);
		put_mac_key(&writer, &operations[i].key);
		buf_put_u32(&writer, operations[i].entry.ifindex);
		buf_put_u8(&writer, (uint8_t)operations[i].entry.kind);
		buf_put_u8(&writer, operations[i].place_known);
		digest = record_digest_bytes(bytes, writer.offset);
	}
	return digest;
}

uint32_t record_digest_addresses(const struct mlag_address_program *programs, uint32_t count)
{
	uint32_t digest = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t bytes[64];
		struct buf_writer writer;

		buf_writer_init(&writer, bytes, sizeof(bytes));
		buf_put_u32(&writer, digest);
		put_address_key(&writer, &programs[i].key);
		buf_put_u8(&writer, (uint8_t)programs[i].owner);
		buf_put_u32(&writer, programs[i].peer_link_ifindex);
		digest = record_digest_bytes(bytes, writer.offset);
	}
	return digest;
}

uint32_t record_digest_neighbors(const struct mlag_neighbor_operation *operations, uint32_t count)
{
	uint32_t digest = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t bytes[64];
		struct buf_writer writer;

		buf_writer_init(&writer, bytes, sizeof(bytes));
		buf_put_u32(&writer, digest);
		buf_put_u8(&writer, (uint8_t)operations[i].verb);
		put_neighbor_key(&writer, &operations[i].key);
		buf_put_u32(&writer, operations[i].ifindex);
		buf_put_mac(&writer, &operations[i].mac);
		digest = record_digest_bytes(bytes, writer.offset);
	}
	return digest;
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
	get_octets(&header, (uint8_t *)reader->software, sizeof(reader->software));
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
