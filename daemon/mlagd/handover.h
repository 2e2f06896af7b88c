/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From one daemon to the next (DESIGN §2, restart): what is left behind while this one runs, and what
 * was found when it started.
 */
#ifndef MLAGD_HANDOVER_H
#define MLAGD_HANDOVER_H

#include "daemon.h"

/**
 * handover_accept() - for struct datapath_spec: is this the state of the pair that we are half of?
 * @user: the daemon, with its configuration
 * @state: as found
 *
 * Return: true when the daemon goes on with it; the reason of a refusal is logged.
 */
bool handover_accept(void *user, const struct mlag_state *state);

/**
 * handover_begin() - tell the engine what was found of the pair, its MACs and addresses
 * @daemon: with its data plane, before any leg is configured
 */
void handover_begin(struct daemon *daemon);

/**
 * handover_legs() - tell the engine what was found of the legs
 * @daemon: with all its legs configured, before any is observed
 */
void handover_legs(struct daemon *daemon);

/**
 * handover_end() - links, addresses and FDB were read: the engine decides, strangers are cleaned
 * @daemon: the daemon
 *
 * A port that was a leg or a port of the bridge for the daemon before and is not any more loses what
 * that one left there.
 */
void handover_end(struct daemon *daemon);

/**
 * handover_keep() - leave behind what the next daemon has to know, if it is something new or due
 * @daemon: the daemon
 */
void handover_keep(struct daemon *daemon);

/**
 * handover_due_ns() - when handover_keep() wants to be called again
 * @daemon: the daemon
 *
 * Return: a time of daemon_now_ns().
 */
uint64_t handover_due_ns(const struct daemon *daemon);

#endif
