/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared gateways (R28): their devices are made, kept as they should be, announced, and removed.
 */
#ifndef MLAGD_GATEWAYS_H
#define MLAGD_GATEWAYS_H

#include "daemon.h"
#include "kernel/gatewayplan.h"

/**
 * gateways_open() - begin; nothing is done before the first gateways_want()
 * @daemon: the daemon, with configuration, FDB and addresses
 *
 * Return: 0 or -errno.
 */
int gateways_open(struct daemon *daemon);

/** gateways_close() - end; the devices stay and go on answering */
void gateways_close(struct daemon *daemon);

/** gateways_configure() - the configuration changed: remove what is in it no more, soon do the rest */
void gateways_configure(struct daemon *daemon);

/** gateways_want() - links or addresses changed, or the bridge did: look again, soon */
void gateways_want(struct daemon *daemon);

/** gateways_announce() - somebody new may listen: announce every gateway, soon */
void gateways_announce(struct daemon *daemon);

/** gateways_is_on() - a device is an SVI that has, or is to have, a shared gateway */
bool gateways_is_on(const struct daemon *daemon, uint32_t ifindex);

/**
 * gateways_view() - look at a gateway by position; for struct control_context
 * @user: the daemon
 * @index: 0, 1, 2 … until it returns false
 */
bool gateways_view(void *user, uint32_t index, struct gatewayplan_view *ret_view);

/** gateways_leave() - remove every device, for good; 0, or -errno of the last that stays */
int gateways_leave(struct daemon *daemon);

#endif
