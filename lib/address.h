/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Own addresses: each member publishes its router MACs and IP addresses, so that the other can tell
 * what is for the peer itself from what is only to be routed (R20 to R23).
 *
 * The data plane is told who owns what.  An address on both members is ours.  A router MAC of the
 * peer is also a static sticky FDB entry on the peer link: what the programs leave alone is then
 * bridged to the peer, byte for byte.
 */
#ifndef MLAG_ADDRESS_H
#define MLAG_ADDRESS_H

#include "mlag.h"
#include "table.h"

/**
 * struct address_value - what a member says of its address
 * @domain: of a router MAC: routing domain of its SVI
 * @way_out: of a default route: LASTRESORT_WAY_OUT or 0 (R31); of anything else 0
 */
struct address_value {
	union {
		uint32_t domain;
		uint32_t way_out;
	};
};

/**
 * struct address_local - what this member keeps with an address
 * @program: what was handed out last
 * @retry: an FDB operation for it failed
 * @present: it was observed here, whether we claim it or not
 */
struct address_local {
	struct mlag_address_program program;
	bool retry;
	bool present;
};

/** struct address_svi - our SVI in a VLAN, and its routing domain */
struct address_svi {
	uint32_t ifindex;
	uint32_t domain;
	struct mlag_mac mac;
};

extern const struct table_class address_table_class;

/** address_observe() - an own address came or went */
void address_observe(struct mlag_engine *engine, const struct mlag_address_key *key, bool present,
		     uint32_t domain, uint32_t ifindex);

/** address_changed() - table_row_fn: the peer's claim changed */
void address_changed(void *user, struct table *table, struct table_row *row);

/** address_resume() - an earlier daemon had told the data plane this of an address */
void address_resume(struct mlag_engine *engine, const struct mlag_address_program *held);

/** address_resumed() - own addresses were read too: bring the data plane in line */
void address_resumed(struct mlag_engine *engine);

/** address_refresh_all() - the peer link changed: reconsider every address */
void address_refresh_all(struct mlag_engine *engine);

/**
 * address_owns_entry() - an FDB entry of a router MAC of the peer was reported
 * @kind: what the kernel holds now
 *
 * Return: true when the entry is a matter of addresses, not of hosts.
 */
bool address_owns_entry(struct mlag_engine *engine, const struct mlag_mac_key *key,
			enum mlag_fdb_kind kind);

/** address_failed() - an FDB operation failed; true when it was one for an address */
bool address_failed(struct mlag_engine *engine, const struct mlag_mac_key *key);

/** address_is_router() - a MAC is a router MAC of either member in a VLAN */
bool address_is_router(const struct mlag_engine *engine, uint16_t vlan, const struct mlag_mac *mac);

/**
 * address_is_members() - an IP address is one of either member's own
 * @vlan: where it was met; our SVI there says in which routing domain that is
 * @family: 4 or 6
 * @octets: 16 of them
 */
bool address_is_members(const struct mlag_engine *engine, uint16_t vlan, uint8_t family,
			const uint8_t *octets);

/** address_tick() - try again what failed */
void address_tick(struct mlag_engine *engine);

#endif
