/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Echoes of own writes to the FDB: which ones the socket drops, and what an event that came
 * meanwhile is worth.  Only fdb.c and fdbbatch.c include this.
 */
#ifndef MLAGD_KERNEL_FDBECHO_H
#define MLAGD_KERNEL_FDBECHO_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/netlink.h"
#include "mlag.h"

#define FDBECHO_BITS 65536

/**
 * struct fdbecho - keys that were written since the events were last read dry
 * @marked: some of @words are not 0
 * @words: a bit for each; two keys that share one cost a question
 */
struct fdbecho {
	bool marked;
	uint64_t words[FDBECHO_BITS / 64];
};

/**
 * fdbecho_filter() - let the socket of events drop the echoes of what fdbecho_is_silent() names
 * @events: instead of the filter it has
 * @peer_link_ifindex: 0 for none
 *
 * Also dropped is what is not of AF_BRIDGE.
 *
 * Return: 0 or -errno: the filter before it stays.
 */
int fdbecho_filter(struct netlink *events, uint32_t peer_link_ifindex);

/** fdbecho_is_silent() - the echo of such an entry may be dropped by the socket */
bool fdbecho_is_silent(const struct mlag_fdb_entry *entry);

/** fdbecho_mark() - an entry of this key was written */
void fdbecho_mark(struct fdbecho *echo, const struct mlag_mac_key *key);

/** fdbecho_clear() - every event from before now was read */
void fdbecho_clear(struct fdbecho *echo);

/**
 * fdbecho_outdates() - may an event be older than what was written over it?
 * @key, @entry: what the event says
 *
 * Events of own writes that are not dropped, and what ages, are in the right order anyway.
 */
bool fdbecho_outdates(const struct fdbecho *echo, const struct mlag_mac_key *key,
		      const struct mlag_fdb_entry *entry);

#endif
