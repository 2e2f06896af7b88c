// SPDX-License-Identifier: BSD-2-Clause
/*
 * FDB messages.  What an entry proves is in three places of a message: the NUD state (static or
 * learned), NTF_EXT_LEARNED (told by a control plane) and the activity attribute (static, and the
 * bridge says when the MAC is seen or has gone silent).  fdb.c calls this for events, dumps and
 * batches; nothing else in the daemon knows these encodings.
 */
#include "kernel/fdbmsg.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

struct fdbmsg_attributes {
	const struct nlattr *mac;
	const struct nlattr *vlan;
	const struct nlattr *master;
	const struct nlattr *extended;
	const struct nlattr *notify;
};

static int fdbmsg_index_extended(const struct nlattr *attribute, void *user)
{
	struct fdbmsg_attributes *attributes = user;

	if (mnl_attr_get_type(attribute) == NFEA_ACTIVITY_NOTIFY &&
	    mnl_attr_get_payload_len(attribute) >= sizeof(uint8_t)) {
		attributes->notify = attribute;
	}
	return MNL_CB_OK;
}

static int fdbmsg_index(const struct nlattr *attribute, void *user)
{
	struct fdbmsg_attributes *attributes = user;
	uint16_t size = mnl_attr_get_payload_len(attribute);

	switch (mnl_attr_get_type(attribute)) {
	case NDA_LLADDR:
		attributes->mac = size == sizeof(struct mlag_mac) ? attribute : NULL;
		break;
	case NDA_VLAN:
		attributes->vlan = size >= sizeof(uint16_t) ? attribute : NULL;
		break;
	case NDA_MASTER:
		attributes->master = size >= sizeof(uint32_t) ? attribute : NULL;
		break;
	case NDA_FDB_EXT_ATTRS:
		attributes->extended = attribute;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/*
 * A static entry that is also external does not act like an external one: static counts.  A sticky
 * one stays where it is, whatever it notifies.
 */
static enum mlag_fdb_kind fdbmsg_kind(const struct ndmsg *header,
				      const struct fdbmsg_attributes *attributes)
{
	uint8_t notify = attributes->notify != NULL ? mnl_attr_get_u8(attributes->notify) : 0;

	if ((header->ndm_state & NUD_NOARP) != 0) {
		if ((header->ndm_flags & NTF_STICKY) != 0) {
			return MLAG_FDB_STICKY;
		}
		if ((notify & FDB_NOTIFY_BIT) == 0) {
			return MLAG_FDB_OPERATOR;
		}
		return (notify & FDB_NOTIFY_INACTIVE_BIT) != 0 ? MLAG_FDB_INACTIVE
							       : MLAG_FDB_ACTIVE;
	}
	return (header->ndm_flags & NTF_EXT_LEARNED) != 0 ? MLAG_FDB_EXTERNAL : MLAG_FDB_DYNAMIC;
}

static bool fdbmsg_vlan_fits(const struct fdbmsg_bridge *bridge, uint16_t vlan)
{
	return bridge->vlan_aware ? vlan != 0 : vlan == 0;
}

int fdbmsg_parse(const struct nlmsghdr *message, const struct fdbmsg_bridge *bridge,
		 struct mlag_mac_key *ret_key, struct mlag_fdb_entry *ret_entry)
{
	struct fdbmsg_attributes attributes = {0};
	const struct ndmsg *header;
	struct mlag_mac_key key = {0};

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*header))) {
		return -EBADMSG;
	}
	header = mnl_nlmsg_get_payload(message);
	if (header->ndm_family != AF_BRIDGE) {
		return -ENOMSG;
	}
	/* Not mnl_attr_parse(), which rounds the length of the message up. */
	(void)mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(message, sizeof(*header)),
				     message->nlmsg_len - NLMSG_LENGTH(sizeof(*header)),
				     fdbmsg_index, &attributes);
	if (attributes.extended != NULL) {
		(void)mnl_attr_parse_nested(attributes.extended, fdbmsg_index_extended,
					    &attributes);
	}
	if (attributes.master == NULL || mnl_attr_get_u32(attributes.master) != bridge->ifindex ||
	    (header->ndm_flags & NTF_SELF) != 0) {
		return -ENOMSG;
	}
	if (attributes.mac == NULL || header->ndm_ifindex <= 0) {
		return -EBADMSG;
	}
	memcpy(key.mac.octets, mnl_attr_get_payload(attributes.mac), sizeof(key.mac.octets));
	key.vlan = attributes.vlan != NULL ? mnl_attr_get_u16(attributes.vlan) : 0;
	if (key.vlan >= MLAG_VLANS_MAX - 1) {
		return -EBADMSG;
	}
	if ((key.mac.octets[0] & 1) != 0 ||
	    ((header->ndm_state & NUD_PERMANENT) == 0 && !fdbmsg_vlan_fits(bridge, key.vlan))) {
		return -ENOMSG;
	}
	*ret_key = key;
	if ((header->ndm_state & NUD_PERMANENT) != 0) {
		return -EADDRINUSE;
	}
	ret_entry->ifindex = 0;
	ret_entry->kind = MLAG_FDB_NONE;
	if (message->nlmsg_type == RTM_NEWNEIGH) {
		ret_entry->ifindex = (uint32_t)header->ndm_ifindex;
		ret_entry->kind = fdbmsg_kind(header, &attributes);
	}
	return 0;
}

static struct ndmsg *fdbmsg_put(struct nlmsghdr *message, const struct mlag_mac_key *key)
{
	struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ndm_family = AF_BRIDGE;
	mnl_attr_put(message, NDA_LLADDR, sizeof(key->mac.octets), key->mac.octets);
	if (key->vlan != 0) {
		mnl_attr_put_u16(message, NDA_VLAN, key->vlan);
	}
	return header;
}

static void fdbmsg_put_notify(struct nlmsghdr *message, uint8_t notify)
{
	struct nlattr *nest = mnl_attr_nest_start(message, NDA_FDB_EXT_ATTRS);

	mnl_attr_put_u8(message, NFEA_ACTIVITY_NOTIFY, notify);
	/* Writing an entry is no sighting of its MAC. */
	mnl_attr_put(message, NFEA_DONT_REFRESH, 0, NULL);
	mnl_attr_nest_end(message, nest);
}

void fdbmsg_put_set(struct nlmsghdr *message, const struct mlag_mac_key *key,
		    const struct mlag_fdb_entry *entry)
{
	struct ndmsg *header = fdbmsg_put(message, key);

	header->ndm_ifindex = (int)entry->ifindex;
	header->ndm_flags = NTF_MASTER;
	header->ndm_state = NUD_NOARP;
	switch (entry->kind) {
	case MLAG_FDB_NONE:
	case MLAG_FDB_OPERATOR:
		break;
	case MLAG_FDB_DYNAMIC:
		header->ndm_state = NUD_REACHABLE;
		break;
	case MLAG_FDB_ACTIVE:
		fdbmsg_put_notify(message, FDB_NOTIFY_BIT);
		break;
	case MLAG_FDB_INACTIVE:
		fdbmsg_put_notify(message, FDB_NOTIFY_BIT | FDB_NOTIFY_INACTIVE_BIT);
		break;
	case MLAG_FDB_EXTERNAL:
		header->ndm_state = NUD_REACHABLE;
		header->ndm_flags |= NTF_EXT_LEARNED;
		break;
	case MLAG_FDB_STICKY:
		header->ndm_flags |= NTF_STICKY;
		/* An entry that notified until now stops it. */
		fdbmsg_put_notify(message, 0);
		break;
	}
}

void fdbmsg_put_local(struct nlmsghdr *message, const struct mlag_mac_key *key,
		      const struct fdbmsg_bridge *bridge)
{
	struct ndmsg *header = fdbmsg_put(message, key);

	header->ndm_ifindex = (int)bridge->ifindex;
	header->ndm_flags = NTF_SELF;
	header->ndm_state = NUD_PERMANENT;
}

void fdbmsg_put_delete(struct nlmsghdr *message, const struct mlag_mac_key *key, uint32_t ifindex)
{
	struct ndmsg *header = fdbmsg_put(message, key);

	header->ndm_ifindex = (int)ifindex;
	header->ndm_flags = NTF_MASTER;
}

void fdbmsg_put_flush(struct nlmsghdr *message, uint16_t vlan, uint32_t ifindex, bool is_static)
{
	struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ndm_family = AF_BRIDGE;
	header->ndm_ifindex = (int)ifindex;
	header->ndm_flags = NTF_MASTER;
	header->ndm_state = is_static ? NUD_NOARP : 0;
	mnl_attr_put_u16(message, NDA_VLAN, vlan);
	mnl_attr_put_u16(message, NDA_NDM_STATE_MASK, NUD_NOARP);
}

void fdbmsg_put_get(struct nlmsghdr *message, const struct mlag_mac_key *key,
		    const struct fdbmsg_bridge *bridge)
{
	(void)fdbmsg_put(message, key);
	mnl_attr_put_u32(message, NDA_MASTER, bridge->ifindex);
}

void fdbmsg_put_dump(struct nlmsghdr *message, const struct fdbmsg_bridge *bridge)
{
	struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ndm_family = AF_BRIDGE;
	mnl_attr_put_u32(message, NDA_MASTER, bridge->ifindex);
}
