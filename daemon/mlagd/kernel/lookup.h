/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single questions to the kernel, answered at once: what a port is set to, where a MAC or a packet
 * would go.  For people who ask (`mlagctl explain`), never on the way of an event.
 */
#ifndef MLAGD_KERNEL_LOOKUP_H
#define MLAGD_KERNEL_LOOKUP_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/linkmsg.h"
#include "mlag.h"

struct lookup;

/**
 * lookup_open() - open a socket for questions; it is closed by lookup_close()
 *
 * Return: 0 or -errno.
 */
int lookup_open(struct lookup **ret);

/** lookup_close() - NULL is fine */
void lookup_close(struct lookup *lookup);

/**
 * struct lookup_port - a port of a bridge, or the bridge itself
 * @is_bridge: it is the bridge: name and VLANs count
 * @state: BR_STATE_…
 * @settings: what it may do
 */
struct lookup_port {
	uint32_t ifindex;
	char ifname[IFNAMSIZ];
	bool is_bridge;
	bool carrier;
	bool locked;
	bool is_isolated;
	uint8_t state;
	struct linkmsg_vlans vlans;
	struct linkmsg_settings settings;
};

/**
 * lookup_ports() - the ports of a bridge, and the bridge itself, in no order
 * @bridge_ifindex: the bridge
 * @on_port: told each; borrowed
 *
 * Return: 0 or -errno; on failure some may have been told.
 */
int lookup_ports(struct lookup *lookup, uint32_t bridge_ifindex,
		 void (*on_port)(void *user, const struct lookup_port *port), void *user);

/** lookup_link() - a link by its number: 0, -ENODEV, or -errno */
int lookup_link(struct lookup *lookup, uint32_t ifindex, struct linkmsg *ret);

/**
 * lookup_fdb() - where a bridge has a MAC
 * @bridge_ifindex, @vlan_aware: the bridge
 *
 * Return: 0, -ENOENT when it does not have it, -EADDRINUSE for an address of this machine, or
 * -errno.
 */
int lookup_fdb(struct lookup *lookup, uint32_t bridge_ifindex, bool vlan_aware,
	       const struct mlag_mac_key *key, struct mlag_fdb_entry *ret);

/**
 * struct lookup_packet - a packet that arrived, as routing sees it
 * @ifindex: the device it came in by
 * @family: 4 or 6
 * @source_port, @destination_port: 0 for none
 * @mark: beside it, 0 for none
 */
struct lookup_packet {
	uint32_t ifindex;
	uint8_t family;
	uint8_t tos;
	uint8_t protocol;
	uint16_t source_port;
	uint16_t destination_port;
	uint32_t mark;
	uint8_t source[16];
	uint8_t destination[16];
};

/**
 * struct lookup_route - where it goes
 * @type: RTN_…
 * @ifindex: the device it leaves by
 * @gateway_family: of @gateway: 4 or 6, 0 for none
 * @prefix_size: of @prefix, which matched; @table: where; @metric: with which, 0 for none
 */
struct lookup_route {
	uint8_t type;
	uint8_t gateway_family;
	uint8_t prefix_size;
	uint32_t ifindex;
	uint32_t table;
	uint32_t metric;
	uint8_t gateway[16];
	uint8_t prefix[16];
};

/**
 * lookup_route() - how the kernel routes a packet that arrived
 *
 * Return: 0; -ENETUNREACH for no route, -EHOSTUNREACH, -EACCES, -EINVAL and -EXDEV for what the
 * kernel answers (unreachable, prohibited, blackhole or martian, reverse path filter), or another
 * -errno.
 */
int lookup_route(struct lookup *lookup, const struct lookup_packet *packet,
		 struct lookup_route *ret);

/** lookup_neighbor() - the MAC of an address on a link: 0, -ENOENT when it is not known, -errno */
int lookup_neighbor(struct lookup *lookup, uint32_t ifindex, uint8_t family, const uint8_t *address,
		    struct mlag_mac *ret);

/** lookup_neighbor_of() - the address that a MAC has on a link: 0, -ENOENT, or -errno */
int lookup_neighbor_of(struct lookup *lookup, uint32_t ifindex, uint8_t family,
		       const struct mlag_mac *mac, uint8_t ret[16]);

/** lookup_address() - an own address of a link, and its prefix length: 0, -ENOENT, or -errno */
int lookup_address(struct lookup *lookup, uint32_t ifindex, uint8_t family, uint8_t ret[16],
		   uint8_t *ret_prefix_size);

/** lookup_forwarding() - whether what arrives at a device is forwarded: 0 or -errno */
int lookup_forwarding(struct lookup *lookup, uint32_t ifindex, uint8_t family, bool *ret);

/**
 * lookup_redirects() - whether the kernel may send redirects of IPv4 by a device: 0 or -errno
 *
 * It does if the device's setting says so, or that of all.
 */
int lookup_redirects(const char *ifname, bool *ret);

#endif
