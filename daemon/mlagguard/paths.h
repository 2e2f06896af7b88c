/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the guard hears the peer's daemon and speaks to it, by the same two paths as mlagd.  It must not
 * take from a daemon that may only hang: on the peer link it has a socket of its own, and what comes by
 * the backup path it watches in passing, with a filter, only while it has to know.
 */
#ifndef MLAGGUARD_PATHS_H
#define MLAGGUARD_PATHS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/lease.h"

#define PATHS_FDS_MAX 2

/**
 * struct paths - the sockets, -1 while there is none
 * @link_fd, @link_ifindex: of the peer link's device
 * @tap_fd: what arrives for the backup path
 * @say_fd: to speak by the backup path
 */
struct paths {
	int link_fd;
	uint32_t link_ifindex;
	int tap_fd;
	int say_fd;
};

/** paths_heard_fn - something that may be a hello came; borrowed for the call */
typedef void paths_heard_fn(void *user, const uint8_t *data, uint32_t size);

void paths_init(struct paths *paths);
void paths_close(struct paths *paths);

/**
 * paths_follow() - make, keep or close sockets by what mlagd said last; called again and again
 * @listens: the peer is to be heard on the backup path, too
 */
void paths_follow(struct paths *paths, const struct lease_terms *terms, bool listens);

/** paths_read() - hand out all that came; NULL throws it away */
void paths_read(struct paths *paths, const struct lease_terms *terms, paths_heard_fn *heard,
		void *user);

/** paths_say() - send a hello by both paths; one that fails is silent */
void paths_say(struct paths *paths, const struct lease_terms *terms, const uint8_t *data,
	       uint32_t size);

/** paths_fds() - what to wait for; returns how many */
uint32_t paths_fds(const struct paths *paths, struct pollfd ret[PATHS_FDS_MAX]);

#endif
