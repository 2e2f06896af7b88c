// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading link messages.  links.c calls this for every event and every line of a dump; the unit
 * tests call it with messages of their own making.  An attribute that is too short counts as
 * absent: the kernel never sends one, and absent is what every field has an answer for.
 */
#include "kernel/linkmsg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* Attributes by type; a type beyond the table is of no interest. */
#define LINKMSG_TABLE_SIZE 64

struct linkmsg_table {
	const struct nlattr *attributes[LINKMSG_TABLE_SIZE];
};

/* A callback of libmnl, whose macros for this do not compile without warnings. */
static int linkmsg_table_add(const struct nlattr *attribute, void *user)
{
	struct linkmsg_table *table = user;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type < LINKMSG_TABLE_SIZE) {
		table->attributes[type] = attribute;
	}
	return MNL_CB_OK;
}

static struct linkmsg_table linkmsg_table_of(const struct nlattr *nest)
{
	struct linkmsg_table table = {0};

	if (nest != NULL) {
		(void)mnl_attr_parse_nested(nest, linkmsg_table_add, &table);
	}
	return table;
}

static const struct nlattr *linkmsg_get(const struct linkmsg_table *table, uint16_t type,
					size_t size)
{
	const struct nlattr *attribute = table->attributes[type];

	return attribute != NULL && mnl_attr_get_payload_len(attribute) >= size ? attribute : NULL;
}

static uint8_t linkmsg_get_u8(const struct linkmsg_table *table, uint16_t type)
{
	const struct nlattr *attribute = linkmsg_get(table, type, sizeof(uint8_t));

	return attribute != NULL ? mnl_attr_get_u8(attribute) : 0;
}

static uint16_t linkmsg_get_u16(const struct linkmsg_table *table, uint16_t type)
{
	const struct nlattr *attribute = linkmsg_get(table, type, sizeof(uint16_t));

	return attribute != NULL ? mnl_attr_get_u16(attribute) : 0;
}

static uint32_t linkmsg_get_u32(const struct linkmsg_table *table, uint16_t type)
{
	const struct nlattr *attribute = linkmsg_get(table, type, sizeof(uint32_t));

	return attribute != NULL ? mnl_attr_get_u32(attribute) : 0;
}

static bool linkmsg_get_mac(const struct linkmsg_table *table, uint16_t type, struct mlag_mac *ret)
{
	const struct nlattr *attribute = table->attributes[type];

	if (attribute == NULL || mnl_attr_get_payload_len(attribute) != sizeof(ret->octets)) {
		return false;
	}
	memcpy(ret->octets, mnl_attr_get_payload(attribute), sizeof(ret->octets));
	return true;
}

/* Copy a text that may lack its NUL; false when it does not fit. */
static bool linkmsg_get_text(const struct linkmsg_table *table, uint16_t type, char *ret,
			     size_t size)
{
	const struct nlattr *attribute = table->attributes[type];
	size_t length;

	if (attribute == NULL) {
		return false;
	}
	length = strnlen(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
	if (length == 0 || length >= size) {
		return false;
	}
	memcpy(ret, mnl_attr_get_payload(attribute), length);
	ret[length] = '\0';
	return true;
}

/* The same of a text that may be cut. */
static void linkmsg_get_alias(const struct linkmsg_table *table, char ret[LINKMSG_ALIAS_SIZE])
{
	const struct nlattr *attribute = table->attributes[IFLA_IFALIAS];
	size_t length;

	ret[0] = '\0';
	if (attribute == NULL) {
		return;
	}
	length = strnlen(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
	length = length < LINKMSG_ALIAS_SIZE ? length : LINKMSG_ALIAS_SIZE - 1;
	memcpy(ret, mnl_attr_get_payload(attribute), length);
	ret[length] = '\0';
}

static enum linkmsg_kind linkmsg_get_kind(const struct linkmsg_table *info, uint16_t type)
{
	static const struct {
		const char *text;
		enum linkmsg_kind kind;
	} kinds[] = {
		{"bridge", LINKMSG_KIND_BRIDGE},   {"bond", LINKMSG_KIND_BOND},
		{"vlan", LINKMSG_KIND_VLAN},	   {"vrf", LINKMSG_KIND_VRF},
		{"macvlan", LINKMSG_KIND_MACVLAN},
	};
	char text[IFNAMSIZ];
	size_t i;

	if (!linkmsg_get_text(info, type, text, sizeof(text))) {
		return LINKMSG_KIND_NONE;
	}
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(text, kinds[i].text) == 0) {
			return kinds[i].kind;
		}
	}
	return LINKMSG_KIND_NONE;
}

static void linkmsg_read_data(const struct nlattr *data, struct linkmsg *ret)
{
	struct linkmsg_table table = linkmsg_table_of(data);

	if (ret->kind == LINKMSG_KIND_BRIDGE) {
		ret->vlan_filtering = linkmsg_get_u8(&table, IFLA_BR_VLAN_FILTERING) != 0;
		ret->multicast_snooping = linkmsg_get_u8(&table, IFLA_BR_MCAST_SNOOPING) != 0;
		ret->vlan_protocol = ntohs(linkmsg_get_u16(&table, IFLA_BR_VLAN_PROTOCOL));
	}
	if (ret->kind == LINKMSG_KIND_VLAN &&
	    linkmsg_get_u16(&table, IFLA_VLAN_PROTOCOL) == htons(ETH_P_8021Q)) {
		uint16_t vlan = linkmsg_get_u16(&table, IFLA_VLAN_ID);

		ret->vlan = vlan < MLAG_VLANS_MAX - 1 ? vlan : 0;
	}
	if (ret->kind == LINKMSG_KIND_BOND) {
		struct linkmsg_table ad = linkmsg_table_of(table.attributes[IFLA_BOND_AD_INFO]);

		/* 4 is 802.3ad; the kernel has no header for these numbers in netlink terms. */
		ret->bond_8023ad = table.attributes[IFLA_BOND_MODE] != NULL &&
				   linkmsg_get_u8(&table, IFLA_BOND_MODE) == 4;
		if (ret->bond_8023ad) {
			ret->aggregator = linkmsg_get_u16(&ad, IFLA_BOND_AD_INFO_AGGREGATOR);
			(void)linkmsg_get_mac(&ad, IFLA_BOND_AD_INFO_PARTNER_MAC,
					      &ret->partner_mac);
		}
	}
}

/* The same attributes in a port's own description and in the bridge's messages about it. */
static void linkmsg_read_settings(const struct linkmsg_table *table, struct linkmsg_settings *ret)
{
	ret->learning = linkmsg_get_u8(table, IFLA_BRPORT_LEARNING) != 0;
	ret->flood = linkmsg_get_u8(table, IFLA_BRPORT_UNICAST_FLOOD) != 0;
	ret->mcast_flood = linkmsg_get_u8(table, IFLA_BRPORT_MCAST_FLOOD) != 0;
	ret->bcast_flood = linkmsg_get_u8(table, IFLA_BRPORT_BCAST_FLOOD) != 0;
	ret->backup_ifindex = linkmsg_get_u32(table, IFLA_BRPORT_BACKUP_PORT);
	ret->forwarding = linkmsg_get_u8(table, IFLA_BRPORT_STATE) == BR_STATE_FORWARDING;
	ret->guarded = linkmsg_get_u8(table, IFLA_BRPORT_LOCKED) != 0 ||
		       linkmsg_get_u8(table, IFLA_BRPORT_ISOLATED) != 0 ||
		       linkmsg_get_u8(table, IFLA_BRPORT_VLAN_TUNNEL) != 0;
}

static void linkmsg_read_slave_data(const struct nlattr *data, struct linkmsg *ret)
{
	struct linkmsg_table table = linkmsg_table_of(data);

	if (ret->master_kind == LINKMSG_KIND_BRIDGE) {
		linkmsg_read_settings(&table, &ret->settings);
	}
	if (ret->master_kind == LINKMSG_KIND_BOND) {
		ret->actor_state = linkmsg_get_u8(&table, IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE);
		ret->partner_state = (uint8_t)linkmsg_get_u16(
			&table, IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE);
		ret->aggregator = linkmsg_get_u16(&table, IFLA_BOND_SLAVE_AD_AGGREGATOR_ID);
	}
}

/* The fixed part and the attributes of a link message. */
static int linkmsg_open(const struct nlmsghdr *message, uint8_t family,
			const struct ifinfomsg **ret_header, struct linkmsg_table *ret_table)
{
	const struct ifinfomsg *header;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*header))) {
		return -EBADMSG;
	}
	header = mnl_nlmsg_get_payload(message);
	if (header->ifi_family != family) {
		return -ENOMSG;
	}
	if (header->ifi_index <= 0) {
		return -EBADMSG;
	}
	memset(ret_table, 0, sizeof(*ret_table));
	/* Not mnl_attr_parse(), which rounds the length of the message up. */
	(void)mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(message, sizeof(*header)),
				     message->nlmsg_len - NLMSG_LENGTH(sizeof(*header)),
				     linkmsg_table_add, ret_table);
	*ret_header = header;
	return 0;
}

int linkmsg_family(const struct nlmsghdr *message)
{
	const struct ifinfomsg *header;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*header))) {
		return -EBADMSG;
	}
	header = mnl_nlmsg_get_payload(message);
	return header->ifi_family;
}

int linkmsg_parse(const struct nlmsghdr *message, struct linkmsg *ret)
{
	const struct ifinfomsg *header;
	struct linkmsg_table table;
	struct linkmsg_table info;
	int error = linkmsg_open(message, AF_UNSPEC, &header, &table);

	if (error < 0) {
		return error;
	}
	/* A wireless event is no description: it lacks all the rest. */
	if (table.attributes[IFLA_WIRELESS] != NULL) {
		return -ENOMSG;
	}
	memset(ret, 0, sizeof(*ret));
	if (!linkmsg_get_text(&table, IFLA_IFNAME, ret->ifname, sizeof(ret->ifname))) {
		return -EBADMSG;
	}
	ret->ifindex = (uint32_t)header->ifi_index;
	ret->up = (header->ifi_flags & IFF_UP) != 0;
	ret->running = (header->ifi_flags & IFF_RUNNING) != 0;
	ret->lower_up = (header->ifi_flags & IFF_LOWER_UP) != 0;
	ret->master = linkmsg_get_u32(&table, IFLA_MASTER);
	if (table.attributes[IFLA_LINK_NETNSID] == NULL) {
		ret->lower = linkmsg_get_u32(&table, IFLA_LINK);
	}
	linkmsg_get_alias(&table, ret->alias);
	(void)linkmsg_get_mac(&table, IFLA_ADDRESS, &ret->address);
	if (!linkmsg_get_mac(&table, IFLA_PERM_ADDRESS, &ret->mac)) {
		ret->mac = ret->address;
	}
	info = linkmsg_table_of(table.attributes[IFLA_LINKINFO]);
	ret->kind = linkmsg_get_kind(&info, IFLA_INFO_KIND);
	linkmsg_read_data(info.attributes[IFLA_INFO_DATA], ret);
	if (ret->master != 0) {
		ret->master_kind = linkmsg_get_kind(&info, IFLA_INFO_SLAVE_KIND);
		linkmsg_read_slave_data(info.attributes[IFLA_INFO_SLAVE_DATA], ret);
	}
	return 0;
}

/* Reading a list of VLANs: @first is the begin of a range whose end has not come yet. */
struct linkmsg_vlan_reader {
	struct linkmsg_vlans vlans;
	uint16_t first;
	int error;
};

static void linkmsg_vlans_add(struct linkmsg_vlans *vlans, uint16_t vlan, bool untagged)
{
	mlag_vlans_add(&vlans->set, vlan);
	if (!untagged || vlan == vlans->untagged_vid) {
		return;
	}
	if (vlans->untagged_vid == 0 || vlan < vlans->untagged_vid) {
		vlans->untagged_vid_second = vlans->untagged_vid;
		vlans->untagged_vid = vlan;
	} else if (vlans->untagged_vid_second == 0 || vlan < vlans->untagged_vid_second) {
		vlans->untagged_vid_second = vlan;
	}
}

static int linkmsg_read_vlan(const struct nlattr *attribute, void *user)
{
	struct linkmsg_vlan_reader *reader = user;
	const struct bridge_vlan_info *info = mnl_attr_get_payload(attribute);
	uint16_t vlan;

	if (mnl_attr_get_type(attribute) == IFLA_BRIDGE_FLAGS) {
		/* Only a card's own embedded bridge says this; it is not ours. */
		reader->error = -ENOMSG;
		return MNL_CB_STOP;
	}
	if (mnl_attr_get_type(attribute) != IFLA_BRIDGE_VLAN_INFO) {
		return MNL_CB_OK;
	}
	if (mnl_attr_get_payload_len(attribute) < sizeof(*info) || info->vid == 0 ||
	    info->vid >= MLAG_VLANS_MAX - 1 || info->vid < reader->first) {
		reader->error = -EBADMSG;
		return MNL_CB_STOP;
	}
	if ((info->flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) != 0) {
		reader->first = info->vid;
		return MNL_CB_OK;
	}
	if ((info->flags & BRIDGE_VLAN_INFO_RANGE_END) == 0 || reader->first == 0) {
		reader->first = info->vid;
	}
	if ((info->flags & BRIDGE_VLAN_INFO_PVID) != 0) {
		/* There is one at most, and it is never in a range. */
		reader->vlans.ingress_vid = info->vid;
		reader->vlans.ingress_untagged = (info->flags & BRIDGE_VLAN_INFO_UNTAGGED) != 0;
	}
	for (vlan = reader->first; vlan <= info->vid; vlan++) {
		linkmsg_vlans_add(&reader->vlans, vlan,
				  (info->flags & BRIDGE_VLAN_INFO_UNTAGGED) != 0);
	}
	reader->first = 0;
	return MNL_CB_OK;
}

int linkmsg_parse_vlans(const struct nlmsghdr *message, uint32_t *ret_ifindex,
			struct linkmsg_vlans *ret)
{
	const struct ifinfomsg *header;
	struct linkmsg_table table;
	struct linkmsg_vlan_reader reader = {0};
	int error = linkmsg_open(message, AF_BRIDGE, &header, &table);

	if (error < 0) {
		return error;
	}
	if (table.attributes[IFLA_AF_SPEC] != NULL) {
		(void)mnl_attr_parse_nested(table.attributes[IFLA_AF_SPEC], linkmsg_read_vlan,
					    &reader);
	}
	if (reader.error < 0) {
		return reader.error;
	}
	if (reader.first != 0) {
		return -EBADMSG;
	}
	*ret_ifindex = (uint32_t)header->ifi_index;
	*ret = reader.vlans;
	return 0;
}

int linkmsg_parse_settings(const struct nlmsghdr *message, uint32_t *ret_ifindex,
			   struct linkmsg_settings *ret)
{
	const struct ifinfomsg *header;
	struct linkmsg_table table, port;
	int error = linkmsg_open(message, AF_BRIDGE, &header, &table);

	if (error < 0) {
		return error;
	}
	port = linkmsg_table_of(table.attributes[IFLA_PROTINFO]);
	if (port.attributes[IFLA_BRPORT_LEARNING] == NULL) {
		return -ENOMSG;
	}
	*ret_ifindex = (uint32_t)header->ifi_index;
	linkmsg_read_settings(&port, ret);
	return 0;
}
