/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The devices on which the bridge's VLANs have neighbours (R29): the SVI, and the shared gateway on
 * top of it.
 */
#ifndef MLAGD_NEIGHBORDEVICES_H
#define MLAGD_NEIGHBORDEVICES_H

#include "daemon.h"

/**
 * neighbordevices_find() - see from the links which device each VLAN has now
 * @daemon: the daemon
 *
 * Return: true when something changed; engine and adapter are still to be told.
 */
bool neighbordevices_find(struct daemon *daemon);

/**
 * neighbordevices_next() - the next device that engine and adapter do not know yet
 * @daemon: the daemon
 * @ret_vlan, @ret_device, @ret_ifindex: what to tell; ifindex 0 for none any more
 *
 * Return: true when there was one; it counts as told.
 */
bool neighbordevices_next(struct daemon *daemon, uint16_t *ret_vlan,
			  enum mlag_neighbor_device *ret_device, uint32_t *ret_ifindex);

#endif
