/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways round the bridge (lib/shortcut.h): which ones may be taken, and at which ports XDP takes
 * them.
 */
#ifndef MLAGD_FASTPATH_H
#define MLAGD_FASTPATH_H

#include "daemon.h"

/** fastpath_shortcuts() - what the configuration allows, for struct mlag_domain */
uint32_t fastpath_shortcuts(const struct config *config);

/**
 * fastpath_port() - attach XDP at a port, or take it away, as things are now
 * @daemon: the daemon
 * @ifindex: the peer link or a member port that is set up; others are ignored
 *
 * Why XDP does not run where the configuration asks for it becomes a problem; tc decides there.
 */
void fastpath_port(struct daemon *daemon, uint32_t ifindex);

/** fastpath_retry() - fastpath_port(), if XDP is asked for: what stood against it may be gone */
void fastpath_retry(struct daemon *daemon, uint32_t ifindex);

/**
 * fastpath_slaves() - the LACP state of a leg may have changed: XDP acts for slaves that collect
 * @daemon: the daemon
 * @ifindex: the leg
 */
void fastpath_slaves(struct daemon *daemon, uint32_t ifindex);

/**
 * fastpath_intact() - whether the kernel still has what fastpath_port() put at a port
 * @daemon: the daemon
 * @ifindex: any port
 */
bool fastpath_intact(struct daemon *daemon, uint32_t ifindex);

/** fastpath_forget() - a port is none any more: nothing is taken for its frames */
void fastpath_forget(struct daemon *daemon, struct daemon_member_port *port);

/** fastpath_configure() - the configuration changed */
void fastpath_configure(struct daemon *daemon);

/**
 * fastpath_svi() - a router MAC of ours was seen, or is gone
 * @daemon: the daemon
 * @key: the MAC in its VLAN
 * @ifindex: the interface that has it, 0 for none any more
 */
void fastpath_svi(struct daemon *daemon, const struct mlag_address_key *key, uint32_t ifindex);

/** fastpath_round() - read again what no event tells of; to be called about once a second */
void fastpath_round(struct daemon *daemon);

/**
 * fastpath_problems() - where XDP does not run though the configuration asks for it
 * @daemon: the daemon
 * @ret: filled
 * @max: room in @ret
 *
 * Return: how many were written.
 */
uint32_t fastpath_problems(const struct daemon *daemon, struct links_problem *ret, uint32_t max);

#endif
