/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Own router MACs that the bridge should deliver to this machine: which are wanted, and the local
 * entries made for them.
 */
#ifndef MLAGD_KERNEL_FDBOWN_H
#define MLAGD_KERNEL_FDBOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/fdbmsg.h"
#include "kernel/netlink.h"
#include "kernel/sorted.h"

/**
 * struct fdbown - the wanted MACs
 * @wanted: private
 */
struct fdbown {
	struct sorted wanted;
};

/** fdbown_init() - for at most @max MACs */
void fdbown_init(struct fdbown *own, uint32_t max);
void fdbown_fini(struct fdbown *own);

/* Who wants a MAC; it goes when nobody does. */
#define FDBOWN_ADDRESS 1 /* the engine: it is a router MAC of ours */
#define FDBOWN_GATEWAY 2 /* a shared gateway, from before its device is up */

/** fdbown_want() - want one; 1 when it is new, 0 when not, -ENOSPC or -ENOMEM */
int fdbown_want(struct fdbown *own, const struct mlag_mac_key *key, uint8_t holder);

/** fdbown_forget() - @holder wants it no more; true when it was wanted by anybody */
bool fdbown_forget(struct fdbown *own, const struct mlag_mac_key *key, uint8_t holder);

/** fdbown_wants() - somebody wants it */
bool fdbown_wants(const struct fdbown *own, const struct mlag_mac_key *key);

/** fdbown_has() - it is wanted, and its entry is there as far as we know */
bool fdbown_has(const struct fdbown *own, const struct mlag_mac_key *key);

/** fdbown_lose() - its entry may not be there; true when it is wanted */
bool fdbown_lose(struct fdbown *own, const struct mlag_mac_key *key);

/** fdbown_lose_all() - none of the entries may be there; true when one is wanted */
bool fdbown_lose_all(struct fdbown *own);

/**
 * fdbown_make() - make the entries that may not be there
 * @requests: a socket for requests
 * @bridge: with an ifindex
 * @replaced: told keys whose entry was somebody else's and is gone
 *
 * Return: 0, or the last error; what failed is tried again with the next call.
 */
int fdbown_make(struct fdbown *own, struct netlink *requests, const struct fdbmsg_bridge *bridge,
		void (*replaced)(void *user, const struct mlag_mac_key *key), void *user);

/**
 * fdbown_unmake() - delete a local entry that is the bridge's, but not for the bridge's own MAC
 *
 * Return: 0 also when there is nothing to delete, or -errno.
 */
int fdbown_unmake(struct netlink *requests, const struct fdbmsg_bridge *bridge,
		  const struct mlag_mac_key *key);

#endif
