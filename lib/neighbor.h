/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbours (R29): who knows the MAC of which IP address, and what each kernel should therefore
 * hold, so that either member can send to a host whose answer hashed to the other.
 *
 * A member claims a neighbour that its own kernel knows by itself: one that answered or spoke to
 * it, or that a person set.  What is known from the peer alone is written with a mark (the protocol
 * number of mlagd), stale, so that the kernel verifies it when it is used, and is never claimed.
 * When the kernel has confirmed it, it is the kernel's own: the mark comes off, and it is claimed.
 * Two claims with different MACs are decided by sequence number, then by member id; the loser
 * withdraws, so both members come to the same end whatever the order of messages.
 *
 * Not neighbours of this table are the members' own addresses and router MACs: what is known of
 * those is in address.c.
 */
#ifndef MLAG_NEIGHBOR_H
#define MLAG_NEIGHBOR_H

#include "mlag.h"
#include "table.h"

#define NEIGHBOR_DEVICES_COUNT 3  /* values of enum mlag_neighbor_device */
#define NEIGHBOR_FLAG_STATIC 0x01 /* set by a person */

/**
 * struct neighbor_value - a claim
 * @mac: of the neighbour
 * @flags: NEIGHBOR_FLAG_STATIC
 */
struct neighbor_value {
	struct mlag_mac mac;
	uint8_t flags;
	uint8_t pad;
};

/**
 * struct neighbor_local - what this member keeps with a neighbour
 * @ifindex: the device that the rest is about; another one has neighbours of its own
 * @held: what the kernel is believed to hold
 * @sighted: and it knows that by itself
 * @refused: the kernel asked the neighbour and got no answer: the peer's present claim is not
 *	written again
 * @flushed: somebody took it away, and is perhaps not done: the peer's word waits a moment
 * @deleting: our own deletion will come back as an event
 * @dump_epoch: the dump that last showed it
 * @verify: absent from a dump, or an operation failed: ask for it
 * @retry: an operation failed
 * @doubtful: and so @held may be what was wanted, not what is
 */
struct neighbor_local {
	uint32_t ifindex;
	struct mlag_neighbor_entry held;
	uint16_t dump_epoch;
	bool sighted;
	bool refused;
	bool flushed;
	bool deleting;
	bool verify;
	bool retry;
	bool doubtful;
};

/**
 * struct neighbor_state - what the engine keeps of neighbours beside their table
 * @devices: ifindex by device and VLAN, 0 for none
 * @recheck_ns: when all rows are looked at again, 0 for never
 * @regain_ns, @regain_limit_ns: when what was flushed is written again, and when at the latest; 0
 *	for never
 * @retry_ns: when failed operations are tried again, 0 for never
 * @retried_ns: when they were last
 * @retry_delay_ns: how long that had waited
 * @dump_epoch: number of the last dump
 * @dumping: between its begin and its end
 * @dropped: neighbours of the kernel's found no room since the last dump
 */
struct neighbor_state {
	uint32_t devices[NEIGHBOR_DEVICES_COUNT][MLAG_VLANS_MAX];
	uint64_t recheck_ns;
	uint64_t regain_ns;
	uint64_t regain_limit_ns;
	uint64_t retry_ns;
	uint64_t retried_ns;
	uint64_t retry_delay_ns;
	uint16_t dump_epoch;
	bool dumping;
	bool dropped;
};

extern const struct table_class neighbor_table_class;

/** neighbor_event() - an event of type MLAG_EVENT_NEIGHBOR…; others are not ours */
void neighbor_event(struct mlag_engine *engine, const struct mlag_event *event);

/** neighbor_changed() - table_row_fn: the peer's claim changed */
void neighbor_changed(void *user, struct table *table, struct table_row *row);

/**
 * neighbor_recheck() - something that concerns many neighbours changed: look at all of them, soon
 *
 * Many such changes in a row cost one look.
 */
void neighbor_recheck(struct mlag_engine *engine);

/** neighbor_tick() - recheck, and try again what failed */
void neighbor_tick(struct mlag_engine *engine);

/** neighbor_deadline_ns() - when neighbor_tick() has something to do */
uint64_t neighbor_deadline_ns(const struct mlag_engine *engine);

#endif
