/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that nobody sent, given to the programs to see what they decide; and what the maps hold.
 * Nothing here changes what is forwarded or counted.
 */
#ifndef MLAGD_DATAPATH_TRIAL_H
#define MLAGD_DATAPATH_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "mlag_maps.h"

struct datapath;
struct datapath_trial;

/* Which program. */
enum datapath_program {
	DATAPATH_PROGRAM_NONE,
	DATAPATH_PROGRAM_RECEIVE,
	DATAPATH_PROGRAM_LEG,
	DATAPATH_PROGRAM_PEER_LINK,
	DATAPATH_PROGRAM_SVI,
};

/**
 * struct datapath_question - a frame, and where it is
 * @program: who is asked
 * @ifindex: the port it is at
 * @ingress_ifindex: the device it came in by
 * @tagged, @tci: the tag beside it
 * @bytes, @size: the rest, as on the wire
 */
struct datapath_question {
	enum datapath_program program;
	uint32_t ifindex;
	uint32_t ingress_ifindex;
	bool tagged;
	uint16_t tci;
	const uint8_t *bytes;
	uint32_t size;
};

/**
 * datapath_trial_open() - load the programs of a data plane a second time
 * @ret: to be given to datapath_trial_close()
 * @dp: whose maps they read; lives longer
 *
 * What they read is shared: the pair, ports, sources, routers, addresses.  What they write is their
 * own, so no counter moves.  Loading takes some milliseconds.
 *
 * Return: 0 or what the kernel answered to the load.
 */
int datapath_trial_open(struct datapath_trial **ret, const struct datapath *dp);

/** datapath_trial_close() - NULL is fine */
void datapath_trial_close(struct datapath_trial *trial);

/**
 * datapath_trial_run() - what a program decides of a frame
 * @ret: action and reason, as forward.h would say them
 *
 * Return: 0, -ENODEV (no such device), or what the kernel answered (BPF_PROG_TEST_RUN).
 */
int datapath_trial_run(struct datapath_trial *trial, const struct datapath_question *question,
		       struct mlag_decision *ret);

/**
 * datapath_get_domain(), datapath_get_port(), datapath_get_source(), datapath_get_router(),
 * datapath_get_owner() - what the programs read now
 *
 * Return: 0, -ENOENT when the map does not have it, or -errno of the map.
 */
int datapath_get_domain(const struct datapath *dp, struct mlag_domain *ret);
int datapath_get_port(const struct datapath *dp, uint32_t ifindex, struct mlag_port *ret);
int datapath_get_source(const struct datapath *dp, const struct mlag_source_key *key,
			struct mlag_source *ret);
int datapath_get_router(const struct datapath *dp, const struct mlag_router_key *key,
			struct mlag_router *ret);
int datapath_get_owner(const struct datapath *dp, const struct mlag_address *address, uint8_t *ret);

#endif
