/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What others do to our ports is noticed and put right.
 */
#ifndef MLAGD_AUDIT_H
#define MLAGD_AUDIT_H

#include "daemon.h"

/**
 * audit_start() - begin, once the links were read
 * @daemon: the daemon
 *
 * Return: 0 or -errno.
 */
int audit_start(struct daemon *daemon);

/**
 * audit_close() - end
 * @daemon: the daemon; one that was never started is fine
 */
void audit_close(struct daemon *daemon);

/**
 * audit_want() - something happened at a port: compare it with what it should be, soon
 * @daemon: the daemon
 * @ifindex: the port, 0 for all; one that is none of ours is fine
 */
void audit_want(struct daemon *daemon, uint32_t ifindex);

/**
 * audit_settings() - the kernel told the settings of a port; audit_want() if they look wrong
 * @daemon: the daemon
 * @ifindex: the peer link or a leg
 * @settings: what it told; perhaps of some time ago
 */
void audit_settings(struct daemon *daemon, uint32_t ifindex,
		    const struct linkmsg_settings *settings);

/**
 * audit_problems() - ports that could not be set up again; for struct control_context
 * @user: the daemon
 * @ret: room for @max problems
 * @max: how many are wanted
 *
 * Return: how many were written.
 */
uint32_t audit_problems(void *user, struct links_problem *ret, uint32_t max);

#endif
