/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of the engine about neighbours (R29, R30): a part of mlag.h, which includes it.
 */
#ifndef MLAG_MLAG_NEIGHBOR_H
#define MLAG_MLAG_NEIGHBOR_H

#include "types.h"

struct mlag_engine;

/* The device of a VLAN on which a neighbour is known; each has neighbours of its own. */
#define MLAG_NEIGHBOR_DEVICES(X)         \
	X(MLAG_NEIGHBOR_ON_NONE, "none") \
	X(MLAG_NEIGHBOR_ON_SVI, "svi")   \
	X(MLAG_NEIGHBOR_ON_GATEWAY, "gateway") /* the shared gateway on top of the SVI (R28) */
enum mlag_neighbor_device { MLAG_NEIGHBOR_DEVICES(MLAG_ENUM_VALUE) };
const char *mlag_neighbor_device_text(enum mlag_neighbor_device device);

/* What a neighbour entry is, by what it proves about who knows the neighbour (DESIGN §3). */
#define MLAG_NEIGHBOR_STATES(X)                                                             \
	X(MLAG_NEIGHBOR_NONE, "none")		/* no entry, or one without a MAC */        \
	X(MLAG_NEIGHBOR_FAILED, "failed")	/* the kernel asked, and nobody answered */ \
	X(MLAG_NEIGHBOR_KNOWN, "known")		/* it has a MAC: stale, delay, probe */     \
	X(MLAG_NEIGHBOR_CONFIRMED, "confirmed") /* reachable: it answered this kernel */    \
	X(MLAG_NEIGHBOR_STATIC, "static")	/* permanent: a person set it */
enum mlag_neighbor_state { MLAG_NEIGHBOR_STATES(MLAG_ENUM_VALUE) };
const char *mlag_neighbor_state_text(enum mlag_neighbor_state state);

/**
 * struct mlag_neighbor_key - what the table of neighbours is keyed by; zeroed before it is filled
 * @family: 4 or 6
 * @device: enum mlag_neighbor_device
 * @vlan: of the device: 1..4094, 0 on a plain bridge
 * @octets: the IP address from the first octet on, the rest zero
 *
 * By VLAN, because that is what a device is called on both members.  The VRF follows from it.
 */
struct mlag_neighbor_key {
	uint8_t family;
	uint8_t device;
	uint16_t vlan;
	uint8_t octets[16];
};

/**
 * struct mlag_neighbor_entry - one neighbour entry as the kernel holds it
 * @state: see MLAG_NEIGHBOR_STATES
 * @marked: it carries the mark of mlagd: it was written for the peer's word
 * @mac: unless there is none
 */
struct mlag_neighbor_entry {
	enum mlag_neighbor_state state;
	bool marked;
	struct mlag_mac mac;
};

/**
 * mlag_answers_for_peer() - R30: the peer cannot be asked: PL does not carry, or the peer is dead
 *
 * What hosts ask for the peer's own addresses is then answered here, with the peer's router MAC.  Of a
 * peer that left nothing is answered.
 */
bool mlag_answers_for_peer(const struct mlag_engine *engine);

/* What to do with one neighbour entry. */
#define MLAG_NEIGHBOR_VERBS(X)                                                                     \
	X(MLAG_NEIGHBOR_VERB_NONE, "none")                                                         \
	X(MLAG_NEIGHBOR_VERB_SET, "set") /* create or replace, marked, for the kernel to verify */ \
	X(MLAG_NEIGHBOR_VERB_KEEP,                                                                 \
	  "keep") /* the kernel knows it itself by now: take the mark off */                       \
	X(MLAG_NEIGHBOR_VERB_DELETE, "delete")                                                     \
	X(MLAG_NEIGHBOR_VERB_VERIFY, "verify") /* ask the kernel, and step MLAG_EVENT_NEIGHBOR */
enum mlag_neighbor_verb { MLAG_NEIGHBOR_VERBS(MLAG_ENUM_VALUE) };

/**
 * struct mlag_neighbor_operation - one operation on the kernel's neighbours
 * @verb: what to do
 * @key: the entry
 * @ifindex: its device
 * @mac: what it should be (set)
 */
struct mlag_neighbor_operation {
	enum mlag_neighbor_verb verb;
	struct mlag_neighbor_key key;
	uint32_t ifindex;
	struct mlag_mac mac;
};

/**
 * mlag_next_neighbors() - take the next slice of operations on neighbours
 * @engine: the engine
 * @ret_operations: room for @size_max of them
 * @size_max: 1..MLAG_NEIGHBOR_BATCH_MAX
 *
 * What is taken is believed done until MLAG_EVENT_NEIGHBOR or MLAG_EVENT_NEIGHBOR_FAILED says
 * otherwise.  The notifications of own writes need not come back as events, but an event that was
 * on its way before a write must not be told after it.
 *
 * Return: how many were written.
 */
uint32_t mlag_next_neighbors(struct mlag_engine *engine,
			     struct mlag_neighbor_operation *ret_operations, uint32_t size_max);

/** mlag_wants_neighbor_dump() - as mlag_wants_dump(), of neighbours */
bool mlag_wants_neighbor_dump(const struct mlag_engine *engine);

/**
 * struct mlag_neighbor_view - one neighbour, for `mlagctl neighbors`
 * @own, @peer: who knows it
 * @mac: of the winning claim
 * @ifindex: its device here, 0 for none
 * @entry: what the kernel here holds, as far as is known
 */
struct mlag_neighbor_view {
	struct mlag_neighbor_key key;
	bool own;
	bool peer;
	struct mlag_mac mac;
	uint32_t ifindex;
	struct mlag_neighbor_entry entry;
};

/** mlag_next_neighbor_view() - walk the table of neighbours; as mlag_next_mac() */
bool mlag_next_neighbor_view(const struct mlag_engine *engine, uint32_t *cursor,
			     struct mlag_neighbor_view *ret_view);

#endif
