/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading RTM_NEWLINK messages: bytes in, values out, nothing else.  Every length is checked, so a
 * message cut short anywhere gives an error or an absent field, never a read beyond it.
 */
#ifndef MLAGD_KERNEL_LINKMSG_H
#define MLAGD_KERNEL_LINKMSG_H

#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "types.h"

/* Bits of an LACP state octet (IEEE 802.1AX, 6.4.2.3). */
#define LINKMSG_LACP_SYNCHRONIZATION 0x08
#define LINKMSG_LACP_COLLECTING 0x10
#define LINKMSG_LACP_DISTRIBUTING 0x20

enum linkmsg_kind {
	LINKMSG_KIND_NONE, /* anything else */
	LINKMSG_KIND_BRIDGE,
	LINKMSG_KIND_BOND,
	LINKMSG_KIND_VLAN,
	LINKMSG_KIND_VRF,
	LINKMSG_KIND_MACVLAN,
};

#define LINKMSG_ALIAS_SIZE 64 /* with its NUL; what is longer is cut */

/**
 * struct linkmsg_settings - what a bridge port may do, as far as this daemon sets or heeds it
 * @learning: address learning
 * @flood, @mcast_flood, @bcast_flood: unknown unicast, multicast and broadcast leave through it
 * @backup_ifindex: the port that takes over without carrier, 0 for none
 * @forwarding: state of the spanning tree: this and no other lets frames through
 * @guarded: more is asked of what arrives than its VLAN: locked, isolated, or with VLAN tunnels
 */
struct linkmsg_settings {
	bool learning;
	bool flood;
	bool mcast_flood;
	bool bcast_flood;
	uint32_t backup_ifindex;
	bool forwarding;
	bool guarded;
};

/**
 * struct linkmsg - one link
 * @ifindex: never 0
 * @master: 0 for none
 * @lower: the link it sits on, where that is in this namespace, 0 for none
 * @up: IFF_UP
 * @running: IFF_RUNNING
 * @lower_up: IFF_LOWER_UP
 * @ifname: its name
 * @alias: what somebody wrote on it (ip link set alias), "" for nothing
 * @mac: permanent address where there is one, otherwise the current one; zero without Ethernet
 * @address: current MAC; zero without Ethernet
 * @kind: what it is
 * @vlan_filtering, @multicast_snooping: of a bridge
 * @vlan_protocol: of a bridge: the EtherType of its tags, 0 where that was not told
 * @vlan: of a VLAN device: its VLAN, 0 when the protocol is not 802.1Q
 * @bond_8023ad: of a bond
 * @aggregator: of a bond: id of the active aggregator; of its slave: the one it is in; 0 for none
 * @partner_mac: of a bond in 802.3ad mode; zero without a partner
 * @master_kind: what the link is a port of
 * @actor_state, @partner_state: LACP states of a slave, 0 where they were not told
 * @settings: of a bridge port
 */
struct linkmsg {
	uint32_t ifindex;
	uint32_t master;
	uint32_t lower;
	bool up;
	bool running;
	bool lower_up;
	char ifname[IFNAMSIZ];
	char alias[LINKMSG_ALIAS_SIZE];
	struct mlag_mac mac;
	struct mlag_mac address;
	enum linkmsg_kind kind;
	bool vlan_filtering;
	bool multicast_snooping;
	uint16_t vlan_protocol;
	uint16_t vlan;
	bool bond_8023ad;
	uint16_t aggregator;
	struct mlag_mac partner_mac;
	enum linkmsg_kind master_kind;
	uint8_t actor_state;
	uint8_t partner_state;
	struct linkmsg_settings settings;
};

/**
 * struct linkmsg_vlans - the VLANs of one bridge port, or of the bridge itself
 * @set: allowed ones, 1..4094
 * @ingress_vid: the VLAN of what arrives without a tag (PVID), 0 for none
 * @ingress_untagged: @ingress_vid also leaves without a tag
 * @untagged_vid: the lowest that leaves without a tag, 0 for none
 * @untagged_vid_second: the next one, which should not exist, 0 for none
 * @blocked: those with a spanning-tree state of their own that does not forward; see vlanmsg.h,
 *	linkmsg_parse_vlans() knows nothing of them
 */
struct linkmsg_vlans {
	struct mlag_vlans set;
	uint16_t ingress_vid;
	bool ingress_untagged;
	uint16_t untagged_vid;
	uint16_t untagged_vid_second;
	struct mlag_vlans blocked;
};

/**
 * linkmsg_parse() - read a RTM_NEWLINK or RTM_DELLINK of family AF_UNSPEC
 * @message: the whole message
 * @ret: filled
 *
 * Return: 0, -EBADMSG for one that is cut short, -ENOMSG for one that does not describe the link
 * (other families, wireless events).
 */
int linkmsg_parse(const struct nlmsghdr *message, struct linkmsg *ret);

/**
 * linkmsg_parse_vlans() - read a RTM_NEWLINK of family AF_BRIDGE
 * @message: the whole message, from a dump with RTEXT_FILTER_BRVLAN* or from the bridge's events
 * @ret_ifindex: the port
 * @ret: its VLANs; none when the message has none
 *
 * Return: 0, -EBADMSG for one that is cut short or has VLANs out of range, -ENOMSG for one that
 * does not speak for the bridge (other families, a card's embedded bridge).
 */
int linkmsg_parse_vlans(const struct nlmsghdr *message, uint32_t *ret_ifindex,
			struct linkmsg_vlans *ret);

/**
 * linkmsg_parse_settings() - what a port may do, from a RTM_NEWLINK of family AF_BRIDGE
 * @message: the whole message; a change made through the bridge (bridge link set) comes in no other
 * @ret_ifindex: the port
 * @ret: its settings
 *
 * Return: 0, -EBADMSG for one that is cut short, -ENOMSG for one that does not say.
 */
int linkmsg_parse_settings(const struct nlmsghdr *message, uint32_t *ret_ifindex,
			   struct linkmsg_settings *ret);

/**
 * linkmsg_family() - the address family of a link message
 * @message: any message of type RTM_NEWLINK or RTM_DELLINK
 *
 * Return: AF_*, or -EBADMSG for one that is cut short.
 */
int linkmsg_family(const struct nlmsghdr *message);

#endif
