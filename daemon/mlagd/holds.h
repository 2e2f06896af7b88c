/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Legs out of service in the daemon: what the engine wants held goes to the adapter that holds, with
 * the devices that the kernel shows; and what the next daemon has to know of legs is written down: which
 * served, and which somebody wants drained.
 */
#ifndef MLAGD_HOLDS_H
#define MLAGD_HOLDS_H

#include "daemon.h"

/** holds_open() - read what an earlier daemon left; 0 or -errno */
int holds_open(struct daemon *daemon);

/** holds_close() - free; what is held stays so */
void holds_close(struct daemon *daemon);

/** holds_configure_leg() - fill what an earlier daemon left into the event that configures a leg */
void holds_configure_leg(const struct daemon *daemon, const struct config_lag *lag,
			 struct mlag_event *event);

/** holds_leg() - what is wanted of a leg has changed, or what is seen of it */
void holds_leg(struct daemon *daemon, const struct daemon_port *port);

/** holds_config() - legs may have gone: what was held of them is given back */
void holds_config(struct daemon *daemon);

/**
 * holds_left() - this member leaves the pair: nothing is held any more.  What is down of its legs stays so,
 * and belongs to nobody here; interfaces come back; legs come back like those of a first start
 */
void holds_left(struct daemon *daemon);

/**
 * holds_drain() - take legs out of service because somebody asks, or no longer
 * @lag_id: one of the configuration, or 0 for all
 * @on: take them; off: give them back
 * @force: though their hosts would be cut off
 * @ret_lag_id: which cannot be drained
 * @ret_because: why not
 *
 * Return: 0, or -EPERM and nothing was changed.
 */
int holds_drain(void *user, uint16_t lag_id, bool on, bool force, uint16_t *ret_lag_id,
		const char **ret_because);

/** holds_is_held() - the device is down because this daemon holds it */
bool holds_is_held(const struct daemon *daemon, const char *ifname);

#endif
