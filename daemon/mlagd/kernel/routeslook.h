/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking the kernel for its default routes, without reading a full table where that can be avoided.
 */
#ifndef MLAGD_KERNEL_ROUTESLOOK_H
#define MLAGD_KERNEL_ROUTESLOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "kernel/netlink.h"
#include "kernel/routesmsg.h"

struct routeslook;

/**
 * routeslook_fn - the default route of a family was read
 * @choice: valid during the call
 */
typedef void routeslook_fn(void *user, uint8_t family, const struct routesmsg_choice *choice);

/**
 * routeslook_open() - a new object; nothing is read yet
 * @ret: the new object
 * @event: the loop it lives in; referenced
 * @looked: told what was read
 * @user: first argument of @looked
 *
 * Return: 0 or -ENOMEM.
 */
int routeslook_open(struct routeslook **ret, sd_event *event, routeslook_fn *looked, void *user);

/** routeslook_close() - stop and free; NULL is fine */
void routeslook_close(struct routeslook *look);

/**
 * routeslook_want() - read the default route of a family (4 or 6)
 *
 * IPv4 at once; IPv6 by and by, and again after that when it was wanted in between.
 */
void routeslook_want(struct routeslook *look, uint8_t family);

/** routeslook_prepare() - begin to ask for the routes of a table, on a socket of the caller's */
struct nlmsghdr *routeslook_prepare(struct netlink *netlink, uint8_t *buffer, uint8_t family,
				    uint32_t table);

#endif
