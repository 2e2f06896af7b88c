/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the run directory has room for what is kept there: the lease, what is held, how ports were
 * found.
 */
#ifndef MLAGD_RUNDIR_H
#define MLAGD_RUNDIR_H

#include "daemon.h"

/**
 * rundir_look() - look at the room there is, and make the lease when it could not be made before
 * @daemon: the daemon
 */
void rundir_look(struct daemon *daemon);

/**
 * rundir_problems() - what is wrong with it now
 * @daemon: the daemon
 * @ret: room for @max problems
 * @max: how many are wanted
 *
 * Return: how many were written.
 */
uint32_t rundir_problems(const struct daemon *daemon, struct links_problem *ret, uint32_t max);

#endif
