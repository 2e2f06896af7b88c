/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where effects of the engine become calls: the only such place.
 */
#ifndef MLAGD_EFFECTS_H
#define MLAGD_EFFECTS_H

#include "daemon.h"

/**
 * effects_step() - tell the engine of an event, and do what follows
 * @daemon: the daemon
 * @event: the event
 *
 * May be called from callbacks of the adapters that this very function has called; what follows
 * from those is done by the outer call.
 */
void effects_step(struct daemon *daemon, const struct mlag_event *event);

/**
 * effects_message() - step an event of which many may come in a row; what is urgent is done now
 *
 * For messages and hellos of the peer, legs, and the time.  Tables follow from the event loop, so that
 * nobody is kept waiting by a slice of them for each: while there is much to do, hellos queue up.
 */
void effects_message(struct daemon *daemon, const struct mlag_event *event);

/**
 * effects_note() - tell the engine of one of many events; what follows is done soon, for all of them
 * @daemon: the daemon
 * @event: the event
 */
void effects_note(struct daemon *daemon, const struct mlag_event *event);

/**
 * effects_more() - do what is due, now
 * @daemon: the daemon
 */
void effects_more(struct daemon *daemon);

/**
 * effects_soon() - something is due that was not told by an event
 * @daemon: the daemon
 */
void effects_soon(struct daemon *daemon);

/**
 * effects_leg() - a leg was observed
 * @daemon: the daemon
 * @lag_id: its LAG
 * @observation: what the link adapter saw; what only the data plane sees is added here
 */
void effects_leg(struct daemon *daemon, uint16_t lag_id,
		 const struct mlag_leg_observation *observation);

/**
 * effects_peer_link() - the peer link changed: set it up before the engine hears of it
 * @daemon: the daemon, with @peer_link of the new state
 */
void effects_peer_link(struct daemon *daemon);

/**
 * effects_devices() - links or addresses changed: perhaps also the devices of our router MACs (R31)
 * @daemon: the daemon
 */
void effects_devices(struct daemon *daemon);

/**
 * effects_last_resort() - R31 is on or off, as the configuration says
 * @daemon: the daemon
 *
 * Return: 0, or -errno when the routes cannot be watched; logged.
 */
int effects_last_resort(struct daemon *daemon);

/**
 * effects_shortcuts() - what is allowed round the bridge changed
 * @daemon: the daemon, with @peer_link_forwards of the new state
 */
void effects_shortcuts(struct daemon *daemon);

/** effects_identity() - what the engine needs of the configuration, but what is only told at its start */
void effects_identity(const struct config *config, struct mlag_config *ret_config);

#endif
