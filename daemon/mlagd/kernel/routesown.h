/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of ours is in the kernel's routing (R31): read, compared with what is wanted, and brought in
 * line.
 */
#ifndef MLAGD_KERNEL_ROUTESOWN_H
#define MLAGD_KERNEL_ROUTESOWN_H

#include "kernel/routes.h"

struct routesown;

/** routesown_open() - open the sockets; 0 or -errno */
int routesown_open(struct routesown **ret);

/** routesown_close() - NULL is fine; what is in the kernel stays */
void routesown_close(struct routesown *own);

/**
 * routesown_find() - whether there is anything of ours
 * @family: 4 or 6
 * @ret_found: a rule or a route with our protocol number
 *
 * Return: 0 or -errno.
 */
int routesown_find(struct routesown *own, uint8_t family, bool *ret_found);

/**
 * routesown_sync() - read what is there, and write what differs
 * @resort: of one family; keep is not looked at
 * @wanted: its devices
 *
 * Return: 0, -EAGAIN when it could not be read, or the last error of the kernel's.
 */
int routesown_sync(struct routesown *own, const struct mlag_last_resort *resort,
		   const struct routes_wanted *wanted);

/** routesown_error() - what the kernel said last, when it refused something */
const char *routesown_error(const struct routesown *own);

/** routesown_lower() - what a device is on top of, 0 for nothing */
uint32_t routesown_lower(struct routesown *own, uint32_t ifindex);

#endif
