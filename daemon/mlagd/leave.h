/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `mlagctl leave`: this member leaves the pair on purpose, and its box is a plain bridge again
 * (DESIGN §2).
 */
#ifndef MLAGD_LEAVE_H
#define MLAGD_LEAVE_H

#include "daemon.h"

/**
 * leave_begin() - begin; it goes on by itself, and the daemon ends when it is done
 * @user: the daemon
 *
 * Return: 0 (also when it had begun), or -errno of the event loop.
 */
int leave_begin(void *user);

/**
 * leave_get_step() - what was done, by position
 * @user: the daemon
 * @index: 0, 1 …
 * @ret: filled
 *
 * Return: 1, 0 when there is no such step and will be none, -EAGAIN when it was not done yet.
 */
int leave_get_step(void *user, uint32_t index, struct control_leave_step *ret);

/** leave_close() - free */
void leave_close(struct daemon *daemon);

#endif
