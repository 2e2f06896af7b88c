/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attaching at XDP, always in the driver (native), by netlink: such an attachment stays when the
 * daemon ends.  A program of somebody else is never replaced.
 */
#ifndef MLAG_DATAPATH_XDP_H
#define MLAG_DATAPATH_XDP_H

#include <stdbool.h>
#include <stdint.h>

#define XDP_REASON_SIZE 96

/**
 * xdp_attach() - put a program on a device, in the place of ours
 * @ifindex: the device
 * @program_fd: a loaded program; the attachment keeps it alive
 * @ret_reason: why not, in words; only on failure
 *
 * Return: 0, -EBUSY when somebody else's program is there, -ENODEV, -EOPNOTSUPP when the driver has
 * no XDP, or what else the kernel answered.
 */
int xdp_attach(uint32_t ifindex, int program_fd, char ret_reason[XDP_REASON_SIZE]);

/**
 * xdp_query() - which program of ours a device has
 * @ifindex: the device
 * @ret_program_id: 0 when there is none, or somebody else's
 *
 * Return: 0, -ENODEV, or what the kernel answered.
 */
int xdp_query(uint32_t ifindex, uint32_t *ret_program_id);

/**
 * xdp_remove() - take ours away; nothing of ours there, or no such device, is no error
 *
 * Return: 0 or what the kernel answered.
 */
int xdp_remove(uint32_t ifindex);

#endif
