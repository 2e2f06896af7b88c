/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What records are made of, to bytes and back (see recordpart.h).  Pure.
 */
#include "recordpart.h"

#include <string.h>

void recordpart_put_octets(struct buf_writer *writer, const uint8_t *octets, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		buf_put_u8(writer, octets[i]);
	}
}

void recordpart_get_octets(struct buf_reader *reader, uint8_t *ret_octets, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		ret_octets[i] = buf_get_u8(reader);
	}
}

bool recordpart_get_bool(struct buf_reader *reader)
{
	return buf_get_u8(reader) != 0;
}

void recordpart_put_config(struct buf_writer *writer, const struct mlag_config *config)
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

void recordpart_get_config(struct buf_reader *reader, struct mlag_config *ret_config)
{
	ret_config->system_mac = buf_get_mac(reader);
	ret_config->domain_id = buf_get_u16(reader);
	ret_config->priority = buf_get_u16(reader);
	ret_config->hello_interval_ns = buf_get_u64(reader);
	ret_config->dead_multiplier = buf_get_u32(reader);
	ret_config->restart_hold_ns = buf_get_u64(reader);
	ret_config->startup_wait_ns = buf_get_u64(reader);
	ret_config->backup = recordpart_get_bool(reader);
	ret_config->boot_id = buf_get_u64(reader);
	ret_config->hash_seed = 1;
	ret_config->macs_max = buf_get_u32(reader);
	ret_config->last_resort = recordpart_get_bool(reader);
	ret_config->neighbors_max = buf_get_u32(reader);
}

/* What an engine asserts of its configuration. */
bool recordpart_config_is_possible(const struct mlag_config *config)
{
	return config->macs_max >= 1 && config->macs_max <= MLAG_MACS_MAX &&
	       config->neighbors_max <= MLAG_NEIGHBORS_MAX && config->boot_id != 0;
}

void recordpart_put_peer_link(struct buf_writer *writer, const struct mlag_peer_link *link)
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

bool recordpart_get_peer_link(struct buf_reader *reader, struct mlag_peer_link *ret_link)
{
	ret_link->ifindex = buf_get_u32(reader);
	ret_link->incarnation = buf_get_u32(reader);
	ret_link->bridge_ifindex = buf_get_u32(reader);
	ret_link->carrier = recordpart_get_bool(reader);
	ret_link->vlan_aware = recordpart_get_bool(reader);
	ret_link->untagged_vid = buf_get_u16(reader);
	ret_link->mac = buf_get_mac(reader);
	return wire_get_vlans(reader, &ret_link->vlans);
}

void recordpart_put_leg(struct buf_writer *writer, const struct mlag_leg_observation *leg)
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

bool recordpart_get_leg(struct buf_reader *reader, struct mlag_leg_observation *ret_leg)
{
	ret_leg->ifindex = buf_get_u32(reader);
	ret_leg->incarnation = buf_get_u32(reader);
	ret_leg->carrier = recordpart_get_bool(reader);
	ret_leg->lacp = recordpart_get_bool(reader);
	ret_leg->distributing = recordpart_get_bool(reader);
	ret_leg->partner_collecting = recordpart_get_bool(reader);
	ret_leg->data_seen = recordpart_get_bool(reader);
	ret_leg->untagged_vid = buf_get_u16(reader);
	ret_leg->partner_mac = buf_get_mac(reader);
	return wire_get_vlans(reader, &ret_leg->vlans);
}

void recordpart_put_route(struct buf_writer *writer, const struct mlag_default_route *route)
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
		recordpart_put_octets(writer, route->hops[i].octets, sizeof(route->hops[i].octets));
	}
}

void recordpart_get_route(struct buf_reader *reader, struct mlag_default_route *ret_route)
{
	uint32_t count;

	ret_route->domain = buf_get_u32(reader);
	ret_route->family = buf_get_u8(reader);
	ret_route->present = recordpart_get_bool(reader);
	ret_route->reject = recordpart_get_bool(reader);
	ret_route->adopted = recordpart_get_bool(reader);
	ret_route->hops_count = buf_get_u32(reader);
	count = ret_route->hops_count < MLAG_HOPS_MAX ? ret_route->hops_count : MLAG_HOPS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		struct mlag_hop *hop = &ret_route->hops[i];

		hop->ifindex = buf_get_u32(reader);
		hop->lower_ifindex = buf_get_u32(reader);
		hop->family = buf_get_u8(reader);
		hop->usable = recordpart_get_bool(reader);
		recordpart_get_octets(reader, hop->octets, sizeof(hop->octets));
	}
}

void recordpart_put_mac_key(struct buf_writer *writer, const struct mlag_mac_key *key)
{
	buf_put_u16(writer, key->vlan);
	buf_put_mac(writer, &key->mac);
}

void recordpart_get_mac_key(struct buf_reader *reader, struct mlag_mac_key *ret_key)
{
	ret_key->vlan = buf_get_u16(reader);
	ret_key->mac = buf_get_mac(reader);
}

void recordpart_put_address_key(struct buf_writer *writer, const struct mlag_address_key *key)
{
	buf_put_u8(writer, key->kind);
	buf_put_u8(writer, key->family);
	buf_put_u16(writer, key->vlan);
	buf_put_u32(writer, key->domain);
	recordpart_put_octets(writer, key->octets, sizeof(key->octets));
}

void recordpart_get_address_key(struct buf_reader *reader, struct mlag_address_key *ret_key)
{
	ret_key->kind = buf_get_u8(reader);
	ret_key->family = buf_get_u8(reader);
	ret_key->vlan = buf_get_u16(reader);
	ret_key->domain = buf_get_u32(reader);
	recordpart_get_octets(reader, ret_key->octets, sizeof(ret_key->octets));
}

void recordpart_put_neighbor_key(struct buf_writer *writer, const struct mlag_neighbor_key *key)
{
	buf_put_u8(writer, key->family);
	buf_put_u8(writer, key->device);
	buf_put_u16(writer, key->vlan);
	recordpart_put_octets(writer, key->octets, sizeof(key->octets));
}

void recordpart_get_neighbor_key(struct buf_reader *reader, struct mlag_neighbor_key *ret_key)
{
	ret_key->family = buf_get_u8(reader);
	ret_key->device = buf_get_u8(reader);
	ret_key->vlan = buf_get_u16(reader);
	recordpart_get_octets(reader, ret_key->octets, sizeof(ret_key->octets));
}

void recordpart_put_question(struct buf_writer *writer, const struct mlag_question *question)
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
	recordpart_put_octets(writer, key->octets, sizeof(key->octets));
}

bool recordpart_get_question(struct buf_reader *reader, struct mlag_question *ret_question)
{
	struct mlag_row_key *key = &ret_question->key;
	uint8_t table;

	ret_question->id = buf_get_u32(reader);
	ret_question->has_key = recordpart_get_bool(reader);
	table = buf_get_u8(reader);
	key->table = (enum mlag_table)table;
	key->lag_id = buf_get_u16(reader);
	key->vlan = buf_get_u16(reader);
	key->mac = buf_get_mac(reader);
	key->kind = buf_get_u8(reader);
	key->family = buf_get_u8(reader);
	key->domain = buf_get_u32(reader);
	recordpart_get_octets(reader, key->octets, sizeof(key->octets));
	return table < MLAG_TABLES_COUNT;
}

void recordpart_put_resume(struct buf_writer *writer, const struct mlag_resume *resume)
{
	uint8_t bytes[MLAG_RESUME_SIZE_MAX];
	uint32_t size = mlag_resume_write(resume, bytes);

	buf_put_u32(writer, size);
	recordpart_put_octets(writer, bytes, size);
}

bool recordpart_get_resume(struct buf_reader *reader, struct mlag_resume *ret_resume)
{
	uint8_t bytes[MLAG_RESUME_SIZE_MAX];
	uint32_t size = buf_get_u32(reader);

	if (reader->failed || size > sizeof(bytes)) {
		return false;
	}
	recordpart_get_octets(reader, bytes, size);
	return !reader->failed && mlag_resume_read(bytes, size, ret_resume);
}

void recordpart_put_leg_program(struct buf_writer *writer, const struct mlag_leg_program *program)
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

bool recordpart_get_leg_program(struct buf_reader *reader, struct mlag_leg_program *ret_program)
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

void recordpart_put_address_program(struct buf_writer *writer,
				    const struct mlag_address_program *program)
{
	recordpart_put_address_key(writer, &program->key);
	buf_put_u8(writer, (uint8_t)program->owner);
	buf_put_u32(writer, program->domain);
	buf_put_mac(writer, &program->own_mac);
	buf_put_u8(writer, program->on_peer_link);
	buf_put_u32(writer, program->own_ifindex);
	buf_put_u32(writer, program->peer_link_ifindex);
}

bool recordpart_get_address_program(struct buf_reader *reader,
				    struct mlag_address_program *ret_program)
{
	uint8_t owner;

	recordpart_get_address_key(reader, &ret_program->key);
	owner = buf_get_u8(reader);
	ret_program->owner = (enum mlag_owner)owner;
	ret_program->domain = buf_get_u32(reader);
	ret_program->own_mac = buf_get_mac(reader);
	ret_program->on_peer_link = recordpart_get_bool(reader);
	ret_program->own_ifindex = buf_get_u32(reader);
	ret_program->peer_link_ifindex = buf_get_u32(reader);
	return owner <= MLAG_OWNER_PEER;
}
