/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mlag-guard knows of links: all of them in one look, and one device set up or down at a time; what
 * carries a leg is told as common/holder.h wants it.
 */
#ifndef MLAG_COMMON_LEGDOWN_H
#define MLAG_COMMON_LEGDOWN_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/holder.h"

#define LEGDOWN_DEVICES_MAX 4096
#define LEGDOWN_BUFFER_SIZE 65536

/**
 * struct legdown_device - a device as the kernel shows it
 * @master: what it is a slave or a port of, 0 for nothing
 * @bond: it is one
 * @up: administratively
 * @carrier: it has carrier
 */
struct legdown_device {
	char ifname[IFNAMSIZ];
	uint32_t ifindex;
	uint32_t master;
	bool bond;
	bool up;
	bool carrier;
};

/** struct legdown - a netlink socket, and what it saw; no memory is taken after legdown_open() */
struct legdown {
	int fd;
	uint32_t sequence;
	uint32_t devices_count;
	struct legdown_device devices[LEGDOWN_DEVICES_MAX];
	uint8_t buffer[LEGDOWN_BUFFER_SIZE];
};

/** legdown_open() - 0 or -errno */
int legdown_open(struct legdown *legdown);

void legdown_close(struct legdown *legdown);

/**
 * legdown_look() - see all devices anew
 *
 * Return: 0; -ENOBUFS when there are more than LEGDOWN_DEVICES_MAX; or -errno.  Then only a part is seen.
 */
int legdown_look(struct legdown *legdown);

/** legdown_find() - a device by name, as last seen; NULL for none */
const struct legdown_device *legdown_find(const struct legdown *legdown, const char *ifname);

/** legdown_set_up() - 0, -ENODEV, or another -errno; what was seen of the device follows */
int legdown_set_up(struct legdown *legdown, uint32_t ifindex, bool up);

/** legdown_fill() - the devices of a leg, as last seen; @ret_leg.ifindex is 0 when it is not there */
void legdown_fill(const struct legdown *legdown, const char *ifname, struct holder_leg *ret_leg);

#endif
