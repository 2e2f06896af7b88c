/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two addresses of the session, and the sockets made of them.  Nothing here waits or retries;
 * that is channel.c's.
 */
#ifndef MLAGD_PEER_ENDPOINT_H
#define MLAGD_PEER_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "peer/channel.h"

/** endpoint_text() - an address for people, without its port; "" if it is none */
void endpoint_text(const struct sockaddr_storage *address, char ret_text[INET6_ADDRSTRLEN]);

/** endpoint_same_host() - are these addresses equal, ports and devices aside? */
bool endpoint_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/** endpoint_is_lower() - is @a before @b?  Both of one family */
bool endpoint_is_lower(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/**
 * endpoint_scope_index() - the scope's device as it is now
 *
 * Return: its index; 0 without a scope, and when there is no such device.
 */
uint32_t endpoint_scope_index(const struct channel_spec *spec);

/**
 * endpoint_connect() - a socket of ours that connects to the peer
 * @spec: the scope is looked up anew
 * @ret_fd: nonblocking; writable when the connection stands or has failed
 *
 * Return: 0, -ENODEV when the scope's device is not there, -EADDRNOTAVAIL when the local address is
 * not, or another -errno of the kernel's.
 */
int endpoint_connect(const struct channel_spec *spec, int *ret_fd);

/**
 * endpoint_listen() - a socket that listens at our address, which need not be there yet
 * @spec: as it is
 * @index: of the scope's device, from endpoint_scope_index()
 * @ret_fd: nonblocking
 *
 * Return: 0, -ENODEV when there is a scope and @index is 0, or another -errno of the kernel's.
 */
int endpoint_listen(const struct channel_spec *spec, uint32_t index, int *ret_fd);

/**
 * endpoint_datagram() - a UDP socket at our address, which need not be there yet
 * @spec, @index, @ret_fd: as of endpoint_listen()
 *
 * It hears everybody: who sent what is for the reader to check.
 */
int endpoint_datagram(const struct channel_spec *spec, uint32_t index, int *ret_fd);

/** endpoint_send() - send a datagram of that socket to the peer; 0 or -errno */
int endpoint_send(const struct channel_spec *spec, int fd, const uint8_t *data, uint32_t size);

/** endpoint_set_options() - what a connection to the peer needs, whoever made it */
void endpoint_set_options(int fd);

#endif
