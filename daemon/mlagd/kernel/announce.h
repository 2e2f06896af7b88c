/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unasked-for words about an address: gratuitous ARP (RFC 5227, 3) and unsolicited neighbour
 * advertisements (RFC 4861, 7.2.6).
 */
#ifndef MLAGD_KERNEL_ANNOUNCE_H
#define MLAGD_KERNEL_ANNOUNCE_H

#include <stdint.h>

#include "types.h"

#define ANNOUNCE_FRAME_MAX 86

struct announce;

/**
 * announce_open() - open the socket; it receives nothing
 * @ret: the new object
 *
 * Return: 0, -EPERM (it takes CAP_NET_RAW), or another -errno.
 */
int announce_open(struct announce **ret);

/** announce_close() - NULL is fine */
void announce_close(struct announce *announce);

/**
 * announce_frame() - the frame that says where an address is
 * @family: 4 or 6
 * @octets: the address, unicast
 * @mac: where it is, also the sender of the frame
 * @ret_frame: filled
 *
 * Return: its size.
 */
uint32_t announce_frame(uint8_t family, const uint8_t *octets, const struct mlag_mac *mac,
			uint8_t ret_frame[ANNOUNCE_FRAME_MAX]);

/**
 * announce_send() - say it once by a device
 * @ifindex: the device
 *
 * Return: 0 or -errno of the socket (-ENETDOWN for a device that is down).
 */
int announce_send(struct announce *announce, uint32_t ifindex, uint8_t family,
		  const uint8_t *octets, const struct mlag_mac *mac);

#endif
