/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Legs of LAGs as the replicated table knows them: key and value on the wire (docs/protocol.md,
 * table 1).  Called by table.c; what the values mean is in leg.c.
 */
#include "leg.h"
#include "wire.h"

static void leg_put_key(struct buf_writer *writer, const void *key)
{
	buf_put_u16(writer, ((const struct leg_key *)key)->lag_id);
}

static bool leg_get_key(struct buf_reader *reader, void *ret_key)
{
	struct leg_key *key = ret_key;

	key->lag_id = buf_get_u16(reader);
	return !reader->failed && key->lag_id != 0;
}

#define LEG_WIRE_UP 0x01
#define LEG_WIRE_OPEN 0x02
#define LEG_WIRE_LACP 0x04

static void leg_put_value(struct buf_writer *writer, const void *value)
{
	const struct leg_value *leg = value;

	buf_put_u8(writer, (uint8_t)((leg->up ? LEG_WIRE_UP : 0) | (leg->open ? LEG_WIRE_OPEN : 0) |
				     (leg->lacp ? LEG_WIRE_LACP : 0)));
	buf_put_u32(writer, leg->generation);
	buf_put_u32(writer, leg->enforced);
	buf_put_mac(writer, &leg->partner_mac);
	wire_put_vlans(writer, &leg->vlans);
}

static bool leg_get_value(struct buf_reader *reader, void *ret_value)
{
	struct leg_value *leg = ret_value;
	uint8_t flags = buf_get_u8(reader);

	leg->up = (flags & LEG_WIRE_UP) != 0;
	leg->open = (flags & LEG_WIRE_OPEN) != 0;
	leg->lacp = (flags & LEG_WIRE_LACP) != 0;
	leg->generation = buf_get_u32(reader);
	leg->enforced = buf_get_u32(reader);
	leg->partner_mac = buf_get_mac(reader);
	return wire_get_vlans(reader, &leg->vlans) && (leg->up || !leg->open) &&
	       (!leg->up || leg->generation != 0);
}

static bool leg_is_idle(const void *local)
{
	return !((const struct leg *)local)->configured;
}

const struct table_class leg_table_class = {
	.id = WIRE_TABLE_LEGS,
	.key_size = sizeof(struct leg_key),
	.value_size = sizeof(struct leg_value),
	.local_size = sizeof(struct leg),
	/* operation, key, seq, value with a range for every second VLAN */
	.peer_rows_max = MLAG_LEGS_MAX,
	.encoded_size_max = 1 + 2 + 4 + 17 + 4 * (MLAG_VLANS_MAX / 2),
	.put_key = leg_put_key,
	.get_key = leg_get_key,
	.put_value = leg_put_value,
	.get_value = leg_get_value,
	.is_idle = leg_is_idle,
};
