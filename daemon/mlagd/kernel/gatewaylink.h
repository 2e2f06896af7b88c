/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device of a shared gateway: a macvlan and its addresses.  Blocking, one request at a time, as
 * ports.h; what is so already is no error.
 */
#ifndef MLAGD_KERNEL_GATEWAYLINK_H
#define MLAGD_KERNEL_GATEWAYLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/gatewayplan.h"

struct gatewaylink;

/**
 * gatewaylink_open() - open the configuration socket
 * @ret: the new object
 *
 * Return: 0 or -errno.
 */
int gatewaylink_open(struct gatewaylink **ret);

/** gatewaylink_close() - close and free; NULL is fine */
void gatewaylink_close(struct gatewaylink *self);

/**
 * gatewaylink_create() - make the macvlan, down, with nothing on it
 * @wanted: its name and MAC
 * @svi_ifindex: what it is on
 * @ret_ifindex: its number
 *
 * Mode bridge: other macvlans on the SVI (containers) reach the gateway too.
 *
 * Return: 0, -EEXIST when the name is taken, -EADDRINUSE when the SVI or a macvlan on it has the
 * MAC, or another -errno; gatewaylink_error() has the words.
 */
int gatewaylink_create(struct gatewaylink *self, const struct gatewayplan_wanted *wanted,
		       uint32_t svi_ifindex, uint32_t *ret_ifindex);

/**
 * gatewaylink_set_no_link_local() - make no IPv6 address of the MAC, which both members have
 *
 * Return: 0, also on a kernel without IPv6, or -errno.
 */
int gatewaylink_set_no_link_local(struct gatewaylink *self, uint32_t ifindex);

/** gatewaylink_delete() - with all that is on it; 0 also when it is gone, or -errno */
int gatewaylink_delete(struct gatewaylink *self, uint32_t ifindex);

/** gatewaylink_set_alias() - 0 or -errno */
int gatewaylink_set_alias(struct gatewaylink *self, uint32_t ifindex, const char *alias);

/** gatewaylink_set_mac() - 0 or -errno */
int gatewaylink_set_mac(struct gatewaylink *self, uint32_t ifindex, const struct mlag_mac *mac);

/** gatewaylink_set_master() - of a VRF; 0 for none.  0 or -errno */
int gatewaylink_set_master(struct gatewaylink *self, uint32_t ifindex, uint32_t master);

/** gatewaylink_set_up() - 0, -EBUSY when another macvlan there has the MAC, or -errno */
int gatewaylink_set_up(struct gatewaylink *self, uint32_t ifindex, bool up);

/** gatewaylink_add_address() - marked as ours, without DAD.  0, also when it is there, or -errno */
int gatewaylink_add_address(struct gatewaylink *self, uint32_t ifindex,
			    const struct gatewayplan_address *address);

/** gatewaylink_remove_address() - 0 also when it is gone, or -errno */
int gatewaylink_remove_address(struct gatewaylink *self, uint32_t ifindex,
			       const struct gatewayplan_address *address);

/**
 * gatewaylink_error() - why the last function failed
 *
 * Return: what was attempted, the kernel's own words where it gave some, and the errno's text;
 * valid until the next call.
 */
const char *gatewaylink_error(const struct gatewaylink *self);

#endif
