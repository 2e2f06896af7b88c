/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs count: rows by port and reason, made before anybody counts there, and read by
 * sum of all CPUs.  Only datapath.c includes this.
 */
#ifndef MLAG_DATAPATH_COUNTERS_H
#define MLAG_DATAPATH_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/objects.h"

/**
 * struct counters - the maps that are counted in, and who counts where
 * @ebpf: the loaded objects
 * @per_cpu: one value of mlag_counters: cpus_count of them
 * @cpus_count: that can be
 * @rows: which ifindex XDP counts where, 0 for a free row; row 0 is nobody's
 */
struct counters {
	const struct objects *ebpf;
	struct mlag_counter *per_cpu;
	uint32_t cpus_count;
	uint32_t rows[MLAG_MAP_PORTS_MAX + 1];
};

/**
 * counters_open() - begin, with no row taken
 * @counters: zeroed; to be given to counters_close(), whatever comes of this
 * @ebpf: may be loaded later
 *
 * Return: 0 or -errno.
 */
int counters_open(struct counters *counters, const struct objects *ebpf);

/** counters_close() - free what is held; the counts stay in their maps */
void counters_close(struct counters *counters);

/** counters_adopt() - a port of an earlier daemon counts from this place on, see struct mlag_port */
void counters_adopt(struct counters *counters, uint32_t ifindex, uint32_t place);

/** counters_take_row() - the place from which a port counts at XDP; 0 when there are too many */
uint32_t counters_take_row(struct counters *counters, uint32_t ifindex);

/** counters_release_row() - nobody counts at XDP for this port any more */
void counters_release_row(struct counters *counters, uint32_t ifindex);

/**
 * counters_make() - make the rows of a port; those that are there go on
 * @counters: the counters
 * @ifindex: the port
 * @is_leg: what a leg receives is counted as well
 *
 * Return: 0 or -errno.
 */
int counters_make(struct counters *counters, uint32_t ifindex, bool is_leg);

/** counters_delete() - delete the rows of a port, and set to 0 what XDP counted; 0 or -errno */
int counters_delete(struct counters *counters, uint32_t ifindex);

/** counters_leg_rx() - see datapath_leg_rx() */
int counters_leg_rx(const struct counters *counters, uint32_t ifindex, uint64_t *ret_frames);

/** counters_walk() - see datapath_counters() */
int counters_walk(struct counters *counters,
		  void (*on_counter)(void *user, uint32_t ifindex, enum mlag_reason reason,
				     uint64_t packets, uint64_t bytes),
		  void *user);

#endif
