/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hello: the sign of life that each member sends on every path, the peer link and the backup
 * path (docs/protocol.md).  Not to be confused with the session's HELLO (wire.h).
 *
 * The same octets go out on every path, so that sequence numbers of one path tell what was sent
 * before and after on the other.  The first 32 octets mean the same in every version: whoever
 * cannot read or trust the rest still knows that somebody lives.
 */
#ifndef MLAG_HELLO_H
#define MLAG_HELLO_H

#include "buf.h"
#include "types.h"

#define HELLO_MAGIC UINT32_C(0x6d6c6167) /* "mlag" */
#define HELLO_VERSION 1
#define HELLO_HEAD_SIZE 32 /* octets that mean the same in every version */
#define HELLO_MAC_SIZE 32  /* octets of an HMAC-SHA256 */

enum hello_kind {
	HELLO_KIND_NONE = 0,
	HELLO_KIND_DAEMON = 1, /* mlagd */
	HELLO_KIND_FENCED = 2, /* the guard: the daemon is dead, and its legs are down */
};

enum hello_authentication {
	HELLO_AUTHENTICATION_NONE = 0,
	HELLO_AUTHENTICATION_HMAC_SHA256 = 1, /* the last 32 octets, over all before them */
};

#define HELLO_LEAVING 0x01    /* this member leaves the pair on purpose */
#define HELLO_LEGS_KNOWN 0x02 /* the list of legs is what the data plane does */
#define HELLO_AFRESH 0x04     /* nothing of what earlier daemons here had heard is known any more */

#define HELLO_LEG_UP 0x01   /* unicast leaves through it */
#define HELLO_LEG_OPEN 0x02 /* floods too */

/**
 * struct hello_leg - one leg of the sender's
 * @flags: HELLO_LEG_*
 * @generation: the low half of the generation of its coming-up
 */
struct hello_leg {
	uint16_t lag_id;
	uint16_t generation;
	uint8_t flags;
};

/**
 * struct hello - a hello as values
 * @version: of the format; with another than ours only what stands above @hears is filled
 * @kind: enum hello_kind
 * @authentication: enum hello_authentication; whether it holds is not decided here
 * @member_id, @boot_id: the sender
 * @sequence: of this boot, from 1; the same on every path
 * @heard_boot_id: whom the sender hears, 0 for nobody
 * @hears: bit (1 << enum mlag_path): it heard that one on this path within its dead time
 * @flags: HELLO_LEAVING, HELLO_LEGS_KNOWN, HELLO_AFRESH
 * @role, @verdict: as in enum mlag_role, enum mlag_verdict; any number from a newer peer
 * @interval_ms: between two hellos of the sender
 * @restart_hold_ms: its restart-hold
 * @legs: its legs; meaningful with HELLO_LEGS_KNOWN
 */
struct hello {
	uint8_t version;
	uint8_t kind;
	uint16_t domain_id;
	uint16_t authentication;
	struct mlag_mac member_id;
	uint64_t boot_id;
	uint32_t sequence;
	uint64_t heard_boot_id;
	uint8_t hears;
	uint8_t flags;
	uint8_t role;
	uint8_t verdict;
	uint32_t role_epoch;
	uint16_t priority;
	uint16_t interval_ms;
	uint32_t restart_hold_ms;
	uint16_t legs_count;
	struct hello_leg legs[MLAG_LEGS_MAX];
};

/**
 * hello_put() - write a hello; without an HMAC, whose place is at the end
 * @writer: fails when there is no room
 */
void hello_put(struct buf_writer *writer, const struct hello *hello);

/**
 * hello_get() - read a hello, whatever its version
 * @data: as it came; a frame may be padded behind it
 *
 * Return: false when it is no hello, or cut short.
 */
bool hello_get(const uint8_t *data, uint32_t size, struct hello *ret_hello);

#endif
