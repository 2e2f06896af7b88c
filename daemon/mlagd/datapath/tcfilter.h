/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A clsact filter at ingress by bare netlink: for programs that come and go, where "there is none"
 * is no news for the log.
 */
#ifndef MLAG_DATAPATH_TCFILTER_H
#define MLAG_DATAPATH_TCFILTER_H

#include <stdbool.h>
#include <stdint.h>

struct mnl_socket;

/**
 * struct tcfilter - a filter's place among those of a device
 */
struct tcfilter {
	uint16_t priority;
	uint32_t handle;
};

/**
 * tcfilter_set() - put a program there, in the place of what we had
 * @socket: NETLINK_ROUTE, bound, blocking
 * @name: of the program, for people
 * @ret_qdisc_made: set when the clsact qdisc had to be made
 *
 * Return: 0, -ENODEV, or -errno of the kernel.
 */
int tcfilter_set(struct mnl_socket *socket, uint32_t ifindex, const struct tcfilter *filter,
		 int program_fd, const char *name, bool *ret_qdisc_made);

/**
 * tcfilter_remove() - take it away
 *
 * Return: 0 (also where there is no filter, no clsact or no device), or -errno of the kernel.
 */
int tcfilter_remove(struct mnl_socket *socket, uint32_t ifindex, const struct tcfilter *filter);

#endif
