/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A socket for hellos on the device of the peer link: frames of an ethertype and a destination of
 * their own, that no bridge forwards.  Nothing here waits, retries or knows what a hello says; that
 * is hellos.c's.
 */
#ifndef MLAGD_PEER_RAWSOCKET_H
#define MLAGD_PEER_RAWSOCKET_H

#include <stdint.h>
#include <sys/types.h>

/*
 * IEEE 802 local experimental ethertype 1.  The payload begins with a magic number, because others
 * may use it too.
 */
#define RAWSOCKET_ETHERTYPE 0x88b5

/**
 * rawsocket_open() - a socket that hears the hellos of one device and of no other
 * @ifindex: of the device, which need not be up
 * @ret_fd: nonblocking; reads and writes payloads, without the Ethernet header
 *
 * Return: 0, -ENODEV when there is no such device, -EPERM without CAP_NET_RAW, or -errno.
 */
int rawsocket_open(uint32_t ifindex, int *ret_fd);

/**
 * rawsocket_send() - send one payload from the device
 *
 * Return: 0, or -errno of the kernel's: -ENETDOWN while the device is down.
 */
int rawsocket_send(int fd, uint32_t ifindex, const uint8_t *data, uint32_t size);

#endif
