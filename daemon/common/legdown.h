/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Legs taken down, and given back exactly as they were found.  Bonds refuse proto_down, so the leg of
 * a bond is down when its slaves are; a leg without slaves is one device, which is taken down itself.
 *
 * The partner is told by the loss of carrier, which it sees at once, or by the silence of LACP where a
 * device keeps the carrier though it is down (docs/decisions/0023).  What was up is told to the caller before
 * it is taken down: whoever keeps that where it outlives him can always give it back.
 */
#ifndef MLAG_COMMON_LEGDOWN_H
#define MLAG_COMMON_LEGDOWN_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

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

/**
 * legdown_note_fn - called for a device that is up, before it is taken down
 *
 * Return: false when it cannot be remembered: then it stays up.
 */
typedef bool legdown_note_fn(void *user, const struct legdown_device *device);

/**
 * legdown_take() - take a leg down, as far as it is up when last seen
 * @ifname: of the leg
 *
 * Return: how many devices were taken down, 0 when it was down or is not there; -errno of the first that
 * refused, after all were tried.
 */
int legdown_take(struct legdown *legdown, const char *ifname, legdown_note_fn *note, void *user);

/**
 * legdown_give() - set one device up again, if it is still the one that was taken down
 *
 * Return: 0, -ENODEV when there is no such device any more or the name is another's, or -errno.
 */
int legdown_give(struct legdown *legdown, uint32_t ifindex, const char *ifname);

#endif
