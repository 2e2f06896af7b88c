/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of the engine about what adapters see in the kernel: the peer link, legs, the FDB,
 * addresses and default routes.  A part of mlag.h, which includes it.
 */
#ifndef MLAG_MLAG_SEEN_H
#define MLAG_MLAG_SEEN_H

#include "types.h"

/**
 * struct mlag_peer_link - what was observed of the peer link and the bridge
 * @ifindex: of the peer link, 0 while it does not exist or is no port of the bridge
 * @carrier: lower layer is up and the device is running
 * @vlan_aware: the bridge filters VLANs
 * @bridge_ifindex: 0 while the bridge does not exist
 * @untagged_vid: the VLAN that leaves it without a tag, 0 for none or a plain bridge
 * @mac: permanent MAC of the device; the member id
 * @vlans: VLANs allowed on it (bit 0 on a plain bridge)
 * @incarnation: changes whenever the device became a port anew, 0 while it is none; not the
 *	engine's business
 */
struct mlag_peer_link {
	uint32_t ifindex;
	uint32_t incarnation;
	uint32_t bridge_ifindex;
	bool carrier;
	bool vlan_aware;
	uint16_t untagged_vid;
	struct mlag_mac mac;
	struct mlag_vlans vlans;
};

/**
 * struct mlag_leg_observation - what was observed of one leg
 * @ifindex: of the leg, 0 while it does not exist or is no port of the bridge
 * @carrier: the device has carrier and is running
 * @lacp: it is a bond in 802.3ad mode; otherwise it is static and ready at carrier
 * @distributing: at least one slave with carrier has Distributing in its *actor* state
 * @partner_collecting: one of those slaves also has a partner with Synchronization and Collecting
 * @data_seen: a data frame arrived on the leg since the observation before
 * @partner_mac: the partner's system id, all zero where there is none
 * @vlans: VLANs allowed on it (bit 0 on a plain bridge)
 * @untagged_vid: the VLAN that leaves the leg without a tag, 0 for none
 * @incarnation: changes whenever the device became a port anew, 0 while it is none; not the
 *	engine's business
 */
struct mlag_leg_observation {
	uint32_t ifindex;
	uint32_t incarnation;
	bool carrier;
	bool lacp;
	bool distributing;
	bool partner_collecting;
	bool data_seen;
	uint16_t untagged_vid;
	struct mlag_mac partner_mac;
	struct mlag_vlans vlans;
};

/* What an FDB entry is, by what it proves about who saw the MAC (DESIGN §3, provenance). */
#define MLAG_FDB_KINDS(X)                                                                        \
	X(MLAG_FDB_NONE, "none")	 /* there is no entry */                                 \
	X(MLAG_FDB_DYNAMIC, "dynamic")	 /* learned by this data plane */                        \
	X(MLAG_FDB_ACTIVE, "active")	 /* static, with activity notification, seen here */     \
	X(MLAG_FDB_INACTIVE, "inactive") /* static, with activity notification, not seen here */ \
	X(MLAG_FDB_EXTERNAL, "external") /* NTF_EXT_LEARNED */                                   \
	X(MLAG_FDB_OPERATOR, "static")	 /* static, set by a person or another daemon */         \
	X(MLAG_FDB_STICKY, "sticky")	 /* static and sticky: a router MAC of the peer, on PL */
enum mlag_fdb_kind { MLAG_FDB_KINDS(MLAG_ENUM_VALUE) };
const char *mlag_fdb_kind_text(enum mlag_fdb_kind kind);

/**
 * struct mlag_mac_key - what the MAC table is keyed by
 * @vlan: 1..4094, or 0 on a plain bridge
 * @mac: a unicast address
 */
struct mlag_mac_key {
	uint16_t vlan;
	struct mlag_mac mac;
};

/**
 * struct mlag_fdb_entry - one FDB entry as the kernel holds it
 * @ifindex: the bridge port it points to; 0 with kind none
 * @kind: see MLAG_FDB_KINDS
 */
struct mlag_fdb_entry {
	uint32_t ifindex;
	enum mlag_fdb_kind kind;
};

/* What a row of the address table speaks of (R20 to R23). */
#define MLAG_ADDRESS_KINDS(X)                                                                  \
	X(MLAG_ADDRESS_NONE, "none")                                                           \
	X(MLAG_ADDRESS_ROUTER_MAC, "router-mac") /* of an SVI, in its VLAN */                  \
	X(MLAG_ADDRESS_IP, "ip")		 /* in its routing domain */                   \
	X(MLAG_ADDRESS_LINK_LOCAL, "link-local") /* of an SVI, in its VLAN */                  \
	X(MLAG_ADDRESS_SVI_IP, "svi-ip")	 /* IPv4, of an SVI, in its VLAN and domain */ \
	X(MLAG_ADDRESS_DEFAULT_ROUTE, "default-route") /* R31, in its routing domain */
enum mlag_address_kind { MLAG_ADDRESS_KINDS(MLAG_ENUM_VALUE) };
const char *mlag_address_kind_text(enum mlag_address_kind kind);

/**
 * struct mlag_address_key - what the address table is keyed by; zeroed before it is filled
 * @kind: enum mlag_address_kind
 * @family: 4 or 6; 0 for a router MAC
 * @vlan: of a router MAC, a link-local address or one of an SVI: 1..4094, 0 on a plain bridge;
 *	else 0
 * @domain: of an IP address or a default route: its routing domain, a hash of the VRF's name, 0 for
 *	the default one; else 0
 * @octets: the address from the first octet on, the rest zero
 */
struct mlag_address_key {
	uint8_t kind;
	uint8_t family;
	uint16_t vlan;
	uint32_t domain;
	uint8_t octets[16];
};

/**
 * mlag_routing_domain() - the number that stands for a VRF on both members
 * @vrf: its name, "" for the default one
 *
 * Return: 0 for the default one, otherwise a hash that is never 0.
 */
uint32_t mlag_routing_domain(const char *vrf);

/**
 * struct mlag_hop - a next hop of a default route
 * @ifindex: the device it leaves by
 * @lower_ifindex: what that device is on top of, 0 for nothing
 * @family: of @octets: 4 or 6; 0 when there is no gateway
 * @usable: its device is up and has carrier
 * @octets: the gateway's address, the rest zero
 */
struct mlag_hop {
	uint32_t ifindex;
	uint32_t lower_ifindex;
	uint8_t family;
	bool usable;
	uint8_t octets[16];
};

/**
 * struct mlag_default_route - the default route that the kernel uses, of one family (R31)
 * @domain: routing domain; only 0, the default one, is looked at
 * @family: 4 or 6
 * @present: there is one; what follows is then its
 * @reject: it says unreachable, prohibit or blackhole
 * @adopted: what was found at the start shows that an earlier daemon had taken part
 * @hops_count: how many of @hops are filled; further ones are not looked at
 */
struct mlag_default_route {
	uint32_t domain;
	uint8_t family;
	bool present;
	bool reject;
	bool adopted;
	uint32_t hops_count;
	struct mlag_hop hops[MLAG_HOPS_MAX];
};

#endif
