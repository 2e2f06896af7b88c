/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing of FDB messages (RTM_*NEIGH of family AF_BRIDGE): bytes and values, no
 * socket.
 */
#ifndef MLAGD_KERNEL_FDBMSG_H
#define MLAGD_KERNEL_FDBMSG_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "mlag.h"

/* No request of this file is longer. */
#define FDBMSG_SIZE_MAX 128

/**
 * struct fdbmsg_bridge - the bridge that is meant
 * @ifindex: of the bridge
 * @vlan_aware: its entries have a VLAN
 */
struct fdbmsg_bridge {
	uint32_t ifindex;
	bool vlan_aware;
};

/**
 * fdbmsg_parse() - read a RTM_NEWNEIGH or RTM_DELNEIGH
 * @message: the whole message
 * @bridge: entries of other bridges are not wanted
 * @ret_key: the key
 * @ret_entry: kind none for RTM_DELNEIGH
 *
 * Return: 0, -EBADMSG for one that is cut short or out of range, -EADDRINUSE for a local address of
 * the machine (only @ret_key was filled), -ENOMSG for one that is not wanted: other families and
 * bridges, entries of the device itself, group addresses, entries without a VLAN on a VLAN-aware
 * bridge or with one on a plain bridge.
 */
int fdbmsg_parse(const struct nlmsghdr *message, const struct fdbmsg_bridge *bridge,
		 struct mlag_mac_key *ret_key, struct mlag_fdb_entry *ret_entry);

/**
 * fdbmsg_put_set() - fill a RTM_NEWNEIGH that makes an entry as given
 * @message: with its header; room for FDBMSG_SIZE_MAX
 * @key: vlan 0 for none
 * @entry: any kind but none; the kernel learns from ACTIVE that the MAC was just seen
 */
void fdbmsg_put_set(struct nlmsghdr *message, const struct mlag_mac_key *key,
		    const struct mlag_fdb_entry *entry);

/**
 * fdbmsg_put_local() - fill a RTM_NEWNEIGH or RTM_DELNEIGH of a local entry of the bridge itself
 * @message: with its header; room for FDBMSG_SIZE_MAX
 * @key: vlan 0 for none: the kernel then takes all VLANs that the bridge itself is a member of
 * @bridge: the bridge
 */
void fdbmsg_put_local(struct nlmsghdr *message, const struct mlag_mac_key *key,
		      const struct fdbmsg_bridge *bridge);

/** fdbmsg_put_delete() - fill a RTM_DELNEIGH of an entry that points to a port */
void fdbmsg_put_delete(struct nlmsghdr *message, const struct mlag_mac_key *key, uint32_t ifindex);

/**
 * fdbmsg_put_flush() - fill a RTM_DELNEIGH with NLM_F_BULK of all entries of a VLAN on a port
 * @is_static: those that are static, otherwise those that are not
 */
void fdbmsg_put_flush(struct nlmsghdr *message, uint16_t vlan, uint32_t ifindex, bool is_static);

/** fdbmsg_put_get() - fill a RTM_GETNEIGH of one entry, wherever it points */
void fdbmsg_put_get(struct nlmsghdr *message, const struct mlag_mac_key *key,
		    const struct fdbmsg_bridge *bridge);

/** fdbmsg_put_dump() - fill a RTM_GETNEIGH with NLM_F_DUMP of all entries of a bridge */
void fdbmsg_put_dump(struct nlmsghdr *message, const struct fdbmsg_bridge *bridge);

#endif
