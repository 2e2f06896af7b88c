/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last resort in the kernel (R31): watches the default routes of the main table, and keeps a
 * route in a table of our own and the rules that lead there as they are wanted.  Off, it watches
 * nothing and costs nothing.
 */
#ifndef MLAGD_KERNEL_ROUTES_H
#define MLAGD_KERNEL_ROUTES_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "mlag.h"

#define ROUTES_DEVICES_MAX 8192 /* devices with rules: SVIs, and gateways on them */
#define ROUTES_FAMILIES 2

struct routes;

/**
 * struct routes_handler - who hears of the default routes
 * @default_route: of one family, when it is not what it was at the last call, and once after
 *	routes_set_enabled()
 *
 * Context: from the event loop or routes_set_enabled(); may call routes_apply().
 */
struct routes_handler {
	void (*default_route)(void *user, const struct mlag_default_route *route);
};

/**
 * struct routes_wanted - what the kernel should hold
 * @resorts: of IPv4 and IPv6
 * @devices_count, @devices: what may come in by these needs it; in any order, some may come twice
 */
struct routes_wanted {
	struct mlag_last_resort resorts[ROUTES_FAMILIES];
	uint32_t devices_count;
	uint32_t devices[ROUTES_DEVICES_MAX];
};

/**
 * routes_open() - a new object, not enabled
 * @ret: the new object
 * @event: the loop it lives in; referenced
 * @handler: copied
 * @user: first argument of the callback
 *
 * Return: 0 or -errno.
 */
int routes_open(struct routes **ret, sd_event *event, const struct routes_handler *handler,
		void *user);

/** routes_close() - stop and free; NULL is fine.  What is in the kernel stays */
void routes_close(struct routes *routes);

/**
 * routes_set_enabled() - begin to watch, or end it
 * @routes: the object
 * @enabled: begins: reads what of ours an earlier daemon has left, then the default routes (IPv6
 *	in slices of the event loop).  Ends: nothing is taken away; routes_apply() does that
 *
 * Return: 0, or -errno when nothing can be watched; it is off then.
 */
int routes_set_enabled(struct routes *routes, bool enabled);

/**
 * routes_apply() - make the kernel hold what is wanted, and keep it so
 * @routes: the object
 * @wanted: copied
 *
 * What of ours is there and not wanted goes, whoever made it; what is not ours is not touched.  A
 * family whose default route was not read yet since routes_set_enabled(), or with keep set, is left
 * as it is.  What the kernel refuses is tried again every second.
 */
void routes_apply(struct routes *routes, const struct routes_wanted *wanted);

/**
 * routes_problem() - what the kernel refuses
 *
 * Return: a sentence, or NULL when all is as wanted; valid until the next call of this module.
 */
const char *routes_problem(const struct routes *routes);

#endif
