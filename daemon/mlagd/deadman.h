/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lease that this daemon renews for its guard, mlag-guard (DESIGN §2, dead-man): with every
 * hello, so that who is heard by the peer is alive here, too.  Without a lease the daemon works as ever,
 * and nobody watches over it.
 */
#ifndef MLAGD_DEADMAN_H
#define MLAGD_DEADMAN_H

#include "common/lease.h"
#include "daemon.h"

/** deadman_open() - share the lease of the run directory; a failure is logged */
void deadman_open(struct daemon *daemon);

void deadman_close(struct daemon *daemon);

/** deadman_renew() - this hello was said: the guard knows what we are, should it be the last one */
void deadman_renew(struct daemon *daemon, const uint8_t *hello, uint32_t size);

/** deadman_leave() - this member leaves the pair on purpose: there is nothing to guard any more */
void deadman_leave(struct daemon *daemon);

/** deadman_has_taken() - the guard keeps the leg of this LAG down; @user: struct daemon */
bool deadman_has_taken(void *user, uint16_t lag_id);

/**
 * deadman_guard() - what the guard is doing
 * @user: struct daemon
 * @ret_was_there: there was one since the machine started
 */
enum lease_guard deadman_guard(void *user, bool *ret_was_there);

#endif
