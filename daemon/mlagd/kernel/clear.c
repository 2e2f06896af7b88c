// SPDX-License-Identifier: BSD-2-Clause
/*
 * Clearing tables (see clear.h).  Each has a socket of its own and no memory: entries are deleted
 * one slice at a time, as a dump names them, and the next dump names the rest.
 */
#include "kernel/clear.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "kernel/fdbmsg.h"
#include "kernel/neighbormsg.h"
#include "kernel/netlink.h"

#define CLEAR_RECEIVE_BYTES (4 * 1024 * 1024)
#define CLEAR_SLICE_MAX 1024
#define CLEAR_ROUNDS_MAX 2048 /* of a slice each */

/**
 * struct clear - one table being cleared
 * @count: what the last dump named
 */
struct clear {
	struct netlink netlink;
	struct fdbmsg_bridge bridge;
	bool (*is_ours_fdb)(void *user, const struct mlag_mac_key *key,
			    const struct mlag_fdb_entry *entry);
	bool (*is_ours_neighbor)(void *user, uint32_t ifindex);
	void *user;
	uint8_t family;
	uint32_t count;
	union {
		struct {
			struct mlag_mac_key key;
			uint32_t ifindex;
		} entries[CLEAR_SLICE_MAX];
		struct neighbormsg neighbors[CLEAR_SLICE_MAX];
	};
};

static void clear_take_fdb(void *user, const struct nlmsghdr *message)
{
	struct clear *clear = user;
	struct mlag_fdb_entry entry;
	struct mlag_mac_key key;

	if (clear->count < CLEAR_SLICE_MAX && message->nlmsg_type == RTM_NEWNEIGH &&
	    fdbmsg_parse(message, &clear->bridge, &key, &entry) == 0 &&
	    clear->is_ours_fdb(clear->user, &key, &entry)) {
		clear->entries[clear->count].key = key;
		clear->entries[clear->count++].ifindex = entry.ifindex;
	}
}

static void clear_take_neighbor(void *user, const struct nlmsghdr *message)
{
	struct clear *clear = user;
	struct neighbormsg neighbor;

	if (clear->count < CLEAR_SLICE_MAX && message->nlmsg_type == RTM_NEWNEIGH &&
	    neighbormsg_parse(message, &neighbor) == 0 && neighbor.entry.marked &&
	    clear->is_ours_neighbor(clear->user, neighbor.ifindex)) {
		clear->neighbors[clear->count++] = neighbor;
	}
}

static void clear_ignore(void *user, const struct nlmsghdr *message)
{
	(void)user;
	(void)message;
}

static int clear_ask(struct clear *clear, const struct nlmsghdr *message, netlink_handler handler)
{
	int error = netlink_send(&clear->netlink, message, message->nlmsg_len);

	if (error == 0) {
		error = netlink_collect(&clear->netlink, message->nlmsg_seq, handler, clear);
	}
	if (error == -ENOBUFS || error == -ETIMEDOUT) {
		netlink_discard(&clear->netlink);
	}
	return error;
}

static int clear_dump(struct clear *clear)
{
	uint8_t buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message =
		netlink_prepare(&clear->netlink, buffer, RTM_GETNEIGH, NLM_F_DUMP);
	int error;

	clear->count = 0;
	if (clear->is_ours_fdb != NULL) {
		fdbmsg_put_dump(message, &clear->bridge);
		return clear_ask(clear, message, clear_take_fdb);
	}
	neighbormsg_put_dump(message, clear->family);
	error = clear_ask(clear, message, clear_take_neighbor);
	return error == -EOPNOTSUPP || error == -EAFNOSUPPORT ? 0 : error;
}

/* An entry that is gone by now, or whose device is, is as it should be. */
static int clear_delete(struct clear *clear, uint32_t index)
{
	uint8_t buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message =
		netlink_prepare(&clear->netlink, buffer, RTM_DELNEIGH, NLM_F_ACK);
	int error;

	if (clear->is_ours_fdb != NULL) {
		fdbmsg_put_delete(message, &clear->entries[index].key,
				  clear->entries[index].ifindex);
		error = clear_ask(clear, message, clear_ignore);
		if (error == -EINVAL) {
			/* The VLAN left the port: its entries can only be flushed. */
			message = netlink_prepare(&clear->netlink, buffer, RTM_DELNEIGH,
						  NLM_F_ACK | NLM_F_BULK);
			fdbmsg_put_flush(message, clear->entries[index].key.vlan,
					 clear->entries[index].ifindex, true);
			error = clear_ask(clear, message, clear_ignore);
		}
	} else {
		neighbormsg_put_key(message, &clear->neighbors[index]);
		error = clear_ask(clear, message, clear_ignore);
	}
	return error == -ENOENT || error == -ENODEV ? 0 : error;
}

static int clear_all(struct clear *clear, uint32_t *ret_count)
{
	int error = 0;

	for (uint32_t round = 0; round < CLEAR_ROUNDS_MAX; round++) {
		int r = clear_dump(clear);

		if (r < 0 || clear->count == 0 || error < 0) {
			return r < 0 ? r : error;
		}
		for (uint32_t i = 0; i < clear->count; i++) {
			r = clear_delete(clear, i);
			error = r < 0 ? r : error;
			*ret_count += r == 0;
		}
	}
	return -EAGAIN;
}

int clear_fdb(uint32_t bridge_ifindex, bool vlan_aware,
	      bool (*is_ours)(void *user, const struct mlag_mac_key *key,
			      const struct mlag_fdb_entry *entry),
	      void *user, uint32_t *ret_count)
{
	static struct clear clear;
	int error;

	clear = (struct clear){.is_ours_fdb = is_ours, .user = user};
	clear.bridge.ifindex = bridge_ifindex;
	clear.bridge.vlan_aware = vlan_aware;
	error = netlink_open(&clear.netlink, CLEAR_RECEIVE_BYTES);
	if (error == 0) {
		error = clear_all(&clear, ret_count);
	}
	netlink_close(&clear.netlink);
	return error;
}

int clear_neighbors(bool (*is_ours)(void *user, uint32_t ifindex), void *user, uint32_t *ret_count)
{
	static struct clear clear;
	int error;

	clear = (struct clear){.is_ours_neighbor = is_ours, .user = user};
	error = netlink_open(&clear.netlink, CLEAR_RECEIVE_BYTES);
	for (clear.family = 4; clear.family <= 6 && error == 0; clear.family += 2) {
		error = clear_all(&clear, ret_count);
	}
	netlink_close(&clear.netlink);
	return error;
}
