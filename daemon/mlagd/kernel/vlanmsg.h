/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading RTM_NEWVLAN and RTM_DELVLAN: the spanning-tree state that a VLAN has of its own on a port.
 */
#ifndef MLAGD_KERNEL_VLANMSG_H
#define MLAGD_KERNEL_VLANMSG_H

#include <linux/netlink.h>
#include <stdint.h>

#include "types.h"

/**
 * vlanmsg_parse_states() - which VLANs a message speaks of, and which of them do not forward
 * @message: the whole message
 * @ret_ifindex: the port
 * @ret_named: VLANs whose state is told; of a RTM_DELVLAN those that are gone
 * @ret_blocked: those of them that are not forwarding
 *
 * Return: 0, -EBADMSG for one that is cut short or has VLANs out of range, -ENOMSG for one of
 * another family.
 */
int vlanmsg_parse_states(const struct nlmsghdr *message, uint32_t *ret_ifindex,
			 struct mlag_vlans *ret_named, struct mlag_vlans *ret_blocked);

#endif
