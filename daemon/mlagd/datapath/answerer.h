/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs that answer in the peer's name (R30): loaded with the data plane, attached only
 * while they have something to do.
 */
#ifndef MLAG_DATAPATH_ANSWERER_H
#define MLAG_DATAPATH_ANSWERER_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "datapath/datapath.h"

/* Behind those of DATAPATH_TC_PRIORITY, which pass on what they do not decide. */
#define ANSWERER_TC_PRIORITY 2
#define ANSWERER_TC_HANDLE 0x6d6c6172 /* "mlar" */

struct answerer;

/* Where a program runs, both at tc ingress. */
enum answerer_place {
	ANSWERER_AT_NONE,
	ANSWERER_AT_PORT, /* a port of the bridge that is not PL */
	ANSWERER_AT_SVI,
};

/**
 * answerer_open() - load the programs; attaches nothing
 * @ret: the new object, to be given to answerer_close()
 * @maps: of the data plane
 *
 * Return: 0, -ENOMEM, or -errno of the kernel.
 */
int answerer_open(struct answerer **ret, const struct datapath_maps *maps);

/**
 * answerer_close() - let go of the programs; what is attached stays, until its lease has run out
 * @answer: NULL is fine
 */
void answerer_close(struct answerer *answer);

/**
 * answerer_set_until() - the lease: questions are answered until this time
 * @until_ns: of CLOCK_MONOTONIC; 0 ends it at once
 *
 * Return: 0 or -errno of the map.
 */
int answerer_set_until(struct answerer *answer, uint64_t until_ns);

/**
 * answerer_set_svi() - say what is to be known of an SVI of ours
 * @svi: copied; NULL forgets it (one that is not known is no error)
 *
 * Return: 0, -E2BIG, or -errno of the map.
 */
int answerer_set_svi(struct answerer *answer, uint32_t ifindex, const struct mlag_answer_svi *svi);

/**
 * answerer_attach() - put a program on a device, in the place of what we had there
 * @ret_qdisc_made: the device got its clsact qdisc from us
 *
 * Return: 0, -ENODEV, or what the kernel answered.
 */
int answerer_attach(struct answerer *answer, uint32_t ifindex, enum answerer_place place,
		    bool *ret_qdisc_made);

/**
 * answerer_detach() - take ours off a device, that of an earlier daemon too
 *
 * Return: 0 (also where there was none, or no such device), or what the kernel answered.
 */
int answerer_detach(struct answerer *answer, uint32_t ifindex);

#endif
