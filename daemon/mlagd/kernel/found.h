/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the settings of ports and bonds were before mlagd changed them, so that they can be put back
 * when a device is no leg any more, and all of them by `mlagctl leave`.  Kept in the run directory:
 * a daemon that is started again must not take what its predecessor set for what it found.
 */
#ifndef MLAGD_KERNEL_FOUND_H
#define MLAGD_KERNEL_FOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "types.h"

struct found;

/* What is set at the device, and so has to be put back. */
#define FOUND_LEG 0x1	    /* flood flags and backup_port */
#define FOUND_PEER_LINK 0x2 /* learning and mcast_router */
#define FOUND_BOND 0x4	    /* ad_actor_system and all_slaves_active */
#define FOUND_QDISC 0x8	    /* a clsact of ours */

/**
 * struct found_device - one device as it was found
 * @ifindex: the device
 * @what: FOUND_*; says which of the rest count
 * @flood, @mcast_flood, @bcast_flood: of the port
 * @backup_ifindex: 0 for none
 * @learning: of the port
 * @router: multicast router type, -1 where the kernel has no snooping
 * @system_mac: ad_actor_system of the bond
 * @all_slaves_active: of the bond
 */
struct found_device {
	uint32_t ifindex;
	uint32_t what;
	bool flood;
	bool mcast_flood;
	bool bcast_flood;
	uint32_t backup_ifindex;
	bool learning;
	int router;
	struct mlag_mac system_mac;
	bool all_slaves_active;
};

/**
 * found_open() - read what an earlier daemon wrote down
 * @ret: the new object
 * @directory: the run directory; NULL: nothing is kept across restarts
 *
 * Return: 0 or -ENOMEM.
 */
int found_open(struct found **ret, const char *directory);

/** found_close() - free; NULL is fine.  The file stays */
void found_close(struct found *found);

/** found_get() - what is known of a device, NULL for nothing; valid until the next call */
const struct found_device *found_get(const struct found *found, uint32_t ifindex);

/** found_next() - the device with the next higher number, NULL at the end; valid as found_get() */
const struct found_device *found_next(const struct found *found, uint32_t ifindex);

/**
 * found_add() - write down more of a device, before it is changed
 * @device: of @what only what is not known yet is taken
 *
 * Return: 0, -ENOSPC, or -errno of the file, which is logged: what is changed now may stay so.
 */
int found_add(struct found *found, const struct found_device *device);

/** found_drop() - it was put back, or is gone with what had it; @what: FOUND_* */
void found_drop(struct found *found, uint32_t ifindex, uint32_t what);

#endif
