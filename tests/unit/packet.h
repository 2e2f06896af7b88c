/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of netlink about links, built as the kernel builds them.
 */
#ifndef MLAG_TESTS_PACKET_H
#define MLAG_TESTS_PACKET_H

#include <libmnl/libmnl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define PACKET_LOWER_UP 0x10000 /* IFF_LOWER_UP, which net/if.h does not have */
#define PACKET_UP (IFF_UP | IFF_RUNNING | PACKET_LOWER_UP)

struct packet {
	uint8_t bytes[2048] __attribute__((aligned(4)));
};

extern const uint8_t packet_partner[6]; /* the system of every slave's partner */

struct nlmsghdr *packet_link_begin(struct packet *packet, uint8_t family, int ifindex,
				   unsigned int flags);
struct nlmsghdr *packet_link_named(struct packet *packet, int ifindex, unsigned int flags,
				   const char *ifname, uint32_t master);
struct nlmsghdr *packet_make_bridge(struct packet *packet, bool vlan_filtering);
void packet_put_bridge_port(struct nlmsghdr *message, uint8_t learning);
struct nlmsghdr *packet_make_port(struct packet *packet, int ifindex, const char *ifname,
				  uint32_t master, unsigned int flags);
struct nlmsghdr *packet_make_bond(struct packet *packet, int ifindex, uint16_t aggregator);
struct nlmsghdr *packet_make_slave(struct packet *packet, int ifindex, unsigned int flags,
				   uint8_t actor, uint16_t partner_state, uint16_t aggregator);
void packet_put_vlan(struct nlmsghdr *message, uint16_t vid, uint16_t flags);
struct nlmsghdr *packet_make_vlans(struct packet *packet);
struct nlmsghdr *packet_make_settings(struct packet *packet, int ifindex, uint8_t learning,
				      uint8_t flood, uint32_t backup_ifindex);

#endif
