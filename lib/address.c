/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Own addresses (see address.h).  decide() says what the data plane should hold for one address;
 * rows for which that changed wait in the table's program list.  Called by engine.c.
 */
#include "address.h"

#include <string.h>

#include "engine.h"
#include "lastresort.h"

#define ADDRESS_WIRE_SIZE (1 + 1 + 2 + 4 + 16)

uint32_t mlag_routing_domain(const char *vrf)
{
	uint32_t hash = UINT32_C(2166136261); /* FNV-1a: it must be equal on both members */

	if (vrf[0] == '\0') {
		return 0;
	}
	for (; *vrf != '\0'; vrf++) {
		hash = (hash ^ (uint8_t)*vrf) * UINT32_C(16777619);
	}
	return hash != 0 ? hash : 1;
}

static void address_put_key(struct buf_writer *writer, const void *key)
{
	const struct mlag_address_key *address = key;

	buf_put_u8(writer, address->kind);
	buf_put_u8(writer, address->family);
	buf_put_u16(writer, address->vlan);
	buf_put_u32(writer, address->domain);
	for (uint32_t i = 0; i < sizeof(address->octets); i++) {
		buf_put_u8(writer, address->octets[i]);
	}
}

static bool rest_is_zero(const struct mlag_address_key *key, uint32_t used)
{
	for (uint32_t i = used; i < sizeof(key->octets); i++) {
		if (key->octets[i] != 0) {
			return false;
		}
	}
	return true;
}

/* An address that can be somebody's: unicast, and nothing in the fields its kind does not use. */
static bool is_valid(const struct mlag_address_key *key)
{
	bool ip = key->family == 4 ? rest_is_zero(key, 4) && key->octets[0] < 224
				   : key->family == 6 && key->octets[0] != 0xff;

	switch (key->kind) {
	case MLAG_ADDRESS_ROUTER_MAC:
		return key->family == 0 && key->domain == 0 && key->vlan < MLAG_VLANS_MAX - 1 &&
		       (key->octets[0] & 1) == 0 && rest_is_zero(key, 6);
	case MLAG_ADDRESS_IP:
		return ip && key->vlan == 0;
	case MLAG_ADDRESS_LINK_LOCAL:
		return ip && key->domain == 0 && key->vlan < MLAG_VLANS_MAX - 1;
	case MLAG_ADDRESS_SVI_IP:
		return ip && key->vlan < MLAG_VLANS_MAX - 1;
	case MLAG_ADDRESS_DEFAULT_ROUTE:
		return (key->family == 4 || key->family == 6) && key->vlan == 0 &&
		       rest_is_zero(key, 0);
	default:
		return false;
	}
}

static bool address_get_key(struct buf_reader *reader, void *ret_key)
{
	struct mlag_address_key *address = ret_key;

	address->kind = buf_get_u8(reader);
	address->family = buf_get_u8(reader);
	address->vlan = buf_get_u16(reader);
	address->domain = buf_get_u32(reader);
	for (uint32_t i = 0; i < sizeof(address->octets); i++) {
		address->octets[i] = buf_get_u8(reader);
	}
	return !reader->failed && is_valid(address);
}

static void address_put_value(struct buf_writer *writer, const void *value)
{
	buf_put_u32(writer, ((const struct address_value *)value)->domain);
}

static bool address_get_value(struct buf_reader *reader, void *ret_value)
{
	((struct address_value *)ret_value)->domain = buf_get_u32(reader);
	return !reader->failed;
}

static bool address_is_idle(const void *local)
{
	const struct address_local *address = local;

	return address->program.owner == MLAG_OWNER_NONE && !address->present;
}

const struct table_class address_table_class = {
	.id = WIRE_TABLE_ADDRESSES,
	.key_size = sizeof(struct mlag_address_key),
	.value_size = sizeof(struct address_value),
	.local_size = sizeof(struct address_local),
	.encoded_size_max = 1 + ADDRESS_WIRE_SIZE + 4 + 4,
	.put_key = address_put_key,
	.get_key = address_get_key,
	.put_value = address_put_value,
	.get_value = address_get_value,
	.is_idle = address_is_idle,
};

static struct address_local *local_of(const struct mlag_engine *engine, const struct table_row *row)
{
	return table_local(&engine->addresses, row);
}

static const struct mlag_address_key *key_of(const struct mlag_engine *engine,
					     const struct table_row *row)
{
	return table_key(&engine->addresses, row);
}

/* What the data plane should hold for one address. */
static void decide(const struct mlag_engine *engine, const struct table_row *row,
		   struct mlag_address_program *ret_program)
{
	const struct mlag_address_key *key = key_of(engine, row);
	const struct address_value *value = NULL;

	memset(ret_program, 0, sizeof(*ret_program));
	ret_program->key = *key;
	if (table_row_is_own(row)) {
		ret_program->owner = MLAG_OWNER_SELF;
		value = table_own(&engine->addresses, row);
	} else if (table_row_is_peer(row)) {
		ret_program->owner = MLAG_OWNER_PEER;
		value = table_peer(&engine->addresses, row);
	}
	if (value == NULL || key->kind != MLAG_ADDRESS_ROUTER_MAC) {
		return;
	}
	ret_program->domain = value->domain;
	ret_program->own_ifindex = engine->svis[key->vlan].ifindex;
	ret_program->own_mac = engine->svis[key->vlan].mac;
	ret_program->on_peer_link = ret_program->owner == MLAG_OWNER_PEER &&
				    engine->peer_link.ifindex != 0 &&
				    mlag_vlans_has(&engine->peer_link.vlans, key->vlan);
	ret_program->peer_link_ifindex = ret_program->on_peer_link ? engine->peer_link.ifindex : 0;
}

static void queue_if_due(struct mlag_engine *engine, struct table_row *row)
{
	struct mlag_address_program wanted;

	lastresort_dirty(engine);
	if (lastresort_concerns(key_of(engine, row))) {
		return; /* the data plane has nothing to do with it */
	}
	decide(engine, row, &wanted);
	if (memcmp(&wanted, &local_of(engine, row)->program, sizeof(wanted)) != 0) {
		table_program(&engine->addresses, row);
	}
}

static struct table_row *find_router(const struct mlag_engine *engine,
				     const struct mlag_mac_key *mac_key)
{
	struct mlag_address_key key;

	memset(&key, 0, sizeof(key));
	key.kind = MLAG_ADDRESS_ROUTER_MAC;
	key.vlan = mac_key->vlan;
	memcpy(key.octets, mac_key->mac.octets, sizeof(mac_key->mac.octets));
	return table_find(&engine->addresses, &key);
}

/* Our SVI in a VLAN changed: the peer's router MACs there are rewritten to another of ours. */
static void set_svi(struct mlag_engine *engine, const struct mlag_address_key *key, uint32_t domain,
		    uint32_t ifindex)
{
	struct address_svi *svi = &engine->svis[key->vlan];
	bool ours = memcmp(svi->mac.octets, key->octets, sizeof(svi->mac.octets)) == 0;
	struct table_row *row;
	uint32_t cursor = 0;

	if (ifindex == 0 && !ours) {
		return; /* an older MAC of the SVI went, or it is not the SVI's own */
	}
	memset(svi, 0, sizeof(*svi));
	if (ifindex != 0) {
		svi->ifindex = ifindex;
		svi->domain = domain;
		memcpy(svi->mac.octets, key->octets, sizeof(svi->mac.octets));
	}
	while ((row = table_next(&engine->addresses, &cursor)) != NULL) {
		if (key_of(engine, row)->kind == MLAG_ADDRESS_ROUTER_MAC &&
		    key_of(engine, row)->vlan == key->vlan) {
			queue_if_due(engine, row);
		}
	}
}

void address_observe(struct mlag_engine *engine, const struct mlag_address_key *key, bool present,
		     uint32_t domain, uint32_t ifindex)
{
	struct address_value value;
	struct table_row *row;

	if (!is_valid(key) || key->kind == MLAG_ADDRESS_DEFAULT_ROUTE) {
		engine->ignored_count++;
		return;
	}
	row = present ? table_add(&engine->addresses, key) : table_find(&engine->addresses, key);
	if (row == NULL) {
		return;
	}
	local_of(engine, row)->present = present;
	if (key->kind == MLAG_ADDRESS_SVI_IP) {
		lastresort_dirty(engine); /* claimed only where it is wanted */
		table_settle(&engine->addresses, row);
		return;
	}
	if (key->kind == MLAG_ADDRESS_ROUTER_MAC) {
		set_svi(engine, key, domain, present ? ifindex : 0);
	}
	memset(&value, 0, sizeof(value));
	value.domain = key->kind == MLAG_ADDRESS_ROUTER_MAC ? domain : 0;
	if (!present) {
		table_withdraw(&engine->addresses, row);
	} else if (!table_row_is_own(row) ||
		   memcmp(table_own(&engine->addresses, row), &value, sizeof(value)) != 0) {
		table_claim(&engine->addresses, row, row->own_seq + 1, &value);
	}
	queue_if_due(engine, row);
	table_settle(&engine->addresses, row);
	neighbor_recheck(engine); /* what is an address of ours is no neighbour */
}

void address_changed(void *user, struct table *table, struct table_row *row)
{
	(void)table;
	queue_if_due(user, row);
	neighbor_recheck(user);
}

bool address_is_router(const struct mlag_engine *engine, uint16_t vlan, const struct mlag_mac *mac)
{
	struct mlag_mac_key key = {.vlan = vlan, .mac = *mac};
	const struct table_row *row = find_router(engine, &key);

	return row != NULL && (table_row_is_own(row) || table_row_is_peer(row));
}

bool address_is_members(const struct mlag_engine *engine, uint16_t vlan, uint8_t family,
			const uint8_t *octets)
{
	bool link_local = family == 4 ? octets[0] == 169 && octets[1] == 254
				      : octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80;
	struct mlag_address_key key;
	const struct table_row *row;

	memset(&key, 0, sizeof(key));
	key.kind = link_local ? MLAG_ADDRESS_LINK_LOCAL : MLAG_ADDRESS_IP;
	key.family = family;
	key.vlan = link_local ? vlan : 0;
	key.domain = link_local ? 0 : engine->svis[vlan].domain;
	memcpy(key.octets, octets, sizeof(key.octets));
	row = table_find(&engine->addresses, &key);
	return row != NULL && (table_row_is_own(row) || table_row_is_peer(row));
}

void address_refresh_all(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->addresses, &cursor)) != NULL) {
		queue_if_due(engine, row);
	}
}

void address_resume(struct mlag_engine *engine, const struct mlag_address_program *held)
{
	struct address_value value = {
		.domain = held->key.kind == MLAG_ADDRESS_ROUTER_MAC ? held->domain : 0,
	};
	struct table_row *row;

	if (!engine->resuming || !is_valid(&held->key) || held->owner == MLAG_OWNER_NONE ||
	    held->owner > MLAG_OWNER_PEER) {
		engine->ignored_count++;
		return;
	}
	row = table_add(&engine->addresses, &held->key);
	if (row == NULL) {
		return;
	}
	local_of(engine, row)->program = *held;
	local_of(engine, row)->program.old_peer_link_ifindex = 0;
	if (held->owner == MLAG_OWNER_PEER) {
		table_adopt_peer(&engine->addresses, row, 1, &value);
	}
}

void address_resumed(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->addresses, &cursor)) != NULL) {
		/* The FDB entry of a router MAC is looked after by who is told of it. */
		if (key_of(engine, row)->kind == MLAG_ADDRESS_ROUTER_MAC) {
			table_program(&engine->addresses, row);
		} else {
			queue_if_due(engine, row);
		}
	}
}

/* Hand the row's program out again, whatever was handed out before. */
static void queue_again(struct mlag_engine *engine, struct table_row *row)
{
	memset(&local_of(engine, row)->program, 0, sizeof(local_of(engine, row)->program));
	queue_if_due(engine, row);
}

bool address_owns_entry(struct mlag_engine *engine, const struct mlag_mac_key *key,
			enum mlag_fdb_kind kind)
{
	struct table_row *row = find_router(engine, key);

	if (row == NULL || !local_of(engine, row)->program.on_peer_link) {
		return kind == MLAG_FDB_STICKY; /* ours of before, or on its way out */
	}
	if (kind != MLAG_FDB_STICKY) {
		queue_again(engine, row); /* somebody else removed or replaced it */
	}
	return true;
}

bool address_failed(struct mlag_engine *engine, const struct mlag_mac_key *key)
{
	struct table_row *row = find_router(engine, key);

	if (row == NULL) {
		return false;
	}
	local_of(engine, row)->retry = true;
	if (engine->address_retry_ns == 0) {
		engine->address_retry_ns = engine->now_ns + ENGINE_SECOND;
	}
	return true;
}

void address_tick(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	if (engine->address_retry_ns == 0 || engine->now_ns < engine->address_retry_ns) {
		return;
	}
	engine->address_retry_ns = 0;
	while ((row = table_next(&engine->addresses, &cursor)) != NULL) {
		if (local_of(engine, row)->retry) {
			local_of(engine, row)->retry = false;
			queue_again(engine, row);
		}
	}
}

uint32_t mlag_next_addresses(struct mlag_engine *engine, struct mlag_address_program *ret_programs,
			     uint32_t size_max)
{
	uint32_t count = 0;

	mlag_assert(size_max >= 1 && size_max <= MLAG_FDB_BATCH_MAX);
	while (count < size_max) {
		struct table_row *row = table_program_pop(&engine->addresses);
		struct mlag_address_program *program = &ret_programs[count];

		if (row == NULL) {
			break;
		}
		decide(engine, row, program);
		/* What leaves the peer link is taken from where it was put. */
		program->old_peer_link_ifindex = local_of(engine, row)->program.peer_link_ifindex;
		local_of(engine, row)->program = *program;
		local_of(engine, row)->program.old_peer_link_ifindex = 0;
		table_settle(&engine->addresses, row);
		count++;
	}
	return count;
}

bool mlag_may_route_for_peer(const struct mlag_engine *engine)
{
	return engine->addresses_known;
}

static void view_row(const struct mlag_engine *engine, const struct table_row *row,
		     struct mlag_address_view *ret_view)
{
	const struct address_value *value = table_row_is_own(row)
						    ? table_own(&engine->addresses, row)
						    : table_peer(&engine->addresses, row);

	memset(ret_view, 0, sizeof(*ret_view));
	ret_view->key = *key_of(engine, row);
	ret_view->own = table_row_is_own(row);
	ret_view->peer = table_row_is_peer(row);
	ret_view->domain = ret_view->key.kind == MLAG_ADDRESS_ROUTER_MAC ? value->domain
									 : ret_view->key.domain;
}

bool mlag_next_address_view(const struct mlag_engine *engine, uint32_t *cursor,
			    struct mlag_address_view *ret_view)
{
	struct table_row *row;

	do {
		row = table_next(&engine->addresses, cursor);
		if (row == NULL) {
			return false;
		}
	} while (!table_row_is_own(row) && !table_row_is_peer(row));
	view_row(engine, row, ret_view);
	return true;
}

bool mlag_find_address(const struct mlag_engine *engine, const struct mlag_address_key *key,
		       struct mlag_address_view *ret_view)
{
	struct table_row *row = table_find(&engine->addresses, key);

	if (row == NULL || (!table_row_is_own(row) && !table_row_is_peer(row))) {
		return false;
	}
	view_row(engine, row, ret_view);
	return true;
}
