// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading messages of a bridge about VLANs (see vlanmsg.h).  Called by links.c for every event and
 * every line of a dump, and by the unit tests.
 */
#include "kernel/vlanmsg.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* One entry: a VLAN, or a range of them that have all in common. */
struct vlanmsg_entry {
	uint16_t first;
	uint16_t last;
	uint8_t state;
};

struct vlanmsg_reader {
	struct mlag_vlans named;
	struct mlag_vlans blocked;
	int error;
};

static int vlanmsg_read_attribute(const struct nlattr *attribute, void *user)
{
	struct vlanmsg_entry *entry = user;
	uint16_t size = mnl_attr_get_payload_len(attribute);
	const struct bridge_vlan_info *info;

	switch (mnl_attr_get_type(attribute)) {
	case BRIDGE_VLANDB_ENTRY_INFO:
		if (size >= sizeof(*info)) {
			info = mnl_attr_get_payload(attribute);
			entry->first = info->vid;
		}
		break;
	case BRIDGE_VLANDB_ENTRY_RANGE:
		if (size >= sizeof(uint16_t)) {
			entry->last = mnl_attr_get_u16(attribute);
		}
		break;
	case BRIDGE_VLANDB_ENTRY_STATE:
		if (size >= sizeof(uint8_t)) {
			entry->state = mnl_attr_get_u8(attribute);
		}
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int vlanmsg_read_entry(const struct nlattr *attribute, void *user)
{
	struct vlanmsg_reader *reader = user;
	/* A kernel that tells no state has none. */
	struct vlanmsg_entry entry = {.state = BR_STATE_FORWARDING};

	if (mnl_attr_get_type(attribute) != BRIDGE_VLANDB_ENTRY) {
		return MNL_CB_OK;
	}
	(void)mnl_attr_parse_nested(attribute, vlanmsg_read_attribute, &entry);
	if (entry.last == 0) {
		entry.last = entry.first;
	}
	if (entry.first == 0 || entry.last < entry.first || entry.last >= MLAG_VLANS_MAX - 1) {
		reader->error = -EBADMSG;
		return MNL_CB_STOP;
	}
	for (uint16_t vlan = entry.first; vlan <= entry.last; vlan++) {
		mlag_vlans_add(&reader->named, vlan);
		if (entry.state != BR_STATE_FORWARDING) {
			mlag_vlans_add(&reader->blocked, vlan);
		}
	}
	return MNL_CB_OK;
}

int vlanmsg_parse_states(const struct nlmsghdr *message, uint32_t *ret_ifindex,
			 struct mlag_vlans *ret_named, struct mlag_vlans *ret_blocked)
{
	struct vlanmsg_reader reader = {0};
	const struct br_vlan_msg *header;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*header))) {
		return -EBADMSG;
	}
	header = mnl_nlmsg_get_payload(message);
	if (header->family != AF_BRIDGE) {
		return -ENOMSG;
	}
	if (header->ifindex == 0) {
		return -EBADMSG;
	}
	(void)mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(message, sizeof(*header)),
				     message->nlmsg_len - NLMSG_LENGTH(sizeof(*header)),
				     vlanmsg_read_entry, &reader);
	if (reader.error < 0) {
		return reader.error;
	}
	if (message->nlmsg_type == RTM_DELVLAN) {
		memset(&reader.blocked, 0, sizeof(reader.blocked));
	}
	*ret_ifindex = header->ifindex;
	*ret_named = reader.named;
	*ret_blocked = reader.blocked;
	return 0;
}
