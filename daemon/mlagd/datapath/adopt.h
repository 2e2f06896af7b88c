/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The maps of an earlier daemon: found by the programs that are attached, or by their pins, and taken
 * over as they are or copied.  Only datapath.c includes this.
 */
#ifndef MLAG_DATAPATH_ADOPT_H
#define MLAG_DATAPATH_ADOPT_H

#include <bpf/libbpf.h>

#include "datapath/datapath.h"

/**
 * struct adopt_found - maps of an earlier daemon, by enum datapath_map
 * @fds: a descriptor each, -1 for one that was not found
 * @refused: something is there, but nobody was asked to accept it, because of this; else NULL
 */
struct adopt_found {
	int fds[DATAPATH_MAPS_COUNT];
	const char *refused;
};

/** adopt_map_name() - what the kernel calls a map */
const char *adopt_map_name(enum datapath_map map);

/** adopt_none() - nothing was found */
void adopt_none(struct adopt_found *ret_found);

/**
 * adopt_search() - find what is attached in this network namespace, else what is pinned
 * @directory: of the pins, NULL for none
 * @accept: as in struct datapath_spec; asked for every state that is found, until one is accepted
 * @user: handed to @accept
 * @ret_found: to be given to adopt_release()
 *
 * Return: true when a state was accepted; other maps may be missing all the same.
 */
bool adopt_search(const char *directory, bool (*accept)(void *user, const struct mlag_state *state),
		  void *user, struct adopt_found *ret_found);

/** adopt_unpin() - take the names of the maps out of a directory */
void adopt_unpin(const char *directory);

/**
 * adopt_sweep() - unpin the maps of network namespaces that are gone, with the programs they were of
 * @directory: ours, which is left alone; the others are beside it
 *
 * Needs CAP_SYS_ADMIN; without it nothing is swept.
 */
void adopt_sweep(const char *directory);

/** adopt_release() - close the descriptors */
void adopt_release(struct adopt_found *found);

/**
 * adopt_reuse() - let an object that is not loaded yet use a map that was found, if it fits
 *
 * Type, sizes and flags must agree.  Return: 0, also when it does not fit, or -errno.
 */
int adopt_reuse(struct bpf_map *map, const struct adopt_found *found, enum datapath_map which);

/**
 * adopt_copy() - fill a loaded map from the one that was found and did not fit
 *
 * Counters, whose keys may mean something else, and maps that are the same are left alone.
 *
 * Return: 0, -E2BIG when there is less room than rows, or -errno.
 */
int adopt_copy(const struct bpf_map *map, const struct adopt_found *found, enum datapath_map which);

/** adopt_walk() - see datapath_walk() */
int adopt_walk(int map_fd, void (*on_row)(void *user, const void *key, const void *value),
	       void *user);

/** adopt_netns_cookie() - the number of this network namespace, 0 where there is none */
uint64_t adopt_netns_cookie(void);

#endif
