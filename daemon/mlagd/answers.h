/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When and where this member answers for its peer (R30): while the engine says so, at its SVIs and
 * at the ports of the bridge.
 */
#ifndef MLAGD_ANSWERS_H
#define MLAGD_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "mlag.h"

struct daemon;

/**
 * answers_open() - load the programs
 * @daemon: the daemon, with its data plane open
 *
 * Return: 0 or -errno.
 */
int answers_open(struct daemon *daemon);

/** answers_close() - let go of them; the lease runs out by itself */
void answers_close(struct daemon *daemon);

/**
 * answers_router() - a router MAC is somebody's, or nobody's any more
 * @daemon: the daemon
 * @program: of a router MAC
 */
void answers_router(struct daemon *daemon, const struct mlag_address_program *program);

/**
 * answers_run() - make it so that the programs run where and when they should
 * @daemon: the daemon
 *
 * Cheap when nothing is to be done; to be called often, at least once a second in a split.
 */
void answers_run(struct daemon *daemon);

/** answers_port_gone() - a device is no port any more, or the peer link from now on */
void answers_port_gone(struct daemon *daemon, uint32_t ifindex);

/** answers_leave() - take the programs off every device, for good */
void answers_leave(struct daemon *daemon);

#endif
