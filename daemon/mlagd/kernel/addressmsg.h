/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading RTM_NEWADDR and RTM_DELADDR: bytes in, values out, no socket.
 */
#ifndef MLAGD_KERNEL_ADDRESSMSG_H
#define MLAGD_KERNEL_ADDRESSMSG_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

/* What an address is good for, by its bits. */
enum addressmsg_scope {
	ADDRESSMSG_SCOPE_NONE, /* loopback, multicast, unspecified: nobody sends it to another */
	ADDRESSMSG_SCOPE_LINK, /* 169.254.0.0/16, fe80::/10 */
	ADDRESSMSG_SCOPE_GLOBAL,
};

/**
 * struct addressmsg - one address of one device
 *
 * The fields up to @usable say which one it is: one device can have an IPv4 address several times,
 * with different prefixes and far ends.
 *
 * @ifindex: of the device, never 0
 * @family: 4 or 6
 * @prefix: length of the prefix; 0 with IPv6, which has an address once
 * @octets: the address, the rest zero
 * @far: the far end, as told with IPv4; else zero
 * @usable: it has passed DAD, or need not wait for it
 * @length: length of the prefix, of both families
 * @protocol: who made it (IFA_PROTO), 0 where nobody said so
 */
struct addressmsg {
	uint32_t ifindex;
	uint8_t family;
	uint8_t prefix;
	uint8_t octets[16];
	uint8_t far[4];
	bool usable;
	uint8_t length;
	uint8_t protocol;
};

/**
 * addressmsg_parse() - read a RTM_NEWADDR or RTM_DELADDR
 * @message: the whole message
 * @ret: filled
 *
 * Return: 0, -EBADMSG for one that is cut short, -ENOMSG for other families.
 */
int addressmsg_parse(const struct nlmsghdr *message, struct addressmsg *ret);

/** addressmsg_scope() - what an address is good for; @family is 4 or 6 */
enum addressmsg_scope addressmsg_scope(uint8_t family, const uint8_t octets[16]);

#endif
