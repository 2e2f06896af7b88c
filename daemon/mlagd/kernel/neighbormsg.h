/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing of neighbour messages (RTM_*NEIGH of IPv4 and IPv6, RTM_GETNEIGHTBL): bytes
 * and values, no socket.
 */
#ifndef MLAGD_KERNEL_NEIGHBORMSG_H
#define MLAGD_KERNEL_NEIGHBORMSG_H

#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "mlag.h"

/* No request of this file is longer. */
#define NEIGHBORMSG_SIZE_MAX 128
/* The number that says: written by mlagd, for the peer's word.  Nobody in rt_protos has it. */
#define NEIGHBORMSG_PROTOCOL 109

/**
 * struct neighbormsg - one neighbour of one device
 * @ifindex: the device
 * @family: 4 or 6
 * @octets: the address, the rest zero
 * @entry: state none for RTM_DELNEIGH
 */
struct neighbormsg {
	uint32_t ifindex;
	uint8_t family;
	uint8_t octets[16];
	struct mlag_neighbor_entry entry;
};

/**
 * neighbormsg_parse() - read a RTM_NEWNEIGH or RTM_DELNEIGH
 * @message: the whole message
 * @ret: filled
 *
 * Return: 0, -EBADMSG for one that is cut short or contradicts itself, -ENOMSG for one that is not
 * wanted: other families, proxies, what is no unicast address, and one that is being asked for
 * right now, of which there is nothing to say yet.
 */
int neighbormsg_parse(const struct nlmsghdr *message, struct neighbormsg *ret);

/* The length of the program that neighbormsg_make_filter() makes. */
#define NEIGHBORMSG_FILTER_SIZE 14

/**
 * neighbormsg_make_filter() - a socket filter: neighbours, and none of our own echo
 * @portid: of the socket that writes
 * @ret_code: room for NEIGHBORMSG_FILTER_SIZE
 *
 * What it drops takes no room in the receive buffer.
 */
void neighbormsg_make_filter(uint32_t portid, struct sock_filter *ret_code);

/** neighbormsg_put_set() - fill a RTM_NEWNEIGH: marked, stale, not for the garbage collector */
void neighbormsg_put_set(struct nlmsghdr *message, const struct neighbormsg *neighbor);

/**
 * neighbormsg_put_keep() - fill a RTM_NEWNEIGH that takes the mark off an entry
 *
 * It says nothing of the MAC, so that it overrules nothing that the kernel learned meanwhile.
 */
void neighbormsg_put_keep(struct nlmsghdr *message, const struct neighbormsg *neighbor);

/** neighbormsg_put_key() - fill a RTM_DELNEIGH, or a RTM_GETNEIGH of one entry */
void neighbormsg_put_key(struct nlmsghdr *message, const struct neighbormsg *neighbor);

/** neighbormsg_put_dump() - fill a RTM_GETNEIGH with NLM_F_DUMP; @family is 4 or 6 */
void neighbormsg_put_dump(struct nlmsghdr *message, uint8_t family);

/**
 * struct neighbormsg_table - how one of the kernel's two tables fares, on the whole machine
 * @family: 4 or 6
 * @entries: it holds now, those exempt from collection included
 * @threshold: gc_thresh3
 * @fulls: times that an entry found no room
 */
struct neighbormsg_table {
	uint8_t family;
	uint32_t entries;
	uint32_t threshold;
	uint64_t fulls;
};

/** neighbormsg_put_tables() - fill a RTM_GETNEIGHTBL with NLM_F_DUMP */
void neighbormsg_put_tables(struct nlmsghdr *message);

/**
 * neighbormsg_parse_table() - read a RTM_NEWNEIGHTBL
 *
 * Return: 0, -EBADMSG, -ENOMSG for the parameters of one device.
 */
int neighbormsg_parse_table(const struct nlmsghdr *message, struct neighbormsg_table *ret);

#endif
