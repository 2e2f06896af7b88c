// SPDX-License-Identifier: BSD-2-Clause
/*
 * Messages of netlink about links, as the kernel makes them (see packet.h).
 */
#include "packet.h"

#include <arpa/inet.h>
#include <string.h>

#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

const uint8_t packet_partner[6] = {0x02, 0, 0, 0, 0, 0x99};

struct nlmsghdr *packet_link_begin(struct packet *packet, uint8_t family, int ifindex,
				   unsigned int flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(packet->bytes);
	struct ifinfomsg *header;

	message->nlmsg_type = RTM_NEWLINK;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->ifi_family = family;
	header->ifi_index = ifindex;
	header->ifi_flags = flags;
	return message;
}

struct nlmsghdr *packet_link_named(struct packet *packet, int ifindex, unsigned int flags,
				   const char *ifname, uint32_t master)
{
	static const uint8_t address[6] = {0x02, 0, 0, 0, 0, 0x01};
	struct nlmsghdr *message = packet_link_begin(packet, AF_UNSPEC, ifindex, flags);

	mnl_attr_put_strz(message, IFLA_IFNAME, ifname);
	mnl_attr_put(message, IFLA_ADDRESS, sizeof(address), address);
	if (master != 0) {
		mnl_attr_put_u32(message, IFLA_MASTER, master);
	}
	return message;
}

struct nlmsghdr *packet_make_bridge(struct packet *packet, bool vlan_filtering)
{
	struct nlmsghdr *message = packet_link_named(packet, 2, PACKET_UP, "br0", 0);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	struct nlattr *data;

	mnl_attr_put_strz(message, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	mnl_attr_put_u8(message, IFLA_BR_VLAN_FILTERING, vlan_filtering);
	mnl_attr_put_u8(message, IFLA_BR_MCAST_SNOOPING, 1);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, info);
	return message;
}

void packet_put_bridge_port(struct nlmsghdr *message, uint8_t learning)
{
	struct nlattr *data;

	mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, "bridge");
	data = mnl_attr_nest_start(message, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(message, IFLA_BRPORT_LEARNING, learning);
	mnl_attr_nest_end(message, data);
}

struct nlmsghdr *packet_make_port(struct packet *packet, int ifindex, const char *ifname,
				  uint32_t master, unsigned int flags)
{
	struct nlmsghdr *message = packet_link_named(packet, ifindex, flags, ifname, master);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);

	mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
	packet_put_bridge_port(message, 1);
	mnl_attr_nest_end(message, info);
	return message;
}

struct nlmsghdr *packet_make_bond(struct packet *packet, int ifindex, uint16_t aggregator)
{
	struct nlmsghdr *message = packet_link_named(packet, ifindex, PACKET_UP, "bond1", 2);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	struct nlattr *data;
	struct nlattr *ad;

	mnl_attr_put_strz(message, IFLA_INFO_KIND, "bond");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	mnl_attr_put_u8(message, IFLA_BOND_MODE, 4);
	ad = mnl_attr_nest_start(message, IFLA_BOND_AD_INFO);
	mnl_attr_put_u16(message, IFLA_BOND_AD_INFO_AGGREGATOR, aggregator);
	mnl_attr_put(message, IFLA_BOND_AD_INFO_PARTNER_MAC, sizeof(packet_partner),
		     packet_partner);
	mnl_attr_nest_end(message, ad);
	mnl_attr_nest_end(message, data);
	packet_put_bridge_port(message, 0);
	mnl_attr_nest_end(message, info);
	return message;
}

struct nlmsghdr *packet_make_slave(struct packet *packet, int ifindex, unsigned int flags,
				   uint8_t actor, uint16_t partner_state, uint16_t aggregator)
{
	struct nlmsghdr *message = packet_link_named(packet, ifindex, flags, "slave", 10);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	struct nlattr *data;

	mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, "bond");
	data = mnl_attr_nest_start(message, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(message, IFLA_BOND_SLAVE_STATE, 0);
	mnl_attr_put_u16(message, IFLA_BOND_SLAVE_AD_AGGREGATOR_ID, aggregator);
	mnl_attr_put_u8(message, IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE, actor);
	mnl_attr_put_u16(message, IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE, partner_state);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, info);
	return message;
}

void packet_put_vlan(struct nlmsghdr *message, uint16_t vid, uint16_t flags)
{
	struct bridge_vlan_info info = {.flags = flags, .vid = vid};

	mnl_attr_put(message, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
}

struct nlmsghdr *packet_make_vlans(struct packet *packet)
{
	struct nlmsghdr *message = packet_link_begin(packet, AF_BRIDGE, 10, PACKET_UP);
	struct nlattr *nest;

	mnl_attr_put_u32(message, IFLA_MASTER, 2);
	nest = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	packet_put_vlan(message, 1, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
	packet_put_vlan(message, 10, BRIDGE_VLAN_INFO_RANGE_BEGIN);
	packet_put_vlan(message, 14, BRIDGE_VLAN_INFO_RANGE_END);
	packet_put_vlan(message, 20, 0);
	packet_put_vlan(message, 4094, 0);
	mnl_attr_nest_end(message, nest);
	return message;
}

struct nlmsghdr *packet_make_settings(struct packet *packet, int ifindex, uint8_t learning,
				      uint8_t flood, uint32_t backup_ifindex)
{
	struct nlmsghdr *message = packet_link_begin(packet, AF_BRIDGE, ifindex, PACKET_UP);
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_PROTINFO);

	mnl_attr_put_u8(message, IFLA_BRPORT_LEARNING, learning);
	mnl_attr_put_u8(message, IFLA_BRPORT_UNICAST_FLOOD, flood);
	mnl_attr_put_u8(message, IFLA_BRPORT_MCAST_FLOOD, 1);
	mnl_attr_put_u8(message, IFLA_BRPORT_BCAST_FLOOD, flood);
	if (backup_ifindex != 0) {
		mnl_attr_put_u32(message, IFLA_BRPORT_BACKUP_PORT, backup_ifindex);
	}
	mnl_attr_nest_end(message, nest);
	return message;
}
