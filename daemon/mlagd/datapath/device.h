/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a network device can do for XDP, as far as the kernel tells.
 */
#ifndef MLAG_DATAPATH_DEVICE_H
#define MLAG_DATAPATH_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

/* enum netdev_xdp_act of linux/netdev.h (6.3) */
#define DEVICE_XDP_BASIC 0x1u
#define DEVICE_XDP_REDIRECT 0x2u
#define DEVICE_XDP_TRANSMIT 0x4u /* ndo_xdp_xmit works now */

/**
 * device_xdp_features() - what its driver can do (Linux 6.3)
 * @ifindex: the device
 * @ret_features: DEVICE_XDP_*
 *
 * Return: 0, -ENODEV, or -EOPNOTSUPP when the kernel does not tell.
 */
int device_xdp_features(uint32_t ifindex, uint64_t *ret_features);

/**
 * device_strips_tags() - whether VLAN tags of what it receives may travel beside the frame
 * @ifindex: the device
 * @ret: the feature rx-vlan-offload (rxvlan) is on
 *
 * Return: 0, -ENODEV, or what the kernel answered.
 */
int device_strips_tags(uint32_t ifindex, bool *ret);

/** struct device_xdp - program ids by where they run, 0 for none */
struct device_xdp {
	uint32_t driver_id;
	uint32_t generic_id;
	uint32_t hardware_id;
};

/**
 * device_xdp() - the XDP programs of one device
 *
 * libbpf would have the kernel list every link to answer this.
 *
 * Return: 0 or -errno, -ENODEV for a device that is not there.
 */
int device_xdp(uint32_t ifindex, struct device_xdp *ret_xdp);

#endif
