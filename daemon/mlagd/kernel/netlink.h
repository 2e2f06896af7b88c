/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A netlink socket for events and bulk, on libmnl.  Overruns are part of the interface: whoever
 * reads events is told when some were lost, and has to read everything again.
 */
#ifndef MLAGD_KERNEL_NETLINK_H
#define MLAGD_KERNEL_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mnl_socket;

/* Room for one datagram: a dump's are 32 KiB at most, an attribute cannot pass 64. */
#define NETLINK_BUFFER_SIZE 65536
/* Datagrams that one system call reads where each is small, and the room for one of them. */
#define NETLINK_BURST 64
#define NETLINK_SMALL_SIZE (NETLINK_BUFFER_SIZE / NETLINK_BURST)
/* Room for one request of this daemon. */
#define NETLINK_REQUEST_SIZE 512
/* The kernel answers at once; silence for so long means that something is broken. */
#define NETLINK_TIMEOUT_MS 5000

/**
 * struct netlink - one socket
 * @socket: libmnl's, NULL while closed
 * @portid: its address
 * @seq: number of the last request
 * @overruns: times that messages were lost for want of room
 * @buffer: one datagram, or NETLINK_BURST of them where each is small
 * @small: see netlink_expect_small()
 */
struct netlink {
	struct mnl_socket *socket;
	uint32_t portid;
	uint32_t seq;
	uint64_t overruns;
	uint8_t *buffer;
	bool small;
};

/**
 * netlink_handler - take one message
 *
 * Messages that are neither error nor end of a dump come whole; those two come at least with the
 * header that their kind has.  A negative return does not end reading.
 */
typedef void (*netlink_handler)(void *user, const struct nlmsghdr *message);

/**
 * netlink_open() - open a NETLINK_ROUTE socket
 * @ret_netlink: filled; closed if this fails
 * @receive_bytes: receive buffer wanted; less, where privilege is missing, is a warning
 *
 * Extended acknowledgements and capped errors are on; NETLINK_NO_ENOBUFS is off, always.
 *
 * Return: 0 or -errno.
 */
int netlink_open(struct netlink *ret_netlink, int receive_bytes);

/**
 * netlink_close() - close; a closed or zeroed one is fine
 */
void netlink_close(struct netlink *netlink);

/** netlink_fd() - the file descriptor, for an event loop */
int netlink_fd(const struct netlink *netlink);

/**
 * netlink_join() - subscribe to a multicast group
 * @group: RTNLGRP_*
 *
 * Return: 0 or -errno.
 */
int netlink_join(struct netlink *netlink, unsigned int group);

/**
 * netlink_expect_small() - no datagram that comes here is longer than NETLINK_SMALL_SIZE
 *
 * Many are then read by one system call, which a storm of events needs.  A longer one that comes
 * all the same counts as lost.  Not for sockets that dump.
 */
void netlink_expect_small(struct netlink *netlink);

/**
 * netlink_prepare() - begin a request
 * @buffer: NETLINK_REQUEST_SIZE bytes, or the place in a batch
 * @type: RTM_*
 * @flags: NLM_F_*; NLM_F_REQUEST is added
 *
 * Return: the message, with a sequence number of its own.
 */
struct nlmsghdr *netlink_prepare(struct netlink *netlink, void *buffer, uint16_t type,
				 uint16_t flags);

/**
 * netlink_send() - send one or more requests in one system call
 * @size: bytes, all messages together
 *
 * Return: 0 or -errno.
 */
int netlink_send(struct netlink *netlink, const void *data, size_t size);

/**
 * netlink_read() - read what is there, without waiting
 * @datagrams_max: stop after so many
 * @handler: gets every message
 *
 * Return: how many datagrams were read (less than @datagrams_max: the socket is dry), -ENOBUFS when
 * messages were lost (what was read before was handled, more may be waiting), or another -errno.
 */
int netlink_read(struct netlink *netlink, uint32_t datagrams_max, netlink_handler handler,
		 void *user);

/**
 * netlink_collect() - read until a request is answered
 * @seq: of the request: a dump, or one with NLM_F_ACK
 * @handler: gets every other message, events too
 *
 * Return: 0, -EINTR when the kernel says that the dump is inconsistent, -ENOBUFS when messages were
 * lost (the request may still be running), -ETIMEDOUT, or the error that the kernel answered.
 */
int netlink_collect(struct netlink *netlink, uint32_t seq, netlink_handler handler, void *user);

/**
 * netlink_drain() - read until nothing is there, before a snapshot is asked for
 * @handler: gets every message
 *
 * After an overrun the kernel delivers nothing new before the queue was empty once, and what is
 * still in the queue is a story with pages missing: an end of something may be among the lost.  It
 * must not be mixed with a snapshot.  The number of rounds is bounded.
 *
 * Return: 0, or -errno; a further overrun is none.
 */
int netlink_drain(struct netlink *netlink, netlink_handler handler, void *user);

/**
 * netlink_discard() - throw away what is waiting, after an overrun of a request socket
 */
void netlink_discard(struct netlink *netlink);

/**
 * netlink_error() - read an NLMSG_ERROR
 *
 * Return: 0 for an acknowledgement, a negative errno, or -EBADMSG for one that is cut short.
 */
int netlink_error(const struct nlmsghdr *message);

/**
 * netlink_done() - how a dump says that it ended
 * @message: an NLMSG_DONE; it carries an int, 0 or a negative errno, which old kernels leave out
 *
 * Return: 0 or -errno.
 */
int netlink_done(const struct nlmsghdr *message);

#endif
