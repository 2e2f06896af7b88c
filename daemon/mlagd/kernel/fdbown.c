// SPDX-License-Identifier: BSD-2-Clause
/*
 * Local entries for own router MACs.  Without one the bridge delivers what comes for such a MAC and
 * floods it as well, so that the peer routes it a second time (R20).  The bridge has one by itself
 * for its own MAC and for those of its ports; these are left alone.
 *
 * fdb.c owns the object, tells it what it hears, and calls it to make good.
 */
#include "kernel/fdbown.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/linkmsg.h"
#include "log.h"

/* A wanted MAC; @holders: FDBOWN_*; @made: its entry is there as far as we know. */
struct fdbown_item {
	struct mlag_mac_key key;
	uint8_t holders;
	bool made;
};

static int fdbown_compare(const void *a, const void *b)
{
	const struct mlag_mac_key *left = a, *right = b;

	if (left->vlan != right->vlan) {
		return left->vlan < right->vlan ? -1 : 1;
	}
	return memcmp(&left->mac, &right->mac, sizeof(left->mac));
}

void fdbown_init(struct fdbown *own, uint32_t max)
{
	memset(own, 0, sizeof(*own));
	own->wanted.size = sizeof(struct fdbown_item);
	own->wanted.max = max;
	own->wanted.compare = fdbown_compare;
}

void fdbown_fini(struct fdbown *own)
{
	sorted_fini(&own->wanted);
}

int fdbown_want(struct fdbown *own, const struct mlag_mac_key *key, uint8_t holder)
{
	struct fdbown_item item = {.key = *key, .holders = holder};
	struct fdbown_item *there = sorted_find(&own->wanted, key);
	void *place;

	if (there != NULL) {
		there->holders |= holder;
		return 0;
	}
	return sorted_put(&own->wanted, &item, &place);
}

bool fdbown_forget(struct fdbown *own, const struct mlag_mac_key *key, uint8_t holder)
{
	uint32_t index = sorted_lower(&own->wanted, key);
	struct fdbown_item *item;

	if (index == own->wanted.count || fdbown_compare(sorted_at(&own->wanted, index), key)) {
		return false;
	}
	item = sorted_at(&own->wanted, index);
	item->holders &= (uint8_t)~holder;
	if (item->holders == 0) {
		sorted_remove(&own->wanted, index);
	}
	return true;
}

bool fdbown_wants(const struct fdbown *own, const struct mlag_mac_key *key)
{
	return sorted_find(&own->wanted, key) != NULL;
}

bool fdbown_has(const struct fdbown *own, const struct mlag_mac_key *key)
{
	const struct fdbown_item *item = sorted_find(&own->wanted, key);

	return item != NULL && item->made;
}

bool fdbown_lose(struct fdbown *own, const struct mlag_mac_key *key)
{
	struct fdbown_item *item = sorted_find(&own->wanted, key);

	if (item != NULL) {
		item->made = false;
	}
	return item != NULL;
}

bool fdbown_lose_all(struct fdbown *own)
{
	uint32_t i;

	for (i = 0; i < own->wanted.count; i++) {
		((struct fdbown_item *)sorted_at(&own->wanted, i))->made = false;
	}
	return own->wanted.count > 0;
}

/* ---- talking to the kernel ------------------------------------------------------------------ */

static int fdbown_ask(struct netlink *requests, const struct nlmsghdr *message,
		      netlink_handler handler, void *user)
{
	int error = netlink_send(requests, message, message->nlmsg_len);

	if (error == 0) {
		error = netlink_collect(requests, message->nlmsg_seq, handler, user);
	}
	if (error == -ENOBUFS || error == -ETIMEDOUT) {
		netlink_discard(requests);
	}
	return error;
}

static void fdbown_ignore(void *user, const struct nlmsghdr *message)
{
	(void)user;
	(void)message;
}

/* Where the entry of a key points. */
struct fdbown_place {
	const struct fdbmsg_bridge *bridge;
	bool found;
	bool local;
	uint32_t ifindex;
};

static void fdbown_take_place(void *user, const struct nlmsghdr *message)
{
	struct fdbown_place *place = user;
	struct mlag_fdb_entry entry;
	struct mlag_mac_key key;
	int error;

	/* Its answer, or one to an earlier request that was given up. */
	if (message->nlmsg_type != RTM_NEWNEIGH) {
		return;
	}
	error = fdbmsg_parse(message, place->bridge, &key, &entry);
	place->found = error == 0 || error == -EADDRINUSE;
	place->local = error == -EADDRINUSE;
	place->ifindex = error == 0 ? entry.ifindex : 0;
}

/* 0 also when there is no entry. */
static int fdbown_find(struct netlink *requests, const struct fdbmsg_bridge *bridge,
		       const struct mlag_mac_key *key, struct fdbown_place *ret_place)
{
	uint8_t buffer[FDBMSG_SIZE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_prepare(requests, buffer, RTM_GETNEIGH, NLM_F_ACK);
	int error;

	memset(ret_place, 0, sizeof(*ret_place));
	ret_place->bridge = bridge;
	fdbmsg_put_get(message, key, bridge);
	error = fdbown_ask(requests, message, fdbown_take_place, ret_place);
	return error == -ENOENT ? 0 : error;
}

static int fdbown_delete_foreign(struct netlink *requests, const struct mlag_mac_key *key,
				 uint32_t ifindex)
{
	uint8_t buffer[FDBMSG_SIZE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_prepare(requests, buffer, RTM_DELNEIGH, NLM_F_ACK);

	fdbmsg_put_delete(message, key, ifindex);
	return fdbown_ask(requests, message, fdbown_ignore, NULL);
}

static int fdbown_write(struct netlink *requests, const struct fdbmsg_bridge *bridge,
			const struct mlag_mac_key *key, uint16_t type, uint16_t flags)
{
	uint8_t buffer[FDBMSG_SIZE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message =
		netlink_prepare(requests, buffer, type, (uint16_t)(NLM_F_ACK | flags));

	fdbmsg_put_local(message, key, bridge);
	return fdbown_ask(requests, message, fdbown_ignore, NULL);
}

/* 1 when another's entry had to go for it, 0, or -errno. */
static int fdbown_make_one(struct netlink *requests, const struct fdbmsg_bridge *bridge,
			   const struct mlag_mac_key *key)
{
	struct fdbown_place place;
	int error = fdbown_find(requests, bridge, key, &place);

	if (error < 0 || place.local) {
		return error;
	}
	if (place.found) {
		/* Gone first, or its flags would live on.  If it stays, replacing has to do. */
		(void)fdbown_delete_foreign(requests, key, place.ifindex);
	}
	error = fdbown_write(requests, bridge, key, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	return error < 0 ? error : place.found;
}

int fdbown_make(struct fdbown *own, struct netlink *requests, const struct fdbmsg_bridge *bridge,
		void (*replaced)(void *user, const struct mlag_mac_key *key), void *user)
{
	uint32_t i;
	int error = 0;

	for (i = 0; i < own->wanted.count; i++) {
		struct fdbown_item *item = sorted_at(&own->wanted, i);
		const uint8_t *mac = item->key.mac.octets;
		int r;

		if (item->made) {
			continue;
		}
		r = fdbown_make_one(requests, bridge, &item->key);
		item->made = r >= 0;
		if (r < 0) {
			error = r;
			log_warning("fdb: own MAC %02x:%02x:%02x:%02x:%02x:%02x VLAN %u gets no "
				    "local entry: %s; trying again",
				    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], item->key.vlan,
				    strerror(-r));
		} else if (r > 0) {
			replaced(user, &item->key);
		}
	}
	return error;
}

static void fdbown_take_link(void *user, const struct nlmsghdr *message)
{
	struct linkmsg link;

	if (message->nlmsg_type == RTM_NEWLINK && linkmsg_parse(message, &link) == 0) {
		*(struct mlag_mac *)user = link.address;
	}
}

static int fdbown_bridge_mac(struct netlink *requests, const struct fdbmsg_bridge *bridge,
			     struct mlag_mac *ret_mac)
{
	uint8_t buffer[FDBMSG_SIZE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_prepare(requests, buffer, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ifi_index = (int)bridge->ifindex;
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return fdbown_ask(requests, message, fdbown_take_link, ret_mac);
}

int fdbown_unmake(struct netlink *requests, const struct fdbmsg_bridge *bridge,
		  const struct mlag_mac_key *key)
{
	struct mlag_mac mac = {0};
	int error = fdbown_bridge_mac(requests, bridge, &mac);

	if (error < 0 || memcmp(&mac, &key->mac, sizeof(mac)) == 0) {
		return error == -ENODEV ? 0 : error;
	}
	/* The kernel deletes it only where it points to the bridge itself, not to a port. */
	error = fdbown_write(requests, bridge, key, RTM_DELNEIGH, 0);
	/* EINVAL: the bridge itself is no member of the VLAN any more, and gets none of it. */
	return error == -ENOENT || error == -EINVAL ? 0 : error;
}
